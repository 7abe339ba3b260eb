//! Padding and concatenation.

use helios_base::{Result, Value};

use super::{BYTES_MAX, fits, int4, text, text_or, too_large};
use crate::function::{Call, Function, function};
use crate::ty::Ty::{Any, Int4, Text};

pub(super) static FUNCTIONS: &[Function] = &[
    function("lpad", &[Text, Int4], Text, |args, _| pad(args, true)),
    function("lpad", &[Text, Int4, Text], Text, |args, _| pad(args, true)),
    function("rpad", &[Text, Int4], Text, |args, _| pad(args, false)),
    function("rpad", &[Text, Int4, Text], Text, |args, _| {
        pad(args, false)
    }),
    function("concat", &[Any], Text, concat)
        .variadic()
        .not_strict()
        .stable(),
    function("concat_ws", &[Text, Any], Text, concat_ws)
        .variadic()
        .not_strict()
        .stable(),
];

/// Fills or cuts to a number of characters.
fn pad(args: &[&Value], left: bool) -> Result<Value> {
    let source = text(args, 0)?;
    let width = usize::try_from(int4(args, 1)?).unwrap_or(0);
    let fill = text_or(args, 2, " ")?;
    if width > BYTES_MAX {
        return Err(too_large());
    }
    let have = source.chars().count();
    if have >= width {
        return Ok(Value::text(source.chars().take(width).collect::<String>()));
    }
    if fill.is_empty() {
        return Ok(Value::text(source));
    }
    let filling = fill.chars().cycle().take(width - have);
    let mut out = String::with_capacity(source.len() + width - have);
    if left {
        out.extend(filling);
        out.push_str(source);
    } else {
        out.push_str(source);
        out.extend(filling);
    }
    if out.len() > BYTES_MAX {
        return Err(too_large());
    }
    Ok(Value::text(out))
}

/// All arguments as text, nulls left out.
fn concat(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let mut out = String::new();
    for (i, arg) in args.iter().enumerate() {
        if !arg.is_null() {
            arg.write_text(call.arg_type(i), call.ctx.text, &mut out);
            fits(out.len())?;
        }
    }
    Ok(Value::text(out))
}

/// As `concat`, with a separator between what is not null.
fn concat_ws(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    if args.first().is_none_or(|separator| separator.is_null()) {
        return Ok(Value::Null);
    }
    let separator = text(args, 0)?;
    let mut out = String::new();
    let mut first = true;
    for (i, arg) in args.iter().enumerate().skip(1) {
        if arg.is_null() {
            continue;
        }
        if !first {
            out.push_str(separator);
        }
        first = false;
        arg.write_text(call.arg_type(i), call.ctx.text, &mut out);
        fits(out.len())?;
    }
    Ok(Value::text(out))
}
