//! Gathers the rows of each group as bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewBuilder, BooleanArray};
use arrow::datatypes::{DataType as ArrowType, FieldRef};
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use helios_base::{Error, Result};

use super::rows::states_of_rows;
use crate::fusion::array::{ColumnReader, push_item};
use crate::fusion::error::to_datafusion;
use crate::fusion::shape::Shape;

/// The aggregate that concatenates its rows: for each, one opaque item per argument.
///
/// A group without rows yields no bytes, not `NULL`.
pub(crate) fn collect(shapes: Vec<Shape>) -> AggregateUDF {
    AggregateUDF::from(Collect {
        signature: Signature::any(shapes.len(), Volatility::Immutable),
        shapes,
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Collect {
    shapes: Vec<Shape>,
    signature: Signature,
}

impl AggregateUDFImpl for Collect {
    fn name(&self) -> &str {
        "collect"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(ArrowType::BinaryView)
    }

    fn is_nullable(&self) -> bool {
        true
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> DfResult<Vec<FieldRef>> {
        let name = format!("{}[rows]", args.name);
        Ok(vec![Arc::new(arrow::datatypes::Field::new(
            name,
            ArrowType::BinaryView,
            true,
        ))])
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        Ok(Box::new(One(Groups::new(self.shapes.clone()))))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> DfResult<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups::new(self.shapes.clone())))
    }
}

/// The bytes of many groups.
struct Groups {
    shapes: Vec<Shape>,
    groups: Vec<Vec<u8>>,
    bytes: usize,
}

impl Groups {
    fn new(shapes: Vec<Shape>) -> Self {
        Self {
            shapes,
            groups: Vec::new(),
            bytes: 0,
        }
    }

    fn group(&mut self, index: usize) -> Result<&mut Vec<u8>> {
        let known = self.groups.get_mut(index);
        known.ok_or_else(|| Error::internal("row of an unknown group"))
    }

    fn add(
        &mut self,
        values: &[ArrayRef],
        groups: impl Fn(usize) -> Option<usize>,
        rows: usize,
    ) -> Result<()> {
        let columns = values
            .iter()
            .zip(&self.shapes)
            .map(|(array, shape)| ColumnReader::new(array, shape))
            .collect::<Result<Vec<_>>>()?;
        for row in 0..rows {
            let Some(index) = groups(row) else { continue };
            let group = self.group(index)?;
            let before = group.len();
            for column in &columns {
                push_item(&column.value(row)?, group)?;
            }
            let added = group.len() - before;
            self.bytes += added;
        }
        Ok(())
    }

    fn merge(&mut self, states: &ArrayRef, groups: impl Fn(usize) -> usize) -> Result<()> {
        let states = states
            .as_binary_view_opt()
            .ok_or_else(|| Error::internal("state of another type"))?;
        for row in 0..states.len() {
            if states.is_valid(row) {
                let bytes = states.value(row);
                self.group(groups(row))?.extend_from_slice(bytes);
                self.bytes += bytes.len();
            }
        }
        Ok(())
    }

    fn emit(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = emit_to.take_needed(&mut self.groups);
        let mut builder = BinaryViewBuilder::with_capacity(groups.len());
        for group in &groups {
            self.bytes -= group.len().min(self.bytes);
            builder
                .try_append_value(group)
                .map_err(|_| Error::unsupported("aggregates over more than 4 GiB in one group"))?;
        }
        Ok(Arc::new(builder.finish()))
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> DfResult<()> {
        self.groups.resize_with(total, Vec::new);
        let groups = |row: usize| {
            let wanted = filter.is_none_or(|f| f.is_valid(row) && f.value(row));
            group_indices.get(row).copied().filter(|_| wanted)
        };
        self.add(values, groups, group_indices.len())
            .map_err(to_datafusion)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total: usize,
    ) -> DfResult<()> {
        self.groups.resize_with(total, Vec::new);
        let groups = |row: usize| group_indices.get(row).copied().unwrap_or(usize::MAX);
        match values {
            [states] => self.merge(states, groups).map_err(to_datafusion),
            other => Err(to_datafusion(crate::fusion::scalar::arity(other.len()))),
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> DfResult<ArrayRef> {
        self.emit(emit_to).map_err(to_datafusion)
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> DfResult<Vec<ArrayRef>> {
        states_of_rows(Self::new(self.shapes.clone()), values, filter)
    }

    fn size(&self) -> usize {
        self.bytes + self.groups.capacity() * size_of::<Vec<u8>>()
    }
}

/// A single group.
struct One(Groups);

impl One {
    fn bytes(&mut self) -> DfResult<ScalarValue> {
        self.0.groups.resize_with(1, Vec::new);
        let bytes = self.0.groups.first().cloned();
        Ok(ScalarValue::BinaryView(bytes))
    }
}

impl std::fmt::Debug for One {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collect").finish_non_exhaustive()
    }
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.0.groups.resize_with(1, Vec::new);
        let rows = values.first().map_or(0, |array| array.len());
        self.0.add(values, |_| Some(0), rows).map_err(to_datafusion)
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        self.bytes()
    }

    fn size(&self) -> usize {
        self.0.size()
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        Ok(vec![self.bytes()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        self.0.groups.resize_with(1, Vec::new);
        match states {
            [states] => self.0.merge(states, |_| 0).map_err(to_datafusion),
            other => Err(to_datafusion(crate::fusion::scalar::arity(other.len()))),
        }
    }
}
