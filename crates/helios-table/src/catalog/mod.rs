//! The catalog: what exists on a branch at a point in time. Immutable once built.

pub(crate) mod codec;
mod column;
mod constraint;
mod definition;
mod function;
mod functions;
mod ids;
mod index;
mod nearest;
mod policy;
mod privilege;
mod relation;
mod role;
mod rows;
mod schema;
mod sequence;
mod store;
mod table;
mod types;
mod view;
mod who;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use helios_base::{Error, IndexId, Result, SqlState, TableId, nearest};

pub use column::{ColumnDef, GeneratedDef, IdentityDef};
pub use constraint::{ConstraintDef, ConstraintKind, FkAction, ForeignKeyDef};
pub use definition::{AsWritten, DefinitionStyle, quoted};
pub use function::{
    ArgMode, FunctionArg, FunctionBody, FunctionDef, FunctionOptions, FunctionVolatility,
    ReturnShape, Returns,
};
pub use ids::{
    ConstraintId, FIRST_USER_ID, FunctionId, PolicyId, RoleId, SchemaId, SequenceId, TypeId,
    ViewId, branch_object, branch_of_object,
};
pub use index::{IndexDef, IndexExpr, IndexKey, KeySource};
pub use nearest::{Blueprint, Method, NearestDef, Quantization};
pub use policy::{PolicyCommand, PolicyDef, PolicyExpr, RowSecurity};
pub use privilege::{AccessDef, AclItem, Privileges, Securable, default_items};
pub use relation::{Relation, RelationId};
pub use role::{DefaultPrivileges, Membership, RoleAttributes, RoleDef, Roles};
pub use rows::is_row_type;
pub use schema::SchemaDef;
pub use sequence::SequenceDef;
pub use table::{LayoutDef, TableDef};
pub use types::{DomainCheck, DomainDef, FieldDef, LabelDef, TypeDef, TypeKind, uses_type};
pub use view::{CheckOption, Dependency, ViewColumn, ViewDef};
pub use who::Who;

/// Everything that exists on one branch at one point in time (and, inside a transaction, what the
/// transaction itself has changed).
///
/// Immutable and shared: a plan that was made against a catalog holds for as long as
/// [`Catalog::version`] stays the same.
#[derive(Debug)]
pub struct Catalog {
    version: u64,
    schemas: BTreeMap<SchemaId, Arc<SchemaDef>>,
    tables: BTreeMap<TableId, Arc<TableDef>>,
    sequences: BTreeMap<SequenceId, Arc<SequenceDef>>,
    views: BTreeMap<ViewId, Arc<ViewDef>>,
    types: BTreeMap<TypeId, Arc<TypeDef>>,
    roles: Arc<Roles>,
    access: BTreeMap<u32, Arc<AccessDef>>,
    type_names: BTreeMap<(SchemaId, Arc<str>), TypeId>,
    functions: functions::Functions,
    schema_names: BTreeMap<Arc<str>, SchemaId>,
    names: BTreeMap<SchemaId, Arc<BTreeMap<Arc<str>, RelationId>>>,
    referencing: OnceLock<HashMap<TableId, Vec<(TableId, ConstraintId)>>>,
}

/// One object's new state; `None` when it is gone.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Schema(SchemaId, Option<Arc<SchemaDef>>),
    Table(TableId, Option<Arc<TableDef>>),
    Sequence(SequenceId, Option<Arc<SequenceDef>>),
    View(ViewId, Option<Arc<ViewDef>>),
    Type(TypeId, Option<Arc<TypeDef>>),
    Function(FunctionId, Option<Arc<FunctionDef>>),
    Role(RoleId, Option<Arc<RoleDef>>),
    Access(u32, Option<Arc<AccessDef>>),
}

impl Default for Catalog {
    fn default() -> Self {
        Self {
            version: next_version(),
            schemas: BTreeMap::new(),
            tables: BTreeMap::new(),
            sequences: BTreeMap::new(),
            views: BTreeMap::new(),
            types: BTreeMap::new(),
            roles: Arc::default(),
            access: BTreeMap::new(),
            type_names: BTreeMap::new(),
            functions: functions::Functions::default(),
            schema_names: BTreeMap::new(),
            names: BTreeMap::new(),
            referencing: OnceLock::new(),
        }
    }
}

