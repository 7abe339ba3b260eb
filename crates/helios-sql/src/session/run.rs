//! Running statements: what each sees, which executor takes it, what becomes of its transaction.

use std::sync::Arc;

use helios_base::{BranchId, Error, Result, Row, SqlState, Value};
use helios_expr::SessionHooks;
use helios_table::{Catalog, Transaction};
use helios_version::Read;

use super::chosen::Executor;
use super::outcome::{Completion, Outcome, RowStream};
use super::planned::{Code, PlanKey, Planned, Query};
use super::stream::{Running, Vectors};
use super::watchdog::Alarm;
use super::{Session, clock, tag};
use crate::fusion::{Analyzed, FusionRows, StatementMemory};
use crate::plan::{Bound, Plan, Statement};
use crate::row::ctes::Ctes;
use crate::row::dml::{Changes, Insert, Load};
use crate::row::exec::{Clock, Exec};
use crate::row::memory::{Held, Memory};
use crate::row::op;
use crate::row::stats::Stats;
use crate::row::subplan::{CompiledSubplan, Memo};
use crate::row::{Looks, Reader, look};

/// How often a statement is planned anew because tables changed under it.
const REPLANS_MAX: usize = 16;

/// How many operations of one statement may fill `work_mem` at once.
const OPERATIONS_MAX: usize = 16;

/// What a statement sees.
#[derive(Clone)]
pub(super) struct Sight {
    pub(super) reader: Reader,
    pub(super) catalog: Arc<Catalog>,
    pub(super) txn: Option<Arc<Transaction>>,
    /// What the statement that runs reads at other moments.
    pub(super) past: Looks,
}

/// Row counts for the planner.
pub(super) struct Counts<'a> {
    pub(super) tables: &'a helios_table::Tables,
    pub(super) catalog: &'a Catalog,
    pub(super) reader: &'a dyn Read,
}

impl Stats for Counts<'_> {
    fn rows(&self, table: helios_base::TableId) -> u64 {
        match self.catalog.table_by_id(table) {
            Some(def) => self.tables.row_count(self.reader, def).unwrap_or(1000),
            None => 1000,
        }
    }

    fn analyzed(&self, table: helios_base::TableId) -> Option<Arc<helios_table::TableStats>> {
        let def = self.catalog.table_by_id(table)?;
        // Without them plans are worse, but not wrong.
        self.tables.statistics(self.reader, def).ok().flatten()
    }
}

/// Makes a statement's plan anew, for what it sees now and its parameters.
pub(super) type Replan<'a> = dyn FnMut(&mut Session, &Sight, &[Value]) -> Result<Arc<Planned>> + 'a;

/// Sets the plans of sessions that look at the past apart.
const LOOKING_BACK: u64 = 0x9e37_79b9_7f4a_7c15;

/// Sets the plans of functions' owners apart.
const DEFINER: u64 = 0xd1b5_4a32_d192_ed03;

impl Session {
    /// What the next statement sees: the transaction's view, or the newest snapshot.
    pub(super) fn sight(&mut self, in_transaction: bool) -> Result<Sight> {
        let sight = if let Some(snapshot) = self.looking_back()? {
            Sight {
                catalog: self.engine.shared.tables.catalog(&snapshot)?,
                reader: Arc::new(snapshot),
                txn: None,
                past: Arc::from([]),
            }
        } else if in_transaction || self.current.is_some() {
            let txn = self.transaction()?;
            let view = txn.statement()?;
            Sight {
                catalog: txn.catalog_of(&view)?,
                reader: Arc::new(view),
                txn: Some(txn),
                past: Arc::default(),
            }
        } else {
            let tables = &self.engine.shared.tables;
            let snapshot = tables.store().snapshot(self.branch, None)?;
            Sight {
                catalog: tables.catalog(&snapshot)?,
                reader: Arc::new(snapshot),
                txn: None,
                past: Arc::default(),
            }
        };
        self.state
            .look_at(&sight.catalog, sight.txn.as_ref(), sight.reader.scn());
        Ok(sight)
    }

    /// What plans made now depend on.
    pub(super) fn plan_key(&mut self, catalog: &Catalog) -> PlanKey {
        self.plan_key_at(catalog.version())
    }

