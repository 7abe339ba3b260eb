//! Kill masks as bytes, for the caller to store wherever it keeps its rows.
//!
//! | field      | bytes                                                             |
//! |------------|-------------------------------------------------------------------|
//! | version    | 1: `1`                                                            |
//! | chunks     | varint, then per chunk:                                           |
//! | – number   | varint, difference to the previous chunk's                        |
//! | – runs     | varint, then per run: rows since the previous run's end, length − 1 (varints) |
//! | – ends     | 1: `0` one SCN (varint), `1` one per run (varints, zigzag difference to the previous run's) |

use super::KillMask;
use super::container::{Container, Ends};
use crate::error::{Error, Result};
use crate::format::bytes::{In, Out};

const VERSION: u8 = 1;

impl KillMask {
    /// The mask as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Out::default();
        out.u8(VERSION);
        out.varint(self.chunks.len() as u64);
        let mut chunk_before = 0;
        for (chunk, container) in &self.chunks {
            out.varint(u64::from(*chunk - chunk_before));
            chunk_before = *chunk;
            out.varint(container.runs.len() as u64);
            let mut next = 0;
            for (first, last) in &container.runs {
                out.varint(u64::from(*first) - next);
                out.varint(u64::from(*last - *first));
                next = u64::from(*last) + 1;
            }
            match &container.ends {
                Ends::One(end) => {
                    out.u8(0);
                    out.varint(*end);
                }
                Ends::Each(ends) => {
                    out.u8(1);
                    let mut before = 0u64;
                    for end in ends {
                        let step = end.wrapping_sub(before) as i64;
                        out.varint(((step << 1) ^ (step >> 63)) as u64);
                        before = *end;
                    }
                }
            }
        }
        out.0
    }

    /// What [`to_bytes`](KillMask::to_bytes) wrote.
    ///
    /// # Errors
    /// Damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut input = In::new(bytes);
        let version = input.u8()?;
        if version != VERSION {
            return Err(Error::too_new(format!("kill mask of version {version}")));
        }
        let mut mask = Self::new();
        let mut chunk = 0u32;
        for place in 0..input.count(4)? {
            let step = input.varint32()?;
            if place > 0 && step == 0 {
                return Err(Error::damaged("kill mask holds a chunk twice"));
            }
            chunk = chunk
                .checked_add(step)
                .ok_or_else(|| Error::damaged("kill mask of too many chunks"))?;
            mask.chunks.insert(chunk, container(&mut input)?);
        }
        input.end()?;
        Ok(mask)
    }
}

fn container(input: &mut In<'_>) -> Result<Container> {
    let count = input.count(2)?;
    let mut pieces = Vec::with_capacity(count);
    let mut next = 0u64;
    for _ in 0..count {
        let first = next.saturating_add(input.varint()?);
        let last = first.saturating_add(input.varint()?);
        let (Ok(low), Ok(high)) = (u16::try_from(first), u16::try_from(last)) else {
            return Err(Error::damaged(format!("kill of row {last} of a chunk")));
        };
        pieces.push((low, high, 0));
        next = last + 1;
    }
    match input.u8()? {
        0 => {
            let end = input.varint()?;
            pieces.iter_mut().for_each(|piece| piece.2 = end);
        }
        1 => {
            let mut end = 0u64;
            for piece in &mut pieces {
                let step = input.varint()?;
                let step = ((step >> 1) as i64) ^ -((step & 1) as i64);
                end = end.wrapping_add(step as u64);
                piece.2 = end;
            }
        }
        other => return Err(Error::damaged(format!("kill mask with ends {other}"))),
    }
    if pieces.is_empty() {
        return Err(Error::damaged("kill mask with an empty chunk"));
    }
    Ok(Container::of(pieces.into_iter()))
}
