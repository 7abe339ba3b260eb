//! The narrowest type that holds every sample of a column.

use helios_base::{DataType, Json, TextContext, Value};

/// Types to try, narrowest first; what fits none is text.
const LADDER: &[DataType] = &[
    DataType::Int4,
    DataType::Int8,
    DataType::Numeric(None),
    DataType::Float8,
    DataType::Bool,
    DataType::Date,
    DataType::Timestamp(None),
    DataType::TimestampTz(None),
    DataType::Uuid,
];

/// Narrows the candidates of one column, sample by sample.
#[derive(Clone, Debug)]
pub(super) struct Inference {
    candidates: Vec<DataType>,
    seen: bool,
}

impl Default for Inference {
    fn default() -> Self {
        Self {
            candidates: LADDER.to_vec(),
            seen: false,
        }
    }
}

impl Inference {
    /// Drops the candidates that cannot hold `text` so that it comes back as it was.
    pub(super) fn sample(&mut self, text: &str, context: &TextContext) {
        self.seen = true;
        self.candidates.retain(|ty| fits(text, ty, context));
    }

    /// The narrowest type left; text where nothing was seen. Of a part of the file only, whole
    /// numbers are `bigint`: larger ones may follow.
    pub(super) fn decide(&self, whole: bool) -> DataType {
        match self.candidates.first() {
            Some(DataType::Int4) if self.seen && !whole => DataType::Int8,
            Some(ty) if self.seen => ty.clone(),
            _ => DataType::Text,
        }
    }
}

fn fits(text: &str, ty: &DataType, context: &TextContext) -> bool {
    let trimmed = text.trim();
    if trimmed.len() != text.len() || text.is_empty() {
        return false;
    }
    let first_digit = trimmed
        .trim_start_matches(['-', '+'])
        .starts_with(|c: char| c.is_ascii_digit());
    match ty {
        // Leading zeros mean something: postcodes, article numbers.
        DataType::Int4 | DataType::Int8 | DataType::Numeric(_) | DataType::Float8 => {
            let digits = trimmed.trim_start_matches(['-', '+']);
            let padded = digits.len() > 1
                && digits.starts_with('0')
                && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
            let plain = digits
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'));
            let exponent = digits.contains(['e', 'E']);
            if padded || !plain || !first_digit || (exponent && *ty != DataType::Float8) {
                return false;
            }
        }
        DataType::Bool => {
            return matches!(
                text.to_ascii_lowercase().as_str(),
                "true" | "false" | "t" | "f"
            );
        }
        DataType::Date | DataType::Timestamp(_) | DataType::TimestampTz(_) => {
            // `2024-01-02…` only: other orders of day and month are guesses.
            let digit = |at: usize| trimmed.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
            let dash = |at: usize| trimmed.as_bytes().get(at) == Some(&b'-');
            let iso = (0..4).all(digit) && dash(4) && dash(7) && digit(9);
            let has_time = trimmed.len() > 10;
            let has_zone = has_time
                && trimmed
                    .get(11..)
                    .is_some_and(|time| time.ends_with(['Z', 'z']) || time.contains(['+', '-']));
            let wanted = match ty {
                DataType::Date => !has_time,
                DataType::Timestamp(_) => has_time && !has_zone,
                _ => has_zone,
            };
            if !iso || !wanted {
                return false;
            }
        }
        _ => {}
    }
    Value::parse(trimmed, ty, context).is_ok()
}

/// What the values of one member of JSON objects have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct JsonInference {
    texts: Inference,
    numbers: Inference,
    has_text: bool,
    has_number: bool,
    has_bool: bool,
    has_nested: bool,
}

impl JsonInference {
    /// Takes a value in.
    pub(super) fn sample(&mut self, value: &Json, context: &TextContext) {
        match value {
            Json::Null => {}
            Json::Bool(_) => self.has_bool = true,
            Json::String(text) => {
                self.has_text = true;
                self.texts.sample(text, context);
            }
            Json::Number(_) => {
                self.has_number = true;
                self.numbers.sample(&value.to_string(), context);
            }
            Json::Array(_) | Json::Object(_) => self.has_nested = true,
        }
    }

    /// The type that holds all of them; `jsonb` where they are of several kinds.
    pub(super) fn decide(&self, whole: bool) -> DataType {
        match (
            self.has_text,
            self.has_number,
            self.has_bool,
            self.has_nested,
        ) {
            (_, _, _, true) => DataType::Jsonb,
            (false, true, false, false) => self.numbers.decide(whole),
            (false, false, true, false) => DataType::Bool,
            // A string of digits is a string: only dates, times and identifiers are told apart.
            (true, false, false, false) => match self.texts.decide(whole) {
                ty @ (DataType::Date
                | DataType::Timestamp(_)
                | DataType::TimestampTz(_)
                | DataType::Uuid) => ty,
                _ => DataType::Text,
            },
            (false, false, false, false) => DataType::Text,
            _ => DataType::Jsonb,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(samples: &[&str]) -> DataType {
        let mut inference = Inference::default();
        for sample in samples {
            inference.sample(sample, &TextContext::default());
        }
        inference.decide(true)
    }

    #[test]
    fn the_narrowest_type_wins() {
        assert_eq!(decide(&["1", "-20"]), DataType::Int4);
        assert_eq!(decide(&["1", "3000000000"]), DataType::Int8);
        assert_eq!(decide(&["1", "2.50"]), DataType::Numeric(None));
        assert_eq!(decide(&["1", "2.5e300"]), DataType::Float8);
        assert_eq!(decide(&["true", "f"]), DataType::Bool);
        assert_eq!(decide(&["2024-01-02"]), DataType::Date);
        assert_eq!(decide(&["2024-01-02 03:04:05"]), DataType::Timestamp(None));
        assert_eq!(
            decide(&["2024-01-02T03:04:05Z"]),
            DataType::TimestampTz(None)
        );
        assert_eq!(decide(&["1", "x"]), DataType::Text);
        assert_eq!(decide(&[]), DataType::Text);
    }

    #[test]
    fn what_would_not_come_back_stays_text() {
        assert_eq!(decide(&["007"]), DataType::Text);
        assert_eq!(decide(&[" 1"]), DataType::Text);
        assert_eq!(decide(&["01/02/2024"]), DataType::Text);
        assert_eq!(decide(&["NaN"]), DataType::Text);
    }
}
