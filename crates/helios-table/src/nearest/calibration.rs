//! How much of what is nearest an index finds, by how far it looks: measured when it is made, and again when it has grown.
//!
//! What is asked, and what is told of it, is said at [`Calibrator`]. The index is asked with more and more effort, until
//! it finds all. Two numbers of rows are asked for, and what others take lies on the line through these: searches with
//! conditions look for as many as are looked at until enough of them hold.

use helios_base::codec::take_array;
use helios_base::{Error, Result};
use helios_vector::{Calibrator, Index, Share, WANTED, WANTED_MANY, Work};
use helios_version::Step;

use super::effort::Asked;
use super::structure::failure;
use crate::catalog::Method;

/// It is measured again when there are so many times as many vectors, in halves, and so many more.
const GROWN_HALVES: u64 = 3;
const GROWN_MIN: u64 = 200;
/// So many lists or buckets hold all that are asked for.
const TOGETHER: usize = 16;
/// Graphs that find so much of the nearest with so much effort, as `hnsw.ef_search` may ask at most, are not tried with
/// more: large ones may need it for what is asked at most.
const USUAL_MOST: usize = 1000;
const ENOUGH: f64 = 0.995;
/// Less than this more is not worth any effort.
const NEARLY: f32 = 0.005;

/// What was measured of an index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// How many vectors it had then.
    pub vectors: u64,
    /// What is found of the [`WANTED`] nearest.
    few: Curve,
    /// What is found of the [`WANTED_MANY`] nearest.
    many: Curve,
}

/// Breadths, ascending, each with what the share of the nearest that is found is above in all likelihood.
#[derive(Clone, Debug, Default, PartialEq)]
struct Curve {
    points: Vec<(u32, f32)>,
}

impl Curve {
    fn recall(&self, breadth: usize) -> Option<f64> {
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

    fn breadth(&self, recall: f64) -> Option<usize> {
        // Shares are kept in single precision.
        let enough = |(_, known): &(u32, f32)| f64::from(*known) + 1e-6 >= recall;
        let at = self.points.iter().position(enough)?;
        let (breadth, known) = *self.points.get(at)?;
        match at == 0 || f64::from(known) <= recall + 1e-6 {
            true => Some(breadth as usize),
            // Less may do than was tried.
            false => Some(self.takes(recall).min(breadth as usize)),
        }
    }

    /// What breadth finds this share, between those that were tried; of what none found, more than all of these.
    fn takes(&self, share: f64) -> usize {
        let at = self
            .points
            .partition_point(|(_, recall)| f64::from(*recall) < share);
        let below = at.checked_sub(1).and_then(|at| self.points.get(at));
        let breadth = match (below, self.points.get(at)) {
            (_, None) => return usize::MAX >> 1,
            (None, Some((breadth, recall))) => {
                f64::from(*breadth) * share / f64::from(*recall).max(f64::MIN_POSITIVE)
            }
            (Some((low, less)), Some((high, more))) => {
                let part = (share - f64::from(*less)) / f64::from(more - less);
                (f64::from(*low).ln() * (1.0 - part) + f64::from(*high).ln() * part).exp()
            }
        };
        // What was tried itself may come out a little above it.
        (breadth - 1e-6).ceil() as usize
    }

    /// The least breadth that finds this share, or nearly what the most finds.
    fn breadth_or_best(&self, recall: f64) -> Option<usize> {
        self.breadth(recall).or_else(|| {
            let (_, best) = self.points.last()?;
            self.breadth(f64::from(best - NEARLY))
        })
    }

    /// Appends its stored form: how many points, then these.
    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend((self.points.len() as u32).to_le_bytes());
        for (breadth, recall) in &self.points {
            bytes.extend(breadth.to_le_bytes());
            bytes.extend(recall.to_le_bytes());
        }
    }

    fn decode(rest: &mut &[u8]) -> Result<Self> {
        let mut points = Vec::new();
        for _ in 0..u32::from_le_bytes(take_array(rest)?) {
            let breadth = u32::from_le_bytes(take_array(rest)?);
            points.push((breadth, f32::from_le_bytes(take_array(rest)?)));
        }
        Ok(Self { points })
    }

    /// Adds what was found with a larger breadth.
    fn add(&mut self, breadth: usize, share: Share) -> Result<()> {
        // More effort does not find less: what looks like it is chance.
        let before = self.points.last().map_or(0.0, |(_, least)| *least);
        let breadth = u32::try_from(breadth)
            .map_err(|_| Error::internal("a breadth of more than 32 bits"))?;
        self.points.push((breadth, before.max(share.least as f32)));
        Ok(())
    }
}

/// Between what the few and what the many nearest take, and beyond, by the logarithm of how many are wanted.
fn between(few: usize, many: usize, wanted: usize) -> usize {
    let (few, many) = (few.max(1) as f64, many.max(few).max(1) as f64);
    let more = (wanted as f64 / WANTED as f64).ln() / (WANTED_MANY as f64 / WANTED as f64).ln();
    let breadth = (few.ln() + more.max(0.0) * (many / few).ln()).exp();
    // What is a whole number may come out a little above it.
    (breadth - 1e-6).ceil() as usize
}

