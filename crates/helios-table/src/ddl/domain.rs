//! `ALTER DOMAIN`.

use std::sync::Arc;

use helios_base::{DataType, DomainType, Error, Result, SqlState, Value};
use helios_version::TableLock;

use crate::catalog::{Catalog, DomainDef, TableDef, TypeDef, TypeId, TypeKind, uses_type};
use crate::transaction::Transaction;

/// A change of a domain.
#[derive(Clone, Debug)]
pub enum DomainChange {
    /// `SET DEFAULT`, `DROP DEFAULT`: SQL text.
    Default(Option<String>),
    /// `SET NOT NULL`, `DROP NOT NULL`.
    NotNull(bool),
    /// `ADD [CONSTRAINT name] CHECK (sql) [NOT VALID]`.
    AddCheck {
        /// Its name, if given.
        name: Option<String>,
        /// The condition over `VALUE`.
        sql: String,
        /// Existing values are not checked.
        not_valid: bool,
    },
    /// `DROP CONSTRAINT`.
    DropConstraint(String),
    /// `RENAME CONSTRAINT … TO`.
    RenameConstraint(String, String),
    /// `VALIDATE CONSTRAINT`.
    Validate(String),
}

/// Says whether a value satisfies a new condition.
pub type DomainTest<'c> = &'c mut dyn FnMut(&Value) -> Result<bool>;

impl Transaction {
    /// `ALTER DOMAIN`. `test` judges the values that are there, for the changes that must.
    ///
    /// # Errors
    /// 42704 no such constraint, 42710 its name is taken, 23502 and 23514 values that are there do
    /// not satisfy the new condition.
    pub fn alter_domain(
        &self,
        id: TypeId,
        change: &DomainChange,
        test: DomainTest<'_>,
    ) -> Result<()> {
        let (catalog, mut def) = self.lock_type(id)?;
        let name = def.name.clone();
        let domain = domain_of(&mut def)?;
        match change {
            DomainChange::Default(default) => domain.default.clone_from(default),
            DomainChange::NotNull(not_null) => {
                if *not_null && !domain.not_null {
                    self.refuse_null_values(&catalog, id)?;
                }
                domain.not_null = *not_null;
            }
            DomainChange::AddCheck {
                name: check,
                sql,
                not_valid,
            } => {
                if !not_valid {
                    self.test_values(&catalog, id, test)?;
                }
                self.add_check(domain, &name, check.clone(), sql.clone(), !not_valid)?;
            }
            DomainChange::DropConstraint(check) => {
                let before = domain.checks.len();
                domain.checks.retain(|known| known.name != *check);
                if domain.checks.len() == before {
                    return Err(no_constraint(check, &name));
                }
            }
            DomainChange::RenameConstraint(from, to) => {
                if domain.checks.iter().any(|known| known.name == *to) {
                    return Err(Error::new(
                        SqlState::DUPLICATE_OBJECT,
                        format!("constraint \"{to}\" for domain {name} already exists"),
                    ));
                }
                let found = domain.checks.iter_mut().find(|known| known.name == *from);
                let check = found.ok_or_else(|| no_constraint(from, &name))?;
                check.name.clone_from(to);
            }
            DomainChange::Validate(check) => {
                let found = domain.checks.iter_mut().find(|known| known.name == *check);
                let check = found.ok_or_else(|| no_constraint(check, &name))?;
                if !check.validated {
                    self.test_values(&catalog, id, test)?;
                    check.validated = true;
                }
            }
        }
        self.put_type(def)
    }

    /// Judges every stored value of a domain.
    pub(crate) fn test_domain(
        &self,
        id: TypeId,
        not_null: bool,
        test: DomainTest<'_>,
    ) -> Result<()> {
        let catalog = self.latest_catalog()?;
        if not_null {
            self.refuse_null_values(&catalog, id)?;
        }
        self.test_values(&catalog, id, test)
    }

    fn refuse_null_values(&self, catalog: &Catalog, id: TypeId) -> Result<()> {
        self.each_value(catalog, id, &mut |table, column, value| {
            if !value.is_null() {
                return Ok(());
            }
            Err(Error::new(
                SqlState::NOT_NULL_VIOLATION,
                format!(
                    "column \"{column}\" of table \"{}\" contains null values",
                    table.name
                ),
            ))
        })
    }

    fn test_values(&self, catalog: &Catalog, id: TypeId, test: DomainTest<'_>) -> Result<()> {
        self.each_value(catalog, id, &mut |table, column, value| {
            if test(value)? {
                return Ok(());
            }
            Err(Error::new(
                SqlState::CHECK_VIOLATION,
                format!(
                    "column \"{column}\" of table \"{}\" contains values that violate the new \
                     constraint",
                    table.name
                ),
            ))
        })
    }

    /// Shows every stored value of the domain to `visit`, with its table and column.
    fn each_value(
        &self,
        catalog: &Catalog,
        id: TypeId,
        visit: &mut dyn FnMut(&TableDef, &str, &Value) -> Result<()>,
    ) -> Result<()> {
        let users = |table: &&Arc<TableDef>| table.columns.iter().any(|c| uses_type(&c.ty, id));
        for table in catalog.tables().filter(users) {
            let within = |ty: &DataType| uses_type(ty, id) && !is_over(ty, id);
            if let Some(column) = table.columns.iter().find(|column| within(&column.ty)) {
                let name = catalog.type_by_id(id).map_or("", |def| &def.name);
                return Err(Error::unsupported(format!(
                    "cannot alter type \"{name}\" because column \"{}.{}\" uses it",
                    table.name, column.name
                )));
            }
        }
        for table in catalog.tables().filter(users) {
            let (_, table) = self.lock_definition(table.id, TableLock::Share)?;
            self.each_row(&table, |row| {
                for (position, column) in table.columns.iter().enumerate() {
                    if uses_type(&column.ty, id) {
                        visit(&table, &column.name, &row.value(position)?)?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Whether `ty` is domain `id` or a domain over it.
fn is_over(ty: &DataType, id: TypeId) -> bool {
    match ty {
        DataType::User(user) => {
            let over = |domain: &DomainType| is_over(&domain.base, id);
            user.oid == id.0 || user.as_domain().is_some_and(over)
        }
        _ => false,
    }
}

fn domain_of(def: &mut TypeDef) -> Result<&mut DomainDef> {
    let name = def.name.clone();
    match &mut def.kind {
        TypeKind::Domain(domain) => Ok(domain),
        _ => Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("\"{name}\" is not a domain"),
        )),
    }
}

fn no_constraint(check: &str, domain: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("constraint \"{check}\" of domain \"{domain}\" does not exist"),
    )
}
