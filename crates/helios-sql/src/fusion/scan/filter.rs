//! Conditions on one column that a scan asks of the stored row, before anything is decoded.

use std::cmp::Ordering;

use arrow::datatypes::DataType as ArrowType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Cast, InList};
use datafusion::logical_expr::{BinaryExpr, Expr as DfExpr, Operator};
use helios_base::{DataType, Error, Result, Value};
use helios_expr::{Comparison, Expr};
use helios_table::StoredRow;
use helios_table::catalog::TableDef;
use helios_table::row::Field;

use super::names::Columns;
use crate::fusion::array::read_scalar;
use crate::fusion::scalar::is_key;
use crate::fusion::shape::Shape;

/// A condition on one column.
#[derive(Clone, Debug)]
pub(super) struct RowFilter {
    /// Position of the column in the table.
    pub(super) position: usize,
    kind: Kind,
    pub(super) test: Test,
}

/// What a condition asks.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Compare(Comparison, Datum, Value),
    /// Any of these, ascending.
    Any(Vec<Datum>, Vec<Value>),
    Null,
    NotNull,
    /// Compared with `NULL`: no row is wanted.
    Never,
}

/// How the column's bytes compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Int2,
    Int4,
    Int8,
    Oid,
    Bytes,
    /// Strings whose blanks at the end do not count.
    Blank,
    Decimal(u16),
    /// Only asked for `NULL`.
    Opaque,
}

/// A constant in the form in which it is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Datum {
    Int(i64),
    Decimal(i128),
    Bytes(Box<[u8]>),
}

