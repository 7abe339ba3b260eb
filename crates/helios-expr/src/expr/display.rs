//! Expressions as text, for EXPLAIN and error messages. Close to SQL, stable, not meant to be
//! parsed again.

use std::fmt::{self, Write};

use helios_base::{DataType, TextContext, Value};

use super::{Expr, SubplanKind, Subscript};
use crate::function::Kind;

/// Names the columns of a plan for [`Expr::display`]; `None` shows the position.
pub type ColumnName<'a> = &'a dyn Fn(usize) -> Option<String>;

/// An expression with the names of its columns.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    expr: &'a Expr,
    names: ColumnName<'a>,
}

impl Expr {
    /// Shows the expression with these column names, as EXPLAIN does.
    #[must_use]
    pub fn display<'a>(&'a self, names: ColumnName<'a>) -> Shown<'a> {
        Shown { expr: self, names }
    }
}

/// Columns appear as `#position`.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display(&|_| None).fmt(f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printer {
            f,
            names: self.names,
        }
        .expr(self.expr)
    }
}

struct Printer<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    names: ColumnName<'a>,
}

impl Printer<'_, '_> {
    fn expr(&mut self, expr: &Expr) -> fmt::Result {
        match expr {
            Expr::Literal(value, ty) => self.literal(value, ty),
            Expr::Column { index, .. } => match (self.names)(*index) {
                Some(name) => self.f.write_str(&name),
                None => write!(self.f, "#{index}"),
            },
            Expr::Param { index, .. } => write!(self.f, "${}", index + 1),
            Expr::Outer { depth, index, .. } => write!(self.f, "outer({depth}).#{index}"),
            Expr::CaseOperand { .. } => self.f.write_str("operand"),
            Expr::Subplan { id, kind, args, .. } => {
                let word = match kind {
                    SubplanKind::Scalar => "",
                    SubplanKind::Exists => "EXISTS ",
                    SubplanKind::Any(_) => "ANY ",
                    SubplanKind::All(_) => "ALL ",
                    SubplanKind::Array => "ARRAY ",
                };
                write!(self.f, "{word}(SubPlan {id}")?;
                if !args.is_empty() {
                    self.f.write_str(": ")?;
                    self.list(args)?;
                }
                self.f.write_char(')')
            }
            Expr::Call {
                function,
                args,
                spread,
                ..
            } => self.call(function.name(), function.kind(), args, *spread),
            Expr::Cast(cast) => {
                if cast.explicit {
                    self.nested(&cast.expr)?;
                    write!(self.f, "::{}", cast.domain.as_ref().unwrap_or(&cast.to))
                } else {
                    self.expr(&cast.expr)
                }
            }
            Expr::And(terms) => self.joined(terms, " AND "),
            Expr::Or(terms) => self.joined(terms, " OR "),
            Expr::Not(expr) => {
                self.f.write_str("NOT ")?;
                self.nested(expr)
            }
            Expr::IsNull { expr, negated } => {
                self.nested(expr)?;
                self.f
                    .write_str(if *negated { " IS NOT NULL" } else { " IS NULL" })
            }
            Expr::BoolTest {
                expr,
                test,
                negated,
            } => {
                self.nested(expr)?;
                let not = if *negated { "NOT " } else { "" };
                let word = match test {
                    Some(true) => "TRUE",
                    Some(false) => "FALSE",
                    None => "UNKNOWN",
                };
                write!(self.f, " IS {not}{word}")
            }
            Expr::Distinct {
                left,
                right,
                negated,
                ..
            } => {
                self.nested(left)?;
                self.f.write_str(if *negated {
                    " IS NOT DISTINCT FROM "
                } else {
                    " IS DISTINCT FROM "
                })?;
                self.nested(right)
            }
            Expr::Case {
                operand,
                branches,
                otherwise,
                ..
            } => {
                self.f.write_str("CASE")?;
                if let Some(operand) = operand {
                    self.f.write_char(' ')?;
                    self.expr(operand)?;
                }
                for (when, then) in branches {
                    self.f.write_str(" WHEN ")?;
                    self.expr(when)?;
                    self.f.write_str(" THEN ")?;
                    self.expr(then)?;
                }
                if let Some(otherwise) = otherwise {
                    self.f.write_str(" ELSE ")?;
                    self.expr(otherwise)?;
                }
                self.f.write_str(" END")
            }
            Expr::Coalesce { args, .. } => self.named("COALESCE", args),
            Expr::NullIf { value, test, .. } => {
                self.f.write_str("NULLIF(")?;
                self.expr(value)?;
                self.f.write_str(", ")?;
                match test.as_comparison() {
                    Some((_, _, right)) => self.expr(right)?,
                    None => self.expr(test)?,
                }
                self.f.write_char(')')
            }
            Expr::Extreme { greatest, args, .. } => {
                self.named(if *greatest { "GREATEST" } else { "LEAST" }, args)
            }
            Expr::InList {
                expr,
                list,
                negated,
                ..
            } => {
                self.nested(expr)?;
                self.f
                    .write_str(if *negated { " NOT IN (" } else { " IN (" })?;
                self.list(list)?;
                self.f.write_char(')')
            }
            Expr::Quantified {
                left,
                operator,
                array,
                all,
            } => {
                self.nested(left)?;
                let word = if *all { "ALL" } else { "ANY" };
                write!(self.f, " {} {word} (", operator.name())?;
                self.expr(array)?;
                self.f.write_char(')')
            }
            Expr::Array { elements, .. } => {
                self.f.write_str("ARRAY[")?;
                self.list(elements)?;
                self.f.write_char(']')
            }
            Expr::Row(fields) => self.named("ROW", fields),
            Expr::Field { record, index, .. } => {
                self.nested(record)?;
                write!(self.f, ".f{}", index + 1)
            }
            Expr::Subscript {
                base, subscripts, ..
            } => {
                self.nested(base)?;
                subscripts.iter().try_for_each(|s| self.subscript(s))
            }
        }
    }

