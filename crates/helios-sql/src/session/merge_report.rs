//! What merges tell: the summary, the rows of a dry run, the error that lists conflicts.

use std::time::Duration;

use helios_base::{DataType, Error, Result, Scn, SqlState, TextContext, Value};
use helios_table::catalog::TableDef;
use helios_table::merge::{Decision, MergeInput, MergeReport};
use helios_version::Read;

use super::merge::{Task, text_column};
use super::outcome::{Columns, ResultColumn};

/// Conflicts that an error lists.
const LISTED: usize = 10;

/// One row about a merge that was made, or that waits.
pub(super) struct Summary {
    source: String,
    target: String,
    base: Scn,
    scn: Option<Scn>,
    rows: (u64, u64, u64),
    conflicts: usize,
    schema: usize,
    status: &'static str,
    id: Option<String>,
}

impl Summary {
    pub(super) fn columns() -> Columns {
        let number = |name: &str| ResultColumn::new(name, DataType::Int8);
        Columns::from([
            text_column("status"),
            text_column("source"),
            text_column("target"),
            number("base_scn"),
            number("scn"),
            number("inserted"),
            number("updated"),
            number("deleted"),
            number("conflicts"),
            number("schema_changes"),
            text_column("merge_id"),
        ])
    }

    pub(super) fn new(task: &Task<'_>, input: &MergeInput, report: &MergeReport) -> Self {
        let sum = |of: fn(&helios_table::merge::TableReport) -> u64| {
            report.tables.iter().map(of).sum::<u64>()
        };
        Self {
            source: match &task.parent {
                Some((source, _)) => source.name.clone(),
                None => task.what.clone(),
            },
            target: task.target.name.clone(),
            base: input.bases.first().map_or(Scn::ZERO, Read::scn),
            scn: None,
            rows: (sum(|t| t.inserted), sum(|t| t.updated), sum(|t| t.deleted)),
            conflicts: report.decisions.len(),
            schema: report.schema.len(),
            status: "merged",
            id: None,
        }
    }

    pub(super) fn done(&mut self, scn: Scn) {
        self.scn = Some(scn);
    }

    pub(super) fn nothing(&mut self) {
        self.status = "already up to date";
    }

    pub(super) fn wait(&mut self, id: &str, report: &MergeReport) {
        self.status = "conflicts to resolve";
        self.rows = (0, 0, 0);
        self.conflicts = report.open();
        self.id = Some(id.to_owned());
    }

    pub(super) fn row(self) -> Vec<Value> {
        let number = |n: u64| Value::Int8(i64::try_from(n).unwrap_or(i64::MAX));
        vec![
            Value::text(self.status),
            Value::text(self.source),
            Value::text(self.target),
            number(self.base.0),
            self.scn.map_or(Value::Null, |scn| number(scn.0)),
            number(self.rows.0),
            number(self.rows.1),
            number(self.rows.2),
            number(self.conflicts as u64),
            number(self.schema as u64),
            self.id.map_or(Value::Null, Value::text),
        ]
    }
}

pub(super) fn dry_columns() -> Columns {
    Columns::from([
        text_column("table_name"),
        text_column("row_key"),
        text_column("column_name"),
        text_column("kind"),
        text_column("base"),
        text_column("ours"),
        text_column("theirs"),
        text_column("result"),
        text_column("resolution"),
        text_column("rule"),
    ])
}

fn shown(table: &TableDef, row: Option<&Vec<Value>>, column: usize) -> Value {
    let context = TextContext::default();
    match (
        row.and_then(|row| row.get(column)),
        table.columns.get(column),
    ) {
        (Some(value), Some(def)) if !value.is_null() => {
            Value::text(value.to_text(&def.ty, &context))
        }
        _ => Value::Null,
    }
}

/// A row's key as people write it: the primary key, or the hidden number.
pub(super) fn key_text(table: &TableDef, key: &[u8], rows: &[Option<&Vec<Value>>]) -> String {
    let Some(row) = rows.iter().flatten().next() else {
        return String::new();
    };
    let context = TextContext::default();
    let columns: Vec<String> = table
        .key
        .iter()
        .filter_map(|id| table.column_by_id(*id))
        .filter_map(|(position, def)| Some(row.get(position)?.to_text(&def.ty, &context)))
        .collect();
    match columns.as_slice() {
        [] => {
            let number = key.try_into().map_or(0, u64::from_be_bytes);
            format!("row {number}")
        }
        [one] => one.clone(),
        many => format!("({})", many.join(",")),
    }
}

fn decision_key(decision: &Decision) -> String {
    let rows = [&decision.ours, &decision.theirs, &decision.base];
    key_text(
        &decision.table,
        &decision.key,
        &rows.map(|row| row.as_ref()),
    )
}

