//! `BISECT`: which commit made a query answer otherwise.

use helios_base::{DataType, Error, Result, Scn, SqlState, Value};
use helios_version::{CommitInfo, Read as _, Snapshot};

use super::Session;
use super::merge::{rows_of, text_column};
use super::outcome::{Columns, Outcome, ResultColumn};
use super::run::Sight;
use crate::plan::{AsOf, Bisect};

/// The tag of the statement.
const TAG: &str = "BISECT";

/// The columns of the row that says which commit it was.
pub(super) fn columns() -> Columns {
    let column = ResultColumn::new;
    Columns::from([
        column("scn", DataType::Int8),
        text_column("lsn"),
        column("transaction", DataType::Int8),
        text_column("branch_name"),
        column("committed_at", DataType::TimestampTz(None)),
        text_column("author"),
        text_column("message"),
        column("before", DataType::Bool),
        column("after", DataType::Bool),
        column("steps", DataType::Int8),
    ])
}

impl Session {
    /// Finds the first commit of a range after which the query answers otherwise than before all of
    /// them, in as many runs of the query as the range's length has binary digits.
    pub(super) fn bisect(&mut self, sight: &Sight, bisect: &Bisect) -> Result<Outcome> {
        let store = self.engine.shared.tables.store().clone();
        let branch = match &bisect.branch {
            Some(name) => super::branch_named(&store, name)?.id,
            None => sight.reader.branch(),
        };
        let bound = |point: &Option<crate::plan::Point>| -> Result<Option<Scn>> {
            let of = AsOf {
                branch: None,
                point: point.clone(),
            };
            self.point_of(sight, &of).map(|(_, scn)| scn)
        };
        let low = bound(&bisect.low)?;
        let high = bound(&bisect.high)?.unwrap_or_else(|| sight.reader.scn());
        let mut low = low.unwrap_or_else(|| store.kept(branch, None).min(high));
        let mut high = high;
        if low > high {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!(
                    "the range of BISECT ends at change number {high}, before it begins at {low}"
                ),
            ));
        }
        let mut steps = 2;
        // The query must make sense at the end; a moment before may lack what it names.
        let end = store.snapshot(branch, Some(high))?;
        let after = self.ask(&bisect.query, end)?;
        let before = self.holds(&bisect.query, store.snapshot(branch, Some(low))?)?;
        if before == after {
            self.notice(format!(
                "the query is {before} at both ends of the range, change numbers {low} and {high}"
            ));
            return Ok(rows_of(columns(), TAG, Vec::new()));
        }
        while high.0 - low.0 > 1 {
            let middle = Scn(low.0 + (high.0 - low.0) / 2);
            let snapshot = store.snapshot(branch, Some(middle))?;
            steps += 1;
            if self.holds(&bisect.query, snapshot)? == before {
                low = middle;
            } else {
                high = middle;
            }
        }
        let info = store.commit_info(high)?;
        let name = info
            .as_ref()
            .and_then(|info| store.branch_by_id(info.branch))
            .map(|branch| branch.name);
        let row = found(high, info, name, (before, after), steps);
        Ok(rows_of(columns(), TAG, vec![row]))
    }

    /// What the query says at a moment. Where a table or column of it did not exist nothing could
    /// break what it asks for, so it holds.
    fn holds(&mut self, query: &str, snapshot: Snapshot) -> Result<bool> {
        match self.ask(query, snapshot) {
            Err(error) if is_missing(error.sqlstate()) => Ok(true),
            answer => answer,
        }
    }

    /// What the query says at a moment.
    fn ask(&mut self, query: &str, snapshot: Snapshot) -> Result<bool> {
        let at = snapshot.scn();
        self.fixed = Some(snapshot);
        let rows = self.own_query(query, &[]);
        self.fixed = None;
        let rows = rows?;
        if let [row] = rows.as_slice() {
            match row.as_slice() {
                [Value::Bool(holds)] => return Ok(*holds),
                // As in a CHECK constraint, what is unknown breaks nothing.
                [Value::Null] => return Ok(true),
                _ => {}
            }
        }
        Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "BISECT needs a query that returns one boolean",
        )
        .with_detail(format!(
            "It returned {} of {} at change number {at}.",
            plural(rows.len(), "row"),
            plural(rows.first().map_or(0, Vec::len), "column")
        ))
        .with_hint("For example: BISECT (SELECT min(balance) >= 0 FROM accounts)."))
    }
}

fn plural(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

fn is_missing(state: SqlState) -> bool {
    [
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_COLUMN,
        SqlState::INVALID_SCHEMA_NAME,
    ]
    .contains(&state)
}

fn found(
    scn: Scn,
    info: Option<CommitInfo>,
    branch: Option<String>,
    (before, after): (bool, bool),
    steps: i64,
) -> Vec<Value> {
    let number = |n: u64| Value::Int8(i64::try_from(n).unwrap_or(i64::MAX));
    let text = |text: &str| match text {
        "" => Value::Null,
        text => Value::text(text),
    };
    let lsn = Value::text(format!("{:X}/{:08X}", scn.0 >> 32, scn.0 & 0xffff_ffff));
    let mut row = vec![number(scn.0), lsn];
    match info {
        Some(info) => row.extend([
            number(info.txid.0),
            branch.map_or(Value::Null, Value::text),
            Value::TimestampTz(info.time),
            text(&info.author),
            text(&info.message),
        ]),
        None => row.extend(vec![Value::Null; 5]),
    }
    row.extend([Value::Bool(before), Value::Bool(after), Value::Int8(steps)]);
    row
}
