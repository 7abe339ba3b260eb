// Freezing beside everything else that the model does: segments that are read, written, taken in and
// adopted over many operations, lost with crashes and given up with branches.

use fastrand::Rng;
use helios_base::{BranchId, Scn};
use helios_version::{Adoption, Compaction, Freeze, Promoter, Step, Store, Thaw, Txn};

use super::T;
use crate::cold::{Row, Shelf, read};

/// What is being frozen.
#[derive(Default)]
pub(super) struct Freezing {
    shelf: Shelf,
    reading: Option<(Freeze, Vec<Row>)>,
    adopting: Vec<Adoption>,
    compacting: Option<(BranchId, Compaction, Vec<Row>)>,
    thawing: Option<Thaw>,
    promoting: Option<(BranchId, Promoter)>,
    /// Segments whose rows came back.
    thawed: u64,
    /// Segments taken in.
    made: u64,
    /// Transactions that brought segments along of what they had put, and of what they had not.
    pub(super) loaded: u64,
    brought: u64,
    /// Segments made of others, and rows left out of them.
    compacted: u64,
    dead: u64,
    /// Rows copied out of segments, and copies taken away again.
    promoted: u64,
    demoted: u64,
}

impl std::fmt::Display for Freezing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (made, loaded, brought) = (self.made, self.loaded, self.brought);
        let (compacted, dead, thawed) = (self.compacted, self.dead, self.thawed);
        let (promoted, demoted) = (self.promoted, self.demoted);
        write!(
            f,
            "{made} segments, {loaded} loads, {brought} rows brought, {compacted} compactions, {dead} dead rows, {thawed} thawed, {promoted} rows promoted, {demoted} demoted"
        )
    }
}

impl Freezing {
    /// The store is about to be closed.
    pub(super) fn stop(&mut self) {
        self.reading = None;
        self.compacting = None;
        self.thawing = None;
        self.promoting = None;
        self.adopting.clear();
    }

    /// The store was opened.
    pub(super) fn start(&mut self, store: &Store) {
        self.shelf.clean(&store.segments());
        store.set_cold(std::sync::Arc::new(self.shelf.clone()));
        self.adopting = store.adoptions();
    }

    /// Makes one segment of some, little by little.
    fn compact(&mut self, store: &Store, random: &mut Rng, branch: BranchId) {
        let Some((of, mut compaction, mut rows)) = self.compacting.take() else {
            let mut segments = store.segments();
            segments.retain(|info| info.branch == branch && info.adopted == info.rows);
            segments.retain(|_| random.u8(0..3) > 0);
            let ids: Vec<u64> = segments.iter().map(|info| info.id).collect();
            if !ids.is_empty() {
                let compaction = store.compact(T, branch, &ids).unwrap();
                self.compacting = Some((branch, compaction, Vec::new()));
            }
            return;
        };
        if random.u8(0..20) == 0 {
            // Given up.
            return;
        }
        for _ in 0..random.usize(1..60) {
            let looked = match compaction.look() {
                Ok(looked) => looked,
                Err(error) => {
                    // The branch may be gone, and with it the files that were not read yet.
                    assert!(store.branch_by_id(of).is_none(), "{error}");
                    return;
                }
            };
            match looked {
                Some(true) => {
                    let row = compaction.row().unwrap();
                    rows.push((row.pk.to_vec(), row.begin, row.row.to_vec()));
                }
                Some(false) => self.dead += 1,
                None => {
                    self.compacted += 1;
                    // The branch, and its rows, may be gone.
                    let done = self.shelf.swap(compaction, rows);
                    if let Err(error) = done {
                        let code = error.sqlstate();
                        assert!(["42704", "42P01"].contains(&code.as_str()), "{error}");
                    }
                    return;
                }
            }
        }
        self.compacting = Some((of, compaction, rows));
    }

    /// Brings the rows of a segment back, little by little.
    fn thaw(&mut self, store: &Store, random: &mut Rng, branch: BranchId) {
        let Some(mut thaw) = self.thawing.take() else {
            let mut segments = store.segments();
            segments.retain(|info| info.branch == branch && info.adopted == info.rows);
            if !segments.is_empty() {
                let segment = &segments[random.usize(0..segments.len())];
                self.thawing = Some(store.thaw(segment).unwrap());
            }
            return;
        };
        if random.u8(0..20) == 0 {
            // Given up.
            return;
        }
        match thaw.step(random.usize(1..20)) {
            Ok(Step::More) => self.thawing = Some(thaw),
            Ok(Step::Done) => self.thawed += 1,
            // The branch, and its rows, may be gone.
            Err(error) => {
                let code = error.sqlstate();
                assert!(["42704", "42P01"].contains(&code.as_str()), "{error}");
            }
        }
    }

