//! Indexes that sessions are making, and how far they are.

use std::collections::BTreeMap;

use helios_base::{Row, TableId, Value};
use helios_expr::SessionHooks;
use helios_table::nearest::Progress;
use parking_lot::Mutex;

use super::state::State;

/// An index in the making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Making {
    table: TableId,
    progress: Progress,
}

/// The indexes in the making, by session.
pub(crate) type Makings = Mutex<BTreeMap<u64, Making>>;

/// Tells others how far the session's index is, as long as it lives.
pub(super) struct Telling<'s> {
    state: &'s State,
    table: TableId,
}

impl<'s> Telling<'s> {
    pub(super) fn new(state: &'s State, table: TableId) -> Self {
        Self { state, table }
    }

    /// Notes how far it is; whether the statement is to go on.
    pub(super) fn goes_on(&self, progress: Option<Progress>) -> bool {
        if let (Some(progress), Some(shared)) = (progress, self.state.shared.upgrade()) {
            let table = self.table;
            let making = Making { table, progress };
            shared.makings.lock().insert(self.state.number, making);
        }
        self.state.interrupt.check().is_ok()
    }
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if let Some(shared) = self.state.shared.upgrade() {
            shared.makings.lock().remove(&self.state.number);
        }
    }
}

/// `pg_stat_progress_create_index`
pub(super) fn progress(state: &State) -> Vec<Row> {
    let Some(shared) = state.shared.upgrade() else {
        return Vec::new();
    };
    let number = |n: u64| Value::Int8(i64::try_from(n).unwrap_or(i64::MAX));
    let row = |(session, making): (&u64, &Making)| {
        let mut row = vec![
            i32::try_from(*session).map_or(Value::Null, Value::Int4),
            Value::Oid(crate::system::DATABASE_OID),
            Value::text(state.current_database()),
            Value::Oid(making.table.0),
            // Its number is not committed yet.
            Value::Oid(0),
            Value::text("CREATE INDEX"),
            Value::text(making.progress.phase.name()),
        ];
        // Lockers and blocks: there are none.
        row.extend(std::iter::repeat_n(Value::Int8(0), 5));
        row.extend([
            number(making.progress.total),
            number(making.progress.done),
            Value::Int8(0),
            Value::Int8(0),
        ]);
        row
    };
    shared.makings.lock().iter().map(row).collect()
}
