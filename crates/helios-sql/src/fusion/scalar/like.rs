//! `LIKE` with constant patterns of `%` alone, over whole arrays.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BooleanArray, BooleanBufferBuilder, ByteView, MAX_INLINE_VIEW_LEN,
    StringViewArray,
};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr as DfExpr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};
use helios_base::{Error, Result};
use memchr::memmem::Finder;

use super::repeats::Recent;
use crate::fusion::context::StatementContext;
use crate::fusion::error::{from_datafusion, to_datafusion};

/// How many rows go between two looks at the interrupt.
const ROWS_PER_CHECK: usize = 8192;

/// `text LIKE pattern`, if the pattern has no `_` and no escapes.
pub(crate) fn like(text: DfExpr, pattern: &str, negated: bool) -> Option<DfExpr> {
    if pattern.contains(['_', '\\']) {
        return None;
    }
    let function = ScalarUDF::from(Like {
        pattern: pattern.to_owned(),
        negated,
        signature: Signature::any(2, Volatility::Immutable),
    });
    // The second argument tells calls apart, which DataFusion does by their texts.
    Some(function.call(vec![text, lit(pattern)]))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Like {
    pattern: String,
    negated: bool,
    signature: Signature,
}

impl ScalarUDFImpl for Like {
    fn name(&self) -> &str {
        if self.negated { "!~~" } else { "~~" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(ArrowType::Boolean)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        self.run(&args).map_err(to_datafusion)
    }
}

impl Like {
    fn run(&self, args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(text) = args.args.first() else {
            return Err(super::arity(0));
        };
        let context = StatementContext::of(&args.config_options);
        let array = text.to_array(1).map_err(from_datafusion)?;
        let texts = array
            .as_string_view_opt()
            .ok_or_else(|| Error::internal(format!("LIKE on a column of {}", array.data_type())))?;
        let pattern = Pattern::of(&self.pattern);
        let mut found = Vec::with_capacity(texts.len().div_ceil(ROWS_PER_CHECK));
        let nulls = texts.nulls();
        // Texts of a decoded dictionary are searched once.
        let mut recent = Recent::new();
        for from in (0..texts.len()).step_by(ROWS_PER_CHECK) {
            context.interrupt().check()?;
            let rows = (texts.len() - from).min(ROWS_PER_CHECK);
            if let Some(part) = pattern.anywhere()
                && let Some(contained) = contained(texts, part, from..from + rows)
            {
                found.push(match self.negated {
                    true => !&contained,
                    false => contained,
                });
                continue;
            }
            found.push(BooleanBuffer::collect_bool(rows, |row| {
                let row = from + row;
                let view = texts.views().get(row).copied().unwrap_or_default();
                nulls.is_none_or(|nulls| nulls.is_valid(row))
                    && recent.get(view, || {
                        pattern.matches(texts.value(row).as_bytes()) != self.negated
                    })
            }));
        }
        let mut all = BooleanBufferBuilder::new(texts.len());
        for part in &found {
            all.append_buffer(part);
        }
        let result = BooleanArray::new(all.finish(), nulls.cloned());
        match text {
            ColumnarValue::Scalar(_) => super::constant(&(Arc::new(result) as _)),
            ColumnarValue::Array(_) => Ok(ColumnarValue::Array(Arc::new(result))),
        }
    }
}

/// A pattern taken apart where it has `%`.
enum Pattern<'p> {
    /// None.
    Equal(&'p [u8]),
    /// What comes first, what comes between in this order, and what comes last.
    Parts(&'p [u8], Vec<Finder<'p>>, &'p [u8]),
}

impl<'p> Pattern<'p> {
    fn of(pattern: &'p str) -> Self {
        let (Some((first, rest)), Some((_, last))) =
            (pattern.split_once('%'), pattern.rsplit_once('%'))
        else {
            return Self::Equal(pattern.as_bytes());
        };
        let between = rest.strip_suffix(last).unwrap_or(rest).split('%');
        let between = between.filter(|part| !part.is_empty());
        Self::Parts(
            first.as_bytes(),
            between.map(|part| Finder::new(part.as_bytes())).collect(),
            last.as_bytes(),
        )
    }

    /// What a text needs to contain, if that is all.
    fn anywhere(&self) -> Option<&Finder<'p>> {
        match self {
            Self::Parts([], between, []) => match between.as_slice() {
                [part] => Some(part),
                _ => None,
            },
            _ => None,
        }
    }

    #[inline]
    fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Equal(all) => text == *all,
            Self::Parts(first, between, last) => {
                let rest = text.strip_prefix(*first);
                let Some(mut rest) = rest.and_then(|rest| rest.strip_suffix(*last)) else {
                    return false;
                };
                between.iter().all(|part| {
                    let Some(at) = part.find(rest) else {
                        return false;
                    };
                    rest = rest.get(at + part.needle().len()..).unwrap_or_default();
                    true
                })
            }
        }
    }
}

