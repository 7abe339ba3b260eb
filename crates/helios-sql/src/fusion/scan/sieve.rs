//! What operators above a scan learn while they run: a join knows the keys of its smaller side once it
//! has read that, and a sort with a limit the worst row that still counts.
//!
//! Whoever gave such a condition asks it again, so a scan may leave it aside where it costs more than it
//! spares.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array,
};
use arrow::compute::{prep_null_mask_filter, take_arrays};
use arrow::datatypes::{DataType as ArrowType, Int32Type, Int64Type, SchemaRef};
use datafusion::common::Column as DfColumn;
use datafusion::logical_expr::{Expr as DfExpr, Operator, binary_expr};
use datafusion::physical_expr::conjunction;
use datafusion::physical_expr::expressions::{
    BinaryExpr, Column, DynamicFilterPhysicalExpr, IsNullExpr, Literal,
};
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns, split_conjunction};
use datafusion::physical_expr_common::physical_expr::{
    snapshot_generation, snapshot_physical_expr,
};
use datafusion::physical_plan::PhysicalExpr;
use helios_base::{Error, Result};
use helios_table::catalog::TableDef;

use super::bits;
use super::exec::Output;
use super::filter::RowFilter;
use super::members::{self, Members};
use super::names::{Columns, Tag};
use crate::fusion::error::{from_arrow, from_datafusion};

/// A condition is judged after so many rows.
const TRIAL: usize = 32 * 1024;

/// One that leaves more than this share of them is not worth asking.
const WORTH: f64 = 0.7;

/// A condition whose meaning comes and grows while the statement runs, as one part of a scan asks it.
pub(super) struct Sieve {
    /// Over the scan's outputs.
    expr: Arc<dyn PhysicalExpr>,
    /// The outputs that it reads.
    reads: Vec<usize>,
    /// What its tests do not say, over those alone.
    narrow: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
    table: Arc<TableDef>,
    tag: Tag,
    /// Counts the changes; 0 before the first look.
    generation: u64,
    /// What follows from it for single columns.
    tests: Vec<RowFilter>,
    /// Of each list one holds.
    either: Vec<Vec<RowFilter>>,
    /// Whether it says more than that.
    more: bool,
    /// What it says of each key of its one column, once enough rows have asked; `None` in it if that cannot be had.
    members: Option<Option<Members>>,
    seen: usize,
    kept: usize,
}

/// Whether the condition is one that changes while the statement runs.
pub(super) fn is_learnt(expr: &Arc<dyn PhysicalExpr>) -> bool {
    expr.downcast_ref::<DynamicFilterPhysicalExpr>().is_some()
}

impl Sieve {
    /// `expr` over a scan's outputs, whose fields are those of `schema`.
    pub(super) fn new(
        expr: &Arc<dyn PhysicalExpr>,
        schema: &SchemaRef,
        table: &Arc<TableDef>,
        tag: Tag,
    ) -> Result<Self> {
        let mut reads: Vec<usize> = collect_columns(expr).iter().map(Column::index).collect();
        reads.sort_unstable();
        let schema = schema.project(&reads).map_err(from_arrow)?;
        let narrow = reassign_expr_columns(Arc::clone(expr), &schema).map_err(from_datafusion)?;
        Ok(Self {
            expr: Arc::clone(expr),
            reads,
            narrow,
            schema: Arc::new(schema),
            table: Arc::clone(table),
            tag,
            generation: 0,
            tests: Vec::new(),
            either: Vec::new(),
            more: false,
            members: None,
            seen: 0,
            kept: 0,
        })
    }

    /// Looks whether it became another.
    pub(super) fn refresh(&mut self) -> Result<()> {
        let generation = snapshot_generation(&self.expr);
        if generation == self.generation {
            return Ok(());
        }
        self.generation = generation;
        (self.seen, self.kept) = (0, 0);
        self.tests.clear();
        self.either.clear();
        self.more = false;
        self.members = None;
        let now = snapshot_physical_expr(Arc::clone(&self.expr)).map_err(from_datafusion)?;
        let mut rest = Vec::new();
        for part in split_conjunction(&now) {
            if is_true(part) {
                continue;
            }
            match self.test(part) {
                Some(test) => self.tests.push(test),
                None => {
                    self.more = true;
                    rest.push(Arc::clone(part));
                    self.either.extend(self.alternatives(part));
                }
            }
        }
        // What the tests say has been asked when it comes to this.
        self.narrow =
            reassign_expr_columns(conjunction(rest), &self.schema).map_err(from_datafusion)?;
        Ok(())
    }

