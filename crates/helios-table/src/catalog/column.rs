//! A column of a table.

use helios_base::{ColumnId, DataType, Error, Value};
use serde::{Deserialize, Serialize};

use super::codec;
use super::ids::{FIRST_USER_ID, SequenceId};

/// A column of a table. Dropped columns are not in the catalog; their numbers are never reused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct ColumnDef {
    /// Its number in the table, from 1; PostgreSQL's `attnum`.
    pub id: ColumnId,
    /// What tells it from columns that other branches gave the same number, kept when a merge takes the
    /// column over: a number of its own in the whole database, or the number that it came with its table
    /// under. 0 if that is `id`.
    pub birth: u32,
    /// Its name.
    pub name: String,
    /// Its type with modifier.
    pub ty: DataType,
    /// Whether NULL is refused.
    pub not_null: bool,
    /// The default expression as SQL text. `None` also for generated columns.
    pub default: Option<String>,
    /// How the value is computed from the other columns, if it is.
    pub generated: Option<GeneratedDef>,
    /// `GENERATED … AS IDENTITY`.
    pub identity: Option<IdentityDef>,
    /// What the column holds in rows that were written before it was added.
    pub missing: Option<Value>,
    /// [`Self::missing`] as it is stored, while its type is still to be looked up.
    pub(super) unread: Option<String>,
    /// `COMMENT ON COLUMN`.
    pub comment: Option<String>,
}

/// `GENERATED ALWAYS AS (expression) STORED`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedDef {
    /// The expression as SQL text.
    pub sql: String,
    /// The columns that it reads.
    #[serde(with = "codec::column_ids")]
    pub columns: Vec<ColumnId>,
}

/// `GENERATED { ALWAYS | BY DEFAULT } AS IDENTITY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityDef {
    /// Whether an explicit value needs `OVERRIDING SYSTEM VALUE`.
    pub always: bool,
    /// The sequence that numbers the rows.
    pub sequence: SequenceId,
}

impl ColumnDef {
    /// What it is on every branch; see [`Self::birth`].
    #[must_use]
    pub const fn identity(&self) -> u32 {
        match self.birth {
            0 => self.id.0,
            birth => birth,
        }
    }

    /// Whether it came with its table.
    #[must_use]
    pub const fn is_original(&self) -> bool {
        self.identity() < FIRST_USER_ID
    }

    /// Whether `other`, in another definition of the table, is this column.
    #[must_use]
    pub const fn is_same(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }

    /// A nullable column without default.
    #[must_use]
    pub fn new(id: ColumnId, name: impl Into<String>, ty: DataType) -> Self {
        Self {
            id,
            birth: 0,
            name: name.into(),
            ty,
            not_null: false,
            default: None,
            generated: None,
            identity: None,
            missing: None,
            unread: None,
            comment: None,
        }
    }
}

/// A column as it is stored.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    #[serde(with = "codec::id")]
    id: ColumnId,
    #[serde(default, skip_serializing_if = "is_zero")]
    birth: u32,
    name: String,
    #[serde(with = "codec::ty")]
    ty: DataType,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    not_null: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    generated: Option<GeneratedDef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<IdentityDef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl From<ColumnDef> for Stored {
    fn from(column: ColumnDef) -> Self {
        // The value was checked against the type when the column was added, so it encodes.
        let missing = column
            .missing
            .and_then(|value| codec::value_to_hex(&value, &column.ty).ok())
            .or(column.unread);
        Self {
            id: column.id,
            birth: column.birth,
            name: column.name,
            ty: column.ty,
            not_null: column.not_null,
            default: column.default,
            generated: column.generated,
            identity: column.identity,
            missing,
            comment: column.comment,
        }
    }
}

impl TryFrom<Stored> for ColumnDef {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let unresolved = stored.ty.user_type().is_some();
        let unread = stored.missing.clone().filter(|_| unresolved);
        let missing = stored
            .missing
            .filter(|_| !unresolved)
            .map(|hex| codec::value_from_hex(&hex, &stored.ty))
            .transpose()?;
        Ok(Self {
            id: stored.id,
            birth: stored.birth,
            name: stored.name,
            ty: stored.ty,
            not_null: stored.not_null,
            default: stored.default,
            generated: stored.generated,
            identity: stored.identity,
            missing,
            unread,
            comment: stored.comment,
        })
    }
}
