//! Type names to types.

use helios_base::datetime::{IntervalFields, IntervalModifier, PRECISION_MAX as DIGITS_MAX};
use helios_base::{DataType, Error, Result, SqlState, TextContext, nearest};
use helios_expr::{NoSession, ParamTypes};
use helios_table::Catalog;

use super::Binder;
use crate::parse::ast::TypeName;

/// Names in `pg_catalog`, for suggestions.
const NAMES: [&str; 28] = [
    "bool",
    "bytea",
    "name",
    "int8",
    "int2",
    "int4",
    "text",
    "oid",
    "json",
    "float4",
    "float8",
    "bpchar",
    "varchar",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "numeric",
    "uuid",
    "jsonb",
    "integer",
    "bigint",
    "smallint",
    "boolean",
    "serial",
    "bigserial",
    "record",
];

/// A `numeric` with more digits cannot be declared.
const PRECISION_MAX: i64 = 1000;
/// The longest declarable string, in characters.
const LENGTH_MAX: i64 = 10_485_760;
/// The longest declarable bit string.
const BITS_MAX: u32 = 83_886_080;

/// The bare type of this name in `pg_catalog`.
fn plain(name: &str) -> Option<DataType> {
    Some(match name {
        "boolean" => DataType::Bool,
        "smallint" => DataType::Int2,
        "int" | "integer" => DataType::Int4,
        "bigint" => DataType::Int8,
        "real" => DataType::Float4,
        "decimal" => DataType::Numeric(None),
        "char" => DataType::CharByte,
        "int2vector" => DataType::Int2Vector,
        "oidvector" => DataType::OidVector,
        "record" => DataType::Record,
        "void" => DataType::Void,
        "unknown" => DataType::Unknown,
        name => return helios_expr::cast::type_named(name),
    })
}

/// The integer type behind `serial` and its kin.
pub(super) fn serial(ty: &TypeName) -> Option<DataType> {
    if ty.schema.is_some() || ty.dimensions > 0 {
        return None;
    }
    Some(match ty.name.as_str() {
        "serial" | "serial4" => DataType::Int4,
        "bigserial" | "serial8" => DataType::Int8,
        "smallserial" | "serial2" => DataType::Int2,
        _ => return None,
    })
}

/// The type that a name stands for, outside of any statement.
///
/// # Errors
/// 42704 no such type, 22023 bad modifier.
pub(crate) fn named_type(ty: &TypeName, catalog: &Catalog, path: &[String]) -> Result<DataType> {
    let text = TextContext::default();
    let context = super::BindContext {
        catalog,
        search_path: path,
        text: &text,
        session: &NoSession,
        past: &super::NoPast,
        runs_as: None,
        roles: None,
    };
    let params = ParamTypes::default();
    Binder::new(&context, None, &params).data_type(ty)
}

