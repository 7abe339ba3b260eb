//! What a statement is bound against.

use helios_base::TextContext;
use helios_expr::SessionHooks;
use helios_table::Catalog;

use super::Past;

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
    /// The session, for folding constants; only immutable functions are folded.
    pub session: &'a dyn SessionHooks,
}
