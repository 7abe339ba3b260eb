//! Expressions as written.

use super::{Ident, Name, Pos, Query, Span};

/// An expression and the position that errors about it name: an operator's own, otherwise the
/// beginning.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where.
    pub pos: Pos,
}

/// The kinds of expression.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A number, as written.
    Number(String),
    /// A string literal.
    Text(String),
    /// A bit string literal.
    Bits(String),
    /// `TRUE`, `FALSE`
    Bool(bool),
    /// `NULL`
    Null,
    /// `DEFAULT`, in `VALUES` of an `INSERT` and in `SET`
    Default,
    /// `CURRENT OF` cursor, which is all of a `WHERE`.
    CurrentOf(Ident),
    /// `$n`
    Param(u32),
    /// `a`, `t.a`, `s.t.a`
    Column(Vec<Ident>),
    /// `*`, `t.*`, `s.t.*`
    Star(Vec<Ident>),
    /// `(row).*`
    Expand(Box<Expr>),
    /// An operator before its operand
    Prefix(Operator, Box<Expr>),
    /// An operator between two operands
    Infix(Box<Expr>, Operator, Box<Expr>),
    /// `a AND b AND c`
    And(Vec<Expr>),
    /// `a OR b OR c`
    Or(Vec<Expr>),
    /// `NOT a`
    Not(Box<Expr>),
    /// `IS [NOT] NULL`
    IsNull {
        /// Operand.
        expr: Box<Expr>,
        /// With `NOT`.
        negated: bool,
    },
    /// `IS [NOT] TRUE | FALSE | UNKNOWN`
    IsBool {
        /// Operand.
        expr: Box<Expr>,
        /// `None`: `UNKNOWN`.
        test: Option<bool>,
        /// With `NOT`.
        negated: bool,
    },
    /// `IS [NOT] DISTINCT FROM`
    IsDistinct {
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
        /// With `NOT`.
        negated: bool,
    },
    /// `[NOT] BETWEEN`
    Between {
        /// Operand.
        expr: Box<Expr>,
        /// Lower bound.
        low: Box<Expr>,
        /// Upper bound.
        high: Box<Expr>,
        /// The bounds may come in either order.
        symmetric: bool,
        /// With `NOT`.
        negated: bool,
    },
    /// `[NOT] IN (a, b)`
    InList {
        /// Operand.
        expr: Box<Expr>,
        /// Values.
        list: Vec<Expr>,
        /// With `NOT`.
        negated: bool,
    },
    /// `[NOT] IN (SELECT …)`
    InQuery {
        /// Operand.
        expr: Box<Expr>,
        /// Query.
        query: Box<Query>,
        /// With `NOT`.
        negated: bool,
    },
    /// `[NOT] LIKE | ILIKE | SIMILAR TO`
    Like {
        /// Which.
        kind: LikeKind,
        /// Operand.
        expr: Box<Expr>,
        /// Pattern.
        pattern: Box<Expr>,
        /// `ESCAPE`.
        escape: Option<Box<Expr>>,
        /// With `NOT`.
        negated: bool,
    },
    /// `left op ANY | ALL (array or query)`
    Quantified {
        /// Left operand.
        left: Box<Expr>,
        /// Operator.
        operator: Operator,
        /// `ALL`.
        all: bool,
        /// Right side.
        right: Quantity,
    },
    /// `CAST(a AS t)`, `a::t`, `t 'text'`
    Cast {
        /// Operand.
        expr: Box<Expr>,
        /// Target.
        ty: TypeName,
    },
    /// `a COLLATE c`
    Collate {
        /// Operand.
        expr: Box<Expr>,
        /// Collation.
        collation: Name,
    },
    /// A function call, also of the functions with a grammar of their own
    Call(Box<Call>),
    /// `CASE`
    Case {
        /// Operand of the simple form.
        operand: Option<Box<Expr>>,
        /// `WHEN`, `THEN`.
        branches: Vec<(Expr, Expr)>,
        /// `ELSE`.
        otherwise: Option<Box<Expr>>,
    },
    /// `COALESCE`
    Coalesce(Vec<Expr>),
    /// `NULLIF`
    NullIf(Box<Expr>, Box<Expr>),
    /// `GREATEST`, `LEAST`
    Extreme {
        /// `GREATEST`.
        greatest: bool,
        /// Arguments.
        args: Vec<Expr>,
    },
    /// `EXISTS (query)`
    Exists(Box<Query>),
    /// `(query)`
    Subquery(Box<Query>),
    /// `ARRAY(query)`
    ArrayQuery(Box<Query>),
    /// `ARRAY[…]`, and brackets inside it
    Array(Vec<Expr>),
    /// `ROW(…)` or `(a, b)`
    Row(Vec<Expr>),
    /// `a[1][2:3]`
    Subscript {
        /// Array.
        expr: Box<Expr>,
        /// Subscripts.
        subscripts: Vec<Subscript>,
    },
    /// `(a).b`
    Field {
        /// Row value.
        expr: Box<Expr>,
        /// Field.
        field: Ident,
    },
    /// `GROUPING(…)`
    Grouping(Vec<Expr>),
}

