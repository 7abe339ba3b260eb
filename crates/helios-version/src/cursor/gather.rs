//! Rows of which a reader of the past wants older versions, looked up together.
//!
//! Finding the older version of one row means finding a place in `History`. Where every row has one, walking
//! `History` beside `Current` is much cheaper than finding as many places.

use std::cmp::Ordering;
use std::ops::{Bound, ControlFlow, Range};

use helios_base::{Result, Scn};
use helios_kv::Cursor;

use crate::history::{self, Replaced};
use crate::keys::{self, PREFIX, SUFFIX};
use crate::row::RowRef;

/// Entries of `History` that are walked over before looking for a place again.
const STRIDE: usize = 24;

/// What is known of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// It has a newer version than the reader may see; the older one is not looked up yet.
    Older,
    Row,
    Deleted,
    /// The branch says nothing of it.
    Nothing,
}

struct Item {
    /// Where its key is, prefix included, and where its row.
    key: Range<usize>,
    row: Range<usize>,
    begin: Scn,
    what: What,
}

/// Rows in key order, some of which are still to be shown.
#[derive(Default)]
pub(super) struct Gathered {
    bytes: Vec<u8>,
    items: Vec<Item>,
    /// The next one to be shown.
    next: usize,
    seek: Vec<u8>,
}

impl Gathered {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Forgets all rows.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
        self.next = 0;
    }

    fn push(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// Adds a row whose version is known: `None` if it is deleted.
    pub(super) fn push_known(&mut self, key: &[u8], begin: Scn, row: Option<&[u8]>) {
        let what = if row.is_some() {
            What::Row
        } else {
            What::Deleted
        };
        let key = self.push(key);
        let row = self.push(row.unwrap_or_default());
        self.items.push(Item {
            key,
            row,
            begin,
            what,
        });
    }

    /// Adds a row whose older version is to be looked up.
    pub(super) fn push_older(&mut self, key: &[u8]) {
        let key = self.push(key);
        self.items.push(Item {
            key,
            row: 0..0,
            begin: Scn::ZERO,
            what: What::Older,
        });
    }

    /// Looks up what is to be looked up, as of `scn`, in `History` of the same table and branch.
    pub(super) fn resolve(&mut self, history: &mut dyn Cursor, scn: Scn) -> Result<()> {
        let mut at = self.next_older(0);
        let (mut stride, mut in_vain) = (STRIDE, 0);
        let mut buffer = Vec::new();
        while let Some(item) = self.items.get(at) {
            self.seek.clear();
            self.seek.reserve(item.key.len() + SUFFIX);
            self.seek
                .extend_from_slice(self.bytes.get(item.key.clone()).unwrap_or_default());
            self.seek.extend_from_slice(&(!scn.0).to_be_bytes());
            history.seek(&self.seek)?;
            let mut passed = 0;
            let flow = history.visit(Bound::Unbounded, &mut |key, value| {
                let (row_key, oldest) = keys::split_history(key)?;
                while let Some(item) = self.items.get(at) {
                    let wanted = self.bytes.get(item.key.clone()).unwrap_or_default();
                    match row_key.cmp(wanted) {
                        Ordering::Greater => {
                            self.found(at, None);
                            at = self.next_older(at + 1);
                            if stride == 0 {
                                return Ok(ControlFlow::Break(()));
                            }
                        }
                        Ordering::Equal if oldest <= scn => {
                            let version = history::at(oldest, value, scn, &mut buffer)?;
                            // Behind a gap between two versions it is deleted.
                            self.found(at, Some(version.filter(|version| version.end > scn)));
                            at = self.next_older(at + 1);
                            passed = 0;
                            break;
                        }
                        _ => {
                            passed += 1;
                            break;
                        }
                    }
                }
                let on = at < self.items.len() && passed <= stride && stride > 0;
                Ok(if on {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                })
            })?;
            if flow.is_continue() {
                // There is no more history.
                while at < self.items.len() {
                    self.found(at, None);
                    at = self.next_older(at + 1);
                }
            }
            in_vain += usize::from(passed > stride);
            if in_vain > 2 {
                // Too much lies between: every row is looked for.
                stride = 0;
            }
        }
        Ok(())
    }

    /// The first row from `at` on that is still to be looked up.
    fn next_older(&self, at: usize) -> usize {
        let rest = self.items.iter().skip(at);
        at + rest.take_while(|item| item.what != What::Older).count()
    }

    /// Notes what `History` has of an item: nothing, a deletion, or a version.
    fn found(&mut self, at: usize, version: Option<Option<Replaced<'_>>>) {
        let what = match version {
            None => What::Nothing,
            Some(version) if version.is_some_and(|version| version.row.is_some()) => What::Row,
            Some(_) => What::Deleted,
        };
        let version = version.flatten();
        let row = version.and_then(|version| version.row);
        let row = self.push(row.unwrap_or_default());
        if let Some(item) = self.items.get_mut(at) {
            item.what = what;
            item.begin = version.map_or(Scn::ZERO, |version| version.begin);
            item.row = row;
        }
    }

    /// Takes the next row of which the branch says anything.
    pub(super) fn take(&mut self) -> Option<usize> {
        while let Some(item) = self.items.get(self.next) {
            self.next += 1;
            if item.what != What::Nothing {
                return Some(self.next - 1);
            }
        }
        None
    }

    /// The key of row `at`, without prefix.
    pub(super) fn key(&self, at: usize) -> Option<&[u8]> {
        let item = self.items.get(at)?;
        self.bytes.get(item.key.start + PREFIX..item.key.end)
    }

    /// Row `at`, unless it is deleted.
    pub(super) fn row(&self, at: usize) -> Option<RowRef<'_>> {
        let item = self.items.get(at).filter(|item| item.what == What::Row)?;
        Some(RowRef {
            pk: self.key(at)?,
            begin: item.begin,
            row: self.bytes.get(item.row.clone())?,
        })
    }

    /// Takes the next row, as [`Gathered::take`], if its key is below `until`; `Some(None)` says that
    /// there are rows at or beyond.
    pub(super) fn take_before(&mut self, until: Option<&[u8]>) -> Option<Option<usize>> {
        let at = self.take()?;
        let beyond = match (until, self.key(at)) {
            (Some(until), Some(key)) => key >= until,
            _ => false,
        };
        if beyond {
            self.next = at;
            return Some(None);
        }
        Some(Some(at))
    }
}
