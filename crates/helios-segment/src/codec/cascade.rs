//! Codecs that are Vortex with some of its encodings.
//!
//! The compressor tries its schemes on a sample of 1 % and nests the best up to three deep:
//! strings become a dictionary whose values are FSST codes and whose indices are run-length encoded,
//! integers are shifted by their minimum and packed into as many bits as the rest needs.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, StringViewArray, UInt8Array, UInt16Array, UInt32Array, new_null_array,
};
use arrow_schema::DataType;
use vortex_array::arrays::DictArray;
use vortex_array::{ArrayId, IntoArray, VortexSessionExecute};
use vortex_btrblocks::{
    BtrBlocksCompressor, BtrBlocksCompressorBuilder, CompressionSessionExt, SchemeExt,
};
use vortex_error::VortexResult;

use super::check::check;
use super::fragments::FRAGMENTS;
use super::ready::Ready;
use super::short;
use super::storage::{from_storage, storage_type, to_storage, unheld};
use super::vortex::{self, VortexArray};
use super::{Block, Codec, Effort, Encoded, Fragments, Known, Opened, raw_bytes};
use crate::coded::Coded;
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

/// Places in a dictionary: they follow no order, so only their width, their runs and one that is most of them count.
static PLACES: LazyLock<BtrBlocksCompressor> = LazyLock::new(|| {
    compressor(|name| {
        let runs = name == "vortex.int.rle" || name == "vortex.int.runend";
        runs || name == "vortex.int.sparse" || name == "vortex.int.bitpacking"
    })
});

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

/// A compressor of the schemes that make these encodings, and of those that make integers narrow, which cost little to
/// try.
fn compressor_of(encodings: &[String]) -> BtrBlocksCompressor {
    let session = vortex::session();
    let is_made = |id: &ArrayId| encodings.iter().any(|encoding| encoding == id.as_str());
    let unwanted: Vec<_> = session
        .compression()
        .schemes()
        .iter()
        .filter(|scheme| {
            let is_wanted = scheme.produced_encodings().iter().any(is_made);
            !is_wanted && !is_packing(scheme.scheme_name())
        })
        .map(|scheme| scheme.id())
        .collect();
    BtrBlocksCompressorBuilder::from_session(session)
        .exclude_schemes(unwanted)
        .build()
}

/// Views of 16 bytes a value are for memory, not for files.
fn without_views(array: ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Utf8View => arrow_cast::cast(&array, &DataType::Utf8)?,
        DataType::BinaryView => arrow_cast::cast(&array, &DataType::Binary)?,
        _ => array,
    })
}

/// Different strings of so few bytes stay as they are: what tables of fragments save of them they take themselves.
const SHORT: usize = 4096;

/// A dictionary of strings and the places of all rows in it, each compressed. A null is one of the strings.
fn dictionary(
    strings: &StringViewArray,
    coded: &Coded,
    compressor: &BtrBlocksCompressor,
    fragments: Option<&Fragments>,
) -> Result<Encoded> {
    let mut values = without_views(coded.values(strings)?)?;
    let mut codes = coded.codes.clone();
    let has_nulls = strings.null_count() > 0;
    if let Some(nulls) = strings.nulls().filter(|_| has_nulls) {
        let null = new_null_array(values.data_type(), 1);
        let place = coded.firsts.len() as u32;
        values = arrow_select::concat::concat(&[values.as_ref(), null.as_ref()])?;
        for (code, is_valid) in codes.iter_mut().zip(nulls) {
            *code = if is_valid { *code } else { place };
        }
    }
    let codes: ArrayRef = match values.len() {
        0..=0x100 => Arc::new(codes.iter().map(|code| *code as u8).collect::<UInt8Array>()),
        0x101..=0x1_0000 => Arc::new(
            codes
                .iter()
                .map(|code| *code as u16)
                .collect::<UInt16Array>(),
        ),
        _ => Arc::new(UInt32Array::from(codes)),
    };
    let bytes = raw_bytes(values.as_ref());
    let is_short = bytes < SHORT;
    let (values, codes) = (
        vortex::import(&values, has_nulls)?,
        vortex::import(&codes, false)?,
    );
    let array = vortex::encoding(|| {
        let mut context = vortex::session().create_execution_ctx();
        let values = match fragments {
            _ if is_short => values,
            Some(fragments) => fragments.compress(&values, bytes, compressor, &mut context)?,
            None => compressor.compress(&values, &mut context)?,
        };
        let codes = PLACES.compress(&codes, &mut context)?;
        Ok(DictArray::try_new(codes, values)?.into_array())
    })?;
    vortex::serialize(&array)
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

    fn compress(&self, array: &ArrayRef, effort: Effort) -> Result<Encoded> {
        self.compress_known(array, effort, &Known::default())
    }

    fn compress_known(&self, array: &ArrayRef, _: Effort, known: &Known<'_>) -> Result<Encoded> {
        // A codec of few encodings has few to try.
        let known_here = (self.name == CASCADE.name).then_some(known);
        let likely = known_here
            .and_then(|known| known.encodings)
            .map(compressor_of);
        let compressor = likely.as_ref().unwrap_or(&self.compressor);
        // Where they are, and where fragments are all of it.
        let encodings = known_here.and_then(|known| known.encodings);
        let encodings = encodings.unwrap_or_default();
        let at = encodings.iter().position(|name| name == FRAGMENTS);
        let fragments = known_here.and_then(|known| known.fragments.filter(|_| at.is_some()));
        if let Some(coded) = known_here.and_then(|known| known.coded)
            && let Some(strings) = array.as_string_view_opt()
            && coded.firsts.len() > 1
        {
            return dictionary(strings, coded, compressor, fragments);
        }
        let stored = without_views(to_storage(array)?)?;
        let nullable = array.null_count() > 0;
        let array = vortex::import(&stored, nullable)?;
        if self.name == PLAIN.name {
            return vortex::serialize(&array);
        }
        let all = fragments.filter(|_| at == Some(0) && stored.null_count() < stored.len());
        let compressed = vortex::encoding(|| {
            let mut context = vortex::session().create_execution_ctx();
            match all {
                Some(all) => {
                    let bytes = raw_bytes(stored.as_ref());
                    all.compress(&array, bytes, compressor, &mut context)
                }
                None => compressor.compress(&array, &mut context),
            }
        })?;
        vortex::serialize(&compressed)
    }

    fn decompress(&self, block: &Block) -> Result<ArrayRef> {
        self.decode(block, Ok)
    }

    fn decompress_narrow(&self, block: &Block) -> Result<ArrayRef> {
        let stored = storage_type(&block.ty).ok_or_else(|| unheld(&block.ty))?;
        let array = vortex::guard(|| vortex::deserialize(block, &stored))?;
        short::decode(array, &stored, &block.ty)
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
