//! Opening a database: format, state, and the log's tail.
//!
//! A database is a directory: `state.redb` and the lock file are the state store's, `log/` is the
//! log's. The state store holds everything up to its mark; records from there on are applied again.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::{ArcSwap, ArcSwapOption};
use helios_base::{BranchId, Error, Result, Scn, SqlState, TableId, failpoint};
use helios_kv::{Batch, DurableKv, Keyspace, Kv, KvOptions, KvSnapshot, MemoryKv};
use helios_log::{Log, LogOptions, Position};
use parking_lot::Mutex;

use crate::ancestry;
use crate::apply::Applier;
use crate::background::Signal;
use crate::branch::{BranchTree, Node};
use crate::cache::RowCache;
use crate::chains::Chains;
use crate::codec::{Reader, put_varint};
use crate::cold::{Ages, ColdLevel, Promotion, SegmentInfo};
use crate::commit::CommitInfo;
use crate::core::{Core, now};
use crate::directory::Directory;
use crate::floors::Floors;
use crate::keys;
use crate::lock::manager::LockManager;
use crate::options::Options;
use crate::pipeline::Pipeline;
use crate::record::Record;
use crate::registry::Registry;
use crate::retention::{self, read_period};
use crate::sink::Sink;
use crate::stamps::Stamps;

/// The format of the keyspaces that this program writes.
const FORMAT: u64 = 3;

/// A new database in memory.
pub(crate) fn in_memory(options: Options) -> Result<Core> {
    let kv: Arc<dyn Kv> = Arc::new(MemoryKv::new());
    format(&*kv)?;
    let mut core = core(kv, Sink::Memory(AtomicU64::new(0)), options)?;
    resume(&mut core, None, 0)?;
    Ok(core)
}

/// The database in a directory.
pub(crate) fn open(path: &Path, options: Options) -> Result<Core> {
    open_files(path, options).map_err(|error| match error.sqlstate() {
        SqlState::INSUFFICIENT_PRIVILEGE => {
            error.with_hint("A database needs a directory and files that this user may read and write.")
        }
        SqlState::DISK_FULL => error.with_hint(
            "Free some space on the disk and open the database again; nothing that was committed is lost.",
        ),
        _ => error,
    })
}

fn open_files(path: &Path, options: Options) -> Result<Core> {
    let directory = Directory::open(path, options.create)?;
    let kv = open_state(&directory, &options)?;
    recover(kv, directory, options)
}

fn open_state(directory: &Directory, options: &Options) -> Result<Arc<dyn Kv>> {
    let kv_options = KvOptions {
        database: directory.identity,
        cache_bytes: options.page_cache_bytes,
        block_bytes: options.block_cache_bytes,
    };
    let mut state = DurableKv::open(&directory.state(), &kv_options)?;
    if options.verify {
        state.check()?;
    }
    Ok(Arc::new(state))
}

/// Brings the state up to the end of the log.
fn recover(kv: Arc<dyn Kv>, directory: Directory, options: Options) -> Result<Core> {
    if kv
        .snapshot()
        .get(Keyspace::Meta, &keys::meta_key(keys::META_FORMAT, &[]))?
        .is_none()
    {
        format(&*kv)?;
        kv.checkpoint(0)?;
    }
    let mark = kv.applied();
    let mut core = core(kv, Sink::Memory(AtomicU64::new(0)), options)?;
    let last = newest_commit(&*core.kv.snapshot())?;
    let mut replay = Replay {
        core: &core,
        last,
        parts: Vec::new(),
        parts_start: None,
        end: mark,
    };
    let log_options = LogOptions::new(directory.identity);
    let log = Log::open(
        &directory.log(),
        log_options,
        Position(mark),
        &mut |record| replay.record(record.extent.start.0, record.extent.end.0, record.bytes),
    )?;
    let (last, end) = (replay.last, replay.end);
    // Parts without their commit stay in the log: the mark may pass them, nothing refers to them.
    let end = end.max(log.end().0);
    core.log = Sink::Log(log);
    core.directory = Some(directory);
    resume(&mut core, last, end)?;
    Ok(core)
}

