//! Statements that are neither queries nor changes of rows or schema.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState, Value};

use super::outcome::{Columns, Completion, Outcome, ResultColumn, RowStream};
use super::planned::Planned;
use super::prepared::Prepared;
use super::run::Sight;
use super::{NameContext, Session};
use crate::plan::{BranchCommand, MergeCommand, SetScope, SetValue, Statement};

impl Session {
    /// Runs a statement that has no compiled code.
    pub(super) fn run_other(
        &mut self,
        sight: &Sight,
        planned: &Arc<Planned>,
        params: Vec<Value>,
    ) -> Result<Outcome> {
        let bound = &planned.bound;
        self.authorize(&bound.statement)?;
        match &bound.statement {
            Statement::Role(command) => {
                let tag = self.role_command(command)?;
                return Ok(Outcome::Done(Completion::tag(tag)));
            }
            Statement::Set { name, value, scope } => self.set(name, value, *scope)?,
            Statement::Show(name) => return self.show(name.as_deref()),
            Statement::Reset(Some(name)) if super::settings::is_of_database(name) => {
                self.set_for_database(name, None, SetScope::Session)?;
            }
            Statement::Reset(Some(name))
                if let Some(id) = super::settings::of_transaction(name) =>
            {
                self.set_of_transaction(id, None)?;
            }
            Statement::Reset(Some(name)) => self.state.settings.lock().set(name, None, false)?,
            Statement::Reset(None) => self.state.settings.lock().reset_all(),
            Statement::Explain(explain) => return self.explain(sight, bound, explain, params),
            Statement::Prepare(prepare) => self.prepare_named(prepare)?,
            Statement::Execute { name, args } => {
                return self.execute_named(sight, bound, name, args);
            }
            Statement::Deallocate(name) => self.deallocate(name.as_deref())?,
            Statement::Declare(cursor) => self.declare(sight, bound, cursor, params)?,
            Statement::Fetch(fetch) => return self.fetch(fetch),
            Statement::Close(name) => self.close(name.as_deref())?,
            Statement::Discard(what) => self.discard(what)?,
            Statement::Copy(copy) => return self.copy(sight, bound, copy, params),
            Statement::Reindex(indexes) if indexes.is_empty() => {}
            Statement::Listen(command) => self.listen_command(command)?,
            Statement::Extension(command) => self.extension(command)?,
            Statement::Checkpoint => {
                let store = self.engine.shared.tables.store();
                while store.checkpoint_step(CHECKPOINT_STEP)? == helios_version::Step::More {
                    self.interrupt.check()?;
                }
            }
            Statement::Vacuum {
                tables, analyze, ..
            } => {
                self.check_no_block("VACUUM")?;
                let store = self.engine.shared.tables.store();
                while store.gc_step(GC_STEP)? == helios_version::Step::More {
                    self.interrupt.check()?;
                }
                let cold = &self.engine.shared.tables;
                cold.tend_anew();
                while cold.tend_step(super::clock::now(), super::tending::STEP)?
                    == helios_version::Step::More
                {
                    self.interrupt.check()?;
                }
                while cold.nearest_step(super::tending::STEP)? == helios_version::Step::More {
                    self.interrupt.check()?;
                }
                if *analyze {
                    self.analyze(tables)?;
                }
            }
            Statement::Analyze(tables) => self.analyze(tables)?,
            Statement::Branch(command) => {
                let reads = matches!(
                    **command,
                    BranchCommand::Use { .. } | BranchCommand::Merge(MergeCommand::Bisect(_))
                );
                if !reads {
                    self.check_not_looking_back(planned.tag)?;
                }
                match &**command {
                    BranchCommand::Merge(merge) => return self.merge_command(sight, merge),
                    command => self.branch_command(sight, command)?,
                }
                self.engine.shared.read_settings();
                super::expiry::arm(&self.engine.shared);
            }
            Statement::Lock {
                tables,
                mode,
                no_wait,
            } => self.lock_tables(sight, tables, mode, *no_wait)?,
            Statement::Routine(routine) => {
                return self.run_routine(sight, planned, routine, params);
            }
            _ => return self.run_ddl(sight, planned, params),
        }
        Ok(Outcome::Done(Completion::tag(planned.tag)))
    }

    fn set(&mut self, name: &str, value: &SetValue, scope: SetScope) -> Result<()> {
        let text = setting_text(name, value);
        if super::settings::is_of_database(name) {
            return self.set_for_database(name, text.as_deref(), scope);
        }
        if super::roles::is_identity(name)
            && let Some(role) = &text
        {
            self.check_identity(name, role)?;
        }
        self.state.check_limit(name)?;
        let local = scope == SetScope::Local;
        if local && self.current.is_none() {
            self.notices.push(super::Notice::warning(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                "SET LOCAL can only be used in transaction blocks",
            ));
            return Ok(());
        }
        if let Some(id) = super::settings::of_transaction(name) {
            return self.set_of_transaction(id, text.as_deref());
        }
        let text = match text {
            Some(text) if name.eq_ignore_ascii_case(super::as_of::NAME) => {
                Some(self.fixed_point(&text)?)
            }
            text => text,
        };
        let mut settings = self.state.settings.lock();
        settings.set(name, text.as_deref(), local)?;
        let idle = text.is_some() && settings.is_idle(name);
        drop(settings);
        if idle {
            self.notice(format!("parameter \"{name}\" has no effect here"));
        }
        Ok(())
    }

