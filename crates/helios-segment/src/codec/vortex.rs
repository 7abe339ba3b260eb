//! The border to Vortex: sessions, serialisation, and panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field};
use vortex_array::serde::{SerializeOptions, SerializedArray};
use vortex_array::session::ArraySessionExt;
use vortex_array::{ArrayContext, ArrayId, VortexSessionExecute, array_session};
use vortex_arrow::ArrowSessionExt;
use vortex_buffer::ByteBuffer;
use vortex_edition::declarations::core::CORE_2026_08_3;
use vortex_edition::{EDITION_DECLARATIONS, EDITION_FAMILIES, EditionSessionExt};
use vortex_error::{VortexError, VortexResult, vortex_err};
use vortex_session::VortexSession;
use vortex_session::registry::ReadContext;

use super::{Block, Encoded};
use crate::error::{Error, Result};

/// Vortex's array, to tell it from Arrow's.
pub(super) type VortexArray = vortex_array::ArrayRef;

/// The encodings that may be written: the newest frozen edition of the Vortex in use. Going to a
/// later edition is a change of the file format (older builds will not read new files).
const EDITION: vortex_edition::EditionId = CORE_2026_08_3;

/// A table of decoders, made once; nothing in it changes afterwards.
static SESSION: LazyLock<VortexSession> = LazyLock::new(|| {
    let session = array_session();
    vortex_alp::initialize(&session);
    vortex_decimal_byte_parts::initialize(&session);
    vortex_fastlanes::initialize(&session);
    vortex_fsst::initialize(&session);
    vortex_onpair::initialize(&session);
    vortex_runend::initialize(&session);
    vortex_sequence::initialize(&session);
    vortex_sparse::initialize(&session);
    vortex_zigzag::initialize(&session);
    vortex_zstd::initialize(&session);
    // Failures leave the session without editions, and `writable` empty: compressing then says so.
    for family in EDITION_FAMILIES {
        let _ = session.editions().declare_family(family);
    }
    for declaration in EDITION_DECLARATIONS {
        let _ = session.register_edition(declaration);
    }
    let _ = session.enable_edition(EDITION);
    session
});

pub(super) fn session() -> &'static VortexSession {
    &SESSION
}

/// Runs `work`, which calls Vortex with bytes from a file.
///
/// # Errors
/// Damaged if Vortex refuses or panics.
pub(super) fn guard<T>(work: impl FnOnce() -> VortexResult<T>) -> Result<T> {
    // Nothing that `work` touches outlives a panic: arrays are immutable, contexts are its own.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::damaged(first_line(&error))),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("decoder panicked");
            Err(Error::damaged(format!("inconsistent block: {text}")))
        }
    }
}

/// Runs `work`, which calls Vortex with arrays of our own.
///
/// # Errors
/// Unsupported if Vortex refuses.
pub(super) fn encoding<T>(work: impl FnOnce() -> VortexResult<T>) -> Result<T> {
    work().map_err(|error| Error::unsupported(first_line(&error)))
}

/// Vortex appends a backtrace where those are enabled.
fn first_line(error: &VortexError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// An Arrow array as Vortex array; `nullable` says whether it has nulls.
pub(super) fn import(array: &ArrayRef, nullable: bool) -> Result<VortexArray> {
    // The null type has no values to be null.
    let nullable = nullable || *array.data_type() == DataType::Null;
    encoding(|| {
        session()
            .arrow()
            .from_arrow_array(Arc::clone(array), nullable)
    })
}

/// A Vortex array as Arrow array of `ty`.
pub(super) fn export(array: VortexArray, ty: &DataType) -> VortexResult<ArrayRef> {
    let field = Field::new("", ty.clone(), true);
    let mut context = session().create_execution_ctx();
    session()
        .arrow()
        .execute_arrow(array, Some(&field), &mut context)
}

/// The bytes of a Vortex array.
pub(super) fn serialize(array: &VortexArray) -> Result<Encoded> {
    encoding(|| {
        let context = ArrayContext::empty();
        let options = SerializeOptions {
            offset: 0,
            include_padding: true,
        };
        let buffers = array.serialize(&context, session(), &options)?;
        let mut bytes = Vec::with_capacity(buffers.iter().map(ByteBuffer::len).sum());
        for buffer in &buffers {
            bytes.extend_from_slice(buffer.as_slice());
        }
        let ids = context.to_ids();
        Ok(Encoded {
            bytes,
            encodings: ids.iter().map(ToString::to_string).collect(),
        })
    })
}

/// The Vortex array in `block`, whose stored type is `ty`.
pub(super) fn deserialize(block: &Block, ty: &DataType) -> VortexResult<VortexArray> {
    let context = read_context(&block.encodings)?;
    let dtype = session()
        .arrow()
        .from_arrow_datatype(ty, block.nullable.into())?;
    let buffer = ByteBuffer::from(block.bytes.clone());
    SerializedArray::try_from(buffer)?.decode(&dtype, block.rows, &context, session())
}

/// Only names that are registered are looked up, since Vortex keeps every name it ever saw.
fn read_context(encodings: &[String]) -> VortexResult<ReadContext> {
    let find = |name: &String| {
        session().arrays().registry().read(|known| {
            known
                .keys()
                .find(|id| id.as_str() == name)
                .copied()
                .ok_or_else(|| vortex_err!("encoding \"{name}\" is not known"))
        })
    };
    let ids = encodings
        .iter()
        .map(find)
        .collect::<VortexResult<Vec<ArrayId>>>()?;
    Ok(ReadContext::new(ids))
}