/// Records being applied again.
struct Replay<'a> {
    core: &'a Core,
    last: Option<(Scn, i64)>,
    parts: Vec<Vec<u8>>,
    parts_start: Option<u64>,
    end: u64,
}

impl Replay<'_> {
    fn record(&mut self, start: u64, end: u64, bytes: &[u8]) -> Result<()> {
        failpoint::hit("version.replay")?;
        let record = Record::decode(bytes).map_err(|error| {
            Error::new(
                error.sqlstate(),
                format!("{} at position {start} of the log", error.message()),
            )
        })?;
        match record {
            Record::Part(ops) => {
                self.parts_start.get_or_insert(start);
                self.parts.push(ops.to_vec());
            }
            Record::Sequence(branch, sequence, state) => {
                self.parts.clear();
                self.parts_start = None;
                let mut applier = Applier::new(self.core);
                applier.sequence(branch, sequence, state);
                applier.flush()?;
                self.end = end;
            }
            Record::Commit(head, ops) => {
                if let Some((last, _)) = self.last
                    && head.scn > last.next()
                {
                    return Err(Error::corrupt(format!(
                        "commit {} follows commit {last} at position {start} of the log",
                        head.scn
                    )));
                }
                let info = CommitInfo {
                    scn: head.scn,
                    txid: head.txid,
                    branch: head.branch,
                    time: head.time,
                    author: head.author,
                    message: head.message,
                    parents: head.parents,
                    puts: 0,
                    deletes: 0,
                    position: self.parts_start.take().unwrap_or(start),
                };
                let last = (info.scn, info.time);
                let mut parts: Vec<&[u8]> = self.parts.iter().map(Vec::as_slice).collect();
                parts.push(ops);
                let mut applier = Applier::new(self.core);
                applier.place = (self.end, end);
                applier.replay(info, &parts)?;
                applier.flush()?;
                self.parts.clear();
                self.last = Some(self.last.map_or(last, |newest| newest.max(last)));
                self.end = end;
            }
        }
        // The state file takes in what would not fit in memory.
        if self.core.kv.stats().overlay_bytes >= self.core.options.checkpoint_bytes.max(1) * 4 {
            self.core.kv.checkpoint(self.end)?;
        }
        Ok(())
    }
}

/// Continues after the newest commit.
fn resume(core: &mut Core, last: Option<(Scn, i64)>, end: u64) -> Result<()> {
    let (scn, time) = last.unwrap_or((Scn::ZERO, 0));
    core.pipeline = Pipeline::new(scn, time, end);
    let kv = core.kv.snapshot();
    let all = (Bound::Unbounded, Bound::Unbounded);
    if let Some((key, _)) = kv.scan(Keyspace::Txids, all, true)?.next()? {
        let newest = u64::from_be_bytes(Reader::new(key, "transaction key").array()?);
        core.next_txid = AtomicU64::new(newest + 1);
    }
    Ok(())
}

/// Number and time of the newest commit that a state of the store knows.
pub(crate) fn newest_commit(kv: &dyn KvSnapshot) -> Result<Option<(Scn, i64)>> {
    let all = (Bound::Unbounded, Bound::Unbounded);
    let mut cursor = kv.scan(Keyspace::Commits, all, true)?;
    match cursor.next()? {
        Some((key, value)) => {
            let scn = Scn(u64::from_be_bytes(Reader::new(key, "commit key").array()?));
            Ok(Some((scn, CommitInfo::time_of(value)?)))
        }
        None => Ok(None),
    }
}