/// A constant of a condition.
enum Constant<'e> {
    Known(&'e ScalarValue),
    /// A parameter, whose value comes with the execution.
    Later(&'e ArrowType),
}

impl RowFilter {
    /// The least whole number that may satisfy it, if it says so.
    pub(super) fn least(&self) -> Option<i64> {
        match &self.test {
            Test::Compare(Comparison::Ge | Comparison::Eq, Datum::Int(end), _) => Some(*end),
            Test::Compare(Comparison::Gt, Datum::Int(end), _) => end.checked_add(1),
            _ => None,
        }
    }

    /// The greatest whole number that may satisfy it, if it says so.
    pub(super) fn greatest(&self) -> Option<i64> {
        match &self.test {
            Test::Compare(Comparison::Le | Comparison::Eq, Datum::Int(end), _) => Some(*end),
            Test::Compare(Comparison::Lt, Datum::Int(end), _) => end.checked_sub(1),
            _ => None,
        }
    }

    /// `filter` as conditions on stored rows; `None` unless they say exactly the same.
    ///
    /// A condition with a parameter is one once the parameter has its value.
    pub(super) fn of(filter: &DfExpr, columns: Columns<'_>) -> Option<Self> {
        let made = |(position, kind), test| {
            Some(Self {
                position,
                kind,
                test,
            })
        };
        match filter {
            // Short lists are taken apart before they get here.
            DfExpr::BinaryExpr(BinaryExpr {
                left,
                op: Operator::Or,
                right,
            }) => Self::of(left, columns)?.or(Self::of(right, columns)?),
            DfExpr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let ((column, ty), op, constant) = match (compared(left, columns), constant(right))
                {
                    (Some(column), Some(constant)) => (column, *op, constant),
                    _ => (compared(right, columns)?, op.swap()?, constant(left)?),
                };
                let place = (column, kind_of(&ty)?);
                let comparison = comparison(op)?;
                let Some(value) = constant.value(&ty)? else {
                    return made(place, Test::Never);
                };
                let datum = place.1.datum(&value)?;
                made(place, Test::Compare(comparison, datum, value))
            }
            DfExpr::InList(InList {
                expr,
                list,
                negated: false,
            }) => {
                let (column, ty) = compared(expr, columns)?;
                let place = (column, kind_of(&ty)?);
                let mut values = Vec::with_capacity(list.len());
                for element in list {
                    values.extend(constant(element)?.value(&ty)?);
                }
                let mut any = values
                    .iter()
                    .map(|value| place.1.datum(value))
                    .collect::<Option<Vec<_>>>()?;
                any.sort_unstable();
                any.dedup();
                made(place, Test::Any(any, values))
            }
            DfExpr::IsNull(expr) => made((column(expr, columns)?.0, Kind::Opaque), Test::Null),
            DfExpr::IsNotNull(expr) => {
                made((column(expr, columns)?.0, Kind::Opaque), Test::NotNull)
            }
            DfExpr::Column(_) => flag(filter, columns, true),
            DfExpr::Not(expr) => flag(expr, columns, false),
            _ => None,
        }
    }

    /// Either of two conditions, if each is equality on the same column.
    fn or(self, other: Self) -> Option<Self> {
        if (self.position, self.kind) != (other.position, other.kind) {
            return None;
        }
        let (mut data, mut values) = self.test.into_any()?;
        let (more, others) = other.test.into_any()?;
        data.extend(more);
        values.extend(others);
        data.sort_unstable();
        data.dedup();
        Some(Self {
            test: Test::Any(data, values),
            ..self
        })
    }

    /// The condition as a comparison with a constant, if it is one.
    pub(super) fn known(&self) -> Option<(usize, Comparison, Expr)> {
        match &self.test {
            // What follows for strings is not what follows for strings whose blanks do not count.
            Test::Compare(comparison, _, value) if self.kind != Kind::Blank => {
                let constant = Expr::Literal(value.clone(), value.natural_type());
                Some((self.position, *comparison, constant))
            }
            _ => None,
        }
    }

    /// Whether blanks at the end of the column's strings do not count.
    pub(super) fn ignores_blanks(&self) -> bool {
        self.kind == Kind::Blank
    }

    #[cfg(test)]
    pub(super) fn equal_but_for_blanks(text: &str) -> Self {
        let value = Value::from(text);
        let datum = Datum::Bytes(text.as_bytes().into());
        Self {
            position: 0,
            kind: Kind::Blank,
            test: Test::Compare(Comparison::Eq, datum, value),
        }
    }

    #[cfg(test)]
    pub(super) fn compared_with(comparison: Comparison, digits: i128) -> Self {
        Self {
            position: 0,
            kind: Kind::Decimal(0),
            test: Test::Compare(comparison, Datum::Decimal(digits), Value::Null),
        }
    }

    #[cfg(test)]
    pub(super) fn compared_with_text(comparison: Comparison, text: &str) -> Self {
        Self {
            position: 0,
            kind: Kind::Bytes,
            test: Test::Compare(
                comparison,
                Datum::Bytes(text.as_bytes().into()),
                Value::from(text),
            ),
        }
    }

    /// The condition as text, for people.
    pub(super) fn describe(&self, table: &TableDef) -> String {
        let column = table.columns.get(self.position);
        let name = column.map_or("", |column| &column.name);
        let text = |value: &Value| {
            value.to_text(&value.natural_type(), &helios_base::TextContext::default())
        };
        match &self.test {
            Test::Compare(comparison, _, value) => {
                format!("{name} {} {}", comparison.symbol(), text(value))
            }
            Test::Any(_, values) => {
                let values: Vec<String> = values.iter().map(text).collect();
                format!("{name} IN ({})", values.join(", "))
            }
            Test::Null => format!("{name} IS NULL"),
            Test::NotNull => format!("{name} IS NOT NULL"),
            Test::Never => "false".to_owned(),
        }
    }

    /// Whether `row` satisfies the condition.
    ///
    /// # Errors
    /// `Corrupt` if the stored bytes are wrong.
    #[inline]
    pub(super) fn holds(&self, row: &StoredRow<'_>) -> Result<bool> {
        let field = row.field(self.position)?;
        let order_to = |datum: &Datum| self.kind.compare(field, datum);
        Ok(match (&self.test, field) {
            (Test::Null, Field::Null) => true,
            (Test::NotNull, Field::Null) | (_, Field::Null) | (Test::Never | Test::Null, _) => {
                false
            }
            (Test::NotNull, _) => true,
            (Test::Compare(comparison, datum, _), _) => comparison.holds(order_to(datum)?),
            (Test::Any(any, _), _) => {
                let mut failed = None;
                let found = any.binary_search_by(|datum| match order_to(datum) {
                    Ok(order) => order.reverse(),
                    Err(error) => {
                        failed = Some(error);
                        Ordering::Equal
                    }
                });
                if let Some(error) = failed {
                    return Err(error);
                }
                found.is_ok()
            }
        })
    }
}

impl Test {
    /// What the column may equal.
    fn into_any(self) -> Option<(Vec<Datum>, Vec<Value>)> {
        match self {
            Self::Compare(Comparison::Eq, datum, value) => Some((vec![datum], vec![value])),
            Self::Any(data, values) => Some((data, values)),
            Self::Never => Some((Vec::new(), Vec::new())),
            _ => None,
        }
    }
}

