//! The vocabulary of HeliosDB: identifiers, types, values, codecs and errors.
//!
//! Everything above speaks in these words. A [`Value`] is one SQL datum, a [`DataType`] its type,
//! [`Error`] a failure with its SQLSTATE; [`Scn`], [`BranchId`] and [`TableId`] name points,
//! branches and tables. [`key`] and [`row`] turn values into bytes and back, [`text`] into
//! PostgreSQL's text forms and back.
//!
//! **Invariant:** knows nothing of files, transactions, SQL text or Arrow.

pub mod binary;
pub mod bits;
pub mod codec;
pub mod datatype;
pub mod datetime;
pub mod encoding;
pub mod error;
pub mod failpoint;
pub mod ids;
pub mod json;
pub mod jsonpath;
pub mod key;
pub mod network;
pub mod numeric;
pub mod range;
pub mod reg;
pub mod row;
pub mod sqlstate;
pub mod suggest;
pub mod text;
mod type_width;
pub mod user_type;
pub mod value;
pub mod vector;

pub use bits::BitString;
pub use datatype::DataType;
pub use datetime::{Interval, TimeTz, TimeZone};
pub use encoding::{Encoding, SharedEncoding};
pub use error::{Error, ErrorKind, Result};
pub use ids::{BranchId, ColumnId, IndexId, Scn, TableId, TxId};
pub use json::Json;
pub use jsonpath::JsonPath;
pub use key::KeyOrder;
pub use network::Inet;
pub use numeric::Numeric;
pub use range::{MultirangeValue, RangeKind, RangeValue};
pub use reg::{ObjectNames, RegKind};
pub use row::{Layout, RowReader};
pub use sqlstate::SqlState;
pub use suggest::nearest;
pub use text::TextContext;
pub use user_type::{DomainType, EnumLabel, UserKind, UserType};
pub use value::{ArrayValue, Row, Value};
pub use vector::{F16, SparseVector, VectorKind, VectorValue};
