//! Sequences: numbers handed out once, whatever becomes of the transaction.
//!
//! The log says how far a sequence may have come: a record reserves a block of values, handed out
//! from memory. After a crash the rest of the block is skipped; a clean end writes the exact state.
//! Records are not synced on their own: a later commit makes them durable with itself.
//!
//! The record in `Meta`: value i64 LE, then one byte that is 1 if the value has been handed out.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use helios_base::{BranchId, Error, Result, SqlState, TableId};
use helios_kv::Keyspace;
use parking_lot::Mutex;

use crate::codec::Reader;
use crate::core::Core;
use crate::keys;

/// Values that one log record reserves.
const BLOCK: i64 = 32;

/// The definition of a sequence, kept by the layer above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceSpec {
    /// First value.
    pub start: i64,
    /// Step, not 0.
    pub increment: i64,
    /// Smallest value.
    pub min: i64,
    /// Largest value.
    pub max: i64,
    /// Start again after the last value.
    pub cycle: bool,
}

/// Where a sequence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceState {
    /// The last value handed out, or the next one if `called` is false.
    pub value: i64,
    /// Whether `value` has been handed out.
    pub called: bool,
}

impl SequenceState {
    pub(crate) fn encode(self) -> [u8; 9] {
        let mut out = [0; 9];
        out[..8].copy_from_slice(&self.value.to_le_bytes());
        out[8] = u8::from(self.called);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "sequence record");
        let value = i64::from_le_bytes(reader.array()?);
        let called = reader.u8()? != 0;
        Ok(Self { value, called })
    }

    /// The next value under `spec`.
    fn next(self, spec: &SequenceSpec) -> Result<i64> {
        if !self.called {
            return Ok(self.value);
        }
        let up = spec.increment > 0;
        match self.value.checked_add(spec.increment) {
            Some(next) if up && next <= spec.max || !up && next >= spec.min => Ok(next),
            _ if spec.cycle => Ok(if up { spec.min } else { spec.max }),
            _ => {
                let (which, bound) = if up {
                    ("maximum", spec.max)
                } else {
                    ("minimum", spec.min)
                };
                Err(Error::new(
                    SqlState::SEQUENCE_GENERATOR_LIMIT_EXCEEDED,
                    format!("reached {which} value of sequence ({bound})"),
                ))
            }
        }
    }
}

type Key = (BranchId, TableId);

/// Sequences in use.
#[derive(Default)]
pub(crate) struct Sequences {
    open: Mutex<HashMap<Key, Arc<Mutex<Option<Live>>>>>,
}

/// A sequence in memory.
#[derive(Clone, Copy)]
struct Live {
    state: SequenceState,
    /// What the log says: everything up to here is reserved.
    logged: SequenceState,
    /// Values reserved and not handed out.
    left: i64,
    /// The step they were reserved with.
    increment: i64,
}

impl Core {
    fn open_sequence(&self, branch: BranchId, sequence: TableId) -> Arc<Mutex<Option<Live>>> {
        let mut open = self.sequences.open.lock();
        Arc::clone(open.entry((branch, sequence)).or_default())
    }

    fn stored_sequence(
        &self,
        branch: BranchId,
        sequence: TableId,
    ) -> Result<Option<SequenceState>> {
        let key = sequence_key(branch, sequence);
        match self.kv.snapshot().get(Keyspace::Meta, &key)? {
            Some(bytes) => SequenceState::decode(&bytes).map(Some),
            None => Ok(None),
        }
    }

    /// Where a sequence stands on a branch, or on the nearest ancestor that has used it.
    pub(crate) fn sequence(
        &self,
        branch: BranchId,
        sequence: TableId,
    ) -> Result<Option<SequenceState>> {
        let mut next = Some(branch);
        while let Some(branch) = next {
            if let Some(live) = &*self.open_sequence(branch, sequence).lock() {
                return Ok(Some(live.state));
            }
            if let Some(state) = self.stored_sequence(branch, sequence)? {
                return Ok(Some(state));
            }
            let tree = self.tree.load();
            next = tree.any(branch).and_then(|node| node.branch.parent);
        }
        Ok(None)
    }