    /// What follows from each side of an `OR`: of a sort by two columns `a < 1 OR a = 1 AND b < 2`, of which the zones of
    /// `a` rule out most chunks.
    fn alternatives(&self, part: &Arc<dyn PhysicalExpr>) -> Option<Vec<RowFilter>> {
        let binary = part.downcast_ref::<BinaryExpr>();
        if let Some(binary) = binary.filter(|binary| *binary.op() == Operator::Or) {
            let mut both = self.alternatives(binary.left())?;
            both.append(&mut self.alternatives(binary.right())?);
            return Some(both);
        }
        let mut parts = split_conjunction(part).into_iter();
        parts
            .find_map(|part| self.test(part))
            .map(|test| vec![test])
    }

    /// A comparison of a column with a constant, or that it is `NULL`, as scans ask it.
    fn test(&self, part: &Arc<dyn PhysicalExpr>) -> Option<RowFilter> {
        let columns = Columns {
            table: &self.table,
            tag: self.tag,
        };
        let named = |column: &Column| DfExpr::Column(DfColumn::new_unqualified(column.name()));
        if let Some(null) = part.downcast_ref::<IsNullExpr>() {
            let column = null.arg().downcast_ref::<Column>()?;
            return RowFilter::of(&DfExpr::IsNull(Box::new(named(column))), columns);
        }
        let binary = part.downcast_ref::<BinaryExpr>()?;
        if !matches!(
            binary.op(),
            Operator::Eq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
        ) {
            return None;
        }
        let column = binary.left().downcast_ref::<Column>()?;
        let constant = binary.right().downcast_ref::<Literal>()?;
        let logical = binary_expr(
            named(column),
            *binary.op(),
            DfExpr::Literal(constant.value().clone(), None),
        );
        RowFilter::of(&logical, columns)
    }

    /// What follows from it for single columns.
    pub(super) fn tests(&self) -> impl Iterator<Item = &RowFilter> {
        self.tests.iter()
    }

    /// Whether it holds for no row, given what is known to hold for none.
    pub(super) fn is_ruled_out(&self, is_out: impl Fn(&RowFilter) -> bool) -> bool {
        let none = |either: &Vec<RowFilter>| either.iter().all(&is_out);
        self.tests.iter().any(&is_out) || self.either.iter().any(none)
    }

    /// The outputs to ask it of, unless its tests say all of it, or it leaves too many rows.
    pub(super) fn inputs<'a>(
        &self,
        outputs: &'a [Output],
    ) -> Option<impl Iterator<Item = &'a Output> + use<'a, '_>> {
        let idle = self.seen >= TRIAL && self.kept as f64 > WORTH * self.seen as f64;
        (self.more && !idle).then(|| self.reads.iter().filter_map(|at| outputs.get(*at)))
    }

    /// The rows that satisfy it, given its inputs; `before` are those that are wanted so far.
    pub(super) fn select(
        &mut self,
        inputs: Vec<ArrayRef>,
        rows: usize,
        before: Option<&BooleanArray>,
    ) -> Result<BooleanArray> {
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        self.know_members()?;
        let known = match (&self.members, inputs.as_slice()) {
            (Some(Some(members)), [keys]) => members.select(keys),
            _ => None,
        };
        let runs = match inputs.as_slice() {
            [keys] if known.is_none() => Runs::of(keys),
            _ => None,
        };
        let holds = match (known, runs) {
            (Some(known), _) => known,
            (None, Some(runs)) => {
                let heads = runs.heads.len();
                let inputs = take_arrays(&inputs, &runs.heads, None).map_err(from_arrow)?;
                let options = RecordBatchOptions::new().with_row_count(Some(heads));
                runs.spread(&self.ask(inputs, heads, &options)?)
            }
            (None, None) => self.ask(inputs, rows, &options)?,
        };
        match before {
            Some(before) => {
                self.seen += before.true_count();
                self.kept += (before.values() & holds.values()).count_set_bits();
            }
            None => {
                self.seen += rows;
                self.kept += holds.true_count();
            }
        }
        Ok(holds)
    }

    /// Asks for all keys of its one column, if enough rows have asked for theirs.
    fn know_members(&mut self) -> Result<()> {
        let ([field], None) = (self.schema.fields().as_ref(), &self.members) else {
            return Ok(());
        };
        let ty = field.data_type();
        let range = match ty {
            ArrowType::Int32 | ArrowType::Int64 => self.bounds(),
            _ => None,
        };
        let Some(range) = range.filter(|range| members::is_worth(range, self.seen)) else {
            return Ok(());
        };
        let members = Members::among(range, ty, |keys| {
            let rows = keys.len();
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            self.ask(vec![keys], rows, &options)
        })?;
        self.members = Some(members);
        Ok(())
    }

    /// The values beyond which it holds for none, of a condition over one column of whole numbers.
    fn bounds(&self) -> Option<RangeInclusive<i64>> {
        let least = self.tests.iter().filter_map(RowFilter::least).max();
        let greatest = self.tests.iter().filter_map(RowFilter::greatest).min();
        least
            .zip(greatest)
            .map(|(least, greatest)| least..=greatest)
    }

    fn ask(
        &self,
        inputs: Vec<ArrayRef>,
        rows: usize,
        options: &RecordBatchOptions,
    ) -> Result<BooleanArray> {
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), inputs, options)
            .map_err(from_arrow)?;
        let holds = self.narrow.evaluate(&batch).map_err(from_datafusion)?;
        let holds = holds.into_array(rows).map_err(from_datafusion)?;
        let Some(holds) = holds.as_boolean_opt() else {
            return Err(Error::internal("a condition that is no boolean"));
        };
        Ok(match holds.nulls() {
            Some(_) => prep_null_mask_filter(holds),
            None => holds.clone(),
        })
    }

    /// The rows of a batch of the scan that satisfy it.
    pub(super) fn of_batch(&mut self, batch: &RecordBatch) -> Result<Option<BooleanArray>> {
        let Some(_) = self.inputs(&[]) else {
            return Ok(None);
        };
        let inputs = self.reads.iter().filter_map(|at| batch.columns().get(*at));
        let inputs = inputs.cloned().collect();
        self.select(inputs, batch.num_rows(), None).map(Some)
    }
}