    /// As [`Self::plan_key`], for a version of the catalog.
    pub(super) fn plan_key_at(&mut self, catalog: u64) -> PlanKey {
        self.heed_settings();
        // A plan that was made while its catalog was the newest says nothing of what a role may do now.
        let past = match self.fixed.is_some() || self.chosen.looks_back {
            true => LOOKING_BACK,
            false => 0,
        };
        // Roles are kept on the main branch: other branches' catalogs do not show their changes.
        let roles = match self.branch {
            BranchId::MAIN => 0,
            _ => self.state.roles().map_or(0, |roles| roles.version()),
        };
        // What the owner of a function may do is not what its caller may.
        let definer = self
            .state
            .definer
            .lock()
            .as_ref()
            .map_or(0, |who| (u64::from(who.role.0) + 1).wrapping_mul(DEFINER));
        PlanKey {
            catalog,
            // What names mean also depends on the session's temporary objects.
            settings: self.chosen.digest
                ^ self.state.temporary_digest()
                ^ past
                ^ definer
                ^ roles.wrapping_mul(LOOKING_BACK),
            statistics: self.engine.shared.tables.statistics_version(),
        }
    }

    /// Starts the clock of a statement.
    pub(super) fn start_statement(&mut self, text: Arc<str>) -> Option<Alarm> {
        self.interrupt.start();
        if self.current.is_none() {
            // Rows that were read after their statement may have taken some.
            self.state.end_advisory(0);
        }
        self.statement_start = clock::now();
        self.heed_settings();
        self.note_activity(text);
        self.chosen.statement_timeout.and_then(|limit| {
            let interrupt = self.interrupt.clone();
            self.engine
                .shared
                .watchdog
                .after(limit, move || interrupt.time_out())
        })
    }

    /// Ends a statement; puts the right words on a cancellation.
    pub(super) fn end_statement<T>(&mut self, result: Result<T>) -> Result<T> {
        let result = result.map_err(|error| {
            if error.sqlstate() == SqlState::QUERY_CANCELED && self.interrupt.check().is_err() {
                self.interrupt.error()
            } else {
                error
            }
        });
        self.interrupt.stop();
        self.settle_notes(result.is_ok());
        result
    }

    /// What the running statement calls now.
    pub(super) fn clock(&self) -> Clock {
        Clock {
            transaction: self
                .current
                .as_ref()
                .map_or(self.statement_start, |current| current.started),
            statement: self.statement_start,
        }
    }

    /// A run of a statement.
    pub(super) fn exec(
        &self,
        sight: &Sight,
        subplans: &Arc<Vec<CompiledSubplan>>,
        params: Vec<Value>,
    ) -> Exec {
        let clock = self.clock();
        Exec {
            subplans: subplans.clone(),
            params,
            catalog: sight.catalog.clone(),
            tables: self.engine.shared.tables.clone(),
            reader: sight.reader.clone(),
            past: sight.past.clone(),
            shaped: Arc::default(),
            txn: sight.txn.clone(),
            session: self.state.clone() as Arc<dyn SessionHooks>,
            text: self.state.shared_text(clock.transaction),
            clock,
            interrupt: self.interrupt.clone(),
            ctes: Ctes::default(),
            changing: Arc::default(),
            memo: Memo::default(),
            memory: Memory::new(self.memory_limit()),
            recheck: None,
            measures: self.measures.clone(),
        }
    }

    /// Runs a planned statement. `replan` makes its plan for another catalog; `lazily` allows rows
    /// to be computed as they are read, outside of a transaction.
    pub(super) fn run_planned(
        &mut self,
        mut sight: Sight,
        mut planned: Arc<Planned>,
        params: Vec<Value>,
        lazily: bool,
        alarm: Option<Alarm>,
        replan: &mut Replan<'_>,
    ) -> Result<Outcome> {
        if tag::writes(&planned.bound.statement) {
            self.check_writable(planned.tag)?;
        }
        if let Some(failing) = &planned.bound.failing {
            let exec = self.exec(&sight, &Arc::default(), Vec::new());
            exec.in_root(|cx| cx.eval(failing, &[]))?;
        }
        if sight.txn.is_none() && needs_transaction(&planned) {
            self.check_not_looking_back(planned.tag)?;
            sight = self.sight(true)?;
        }
        for _ in 0..REPLANS_MAX {
            if planned.key.catalog != sight.catalog.version() {
                planned = replan(self, &sight, &params)?;
            }
            match self
                .looking(&sight, Some(&params))
                .looks_if_bound(&planned.bound)
            {
                Ok(Some(looks)) => sight.past = looks,
                Ok(None) => {
                    planned = replan(self, &sight, &params)?;
                    continue;
                }
                Err(error) => {
                    // Binding anew says where in the text.
                    replan(self, &sight, &params)?;
                    return Err(error);
                }
            }
            if let Some(txn) = &sight.txn
                && !planned.all_targets(&mut |table| txn.lock_for_write(table))?
            {
                sight = self.sight(true)?;
                planned = replan(self, &sight, &params)?;
                continue;
            }
            let span = self.execute_span(&sight);
            let mut done = span.in_scope(|| self.run_on(&sight, &planned, params, lazily, alarm));
            Self::end_execution(span, &mut done);
            if let Err(error) = &done
                && error.sqlstate() == SqlState::READ_ONLY_SQL_TRANSACTION
                && error.detail().is_none()
            {
                // Which statement, and whose doing it is, is known here only.
                self.check_writable(planned.tag)?;
            }
            if let (Ok(Outcome::Rows(rows)), Some(limit), 0) =
                (&mut done, self.chosen.result_rows, self.routine_depth)
            {
                rows.limit(limit);
            }
            return match planned.bound.hides_rows {
                true => done.map_err(without_rows),
                false => done,
            };
        }
        Err(Error::new(
            SqlState::SERIALIZATION_FAILURE,
            "could not run the statement because of concurrent changes of its tables",
        ))
    }

