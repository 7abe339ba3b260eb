//! What is kept with a segment's entry, so that it can be read without a catalog.

use helios_base::row::Layout;
use helios_base::{ColumnId, Error, Result};
use helios_segment::{Column, Effort, SegmentSchema};
use serde::{Deserialize, Serialize};

use super::cluster;
use super::form::Form;
use super::from_segment;
use crate::catalog::{LayoutDef, TableDef};

/// The id, in segments, of a column that holds keys.
pub(super) const KEY_COLUMN: u32 = 0;

/// The columns of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Descriptor {
    /// The table's name when the segment was made, for messages.
    pub(super) table: String,
    /// The schema version of the rows.
    pub(super) version: u32,
    /// In the order of the row: number and form.
    pub(super) columns: Vec<(u32, Form)>,
    /// Where the keys are.
    pub(super) key: KeyForm,
    /// All rows began with the commit that brought the segment along: what the file says of it counts for nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) loaded: bool,
    /// Compressed as what is hardly read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_cold: bool,
    /// The columns that rows lie in the order of, by number; those of the key if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cluster: Vec<u32>,
}

/// Where the keys of rows are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum KeyForm {
    /// They are those of the columns at these positions.
    Columns(Vec<usize>),
    /// A hidden number, in a column of its own.
    Number,
    /// In a column of their own.
    Bytes,
}

impl Descriptor {
    /// Of rows of `table` in this layout.
    pub(super) fn new(table: &TableDef, layout: &LayoutDef) -> Self {
        let columns = layout.columns.iter();
        let columns: Vec<_> = columns.map(|(id, ty)| (id.0, Form::of(ty))).collect();
        let position = |id: &ColumnId| {
            let at = layout.columns.iter().position(|(column, _)| column == id)?;
            let (_, ty) = layout.columns.get(at)?;
            let (_, form) = columns.get(at)?;
            form.keeps_order(ty).then_some(at)
        };
        let key = if table.key.is_empty() {
            KeyForm::Number
        } else {
            let positions: Option<Vec<usize>> = table.key.iter().map(position).collect();
            positions.map_or(KeyForm::Bytes, KeyForm::Columns)
        };
        Self {
            table: table.name.clone(),
            version: layout.version,
            columns,
            key,
            loaded: false,
            is_cold: false,
            cluster: Vec::new(),
        }
    }

    /// Of rows that lie as the table says now.
    pub(super) fn clustered(self, table: &TableDef) -> Self {
        Self {
            cluster: cluster::wanted(table, &self.columns),
            ..self
        }
    }

    /// The columns that rows lie in the order of: their positions, and their forms.
    pub(super) fn cluster_columns(&self) -> Vec<(usize, Form)> {
        let columns = self.cluster.iter().filter_map(|wanted| {
            let mut columns = self.columns.iter().enumerate();
            let (position, (_, form)) = columns.find(|(_, (id, _))| id == wanted)?;
            Some((position, form.clone()))
        });
        columns.collect()
    }

    /// Of rows taken over from a segment, with the numbers of their commits.
    pub(super) fn made_anew(self, effort: Effort) -> Self {
        Self {
            loaded: false,
            is_cold: effort == Effort::Cold,
            ..self
        }
    }

    /// Of rows that begin with a commit still to come.
    pub(super) fn loaded(self) -> Self {
        Self {
            loaded: true,
            ..self
        }
    }

    /// # Errors
    /// `Corrupt` if it is none.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes)
            .map_err(|error| Error::corrupt("damaged description of a segment").with_source(error))
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::internal(error.to_string()))
    }

    /// Where the columns are in a row.
    pub(super) fn layout(&self) -> Layout {
        let columns = self.columns.iter();
        Layout::new(
            self.version,
            columns.map(|(id, form)| (ColumnId(*id), form.stored_type())),
        )
    }

    /// The form of the hidden key column, which comes before all others.
    pub(super) fn key_form(&self) -> Option<Form> {
        match self.key {
            KeyForm::Columns(_) => None,
            KeyForm::Number => Some(Form::of(&helios_base::DataType::Int8)),
            KeyForm::Bytes => Some(Form::of(&helios_base::DataType::Bytea)),
        }
    }

    /// The columns as the file has them.
    pub(super) fn schema(&self) -> Result<SegmentSchema> {
        let hidden = self.key_form().map(|form| (KEY_COLUMN, form));
        let columns = hidden.iter().chain(&self.columns).map(|(id, form)| Column {
            id: *id,
            ty: form.shape().arrow,
        });
        let key = match &self.key {
            KeyForm::Columns(positions) => positions.clone(),
            _ => vec![0],
        };
        SegmentSchema::new(u64::from(self.version), columns.collect(), key).map_err(from_segment)
    }
}