    /// Hands out the next value.
    pub(crate) fn nextval(
        &self,
        branch: BranchId,
        sequence: TableId,
        spec: &SequenceSpec,
    ) -> Result<i64> {
        let open = self.open_sequence(branch, sequence);
        let inherited = if open.lock().is_none() {
            self.sequence(branch, sequence)?
        } else {
            None
        };
        let mut guard = open.lock();
        let live = match &mut *guard {
            Some(live) => live,
            empty => empty.insert(Live::from(inherited.unwrap_or(SequenceState {
                value: spec.start,
                called: false,
            }))),
        };
        let value = live.state.next(spec)?;
        let state = SequenceState {
            value,
            called: true,
        };
        let stepped = live.state.value.checked_add(spec.increment) == Some(value);
        if live.left > 0 && stepped && live.increment == spec.increment {
            live.left -= 1;
        } else {
            let room = if spec.increment > 0 {
                i128::from(spec.max) - i128::from(value)
            } else {
                i128::from(value) - i128::from(spec.min)
            };
            let steps = room / i128::from(spec.increment).abs().max(1);
            let steps = i64::try_from(steps).unwrap_or(i64::MAX).clamp(0, BLOCK - 1);
            let logged = SequenceState {
                value: value.saturating_add(spec.increment.saturating_mul(steps)),
                called: true,
            };
            self.log_sequence(branch, sequence, logged)?;
            live.logged = logged;
            live.left = steps;
            live.increment = spec.increment;
        }
        live.state = state;
        Ok(value)
    }

    pub(crate) fn setval(
        &self,
        branch: BranchId,
        sequence: TableId,
        state: SequenceState,
    ) -> Result<()> {
        self.leave_to_children(branch, sequence)?;
        let open = self.open_sequence(branch, sequence);
        let mut live = open.lock();
        self.log_sequence(branch, sequence, state)?;
        *live = Some(Live::from(state));
        Ok(())
    }

    /// Gives the branches forked from `branch` that have not used a sequence a state of their own, before
    /// it moves back: values that their rows have must not come again. Moving on leaves a gap at most, so
    /// nothing is written at a fork.
    fn leave_to_children(&self, branch: BranchId, sequence: TableId) -> Result<()> {
        let Some(state) = self.sequence(branch, sequence)? else {
            return Ok(());
        };
        let tree = self.tree.load_full();
        for child in tree.children(branch).filter(|child| !child.dropped) {
            let child = child.branch.id;
            let open = self.open_sequence(child, sequence);
            let mut live = open.lock();
            if live.is_none() && self.stored_sequence(child, sequence)?.is_none() {
                self.log_sequence(child, sequence, state)?;
                *live = Some(Live::from(state));
            }
        }
        Ok(())
    }

    /// Moves a sequence on to `state`, unless it is there or beyond already. Never back, whoever else
    /// draws values meanwhile.
    pub(crate) fn advance(
        &self,
        branch: BranchId,
        sequence: TableId,
        state: SequenceState,
        ascending: bool,
    ) -> Result<()> {
        let open = self.open_sequence(branch, sequence);
        let inherited = if open.lock().is_none() {
            self.sequence(branch, sequence)?
        } else {
            None
        };
        let mut live = open.lock();
        let here = live.as_ref().map(|live| live.state).or(inherited);
        let is_further = here.is_none_or(|here| match state.value.cmp(&here.value) {
            Ordering::Equal => state.called && !here.called,
            order => (order == Ordering::Greater) == ascending,
        });
        if is_further {
            self.log_sequence(branch, sequence, state)?;
            *live = Some(Live::from(state));
        }
        Ok(())
    }

    /// Logs the exact state of every sequence, so that a clean end skips no values.
    pub(crate) fn settle_sequences(&self) -> Result<()> {
        let open: Vec<_> = {
            let open = self.sequences.open.lock();
            open.iter()
                .map(|(key, live)| (*key, Arc::clone(live)))
                .collect()
        };
        for ((branch, sequence), live) in open {
            if let Some(live) = &mut *live.lock()
                && live.logged != live.state
            {
                self.log_sequence(branch, sequence, live.state)?;
                *live = Live::from(live.state);
            }
        }
        Ok(())
    }
}

impl From<SequenceState> for Live {
    fn from(state: SequenceState) -> Self {
        Self {
            state,
            logged: state,
            left: 0,
            increment: 0,
        }
    }
}

/// The key of a sequence in `Meta`.
pub(crate) fn sequence_key(branch: BranchId, sequence: TableId) -> Vec<u8> {
    let rest = (u64::from(branch.0) << 32 | u64::from(sequence.0)).to_be_bytes();
    keys::meta_key(keys::META_SEQUENCE, &rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stop_or_cycle_at_the_bounds() {
        let spec = |increment, cycle| SequenceSpec {
            start: 1,
            increment,
            min: -3,
            max: 3,
            cycle,
        };
        let at = |value| SequenceState {
            value,
            called: true,
        };
        assert_eq!(at(1).next(&spec(2, false)).ok(), Some(3));
        assert_eq!(at(2).next(&spec(2, true)).ok(), Some(-3));
        assert_eq!(at(-2).next(&spec(-2, true)).ok(), Some(3));
        let error = at(-2).next(&spec(-2, false)).unwrap_err();
        assert_eq!(error.sqlstate().as_str(), "2200H");
        assert_eq!(SequenceState::decode(&at(-5).encode()).unwrap(), at(-5));
        assert!(SequenceState::decode(&[0; 8]).is_err());
    }
}
