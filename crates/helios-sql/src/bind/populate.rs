//! `json_populate_record` and its kin in `FROM`: rows with the fields of a composite type or of a table.

use helios_base::{ArrayValue, DataType, Result, Value};
use helios_expr::Expr;
use helios_table::catalog::Relation;

use super::Binder;
use super::function_table::Named;
use crate::parse::ast::{self, Call, ExprKind};

impl Binder<'_> {
    /// The call, if it is one of these: as `json_to_record` with the columns of its first argument.
    pub(super) fn populated(&mut self, call: &ast::Expr) -> Result<Option<Named>> {
        let ExprKind::Call(written) = &call.kind else {
            return Ok(None);
        };
        let (function, [row, json, ..]) =
            (written.name.name.name.as_str(), written.args.as_slice())
        else {
            return Ok(None);
        };
        let function = match function {
            "json_populate_record" => "json_to_record",
            "jsonb_populate_record" => "jsonb_to_record",
            "json_populate_recordset" => "json_to_recordset",
            "jsonb_populate_recordset" => "jsonb_to_recordset",
            _ => return Ok(None),
        };
        let columns = self.columns_of_row(&row.value)?;
        let plain = Call::plain(function, vec![json.value.clone()], call.pos);
        let mut named = self.table_function(&plain, call.pos)?;
        let names = columns.iter().map(|(name, _)| Value::text(name.as_str()));
        let names = ArrayValue::one_dimensional(names.collect());
        let texts = DataType::Array(Box::new(DataType::Text));
        named.call.args.push(Expr::Literal(names.into(), texts));
        named.names.clear();
        named.call.columns.clear();
        for (name, ty) in columns {
            named.call.args.push(Expr::Literal(Value::Null, ty.clone()));
            named.names.push(name);
            named.call.columns.push(ty);
        }
        Ok(Some(named))
    }

    /// The fields of a `NULL` of a composite type or of a table's rows.
    fn columns_of_row(&mut self, row: &ast::Expr) -> Result<Vec<(String, DataType)>> {
        if let ExprKind::Cast { expr, ty } = &row.kind
            && matches!(expr.kind, ExprKind::Null)
            && ty.dimensions == 0
        {
            let schema = ty.schema.as_ref().map(|schema| schema.name.as_str());
            let catalog = self.catalog();
            match catalog.resolve(schema, &ty.name, &self.search_path) {
                Some(Relation::Table(table)) => {
                    let columns = table.columns.iter();
                    let columns = columns.map(|c| (c.name.clone(), c.ty.base().into_owned()));
                    return Ok(columns.collect());
                }
                Some(Relation::View(view)) => {
                    let columns = view.columns.iter();
                    let columns = columns.map(|c| (c.name.clone(), c.ty.base().into_owned()));
                    return Ok(columns.collect());
                }
                _ => {}
            }
        }
        let value = self.expr(row)?;
        match value.ty() {
            DataType::User(user) if user.is_composite() && value.is_null_literal() => {
                let fields = user.fields().iter();
                let fields = fields.map(|(name, ty)| (name.to_string(), ty.base().into_owned()));
                Ok(fields.collect())
            }
            DataType::User(user) if user.is_composite() => Err(self
                .unsupported(
                    "a row that is not NULL as the base of populated rows in FROM",
                    row.pos,
                )
                .with_hint("Write NULL::type, or call the function in the select list.")),
            _ => Err(self.fail(
                helios_base::SqlState::DATATYPE_MISMATCH,
                "first argument of json_populate_record must be a row type",
                row.pos,
            )),
        }
    }
}
