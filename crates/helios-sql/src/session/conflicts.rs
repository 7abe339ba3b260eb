//! Merges that wait for people: conflict tables, completing and giving up.
//!
//! A MANUAL merge with conflicts writes nothing but a table `_merge_conflicts_<id>` on the target
//! branch, one row for each row in conflict, and a row in `_merges`. Completing merges the same
//! source again with what the table says; the source's state is pinned until then.

use std::collections::BTreeMap;

use helios_base::json::Json;
use helios_base::{DataType, Error, Result, Scn, SqlState, TableId, Value};
use helios_table::Catalog;
use helios_table::catalog::Relation;
use helios_table::merge::{
    ConflictKind, Decision, MergeInput, MergeOptions, MergeReport, Resolution, Strategy,
};
use helios_version::{Branch, Read};

use super::merge::Task;
use super::{Session, row_json};
use crate::parse::ast::Ident;
use crate::plan::MergeHow;

const MERGES: &str = "CREATE TABLE IF NOT EXISTS _merges (
    merge_id text PRIMARY KEY, source text NOT NULL, source_scn bigint NOT NULL,
    target text NOT NULL, strategy text NOT NULL, conflict_resolution text, requiring text,
    started_by text NOT NULL, started_at timestamptz NOT NULL)";

const DECISIONS: &str = "CREATE TABLE IF NOT EXISTS _merge_decisions (
    transaction bigint NOT NULL, source text NOT NULL, table_name text NOT NULL, row_key bytea NOT NULL,
    column_name text, kind text NOT NULL, base_value jsonb, target_value jsonb, source_value jsonb,
    resolution text NOT NULL, rule text NOT NULL, decided_at timestamptz NOT NULL)";

/// What the rows of a conflict table say.
pub(super) struct Resolutions(Vec<Resolved>);

/// One row of it.
struct Resolved {
    table: String,
    key: Vec<u8>,
    /// Whether it is about a column that one side dropped.
    is_drop: bool,
    resolution: Resolution,
}

impl Resolutions {
    /// Puts them into the options of a merge, by the tables' numbers. A table that the merge renames is
    /// known to `target` or to `source`.
    pub(super) fn put(
        &self,
        target: &Catalog,
        source: &Catalog,
        options: &mut MergeOptions,
    ) -> Result<()> {
        for resolved in &self.0 {
            let (schema, name) = super::state::split_name(&resolved.table)?;
            let of =
                |catalog: &Catalog| match catalog.resolve(schema.as_deref(), &name, &["public"]) {
                    Some(Relation::Table(table)) => Some(table.id),
                    _ => None,
                };
            if let Some(table) = of(target).or_else(|| of(source)) {
                let all: &mut BTreeMap<(TableId, Vec<u8>), Resolution> = match resolved.is_drop {
                    true => &mut options.dropped,
                    false => &mut options.resolutions,
                };
                let key = (table, resolved.key.clone());
                all.insert(key, resolved.resolution.clone());
            }
        }
        Ok(())
    }
}

/// Whether this is the name of a kind of conflict over a column that one side dropped.
fn is_drop(kind: &str) -> bool {
    [ConflictKind::SourceDropped, ConflictKind::TargetDropped]
        .iter()
        .any(|drop| drop.name() == kind)
}

fn table_of(id: &str) -> String {
    crate::parse::quote_ident(&format!("_merge_conflicts_{id}")).to_string()
}

pub(super) fn pin_of(id: &str) -> String {
    format!("merge {id}")
}

