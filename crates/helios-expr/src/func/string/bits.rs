//! Bits of byte strings.

use helios_base::{Error, Result, SqlState, Value};

use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{Bytea, Int4, Int8};

pub(super) static FUNCTIONS: &[Function] = &[
    function("get_bit", &[Bytea, Int8], Int4, get_bit),
    function("set_bit", &[Bytea, Int8, Int4], Bytea, set_bit),
    function("bit_count", &[Bytea], Int8, |args, _| match args {
        [Value::Bytea(bytes)] => {
            let ones = bytes.iter().map(|byte| i64::from(byte.count_ones())).sum();
            Ok(Value::Int8(ones))
        }
        args => Err(mismatch(args)),
    }),
];

/// The byte and the bit within it, counted from the lowest bit of the first byte.
fn place(bytes: &[u8], index: i64) -> Result<(usize, u32)> {
    let bits = bytes.len() as u64 * 8;
    u64::try_from(index)
        .ok()
        .filter(|&bit| bit < bits)
        .and_then(|bit| Some((usize::try_from(bit / 8).ok()?, u32::try_from(bit % 8).ok()?)))
        .ok_or_else(|| {
            Error::new(
                SqlState::ARRAY_SUBSCRIPT_ERROR,
                format!(
                    "index {index} out of valid range, 0..{}",
                    i128::from(bits) - 1
                ),
            )
        })
}

fn get_bit(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Int8(index)] = args else {
        return Err(mismatch(args));
    };
    let (byte, bit) = place(bytes, *index)?;
    let byte = bytes.get(byte).copied().unwrap_or(0);
    Ok(Value::Int4(i32::from(byte >> bit & 1)))
}

fn set_bit(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Bytea(bytes), Value::Int8(index), Value::Int4(new)] = args else {
        return Err(mismatch(args));
    };
    let (byte, bit) = place(bytes, *index)?;
    if !(0..=1).contains(new) {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "new bit must be 0 or 1",
        ));
    }
    let mut changed = bytes.to_vec();
    if let Some(byte) = changed.get_mut(byte) {
        *byte &= !(1 << bit);
        if *new == 1 {
            *byte |= 1 << bit;
        }
    }
    Ok(Value::from(changed))
}
