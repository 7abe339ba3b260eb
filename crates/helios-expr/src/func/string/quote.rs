//! Quoting for SQL text.

use helios_base::{DataType, Result, Value};

use super::text;
use crate::cast;
use crate::function::{Call, Function, function, mismatch};
use crate::text::keywords;
use crate::ty::Ty::{AnyElement, Text};

pub(super) static FUNCTIONS: &[Function] = &[
    function("quote_ident", &[Text], Text, |args, _| {
        Ok(Value::text(identifier(text(args, 0)?)))
    }),
    function("quote_literal", &[Text], Text, quote_literal),
    function("quote_literal", &[AnyElement], Text, quote_literal).stable(),
    function("quote_nullable", &[Text], Text, quote_nullable).not_strict(),
    function("quote_nullable", &[AnyElement], Text, quote_nullable)
        .not_strict()
        .stable(),
];

/// The identifier in double quotes if it needs them.
pub(crate) fn identifier(name: &str) -> String {
    let plain = name
        .bytes()
        .enumerate()
        .all(|(i, b)| b.is_ascii_lowercase() || b == b'_' || i > 0 && b.is_ascii_digit());
    if plain && !name.is_empty() && !keywords::needs_quotes(name) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The string in single quotes, as an escape string if it holds backslashes.
pub(crate) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

fn quote_literal(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let [value] = args else {
        return Err(mismatch(args));
    };
    match cast::cast(value, call.arg_type(0), &DataType::Text, true, call.ctx)? {
        Value::Text(text) => Ok(Value::text(literal(&text))),
        other => Err(mismatch(&[&other])),
    }
}

fn quote_nullable(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    if args.iter().any(|arg| arg.is_null()) {
        return Ok(Value::text("NULL"));
    }
    quote_literal(args, call)
}
