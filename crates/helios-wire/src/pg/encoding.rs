//! Text as clients write it: messages, parameters and values in the encoding that `client_encoding` names.

use std::borrow::Cow;

use helios_base::{DataType, Encoding, Error, Result, SqlState, UserKind};

/// The body of a message from the client with its strings in UTF-8. Values of parameters stay as they are.
///
/// # Errors
/// `22P05` for a byte that means no character in the encoding.
pub(super) fn incoming(kind: u8, body: &[u8], encoding: Encoding) -> Result<Cow<'_, [u8]>> {
    let strings = match kind {
        b'Q' | b'D' | b'C' | b'E' | b'f' => 1,
        b'P' | b'B' => 2,
        _ => 0,
    };
    if !encoding.converts() || strings == 0 {
        return Ok(Cow::Borrowed(body));
    }
    let ends = body.iter().enumerate().filter(|(_, byte)| **byte == 0);
    let end = ends.map(|(at, _)| at + 1).nth(strings - 1);
    let (text, rest) = body.split_at(end.unwrap_or(body.len()));
    match encoding.decode(text)? {
        Cow::Borrowed(_) => Ok(Cow::Borrowed(body)),
        Cow::Owned(mut whole) => {
            whole.extend_from_slice(rest);
            Ok(Cow::Owned(whole))
        }
    }
}

/// Turns a text of the one encoding into one of the other.
pub(super) type Turn<'t> = &'t dyn Fn(&[u8]) -> Result<Vec<u8>>;

/// The turn of what a client sends.
pub(super) fn from_client(encoding: Encoding) -> impl Fn(&[u8]) -> Result<Vec<u8>> {
    move |bytes| encoding.decode(bytes).map(Cow::into_owned)
}

/// The turn of what a client gets.
pub(super) fn to_client(encoding: Encoding) -> impl Fn(&[u8]) -> Result<Vec<u8>> {
    move |bytes| {
        let mut out = Vec::with_capacity(bytes.len());
        encoding.encode(
            std::str::from_utf8(bytes).map_err(|_| malformed())?,
            &mut out,
        )?;
        Ok(out)
    }
}

/// The binary form of a value of type `ty` with the texts in it turned.
///
/// # Errors
/// Those of `turn`; `22P03` for what is no such value.
pub(super) fn binary(bytes: &[u8], ty: &DataType, turn: Turn<'_>) -> Result<Vec<u8>> {
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
            UserKind::Domain(domain) => binary(bytes, &domain.base, turn),
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
pub(super) fn is_read(ty: &DataType) -> bool {
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
    let turned = binary(input.take(length)?, ty, turn)?;
    let length = i32::try_from(turned.len()).map_err(|_| malformed())?;
    out.extend(length.to_be_bytes());
    out.extend(turned);
    Ok(())
}

fn malformed() -> Error {
    Error::new(
        SqlState::INVALID_BINARY_REPRESENTATION,
        "incorrect binary data format",
    )
}

/// What is left of a binary form.
struct Input<'b>(&'b [u8]);

impl<'b> Input<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<i32> {
        let bytes = self.take(4)?.try_into().map_err(|_| malformed())?;
        Ok(i32::from_be_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helios_base::{ArrayValue, Value};

    #[test]
    fn only_strings_of_messages_are_turned() -> Result<()> {
        let latin = Encoding::Latin1;
        let turned = incoming(b'B', b"\xe4\0\xe4\0\0\0\0\x01\0\0\0\x01\xe4\0\0", latin)?;
        let wanted = b"\xc3\xa4\0\xc3\xa4\0\0\0\0\x01\0\0\0\x01\xe4\0\0";
        assert_eq!(*turned, wanted[..]);
        assert_eq!(*incoming(b'd', b"\xe4", latin)?, b"\xe4"[..]);
        assert_eq!(*incoming(b'Q', b"\xe4", latin)?, b"\xc3\xa4"[..]);
        assert!(incoming(b'Q', b"\x81\0", Encoding::Win1252).is_err());
        Ok(())
    }

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
            helios_base::binary::write(&value, &ty, &mut bytes)?;
            let sent = binary(&bytes, &ty, &to_client(latin))?;
            assert_eq!(sent.len(), bytes.len() - shorter, "{ty}");
            assert_eq!(binary(&sent, &ty, &from_client(latin))?, bytes, "{ty}");
            for end in 0..sent.len() {
                // Whatever is cut off, it ends.
                let _ = binary(&sent[..end], &ty, &from_client(latin));
            }
        }
        Ok(())
    }
}
