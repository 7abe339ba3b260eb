//! Texts inside binary forms in other encodings.

use std::borrow::Cow;

use super::malformed;
use crate::{DataType, Encoding, Error, Result, UserKind};

/// The binary form of a value of type `ty` with its texts in `encoding` instead of UTF-8.
///
/// # Errors
/// `22P05` for a character that the encoding lacks.
pub fn to_encoding(bytes: &[u8], ty: &DataType, encoding: Encoding) -> Result<Vec<u8>> {
    turned(bytes, ty, &|bytes| {
        let mut out = Vec::with_capacity(bytes.len());
        encoding.encode(super::utf8(bytes)?, &mut out)?;
        Ok(out)
    })
}

/// The binary form of a value of type `ty` whose texts are in `encoding`, with those in UTF-8.
///
/// # Errors
/// `22P05` for a byte that means no character, `22P03` for what is no such value.
pub fn from_encoding(bytes: &[u8], ty: &DataType, encoding: Encoding) -> Result<Vec<u8>> {
    if !is_read(ty) {
        return Ok(bytes.to_vec());
    }
    turned(bytes, ty, &|bytes| {
        encoding.decode(bytes).map(Cow::into_owned)
    })
}

/// Turns a text of the one encoding into one of the other.
type Turn<'t> = &'t dyn Fn(&[u8]) -> Result<Vec<u8>>;

/// The binary form of a value of type `ty` with the texts in it turned.
///
/// # Errors
/// Those of `turn`; `22P03` for what is no such value.
fn turned(bytes: &[u8], ty: &DataType, turn: Turn<'_>) -> Result<Vec<u8>> {
    if bytes.is_ascii() && !is_container(ty) {
        return Ok(bytes.to_vec());
    }
    let mut input = Input(bytes);
    match ty {
        ty if ty.is_string() => turn(bytes),
        DataType::Unknown | DataType::Json => turn(bytes),
        DataType::Jsonb => {
            let mut out = input.take(1)?.to_vec();
            out.extend(turn(input.0)?);
            Ok(out)
        }
        DataType::Array(element) => array(&mut input, element, turn),
        DataType::Record => record(&mut input, None, turn),
        DataType::User(user) => match &user.kind {
            UserKind::Enum(_) => turn(bytes),
            UserKind::Domain(domain) => turned(bytes, &domain.base, turn),
            UserKind::Composite(fields) => {
                let types: Vec<DataType> = fields.iter().map(|(_, ty)| ty.clone()).collect();
                record(&mut input, Some(&types), turn)
            }
            UserKind::Unresolved => Ok(bytes.to_vec()),
        },
        _ => Ok(bytes.to_vec()),
    }
}

/// Whether values of this type are read in binary: rows without a type are not, however deep they may be.
fn is_read(ty: &DataType) -> bool {
    match ty {
        DataType::Record => false,
        DataType::Array(element) => is_read(element),
        _ => true,
    }
}

/// Whether lengths stand in the binary form, which change with the texts.
fn is_container(ty: &DataType) -> bool {
    matches!(
        ty,
        DataType::Array(_) | DataType::Record | DataType::User(_)
    )
}

/// Dimensions, a flag and the element's type; for each dimension its length and lower bound; then the elements.
fn array(input: &mut Input<'_>, element: &DataType, turn: Turn<'_>) -> Result<Vec<u8>> {
    let head = input.take(12)?;
    let mut out = head.to_vec();
    let dimensions = Input(head).number()?;
    for _ in 0..dimensions.max(0) {
        out.extend(input.take(8)?);
    }
    while !input.0.is_empty() {
        field(input, element, turn, &mut out)?;
    }
    Ok(out)
}

/// The number of fields; for each its type, its length and its bytes.
fn record(input: &mut Input<'_>, types: Option<&[DataType]>, turn: Turn<'_>) -> Result<Vec<u8>> {
    let mut out = input.take(4)?.to_vec();
    let mut at = 0;
    while !input.0.is_empty() {
        let oid = input.take(4)?;
        out.extend(oid);
        let known = types.and_then(|types| types.get(at)).cloned();
        let number = u32::try_from(Input(oid).number()?).unwrap_or(0);
        let ty = known.or_else(|| DataType::from_oid(number));
        field(input, &ty.unwrap_or(DataType::Bytea), turn, &mut out)?;
        at += 1;
    }
    Ok(out)
}

fn field(input: &mut Input<'_>, ty: &DataType, turn: Turn<'_>, out: &mut Vec<u8>) -> Result<()> {
    let length = input.number()?;
    let Ok(length) = usize::try_from(length) else {
        out.extend(length.to_be_bytes());
        return Ok(());
    };
    let value = turned(input.take(length)?, ty, turn)?;
    let length = i32::try_from(value.len()).map_err(|_| cut())?;
    out.extend(length.to_be_bytes());
    out.extend(value);
    Ok(())
}

fn cut() -> Error {
    malformed("insufficient data left in a value")
}

/// What is left of a binary form.
struct Input<'b>(&'b [u8]);

impl<'b> Input<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<i32> {
        let bytes = self.take(4)?.try_into().map_err(|_| cut())?;
        Ok(i32::from_be_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ArrayValue, Value};

    #[test]
    fn binary_values_come_back() -> Result<()> {
        let latin = Encoding::Latin1;
        let text = Value::text("aä");
        let record = Value::Record(vec![text.clone(), Value::Int4(0xe4), Value::Null].into());
        let array = ArrayValue::one_dimensional(vec![text.clone(), Value::Null]);
        for (value, ty, shorter) in [
            (text, DataType::Text, 1),
            (
                Value::Array(array.into()),
                DataType::Array(Box::new(DataType::Text)),
                1,
            ),
            (record, DataType::Record, 1),
            (Value::Bytea(vec![0xe4, 0xff].into()), DataType::Bytea, 0),
        ] {
            let mut bytes = Vec::new();
            crate::binary::write(&value, &ty, &mut bytes)?;
            let sent = to_encoding(&bytes, &ty, latin)?;
            assert_eq!(sent.len(), bytes.len() - shorter, "{ty}");
            if ty != DataType::Record {
                assert_eq!(from_encoding(&sent, &ty, latin)?, bytes, "{ty}");
            }
            for end in 0..sent.len() {
                // Whatever is cut off, it ends.
                let _ = from_encoding(&sent[..end], &ty, latin);
            }
        }
        Ok(())
    }
}
