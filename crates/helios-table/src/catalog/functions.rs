//! The functions of a catalog, by number and by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Catalog;
use super::function::FunctionDef;
use super::ids::{FunctionId, SchemaId, TypeId};
use super::types::{TypeDef, newest, renew};

/// All functions and procedures. Most databases have none, so that an empty set costs nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Functions {
    by_id: BTreeMap<FunctionId, Arc<FunctionDef>>,
    by_name: BTreeMap<(SchemaId, Arc<str>), Vec<FunctionId>>,
}

impl Functions {
    /// Puts a definition in the place of what has its number.
    pub(super) fn put(
        &mut self,
        id: FunctionId,
        def: Option<Arc<FunctionDef>>,
        schema_name: Option<String>,
        types: &BTreeMap<TypeId, Arc<TypeDef>>,
    ) {
        if let Some(old) = self.by_id.remove(&id) {
            let name = (old.schema, Arc::from(old.name.as_str()));
            if let Some(overloads) = self.by_name.get_mut(&name) {
                overloads.retain(|known| *known != id);
                if overloads.is_empty() {
                    self.by_name.remove(&name);
                }
            }
        }
        let Some(mut def) = def else { return };
        if let Some(name) = schema_name.filter(|name| *name != def.schema_name) {
            Arc::make_mut(&mut def).schema_name = name;
        }
        renew_function(types, &mut def);
        let name = (def.schema, Arc::from(def.name.as_str()));
        self.by_name.entry(name).or_default().push(id);
        self.by_id.insert(id, def);
    }

    /// Puts a definition in the place of another of the same name.
    pub(super) fn replace(&mut self, def: Arc<FunctionDef>) {
        self.by_id.insert(def.id, def);
    }

    /// Puts the newest definitions of types in.
    pub(super) fn renew(&mut self, types: &BTreeMap<TypeId, Arc<TypeDef>>) {
        for def in self.by_id.values_mut() {
            renew_function(types, def);
        }
    }

    pub(super) fn rename_schema(&mut self, schema: SchemaId, name: &str) {
        for def in self.by_id.values_mut().filter(|def| def.schema == schema) {
            name.clone_into(&mut Arc::make_mut(def).schema_name);
        }
    }
}

fn renew_function(types: &BTreeMap<TypeId, Arc<TypeDef>>, def: &mut Arc<FunctionDef>) {
    if def.types().any(|ty| newest(types, ty).is_some()) {
        for ty in Arc::make_mut(def).types_mut() {
            renew(types, ty);
        }
    }
}

impl Catalog {
    /// All functions and procedures, by number.
    pub fn functions(&self) -> impl Iterator<Item = &Arc<FunctionDef>> {
        self.functions.by_id.values()
    }

    /// Function or procedure `id`.
    #[must_use]
    pub fn function_by_id(&self, id: FunctionId) -> Option<&Arc<FunctionDef>> {
        self.functions.by_id.get(&id)
    }

    /// The functions and procedures called `name` in one schema.
    pub fn functions_in(
        &self,
        schema: SchemaId,
        name: &str,
    ) -> impl Iterator<Item = &Arc<FunctionDef>> {
        let key = (schema, Arc::from(name));
        let ids = self.functions.by_name.get(&key).into_iter().flatten();
        ids.filter_map(|id| self.functions.by_id.get(id))
    }

    /// The functions and procedures `[schema.]name`; without schema all that `search_path` reaches,
    /// of which one further up hides those of the same arguments behind it.
    #[must_use]
    pub fn resolve_functions<S: AsRef<str>>(
        &self,
        schema: Option<&str>,
        name: &str,
        search_path: &[S],
    ) -> Vec<Arc<FunctionDef>> {
        if self.functions.by_id.is_empty() {
            return Vec::new();
        }
        let schemas: Vec<SchemaId> = match schema {
            Some(schema) => self
                .schema(schema)
                .map(|schema| schema.id)
                .into_iter()
                .collect(),
            None => search_path
                .iter()
                .filter_map(|schema| self.schema(schema.as_ref()))
                .map(|schema| schema.id)
                .collect(),
        };
        let mut found: Vec<Arc<FunctionDef>> = Vec::new();
        for schema in schemas {
            for def in self.functions_in(schema, name) {
                let hidden = found
                    .iter()
                    .any(|known| known.same_inputs(def.inputs().map(|arg| &arg.ty)));
                if !hidden {
                    found.push(def.clone());
                }
            }
        }
        found
    }
}
