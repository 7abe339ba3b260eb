//! From a statement to its run: parsed or prepared, planned or found in the cache.

use std::sync::Arc;

use helios_base::{BranchId, DataType, Error, Result, Value};
use parking_lot::Mutex;

use super::outcome::{Columns, Completion, Outcome, ResultColumn};
use super::past::Looking;
use super::planned::Planned;
use super::run::{Counts, Sight};
use super::{Prepared, Session, clock};
use crate::bind;
use crate::parse::{self, Parsed, ast};
use crate::plan::{SetScope, Statement, TransactionCommand};
use crate::row::compile::Compiler;

impl Session {
    /// Runs one statement of a script. `single`: it is the whole script, so its rows may be
    /// computed as they are read.
    pub(super) fn run_parsed(
        &mut self,
        source: &Arc<str>,
        parsed: &Parsed,
        single: bool,
    ) -> Result<Outcome> {
        self.leave_idle()?;
        let text = parsed.span.of(source).trim();
        let alarm = self.start_statement(Arc::from(text));
        let result = self.run_statement(source, parsed, text, single, alarm);
        let mut result = self.end_statement(result);
        self.count(&result);
        self.audit(&parsed.statement, text, &mut result);
        result
    }

    fn run_statement(
        &mut self,
        source: &Arc<str>,
        parsed: &Parsed,
        text: &str,
        single: bool,
        alarm: Option<super::watchdog::Alarm>,
    ) -> Result<Outcome> {
        if let ast::Statement::Transaction(command) = &parsed.statement {
            let command: TransactionCommand = command.clone();
            let tag = self.transaction_command(&command)?;
            return Ok(Outcome::Done(Completion::tag(tag)));
        }
        self.check_not_failed()?;
        // A script's statements share one transaction, even if each only reads.
        let begins =
            writes(&parsed.statement) || (!single && starts_transaction(&parsed.statement));
        let sight = self.sight_for(&parsed.statement, begins)?;
        let planned = self.plan(source, parsed, text, &[], &sight, None)?;
        self.convert_params(&planned.bound.params, &[])?;
        self.run_planned(
            sight,
            planned,
            Vec::new(),
            single,
            alarm,
            &mut |session, sight, params| {
                session.plan(source, parsed, text, &[], sight, Some(params))
            },
        )
    }

