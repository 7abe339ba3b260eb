//! Merges that wait for people: conflict tables, completing and giving up.
//!
//! A MANUAL merge with conflicts writes nothing but a table `_merge_conflicts_<id>` on the target
//! branch, one row for each row in conflict, and a row in `_merges`. Completing merges the same
//! source again with what the table says; the source's state is pinned until then.

use helios_base::{BranchId, DataType, Error, Result, Scn, SqlState, Value};
use helios_table::catalog::Relation;
use helios_table::merge::{ConflictKind, Decision, MergeInput, MergeReport, Strategy};
use helios_version::{Branch, Read, Store};

use super::merge::Task;
use super::resolutions::{Resolutions, Resolved};
use super::{Session, row_json};
use crate::parse::ast::Ident;
use crate::plan::MergeHow;

const MERGES: &str = "CREATE TABLE public._merges (
    merge_id text PRIMARY KEY, source text NOT NULL, source_scn bigint NOT NULL,
    target text NOT NULL, strategy text NOT NULL, conflict_resolution text, requiring text,
    started_by text NOT NULL, started_at timestamptz NOT NULL)";

const DECISIONS: &str = "CREATE TABLE public._merge_decisions (
    transaction bigint NOT NULL, source text NOT NULL, table_name text NOT NULL, row_key bytea NOT NULL,
    column_name text, kind text NOT NULL, base_value jsonb, target_value jsonb, source_value jsonb,
    resolution text NOT NULL, rule text NOT NULL, decided_at timestamptz NOT NULL, primary_key jsonb)";

/// The name of a conflict table as people write it.
fn shown_table(id: &str) -> String {
    crate::parse::quote_ident(&format!("_merge_conflicts_{id}")).to_string()
}

/// The tables of merges are in `public`, whatever the session's path is.
fn table_of(id: &str) -> String {
    format!("public.{}", shown_table(id))
}

/// The pin that keeps what a waiting merge merges.
pub(super) struct MergePin {
    name: String,
    /// The merge's identifier.
    pub(super) id: String,
    /// The branch that it goes into.
    pub(super) target: BranchId,
    /// The branch that it merges, and its state.
    pub(super) source: BranchId,
    pub(super) scn: Scn,
}

impl MergePin {
    fn name_of(id: &str, target: BranchId) -> String {
        format!("merge {id} into {target}")
    }

    fn parse(name: &str, source: BranchId, scn: Scn) -> Option<Self> {
        let (id, target) = name.strip_prefix("merge ")?.split_once(" into ")?;
        let number = id.strip_prefix('m')?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        (digits(number) && digits(target)).then_some(Self {
            name: name.to_owned(),
            id: id.to_owned(),
            target: BranchId(target.parse().ok()?),
            source,
            scn,
        })
    }

    /// Those of all merges that wait.
    pub(super) fn all(store: &Store) -> Vec<Self> {
        let pins = store.pins().into_iter();
        pins.filter_map(|(name, source, scn)| Self::parse(&name, source, scn))
            .collect()
    }
}

/// The pins of the merges that wait to go into these branches: nobody needs them without their targets.
pub(super) fn pins_into(store: &Store, targets: &[BranchId]) -> Vec<String> {
    let pins = MergePin::all(store).into_iter();
    pins.filter(|pin| targets.contains(&pin.target))
        .map(|pin| pin.name)
        .collect()
}

