//! Types that users have made: enums, domains, composites.
//!
//! A [`UserType`] carries all that reading, writing and comparing its values takes, so that nothing
//! below the catalog has to look a type up. The catalog stores references by number and puts the
//! definitions in when it is loaded.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::{DataType, Error, Result, SqlState, Value};

/// A type that a user has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserType {
    /// Its object identifier.
    pub oid: u32,
    /// The object identifier of the type of its arrays.
    pub array_oid: u32,
    /// The schema it is in.
    pub schema: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub kind: UserKind,
}

/// What a user's type is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserKind {
    /// A reference by number whose definition is not at hand.
    Unresolved,
    /// Labels, in order.
    Enum(Vec<Arc<EnumLabel>>),
    /// Another type with conditions.
    Domain(DomainType),
    /// Named fields.
    Composite(Vec<(Arc<str>, DataType)>),
}

/// One label of an enum. Its [`order`](Self::order) is its place among the labels and its identity
/// in stored rows: it never changes, so that renaming a label touches no row.
#[derive(Clone, Debug)]
pub struct EnumLabel {
    /// Its object identifier.
    pub oid: u32,
    /// Its place: labels are given places far apart, so that others fit between.
    pub order: u64,
    /// The label.
    pub name: Arc<str>,
}

/// What a domain adds to its base type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainType {
    /// The type of its values, perhaps a domain itself.
    pub base: DataType,
    /// Whether `NULL` is refused.
    pub not_null: bool,
    /// Whether there are conditions; the catalog has them.
    pub checked: bool,
}

/// The place of the first label, and the distance of the next ones.
pub const LABEL_STEP: u64 = 1 << 32;

impl UserType {
    /// A reference to type number `oid`.
    #[must_use]
    pub fn unresolved(oid: u32) -> Self {
        Self {
            oid,
            array_oid: 0,
            schema: Arc::from(""),
            name: Arc::from(""),
            kind: UserKind::Unresolved,
        }
    }

    /// The labels of an enum; empty for other types.
    #[must_use]
    pub fn labels(&self) -> &[Arc<EnumLabel>] {
        match &self.kind {
            UserKind::Enum(labels) => labels,
            _ => &[],
        }
    }

    /// The fields of a composite type; empty for other types.
    #[must_use]
    pub fn fields(&self) -> &[(Arc<str>, DataType)] {
        match &self.kind {
            UserKind::Composite(fields) => fields,
            _ => &[],
        }
    }

    /// The domain, if it is one.
    #[must_use]
    pub const fn as_domain(&self) -> Option<&DomainType> {
        match &self.kind {
            UserKind::Domain(domain) => Some(domain),
            _ => None,
        }
    }

    /// Whether this is an enum.
    #[must_use]
    pub const fn is_enum(&self) -> bool {
        matches!(self.kind, UserKind::Enum(_))
    }

    /// Whether this is a composite type.
    #[must_use]
    pub const fn is_composite(&self) -> bool {
        matches!(self.kind, UserKind::Composite(_))
    }

    /// The enum value of this text.
    ///
    /// # Errors
    /// 22P02 if there is no such label.
    pub fn label(&self, text: &str) -> Result<Value> {
        let found = self.labels().iter().find(|label| *label.name == *text);
        found.cloned().map(Value::Enum).ok_or_else(|| {
            Error::new(
                SqlState::INVALID_TEXT_REPRESENTATION,
                format!("invalid input value for enum {self}: \"{text}\""),
            )
        })
    }

    /// The enum value at this place.
    ///
    /// # Errors
    /// Corrupt if there is none.
    pub fn label_at(&self, order: u64) -> Result<Value> {
        let labels = self.labels();
        labels
            .binary_search_by_key(&order, |label| label.order)
            .ok()
            .and_then(|at| labels.get(at))
            .cloned()
            .map(Value::Enum)
            .ok_or_else(|| Error::corrupt(format!("stored value {order:#x} is no label of {self}")))
    }
}

/// The name as messages show it: with its schema, unless that is the usual one.
impl std::fmt::Display for UserType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !matches!(&*self.schema, "public" | "pg_temp") {
            write_ident(&self.schema, f)?;
            f.write_str(".")?;
        }
        write_ident(&self.name, f)
    }
}

fn write_ident(name: &str, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    let mut chars = name.chars();
    let plain = chars
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        f.write_str(name)
    } else {
        write!(f, "\"{}\"", name.replace('"', "\"\""))
    }
}

impl Hash for UserType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.oid.hash(state);
    }
}

/// Labels of one enum are the same at the same place, whatever they are called meanwhile.
impl PartialEq for EnumLabel {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order && self.name == other.name
    }
}

impl Eq for EnumLabel {}

impl EnumLabel {
    /// The order of two labels of one enum.
    #[must_use]
    pub fn cmp_order(&self, other: &Self) -> Ordering {
        self.order.cmp(&other.order)
    }
}
