//! Types: `CREATE TYPE`, `ALTER TYPE`.

use std::sync::Arc;

use helios_base::user_type::LABEL_STEP;
use helios_base::{ColumnId, DataType, Error, Result, SqlState, UserKind};
use helios_version::{LockMode, TableLock, Wait};

use crate::catalog::{
    Catalog, Change, ConstraintId, DomainCheck, DomainDef, FieldDef, LabelDef, SchemaId, TableDef,
    TypeDef, TypeId, TypeKind, uses_type,
};
use crate::system;
use crate::transaction::Transaction;

/// The longest label, in bytes.
const LABEL_BYTES: usize = 63;

/// A type to create.
#[derive(Clone, Debug)]
pub enum NewType {
    /// An enum with these labels.
    Enum(Vec<String>),
    /// A domain; checks are named by the system where they have no name.
    Domain {
        /// The type of its values.
        base: DataType,
        /// `NOT NULL`.
        not_null: bool,
        /// `DEFAULT`, as SQL text.
        default: Option<String>,
        /// Conditions: name and SQL text.
        checks: Vec<(Option<String>, String)>,
    },
    /// A composite type with these fields.
    Composite(Vec<FieldDef>),
}

/// Where a new label goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelPlace {
    /// After all others.
    Last,
    /// Before this one.
    Before(String),
    /// After this one.
    After(String),
}

impl Transaction {
    /// `CREATE TYPE`, `CREATE DOMAIN`. Returns the type as the transaction's catalog has it.
    ///
    /// # Errors
    /// 42710 the name is taken, 42P18, 42701 and their kin for bad parts.
    pub fn create_type(&self, schema: SchemaId, name: &str, new: NewType) -> Result<TypeId> {
        let schema = self.enter_schema(schema)?;
        self.take_type_name(schema.id, name)?;
        for part in parts(&new) {
            if let Some(user) = part.user_type() {
                self.share_object(user.oid)?;
            }
        }
        let id = TypeId(self.tables().next_id()?);
        let array = self.tables().next_id()?;
        let kind = match new {
            NewType::Enum(labels) => TypeKind::Enum(self.first_labels(&labels)?),
            NewType::Domain {
                base,
                not_null,
                default,
                checks,
            } => {
                let mut domain = DomainDef {
                    base,
                    not_null,
                    default,
                    checks: Vec::new(),
                };
                for (check, sql) in checks {
                    self.add_check(&mut domain, name, check, sql, true)?;
                }
                TypeKind::Domain(domain)
            }
            NewType::Composite(fields) => {
                for (at, field) in fields.iter().enumerate() {
                    if fields.iter().take(at).any(|other| other.name == field.name) {
                        return Err(Error::new(
                            SqlState::DUPLICATE_COLUMN,
                            format!("column \"{}\" specified more than once", field.name),
                        ));
                    }
                }
                TypeKind::Composite(fields)
            }
        };
        let def = TypeDef::new(id, array, &schema, name, kind);
        self.change(Change::Type(id, Some(Arc::new(def))))?;
        Ok(id)
    }

    fn first_labels(&self, labels: &[String]) -> Result<Vec<LabelDef>> {
        let mut all: Vec<LabelDef> = Vec::with_capacity(labels.len());
        for (label, number) in labels.iter().zip(1_u64..) {
            check_label(label)?;
            if all.iter().any(|other| other.name == *label) {
                return Err(Error::new(
                    SqlState::UNIQUE_VIOLATION,
                    "duplicate key value violates unique constraint \
                     \"pg_enum_typid_label_index\"",
                ));
            }
            all.push(LabelDef {
                oid: self.tables().next_id()?,
                order: number * LABEL_STEP,
                name: label.clone(),
            });
        }
        Ok(all)
    }