    fn literal(&mut self, value: &Value, ty: &DataType) -> fmt::Result {
        let text = match value {
            Value::Null => return self.f.write_str("NULL"),
            Value::Bool(b) => return write!(self.f, "{b}"),
            value => value.to_text(ty, &TextContext::default()),
        };
        match value {
            Value::Int4(_) => self.f.write_str(&text),
            Value::Int2(_) | Value::Int8(_) | Value::Numeric(_) | Value::Float8(_) => {
                self.f.write_str(&text)
            }
            _ => {
                write!(self.f, "'{}'", text.replace('\'', "''"))?;
                match ty {
                    DataType::Unknown => Ok(()),
                    ty => write!(self.f, "::{ty}"),
                }
            }
        }
    }

    fn call(&mut self, name: &str, kind: Kind, args: &[Expr], spread: bool) -> fmt::Result {
        match (kind, args) {
            (Kind::Infix, [left, right]) => {
                self.nested(left)?;
                write!(self.f, " {name} ")?;
                self.nested(right)
            }
            (Kind::Prefix, [operand]) => {
                write!(self.f, "{name} ")?;
                self.nested(operand)
            }
            (_, args) => {
                write!(self.f, "{name}(")?;
                for (i, arg) in args.iter().enumerate() {
                    if i > 0 {
                        self.f.write_str(", ")?;
                    }
                    if spread && i + 1 == args.len() {
                        self.f.write_str("VARIADIC ")?;
                    }
                    self.expr(arg)?;
                }
                self.f.write_char(')')
            }
        }
    }

    fn named(&mut self, name: &str, args: &[Expr]) -> fmt::Result {
        write!(self.f, "{name}(")?;
        self.list(args)?;
        self.f.write_char(')')
    }

    fn list(&mut self, exprs: &[Expr]) -> fmt::Result {
        for (i, expr) in exprs.iter().enumerate() {
            if i > 0 {
                self.f.write_str(", ")?;
            }
            self.expr(expr)?;
        }
        Ok(())
    }

    fn joined(&mut self, terms: &[Expr], word: &str) -> fmt::Result {
        for (i, term) in terms.iter().enumerate() {
            if i > 0 {
                self.f.write_str(word)?;
            }
            self.nested(term)?;
        }
        Ok(())
    }

    /// An operand: in parentheses unless it reads as one word.
    fn nested(&mut self, expr: &Expr) -> fmt::Result {
        let simple = match expr {
            Expr::Call { function, .. } => function.kind() == Kind::Function,
            Expr::Cast(cast) if !cast.explicit => return self.nested(&cast.expr),
            Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_)
            | Expr::IsNull { .. }
            | Expr::BoolTest { .. }
            | Expr::Distinct { .. }
            | Expr::InList { .. }
            | Expr::Quantified { .. }
            | Expr::Case { .. } => false,
            _ => true,
        };
        if simple {
            return self.expr(expr);
        }
        self.f.write_char('(')?;
        self.expr(expr)?;
        self.f.write_char(')')
    }

    fn subscript(&mut self, subscript: &Subscript) -> fmt::Result {
        self.f.write_char('[')?;
        match subscript {
            Subscript::Index(index) => self.expr(index)?,
            Subscript::Slice(lower, upper) => {
                if let Some(lower) = lower {
                    self.expr(lower)?;
                }
                self.f.write_char(':')?;
                if let Some(upper) = upper {
                    self.expr(upper)?;
                }
            }
        }
        self.f.write_char(']')
    }
}
