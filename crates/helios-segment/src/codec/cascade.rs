//! Codecs that are Vortex with some of its encodings.
//!
//! The compressor tries its schemes on a sample of 1 % and nests the best up to three deep:
//! strings become a dictionary whose values are FSST codes and whose indices are run-length encoded,
//! integers are shifted by their minimum and packed into as many bits as the rest needs.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_schema::DataType;
use vortex_array::VortexSessionExecute;
use vortex_btrblocks::{
    BtrBlocksCompressor, BtrBlocksCompressorBuilder, CompressionSessionExt, SchemeExt,
};
use vortex_error::VortexResult;

use super::check::check;
use super::ready::Ready;
use super::storage::{from_storage, storage_type, to_storage, unheld};
use super::vortex::{self, VortexArray};
use super::{Block, Codec, Effort, Encoded, Opened};
use crate::error::Result;

/// A codec of Vortex encodings.
pub(super) struct Cascade {
    name: &'static str,
    fits: fn(&DataType) -> bool,
    compressor: LazyLock<BtrBlocksCompressor>,
}

impl fmt::Debug for Cascade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cascade").field("name", &self.name).finish()
    }
}

/// All encodings, but for Zstandard.
pub(super) static CASCADE: Cascade = Cascade {
    name: "cascade",
    fits: any,
    compressor: LazyLock::new(|| compressor(|_| true)),
};

/// Nothing: arrays as they are.
pub(super) static PLAIN: Cascade = Cascade {
    name: "none",
    fits: any,
    compressor: LazyLock::new(|| compressor(|_| false)),
};

/// Strings by a table of frequent fragments.
pub(super) static FSST: Cascade = Cascade {
    name: "fsst",
    fits: is_text,
    compressor: LazyLock::new(|| {
        compressor(|name| name == "vortex.string.fsst" || is_packing(name))
    }),
};

/// Floating point numbers that are decimals in disguise as integers; others as a common front and
/// a rest.
pub(super) static ALP: Cascade = Cascade {
    name: "alp",
    fits: is_float,
    compressor: LazyLock::new(|| {
        compressor(|name| name.starts_with("vortex.float.alp") || is_packing(name))
    }),
};

/// Distinct values once, and an index per row.
pub(super) static DICTIONARY: Cascade = Cascade {
    name: "dictionary",
    fits: |ty| storage_type(ty).is_some_and(|ty| is_flat(&ty)),
    compressor: LazyLock::new(|| compressor(|name| name.ends_with(".dict") || is_packing(name))),
};

/// Runs of equal values; for strings, of equal dictionary indices.
pub(super) static RLE: Cascade = Cascade {
    name: "rle",
    fits: |ty| storage_type(ty).is_some_and(|ty| is_flat(&ty)),
    compressor: LazyLock::new(|| {
        compressor(|name| {
            let runs = name.ends_with(".rle") || name.ends_with(".runend");
            let texts = name == "vortex.string.dict" || name == "vortex.binary.dict";
            runs || texts || is_packing(name)
        })
    }),
};

fn any(ty: &DataType) -> bool {
    storage_type(ty).is_some()
}

pub(super) fn is_text(ty: &DataType) -> bool {
    matches!(
        ty,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

pub(super) fn is_float(ty: &DataType) -> bool {
    matches!(ty, DataType::Float32 | DataType::Float64)
}

fn is_flat(ty: &DataType) -> bool {
    let binary = matches!(
        ty,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView
    );
    ty.is_integer() || is_float(ty) || is_text(ty) || binary
}

/// Schemes that make integers narrow.
fn is_packing(name: &str) -> bool {
    matches!(
        name,
        "vortex.int.for" | "vortex.int.zigzag" | "vortex.int.bitpacking" | "vortex.int.sequence"
    )
}

/// A compressor of the registered schemes that `keep` names, limited to frozen encodings. Leaves
/// Zstandard out: it has a codec of its own.
fn compressor(keep: fn(&str) -> bool) -> BtrBlocksCompressor {
    let session = vortex::session();
    let unwanted: Vec<_> = session
        .compression()
        .schemes()
        .iter()
        .filter(|scheme| !keep(scheme.scheme_name()))
        .map(|scheme| scheme.id())
        .collect();
    BtrBlocksCompressorBuilder::from_session(session)
        .exclude_schemes(unwanted)
        .build()
}

impl Cascade {
    /// The rows that `pick` leaves of the block.
    fn decode(
        &self,
        block: &Block,
        pick: impl FnOnce(VortexArray) -> VortexResult<VortexArray>,
    ) -> Result<ArrayRef> {
        let stored = storage_type(&block.ty).ok_or_else(|| unheld(&block.ty))?;
        let array = vortex::guard(|| {
            let array = vortex::deserialize(block, &stored)?;
            vortex::export(pick(array)?, &stored)
        })?;
        check(&array)?;
        from_storage(array, &block.ty)
    }
}

impl Codec for Cascade {
    fn name(&self) -> &'static str {
        self.name
    }

    fn fits(&self, ty: &DataType) -> bool {
        (self.fits)(ty)
    }

    fn compress(&self, array: &ArrayRef, _effort: Effort) -> Result<Encoded> {
        let stored = to_storage(array)?;
        // Views of 16 bytes a value are for memory, not for files.
        let stored = match stored.data_type() {
            DataType::Utf8View => arrow_cast::cast(&stored, &DataType::Utf8)?,
            DataType::BinaryView => arrow_cast::cast(&stored, &DataType::Binary)?,
            _ => stored,
        };
        let nullable = array.null_count() > 0;
        let array = vortex::import(&stored, nullable)?;
        if self.name == PLAIN.name {
            return vortex::serialize(&array);
        }
        let compressed = vortex::encoding(|| {
            let mut context = vortex::session().create_execution_ctx();
            self.compressor.compress(&array, &mut context)
        })?;
        vortex::serialize(&compressed)
    }

    fn decompress(&self, block: &Block) -> Result<ArrayRef> {
        self.decode(block, Ok)
    }

    fn slice(&self, block: &Block, rows: Range<usize>) -> Result<ArrayRef> {
        self.decode(block, |array| array.slice(rows))
    }

    fn open(&self, block: &Block) -> Result<Option<Arc<dyn Opened>>> {
        Ok(Some(Arc::new(Ready::of(block)?)))
    }

    fn take(&self, block: &Block, rows: &UInt32Array) -> Result<ArrayRef> {
        let rows: ArrayRef = Arc::new(rows.clone());
        let rows = vortex::import(&rows, false)?;
        self.decode(block, |array| array.take(rows))
    }
}
