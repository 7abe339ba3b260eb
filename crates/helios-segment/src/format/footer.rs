//! The footer.
//!
//! | field            | bytes                                                               |
//! |------------------|---------------------------------------------------------------------|
//! | schema version   | varint                                                              |
//! | columns          | varint, then per column: id (varint), type (`types.rs`)             |
//! | key              | varint, then the positions of the key columns (varints)             |
//! | ordered          | 1: `1` if all rows come in key order                                |
//! | names            | varint, then bytes: codecs and encodings, referred to by place      |
//! | chunks           | varint, then per chunk:                                             |
//! | – rows           | varint                                                              |
//! | – columns        | per column: *array*, raw bytes (varint), reason (1: 0 pinned, 1 small, 2 sampled), evidence (varint, then name, raw, stored: varints), *zone* (`stats/zone.rs`: nulls, distinct: varints, two bounds) |
//! | – begins         | least, greatest − least (varints), 1: `1` if an *array* follows     |
//! | – keys           | only with a key: least, greatest (bytes), 1: `1` if an index follows (*block*), filter (*block*) |
//! | sketches         | *block*                                                             |
//! | order            | from version 2 on: varint, then per page: keys (varint), last key (bytes), *array*, *block* of the index |
//!
//! *block*: offset / 64, length (varints), CRC-32C (4). *array*: *block*, codec (name, varint),
//! encodings (varint, then names), 1: `1` if it has nulls.

use std::sync::Arc;

use super::ALIGN;
use super::PLAIN;
use super::bytes::{In, Out};
use super::meta::{Begins, BlockAt, Chunk, ColumnChunk, EncodedAt, Keys, OrderPage};
use super::types::{get_type, put_type};
use crate::CHUNK_ROWS;
use crate::choose::{Evidence, Reason};
use crate::error::{Error, Result};
use crate::schema::{Column, SegmentSchema};
use crate::stats::Zone;

/// All that is known without reading a block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Footer {
    pub schema: SegmentSchema,
    pub ordered: bool,
    pub chunks: Vec<Chunk>,
    pub sketches: BlockAt,
    /// Rows in the order of their keys, where they do not lie in it.
    pub order: Vec<OrderPage>,
}

/// Names and their places.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn place(&mut self, name: &str) -> u64 {
        let place = self.0.iter().position(|known| known == name);
        place.unwrap_or_else(|| {
            self.0.push(name.to_owned());
            self.0.len() - 1
        }) as u64
    }
}

impl Footer {
    /// As files of this version have it.
    pub fn to_bytes(&self, version: u16) -> Result<Vec<u8>> {
        let mut out = Out::default();
        out.varint(self.schema.version());
        out.varint(self.schema.columns().len() as u64);
        for column in self.schema.columns() {
            out.varint(u64::from(column.id));
            put_type(&mut out, &column.ty)?;
        }
        out.varint(self.schema.key().len() as u64);
        for place in self.schema.key() {
            out.varint(*place as u64);
        }
        out.u8(u8::from(self.ordered));
        // Names come before the chunks that refer to them, but are known after.
        let mut names = Names::default();
        let mut body = Out::default();
        body.varint(self.chunks.len() as u64);
        for chunk in &self.chunks {
            put_chunk(&mut body, &mut names, chunk);
        }
        put_block(&mut body, &self.sketches);
        if version > PLAIN {
            body.varint(self.order.len() as u64);
            for page in &self.order {
                body.varint(u64::from(page.rows));
                body.bytes(&page.last);
                put_array(&mut body, &mut names, &page.places);
                put_block(&mut body, &page.index);
            }
        }
        out.varint(names.0.len() as u64);
        for name in &names.0 {
            out.bytes(name.as_bytes());
        }
        out.0.extend_from_slice(&body.0);
        Ok(out.0)
    }

    /// # Errors
    /// Damaged.
    pub fn from_bytes(bytes: &[u8], format: u16) -> Result<Self> {
        let mut input = In::new(bytes);
        let version = input.varint()?;
        let mut columns = Vec::new();
        for _ in 0..input.count(2)? {
            columns.push(Column {
                id: input.varint32()?,
                ty: get_type(&mut input)?,
            });
        }
        let mut key = Vec::new();
        for _ in 0..input.count(1)? {
            key.push(usize::try_from(input.varint()?).unwrap_or(usize::MAX));
        }
        let schema = SegmentSchema::new(version, columns, key)
            .map_err(|error| Error::damaged(error.to_string()))?;
        let ordered = input.u8()? != 0;
        let mut names: Vec<Arc<str>> = Vec::new();
        for _ in 0..input.count(1)? {
            names.push(input.text()?.into());
        }
        let mut chunks = Vec::new();
        for _ in 0..input.count(4)? {
            chunks.push(get_chunk(&mut input, &names, &schema)?);
        }
        let sketches = get_block(&mut input)?;
        let mut order = Vec::new();
        if format > PLAIN {
            for _ in 0..input.count(4)? {
                order.push(get_page(&mut input, &names)?);
            }
        }
        input.end()?;
        let rows = chunks
            .iter()
            .map(|chunk| u64::from(chunk.rows))
            .sum::<u64>();
        let told = order.iter().map(|page| u64::from(page.rows)).sum::<u64>();
        if !order.is_empty() && (told != rows || ordered || schema.key().is_empty()) {
            return Err(Error::damaged(format!(
                "a key order of {told} rows in a segment of {rows}"
            )));
        }
        Ok(Self {
            schema,
            ordered,
            chunks,
            sketches,
            order,
        })
    }
}

