//! The vocabulary of HeliosDB: identifiers, types, values, codecs and errors.
//!
//! Everything above speaks in these words. A [`Value`] is one SQL datum, a [`DataType`] its type,
//! [`Error`] a failure with its SQLSTATE; [`Scn`], [`BranchId`] and [`TableId`] name points,
//! branches and tables.
//!
//! **Invariant:** knows nothing of files, transactions, SQL text or Arrow.

pub mod datatype;
pub mod error;
pub mod ids;
pub mod numeric;
pub mod sqlstate;
pub mod value;

pub use datatype::DataType;
pub use error::{Error, ErrorKind, Result};
pub use ids::{BranchId, ColumnId, IndexId, Scn, TableId, TxId};
pub use numeric::Numeric;
pub use sqlstate::SqlState;
pub use value::{ArrayValue, Interval, Row, Value};
