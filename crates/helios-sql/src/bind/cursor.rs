//! Cursors: `DECLARE`, and `WHERE CURRENT OF`.

use helios_base::{DataType, Error, Result, Value};
use helios_expr::Expr;
use helios_table::catalog::{Relation, TableDef};

use super::Binder;
use super::relation::KEY_COLUMN;
use crate::parse::ast::{self, Declare, Ident};
use crate::plan::{Cursor, CursorKey, CursorTable, Plan, PlanColumn, Query};

impl Binder<'_> {
    pub(super) fn declare(&mut self, declare: &Declare) -> Result<Cursor> {
        let mut plan = self.query(&declare.query, None, true)?;
        let shown = plan.columns().len();
        let mut tables = keep_keys(&mut plan);
        if tables.is_empty() && is_simple(&declare.query) {
            tables.extend(self.shown_key(&plan));
        }
        Ok(Cursor {
            name: declare.name.name.clone(),
            query: Query { plan },
            shown,
            tables,
            scroll: declare.scroll,
            hold: declare.hold,
            binary: declare.binary,
        })
    }

    /// The table whose whole primary key is among the columns.
    fn shown_key(&self, plan: &Plan) -> Option<CursorTable> {
        let columns = plan.columns();
        let table = columns.iter().find_map(|column| column.source)?.table;
        let def = self.catalog().table_by_id(table)?;
        let place = |wanted| {
            columns.iter().position(|column| {
                column
                    .source
                    .is_some_and(|source| source.table == table && source.column == wanted)
            })
        };
        let mut key = Vec::new();
        for part in &def.primary_key()?.keys {
            let column = part.as_column()?;
            key.push((column, place(column)?));
        }
        Some(CursorTable {
            table,
            key: CursorKey::Columns(key),
        })
    }

    /// `WHERE CURRENT OF cursor`: the condition that a row of `table`, whose columns and key are the
    /// first of the level, is the one that the cursor stands on now.
    pub(super) fn current_of(&mut self, cursor: &Ident, table: &TableDef) -> Result<Expr> {
        if self.written_view.is_some() {
            return Err(self.at(
                Error::unsupported("WHERE CURRENT OF on a view is not implemented"),
                cursor.pos,
            ));
        }
        // Where it stands is known now only.
        self.cacheable = false;
        let args = [&Value::text(cursor.name.as_str()), &Value::Oid(table.id.0)];
        let session = self.context.session;
        let found = session.call("helios_cursor_row", &args, &DataType::Record);
        match self.place(found, cursor.pos)? {
            Value::Bytea(key) => {
                let column = Expr::column(table.columns.len(), DataType::Bytea);
                let key = Expr::Literal(Value::Bytea(key), DataType::Bytea);
                self.builder.operator("=", column, key)
            }
            Value::Record(pairs) => {
                let mut condition = Vec::new();
                for pair in pairs.chunks_exact(2) {
                    let [Value::Oid(column), value] = pair else {
                        continue;
                    };
                    let known = table.column_by_id(helios_base::ColumnId(*column));
                    let Some((at, column)) = known else {
                        return Ok(Expr::bool(false));
                    };
                    let ty = column.ty.base().into_owned();
                    let value = Expr::Literal(value.clone(), ty.clone());
                    let column = Expr::column(at, ty);
                    condition.push(self.builder.operator("=", column, value)?);
                }
                Ok(Expr::And(condition))
            }
            other => Err(Error::internal(format!("a cursor stands on {other:?}"))),
        }
    }

    /// What a sequence looks like as a table: one row of where it stands.
    pub(super) fn sequence_row(
        &mut self,
        sequence: &Relation,
        pos: crate::parse::Pos,
    ) -> Result<Plan> {
        self.cacheable = false;
        let args = [&Value::Oid(sequence.oid())];
        let session = self.context.session;
        let found = session.call("helios_sequence_row", &args, &DataType::Record);
        let Value::Record(row) = self.place(found, pos)? else {
            return Err(Error::internal("a sequence stands nowhere"));
        };
        let types = [DataType::Int8, DataType::Int8, DataType::Bool];
        let row = row.iter().zip(&types);
        let row = row.map(|(value, ty)| Expr::Literal(value.clone(), ty.clone()));
        let names = ["last_value", "log_cnt", "is_called"];
        let columns = names.into_iter().zip(&types);
        Ok(Plan::Values(Box::new(crate::plan::Values {
            rows: vec![row.collect()],
            columns: columns
                .map(|(name, ty)| PlanColumn::new(name, ty.clone()))
                .collect(),
        })))
    }
}

/// Whether the rows of a query are rows of one table, some perhaps left out.
fn is_simple(query: &ast::Query) -> bool {
    let mut query = query.clone();
    (query.limit, query.offset) = (None, None);
    super::updatable::simple(&query).is_ok()
}

/// Keeps the keys of the rows that a query locks, as columns after those it shows.
fn keep_keys(plan: &mut Plan) -> Vec<CursorTable> {
    let project = match plan {
        Plan::With { input, .. } => return keep_keys(input),
        Plan::Project(project) => project,
        _ => return Vec::new(),
    };
    let mut below = &project.input;
    while let Plan::Limit(limit) = below {
        below = &limit.input;
    }
    let Plan::LockRows(locks) = below else {
        return Vec::new();
    };
    let locks = locks.locks.iter().map(|lock| (lock.table.id, lock.key));
    let mut kept = Vec::new();
    for (table, key) in locks.collect::<Vec<_>>() {
        kept.push(CursorTable {
            table,
            key: CursorKey::Encoded(project.exprs.len()),
        });
        project.exprs.push(Expr::column(key, DataType::Bytea));
        let column = PlanColumn::new(KEY_COLUMN, DataType::Bytea);
        project.columns.push(column);
    }
    kept
}
