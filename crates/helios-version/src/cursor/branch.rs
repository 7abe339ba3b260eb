//! What one branch of the chain holds of a table, at a change number.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use helios_base::{BranchId, Result, Scn, TableId};
use helios_kv::{Cursor, Keyspace, KvSnapshot};

use super::Visitor;
use super::gather::Gathered;
use super::merged::Side;
use crate::branch::Link;
use crate::history;
use crate::keys::{self, ObjectRange, PREFIX, SUFFIX, Stored};
use crate::row::{Bounds, RowRef};

/// Rows gathered at most to look up their past together.
const BATCH: usize = 256;
/// Rows between two that changed, up to which gathering pays.
const DENSE: usize = 4;

/// Walks `Current`, which has every key of the branch, and looks into `History` only for keys that
/// changed after the reader's change number.
pub(super) struct BranchRows {
    current: Box<dyn Cursor>,
    scn: Scn,
    past: Past,
    place: Place,
    reverse: bool,
    gathered: Gathered,
    /// How many rows to gather at the next that changed; one at a time if few did.
    batch: usize,
}

/// What the branch says of the key under `current`.
#[derive(Clone, Copy)]
enum Place {
    /// There is no key.
    End,
    /// The newest version holds; the row is this many last bytes of the value, unless deleted.
    Newest(Scn, Option<usize>),
    /// The version that [`Past`] found holds.
    Past,
    /// The one that was gathered.
    Gathered(usize),
}

/// Looks up versions that were replaced.
struct Past {
    table: TableId,
    link: Link,
    kv: Arc<dyn KvSnapshot>,
    history: Option<Box<dyn Cursor>>,
    seek: Vec<u8>,
    begin: Scn,
    row: Vec<u8>,
    buffer: Vec<u8>,
    deleted: bool,
}

/// What a version in `Current` says to a reader.
enum Decided<'a> {
    Version(Scn, Option<&'a [u8]>),
    Older,
}

#[inline]
fn decide(value: &[u8], scn: Scn) -> Result<Decided<'_>> {
    let stored = Stored::decode(value)?;
    Ok(if stored.scn <= scn {
        Decided::Version(stored.scn, stored.row)
    } else {
        Decided::Older
    })
}

impl BranchRows {
    /// Stands before its first key.
    pub(super) fn new(
        kv: &Arc<dyn KvSnapshot>,
        table: TableId,
        link: Link,
        range: Bounds<'_>,
        reverse: bool,
    ) -> Result<Self> {
        let range = ObjectRange::new(table.0, link.branch, range);
        Ok(Self {
            current: kv.scan(Keyspace::Current, range.bounds(), reverse)?,
            scn: link.scn,
            past: Past {
                table,
                link,
                kv: Arc::clone(kv),
                history: None,
                seek: Vec::new(),
                begin: Scn::ZERO,
                row: Vec::new(),
                buffer: Vec::new(),
                deleted: false,
            },
            place: Place::End,
            reverse,
            gathered: Gathered::default(),
            batch: 1,
        })
    }

    /// Moves to the next key of which this branch says anything at its change number.
    #[inline]
    pub(super) fn step(&mut self) -> Result<bool> {
        if let Some(at) = self.gathered.take() {
            self.place = Place::Gathered(at);
            return Ok(true);
        }
        while self.current.step()? {
            let Some((key, value)) = self.current.entry() else {
                break;
            };
            self.place = match decide(value, self.scn)? {
                Decided::Version(begin, row) => Place::Newest(begin, row.map(<[u8]>::len)),
                Decided::Older if self.past.find(key)? => Place::Past,
                Decided::Older => continue,
            };
            return Ok(true);
        }
        self.place = Place::End;
        Ok(false)
    }