    /// `ALTER TYPE … ADD VALUE`. False: it is there already and `if_not_exists` was said.
    ///
    /// # Errors
    /// 42710 there is such a label, 22023 there is no such neighbour, 54000 no room between two
    /// labels.
    pub fn add_label(
        &self,
        id: TypeId,
        label: &str,
        place: &LabelPlace,
        if_not_exists: bool,
    ) -> Result<bool> {
        check_label(label)?;
        let (_, mut def) = self.lock_type(id)?;
        let oid = self.tables().next_id()?;
        let labels = labels_of(&mut def)?;
        if labels.iter().any(|known| known.name == label) {
            if if_not_exists {
                return Ok(false);
            }
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("enum label \"{label}\" already exists"),
            ));
        }
        let neighbour = |name: &str| {
            labels
                .iter()
                .position(|known| known.name == name)
                .ok_or_else(|| no_label(name))
        };
        let at = match place {
            LabelPlace::Last => labels.len(),
            LabelPlace::Before(name) => neighbour(name)?,
            LabelPlace::After(name) => neighbour(name)? + 1,
        };
        let order = |at: usize| labels.get(at).map(|label| label.order);
        let below = at.checked_sub(1).and_then(order).unwrap_or(0);
        let order = match order(at) {
            None => below.checked_add(LABEL_STEP),
            Some(above) => Some(below + (above - below) / 2),
        }
        .filter(|&order| order > below)
        .ok_or_else(|| {
            Error::new(
                SqlState::PROGRAM_LIMIT_EXCEEDED,
                format!("there is no place left for enum label \"{label}\" there"),
            )
            .with_hint("Add it at the end, or create a new type.")
        })?;
        let name = label.to_owned();
        labels.insert(at, LabelDef { oid, order, name });
        self.put_type(def)?;
        Ok(true)
    }

    /// `ALTER TYPE … RENAME VALUE`.
    ///
    /// # Errors
    /// 22023 there is no such label, 42710 the new one is taken.
    pub fn rename_label(&self, id: TypeId, from: &str, to: &str) -> Result<()> {
        check_label(to)?;
        let (_, mut def) = self.lock_type(id)?;
        let labels = labels_of(&mut def)?;
        if !labels.iter().any(|label| label.name == from) {
            return Err(no_label(from));
        }
        if labels.iter().any(|label| label.name == to) {
            return Err(Error::new(
                SqlState::DUPLICATE_OBJECT,
                format!("enum label \"{to}\" already exists"),
            ));
        }
        for label in labels.iter_mut().filter(|label| label.name == from) {
            to.clone_into(&mut label.name);
        }
        self.put_type(def)
    }

    /// `ALTER TYPE … RENAME TO`, `ALTER DOMAIN … RENAME TO`.
    ///
    /// # Errors
    /// 42710 the name is taken.
    pub fn rename_type(&self, id: TypeId, to: &str) -> Result<()> {
        let (_, mut def) = self.lock_type(id)?;
        self.take_type_name(def.schema, to)?;
        to.clone_into(&mut def.name);
        self.put_type(def)
    }

    /// `ALTER TYPE … SET SCHEMA`, `ALTER DOMAIN … SET SCHEMA`.
    ///
    /// # Errors
    /// 42710 the name is taken there.
    pub fn move_type(&self, id: TypeId, to: SchemaId) -> Result<()> {
        let (_, mut def) = self.lock_type(id)?;
        let schema = self.enter_schema(to)?;
        self.take_type_name(to, &def.name)?;
        def.schema = to;
        def.schema_name.clone_from(&schema.name);
        self.put_type(def)
    }

    /// Changes the fields of a composite type. Columns of the type allow fields to be added and
    /// renamed; keys not even that, as their bytes know no missing fields.
    ///
    /// # Errors
    /// 0A000 a column has it; what `change` returns.
    pub fn alter_fields(
        &self,
        id: TypeId,
        only_adds: bool,
        change: impl FnOnce(&mut Vec<FieldDef>) -> Result<()>,
    ) -> Result<()> {
        let (catalog, mut def) = self.lock_type(id)?;
        for table in catalog.tables() {
            let keyed = |column: ColumnId| {
                table.key.contains(&column)
                    || table
                        .indexes
                        .iter()
                        .any(|index| index.columns().any(|id| id == column))
            };
            let mut columns = table.columns.iter();
            if let Some(column) =
                columns.find(|c| uses_type(&c.ty, id) && (!only_adds || keyed(c.id)))
            {
                return Err(Error::new(
                    SqlState::FEATURE_NOT_SUPPORTED,
                    format!(
                        "cannot alter type \"{}\" because column \"{}.{}\" uses it",
                        def.name, table.name, column.name
                    ),
                ));
            }
        }
        match &mut def.kind {
            TypeKind::Composite(fields) => change(fields)?,
            _ => {
                return Err(Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("\"{}\" is not a composite type", def.name),
                ));
            }
        }
        self.put_type(def)
    }

    /// `COMMENT ON TYPE`, `COMMENT ON DOMAIN`.
    ///
    /// # Errors
    /// When the type is gone.
    pub(super) fn comment_type(&self, id: TypeId, text: Option<String>) -> Result<()> {
        let (_, mut def) = self.lock_type(id)?;
        def.comment = text;
        self.put_type(def)
    }

    /// Locks a type for a change and returns its newest definition.
    pub(super) fn lock_type(&self, id: TypeId) -> Result<(Arc<Catalog>, TypeDef)> {
        self.lock_object(id.0)?;
        let catalog = self.latest_catalog()?;
        let def = catalog.type_by_id(id).cloned().ok_or_else(|| {
            Error::new(SqlState::UNDEFINED_OBJECT, "type does not exist")
                .with_detail("It was dropped by a concurrent transaction.")
        })?;
        Ok((catalog, TypeDef::clone(&def)))
    }

    pub(super) fn put_type(&self, def: TypeDef) -> Result<()> {
        self.change(Change::Type(def.id, Some(Arc::new(def))))
    }

    /// Adds a condition under a free name.
    pub(super) fn add_check(
        &self,
        domain: &mut DomainDef,
        owner: &str,
        name: Option<String>,
        sql: String,
        validated: bool,
    ) -> Result<()> {
        let taken = |name: &str| domain.checks.iter().any(|check| check.name == name);
        let name = match name {
            Some(name) if taken(&name) => {
                return Err(Error::new(
                    SqlState::DUPLICATE_OBJECT,
                    format!("constraint \"{name}\" for domain \"{owner}\" already exists"),
                ));
            }
            Some(name) => name,
            None => (0_u32..)
                .map(|number| match number {
                    0 => super::name::join(owner, "", "check"),
                    number => super::name::join(owner, "", &format!("check{number}")),
                })
                .find(|name| !taken(name))
                .unwrap_or_default(),
        };
        domain.checks.push(DomainCheck {
            id: ConstraintId(self.tables().next_id()?),
            name,
            sql,
            validated,
        });
        Ok(())
    }

    /// Takes a type's name, which no relation with rows may have either.
    fn take_type_name(&self, schema: SchemaId, name: &str) -> Result<()> {
        let mut key = schema.0.to_be_bytes().to_vec();
        key.extend_from_slice(name.as_bytes());
        self.txn()
            .lock_key(system::NAME_LOCKS, &key, LockMode::Update, Wait::Block)?;
        let catalog = self.latest_catalog()?;
        if catalog.type_in(schema, name).is_some() {
            return Err(type_exists(name));
        }
        match catalog.relation_in(schema, name) {
            Some(crate::catalog::Relation::Table(_) | crate::catalog::Relation::View(_)) => {
                Err(type_exists(name))
            }
            _ => Ok(()),
        }
    }

    /// A relation with rows is a type too: its name, which is locked, must not be another type's.
    pub(super) fn refuse_type_name(&self, schema: SchemaId, name: &str) -> Result<()> {
        match self.latest_catalog()?.type_in(schema, name) {
            // A composite type is a relation too.
            Some(def) if matches!(def.kind, TypeKind::Composite(_)) => {
                Err(super::name::exists(name))
            }
            Some(_) => Err(type_exists(name).with_hint(
                "A relation has an associated type of the same name, so you must use a name that \
                 doesn't conflict with any existing type.",
            )),
            None => Ok(()),
        }
    }

    /// Lets the rows of `id`'s users be read without it: what dropped columns have left in stored
    /// rows keeps its width under a type of the system.
    pub(super) fn forget_type(&self, id: TypeId) -> Result<()> {
        let touched = |table: &&Arc<TableDef>| {
            let mut stored = table.layouts.iter().flat_map(|layout| &layout.columns);
            stored.any(|(_, ty)| uses_type(ty, id))
        };
        let catalog = self.latest_catalog()?;
        for table in catalog.tables().filter(touched) {
            let (_, newest) = self.lock_definition(table.id, TableLock::AccessExclusive)?;
            let mut table = TableDef::clone(&newest);
            for layout in &mut table.layouts {
                for (_, ty) in &mut layout.columns {
                    if uses_type(ty, id) {
                        *ty = physical(ty);
                    }
                }
            }
            self.change_table(table)?;
        }
        Ok(())
    }
}

