//! Differences of rows between two points.

use std::sync::Arc;

use helios_base::{ArrayValue, Result, Row, Value};
use helios_table::StoredRow;
use helios_table::catalog::TableDef;
use helios_table::merge::is_bookkeeping;
use helios_version::{Read, RowVersion};

use super::super::merge_report::key_text;
use super::super::row_json;
use super::super::state::State;
use super::{Point, no_table, number, point, table_at};
use crate::parse::quote_ident;

/// A row by the definition of its point.
fn decode(table: &TableDef, key: &[u8], row: Option<&RowVersion>) -> Result<Option<Vec<Value>>> {
    row.map(|row| StoredRow::new(table.shape(), key, row.begin, &row.row)?.values())
        .transpose()
}

/// The columns in which two rows differ, by name.
fn changed((a, old): (&TableDef, &[Value]), (b, new): (&TableDef, &[Value])) -> Vec<String> {
    let mut names = Vec::new();
    for (column, value) in b.columns.iter().zip(new) {
        let before = a.column(&column.name).and_then(|(n, _)| old.get(n));
        // A column that the other side lacks is like one without value.
        let same = match before {
            Some(before) => before == value,
            None => value.is_null(),
        };
        if !same {
            names.push(column.name.clone());
        }
    }
    for (column, value) in a.columns.iter().zip(old) {
        if b.column(&column.name).is_none() && !value.is_null() {
            names.push(column.name.clone());
        }
    }
    names
}

/// One changed row.
struct Changed {
    key: Vec<u8>,
    old: Option<Vec<Value>>,
    new: Option<Vec<Value>>,
}

/// Shows every row that differs to `visit`. Tables that were rewritten or truncated in between are
/// compared whole, by their stored keys.
fn each_change(
    state: &State,
    (from, a): (&Point, &TableDef),
    (to, b): (&Point, &TableDef),
    visit: &mut dyn FnMut(Changed) -> Result<()>,
) -> Result<()> {
    let store = state.tables.store();
    if a.storage == b.storage {
        let mut diff = store.diff(&from.snapshot, &to.snapshot, Some(a.storage))?;
        while let Some(change) = diff.next()? {
            let old = decode(a, &change.pk, change.old.as_ref())?;
            let new = decode(b, &change.pk, change.new.as_ref())?;
            // The same content, written again or by another schema.
            let same = matches!((&old, &new), (Some(old), Some(new)) if changed((a, old), (b, new)).is_empty());
            if !same {
                visit(Changed {
                    key: change.pk,
                    old,
                    new,
                })?;
            }
        }
        return Ok(());
    }
    let all = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
    let mut before = std::collections::BTreeMap::new();
    let mut rows = from.snapshot.scan(a.storage, all, false)?;
    while let Some(row) = rows.next()? {
        let values = StoredRow::from_ref(a.shape(), row)?.values()?;
        before.insert(row.pk.to_vec(), values);
    }
    let mut rows = to.snapshot.scan(b.storage, all, false)?;
    while let Some(row) = rows.next()? {
        let new = StoredRow::from_ref(b.shape(), row)?.values()?;
        let key = row.pk.to_vec();
        let old = before.remove(&key);
        let same = old
            .as_ref()
            .is_some_and(|old| changed((a, old), (b, &new)).is_empty());
        if !same {
            visit(Changed {
                key,
                old,
                new: Some(new),
            })?;
        }
    }
    for (key, old) in before {
        visit(Changed {
            key,
            old: Some(old),
            new: None,
        })?;
    }
    Ok(())
}

/// A name that leads to the table, with its schema unless that is `public`.
fn shown_name(table: &TableDef) -> String {
    let name = quote_ident(&table.name);
    match table.schema_name.as_str() {
        "public" => name,
        schema => format!("{}.{name}", quote_ident(schema)),
    }
}

