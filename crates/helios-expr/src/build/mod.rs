//! Building typed expressions from names and untyped pieces, by PostgreSQL's rules.
//!
//! The binder resolves names of tables and columns; everything about types happens here.

mod call;
mod coerce;
mod compare;
mod conditional;
mod literal;
mod params;
mod part;
mod sample;

use helios_base::{ObjectNames, TextContext};

pub use compare::PatternKind;
pub use params::ParamTypes;
pub use part::Part;

/// Builds expressions. Cheap; make one per statement.
#[derive(Clone, Copy)]
pub struct Builder<'a> {
    text: &'a TextContext,
    params: &'a ParamTypes,
    names: Option<&'a dyn ObjectNames>,
}

impl<'a> Builder<'a> {
    /// A builder that reads literals with these settings and notes parameter types in `params`.
    #[must_use]
    pub fn new(text: &'a TextContext, params: &'a ParamTypes) -> Self {
        Self {
            text,
            params,
            names: None,
        }
    }

    /// The same builder, which finds the names in literals of `regclass` and its kin here.
    #[must_use]
    pub fn with_names(mut self, names: &'a dyn ObjectNames) -> Self {
        self.names = Some(names);
        self
    }

    /// The parameter types found so far.
    #[must_use]
    pub fn params(&self) -> &'a ParamTypes {
        self.params
    }

    /// The settings that literals are read with.
    #[must_use]
    pub fn text(&self) -> &'a TextContext {
        self.text
    }
}
