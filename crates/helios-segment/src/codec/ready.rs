//! A block of Vortex encodings, made ready for reading a few of its rows: its tree of encodings is kept, and
//! what is asked is decoded each time.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, StringArray, StringViewArray, UInt8Array, UInt16Array,
    UInt32Array, UInt64Array, new_null_array,
};
use arrow_schema::DataType;
use vortex_array::VortexSessionExecute;
use vortex_array::scalar::{PValue, Scalar, ScalarValue};

use super::Block;
use super::check::check;
use super::opened::Opened;
use super::storage::{from_storage, storage_type, unheld};
use super::vortex::{self, VortexArray};
use crate::error::Result;

/// The block.
pub(super) struct Ready {
    array: VortexArray,
    stored: DataType,
    ty: DataType,
    bytes: usize,
}

/// What a tree of encodings takes beside its buffers, roughly.
const TREE: usize = 2048;

impl Ready {
    /// # Errors
    /// Damaged if the bytes are no such block.
    pub(super) fn of(block: &Block) -> Result<Self> {
        let stored = storage_type(&block.ty).ok_or_else(|| unheld(&block.ty))?;
        let array = vortex::guard(|| vortex::deserialize(block, &stored))?;
        Ok(Self {
            array,
            stored,
            ty: block.ty.clone(),
            bytes: block.bytes.len() + TREE,
        })
    }
}

impl Opened for Ready {
    fn row(&self, row: usize) -> Result<ArrayRef> {
        // Vortex has no scalar for decimals beyond their precision, as which `NaN` is stored.
        if self.stored.is_nested() || self.stored.is_decimal() {
            return self.slice(row..row + 1);
        }
        let scalar = vortex::guard(|| {
            let mut context = vortex::session().create_execution_ctx();
            self.array.execute_scalar(row, &mut context)
        })?;
        match array_of(&scalar, &self.stored) {
            Some(array) => from_storage(array, &self.ty),
            None => self.slice(row..row + 1),
        }
    }

    fn slice(&self, rows: Range<usize>) -> Result<ArrayRef> {
        let array = vortex::guard(|| vortex::export(self.array.slice(rows)?, &self.stored))?;
        check(&array)?;
        from_storage(array, &self.ty)
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// An array of one value; `None` if it is of a type that is not done here.
fn array_of(scalar: &Scalar, ty: &DataType) -> Option<ArrayRef> {
    let Some(value) = scalar.value() else {
        return Some(new_null_array(ty, 1));
    };
    Some(match (value, ty) {
        (ScalarValue::Bool(value), DataType::Boolean) => Arc::new(BooleanArray::from(vec![*value])),
        (ScalarValue::Primitive(value), ty) => match (value, ty) {
            (PValue::I8(value), DataType::Int8) => Arc::new(Int8Array::from(vec![*value])),
            (PValue::I16(value), DataType::Int16) => Arc::new(Int16Array::from(vec![*value])),
            (PValue::I32(value), DataType::Int32) => Arc::new(Int32Array::from(vec![*value])),
            (PValue::I64(value), DataType::Int64) => Arc::new(Int64Array::from(vec![*value])),
            (PValue::U8(value), DataType::UInt8) => Arc::new(UInt8Array::from(vec![*value])),
            (PValue::U16(value), DataType::UInt16) => Arc::new(UInt16Array::from(vec![*value])),
            (PValue::U32(value), DataType::UInt32) => Arc::new(UInt32Array::from(vec![*value])),
            (PValue::U64(value), DataType::UInt64) => Arc::new(UInt64Array::from(vec![*value])),
            (PValue::F32(value), DataType::Float32) => Arc::new(Float32Array::from(vec![*value])),
            (PValue::F64(value), DataType::Float64) => Arc::new(Float64Array::from(vec![*value])),
            _ => return None,
        },
        (ScalarValue::Utf8(text), DataType::Utf8View) => {
            Arc::new(StringViewArray::from_iter_values([text.as_str()]))
        }
        (ScalarValue::Utf8(text), DataType::Utf8) => {
            Arc::new(StringArray::from_iter_values([text.as_str()]))
        }
        (ScalarValue::Binary(bytes), DataType::BinaryView) => {
            Arc::new(BinaryViewArray::from_iter_values([bytes.as_slice()]))
        }
        (ScalarValue::Binary(bytes), DataType::Binary) => {
            Arc::new(BinaryArray::from_iter_values([bytes.as_slice()]))
        }
        _ => return None,
    })
}