/// Versions only tell catalogs of one process apart, so a counter will do.
fn next_version() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Catalog {
    /// A number that no other catalog of this process has: the key of plan caches.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// All schemas, by number.
    pub fn schemas(&self) -> impl Iterator<Item = &Arc<SchemaDef>> {
        self.schemas.values()
    }

    /// All tables, by number.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<TableDef>> {
        self.tables.values()
    }

    /// All sequences, by number.
    pub fn sequences(&self) -> impl Iterator<Item = &Arc<SequenceDef>> {
        self.sequences.values()
    }

    /// All views, by number.
    pub fn views(&self) -> impl Iterator<Item = &Arc<ViewDef>> {
        self.views.values()
    }

    /// All types, by number.
    pub fn types(&self) -> impl Iterator<Item = &Arc<TypeDef>> {
        self.types.values()
    }

    /// The roles, if this is the catalog of the main branch; those of another branch are as old as
    /// the branch.
    #[must_use]
    pub const fn roles(&self) -> &Arc<Roles> {
        &self.roles
    }

    /// Who may do what with an object, where that was ever said.
    #[must_use]
    pub fn access(&self, object: u32) -> Option<&Arc<AccessDef>> {
        self.access.get(&object)
    }

    /// All objects of which was said who may do what with them.
    pub fn accesses(&self) -> impl Iterator<Item = &Arc<AccessDef>> {
        self.access.values()
    }

    /// Who owns an object.
    #[must_use]
    pub fn owner(&self, object: u32) -> RoleId {
        self.access(object)
            .map_or(RoleId::BOOTSTRAP, |access| access.owner)
    }

    /// Type `id`.
    #[must_use]
    pub fn type_by_id(&self, id: TypeId) -> Option<&Arc<TypeDef>> {
        self.types.get(&id)
    }

    /// The type that users know by this number: one that somebody made, the rows of a relation, or
    /// arrays of either.
    #[must_use]
    pub fn type_numbered(&self, oid: u32) -> Option<helios_base::DataType> {
        let made = self.types().find_map(|def| {
            if def.id.0 == oid {
                Some(def.data_type())
            } else if def.array == oid {
                Some(helios_base::DataType::Array(Box::new(def.data_type())))
            } else {
                None
            }
        });
        made.or_else(|| self.row_type_numbered(oid))
    }

    /// The type called `name` in one schema.
    #[must_use]
    pub fn type_in(&self, schema: SchemaId, name: &str) -> Option<&Arc<TypeDef>> {
        self.types
            .get(self.type_names.get(&(schema, Arc::from(name)))?)
    }

    /// The type `[schema.]name`; without schema the first hit along `search_path`.
    #[must_use]
    pub fn resolve_type<S: AsRef<str>>(
        &self,
        schema: Option<&str>,
        name: &str,
        search_path: &[S],
    ) -> Option<&Arc<TypeDef>> {
        if self.types.is_empty() {
            return None;
        }
        match schema {
            Some(schema) => self.type_in(self.schema(schema)?.id, name),
            None => search_path
                .iter()
                .filter_map(|schema| self.schema(schema.as_ref()))
                .find_map(|schema| self.type_in(schema.id, name)),
        }
    }

    /// The schema called `name`.
    #[must_use]
    pub fn schema(&self, name: &str) -> Option<&Arc<SchemaDef>> {
        self.schemas.get(self.schema_names.get(name)?)
    }

    /// Schema `id`.
    #[must_use]
    pub fn schema_by_id(&self, id: SchemaId) -> Option<&Arc<SchemaDef>> {
        self.schemas.get(&id)
    }

    /// Table `id`.
    #[must_use]
    pub fn table_by_id(&self, id: TableId) -> Option<&Arc<TableDef>> {
        self.tables.get(&id)
    }

    /// The table whose rows are in `storage`.
    ///
    /// # Cost
    /// O(1) unless the table was ever rewritten, then O(tables).
    #[must_use]
    pub fn table_by_storage(&self, storage: TableId) -> Option<&Arc<TableDef>> {
        match self.tables.get(&storage) {
            Some(table) if table.storage == storage => Some(table),
            _ => self.tables.values().find(|t| t.storage == storage),
        }
    }

    /// Sequence `id`.
    #[must_use]
    pub fn sequence_by_id(&self, id: SequenceId) -> Option<&Arc<SequenceDef>> {
        self.sequences.get(&id)
    }

    /// View `id`.
    #[must_use]
    pub fn view_by_id(&self, id: ViewId) -> Option<&Arc<ViewDef>> {
        self.views.get(&id)
    }

    /// The schema called `name`.
    ///
    /// # Errors
    /// 3F000 with a suggestion.
    pub fn require_schema(&self, name: &str) -> Result<&Arc<SchemaDef>> {
        self.schema(name).ok_or_else(|| {
            let error = Error::new(
                SqlState::INVALID_SCHEMA_NAME,
                format!("schema \"{name}\" does not exist"),
            );
            let known = self.schema_names.keys().map(AsRef::as_ref);
            suggest_in(error, name, known)
        })
    }

    /// What `name` stands for in one schema.
    #[must_use]
    pub fn relation_in(&self, schema: SchemaId, name: &str) -> Option<Relation> {
        self.relation(*self.names.get(&schema)?.get(name)?)
    }

    /// What the number stands for.
    #[must_use]
    pub fn relation(&self, id: RelationId) -> Option<Relation> {
        match id {
            RelationId::Table(id) => self.tables.get(&id).cloned().map(Relation::Table),
            RelationId::Sequence(id) => self.sequences.get(&id).cloned().map(Relation::Sequence),
            RelationId::View(id) => self.views.get(&id).cloned().map(Relation::View),
            RelationId::Index(table, id) => {
                self.index(table, id).map(|(t, i)| Relation::Index(t, i))
            }
        }
    }

    /// What the object identifier stands for, if it is a relation.
    #[must_use]
    pub fn relation_by_oid(&self, oid: u32) -> Option<Relation> {
        self.relation(RelationId::Table(TableId(oid)))
            .or_else(|| self.relation(RelationId::Sequence(SequenceId(oid))))
            .or_else(|| self.relation(RelationId::View(ViewId(oid))))
            .or_else(|| {
                let id = IndexId(oid);
                let table = self.tables.values().find(|t| t.index_by_id(id).is_some())?;
                self.relation(RelationId::Index(table.id, id))
            })
    }

    fn index(&self, table: TableId, id: IndexId) -> Option<(Arc<TableDef>, Arc<IndexDef>)> {
        let table = self.tables.get(&table)?;
        let index = table.index_by_id(id)?;
        Some((table.clone(), index.clone()))
    }

    /// What `[schema.]name` stands for; without schema the first hit along `search_path`.
    ///
    /// Schemas of the path that do not exist are skipped, as PostgreSQL does.
    #[must_use]
    pub fn resolve<S: AsRef<str>>(
        &self,
        schema: Option<&str>,
        name: &str,
        search_path: &[S],
    ) -> Option<Relation> {
        match schema {
            Some(schema) => self.relation_in(self.schema(schema)?.id, name),
            None => search_path
                .iter()
                .filter_map(|schema| self.schema(schema.as_ref()))
                .find_map(|schema| self.relation_in(schema.id, name)),
        }
    }

    /// What `[schema.]name` stands for.
    ///
    /// # Errors
    /// 42P01 `relation "…" does not exist`, with a suggestion.
    pub fn require<S: AsRef<str>>(
        &self,
        schema: Option<&str>,
        name: &str,
        search_path: &[S],
    ) -> Result<Relation> {
        self.resolve(schema, name, search_path)
            .ok_or_else(|| self.no_relation("relation", schema, name, search_path))
    }

    /// The table `[schema.]name`.
    ///
    /// # Errors
    /// 42P01 if there is no such relation, 42809 if it is not a table.
    pub fn require_table<S: AsRef<str>>(
        &self,
        schema: Option<&str>,
        name: &str,
        search_path: &[S],
    ) -> Result<Arc<TableDef>> {
        match self.require(schema, name, search_path)? {
            Relation::Table(table) => Ok(table),
            _ => Err(wrong_kind(name, "a table")),
        }
    }

    /// The sequence `[schema.]name`.
    ///
    /// # Errors
    /// 42P01 if there is no such relation, 42809 if it is not a sequence.
    pub fn require_sequence<S: AsRef<str>>(
        &self,
        schema: Option<&str>,
        name: &str,
        search_path: &[S],
    ) -> Result<Arc<SequenceDef>> {
        match self.require(schema, name, search_path)? {
            Relation::Sequence(sequence) => Ok(sequence),
            _ => Err(wrong_kind(name, "a sequence")),
        }
    }

    /// `kind "…" does not exist` for a relation, with the nearest name that does.
    #[must_use]
    pub fn no_relation<S: AsRef<str>>(
        &self,
        kind: &str,
        schema: Option<&str>,
        name: &str,
        search_path: &[S],
    ) -> Error {
        let shown = schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
        let error = Error::new(
            SqlState::UNDEFINED_TABLE,
            format!("{kind} \"{shown}\" does not exist"),
        );
        let known = self
            .schemas
            .values()
            .filter(|s| match schema {
                Some(schema) => s.name == schema,
                None => search_path.iter().any(|path| path.as_ref() == s.name),
            })
            .filter_map(|s| self.names.get(&s.id))
            .flat_map(|names| names.iter())
            .filter(|(_, id)| !matches!(id, RelationId::Index(..)))
            .map(|(name, _)| name.as_ref());
        suggest_in(error, name, known)
    }

    /// The foreign keys of other tables (and of itself) that reference `table`.
    pub fn referencing(
        &self,
        table: TableId,
    ) -> impl Iterator<Item = (&Arc<TableDef>, &ConstraintDef, &ForeignKeyDef)> {
        let all = self.referencing.get_or_init(|| {
            let mut map: HashMap<_, Vec<_>> = HashMap::new();
            for child in self.tables.values() {
                for (constraint, fk) in child.foreign_keys() {
                    map.entry(fk.parent)
                        .or_default()
                        .push((child.id, constraint.id));
                }
            }
            map
        });
        all.get(&table)
            .into_iter()
            .flatten()
            .filter_map(|(child, constraint)| {
                let child = self.tables.get(child)?;
                let constraint = child.constraint_by_id(*constraint)?;
                Some((child, constraint, constraint.as_foreign_key()?))
            })
    }

    /// This catalog with `changes` made, under a new version.
    ///
    /// # Cost
    /// O(objects) reference counts; names of touched schemas are copied.
    pub(crate) fn with(&self, changes: impl IntoIterator<Item = Change>) -> Self {
        let mut new = Self {
            version: next_version(),
            schemas: self.schemas.clone(),
            tables: self.tables.clone(),
            sequences: self.sequences.clone(),
            views: self.views.clone(),
            types: self.types.clone(),
            roles: self.roles.clone(),
            access: self.access.clone(),
            type_names: self.type_names.clone(),
            functions: self.functions.clone(),
            schema_names: self.schema_names.clone(),
            names: self.names.clone(),
            referencing: OnceLock::new(),
        };
        let mut types_changed = false;
        let mut rows_changed = false;
        for change in changes {
            types_changed |= matches!(change, Change::Type(..) | Change::Schema(..));
            rows_changed |= !matches!(change, Change::Role(..) | Change::Access(..));
            new.apply(change);
        }
        if types_changed && !new.types.is_empty() {
            new.renew_types();
        }
        if rows_changed {
            new.renew_rows();
        }
        new
    }

    /// Puts the newest definitions of types in wherever they are used.
    fn renew_types(&mut self) {
        self.types = types::Resolver::new(&self.types).all();
        for table in self.tables.values_mut() {
            types::renew_table(&self.types, table);
        }
        for view in self.views.values_mut() {
            types::renew_view(&self.types, view);
        }
        self.functions.renew(&self.types);
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Schema(id, def) => self.put_schema(id, def),
            Change::Table(id, def) => {
                if let Some(old) = self.tables.remove(&id) {
                    self.forget(old.schema, &old.name);
                    for index in &old.indexes {
                        self.forget(old.schema, &index.name);
                    }
                }
                let Some(mut def) = def else { return };
                if let Some(name) = self.schema_name(def.schema, &def.schema_name) {
                    Arc::make_mut(&mut def).schema_name = name;
                }
                self.remember(def.schema, &def.name, RelationId::Table(id));
                for index in &def.indexes {
                    self.remember(def.schema, &index.name, RelationId::Index(id, index.id));
                }
                types::renew_table(&self.types, &mut def);
                self.tables.insert(id, def);
            }
            Change::Sequence(id, def) => {
                if let Some(old) = self.sequences.remove(&id) {
                    self.forget(old.schema, &old.name);
                }
                let Some(mut def) = def else { return };
                if let Some(name) = self.schema_name(def.schema, &def.schema_name) {
                    Arc::make_mut(&mut def).schema_name = name;
                }
                self.remember(def.schema, &def.name, RelationId::Sequence(id));
                self.sequences.insert(id, def);
            }
            Change::View(id, def) => {
                if let Some(old) = self.views.remove(&id) {
                    self.forget(old.schema, &old.name);
                }
                let Some(mut def) = def else { return };
                if let Some(name) = self.schema_name(def.schema, &def.schema_name) {
                    Arc::make_mut(&mut def).schema_name = name;
                }
                self.remember(def.schema, &def.name, RelationId::View(id));
                types::renew_view(&self.types, &mut def);
                self.views.insert(id, def);
            }
            Change::Role(id, def) => Arc::make_mut(&mut self.roles).put(id, def),
            Change::Access(object, def) => {
                match def {
                    Some(def) => self.access.insert(object, def),
                    None => self.access.remove(&object),
                };
            }
            Change::Type(id, def) => {
                if let Some(old) = self.types.remove(&id) {
                    let name = Arc::from(old.name.as_str());
                    self.type_names.remove(&(old.schema, name));
                }
                let Some(mut def) = def else { return };
                if let Some(name) = self.schema_name(def.schema, &def.schema_name) {
                    Arc::make_mut(&mut def).schema_name = name;
                }
                let name = Arc::from(def.name.as_str());
                self.type_names.insert((def.schema, name), id);
                self.types.insert(id, def);
            }
            Change::Function(id, def) => {
                let name = def.as_ref().and_then(|def| self.schemas.get(&def.schema));
                let name = name.map(|schema| schema.name.clone());
                self.functions.put(id, def, name, &self.types);
            }
        }
    }

    fn put_schema(&mut self, id: SchemaId, def: Option<Arc<SchemaDef>>) {
        let old = self.schemas.remove(&id);
        if let Some(old) = &old {
            self.schema_names.remove(old.name.as_str());
        }
        let Some(def) = def else {
            self.names.remove(&id);
            return;
        };
        self.schema_names.insert(def.name.as_str().into(), id);
        let renamed = old.is_some_and(|old| old.name != def.name);
        let name = def.name.clone();
        self.schemas.insert(id, def);
        if renamed {
            for table in self.tables.values_mut().filter(|t| t.schema == id) {
                Arc::make_mut(table).schema_name.clone_from(&name);
            }
            for sequence in self.sequences.values_mut().filter(|s| s.schema == id) {
                Arc::make_mut(sequence).schema_name.clone_from(&name);
            }
            for view in self.views.values_mut().filter(|v| v.schema == id) {
                Arc::make_mut(view).schema_name.clone_from(&name);
            }
            for ty in self.types.values_mut().filter(|t| t.schema == id) {
                Arc::make_mut(ty).schema_name.clone_from(&name);
            }
            self.functions.rename_schema(id, &name);
        }
    }

    /// The schema's name where it differs from `shown`.
    fn schema_name(&self, schema: SchemaId, shown: &str) -> Option<String> {
        let name = &self.schemas.get(&schema)?.name;
        (name != shown).then(|| name.clone())
    }

    fn remember(&mut self, schema: SchemaId, name: &str, id: RelationId) {
        Arc::make_mut(self.names.entry(schema).or_default()).insert(name.into(), id);
    }

    fn forget(&mut self, schema: SchemaId, name: &str) {
        if let Some(names) = self.names.get_mut(&schema) {
            Arc::make_mut(names).remove(name);
        }
    }
}

/// Adds `perhaps you meant "…"` if a known name is near.
fn suggest_in<'a>(error: Error, name: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    match nearest(name, known) {
        Some(near) => error.with_hint(format!("perhaps you meant \"{near}\"")),
        None => error,
    }
}

/// `"name" is not …`.
fn wrong_kind(name: &str, wanted: &str) -> Error {
    Error::new(
        SqlState::WRONG_OBJECT_TYPE,
        format!("\"{name}\" is not {wanted}"),
    )
}
