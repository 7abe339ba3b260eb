//! `UNION`, `INTERSECT`, `EXCEPT`: columns of both sides get common types.

use helios_base::{DataType, Result, SqlState};
use helios_expr::Comparison;
use helios_expr::resolve::common_type;

use super::Binder;
use crate::parse::ast::Pos;
use crate::plan::{Plan, PlanColumn, SetOp, SetOpKind};

impl Binder<'_> {
    pub(super) fn set_op(
        &mut self,
        kind: SetOpKind,
        all: bool,
        left: Plan,
        right: Plan,
        pos: Pos,
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
                pos,
            ));
        }
        let types = left
            .columns()
            .iter()
            .zip(right.columns())
            .map(|(l, r)| self.place(common_type(word, &[&l.ty, &r.ty]), pos))
            .collect::<Result<Vec<DataType>>>()?;
        if !all {
            for ty in &types {
                self.hashable(ty, pos)?;
            }
        }
        let left = self.place(self.coerce_plan(left, &types), pos)?;
        let right = self.place(self.coerce_plan(right, &types), pos)?;
        let columns = left
            .columns()
            .iter()
            .zip(right.columns())
            .map(|(l, r)| PlanColumn {
                name: l.name.clone(),
                ty: l.ty.clone(),
                nullable: l.nullable || r.nullable,
                source: None,
            })
            .collect();
        Ok(Plan::SetOp(Box::new(SetOp {
            kind,
            all,
            left,
            right,
            columns,
        })))
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
