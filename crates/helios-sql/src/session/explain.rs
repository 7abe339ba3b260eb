//! `EXPLAIN`: describing a statement, and with `ANALYZE` running it.

use std::sync::Arc;
use std::time::Instant;

use helios_base::{Error, Result, Value};

use super::outcome::{Outcome, RowStream};
use super::planned::{Code, PlanKey, Planned};
use super::run::Sight;
use super::{Completion, Session};
use crate::explain::{self, Description, Measured, Near};
use crate::plan::{Bound, Explain, Statement};
use crate::row::measure::Measures;

impl Session {
    /// What tells of indexes of nearness.
    fn near(&self) -> Near<'_> {
        Near {
            tables: &self.engine.shared.tables,
            session: &*self.state,
        }
    }

    pub(super) fn explain(
        &mut self,
        sight: &Sight,
        bound: &Bound,
        explain: &Explain,
        params: Vec<Value>,
    ) -> Result<Outcome> {
        let started = Instant::now();
        let (sight, planned, params) = match &*explain.statement {
            Statement::Execute { name, args } => {
                self.executed_plan(sight, bound, name, args, explain.analyze)?
            }
            statement => {
                let inner = Bound {
                    statement: statement.clone(),
                    subplans: bound.subplans.clone(),
                    params: bound.params.clone(),
                    moments: bound.moments.clone(),
                    cacheable: false,
                    hides_rows: bound.hides_rows,
                    failing: None,
                };
                let key = PlanKey {
                    catalog: sight.catalog.version(),
                    settings: 0,
                    statistics: 0,
                };
                let planned =
                    self.with_compiler(sight, |compiler| Planned::new(inner, compiler, key))?;
                (sight.clone(), Arc::new(planned), params)
            }
        };
        let sight = &sight;
        let planning = started.elapsed();
        let started = Instant::now();
        let vectors = self.explain_vectors(sight, &planned, params.clone(), explain.analyze)?;
        let mut measured = None;
        let description = match vectors {
            Some((text, run)) => {
                let (rows, actual) = run.unzip();
                measured = rows.map(Some);
                Description::of_vectors(&text, &actual.unwrap_or_default())
            }
            None if explain.analyze => {
                let measures = Arc::new(Measures::default());
                self.measures = Some(Arc::clone(&measures));
                let done = self.measure(sight, &planned, params);
                self.measures = None;
                measured = Some(done?.rows);
                Description::new(&planned, Some(&measures), &self.near())
            }
            None => Description::new(&planned, None, &self.near()),
        };
        let measured = measured.map(|rows| Measured {
            planning,
            execution: started.elapsed(),
            rows,
        });
        let lines = description.print(explain, measured.as_ref());
        let rows = lines
            .into_iter()
            .map(|line| vec![Value::text(line)])
            .collect();
        Ok(Outcome::Rows(RowStream::of_rows(
            explain::columns(explain),
            "EXPLAIN",
            rows,
        )))
    }

    /// What `EXECUTE name (args)` would run, and with which parameters.
    fn executed_plan(
        &mut self,
        sight: &Sight,
        bound: &Bound,
        name: &str,
        args: &[helios_expr::Expr],
        run: bool,
    ) -> Result<(Sight, Arc<Planned>, Vec<Value>)> {
        let (prepared, params) = self.executed(sight, bound, name, args)?;
        let Some(parsed) = &prepared.parsed else {
            return Err(Error::unsupported("EXPLAIN of an empty statement"));
        };
        let writes = run && super::statement::writes(&parsed.statement);
        let sight = self.sight_for(&parsed.statement, writes)?;
        let params = self.convert_params(&prepared.parameters, &params)?;
        let planned = self.plan_of(&prepared, parsed, &sight, Some(&params))?;
        self.authorize(&planned.bound.statement)?;
        Ok((sight, planned, params))
    }

    /// Runs the explained statement to its end.
    fn measure(
        &mut self,
        sight: &Sight,
        planned: &Arc<Planned>,
        params: Vec<Value>,
    ) -> Result<Completion> {
        if matches!(planned.code, Code::Other) {
            return Err(Error::unsupported(format!(
                "EXPLAIN ANALYZE of {} is not supported",
                planned.tag
            )));
        }
        let again = Arc::clone(planned);
        self.run_planned(
            sight.clone(),
            Arc::clone(planned),
            params,
            false,
            None,
            &mut |_, _, _| Ok(again.clone()),
        )?
        .finish()
    }
}
