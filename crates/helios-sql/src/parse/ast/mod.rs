//! The syntax tree: what was written, with byte positions, before any name is looked up.

mod branch_merge;
mod ddl;
mod dml;
mod expr;
mod function;
mod merge;
mod policy;
mod query;
mod statement;
mod temporal;
mod types;

pub use branch_merge::*;
pub use ddl::*;
pub use dml::*;
pub use expr::*;
pub use function::*;
pub use merge::*;
pub use policy::*;
pub use query::*;
pub use statement::*;
pub use temporal::*;
pub use types::*;

/// A byte offset in the source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pos(pub u32);

impl Pos {
    /// The position of byte `offset`; texts are shorter than 4 GiB.
    #[must_use]
    pub fn new(offset: usize) -> Self {
        Self(u32::try_from(offset).unwrap_or(u32::MAX))
    }
}

/// A name, folded to lower case unless it was quoted.
#[derive(Clone, Debug, Eq)]
pub struct Ident {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub pos: Pos,
}

impl PartialEq for Ident {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A name with up to two qualifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// Schema, if written.
    pub schema: Option<Ident>,
    /// Name.
    pub name: Ident,
}

impl Name {
    /// Where the name begins.
    #[must_use]
    pub fn pos(&self) -> Pos {
        self.schema
            .as_ref()
            .map_or(self.name.pos, |schema| schema.pos)
    }
}

/// The name as PostgreSQL's messages show it.
impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", schema.name)?;
        }
        f.write_str(&self.name.name)
    }
}

/// A piece of the source text, bytes `start..end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Span {
    /// The text.
    #[must_use]
    pub fn of(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or_default()
    }
}
