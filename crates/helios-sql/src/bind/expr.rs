//! Expressions.

use helios_base::{DataType, Error, Result, SqlState, Value};
use helios_expr::build::PatternKind;
use helios_expr::{Expr, Subscript};

use super::Binder;
use super::scope::Absent;
use crate::parse::ast::{self, ExprKind, Ident, LikeKind, Pos, Quantity};

impl Binder<'_> {
    /// An expression of the innermost level. Literals and parameters may be undecided.
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Result<Expr> {
        let bound = self.expr_here(expr)?;
        if self.notes.is_some() {
            self.note_value(expr, &bound);
        }
        Ok(bound)
    }

    fn expr_here(&mut self, expr: &ast::Expr) -> Result<Expr> {
        let pos = expr.pos;
        match &expr.kind {
            ExprKind::Number(text) => self.place(self.builder.number(text), pos),
            ExprKind::Text(text) => Ok(self.builder.string(text)),
            ExprKind::Bits(digits) => {
                let text = self.builder.string(digits);
                let built = self.builder.cast(text, &DataType::Bit(None));
                self.place(built, pos)
            }
            ExprKind::Bool(value) => Ok(Expr::bool(*value)),
            ExprKind::Null => Ok(Expr::NULL),
            ExprKind::Default => Err(self.fail(
                SqlState::SYNTAX_ERROR,
                "DEFAULT is not allowed in this context",
                pos,
            )),
            ExprKind::CurrentOf(cursor) => Err(self.at(
                Error::unsupported("WHERE CURRENT OF beside other tables"),
                cursor.pos,
            )),
            ExprKind::Param(number) => match self.arguments {
                Some(level) => self.body_param(*number, level),
                None => self.place(self.builder.param(*number as usize), pos),
            },
            ExprKind::Column(parts) => self.column(parts),
            ExprKind::Star(parts) if let [table] = parts.as_slice() => {
                match self.whole_row(None, table)? {
                    Some(row) => Ok(row),
                    None => Err(self.missing_table(None, table)),
                }
            }
            ExprKind::Star(_) | ExprKind::Expand(_) => Err(self.fail(
                SqlState::SYNTAX_ERROR,
                "row expansion via \"*\" is not supported here",
                pos,
            )),
            ExprKind::Prefix(operator, operand) => {
                let value = self.expr(operand)?;
                let built = self.builder.prefix(&operator.symbol, value);
                self.place_literal(built, operator.pos, &[operand])
            }
            ExprKind::Infix(left, operator, right) => {
                let l = match (self.expr(left)?, &right.kind) {
                    (Expr::Row(fields), ExprKind::Subquery(query)) => {
                        let symbol = &operator.symbol;
                        return self.row_against_query(fields, symbol, query, operator.pos);
                    }
                    (other, _) => other,
                };
                let r = self.expr(right)?;
                let built = self.builder.operator(&operator.symbol, l, r);
                self.place_literal(built, operator.pos, &[left, right])
            }
            ExprKind::And(terms) => {
                let terms = self.conditions(terms, "AND")?;
                self.place(self.builder.and(terms), pos)
            }
            ExprKind::Or(terms) => {
                let terms = self.conditions(terms, "OR")?;
                self.place(self.builder.or(terms), pos)
            }
            ExprKind::Not(operand) => {
                let value = self.condition(operand, "NOT")?;
                self.place(self.builder.not(value), operand.pos)
            }
            ExprKind::IsNull { expr, negated } => {
                let value = self.expr(expr)?;
                self.place(self.builder.is_null(value, *negated), pos)
            }
            ExprKind::IsBool {
                expr,
                test,
                negated,
            } => {
                let value = self.expr(expr)?;
                let built = self.builder.bool_test(value, *test, *negated);
                self.place(built, expr.pos)
            }
            ExprKind::IsDistinct {
                left,
                right,
                negated,
            } => {
                let (l, r) = (self.expr(left)?, self.expr(right)?);
                let built = self.builder.distinct(l, r, *negated);
                self.place_literal(built, pos, &[left, right])
            }
            ExprKind::Between {
                expr,
                low,
                high,
                symmetric,
                negated,
            } => {
                let (value, l, h) = (self.expr(expr)?, self.expr(low)?, self.expr(high)?);
                let built = self.builder.between(value, l, h, *negated, *symmetric);
                self.place_literal(built, pos, &[expr, low, high])
            }
            ExprKind::InList {
                expr,
                list,
                negated,
            } => {
                let value = self.expr(expr)?;
                let items = self.exprs(list)?;
                let operands: Vec<&ast::Expr> = list.iter().collect();
                let built = self.builder.in_list(value, items, *negated);
                self.place_literal(built, pos, &operands)
            }
            ExprKind::InQuery {
                expr,
                query,
                negated,
            } => {
                let found = self.quantified_query(expr, "=", query, false, pos)?;
                Ok(if *negated {
                    Expr::Not(Box::new(found))
                } else {
                    found
                })
            }
            ExprKind::Like {
                kind,
                expr,
                pattern,
                escape,
                negated,
            } => {
                let (value, by) = (self.expr(expr)?, self.expr(pattern)?);
                let escape = escape.as_deref().map(|e| self.expr(e)).transpose()?;
                let kind = match kind {
                    LikeKind::Like => PatternKind::Like,
                    LikeKind::ILike => PatternKind::ILike,
                    LikeKind::Similar => PatternKind::Similar,
                };
                let built = self.builder.pattern(kind, value, by, escape, *negated);
                self.place_literal(built, pos, &[expr, pattern])
            }
            ExprKind::Quantified {
                left,
                operator,
                all,
                right: Quantity::Query(query),
            } => self.quantified_query(left, &operator.symbol, query, *all, pos),
            ExprKind::Quantified {
                left,
                operator,
                all,
                right: Quantity::Array(array),
            } => {
                let (l, r) = (self.expr(left)?, self.expr(array)?);
                let built = self.builder.quantified(l, &operator.symbol, r, *all);
                self.place_literal(built, pos, &[left, array])
            }
            ExprKind::Cast { expr, ty } => self.cast(expr, ty, pos),
            ExprKind::Collate { expr, collation } => self.collate(expr, collation),
            ExprKind::Call(call) => self.call(call, pos),
            ExprKind::Case {
                operand,
                branches,
                otherwise,
            } => {
                let sets = self.level()?.pending.sets.len();
                let operand = operand.as_deref().map(|e| self.expr(e)).transpose()?;
                let simple = operand.is_some();
                let mut whens = Vec::with_capacity(branches.len());
                for (when, then) in branches {
                    let condition = if simple {
                        self.expr(when)?
                    } else {
                        self.condition(when, "CASE/WHEN")?
                    };
                    whens.push((condition, self.expr(then)?));
                }
                let otherwise = otherwise.as_deref().map(|e| self.expr(e)).transpose()?;
                self.no_sets_since(sets, "CASE", pos)?;
                self.place(self.builder.case(operand, whens, otherwise), pos)
            }
            ExprKind::Coalesce(args) => {
                let sets = self.level()?.pending.sets.len();
                let values = self.exprs(args)?;
                self.no_sets_since(sets, "COALESCE", pos)?;
                self.place(self.builder.coalesce(values), pos)
            }
            ExprKind::NullIf(value, other) => {
                let (l, r) = (self.expr(value)?, self.expr(other)?);
                self.place_literal(self.builder.null_if(l, r), pos, &[value, other])
            }
            ExprKind::Extreme { greatest, args } => {
                let values = self.exprs(args)?;
                self.place(self.builder.extreme(*greatest, values), pos)
            }
            ExprKind::Exists(query) => self.exists(query),
            ExprKind::Subquery(query) => self.scalar_query(query, pos),
            ExprKind::ArrayQuery(query) => self.array_query(query, pos),
            ExprKind::Array(items) => {
                let values = self.exprs(items)?;
                self.place(self.builder.array(values), pos)
            }
            ExprKind::Row(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    match &item.kind {
                        ExprKind::Star(_) | ExprKind::Expand(_) => {
                            values.extend(self.fields_of(item)?);
                        }
                        _ => values.push(self.expr(item)?),
                    }
                }
                self.place(self.builder.row(values), pos)
            }
            ExprKind::Subscript { expr, subscripts } => {
                let base = self.expr(expr)?;
                let bound = self.subscripts(subscripts)?;
                self.place(self.builder.subscript(base, bound), pos)
            }
            ExprKind::Field { expr, field } => self.field(expr, field),
            ExprKind::Grouping(args) => self.grouping(args, pos),
        }
    }

    pub(super) fn subscripts(&mut self, written: &[ast::Subscript]) -> Result<Vec<Subscript>> {
        let mut bound = Vec::with_capacity(written.len());
        for subscript in written {
            bound.push(match subscript {
                ast::Subscript::Index(index) => Subscript::Index(self.expr(index)?),
                ast::Subscript::Slice(low, high) => Subscript::Slice(
                    low.as_ref().map(|e| self.expr(e)).transpose()?,
                    high.as_ref().map(|e| self.expr(e)).transpose()?,
                ),
            });
        }
        Ok(bound)
    }

    pub(super) fn exprs(&mut self, exprs: &[ast::Expr]) -> Result<Vec<Expr>> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    /// An expression of a decided type: what is still undecided becomes `text`.
    pub(super) fn settled(&mut self, expr: &ast::Expr) -> Result<Expr> {
        let value = self.expr(expr)?;
        self.place(self.builder.settle(value), expr.pos)
    }

    /// A condition; `what` is its place in errors.
    pub(super) fn condition(&mut self, expr: &ast::Expr, what: &str) -> Result<Expr> {
        let value = self.expr(expr)?;
        self.place(self.builder.condition(value, what), first_pos(expr))
    }

    fn conditions(&mut self, terms: &[ast::Expr], what: &str) -> Result<Vec<Expr>> {
        terms
            .iter()
            .map(|term| self.condition(term, what))
            .collect()
    }

    fn column(&mut self, parts: &[Ident]) -> Result<Expr> {
        match parts {
            [name] => {
                if let Some(found) = self.find_column(name)? {
                    return self.use_column(found, name.pos);
                }
                match self.whole_row(None, name)? {
                    Some(row) => Ok(row),
                    None => Err(self.missing_column(name)),
                }
            }
            [table, name] => match self.find_qualified(None, table, name) {
                Ok(found) => self.use_column(found, table.pos),
                Err(error) => self.column_otherwise(table, name, error),
            },
            [schema, table, name] => {
                let found = self.find_qualified(Some(schema), table, name)?;
                self.use_column(found, schema.pos)
            }
            _ => Err(Error::internal("a column name of more than three parts")),
        }
    }

    /// A table's name as a value: its row.
    pub(super) fn whole_row(
        &mut self,
        schema: Option<&Ident>,
        name: &Ident,
    ) -> Result<Option<Expr>> {
        let Some((level, table)) = self.find_table(schema, name)? else {
            return Ok(None);
        };
        let scalar = table.scalar;
        let columns = table.columns.clone();
        let absent = table.absent.clone();
        let rows = table.rows;
        if scalar && let Some(column) = columns.first() {
            let column = column.clone();
            let found = super::scope::Found { level, column };
            return self.use_column(found, name.pos).map(Some);
        }
        let fields = columns
            .into_iter()
            .map(|column| self.use_column(super::scope::Found { level, column }, name.pos))
            .collect::<Result<Vec<_>>>()?;
        let row = self.typed_row(rows, fields);
        self.unless_absent(level, absent, row, name.pos).map(Some)
    }

    /// `row`, made of the columns of a table of `level`; `NULL` where an outer join found no row.
    pub(super) fn unless_absent(
        &mut self,
        level: usize,
        absent: Option<Absent>,
        row: Expr,
        pos: Pos,
    ) -> Result<Expr> {
        let missing = match absent {
            None => return Ok(row),
            Some(Absent::Column(witness)) => {
                let witness = self.reach(level, witness)?;
                self.builder.is_null(witness, false)
            }
            Some(Absent::Columns(columns)) => {
                let columns = columns.into_iter().map(|column| self.reach(level, column));
                let columns = columns.collect::<Result<Vec<_>>>()?;
                self.builder.is_null(Expr::Row(columns), false)
            }
        };
        let missing = self.place(missing, pos)?;
        let nothing = Expr::Literal(Value::Null, row.ty().clone());
        let built = self.builder.case(None, vec![(missing, nothing)], Some(row));
        self.place(built, pos)
    }

    /// `(row).field`, where the row is a table of the query.
    fn field(&mut self, expr: &ast::Expr, field: &Ident) -> Result<Expr> {
        if let ExprKind::Column(parts) = &expr.kind
            && let [table] = parts.as_slice()
            && self.find_column(table)?.is_none()
            && self.find_table(None, table)?.is_some()
        {
            return match self.find_qualified(None, table, field) {
                Ok(found) => self.use_column(found, table.pos),
                Err(error) => self.column_otherwise(table, field, error),
            };
        }
        if let ExprKind::Call(call) = &expr.kind
            && !self.users_functions(call).is_empty()
            && let Some(value) = self.users_field(call, field, expr.pos)?
        {
            return Ok(value);
        }
        let record = self.expr(expr)?;
        if let Some(value) = self.field_returned(expr, &record, field)? {
            return Ok(value);
        }
        match self.field_of(record, field, expr.pos) {
            Err(error) if error.sqlstate() == SqlState::UNDEFINED_COLUMN => {
                self.function_of(expr.clone(), field)?.ok_or(error)
            }
            found => found,
        }
    }

    /// The field of a value that is bound already.
    pub(super) fn field_of(&mut self, record: Expr, field: &Ident, pos: Pos) -> Result<Expr> {
        if let Expr::Row(fields) = &record
            && let Some(number) = field.name.strip_prefix('f')
            && let Ok(number) = number.parse::<usize>()
            && let Some(value) = number.checked_sub(1).and_then(|index| fields.get(index))
        {
            return Ok(value.clone());
        }
        if let DataType::User(user) = record.ty()
            && user.is_composite()
        {
            let mut fields = user.fields().iter().enumerate();
            let Some((index, (_, ty))) = fields.find(|(_, (name, _))| **name == *field.name) else {
                return Err(self.fail(
                    SqlState::UNDEFINED_COLUMN,
                    format!("column \"{}\" not found in data type {user}", field.name),
                    pos,
                ));
            };
            let ty = ty.base().into_owned();
            return Ok(Expr::Field {
                record: Box::new(record),
                index,
                ty,
            });
        }
        if matches!(record.ty(), DataType::Record) {
            return Err(self.fail(
                SqlState::UNDEFINED_COLUMN,
                format!(
                    "could not identify column \"{}\" in record data type",
                    field.name
                ),
                pos,
            ));
        }
        Err(self.fail(
            SqlState::WRONG_OBJECT_TYPE,
            format!(
                "column notation .{} applied to type {}, which is not a composite type",
                field.name,
                record.ty()
            ),
            pos,
        ))
    }

    fn cast(&mut self, expr: &ast::Expr, ty: &ast::TypeName, pos: Pos) -> Result<Expr> {
        let to = self.data_type(ty)?;
        // The elements are told the type: an empty array has none of its own, and literals are read
        // as what is wanted.
        if let (ExprKind::Array(items), DataType::Array(_)) = (&expr.kind, &to) {
            return self.array_as(items, &to, pos);
        }
        let value = self.expr(expr)?;
        self.place_literal(self.builder.cast(value, &to), pos, &[expr])
    }

    fn array_as(&mut self, items: &[ast::Expr], to: &DataType, pos: Pos) -> Result<Expr> {
        let mut elements = Vec::with_capacity(items.len());
        for item in items {
            elements.push(match &item.kind {
                ExprKind::Array(inner) => self.array_as(inner, to, item.pos)?,
                _ => self.expr(item)?,
            });
        }
        self.place(self.builder.array_as(elements, to), pos)
    }

    /// Text compares by code points, which is what the collations named here do.
    fn collate(&mut self, expr: &ast::Expr, collation: &ast::Name) -> Result<Expr> {
        let value = self.settled(expr)?;
        if !value.ty().is_string() {
            return Err(self.fail(
                SqlState::DATATYPE_MISMATCH,
                format!("collations are not supported by type {}", value.ty()),
                expr.pos,
            ));
        }
        self.collation(collation)?;
        Ok(value)
    }

    /// Refuses collations other than the one we have.
    pub(super) fn collation(&self, collation: &ast::Name) -> Result<()> {
        let known = ["C", "POSIX", "default", "ucs_basic", "C.UTF-8", "C.utf8"];
        if known.contains(&collation.name.name.as_str()) {
            return Ok(());
        }
        let name = collation.name.name.as_str();
        let plausible = name.ends_with("-x-icu")
            || name == "unicode"
            || name.len() > 4 && name.get(2..3) == Some("_");
        if !plausible {
            return Err(self.fail(
                SqlState::UNDEFINED_OBJECT,
                format!("collation \"{name}\" for encoding \"UTF8\" does not exist"),
                collation.pos(),
            ));
        }
        Err(self.at(
            Error::unsupported(format!(
                "collation \"{}\" is not supported",
                collation.name.name
            ))
            .with_hint("Text is ordered by code points, as with COLLATE \"C\"."),
            collation.pos(),
        ))
    }
}

/// Where the expression begins, as far as that is known: errors about conditions point there.
pub(super) fn first_pos(expr: &ast::Expr) -> Pos {
    match &expr.kind {
        ExprKind::Infix(left, ..) => first_pos(left).min(expr.pos),
        ExprKind::And(terms) | ExprKind::Or(terms) => {
            terms.first().map_or(expr.pos, first_pos).min(expr.pos)
        }
        ExprKind::Cast { expr: inner, .. }
        | ExprKind::IsNull { expr: inner, .. }
        | ExprKind::Between { expr: inner, .. }
        | ExprKind::InList { expr: inner, .. }
        | ExprKind::Like { expr: inner, .. } => first_pos(inner).min(expr.pos),
        _ => expr.pos,
    }
}

/// Whether the expression is the constant `NULL`.
pub(super) fn is_null(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(Value::Null, _))
}
