//! Which ids a search may return.

/// Says which ids may be returned. Visibility, a `WHERE` clause and rows that have newer values
/// elsewhere are all the same to a search.
pub trait Filter: Sync {
    /// Whether the id may be returned.
    fn allows(&self, id: u64) -> bool;

    /// The ids as a set, if they are known as one. A search that knows how few they are reads their
    /// vectors, and nothing else, where that is cheaper.
    fn ids(&self) -> Option<&Bitmap> {
        None
    }

    /// Whether it allows every id.
    fn is_all(&self) -> bool {
        false
    }
}

/// Every id may be returned.
#[derive(Debug, Clone, Copy, Default)]
pub struct All;

impl Filter for All {
    #[inline]
    fn allows(&self, _id: u64) -> bool {
        true
    }

    fn is_all(&self) -> bool {
        true
    }
}

/// A filter by a closure.
#[derive(Debug, Clone, Copy)]
pub struct Accept<F>(pub F);

impl<F: Fn(u64) -> bool + Sync> Filter for Accept<F> {
    #[inline]
    fn allows(&self, id: u64) -> bool {
        (self.0)(id)
    }
}

/// A set of ids, a bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bitmap {
    words: Vec<u64>,
    len: usize,
}

impl Bitmap {
    /// Adds an id; tells whether it is new.
    pub fn insert(&mut self, id: u64) -> bool {
        let word = (id / 64) as usize;
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let bit = 1 << (id % 64);
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.len += usize::from(new);
        new
    }

    /// How many ids are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the id is in it.
    #[inline]
    #[must_use]
    pub fn contains(&self, id: u64) -> bool {
        usize::try_from(id / 64)
            .ok()
            .and_then(|word| self.words.get(word))
            .is_some_and(|word| word >> (id % 64) & 1 == 1)
    }

    /// The ids, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let bit = left.trailing_zeros();
                    left &= left - 1;
                    at as u64 * 64 + u64::from(bit)
                })
            })
        })
    }
}

impl FromIterator<u64> for Bitmap {
    fn from_iter<I: IntoIterator<Item = u64>>(ids: I) -> Self {
        let mut bitmap = Self::default();
        for id in ids {
            bitmap.insert(id);
        }
        bitmap
    }
}

impl Filter for Bitmap {
    #[inline]
    fn allows(&self, id: u64) -> bool {
        self.contains(id)
    }

    fn ids(&self) -> Option<&Bitmap> {
        Some(self)
    }
}
