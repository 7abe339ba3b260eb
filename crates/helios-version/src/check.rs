//! Verifying the invariants that bind the keyspaces together.

mod segments;

use std::ops::Bound;
use std::sync::atomic::Ordering;

use helios_base::{BranchId, Result, Scn, TableId};
use helios_kv::{Keyspace, KvSnapshot};

use crate::branch::BranchTree;
use crate::codec::Reader;
use crate::commit::CommitInfo;
use crate::core::Core;
use crate::history::{self, Replaced};
use crate::keys::{self, Stored};
use crate::row::IndexEntry;

/// Faults after which the check gives up: the list would not get more useful.
const FAULTS_MAX: usize = 1000;

const ALL: (Bound<&[u8]>, Bound<&[u8]>) = (Bound::Unbounded, Bound::Unbounded);

struct Checker<'a> {
    core: &'a Core,
    kv: &'a dyn KvSnapshot,
    tree: &'a BranchTree,
    newest: Scn,
    faults: Vec<String>,
}

/// Looks through all keyspaces; one line per fault.
pub(crate) fn check(core: &Core) -> Result<Vec<String>> {
    // One moment for all keyspaces, with no commit half applied.
    let (kv, tree, newest, first) = core.between_commits(|_| {
        Ok((
            core.kv.snapshot(),
            core.tree.load_full(),
            core.published(),
            Scn(core.first_commit.load(Ordering::Acquire)),
        ))
    })?;
    let mut checker = Checker {
        core,
        kv: &*kv,
        tree: &tree,
        newest,
        faults: Vec::new(),
    };
    checker.branches();
    checker.rows()?;
    checker.history()?;
    checker.commits(first)?;
    checker.index()?;
    checker.segments()?;
    Ok(checker.faults)
}

