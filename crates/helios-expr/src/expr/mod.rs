//! The typed expression tree that the binder builds and the executors evaluate.

mod columns;
mod display;
mod visit;

use helios_base::{DataType, Value};

use crate::function::{Comparison, Function, Kind, Volatility};

/// A scalar expression whose names are resolved and whose types are settled.
///
/// Build it with [`crate::build::Builder`], which applies PostgreSQL's rules; the variants are
/// public so that planners can take expressions apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A constant. `DataType::Unknown` only before coercion.
    Literal(Value, DataType),
    /// A column of the input row.
    Column {
        /// Position in the row, counted from 0.
        index: usize,
        /// Its type.
        ty: DataType,
    },
    /// A statement parameter.
    Param {
        /// 0 for `$1`.
        index: usize,
        /// Its type; `Unknown` until some context decides it.
        ty: DataType,
    },
    /// A column of an enclosing query's row.
    Outer {
        /// 0 for the query directly around.
        depth: usize,
        /// Position in that row, counted from 0.
        index: usize,
        /// Its type.
        ty: DataType,
    },
    /// The operand of the `CASE operand WHEN …` around.
    CaseOperand {
        /// Its type.
        ty: DataType,
    },
    /// A subquery, run by the executor through [`crate::Subplans`].
    Subplan {
        /// Which one; the binder's numbering.
        id: u32,
        /// How its rows become a value.
        kind: SubplanKind,
        /// Correlated values, then the left operand of `IN` and quantified comparisons.
        args: Vec<Expr>,
        /// Result type.
        ty: DataType,
    },
    /// A function or operator; the arguments have the declared types already.
    Call {
        /// The catalogue entry.
        function: &'static Function,
        /// The arguments.
        args: Vec<Expr>,
        /// Called with `VARIADIC array`: the last argument is spread out.
        spread: bool,
        /// Result type, with polymorphic types settled.
        ty: DataType,
    },
    /// A conversion.
    Cast(Box<Cast>),
    /// `AND` of all, left to right, stopping at the first false.
    And(Vec<Expr>),
    /// `OR` of all, left to right, stopping at the first true.
    Or(Vec<Expr>),
    /// `NOT`
    Not(Box<Expr>),
    /// `IS [NOT] NULL`
    IsNull {
        /// The operand.
        expr: Box<Expr>,
        /// `IS NOT NULL`
        negated: bool,
    },
    /// `IS [NOT] TRUE | FALSE | UNKNOWN`
    BoolTest {
        /// The operand.
        expr: Box<Expr>,
        /// `Some(true)` for `TRUE`, `None` for `UNKNOWN`.
        test: Option<bool>,
        /// `IS NOT …`
        negated: bool,
    },
    /// `IS [NOT] DISTINCT FROM`; operands fit `equal`.
    Distinct {
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
        /// The `=` operator for the operands.
        equal: &'static Function,
        /// `IS NOT DISTINCT FROM`
        negated: bool,
    },
    /// `CASE`; branches are evaluated only when reached.
    Case {
        /// Operand of the simple form, read by [`Expr::CaseOperand`] in the conditions.
        operand: Option<Box<Expr>>,
        /// Conditions and results.
        branches: Vec<(Expr, Expr)>,
        /// `ELSE`; `NULL` if absent.
        otherwise: Option<Box<Expr>>,
        /// Result type.
        ty: DataType,
    },
    /// `COALESCE`
    Coalesce {
        /// Arguments of the common type.
        args: Vec<Expr>,
        /// The common type.
        ty: DataType,
    },
    /// `NULLIF(left, right)`: `left`, unless `equal` says it is `right`.
    NullIf {
        /// The value.
        value: Box<Expr>,
        /// `value = other`, with `value` as [`Expr::CaseOperand`].
        test: Box<Expr>,
        /// Type of `value`.
        ty: DataType,
    },
    /// `GREATEST` or `LEAST`; `NULL`s are ignored.
    Extreme {
        /// `GREATEST`
        greatest: bool,
        /// Arguments of the common type.
        args: Vec<Expr>,
        /// The common type.
        ty: DataType,
    },
    /// `[NOT] IN (…)` over values of one type.
    InList {
        /// The operand.
        expr: Box<Expr>,
        /// The values, of the operand's type (up to what `equal` accepts).
        list: Vec<Expr>,
        /// The `=` operator.
        equal: &'static Function,
        /// `NOT IN`
        negated: bool,
    },
    /// `left op ANY | ALL (array)`
    Quantified {
        /// Left operand.
        left: Box<Expr>,
        /// A boolean operator; its right operand is the array's element.
        operator: &'static Function,
        /// The array.
        array: Box<Expr>,
        /// `ALL`
        all: bool,
    },
    /// `ARRAY[…]`
    Array {
        /// Elements, or for a multidimensional array, arrays of equal shape.
        elements: Vec<Expr>,
        /// The array's type.
        ty: DataType,
    },
    /// `ROW(…)`
    Row(Vec<Expr>),
    /// A field of a row value.
    Field {
        /// The row value.
        record: Box<Expr>,
        /// Which field, counted from 0.
        index: usize,
        /// Its type.
        ty: DataType,
    },
    /// `array[…]` or, on `jsonb`, `value['key']`.
    Subscript {
        /// The array.
        base: Box<Expr>,
        /// One per dimension.
        subscripts: Vec<Subscript>,
        /// Result type.
        ty: DataType,
    },
}

