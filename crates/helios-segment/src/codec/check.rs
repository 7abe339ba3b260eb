//! Whether an array that Vortex made holds together.
//!
//! Vortex hands strings and lists to Arrow without looking at their offsets again, and Arrow's accessors
//! trust them. Offsets come from the file, so they are looked at here, about a nanosecond a row.
//! That text is UTF-8 is not: it was when it was written, and the checksum says it is what was written.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use crate::error::{Error, Result};

/// Checks offsets, views and lengths, at any depth.
pub(super) fn check(array: &ArrayRef) -> Result<()> {
    let sound = match array.data_type() {
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            ascending(array.value_offsets(), array.values().len(), array.len())
        }
        DataType::Binary => {
            let array = array.as_binary::<i32>();
            ascending(array.value_offsets(), array.values().len(), array.len())
        }
        DataType::LargeUtf8 => {
            let array = array.as_string::<i64>();
            ascending(array.value_offsets(), array.values().len(), array.len())
        }
        DataType::LargeBinary => {
            let array = array.as_binary::<i64>();
            ascending(array.value_offsets(), array.values().len(), array.len())
        }
        DataType::Utf8View => {
            let array = array.as_string_view();
            within(array.views(), array.data_buffers())
        }
        DataType::BinaryView => {
            let array = array.as_binary_view();
            within(array.views(), array.data_buffers())
        }
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            check(list.values())?;
            ascending(list.value_offsets(), list.values().len(), list.len())
        }
        DataType::FixedSizeList(_, length) => {
            let list = array.as_fixed_size_list();
            check(list.values())?;
            list.values().len() == list.len() * length.unsigned_abs() as usize
        }
        DataType::Struct(_) => {
            let parts = array.as_struct();
            parts.columns().iter().try_for_each(check)?;
            let rows = parts.len();
            parts.columns().iter().all(|column| column.len() == rows)
        }
        _ => true,
    };
    let nulls = array.nulls().is_none_or(|nulls| nulls.len() == array.len());
    if sound && nulls {
        Ok(())
    } else {
        Err(Error::damaged("inconsistent block: offsets out of range"))
    }
}

fn ascending<T: Copy + Ord + Into<i64>>(offsets: &[T], values: usize, rows: usize) -> bool {
    let bounds = offsets.first().zip(offsets.last());
    let inside = bounds.is_some_and(|(first, last)| {
        (*first).into() >= 0 && usize::try_from((*last).into()).is_ok_and(|last| last <= values)
    });
    // Folded without an early end, so that it is vectorized.
    let ordered = offsets
        .array_windows()
        .fold(true, |all, [a, b]| all & (a <= b));
    inside && ordered && offsets.len() == rows + 1
}

fn within(views: &[u128], buffers: &[arrow_buffer::Buffer]) -> bool {
    views.iter().all(|view| {
        let length = *view as u32;
        let buffer = (*view >> 64) as u32 as usize;
        let offset = (*view >> 96) as u32;
        // Up to 12 bytes lie in the view itself.
        length <= 12
            || buffers
                .get(buffer)
                .is_some_and(|buffer| u64::from(offset) + u64::from(length) <= buffer.len() as u64)
    })
}
