//! `CREATE EXTENSION` and `DROP EXTENSION`.

/// An extension made or dropped. What extensions bring is part of the system here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtensionCommand {
    /// Its name.
    pub name: String,
    /// `DROP`
    pub drop: bool,
    /// `IF [NOT] EXISTS`
    pub conditional: bool,
}
