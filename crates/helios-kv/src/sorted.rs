//! A batch brought into key order.

use helios_base::{Error, Result, SqlState};

use crate::Keyspace;
use crate::batch::{Batch, Op, OpKind};
use crate::tree::Edit;

/// Longest key: 64 KiB less one.
pub const KEY_LEN_MAX: usize = u16::MAX as usize;

/// A half-open range of keys that are to vanish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gone {
    pub keyspace: Keyspace,
    pub start: Vec<u8>,
    /// `None` is beyond all keys.
    pub end: Option<Vec<u8>>,
}

impl Gone {
    /// Whether `key` of the same keyspace is in the range.
    pub fn covers(&self, key: &[u8]) -> bool {
        key >= &self.start[..] && self.end.as_ref().is_none_or(|end| key < &end[..])
    }

    /// Whether no key can be in the range.
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }
}

/// Part of a batch: the edits of each keyspace in order without duplicates, followed by the
/// removal of a range.
pub(crate) struct Part<'a> {
    pub edits: [Vec<Edit<'a>>; Keyspace::COUNT],
    pub gone: Option<Gone>,
}

/// Edits up to which changing the trees in place is cheaper than making new nodes, and short enough
/// for readers to wait for.
const FEW: usize = 64;

/// The only part, if it removes no range and has few edits.
pub(crate) fn few<'a, 'b>(parts: &'b [Part<'a>]) -> Option<&'b Part<'a>> {
    match parts {
        [part] if part.gone.is_none() => {
            let edits: usize = part.edits.iter().map(Vec::len).sum();
            (edits <= FEW).then_some(part)
        }
        _ => None,
    }
}

/// Cuts `batch` after each range deletion and sorts the parts.
pub(crate) fn parts(batch: &Batch) -> Result<Vec<Part<'_>>> {
    let mut parts = Vec::with_capacity(1);
    let is_range = |op: &Op| matches!(op.kind, OpKind::DeleteRange { .. });
    for ops in batch.ops.split_inclusive(is_range) {
        let mut edits: [Vec<Edit<'_>>; Keyspace::COUNT] = Default::default();
        let mut gone = None;
        for op in ops {
            let key = batch.key(op);
            if key.len() > KEY_LEN_MAX {
                return Err(Error::new(
                    SqlState::PROGRAM_LIMIT_EXCEEDED,
                    format!("a key of {} bytes is too long", key.len()),
                )
                .with_detail(format!("The limit is {KEY_LEN_MAX} bytes.")));
            }
            let value = match op.kind {
                OpKind::Put => Some(batch.value(op)),
                OpKind::Delete => None,
                OpKind::DeleteRange { unbounded } => {
                    gone = Some(Gone {
                        keyspace: op.keyspace,
                        start: key.to_vec(),
                        end: (!unbounded).then(|| batch.value(op).to_vec()),
                    });
                    continue;
                }
            };
            edits[op.keyspace.index()].push(Edit { key, value });
        }
        edits.iter_mut().for_each(sort);
        gone = gone.filter(|gone| !gone.is_empty());
        parts.push(Part { edits, gone });
    }
    Ok(parts)
}

/// Sorts by key; of equal keys the last one stays.
fn sort(edits: &mut Vec<Edit<'_>>) {
    if edits.windows(2).all(|pair| pair[0].key < pair[1].key) {
        return;
    }
    edits.sort_by(|a, b| a.key.cmp(b.key));
    edits.dedup_by(|later, kept| {
        let same = later.key == kept.key;
        if same {
            *kept = *later;
        }
        same
    });
}