impl Kind {
    /// `value` in the form that columns of this kind are compared with.
    fn datum(self, value: &Value) -> Option<Datum> {
        Some(match (self, value) {
            (Self::Bool, Value::Bool(b)) => Datum::Int(i64::from(*b)),
            (Self::Int2 | Self::Int4 | Self::Int8, Value::Int2(n)) => Datum::Int(i64::from(*n)),
            (Self::Int2 | Self::Int4 | Self::Int8, Value::Int4(n)) => Datum::Int(i64::from(*n)),
            (Self::Int2 | Self::Int4 | Self::Int8, Value::Int8(n)) => Datum::Int(*n),
            (Self::Int4, Value::Date(n)) => Datum::Int(i64::from(*n)),
            (Self::Int8, Value::Time(n) | Value::Timestamp(n) | Value::TimestampTz(n)) => {
                Datum::Int(*n)
            }
            (Self::Oid, Value::Oid(n)) => Datum::Int(i64::from(*n)),
            (Self::Bytes, Value::Text(text)) => Datum::Bytes(text.as_bytes().into()),
            (Self::Blank, Value::Text(text)) => {
                Datum::Bytes(without_blanks(text.as_bytes()).into())
            }
            (Self::Bytes, Value::Bytea(bytes)) => Datum::Bytes(bytes.to_vec().into()),
            (Self::Bytes, Value::Uuid(bytes)) => Datum::Bytes(bytes.as_slice().into()),
            (Self::Decimal(scale), Value::Numeric(number)) => {
                Datum::Decimal(match number.is_nan() {
                    // Above every other number, as SQL has it.
                    true => i128::MAX,
                    false => number.to_i128_at(scale)?,
                })
            }
            _ => return None,
        })
    }

    /// How the column compares with a constant.
    #[inline]
    fn compare(self, field: Field<'_>, datum: &Datum) -> Result<Ordering> {
        let wrong = || Error::corrupt("a stored value has a wrong width");
        let bytes = match field {
            Field::Bytes(_, bytes) => bytes,
            Field::Missing(value) => {
                let mine = self.datum(value).ok_or_else(wrong)?;
                return Ok(mine.cmp(datum));
            }
            Field::Null => return Err(Error::internal("NULL compared")),
        };
        let number = match (self, datum) {
            (Self::Bytes, Datum::Bytes(other)) => return Ok(bytes.cmp(other)),
            (Self::Blank, Datum::Bytes(other)) => return Ok(without_blanks(bytes).cmp(other)),
            (Self::Decimal(scale), _) => {
                if let (Some((coefficient, own)), Datum::Decimal(other)) =
                    (helios_base::row::short_numeric(bytes), datum)
                    && own == scale
                {
                    return Ok(i128::from(coefficient).cmp(other));
                }
                let value = helios_base::row::value(bytes, &DataType::Numeric(None))?;
                let mine = self.datum(&value).ok_or_else(wrong)?;
                return Ok(mine.cmp(datum));
            }
            (Self::Int8, _) => i64::from_le_bytes(bytes.try_into().map_err(|_| wrong())?),
            (Self::Int4, _) => {
                i64::from(i32::from_le_bytes(bytes.try_into().map_err(|_| wrong())?))
            }
            (Self::Int2, _) => {
                i64::from(i16::from_le_bytes(bytes.try_into().map_err(|_| wrong())?))
            }
            (Self::Oid, _) => i64::from(u32::from_le_bytes(bytes.try_into().map_err(|_| wrong())?)),
            (Self::Bool, _) => i64::from(*bytes.first().ok_or_else(wrong)?),
            (Self::Bytes | Self::Blank | Self::Opaque, _) => {
                return Err(Error::internal("bytes compared"));
            }
        };
        match datum {
            Datum::Int(other) => Ok(number.cmp(other)),
            _ => Err(Error::internal("a number compared with bytes")),
        }
    }
}