    /// What a statement would see at other moments; `params` once it has them.
    pub(super) fn looking<'a>(
        &'a self,
        sight: &'a Sight,
        params: Option<&'a [Value]>,
    ) -> Looking<'a> {
        Looking {
            session: self,
            sight,
            params,
        }
    }

    /// Whether a plan was made for what there is at the moments it reads at.
    fn fits(&self, planned: &Planned, sight: &Sight, params: Option<&[Value]>) -> bool {
        planned.bound.moments.is_empty()
            || self
                .looking(sight, params)
                .looks_if_bound(&planned.bound)
                .is_ok_and(|looks| looks.is_some())
    }

    /// The plan of a statement for a catalog, from the cache if it is there.
    pub(super) fn plan(
        &mut self,
        source: &str,
        parsed: &Parsed,
        text: &str,
        declared: &[DataType],
        sight: &Sight,
        params: Option<&[Value]>,
    ) -> Result<Arc<Planned>> {
        let key = self.plan_key(&sight.catalog);
        let fits = |planned: &Planned| self.fits(planned, sight, params);
        if declared.is_empty()
            && let Some(planned) = self.engine.shared.plans.get(text, key, fits)
        {
            return Ok(planned);
        }
        let planned = super::trace::step(&super::trace::plan_span(), || {
            self.plan_anew(source, parsed, declared, sight, params)
        })?;
        let planned = Arc::new(planned);
        if declared.is_empty() {
            self.engine.shared.plans.put(text, &planned);
        }
        Ok(planned)
    }

    pub(super) fn plan_anew(
        &mut self,
        source: &str,
        parsed: &Parsed,
        declared: &[DataType],
        sight: &Sight,
        params: Option<&[Value]>,
    ) -> Result<Planned> {
        let key = self.plan_key(&sight.catalog);
        let text = self.state.text(clock::now());
        let identity = self.identity()?;
        let context = bind::BindContext {
            runs_as: identity.runs_as(),
            roles: Some(&identity.roles),
            catalog: &sight.catalog,
            search_path: &identity.path,
            text: &text,
            past: &self.looking(sight, params),
            session: &*self.state,
        };
        let mut bound = bind::bind(&parsed.statement, source, &context, declared)?;
        // What a role may do now does not show in the version of a catalog of the past.
        if identity.is_limited() && (self.chosen.looks_back || self.fixed.is_some()) {
            bound.cacheable = false;
        }
        let mut sight = sight.clone();
        sight.past = self.looking(&sight, params).looks(&bound)?;
        self.with_compiler(&sight, |compiler| Planned::new(bound, compiler, key))
    }

    /// A compiler of plans for what a statement sees.
    pub(super) fn with_compiler<R>(
        &self,
        sight: &Sight,
        work: impl FnOnce(&Compiler<'_>) -> R,
    ) -> R {
        let tables = &self.engine.shared.tables;
        let counts = Counts {
            tables,
            catalog: &sight.catalog,
            reader: &*sight.reader,
        };
        work(&Compiler {
            catalog: &sight.catalog,
            past: &sight.past,
            stats: &counts,
            tables,
            unserved: std::cell::RefCell::default(),
        })
    }

    /// The columns of a planned statement's rows.
    fn describe(&self, planned: &Planned) -> Result<Option<Columns>> {
        let text = |name: &str| ResultColumn::new(name, DataType::Text);
        Ok(match &planned.bound.statement {
            Statement::Show(Some(name)) => {
                let settings = self.state.settings.lock();
                Some(Columns::from([text(settings.name(name)?)]))
            }
            Statement::Show(None) => Some(Columns::from([
                text("name"),
                text("setting"),
                text("description"),
            ])),
            Statement::Explain(explain) => Some(crate::explain::columns(explain)),
            Statement::Branch(command) => match &**command {
                crate::plan::BranchCommand::Merge(merge) => super::merge::columns(merge),
                _ => None,
            },
            Statement::Fetch(fetch) if !fetch.only_move => self.cursor_columns(&fetch.cursor),
            Statement::Execute { name, .. } => {
                self.prepared.get(name).and_then(|p| p.columns.clone())
            }
            _ => planned.columns.clone(),
        })
    }

    /// Prepares a statement whose first parameters have `declared` types.
    pub(super) fn prepare_statement(
        &mut self,
        sql: &str,
        declared: Vec<DataType>,
        params: Option<&[Value]>,
    ) -> Result<Arc<Prepared>> {
        let single = || parse::Script::single(sql);
        let Some(parsed) = super::trace::step(&super::trace::parse_span(), single)? else {
            return Ok(Arc::new(Prepared {
                normal: std::sync::OnceLock::new(),
                text: Arc::from(sql),
                parsed: None,
                declared,
                parameters: Vec::new(),
                columns: None,
                tag: "",
                loose: false,
                plan: Mutex::new(None),
            }));
        };
        self.leave_idle()?;
        let ends_block = matches!(&parsed.statement, ast::Statement::Transaction(_));
        if !ends_block {
            self.check_not_failed()?;
        }
        let sight = match &self.current {
            // A failed transaction has no view; commands that end it need none.
            Some(current) if current.failed => self.outside()?,
            _ => self.sight_for(&parsed.statement, false)?,
        };
        let text = parsed.span.of(sql).trim();
        let planned = self.plan(sql, &parsed, text, &declared, &sight, params);
        if let Err(error) = &planned {
            // It will not run, and so be counted and written down nowhere else.
            self.count(&planned);
            self.audit_refused(&parsed.statement, text, error);
        }
        let planned = planned?;
        Ok(Arc::new(Prepared {
            normal: std::sync::OnceLock::new(),
            text: Arc::from(sql),
            parsed: Some(parsed),
            declared,
            parameters: planned.bound.params.clone(),
            columns: self.describe(&planned)?,
            tag: planned.tag,
            loose: false,
            plan: Mutex::new(Some(planned)),
        }))
    }

    /// The columns that a prepared statement has with these parameters: tables may have others at another
    /// moment.
    pub(super) fn columns_with(
        &mut self,
        prepared: &Arc<Prepared>,
        params: &[Value],
    ) -> Result<Option<Columns>> {
        let planned = prepared.plan.lock().clone();
        let travels = planned.is_some_and(|planned| !planned.bound.moments.is_empty());
        let failed = self.current.as_ref().is_some_and(|current| current.failed);
        let Some(parsed) = prepared.parsed.as_ref().filter(|_| travels && !failed) else {
            return Ok(prepared.columns.clone());
        };
        self.leave_idle()?;
        let params = self.convert_params(&prepared.parameters, params)?;
        let sight = self.sight_for(&parsed.statement, false)?;
        let planned = self.plan_of(prepared, parsed, &sight, Some(&params))?;
        self.describe(&planned)
    }

    /// What a statement sees. What leads out of a past that cannot be read, or of a branch that was
    /// dropped, needs not see it.
    pub(super) fn sight_for(
        &mut self,
        statement: &ast::Statement,
        in_transaction: bool,
    ) -> Result<Sight> {
        if goes_elsewhere(statement) {
            return self.outside();
        }
        let unused = self.current.as_ref().is_some_and(|current| !current.used);
        let sight = self.sight(in_transaction);
        if let Some(current) = &mut self.current
            && unused
            && is_of_settings(statement)
        {
            // A transaction's modes may follow.
            current.used = false;
        }
        match sight {
            Err(_) if leads_out(statement) => self.outside(),
            result => result.map_err(|error| self.because_gone(error)),
        }
    }

    /// What a statement outside of the session's transaction would see.
    pub(super) fn outside(&self) -> Result<Sight> {
        let tables = &self.engine.shared.tables;
        let store = tables.store();
        let branch = store.branch_by_id(self.branch);
        // Whoever leaves a branch that was dropped sees the root.
        let branch = branch.map_or(BranchId::MAIN, |branch| branch.id);
        let snapshot = store.snapshot(branch, None)?;
        Ok(Sight {
            catalog: tables.catalog(&snapshot)?,
            reader: Arc::new(snapshot),
            txn: None,
            past: Arc::default(),
        })
    }

    /// Runs a prepared statement.
    pub(super) fn run_prepared(
        &mut self,
        prepared: &Arc<Prepared>,
        params: &[Value],
    ) -> Result<Outcome> {
        self.run_prepared_as(prepared, params, &prepared.text)
    }

    /// As [`Session::run_prepared`]; `text` is what others see of it.
    pub(super) fn run_prepared_as(
        &mut self,
        prepared: &Arc<Prepared>,
        params: &[Value],
        text: &Arc<str>,
    ) -> Result<Outcome> {
        self.leave_idle()?;
        let alarm = self.start_statement(text.clone());
        let result = self.run_prepared_now(prepared, params, alarm);
        let mut result = self.end_statement(result);
        self.count(&result);
        if let Some(parsed) = &prepared.parsed {
            self.audit(&parsed.statement, text, &mut result);
        }
        result
    }

    pub(super) fn run_prepared_now(
        &mut self,
        prepared: &Arc<Prepared>,
        params: &[Value],
        alarm: Option<super::watchdog::Alarm>,
    ) -> Result<Outcome> {
        let Some(parsed) = &prepared.parsed else {
            return Ok(Outcome::Done(Completion::tag("")));
        };
        if let ast::Statement::Transaction(command) = &parsed.statement {
            let tag = self.transaction_command(&command.clone())?;
            return Ok(Outcome::Done(Completion::tag(tag)));
        }
        self.check_not_failed()?;
        let params = self.convert_params(&prepared.parameters, params)?;
        let sight = self.sight_for(&parsed.statement, writes(&parsed.statement))?;
        let planned = self.plan_of(prepared, parsed, &sight, Some(&params))?;
        self.run_planned(
            sight,
            planned,
            params,
            true,
            alarm,
            &mut |session, sight, params| session.plan_of(prepared, parsed, sight, Some(params)),
        )
    }

    /// The plan of a prepared statement for a catalog.
    pub(super) fn plan_for(&mut self, prepared: &Prepared, sight: &Sight) -> Result<Arc<Planned>> {
        match &prepared.parsed {
            Some(parsed) => self.plan_of(prepared, parsed, sight, None),
            None => Err(Error::internal("an empty statement has no plan")),
        }
    }

    /// The prepared statement's plan for a catalog: its last one, if that still holds.
    pub(super) fn plan_of(
        &mut self,
        prepared: &Prepared,
        parsed: &Parsed,
        sight: &Sight,
        params: Option<&[Value]>,
    ) -> Result<Arc<Planned>> {
        let key = self.plan_key(&sight.catalog);
        let known = prepared.plan.lock().clone();
        if let Some(planned) = known
            && planned.key == key
            && planned.bound.cacheable
            && self.fits(&planned, sight, params)
        {
            return Ok(planned);
        }
        let text = parsed.span.of(&prepared.text).trim();
        let planned = self.plan(
            &prepared.text,
            parsed,
            text,
            &prepared.declared,
            sight,
            params,
        )?;
        // Clients have been told what comes out.
        let columns = self.describe(&planned)?;
        let changed = match (&columns, &prepared.columns) {
            (Some(new), Some(old)) => new.iter().map(|c| &c.ty).ne(old.iter().map(|c| &c.ty)),
            (None, None) => false,
            _ => true,
        };
        // What a moment shows may have other columns than now: only its value tells.
        let changed = changed && planned.bound.moments.is_empty() && !prepared.loose;
        if changed || planned.bound.params != prepared.parameters {
            return Err(Error::unsupported(
                "cached plan must not change result type",
            ));
        }
        *prepared.plan.lock() = Some(planned.clone());
        Ok(planned)
    }
}

