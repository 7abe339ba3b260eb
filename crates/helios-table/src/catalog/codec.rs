//! How catalog objects are stored.

use helios_base::ColumnId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Lists of column numbers.
pub(crate) mod column_ids {
    use super::{ColumnId, Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(ids: &[ColumnId], to: S) -> Result<S::Ok, S::Error> {
        ids.iter().map(|id| id.0).collect::<Vec<_>>().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<ColumnId>, D::Error> {
        let ids = Vec::<u32>::deserialize(from)?;
        Ok(ids.into_iter().map(ColumnId).collect())
    }
}
