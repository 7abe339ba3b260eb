//! System information, settings, sequences, identifiers and object size helpers.

use helios_base::{ArrayValue, Error, Result, SqlState, Value};

use super::string::text;
use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{
    self, Any, Bool, Int4, Int8, Name, Regclass, Regtype, Text, TimestampTz, Uuid, Void,
};

pub(crate) static FUNCTIONS: &[Function] = &[
    function("version", &[], Text, |_, call| {
        Ok(Value::text(call.ctx.session.version()))
    })
    .stable(),
    function("current_database", &[], Name, database).stable(),
    function("current_catalog", &[], Name, database).stable(),
    function("current_user", &[], Name, user).stable(),
    function("current_role", &[], Name, user).stable(),
    function("user", &[], Name, user).stable(),
    function("session_user", &[], Name, |_, call| {
        Ok(Value::text(call.ctx.session.session_user()))
    })
    .stable(),
    function("current_schema", &[], Name, |_, call| {
        let schemas = call.ctx.session.current_schemas();
        Ok(schemas.into_iter().next().into())
    })
    .stable(),
    function("current_schemas", &[Bool], Ty::Array(&Name), schemas).stable(),
    function("current_branch", &[], Text, |_, call| {
        Ok(Value::text(call.ctx.session.current_branch()))
    })
    .stable(),
    function("helios_branch", &[], Text, |_, call| {
        Ok(Value::text(call.ctx.session.current_branch()))
    })
    .stable(),
    function("helios_txid_current", &[], Int8, txid).stable(),
    function("pg_backend_pid", &[], Int4, |_, call| {
        Ok(Value::Int4(call.ctx.session.backend_pid()))
    })
    .stable(),
    function("pg_typeof", &[Any], Regtype, |_, call| {
        Ok(Value::Oid(call.arg_type(0).bare().oid()))
    })
    .not_strict()
    .stable(),
    function("current_setting", &[Text], Text, setting).stable(),
    function("current_setting", &[Text, Bool], Text, setting).stable(),
    function("set_config", &[Text, Text, Bool], Text, set_config)
        .not_strict()
        .volatile(),
    function("txid_current", &[], Int8, txid).stable(),
    function("pg_current_xact_id", &[], Int8, txid).stable(),
    function("txid_current_if_assigned", &[], Int8, |_, call| {
        Ok(call.ctx.session.txid_current_if_assigned()?.into())
    })
    .stable(),
    function("nextval", &[Text], Int8, |args, call| {
        call.ctx.session.nextval(text(args, 0)?).map(Value::Int8)
    })
    .volatile(),
    function("currval", &[Text], Int8, |args, call| {
        call.ctx.session.currval(text(args, 0)?).map(Value::Int8)
    })
    .volatile(),
    function("lastval", &[], Int8, |_, call| {
        call.ctx.session.lastval().map(Value::Int8)
    })
    .volatile(),
    function("nextval", &[Regclass], Int8, |args, call| {
        call.ctx
            .session
            .nextval(&sequence(args, call))
            .map(Value::Int8)
    })
    .volatile(),
    function("currval", &[Regclass], Int8, |args, call| {
        call.ctx
            .session
            .currval(&sequence(args, call))
            .map(Value::Int8)
    })
    .volatile(),
    function("setval", &[Regclass, Int8], Int8, setval).volatile(),
    function("setval", &[Regclass, Int8, Bool], Int8, setval).volatile(),
    function("setval", &[Text, Int8], Int8, setval).volatile(),
    function("setval", &[Text, Int8, Bool], Int8, setval).volatile(),
    function("gen_random_uuid", &[], Uuid, |_, _| {
        Ok(Value::from(uuid::Uuid::new_v4().into_bytes()))
    })
    .volatile(),
    function("setseed", &[Ty::Float8], Void, set_seed).volatile(),
    function("now", &[], TimestampTz, transaction_time).stable(),
    function("transaction_timestamp", &[], TimestampTz, transaction_time).stable(),
    function("statement_timestamp", &[], TimestampTz, |_, call| {
        Ok(Value::TimestampTz(call.ctx.statement_time))
    })
    .stable(),
    function("clock_timestamp", &[], TimestampTz, |_, _| {
        Ok(Value::TimestampTz(clock()))
    })
    .volatile(),
    function("num_nulls", &[Any], Int4, |args, _| {
        super::string::length(args.iter().filter(|arg| arg.is_null()).count())
    })
    .variadic()
    .not_strict(),
    function("num_nonnulls", &[Any], Int4, |args, _| {
        super::string::length(args.iter().filter(|arg| !arg.is_null()).count())
    })
    .variadic()
    .not_strict(),
    function("pg_column_size", &[Any], Int4, column_size).stable(),
    function("pg_size_pretty", &[Int8], Text, size_pretty),
    function("pg_size_pretty", &[Ty::Numeric], Text, size_pretty),
    function("pg_size_bytes", &[Text], Int8, size_bytes),
    function("pg_jit_available", &[], Bool, |_, _| Ok(Value::Bool(false))).stable(),
    function("pg_encoding_max_length", &[Int4], Int4, |args, _| {
        Ok(match args {
            [Value::Int4(0)] => Value::Int4(1),
            [Value::Int4(6)] => Value::Int4(4),
            _ => Value::Null,
        })
    })
    .stable(),
    function("pg_client_encoding", &[], Name, |_, _| {
        Ok(Value::text("UTF8"))
    })
    .stable(),
];

