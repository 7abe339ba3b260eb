//! Which type converts into which, and when that may happen unasked.

use helios_base::{DataType, RegKind, VectorKind};

use super::category::{Category, category};

/// How much the user has asked for a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CastContext {
    /// Not at all: an operand or argument.
    Implicit,
    /// By storing into a column.
    Assignment,
    /// With `CAST` or `::`.
    Explicit,
}

/// The way from one type to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// The same datum under another name; a length modifier may still apply.
    Relabel,
    /// A conversion function.
    Convert,
    /// Element by element.
    Elements,
    /// Output as text, input from text.
    Text,
}

/// The way from `from` to `to` that `context` permits, modifiers aside.
///
/// `unknown` converts into everything: it is input from text.
#[must_use]
pub fn path(from: &DataType, to: &DataType, context: CastContext) -> Option<Path> {
    if from.same(to) {
        return Some(Path::Relabel);
    }
    if matches!(from, DataType::Unknown) {
        return Some(Path::Text);
    }
    if let Some((needed, path)) = declared(from, to) {
        return (context >= needed).then_some(path);
    }
    let row = |ty: &DataType| match ty {
        DataType::Record => true,
        DataType::User(user) => user.is_composite(),
        _ => false,
    };
    match (row(from), row(to)) {
        // Any row value fits `record`; `record` fits a composite type field by field.
        (true, true) if matches!(to, DataType::Record) => return Some(Path::Relabel),
        (true, true) if matches!(from, DataType::Record) => return Some(Path::Convert),
        _ => {}
    }
    if let (DataType::Array(from), DataType::Array(to)) = (from, to)
        && let Some(path) = path(from, to, context)
    {
        return Some(match path {
            Path::Relabel => Path::Relabel,
            _ => Path::Elements,
        });
    }
    let to_string = context >= CastContext::Assignment && category(to) == Category::String;
    let from_string = context >= CastContext::Explicit && category(from) == Category::String;
    (to_string || from_string).then_some(Path::Text)
}

/// Whether an argument of type `from` may be passed for `to` without a written cast.
#[must_use]
pub fn is_implicit(from: &DataType, to: &DataType) -> bool {
    path(from, to, CastContext::Implicit).is_some()
}

/// Vectors are arrays of their elements.
fn vector_fits(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Int2Vector, DataType::Array(element)) => matches!(**element, DataType::Int2),
        (DataType::OidVector, DataType::Array(element)) => matches!(**element, DataType::Oid),
        _ => true,
    }
}

/// What holds a vector in fewer bytes is taken unasked.
fn between_vectors(from: VectorKind, to: VectorKind) -> CastContext {
    match (from, to) {
        (VectorKind::Full, _) | (VectorKind::Half, VectorKind::Sparse) => CastContext::Implicit,
        _ => CastContext::Assignment,
    }
}