    /// The version at its place; `None` if the key is deleted.
    #[inline]
    pub(super) fn row(&self) -> Option<RowRef<'_>> {
        if let Place::Gathered(at) = self.place {
            return self.gathered.row(at);
        }
        let (key, value) = self.current.entry()?;
        let pk = key.get(PREFIX..)?;
        match self.place {
            Place::Newest(begin, Some(len)) => Some(RowRef {
                pk,
                begin,
                row: value.get(value.len().checked_sub(len)?..)?,
            }),
            Place::Past if !self.past.deleted => Some(RowRef {
                pk,
                begin: self.past.begin,
                row: &self.past.row,
            }),
            _ => None,
        }
    }

    /// Shows the next rows to `visit`, straight from the store, until it breaks or a key is at or
    /// beyond `until`. Afterwards it stands on the row with which `visit` broke, or before the next
    /// key.
    pub(super) fn visit<V: Visitor + ?Sized>(
        &mut self,
        until: Option<&[u8]>,
        visit: &mut V,
    ) -> Result<ControlFlow<()>> {
        let mut limit = Vec::new();
        let bound = match until {
            Some(pk) => {
                let link = self.past.link;
                keys::object_key(&mut limit, self.past.table.0, link.branch, pk);
                Bound::Excluded(limit.as_slice())
            }
            None => Bound::Unbounded,
        };
        loop {
            match self.show_gathered(until, visit)? {
                Shown::All => {}
                Shown::Until => return Ok(ControlFlow::Continue(())),
                Shown::Broke => return Ok(ControlFlow::Break(())),
            }
            if self.show_current(bound, visit)?.is_break() {
                // It was shown: only its key counts from here on.
                self.place = Place::Newest(Scn::ZERO, None);
                return Ok(ControlFlow::Break(()));
            }
            if self.gathered.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            self.gather(bound)?;
        }
    }

    fn show_gathered<V: Visitor + ?Sized>(
        &mut self,
        until: Option<&[u8]>,
        visit: &mut V,
    ) -> Result<Shown> {
        while let Some(place) = self.gathered.take_before(until) {
            let Some(at) = place else {
                return Ok(Shown::Until);
            };
            match self.gathered.row(at) {
                Some(row) if visit.row(row)?.is_break() => {
                    self.place = Place::Gathered(at);
                    return Ok(Shown::Broke);
                }
                Some(_) => {}
                None => visit.gone(self.gathered.key(at).unwrap_or_default())?,
            }
        }
        self.gathered.clear();
        Ok(Shown::All)
    }

    /// Shows rows straight from `Current`, and single ones from `History`; ends at the first row that is
    /// to be gathered with others.
    fn show_current<V: Visitor + ?Sized>(
        &mut self,
        until: Bound<&[u8]>,
        visit: &mut V,
    ) -> Result<ControlFlow<()>> {
        let scn = self.scn;
        let Self {
            past,
            gathered,
            batch,
            reverse,
            ..
        } = self;
        let mut between = 0;
        let flow = self.current.visit(until, &mut |key, value| {
            let pk = key.get(PREFIX..).unwrap_or_default();
            match decide(value, scn)? {
                Decided::Version(begin, row) => {
                    between += 1;
                    match row {
                        Some(row) => visit.row(RowRef { pk, begin, row }),
                        None => visit.gone(pk).map(ControlFlow::Continue),
                    }
                }
                Decided::Older => {
                    if !*reverse {
                        let is_dense = between <= DENSE;
                        *batch = if is_dense {
                            (*batch * 2).min(BATCH)
                        } else {
                            (*batch / 2).max(1)
                        };
                        between = 0;
                        if *batch > DENSE {
                            gathered.push_older(key);
                            return Ok(ControlFlow::Break(()));
                        }
                    }
                    match past.find(key)? {
                        true if past.deleted => visit.gone(pk).map(ControlFlow::Continue),
                        true => visit.row(RowRef {
                            pk,
                            begin: past.begin,
                            row: &past.row,
                        }),
                        false => Ok(ControlFlow::Continue(())),
                    }
                }
            }
        })?;
        Ok(if self.gathered.is_empty() {
            flow
        } else {
            ControlFlow::Continue(())
        })
    }

    /// Gathers the rows after the first one and looks up what is to be looked up.
    fn gather(&mut self, until: Bound<&[u8]>) -> Result<()> {
        let (scn, batch) = (self.scn, self.batch);
        let gathered = &mut self.gathered;
        // Who broke is told by the number of rows.
        let _ = self.current.visit(until, &mut |key, value| {
            match decide(value, scn)? {
                Decided::Version(begin, row) => gathered.push_known(key, begin, row),
                Decided::Older => gathered.push_older(key),
            }
            Ok(if gathered.len() >= batch {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        let past = &mut self.past;
        let history = opened(&mut past.history, &past.kv, past.table, past.link)?;
        gathered.resolve(history, scn)
    }
}

/// How far gathered rows were shown.
enum Shown {
    All,
    /// Up to a key.
    Until,
    /// Up to the one with which the visitor broke.
    Broke,
}

impl Side for BranchRows {
    #[inline]
    fn key(&self) -> Option<&[u8]> {
        match self.place {
            Place::End => None,
            Place::Gathered(at) => self.gathered.key(at),
            _ => self.current.entry()?.0.get(PREFIX..),
        }
    }

    fn advance(&mut self, _reverse: bool) -> Result<()> {
        self.step().map(drop)
    }
}

impl Past {
    /// Finds the version of `key` that the reader sees. False if there is none.
    #[cold]
    fn find(&mut self, key: &[u8]) -> Result<bool> {
        self.seek.clear();
        self.seek.reserve(key.len() + SUFFIX);
        self.seek.extend_from_slice(key);
        self.seek
            .extend_from_slice(&(!self.link.scn.0).to_be_bytes());
        let history = opened(&mut self.history, &self.kv, self.table, self.link)?;
        history.seek(&self.seek)?;
        let Some((found, value)) = history.next()? else {
            return Ok(false);
        };
        let (row_key, oldest) = keys::split_history(found)?;
        if row_key != key {
            return Ok(false);
        }
        let version = history::at(oldest, value, self.link.scn, &mut self.buffer)?;
        // A gap between two versions: deleted.
        let version = version.filter(|version| version.end > self.link.scn);
        self.begin = version.map_or(Scn::ZERO, |version| version.begin);
        let row = version.and_then(|version| version.row);
        self.deleted = row.is_none();
        self.row.clear();
        self.row.extend_from_slice(row.unwrap_or_default());
        Ok(true)
    }
}

/// A cursor over the history of a table on a branch.
fn opened<'c>(
    history: &'c mut Option<Box<dyn Cursor>>,
    kv: &Arc<dyn KvSnapshot>,
    table: TableId,
    link: Link,
) -> Result<&'c mut dyn Cursor> {
    let history = match history {
        Some(history) => history,
        empty => {
            let range = ObjectRange::all(table.0, link.branch);
            empty.insert(kv.scan(Keyspace::History, range.bounds(), false)?)
        }
    };
    Ok(&mut **history)
}

/// The entries that one branch has in an index.
pub(super) struct BranchKeys {
    entries: Box<dyn Cursor>,
    ended: bool,
}

impl BranchKeys {
    /// Stands before its first key.
    pub(super) fn new(
        kv: &Arc<dyn KvSnapshot>,
        index: u32,
        branch: BranchId,
        range: Bounds<'_>,
        reverse: bool,
    ) -> Result<Self> {
        let range = ObjectRange::new(index, branch, range);
        Ok(Self {
            entries: kv.scan(Keyspace::Index, range.bounds(), reverse)?,
            ended: true,
        })
    }

    /// Moves to the next key.
    #[inline]
    pub(super) fn step(&mut self) -> Result<bool> {
        self.ended = !self.entries.step()?;
        Ok(!self.ended)
    }
}

impl Side for BranchKeys {
    #[inline]
    fn key(&self) -> Option<&[u8]> {
        if self.ended {
            return None;
        }
        self.entries.entry()?.0.get(PREFIX..)
    }

    fn advance(&mut self, _reverse: bool) -> Result<()> {
        self.step().map(drop)
    }
}