fn database(_: &[&Value], call: &Call<'_>) -> Result<Value> {
    Ok(Value::text(call.ctx.session.current_database()))
}

fn user(_: &[&Value], call: &Call<'_>) -> Result<Value> {
    Ok(Value::text(call.ctx.session.current_user()))
}

fn schemas(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let [Value::Bool(implicit)] = args else {
        return Err(mismatch(args));
    };
    let implicit = implicit.then(|| "pg_catalog".to_owned());
    let all = implicit
        .into_iter()
        .chain(call.ctx.session.current_schemas());
    let elements = all.map(Value::text).collect();
    Ok(Value::from(ArrayValue::one_dimensional(elements)))
}

fn setting(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let name = text(args, 0)?;
    match (call.ctx.session.setting(name), args.get(1)) {
        (Some(value), _) => Ok(Value::text(value)),
        (None, Some(Value::Bool(true))) => Ok(Value::Null),
        (None, _) => Err(Error::new(
            SqlState::UNDEFINED_OBJECT,
            format!("unrecognized configuration parameter \"{name}\""),
        )),
    }
}

fn set_config(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let local = match args.get(2) {
        Some(Value::Bool(local)) => *local,
        _ => false,
    };
    if args.first().is_none_or(|name| name.is_null()) {
        return Err(Error::new(
            SqlState::NULL_VALUE_NOT_ALLOWED,
            "SET requires parameter name",
        ));
    }
    let value = match args.get(1) {
        Some(Value::Text(value)) => value,
        _ => "",
    };
    let shown = call.ctx.session.set_setting(text(args, 0)?, value, local)?;
    Ok(Value::text(shown))
}

fn txid(_: &[&Value], call: &Call<'_>) -> Result<Value> {
    call.ctx.session.txid_current().map(Value::Int8)
}

fn setval(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let (value, called) = match args {
        [_, Value::Int8(value)] => (*value, true),
        [_, Value::Int8(value), Value::Bool(called)] => (*value, *called),
        args => return Err(mismatch(args)),
    };
    call.ctx
        .session
        .setval(&sequence(args, call), value, called)
        .map(Value::Int8)
}

/// The name of a sequence: as it was written, or that of its number.
fn sequence(args: &[&Value], call: &Call<'_>) -> String {
    args.first().map_or_else(String::new, |value| {
        value.to_text(call.arg_type(0), call.ctx.text)
    })
}

fn set_seed(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    let [Value::Float8(seed)] = args else {
        return Err(mismatch(args));
    };
    if !(-1.0..=1.0).contains(seed) {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("setseed parameter {seed} is out of allowed range [-1,1]"),
        ));
    }
    fastrand::seed(seed.to_bits());
    Ok(Value::text(""))
}

