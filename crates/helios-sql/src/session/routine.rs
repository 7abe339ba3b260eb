//! Running functions and procedures whose statements run one by one.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, Row, SqlState, Value};
use helios_expr::EvalContext;

use super::outcome::{Completion, Outcome, ResultColumn, RowStream};
use super::planned::Planned;
use super::run::Sight;
use super::{Session, clock};
use crate::bind;
use crate::plan::{Routine, RoutineStatement};
use crate::row::memory::Held;
use crate::row::op;

/// How deeply routines may call each other: every level is a few frames of the stack.
const DEPTH_MAX: usize = 16;

impl Session {
    /// Runs a call that stands alone.
    pub(super) fn run_routine(
        &mut self,
        sight: &Sight,
        planned: &Arc<Planned>,
        routine: &Routine,
        params: Vec<Value>,
    ) -> Result<Outcome> {
        if self.routine_depth >= DEPTH_MAX {
            return Err(Error::new(
                SqlState::new(b"54001"),
                format!(
                    "calls of {} {} nest too deeply",
                    routine.def.kind(),
                    routine.def
                ),
            ));
        }
        let args = self.routine_args(sight, planned, routine, params)?;
        let skipped = routine.def.options.strict && args.iter().any(Value::is_null);
        self.routine_depth += 1;
        let rows = if skipped {
            Ok(Vec::new())
        } else {
            self.as_definer(&routine.def, |session| session.routine_rows(routine, &args))
        };
        self.routine_depth -= 1;
        let rows = routine_result(routine, rows?);
        let Some(columns) = &routine.columns else {
            return Ok(Outcome::Done(Completion::tag(planned.tag)));
        };
        let columns = columns
            .iter()
            .map(|column| ResultColumn::new(&*column.name, column.ty.clone()))
            .collect();
        Ok(Outcome::Rows(RowStream::of_rows(
            columns,
            planned.tag,
            rows,
        )))
    }

    fn routine_args(
        &mut self,
        sight: &Sight,
        planned: &Arc<Planned>,
        routine: &Routine,
        params: Vec<Value>,
    ) -> Result<Row> {
        let subplans = &planned.bound.subplans;
        let program = self.with_compiler(sight, |c| c.program(&routine.args, subplans))?;
        let exec = self.exec(sight, &program.subplans, params);
        let mut rows = exec.in_root(|cx| op::collect(&program.root, &mut Held::default(), cx))?;
        Ok(rows.pop().unwrap_or_default())
    }

    /// Runs the statements; gives the rows of the last.
    fn routine_rows(&mut self, routine: &Routine, args: &[Value]) -> Result<Vec<Row>> {
        let mut last = Vec::new();
        for statement in &routine.statements {
            self.interrupt.check()?;
            let sight = self.sight(true)?;
            let planned = self.plan_in_routine(routine, statement, &sight)?;
            let outcome = self.run_planned(
                sight,
                planned,
                args.to_vec(),
                false,
                None,
                &mut |session, sight, _| session.plan_in_routine(routine, statement, sight),
            )?;
            last = match outcome {
                Outcome::Rows(mut rows) => {
                    let columns = rows.columns().clone();
                    let types: Vec<DataType> = columns.iter().map(|c| c.ty.clone()).collect();
                    let rows = rows.collect_rows()?;
                    self.as_declared(routine, &types, rows)?
                }
                Outcome::Done(_) => Vec::new(),
            };
        }
        Ok(last)
    }

    /// Rows of the declared types. Rows of another shape are those of a statement that is not the
    /// last, of no interest to anybody.
    fn as_declared(
        &self,
        routine: &Routine,
        types: &[DataType],
        mut rows: Vec<Row>,
    ) -> Result<Vec<Row>> {
        if types.len() != routine.results.len() {
            // One value that is the whole row.
            if let [DataType::Record | DataType::User(_)] = types {
                for row in &mut rows {
                    if let Some(Value::Record(fields)) = row.first() {
                        *row = fields.to_vec();
                    }
                }
            }
            return Ok(rows);
        }
        if types
            .iter()
            .zip(&routine.results)
            .all(|(from, to)| from == to)
        {
            return Ok(rows);
        }
        let text = self.state.text(clock::now());
        let context = EvalContext::new(&*self.state, &text);
        for row in &mut rows {
            for ((value, from), to) in row.iter_mut().zip(types).zip(&routine.results) {
                if from != to {
                    *value = helios_expr::cast::cast(value, from, to, false, &context)?;
                }
            }
        }
        Ok(rows)
    }

    /// The plan of a statement of a body, from the cache if it is there.
    fn plan_in_routine(
        &mut self,
        routine: &Routine,
        statement: &RoutineStatement,
        sight: &Sight,
    ) -> Result<Arc<Planned>> {
        let key = self.plan_key(&sight.catalog);
        let fits = |planned: &Planned| planned.bound.moments.is_empty();
        if let Some(planned) = self.engine.shared.plans.get(&statement.key, key, fits) {
            return Ok(planned);
        }
        let text = self.state.text(clock::now());
        let identity = self.identity()?;
        let bound = {
            // A body runs as whoever calls it, or as its owner.
            let context = bind::BindContext {
                runs_as: identity.runs_as(),
                roles: Some(&identity.roles),
                catalog: &sight.catalog,
                search_path: &identity.path,
                text: &text,
                past: &self.looking(sight, None),
                session: &*self.state,
            };
            let mut bound =
                bind::bind_in_routine(&statement.parsed.statement, &routine.def, &context)?;
            bound.cacheable &= !identity.is_limited();
            bound
        };
        let mut sight = sight.clone();
        sight.past = self.looking(&sight, None).looks(&bound)?;
        let planned = self.with_compiler(&sight, |compiler| Planned::new(bound, compiler, key))?;
        let planned = Arc::new(planned);
        self.engine.shared.plans.put(&statement.key, &planned);
        Ok(planned)
    }
}

/// The rows that a call gives, of those that its last statement gave.
fn routine_result(routine: &Routine, mut rows: Vec<Row>) -> Vec<Row> {
    let Some(columns) = &routine.columns else {
        return Vec::new();
    };
    let def = &routine.def;
    if routine.results.is_empty() {
        let row = vec![Value::Null; columns.len()];
        return if def.returns.set {
            Vec::new()
        } else {
            vec![row]
        };
    }
    if !def.returns.set {
        rows.truncate(1);
        if rows.is_empty() {
            if routine.as_record {
                return vec![vec![Value::Null]];
            }
            rows.push(vec![Value::Null; routine.results.len()]);
        }
    }
    if routine.as_record {
        for row in &mut rows {
            let fields: Arc<[Value]> = std::mem::take(row).into();
            row.push(Value::Record(fields));
        }
    }
    rows
}
