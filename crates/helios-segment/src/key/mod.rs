//! Finding rows by key.
//!
//! The crate does not know how keys are encoded: a [`KeyEncoder`] of the caller makes memcomparable
//! bytes of the key columns. The writer derives from them, per chunk, the least and greatest key, a
//! Bloom filter and, while rows come in key order, a sparse index; the reader's lookup decodes the
//! key columns of 1,024 rows.

pub(crate) mod bloom;
pub(crate) mod sparse;

use arrow_array::{ArrayRef, BinaryArray};

use crate::error::Result;

/// Makes lookup keys of key columns.
///
/// # Contract
/// A pure function of the values: the same for writer and reader, for ever. Byte order is key order.
pub trait KeyEncoder: Send + Sync {
    /// The key of each row, none of them null. `columns` are the key columns in key order.
    ///
    /// # Errors
    /// If the columns are not what the encoder knows.
    fn keys(&self, columns: &[ArrayRef]) -> Result<BinaryArray>;
}
