//! Text forms of arrays and rows.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::CharIndices;

use super::{TextContext, is_blank};
use crate::{ArrayValue, DataType, Error, Result, SqlState, Value};

/// PostgreSQL's limit on dimensions.
const DIMENSIONS_MAX: usize = 6;

fn malformed(text: &str, detail: &str) -> Error {
    Error::new(
        SqlState::INVALID_TEXT_REPRESENTATION,
        format!("malformed array literal: \"{text}\""),
    )
    .with_detail(detail)
}

/// Reads `{…}`, with `[lower:upper]…=` in front or not.
pub(super) fn parse(text: &str, element: &DataType, context: &TextContext) -> Result<ArrayValue> {
    let mut reader = Reader {
        text,
        chars: text.char_indices().peekable(),
        element,
        context,
        lengths: Vec::new(),
        elements: Vec::new(),
        leaf_depth: None,
    };
    reader.skip_blanks();
    let bounds = reader.bounds()?;
    match reader.chars.peek() {
        Some((_, '{')) => {}
        _ if bounds.is_some() => {
            return Err(malformed(text, "Array contents must start with \"{\"."));
        }
        _ => {
            return Err(malformed(
                text,
                "Array value must start with \"{\" or dimension information.",
            ));
        }
    }
    reader.braces(0)?;
    reader.skip_blanks();
    if reader.chars.next().is_some() {
        return Err(malformed(text, "Junk after closing right brace."));
    }
    let Reader {
        lengths, elements, ..
    } = reader;
    let lengths: Vec<u32> = if elements.is_empty() {
        Vec::new()
    } else {
        lengths.into_iter().flatten().collect()
    };
    let dims = match bounds {
        None => lengths.into_iter().map(|length| (length, 1)).collect(),
        Some(bounds) => {
            if !bounds.iter().map(|b| b.0).eq(lengths.iter().copied()) {
                return Err(malformed(
                    text,
                    "Specified array dimensions do not match array contents.",
                ));
            }
            bounds
        }
    };
    ArrayValue::new(dims, elements).ok_or_else(|| {
        malformed(
            text,
            "Multidimensional arrays must have sub-arrays with matching dimensions.",
        )
    })
}

struct Reader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    element: &'a DataType,
    context: &'a TextContext,
    /// The length of each dimension, once a brace of that depth has closed.
    lengths: Vec<Option<u32>>,
    elements: Vec<Value>,
    /// How deep elements stand, once one was seen.
    leaf_depth: Option<usize>,
}

