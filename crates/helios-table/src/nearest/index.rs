//! An index: asking it, and bringing its base forward.

use std::sync::Arc;

use helios_base::{
    BranchId, DataType, Error, IndexId, Result, Scn, SqlState, TableId, Value, VectorKind,
};
use helios_vector::{All, Index, Memory, Metric, Work};
use helios_version::{Diff, Read, RowVersion, Snapshot, Step, Store};
use parking_lot::{Mutex, RwLock};

use super::calibration::Calibration;
use super::effort::Asked;
use super::slots::{Slots, fingerprint_of_stored};
use super::structure::{Shape, failure, holds};
use super::{numbers_of, vector_if};
use crate::catalog::{Blueprint, IndexDef, Method, TableDef};
use crate::row::{Field, IndexRules, KeyPart, Rules, StoredRow};

/// More candidates than this are not asked for at once.
const BATCH_MAX: usize = 1 << 14;

/// What an index is of.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// Its storage number, which changes when it is to be made anew.
    pub(super) index: IndexId,
    /// The storage of its table's rows.
    pub(super) rows: TableId,
    /// What of a row is indexed, and of which rows; its positions are those of the table when this was made.
    pub(super) rules: Arc<IndexRules>,
    /// What it is to be.
    pub(super) plan: Blueprint,
}

impl Subject {
    /// The subject of a definition, by the compiled rules of its table; `None` if it is of no nearness.
    pub(super) fn of(table: &TableDef, def: &IndexDef, rules: &Rules) -> Result<Option<Self>> {
        let (Some(nearest), Some(key)) = (&def.nearest, def.keys.first()) else {
            return Ok(None);
        };
        let mut compiled = rules.nearest.iter();
        let compiled = compiled.find(|rules| rules.def.storage == def.storage);
        let (Some(compiled), Some(ty)) = (compiled, key.ty(table)) else {
            return Err(Error::internal("an index of nearness without a column"));
        };
        Ok(Some(Self {
            index: def.storage,
            rows: table.storage,
            rules: Arc::clone(compiled),
            plan: nearest.blueprint(&def.method, ty)?,
        }))
    }

    /// Whether rows of a table have what is read of them where it was when this was made.
    fn reads(&self, table: &TableDef) -> bool {
        let mut there = Vec::new();
        for id in self.rules.def.columns() {
            let Some(position) = table.position(id) else {
                return false;
            };
            there.push(position);
        }
        there.sort_unstable();
        there.dedup();
        table.storage == self.rows && there == self.rules.reads()
    }
}

/// An index of nearness in memory.
#[derive(Debug)]
pub struct NearestIndex {
    subject: Subject,
    index: Box<dyn Index>,
    slots: RwLock<Slots>,
    /// What the index has all rows of.
    base: Mutex<Base>,
    /// So many times as many candidates as are wanted are looked at; 1 where distances are no estimates.
    times: u8,
    /// From how many rows it has learnt; all there can be, if it learns nothing.
    learnt: usize,
    calibration: RwLock<Arc<Calibration>>,
}

/// What an index consists of when it is made or read.
pub(super) struct Parts {
    pub(super) index: Box<dyn Index>,
    pub(super) slots: Slots,
    pub(super) base: Base,
    pub(super) times: u8,
    pub(super) learnt: usize,
    pub(super) calibration: Calibration,
}

/// What an index has all rows of: a branch, up to a commit.
pub type Base = (BranchId, Scn);

/// The rows that a snapshot sees otherwise than the base.
pub struct Delta {
    /// The base that they differ from.
    pub base: Base,
    /// The rows, by their keys.
    pub rows: Vec<Differing>,
}

/// A row that a snapshot sees otherwise than the base.
pub struct Differing {
    /// The row's stored key.
    pub key: Vec<u8>,
    /// The row as the snapshot sees it; `None` if it does not.
    pub row: Option<RowVersion>,
}

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub struct Search<'q> {
    /// The vector.
    pub query: &'q [f32],
    /// What is asked of the index.
    pub asked: Asked,
    /// How many candidates the first batch has.
    pub first: usize,
    /// Where the statement's rows are those of this base but for some that the caller knows: candidates are looked for
    /// among all others.
    pub base: Base,
}

