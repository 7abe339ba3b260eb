//! Columns as the protocol tells them.

use helios_base::DataType;
use heliosdb::ResultColumn;

use super::backend::Field;

/// A result's column.
pub(super) fn field(column: &ResultColumn, format: i16) -> Field<'_> {
    // What is still unknown leaves as text.
    let ty = match &column.ty {
        DataType::Unknown => &DataType::Text,
        ty => ty,
    };
    Field {
        name: &column.name,
        relation: column.origin.map_or(0, |origin| origin.relation),
        number: column.origin.map_or(0, |origin| origin.number),
        ty: ty.oid(),
        size: ty.width(),
        modifier: ty.modifier(),
        format,
    }
}
