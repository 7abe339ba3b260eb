// Freezing beside everything else that the model does: segments that are read, written, taken in and
// adopted over many operations, lost with crashes and given up with branches.

use fastrand::Rng;
use helios_base::{BranchId, Scn};
use helios_version::{Adoption, Freeze, Step, Store, Txn};

use super::T;
use crate::cold::{Row, Shelf, read};

/// What is being frozen.
#[derive(Default)]
pub(super) struct Freezing {
    shelf: Shelf,
    reading: Option<(Freeze, Vec<Row>)>,
    adopting: Vec<Adoption>,
    /// Segments taken in.
    pub(super) made: u64,
    /// Transactions that brought segments along.
    pub(super) loaded: u64,
}

impl Freezing {
    /// The store is about to be closed.
    pub(super) fn stop(&mut self) {
        self.reading = None;
        self.adopting.clear();
    }

    /// The store was opened.
    pub(super) fn start(&mut self, store: &Store) {
        self.shelf.clean(&store.segments());
        store.set_cold(std::sync::Arc::new(self.shelf.clone()));
        self.adopting = store.adoptions();
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

    /// All of it.
    pub(super) fn settle(&mut self) {
        self.reading = None;
        for mut adoption in self.adopting.drain(..) {
            while adoption.step(1000).unwrap() == Step::More {}
        }
    }
}