impl Checker<'_> {
    fn fault(&mut self, text: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(text);
        }
    }

    /// Notes an error of decoding and goes on.
    fn sound<T>(&mut self, result: Result<T>, at: impl FnOnce() -> String) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(format!("{}: {error}", at()));
                None
            }
        }
    }

    fn branches(&mut self) {
        let tree = self.tree;
        for node in tree.all() {
            let branch = &node.branch;
            let Some(parent) = branch.parent else {
                if branch.id != BranchId::MAIN {
                    self.fault(format!("branch {} has no parent", branch.id));
                }
                continue;
            };
            if tree.any(parent).is_none() {
                self.fault(format!("branch {}: its parent {parent} is gone", branch.id));
            }
            if branch.fork >= branch.created {
                self.fault(format!(
                    "branch {} was created by commit {} from the later commit {}",
                    branch.id, branch.created, branch.fork
                ));
            }
        }
        if tree.any(BranchId::MAIN).is_none() {
            self.fault("there is no main branch".into());
        }
    }

    fn row_place(&self, key: &[u8]) -> String {
        match keys::split(key) {
            Ok((table, branch, pk)) => format!("table {table} branch {branch} key {pk:02x?}"),
            Err(_) => format!("key {key:02x?}"),
        }
    }

    /// `Current`: branches exist, versions decode and are not from the future, and every row has its
    /// index entries somewhere in the chain.
    fn rows(&mut self) -> Result<()> {
        let indexer = self.core.indexer.load_full();
        let mut cursor = self.kv.scan(Keyspace::Current, ALL, false)?;
        let mut entries = Vec::new();
        while let Some((key, value)) = cursor.next()? {
            let place = || self.row_place(key);
            let place_text = place();
            let Some((table, branch, pk)) = self.sound(keys::split(key), || place_text.clone())
            else {
                continue;
            };
            let Some(stored) = self.sound(Stored::decode(value), || place_text.clone()) else {
                continue;
            };
            let Some(node) = self.tree.any(branch).cloned() else {
                self.fault(format!("{place_text}: the branch does not exist"));
                continue;
            };
            if stored.scn > self.newest || stored.scn == Scn::ZERO {
                self.fault(format!(
                    "{place_text}: begins at {}, the newest commit is {}",
                    stored.scn, self.newest
                ));
            }
            if node.branch.parent.is_some() && stored.scn <= node.branch.fork {
                self.fault(format!("{place_text}: is older than its branch"));
            }
            let (Some(indexer), Some(row)) = (&indexer, stored.row) else {
                continue;
            };
            entries.clear();
            indexer.entries(branch, TableId(table), pk, row, &mut entries);
            for entry in &entries {
                if !self.has_entry(entry, branch)? {
                    self.fault(format!(
                        "{place_text}: has no entry in index {}",
                        entry.index
                    ));
                }
            }
        }
        Ok(())
    }

    fn has_entry(&self, entry: &IndexEntry, branch: BranchId) -> Result<bool> {
        let mut key = Vec::new();
        let mut next = Some(branch);
        while let Some(branch) = next {
            keys::object_key(&mut key, entry.index.0, branch, &entry.key);
            if self.kv.get(Keyspace::Index, &key)?.is_some() {
                return Ok(true);
            }
            next = self.tree.any(branch).and_then(|node| node.branch.parent);
        }
        Ok(false)
    }

    /// `History`: every key is in `Current`, intervals do not overlap and end where the next begins
    /// (or before it, on a branch without a parent).
    fn history(&mut self) -> Result<()> {
        let mut cursor = self.kv.scan(Keyspace::History, ALL, false)?;
        // The key and the begin of its next younger version.
        let mut row_key: Vec<u8> = Vec::new();
        let mut younger = Scn::MAX;
        while let Some((key, value)) = cursor.next()? {
            let Some((current, oldest)) = self.sound(keys::split_history(key), || "history".into())
            else {
                continue;
            };
            let place = self.row_place(current);
            if row_key != current {
                row_key.clear();
                row_key.extend_from_slice(current);
                younger = match self.kv.get(Keyspace::Current, current)? {
                    Some(value) => match self.sound(Stored::decode(&value), || place.clone()) {
                        Some(stored) => stored.scn,
                        None => Scn::MAX,
                    },
                    None => {
                        self.fault(format!("{place}: has history but no current version"));
                        Scn::MAX
                    }
                };
            }
            let is_root = match keys::split(current) {
                Ok((_, branch, _)) => self
                    .tree
                    .any(branch)
                    .is_some_and(|node| node.branch.parent.is_none()),
                Err(_) => false,
            };
            // Those that were made while there were some stay until they are collected.
            let had_segments = self.core.cold.had_any();
            let read = history::each(oldest, value, &mut |version| {
                let Replaced { begin, end, row } = version;
                if begin >= end || end > younger {
                    self.fault(format!(
                        "{place}: version [{begin}, {end}) overlaps the next, which begins at {younger}"
                    ));
                }
                if is_root && row.is_none() && !had_segments {
                    self.fault(format!(
                        "{place}: a tombstone in the history of a root branch"
                    ));
                }
                younger = begin;
                Ok(())
            });
            self.sound(read, || place.clone());
        }
        Ok(())
    }

    /// `Commits` and `Txids`: dense from the first kept commit, times and positions grow, and each
    /// transaction leads to its commit.
    fn commits(&mut self, first: Scn) -> Result<()> {
        let mut cursor = self.kv.scan(Keyspace::Commits, ALL, false)?;
        let mut last: Option<CommitInfo> = None;
        let mut with_txid = 0u64;
        while let Some((key, value)) = cursor.next()? {
            let Ok(key) = key.try_into() else {
                self.fault(format!("commit key {key:02x?} is malformed"));
                continue;
            };
            let scn = Scn(u64::from_be_bytes(key));
            let decoded = CommitInfo::decode(scn, value);
            let Some(info) = self.sound(decoded, || format!("commit {scn}")) else {
                continue;
            };
            if let Some(last) = &last {
                let gap = last.scn >= first && scn != last.scn.next();
                if gap || info.time <= last.time || info.position <= last.position {
                    self.fault(format!("commit {scn} does not follow commit {}", last.scn));
                }
            }
            if info.txid.0 != 0 {
                with_txid += 1;
                let found = self.kv.get(Keyspace::Txids, &keys::txid_key(info.txid))?;
                let leads_here = found.is_some_and(|value| {
                    Reader::new(&value, "transaction record").varint().ok() == Some(scn.0)
                });
                if !leads_here {
                    self.fault(format!(
                        "transaction {} does not lead to commit {scn}",
                        info.txid
                    ));
                }
            }
            last = Some(info);
        }
        let newest = last.map_or(Scn::ZERO, |info| info.scn);
        if newest != self.newest {
            self.fault(format!(
                "the newest commit record is {newest}, the newest commit {}",
                self.newest
            ));
        }
        let mut cursor = self.kv.scan(Keyspace::Txids, ALL, false)?;
        let mut txids = 0;
        while cursor.next()?.is_some() {
            txids += 1;
        }
        if txids != with_txid {
            self.fault(format!(
                "{txids} transaction records for {with_txid} commits"
            ));
        }
        Ok(())
    }

    /// `Index`: keys are whole and their branches exist.
    fn index(&mut self) -> Result<()> {
        let mut cursor = self.kv.scan(Keyspace::Index, ALL, false)?;
        while let Some((key, value)) = cursor.next()? {
            let Some((index, branch, _)) = self.sound(keys::split(key), || "index".into()) else {
                continue;
            };
            if self.tree.any(branch).is_none() || !value.is_empty() {
                self.fault(format!("index {index}: a damaged entry on branch {branch}"));
            }
        }
        Ok(())
    }
}