/// One row for every cell or row in conflict, and for every conflict between definitions.
pub(super) fn dry_rows(report: &MergeReport) -> Result<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    for line in &report.schema {
        rows.push(plain("schema", line, "source"));
    }
    for line in &report.schema_conflicts {
        rows.push(plain("schema", line, "conflict"));
    }
    for decision in &report.decisions {
        let table = &decision.table;
        let head = [
            Value::text(table.name.as_str()),
            Value::text(decision_key(decision)),
        ];
        if let Some((outcome, by)) = &decision.row {
            let whole = |row: &Option<Vec<Value>>| match row {
                Some(row) => {
                    let cells: Vec<String> = (0..row.len())
                        .map(|n| match shown(table, Some(row), n) {
                            Value::Text(text) => text.to_string(),
                            _ => String::new(),
                        })
                        .collect();
                    Value::text(format!("({})", cells.join(",")))
                }
                None => Value::Null,
            };
            let mut row = head.to_vec();
            row.extend([
                Value::Null,
                Value::text(decision.kind.name()),
                whole(&decision.base),
                whole(&decision.ours),
                whole(&decision.theirs),
                Value::Null,
                Value::text(outcome.name()),
                Value::text(by.as_str()),
            ]);
            rows.push(row);
        }
        for cell in &decision.cells {
            let def = table.columns.get(cell.column);
            let result = match (&cell.value, def) {
                (Some(value), Some(def)) if !value.is_null() => {
                    Value::text(value.to_text(&def.ty, &TextContext::default()))
                }
                _ => Value::Null,
            };
            let mut row = head.to_vec();
            row.extend([
                def.map_or(Value::Null, |def| Value::text(def.name.as_str())),
                Value::text(decision.kind.name()),
                shown(table, decision.base.as_ref(), cell.column),
                shown(table, decision.ours.as_ref(), cell.column),
                shown(table, decision.theirs.as_ref(), cell.column),
                result,
                Value::text(cell.outcome.name()),
                Value::text(cell.by.as_str()),
            ]);
            rows.push(row);
        }
    }
    Ok(rows)
}

fn plain(kind: &str, text: &str, resolution: &str) -> Vec<Value> {
    let mut row = vec![Value::Null; 10];
    for (place, text) in [(3, kind), (7, text), (8, resolution)] {
        if let Some(place) = row.get_mut(place) {
            *place = Value::text(text);
        }
    }
    row
}

/// The row of a dry run that would break a constraint.
pub(super) fn violation(error: &Error) -> Vec<Value> {
    let text = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.message()),
        None => error.message().to_owned(),
    };
    plain("constraint violation", &text, "conflict")
}

/// The lines that a dry run says beside its rows. `time` and `bytes` are what it took itself: it does
/// everything but the commit.
pub(super) fn preview(
    task: &Task<'_>,
    input: &MergeInput,
    report: &MergeReport,
    (time, bytes): (Duration, u64),
) -> Vec<String> {
    let base = input.bases.first().map_or(Scn::ZERO, Read::scn);
    let names: Vec<&str> = report.tables.iter().map(|t| t.name.as_str()).collect();
    let rows: u64 = report
        .tables
        .iter()
        .map(|t| t.inserted + t.updated + t.deleted)
        .sum();
    let open = report.open();
    let decided = report.decisions.iter().filter(|d| !d.is_open()).count();
    vec![
        format!(
            "{} (SCN {}) into branch \"{}\", common ancestor at SCN {base}",
            task.what,
            input.source.scn(),
            task.target.name
        ),
        format!("tables to modify: {} ({})", names.len(), names.join(", ")),
        format!("rows to merge: {rows}; conflicts resolved: {decided}; open conflicts: {open}"),
        format!(
            "estimated time: {:.1} seconds; estimated storage: {:+.1} MB",
            time.as_secs_f64(),
            bytes as f64 / 1e6
        ),
    ]
}

/// The error that stops a merge.
pub(super) fn conflicts(task: &Task<'_>, report: &MergeReport) -> Error {
    let open: Vec<&Decision> = report.decisions.iter().filter(|d| d.is_open()).collect();
    let mut lines = report.schema_conflicts.clone();
    for decision in &open {
        let columns: Vec<&str> = decision
            .cells
            .iter()
            .filter(|cell| cell.outcome == helios_table::merge::Outcome::Open)
            .filter_map(|cell| decision.table.columns.get(cell.column))
            .map(|def| def.name.as_str())
            .collect();
        let mut line = format!(
            "{} in table \"{}\", row {}",
            decision.kind.name(),
            decision.table.name,
            decision_key(decision)
        );
        if !columns.is_empty() {
            line.push_str(": ");
            line.push_str(&columns.join(", "));
        }
        lines.push(line);
    }
    let count = lines.len();
    if count > LISTED {
        lines.truncate(LISTED);
        lines.push(format!("and {} more", count - LISTED));
    }
    let noun = if count == 1 { "conflict" } else { "conflicts" };
    let hint = if report.schema_conflicts.is_empty() {
        "MERGE ... DRY RUN shows them all; USING STRATEGY OURS, THEIRS or MANUAL, or WITH CONFLICT RESOLUTION, decides them."
    } else {
        "Make the definitions alike on one of the branches and merge again."
    };
    Error::new(
        SqlState::new(b"40002"),
        format!(
            "{} into branch \"{}\" has {count} {noun}",
            task.what, task.target.name
        ),
    )
    .with_detail(lines.join("\n"))
    .with_hint(hint)
}
