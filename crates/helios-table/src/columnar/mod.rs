//! Cold rows of tables, in columnar segments: what [`helios_version::Cold`] asks for.
//!
//! - `form.rs` says how a column lies in a segment, so that a row comes back byte for byte.
//! - `descriptor.rs` keeps that beside the segment's entry: a segment is read without a catalog, whatever became
//!   of its table since.
//! - `rows.rs` reads segments, `near.rs` single rows of them, `trail.rs` finds many of their keys, `writer.rs` writes them, `shelf.rs` keeps the files.
//! - `cluster.rs` puts rows in another order than that of their keys, `order.rs` reads such.
//! - `spread.rs` says what a file tells of columns without their being decoded, for `ANALYZE`.
//! - `compact.rs` makes one segment of several.
//! - `compress.rs` says how columns are compressed.
//! - `load.rs` writes the rows of large transactions, `direct.rs` those that nobody can look for while they come.
//! - `heat.rs` counts how often rows are read, `promote.rs` brings back those that are read often.
//! - `freeze.rs` freezes tables; `hybrid.rs` says when rows are cold, `keeper.rs` does it in the background.
//!
//! A segment has rows of one schema version only: a reader of the past knows the table as it was, and must
//! find the rows of then as they were.

mod cluster;
mod compact;
mod compress;
mod descriptor;
mod direct;
mod form;
mod freeze;
mod heat;
mod hybrid;
mod keeper;
mod keys;
mod load;
mod near;
mod order;
mod promote;
mod report;
mod rows;
mod scan;
mod shelf;
mod spread;
mod trail;
mod writer;
mod writing;

pub(crate) use cluster::change_cluster;
pub use cluster::{CLUSTER_BY, check_cluster, cluster_option};
pub use compact::CompactionReport;
pub use compress::{check_compression, column_option};
pub(crate) use direct::{Direct, DirectWriter, KeyBatch};
pub use freeze::FreezeReport;
pub use hybrid::{HYBRID_OPTIONS, HybridStorage};
pub(crate) use keeper::Keeper;
pub use keeper::{HybridReport, ThawReport};
pub use promote::PromotionReport;
pub use report::{ColumnCompression, SegmentReport};
pub use rows::SegmentRows;
pub use scan::{ChunkRows, ColumnZone, ZoneEnd};
pub(crate) use shelf::Shelf;
pub(crate) use spread::sketch_of;

use helios_base::{Error, SqlState};
use helios_segment::ErrorKind;

/// What [`SegmentRows::column`] gave in the shape of its type.
///
/// # Errors
/// `Corrupt`.
pub fn widen(array: &arrow_array::ArrayRef) -> helios_base::Result<arrow_array::ArrayRef> {
    helios_segment::widen(array).map_err(from_segment)
}

/// An error of a segment as ours. It names segment, chunk, column and offset.
fn from_segment(error: helios_segment::Error) -> Error {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::Damaged => Error::corrupt(text).with_hint(
            "Other tables can be used. Restore the file from a backup, then check the database.",
        ),
        ErrorKind::TooNew => {
            Error::unsupported(text).with_hint("open the database with a newer program")
        }
        ErrorKind::Unsupported => Error::unsupported(text),
        ErrorKind::Io => match std::error::Error::source(&error)
            .and_then(|source| source.downcast_ref::<std::io::Error>())
        {
            Some(cause) => Error::io(text, std::io::Error::from(cause.kind())),
            None => Error::new(SqlState::IO_ERROR, text),
        },
        ErrorKind::Invalid => Error::internal(text),
    }
}