/// Reads what the state holds besides rows.
fn core(kv: Arc<dyn Kv>, log: Sink, options: Options) -> Result<Core> {
    let snapshot = kv.snapshot();
    let mut tree = BranchTree::new(0);
    let mut pins = BTreeMap::new();
    let (mut floors, mut first_commit) = (Floors::default(), 1);
    let (mut segments, mut next_segment, mut ages) = (Vec::new(), 1, Ages::default());
    let mut promotions = Vec::new();
    let mut cursor = snapshot.scan(Keyspace::Meta, (Bound::Unbounded, Bound::Unbounded), false)?;
    while let Some((key, value)) = cursor.next()? {
        let mut key = Reader::new(key, "meta key");
        let mut value = Reader::new(value, "meta record");
        match key.u8()? {
            keys::META_FORMAT => {
                let found = value.varint()?;
                if found != FORMAT {
                    return Err(Error::unsupported(format!(
                        "the database has format {found}, this program knows {FORMAT}"
                    ))
                    .with_hint(match found < FORMAT {
                        true => "export its tables with the program that wrote it",
                        false => "open the database with a newer program",
                    }));
                }
            }
            keys::META_BRANCH => {
                let id = BranchId(u32::from_be_bytes(key.array()?));
                tree.insert(Node::decode(id, value.rest())?);
            }
            keys::META_PIN => {
                let name = String::from_utf8_lossy(key.rest()).into_owned();
                let branch = BranchId(value.varint32()?);
                pins.insert(name, (branch, Scn(value.varint()?)));
            }
            keys::META_HORIZON => {
                floors.base = Scn(value.varint()?);
                first_commit = value.varint()?;
            }
            keys::META_FLOORS => floors.decode(&mut value)?,
            keys::META_PERIOD => {
                let (table, branch, rest) = keys::split(key.rest())?;
                let scn = Scn(u64::from_be_bytes(Reader::new(rest, "period key").array()?));
                let period = read_period(&mut value)?;
                tree.note_period(branch, TableId(table), scn, period);
            }
            keys::META_NEXT_BRANCH => {
                tree.next = tree.next.max(BranchId(value.varint32()?));
            }
            keys::META_MERGE => {
                let branch = BranchId(u32::from_be_bytes(key.array()?));
                let scn = Scn(u64::from_be_bytes(key.array()?));
                let reach = ancestry::decode(value.rest())?;
                Arc::make_mut(&mut tree.merges).insert(branch, scn, reach);
            }
            keys::META_SEGMENT => segments.push(SegmentInfo::decode(key.rest(), value.rest())?),
            keys::META_NEXT_SEGMENT => next_segment = value.varint()?,
            keys::META_AGES => ages = Ages::decode(value.rest())?,
            keys::META_PROMOTION => promotions.push(Promotion::decode(key.rest(), value.rest())?),
            keys::META_SEQUENCE | keys::META_DROPPED_TABLE | keys::META_DROPPED_INDEX => {}
            _ => return Err(key.corrupt("unknown tag")),
        }
    }
    drop(cursor);
    let cold = ColdLevel::new(segments, next_segment, ages);
    cold.set_promotions(promotions);
    Ok(Core {
        kv,
        log,
        pipeline: Pipeline::new(Scn::ZERO, 0, 0),
        cache: RowCache::new(options.row_cache_bytes),
        locks: LockManager::new(),
        registry: Registry::new(floors, pins),
        tree: ArcSwap::from_pointee(tree),
        sequences: Default::default(),
        transactions: Default::default(),
        stamps: Stamps::default(),
        chains: Chains::default(),
        cold,
        indexer: ArcSwapOption::empty(),
        retention: AtomicU64::new(retention::micros(options.retention)),
        next_txid: AtomicU64::new(1),
        collector: Mutex::default(),
        replaced: AtomicU64::new(0),
        checkpoint: Mutex::default(),
        first_commit: AtomicU64::new(first_commit),
        ddl: Mutex::new(()),
        signal: Signal::default(),
        directory: None,
        options,
    })
}

/// Writes the first records of a new database.
fn format(kv: &dyn Kv) -> Result<()> {
    let mut value = Vec::new();
    put_varint(&mut value, FORMAT);
    let mut batch = Batch::new();
    batch.put(
        Keyspace::Meta,
        &keys::meta_key(keys::META_FORMAT, &[]),
        &value,
    );
    let tree = BranchTree::new(now());
    if let Some(main) = tree.any(BranchId::MAIN) {
        let key = keys::meta_key(keys::META_BRANCH, &BranchId::MAIN.0.to_be_bytes());
        batch.put(Keyspace::Meta, &key, &main.encode());
    }
    kv.apply(batch)
}