    /// Copies rows out of a segment, or takes copies away, a few at a time.
    fn promote(&mut self, store: &Store, random: &mut Rng, branch: BranchId) {
        let Some((of, mut promoter)) = self.promoting.take() else {
            self.promoting = Some((branch, store.promote(T, branch).unwrap()));
            return;
        };
        let promotions = store.promotions(T, of, i64::MAX);
        let done = if !promotions.is_empty() && random.u8(0..3) == 0 {
            let promotion = &promotions[random.usize(0..promotions.len())];
            promoter.demote(promotion).map(|rows| self.demoted += rows)
        } else {
            let mut segments = store.segments();
            segments.retain(|info| info.branch == of);
            if segments.is_empty() {
                return;
            }
            let segment = &segments[random.usize(0..segments.len())];
            let from = random.u64(0..segment.rows);
            let places = from..from + random.u64(1..20);
            let copied = promoter.promote(segment.id, places, 0);
            copied.map(|rows| self.promoted += rows)
        };
        match done {
            Ok(()) if random.u8(0..6) > 0 => self.promoting = Some((of, promoter)),
            Ok(()) => {}
            // The branch, and its rows, may be gone.
            Err(error) => {
                let code = error.sqlstate();
                assert!(["42704", "42P01"].contains(&code.as_str()), "{error}");
            }
        }
    }

    /// A little of what there is to do.
    pub(super) fn step(&mut self, store: &Store, random: &mut Rng, branch: BranchId) {
        if !self.adopting.is_empty() && random.bool() {
            let at = random.usize(0..self.adopting.len());
            if self.adopting[at].step(random.usize(1..20)).unwrap() == Step::Done {
                self.adopting.swap_remove(at);
            }
            return;
        }
        let is_busy = self.compacting.is_some() || self.reading.is_some();
        let is_thawing = self.thawing.is_some();
        if self.promoting.is_some() || (!is_busy && !is_thawing && random.u8(0..5) == 0) {
            return self.promote(store, random, branch);
        }
        if is_thawing || (!is_busy && random.u8(0..4) == 0) {
            return self.thaw(store, random, branch);
        }
        if self.compacting.is_some() || (self.reading.is_none() && random.u8(0..3) == 0) {
            return self.compact(store, random, branch);
        }
        let Some((mut freeze, mut rows)) = self.reading.take() else {
            let until = match random.u8(0..4) {
                0 => Scn(random.u64(0..=store.scn().0)),
                _ => Scn::MAX,
            };
            let freeze = store.freeze(T, branch, until).unwrap();
            assert!(store.freeze(T, branch, until).is_err());
            self.reading = Some((freeze, Vec::new()));
            return;
        };
        if random.u8(0..20) == 0 {
            // Given up.
            return;
        }
        if !read(&mut freeze, &mut rows, random.usize(1..60)).unwrap() {
            self.reading = Some((freeze, rows));
            return;
        }
        let is_gone = store.branch_by_id(freeze.branch()).is_none();
        match self.shelf.finish(freeze, rows) {
            Ok(Some(adoption)) => {
                self.made += 1;
                self.adopting.push(adoption);
            }
            Ok(None) => {}
            Err(error) => assert!(is_gone, "{error}"),
        }
    }

    /// Lets a transaction that is about to commit bring its rows along as segments, if it may.
    pub(super) fn load(&mut self, txn: &Txn, random: &mut Rng) {
        let least = random.u64(1..4);
        if txn.loadable(least).unwrap().contains(&T) {
            self.shelf.load(txn, T, random.usize(1..5)).unwrap();
            self.loaded += 1;
        }
    }

    /// Lets a transaction that is about to commit bring rows along that it never put.
    pub(super) fn bring(&mut self, txn: &Txn, rows: &[Row], random: &mut Rng) {
        self.brought += rows.len() as u64;
        let size = random.usize(1..5);
        self.shelf.bring(txn, T, rows, size).unwrap();
    }

    /// All of it.
    pub(super) fn settle(&mut self) {
        self.reading = None;
        self.compacting = None;
        self.thawing = None;
        self.promoting = None;
        for mut adoption in self.adopting.drain(..) {
            while adoption.step(1000).unwrap() == Step::More {}
        }
    }
}
