//! JSON text output.

use std::fmt::{self, Write};

use super::Json;

/// `jsonb`'s text form: a space after `:` and `,`.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(true) => f.write_str("true"),
            Self::Bool(false) => f.write_str("false"),
            Self::Number(number) => number.fmt(f),
            Self::String(text) => write_escaped(text, f),
            Self::Array(elements) => {
                f.write_char('[')?;
                for (i, element) in elements.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    element.fmt(f)?;
                }
                f.write_char(']')
            }
            Self::Object(object) => {
                f.write_char('{')?;
                for (i, (key, value)) in object.members().iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write_escaped(key, f)?;
                    f.write_str(": ")?;
                    value.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

impl Json {
    /// The layout of `jsonb_pretty`: four spaces a level.
    #[must_use]
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        self.write_pretty(0, &mut out);
        out
    }

    fn write_pretty(&self, level: usize, out: &mut String) {
        let indent = |out: &mut String, level: usize| {
            out.push('\n');
            out.extend(std::iter::repeat_n("    ", level));
        };
        match self {
            Self::Array(elements) => {
                out.push('[');
                for (i, element) in elements.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    indent(out, level + 1);
                    element.write_pretty(level + 1, out);
                }
                indent(out, level);
                out.push(']');
            }
            Self::Object(object) => {
                out.push('{');
                for (i, (key, value)) in object.members().iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    indent(out, level + 1);
                    push_escaped(key, out);
                    out.push_str(": ");
                    value.write_pretty(level + 1, out);
                }
                indent(out, level);
                out.push('}');
            }
            scalar => {
                // Writing to a string cannot fail.
                let _ = write!(out, "{scalar}");
            }
        }
    }
}

/// Appends `text` as a JSON string with its quotes, escaped as PostgreSQL's `escape_json` does.
pub fn push_escaped(text: &str, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write_escaped(text, out);
}

fn write_escaped(text: &str, out: &mut impl Write) -> fmt::Result {
    out.write_char('"')?;
    let mut start = 0;
    for (i, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x0C => "\\f",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.write_str(text.get(start..i).unwrap_or_default())?;
        if escape.is_empty() {
            write!(out, "\\u{byte:04x}")?;
        } else {
            out.write_str(escape)?;
        }
        start = i + 1;
    }
    out.write_str(text.get(start..).unwrap_or_default())?;
    out.write_char('"')
}
