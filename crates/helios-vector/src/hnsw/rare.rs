//! A word for each node of which few nodes have one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::links::NONE;

/// Words that are made at once.
const GROUP: usize = 64;

/// Words, all [`NONE`] at first; groups of them take room from when one of them is set.
#[derive(Debug)]
pub(super) struct Rare {
    groups: Box<[OnceLock<Box<[AtomicU32; GROUP]>>]>,
}

impl Rare {
    pub(super) fn new(words: usize) -> Self {
        let groups = words.div_ceil(GROUP);
        Self {
            groups: (0..groups).map(|_| OnceLock::new()).collect(),
        }
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<u32> {
        let group = self.groups.get(at / GROUP)?.get()?;
        let word = group[at % GROUP].load(Ordering::Acquire);
        (word != NONE).then_some(word)
    }

    pub(super) fn set(&self, at: usize, word: Option<u32>) {
        let Some(group) = self.groups.get(at / GROUP) else {
            return;
        };
        // What is not set need not be made to be nothing.
        if word.is_none() && group.get().is_none() {
            return;
        }
        let group = group.get_or_init(|| Box::new([const { AtomicU32::new(NONE) }; GROUP]));
        group[at % GROUP].store(word.unwrap_or(NONE), Ordering::Release);
    }

    pub(super) fn memory(&self) -> usize {
        let made = self.groups.iter().filter(|group| group.get().is_some());
        size_of_val(&*self.groups) + made.count() * GROUP * 4
    }
}
