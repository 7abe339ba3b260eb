//! Statements ready to run, and the cache in which all sessions of an engine share them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use helios_base::{Result, TableId};
use helios_table::catalog::TableDef;
use parking_lot::RwLock;

use super::outcome::{Columns, ResultColumn};
use crate::fusion::FusionQuery;
use crate::plan::{self, Bound, Statement};
use crate::row::compile::{Compiler, Unserved};
use crate::row::dml::{Delete, Insert, Load, Merge, Update};
use crate::row::exec::Program;
use crate::row::node::Node;
use crate::row::point::PointSelect;
use crate::row::subplan::CompiledSubplan;

/// A bound and compiled statement. Holds for one catalog and one choice of settings.
pub(crate) struct Planned {
    pub(crate) key: PlanKey,
    pub(crate) bound: Bound,
    pub(crate) code: Code,
    pub(crate) columns: Option<Columns>,
    pub(crate) tag: &'static str,
}

/// What a plan depends on besides its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PlanKey {
    /// The catalog's version.
    pub(crate) catalog: u64,
    /// A digest of the settings that planning reads.
    pub(crate) settings: u64,
    /// The version of what is known of the tables' sizes and values.
    pub(crate) statistics: u64,
}

/// The compiled part of a statement.
pub(crate) enum Code {
    /// A query.
    Query(Query),
    Insert(Insert, Arc<Vec<CompiledSubplan>>),
    Update(Update, Arc<Vec<CompiledSubplan>>),
    Delete(Delete, Arc<Vec<CompiledSubplan>>),
    Merge(Merge, Arc<Vec<CompiledSubplan>>),
    /// Anything else runs from the bound statement.
    Other,
}

/// Numbers of queries.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A compiled query.
pub(crate) struct Query {
    pub(crate) program: Arc<Program>,
    /// The short way, if it is a lookup of one row by its key.
    pub(crate) point: Option<PointSelect>,
    /// Whether it locks rows and so needs a transaction.
    pub(crate) locks: bool,
    /// Whether its `WITH` changes rows.
    pub(crate) changes: bool,
    /// Whether vectors might tell what policies hide.
    pub(crate) tells: bool,
    /// Whether the row executor should run it.
    pub(crate) by_rows: bool,
    /// Its searches by nearness that no index serves.
    pub(crate) unserved: Vec<Unserved>,
    /// The plans of the other executor.
    pub(crate) vectors: FusionQuery,
    /// The tables that alone make its answer, if that may be kept: their ids.
    reads: OnceLock<Option<Vec<TableId>>>,
    /// Tells it from all others of this process.
    pub(crate) number: u64,
}

impl Planned {
    /// Compiles `bound`.
    pub(crate) fn new(bound: Bound, compiler: &Compiler<'_>, key: PlanKey) -> Result<Self> {
        let code = match &bound.statement {
            Statement::Query(query) => {
                let program = Arc::new(compiler.program(&query.plan, &bound.subplans)?);
                Code::Query(Query {
                    point: PointSelect::new(&program.root),
                    locks: query.plan.locks_rows(),
                    tells: plan::may_tell(&bound),
                    changes: query.plan.changes_rows(),
                    by_rows: query.plan.changes_rows()
                        || plan::may_tell(&bound)
                        || crate::row::supports(&program.root, &program.subplans, compiler.stats),
                    vectors: FusionQuery::new(compiler.arranged(&query.plan, &bound.subplans)),
                    program,
                    unserved: compiler.unserved.take(),
                    reads: OnceLock::new(),
                    number: NUMBER.fetch_add(1, Relaxed),
                })
            }
            Statement::Insert(insert) => {
                let mut code = compiler.insert(insert)?;
                let subplans = compiler.subplans(&bound.subplans)?;
                if code.is_plain() {
                    let compiled = (code.source(), &**subplans);
                    code.load = Load::new(&insert.source, &bound, compiler, compiled);
                }
                Code::Insert(code, subplans)
            }
            Statement::Update(update) => Code::Update(
                compiler.update(update)?,
                compiler.subplans(&bound.subplans)?,
            ),
            Statement::Delete(delete) => Code::Delete(
                compiler.delete(delete)?,
                compiler.subplans(&bound.subplans)?,
            ),
            Statement::Merge(merge) => {
                Code::Merge(compiler.merge(merge)?, compiler.subplans(&bound.subplans)?)
            }
            _ => Code::Other,
        };
        let columns = bound.statement.columns();
        let columns = columns.map(|columns| columns.iter().map(ResultColumn::of).collect());
        Ok(Self {
            key,
            tag: super::tag::of(&bound.statement),
            columns,
            code,
            bound,
        })
    }
}

impl Query {
    /// The tables that alone make the answer of this query of `bound`, by their ids; `None` if there is
    /// more to it.
    pub(crate) fn reads(&self, bound: &Bound) -> Option<&[TableId]> {
        let reads = self.reads.get_or_init(|| plan::repeatable(bound));
        reads.as_deref()
    }
}

