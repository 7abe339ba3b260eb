//! One setting's value: how its text is read, and how it is shown.

use std::sync::Arc;

use helios_base::{Error, Result, SqlState};

/// The value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// A switch.
    Bool(bool),
    /// A whole number, in the setting's base unit.
    Int(i64),
    /// Text, a list, or a choice.
    Text(Arc<str>),
}

/// What a setting takes.
#[derive(Clone, Copy, Debug)]
pub enum SettingKind {
    /// `on` or `off`.
    Bool,
    /// A whole number within bounds, in this unit.
    Int(i64, i64, Unit),
    /// A number within bounds.
    Real(f64, f64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any text.
    Text,
    /// Names separated by commas.
    Names,
}

/// The unit of a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number.
    None,
    /// Milliseconds.
    Millis,
    /// Kibibytes.
    Kilobytes,
}

/// Unit names with their size in the base unit, the largest first.
const MILLIS: &[(&str, i64)] = &[
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("min", 60_000),
    ("s", 1_000),
    ("ms", 1),
];
const KILOBYTES: &[(&str, i64)] = &[("TB", 1 << 30), ("GB", 1 << 20), ("MB", 1 << 10), ("kB", 1)];

impl Unit {
    fn names(self) -> &'static [(&'static str, i64)] {
        match self {
            Self::None => &[],
            Self::Millis => MILLIS,
            Self::Kilobytes => KILOBYTES,
        }
    }
}

impl SettingKind {
    /// Reads `text` as a value for the setting `name`.
    pub(super) fn parse(self, name: &str, text: &str) -> Result<SettingValue> {
        match self {
            Self::Bool => parse_bool(text)
                .map(SettingValue::Bool)
                .ok_or_else(|| invalid(format!("parameter \"{name}\" requires a Boolean value"))),
            Self::Int(min, max, unit) => parse_int(name, text, min, max, unit),
            Self::Real(min, max) => match text.trim().parse::<f64>() {
                Ok(number) if (min..=max).contains(&number) => {
                    Ok(SettingValue::Text(Arc::from(number.to_string())))
                }
                Ok(_) => Err(invalid(format!(
                    "{text} is outside the valid range for parameter \"{name}\" ({min} .. {max})"
                ))),
                Err(_) => Err(bad_value(name, text)),
            },
            Self::Choice(words) => {
                let wanted = text.trim().to_ascii_lowercase();
                match words.iter().find(|word| word.eq_ignore_ascii_case(&wanted)) {
                    Some(word) => Ok(SettingValue::Text(Arc::from(*word))),
                    None => Err(bad_value(name, text)
                        .with_hint(format!("Available values: {}.", words.join(", ")))),
                }
            }
            Self::Text | Self::Names => Ok(SettingValue::Text(Arc::from(text))),
        }
    }

    /// How `SHOW` prints `value`.
    pub(super) fn show(self, value: &SettingValue) -> String {
        match value {
            SettingValue::Bool(true) => "on".to_owned(),
            SettingValue::Bool(false) => "off".to_owned(),
            SettingValue::Text(text) => text.to_string(),
            SettingValue::Int(number) => {
                let names = match self {
                    Self::Int(_, _, unit) => unit.names(),
                    _ => &[],
                };
                // The largest unit without a rest; nothing and "unlimited" go without.
                match names.iter().find(|(_, size)| number % size == 0) {
                    Some((unit, size)) if *number > 0 => format!("{}{unit}", number / size),
                    _ => number.to_string(),
                }
            }
        }
    }

    /// `pg_settings.vartype`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int(..) => "integer",
            Self::Real(..) => "real",
            Self::Choice(_) => "enum",
            Self::Text | Self::Names => "string",
        }
    }
}

/// PostgreSQL's spellings of a switch: unambiguous prefixes of the words, or a digit.
fn parse_bool(text: &str) -> Option<bool> {
    let word = text.trim().to_ascii_lowercase();
    let is = |full: &str, least: usize| word.len() >= least && full.starts_with(&word);
    if is("true", 1) || is("yes", 1) || is("on", 2) || word == "1" {
        Some(true)
    } else if is("false", 1) || is("no", 1) || is("off", 2) || word == "0" {
        Some(false)
    } else {
        None
    }
}

fn parse_int(name: &str, text: &str, min: i64, max: i64, unit: Unit) -> Result<SettingValue> {
    let trimmed = text.trim();
    let split = trimmed
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E')))
        .unwrap_or(trimmed.len());
    let (digits, suffix) = trimmed.split_at(split);
    let number: f64 = digits.parse().map_err(|_| bad_value(name, text))?;
    let size = match suffix.trim() {
        "" => 1.0,
        suffix => match unit.names().iter().find(|(word, _)| *word == suffix) {
            Some((_, size)) => *size as f64,
            None if unit == Unit::Millis && suffix == "us" => 0.001,
            None if unit == Unit::Kilobytes && suffix == "B" => 1.0 / 1024.0,
            None => return Err(bad_value(name, text).with_hint(unit_hint(unit))),
        },
    };
    let value = (number * size).round();
    if !(value >= min as f64 && value <= max as f64) {
        return Err(invalid(format!(
            "{value} is outside the valid range for parameter \"{name}\" ({min} .. {max})"
        )));
    }
    Ok(SettingValue::Int(value as i64))
}

fn unit_hint(unit: Unit) -> &'static str {
    match unit {
        Unit::None => "This parameter takes a plain number.",
        Unit::Millis => {
            "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\"."
        }
        Unit::Kilobytes => {
            "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\"."
        }
    }
}

/// `22023`: the setting does not take this text.
pub(super) fn bad_value(name: &str, text: &str) -> Error {
    invalid(format!(
        "invalid value for parameter \"{name}\": \"{text}\""
    ))
}

fn invalid(message: String) -> Error {
    Error::new(SqlState::INVALID_PARAMETER_VALUE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Result<SettingValue> {
        SettingKind::Int(0, i64::from(i32::MAX), Unit::Millis).parse("t", text)
    }

    #[test]
    fn switches_take_prefixes() {
        for (text, value) in [
            ("on", Some(true)),
            ("tr", Some(true)),
            ("of", Some(false)),
            ("o", None),
        ] {
            assert_eq!(parse_bool(text), value, "{text}");
        }
    }

    #[test]
    fn numbers_take_units() {
        let kind = SettingKind::Int(0, i64::from(i32::MAX), Unit::Millis);
        for (text, number, shown) in [
            ("5s", 5_000, "5s"),
            ("1500", 1_500, "1500ms"),
            ("2 min", 120_000, "2min"),
            ("0", 0, "0"),
        ] {
            let value = millis(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(value, SettingValue::Int(number), "{text}");
            assert_eq!(kind.show(&value), shown, "{text}");
        }
        for text in ["", "abc", "5 parsecs", "-1", "99999999999"] {
            assert!(millis(text).is_err(), "{text}");
        }
    }
}