fn put_block(out: &mut Out, block: &BlockAt) {
    out.varint(block.offset / ALIGN);
    out.varint(u64::from(block.length));
    out.u32(block.checksum);
}

fn get_block(input: &mut In<'_>) -> Result<BlockAt> {
    let offset = input.varint()?.checked_mul(ALIGN);
    Ok(BlockAt {
        offset: offset.ok_or_else(|| Error::damaged("block beyond any file"))?,
        length: input.varint32()?,
        checksum: input.u32()?,
    })
}

fn put_array(out: &mut Out, names: &mut Names, array: &EncodedAt) {
    put_block(out, &array.block);
    out.varint(names.place(&array.codec));
    out.varint(array.encodings.len() as u64);
    for encoding in array.encodings.iter() {
        out.varint(names.place(encoding));
    }
    out.u8(u8::from(array.nullable));
}

fn get_name(input: &mut In<'_>, names: &[Arc<str>]) -> Result<Arc<str>> {
    let place = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
    let name = names.get(place).cloned();
    name.ok_or_else(|| Error::damaged(format!("name {place} of {}", names.len())))
}

fn get_array(input: &mut In<'_>, names: &[Arc<str>]) -> Result<EncodedAt> {
    let block = get_block(input)?;
    let codec = get_name(input, names)?;
    let mut encodings = Vec::new();
    for _ in 0..input.count(1)? {
        encodings.push(get_name(input, names)?.as_ref().to_owned());
    }
    Ok(EncodedAt {
        block,
        codec,
        encodings: encodings.into(),
        nullable: input.u8()? != 0,
    })
}

fn put_chunk(out: &mut Out, names: &mut Names, chunk: &Chunk) {
    out.varint(u64::from(chunk.rows));
    for column in &chunk.columns {
        put_array(out, names, &column.data);
        out.varint(column.raw);
        out.u8(column.reason.code());
        out.varint(column.evidence.len() as u64);
        for evidence in &column.evidence {
            out.varint(names.place(&evidence.codec));
            out.varint(evidence.raw);
            out.varint(evidence.stored);
        }
        column.zone.put(out);
    }
    let Begins { min, max, data } = &chunk.begins;
    out.varint(*min);
    out.varint(max - min);
    out.u8(u8::from(data.is_some()));
    if let Some(data) = data {
        put_array(out, names, data);
    }
    if let Some(keys) = &chunk.keys {
        out.bytes(&keys.min);
        out.bytes(&keys.max);
        out.u8(u8::from(keys.index.is_some()));
        if let Some(index) = &keys.index {
            put_block(out, index);
        }
        put_block(out, &keys.bloom);
    }
}

fn get_chunk(input: &mut In<'_>, names: &[Arc<str>], schema: &SegmentSchema) -> Result<Chunk> {
    let rows = input.varint32()?;
    if rows == 0 || rows as usize > CHUNK_ROWS {
        return Err(Error::damaged(format!("chunk of {rows} rows")));
    }
    let mut columns = Vec::with_capacity(schema.columns().len());
    for _ in schema.columns() {
        columns.push(get_column(input, names)?);
    }
    let min = input.varint()?;
    let span = input.varint()?;
    let max = min
        .checked_add(span)
        .ok_or_else(|| Error::damaged("begin SCN beyond 64 bits"))?;
    let data = match input.u8()? {
        0 => None,
        _ => Some(get_array(input, names)?),
    };
    if data.is_none() && span > 0 {
        return Err(Error::damaged("begin SCNs differ and are not there"));
    }
    let keys = if schema.key().is_empty() {
        None
    } else {
        Some(Keys {
            min: input.bytes()?.to_vec(),
            max: input.bytes()?.to_vec(),
            index: match input.u8()? {
                0 => None,
                _ => Some(get_block(input)?),
            },
            bloom: get_block(input)?,
        })
    };
    Ok(Chunk {
        rows,
        columns,
        begins: Begins { min, max, data },
        keys,
    })
}

fn get_page(input: &mut In<'_>, names: &[Arc<str>]) -> Result<OrderPage> {
    let rows = input.varint32()?;
    if rows == 0 || rows as usize > CHUNK_ROWS {
        return Err(Error::damaged(format!("page of {rows} keys")));
    }
    Ok(OrderPage {
        rows,
        last: input.bytes()?.to_vec(),
        places: get_array(input, names)?,
        index: get_block(input)?,
    })
}

fn get_column(input: &mut In<'_>, names: &[Arc<str>]) -> Result<ColumnChunk> {
    let data = get_array(input, names)?;
    let raw = input.varint()?;
    let reason = Reason::of_code(input.u8()?)?;
    let mut evidence = Vec::new();
    for _ in 0..input.count(3)? {
        evidence.push(Evidence {
            codec: get_name(input, names)?.as_ref().to_owned(),
            raw: input.varint()?,
            stored: input.varint()?,
        });
    }
    Ok(ColumnChunk {
        data,
        raw,
        reason,
        evidence,
        zone: Zone::get(input)?,
    })
}
