//! The columns of a scan as a plan names them.

use helios_table::catalog::{ColumnDef, TableDef};

/// What sets the column names of one scan apart from those of all others of its statement.
///
/// A table's name before the column's is not enough: DataFusion's physical plans know columns by
/// position and bare name, and some of its rules look for the name alone. Of two columns of one name
/// such a rule takes the first
/// ([#25244](https://github.com/apache/datafusion/issues/25244),
/// [#25263](https://github.com/apache/datafusion/issues/25263)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag(usize);

impl Tag {
    /// The tag of this number, which must be the scan's own.
    pub fn new(number: usize) -> Self {
        Self(number)
    }

    /// The plan's name for a column.
    pub fn name(self, column: &str) -> String {
        format!("{column}#{}", self.0)
    }

    /// The column that has this name in the plan.
    pub fn column(self, name: &str) -> Option<&str> {
        let (column, number) = name.rsplit_once('#')?;
        (number.parse() == Ok(self.0)).then_some(column)
    }
}

/// A table's columns under the plan's names.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) table: &'a TableDef,
    pub(super) tag: Tag,
}

impl<'a> Columns<'a> {
    /// Position and definition of the column that the plan calls `name`.
    pub(super) fn get(self, name: &str) -> Option<(usize, &'a ColumnDef)> {
        self.table.column(self.tag.column(name)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_one_scan() {
        let tag = Tag::new(12);
        assert_eq!(tag.name("a#3"), "a#3#12");
        assert_eq!(tag.column("a#3#12"), Some("a#3"));
        assert_eq!(tag.column("#12"), Some(""));
        assert_eq!(tag.column("a#3"), None);
        assert_eq!(tag.column("a"), None);
    }
}
