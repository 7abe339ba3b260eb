//! Zstandard, in frames of some hundred values so that a row costs a frame, not a chunk. Those of a cold segment share a
//! dictionary.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use vortex_array::{Canonical, IntoArray, VortexSessionExecute};
use vortex_zstd::{Zstd, ZstdData};

use super::cascade::CASCADE;
use super::packed::{Packed, Packer};
use super::storage::{storage_type, to_storage};
use super::vortex;
use super::{Block, Codec, Effort, Encoded, Opened};
use crate::error::Result;

/// Values in a frame.
const FRAME: usize = 1024;

/// Types that Vortex's frames do not hold: compressed as a whole.
static WHOLE: Packed = Packed::plain("zstd", Packer::Zstd);

/// The codec.
#[derive(Debug)]
pub(super) struct Zstandard;

/// Which types have frames.
fn framed(ty: &DataType) -> bool {
    storage_type(ty).is_some_and(|ty| {
        ty.is_primitive() && !matches!(ty, DataType::Decimal128(..) | DataType::Decimal256(..))
            || matches!(
                ty,
                DataType::Utf8
                    | DataType::LargeUtf8
                    | DataType::Utf8View
                    | DataType::Binary
                    | DataType::LargeBinary
                    | DataType::BinaryView
            )
    })
}

/// The level of an effort.
pub(super) fn level(effort: Effort) -> i32 {
    match effort {
        Effort::Warm => 3,
        Effort::Cold => 12,
    }
}

impl Codec for Zstandard {
    fn name(&self) -> &'static str {
        "zstd"
    }

    fn fits(&self, ty: &DataType) -> bool {
        CASCADE.fits(ty)
    }

    fn compress(&self, array: &ArrayRef, effort: Effort) -> Result<Encoded> {
        if !framed(array.data_type()) {
            return WHOLE.compress(array, effort);
        }
        let nullable = array.null_count() > 0;
        let stored = vortex::import(&to_storage(array)?, nullable)?;
        let compressed = vortex::encoding(|| {
            let mut context = vortex::session().create_execution_ctx();
            let dtype = stored.dtype().clone();
            let validity = stored.validity()?;
            let (level, context) = (level(effort), &mut context);
            let data = match (effort, stored.execute::<Canonical>(context)?) {
                // To train a dictionary takes several times as long as to compress.
                (Effort::Warm, Canonical::VarBinView(values)) => {
                    ZstdData::from_var_bin_view_without_dict(&values, level, FRAME, context)?
                }
                (Effort::Warm, Canonical::Primitive(values)) => {
                    ZstdData::from_primitive_without_dict(&values, level, FRAME, context)?
                }
                (_, values) => ZstdData::from_array(values.into_array(), level, FRAME, context)?,
            };
            Ok(Zstd::try_new(dtype, data, validity)?.into_array())
        })?;
        vortex::serialize(&compressed)
    }

    fn decompress(&self, block: &Block) -> Result<ArrayRef> {
        if framed(&block.ty) {
            CASCADE.decompress(block)
        } else {
            WHOLE.decompress(block)
        }
    }

    fn slice(&self, block: &Block, rows: Range<usize>) -> Result<ArrayRef> {
        if framed(&block.ty) {
            CASCADE.slice(block, rows)
        } else {
            WHOLE.slice(block, rows)
        }
    }

    fn frame(&self) -> usize {
        FRAME
    }

    fn open(&self, block: &Block) -> Result<Option<Arc<dyn Opened>>> {
        if framed(&block.ty) {
            Ok(None)
        } else {
            WHOLE.open(block)
        }
    }
}