/// How a search goes on after a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// With another batch: of so many candidates, as are thought to lead to what is still wanted.
    Batch(usize),
    /// Not at all.
    Stop,
}

/// A candidate that an index has found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'f> {
    /// The key of the row that had the vector.
    pub key: &'f [u8],
    /// How far the vector is, in the unit of the operator.
    pub distance: f32,
    /// Whether the row is known to have the vector at the base that was asked for.
    pub is_current: bool,
    print: u64,
}

impl NearestIndex {
    pub(super) fn new(subject: Subject, parts: Parts) -> Self {
        Self {
            subject,
            index: parts.index,
            slots: RwLock::new(parts.slots),
            base: Mutex::new(parts.base),
            times: parts.times,
            learnt: parts.learnt,
            calibration: RwLock::new(Arc::new(parts.calibration)),
        }
    }

    pub(super) fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(super) fn structure(&self) -> &dyn Index {
        &*self.index
    }

    pub(super) fn slots(&self) -> &RwLock<Slots> {
        &self.slots
    }

    pub(super) fn learnt(&self) -> usize {
        self.learnt
    }

    /// What it has all rows of.
    #[must_use]
    pub fn base(&self) -> Base {
        *self.base.lock()
    }

    /// Whether it holds vectors as they were, though an index of so many is to have codes: it was made of fewer.
    pub(super) fn lacks_codes(&self, vectors: usize) -> bool {
        self.codes().is_none() && Shape::new(self.subject.plan, vectors).has_codes()
    }

    /// So many times as many candidates as are wanted are looked at, as distances are estimates; 1 where they are not.
    #[must_use]
    pub fn times(&self) -> u8 {
        self.times
    }

    /// What stands for vectors in it; `None` if they are as they were.
    #[must_use]
    pub fn codes(&self) -> Option<String> {
        self.index.codes()
    }

    /// A vector or string of bits as numbers, if it can be looked for.
    #[must_use]
    pub fn query(&self, query: &Value) -> Option<Vec<f32>> {
        let plan = &self.subject.plan;
        numbers_of(query, plan.dimensions).filter(|numbers| holds(plan.metric, numbers))
    }

    /// Whether a row under the key of what was found still has the vector, and is one that the index is of.
    ///
    /// # Errors
    /// What its expressions raise.
    pub fn is_still(&self, found: &Found<'_>, row: &StoredRow<'_>) -> Result<bool> {
        let Subject { rules, plan, .. } = &self.subject;
        // Most indexes are of a column of vectors and of all rows, which need not be decoded.
        if let (Some(KeyPart::Column(column)), None) = (rules.parts().next(), rules.predicate())
            && let Field::Bytes(DataType::Vector(VectorKind::Full, _), bytes) =
                row.field(*column)?
            && let (numbers, []) = bytes.as_chunks::<4>()
        {
            let print = fingerprint_of_stored(numbers);
            return Ok(numbers.len() == plan.dimensions && print == found.print);
        }
        let vector = vector_if(row, &self.subject.rules, self.subject.plan.dimensions)?;
        Ok(vector.is_some_and(|(_, print)| print == found.print))
    }

