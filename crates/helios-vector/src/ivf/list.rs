//! A list of vectors.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::blocks::{self, BLOCK};
use crate::filter::Bitmap;
use crate::kernel::kernels;
use crate::quant::Quantizer;
use crate::rows::{Rows, View};

/// Vectors, codes and ids, in the same order. Ids are appended last, so whoever sees an id sees all
/// that belongs to it.
#[derive(Debug)]
pub(super) struct List {
    ids: Rows<u64>,
    full: Rows<f32>,
    codes: Rows<u8>,
    /// Codes of four bits once more, 32 vectors together.
    blocks: Rows<u8>,
    /// Those that do not fill a block yet, as one.
    tail: ArcSwap<Tail>,
    /// Of each code for the rest `r` and the centroid `c`, `r·r + 2 c·r`: what makes a distance of the
    /// product with the query. Empty where no distances are made of products.
    shifts: Rows<f32>,
    /// Places that were removed.
    dead: ArcSwap<Bitmap>,
    keep: bool,
}

/// A block that is not full.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The place of its first vector.
    pub(super) first: usize,
    pub(super) block: Vec<u8>,
}

/// A list as it was when it was taken.
#[derive(Debug)]
pub(super) struct ListView {
    pub(super) ids: Arc<View<u64>>,
    pub(super) full: Arc<View<f32>>,
    pub(super) codes: Arc<View<u8>>,
    pub(super) blocks: Arc<View<u8>>,
    /// Of as many vectors as there are or more, unless blocks have them meanwhile.
    pub(super) tail: Arc<Tail>,
    pub(super) shifts: Arc<View<f32>>,
    pub(super) dead: Arc<Bitmap>,
}

impl List {
    pub(super) fn new(dimensions: usize, quantizer: Option<&dyn Quantizer>, keep: bool) -> Self {
        let block = quantizer
            .and_then(|quantizer| quantizer.as_product())
            .map_or(1, blocks::bytes);
        Self {
            ids: Rows::new(1),
            full: Rows::new(dimensions),
            codes: Rows::new(quantizer.map_or(1, |quantizer| quantizer.code_bytes())),
            blocks: Rows::new(block.max(1)),
            tail: ArcSwap::default(),
            shifts: Rows::new(1),
            dead: ArcSwap::default(),
            keep: keep || quantizer.is_none(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ids.view().len()
    }

    pub(super) fn view(&self) -> ListView {
        let ids = self.ids.view();
        ListView {
            dead: self.dead.load_full(),
            full: self.full.view(),
            codes: self.codes.view(),
            tail: self.tail.load_full(),
            blocks: self.blocks.view(),
            shifts: self.shifts.view(),
            ids,
        }
    }

    /// Adds vectors; calls do not overlap. With the centroid, what makes distances of products is kept.
    pub(super) fn append(
        &self,
        ids: &[u64],
        rows: &[f32],
        codes: &[u8],
        quantizer: Option<&dyn Quantizer>,
        centroid: Option<&[f32]>,
    ) {
        if self.keep {
            self.full.append(rows);
        }
        if let Some(quantizer) = quantizer {
            if let Some(centroid) = centroid {
                self.shifts.append(&shifts(quantizer, codes, centroid));
            }
            self.codes.append(codes);
            if let Some(product) = quantizer.as_product().filter(|product| product.is_narrow()) {
                let view = self.codes.view();
                let mut first = self.blocks.view().len() * BLOCK;
                while first + BLOCK <= view.len() {
                    let block =
                        blocks::pack(product, (first..first + BLOCK).map(|row| view.row(row)));
                    self.blocks.append(&block);
                    first += BLOCK;
                }
                if blocks::bytes(product) > 0 {
                    let rest = (first..view.len()).map(|row| view.row(row));
                    let block = blocks::pack(product, rest);
                    self.tail.store(Arc::new(Tail { first, block }));
                }
            }
        }
        self.ids.append(ids);
    }

    pub(super) fn dead(&self) -> Arc<Bitmap> {
        self.dead.load_full()
    }

    /// Marks a place as removed; calls do not overlap.
    pub(super) fn kill(&self, place: u32) {
        let mut dead = Bitmap::clone(&self.dead.load());
        dead.insert(u64::from(place));
        self.dead.store(Arc::new(dead));
    }

    pub(super) fn all_ids(&self) -> Vec<u64> {
        let ids = self.ids.view();
        (0..ids.len())
            .filter_map(|place| ids.row(place).first().copied())
            .collect()
    }

    /// The list without removed places.
    pub(super) fn compacted(
        &self,
        dimensions: usize,
        quantizer: Option<&dyn Quantizer>,
        keep: bool,
        centroid: Option<&[f32]>,
    ) -> Self {
        let new = Self::new(dimensions, quantizer, keep);
        let view = self.view();
        let (mut ids, mut rows, mut codes) = (Vec::new(), Vec::new(), Vec::new());
        for place in (0..view.ids.len()).filter(|place| !view.dead.contains(*place as u64)) {
            ids.extend_from_slice(view.ids.row(place));
            rows.extend_from_slice(view.full.row(place));
            codes.extend_from_slice(view.codes.row(place));
        }
        new.append(&ids, &rows, &codes, quantizer, centroid);
        new
    }

    pub(super) fn memory(&self) -> usize {
        self.full.view().memory()
            + self.codes.view().memory()
            + self.blocks.view().memory()
            + self.tail.load().block.capacity()
            + self.shifts.view().memory()
    }
}

/// What makes distances of products, for each code.
fn shifts(quantizer: &dyn Quantizer, codes: &[u8], centroid: &[f32]) -> Vec<f32> {
    let kernels = kernels();
    let mut rest = vec![0.0; centroid.len()];
    let codes = codes.chunks_exact(quantizer.code_bytes().max(1));
    codes
        .map(|code| {
            quantizer.decode(code, &mut rest);
            kernels.dot(&rest, &rest) + 2.0 * kernels.dot(&rest, centroid)
        })
        .collect()
}
