//! Bit strings: logic, shifts, concatenation and functions of their parts.

use helios_base::{BitString, Error, Result, SqlState, Value};

use crate::function::{Call, Function, function, infix, mismatch, prefix};
use crate::ty::Ty::{Bit, Int4, Int8, VarBit};

pub(crate) static FUNCTIONS: &[Function] = &[
    infix("&", &[Bit, Bit], Bit, |args, _| {
        combined(args, "AND", |a, b| a & b)
    }),
    infix("|", &[Bit, Bit], Bit, |args, _| {
        combined(args, "OR", |a, b| a | b)
    }),
    infix("#", &[Bit, Bit], Bit, |args, _| {
        combined(args, "XOR", |a, b| a ^ b)
    }),
    prefix("~", &[Bit], Bit, |args, _| match args {
        [Value::Bits(bits)] => Ok(bits.inverted().into()),
        args => Err(mismatch(args)),
    }),
    infix("<<", &[Bit, Int4], Bit, |args, _| shifted(args, 1)),
    infix(">>", &[Bit, Int4], Bit, |args, _| shifted(args, -1)),
    infix("||", &[VarBit, VarBit], VarBit, |args, _| match args {
        [Value::Bits(a), Value::Bits(b)] => a.concat(b).map(Value::from),
        args => Err(mismatch(args)),
    }),
    function("length", &[Bit], Int4, length),
    function("bit_length", &[Bit], Int4, length),
    function("octet_length", &[Bit], Int4, |args, _| match args {
        [Value::Bits(bits)] => Ok(Value::Int4(count(bits.bytes().len()))),
        args => Err(mismatch(args)),
    }),
    function("bit_count", &[Bit], Int8, |args, _| match args {
        [Value::Bits(bits)] => Ok(Value::Int8(bits.ones())),
        args => Err(mismatch(args)),
    }),
    function("position", &[Bit, Bit], Int4, |args, _| match args {
        [Value::Bits(bits), Value::Bits(part)] => {
            // Nothing is found in nothing, not even nothing.
            let found = bits.find(part).filter(|_| !bits.is_empty());
            Ok(Value::Int4(found.map_or(0, |at| count(at + 1))))
        }
        args => Err(mismatch(args)),
    }),
    function("substring", &[Bit, Int4], Bit, substring),
    function("substring", &[Bit, Int4, Int4], Bit, substring),
    function("overlay", &[Bit, Bit, Int4], Bit, overlay),
    function("overlay", &[Bit, Bit, Int4, Int4], Bit, overlay),
    function("get_bit", &[Bit, Int4], Int4, |args, _| match args {
        [Value::Bits(bits), Value::Int4(at)] => {
            let place = place(bits, *at)?;
            Ok(Value::Int4(i32::from(bits.bit(place) == Some(true))))
        }
        args => Err(mismatch(args)),
    }),
    function("set_bit", &[Bit, Int4, Int4], Bit, set_bit),
    function("bit", &[Int4, Int4], Bit, number),
    function("bit", &[Int8, Int4], Bit, number),
];

fn count(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn combined(args: &[&Value], name: &str, with: fn(u8, u8) -> u8) -> Result<Value> {
    let [Value::Bits(a), Value::Bits(b)] = args else {
        return Err(mismatch(args));
    };
    match a.combined(b, with) {
        Some(bits) => Ok(bits.into()),
        None => Err(Error::new(
            SqlState::STRING_DATA_LENGTH_MISMATCH,
            format!("cannot {name} bit strings of different sizes"),
        )),
    }
}

fn shifted(args: &[&Value], sign: i64) -> Result<Value> {
    match args {
        [Value::Bits(bits), Value::Int4(by)] => Ok(bits.shifted(sign * i64::from(*by)).into()),
        args => Err(mismatch(args)),
    }
}

fn length(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [Value::Bits(bits)] => Ok(Value::Int4(count(bits.len()))),
        args => Err(mismatch(args)),
    }
}

/// The places, counted from 0, that `from` (counted from 1) and a length select.
fn selected(bits: &BitString, from: i64, length: Option<i64>) -> Result<(usize, usize)> {
    let start = from - 1;
    let end = match length {
        Some(length) if length < 0 => {
            return Err(Error::new(
                SqlState::SUBSTRING_ERROR,
                "negative substring length not allowed",
            ));
        }
        Some(length) => start.saturating_add(length),
        None => i64::MAX,
    };
    let within = |place: i64| {
        usize::try_from(place.max(0))
            .unwrap_or(usize::MAX)
            .min(bits.len())
    };
    let (start, end) = (within(start), within(end));
    Ok((start, end.saturating_sub(start)))
}

fn substring(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (bits, from, length) = match args {
        [Value::Bits(bits), Value::Int4(from)] => (bits, from, None),
        [Value::Bits(bits), Value::Int4(from), Value::Int4(length)] => {
            (bits, from, Some(i64::from(*length)))
        }
        args => return Err(mismatch(args)),
    };
    let (start, length) = selected(bits, i64::from(*from), length)?;
    Ok(bits.slice(start, length).into())
}

fn overlay(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (bits, new, from, length) = match args {
        [Value::Bits(bits), Value::Bits(new), Value::Int4(from)] => {
            (bits, new, i64::from(*from), i64::from(count(new.len())))
        }
        [
            Value::Bits(bits),
            Value::Bits(new),
            Value::Int4(from),
            Value::Int4(length),
        ] => (bits, new, i64::from(*from), i64::from(*length)),
        args => return Err(mismatch(args)),
    };
    if from <= 0 {
        return Err(Error::new(
            SqlState::SUBSTRING_ERROR,
            "negative substring length not allowed",
        ));
    }
    let (_, head) = selected(bits, 1, Some(from - 1))?;
    let (tail, rest) = selected(bits, from.saturating_add(length), None)?;
    let joined = bits.slice(0, head).concat(new)?;
    Ok(joined.concat(&bits.slice(tail, rest))?.into())
}

fn place(bits: &BitString, at: i32) -> Result<usize> {
    usize::try_from(at)
        .ok()
        .filter(|place| *place < bits.len())
        .ok_or_else(|| {
            Error::new(
                SqlState::ARRAY_SUBSCRIPT_ERROR,
                format!(
                    "bit index {at} out of valid range (0..{})",
                    i64::from(count(bits.len())) - 1
                ),
            )
        })
}

fn set_bit(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Bits(bits), Value::Int4(at), Value::Int4(new)] = args else {
        return Err(mismatch(args));
    };
    let place = place(bits, *at)?;
    if !(0..=1).contains(new) {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            "new bit must be 0 or 1",
        ));
    }
    let changed = bits.bits().enumerate();
    let changed = changed.map(|(at, bit)| if at == place { *new == 1 } else { bit });
    Ok(BitString::from_bits(changed).into())
}

/// `bit(44, 10)`: the lowest bits of a number; one if the length is not positive.
fn number(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let (number, length) = match args {
        [Value::Int4(number), Value::Int4(length)] => (i64::from(*number), length),
        [Value::Int8(number), Value::Int4(length)] => (*number, length),
        args => return Err(mismatch(args)),
    };
    // As long as a column may be.
    let length = usize::try_from(*length).unwrap_or(1).clamp(1, 83_886_080);
    Ok(BitString::from_integer(number, length).into())
}
