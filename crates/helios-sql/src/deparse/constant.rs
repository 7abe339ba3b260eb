//! Constants as PostgreSQL writes them.

use helios_base::{DataType, RegKind, TextContext, Value};

use super::Writer;

/// Puts a text in quotes, doubling those in it.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What a literal's text is as a value of a type.
pub(super) fn canonical(text: &str, ty: &DataType, context: &TextContext) -> Option<String> {
    match ty {
        DataType::Text | DataType::Varchar(_) | DataType::Char(_) | DataType::Name => {
            Some(text.to_owned())
        }
        DataType::Unknown | DataType::Json => Some(text.to_owned()),
        ty => {
            let value = Value::parse(text, ty, context).ok()?;
            let mut out = String::new();
            value.write_text(ty, context, &mut out);
            Some(out)
        }
    }
}

impl Writer<'_> {
    /// A constant; `typed`: with its type where the text alone does not say it.
    pub(super) fn constant(&self, text: Option<&str>, ty: &DataType, typed: bool) -> String {
        let shown = self.type_name(&ty.bare());
        let Some(text) = text else {
            return if typed {
                format!("NULL::{shown}")
            } else {
                "NULL".to_owned()
            };
        };
        let starts_with_digit = text.starts_with(|c: char| c.is_ascii_digit());
        match ty {
            DataType::Bool => {
                let word = if text.starts_with('t') {
                    "true"
                } else {
                    "false"
                };
                return word.to_owned();
            }
            DataType::Int4 if starts_with_digit => return text.to_owned(),
            DataType::Numeric(_) if starts_with_digit && text.contains(['.', 'e', 'E']) => {
                return text.to_owned();
            }
            DataType::Unknown => return quoted(text),
            _ => {}
        }
        if typed {
            format!("{}::{shown}", quoted(text))
        } else {
            quoted(text)
        }
    }

    /// The text of a value that binding has made.
    pub(super) fn value_text(&self, value: &Value, ty: &DataType) -> Option<String> {
        match (value, ty) {
            (Value::Null, _) => None,
            (Value::Oid(oid), DataType::Reg(kind)) => Some(
                self.names
                    .name_of(*kind, *oid)
                    .unwrap_or_else(|| oid.to_string()),
            ),
            _ => {
                let mut out = String::new();
                value.write_text(ty, self.text, &mut out);
                Some(out)
            }
        }
    }

    /// A type with its modifier, qualified unless the path finds it.
    pub(super) fn type_name(&self, ty: &DataType) -> String {
        match ty {
            DataType::Array(element) => format!("{}[]", self.type_name(element)),
            DataType::User(_) => self.names.show_type(ty),
            DataType::Reg(RegKind::Class) => "regclass".to_owned(),
            plain => plain.to_string(),
        }
    }
}
