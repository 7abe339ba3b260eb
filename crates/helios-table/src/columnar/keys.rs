//! Keys of rows, from the columns of a segment.

use arrow_array::builder::BinaryBuilder;
use arrow_array::{ArrayRef, BinaryArray};
use helios_base::key::{self, KeyOrder};
use helios_base::{Error, Result, Value};
use helios_segment::KeyEncoder;

use super::descriptor::{Descriptor, KeyForm};
use super::form::{Cells, Form};

/// Makes stored keys of key columns.
pub(super) struct Keys {
    /// The key columns' forms, in key order.
    forms: Vec<Form>,
    /// The column has them as they are: a number or bytes.
    hidden: bool,
}

impl Keys {
    pub(super) fn new(descriptor: &Descriptor) -> Self {
        match &descriptor.key {
            KeyForm::Columns(positions) => {
                let at = positions
                    .iter()
                    .filter_map(|at| descriptor.columns.get(*at));
                Self {
                    forms: at.map(|(_, form)| form.clone()).collect(),
                    hidden: false,
                }
            }
            _ => Self {
                forms: descriptor.key_form().into_iter().collect(),
                hidden: true,
            },
        }
    }

    /// What the hidden column holds for a key.
    ///
    /// # Errors
    /// `Corrupt` if a hidden number is none.
    pub(super) fn hidden(form: &KeyForm, pk: &[u8]) -> Result<Value> {
        match form {
            KeyForm::Number => match pk.try_into() {
                Ok(bytes) => Ok(Value::Int8(i64::from_be_bytes(bytes))),
                Err(_) => Err(Error::corrupt("a row number is not of 8 bytes")),
            },
            _ => Ok(Value::from(pk)),
        }
    }

    /// Appends the key of row `at`.
    pub(super) fn push(&self, cells: &[&Cells], at: usize, out: &mut Vec<u8>) -> Result<()> {
        for (form, cells) in self.forms.iter().zip(cells) {
            match cells.value(at)? {
                Value::Int8(number) if self.hidden => out.extend_from_slice(&number.to_be_bytes()),
                Value::Bytea(bytes) if self.hidden => out.extend_from_slice(&bytes),
                value => key::encode(&value, &form.ty, KeyOrder::ASC, out)?,
            }
        }
        Ok(())
    }

    /// The key columns, ready for [`Keys::push`].
    pub(super) fn cells(&self, columns: &[ArrayRef]) -> Result<Vec<Cells>> {
        let cells = columns.iter().zip(&self.forms);
        cells.map(|(array, form)| Cells::new(form, array)).collect()
    }

    fn all(&self, columns: &[ArrayRef]) -> Result<BinaryArray> {
        let cells = self.cells(columns)?;
        let cells: Vec<&Cells> = cells.iter().collect();
        let rows = columns.first().map_or(0, |column| column.len());
        let mut keys = BinaryBuilder::with_capacity(rows, rows * 12);
        let mut bytes = Vec::new();
        for at in 0..rows {
            bytes.clear();
            self.push(&cells, at, &mut bytes)?;
            keys.append_value(&bytes);
        }
        Ok(keys.finish())
    }
}

impl KeyEncoder for Keys {
    fn keys(&self, columns: &[ArrayRef]) -> helios_segment::Result<BinaryArray> {
        self.all(columns)
            .map_err(|error| helios_segment::Error::damaged(error.to_string()))
    }
}