impl Reader<'_> {
    fn malformed(&self, detail: &str) -> Error {
        malformed(self.text, detail)
    }

    fn skip_blanks(&mut self) {
        while self.chars.next_if(|(_, c)| is_blank(*c)).is_some() {}
    }

    /// Reads `[lower:upper]…=` if it is there.
    fn bounds(&mut self) -> Result<Option<Vec<(u32, i32)>>> {
        let mut bounds = Vec::new();
        while self.chars.next_if(|(_, c)| *c == '[').is_some() {
            if bounds.len() == DIMENSIONS_MAX {
                return Err(too_many_dimensions(bounds.len() + 1));
            }
            let first = self.bound()?;
            let (lower, upper) = if self.chars.next_if(|(_, c)| *c == ':').is_some() {
                (first, self.bound()?)
            } else {
                (1, first)
            };
            if self.chars.next_if(|(_, c)| *c == ']').is_none() {
                return Err(self.malformed("Missing \"]\" after array dimensions."));
            }
            if upper < lower {
                return Err(Error::new(
                    SqlState::ARRAY_SUBSCRIPT_ERROR,
                    "upper bound cannot be less than lower bound",
                ));
            }
            let length = u32::try_from(i64::from(upper) - i64::from(lower) + 1)
                .map_err(|_| self.malformed("Array size exceeds the maximum allowed."))?;
            bounds.push((length, lower));
            self.skip_blanks();
        }
        if bounds.is_empty() {
            return Ok(None);
        }
        if self.chars.next_if(|(_, c)| *c == '=').is_none() {
            return Err(self.malformed("Missing \"=\" after array dimensions."));
        }
        self.skip_blanks();
        Ok(Some(bounds))
    }

    fn bound(&mut self) -> Result<i32> {
        let mut digits = String::new();
        while let Some((_, c)) = self
            .chars
            .next_if(|(_, c)| c.is_ascii_digit() || matches!(c, '+' | '-'))
        {
            digits.push(c);
        }
        digits.parse().map_err(|_| {
            self.malformed("\"[\" must introduce explicitly-specified array dimensions.")
        })
    }

    /// Reads one pair of braces, `depth` of them outside.
    fn braces(&mut self, depth: usize) -> Result<()> {
        if depth == DIMENSIONS_MAX {
            return Err(too_many_dimensions(depth + 1));
        }
        self.chars.next();
        if self.lengths.len() == depth {
            self.lengths.push(None);
        }
        let mut length = 0u32;
        loop {
            self.skip_blanks();
            match self.chars.peek().copied() {
                None => return Err(self.malformed("Unexpected end of input.")),
                Some((_, '}')) if length == 0 && depth == 0 => break,
                Some((_, '{')) => {
                    if self.leaf_depth.is_some_and(|leaf| leaf <= depth) {
                        return Err(self.malformed("Unexpected \"{\" character."));
                    }
                    self.braces(depth + 1)?;
                }
                Some((_, c @ (',' | '}'))) => {
                    return Err(self.malformed(&format!("Unexpected \"{c}\" character.")));
                }
                Some(_) => self.item(depth)?,
            }
            length += 1;
            self.skip_blanks();
            match self.chars.peek().copied() {
                None => return Err(self.malformed("Unexpected end of input.")),
                Some((_, ',')) => {
                    self.chars.next();
                }
                Some((_, '}')) => break,
                Some((_, c @ ('{' | '\\'))) => {
                    return Err(self.malformed(&format!("Unexpected \"{c}\" character.")));
                }
                Some(_) => return Err(self.malformed("Unexpected array element.")),
            }
        }
        self.chars.next();
        match self.lengths.get_mut(depth) {
            Some(known @ None) => *known = Some(length),
            Some(Some(known)) if *known == length => {}
            _ => {
                return Err(self.malformed(
                    "Multidimensional arrays must have sub-arrays with matching dimensions.",
                ));
            }
        }
        Ok(())
    }

    fn item(&mut self, depth: usize) -> Result<()> {
        match self.leaf_depth {
            None => self.leaf_depth = Some(depth),
            Some(leaf) if leaf == depth => {}
            Some(_) => return Err(self.malformed("Unexpected array element.")),
        }
        let (text, quoted) = if self.chars.next_if(|(_, c)| *c == '"').is_some() {
            (self.quoted()?, true)
        } else {
            self.unquoted()?
        };
        let value = if !quoted && text.eq_ignore_ascii_case("null") {
            Value::Null
        } else {
            super::parse(&text, self.element, self.context)?
        };
        self.elements.push(value);
        Ok(())
    }

    fn quoted(&mut self) -> Result<String> {
        let mut text = String::new();
        loop {
            match self.chars.next() {
                Some((_, '"')) => return Ok(text),
                Some((_, '\\')) => match self.chars.next() {
                    Some((_, c)) => text.push(c),
                    None => break,
                },
                Some((_, c)) => text.push(c),
                None => break,
            }
        }
        Err(self.malformed("Unexpected end of input."))
    }

    /// The item, and whether an escape in it keeps it from being `NULL`.
    fn unquoted(&mut self) -> Result<(String, bool)> {
        let mut text = String::new();
        let mut kept = 0;
        let mut escaped = false;
        loop {
            match self.chars.peek().copied() {
                None => return Err(self.malformed("Unexpected end of input.")),
                Some((_, ',' | '}')) => break,
                Some((_, '{')) => return Err(self.malformed("Unexpected \"{\" character.")),
                Some((_, '"')) => return Err(self.malformed("Unexpected array element.")),
                Some((_, '\\')) => {
                    self.chars.next();
                    escaped = true;
                    match self.chars.next() {
                        Some((_, c)) => text.push(c),
                        None => return Err(self.malformed("Unexpected end of input.")),
                    }
                    kept = text.len();
                }
                Some((_, c)) => {
                    self.chars.next();
                    text.push(c);
                    if !is_blank(c) {
                        kept = text.len();
                    }
                }
            }
        }
        text.truncate(kept);
        Ok((text, escaped))
    }
}

