//! The plan's specifications in the table layer's words.

use helios_base::{Error, Result, SqlState};
use helios_table::catalog::{FkAction, Relation};
use helios_table::ddl::{
    NewColumn, NewConstraint, NewConstraintKind, NewIdentity, SequenceOptions,
};

use super::Ddl;
use crate::plan::{
    self, CheckSpec, ColumnSpec, ForeignAction, ForeignKeySpec, IdentitySpec, KeySpec,
    QualifiedName,
};

impl Ddl<'_> {
    pub(super) fn column(&self, spec: &ColumnSpec) -> Result<NewColumn> {
        let mut column = NewColumn::new(spec.name.clone(), spec.ty.clone());
        column.not_null = spec.not_null;
        column.default.clone_from(&spec.default);
        column.generated.clone_from(&spec.generated);
        column.serial = spec.serial;
        column.identity = match &spec.identity {
            Some(identity) => Some(self.identity(identity)?),
            None => None,
        };
        Ok(column)
    }

    pub(super) fn identity(&self, spec: &IdentitySpec) -> Result<NewIdentity> {
        Ok(NewIdentity {
            always: spec.always,
            sequence: self.sequence_options(&spec.options)?,
        })
    }

    pub(super) fn sequence_options(&self, spec: &plan::SequenceOptions) -> Result<SequenceOptions> {
        let owned_by = match &spec.owned_by {
            None => None,
            Some(None) => Some(None),
            Some(Some((table, column))) => {
                let table = self.require_table(table)?;
                let Some((_, def)) = table.column(column) else {
                    return Err(Error::new(
                        SqlState::UNDEFINED_COLUMN,
                        format!(
                            "column \"{column}\" of relation \"{}\" does not exist",
                            table.name
                        ),
                    ));
                };
                Some(Some((table.id, def.id)))
            }
        };
        Ok(SequenceOptions {
            ty: spec.ty.clone(),
            start: spec.start,
            increment: spec.increment,
            min: spec.min,
            max: spec.max,
            cache: spec.cache,
            cycle: spec.cycle,
            restart: spec.restart,
            owned_by,
            name: spec
                .name
                .as_ref()
                .map(|name| (name.schema.clone(), name.name.clone())),
        })
    }

    /// A foreign key; `own` is the name of the table it is in.
    pub(super) fn foreign_key(
        &self,
        spec: &ForeignKeySpec,
        own: &QualifiedName,
    ) -> Result<NewConstraint> {
        // A table that is being created can only be found by its own name.
        let itself = spec.table.name == own.name
            && (spec.table.schema.is_none() || spec.table.schema == own.schema);
        let parent = match self.find(&spec.table) {
            Some(Relation::Table(table)) => Some(table.id),
            Some(other) => return Err(not_a_table(other.name())),
            None if itself => None,
            None => Some(self.require_table(&spec.table)?.id),
        };
        Ok(NewConstraint {
            name: spec.name.clone(),
            kind: NewConstraintKind::ForeignKey {
                columns: spec.columns.clone(),
                parent,
                parent_columns: spec.referred.clone(),
                match_full: spec.match_full,
                on_delete: action(spec.on_delete),
                on_update: action(spec.on_update),
                set_columns: spec.set_columns.clone(),
            },
            deferrable: spec.deferrable,
            initially_deferred: spec.initially_deferred,
            not_valid: spec.not_valid,
        })
    }
}

fn not_a_table(name: &str) -> Error {
    Error::new(
        SqlState::WRONG_OBJECT_TYPE,
        format!("referenced relation \"{name}\" is not a table"),
    )
}

/// A primary key or unique constraint.
pub(super) fn key(spec: &KeySpec) -> NewConstraint {
    let (columns, include) = (spec.columns.clone(), spec.include.clone());
    NewConstraint {
        name: spec.name.clone(),
        kind: if spec.primary {
            NewConstraintKind::PrimaryKey { columns, include }
        } else {
            NewConstraintKind::Unique {
                columns,
                include,
                nulls_not_distinct: spec.nulls_not_distinct,
            }
        },
        deferrable: spec.deferrable,
        initially_deferred: spec.initially_deferred,
        not_valid: false,
    }
}

/// A check constraint.
pub(super) fn check(spec: &CheckSpec) -> NewConstraint {
    NewConstraint {
        name: spec.name.clone(),
        kind: NewConstraintKind::Check(spec.expr.clone()),
        deferrable: false,
        initially_deferred: false,
        not_valid: spec.not_valid,
    }
}

fn action(action: ForeignAction) -> FkAction {
    match action {
        ForeignAction::NoAction => FkAction::NoAction,
        ForeignAction::Restrict => FkAction::Restrict,
        ForeignAction::Cascade => FkAction::Cascade,
        ForeignAction::SetNull => FkAction::SetNull,
        ForeignAction::SetDefault => FkAction::SetDefault,
    }
}
