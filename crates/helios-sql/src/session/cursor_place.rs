//! What is known of a cursor outside of it: for `pg_cursors`, and the row that it stands on for
//! `WHERE CURRENT OF`.

use std::sync::{Arc, Weak};

use helios_base::{Error, KeyOrder, Result, Row, SqlState, TableId, Value, key};
use helios_table::catalog::TableDef;
use parking_lot::Mutex;

use super::state::State;
use crate::plan::{CursorKey, CursorTable};

/// A cursor as others see it.
pub(super) struct Place {
    pub(super) name: String,
    pub(super) statement: Arc<str>,
    pub(super) hold: bool,
    pub(super) binary: bool,
    pub(super) scroll: bool,
    /// When it was declared, in microseconds since 1970 UTC.
    pub(super) created: i64,
    /// The tables whose rows it shows.
    pub(super) tables: Vec<CursorTable>,
    pub(super) now: Mutex<Now>,
}

/// What changes of it.
#[derive(Default)]
pub(super) struct Now {
    /// The row it stands on, with hidden columns.
    pub(super) row: Option<Row>,
    /// Its transaction is over.
    pub(super) held: bool,
}

/// The cursors of a session: those that are closed are gone.
pub(super) type Places = Mutex<Vec<Weak<Place>>>;

fn open(state: &State) -> Vec<Arc<Place>> {
    let mut places = state.cursors.lock();
    places.retain(|place| place.strong_count() > 0);
    places.iter().filter_map(Weak::upgrade).collect()
}

/// The rows of `pg_cursors`.
pub(super) fn rows(state: &State) -> Vec<Row> {
    let shown = |place: &Arc<Place>| {
        vec![
            Value::text(place.name.as_str()),
            Value::Text(Arc::clone(&place.statement)),
            Value::Bool(place.hold),
            Value::Bool(place.binary),
            Value::Bool(place.scroll),
            Value::TimestampTz(place.created),
        ]
    };
    open(state).iter().map(shown).collect()
}

/// The row of a table that a cursor stands on: pairs of column number and value, or its encoded key.
///
/// # Errors
/// 34000 there is no such cursor; 24000 it stands on no row, or on none of the table.
pub(super) fn current_row(state: &State, name: &str, table: u32) -> Result<Value> {
    let wrong = |message: String| Error::new(SqlState::INVALID_CURSOR_STATE, message);
    let places = open(state);
    let place = places.iter().find(|place| place.name == name);
    let Some(place) = place else {
        return Err(super::cursor::no_cursor(name));
    };
    let catalog = state.catalog();
    let Some(table) = catalog.table_by_id(TableId(table)) else {
        return Err(Error::internal("the table of a cursor is gone"));
    };
    let now = place.now.lock();
    if now.held {
        return Err(wrong(format!(
            "cursor \"{name}\" is held from a previous transaction"
        )));
    }
    let mut found = place.tables.iter().filter(|known| known.table == table.id);
    let (Some(target), None) = (found.next(), found.next()) else {
        return Err(wrong(format!(
            "cursor \"{name}\" is not a simply updatable scan of table \"{}\"",
            table.name
        ))
        .with_hint(
            "Declare it FOR UPDATE, or over one table alone with the columns of its primary key.",
        ));
    };
    let Some(row) = &now.row else {
        return Err(wrong(format!(
            "cursor \"{name}\" is not positioned on a row"
        )));
    };
    let value = |at: usize| row.get(at).cloned().unwrap_or(Value::Null);
    match &target.key {
        CursorKey::Columns(columns) => {
            let pairs = columns.iter();
            let pairs = pairs.flat_map(|(column, at)| [Value::Oid(column.0), value(*at)]);
            Ok(Value::Record(pairs.collect()))
        }
        CursorKey::Encoded(at) => match value(*at) {
            Value::Bytea(bytes) => Ok(decoded(table, &bytes).unwrap_or(Value::Bytea(bytes))),
            // An outer join has no row of the table here.
            _ => Err(wrong(format!(
                "cursor \"{name}\" is not positioned on a row"
            ))),
        },
    }
}

/// The columns of the primary key that a row's encoded key stands for, so that the row is found
/// without a scan; `None` if the table has none.
fn decoded(table: &TableDef, mut bytes: &[u8]) -> Option<Value> {
    let mut pairs = Vec::new();
    for part in &table.primary_key()?.keys {
        let (_, column) = table.column_by_id(part.as_column()?)?;
        let value = key::decode(&mut bytes, &column.ty.base(), KeyOrder::ASC).ok()?;
        pairs.extend([Value::Oid(column.id.0), value]);
    }
    bytes.is_empty().then(|| Value::Record(pairs.into()))
}
