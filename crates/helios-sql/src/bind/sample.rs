//! `TABLESAMPLE`: a condition on the rows of a table.

use helios_base::{DataType, Result, SqlState};
use helios_expr::Expr;

use super::Binder;
use super::scope::{Clause, Scope};
use crate::parse::ast::{Pos, TableSample};
use crate::plan::{Filter, Plan, Project};

impl Binder<'_> {
    /// The part of a table that the clause asks for. A scan that has the rows' keys only for this
    /// loses them.
    pub(super) fn sampled(&mut self, plan: Plan, sample: &TableSample, pos: Pos) -> Result<Plan> {
        let Plan::Scan(scan) = &plan else {
            return Err(self.fail(
                SqlState::FEATURE_NOT_SUPPORTED,
                "TABLESAMPLE clause can only be applied to tables and materialized views",
                pos,
            ));
        };
        let (has_key, width) = (scan.key, scan.columns.len());
        let name = sample.method.name.as_str();
        if !matches!(name, "bernoulli" | "system") {
            return Err(self.fail(
                SqlState::UNDEFINED_OBJECT,
                format!("tablesample method {name} does not exist"),
                sample.method.pos,
            ));
        }
        let [percent] = sample.args.as_slice() else {
            return Err(self.fail(
                SqlState::INVALID_TABLESAMPLE_ARGUMENT,
                format!(
                    "tablesample method {name} requires 1 argument, not {}",
                    sample.args.len()
                ),
                sample.method.pos,
            ));
        };
        self.push_level(Scope::default(), None);
        self.set_clause(Clause::Plain("TABLESAMPLE"));
        let bound = self.expr(percent).and_then(|percent| {
            let seed = sample.repeatable.as_ref();
            Ok((percent, seed.map(|seed| self.expr(seed)).transpose()?))
        });
        self.pop_level();
        let (amount, seed) = bound?;
        let repeatable = match seed {
            None => None,
            Some(seed) if has_key => {
                let key = Expr::column(width.saturating_sub(1), DataType::Bytea);
                Some((seed, key))
            }
            Some(_) => {
                return Err(self
                    .unsupported("TABLESAMPLE … REPEATABLE of a table's past", pos)
                    .with_hint("Leave REPEATABLE out, or select the rows by their key."));
            }
        };
        let predicate = self.builder.sample(amount, repeatable);
        let predicate = self.place(predicate, percent.pos)?;
        let columns = plan.columns().to_vec();
        let input = Plan::Filter(Box::new(Filter {
            input: plan,
            predicate,
        }));
        if !has_key {
            return Ok(input);
        }
        let columns: Vec<_> = columns.into_iter().take(width.saturating_sub(1)).collect();
        let exprs = (0..columns.len())
            .map(|at| super::query::column_of(&columns, at))
            .collect();
        Ok(Plan::Project(Box::new(Project {
            input,
            exprs,
            columns,
        })))
    }
}
