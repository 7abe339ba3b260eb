//! `DROP`, `TRUNCATE` and `COMMENT`.

use helios_base::{Error, Result, SqlState};
use helios_table::Transaction;
use helios_table::catalog::Relation;
use helios_table::ddl::{CommentTarget, ObjectRef};

use super::{Ddl, wrong_kind};
use crate::plan::{self, Cascade, Drop, DropTarget, QualifiedName, Truncate};

impl Ddl<'_> {
    pub(super) fn drop(&mut self, drop: &Drop) -> Result<()> {
        let mut objects = Vec::new();
        for name in &drop.names {
            match self.object(drop.target, name) {
                Ok(object) => objects.push(object),
                Err(error) if drop.if_exists && is_missing(&error) => {
                    let message = format!("{}, skipping", without_hint(&error));
                    self.session.notice(message);
                }
                Err(error) => return Err(error),
            }
        }
        if objects.is_empty() {
            return Ok(());
        }
        self.drop_all(&objects, drop.cascade)
    }

    /// Drops objects and tells what went with them.
    pub(super) fn drop_all(&mut self, objects: &[ObjectRef], cascade: Cascade) -> Result<()> {
        self.session.drop_objects(objects, cascade)
    }

    fn object(&self, target: DropTarget, name: &QualifiedName) -> Result<ObjectRef> {
        let kind = match target {
            DropTarget::Schema => {
                let schema = self.catalog.require_schema(&name.name)?;
                return Ok(ObjectRef::Schema(schema.id));
            }
            DropTarget::Type => {
                let found = self.require_type(name);
                return match (found, self.find(name)) {
                    (Err(_), Some(relation @ (Relation::Table(_) | Relation::View(_)))) => {
                        Err(row_type(&relation))
                    }
                    (found, _) => Ok(ObjectRef::Type(found?.id)),
                };
            }
            DropTarget::Domain => return Ok(ObjectRef::Type(self.require_domain(name)?.id)),
            DropTarget::Table => "table",
            DropTarget::View => "view",
            DropTarget::Index => "index",
            DropTarget::Sequence => "sequence",
        };
        let found = self.require(kind, name).map_err(|error| {
            // An index is an object of its table, not one that a query can name.
            if target == DropTarget::Index && error.sqlstate() == SqlState::UNDEFINED_TABLE {
                return Error::new(SqlState::UNDEFINED_OBJECT, error.message().to_owned());
            }
            error
        })?;
        match (target, found) {
            (DropTarget::Table, Relation::Table(table)) => Ok(ObjectRef::Table(table.id)),
            (DropTarget::View, Relation::View(view)) => Ok(ObjectRef::View(view.id)),
            (DropTarget::Index, Relation::Index(table, index)) => {
                Ok(ObjectRef::Index(table.id, index.id))
            }
            (DropTarget::Sequence, Relation::Sequence(sequence)) => {
                Ok(ObjectRef::Sequence(sequence.id))
            }
            (_, other) => Err(wrong_kind(other.name(), kind).with_hint(format!(
                "Use DROP {} to remove it.",
                other.kind().to_uppercase()
            ))),
        }
    }

    pub(super) fn truncate(&mut self, truncate: &Truncate) -> Result<()> {
        let mut tables: Vec<_> = truncate.tables.iter().map(|table| table.id).collect();
        if truncate.cascade == Cascade::Cascade {
            let all = Transaction::truncate_closure(&self.catalog, &tables);
            for id in all.iter().filter(|id| !tables.contains(id)) {
                if let Some(table) = self.catalog.table_by_id(*id) {
                    let message = format!("truncate cascades to table \"{}\"", table.name);
                    self.session.notice(message);
                }
            }
            tables = all;
        }
        self.txn.truncate(&tables, truncate.restart_identity)
    }

    pub(super) fn comment(&mut self, comment: &plan::Comment) -> Result<()> {
        let target = match &comment.target {
            plan::CommentTarget::Schema(name) => {
                CommentTarget::Schema(self.catalog.require_schema(name)?.id)
            }
            plan::CommentTarget::Type(name) => CommentTarget::Type(self.require_type(name)?.id),
            plan::CommentTarget::Table(name) => CommentTarget::Table(self.require_table(name)?.id),
            plan::CommentTarget::View(name) => match self.require("relation", name)? {
                Relation::View(view) => CommentTarget::View(view.id),
                other => return Err(wrong_kind(other.name(), "view")),
            },
            plan::CommentTarget::Index(name) => match self.require("relation", name)? {
                Relation::Index(table, index) => CommentTarget::Index(table.id, index.id),
                other => return Err(wrong_kind(other.name(), "index")),
            },
            plan::CommentTarget::Sequence(name) => match self.require("relation", name)? {
                Relation::Sequence(sequence) => CommentTarget::Sequence(sequence.id),
                other => return Err(wrong_kind(other.name(), "sequence")),
            },
            plan::CommentTarget::Column(name, column) => self.comment_on_column(name, column)?,
            plan::CommentTarget::Constraint(name, constraint) => {
                let table = self.require_table(name)?;
                let def = table.constraint(constraint).ok_or_else(|| {
                    Error::new(
                        SqlState::UNDEFINED_OBJECT,
                        format!(
                            "constraint \"{constraint}\" for table \"{}\" does not exist",
                            table.name
                        ),
                    )
                })?;
                CommentTarget::Constraint(table.id, def.id)
            }
        };
        self.txn.comment(target, comment.text.as_deref())
    }

    fn comment_on_column(&self, name: &QualifiedName, column: &str) -> Result<CommentTarget> {
        let relation = self.require("relation", name)?;
        let found = match &relation {
            Relation::Table(table) => table
                .column(column)
                .map(|(_, def)| CommentTarget::Column(table.id, def.id)),
            Relation::View(view) => view
                .columns
                .iter()
                .position(|def| def.name == column)
                .map(|at| CommentTarget::ViewColumn(view.id, at)),
            _ => None,
        };
        found.ok_or_else(|| {
            Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!(
                    "column \"{column}\" of relation \"{}\" does not exist",
                    relation.name()
                ),
            )
        })
    }
}

/// A relation's row type goes with the relation.
fn row_type(relation: &Relation) -> Error {
    let (kind, name) = (relation.kind(), relation.name());
    Error::new(
        SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
        format!("cannot drop type {name} because {kind} {name} requires it"),
    )
    .with_hint(format!("You can drop {kind} {name} instead."))
}

pub(super) fn is_missing(error: &Error) -> bool {
    let state = error.sqlstate();
    state == SqlState::UNDEFINED_TABLE
        || state == SqlState::UNDEFINED_FUNCTION
        || state == SqlState::UNDEFINED_OBJECT
        || state == SqlState::INVALID_SCHEMA_NAME
}

fn without_hint(error: &Error) -> &str {
    error.message()
}

impl crate::session::Session {
    /// Drops what a role owns and tells what went with it.
    pub(in crate::session) fn drop_objects(
        &mut self,
        objects: &[ObjectRef],
        cascade: Cascade,
    ) -> Result<()> {
        let dropped = self
            .transaction()?
            .drop_objects(objects, cascade == Cascade::Cascade)?;
        tell(self, &dropped.cascaded);
        Ok(())
    }
}

fn tell(session: &mut crate::session::Session, cascaded: &[String]) {
    match cascaded {
        [] => {}
        [one] => session.notice(format!("drop cascades to {one}")),
        many => session.notice(format!("drop cascades to {} other objects", many.len())),
    }
}
