//! Cursors over rows and index entries: the same sources that a point read asks, merged in key
//! order.
//!
//! A row cursor has one *source* per link of the branch chain and one for own writes. Each source
//! stands on its next key; the nearest source with the smallest key decides (the largest in reverse)
//! and the others skip that key. A source walks `Current`, which has every key of its branch, and
//! looks into `History` only for keys that changed after its change number.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use bytes::Bytes;
use helios_base::{BranchId, IndexId, Result, Scn, TableId};
use helios_kv::{Cursor, Keyspace, KvSnapshot};

use crate::branch::Link;
use crate::keys::{self, ObjectRange, PREFIX, SUFFIX, Stored};
use crate::pipeline::SharedWrites;
use crate::row::{Bounds, RowRef};
use crate::writes::Own;

/// Keeps something alive as long as a cursor.
pub(crate) type Guard = Arc<dyn Send + Sync>;

/// Rows of one table in key order, as of a snapshot.
///
/// Lives on its own: the snapshot it came from may go.
pub struct RowCursor {
    own: Option<OwnRows>,
    sources: Vec<Source>,
    reverse: bool,
    /// Who provided the last row: its buffers may be lent out.
    lent: Option<usize>,
    _guard: Guard,
}

/// A key with what one source says of it.
#[derive(Default)]
struct Head {
    /// With the prefix of the keyspace.
    key: Vec<u8>,
    begin: Scn,
    row: Option<Vec<u8>>,
    /// Buffer of `row` while that is a tombstone.
    spare: Vec<u8>,
    valid: bool,
}

/// One branch of the chain.
struct Source {
    table: TableId,
    link: Link,
    current: Box<dyn Cursor>,
    kv: Arc<dyn KvSnapshot>,
    history: Option<Box<dyn Cursor>>,
    head: Head,
}

/// Own writes made before the cursor was opened.
struct OwnRows {
    writes: SharedWrites,
    table: TableId,
    limit: usize,
    range: (Bound<Vec<u8>>, Bound<Vec<u8>>),
    head: Option<(Vec<u8>, Own)>,
}

/// What a version in `Current` or `History` says to a reader.
enum Decided<'a> {
    Version(Scn, Option<&'a [u8]>),
    Older,
}

fn decide(value: &[u8], scn: Scn) -> Result<Decided<'_>> {
    let stored = Stored::decode(value)?;
    Ok(if stored.scn <= scn {
        Decided::Version(stored.scn, stored.row)
    } else {
        Decided::Older
    })
}

impl Head {
    #[inline]
    fn set(&mut self, key: &[u8], begin: Scn, row: Option<&[u8]>) {
        self.key.clear();
        self.key.extend_from_slice(key);
        self.begin = begin;
        self.set_row(row);
        self.valid = true;
    }

    #[inline]
    fn set_row(&mut self, row: Option<&[u8]>) {
        match (row, &mut self.row) {
            (Some(row), Some(buffer)) => {
                buffer.clear();
                buffer.extend_from_slice(row);
            }
            (Some(row), empty) => {
                let mut buffer = std::mem::take(&mut self.spare);
                buffer.clear();
                buffer.extend_from_slice(row);
                *empty = Some(buffer);
            }
            (None, full) => {
                if let Some(buffer) = full.take() {
                    self.spare = buffer;
                }
            }
        }
    }

    fn pk(&self) -> &[u8] {
        self.key.get(PREFIX..).unwrap_or_default()
    }
}

impl Source {
    fn new(
        kv: &Arc<dyn KvSnapshot>,
        table: TableId,
        link: Link,
        range: Bounds<'_>,
        reverse: bool,
    ) -> Result<Self> {
        let range = ObjectRange::new(table.0, link.branch, range);
        Ok(Self {
            table,
            link,
            current: kv.scan(Keyspace::Current, range.bounds(), reverse)?,
            kv: Arc::clone(kv),
            history: None,
            head: Head::default(),
        })
    }

