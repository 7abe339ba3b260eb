//! Differences of definitions between two points.

use std::collections::BTreeMap;
use std::fmt::Write;

use helios_base::{Result, Row, Value};
use helios_table::Catalog;
use helios_table::catalog::{AsWritten, TableDef, quoted};
use helios_table::merge::is_bookkeeping;

use super::super::state::State;
use super::point;

/// A table's definition as text.
pub(super) fn definition(catalog: &Catalog, table: &TableDef) -> String {
    let mut text = format!("CREATE TABLE {} (", quoted(&table.name));
    let mut first = true;
    let mut line = |text: &mut String, part: &str| {
        if !first {
            text.push_str(", ");
        }
        first = false;
        text.push_str(part);
    };
    for column in &table.columns {
        let mut part = format!("{} {}", quoted(&column.name), column.ty);
        if column.not_null {
            part.push_str(" NOT NULL");
        }
        if let Some(default) = &column.default {
            let _ = write!(part, " DEFAULT {default}");
        }
        if let Some(generated) = &column.generated {
            let _ = write!(part, " GENERATED ALWAYS AS ({}) STORED", generated.sql);
        }
        if let Some(identity) = &column.identity {
            let kind = if identity.always {
                "ALWAYS"
            } else {
                "BY DEFAULT"
            };
            let _ = write!(part, " GENERATED {kind} AS IDENTITY");
        }
        line(&mut text, &part);
    }
    for constraint in &table.constraints {
        let part = format!(
            "CONSTRAINT {} {}",
            quoted(&constraint.name),
            constraint.definition(catalog, table, &AsWritten)
        );
        line(&mut text, &part);
    }
    text.push(')');
    if !table.options.is_empty() {
        let options: Vec<String> = table
            .options
            .iter()
            .map(|(name, value)| format!("{name} = '{}'", value.replace('\'', "''")))
            .collect();
        let _ = write!(text, " WITH ({})", options.join(", "));
    }
    text
}

/// Everything that exists, by kind and number: name and definition.
fn objects(catalog: &Catalog) -> BTreeMap<(&'static str, u32), (String, String)> {
    let mut all = BTreeMap::new();
    let name = |schema: &str, name: &str| {
        if schema == "public" {
            name.to_owned()
        } else {
            format!("{schema}.{name}")
        }
    };
    for schema in catalog.schemas() {
        let text = format!("CREATE SCHEMA {}", quoted(&schema.name));
        all.insert(("schema", schema.id.0), (schema.name.clone(), text));
    }
    for table in catalog.tables().filter(|table| !is_bookkeeping(table)) {
        let shown = name(&table.schema_name, &table.name);
        all.insert(("table", table.id.0), (shown, definition(catalog, table)));
        for index in table.indexes.iter().filter(|i| i.constraint.is_none()) {
            let shown = name(&table.schema_name, &index.name);
            all.insert(
                ("index", index.id.0),
                (shown, index.definition(table, &AsWritten)),
            );
        }
    }
    for view in catalog.views() {
        let shown = name(&view.schema_name, &view.name);
        all.insert(("view", view.id.0), (shown, view.sql.clone()));
    }
    for sequence in catalog.sequences() {
        let owned = sequence
            .owned_by
            .and_then(|(table, _)| catalog.table_by_id(table));
        if owned.is_some_and(|table| is_bookkeeping(table)) {
            continue;
        }
        let shown = name(&sequence.schema_name, &sequence.name);
        let text = format!(
            "CREATE SEQUENCE {} AS {} START {} INCREMENT {} MINVALUE {} MAXVALUE {}{}",
            quoted(&sequence.name),
            sequence.ty,
            sequence.start,
            sequence.increment,
            sequence.min,
            sequence.max,
            if sequence.cycle { " CYCLE" } else { "" }
        );
        all.insert(("sequence", sequence.id.0), (shown, text));
    }
    all
}

/// `helios_schema_diff`: the objects that differ.
pub(super) fn differences(state: &State, from: &str, to: &str) -> Result<Vec<Row>> {
    let (from, to) = (point(state, from)?, point(state, to)?);
    let (before, after) = (objects(&from.catalog), objects(&to.catalog));
    let mut rows = Vec::new();
    let keys: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (old, new) = (before.get(key), after.get(key));
        if old == new {
            continue;
        }
        let operation = match (old, new) {
            (None, _) => "create",
            (_, None) => "drop",
            _ => "alter",
        };
        let text = |side: Option<&(String, String)>| {
            side.map_or(Value::Null, |(_, text)| Value::text(text.as_str()))
        };
        let name = new.or(old).map_or("", |(name, _)| name);
        rows.push(vec![
            Value::text(key.0),
            Value::text(name),
            Value::text(operation),
            text(old),
            text(new),
        ]);
    }
    Ok(rows)
}
