//! Owners of new objects, and who may do what with them from the start.

use helios_base::Result;
use helios_table::catalog::{Catalog, RoleId, SchemaId, Securable};
use helios_table::is_temporary_schema;

use crate::session::Session;

/// An object that a statement has made.
struct New {
    kind: Securable,
    number: u32,
    /// Where it is; `None` for a schema.
    schema: Option<SchemaId>,
}

impl Session {
    /// Makes the current role the owner of what a statement has made, with the privileges that it wants for such objects.
    pub(in crate::session) fn own_new_objects(&mut self, before: &Catalog) -> Result<()> {
        let (who, roles) = self.who()?;
        let wants = roles
            .by_id(who.role)
            .is_some_and(|role| !role.default_privileges.is_empty());
        if who.role == RoleId::BOOTSTRAP && !wants {
            return Ok(());
        }
        let txn = self.transaction()?;
        let after = txn.latest_catalog()?;
        for New {
            kind,
            number,
            schema,
        } in new_objects(before, &after)
        {
            txn.set_owner(number, who.role)?;
            let temporary = schema
                .and_then(|schema| after.schema_by_id(schema))
                .is_some_and(|schema| is_temporary_schema(&schema.name));
            // What is gone when the session ends is nobody else's.
            if !temporary && let Some(items) = roles.items_of_new(who.role, schema, kind) {
                txn.set_items(number, items)?;
            }
        }
        Ok(())
    }
}

fn new_objects(before: &Catalog, after: &Catalog) -> Vec<New> {
    let new = |kind, number, schema| New {
        kind,
        number,
        schema,
    };
    let tables = after
        .tables()
        .filter(|table| before.table_by_id(table.id).is_none());
    let views = after
        .views()
        .filter(|view| before.view_by_id(view.id).is_none());
    let sequences = after
        .sequences()
        .filter(|s| before.sequence_by_id(s.id).is_none());
    let schemas = after
        .schemas()
        .filter(|s| before.schema_by_id(s.id).is_none());
    let types = after
        .types()
        .filter(|ty| before.type_by_id(ty.id).is_none());
    let functions = after
        .functions()
        .filter(|f| before.function_by_id(f.id).is_none());
    schemas
        .map(|schema| new(Securable::Schema, schema.id.0, None))
        .chain(tables.map(|t| new(Securable::Table, t.id.0, Some(t.schema))))
        .chain(views.map(|v| new(Securable::Table, v.id.0, Some(v.schema))))
        .chain(sequences.map(|s| new(Securable::Sequence, s.id.0, Some(s.schema))))
        .chain(types.map(|ty| new(Securable::Type, ty.id.0, Some(ty.schema))))
        .chain(functions.map(|f| new(Securable::Function, f.id.0, Some(f.schema))))
        .collect()
}
