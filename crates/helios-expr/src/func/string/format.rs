//! `format(template, …)`.

use std::iter::Peekable;
use std::str::Chars;

use helios_base::{DataType, Error, Result, SqlState, Value};

use super::quote::{identifier, literal};
use super::{BYTES_MAX, text, too_large};
use crate::function::{Call, Function, function};
use crate::ty::Ty::{Any, Text};

pub(super) static FUNCTIONS: &[Function] = &[
    function("format", &[Text, Any], Text, format)
        .variadic()
        .not_strict()
        .stable(),
    function("format", &[Text], Text, format)
        .not_strict()
        .stable(),
];

/// One `%…` of a template.
struct Spec {
    position: Option<usize>,
    left: bool,
    width: Width,
    kind: char,
}

enum Width {
    None,
    Fixed(i32),
    /// From the next argument, or from the one at this position.
    Argument(Option<usize>),
}

fn format(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    if args.first().is_none_or(|template| template.is_null()) {
        return Ok(Value::Null);
    }
    let template = text(args, 0)?;
    let mut out = String::with_capacity(template.len());
    let mut next = 1;
    let mut input = template.chars().peekable();
    while let Some(c) = input.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        if input.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let spec = spec(&mut input)?;
        let mut left = spec.left;
        let width = match spec.width {
            Width::None => 0,
            Width::Fixed(width) => width,
            Width::Argument(position) => width_argument(args, call, position, &mut next)?,
        };
        if width < 0 {
            left = true;
        }
        let (value, ty) = argument(args, call, spec.position, &mut next)?;
        let shown = show(spec.kind, value, ty, call)?;
        let padding = (width.unsigned_abs() as usize).saturating_sub(shown.chars().count());
        if out.len() + shown.len() + padding > BYTES_MAX {
            return Err(too_large());
        }
        if left {
            out.push_str(&shown);
            out.extend(std::iter::repeat_n(' ', padding));
        } else {
            out.extend(std::iter::repeat_n(' ', padding));
            out.push_str(&shown);
        }
    }
    Ok(Value::text(out))
}

fn invalid(message: &str) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

fn unterminated() -> Error {
    invalid("unterminated format() type specifier").with_hint("For a single \"%\" use \"%%\".")
}

fn number(input: &mut Peekable<Chars<'_>>) -> Result<Option<i32>> {
    let mut found: Option<i32> = None;
    while let Some(digit) = input.peek().and_then(|c| c.to_digit(10)) {
        input.next();
        let value = found
            .unwrap_or(0)
            .checked_mul(10)
            .and_then(|n| n.checked_add_unsigned(digit))
            .ok_or_else(|| {
                Error::new(
                    SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
                    "number is out of range",
                )
            })?;
        found = Some(value);
    }
    Ok(found)
}

fn position_of(n: i32) -> Result<usize> {
    match usize::try_from(n) {
        Ok(position) if position > 0 => Ok(position),
        _ => Err(invalid(
            "format specifies argument 0, but arguments are numbered from 1",
        )),
    }
}

/// `[position$][-][width]type`
fn spec(input: &mut Peekable<Chars<'_>>) -> Result<Spec> {
    let mut spec = Spec {
        position: None,
        left: false,
        width: Width::None,
        kind: ' ',
    };
    if let Some(n) = number(input)? {
        if input.next_if_eq(&'$').is_some() {
            spec.position = Some(position_of(n)?);
        } else {
            spec.width = Width::Fixed(n);
        }
    }
    if matches!(spec.width, Width::None) {
        while input.next_if_eq(&'-').is_some() {
            spec.left = true;
        }
        if input.next_if_eq(&'*').is_some() {
            let position = match number(input)? {
                Some(n) => {
                    if input.next_if_eq(&'$').is_none() {
                        return Err(invalid("width argument position must be ended by \"$\""));
                    }
                    Some(position_of(n)?)
                }
                None => None,
            };
            spec.width = Width::Argument(position);
        } else if let Some(n) = number(input)? {
            spec.width = Width::Fixed(n);
        }
    }
    match input.next() {
        Some(kind @ ('s' | 'I' | 'L')) => {
            spec.kind = kind;
            Ok(spec)
        }
        Some(other) => Err(
            invalid(&format!("unrecognized format() type specifier \"{other}\""))
                .with_hint("For a single \"%\" use \"%%\"."),
        ),
        None => Err(unterminated()),
    }
}

fn argument<'a>(
    args: &[&'a Value],
    call: &Call<'a>,
    position: Option<usize>,
    next: &mut usize,
) -> Result<(&'a Value, &'a DataType)> {
    let index = position.unwrap_or(*next);
    *next = index + 1;
    match args.get(index) {
        Some(value) => Ok((value, call.arg_type(index))),
        None => Err(invalid("too few arguments for format()")),
    }
}

fn width_argument(
    args: &[&Value],
    call: &Call<'_>,
    position: Option<usize>,
    next: &mut usize,
) -> Result<i32> {
    let index = position.unwrap_or(*next);
    *next = index + 1;
    match args.get(index) {
        Some(Value::Null) => Ok(0),
        Some(Value::Int4(n)) => Ok(*n),
        Some(Value::Int2(n)) => Ok(i32::from(*n)),
        Some(other) => {
            match crate::cast::cast(other, call.arg_type(index), &DataType::Int4, true, call.ctx)? {
                Value::Int4(n) => Ok(n),
                _ => Ok(0),
            }
        }
        None => Err(invalid("too few arguments for format()")),
    }
}

fn show(kind: char, value: &Value, ty: &DataType, call: &Call<'_>) -> Result<String> {
    if value.is_null() {
        return match kind {
            'I' => Err(Error::new(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                "null values cannot be formatted as an SQL identifier",
            )),
            'L' => Ok("NULL".to_owned()),
            _ => Ok(String::new()),
        };
    }
    let text = value.to_text(ty, call.ctx.text);
    Ok(match kind {
        'I' => identifier(&text),
        'L' => literal(&text),
        _ => text,
    })
}