/// Which of some texts contain a part; those that lie one behind the other are searched together, so that the search goes
/// through many of them at once. `None` if they lie otherwise.
fn contained(
    texts: &StringViewArray,
    part: &Finder<'_>,
    rows: Range<usize>,
) -> Option<BooleanBuffer> {
    /// Bytes between texts, as many as these have, and so many more.
    const GAPS: usize = 4096;
    let first = rows.start;
    let views = texts.views().get(rows)?;
    let nulls = texts.nulls();
    let is_there = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(first + row));
    let place = |row: usize, view: u128| {
        let view = ByteView::from(view);
        let from = view.offset as usize;
        (view.length > MAX_INLINE_VIEW_LEN && is_there(row))
            .then_some((view.buffer_index, from..from + view.length as usize))
    };
    let mut all: Option<(u32, Range<usize>)> = None;
    let mut bytes = GAPS;
    for (row, view) in views.iter().enumerate() {
        let Some((buffer, range)) = place(row, *view) else {
            continue;
        };
        bytes += range.len();
        match &mut all {
            None => all = Some((buffer, range)),
            Some((known, all)) if *known == buffer && all.end <= range.start => all.end = range.end,
            _ => return None,
        }
    }
    let mut found = BooleanBufferBuilder::new(views.len());
    found.append_n(views.len(), false);
    let length = part.needle().len();
    if let Some((buffer, all)) = all {
        if all.len() > bytes * 2 {
            return None;
        }
        let buffer = texts.data_buffers().get(buffer as usize)?;
        let mut long = views.iter().enumerate();
        let mut text = 0..0;
        let mut row = 0;
        let mut from = all.start;
        while let Some(at) = part.find(buffer.get(from..all.end)?) {
            let at = from + at;
            while text.end <= at {
                let (next, view) = long.next()?;
                if let Some((_, range)) = place(next, *view) {
                    (row, text) = (next, range);
                }
            }
            // What begins before a text, or goes on behind it, is in none, but another place may be.
            from = at + 1;
            if text.start <= at && at + length <= text.end {
                found.set_bit(row, true);
                from = text.end;
            }
        }
    }
    if length <= MAX_INLINE_VIEW_LEN as usize {
        for (row, view) in views.iter().enumerate() {
            let short = *view as u32;
            if short as usize >= length && short <= MAX_INLINE_VIEW_LEN && is_there(row) {
                let text = texts.value(first + row).as_bytes();
                if part.find(text).is_some() {
                    found.set_bit(row, true);
                }
            }
        }
    }
    Some(found.finish())
}

#[cfg(test)]
mod tests {
    use arrow::array::UInt32Array;

    use super::*;

    // Guards against what is found across the ends of texts, or overlooked behind such a place.
    #[test]
    fn texts_contain_what_they_do_alone() {
        let mut rng = fastrand::Rng::with_seed(8);
        let mut searched = 0;
        for round in 0..3000 {
            let mut word = |most: usize| -> String {
                let letter = |rng: &mut fastrand::Rng| ['a', 'b', 'ä'][rng.usize(0..3)];
                (0..rng.usize(0..=most)).map(|_| letter(&mut rng)).collect()
            };
            let part = word([4, 20][round % 2]);
            if part.is_empty() {
                continue;
            }
            let texts: Vec<Option<String>> = (0..30)
                .map(|row| (row % 7 != round % 9).then(|| word([10, 40][row % 2])))
                .collect();
            let array = StringViewArray::from(texts.clone());
            let array = match round % 3 {
                0 => array,
                1 => array.slice(3, 20),
                // In another order they do not lie one behind the other.
                _ => StringViewArray::from(array.iter().rev().collect::<Vec<_>>()),
            };
            let array = match round % 5 {
                0 => {
                    let places: UInt32Array = (0..array.len() as u32).rev().collect();
                    let turned = arrow::compute::take(&array, &places, None).unwrap();
                    turned.as_string_view().clone()
                }
                _ => array,
            };
            let Some(found) = contained(&array, &Finder::new(part.as_bytes()), 0..array.len())
            else {
                continue;
            };
            searched += 1;
            for (row, text) in array.iter().enumerate() {
                let holds = text.is_some_and(|text| text.contains(&part));
                assert_eq!(found.value(row), holds, "{text:?} {part}");
            }
        }
        assert!(searched > 1500, "{searched}");
    }

    /// By trying every way.
    fn by_trying(text: &str, pattern: &str) -> bool {
        match pattern.chars().next() {
            None => text.is_empty(),
            Some('%') => (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| by_trying(&text[at..], &pattern[1..])),
            Some(c) => text
                .strip_prefix(c)
                .is_some_and(|rest| by_trying(rest, pattern.strip_prefix(c).expect("its first"))),
        }
    }

    #[test]
    fn patterns_match_as_by_trying() {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut matched = 0;
        for _ in 0..20_000 {
            let mut word = |letters: &[char], most: usize| -> String {
                (0..rng.usize(0..=most))
                    .map(|_| letters[rng.usize(0..letters.len())])
                    .collect()
            };
            let pattern = word(&['a', 'b', 'ä', '%', '%'], 6);
            let text = word(&['a', 'b', 'ä'], 7);
            let expected = by_trying(&text, &pattern);
            matched += usize::from(expected);
            assert_eq!(
                Pattern::of(&pattern).matches(text.as_bytes()),
                expected,
                "{text} {pattern}"
            );
        }
        assert!(matched > 1000);
    }
}
