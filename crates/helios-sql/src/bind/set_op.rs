//! `UNION`, `INTERSECT`, `EXCEPT`: columns of both sides get common types.

use helios_base::{DataType, Result, SqlState};
use helios_expr::Comparison;
use helios_expr::resolve::common_type;

use super::Binder;
use crate::parse::ast::{Pos, Query, QueryBody};
use crate::plan::{Plan, PlanColumn, SetOp, SetOpKind};

impl Binder<'_> {
    pub(super) fn set_op(
        &mut self,
        kind: SetOpKind,
        all: bool,
        left: Plan,
        right: Plan,
        pos: Pos,
        queries: [&Query; 2],
    ) -> Result<Plan> {
        let word = match kind {
            SetOpKind::Union => "UNION",
            SetOpKind::Intersect => "INTERSECT",
            SetOpKind::Except => "EXCEPT",
        };
        if left.columns().len() != right.columns().len() {
            return Err(self.fail(
                SqlState::SYNTAX_ERROR,
                format!("each {word} query must have the same number of columns"),
                item_pos(queries[1], 0),
            ));
        }
        let types = left
            .columns()
            .iter()
            .zip(right.columns())
            .enumerate()
            .map(|(index, (l, r))| {
                let ty = common_type(word, &[&l.ty, &r.ty]);
                self.place(ty, item_pos(queries[1], index))
            })
            .collect::<Result<Vec<DataType>>>()?;
        if !all {
            for ty in &types {
                self.hashable(ty, pos)?;
            }
        }
        let left = self.coerce_side(left, &types, queries[0])?;
        let right = self.coerce_side(right, &types, queries[1])?;
        let columns = left
            .columns()
            .iter()
            .zip(right.columns())
            .zip(types)
            .map(|((l, r), ty)| PlanColumn {
                name: l.name.clone(),
                ty,
                nullable: l.nullable || r.nullable,
                source: None,
                origin: None,
            })
            .collect();
        let plan = Plan::SetOp(Box::new(SetOp {
            kind,
            all,
            left,
            right,
            columns,
        }));
        self.note_types(pos, &plan);
        Ok(plan)
    }

    /// One side with its columns converted; errors point to the column's expression.
    fn coerce_side(&self, plan: Plan, types: &[DataType], query: &Query) -> Result<Plan> {
        let same = plan
            .columns()
            .iter()
            .zip(types)
            .all(|(column, wanted)| column.ty == *wanted);
        if same {
            return Ok(plan);
        }
        self.convert_plan(plan, &|index, expr| match types.get(index) {
            Some(ty) => {
                let pos = item_pos(query, index);
                self.place(self.builder.coerce(expr, ty), pos)
            }
            None => Ok(expr),
        })
    }

    /// Refuses types whose values cannot be compared, such as `json`.
    pub(super) fn hashable(&self, ty: &DataType, pos: Pos) -> Result<()> {
        if matches!(ty, DataType::Unknown | DataType::Record)
            || self.builder.comparison(Comparison::Eq, ty).is_ok()
        {
            return Ok(());
        }
        Err(self.fail(
            SqlState::UNDEFINED_FUNCTION,
            format!("could not identify an equality operator for type {ty}"),
            pos,
        ))
    }
}

/// Where column `index` of a query is written.
pub(super) fn item_pos(query: &Query, index: usize) -> Pos {
    let written = match &query.body {
        QueryBody::Select(select) => select.items.get(index).map(|item| item.expr.pos),
        QueryBody::Values(rows) => rows
            .first()
            .and_then(|row| row.get(index))
            .map(|expr| expr.pos),
        QueryBody::SetOp { left, .. } => Some(item_pos(left, index)),
    };
    written.unwrap_or(query.pos)
}
