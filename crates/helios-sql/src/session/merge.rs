//! Merging branches: `MERGE BRANCH`, `CHERRY PICK TRANSACTION`, `UNDO TRANSACTION`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use helios_base::{DataType, Error, Result, Scn, SqlState, TxId, Value};
use helios_table::merge::{MergeInput, MergeOptions, MergeReport, Strategy};
use helios_version::{Branch, Read};

use super::Session;
use super::merge_functions::{self, Functions, ROUNDS};
use super::merge_report::{self, Summary};
use super::outcome::{Columns, Completion, Outcome, ResultColumn, RowStream};
use super::run::Sight;
use super::settings::Id;
use super::transaction::is_read_only;
use crate::plan::{MergeCommand, MergeHow};

/// A merge to make.
pub(super) struct Task<'a> {
    /// What is merged, for messages.
    pub(super) what: String,
    /// The branch merged in with the state of it, recorded as a parent.
    pub(super) parent: Option<(Branch, Scn)>,
    pub(super) target: &'a Branch,
    pub(super) how: &'a MergeHow,
    pub(super) strategy: Strategy,
    /// The merge that is completed, with what people decided.
    pub(super) resumed: Option<(String, super::resolutions::Resolutions)>,
}

/// The columns that a merge or its dry run returns.
pub(super) fn columns(command: &MergeCommand) -> Option<Columns> {
    let how = match command {
        MergeCommand::Branch { how, .. } | MergeCommand::One { how, .. } => how,
        MergeCommand::Complete { dry_run: true, .. } => return Some(merge_report::dry_columns()),
        MergeCommand::Complete { .. } => return Some(Summary::columns()),
        MergeCommand::Bisect(_) => return Some(super::bisect::columns()),
        _ => return None,
    };
    Some(if how.dry_run {
        merge_report::dry_columns()
    } else {
        Summary::columns()
    })
}

impl Session {
    pub(super) fn merge_command(
        &mut self,
        sight: &Sight,
        command: &MergeCommand,
    ) -> Result<Outcome> {
        let done = || Ok(Outcome::Done(Completion::tag(command.tag())));
        if let MergeCommand::Bisect(bisect) = command {
            return self.bisect(sight, bisect);
        }
        self.check_no_block(match command.tag() {
            "MERGE" => "MERGE BRANCH",
            tag => tag,
        })?;
        match command {
            MergeCommand::CreateSnapshot {
                name,
                if_not_exists,
                of,
            } => {
                self.create_snapshot(sight, name, *if_not_exists, of)?;
                return done();
            }
            MergeCommand::DropSnapshot { name, if_exists } => {
                self.drop_snapshot(name, *if_exists)?;
                return done();
            }
            _ => {}
        }
        self.roll_back_implicit();
        match command {
            MergeCommand::Branch {
                source,
                target,
                how,
            } => self.merge_branch(source, target.as_deref(), how),
            MergeCommand::One {
                txid,
                undo,
                target,
                how,
            } => self.merge_one(*txid, *undo, target.as_deref(), how),
            MergeCommand::Complete { id, dry_run } => self.complete_merge(id, *dry_run),
            MergeCommand::Abort { id } => {
                self.abort_merge(id)?;
                done()
            }
            MergeCommand::CreateSnapshot { .. }
            | MergeCommand::DropSnapshot { .. }
            | MergeCommand::Bisect(_) => done(),
        }
    }

    fn target(&self, name: Option<&str>) -> Result<Branch> {
        let store = self.engine.shared.tables.store();
        match name {
            Some(name) => super::past::branch_named(store, name),
            None => store
                .branch_by_id(self.branch)
                .ok_or_else(|| self.because_gone(Error::internal("the session's branch is gone"))),
        }
    }

