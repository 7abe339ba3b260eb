//! `regexp_matches`, `regexp_split_to_table`, `string_to_table`.

use helios_base::{Result, Value};

use super::{Rows, SetFunction, set_function};
use crate::func::array::string_to_array;
use crate::func::string::regex::{groups, pieces};
use crate::func::string::{text, text_or};
use crate::function::Call;
use crate::text::regex::{Flags, compiled};
use crate::ty::Ty::{self, Text};

const TEXTS: Ty = Ty::Array(&Text);

pub(super) static FUNCTIONS: &[SetFunction] = &[
    set_function("regexp_matches", &[Text, Text], &[("", TEXTS)], matches),
    set_function(
        "regexp_matches",
        &[Text, Text, Text],
        &[("", TEXTS)],
        matches,
    ),
    set_function("regexp_split_to_table", &[Text, Text], &[("", Text)], split),
    set_function(
        "regexp_split_to_table",
        &[Text, Text, Text],
        &[("", Text)],
        split,
    ),
    set_function("string_to_table", &[Text, Text], &[("", Text)], table).not_strict(),
    set_function("string_to_table", &[Text, Text, Text], &[("", Text)], table).not_strict(),
];

fn table(args: &[&Value], call: &Call<'_>) -> Result<Rows> {
    Ok(match string_to_array(args, call)? {
        Value::Array(array) => rows(array.elements.clone()),
        _ => rows(Vec::new()),
    })
}

fn rows(values: Vec<Value>) -> Rows {
    Box::new(values.into_iter().map(|value| Ok(vec![value])))
}

fn matches(args: &[&Value], _: &Call<'_>) -> Result<Rows> {
    let (source, pattern, flags) = (text(args, 0)?, text(args, 1)?, text_or(args, 2, "")?);
    let regex = compiled(pattern, flags)?;
    let limit = if Flags::parse(flags)?.global {
        usize::MAX
    } else {
        1
    };
    let found = regex.captures_from(source, 0).take(limit);
    let found: Result<Vec<Value>> = found
        .map(|captures| captures.map(|captures| groups(&captures)))
        .collect();
    Ok(rows(found?))
}

fn split(args: &[&Value], _: &Call<'_>) -> Result<Rows> {
    let (source, pattern, flags) = (text(args, 0)?, text(args, 1)?, text_or(args, 2, "")?);
    let parts = pieces(source, pattern, flags, "regexp_split_to_table")?;
    Ok(rows(parts.into_iter().map(Value::text).collect()))
}