    fn run_on(
        &mut self,
        sight: &Sight,
        planned: &Arc<Planned>,
        params: Vec<Value>,
        lazily: bool,
        alarm: Option<Alarm>,
    ) -> Result<Outcome> {
        match &planned.code {
            Code::Query(query) => self.run_query(sight, planned, query, params, lazily, alarm),
            Code::Insert(insert, subplans) => {
                let exec = self.exec(sight, subplans, params);
                let changes = self.run_insert(planned, insert, &exec);
                self.finish_changes(&exec, planned, changes)
            }
            Code::Update(update, subplans) => {
                let exec = self.exec(sight, subplans, params);
                self.finish_changes(&exec, planned, exec.in_root(|cx| update.run(cx)))
            }
            Code::Delete(delete, subplans) => {
                let exec = self.exec(sight, subplans, params);
                self.finish_changes(&exec, planned, exec.in_root(|cx| delete.run(cx)))
            }
            Code::Merge(merge, subplans) => {
                let exec = self.exec(sight, subplans, params);
                self.finish_changes(&exec, planned, exec.in_root(|cx| merge.run(cx)))
            }
            Code::Other => self.run_other(sight, planned, params),
        }
    }

    fn run_insert(&self, planned: &Planned, insert: &Insert, exec: &Exec) -> Result<Changes> {
        // What a routine inserts, the rest of the statement that called it may read.
        let load = insert.load.as_ref();
        let Some(load) = load.filter(|_| self.routine_depth == 0 && self.measures.is_none()) else {
            return exec.in_root(|cx| insert.run(cx));
        };
        if insert.is_whole()
            && let Statement::Insert(statement) = &planned.bound.statement
            && let Some(mut rows) =
                self.load_in_vectors(load, &statement.source, &planned.bound, exec)?
        {
            return exec.in_root(|cx| insert.load_columns(&mut rows, cx));
        }
        exec.in_root(|cx| insert.load(cx))
    }

    /// Starts the query `source` of `bound`, whose rows go into a table, in vectors, if they are to run it.
    pub(super) fn load_in_vectors(
        &self,
        load: &Load,
        source: &Plan,
        bound: &Bound,
        exec: &Exec,
    ) -> Result<Option<FusionRows>> {
        let by_rows = match self.chosen.executor {
            Executor::Rows => true,
            Executor::Vectors => false,
            Executor::Quicker => load.by_rows,
        };
        if by_rows || self.routine_depth > 0 {
            return Ok(None);
        }
        let (fusion, bytes) = (&self.engine.shared.fusion, self.statement_memory());
        (load.vectors).open_in_turn(fusion, source, bound, exec, bytes)
    }

    /// Runs the checks that wait for the end of a statement and gives its outcome.
    pub(super) fn finish_changes(
        &self,
        exec: &Exec,
        planned: &Planned,
        changes: Result<Changes>,
    ) -> Result<Outcome> {
        let changes = changes?;
        exec.run_unread_changes()?;
        exec.in_root(|cx| exec.transaction()?.finish_statement(&cx.context()))?;
        Ok(match &planned.columns {
            Some(columns) => Outcome::Rows(
                RowStream::of_rows(columns.clone(), planned.tag, changes.returned)
                    .with_affected(changes.count),
            ),
            None => Outcome::Done(Completion::counted(planned.tag, changes.count)),
        })
    }

