//! Concatenation, `LIKE` and regular expression operators.

use helios_base::{DataType, Result, Value};

use crate::cast;
use crate::func::string::fits;
use crate::function::{Call, Function, function, infix, mismatch};
use crate::text::{letter, like, regex};
use crate::ty::Ty::{self, AnyNonArray, Bool, Bytea, Char, Name, Text};

macro_rules! likes {
    ($name:literal, $insensitive:literal, $negated:literal) => {
        &[
            infix($name, &[Text, Text], Bool, |args, _| {
                like_text(args, $insensitive, $negated)
            }),
            infix($name, &[Char, Text], Bool, |args, _| {
                like_text(args, $insensitive, $negated)
            }),
            infix($name, &[Name, Text], Bool, |args, _| {
                like_text(args, $insensitive, $negated)
            }),
        ]
    };
}

macro_rules! regexes {
    ($name:literal, $insensitive:literal, $negated:literal) => {
        &[
            infix($name, &[Text, Text], Bool, |args, _| {
                regex_text(args, $insensitive, $negated)
            }),
            infix($name, &[Char, Text], Bool, |args, _| {
                regex_text(args, $insensitive, $negated)
            }),
            infix($name, &[Name, Text], Bool, |args, _| {
                regex_text(args, $insensitive, $negated)
            }),
        ]
    };
}

const BYTES: &[Ty; 2] = &[Bytea, Bytea];

pub(crate) static FAMILIES: &[&[Function]] = &[
    &[
        infix("||", &[Text, Text], Text, concat),
        infix("||", &[Text, AnyNonArray], Text, concat_any).stable(),
        infix("||", &[AnyNonArray, Text], Text, concat_any).stable(),
        infix("||", BYTES, Bytea, |args, _| match args {
            [Value::Bytea(a), Value::Bytea(b)] => {
                fits(a.len() + b.len())?;
                Ok(Value::from([&**a, &**b].concat()))
            }
            args => Err(mismatch(args)),
        }),
        infix("^@", &[Text, Text], Bool, starts_with),
        function("starts_with", &[Text, Text], Bool, starts_with),
        infix("~~", BYTES, Bool, |args, _| like_bytes(args, false)),
        infix("!~~", BYTES, Bool, |args, _| like_bytes(args, true)),
        function("like", &[Text, Text], Bool, |args, _| {
            like_text(args, false, false)
        }),
        function("notlike", &[Text, Text], Bool, |args, _| {
            like_text(args, false, true)
        }),
        function("like", BYTES, Bool, |args, _| like_bytes(args, false)),
        function("notlike", BYTES, Bool, |args, _| like_bytes(args, true)),
        function("like_escape", &[Text, Text], Text, |args, _| match args {
            [Value::Text(pattern), Value::Text(escape)] => {
                like::escape(pattern, escape).map(Value::text)
            }
            args => Err(mismatch(args)),
        }),
        function("like_escape", BYTES, Bytea, |args, _| match args {
            [Value::Bytea(pattern), Value::Bytea(escape)] => {
                like::escape_bytes(pattern, escape).map(Value::from)
            }
            args => Err(mismatch(args)),
        }),
        function("similar_to_escape", &[Text], Text, similar),
        function("similar_to_escape", &[Text, Text], Text, similar),
    ],
    likes!("~~", false, false),
    likes!("!~~", false, true),
    likes!("~~*", true, false),
    likes!("!~~*", true, true),
    regexes!("~", false, false),
    regexes!("!~", false, true),
    regexes!("~*", true, false),
    regexes!("!~*", true, true),
];

fn concat(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Text(a), Value::Text(b)] => {
            fits(a.len() + b.len())?;
            let mut text = String::with_capacity(a.len() + b.len());
            text.push_str(a);
            text.push_str(b);
            Ok(Value::text(text))
        }
        args => Err(mismatch(args)),
    }
}

/// `text || anything`: the other operand is cast to text.
fn concat_any(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let mut text = String::new();
    for (i, arg) in args.iter().enumerate() {
        match cast::cast(arg, call.arg_type(i), &DataType::Text, true, call.ctx)? {
            Value::Text(part) => {
                fits(text.len() + part.len())?;
                text.push_str(&part);
            }
            other => return Err(mismatch(&[&other])),
        }
    }
    Ok(Value::text(text))
}

fn starts_with(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Text(text), Value::Text(start)] => Ok(Value::Bool(text.starts_with(&**start))),
        args => Err(mismatch(args)),
    }
}

fn like_text(args: &[&Value], insensitive: bool, negated: bool) -> Result<Value> {
    match args {
        [Value::Text(text), Value::Text(pattern)] => {
            let found = if insensitive {
                like::matches(
                    letter::to_lower(text).as_bytes(),
                    letter::to_lower(pattern).as_bytes(),
                    true,
                )?
            } else {
                like::matches(text.as_bytes(), pattern.as_bytes(), true)?
            };
            Ok(Value::Bool(found != negated))
        }
        args => Err(mismatch(args)),
    }
}

fn like_bytes(args: &[&Value], negated: bool) -> Result<Value> {
    match args {
        [Value::Bytea(text), Value::Bytea(pattern)] => {
            Ok(Value::Bool(like::matches(text, pattern, false)? != negated))
        }
        args => Err(mismatch(args)),
    }
}

fn regex_text(args: &[&Value], insensitive: bool, negated: bool) -> Result<Value> {
    match args {
        [Value::Text(text), Value::Text(pattern)] => {
            let flags = if insensitive { "i" } else { "" };
            let found = regex::compiled(pattern, flags)?.is_match(text)?;
            Ok(Value::Bool(found != negated))
        }
        args => Err(mismatch(args)),
    }
}

fn similar(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Text(pattern)] => like::similar(pattern, "\\").map(Value::text),
        [Value::Text(pattern), Value::Text(escape)] => {
            like::similar(pattern, escape).map(Value::text)
        }
        args => Err(mismatch(args)),
    }
}