    /// The setting that says how many candidates or lists are followed.
    #[must_use]
    pub fn breadth_setting(&self) -> &'static str {
        match self.subject.plan.method {
            Method::Hnsw => "hnsw.ef_search",
            Method::Ivf => "ivfflat.probes",
            Method::Lsh => "lsh.probes",
        }
    }

    /// What to ask for so many vectors, where the setting says `set`.
    #[must_use]
    pub fn asked(&self, set: usize, wanted: usize) -> Asked {
        Asked::new(self.subject.plan.method, self.times, set, wanted)
    }

    /// How much of what is nearest it finds.
    #[must_use]
    pub fn calibration(&self) -> Arc<Calibration> {
        Arc::clone(&self.calibration.read())
    }

    /// Takes what was measured of it.
    pub(super) fn measured(&self, calibration: Calibration) {
        *self.calibration.write() = Arc::new(calibration);
    }

    /// How many vectors it has, those of the past among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Bytes in memory.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let mut memory = self.index.memory();
        memory.ids += self.slots.read().memory();
        memory
    }

    /// Whether it is an index of the rows that a table has at some moment.
    #[must_use]
    pub fn is_of(&self, table: &TableDef) -> bool {
        self.subject.reads(table)
    }

    /// The rows of `at` that differ from the base's, if they are at most `most`; every other row of `at` is in the
    /// index. `None` if there are more, or if the base is no longer kept. To be asked for before
    /// [`NearestIndex::search`]: the base only moves forward when the index has what is new.
    ///
    /// # Errors
    /// As [`helios_version::Read::get`].
    ///
    /// # Cost
    /// Proportional to what was written between the two.
    pub fn delta(&self, store: &Store, at: &Snapshot, most: usize) -> Result<Option<Delta>> {
        let (branch, scn) = self.base();
        let Some(base) = kept(store, branch, scn, self.subject.rows)? else {
            return Ok(None);
        };
        let mut diff = store.diff(&base, at, Some(self.subject.rows))?;
        let mut rows = Vec::new();
        while let Some(change) = diff.next()? {
            if rows.len() == most {
                return Ok(None);
            }
            rows.push(Differing {
                key: change.pk,
                row: change.new,
            });
        }
        let base = (branch, scn);
        Ok(Some(Delta { base, rows }))
    }

    /// By how much the distance of a candidate may be wrong, so far away; `None` if it is no more than an estimate, or
    /// another than the operator gives.
    #[must_use]
    pub fn error(&self, distance: f32) -> Option<f64> {
        let Blueprint {
            metric, dimensions, ..
        } = self.subject.plan;
        // Sums of so many products, each rounded (Higham, "Accuracy and Stability of Numerical Algorithms", 3.1).
        let share = (dimensions + 16) as f64 * f64::from(f32::EPSILON);
        match (self.codes(), metric) {
            (Some(_), _) => None,
            (None, Metric::L2 | Metric::L1) => Some(share * f64::from(distance.abs())),
            (None, Metric::Cosine) => Some(share),
            (None, _) => None,
        }
    }

    /// Shows batches of candidates to `visit`, in the order of their keys, until it has enough or there are
    /// no more; each batch goes on where the one before stopped. The same key may come again, with another vector
    /// that its row had.
    ///
    /// # Errors
    /// 22000 for a query of other dimensions, and what `visit` returns.
    pub fn search(
        &self,
        search: Search<'_>,
        visit: &mut dyn FnMut(&[Found<'_>]) -> Result<Next>,
    ) -> Result<()> {
        let mut scan = self
            .index
            .scan(search.query, &All, search.asked.effort())
            .map_err(failure)?;
        let mut batch = search.first;
        let (mut keys, mut places) = (Vec::new(), Vec::new());
        loop {
            let found = scan.next(batch.clamp(1, BATCH_MAX));
            if found.is_empty() {
                return Ok(());
            }
            keys.clear();
            places.clear();
            {
                let slots = self.slots.read();
                // The base moves while nobody looks at the slots.
                let known = self.base() == search.base;
                for neighbour in &found {
                    if let Some((key, print)) = slots.get(neighbour.id) {
                        let start = keys.len();
                        keys.extend_from_slice(key);
                        let is_current = known && slots.is_current(neighbour.id);
                        let distance = neighbour.distance;
                        places.push((start..keys.len(), print, distance, is_current));
                    }
                }
            }
            let places = places
                .iter()
                .filter_map(|(place, print, distance, is_current)| {
                    Some(Found {
                        key: keys.get(place.clone())?,
                        distance: *distance,
                        is_current: *is_current,
                        print: *print,
                    })
                });
            let mut candidates: Vec<Found<'_>> = places.collect();
            // Rows that lie near each other are read together.
            candidates.sort_unstable_by_key(|found| found.key);
            match visit(&candidates)? {
                Next::Batch(next) => batch = next,
                Next::Stop => return Ok(()),
            }
        }
    }
}

/// A snapshot of the base, if all its rows are still kept.
pub(super) fn kept(
    store: &Store,
    branch: BranchId,
    scn: Scn,
    rows: TableId,
) -> Result<Option<Snapshot>> {
    match store.snapshot(branch, Some(scn)) {
        Ok(base) => match base.require(rows) {
            Ok(()) => Ok(Some(base)),
            Err(error) if error.sqlstate() == SqlState::SNAPSHOT_TOO_OLD => Ok(None),
            Err(error) => Err(error),
        },
        // A branch that was dropped, or history that is gone.
        Err(error)
            if matches!(
                error.sqlstate(),
                SqlState::SNAPSHOT_TOO_OLD
                    | SqlState::UNDEFINED_OBJECT
                    | SqlState::INVALID_PARAMETER_VALUE
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The way of a base to a newer snapshot of its branch.
pub(super) struct CatchUp {
    index: Arc<NearestIndex>,
    diff: Diff,
    table: Arc<TableDef>,
    target: Base,
    /// The slots of rows that changed, as they will be.
    current: Vec<u64>,
}

impl CatchUp {
    /// Begins; `None` if the index cannot be brought forward and has to be made anew.
    pub(super) fn new(
        index: &Arc<NearestIndex>,
        store: &Store,
        newest: &Snapshot,
        table: &Arc<TableDef>,
    ) -> Result<Option<Self>> {
        let (branch, scn) = index.base();
        let base = kept(store, branch, scn, index.subject.rows)?;
        let Some(base) = base.filter(|_| index.is_of(table)) else {
            return Ok(None);
        };
        Ok(Some(Self {
            index: Arc::clone(index),
            diff: store.diff(&base, newest, Some(index.subject.rows))?,
            table: Arc::clone(table),
            target: (newest.branch(), newest.scn()),
            current: Vec::new(),
        }))
    }

    /// The index that is brought forward.
    pub(super) fn index(&self) -> &Arc<NearestIndex> {
        &self.index
    }

    /// The table, as it was when this began.
    pub(super) fn table(&self) -> &Arc<TableDef> {
        &self.table
    }

    /// Looks at up to `budget` rows.
    pub(super) fn step(&mut self, budget: usize) -> Result<Step> {
        let Subject { plan, rules, .. } = &self.index.subject;
        let (mut ids, mut vectors) = (Vec::new(), Vec::new());
        let mut state = Step::More;
        for _ in 0..budget {
            let Some(change) = self.diff.next()? else {
                state = Step::Done;
                break;
            };
            let vector_of = |row: &RowVersion| {
                let row = StoredRow::new(self.table.shape(), &change.pk, row.begin, &row.row)?;
                let found = vector_if(&row, rules, plan.dimensions)?;
                Ok(found.filter(|(vector, _)| holds(plan.metric, vector)))
            };
            let old = change.old.as_ref().map(vector_of).transpose()?;
            let new = change.new.as_ref().map(vector_of).transpose()?;
            let mut slots = self.index.slots.write();
            // Searches from the old base on look at the row from now on.
            if let Some((_, print)) = old.flatten()
                && let Some(slot) = slots.find(&change.pk, print)
            {
                slots.set_current(slot, false);
            }
            let Some((vector, print)) = new.flatten() else {
                continue;
            };
            if let Some(slot) = slots.add(&change.pk, print) {
                ids.push(slot);
                vectors.extend(vector);
            }
            self.current.extend(slots.find(&change.pk, print));
        }
        self.index
            .index
            .insert(&ids, &vectors, Work::default())
            .map_err(failure)?;
        if state == Step::Done {
            // Together: what is current is so at the base.
            let mut slots = self.index.slots.write();
            for slot in self.current.drain(..) {
                slots.set_current(slot, true);
            }
            *self.index.base.lock() = self.target;
        }
        Ok(state)
    }
}