/// Whether a statement sends a transaction elsewhere, which has then seen nothing yet.
fn goes_elsewhere(statement: &ast::Statement) -> bool {
    let ast::Statement::Branch(branch) = statement else {
        return false;
    };
    matches!(
        **branch,
        ast::Branch::Use {
            transaction: true,
            ..
        }
    )
}

/// Whether a statement may change what the session looks at, or tell it.
fn leads_out(statement: &ast::Statement) -> bool {
    matches!(
        statement,
        ast::Statement::Set { .. }
            | ast::Statement::Show(_)
            | ast::Statement::Reset(_)
            | ast::Statement::Branch(_)
            | ast::Statement::Discard(_)
            | ast::Statement::Transaction(_)
    )
}

/// Whether a statement is about settings alone and reads no data.
fn is_of_settings(statement: &ast::Statement) -> bool {
    matches!(
        statement,
        ast::Statement::Set { .. } | ast::Statement::Show(_) | ast::Statement::Reset(_)
    )
}

/// Whether a statement surely needs a transaction, so that no other snapshot is taken before.
pub(super) fn writes(statement: &ast::Statement) -> bool {
    matches!(
        statement,
        ast::Statement::Insert(_)
            | ast::Statement::Update(_)
            | ast::Statement::Delete(_)
            | ast::Statement::Merge(_)
    )
}

/// Whether a statement of a longer script begins the script's transaction.
fn starts_transaction(statement: &ast::Statement) -> bool {
    if let ast::Statement::Set { scope, .. } = statement {
        return *scope == SetScope::Local;
    }
    !matches!(
        statement,
        ast::Statement::Show(_)
            | ast::Statement::Reset(_)
            | ast::Statement::Branch(_)
            | ast::Statement::Checkpoint
            | ast::Statement::Vacuum { .. }
            | ast::Statement::Prepare { .. }
            | ast::Statement::Deallocate(_)
            | ast::Statement::Discard(_)
    )
}