/// A system type whose values are stored as wide as those of `ty`.
fn physical(ty: &DataType) -> DataType {
    match ty {
        DataType::User(user) => match &user.kind {
            UserKind::Enum(_) => DataType::Int8,
            UserKind::Domain(domain) => physical(&domain.base),
            UserKind::Composite(_) | UserKind::Unresolved => DataType::Bytea,
        },
        DataType::Array(element) if element.user_type().is_some() => DataType::Bytea,
        plain => plain.clone(),
    }
}

/// The types that a new type is made of.
fn parts(new: &NewType) -> Vec<&DataType> {
    match new {
        NewType::Enum(_) => Vec::new(),
        NewType::Domain { base, .. } => vec![base],
        NewType::Composite(fields) => fields.iter().map(|field| &field.ty).collect(),
    }
}

fn labels_of(def: &mut TypeDef) -> Result<&mut Vec<LabelDef>> {
    let name = def.name.clone();
    match &mut def.kind {
        TypeKind::Enum(labels) => Ok(labels),
        _ => Err(Error::new(
            SqlState::WRONG_OBJECT_TYPE,
            format!("{name} is not an enum"),
        )),
    }
}

fn check_label(label: &str) -> Result<()> {
    if label.len() > LABEL_BYTES {
        return Err(Error::new(
            SqlState::INVALID_NAME,
            format!("invalid enum label \"{label}\""),
        )
        .with_detail(format!("Labels must be {LABEL_BYTES} bytes or less.")));
    }
    Ok(())
}

fn no_label(name: &str) -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("\"{name}\" is not an existing enum label"),
    )
}

/// `type "…" already exists`.
pub(super) fn type_exists(name: &str) -> Error {
    Error::new(
        SqlState::DUPLICATE_OBJECT,
        format!("type \"{name}\" already exists"),
    )
}
