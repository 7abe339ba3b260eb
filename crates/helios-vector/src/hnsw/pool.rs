//! The best candidates of a search, in order.

/// Marks a candidate whose links were followed.
const FOLLOWED: u32 = 1 << 31;

/// A candidate. Equal scores are in the order they were met.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) score: f32,
    node: u32,
}

impl Candidate {
    #[inline]
    pub(super) fn node(self) -> u32 {
        self.node & !FOLLOWED
    }

    /// Whether its links were followed.
    pub(super) fn is_followed(self) -> bool {
        self.node & FOLLOWED != 0
    }
}

/// The best so many candidates in a sorted array. Beside two heaps it needs one insertion, into
/// memory that lies side by side, where those need two; for up to some hundreds of candidates that
/// is quicker.
#[derive(Debug, Default)]
pub(super) struct Pool {
    candidates: Vec<Candidate>,
    most: usize,
    /// All before it were followed.
    next: usize,
}

impl Pool {
    pub(super) fn clear(&mut self, most: usize) {
        self.candidates.clear();
        self.most = most.max(1);
        self.next = 0;
    }

    /// What a score must be below to be taken in.
    #[inline]
    pub(super) fn limit(&self) -> f32 {
        match self.candidates.last() {
            Some(worst) if self.candidates.len() >= self.most => worst.score,
            _ => f32::INFINITY,
        }
    }

    /// Takes a candidate in if it is good enough; tells whether it is the next to be followed. What is not or no
    /// longer good enough goes to `rest` if `KEEP` says so.
    #[inline]
    pub(super) fn offer<const KEEP: bool>(
        &mut self,
        score: f32,
        node: u32,
        rest: &mut Vec<Candidate>,
    ) -> bool {
        if self.candidates.len() >= self.most {
            match self.candidates.last() {
                Some(worst) if score < worst.score => {
                    if KEEP {
                        rest.push(*worst);
                    }
                    self.candidates.pop();
                }
                _ => {
                    if KEEP {
                        rest.push(Candidate { score, node });
                    }
                    return false;
                }
            };
        }
        let at = self
            .candidates
            .partition_point(|candidate| candidate.score <= score);
        self.candidates.insert(at, Candidate { score, node });
        let first = at <= self.next;
        self.next = self.next.min(at);
        first
    }

    /// The best candidate that was not followed yet.
    #[inline]
    pub(super) fn next(&mut self) -> Option<u32> {
        while let Some(candidate) = self.candidates.get(self.next) {
            if candidate.node & FOLLOWED == 0 {
                return Some(candidate.node);
            }
            self.next += 1;
        }
        None
    }

    /// The best candidate that was not followed yet, which now is.
    #[inline]
    pub(super) fn follow(&mut self) -> Option<Candidate> {
        while let Some(candidate) = self.candidates.get_mut(self.next) {
            self.next += 1;
            if candidate.node & FOLLOWED == 0 {
                candidate.node |= FOLLOWED;
                return Some(*candidate);
            }
        }
        None
    }

    /// The best first.
    pub(super) fn sorted(&self) -> &[Candidate] {
        &self.candidates
    }
}
