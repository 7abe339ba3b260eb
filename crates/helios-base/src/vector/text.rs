//! Text forms: `[1,2.5,3]` and `{1:0.5,7:-2}/10`, whose positions count from 1.

use super::sparse::too_many_elements;
use super::{F16, SparseVector, VectorKind, VectorValue};
use crate::text::{invalid, is_blank, write_f32};
use crate::{Error, Result, SqlState};

/// Digits that bring the shortest form that reads back as the same number.
const SHORTEST: i32 = 1;

impl VectorValue {
    /// Reads the text form of a type.
    ///
    /// # Errors
    /// 22P02 for anything else, 22003 for a number out of range, and as the constructors.
    pub fn parse(text: &str, kind: VectorKind) -> Result<Self> {
        let mut reader = Reader {
            whole: text,
            rest: text,
            kind,
        };
        match kind {
            VectorKind::Full => {
                let mut numbers = Vec::new();
                reader.dense(|number, _| {
                    numbers.push(number);
                    Ok(())
                })?;
                Self::full(numbers)
            }
            VectorKind::Half => {
                let mut numbers = Vec::new();
                reader.dense(|number, written| {
                    let half = F16::from_f32(number);
                    if !half.to_f32().is_finite() {
                        return Err(out_of_range(written, kind));
                    }
                    numbers.push(half);
                    Ok(())
                })?;
                Self::half(numbers)
            }
            VectorKind::Sparse => reader.sparse().map(Self::Sparse),
        }
    }

    /// Appends the text form.
    pub fn write(&self, out: &mut String) {
        let dense = |numbers: &mut dyn Iterator<Item = f32>, out: &mut String| {
            for (at, number) in numbers.enumerate() {
                out.push(if at == 0 { '[' } else { ',' });
                write_f32(number, SHORTEST, out);
            }
            out.push(']');
        };
        match self {
            Self::Full(numbers) => dense(&mut numbers.iter().copied(), out),
            Self::Half(numbers) => dense(&mut numbers.iter().map(|half| half.to_f32()), out),
            Self::Sparse(sparse) => {
                out.push('{');
                for (place, (at, number)) in sparse.elements().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    out.push_str(&(u64::from(at) + 1).to_string());
                    out.push(':');
                    write_f32(number, SHORTEST, out);
                }
                out.push_str("}/");
                out.push_str(&sparse.dimensions().to_string());
            }
        }
    }
}

struct Reader<'a> {
    whole: &'a str,
    rest: &'a str,
    kind: VectorKind,
}

impl<'a> Reader<'a> {
    #[cold]
    fn wrong(&self) -> Error {
        invalid(self.kind.name(), self.whole)
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches(is_blank);
    }

    /// Takes this character, blanks before it.
    fn takes(&mut self, wanted: char) -> bool {
        self.blanks();
        match self.rest.strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn end(&mut self, detail: &'static str) -> Result<()> {
        self.blanks();
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.wrong().with_detail(detail))
    }

    fn dense(&mut self, mut each: impl FnMut(f32, &str) -> Result<()>) -> Result<()> {
        if !self.takes('[') {
            let detail = "Vector contents must start with \"[\".";
            return Err(self.wrong().with_detail(detail));
        }
        let mut dimensions = 0;
        if !self.takes(']') {
            loop {
                dimensions += 1;
                if dimensions > self.kind.dimensions_max() {
                    break;
                }
                let (number, written) = self.number()?;
                each(number, written)?;
                if self.takes(']') {
                    break;
                }
                if !self.takes(',') {
                    return Err(self.wrong());
                }
            }
        }
        self.kind.check_dimensions(dimensions)?;
        self.end("Junk after closing right brace.")
    }

    fn sparse(&mut self) -> Result<SparseVector> {
        if self.whole.matches(',').count() >= super::kind::DENSE_MAX {
            return Err(too_many_elements());
        }
        if !self.takes('{') {
            let detail = "Vector contents must start with \"{\".";
            return Err(self.wrong().with_detail(detail));
        }
        let mut elements = Vec::new();
        if !self.takes('}') {
            loop {
                let position = self.integer()?;
                if !self.takes(':') {
                    return Err(self.wrong());
                }
                let (number, _) = self.number()?;
                if number != 0.0 {
                    // Written positions count from 1.
                    elements.push((position.saturating_sub(1), number));
                }
                if self.takes('}') {
                    break;
                }
                if !self.takes(',') {
                    return Err(self.wrong());
                }
            }
        }
        if !self.takes('/') {
            return Err(self.wrong().with_detail("Unexpected end of input."));
        }
        let dimensions = self.integer()?;
        self.end("Junk after closing.")?;
        elements.sort_by_key(|(position, _)| *position);
        SparseVector::new(usize::try_from(dimensions).unwrap_or(0), elements)
    }

    /// Takes the first `length` bytes, which are ASCII.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or(("", self.rest));
        self.rest = rest;
        taken
    }

    fn integer(&mut self) -> Result<i64> {
        self.blanks();
        let sign = usize::from(self.rest.starts_with(['+', '-']));
        let digits = digits(self.rest, sign);
        if digits == 0 {
            return Err(self.wrong());
        }
        let text = self.take(sign + digits);
        // What is too large is out of every bound.
        let far = if text.starts_with('-') {
            i64::MIN
        } else {
            i64::MAX
        };
        Ok(text.parse().unwrap_or(far))
    }

    /// A finite number, and how it is written.
    fn number(&mut self) -> Result<(f32, &'a str)> {
        self.blanks();
        let written = self.take(number_length(self.rest));
        let number: f32 = written.parse().map_err(|_| self.wrong())?;
        let spelled = written.contains(['n', 'N']);
        if number.is_infinite() && !spelled {
            return Err(out_of_range(written, self.kind));
        }
        // A sparse vector would drop what has become zero.
        let mantissa = written.split(['e', 'E']).next().unwrap_or_default();
        if self.kind == VectorKind::Sparse
            && number == 0.0
            && mantissa.contains(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
        {
            return Err(out_of_range(written, self.kind));
        }
        self.kind.check_number(number)?;
        Ok((number, written))
    }
}

/// How many digits follow the first `from` bytes.
fn digits(text: &str, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// How long the number is that the text begins with: as much as makes sense as one.
fn number_length(text: &str) -> usize {
    let sign = usize::from(text.starts_with(['+', '-']));
    let word = text.as_bytes().get(sign..).unwrap_or_default();
    for name in ["infinity", "inf", "nan"] {
        if word
            .get(..name.len())
            .is_some_and(|w| w.eq_ignore_ascii_case(name.as_bytes()))
        {
            return sign + name.len();
        }
    }
    let mut length = sign + digits(text, sign);
    if text.as_bytes().get(length) == Some(&b'.') {
        let fraction = digits(text, length + 1);
        if length == sign && fraction == 0 {
            return 0;
        }
        length += 1 + fraction;
    }
    if length == sign {
        return 0;
    }
    if matches!(text.as_bytes().get(length), Some(b'e' | b'E')) {
        let sign = matches!(text.as_bytes().get(length + 1), Some(b'+' | b'-'));
        let exponent = digits(text, length + 1 + usize::from(sign));
        if exponent > 0 {
            length += 1 + usize::from(sign) + exponent;
        }
    }
    length
}

#[cold]
fn out_of_range(written: &str, kind: VectorKind) -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        format!("\"{written}\" is out of range for type {}", kind.name()),
    )
}