fn transaction_time(_: &[&Value], call: &Call<'_>) -> Result<Value> {
    Ok(Value::TimestampTz(call.ctx.transaction_time))
}

/// Microseconds since 1970 UTC by the system's clock.
fn clock() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_micros()).ok())
        .unwrap_or(0)
}

fn column_size(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let [value] = args else {
        return Err(mismatch(args));
    };
    let bytes = match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int2(_) => 2,
        Value::Int4(_) | Value::Float4(_) | Value::Date(_) | Value::Oid(_) => 4,
        Value::Interval(_) | Value::Uuid(_) => 16,
        Value::Text(text) => text.len() + 1,
        Value::Bytea(bytes) => bytes.len() + 1,
        Value::Enum(_) => 4,
        Value::Numeric(_)
        | Value::Jsonb(_)
        | Value::Array(_)
        | Value::Range(_)
        | Value::Multirange(_)
        | Value::Record(_) => value.to_text(call.arg_type(0), call.ctx.text).len(),
        _ => 8,
    };
    super::string::length(bytes)
}

/// A size in the largest unit that leaves at least ten of it.
fn size_pretty(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let mut amount = match args {
        [Value::Int8(size)] => i128::from(*size),
        [Value::Numeric(size)] => {
            let whole = size.to_string();
            let whole = whole.split('.').next().unwrap_or_default();
            whole.parse().map_err(|_| too_large())?
        }
        _ => return Err(mismatch(args)),
    };
    let mut unit = "bytes";
    let mut halves = false;
    for (i, name) in UNITS.iter().enumerate() {
        unit = name;
        let limit = if halves { 20 * 1024 - 1 } else { 10 * 1024 };
        if amount.abs() < limit || i + 1 == UNITS.len() {
            break;
        }
        // Kept in halves of a unit so that the last step rounds.
        amount /= if halves || i > 0 { 1024 } else { 512 };
        halves = true;
    }
    if halves {
        amount = (amount + amount.signum()) / 2;
    }
    Ok(Value::text(format!("{amount} {unit}")))
}

fn too_large() -> Error {
    Error::new(SqlState::NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range")
}

/// How many bytes a size such as `1.5 GB` is.
fn size_bytes(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    const UNITS: [(&str, u32); 6] = [
        ("bytes", 0),
        ("kB", 10),
        ("MB", 20),
        ("GB", 30),
        ("TB", 40),
        ("PB", 50),
    ];
    let given = text(args, 0)?;
    let invalid = || {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid size: \"{given}\""),
        )
    };
    let trimmed = given.trim();
    // The number ends where its unit begins; `e` belongs to it if digits follow.
    let bytes = trimmed.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    while let Some(byte) = bytes.get(end) {
        let exponent = byte.eq_ignore_ascii_case(&b'e')
            && (digit(end + 1)
                || matches!(bytes.get(end + 1), Some(b'+' | b'-')) && digit(end + 2));
        match byte {
            b'0'..=b'9' | b'.' => end += 1,
            b'+' | b'-' if end == 0 => end += 1,
            _ if exponent => end += 2,
            _ => break,
        }
    }
    let (number, unit) = trimmed.split_at_checked(end).ok_or_else(invalid)?;
    let number: helios_base::Numeric = number.parse().map_err(|_| invalid())?;
    let unit = unit.trim();
    let shift = if unit.is_empty() {
        0
    } else {
        let known = UNITS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(unit));
        let known = known.or_else(|| unit.eq_ignore_ascii_case("b").then_some(&UNITS[0]));
        known
            .ok_or_else(|| {
                invalid()
                    .with_detail(format!("Invalid size unit: \"{unit}\"."))
                    .with_hint(
                        "Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".",
                    )
            })?
            .1
    };
    let factor = helios_base::Numeric::from(1_i64 << shift);
    number.mul(&factor)?.to_i64().map(Value::Int8)
}