/// An operator, without or with `OPERATOR(schema.op)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Its symbol, `<>` for `!=`.
    pub symbol: String,
    /// Where it stands.
    pub pos: Pos,
}

/// Kinds of pattern match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LikeKind {
    /// `LIKE`
    Like,
    /// `ILIKE`
    ILike,
    /// `SIMILAR TO`
    Similar,
}

/// The right side of `ANY` and `ALL`.
#[derive(Clone, Debug)]
pub enum Quantity {
    /// An array.
    Array(Box<Expr>),
    /// A query.
    Query(Box<Query>),
}

/// A subscript.
#[derive(Clone, Debug)]
pub enum Subscript {
    /// `[a]`
    Index(Expr),
    /// `[a:b]`, either open
    Slice(Option<Expr>, Option<Expr>),
}

/// A function call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Function.
    pub name: Name,
    /// Arguments in order.
    pub args: Vec<Argument>,
    /// `f(*)`
    pub star: bool,
    /// `f(DISTINCT …)`
    pub distinct: bool,
    /// `f(VARIADIC array)`: about the last argument.
    pub variadic: bool,
    /// `f(… ORDER BY …)`, or that of `WITHIN GROUP`.
    pub order_by: Vec<OrderBy>,
    /// `WITHIN GROUP`
    pub within_group: bool,
    /// `FILTER (WHERE …)`
    pub filter: Option<Expr>,
    /// `OVER`
    pub over: Option<Over>,
    /// Where arguments or options that only aggregates have begin, for errors.
    pub pos: Pos,
    /// A function with a grammar of its own, such as `EXTRACT(… FROM …)` or `CURRENT_DATE`; its
    /// column is named as PostgreSQL does, after the function in `name`, or after this.
    pub label: Option<&'static str>,
    /// Written in the grammar that SQL has for this function: `EXTRACT(… FROM …)`.
    pub syntax: bool,
}

impl Call {
    /// The first of its options that only aggregates have.
    pub(crate) fn aggregate_option(&self) -> Option<&'static str> {
        Some(if self.star {
            "(*)"
        } else if self.distinct {
            "DISTINCT"
        } else if self.within_group {
            "WITHIN GROUP"
        } else if !self.order_by.is_empty() {
            "ORDER BY"
        } else if self.filter.is_some() {
            "FILTER"
        } else {
            return None;
        })
    }
}

impl Call {
    /// A plain call of a function of the system.
    pub fn plain(name: &str, args: Vec<Expr>, pos: Pos) -> Self {
        let name = Ident {
            name: name.to_owned(),
            pos,
        };
        Self {
            name: Name { schema: None, name },
            args: args
                .into_iter()
                .map(|value| Argument { name: None, value })
                .collect(),
            star: false,
            distinct: false,
            variadic: false,
            order_by: Vec::new(),
            within_group: false,
            filter: None,
            over: None,
            pos,
            label: None,
            syntax: false,
        }
    }
}

/// An argument, with its name if one was given.
#[derive(Clone, Debug)]
pub struct Argument {
    /// `name => value`
    pub name: Option<Ident>,
    /// Value.
    pub value: Expr,
}

/// `OVER name` or `OVER (…)`
#[derive(Clone, Debug)]
pub enum Over {
    /// A window of the `WINDOW` clause.
    Name(Ident),
    /// A window of its own.
    Spec(Box<WindowSpec>),
}

/// A window.
#[derive(Clone, Debug)]
pub struct WindowSpec {
    /// The window it builds on.
    pub base: Option<Ident>,
    /// `PARTITION BY`
    pub partition_by: Vec<Expr>,
    /// `ORDER BY`
    pub order_by: Vec<OrderBy>,
    /// Frame, if written.
    pub frame: Option<Frame>,
    /// Where it begins.
    pub pos: Pos,
}

/// A frame clause.
#[derive(Clone, Debug)]
pub struct Frame {
    /// How offsets count.
    pub unit: crate::plan::FrameUnit,
    /// First row.
    pub start: FrameBound,
    /// Last row.
    pub end: FrameBound,
    /// Written with both ends.
    pub between: bool,
    /// Exceptions.
    pub exclude: crate::plan::FrameExclude,
    /// Where it begins.
    pub pos: Pos,
}