/// Equal keys that follow each other, as in the order of a key that others refer to: it is enough to ask for the
/// first of each.
struct Runs {
    heads: UInt32Array,
    /// Whether a run begins, for each row but the first.
    new: Vec<u8>,
}

impl Runs {
    /// `None` unless there are few of them.
    fn of(keys: &ArrayRef) -> Option<Self> {
        if keys.null_count() > 0 {
            return None;
        }
        if let Some(keys) = keys.as_primitive_opt::<Int64Type>() {
            return Self::among(keys.values());
        }
        Self::among(keys.as_primitive_opt::<Int32Type>()?.values())
    }

    fn among<T: Copy + PartialEq>(keys: &[T]) -> Option<Self> {
        /// So many rows tell whether there are few.
        const TRIAL: usize = 1024;
        /// That is, one of so many rows.
        const LONG: usize = 2;
        let differ = |keys: &[T]| -> Vec<u8> {
            let pairs = keys.iter().zip(keys.iter().skip(1));
            pairs.map(|(a, b)| u8::from(a != b)).collect()
        };
        let some = differ(keys.get(..TRIAL)?);
        if some.iter().map(|new| usize::from(*new)).sum::<usize>() * LONG > TRIAL {
            return None;
        }
        let new = differ(keys);
        let runs = 1 + new.iter().map(|new| usize::from(*new)).sum::<usize>();
        // Where a run ends is hard to foretell: each row is written, and the next over it if it begins none.
        let mut heads = vec![0u32; runs + 1];
        let mut at = 1;
        for (row, new) in (1u32..).zip(&new) {
            if let Some(head) = heads.get_mut(at) {
                *head = row;
            }
            at += usize::from(*new);
        }
        heads.truncate(runs);
        let heads = heads.into();
        Some(Self { heads, new })
    }

    /// What holds for each row, given what holds for the first of each run.
    fn spread(&self, holds: &BooleanArray) -> BooleanArray {
        let holds: Vec<u8> = holds.values().iter().map(u8::from).collect();
        let mut at = 0;
        let mut all = Vec::with_capacity(self.new.len() + 1);
        all.push(holds.first().copied().unwrap_or(0));
        all.extend(self.new.iter().map(|new| {
            at += usize::from(*new);
            holds.get(at).copied().unwrap_or(0)
        }));
        BooleanArray::new(bits::of(&all, |holds| holds != 0), None)
    }
}

fn is_true(expr: &Arc<dyn PhysicalExpr>) -> bool {
    let literal = expr.downcast_ref::<Literal>();
    literal.is_some_and(|literal| {
        matches!(
            literal.value(),
            datafusion::common::ScalarValue::Boolean(Some(true))
        )
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;

    use super::*;

    // Guards against rows that get the answer of another run.
    #[test]
    fn runs_are_spread_over_their_rows() {
        let mut rng = fastrand::Rng::with_seed(12);
        let mut with_runs = 0;
        for _ in 0..200 {
            let longest = [1, 3, 9, 5000][rng.usize(0..4)];
            let mut keys: Vec<i64> = Vec::new();
            while keys.len() < 3000 {
                let key = rng.i64(0..50);
                keys.extend(std::iter::repeat_n(key, rng.usize(1..=longest)));
            }
            let array: ArrayRef = Arc::new(Int64Array::from(keys.clone()));
            let Some(runs) = Runs::of(&array) else {
                continue;
            };
            with_runs += 1;
            let heads = runs.heads.values().iter();
            let holds = heads.map(|head| Some(keys[*head as usize] % 3 == 0));
            let holds: BooleanArray = holds.collect();
            let all = runs.spread(&holds);
            assert_eq!(all.len(), keys.len());
            for (row, key) in keys.iter().enumerate() {
                assert_eq!(all.value(row), key % 3 == 0);
            }
        }
        assert!(with_runs > 80);
    }
}