impl Constant<'_> {
    /// The value for a comparison with a column of type `ty`; inner `None` for `NULL`. A value that
    /// is not there yet is some value.
    #[allow(clippy::option_option, reason = "unusable and NULL differ")]
    fn value(&self, ty: &DataType) -> Option<Option<Value>> {
        let shape = Shape::of(ty);
        let arrow = match self {
            Self::Known(scalar) => scalar.data_type(),
            Self::Later(arrow) => (*arrow).clone(),
        };
        let shape = if arrow == shape.arrow {
            shape
        } else {
            // Whole numbers are compared as such whatever their width.
            let ty = match arrow {
                ArrowType::Int16 => DataType::Int2,
                ArrowType::Int32 => DataType::Int4,
                ArrowType::Int64 => DataType::Int8,
                _ => return None,
            };
            if !shape.ty.is_integer() {
                return None;
            }
            Shape::of(&ty)
        };
        match self {
            Self::Known(scalar) if scalar.is_null() => Some(None),
            Self::Known(scalar) => read_scalar(scalar, &shape).ok().map(Some),
            Self::Later(_) => Some(None),
        }
    }
}

/// How columns of a type compare by their stored bytes.
fn kind_of(ty: &DataType) -> Option<Kind> {
    Some(match ty {
        DataType::Bool => Kind::Bool,
        DataType::Int2 => Kind::Int2,
        DataType::Int4 | DataType::Date => Kind::Int4,
        DataType::Int8 | DataType::Time(_) | DataType::Timestamp(_) | DataType::TimestampTz(_) => {
            Kind::Int8
        }
        DataType::Oid => Kind::Oid,
        DataType::Text
        | DataType::Varchar(_)
        | DataType::Name
        | DataType::Bytea
        | DataType::Uuid => Kind::Bytes,
        DataType::Char(_) => Kind::Blank,
        DataType::Numeric(_) => Kind::Decimal(Shape::of(ty).as_decimal()?.1),
        _ => return None,
    })
}

/// A string as it compares where blanks at its end do not count.
pub(super) fn without_blanks(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != b' ');
    bytes.get(..end.map_or(0, |last| last + 1)).unwrap_or(bytes)
}

/// The column that is compared: as it is, widened, or without the blanks of `char(n)`.
fn compared(expr: &DfExpr, columns: Columns<'_>) -> Option<(usize, DataType)> {
    let (position, ty) = match expr {
        DfExpr::ScalarFunction(call) if is_key(call) => match call.args.as_slice() {
            [of] => column(of, columns)?,
            _ => return None,
        },
        // Blanks count where such a column is compared as it is.
        _ => column(expr, columns).filter(|(_, ty)| !matches!(ty, DataType::Char(_)))?,
    };
    let is_call = matches!(expr, DfExpr::ScalarFunction(_));
    (is_call == matches!(ty, DataType::Char(_))).then_some((position, ty))
}

/// The column that an expression is, as it is or widened.
pub(super) fn column(expr: &DfExpr, columns: Columns<'_>) -> Option<(usize, DataType)> {
    match expr {
        DfExpr::Column(column) => {
            let (position, column) = columns.get(&column.name)?;
            Some((position, column.ty.clone()))
        }
        DfExpr::Cast(Cast { expr, field }) => {
            let (position, ty) = column(expr, columns)?;
            let wider = matches!(
                (&ty, field.data_type()),
                (DataType::Int2, ArrowType::Int32 | ArrowType::Int64)
                    | (DataType::Int4, ArrowType::Int64)
            );
            wider.then_some((position, ty))
        }
        _ => None,
    }
}

fn constant(expr: &DfExpr) -> Option<Constant<'_>> {
    match expr {
        DfExpr::Literal(scalar, _) => Some(Constant::Known(scalar)),
        DfExpr::Placeholder(placeholder) => {
            Some(Constant::Later(placeholder.field.as_ref()?.data_type()))
        }
        _ => None,
    }
}

/// A column of booleans as a condition.
fn flag(expr: &DfExpr, columns: Columns<'_>, wanted: bool) -> Option<RowFilter> {
    let DfExpr::Column(_) = expr else {
        return None;
    };
    let (position, ty) = column(expr, columns)?;
    (ty == DataType::Bool).then(|| RowFilter {
        position,
        kind: Kind::Bool,
        test: Test::Compare(
            Comparison::Eq,
            Datum::Int(i64::from(wanted)),
            Value::Bool(wanted),
        ),
    })
}

fn comparison(op: Operator) -> Option<Comparison> {
    Some(match op {
        Operator::Eq => Comparison::Eq,
        Operator::NotEq => Comparison::Ne,
        Operator::Lt => Comparison::Lt,
        Operator::LtEq => Comparison::Le,
        Operator::Gt => Comparison::Gt,
        Operator::GtEq => Comparison::Ge,
        _ => return None,
    })
}