/// Whether a pin is that of a merge, which is no snapshot of anybody's.
pub(super) fn is_pin(name: &str) -> bool {
    let number = name.strip_prefix("merge m");
    number.is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Session {
    /// Puts the conflicts of a merge down. Returns the merge's identifier.
    pub(super) fn keep_conflicts(
        &mut self,
        task: &Task<'_>,
        input: &MergeInput,
        report: &MergeReport,
    ) -> Result<String> {
        let id = match &task.resumed {
            Some((id, _)) => id.clone(),
            None => format!("m{}", self.transaction()?.txn().id()),
        };
        // What the merge wrote so far goes; only its conflicts stay.
        self.roll_back();
        self.begin_own()?;
        let resumed = task.resumed.is_some();
        if let (Some((source, scn)), false) = (&task.parent, resumed) {
            self.own_query(MERGES, &[])?;
            let text = |text: &str| (DataType::Text, Value::text(text));
            let optional =
                |text: Option<&str>| (DataType::Text, text.map_or(Value::Null, Value::text));
            let author = self.author();
            self.own_query(
                "INSERT INTO _merges VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now())",
                &[
                    text(&id),
                    text(&source.name),
                    (DataType::Int8, number(scn.0)),
                    text(&task.target.name),
                    text(task.strategy.name()),
                    optional(task.how.rule.as_ref().map(|rule| rule.name.as_str())),
                    optional(task.how.requiring.as_deref()),
                    text(&author),
                ],
            )?;
            self.own_query(
                &format!(
                    "CREATE TABLE {} (conflict_id serial PRIMARY KEY, table_name text NOT NULL, page_id bigint, \
                     row_key bytea NOT NULL, source_value jsonb, target_value jsonb, base_value jsonb, resolution text, \
                     resolved_by text, resolved_at timestamp, kind text NOT NULL, column_names text[], \
                     UNIQUE (table_name, row_key, kind))",
                    table_of(&id)
                ),
                &[],
            )?;
        }
        let insert = format!(
            "INSERT INTO {} (table_name, row_key, kind, column_names, source_value, target_value, base_value) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (table_name, row_key, kind) DO NOTHING",
            table_of(&id)
        );
        for decision in report.decisions.iter().filter(|d| d.is_open()) {
            let (names, positions) = columns_of(decision);
            let json = |row: &Option<Vec<Value>>| -> Result<(DataType, Value)> {
                Ok((
                    DataType::Jsonb,
                    match row {
                        Some(row) => row_json::object(&decision.table, row, positions.as_deref())?,
                        None => Value::Null,
                    },
                ))
            };
            let params = [
                (DataType::Text, Value::text(full_name(decision))),
                (
                    DataType::Bytea,
                    Value::Bytea(decision.key.as_slice().into()),
                ),
                (DataType::Text, Value::text(decision.kind.name())),
                (DataType::Array(Box::new(DataType::Text)), names),
                json(&decision.theirs)?,
                json(&decision.ours)?,
                json(&decision.base)?,
            ];
            self.own_query(&insert, &params)?;
        }
        let author = self.author();
        let transaction = self.transaction()?;
        let txn = transaction.txn();
        txn.describe(&author, &format!("conflicts of merge {id}"));
        if !resumed {
            txn.pin(&pin_of(&id), input.source.branch(), input.source.scn())?;
        }
        self.commit_own()?;
        self.notice(format!(
            "merge \"{id}\" waits: resolve its conflicts in table {} and run COMPLETE MERGE {id}",
            table_of(&id)
        ));
        Ok(id)
    }

    /// Writes every automatic decision down, in the merge's own transaction.
    pub(super) fn keep_decisions(&mut self, task: &Task<'_>, report: &MergeReport) -> Result<()> {
        if report.decisions.is_empty() {
            return Ok(());
        }
        self.own_query(DECISIONS, &[])?;
        let txid = self.transaction()?.txn().id();
        let source = match &task.parent {
            Some((source, _)) => &source.name,
            None => &task.what,
        };
        let text = |text: &str| (DataType::Text, Value::text(text));
        for decision in &report.decisions {
            let mut lines = Vec::new();
            if let Some((outcome, by)) = &decision.row {
                lines.push((None, outcome.name(), by.clone()));
            }
            for cell in &decision.cells {
                lines.push((Some(cell.column), cell.outcome.name(), cell.by.clone()));
            }
            for (column, outcome, by) in lines {
                let positions = column.map(|column| vec![column]);
                let json = |row: &Option<Vec<Value>>| -> Result<(DataType, Value)> {
                    let value = match row {
                        Some(row) => row_json::object(&decision.table, row, positions.as_deref())?,
                        None => Value::Null,
                    };
                    Ok((DataType::Jsonb, value))
                };
                let name = column
                    .and_then(|column| decision.table.columns.get(column))
                    .map_or(Value::Null, |def| Value::text(def.name.as_str()));
                let params = [
                    (DataType::Int8, number(txid.0)),
                    text(source),
                    text(&full_name(decision)),
                    (
                        DataType::Bytea,
                        Value::Bytea(decision.key.as_slice().into()),
                    ),
                    (DataType::Text, name),
                    text(decision.kind.name()),
                    json(&decision.base)?,
                    json(&decision.ours)?,
                    json(&decision.theirs)?,
                    text(outcome),
                    text(&by),
                ];
                self.own_query(
                    "INSERT INTO _merge_decisions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now())",
                    &params,
                )?;
            }
        }
        Ok(())
    }

    /// The waiting merge `id`: where it was to go, and how.
    fn waiting(&mut self, id: &str) -> Result<(Branch, Waiting)> {
        let unknown = || {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("merge \"{id}\" does not exist"),
            )
            .with_hint("Waiting merges are the rows of table _merges on their target branch.")
        };
        let store = self.engine.shared.tables.store().clone();
        let mut own: Vec<Branch> = store.branches();
        own.sort_by_key(|branch| branch.id != self.branch);
        for branch in own {
            let found = self.on_branch(&branch, |session| session.waiting_here(id))?;
            if let Some(waiting) = found
                && waiting.target == branch.name
            {
                return Ok((branch, waiting));
            }
        }
        Err(unknown())
    }

    fn waiting_here(&mut self, id: &str) -> Result<Option<Waiting>> {
        self.begin_own()?;
        let catalog = self.transaction()?.catalog()?;
        if catalog.resolve(None, "_merges", &["public"]).is_none() {
            return Ok(None);
        }
        let rows = self.own_query(
            "SELECT source, source_scn, target, conflict_resolution, requiring FROM _merges WHERE merge_id = $1",
            &[(DataType::Text, Value::text(id))],
        )?;
        let Some(row) = rows.into_iter().next() else {
            return Ok(None);
        };
        let text = |n: usize| match row.get(n) {
            Some(Value::Text(text)) => Some(text.to_string()),
            _ => None,
        };
        let scn = match row.get(1) {
            Some(Value::Int8(scn)) => Scn(u64::try_from(*scn).unwrap_or(0)),
            _ => Scn::ZERO,
        };
        let (Some(source), Some(target)) = (text(0), text(2)) else {
            return Ok(None);
        };
        let rows = self.own_query(
            &format!(
                "SELECT table_name, row_key, kind, resolution FROM {}",
                table_of(id)
            ),
            &[],
        )?;
        let mut resolutions = Vec::new();
        let mut open = 0;
        for row in rows {
            match row.as_slice() {
                [
                    Value::Text(table),
                    Value::Bytea(key),
                    Value::Text(kind),
                    Value::Text(resolution),
                ] => resolutions.push(Resolved {
                    table: table.to_string(),
                    key: key.to_vec(),
                    is_drop: is_drop(kind),
                    resolution: read_resolution(resolution)?,
                }),
                _ => open += 1,
            }
        }
        Ok(Some(Waiting {
            source,
            scn,
            target,
            rule: text(3),
            requiring: text(4),
            resolutions: Resolutions(resolutions),
            open,
        }))
    }

    /// `COMPLETE MERGE`.
    pub(super) fn complete_merge(
        &mut self,
        id: &str,
        dry_run: bool,
    ) -> Result<super::outcome::Outcome> {
        let (target, waiting) = self.waiting(id)?;
        if waiting.open > 0 && !dry_run {
            return Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("merge \"{id}\" has {} open conflicts", waiting.open),
            )
            .with_hint(format!(
                "UPDATE {} SET resolution = 'source' (or 'target', 'base', or a JSON object of column values) WHERE resolution IS NULL",
                table_of(id)
            )));
        }
        let tables = self.engine.shared.tables.clone();
        let source = super::past::branch_named(tables.store(), &waiting.source)?;
        let snapshot = tables.store().snapshot(source.id, Some(waiting.scn))?;
        let how = MergeHow {
            strategy: None,
            function: None,
            rule: waiting.rule.as_deref().map(Ident::implied),
            requiring: waiting.requiring.clone(),
            dry_run,
        };
        let task = Task {
            what: format!("merge of branch \"{}\"", source.name),
            parent: Some((source, snapshot.scn())),
            target: &target,
            how: &how,
            strategy: Strategy::Manual,
            resumed: Some((id.to_owned(), waiting.resolutions)),
        };
        self.run_merge(&task, &mut |session| {
            let tables = &session.engine.shared.tables;
            tables.merge_input(snapshot.clone(), (target.id, tables.store().scn()))
        })
    }

    /// `ABORT MERGE`.
    pub(super) fn abort_merge(&mut self, id: &str) -> Result<()> {
        let (target, _) = self.waiting(id)?;
        self.on_branch(&target, |session| {
            session.begin_own()?;
            session.own_query(&format!("DROP TABLE {}", table_of(id)), &[])?;
            session.forget_row(id)?;
            session.transaction()?.txn().unpin(&pin_of(id))?;
            session.commit_own().map(drop)
        })
    }

    pub(super) fn forget_row(&mut self, id: &str) -> Result<()> {
        self.own_query(
            "DELETE FROM _merges WHERE merge_id = $1",
            &[(DataType::Text, Value::text(id))],
        )?;
        Ok(())
    }
}

