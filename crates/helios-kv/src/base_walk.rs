//! Walking over one keyspace of the state file.

use std::cell::Cell;
use std::hint::black_box;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use helios_base::Result;
use redb::{AccessGuard, Range, ReadableTable};

use crate::Keyspace;
use crate::base::{Base, Filling, failed, is_within};
use crate::kv::Visit;
use crate::packed::Block;
use crate::page::Sorted;
use crate::state::{Raw, guarded, guarded_but};
use crate::walk::{end_within, first_within};

/// After so many entries in a row a run takes a cursor of its own, which is cheaper for each entry
/// but must find its place first.
const RANGE_RUN: usize = 32;

/// Blocks made at once by a walk that meets gaps.
const RUN_MIN: usize = 3;
const RUN_MAX: usize = 12;

/// A walk over one keyspace in one direction.
pub(crate) struct BaseWalk {
    base: Arc<Base>,
    keyspace: Keyspace,
    reverse: bool,
    place: Place,
    /// Whether it goes from block to block.
    by_blocks: bool,
    /// How many blocks it makes at the next gap.
    run: usize,
}

/// Where a walk stands.
enum Place {
    Nowhere,
    /// On this entry of a block.
    Block(Block, usize),
    /// On an entry of the file's own range.
    File(Box<InFile>),
}

struct InFile {
    range: Range<'static, Raw, Raw>,
    current: Option<(AccessGuard<'static, Raw>, AccessGuard<'static, Raw>)>,
}

impl BaseWalk {
    /// A walk that stands nowhere yet.
    pub fn new(base: &Arc<Base>, keyspace: Keyspace, reverse: bool) -> Self {
        Self {
            base: Arc::clone(base),
            keyspace,
            reverse,
            place: Place::Nowhere,
            by_blocks: base.blocks.serves(keyspace),
            run: 1,
        }
    }

    #[inline]
    pub fn key(&self) -> Option<&[u8]> {
        match &self.place {
            Place::Nowhere => None,
            Place::Block(block, at) => Some(block.key(*at)),
            Place::File(file) => file.current.as_ref().map(|(key, _)| key.value()),
        }
    }

    #[inline]
    pub fn current(&self) -> Option<(&[u8], &[u8])> {
        match &self.place {
            Place::Nowhere => None,
            Place::Block(block, at) => Some(block.entry(*at)),
            Place::File(file) => {
                let (key, value) = file.current.as_ref()?;
                Some((key.value(), value.value()))
            }
        }
    }

    /// Stands on nothing from now on, until a seek.
    pub fn finish(&mut self) {
        self.place = Place::Nowhere;
    }

    /// Moves to the next entry in the walk's direction.
    #[inline]
    pub fn step(&mut self) -> Result<()> {
        match &mut self.place {
            Place::Nowhere => Ok(()),
            Place::Block(block, at) => {
                if self.reverse {
                    if *at > 0 {
                        *at -= 1;
                        return Ok(());
                    }
                } else if *at + 1 < block.len() {
                    *at += 1;
                    return Ok(());
                }
                let block = block.clone();
                self.leave(&block)
            }
            Place::File(file) => {
                let step = file.step(self.reverse);
                if step.is_err() {
                    self.finish();
                }
                step
            }
        }
    }

    /// Goes on behind a block.
    fn leave(&mut self, block: &Block) -> Result<()> {
        self.finish();
        if self.reverse {
            self.stand_before(block, 0)
        } else {
            self.stand_at(block, block.len())
        }
    }

    /// Stands on entry `at` of a block, or on the next one that there is.
    fn stand_at(&mut self, block: &Block, mut at: usize) -> Result<()> {
        let mut block = block.clone();
        while at >= block.len() {
            let Some(next) = block.to() else {
                return Ok(());
            };
            // Who comes here reads on: the more, the longer it has done so.
            self.run = (self.run * 2).clamp(RUN_MIN, RUN_MAX);
            let Some(found) = self.base.block_at(self.keyspace, next, self.run)? else {
                return self.seek_file(Bound::Included(next), Bound::Unbounded);
            };
            at = found.count_below(next);
            block = found;
        }
        self.place = Place::Block(block, at);
        Ok(())
    }

    /// Stands on the entry before `at` of a block.
    fn stand_before(&mut self, block: &Block, mut at: usize) -> Result<()> {
        let mut block = block.clone();
        while at == 0 {
            let from = block.from();
            if from.is_empty() {
                return Ok(());
            }
            let Some(found) = self.base.block_before(self.keyspace, Some(from))? else {
                return self.seek_file(Bound::Excluded(from), Bound::Unbounded);
            };
            at = found.count_below(from);
            block = found;
        }
        self.place = Place::Block(block, at - 1);
        Ok(())
    }

