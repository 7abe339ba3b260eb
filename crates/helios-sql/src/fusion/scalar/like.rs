//! `LIKE` with constant patterns of `%` alone, over whole arrays.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr as DfExpr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};
use helios_base::{Error, Result};
use memchr::memmem::Finder;

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
        for from in (0..texts.len()).step_by(ROWS_PER_CHECK) {
            context.interrupt().check()?;
            let rows = (texts.len() - from).min(ROWS_PER_CHECK);
            found.push(BooleanBuffer::collect_bool(rows, |row| {
                let row = from + row;
                nulls.is_none_or(|nulls| nulls.is_valid(row))
                    && pattern.matches(texts.value(row).as_bytes()) != self.negated
            }));
        }
        let mut all = arrow::array::BooleanBufferBuilder::new(texts.len());
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

#[cfg(test)]
mod tests {
    use super::*;

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
