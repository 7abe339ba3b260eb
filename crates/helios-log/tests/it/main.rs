//! Guards against losing, inventing or reordering records: after cuts, flipped bytes, failing
//! disks, rotation, recycling and crowds.

#![allow(clippy::unwrap_used)] // A test may fail by panicking.

mod crash;
mod damage;
mod faults;
mod follow;
mod group;
mod quick;
mod segments;

use std::path::Path;

use helios_base::Result;
use helios_log::{Extent, Log, LogOptions, Position, Record};

/// What an open handed out.
type Replayed = Vec<(Extent, Vec<u8>)>;

/// Options with segments so small that tests cross many.
fn options() -> LogOptions {
    LogOptions {
        segment_bytes: 4096,
        ..LogOptions::new(7)
    }
}

/// Opens the log and collects its records from `from` on.
fn open_from(dir: &Path, from: Position) -> Result<(Log, Replayed)> {
    let mut records = Vec::new();
    let mut push = |record: Record<'_>| {
        records.push((record.extent, record.bytes.to_vec()));
        Ok(())
    };
    let log = Log::open_with(Box::new(quick::Quick), dir, options(), from, &mut push)?;
    Ok((log, records))
}

/// Opens the log and collects all its records.
fn open(dir: &Path) -> Result<(Log, Vec<Vec<u8>>)> {
    let (log, records) = open_from(dir, Position(0))?;
    Ok((log, records.into_iter().map(|(_, bytes)| bytes).collect()))
}

/// A record whose content tells its number.
fn record(number: usize) -> Vec<u8> {
    let length = 8 + number * 37 % 300;
    let mut bytes = vec![number as u8; length];
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    bytes
}

fn records(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(record).collect()
}
