//! `CREATE TYPE`, `ALTER TYPE` and their kin for domains.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState, Value};
use helios_table::catalog::{FieldDef, TypeDef};
use helios_table::ddl::DomainChange;

use super::Ddl;
use crate::bind::stored::{DomainExpr, domain_check};
use crate::plan::{AlterType, CreateType, FieldChange, QualifiedName, TypeChange};

impl Ddl<'_> {
    pub(super) fn create_type(&mut self, create: &CreateType) -> Result<()> {
        let schema = self.schema_for(&create.name, false)?;
        self.txn
            .create_type(schema, &create.name.name, create.new.clone())?;
        Ok(())
    }

    /// The type of this name.
    pub(super) fn require_type(&self, name: &QualifiedName) -> Result<Arc<TypeDef>> {
        if let Some(schema) = &name.schema {
            self.catalog.require_schema(schema)?;
        }
        let found = self
            .catalog
            .resolve_type(name.schema.as_deref(), &name.name, &self.path);
        found.cloned().ok_or_else(|| {
            let shown = match &name.schema {
                Some(schema) => format!("{schema}.{}", name.name),
                None => name.name.clone(),
            };
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("type \"{shown}\" does not exist"),
            )
        })
    }

    /// The domain of this name.
    pub(super) fn require_domain(&self, name: &QualifiedName) -> Result<Arc<TypeDef>> {
        let def = self.require_type(name)?;
        if def.as_domain().is_none() {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!("\"{}\" is not a domain", def.name),
            ));
        }
        Ok(def)
    }

    pub(super) fn alter_type(&mut self, alter: &AlterType) -> Result<()> {
        let def = if alter.domain {
            let def = self.require_type(&alter.name)?;
            if def.as_domain().is_none() {
                return Err(Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("{} is not a domain", def.name),
                ));
            }
            def
        } else {
            self.require_type(&alter.name)?
        };
        match &alter.change {
            TypeChange::AddLabel {
                label,
                place,
                if_not_exists,
            } => {
                if !self.txn.add_label(def.id, label, place, *if_not_exists)? {
                    let message = format!("enum label \"{label}\" already exists, skipping");
                    self.session
                        .notice_state(SqlState::DUPLICATE_OBJECT, message);
                }
                Ok(())
            }
            TypeChange::RenameLabel(from, to) => self.txn.rename_label(def.id, from, to),
            TypeChange::Rename(to) => self.txn.rename_type(def.id, to),
            TypeChange::SetSchema(schema) => {
                let schema = self.catalog.require_schema(schema)?.id;
                self.txn.move_type(def.id, schema)
            }
            TypeChange::Fields(changes) => self.alter_fields(&def, changes),
            TypeChange::Domain(change, if_exists) => {
                if let (true, DomainChange::DropConstraint(name)) = (*if_exists, change)
                    && let Some(domain) = def.as_domain()
                    && !domain.checks.iter().any(|check| check.name == *name)
                {
                    let message = format!(
                        "constraint \"{name}\" of domain \"{}\" does not exist, skipping",
                        def.name
                    );
                    self.session.notice(message);
                    return Ok(());
                }
                self.alter_domain(&def, change)
            }
        }
    }

    fn alter_domain(&self, def: &Arc<TypeDef>, change: &DomainChange) -> Result<()> {
        let sql = match change {
            DomainChange::AddCheck { sql, .. } => Some(sql.as_str()),
            DomainChange::Validate(name) => def.as_domain().and_then(|domain| {
                let check = domain.checks.iter().find(|check| check.name == *name)?;
                Some(check.sql.as_str())
            }),
            _ => None,
        };
        let expr: Option<DomainExpr> = match (sql, def.as_domain()) {
            (Some(sql), Some(domain)) => Some(domain_check(
                &self.catalog,
                &def.schema_name,
                sql,
                &resolved(&self.catalog, def, &domain.base),
            )?),
            _ => None,
        };
        let state = self.session.state.clone();
        let text = self.session.text_context();
        self.txn
            .alter_domain(def.id, change, &mut |value: &Value| match &expr {
                Some(expr) => {
                    let context = helios_expr::EvalContext::new(&*state, &text);
                    let held = expr.eval(std::slice::from_ref(value), &context)?;
                    Ok(!matches!(held, Value::Bool(false)))
                }
                None => Ok(true),
            })
    }

    fn alter_fields(&mut self, def: &Arc<TypeDef>, changes: &[FieldChange]) -> Result<()> {
        let name = def.name.clone();
        let missing = |field: &str| {
            Error::new(
                SqlState::UNDEFINED_COLUMN,
                format!("column \"{field}\" of relation \"{name}\" does not exist"),
            )
        };
        let taken = |fields: &[FieldDef], field: &str| {
            if fields.iter().any(|known| known.name == field) {
                return Err(Error::new(
                    SqlState::DUPLICATE_COLUMN,
                    format!("column \"{field}\" of relation \"{name}\" already exists"),
                ));
            }
            Ok(())
        };
        let mut notices = Vec::new();
        let only_adds = changes
            .iter()
            .all(|change| matches!(change, FieldChange::Add(..) | FieldChange::Rename(..)));
        self.txn.alter_fields(def.id, only_adds, |fields| {
            for change in changes {
                match change {
                    FieldChange::Add(field, ty) => {
                        taken(fields, field)?;
                        fields.push(FieldDef {
                            name: field.clone(),
                            ty: ty.clone(),
                        });
                    }
                    FieldChange::Drop(field, if_exists) => {
                        let before = fields.len();
                        fields.retain(|known| known.name != *field);
                        if fields.len() == before && !if_exists {
                            return Err(missing(field));
                        }
                        if fields.len() == before {
                            notices.push(format!(
                                "column \"{field}\" of relation \"{name}\" does not exist, skipping"
                            ));
                        }
                    }
                    FieldChange::Retype(field, ty) => {
                        let found = fields.iter_mut().find(|known| known.name == *field);
                        found.ok_or_else(|| missing(field))?.ty = ty.clone();
                    }
                    FieldChange::Rename(from, to) => {
                        taken(fields, to)?;
                        let found = fields.iter_mut().find(|known| known.name == *from);
                        found.ok_or_else(|| missing(from))?.name.clone_from(to);
                    }
                }
            }
            Ok(())
        })?;
        for notice in notices {
            self.session.notice(notice);
        }
        Ok(())
    }
}

/// The base of a domain with its definition looked up.
fn resolved(catalog: &helios_table::Catalog, def: &TypeDef, base: &DataType) -> DataType {
    catalog
        .type_by_id(def.id)
        .map_or_else(|| base.clone(), |def| def.data_type().base().into_owned())
}
