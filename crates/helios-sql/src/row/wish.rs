//! What a session asks of searches by an index of nearness.

use helios_expr::SessionHooks;
use helios_table::catalog::{IndexDef, Method};
use helios_table::nearest::Calibration;

/// How hard a session wants searches to try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wish {
    /// `helios.vector_recall`, if it is set.
    recall: Option<f64>,
    /// `hnsw.ef_search`, `ivfflat.probes` or `lsh.probes`.
    breadth: usize,
    /// Whether a search that has found too little goes on.
    pub(crate) goes_on: bool,
    /// At most so many candidates are looked at.
    pub(crate) most: usize,
}

impl Wish {
    /// What the session says of searches by this index.
    pub(crate) fn of(def: &IndexDef, session: &dyn SessionHooks) -> Self {
        let number = |name: &str| session.setting(name).and_then(|text| text.parse().ok());
        let goes_on = |name: &str| session.setting(name).as_deref() != Some("off");
        let recall = session
            .setting("helios.vector_recall")
            .and_then(|text| text.parse().ok())
            .filter(|recall| *recall > 0.0);
        let wish = Self {
            recall,
            breadth: 0,
            goes_on: true,
            most: usize::MAX,
        };
        match Method::named(&def.method) {
            Some(Method::Hnsw) => Self {
                breadth: number("hnsw.ef_search").unwrap_or(0),
                goes_on: goes_on("hnsw.iterative_scan"),
                most: number("hnsw.max_scan_tuples").unwrap_or(usize::MAX),
                ..wish
            },
            Some(Method::Ivf) => Self {
                breadth: number("ivfflat.probes").unwrap_or(0),
                goes_on: goes_on("ivfflat.iterative_scan"),
                ..wish
            },
            Some(Method::Lsh) => Self {
                breadth: number("lsh.probes").unwrap_or(0),
                ..wish
            },
            None => wish,
        }
    }

    /// The breadth of a search; `None` if no breadth finds as much as is wanted, so that every row has to be
    /// read.
    pub(crate) fn breadth(&self, known: &Calibration) -> Option<usize> {
        match self.recall {
            Some(recall) if known.is_known() => known.breadth(recall),
            // All of the nearest are only surely found among all rows.
            Some(recall) if recall >= 1.0 => None,
            _ => Some(self.breadth),
        }
    }
}