/// A merge that waits.
struct Waiting {
    source: String,
    scn: Scn,
    target: String,
    rule: Option<String>,
    requiring: Option<String>,
    resolutions: Resolutions,
    open: usize,
}

fn number(n: u64) -> Value {
    Value::Int8(i64::try_from(n).unwrap_or(i64::MAX))
}

fn full_name(decision: &Decision) -> String {
    format!(
        "{}.{}",
        crate::parse::quote_ident(&decision.table.schema_name),
        crate::parse::quote_ident(&decision.table.name)
    )
}

/// The columns in conflict: their names as an array, and their positions; the whole row if one side
/// deleted it.
fn columns_of(decision: &Decision) -> (Value, Option<Vec<usize>>) {
    if decision.row.is_some() {
        return (Value::Null, None);
    }
    let open = |cell: &&helios_table::merge::CellDecision| {
        cell.outcome == helios_table::merge::Outcome::Open
    };
    let mut positions: Vec<usize> = decision
        .cells
        .iter()
        .filter(open)
        .map(|cell| cell.column)
        .collect();
    let names = positions
        .iter()
        .filter_map(|position| decision.table.columns.get(*position))
        .map(|def| Value::text(def.name.as_str()))
        .collect();
    // With the key, so that people see which row it is.
    let key = decision.table.key.iter();
    positions.extend(key.filter_map(|id| decision.table.position(*id)));
    let names = helios_base::ArrayValue::one_dimensional(names);
    (Value::from(names), Some(positions))
}

/// `source`, `target`, `base` or an object of column values.
fn read_resolution(text: &str) -> Result<Resolution> {
    let invalid = || {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid resolution \"{text}\""),
        )
        .with_hint("A resolution is source, target, base, or a JSON object of column values.")
    };
    match text.trim().to_ascii_lowercase().as_str() {
        "source" | "theirs" => return Ok(Resolution::Source),
        "target" | "ours" => return Ok(Resolution::Target),
        "base" => return Ok(Resolution::Base),
        _ => {}
    }
    let Ok(Json::Object(object)) = Json::parse(text) else {
        return Err(invalid());
    };
    let values = object.into_members().into_iter().map(|(name, value)| {
        let value = match value {
            Json::Null => None,
            Json::String(text) => Some(text.into_string()),
            other => Some(other.to_string()),
        };
        (name.into_string(), value)
    });
    Ok(Resolution::Values(values.collect()))
}