/// A conversion between two types.
#[derive(Clone, Debug, PartialEq)]
pub struct Cast {
    /// What to convert.
    pub expr: Expr,
    /// The target, with its modifier.
    pub to: DataType,
    /// Written by the user (`CAST`, `::`), which for example cuts overlong strings; otherwise an
    /// assignment or implicit conversion.
    pub explicit: bool,
    /// The domain (or array of one) that the result is checked against; `to` is its base.
    pub domain: Option<DataType>,
}

impl Cast {
    /// When the conversion may be done ahead of time.
    #[must_use]
    pub fn volatility(&self) -> Volatility {
        let cast = crate::cast::volatility(self.expr.ty(), &self.to);
        match self.domain {
            // The conditions of a domain can change under a kept plan.
            Some(_) => cast.max(Volatility::Stable),
            None => cast,
        }
    }
}

/// One subscript of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Subscript {
    /// `[index]`
    Index(Expr),
    /// `[lower:upper]`, either open.
    Slice(Option<Expr>, Option<Expr>),
}

/// How the rows of a subquery become a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SubplanKind {
    /// The single column of the single row; `NULL` without rows.
    Scalar,
    /// `EXISTS`
    Exists,
    /// `operand op ANY (…)`, `IN` with `=`.
    Any(&'static Function),
    /// `operand op ALL (…)`, `NOT IN` with `<>`.
    All(&'static Function),
    /// `ARRAY(…)`
    Array,
}

static BOOL: DataType = DataType::Bool;
static RECORD: DataType = DataType::Record;

impl Expr {
    /// A literal `NULL` of undecided type.
    pub const NULL: Self = Self::Literal(Value::Null, DataType::Unknown);

    /// A constant of type `boolean`.
    #[must_use]
    pub fn bool(value: bool) -> Self {
        Self::Literal(Value::Bool(value), DataType::Bool)
    }

    /// An `integer` constant.
    #[must_use]
    pub fn int4(value: i32) -> Self {
        Self::Literal(Value::Int4(value), DataType::Int4)
    }

    /// A quoted literal whose type the context decides.
    #[must_use]
    pub fn unknown(text: &str) -> Self {
        Self::Literal(Value::Text(text.into()), DataType::Unknown)
    }

    /// A column reference.
    #[must_use]
    pub fn column(index: usize, ty: DataType) -> Self {
        Self::Column { index, ty }
    }

    /// The type of the value, with its modifier where one is known.
    #[must_use]
    pub fn ty(&self) -> &DataType {
        match self {
            Self::Literal(_, ty)
            | Self::Column { ty, .. }
            | Self::Param { ty, .. }
            | Self::Outer { ty, .. }
            | Self::CaseOperand { ty }
            | Self::Subplan { ty, .. }
            | Self::Call { ty, .. }
            | Self::Case { ty, .. }
            | Self::Coalesce { ty, .. }
            | Self::NullIf { ty, .. }
            | Self::Extreme { ty, .. }
            | Self::Array { ty, .. }
            | Self::Field { ty, .. }
            | Self::Subscript { ty, .. } => ty,
            Self::Cast(cast) => &cast.to,
            Self::And(_)
            | Self::Or(_)
            | Self::Not(_)
            | Self::IsNull { .. }
            | Self::BoolTest { .. }
            | Self::Distinct { .. }
            | Self::InList { .. }
            | Self::Quantified { .. } => &BOOL,
            Self::Row(_) => &RECORD,
        }
    }

    /// Whether this is a constant `NULL`, cast or not.
    #[must_use]
    pub fn is_null_literal(&self) -> bool {
        match self {
            Self::Literal(Value::Null, _) => true,
            Self::Cast(cast) => cast.expr.is_null_literal(),
            _ => false,
        }
    }

    /// The constant, if this is one.
    #[must_use]
    pub fn as_literal(&self) -> Option<&Value> {
        match self {
            Self::Literal(value, _) => Some(value),
            _ => None,
        }
    }

    /// Takes a binary comparison of the btree ordering apart.
    #[must_use]
    pub fn as_comparison(&self) -> Option<(Comparison, &Self, &Self)> {
        match self {
            Self::Call { function, args, .. } if function.kind() == Kind::Infix => {
                match (function.comparison(), args.as_slice()) {
                    (Some(comparison), [left, right]) => Some((comparison, left, right)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The terms of a conjunction, flattened; a single term if this is no `AND`.
    #[must_use]
    pub fn conjuncts(self) -> Vec<Self> {
        match self {
            Self::And(terms) => terms.into_iter().flat_map(Self::conjuncts).collect(),
            term => vec![term],
        }
    }

    /// `AND` of the terms; `true` for none.
    #[must_use]
    pub fn conjunction(mut terms: Vec<Self>) -> Self {
        match (terms.len(), terms.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                terms.push(last);
                Self::And(terms)
            }
            (_, None) => Self::bool(true),
        }
    }

    /// The volatility of the most volatile part.
    #[must_use]
    pub fn volatility(&self) -> Volatility {
        let mut worst = Volatility::Immutable;
        self.visit(&mut |expr| {
            let here = match expr {
                Self::Call { function, .. }
                | Self::InList {
                    equal: function, ..
                }
                | Self::Distinct {
                    equal: function, ..
                }
                | Self::Quantified {
                    operator: function, ..
                } => function.volatility(),
                Self::Cast(cast) => cast.volatility(),
                Self::Subplan { .. } => Volatility::Volatile,
                _ => Volatility::Immutable,
            };
            worst = worst.max(here);
        });
        worst
    }
}