/// `pg_compare_branches`: what happened from one point to the other, by table.
pub(super) fn summary(state: &State, from: &str, to: &str) -> Result<Vec<Row>> {
    let (from, to) = (point(state, from)?, point(state, to)?);
    let mut rows = Vec::new();
    let mut tables: Vec<&Arc<TableDef>> = from.catalog.tables().collect();
    let new = to.catalog.tables();
    tables.extend(new.filter(|table| from.catalog.table_by_id(table.id).is_none()));
    tables.sort_by(|a, b| (&a.schema_name, &a.name).cmp(&(&b.schema_name, &b.name)));
    for table in tables.into_iter().filter(|table| !is_bookkeeping(table)) {
        let (a, b) = (
            from.catalog.table_by_id(table.id),
            to.catalog.table_by_id(table.id),
        );
        let mut counts = [0u64; 3];
        let mut schema = Value::Null;
        match (a, b) {
            (Some(a), Some(b)) => {
                each_change(state, (&from, a), (&to, b), &mut |change| {
                    let which = match (&change.old, &change.new) {
                        (None, _) => 0,
                        (_, Some(_)) => 1,
                        (_, None) => 2,
                    };
                    if let Some(count) = counts.get_mut(which) {
                        *count += 1;
                    }
                    Ok(())
                })?;
                if super::schema::definition(&from.catalog, a)
                    != super::schema::definition(&to.catalog, b)
                {
                    schema = Value::text("altered");
                }
            }
            (Some(a), None) => {
                counts[2] = state.tables.row_count(&from.snapshot, a)?;
                schema = Value::text("dropped");
            }
            (None, Some(b)) => {
                counts[0] = state.tables.row_count(&to.snapshot, b)?;
                schema = Value::text("created");
            }
            (None, None) => {}
        }
        if counts != [0; 3] || !schema.is_null() {
            let [added, updated, deleted] = counts.map(number);
            rows.push(vec![
                Value::text(shown_name(table)),
                added,
                updated,
                deleted,
                schema,
            ]);
        }
    }
    Ok(rows)
}

/// `helios_diff`: the rows of a table that differ.
pub(super) fn rows(state: &State, name: &str, from: &str, to: &str) -> Result<Vec<Row>> {
    let (from, to) = (point(state, from)?, point(state, to)?);
    let a = table_at(state, &from, name)?;
    let b = table_at(state, &to, name)?;
    // A table that was renamed is found by either name.
    let by_id = |point: &Point, other: &Option<Arc<TableDef>>| {
        other
            .as_ref()
            .and_then(|other| point.catalog.table_by_id(other.id).cloned())
    };
    let a = a.or_else(|| by_id(&from, &b));
    let b = b.or_else(|| by_id(&to, &a));
    let (Some(a), Some(b)) = (&a, &b) else {
        return Err(match (&a, &b) {
            (None, None) => no_table(name),
            _ => no_table(name).with_detail("It exists at one of the two points only."),
        });
    };
    let store = state.tables.store();
    let place = |point: &Point| (point.snapshot.branch(), point.snapshot.scn());
    let base = match store.merge_bases(place(&from), place(&to)).first() {
        Some((branch, scn)) => {
            let snapshot = store.snapshot(*branch, Some(*scn)).ok();
            snapshot.filter(|snapshot| snapshot.require(a.storage).is_ok())
        }
        None => None,
    };
    let base = match base {
        Some(snapshot) => {
            let catalog = state.tables.catalog(&snapshot)?;
            let table = catalog.table_by_id(a.id).cloned();
            table.map(|table| (snapshot, table))
        }
        None => None,
    };
    let mut out = Vec::new();
    each_change(state, (&from, a), (&to, b), &mut |change| {
        let json = |table: &TableDef, row: &Option<Vec<Value>>| match row {
            Some(row) => row_json::object(table, row, None),
            None => Ok(Value::Null),
        };
        let (operation, columns) = match (&change.old, &change.new) {
            (Some(old), Some(new)) => ("update", changed((a, old), (b, new))),
            (None, _) => ("insert", Vec::new()),
            (_, None) => ("delete", Vec::new()),
        };
        let columns = columns.into_iter().map(Value::text).collect();
        let before = match &base {
            Some((snapshot, table)) if table.storage == a.storage => {
                let found = snapshot.get(table.storage, &change.key)?;
                json(table, &decode(table, &change.key, found.as_ref())?)?
            }
            _ => Value::Null,
        };
        let key = match (&change.new, &change.old) {
            (Some(new), _) => key_text(b, &change.key, &[Some(new)]),
            (_, old) => key_text(a, &change.key, &[old.as_ref()]),
        };
        out.push(vec![
            Value::text(key),
            Value::text(operation),
            Value::from(ArrayValue::one_dimensional(columns)),
            json(a, &change.old)?,
            json(b, &change.new)?,
            before,
        ]);
        Ok(())
    })?;
    Ok(out)
}
