//! What a session asks of searches by an index of nearness.

use helios_expr::SessionHooks;
use helios_table::catalog::{IndexDef, Method};
use helios_table::nearest::Calibration;

/// How hard a session wants searches to try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wish {
    aim: Aim,
    /// `hnsw.ef_search`, `ivfflat.probes` or `lsh.probes`.
    breadth: usize,
    /// Whether a search that has found too little goes on.
    pub(crate) goes_on: bool,
    /// At most so many candidates are looked at.
    pub(crate) most: usize,
}

/// What decides how far a search looks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Aim {
    /// `helios.vector_recall` was set: this share is found, whatever it takes.
    Recall(f64),
    /// Nothing was set: this share is found if any effort does, and no less is looked at than the setting says.
    Usual(f64),
    /// `hnsw.ef_search` or its like was set, and no recall.
    Breadth,
}

impl Wish {
    /// What the session says of searches by this index.
    pub(crate) fn of(def: &IndexDef, session: &dyn SessionHooks) -> Self {
        let real = |text: String| text.parse::<f64>().ok();
        let goes_on = |name: &str| session.setting(name).as_deref() != Some("off");
        let breadth = match Method::named(&def.method) {
            Some(Method::Hnsw) => "hnsw.ef_search",
            Some(Method::Ivf) => "ivfflat.probes",
            Some(Method::Lsh) | None => "lsh.probes",
        };
        let number = |name: &str| session.setting(name).and_then(|text| text.parse().ok());
        let aim = match session.setting_asked(RECALL).and_then(real) {
            Some(recall) if recall > 0.0 => Aim::Recall(recall),
            Some(_) => Aim::Breadth,
            None if session.setting_asked(breadth).is_some() => Aim::Breadth,
            None => match session.setting(RECALL).and_then(real) {
                Some(recall) => Aim::Usual(recall),
                None => Aim::Breadth,
            },
        };
        let wish = Self {
            aim,
            breadth: number(breadth).unwrap_or(0),
            goes_on: true,
            most: usize::MAX,
        };
        match Method::named(&def.method) {
            Some(Method::Hnsw) => Self {
                goes_on: goes_on("hnsw.iterative_scan"),
                most: number("hnsw.max_scan_tuples").unwrap_or(usize::MAX),
                ..wish
            },
            Some(Method::Ivf) => Self {
                goes_on: goes_on("ivfflat.iterative_scan"),
                ..wish
            },
            Some(Method::Lsh) | None => wish,
        }
    }

    /// The breadth of a search that looks for so many rows; `None` if no breadth finds as much as is wanted, so that
    /// every row has to be read.
    pub(crate) fn breadth(&self, known: &Calibration, looked: usize) -> Option<usize> {
        match self.aim {
            // Without the margin rather than by reading every row.
            Aim::Recall(recall) if known.is_known() => known
                .breadth(aimed(recall), looked)
                .or_else(|| known.breadth(recall, looked)),
            // All of the nearest are only surely found among all rows.
            Aim::Recall(recall) if recall >= 1.0 => None,
            Aim::Usual(recall) => match known.breadth(aimed(recall), looked) {
                Some(enough) => Some(enough.max(self.breadth)),
                None => {
                    let best = known.breadth_or_best(aimed(recall), looked).unwrap_or(0);
                    let few = known.vectors < (best as u64).saturating_mul(FOLLOWED);
                    (!few).then(|| best.max(self.breadth))
                }
            },
            Aim::Recall(_) | Aim::Breadth => Some(self.breadth),
        }
    }

    /// The share of the nearest that is to be found, and whether that is the default; `None` if the breadth decides.
    pub(crate) fn target(&self) -> Option<(f64, bool)> {
        match self.aim {
            Aim::Recall(recall) => Some((recall, false)),
            Aim::Usual(recall) => Some((recall, true)),
            Aim::Breadth => None,
        }
    }
}

/// What is measured for a share to be found: queries that come are seldom quite like rows, so that a quarter less is to
/// be missed.
fn aimed(recall: f64) -> f64 {
    1.0 - (1.0 - recall) * 0.75
}

/// A candidate costs as much as so many rows that are read in order: links are followed, and its own row is read.
const FOLLOWED: u64 = 16;

/// How many rows are thought to be wanted, where that is not known yet.
pub(crate) const WANTED: usize = 10;

/// The setting of the share that is to be found.
const RECALL: &str = "helios.vector_recall";

/// How many of the nearest rows have to be looked at to get so many of which the conditions hold, where these are
/// thought to leave `estimate` of `total` rows.
pub(crate) fn looked(wanted: usize, total: u64, estimate: u64) -> usize {
    let looked = (wanted as u64).saturating_mul(total.max(estimate)) / estimate.max(1);
    usize::try_from(looked)
        .map_or(LOOKED_MAX, |looked| looked.min(LOOKED_MAX))
        .max(wanted)
}

/// For more the first batch is not made larger, so that an estimate that is wrong does not cost much.
const LOOKED_MAX: usize = 800;
