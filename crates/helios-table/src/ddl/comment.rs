//! `COMMENT ON`.

use std::sync::Arc;

use helios_base::{ColumnId, Error, IndexId, Result, TableId};
use helios_version::TableLock;

use super::column::edit;
use crate::catalog::{
    Change, ConstraintId, FunctionId, SchemaDef, SchemaId, SequenceDef, SequenceId, TableDef,
    TypeId, ViewDef, ViewId,
};
use crate::transaction::Transaction;

/// What a comment is on.
#[derive(Clone, Copy, Debug)]
pub enum CommentTarget {
    /// A schema.
    Schema(SchemaId),
    /// A table.
    Table(TableId),
    /// A column of a table.
    Column(TableId, ColumnId),
    /// A column of a view, by position.
    ViewColumn(ViewId, usize),
    /// A constraint.
    Constraint(TableId, ConstraintId),
    /// An index.
    Index(TableId, IndexId),
    /// A sequence.
    Sequence(SequenceId),
    /// A view.
    View(ViewId),
    /// A type.
    Type(TypeId),
    /// A function or procedure.
    Function(FunctionId),
}

impl Transaction {
    /// `COMMENT ON target IS text`; `None` removes it.
    ///
    /// # Errors
    /// When the target is gone.
    pub fn comment(&self, target: CommentTarget, text: Option<&str>) -> Result<()> {
        let text = text.filter(|text| !text.is_empty()).map(str::to_owned);
        match target {
            CommentTarget::Schema(id) => {
                self.lock_object(id.0)?;
                let mut schema = SchemaDef::clone(&*self.enter_schema(id)?);
                schema.comment = text;
                self.change(Change::Schema(id, Some(Arc::new(schema))))
            }
            CommentTarget::Table(id) => self.comment_table(id, |table| {
                table.comment = text;
                Ok(())
            }),
            CommentTarget::Column(id, column) => self.comment_table(id, |table| {
                edit(table, column, |column| column.comment = text)
            }),
            CommentTarget::Constraint(id, constraint) => self.comment_table(id, |table| {
                for found in table.constraints.iter_mut().filter(|c| c.id == constraint) {
                    found.comment.clone_from(&text);
                }
                Ok(())
            }),
            CommentTarget::Index(id, index) => self.comment_table(id, |table| {
                for found in table.indexes.iter_mut().filter(|i| i.id == index) {
                    Arc::make_mut(found).comment.clone_from(&text);
                }
                Ok(())
            }),
            CommentTarget::Sequence(id) => {
                self.lock_object(id.0)?;
                let mut sequence = SequenceDef::clone(&*self.sequence(id)?);
                sequence.comment = text;
                self.put_sequence(sequence)?;
                Ok(())
            }
            CommentTarget::View(id) => self.comment_view(id, |view| view.comment = text),
            CommentTarget::Type(id) => self.comment_type(id, text),
            CommentTarget::Function(id) => self.comment_function(id, text),
            CommentTarget::ViewColumn(id, position) => self.comment_view(id, |view| {
                if let Some(column) = view.columns.get_mut(position) {
                    column.comment = text;
                }
            }),
        }
    }

    fn comment_table(
        &self,
        id: TableId,
        change: impl FnOnce(&mut TableDef) -> Result<()>,
    ) -> Result<()> {
        let (_, old) = self.lock_definition(id, TableLock::ShareUpdateExclusive)?;
        let mut table = TableDef::clone(&old);
        change(&mut table)?;
        // A comment changes nothing for writers, so the revision stays.
        self.change(Change::Table(id, Some(Arc::new(table))))
    }

    fn comment_view(&self, id: ViewId, change: impl FnOnce(&mut ViewDef)) -> Result<()> {
        self.lock_object(id.0)?;
        let catalog = self.latest_catalog()?;
        let Some(old) = catalog.view_by_id(id) else {
            return Err(Error::internal("no such view"));
        };
        let mut view = ViewDef::clone(old);
        change(&mut view);
        self.change(Change::View(id, Some(Arc::new(view))))
    }
}