impl Binder<'_> {
    /// The type that was written.
    ///
    /// # Errors
    /// 42704 no such type, 22023 bad modifier, 0A000 modifiers that are not supported.
    pub(super) fn data_type(&self, ty: &TypeName) -> Result<DataType> {
        self.place(self.data_type_here(ty), ty.pos)
    }

    fn data_type_here(&self, ty: &TypeName) -> Result<DataType> {
        let known_schema = ty.schema.as_ref().is_none_or(|schema| {
            // Scripts written for pgvector name the schema that they put its types into.
            schema.name == "pg_catalog"
                || schema.name == "public" && matches!(plain(&ty.name), Some(DataType::Vector(..)))
        });
        let element = match plain(&ty.name) {
            Some(plain) if known_schema => plain,
            _ => match ty.name.strip_prefix('_').and_then(plain) {
                Some(element) if known_schema => DataType::Array(Box::new(element)),
                _ => self.users_type(ty)?,
            },
        };
        let element = with_modifiers(element, ty)?;
        Ok(if ty.dimensions > 0 {
            DataType::Array(Box::new(element))
        } else {
            element
        })
    }

    /// A type that a user has made, or an array of one by its internal name.
    fn users_type(&self, ty: &TypeName) -> Result<DataType> {
        let schema = ty.schema.as_ref().map(|schema| schema.name.as_str());
        if let Some(schema) = schema
            && !crate::system::SCHEMAS.contains(&schema)
        {
            self.context.catalog.require_schema(schema)?;
        }
        let find = |name: &str| {
            self.context
                .catalog
                .resolve_named_type(schema, name, &self.search_path)
        };
        if let Some(found) = find(&ty.name) {
            return Ok(found);
        }
        match ty.name.strip_prefix('_').and_then(find) {
            Some(element) => Ok(DataType::Array(Box::new(element))),
            None => Err(self.no_type(ty)),
        }
    }

    fn no_type(&self, ty: &TypeName) -> Error {
        const KNOWN: [&str; 15] = [
            "money", "xml", "macaddr8", "point", "line", "lseg", "box", "path", "polygon",
            "circle", "tsvector", "tsquery", "xid8", "pg_lsn", "tid",
        ];
        if ty.schema.is_none() && KNOWN.contains(&ty.name.as_str()) {
            let error = Error::unsupported(format!("type {} is not supported", ty.name));
            return match ty.name.as_str() {
                "money" => error.with_hint(
                    "Use numeric, whose values do not change with the locale of a session.",
                ),
                "xml" => error.with_hint("Use text, or jsonb for documents to look into."),
                _ => error,
            };
        }
        let shown = match &ty.schema {
            Some(schema) => format!("{}.{}", schema.name, ty.name),
            None => ty.name.clone(),
        };
        let error = Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("type \"{shown}\" does not exist"),
        );
        match nearest(&ty.name, NAMES) {
            Some(close) => error.with_hint(format!("Perhaps you meant the type \"{close}\".")),
            None => error,
        }
    }
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn with_modifiers(bare: DataType, ty: &TypeName) -> Result<DataType> {
    let modifiers = ty.modifiers.as_slice();
    let fields = ty.fields.as_deref().and_then(IntervalFields::named);
    match (bare, modifiers) {
        (DataType::Interval(_), []) => Ok(DataType::Interval(IntervalModifier::new(fields, None))),
        (bare, []) => Ok(bare),
        (DataType::Numeric(_), [precision, rest @ ..]) => {
            let scale = match rest {
                [] => 0,
                [scale] => *scale,
                _ => return Err(invalid("invalid NUMERIC type modifier".to_owned())),
            };
            if !(1..=PRECISION_MAX).contains(precision) {
                return Err(invalid(format!(
                    "NUMERIC precision {precision} must be between 1 and {PRECISION_MAX}"
                )));
            }
            if !(-PRECISION_MAX..=PRECISION_MAX).contains(&scale) {
                return Err(invalid(format!(
                    "NUMERIC scale {scale} must be between -{PRECISION_MAX} and {PRECISION_MAX}"
                )));
            }
            // Both are at most a thousand.
            Ok(DataType::Numeric(Some((*precision as u16, scale as i16))))
        }
        (DataType::Varchar(_), [length]) => {
            Ok(DataType::Varchar(Some(string_length("varchar", *length)?)))
        }
        (DataType::Char(_), [length]) => Ok(DataType::Char(Some(string_length("char", *length)?))),
        (DataType::Time(_), [digits]) => Ok(DataType::Time(Some(precision("TIME", *digits)?))),
        (DataType::TimeTz(_), [digits]) => Ok(DataType::TimeTz(Some(precision("TIME", *digits)?))),
        (DataType::Timestamp(_), [digits]) => {
            Ok(DataType::Timestamp(Some(precision("TIMESTAMP", *digits)?)))
        }
        (DataType::TimestampTz(_), [digits]) => Ok(DataType::TimestampTz(Some(precision(
            "TIMESTAMP",
            *digits,
        )?))),
        (DataType::Interval(_), [digits]) => {
            let digits = precision("INTERVAL", *digits)?;
            Ok(DataType::Interval(IntervalModifier::new(
                fields,
                Some(digits),
            )))
        }
        (DataType::Bit(_), [length]) => Ok(DataType::Bit(Some(bit_length("bit", *length)?))),
        (DataType::VarBit(_), [length]) => {
            Ok(DataType::VarBit(Some(bit_length("varbit", *length)?)))
        }
        (DataType::Vector(kind, _), [dimensions]) => {
            Ok(DataType::Vector(kind, Some(kind.modifier(*dimensions)?)))
        }
        (DataType::Vector(..), _) => Err(invalid("invalid type modifier".to_owned())),
        (bare, _) => Err(Error::new(
            SqlState::SYNTAX_ERROR,
            format!("type modifier is not allowed for type \"{bare}\""),
        )),
    }
}

fn string_length(name: &str, length: i64) -> Result<u32> {
    if length < 1 {
        return Err(invalid(format!(
            "length for type {name} must be at least 1"
        )));
    }
    if length > LENGTH_MAX {
        return Err(invalid(format!(
            "length for type {name} cannot exceed {LENGTH_MAX}"
        )));
    }
    u32::try_from(length).map_err(|_| invalid(format!("length for type {name} is too large")))
}

/// Digits of the second; more than there are count as all.
fn precision(name: &str, digits: i64) -> Result<u8> {
    if digits < 0 {
        return Err(invalid(format!(
            "{name}({digits}) precision must not be negative"
        )));
    }
    Ok(u8::try_from(digits).map_or(DIGITS_MAX, |digits| digits.min(DIGITS_MAX)))
}

fn bit_length(name: &str, length: i64) -> Result<u32> {
    if length < 1 {
        return Err(invalid(format!(
            "length for type {name} must be at least 1"
        )));
    }
    u32::try_from(length)
        .ok()
        .filter(|length| *length <= BITS_MAX)
        .ok_or_else(|| invalid(format!("length for type {name} cannot exceed {BITS_MAX}")))
}