    fn run_query(
        &mut self,
        sight: &Sight,
        planned: &Planned,
        query: &Query,
        params: Vec<Value>,
        lazily: bool,
        alarm: Option<Alarm>,
    ) -> Result<Outcome> {
        let columns = planned.columns.clone().unwrap_or_else(|| Arc::from([]));
        let by_rows = self.by_rows(query);
        if let Some(point) = query
            .point
            .as_ref()
            .filter(|_| by_rows && self.measures.is_none())
        {
            let reader = match point.at {
                Some(id) => &look(&sight.past, id)?.reader,
                None => &sight.reader,
            };
            let row = point.run(&**reader, &params, &mut self.key)?;
            return Ok(Outcome::Rows(RowStream::of_row(columns, planned.tag, row)));
        }
        for unserved in &query.unserved {
            unserved.tally.count(unserved.read);
        }
        let exec = self.exec(sight, &query.program.subplans, params);
        if !by_rows && let Some(rows) = self.in_vectors(sight, planned, query, &exec)? {
            let rows = Box::new(Vectors::new(rows, alarm, &self.interrupt));
            let mut stream = RowStream::new(columns.clone(), planned.tag, rows);
            if lazily && sight.txn.is_none() {
                return Ok(Outcome::Rows(stream));
            }
            let rows = stream.collect_rows()?;
            return Ok(Outcome::Rows(RowStream::of_rows(
                columns,
                planned.tag,
                rows,
            )));
        }
        if query.changes {
            let rows =
                exec.in_root(|cx| op::collect(&query.program.root, &mut Held::default(), cx))?;
            exec.run_unread_changes()?;
            exec.in_root(|cx| exec.transaction()?.finish_statement(&cx.context()))?;
            return Ok(Outcome::Rows(RowStream::of_rows(
                columns,
                planned.tag,
                rows,
            )));
        }
        let mut running = Running::start(&query.program, exec, alarm)?;
        if lazily && sight.txn.is_none() {
            return Ok(Outcome::Rows(RowStream::new(
                columns,
                planned.tag,
                Box::new(running),
            )));
        }
        let rows = running.collect()?;
        Ok(Outcome::Rows(RowStream::of_rows(
            columns,
            planned.tag,
            rows,
        )))
    }

    /// Whether the row executor is to run a query.
    pub(super) fn by_rows(&self, query: &Query) -> bool {
        match self.chosen.executor {
            Executor::Rows => true,
            Executor::Vectors => query.locks || query.changes || query.tells,
            Executor::Quicker => query.by_rows,
        }
    }

    /// Starts a query in vectors, if they can run it.
    fn in_vectors(
        &self,
        sight: &Sight,
        planned: &Planned,
        query: &Query,
        exec: &Exec,
    ) -> Result<Option<FusionRows>> {
        let Statement::Query(statement) = &planned.bound.statement else {
            return Ok(None);
        };
        let fusion = &self.engine.shared.fusion;
        let bytes = self.statement_memory();
        let keeping = self.keeping(sight, planned, query, exec)?;
        let plan = &statement.plan;
        query
            .vectors
            .open(fusion, plan, &planned.bound, exec, bytes, keeping)
    }

    /// How a query would run in vectors, or with `analyze` how it ran and its number of rows;
    /// `None` if it is not for them.
    pub(super) fn explain_vectors(
        &self,
        sight: &Sight,
        planned: &Planned,
        params: Vec<Value>,
        analyze: bool,
    ) -> Result<Option<(String, Option<Analyzed>)>> {
        let (Code::Query(query), Statement::Query(statement)) =
            (&planned.code, &planned.bound.statement)
        else {
            return match analyze {
                true => Ok(None),
                false => self.explain_load(sight, planned, params),
            };
        };
        if self.by_rows(query) {
            return Ok(None);
        }
        let exec = self.exec(sight, &query.program.subplans, params);
        let fusion = &self.engine.shared.fusion;
        let (plan, bound) = (&statement.plan, &planned.bound);
        if analyze {
            let bytes = self.statement_memory();
            let run = query
                .vectors
                .explain_analyze(fusion, plan, bound, &exec, bytes)?;
            return Ok(run.map(|(text, analyzed)| (text, Some(analyzed))));
        }
        // Parameters without values have no forms, and so no plan.
        if exec.params.len() < bound.params.len() {
            return Ok(None);
        }
        let text = query.vectors.explain(fusion, plan, bound, &exec)?;
        Ok(text.map(|text| (text, None)))
    }

