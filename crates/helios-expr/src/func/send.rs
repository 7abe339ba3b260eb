//! `int4send`, `float8send` and their kin: the binary form of a value as `bytea`.

use helios_base::{Result, Value, binary};

use crate::function::{Call, Function, function};
use crate::ty::Ty;

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    send("array_send", &[Ty::AnyArray]).stable(),
    send("bit_send", &[Ty::Bit]),
    send("boolsend", &[Ty::Bool]),
    send("bpcharsend", &[Ty::Char]).stable(),
    send("byteasend", &[Ty::Bytea]),
    send("charsend", &[Ty::CharByte]),
    send("cidr_send", &[Ty::Cidr]),
    send("date_send", &[Ty::Date]),
    send("enum_send", &[Ty::AnyEnum]).stable(),
    send("float4send", &[Ty::Float4]),
    send("float8send", &[Ty::Float8]),
    send("inet_send", &[Ty::Inet]),
    send("int2send", &[Ty::Int2]),
    send("int4send", &[Ty::Int4]),
    send("int8send", &[Ty::Int8]),
    send("interval_send", &[Ty::Interval]),
    send("json_send", &[Ty::Json]),
    send("jsonb_send", &[Ty::Jsonb]),
    send("jsonpath_send", &[Ty::JsonPath]),
    send("macaddr_send", &[Ty::MacAddr]),
    send("namesend", &[Ty::Name]).stable(),
    send("numeric_send", &[Ty::Numeric]),
    send("oidsend", &[Ty::Oid]),
    send("record_send", &[Ty::Record]).stable(),
    send("textsend", &[Ty::Text]).stable(),
    send("time_send", &[Ty::Time]),
    send("timestamp_send", &[Ty::Timestamp]),
    send("timestamptz_send", &[Ty::TimestampTz]),
    send("timetz_send", &[Ty::TimeTz]),
    send("uuid_send", &[Ty::Uuid]),
    send("varbit_send", &[Ty::VarBit]),
    send("varcharsend", &[Ty::Varchar]).stable(),
    send("xidsend", &[Ty::Xid]),
];

const fn send(name: &'static str, args: &'static [Ty; 1]) -> Function {
    function(name, args, Ty::Bytea, written)
}

fn written(args: &[&Value], call: &Call<'_>) -> Result<Value> {
    let mut bytes = Vec::new();
    for arg in args {
        binary::write(arg, call.arg_type(0), &mut bytes)?;
    }
    Ok(Value::Bytea(bytes.into()))
}
