//! Parts and lengths of texts, over whole arrays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringViewArray, StringViewBuilder};
use arrow::datatypes::{DataType as ArrowType, Field, FieldRef};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr as DfExpr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, lit,
};
use helios_base::{Error, Result};

use super::repeats::Recent;
use crate::fusion::error::{from_datafusion, to_datafusion};

/// `substring(text FROM from FOR length)` with constants; `None` if it fails.
pub(crate) fn substring(text: DfExpr, from: i32, length: Option<i32>) -> Option<DfExpr> {
    let first = i64::from(from) - 1;
    let end = match length {
        Some(length) if length < 0 => return None,
        Some(length) => first + i64::from(length),
        None => i64::MAX,
    };
    let clamp = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX);
    let part = Part::Characters(clamp(first), clamp(end));
    // The other arguments tell calls apart, which DataFusion does by their texts.
    let args = [text, lit(from)].into_iter().chain(length.map(lit));
    Some(part.call(args.collect()))
}

/// A `char(n)` as text: without the blanks at its end.
pub(crate) fn char_as_text(text: DfExpr) -> DfExpr {
    Part::Unpadded.call(vec![text])
}

/// What is left of each text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// Characters from the first of these numbers on and before the second.
    Characters(usize, usize),
    /// All but blanks at the end.
    Unpadded,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextPart {
    part: Part,
    signature: Signature,
}

impl Part {
    fn call(self, args: Vec<DfExpr>) -> DfExpr {
        ScalarUDF::from(TextPart {
            part: self,
            signature: Signature::any(args.len(), Volatility::Immutable),
        })
        .call(args)
    }

    fn of<'t>(&self, text: &'t str) -> &'t str {
        match self {
            Self::Characters(from, end) => characters(text, *from, *end),
            Self::Unpadded => text.trim_end_matches(' '),
        }
    }
}

/// The characters from number `from` on and before number `end`, which is not less.
fn characters(text: &str, from: usize, end: usize) -> &str {
    // Where the first bytes are ASCII they are the first characters.
    let reach = end.min(text.len());
    let head = text.as_bytes().get(..reach).unwrap_or_default();
    if head.is_ascii() {
        return text.get(from.min(reach)..reach).unwrap_or_default();
    }
    let mut bytes = text.char_indices().map(|(byte, _)| byte);
    let start = bytes.nth(from).unwrap_or(text.len());
    let end = match end - from {
        0 => start,
        count => bytes.nth(count - 1).unwrap_or(text.len()),
    };
    text.get(start..end).unwrap_or_default()
}

impl ScalarUDFImpl for TextPart {
    fn name(&self) -> &str {
        match self.part {
            Part::Characters(..) => "substring",
            Part::Unpadded => "text",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(ArrowType::Utf8View)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        self.run(&args).map_err(to_datafusion)
    }
}

impl TextPart {
    fn run(&self, args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.first() {
            Some(ColumnarValue::Array(array)) => self.over(array).map(ColumnarValue::Array),
            Some(ColumnarValue::Scalar(scalar)) => {
                let array = scalar.to_array().map_err(from_datafusion)?;
                super::constant(&self.over(&array)?)
            }
            None => Err(super::arity(0)),
        }
    }

    fn over(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let texts: &StringViewArray = array.as_string_view_opt().ok_or_else(|| {
            Error::internal(format!("a part of a column of {}", array.data_type()))
        })?;
        if self.part == Part::Unpadded && !texts.iter().flatten().any(|text| text.ends_with(' ')) {
            return Ok(Arc::clone(array));
        }
        let mut parts = StringViewBuilder::with_capacity(texts.len());
        for text in texts {
            parts.append_option(text.map(|text| self.part.of(text)));
        }
        Ok(Arc::new(parts.finish()))
    }
}

/// How many characters a text has.
pub(crate) fn length(text: DfExpr) -> DfExpr {
    let length = Length {
        signature: Signature::any(1, Volatility::Immutable),
    };
    ScalarUDF::from(length).call(vec![text])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Length {
    signature: Signature,
}

impl ScalarUDFImpl for Length {
    fn name(&self) -> &str {
        "length"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(ArrowType::Int32)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> DfResult<FieldRef> {
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let field = Field::new(self.name(), ArrowType::Int32, nullable);
        Ok(Arc::new(field))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        super::unary(args, lengths).map_err(to_datafusion)
    }
}

fn lengths(array: &ArrayRef) -> Result<ArrayRef> {
    let texts: &StringViewArray = array.as_string_view_opt().ok_or_else(|| {
        Error::internal(format!("the length of a column of {}", array.data_type()))
    })?;
    let nulls = texts.nulls();
    let mut recent = Recent::new();
    let length = |(row, view): (usize, &u128)| match nulls {
        Some(nulls) if nulls.is_null(row) => 0,
        _ => recent.get(*view, || count(texts.value(row).as_bytes())),
    };
    let lengths: Vec<i32> = texts.views().iter().enumerate().map(length).collect();
    Ok(Arc::new(Int32Array::new(lengths.into(), nulls.cloned())))
}

/// Characters of UTF-8: bytes that do not go on with one, eight at a time.
fn count(text: &[u8]) -> i32 {
    const FIRST_BITS: u64 = 0x8080_8080_8080_8080;
    let (words, rest) = text.as_chunks::<8>();
    let mut more = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        if word & FIRST_BITS != 0 {
            // The first bit is set, and the second is not.
            more += (word & FIRST_BITS & !(word << 1)).count_ones() as usize;
        }
    }
    more += rest.iter().filter(|byte| byte.cast_signed() < -64).count();
    i32::try_from(text.len() - more).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_characters() {
        for text in [
            "",
            "abc",
            "äbc",
            "日本語",
            "a longer text with an é in it",
            "🙂",
        ] {
            assert_eq!(count(text.as_bytes()) as usize, text.chars().count());
        }
        let array: ArrayRef = Arc::new(StringViewArray::from(vec![Some("äb"), None, Some("")]));
        let wanted = Int32Array::from(vec![Some(2), None, Some(0)]);
        assert_eq!(lengths(&array).unwrap().as_primitive(), &wanted);
    }

    #[test]
    fn parts_are_counted_in_characters() {
        for (text, from, end, wanted) in [
            ("abcdef", 0, 2, "ab"),
            ("abcdef", 2, 100, "cdef"),
            ("abcdef", 6, 9, ""),
            ("abcdef", 9, 9, ""),
            ("äbcdef", 0, 2, "äb"),
            ("äbcdef", 1, 3, "bc"),
            ("abcdéf", 0, 4, "abcd"),
            ("abcdéf", 1, 5, "bcdé"),
            ("abcdéf", 5, usize::MAX, "f"),
            ("abcdéf", 3, 3, ""),
            ("é", 1, 2, ""),
            ("", 0, 0, ""),
        ] {
            assert_eq!(characters(text, from, end), wanted, "{text} {from} {end}");
        }
    }
}
