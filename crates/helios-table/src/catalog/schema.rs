//! A schema: a namespace of relations.

use serde::{Deserialize, Serialize};

use super::ids::SchemaId;

/// A schema.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SchemaDef {
    /// Its number.
    pub id: SchemaId,
    /// Its name.
    pub name: String,
    /// `COMMENT ON SCHEMA`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}
