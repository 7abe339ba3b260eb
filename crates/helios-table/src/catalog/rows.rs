//! The types of rows: every table and view is a type too, whose values are its rows.
//!
//! Nothing about them is stored. A row type has the number of its relation, and the type of its
//! arrays the same number with [`ARRAY`] set, which no object ever gets; its fields are the columns
//! that the relation has in this catalog.

use std::sync::Arc;

use helios_base::{DataType, TableId, UserKind, UserType};

use super::ids::{SchemaId, TypeId, ViewId};
use super::{Catalog, Relation, TypeDef};

/// What tells the type of arrays of rows from that of the rows.
const ARRAY: u32 = 1 << 31;

/// A type found by name: one that was made, or the rows of a relation.
enum Named<'c> {
    Made(&'c TypeDef),
    Rows(UserType),
}

impl Catalog {
    /// The type of the rows of table or view `oid`.
    #[must_use]
    pub fn row_type(&self, oid: u32) -> Option<DataType> {
        Some(DataType::User(Arc::new(self.rows_of(oid)?)))
    }

    /// The type whose number is `oid`, or whose arrays have that number: rows and arrays of rows.
    #[must_use]
    pub fn row_type_numbered(&self, oid: u32) -> Option<DataType> {
        let rows = self.row_type(oid & !ARRAY)?;
        Some(if oid & ARRAY == 0 {
            rows
        } else {
            DataType::Array(Box::new(rows))
        })
    }

    /// The type `[schema.]name`, made or of rows; without schema the first hit along
    /// `search_path`.
    #[must_use]
    pub fn resolve_named_type<S: AsRef<str>>(
        &self,
        schema: Option<&str>,
        name: &str,
        search_path: &[S],
    ) -> Option<DataType> {
        let found = match schema {
            Some(schema) => self.named_type_in(self.schema(schema)?.id, name),
            None => search_path
                .iter()
                .filter_map(|schema| self.schema(schema.as_ref()))
                .find_map(|schema| self.named_type_in(schema.id, name)),
        };
        Some(match found? {
            Named::Made(def) => def.data_type(),
            Named::Rows(rows) => DataType::User(Arc::new(rows)),
        })
    }

    fn named_type_in(&self, schema: SchemaId, name: &str) -> Option<Named<'_>> {
        if let Some(def) = self.type_in(schema, name) {
            return Some(Named::Made(def));
        }
        match self.relation_in(schema, name)? {
            Relation::Table(table) => self.rows_of(table.id.0).map(Named::Rows),
            Relation::View(view) => self.rows_of(view.id.0).map(Named::Rows),
            Relation::Sequence(_) | Relation::Index(..) => None,
        }
    }

    fn rows_of(&self, oid: u32) -> Option<UserType> {
        let field = |name: &str, ty: &DataType| (Arc::from(name), ty.clone());
        let (schema, name, fields) = if let Some(table) = self.tables.get(&TableId(oid)) {
            let columns = table.columns.iter();
            let fields = columns.map(|column| field(&column.name, &column.ty));
            (&table.schema_name, &table.name, fields.collect())
        } else {
            let view = self.views.get(&ViewId(oid))?;
            let columns = view.columns.iter();
            let fields = columns.map(|column| field(&column.name, &column.ty));
            (&view.schema_name, &view.name, fields.collect())
        };
        Some(UserType {
            oid,
            array_oid: oid | ARRAY,
            schema: schema.as_str().into(),
            name: name.as_str().into(),
            kind: UserKind::Composite(fields),
        })
    }

    /// Puts the columns that relations have now into what names their rows: functions, and views
    /// that show rows. Tables cannot have such columns.
    pub(super) fn renew_rows(&mut self) {
        let functions: Vec<_> = self.functions().cloned().collect();
        for mut def in functions {
            if def.types().any(|ty| self.newest_rows(ty).is_some()) {
                for ty in Arc::make_mut(&mut def).types_mut() {
                    if let Some(new) = self.newest_rows(ty) {
                        *ty = new;
                    }
                }
                self.functions.replace(def);
            }
        }
        let views: Vec<_> = self.views.values().cloned().collect();
        for mut view in views {
            let mut shown = view.columns.iter();
            if shown.any(|column| self.newest_rows(&column.ty).is_some()) {
                for column in &mut Arc::make_mut(&mut view).columns {
                    if let Some(new) = self.newest_rows(&column.ty) {
                        column.ty = new;
                    }
                }
                self.views.insert(view.id, view);
            }
        }
    }

    /// A type of rows, or of arrays of them, as it is now; `None` if it is that already.
    fn newest_rows(&self, ty: &DataType) -> Option<DataType> {
        match ty {
            DataType::User(user) if !self.types.contains_key(&TypeId(user.oid)) => {
                let new = self.row_type(user.oid)?;
                (new != *ty).then_some(new)
            }
            DataType::Array(element) => self
                .newest_rows(element)
                .map(|new| DataType::Array(Box::new(new))),
            _ => None,
        }
    }
}

/// Whether values of this type are rows of a table or view, or arrays of them.
#[must_use]
pub fn is_row_type(ty: &DataType) -> bool {
    ty.user_type()
        .is_some_and(|user| user.is_composite() && user.array_oid & ARRAY != 0)
}
