//! A type that a user has made: an enum, a domain or a composite type.

use std::collections::BTreeMap;
use std::sync::Arc;

use helios_base::{DataType, DomainType, EnumLabel, UserKind, UserType};
use serde::{Deserialize, Serialize};

use super::ids::{ConstraintId, SchemaId, TypeId};
use super::index::KeySource;
use super::table::TableDef;
use super::view::ViewDef;

/// A type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TypeDef {
    /// Its number.
    pub id: TypeId,
    /// The number of the type of its arrays.
    pub array: u32,
    /// The schema it is in.
    pub schema: SchemaId,
    /// That schema's name.
    #[serde(skip)]
    pub schema_name: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TypeKind,
    /// `COMMENT ON TYPE`.
    pub comment: Option<String>,
    /// The type as values carry it.
    #[serde(skip)]
    user: Option<Arc<UserType>>,
}

/// What a type is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum TypeKind {
    /// Labels, in order.
    Enum(Vec<LabelDef>),
    /// Another type with conditions.
    Domain(DomainDef),
    /// Named fields.
    Composite(Vec<FieldDef>),
}

/// A label of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelDef {
    /// Its object identifier.
    pub oid: u32,
    /// Its place, which identifies it in stored rows; see [`EnumLabel::order`].
    pub order: u64,
    /// The label.
    pub name: String,
}

/// What a domain adds to its base type.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DomainDef {
    /// The type of its values.
    #[serde(with = "super::codec::ty")]
    pub base: DataType,
    /// `NOT NULL`.
    pub not_null: bool,
    /// `DEFAULT`, as SQL text.
    pub default: Option<String>,
    /// Its conditions, in order of creation.
    pub checks: Vec<DomainCheck>,
}

/// A condition of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainCheck {
    /// Its number.
    pub id: ConstraintId,
    /// Its name, unique in the domain.
    pub name: String,
    /// The condition over `VALUE`, as SQL text.
    pub sql: String,
    /// Whether the values that were there before satisfy it.
    pub validated: bool,
}

/// A field of a composite type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDef {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(with = "super::codec::ty")]
    pub ty: DataType,
}

impl TypeDef {
    /// A type.
    #[must_use]
    pub fn new(
        id: TypeId,
        array: u32,
        schema: &super::SchemaDef,
        name: &str,
        kind: TypeKind,
    ) -> Self {
        Self {
            id,
            array,
            schema: schema.id,
            schema_name: schema.name.clone(),
            name: name.to_owned(),
            kind,
            comment: None,
            user: None,
        }
    }

    /// The type as columns and values carry it. Of use once the catalog holds the definition.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        DataType::User(match &self.user {
            Some(user) => user.clone(),
            None => Arc::new(UserType::unresolved(self.id.0)),
        })
    }

    /// The domain, if it is one.
    #[must_use]
    pub const fn as_domain(&self) -> Option<&DomainDef> {
        match &self.kind {
            TypeKind::Domain(domain) => Some(domain),
            _ => None,
        }
    }

    /// The labels, if it is an enum.
    #[must_use]
    pub const fn as_enum(&self) -> Option<&Vec<LabelDef>> {
        match &self.kind {
            TypeKind::Enum(labels) => Some(labels),
            _ => None,
        }
    }

    /// The types that it is made of.
    pub fn parts(&self) -> impl Iterator<Item = &DataType> {
        let (base, fields) = match &self.kind {
            TypeKind::Domain(domain) => (Some(&domain.base), [].as_slice()),
            TypeKind::Composite(fields) => (None, fields.as_slice()),
            TypeKind::Enum(_) => (None, [].as_slice()),
        };
        base.into_iter().chain(fields.iter().map(|field| &field.ty))
    }
}

/// Whether `ty` is type `id`, an array of it, or made of it.
#[must_use]
pub fn uses_type(ty: &DataType, id: TypeId) -> bool {
    let Some(user) = ty.user_type() else {
        return false;
    };
    user.oid == id.0
        || match &user.kind {
            UserKind::Domain(domain) => uses_type(&domain.base, id),
            UserKind::Composite(fields) => fields.iter().any(|(_, ty)| uses_type(ty, id)),
            _ => false,
        }
}

/// Puts the definitions of types in where they are used.
pub(super) struct Resolver<'c> {
    types: &'c BTreeMap<TypeId, Arc<TypeDef>>,
    done: BTreeMap<TypeId, Arc<UserType>>,
}

impl<'c> Resolver<'c> {
    /// Looks up types among these.
    pub(super) fn new(types: &'c BTreeMap<TypeId, Arc<TypeDef>>) -> Self {
        Self {
            types,
            done: BTreeMap::new(),
        }
    }