    /// How an `INSERT` would compute its rows in vectors; `None` if it would not.
    fn explain_load(
        &self,
        sight: &Sight,
        planned: &Planned,
        params: Vec<Value>,
    ) -> Result<Option<(String, Option<Analyzed>)>> {
        let (Code::Insert(insert, subplans), Statement::Insert(statement)) =
            (&planned.code, &planned.bound.statement)
        else {
            return Ok(None);
        };
        let load = insert
            .load
            .as_ref()
            .filter(|load| match self.chosen.executor {
                Executor::Rows => false,
                Executor::Vectors => insert.is_whole(),
                Executor::Quicker => insert.is_whole() && !load.by_rows,
            });
        let (Some(load), bound) = (load, &planned.bound) else {
            return Ok(None);
        };
        if params.len() < bound.params.len() {
            return Ok(None);
        }
        let exec = self.exec(sight, subplans, params);
        let fusion = &self.engine.shared.fusion;
        let source = load
            .vectors
            .explain(fusion, &statement.source, bound, &exec)?;
        Ok(source.map(|source| {
            let lines = source.lines().map(|line| format!("  {line}\n"));
            let text = format!(
                "Insert on {}\n{}",
                insert.table.name,
                lines.collect::<String>()
            );
            (text, None)
        }))
    }

    /// What a statement may hold in memory.
    fn statement_memory(&self) -> StatementMemory {
        StatementMemory {
            spilling: self.spilling_memory(),
            held: self.memory_limit(),
        }
    }

    /// What operations of a statement may hold in memory before they spill, in bytes.
    fn spilling_memory(&self) -> usize {
        let settings = self.state.settings.lock();
        let chosen = settings.int(super::settings::Id::WorkMem);
        let limit = match settings.int(super::settings::Id::WorkMemLimit) {
            0 => chosen,
            most => chosen.min(most),
        };
        // The setting is for one operation, in kilobytes; a statement has several.
        usize::try_from(limit)
            .unwrap_or(0)
            .saturating_mul(1024 * OPERATIONS_MAX)
    }

    /// What a statement may hold in memory where it cannot spill, in bytes.
    fn memory_limit(&self) -> usize {
        let settings = self.state.settings.lock();
        match settings.int(super::settings::Id::MemoryLimit) {
            0 => usize::MAX,
            kilobytes => usize::try_from(kilobytes)
                .unwrap_or(usize::MAX)
                .saturating_mul(1024),
        }
    }

    /// The values of parameters, converted to the statement's types.
    pub(super) fn convert_params(
        &self,
        types: &[helios_base::DataType],
        params: &[Value],
    ) -> Result<Vec<Value>> {
        if params.is_empty() && !types.is_empty() {
            return Err(Error::new(
                SqlState::UNDEFINED_PARAMETER,
                "there is no parameter $1",
            ));
        }
        if params.len() != types.len() {
            return Err(Error::new(
                SqlState::PROTOCOL_VIOLATION,
                format!(
                    "statement requires {} parameters, but {} were given",
                    types.len(),
                    params.len()
                ),
            ));
        }
        if params.iter().zip(types).all(|(value, ty)| value.fits(ty)) {
            return Ok(params.to_vec());
        }
        let text = self.state.text(clock::now());
        let context = helios_expr::EvalContext::new(&*self.state, &text);
        params
            .iter()
            .zip(types)
            .map(|(value, ty)| convert_param(value, ty, &context))
            .collect()
    }
}

/// The value of a parameter, converted to the statement's type.
pub(super) fn convert_param(
    value: &Value,
    ty: &helios_base::DataType,
    context: &helios_expr::EvalContext<'_>,
) -> Result<Value> {
    if value.fits(ty) {
        return Ok(value.clone());
    }
    let from = match value {
        Value::Text(_) => helios_base::DataType::Unknown,
        other => other.natural_type(),
    };
    helios_expr::cast::cast(value, &from, ty, false, context)
}

/// An error about a row that says nothing of what is in it, for roles that may not see it.
fn without_rows(error: Error) -> Error {
    match error.sqlstate().class() {
        "23" | "44" => error.without_detail(),
        _ => error,
    }
}

/// Whether the statement must run in a transaction.
fn needs_transaction(planned: &Planned) -> bool {
    match &planned.code {
        Code::Query(query) => query.locks,
        Code::Insert(..) | Code::Update(..) | Code::Delete(..) | Code::Merge(..) => true,
        Code::Other => match &planned.bound.statement {
            Statement::Copy(copy) => copy.from,
            Statement::Explain(_) | Statement::Declare(_) => false,
            statement => {
                tag::writes(statement)
                    || matches!(statement, Statement::Lock { .. } | Statement::Routine(_))
            }
        },
    }
}

impl Running {
    /// Reads all rows.
    pub(super) fn collect(&mut self) -> Result<Vec<Row>> {
        use super::outcome::RowSource;
        let mut rows = Vec::new();
        while let Some(row) = self.next_row()? {
            rows.push(row);
        }
        Ok(rows)
    }
}