impl Planned {
    /// Calls `f` with each table that it writes, while `f` says yes.
    pub(crate) fn all_targets(
        &self,
        f: &mut dyn FnMut(&Arc<TableDef>) -> Result<bool>,
    ) -> Result<bool> {
        let (table, input) = match &self.code {
            Code::Insert(insert, _) => (Some(&insert.table), insert.source()),
            Code::Update(update, _) => (Some(&update.table), &update.input),
            Code::Delete(delete, _) => (Some(&delete.table), &delete.input),
            Code::Merge(merge, _) => (Some(&merge.table), &merge.input),
            Code::Query(query) if query.changes => (None, &query.program.root),
            Code::Query(_) | Code::Other => return Ok(true),
        };
        if let Some(table) = table
            && !f(table)?
        {
            return Ok(false);
        }
        if let Node::With(with) = input {
            for (_, cte) in &with.ctes {
                if let Node::Change(change) = cte
                    && !f(change.table())?
                {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The queries inside its expressions.
    pub(crate) fn subplans(&self) -> &[CompiledSubplan] {
        match &self.code {
            Code::Query(query) => &query.program.subplans,
            Code::Insert(_, subplans)
            | Code::Update(_, subplans)
            | Code::Delete(_, subplans)
            | Code::Merge(_, subplans) => subplans,
            Code::Other => &[],
        }
    }
}

/// The plans of an engine by text.
#[derive(Default)]
pub(crate) struct PlanCache {
    plans: RwLock<HashMap<Arc<str>, Vec<Cached>>>,
}

struct Cached {
    planned: Arc<Planned>,
    /// Set when used, cleared when the cache looks for room.
    used: AtomicBool,
}

/// How many texts the cache keeps.
const TEXTS_MAX: usize = 1024;
/// How many plans it keeps of one text, for branches and settings that differ.
const VARIANTS_MAX: usize = 8;
/// Longer texts are not kept: they are loads, not repeated statements.
const TEXT_LEN_MAX: usize = 16 * 1024;

impl PlanCache {
    /// A plan of `text` under `key` that `fits`, if one is known.
    pub(crate) fn get(
        &self,
        text: &str,
        key: PlanKey,
        fits: impl Fn(&Planned) -> bool,
    ) -> Option<Arc<Planned>> {
        let plans = self.plans.read();
        let mut variants = plans.get(text)?.iter();
        let found = variants.find(|c| c.planned.key == key && fits(&c.planned))?;
        found.used.store(true, Relaxed);
        Some(found.planned.clone())
    }

    /// Keeps a plan, if its binding allows that.
    pub(crate) fn put(&self, text: &str, planned: &Arc<Planned>) {
        if !planned.bound.cacheable || text.len() > TEXT_LEN_MAX {
            return;
        }
        let mut plans = self.plans.write();
        if plans.len() >= TEXTS_MAX {
            plans.retain(|_, variants| variants.iter().any(|c| c.used.swap(false, Relaxed)));
            if plans.len() >= TEXTS_MAX {
                plans.clear();
            }
        }
        let variants = plans.entry(Arc::from(text)).or_default();
        if variants.len() >= VARIANTS_MAX {
            variants.remove(0);
        }
        variants.push(Cached {
            planned: planned.clone(),
            used: AtomicBool::new(true),
        });
    }

    /// Forgets everything: `DISCARD PLANS`.
    pub(crate) fn clear(&self) {
        self.plans.write().clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use helios_base::Result;

    use crate::session::{Engine, EngineOptions, Prepared, Session, SessionOptions};

    fn is_kept(session: &mut Session, prepared: &Arc<Prepared>) -> Result<bool> {
        let before = prepared.plan.lock().clone();
        session.run(prepared, &[])?.finish()?;
        let after = prepared.plan.lock().clone();
        Ok(match (before, after) {
            (Some(before), Some(after)) => Arc::ptr_eq(&before, &after),
            _ => false,
        })
    }

    // Guards against plans for a table that was empty when they were made.
    #[test]
    fn plans_are_made_anew_after_analyze_and_growth() -> Result<()> {
        let engine = Engine::open_in_memory(EngineOptions::default())?;
        let mut session = engine.session(SessionOptions::default())?;
        session.run_script("CREATE TABLE t (a int); CREATE INDEX ON t (a)")?;
        let query = session.prepare("SELECT * FROM t WHERE a > 5")?;
        assert!(is_kept(&mut session, &query)?);
        session.run_script("ANALYZE t")?;
        assert!(!is_kept(&mut session, &query)?);
        assert!(is_kept(&mut session, &query)?);
        session.run_script("INSERT INTO t SELECT generate_series(1, 10)")?;
        assert!(is_kept(&mut session, &query)?);
        session.run_script("INSERT INTO t SELECT generate_series(1, 1000)")?;
        assert!(!is_kept(&mut session, &query)?);
        session.run_script("BEGIN; ANALYZE t")?;
        assert!(!is_kept(&mut session, &query)?);
        session.run_script("COMMIT")?;
        assert!(!is_kept(&mut session, &query)?);
        Ok(())
    }
}