/// Whether a pin is that of a merge, which is no snapshot of anybody's.
pub(super) fn is_pin(name: &str) -> bool {
    MergePin::parse(name, BranchId::MAIN, Scn::ZERO).is_some()
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
            self.make_table("_merges", MERGES)?;
            let text = |text: &str| (DataType::Text, Value::text(text));
            let optional =
                |text: Option<&str>| (DataType::Text, text.map_or(Value::Null, Value::text));
            let author = self.author();
            self.own_query(
                "INSERT INTO public._merges VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now())",
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
        // A conflict that is open again is written anew, as it is by now.
        let forget = format!(
            "DELETE FROM {} WHERE table_name = $1 AND row_key = $2 AND (kind LIKE '%drop%') = $3",
            table_of(&id)
        );
        let insert = format!(
            "INSERT INTO {} (table_name, row_key, kind, column_names, source_value, target_value, base_value) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
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
            let table = (DataType::Text, Value::text(full_name(decision)));
            let key = Value::Bytea(decision.key.as_slice().into());
            let key = (DataType::Bytea, key);
            if resumed {
                let dropped = matches!(
                    decision.kind,
                    ConflictKind::SourceDropped | ConflictKind::TargetDropped
                );
                let dropped = (DataType::Bool, Value::Bool(dropped));
                self.own_query(&forget, &[table.clone(), key.clone(), dropped])?;
            }
            let params = [
                table,
                key,
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
            let pin = MergePin::name_of(&id, task.target.id);
            txn.pin(&pin, input.source.branch(), input.source.scn())?;
        }
        self.commit_own()?;
        let table = shown_table(&id);
        self.notice(match resumed {
            false => format!(
                "merge \"{id}\" waits: resolve its conflicts in table {table} and run COMPLETE MERGE {id}"
            ),
            true => format!(
                "merge \"{id}\" still waits: branch \"{}\" has changed since; conflicts that are not what they were are open again in table {table}",
                task.target.name
            ),
        });
        Ok(id)
    }

    /// Writes every automatic decision down, in the merge's own transaction.
    pub(super) fn keep_decisions(&mut self, task: &Task<'_>, report: &MergeReport) -> Result<()> {
        if report.decisions.is_empty() {
            return Ok(());
        }
        self.make_table("_merge_decisions", DECISIONS)?;
        self.have_keys()?;
        let txid = self.transaction()?.txn().id();
        let source = match &task.parent {
            Some((source, _)) => &source.name,
            None => &task.what,
        };
        let text = |text: &str| (DataType::Text, Value::text(text));
        for decision in &report.decisions {
            let mut lines = Vec::new();
            let key = key_of(decision)?;
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
                    (DataType::Jsonb, key.clone()),
                ];
                self.own_query(
                    "INSERT INTO public._merge_decisions VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now(), $12)",
                    &params,
                )?;
            }
        }
        Ok(())
    }

    /// The pin of the waiting merge `id`, and the branch that it goes into.
    fn pinned(&self, id: &str) -> Result<(MergePin, Branch)> {
        let store = self.engine.shared.tables.store();
        let pin = MergePin::all(store).into_iter().find(|pin| pin.id == id);
        let found = pin.and_then(|pin| Some((store.branch_by_id(pin.target)?, pin)));
        let (target, pin) = found.ok_or_else(|| unknown(id))?;
        Ok((pin, target))
    }

    /// The waiting merge `id`: where it was to go, and how.
    fn waiting(&mut self, id: &str) -> Result<(Branch, Waiting)> {
        let (pin, target) = self.pinned(id)?;
        let found = self.on_branch(&target, |session| session.waiting_here(pin))?;
        Ok((target, found.ok_or_else(|| unknown(id))?))
    }

    fn waiting_here(&mut self, pin: MergePin) -> Result<Option<Waiting>> {
        self.begin_own()?;
        if !self.has_table("_merges")? {
            return Ok(None);
        }
        let rows = self.own_query(
            "SELECT conflict_resolution, requiring FROM public._merges WHERE merge_id = $1",
            &[(DataType::Text, Value::text(pin.id.as_str()))],
        )?;
        let Some(row) = rows.into_iter().next() else {
            return Ok(None);
        };
        let text = |n: usize| match row.get(n) {
            Some(Value::Text(text)) => Some(text.to_string()),
            _ => None,
        };
        Ok(Some(Waiting {
            pin,
            rule: text(0),
            requiring: text(1),
        }))
    }

    /// What people decided about the conflicts of a merge, and how many are open.
    fn resolutions(&mut self, id: &str) -> Result<(Resolutions, usize)> {
        self.begin_own()?;
        let rows = self.own_query(
            &format!(
                "SELECT conflict_id::bigint, table_name, row_key, kind, column_names, target_value, base_value, resolution \
                 FROM {} ORDER BY conflict_id",
                table_of(id)
            ),
            &[],
        )?;
        let mut resolutions = Vec::new();
        let mut open = 0;
        for row in rows {
            match Resolved::read(&row)? {
                Some(resolved) => resolutions.push(resolved),
                None => open += 1,
            }
        }
        Ok((Resolutions::new(resolutions), open))
    }

    /// Makes a table of merges in the transaction at hand, unless it is there.
    fn make_table(&mut self, name: &str, sql: &str) -> Result<()> {
        if !self.has_table(name)? {
            self.own_query(sql, &[])?;
        }
        Ok(())
    }

    /// Adds the column that tables of decisions have since their version 2.
    fn have_keys(&mut self) -> Result<()> {
        let catalog = self.transaction()?.catalog()?;
        match catalog.resolve(Some("public"), "_merge_decisions", &["public"]) {
            Some(Relation::Table(table)) if table.column("primary_key").is_none() => {
                let sql = "ALTER TABLE public._merge_decisions ADD COLUMN primary_key jsonb";
                self.own_query(sql, &[]).map(drop)
            }
            _ => Ok(()),
        }
    }

    fn has_table(&mut self, name: &str) -> Result<bool> {
        let catalog = self.transaction()?.catalog()?;
        Ok(catalog.resolve(Some("public"), name, &["public"]).is_some())
    }

    /// `COMPLETE MERGE`.
    pub(super) fn complete_merge(
        &mut self,
        id: &str,
        dry_run: bool,
    ) -> Result<super::outcome::Outcome> {
        let (target, waiting) = self.waiting(id)?;
        let (resolutions, open) = self.on_branch(&target, |session| session.resolutions(id))?;
        if open > 0 && !dry_run {
            return Err(Error::new(
                SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("merge \"{id}\" has {open} open conflicts"),
            )
            .with_hint(format!(
                "UPDATE {} SET resolution = 'source' (or 'target', 'base', or a JSON object of column values) WHERE resolution IS NULL",
                shown_table(id)
            )));
        }
        let tables = self.engine.shared.tables.clone();
        // By its number: it may have another name by now.
        let source = waiting.pin.source;
        let source = tables
            .store()
            .branch_by_id(source)
            .ok_or_else(|| Error::internal("a waiting merge keeps a branch that is not there"))?;
        let snapshot = tables.store().snapshot(source.id, Some(waiting.pin.scn))?;
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
            resumed: Some((id.to_owned(), resolutions)),
        };
        self.run_merge(&task, &mut |session| {
            let tables = &session.engine.shared.tables;
            tables.merge_input(snapshot.clone(), (target.id, tables.store().scn()))
        })
    }

    /// `ABORT MERGE`.
    pub(super) fn abort_merge(&mut self, id: &str) -> Result<()> {
        let (_, target) = self.pinned(id)?;
        self.forget_merge_on(id, target.id)
    }

    /// Removes what is kept of a waiting merge into a branch.
    pub(super) fn forget_merge_on(&mut self, id: &str, target: BranchId) -> Result<()> {
        let store = self.engine.shared.tables.store();
        let Some(target) = store.branch_by_id(target) else {
            return Ok(());
        };
        self.on_branch(&target, |session| {
            session.begin_own()?;
            session.forget_merge(id)?;
            session.commit_own().map(drop)
        })
    }

    /// Removes what is kept of a waiting merge, in the transaction at hand, which is on its target.
    pub(super) fn forget_merge(&mut self, id: &str) -> Result<()> {
        if self.has_table(&format!("_merge_conflicts_{id}"))? {
            self.own_query(&format!("DROP TABLE {}", table_of(id)), &[])?;
        }
        if self.has_table("_merges")? {
            self.own_query(
                "DELETE FROM public._merges WHERE merge_id = $1",
                &[(DataType::Text, Value::text(id))],
            )?;
        }
        let txn = self.transaction()?;
        for pin in MergePin::all(self.engine.shared.tables.store()) {
            if pin.id == id {
                txn.txn().unpin(&pin.name)?;
            }
        }
        Ok(())
    }
}

fn unknown(id: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("merge \"{id}\" does not exist"),
    )
    .with_hint("Waiting merges are the rows of table _merges on their target branch.")
}

/// A merge that waits.
struct Waiting {
    pin: MergePin,
    rule: Option<String>,
    requiring: Option<String>,
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

/// The primary key of a row in conflict as an object; NULL for tables without one.
fn key_of(decision: &Decision) -> Result<Value> {
    let key = decision.table.key.iter();
    let positions: Vec<usize> = key.filter_map(|id| decision.table.position(*id)).collect();
    let rows = [&decision.ours, &decision.theirs, &decision.base];
    match rows.into_iter().flatten().next() {
        Some(row) if !positions.is_empty() => {
            row_json::object(&decision.table, row, Some(&positions))
        }
        _ => Ok(Value::Null),
    }
}
