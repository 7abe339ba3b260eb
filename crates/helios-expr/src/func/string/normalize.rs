//! Unicode normalization.

use std::borrow::Cow;

use helios_base::{Error, Result, SqlState, Value};
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use super::text;
use crate::function::{Call, Function, function};
use crate::ty::Ty::{Bool, Text};

pub(super) static FUNCTIONS: &[Function] = &[
    function("normalize", &[Text, Text], Text, normalize).defaults(1),
    function("is_normalized", &[Text, Text], Bool, is_normalized).defaults(1),
];

/// The text in the form that the second argument names; NFC if there is none.
fn normalized<'t>(args: &[&'t Value]) -> Result<(&'t str, Cow<'t, str>)> {
    let given = text(args, 0)?;
    let form = match args.len() {
        1 => "NFC",
        _ => text(args, 1)?,
    };
    let made = match form.to_ascii_uppercase().as_str() {
        "NFC" => ComposingNormalizerBorrowed::new_nfc().normalize(given),
        "NFKC" => ComposingNormalizerBorrowed::new_nfkc().normalize(given),
        "NFD" => DecomposingNormalizerBorrowed::new_nfd().normalize(given),
        "NFKD" => DecomposingNormalizerBorrowed::new_nfkd().normalize(given),
        _ => {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid normalization form: {form}"),
            ));
        }
    };
    Ok((given, made))
}

fn normalize(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (_, made) = normalized(args)?;
    Ok(Value::text(made.into_owned()))
}

fn is_normalized(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (given, made) = normalized(args)?;
    Ok(Value::Bool(given == made))
}