    /// Moves to the next key of which this branch says anything at its change number.
    #[inline]
    fn advance(&mut self) -> Result<()> {
        loop {
            let Some((key, value)) = self.current.next()? else {
                self.head.valid = false;
                return Ok(());
            };
            match decide(value, self.link.scn)? {
                Decided::Version(begin, row) => {
                    self.head.set(key, begin, row);
                    return Ok(());
                }
                Decided::Older => {
                    self.head.key.clear();
                    self.head.key.extend_from_slice(key);
                    if self.look_back()? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Finds the older version of `head.key`. False if there is none for this reader.
    #[cold]
    fn look_back(&mut self) -> Result<bool> {
        let history = match &mut self.history {
            Some(history) => history,
            empty => {
                let range = ObjectRange::all(self.table.0, self.link.branch);
                empty.insert(self.kv.scan(Keyspace::History, range.bounds(), false)?)
            }
        };
        let mut seek = Vec::with_capacity(self.head.key.len() + SUFFIX);
        seek.extend_from_slice(&self.head.key);
        seek.extend_from_slice(&(!self.link.scn.0).to_be_bytes());
        history.seek(&seek)?;
        let Some((key, value)) = history.next()? else {
            return Ok(false);
        };
        let (row_key, begin) = keys::split_history(key)?;
        if row_key != self.head.key {
            return Ok(false);
        }
        let stored = Stored::decode(value)?;
        self.head.begin = begin;
        // A gap between two versions: deleted.
        self.head
            .set_row(stored.row.filter(|_| stored.scn > self.link.scn));
        self.head.valid = true;
        Ok(true)
    }
}

impl OwnRows {
    fn advance(&mut self, reverse: bool) -> Result<()> {
        if let Some((key, _)) = self.head.take() {
            if reverse {
                self.range.1 = Bound::Excluded(key);
            } else {
                self.range.0 = Bound::Excluded(key);
            }
        }
        let range = (
            self.range.0.as_ref().map(Vec::as_slice),
            self.range.1.as_ref().map(Vec::as_slice),
        );
        self.head = self
            .writes
            .read()
            .next_row(self.table, range, reverse, self.limit)?;
        Ok(())
    }
}

/// Whether `a` comes before `b` in the direction of the scan.
#[inline]
fn precedes(a: &[u8], b: &[u8], reverse: bool) -> bool {
    if reverse { a > b } else { a < b }
}

/// The own writes as a source's number.
const OWN: usize = usize::MAX;

impl RowCursor {
    pub(crate) fn new(
        kv: &Arc<dyn KvSnapshot>,
        links: impl Iterator<Item = Link>,
        table: TableId,
        range: Bounds<'_>,
        reverse: bool,
        guard: Guard,
    ) -> Result<Self> {
        let mut sources = Vec::with_capacity(1);
        for link in links {
            sources.push(Source::new(kv, table, link, range, reverse)?);
        }
        let mut cursor = Self {
            own: None,
            sources,
            reverse,
            lent: None,
            _guard: guard,
        };
        if cursor.sources.len() > 1 {
            for source in &mut cursor.sources {
                source.advance()?;
            }
        }
        Ok(cursor)
    }

    /// Puts own writes on top. Call it before the first row.
    pub(crate) fn with_own(
        mut self,
        writes: SharedWrites,
        table: TableId,
        limit: usize,
        range: Bounds<'_>,
    ) -> Result<Self> {
        if self.sources.len() == 1 {
            for source in &mut self.sources {
                source.advance()?;
            }
        }
        let mut own = OwnRows {
            writes,
            table,
            limit,
            range: (range.0.map(<[u8]>::to_vec), range.1.map(<[u8]>::to_vec)),
            head: None,
        };
        own.advance(self.reverse)?;
        self.own = Some(own);
        Ok(self)
    }

    /// The next row, or `None` at the end. The row is valid until the next call.
    ///
    /// # Errors
    /// `Corrupt` when stored bytes are wrong, `Io` when the disk refuses.
    #[allow(clippy::should_implement_trait, reason = "a lending iterator")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<RowRef<'_>>> {
        if self.own.is_some() || self.sources.len() != 1 {
            return self.next_merged();
        }
        let Some(source) = self.sources.first_mut() else {
            return Ok(None);
        };
        loop {
            source.advance()?;
            if !source.head.valid {
                return Ok(None);
            }
            if source.head.row.is_some() {
                break;
            }
        }
        let head = &source.head;
        Ok(head.row.as_deref().map(|row| RowRef {
            pk: head.pk(),
            begin: head.begin,
            row,
        }))
    }

    fn next_merged(&mut self) -> Result<Option<RowRef<'_>>> {
        let winner = loop {
            if let Some(lent) = self.lent.take() {
                self.skip(lent)?;
            }
            let Some(winner) = self.nearest() else {
                return Ok(None);
            };
            self.lent = Some(winner);
            if self.has_row(winner) {
                break winner;
            }
        };
        if winner == OWN {
            let head = self.own.as_ref().and_then(|own| own.head.as_ref());
            return Ok(match head {
                Some((pk, Own::Put(row))) => Some(RowRef {
                    pk,
                    begin: Scn::MAX,
                    row,
                }),
                _ => None,
            });
        }
        let head = &self.sources[winner].head;
        Ok(head.row.as_deref().map(|row| RowRef {
            pk: head.pk(),
            begin: head.begin,
            row,
        }))
    }

    /// The nearest source with the next key.
    fn nearest(&self) -> Option<usize> {
        let mut best: Option<(usize, &[u8])> = self
            .own
            .as_ref()
            .and_then(|own| own.head.as_ref())
            .map(|(pk, _)| (OWN, pk.as_slice()));
        for (number, source) in self.sources.iter().enumerate() {
            if source.head.valid
                && best.is_none_or(|(_, pk)| precedes(source.head.pk(), pk, self.reverse))
            {
                best = Some((number, source.head.pk()));
            }
        }
        best.map(|(number, _)| number)
    }

    fn has_row(&self, number: usize) -> bool {
        match self.sources.get(number) {
            Some(source) => source.head.row.is_some(),
            None => matches!(
                self.own.as_ref().and_then(|own| own.head.as_ref()),
                Some((_, Own::Put(_)))
            ),
        }
    }

    /// Moves every source that stands on the key of `number` past it.
    fn skip(&mut self, number: usize) -> Result<()> {
        let pk = match self.sources.get(number) {
            Some(source) => source.head.pk().to_vec(),
            None => match self.own.as_ref().and_then(|own| own.head.as_ref()) {
                Some((pk, _)) => pk.clone(),
                None => return Ok(()),
            },
        };
        if let Some(own) = &mut self.own
            && own.head.as_ref().is_some_and(|(key, _)| *key == pk)
        {
            own.advance(self.reverse)?;
        }
        for source in &mut self.sources {
            if source.head.valid && source.head.pk() == pk {
                source.advance()?;
            }
        }
        Ok(())
    }

    /// Hands the remaining rows to `visit` until it breaks: the fastest way to read many.
    ///
    /// # Errors
    /// As [`RowCursor::next`], and whatever `visit` returns.
    pub fn for_each(
        &mut self,
        visit: &mut dyn FnMut(RowRef<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        if self.own.is_none()
            && let [source] = self.sources.as_mut_slice()
        {
            // Rows go from the store to `visit` without a copy.
            while let Some((key, value)) = source.current.next()? {
                let flow = match decide(value, source.link.scn)? {
                    Decided::Version(begin, Some(row)) => visit(RowRef {
                        pk: key.get(PREFIX..).unwrap_or_default(),
                        begin,
                        row,
                    })?,
                    Decided::Version(_, None) => continue,
                    Decided::Older => {
                        source.head.key.clear();
                        source.head.key.extend_from_slice(key);
                        let found = source.look_back()?;
                        let head = &source.head;
                        match &head.row {
                            Some(row) if found => visit(RowRef {
                                pk: head.pk(),
                                begin: head.begin,
                                row,
                            })?,
                            _ => continue,
                        }
                    }
                };
                if flow.is_break() {
                    return Ok(flow);
                }
            }
            return Ok(ControlFlow::Continue(()));
        }
        while let Some(row) = self.next_merged()? {
            let flow = visit(row)?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The remaining rows, copied: for tests and small results.
    ///
    /// # Errors
    /// As [`RowCursor::next`].
    pub fn collect(mut self) -> Result<Vec<(Vec<u8>, Bytes)>> {
        let mut rows = Vec::new();
        while let Some(row) = self.next()? {
            rows.push((row.pk.to_vec(), Bytes::copy_from_slice(row.row)));
        }
        Ok(rows)
    }
}

/// Entries of one index in key order: candidates, each key once.
///
/// Lives on its own: the snapshot it came from may go.
pub struct KeyCursor {
    own: Option<OwnKeys>,
    sources: Vec<KeySource>,
    reverse: bool,
    key: Vec<u8>,
    _guard: Guard,
}

/// The entries of one branch, and the one it stands on.
type KeySource = (Box<dyn Cursor>, Option<Vec<u8>>);

struct OwnKeys {
    writes: SharedWrites,
    index: IndexId,
    limit: usize,
    range: (Bound<Vec<u8>>, Bound<Vec<u8>>),
    head: Option<Vec<u8>>,
}

impl OwnKeys {
    fn advance(&mut self, reverse: bool) -> Result<()> {
        if let Some(key) = self.head.take() {
            if reverse {
                self.range.1 = Bound::Excluded(key);
            } else {
                self.range.0 = Bound::Excluded(key);
            }
        }
        let range = (
            self.range.0.as_ref().map(Vec::as_slice),
            self.range.1.as_ref().map(Vec::as_slice),
        );
        self.head = self
            .writes
            .read()
            .next_entry(self.index, range, reverse, self.limit)?;
        Ok(())
    }
}

fn advance_keys(source: &mut KeySource) -> Result<()> {
    match source.0.next()? {
        Some((key, _)) => {
            let head = source.1.get_or_insert_default();
            head.clear();
            head.extend_from_slice(key.get(PREFIX..).unwrap_or_default());
        }
        None => source.1 = None,
    }
    Ok(())
}

impl KeyCursor {
    pub(crate) fn new(
        kv: &Arc<dyn KvSnapshot>,
        branches: impl Iterator<Item = BranchId>,
        index: IndexId,
        range: Bounds<'_>,
        reverse: bool,
        guard: Guard,
    ) -> Result<Self> {
        let mut sources = Vec::with_capacity(1);
        for branch in branches {
            let range = ObjectRange::new(index.0, branch, range);
            let cursor = kv.scan(Keyspace::Index, range.bounds(), reverse)?;
            let mut source = (cursor, None);
            advance_keys(&mut source)?;
            sources.push(source);
        }
        Ok(Self {
            own: None,
            sources,
            reverse,
            key: Vec::new(),
            _guard: guard,
        })
    }

    /// Adds own entries. Call it before the first key.
    pub(crate) fn with_own(
        mut self,
        writes: SharedWrites,
        index: IndexId,
        limit: usize,
        range: Bounds<'_>,
    ) -> Result<Self> {
        let mut own = OwnKeys {
            writes,
            index,
            limit,
            range: (range.0.map(<[u8]>::to_vec), range.1.map(<[u8]>::to_vec)),
            head: None,
        };
        own.advance(self.reverse)?;
        self.own = Some(own);
        Ok(self)
    }

    /// The next key, or `None` at the end. The key is valid until the next call.
    ///
    /// # Errors
    /// As [`RowCursor::next`].
    #[allow(clippy::should_implement_trait, reason = "a lending iterator")]
    pub fn next(&mut self) -> Result<Option<&[u8]>> {
        let own = self.own.as_ref().and_then(|own| own.head.as_deref());
        let mut best = own;
        for (_, head) in &self.sources {
            if let Some(key) = head.as_deref()
                && best.is_none_or(|best| precedes(key, best, self.reverse))
            {
                best = Some(key);
            }
        }
        let Some(best) = best else { return Ok(None) };
        self.key.clear();
        self.key.extend_from_slice(best);
        if let Some(own) = &mut self.own
            && own.head.as_ref() == Some(&self.key)
        {
            own.advance(self.reverse)?;
        }
        for source in &mut self.sources {
            if source.1.as_ref() == Some(&self.key) {
                advance_keys(source)?;
            }
        }
        Ok(Some(&self.key))
    }

    /// The remaining keys, copied: for tests and small results.
    ///
    /// # Errors
    /// As [`RowCursor::next`].
    pub fn collect(mut self) -> Result<Vec<Vec<u8>>> {
        let mut keys = Vec::new();
        while let Some(key) = self.next()? {
            keys.push(key.to_vec());
        }
        Ok(keys)
    }
}
