//! How much of what is nearest an index finds, by how far it looks: measured when it is made, and again when it has grown.
//!
//! What is asked, and what is told of it, is said at [`Calibrator`]. The index is asked with more and more effort, until
//! it finds all.

use helios_base::codec::take_array;
use helios_base::{Error, Result};
use helios_vector::{Calibrator, Index, WANTED, Work};
use helios_version::Step;

use super::effort::Asked;
use super::structure::failure;
use crate::catalog::Method;

/// It is measured again when there are so many times as many vectors, in halves, and so many more.
const GROWN_HALVES: u64 = 3;
const GROWN_MIN: u64 = 200;

/// What was measured of an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// How many vectors it had then.
    pub vectors: u64,
    /// Breadths, ascending, each with what the share of the nearest that is found is above in all likelihood.
    points: Vec<(u32, f32)>,
}

impl Calibration {
    /// The share of the nearest rows that a search of this breadth finds at least, in all likelihood; `None` if nothing
    /// was measured.
    #[must_use]
    pub fn recall(&self, breadth: usize) -> Option<f64> {
        let at = self
            .points
            .partition_point(|(known, _)| (*known as usize) < breadth);
        let below = at.checked_sub(1).and_then(|at| self.points.get(at));
        match (below, self.points.get(at)) {
            (None, None) => None,
            (Some((_, recall)), None) => Some(f64::from(*recall)),
            // A search of less breadth than was tried finds less; in proportion is a careful guess.
            (None, Some((known, recall))) => {
                Some(f64::from(*recall) * breadth as f64 / f64::from(*known).max(1.0))
            }
            (Some((low, less)), Some((high, more))) => {
                let (low, high) = (f64::from(*low).ln(), f64::from(*high).ln());
                let share = ((breadth as f64).ln() - low) / (high - low);
                Some(f64::from(*less) + share * f64::from(more - less))
            }
        }
    }

    /// The least breadth that finds this share in all likelihood; `None` if none does.
    #[must_use]
    pub fn breadth(&self, recall: f64) -> Option<usize> {
        // Shares are kept in single precision.
        let enough = |(_, known): &&(u32, f32)| f64::from(*known) + 1e-6 >= recall;
        let found = self.points.iter().find(enough);
        found.map(|(breadth, _)| *breadth as usize)
    }

    /// Whether an index has grown so much since that this may no longer hold.
    pub(super) fn is_outgrown(&self, vectors: usize) -> bool {
        vectors as u64 * 2 >= (self.vectors + GROWN_MIN) * GROWN_HALVES
    }

    /// Whether there is anything to go by.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.points.is_empty()
    }

    /// Appends its stored form: vectors, then points with their number before them.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.vectors.to_le_bytes());
        bytes.extend((self.points.len() as u32).to_le_bytes());
        for (breadth, recall) in &self.points {
            bytes.extend(breadth.to_le_bytes());
            bytes.extend(recall.to_le_bytes());
        }
    }

    /// Reads its stored form.
    pub(super) fn decode(rest: &mut &[u8]) -> Result<Self> {
        let vectors = u64::from_le_bytes(take_array(rest)?);
        let mut points = Vec::new();
        for _ in 0..u32::from_le_bytes(take_array(rest)?) {
            let breadth = u32::from_le_bytes(take_array(rest)?);
            points.push((breadth, f32::from_le_bytes(take_array(rest)?)));
        }
        Ok(Self { vectors, points })
    }
}

/// The measuring of an index, effort after effort.
#[derive(Debug)]
pub(super) struct Measure {
    method: Method,
    times: u8,
    breadths: std::vec::IntoIter<usize>,
    found: Calibration,
}

impl Measure {
    /// Begins, with an index of so many vectors.
    pub(super) fn new(method: Method, times: u8, vectors: usize) -> Self {
        let breadths: Vec<usize> = breadths(method, vectors).collect();
        Self {
            method,
            times,
            breadths: breadths.into_iter(),
            found: Calibration {
                vectors: vectors as u64,
                points: Vec::new(),
            },
        }
    }

    /// Asks the index with the next effort.
    pub(super) fn step(
        &mut self,
        calibrator: &Calibrator,
        index: &dyn Index,
        work: Work<'_>,
    ) -> Result<Step> {
        let Some(breadth) = self.breadths.next() else {
            return Ok(Step::Done);
        };
        let asked = Asked::new(self.method, self.times, breadth, WANTED);
        let share = calibrator.ask(index, asked.effort(), asked.needed, work);
        let Some(share) = share.map_err(failure)? else {
            return Ok(Step::Done);
        };
        // More effort does not find less: what looks like it is chance.
        let before = self.found.points.last().map_or(0.0, |(_, least)| *least);
        let breadth = u32::try_from(breadth)
            .map_err(|_| Error::internal("a breadth of more than 32 bits"))?;
        let least = before.max(share.least as f32);
        self.found.points.push((breadth, least));
        Ok(match share.all {
            true => Step::Done,
            false => Step::More,
        })
    }

    pub(super) fn finish(self) -> Calibration {
        self.found
    }
}

/// The efforts that are tried of an index of so many vectors.
fn breadths(method: Method, vectors: usize) -> impl Iterator<Item = usize> {
    let (least, most): (usize, usize) = match method {
        Method::Hnsw => (10, 1000),
        Method::Ivf => (1, 4096),
        Method::Lsh => (1, 1024),
    };
    let most = most.min(vectors.max(least));
    std::iter::successors(Some(least), |breadth| Some(breadth + breadth.div_ceil(2)))
        .take_while(move |breadth| *breadth < most)
        .chain([most])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_breadth_for_more_recall() {
        let known = Calibration {
            vectors: 1000,
            points: vec![(10, 0.5), (40, 0.9), (160, 0.98), (640, 1.0)],
        };
        assert_eq!(known.breadth(0.86), Some(40));
        assert_eq!(known.breadth(0.9), Some(40));
        assert!(!known.is_outgrown(1700) && known.is_outgrown(1800));
        assert!(!Calibration::default().is_outgrown(250));
        assert!(Calibration::default().is_outgrown(300));
        assert_eq!(known.breadth(0.95), Some(160));
        assert_eq!(known.breadth(1.0), Some(640));
        assert_eq!(known.recall(40).map(|r| (r * 100.0).round()), Some(90.0));
        assert_eq!(known.recall(20).map(|r| (r * 100.0).round()), Some(70.0));
        assert_eq!(known.recall(5).map(|r| (r * 100.0).round()), Some(25.0));
        assert_eq!(known.recall(5000), Some(1.0));
        assert_eq!(Calibration::default().recall(40), None);
        assert_eq!(Calibration::default().breadth(0.5), None);
        let mut bytes = Vec::new();
        known.encode(&mut bytes);
        assert_eq!(Calibration::decode(&mut bytes.as_slice()).unwrap(), known);
        assert!(Calibration::decode(&mut bytes.get(..20).unwrap()).is_err());
    }

    #[test]
    fn efforts_ascend_to_the_most() {
        for (method, vectors) in [
            (Method::Hnsw, 5),
            (Method::Hnsw, 1 << 20),
            (Method::Ivf, 90),
        ] {
            let all: Vec<usize> = breadths(method, vectors).collect();
            assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
        }
    }
}
