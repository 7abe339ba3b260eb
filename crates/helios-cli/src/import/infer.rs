//! The narrowest type that holds every sample of a column.

use heliosdb::{DataType, TextContext, Value};

/// Types to try, narrowest first; what fits none is text.
const LADDER: &[DataType] = &[
    DataType::Int4,
    DataType::Int8,
    DataType::Numeric(None),
    DataType::Float8,
    DataType::Bool,
    DataType::Date,
    DataType::Timestamp,
    DataType::TimestampTz,
    DataType::Uuid,
];

/// Narrows the candidates of one column, sample by sample.
#[derive(Clone, Debug)]
pub struct Inference {
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
    pub fn sample(&mut self, text: &str, context: &TextContext) {
        self.seen = true;
        self.candidates.retain(|ty| fits(text, ty, context));
    }

    /// The narrowest type left; text where nothing was seen.
    pub fn decide(&self) -> DataType {
        match self.candidates.first() {
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
        DataType::Date | DataType::Timestamp | DataType::TimestampTz => {
            // `2024-01-02…` only: other orders of day and month are guesses.
            let bytes = trimmed.as_bytes();
            let iso = bytes.len() >= 10
                && bytes[..4].iter().all(u8::is_ascii_digit)
                && bytes[4] == b'-'
                && bytes[7] == b'-';
            let has_time = bytes.len() > 10;
            let has_zone = has_time
                && trimmed
                    .get(11..)
                    .is_some_and(|time| time.ends_with(['Z', 'z']) || time.contains(['+', '-']));
            let wanted = match ty {
                DataType::Date => !has_time,
                DataType::Timestamp => !has_zone,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(samples: &[&str]) -> DataType {
        let mut inference = Inference::default();
        for sample in samples {
            inference.sample(sample, &TextContext::default());
        }
        inference.decide()
    }

    #[test]
    fn the_narrowest_type_wins() {
        assert_eq!(decide(&["1", "-20"]), DataType::Int4);
        assert_eq!(decide(&["1", "3000000000"]), DataType::Int8);
        assert_eq!(decide(&["1", "2.50"]), DataType::Numeric(None));
        assert_eq!(decide(&["1", "2.5e300"]), DataType::Float8);
        assert_eq!(decide(&["true", "f"]), DataType::Bool);
        assert_eq!(decide(&["2024-01-02"]), DataType::Date);
        assert_eq!(decide(&["2024-01-02 03:04:05"]), DataType::Timestamp);
        assert_eq!(decide(&["2024-01-02T03:04:05Z"]), DataType::TimestampTz);
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