impl Calibration {
    /// The share of the nearest rows, where so many are wanted, that a search of this breadth finds at least, in all
    /// likelihood; `None` if nothing was measured.
    #[must_use]
    pub fn recall(&self, breadth: usize, wanted: usize) -> Option<f64> {
        let few = self.few.recall(breadth)?;
        if wanted <= WANTED || self.many.points.is_empty() {
            return Some(few);
        }
        // The share that takes this breadth, between none and all.
        let takes = |share: f64| between(self.few.takes(share), self.many.takes(share), wanted);
        let (mut low, mut high) = (0.0, few);
        for _ in 0..24 {
            let middle = (low + high) / 2.0;
            match takes(middle) <= breadth {
                true => low = middle,
                false => high = middle,
            }
        }
        Some(low)
    }

    /// The least breadth that finds this share of so many in all likelihood, as the line between those that were tried
    /// tells; `None` if none does.
    #[must_use]
    pub fn breadth(&self, recall: f64, wanted: usize) -> Option<usize> {
        let few = self.few.breadth(recall)?;
        match wanted <= WANTED {
            true => Some(few),
            false => Some(between(few, self.many.breadth(recall)?, wanted)),
        }
    }

    /// As [`Calibration::breadth`]; where none finds that share, one that finds nearly as much as any.
    #[must_use]
    pub fn breadth_or_best(&self, recall: f64, wanted: usize) -> Option<usize> {
        let few = self.few.breadth_or_best(recall)?;
        match (wanted <= WANTED, self.many.breadth_or_best(recall)) {
            (false, Some(many)) => Some(between(few, many, wanted)),
            _ => Some(few),
        }
    }

    /// Whether an index has grown so much since that this may no longer hold.
    pub(super) fn is_outgrown(&self, vectors: usize) -> bool {
        vectors as u64 * 2 >= (self.vectors + GROWN_MIN) * GROWN_HALVES
    }

    /// Whether there is anything to go by.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.few.points.is_empty()
    }

    /// Appends its stored form: vectors, then points with their number before them, of few and of many.
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.vectors.to_le_bytes());
        self.few.encode(bytes);
        self.many.encode(bytes);
    }

    /// Reads its stored form.
    pub(super) fn decode(rest: &mut &[u8]) -> Result<Self> {
        Ok(Self {
            vectors: u64::from_le_bytes(take_array(rest)?),
            few: Curve::decode(rest)?,
            many: Curve::decode(rest)?,
        })
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
                ..Calibration::default()
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
        let few = Asked::new(self.method, self.times, breadth, WANTED);
        let many = Asked::new(self.method, self.times, breadth, WANTED_MANY);
        let ask = |asked: Asked, wanted: &[(usize, usize)]| {
            let share = calibrator.ask(index, asked.effort(), wanted, work);
            share.map_err(failure)
        };
        let (wanted, wanted_many) = ((WANTED, few.needed), (WANTED_MANY, many.needed));
        // A search that looks further than both need finds the few among the many.
        let together = match self.method {
            Method::Hnsw => few.breadth >= many.needed.saturating_add(many.needed / 4),
            Method::Ivf | Method::Lsh => breadth >= TOGETHER,
        };
        let shares = match together {
            true => ask(few, &[wanted, wanted_many])?,
            false => {
                let mut shares = ask(few, &[wanted])?;
                shares.extend(ask(many, &[wanted_many])?);
                shares
            }
        };
        let [share, share_many] = shares.as_slice() else {
            return Ok(Step::Done);
        };
        self.found.few.add(breadth, *share)?;
        self.found.many.add(breadth, *share_many)?;
        let least = share.least.min(share_many.least);
        let enough = breadth >= USUAL_MOST && least >= ENOUGH;
        Ok(match share.all && share_many.all || enough {
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
        Method::Hnsw => (10, 4 * USUAL_MOST),
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
        let points = |points: &[(u32, f32)]| Curve {
            points: points.to_vec(),
        };
        let known = Calibration {
            vectors: 1000,
            few: points(&[(10, 0.5), (40, 0.9), (160, 0.98), (640, 1.0)]),
            many: points(&[(10, 0.4), (40, 0.5), (160, 0.8), (640, 0.96)]),
        };
        assert_eq!(known.breadth(0.86, 10), Some(35));
        assert_eq!(known.breadth(0.9, 1), Some(40));
        assert!(!known.is_outgrown(1700) && known.is_outgrown(1800));
        assert!(!Calibration::default().is_outgrown(250));
        assert!(Calibration::default().is_outgrown(300));
        assert_eq!(known.breadth(0.95, 10), Some(96));
        assert_eq!(known.breadth(1.0, 10), Some(640));
        // More are found with more breadth: half-way for three times as many, and so on beyond what was measured.
        assert_eq!(known.breadth(0.95, 32), Some(240));
        assert_eq!(known.breadth(0.95, 100), Some(587));
        assert_eq!(known.breadth(0.95, 1000), Some(3590));
        assert_eq!(known.breadth(1.0, 100), None);
        assert_eq!(known.breadth_or_best(1.0, 100), Some(640));
        assert_eq!(known.breadth_or_best(0.9, 10), Some(40));
        let recall = |breadth, wanted| known.recall(breadth, wanted).map(|r| (r * 100.0).round());
        assert_eq!(recall(40, 10), Some(90.0));
        assert_eq!(recall(20, 10), Some(70.0));
        assert_eq!(recall(5, 10), Some(25.0));
        assert_eq!(recall(5000, 10), Some(100.0));
        assert_eq!(recall(160, 100), Some(80.0));
        assert_eq!(recall(160, 32), Some(92.0));
        assert_eq!(recall(1600, 1000), Some(84.0));
        assert_eq!(Calibration::default().recall(40, 10), None);
        assert_eq!(Calibration::default().breadth(0.5, 10), None);
        assert_eq!(Calibration::default().breadth_or_best(0.5, 10), None);
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