    fn merge_branch(
        &mut self,
        source: &str,
        target: Option<&str>,
        how: &MergeHow,
    ) -> Result<Outcome> {
        let source = super::past::branch_named(self.engine.shared.tables.store(), source)?;
        let target = self.target(target)?;
        if source.id == target.id {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("cannot merge branch \"{}\" into itself", source.name),
            ));
        }
        let snapshot = self
            .engine
            .shared
            .tables
            .store()
            .snapshot(source.id, None)?;
        let task = Task {
            what: format!("merge of branch \"{}\"", source.name),
            parent: Some((source, snapshot.scn())),
            target: &target,
            how,
            strategy: strategy_of(how)?,
            resumed: None,
        };
        self.run_merge(&task, &mut |session| {
            let tables = &session.engine.shared.tables;
            let now = tables.store().scn();
            tables.merge_input(snapshot.clone(), (target.id, now))
        })
    }

    fn merge_one(
        &mut self,
        txid: u64,
        undo: bool,
        target: Option<&str>,
        how: &MergeHow,
    ) -> Result<Outcome> {
        let store = self.engine.shared.tables.store().clone();
        let unknown = || {
            Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("transaction {txid} has not committed, or is no longer known"),
            )
        };
        let scn = store.scn_of(TxId(txid))?.ok_or_else(unknown)?;
        let info = store.commit_info(scn)?.ok_or_else(unknown)?;
        let target = self.target(target)?;
        let before = store.snapshot(info.branch, Some(Scn(scn.0.saturating_sub(1))))?;
        let after = store.snapshot(info.branch, Some(scn))?;
        let (base, source) = if undo {
            (after, before)
        } else {
            (before, after)
        };
        let verb = if undo { "undo of" } else { "cherry-pick of" };
        let task = Task {
            what: format!("{verb} transaction {txid}"),
            parent: None,
            target: &target,
            how,
            strategy: strategy_of(how)?,
            resumed: None,
        };
        if task.strategy == Strategy::Manual {
            return Err(Error::unsupported(
                "strategy MANUAL is not supported for single transactions",
            )
            .with_hint("Use OURS, THEIRS or conflict resolution rules."));
        }
        self.run_merge(&task, &mut |_| {
            Ok(MergeInput {
                bases: vec![base.clone()],
                root: None,
                source: source.clone(),
            })
        })
    }

    /// Runs `work` on another branch than the session's, in a transaction of its own.
    pub(super) fn on_branch<T>(
        &mut self,
        branch: &Branch,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let before = (self.branch, self.state.branch_name());
        self.branch = branch.id;
        self.state.set_branch(branch.id, &branch.name);
        let result = work(self);
        if self.current.is_some() {
            // Whoever wanted it kept has committed.
            self.roll_back();
        }
        self.branch = before.0;
        self.state.set_branch(before.0, &before.1);
        result
    }

    /// Makes a merge, shows it, or puts its conflicts down for people to decide.
    pub(super) fn run_merge(
        &mut self,
        task: &Task<'_>,
        input: &mut dyn FnMut(&Self) -> Result<MergeInput>,
    ) -> Result<Outcome> {
        if is_read_only(task.target) {
            return Err(read_only(&task.target.name));
        }
        self.on_branch(task.target, |session| session.merge_here(task, input))
    }

    fn merge_here(
        &mut self,
        task: &Task<'_>,
        input: &mut dyn FnMut(&Self) -> Result<MergeInput>,
    ) -> Result<Outcome> {
        self.begin_own()?;
        let txn = self.transaction()?;
        txn.lock_merges()?;
        let input = input(self)?;
        let mut functions = Functions::default();
        if let Some(name) = &task.how.function {
            // The number that the strategy has.
            functions.number(name)?;
        }
        let mut options = MergeOptions {
            rules: self.merge_rules(task.how, task.strategy, &input.source, &mut functions)?,
            strategy: task.strategy,
            ..MergeOptions::default()
        };
        let sight = self.sight(true)?;
        let mut resolved = match &task.resumed {
            Some((_, resolutions)) => {
                let source = self.engine.shared.tables.catalog(&input.source)?;
                Some(resolutions.put(&sight.catalog, &source, &mut options)?)
            }
            None => None,
        };
        let exec = self.exec(&sight, &Arc::default(), Vec::new());
        let dry = task.how.dry_run;
        let started = Instant::now();
        let before = txn.savepoint();
        let mut merged = exec.in_root(|cx| txn.merge(&input, &options, &cx.context()));
        for _ in 0..ROUNDS {
            match &merged {
                Ok(report) if merge_functions::asks(report) => {
                    txn.rollback_to(&before)?;
                    self.ask_functions(&mut functions, report, &mut options.answers)?;
                }
                Ok(report) => {
                    let stale = match &mut resolved {
                        Some(resolved) => resolved.take_back(report, &mut options)?,
                        None => false,
                    };
                    if !stale {
                        break;
                    }
                    txn.rollback_to(&before)?;
                }
                Err(_) => break,
            }
            merged = exec.in_root(|cx| txn.merge(&input, &options, &cx.context()));
        }
        let report = match merged {
            Ok(report) => report,
            Err(error) if !self.sees_all()? => return Err(without_rows(error)),
            Err(error) if dry && error.sqlstate().class() == "23" => {
                let rows = vec![merge_report::violation(&error)];
                return Ok(rows_of(merge_report::dry_columns(), "MERGE", rows));
            }
            Err(error) => return Err(error),
        };
        if let Some(resolved) = &resolved {
            resolved.check(&report)?;
        }
        if dry {
            let cost = (started.elapsed(), txn.txn().written_bytes());
            self.preview(task, &input, &report, cost);
            let rows = merge_report::dry_rows(&report)?;
            return Ok(rows_of(merge_report::dry_columns(), "MERGE", rows));
        }
        let mut summary = Summary::new(task, &input, &report);
        if report.open() > 0 {
            if task.strategy != Strategy::Manual || !report.schema_conflicts.is_empty() {
                let error = merge_report::conflicts(task, &report);
                return Err(match self.sees_all()? {
                    true => error,
                    false => without_rows(error),
                });
            }
            let id = self.keep_conflicts(task, &input, &report)?;
            summary.wait(&id, &report);
            return Ok(rows_of(Summary::columns(), "MERGE", vec![summary.row()]));
        }
        if let Some(query) = &task.how.requiring {
            self.require(query)?;
        }
        // Only the merge of a branch is worth a commit that changes nothing: later ones begin there.
        let needless = report.is_empty() && report.decisions.is_empty();
        if needless && (task.parent.is_none() || self.adds_nothing(&input)?) {
            if let Some((id, _)) = &task.resumed {
                // It was merged otherwise in the meantime.
                self.forget_merge(id)?;
                drop((txn, exec, sight));
                self.commit_own()?;
            }
            summary.nothing();
            return Ok(rows_of(Summary::columns(), "MERGE", vec![summary.row()]));
        }
        if let Some((source, scn)) = &task.parent {
            txn.txn().add_merge_parent(source.id, *scn);
        }
        if let Some((id, _)) = &task.resumed {
            self.forget_merge(id)?;
        }
        self.as_system(|session| session.keep_decisions(task, &report))?;
        let message = {
            let settings = self.state.settings.lock();
            match settings.text(Id::CommitMessage) {
                "" => format!("{} into branch \"{}\"", task.what, task.target.name),
                message => message.to_owned(),
            }
        };
        txn.txn().describe(&self.author(), &message);
        // Before the commit, so that all of it is there or nothing.
        txn.merge_sequences(input.source.branch())?;
        drop((txn, exec, sight));
        let scn = self.commit_own()?;
        summary.done(scn);
        Ok(rows_of(Summary::columns(), "MERGE", vec![summary.row()]))
    }

    /// Whether the source is what a base was.
    fn adds_nothing(&self, input: &MergeInput) -> Result<bool> {
        let store = self.engine.shared.tables.store();
        for base in &input.bases {
            if store.diff(base, &input.source, None)?.next()?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Fails unless the query says yes about the merged state.
    fn require(&mut self, query: &str) -> Result<()> {
        let rows = self.own_query(query, &[])?;
        let holds = match rows.as_slice() {
            [row] => matches!(row.as_slice(), [Value::Bool(true)]),
            _ => false,
        };
        if holds {
            return Ok(());
        }
        let shown = match rows.as_slice() {
            [row] if row.len() == 1 => match row.first() {
                Some(Value::Bool(_)) => "false".to_owned(),
                Some(Value::Null) => "null".to_owned(),
                _ => "a value that is not boolean".to_owned(),
            },
            rows => format!("{} rows", rows.len()),
        };
        Err(Error::new(
            SqlState::new(b"P0004"),
            "the merged state does not satisfy REQUIRING",
        )
        .with_detail(format!(
            "The query returned {shown} instead of one row with true."
        ))
        .with_hint("nothing was merged"))
    }

    /// Runs a statement in the transaction at hand.
    pub(super) fn own_query(
        &mut self,
        sql: &str,
        params: &[(DataType, Value)],
    ) -> Result<Vec<Vec<Value>>> {
        let (types, values): (Vec<DataType>, Vec<Value>) = params.iter().cloned().unzip();
        let prepared = self.prepare_statement(sql, types, None)?;
        match self.run_prepared_now(&prepared, &values, None)? {
            Outcome::Rows(mut rows) => rows.collect_rows(),
            Outcome::Done(_) => Ok(Vec::new()),
        }
    }

    fn preview(
        &mut self,
        task: &Task<'_>,
        input: &MergeInput,
        report: &MergeReport,
        cost: (Duration, u64),
    ) {
        for line in merge_report::preview(task, input, report, cost) {
            self.notice(line);
        }
    }

    /// Who is named as the author of commits.
    pub(super) fn author(&self) -> String {
        let settings = self.state.settings.lock();
        match settings.text(Id::CommitAuthor) {
            "" => self.state.user.clone(),
            author => author.to_owned(),
        }
    }
}

fn strategy_of(how: &MergeHow) -> Result<Strategy> {
    let Some(written) = &how.strategy else {
        return Ok(match &how.rule {
            Some(_) => Strategy::RuleBased,
            None => Strategy::Abort,
        });
    };
    let name = &written.name;
    if name.eq_ignore_ascii_case("custom") {
        return match &how.function {
            Some(_) => Ok(Strategy::Custom(0)),
            None => Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "strategy CUSTOM needs a function",
            )
            .with_hint("Write USING STRATEGY CUSTOM (function).")),
        };
    }
    Strategy::parse(name).ok_or_else(|| {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("unknown merge strategy \"{name}\""),
        )
        .with_hint("Strategies are ABORT, OURS, THEIRS, MANUAL, LAST_WRITE_WINS, RULE_BASED and CUSTOM (function).",
        )
    })
}

/// An error without what it says of rows, for roles that may not see them.
fn without_rows(error: Error) -> Error {
    Error::new(error.sqlstate(), error.message().to_owned())
        .with_detail("Only superusers are told which rows.")
}

/// `cannot write to branch …`.
pub(super) fn read_only(name: &str) -> Error {
    Error::new(
        SqlState::READ_ONLY_SQL_TRANSACTION,
        format!("branch \"{name}\" is read-only"),
    )
    .with_hint(writable(name))
}

/// Adds to the error of a statement that it is the branch that cannot be written.
pub(super) fn because_read_only(error: Error, name: &str) -> Error {
    error
        .with_detail(format!("Branch \"{name}\" is read-only."))
        .with_hint(writable(name))
}

fn writable(name: &str) -> String {
    format!(
        "ALTER DATABASE BRANCH {} SET WRITABLE allows writing again.",
        crate::parse::quote_ident(name)
    )
}

pub(super) fn rows_of(columns: Columns, tag: &'static str, rows: Vec<Vec<Value>>) -> Outcome {
    Outcome::Rows(RowStream::of_rows(columns, tag, rows))
}

pub(super) fn text_column(name: &str) -> ResultColumn {
    ResultColumn::new(name, DataType::Text)
}