    fn show(&self, name: Option<&str>) -> Result<Outcome> {
        let settings = self.state.settings.lock();
        let text = |name: &str| ResultColumn::new(name, DataType::Text);
        Ok(Outcome::Rows(match name {
            Some(name) => {
                let value = settings.show(name)?;
                let shown = settings.name(name)?;
                let columns = Columns::from([text(shown)]);
                RowStream::of_rows(columns, "SHOW", vec![vec![Value::text(value)]])
            }
            None => {
                let columns = Columns::from([text("name"), text("setting"), text("description")]);
                let rows = settings
                    .all()
                    .map(|(def, value)| {
                        vec![
                            Value::text(def.name),
                            Value::text(value),
                            Value::text(def.doc),
                        ]
                    })
                    .collect();
                RowStream::of_rows(columns, "SHOW", rows)
            }
        }))
    }

    fn prepare_named(&mut self, prepare: &crate::plan::Prepare) -> Result<()> {
        if self.prepared.contains_key(&prepare.name) {
            return Err(Error::new(
                SqlState::DUPLICATE_PREPARED_STATEMENT,
                format!("prepared statement \"{}\" already exists", prepare.name),
            ));
        }
        let prepared = self.prepare_statement(&prepare.text, prepare.types.clone(), None)?;
        self.keep_prepared_of(&prepare.name, prepared, true);
        Ok(())
    }

    fn execute_named(
        &mut self,
        sight: &Sight,
        bound: &crate::plan::Bound,
        name: &str,
        args: &[helios_expr::Expr],
    ) -> Result<Outcome> {
        let (prepared, params) = self.executed(sight, bound, name, args)?;
        // The statement's clock already runs for EXECUTE itself.
        self.run_prepared_now(&prepared, &params, None)
    }

    /// The statement that `EXECUTE` names, and the values of its parameters.
    pub(super) fn executed(
        &mut self,
        sight: &Sight,
        bound: &crate::plan::Bound,
        name: &str,
        args: &[helios_expr::Expr],
    ) -> Result<(Arc<Prepared>, Vec<Value>)> {
        let prepared = self
            .prepared
            .get(name)
            .cloned()
            .ok_or_else(|| no_statement(name))?;
        if args.len() != prepared.parameters.len() {
            return Err(Error::new(
                SqlState::SYNTAX_ERROR,
                format!("wrong number of parameters for prepared statement \"{name}\""),
            )
            .with_detail(format!(
                "Expected {} parameters but got {}.",
                prepared.parameters.len(),
                args.len()
            )));
        }
        let subplans = self.with_compiler(sight, |c| c.subplans(&bound.subplans))?;
        let exec = self.exec(sight, &subplans, Vec::new());
        let mut params = Vec::with_capacity(args.len());
        for (arg, ty) in args.iter().zip(&prepared.parameters) {
            params.push(exec.in_root(|cx| {
                let value = cx.eval(arg, &[])?;
                helios_expr::cast::cast(&value, arg.ty(), ty, false, &cx.context())
            })?);
        }
        Ok((prepared, params))
    }

    fn deallocate(&mut self, name: Option<&str>) -> Result<()> {
        match name {
            None => self.forget_all_prepared(),
            Some(name) if self.prepared.contains_key(name) => self.forget_prepared(name),
            Some(name) => return Err(no_statement(name)),
        }
        Ok(())
    }

    fn discard(&mut self, what: &str) -> Result<()> {
        match what {
            "plans" => {
                self.engine.shared.plans.clear();
                self.engine.shared.results.clear();
                self.forget_recent();
            }
            "sequences" => self.state.forget_sequences(),
            "temp" => self.discard_temporary()?,
            _ => {
                self.check_no_block("DISCARD ALL")?;
                self.close_cursors(true);
                self.forget_all_prepared();
                self.forget_recent();
                self.state.settings.lock().reset_all();
                self.discard_temporary()?;
                self.state.forget_sequences();
                self.unlisten_all();
                self.go_to_first();
            }
        }
        Ok(())
    }

    fn analyze(&mut self, tables: &[crate::plan::TableRef]) -> Result<()> {
        let txn = self.transaction()?;
        txn.statement()?;
        let catalog = txn.catalog()?;
        let chosen: Vec<_> = if tables.is_empty() {
            catalog.tables().cloned().collect()
        } else {
            let named = tables.iter().filter_map(|t| catalog.table_by_id(t.id));
            named.cloned().collect()
        };
        for table in chosen {
            let interrupt = self.interrupt.clone();
            txn.analyze(&table, &|| interrupt.check())?;
        }
        Ok(())
    }

