//! What a merge must come to, on full copies.

use std::collections::{BTreeMap, BTreeSet};

use helios_base::Scn;

pub(super) type Cells = [i32; 3];
pub(super) type Rows = BTreeMap<i32, Cells>;

/// A branch at a moment.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) rows: Rows,
    /// The last change of each key, deletions included.
    pub(super) ages: BTreeMap<i32, Scn>,
}

impl State {
    fn age(&self, id: i32) -> Scn {
        self.ages.get(&id).copied().unwrap_or_default()
    }
}

/// What decides a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Open,
    Ours,
    Theirs,
    Newer,
    Sum,
    Max,
}

/// What goes into a merge.
pub(super) struct Sides<'a> {
    pub(super) bases: Vec<&'a Rows>,
    pub(super) root: Option<&'a Rows>,
    pub(super) ours: &'a State,
    pub(super) theirs: &'a State,
    /// Columns that are added up. What a person decided of a row changes nothing about its base.
    pub(super) sums: [bool; 3],
}

/// What comes out.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) rows: Rows,
    /// Rows that are changed on the target.
    pub(super) written: BTreeSet<i32>,
    /// Rows in conflict that nothing decided.
    pub(super) open: BTreeSet<i32>,
}

/// One row of several bases: the cells, `None` where they disagree without a reason. `sums` says which
/// columns are added up where both changed.
fn base_of(
    root: Option<&Cells>,
    bases: &[Option<Cells>],
    sums: [bool; 3],
) -> Option<[Option<i32>; 3]> {
    let mut merged = bases[0].map(|cells| cells.map(Some));
    for other in &bases[1..] {
        merged = match (merged, other) {
            (Some(mut cells), Some(other)) => {
                for n in 0..3 {
                    let root = root.map(|root| root[n]);
                    if cells[n] == Some(other[n]) || root == Some(other[n]) {
                        continue;
                    }
                    cells[n] = match (root, cells[n]) {
                        (Some(root), Some(cell)) if root == cell => Some(other[n]),
                        (Some(root), Some(cell)) if sums[n] => Some(cell + other[n] - root),
                        _ => None,
                    };
                }
                Some(cells)
            }
            (Some(_), None) if root.is_some() => None,
            (None, Some(other)) if root.is_none() => Some(other.map(Some)),
            (merged, _) => merged,
        };
    }
    merged
}

/// Merges. `how` is asked with a key and a column, or no column where one side deleted the row.
pub(super) fn merge(sides: &Sides<'_>, how: &dyn Fn(i32, Option<usize>) -> How) -> Outcome {
    let (ours, theirs) = (sides.ours, sides.theirs);
    let mut out = Outcome {
        rows: ours.rows.clone(),
        ..Outcome::default()
    };
    let all = [&ours.rows, &theirs.rows];
    let keys: BTreeSet<i32> = all
        .into_iter()
        .chain(sides.bases.iter().copied())
        .flat_map(BTreeMap::keys)
        .copied()
        .collect();
    for id in keys {
        let of: Vec<Option<Cells>> = sides
            .bases
            .iter()
            .map(|base| base.get(&id).copied())
            .collect();
        let base = base_of(sides.root.and_then(|root| root.get(&id)), &of, sides.sums);
        let (o, t) = (ours.rows.get(&id), theirs.rows.get(&id));
        // What no base sees differently on the source is not looked at.
        if of.iter().all(|base| base.as_ref() == t) {
            continue;
        }
        let is = |row: &Cells| base == Some(row.map(Some));
        let newer = theirs.age(id) > ours.age(id);
        let side = |column| match how(id, column) {
            How::Newer if newer => How::Theirs,
            How::Newer => How::Ours,
            other => other,
        };
        let merged: Option<Cells> = match (base, o, t) {
            (_, None, None) | (None, Some(_), None) => continue,
            (None, None, Some(t)) => Some(*t),
            (Some(_), Some(o), None) if is(o) => None,
            (Some(_), None, Some(t)) if is(t) => continue,
            (Some(_), o, t @ None) | (Some(_), o @ None, t) => match side(None) {
                How::Theirs => t.copied(),
                How::Ours => o.copied(),
                _ => {
                    out.open.insert(id);
                    continue;
                }
            },
            (base, Some(o), Some(t)) => {
                let mut row = *o;
                for n in 0..3 {
                    let b = base.and_then(|base| base[n]);
                    if o[n] == t[n] || b == Some(t[n]) {
                        continue;
                    }
                    row[n] = if b == Some(o[n]) {
                        t[n]
                    } else {
                        // A sum without a base would count what is common twice.
                        let in_doubt = base.is_some() && b.is_none();
                        match side(Some(n)) {
                            How::Ours => o[n],
                            How::Theirs => t[n],
                            How::Sum if !in_doubt => o[n] + t[n] - b.unwrap_or(0),
                            How::Max => o[n].max(t[n]),
                            _ => {
                                out.open.insert(id);
                                o[n]
                            }
                        }
                    };
                }
                Some(row)
            }
        };
        if merged.as_ref() == o {
            continue;
        }
        out.written.insert(id);
        match merged {
            Some(row) => out.rows.insert(id, row),
            None => out.rows.remove(&id),
        };
    }
    out
}