/// One end of a frame.
#[derive(Clone, Debug)]
pub enum FrameBound {
    /// `UNBOUNDED PRECEDING`
    UnboundedPreceding,
    /// `n PRECEDING`
    Preceding(Box<Expr>),
    /// `CURRENT ROW`
    CurrentRow,
    /// `n FOLLOWING`
    Following(Box<Expr>),
    /// `UNBOUNDED FOLLOWING`
    UnboundedFollowing,
}

/// One key of an `ORDER BY`.
#[derive(Clone, Debug)]
pub struct OrderBy {
    /// What by.
    pub expr: Expr,
    /// `DESC`, `USING >`
    pub descending: bool,
    /// `NULLS FIRST | LAST`, if written.
    pub nulls_first: Option<bool>,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    /// Schema, if written.
    pub schema: Option<Ident>,
    /// Name in lower case, synonyms settled: `int4`, `float8`, `varchar`, `bpchar`, `timestamptz`.
    pub name: String,
    /// Modifiers, such as `(10, 2)`.
    pub modifiers: Vec<i64>,
    /// Fields of an interval type, in lower case, such as `day to second`.
    pub fields: Option<String>,
    /// How many pairs of brackets follow.
    pub dimensions: usize,
    /// Where it begins.
    pub pos: Pos,
}

/// An expression that is kept as text too.
#[derive(Clone, Debug)]
pub struct TextExpr {
    /// The expression.
    pub expr: Expr,
    /// Its text.
    pub span: Span,
}

impl Expr {
    /// Calls `f` on every expression right below; those inside queries are not.
    pub fn for_each_child(&self, f: &mut dyn FnMut(&Self)) {
        match &self.kind {
            ExprKind::Number(_)
            | ExprKind::Text(_)
            | ExprKind::Bits(_)
            | ExprKind::Bool(_)
            | ExprKind::Null
            | ExprKind::Default
            | ExprKind::CurrentOf(_)
            | ExprKind::Param(_)
            | ExprKind::Column(_)
            | ExprKind::Star(_)
            | ExprKind::Exists(_)
            | ExprKind::Subquery(_)
            | ExprKind::ArrayQuery(_) => {}
            ExprKind::Prefix(_, expr)
            | ExprKind::Not(expr)
            | ExprKind::IsNull { expr, .. }
            | ExprKind::IsBool { expr, .. }
            | ExprKind::InQuery { expr, .. }
            | ExprKind::Cast { expr, .. }
            | ExprKind::Collate { expr, .. }
            | ExprKind::Expand(expr)
            | ExprKind::Field { expr, .. } => f(expr),
            ExprKind::Infix(left, _, right)
            | ExprKind::NullIf(left, right)
            | ExprKind::IsDistinct { left, right, .. } => {
                f(left);
                f(right);
            }
            ExprKind::And(items)
            | ExprKind::Or(items)
            | ExprKind::Coalesce(items)
            | ExprKind::Extreme { args: items, .. }
            | ExprKind::Array(items)
            | ExprKind::Row(items)
            | ExprKind::Grouping(items) => items.iter().for_each(f),
            ExprKind::Between {
                expr, low, high, ..
            } => {
                f(expr);
                f(low);
                f(high);
            }
            ExprKind::InList { expr, list, .. } => {
                f(expr);
                list.iter().for_each(f);
            }
            ExprKind::Like {
                expr,
                pattern,
                escape,
                ..
            } => {
                f(expr);
                f(pattern);
                if let Some(escape) = escape {
                    f(escape);
                }
            }
            ExprKind::Quantified { left, right, .. } => {
                f(left);
                if let Quantity::Array(array) = right {
                    f(array);
                }
            }
            ExprKind::Call(call) => {
                call.args.iter().for_each(|arg| f(&arg.value));
                call.order_by.iter().for_each(|key| f(&key.expr));
                call.filter.iter().for_each(f);
            }
            ExprKind::Case {
                operand,
                branches,
                otherwise,
            } => {
                if let Some(operand) = operand {
                    f(operand);
                }
                for (when, then) in branches {
                    f(when);
                    f(then);
                }
                if let Some(otherwise) = otherwise {
                    f(otherwise);
                }
            }
            ExprKind::Subscript { expr, subscripts } => {
                f(expr);
                for subscript in subscripts {
                    match subscript {
                        Subscript::Index(index) => f(index),
                        Subscript::Slice(low, high) => low.iter().chain(high).for_each(&mut *f),
                    }
                }
            }
        }
    }
}
