//! Bit strings and network addresses in binary.

use std::sync::Arc;

use super::malformed;
use super::reader::Reader;
use crate::{BitString, DataType, Inet, Result, Value};

/// The families, as PostgreSQL numbers them on every platform.
const FOUR: u8 = 2;
const SIX: u8 = 3;

/// Family, bits of the network, whether it is a `cidr`, length of the address, address.
pub(super) fn write(inet: &Inet, cidr: bool, out: &mut Vec<u8>) {
    let address = inet.address();
    out.push(if inet.is_six() { SIX } else { FOUR });
    out.push(inet.bits());
    out.push(u8::from(cidr));
    // Four or sixteen.
    out.push(address.len() as u8);
    out.extend(address);
}

pub(super) fn read(reader: &mut Reader<'_>, cidr: bool) -> Result<Value> {
    let ty = if cidr { "cidr" } else { "inet" };
    let six = match reader.u8()? {
        FOUR => false,
        SIX => true,
        _ => {
            return Err(malformed(format!(
                "invalid address family in external \"{ty}\" value"
            )));
        }
    };
    let bits = reader.u8()?;
    // Which of both types it was does not matter.
    reader.u8()?;
    let length = usize::from(reader.u8()?);
    if length != if six { 16 } else { 4 } {
        return Err(malformed(format!(
            "invalid length in external \"{ty}\" value"
        )));
    }
    let mut address = [0; 16];
    for (slot, byte) in address.iter_mut().zip(reader.take(length)?) {
        *slot = *byte;
    }
    let inet = Inet::new(six, bits, address)
        .ok_or_else(|| malformed(format!("invalid bits in external \"{ty}\" value")))?;
    if cidr && !inet.is_network() {
        return Err(malformed("invalid external \"cidr\" value")
            .with_detail("Value has bits set to right of mask."));
    }
    Ok(Value::Inet(Arc::new(inet)))
}

/// How many bits, then the bytes.
pub(super) fn read_bits(reader: &mut Reader<'_>, ty: &DataType) -> Result<Value> {
    let length = usize::try_from(reader.i32()?)
        .map_err(|_| malformed("invalid length in external bit string"))?;
    let bytes = reader.take(length.div_ceil(8))?;
    let bits = BitString::new(bytes.to_vec(), length);
    Ok(Value::Bits(Arc::new(match ty {
        DataType::Bit(Some(length)) => bits.fit_fixed(*length, false)?,
        DataType::VarBit(Some(limit)) => bits.fit_varying(*limit, false)?,
        _ => bits,
    })))
}