    /// Brings every type up to date.
    pub(super) fn all(mut self) -> BTreeMap<TypeId, Arc<TypeDef>> {
        let mut new = BTreeMap::new();
        for (id, def) in self.types {
            let user = self.user(*id, 0);
            let mut def = def.clone();
            if def.user != user {
                Arc::make_mut(&mut def).user = user;
            }
            new.insert(*id, def);
        }
        new
    }

    fn user(&mut self, id: TypeId, depth: usize) -> Option<Arc<UserType>> {
        /// Types are made of older ones; a deeper nesting is a damaged catalog.
        const DEPTH_MAX: usize = 64;
        if let Some(user) = self.done.get(&id) {
            return Some(user.clone());
        }
        let def = self.types.get(&id).filter(|_| depth < DEPTH_MAX)?;
        let kind = match &def.kind {
            TypeKind::Enum(labels) => UserKind::Enum(
                labels
                    .iter()
                    .map(|label| {
                        Arc::new(EnumLabel {
                            oid: label.oid,
                            order: label.order,
                            name: label.name.as_str().into(),
                        })
                    })
                    .collect(),
            ),
            TypeKind::Domain(domain) => UserKind::Domain(DomainType {
                base: self.of(&domain.base, depth + 1),
                not_null: domain.not_null,
                checked: !domain.checks.is_empty(),
            }),
            TypeKind::Composite(fields) => UserKind::Composite(
                fields
                    .iter()
                    .map(|field| (field.name.as_str().into(), self.of(&field.ty, depth + 1)))
                    .collect(),
            ),
        };
        let fresh = UserType {
            oid: def.id.0,
            array_oid: def.array,
            schema: def.schema_name.as_str().into(),
            name: def.name.as_str().into(),
            kind,
        };
        // What has not changed stays the same in memory too.
        let user = match &def.user {
            Some(old) if **old == fresh => old.clone(),
            _ => Arc::new(fresh),
        };
        self.done.insert(id, user.clone());
        Some(user)
    }

    fn of(&mut self, ty: &DataType, depth: usize) -> DataType {
        match ty {
            DataType::User(user) => match self.user(TypeId(user.oid), depth) {
                Some(found) => DataType::User(found),
                None => ty.clone(),
            },
            DataType::Array(element) => DataType::Array(Box::new(self.of(element, depth))),
            plain => plain.clone(),
        }
    }
}

/// The type with its newest definition; `None` if it has that already.
pub(super) fn newest(types: &BTreeMap<TypeId, Arc<TypeDef>>, ty: &DataType) -> Option<DataType> {
    match ty {
        DataType::User(user) => {
            let new = types.get(&TypeId(user.oid))?.user.as_ref()?;
            (!Arc::ptr_eq(new, user)).then(|| DataType::User(new.clone()))
        }
        DataType::Array(element) => {
            newest(types, element).map(|new| DataType::Array(Box::new(new)))
        }
        _ => None,
    }
}

pub(super) fn renew(types: &BTreeMap<TypeId, Arc<TypeDef>>, ty: &mut DataType) {
    if let Some(new) = newest(types, ty) {
        *ty = new;
    }
}

/// Puts the newest definitions into a table.
pub(super) fn renew_table(types: &BTreeMap<TypeId, Arc<TypeDef>>, table: &mut Arc<TableDef>) {
    let columns = table.columns.iter().map(|column| &column.ty);
    let stored = table.layouts.iter().flat_map(|layout| &layout.columns);
    let mut all = columns
        .chain(stored.map(|(_, ty)| ty))
        .chain(table.indexes.iter().flat_map(|index| {
            index.keys.iter().filter_map(|key| match &key.source {
                KeySource::Expression { ty, .. } => Some(ty),
                KeySource::Column(_) => None,
            })
        }));
    if !all.any(|ty| newest(types, ty).is_some()) {
        return;
    }
    drop(all);
    let table = Arc::make_mut(table);
    for column in &mut table.columns {
        renew(types, &mut column.ty);
        // The value that old rows have was read without knowing the type.
        if let Some(bytes) = column.unread.take() {
            column.missing = super::codec::value_from_hex(&bytes, &column.ty).ok();
        }
    }
    for layout in &mut table.layouts {
        for (_, ty) in &mut layout.columns {
            renew(types, ty);
        }
    }
    for index in &mut table.indexes {
        let keys = &mut Arc::make_mut(index).keys;
        for key in keys {
            if let KeySource::Expression { ty, .. } = &mut key.source {
                renew(types, ty);
            }
        }
    }
}

/// Puts the newest definitions into a view.
pub(super) fn renew_view(types: &BTreeMap<TypeId, Arc<TypeDef>>, view: &mut Arc<ViewDef>) {
    if view
        .columns
        .iter()
        .any(|column| newest(types, &column.ty).is_some())
    {
        for column in &mut Arc::make_mut(view).columns {
            renew(types, &mut column.ty);
        }
    }
}