fn too_many_dimensions(count: usize) -> Error {
    Error::new(
        SqlState::PROGRAM_LIMIT_EXCEEDED,
        format!(
            "number of array dimensions ({count}) exceeds the maximum allowed ({DIMENSIONS_MAX})"
        ),
    )
}

/// Appends the text form; lower bounds show unless all are 1.
pub(super) fn write(
    array: &ArrayValue,
    element: &DataType,
    context: &TextContext,
    out: &mut String,
) {
    if array.dims.is_empty() {
        return out.push_str("{}");
    }
    if array.dims.iter().any(|&(_, lower)| lower != 1) {
        for &(length, lower) in &array.dims {
            let upper = i64::from(lower) + i64::from(length) - 1;
            // Writing to a string cannot fail.
            let _ = write!(out, "[{lower}:{upper}]");
        }
        out.push('=');
    }
    let mut elements = array.elements.iter();
    write_level(&array.dims, &mut elements, element, context, out);
}

fn write_level<'a>(
    dims: &[(u32, i32)],
    elements: &mut impl Iterator<Item = &'a Value>,
    element: &DataType,
    context: &TextContext,
    out: &mut String,
) {
    let Some(((length, _), inner)) = dims.split_first() else {
        return;
    };
    out.push('{');
    for i in 0..*length {
        if i > 0 {
            out.push(',');
        }
        if !inner.is_empty() {
            write_level(inner, elements, element, context, out);
            continue;
        }
        match elements.next() {
            None | Some(Value::Null) => out.push_str("NULL"),
            Some(value) => {
                let start = out.len();
                value.write_text(element, context, out);
                let needs_quotes = out.get(start..).is_some_and(|text| {
                    text.is_empty()
                        || text.eq_ignore_ascii_case("null")
                        || text.contains(|c: char| {
                            is_blank(c) || matches!(c, '"' | '\\' | '{' | '}' | ',')
                        })
                });
                if needs_quotes {
                    let text = out.split_off(start);
                    quote(&text, "\\", out);
                }
            }
        }
    }
    out.push('}');
}

/// Appends `text` in double quotes, `"` escaped by `quote_escape` and `\` by itself.
pub(super) fn quote(text: &str, quote_escape: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str(quote_escape),
            '\\' => out.push('\\'),
            _ => {}
        }
        out.push(c);
    }
    out.push('"');
}

/// Reads blank-separated numbers, counted from 0: `int2vector`, `oidvector`.
pub(super) fn parse_vector(
    text: &str,
    element: &DataType,
    context: &TextContext,
) -> Result<ArrayValue> {
    let elements = text
        .split(is_blank)
        .filter(|word| !word.is_empty())
        .map(|word| super::parse(word, element, context))
        .collect::<Result<Vec<_>>>()?;
    let length = u32::try_from(elements.len()).unwrap_or(u32::MAX);
    let dims = if length == 0 {
        Vec::new()
    } else {
        vec![(length, 0)]
    };
    ArrayValue::new(dims, elements).ok_or_else(|| malformed(text, "Too many elements."))
}

/// Appends numbers with blanks between.
pub(super) fn write_vector(array: &ArrayValue, out: &mut String) {
    for (i, value) in array.elements.iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        value.write_text(&value.natural_type(), &TextContext::default(), out);
    }
}