    /// Shows the entries from here on to `visit`, not beyond `until`; the walk's own end is `to`.
    /// Afterwards the walk stands on the entry with which `visit` broke, else on the first one
    /// beyond `until`.
    pub fn run(
        &mut self,
        until: Bound<&[u8]>,
        to: Bound<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        if self.run_blocks(until, visit)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if !matches!(self.place, Place::File(_)) {
            return Ok(ControlFlow::Continue(()));
        }
        for _ in 0..RANGE_RUN {
            match self.current() {
                Some((key, value)) if is_within(key, until, self.reverse) => {
                    if visit(key, value)?.is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                _ => return Ok(ControlFlow::Continue(())),
            }
            self.step()?;
        }
        let Some((key, _)) = self.current() else {
            return Ok(ControlFlow::Continue(()));
        };
        let from = key.to_vec();
        self.finish();
        let (place, flow) = self.run_on(Bound::Included(&from), until, None, visit)?;
        if let Some(place) = place {
            self.seek(Bound::Included(&place), to)?;
        }
        Ok(flow)
    }

    /// [`BaseWalk::run`] over blocks, and over the file between them, as long as it stands on one.
    fn run_blocks(
        &mut self,
        until: Bound<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        loop {
            let (block, mut at) = match std::mem::replace(&mut self.place, Place::Nowhere) {
                Place::Block(block, at) => (block, at),
                other => {
                    self.place = other;
                    break;
                }
            };
            let over = if self.reverse {
                let first = first_within(&block, until);
                if at < first {
                    self.place = Place::Block(block, at);
                    break;
                }
                let mut left = at + 1;
                while left > first {
                    at = left - 1;
                    let (key, value) = block.entry(at);
                    if visit(key, value)?.is_break() {
                        self.place = Place::Block(block, at);
                        return Ok(ControlFlow::Break(()));
                    }
                    left -= 1;
                }
                at = left;
                first > 0
            } else {
                let end = end_within(&block, until);
                while at < end {
                    let (key, value) = block.entry(at);
                    if visit(key, value)?.is_break() {
                        self.place = Place::Block(block, at);
                        return Ok(ControlFlow::Break(()));
                    }
                    at += 1;
                }
                end < block.len()
            };
            if over && self.reverse {
                self.stand_before(&block, at)?;
                break;
            }
            if over {
                self.place = Place::Block(block, at);
                break;
            }
            if self.run_gap(&block, until, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Goes on behind a block that was shown whole: to the next one, or over a gap. Stands on what
    /// is to be shown next, or nowhere.
    fn run_gap(
        &mut self,
        block: &Block,
        until: Bound<&[u8]>,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        let blocks = &self.base.blocks;
        let known = match (self.reverse, block.to()) {
            (false, None) => return Ok(ControlFlow::Continue(())),
            (false, Some(to)) => blocks.around(self.keyspace, to),
            (true, _) if block.from().is_empty() => return Ok(ControlFlow::Continue(())),
            (true, _) => blocks.before(self.keyspace, Some(block.from())),
        };
        if let Some(next) = known {
            match self.reverse {
                true => self.stand_before(&next, next.count_below(block.from()))?,
                false => self.stand_at(&next, next.count_below(block.to().unwrap_or_default()))?,
            }
            return Ok(ControlFlow::Continue(()));
        }
        let (from, edge) = if self.reverse {
            let edge = blocks.previous_to(self.keyspace, Some(block.from()));
            (Bound::Excluded(block.from()), edge.map(Bound::Included))
        } else {
            let from = block.to().unwrap_or_default();
            let edge = blocks.next_from(self.keyspace, from);
            (Bound::Included(from), edge.map(Bound::Excluded))
        };
        // The file is read up to the next block, or to where the run ends if that comes first.
        let edge = edge.as_ref().map(|edge| edge.as_ref().map(Vec::as_slice));
        let limit = match edge {
            Some(edge) => crate::merge::nearer(edge, until, self.reverse),
            None => until,
        };
        let filling = (!self.reverse && blocks.wants_runs()).then(|| Filling::new(from));
        let (place, flow) = self.run_on(from, limit, filling, visit)?;
        if let Some(place) = place {
            self.seek(Bound::Included(&place), Bound::Unbounded)?;
        }
        Ok(flow)
    }

    /// Shows entries of the file from a key on, without standing anywhere: returns where to stand,
    /// nowhere at the end.
    fn run_on(
        &self,
        from: Bound<&[u8]>,
        until: Bound<&[u8]>,
        mut filling: Option<Filling>,
        visit: &mut Visit<'_>,
    ) -> Result<(Option<Vec<u8>>, ControlFlow<()>)> {
        let table = self.base.table(self.keyspace)?;
        // What `visit` does is not the file's fault.
        let visiting = Cell::new(false);
        let passed = Cell::new(0);
        let result = guarded_but("read", &visiting, || {
            let mut cursor = if self.reverse {
                table.upper_bound(from)
            } else {
                table.lower_bound(from)
            }
            .map_err(failed)?;
            loop {
                let entry = if self.reverse {
                    cursor.prev()
                } else {
                    cursor.next()
                };
                let Some((key, value)) = entry.map_err(failed)? else {
                    return Ok((None, ControlFlow::Continue(())));
                };
                let key = key.value();
                if !is_within(key, until, self.reverse) {
                    return Ok((Some(key.to_vec()), ControlFlow::Continue(())));
                }
                let value = value.value();
                passed.set(passed.get() + key.len() + value.len());
                if let Some(filling) = &mut filling {
                    filling.add(&self.base, self.keyspace, key, value);
                }
                visiting.set(true);
                let flow = visit(key, value)?;
                visiting.set(false);
                if flow.is_break() {
                    return Ok((Some(key.to_vec()), flow));
                }
            }
        });
        self.base.blocks.note_passed(passed.get());
        result
    }

    /// Goes to the first entry from `from` on in the walk's direction, to end at `to`, or later.
    pub fn seek(&mut self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<()> {
        self.finish();
        let (start, end) = if self.reverse { (to, from) } else { (from, to) };
        if is_inverted(start, end) {
            return Ok(());
        }
        if self.by_blocks && self.seek_block(from)? {
            return Ok(());
        }
        self.seek_file(from, to)
    }

    /// [`BaseWalk::seek`] in the file.
    fn seek_file(&mut self, from: Bound<&[u8]>, to: Bound<&[u8]>) -> Result<()> {
        let range = if self.reverse { (to, from) } else { (from, to) };
        let table = self.base.table(self.keyspace)?;
        let range = guarded("read", || table.range::<&[u8]>(range).map_err(failed))?;
        let current = None;
        self.place = Place::File(Box::new(InFile { range, current }));
        self.step()
    }

    /// [`BaseWalk::seek`] in blocks. False if there is none and none is worth making.
    fn seek_block(&mut self, from: Bound<&[u8]>) -> Result<bool> {
        let (base, keyspace) = (Arc::clone(&self.base), self.keyspace);
        let included = !matches!(from, Bound::Excluded(_));
        let key = match from {
            Bound::Included(key) | Bound::Excluded(key) => Some(key),
            Bound::Unbounded => None,
        };
        if !self.reverse {
            let key = key.unwrap_or_default();
            let Some(block) = base.block_at(keyspace, key, 1)? else {
                return Ok(false);
            };
            let (at, found) = block.search(key);
            self.stand_at(&block, at + usize::from(found && !included))?;
            return Ok(true);
        }
        // What is at or below a key is below its successor.
        let upto = key.map(|key| match included {
            true => [key, &[0]].concat(),
            false => key.to_vec(),
        });
        let Some(block) = base.block_before(keyspace, upto.as_deref())? else {
            return Ok(false);
        };
        let at = match &upto {
            Some(upto) => block.search(upto).0,
            None => block.len(),
        };
        self.stand_before(&block, at)?;
        Ok(true)
    }
}

impl InFile {
    #[inline]
    fn step(&mut self, reverse: bool) -> Result<()> {
        let (range, current) = (&mut self.range, &mut self.current);
        guarded("read", || {
            // Assigned in place: the guards are large.
            *current = if reverse {
                range.next_back()
            } else {
                range.next()
            }
            .transpose()
            .map_err(failed)?;
            // Looked at here, where damage can be caught, both are sound from now on.
            if let Some((key, value)) = current {
                black_box((key.value(), value.value()));
            }
            Ok(())
        })
    }
}

/// Whether no key can lie between the bounds.
fn is_inverted(start: Bound<&[u8]>, end: Bound<&[u8]>) -> bool {
    match (start, end) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (
            Bound::Included(start) | Bound::Excluded(start),
            Bound::Included(end) | Bound::Excluded(end),
        ) => start >= end,
    }
}
