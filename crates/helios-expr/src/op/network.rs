//! Network addresses: containment, arithmetic and what tells about them.

use helios_base::{Error, Inet as Address, Result, SqlState, Value};

use crate::function::{Function, function, infix, mismatch, prefix};
use crate::ty::Ty::{Bool, Cidr, Inet, Int4, Int8, MacAddr, Text};

pub(crate) static FUNCTIONS: &[Function] = &[
    infix("<<", &[Inet, Inet], Bool, |args, _| {
        two(args, |a, b| b.contains(a))
    }),
    infix("<<=", &[Inet, Inet], Bool, |args, _| {
        two(args, |a, b| b.contains_or_is(a))
    }),
    infix(">>", &[Inet, Inet], Bool, |args, _| {
        two(args, Address::contains)
    }),
    infix(">>=", &[Inet, Inet], Bool, |args, _| {
        two(args, Address::contains_or_is)
    }),
    infix("&&", &[Inet, Inet], Bool, |args, _| {
        two(args, Address::overlaps)
    }),
    prefix("~", &[Inet], Inet, |args, _| {
        one(args, |a| a.inverted().into())
    }),
    infix("&", &[Inet, Inet], Inet, |args, _| {
        combined(args, "AND", |a, b| a & b)
    }),
    infix("|", &[Inet, Inet], Inet, |args, _| {
        combined(args, "OR", |a, b| a | b)
    }),
    infix("+", &[Inet, Int8], Inet, |args, _| moved(args, false)),
    infix("+", &[Int8, Inet], Inet, |args, _| moved(args, false)),
    infix("-", &[Inet, Int8], Inet, |args, _| moved(args, true)),
    infix("-", &[Inet, Inet], Int8, |args, _| match args {
        [Value::Inet(a), Value::Inet(b)] => a.minus(b).map(Value::Int8),
        args => Err(mismatch(args)),
    }),
    function("abbrev", &[Inet], Text, |args, _| {
        one(args, |a| shown(a, false))
    }),
    function("abbrev", &[Cidr], Text, |args, _| one(args, abbreviated)),
    function("broadcast", &[Inet], Inet, |args, _| {
        one(args, |a| a.broadcast().into())
    }),
    function("family", &[Inet], Int4, |args, _| {
        one(args, |a| Value::Int4(if a.is_six() { 6 } else { 4 }))
    }),
    function("host", &[Inet], Text, |args, _| {
        one(args, |a| shown(&a.host(), false))
    }),
    function("hostmask", &[Inet], Inet, |args, _| {
        one(args, |a| a.hostmask().into())
    }),
    function("inet_merge", &[Inet, Inet], Cidr, |args, _| match args {
        [Value::Inet(a), Value::Inet(b)] => match a.merged(b) {
            Some(network) => Ok(network.into()),
            None => Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "cannot merge addresses from different families",
            )),
        },
        args => Err(mismatch(args)),
    }),
    function("inet_same_family", &[Inet, Inet], Bool, |args, _| {
        two(args, |a, b| a.is_six() == b.is_six())
    }),
    function("masklen", &[Inet], Int4, |args, _| {
        one(args, |a| Value::Int4(i32::from(a.bits())))
    }),
    function("netmask", &[Inet], Inet, |args, _| {
        one(args, |a| a.netmask().into())
    }),
    function("network", &[Inet], Cidr, |args, _| {
        one(args, |a| a.network().into())
    }),
    function("set_masklen", &[Inet, Int4], Inet, |args, _| {
        with_bits(args, false)
    }),
    function("set_masklen", &[Cidr, Int4], Cidr, |args, _| {
        with_bits(args, true)
    }),
    prefix("~", &[MacAddr], MacAddr, |args, _| match args {
        [Value::MacAddr(address)] => Ok(Value::MacAddr(address.map(|byte| !byte))),
        args => Err(mismatch(args)),
    }),
    infix("&", &[MacAddr, MacAddr], MacAddr, |args, _| {
        mac(args, |a, b| a & b)
    }),
    infix("|", &[MacAddr, MacAddr], MacAddr, |args, _| {
        mac(args, |a, b| a | b)
    }),
    function("trunc", &[MacAddr], MacAddr, |args, _| match args {
        [Value::MacAddr([a, b, c, ..])] => Ok(Value::MacAddr([*a, *b, *c, 0, 0, 0])),
        args => Err(mismatch(args)),
    }),
];

fn one(args: &[&Value], of: fn(&Address) -> Value) -> Result<Value> {
    match args {
        [Value::Inet(address)] => Ok(of(address)),
        args => Err(mismatch(args)),
    }
}

fn two(args: &[&Value], test: fn(&Address, &Address) -> bool) -> Result<Value> {
    match args {
        [Value::Inet(a), Value::Inet(b)] => Ok(Value::Bool(test(a, b))),
        args => Err(mismatch(args)),
    }
}

fn shown(address: &Address, cidr: bool) -> Value {
    let mut text = String::new();
    address.write(cidr, &mut text);
    Value::text(text)
}

/// A network without the octets or groups that are none of it: `10.1/16`, `2001:db8/32`.
fn abbreviated(address: &Address) -> Value {
    let mut text = String::new();
    address.write_network(&mut text);
    Value::text(text)
}

fn combined(args: &[&Value], name: &str, with: fn(u8, u8) -> u8) -> Result<Value> {
    let [Value::Inet(a), Value::Inet(b)] = args else {
        return Err(mismatch(args));
    };
    match a.combined(b, with) {
        Some(address) => Ok(address.into()),
        None => Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("cannot {name} inet values of different sizes"),
        )),
    }
}

fn moved(args: &[&Value], back: bool) -> Result<Value> {
    let ([Value::Inet(address), Value::Int8(by)] | [Value::Int8(by), Value::Inet(address)]) = args
    else {
        return Err(mismatch(args));
    };
    let by = if back { by.checked_neg() } else { Some(*by) };
    let by = by.ok_or_else(|| {
        Error::new(
            SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
            "result is out of range",
        )
    })?;
    address.plus(by).map(Value::from)
}

fn with_bits(args: &[&Value], cidr: bool) -> Result<Value> {
    let [Value::Inet(address), Value::Int4(bits)] = args else {
        return Err(mismatch(args));
    };
    let changed = address.with_bits(*bits)?;
    Ok(Value::from(if cidr { changed.network() } else { changed }))
}

fn mac(args: &[&Value], with: fn(u8, u8) -> u8) -> Result<Value> {
    let [Value::MacAddr(a), Value::MacAddr(b)] = args else {
        return Err(mismatch(args));
    };
    let mut address = *a;
    for (slot, byte) in address.iter_mut().zip(b) {
        *slot = with(*slot, *byte);
    }
    Ok(Value::MacAddr(address))
}
