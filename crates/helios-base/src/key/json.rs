//! Keys of `jsonb`, in PostgreSQL's order of documents.
//!
//! | tag    | document                  | followed by                                       |
//! |-------:|---------------------------|---------------------------------------------------|
//! | `0x01` | empty array, at the top   |                                                   |
//! | `0x02` | `null`                    |                                                   |
//! | `0x03` | string                    | its bytes, as `text`                              |
//! | `0x04` | number                    | as `numeric`                                      |
//! | `0x05` | boolean                   | 1 byte, `0` or `1`                                |
//! | `0x06` | array                     | length (4 bytes, big-endian), elements            |
//! | `0x07` | object                    | length (the same), members: key as `text`, value  |

use super::reader::KeyReader;
use super::{numeric, put_bytes, take_text};
use crate::json::{DEPTH_MAX, JsonObject};
use crate::{Error, Json, Result};

const EMPTY_ARRAY: u8 = 0x01;
const NULL: u8 = 0x02;
const STRING: u8 = 0x03;
const NUMBER: u8 = 0x04;
const BOOL: u8 = 0x05;
const ARRAY: u8 = 0x06;
const OBJECT: u8 = 0x07;

pub(super) fn put(json: &Json, out: &mut Vec<u8>) -> Result<()> {
    if matches!(json, Json::Array(elements) if elements.is_empty()) {
        out.push(EMPTY_ARRAY);
        return Ok(());
    }
    put_inner(json, out)
}

fn put_inner(json: &Json, out: &mut Vec<u8>) -> Result<()> {
    match json {
        Json::Null => out.push(NULL),
        Json::String(text) => {
            out.push(STRING);
            put_bytes(text.as_bytes(), out);
        }
        Json::Number(number) => {
            out.push(NUMBER);
            numeric::put(number, out);
        }
        Json::Bool(b) => out.extend([BOOL, u8::from(*b)]),
        Json::Array(elements) => {
            out.push(ARRAY);
            put_length(elements.len(), out)?;
            for element in elements {
                put_inner(element, out)?;
            }
        }
        Json::Object(object) => {
            out.push(OBJECT);
            put_length(object.len(), out)?;
            for (key, value) in object.members() {
                put_bytes(key.as_bytes(), out);
                put_inner(value, out)?;
            }
        }
    }
    Ok(())
}

fn put_length(length: usize, out: &mut Vec<u8>) -> Result<()> {
    let length =
        u32::try_from(length).map_err(|_| Error::internal("json container is too long"))?;
    out.extend(length.to_be_bytes());
    Ok(())
}

pub(super) fn take(reader: &mut KeyReader<'_>) -> Result<Json> {
    take_inner(reader, 0)
}

fn take_inner(reader: &mut KeyReader<'_>, depth: usize) -> Result<Json> {
    if depth > DEPTH_MAX {
        return Err(Error::corrupt("json key is nested too deeply"));
    }
    Ok(match reader.byte()? {
        EMPTY_ARRAY if depth == 0 => Json::Array(Vec::new()),
        NULL => Json::Null,
        STRING => Json::String(take_text(reader)?.into()),
        NUMBER => Json::Number(numeric::take(reader)?),
        BOOL => Json::Bool(reader.byte()? == 1),
        ARRAY => {
            let length = u32::from_be_bytes(reader.array()?);
            let mut elements = Vec::new();
            for _ in 0..length {
                elements.push(take_inner(reader, depth + 1)?);
            }
            Json::Array(elements)
        }
        OBJECT => {
            let length = u32::from_be_bytes(reader.array()?);
            let mut members = Vec::new();
            for _ in 0..length {
                members.push((take_text(reader)?.into(), take_inner(reader, depth + 1)?));
            }
            Json::Object(JsonObject::new(members))
        }
        tag => return Err(Error::corrupt(format!("json key has tag {tag:#04x}"))),
    })
}