    /// The names for [`Session::complete_names`].
    pub(super) fn names(&self, context: &NameContext, prefix: &str) -> Vec<String> {
        let tables = &self.engine.shared.tables;
        let Ok(catalog) = tables.newest_catalog(self.branch) else {
            return Vec::new();
        };
        let path = self.state.search_path();
        let shown = |schema: &str, name: &str| {
            let name = crate::parse::quote_ident(name);
            if path.iter().any(|p| p == schema) {
                name.to_string()
            } else {
                format!("{}.{name}", crate::parse::quote_ident(schema))
            }
        };
        let mut names: Vec<String> = match context {
            NameContext::Relation => {
                let tables = catalog.tables().map(|t| shown(&t.schema_name, &t.name));
                let views = catalog.views().map(|v| shown(&v.schema_name, &v.name));
                tables.chain(views).collect()
            }
            NameContext::Column(relation) => catalog
                .tables()
                .filter(|table| {
                    relation.as_ref().is_none_or(|r| {
                        *r == table.name || *r == shown(&table.schema_name, &table.name)
                    })
                })
                .flat_map(|table| &table.columns)
                .map(|column| crate::parse::quote_ident(&column.name).to_string())
                .collect(),
            NameContext::Schema => {
                let own = catalog
                    .schemas()
                    .map(|s| crate::parse::quote_ident(&s.name).to_string());
                let system = ["information_schema", "pg_catalog"].map(str::to_owned);
                own.chain(system).collect()
            }
            NameContext::Index => catalog
                .tables()
                .flat_map(|t| t.indexes.iter().map(|i| shown(&t.schema_name, &i.name)))
                .collect(),
            NameContext::Sequence => catalog
                .sequences()
                .map(|s| shown(&s.schema_name, &s.name))
                .collect(),
            NameContext::Function => function_names(),
            NameContext::Setting => super::SETTINGS.iter().map(|s| s.name.to_owned()).collect(),
            NameContext::Branch => tables
                .store()
                .branches()
                .into_iter()
                .map(|b| b.name)
                .collect(),
            NameContext::Snapshot => tables
                .store()
                .pins()
                .into_iter()
                .map(|(name, ..)| name)
                .filter(|name| !super::conflicts::is_pin(name))
                .collect(),
            NameContext::Statement => self.prepared.keys().cloned().collect(),
        };
        names.retain(|name| starts_with(name, prefix));
        names.sort();
        names.dedup();
        names
    }

    /// Says in `pg_stat_activity` what runs.
    pub(super) fn note_activity(&self, text: Arc<str>) {
        let mut now = self.activity.now.lock();
        now.state = "active";
        now.query = text;
        now.query_start = self.statement_start;
    }

    /// Says in `pg_stat_activity` what ran, at once and to its end.
    #[inline]
    pub(super) fn note_lookup(&self, text: &Arc<str>, start: i64) {
        let mut now = self.activity.now.lock();
        if !Arc::ptr_eq(&now.query, text) {
            now.query = text.clone();
        }
        now.query_start = start;
    }

    /// Says in `pg_stat_activity` that a statement runs which was seen before.
    pub(super) fn note_change(&self, text: &Arc<str>) {
        let mut now = self.activity.now.lock();
        now.state = "active";
        if !Arc::ptr_eq(&now.query, text) {
            now.query = text.clone();
        }
        now.query_start = self.statement_start;
    }

    /// Says in `pg_stat_activity` that nothing runs, and starts the clock of idle transactions.
    pub(super) fn go_idle(&mut self) {
        let transaction = match &self.current {
            Some(current) if current.failed => Some("idle in transaction (aborted)"),
            Some(_) => Some("idle in transaction"),
            None => None,
        };
        self.heed_settings();
        {
            let mut now = self.activity.now.lock();
            now.state = transaction.unwrap_or("idle");
            now.transaction_start = self.current.as_ref().map(|current| current.started);
            now.transaction = self
                .current
                .as_ref()
                .map(|current| current.txn.txn().number());
        }
        self.start_idle_clock();
        if self.current.is_none() {
            self.state.look_away();
        }
    }
}

/// Work done between two looks at the cancellation flag.
const CHECKPOINT_STEP: usize = 10_000;
const GC_STEP: usize = 10_000;

/// The functions of the catalogue.
fn function_names() -> Vec<String> {
    helios_expr::catalog::all()
        .filter(|function| function.kind() == helios_expr::Kind::Function)
        .map(|function| function.name().to_owned())
        .collect()
}

fn no_statement(name: &str) -> Error {
    Error::new(
        SqlState::INVALID_SQL_STATEMENT_NAME,
        format!("prepared statement \"{name}\" does not exist"),
    )
}

fn starts_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// The value of a setting as one text; `None` for its default.
pub(super) fn setting_text(name: &str, value: &SetValue) -> Option<String> {
    match value {
        SetValue::Default => None,
        SetValue::Values(values) if name.eq_ignore_ascii_case("search_path") => {
            // Each value is one name, however it was quoted.
            let quoted = values
                .iter()
                .map(|name| crate::parse::quote_ident(name).to_string())
                .collect::<Vec<_>>();
            Some(quoted.join(", "))
        }
        SetValue::Values(values) => Some(values.join(", ")),
    }
}