/// PostgreSQL's `pg_cast`, for the types there are.
fn declared(from: &DataType, to: &DataType) -> Option<(CastContext, Path)> {
    use CastContext::{Assignment, Explicit, Implicit};
    use DataType as T;
    let context = match (from, to) {
        (T::Int2, T::Int4 | T::Int8 | T::Oid | T::Float4 | T::Float8 | T::Numeric(_))
        | (T::Int4, T::Int8 | T::Oid | T::Float4 | T::Float8 | T::Numeric(_))
        | (T::Int8, T::Oid | T::Float4 | T::Float8 | T::Numeric(_))
        | (T::Numeric(_), T::Float4 | T::Float8)
        | (T::Float4, T::Float8)
        | (T::Date, T::Timestamp(_) | T::TimestampTz(_))
        | (T::Timestamp(_), T::TimestampTz(_))
        | (T::Time(_), T::Interval(_) | T::TimeTz(_))
        | (T::Text | T::Varchar(_) | T::Char(_), T::Name)
        | (T::Char(_), T::Text | T::Varchar(_)) => (Implicit, Path::Convert),
        (T::Name, T::Text)
        | (T::Text, T::Char(_) | T::Varchar(_))
        | (T::Varchar(_), T::Text | T::Char(_))
        | (T::Bit(_), T::VarBit(_))
        | (T::VarBit(_), T::Bit(_))
        | (T::Cidr, T::Inet) => (Implicit, Path::Relabel),
        (T::Int4, T::Int2)
        | (T::Int8, T::Int2 | T::Int4)
        | (T::Float4, T::Int2 | T::Int4 | T::Int8 | T::Numeric(_))
        | (T::Float8, T::Int2 | T::Int4 | T::Int8 | T::Float4 | T::Numeric(_))
        | (T::Numeric(_), T::Int2 | T::Int4 | T::Int8)
        | (T::Oid, T::Int4 | T::Int8)
        | (T::Timestamp(_) | T::TimestampTz(_), T::Date | T::Time(_))
        | (T::TimestampTz(_), T::Timestamp(_))
        | (T::Interval(_), T::Time(_))
        | (T::TimeTz(_), T::Time(_))
        | (T::TimestampTz(_), T::TimeTz(_))
        | (T::Inet, T::Cidr)
        | (T::Inet | T::Cidr, T::Text | T::Varchar(_) | T::Char(_))
        | (T::Bool, T::Text | T::Varchar(_) | T::Char(_))
        | (T::Name, T::Varchar(_) | T::Char(_)) => (Assignment, Path::Convert),
        (T::Int2 | T::Int4 | T::Int8, T::Reg(_))
        | (T::Text | T::Varchar(_), T::Reg(RegKind::Class)) => (Implicit, Path::Convert),
        (T::Oid, T::Reg(_))
        | (T::Reg(_), T::Oid)
        | (T::Reg(RegKind::Proc), T::Reg(RegKind::Procedure))
        | (T::Reg(RegKind::Procedure), T::Reg(RegKind::Proc))
        | (T::Reg(RegKind::Oper), T::Reg(RegKind::Operator))
        | (T::Reg(RegKind::Operator), T::Reg(RegKind::Oper))
        | (T::CharByte, T::Text)
        | (T::Int2Vector | T::OidVector, T::Array(_))
            if vector_fits(from, to) =>
        {
            (Implicit, Path::Convert)
        }
        (T::Reg(_), T::Int4 | T::Int8)
        | (T::CharByte, T::Varchar(_) | T::Char(_))
        | (T::Text | T::Varchar(_) | T::Char(_), T::CharByte) => (Assignment, Path::Convert),
        (T::Int4, T::CharByte) | (T::CharByte, T::Int4) => (Explicit, Path::Convert),
        (T::Json, T::Jsonb) | (T::Jsonb, T::Json) => (Assignment, Path::Text),
        (T::Bool, T::Int4)
        | (T::Int4, T::Bool)
        | (T::Int4 | T::Int8, T::Bit(_))
        | (T::Bit(_), T::Int4 | T::Int8)
        | (
            T::Jsonb,
            T::Bool | T::Int2 | T::Int4 | T::Int8 | T::Float4 | T::Float8 | T::Numeric(_),
        ) => (Explicit, Path::Convert),
        (T::Vector(from, _), T::Vector(to, _)) => (between_vectors(*from, *to), Path::Convert),
        (T::Vector(from, _), T::Array(element)) if **element == T::Float4 => match from {
            VectorKind::Full => (Implicit, Path::Convert),
            VectorKind::Half => (Assignment, Path::Convert),
            VectorKind::Sparse => return None,
        },
        (T::Array(element), T::Vector(..))
            if matches!(**element, T::Int4 | T::Float4 | T::Float8 | T::Numeric(_)) =>
        {
            (Assignment, Path::Convert)
        }
        (T::Range(from), T::Multirange(to)) if from == to => (Explicit, Path::Convert),
        _ => return None,
    };
    Some(context)
}
