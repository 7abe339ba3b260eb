//! Memcomparable keys: values as bytes whose byte order is the values' order.
//!
//! Each column is self-delimiting, so that the bytes of several columns simply follow each other
//! and a prefix of the columns is a prefix of the bytes.

use crate::{DataType, Error, Result, Value};

/// The direction of one key column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyOrder {
    /// `DESC`
    pub descending: bool,
    /// `NULLS FIRST`
    pub nulls_first: bool,
}

impl KeyOrder {
    /// `ASC NULLS LAST`, the default.
    pub const ASC: Self = Self {
        descending: false,
        nulls_first: false,
    };
    /// `DESC NULLS FIRST`, the default for `DESC`.
    pub const DESC: Self = Self {
        descending: true,
        nulls_first: true,
    };
}

impl Default for KeyOrder {
    fn default() -> Self {
        Self::ASC
    }
}

/// Appends the key of `value`, which must fit `ty`, to `out`.
///
/// # Errors
/// `42883` for types without an order (`json`, `record`); internal if `value` does not fit `ty`.
pub fn encode(value: &Value, ty: &DataType, order: KeyOrder, out: &mut Vec<u8>) -> Result<()> {
    let _ = (value, ty, order, out);
    Err(Error::unsupported("keys"))
}

/// Takes one key column off the front of `input` and returns its value.
///
/// The value is equal to the one that was encoded under [`Value::cmp_as`]; where equal values can
/// look different (`numeric` without scale, `interval`, `char(n)` padding, `-0`) it is a canonical
/// one of them.
///
/// # Errors
/// Corrupt if the bytes are not what [`encode`] writes for `ty` and `order`.
pub fn decode(input: &mut &[u8], ty: &DataType, order: KeyOrder) -> Result<Value> {
    let _ = (input, ty, order);
    Err(Error::unsupported("keys"))
}

/// Takes one key column off the front of `input` without building its value and returns its bytes.
///
/// # Errors
/// As [`decode`].
pub fn skip<'a>(input: &mut &'a [u8], ty: &DataType, order: KeyOrder) -> Result<&'a [u8]> {
    let before = *input;
    decode(input, ty, order)?;
    Ok(&before[..before.len() - input.len()])
}

/// The first key after every key that starts with `prefix`: the open end of a prefix scan.
/// `None` if there is no such key.
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let keep = prefix.iter().rposition(|&byte| byte != 0xFF)?;
    let mut end = prefix[..=keep].to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    Some(end)
}
