//! Several sides in key order, each key once.

use helios_base::Result;

/// One source of keys.
pub(super) trait Side {
    /// The key that it stands on; `None` at the end.
    fn key(&self) -> Option<&[u8]>;

    /// Moves to the next key.
    fn advance(&mut self, reverse: bool) -> Result<()>;
}

/// Sides merged; of equal keys the first side's counts.
pub(super) struct Merged<S> {
    sides: Vec<S>,
    reverse: bool,
    /// Whether the sides stand on keys.
    started: bool,
    /// Whose key was lent and is still to be left behind.
    lent: Option<usize>,
    /// Scratch: that key.
    passed: Vec<u8>,
}

/// Whether `a` comes before `b` in the direction of the scan.
#[inline]
fn precedes(a: &[u8], b: &[u8], reverse: bool) -> bool {
    if reverse { a > b } else { a < b }
}

impl<S: Side> Merged<S> {
    /// Merges sides that stand before their first keys, nearest first. They stay there until the
    /// first call of [`Merged::next`].
    pub(super) const fn new(sides: Vec<S>, reverse: bool) -> Self {
        Self {
            sides,
            reverse,
            started: false,
            lent: None,
            passed: Vec::new(),
        }
    }

    /// Puts a side that stands before its first key before all others. Call it before the first key.
    #[must_use]
    pub(super) fn with_nearest(mut self, side: S) -> Self {
        self.sides.insert(0, side);
        self
    }

    /// The sides of a cursor that has not moved yet.
    pub(super) fn into_fresh(self) -> Vec<S> {
        self.sides
    }

    /// The sides, if none has moved yet.
    pub(super) fn fresh(&mut self) -> Option<&mut [S]> {
        (!self.started).then_some(self.sides.as_mut_slice())
    }

    /// The side with the next key, which stays there until the next call.
    pub(super) fn next(&mut self) -> Result<Option<usize>> {
        if !self.started {
            self.started = true;
            for side in &mut self.sides {
                side.advance(self.reverse)?;
            }
        }
        if let Some(lent) = self.lent.take() {
            self.leave(lent)?;
            if let Some(side) = self.sides.get_mut(lent) {
                side.advance(self.reverse)?;
            }
        }
        self.lent = self.nearest(None).map(|(number, _)| number);
        Ok(self.lent)
    }

    /// Moves the other sides off the key of side `number`.
    pub(super) fn leave(&mut self, number: usize) -> Result<()> {
        if self.sides.len() < 2 {
            return Ok(());
        }
        let Some(key) = self.sides.get(number).and_then(Side::key) else {
            return Ok(());
        };
        self.passed.clear();
        self.passed.extend_from_slice(key);
        for (at, side) in self.sides.iter_mut().enumerate() {
            if at != number && side.key() == Some(&self.passed) {
                side.advance(self.reverse)?;
            }
        }
        Ok(())
    }

    /// Side `number`, for reading on without the others up to [`Merged::limit`]. The caller leaves
    /// it standing on a key that it has shown, which the next call of [`Merged::next`] passes.
    pub(super) fn side_mut(&mut self, number: usize) -> Option<&mut S> {
        self.sides.get_mut(number)
    }

    /// Side `number`.
    pub(super) fn side(&self, number: usize) -> Option<&S> {
        self.sides.get(number)
    }

    /// Whether a side is such.
    pub(super) fn any(&self, is_such: impl Fn(&S) -> bool) -> bool {
        self.sides.iter().any(is_such)
    }

    /// The first key of the sides beside `number`.
    pub(super) fn limit(&self, number: usize) -> Option<&[u8]> {
        self.nearest(Some(number)).map(|(_, key)| key)
    }

    /// What was lent is passed already.
    pub(super) fn forget(&mut self) {
        self.lent = None;
    }

    fn nearest(&self, but: Option<usize>) -> Option<(usize, &[u8])> {
        let mut best: Option<(usize, &[u8])> = None;
        for (number, side) in self.sides.iter().enumerate() {
            if Some(number) != but
                && let Some(key) = side.key()
                && best.is_none_or(|(_, first)| precedes(key, first, self.reverse))
            {
                best = Some((number, key));
            }
        }
        best
    }
}
