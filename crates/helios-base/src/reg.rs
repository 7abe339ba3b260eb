//! The types that name catalog objects: `regclass` and its kin.

use std::fmt;

use crate::{DataType, Error, Result, SqlState};

/// What kind of object a `reg…` value names. Such values are object identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegKind {
    /// `regclass`: a relation.
    Class,
    /// `regtype`: a type.
    Type,
    /// `regproc`: a function, by name.
    Proc,
    /// `regprocedure`: a function with its argument types.
    Procedure,
    /// `regoper`: an operator, by name.
    Oper,
    /// `regoperator`: an operator with its operand types.
    Operator,
    /// `regnamespace`: a schema.
    Namespace,
    /// `regrole`: a role.
    Role,
    /// `regcollation`: a collation.
    Collation,
}

impl RegKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Class,
        Self::Type,
        Self::Proc,
        Self::Procedure,
        Self::Oper,
        Self::Operator,
        Self::Namespace,
        Self::Role,
        Self::Collation,
    ];

    /// The type's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Class => "regclass",
            Self::Type => "regtype",
            Self::Proc => "regproc",
            Self::Procedure => "regprocedure",
            Self::Oper => "regoper",
            Self::Operator => "regoperator",
            Self::Namespace => "regnamespace",
            Self::Role => "regrole",
            Self::Collation => "regcollation",
        }
    }

    /// The object identifiers of the type and of its arrays.
    #[must_use]
    pub const fn oids(self) -> (u32, u32) {
        match self {
            Self::Class => (2205, 2210),
            Self::Type => (2206, 2211),
            Self::Proc => (24, 1008),
            Self::Procedure => (2202, 2207),
            Self::Oper => (2203, 2208),
            Self::Operator => (2204, 2209),
            Self::Namespace => (4089, 4090),
            Self::Role => (4096, 4097),
            Self::Collation => (4191, 4192),
        }
    }
}

impl fmt::Display for RegKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Finds objects by name and names by object: the catalog as a session sees it.
pub trait ObjectNames: fmt::Debug {
    /// The object's name as SQL would write it now; `None` if there is no such object.
    fn name_of(&self, kind: RegKind, oid: u32) -> Option<String>;

    /// The object of this name.
    ///
    /// # Errors
    /// 42P01 and its kin if there is none, 42602 for what is no name.
    fn find(&self, kind: RegKind, name: &str) -> Result<u32>;
}

/// Reads a `reg…` value: `-`, a number or a name.
///
/// # Errors
/// As [`ObjectNames::find`]; 0A000 for a name without `names`.
pub fn parse(text: &str, kind: RegKind, names: Option<&dyn ObjectNames>) -> Result<u32> {
    let word = text.trim_matches(crate::text::is_blank);
    if word == "-" {
        return Ok(0);
    }
    if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) {
        return crate::text::parse_oid(word);
    }
    match names {
        Some(names) => names.find(kind, text),
        None => Err(Error::new(
            SqlState::FEATURE_NOT_SUPPORTED,
            format!("type {kind} needs a catalog to find \"{text}\" in"),
        )),
    }
}

/// A type's name without modifier: only there `bpchar` is called `character`.
#[must_use]
pub fn type_name(ty: &DataType) -> String {
    match ty {
        DataType::Char(_) => "character".to_owned(),
        DataType::Array(element) => format!("{}[]", type_name(element)),
        other => other.bare().to_string(),
    }
}

/// Appends a `reg…` value: its name, or its number if it has none.
pub(crate) fn write(oid: u32, kind: RegKind, names: Option<&dyn ObjectNames>, out: &mut String) {
    if oid == 0 {
        return out.push('-');
    }
    let name = match (names, kind) {
        (Some(names), _) => names.name_of(kind, oid),
        (None, RegKind::Type) => DataType::from_oid(oid).map(|ty| type_name(&ty)),
        (None, _) => None,
    };
    match name {
        Some(name) => out.push_str(&name),
        None => out.push_str(&oid.to_string()),
    }
}
