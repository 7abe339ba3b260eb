//! What a statement is bound against.

use std::fmt;

use helios_base::{ObjectNames, RegKind, Result, TextContext};
use helios_expr::SessionHooks;
use helios_table::Catalog;

use super::Past;
use crate::system::Names;

/// The catalog and the settings that give a statement its meaning. A plan stays valid for as long
/// as the catalog's version, the search path and the text settings are the same.
#[derive(Clone, Copy)]
pub struct BindContext<'a> {
    /// What exists, at the statement's branch and snapshot.
    pub catalog: &'a Catalog,
    /// Where unqualified names are looked up, first to last, with the implicit schemas.
    pub search_path: &'a [String],
    /// How literals are read.
    pub text: &'a TextContext,
    /// What was, for `AS OF`.
    pub past: &'a dyn Past,
    /// As whom it runs; `None` for a superuser, and for what the database does by itself.
    pub runs_as: Option<super::access::RunsAs<'a>>,
    /// All roles, where they are known.
    pub roles: Option<&'a helios_table::catalog::Roles>,
    /// The session, for folding constants; only immutable functions are folded.
    pub session: &'a dyn SessionHooks,
}

impl BindContext<'_> {
    fn names(&self) -> Names<'_> {
        Names {
            catalog: self.catalog,
            path: self.search_path,
            user: "",
            roles: self.roles,
        }
    }
}

impl fmt::Debug for BindContext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BindContext")
            .field("search_path", &self.search_path)
            .finish_non_exhaustive()
    }
}

/// Names in literals are looked up where the statement's names are.
impl ObjectNames for BindContext<'_> {
    fn name_of(&self, kind: RegKind, oid: u32) -> Option<String> {
        self.names().name_of(kind, oid)
    }

    fn find(&self, kind: RegKind, name: &str) -> Result<u32> {
        self.names().find(kind, name)
    }
}
