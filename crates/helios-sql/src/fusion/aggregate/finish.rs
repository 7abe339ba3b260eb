//! Runs an aggregate over the collected rows of each group.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType as ArrowType;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use helios_base::{DataType, Error, Result, Value};
use helios_expr::{Aggregate, AggregateCall};

use crate::fusion::array::{ColumnBuilder, read_items};
use crate::fusion::context::StatementContext;
use crate::fusion::error::to_datafusion;
use crate::fusion::shape::Shape;

/// One key of the order in which an aggregate takes its rows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RowOrder {
    /// Type of the key.
    pub ty: DataType,
    /// `DESC`
    pub descending: bool,
    /// `NULLS FIRST`
    pub nulls_first: bool,
}

/// The function from a group's collected rows to the aggregate's value.
///
/// Each row holds the arguments, then the keys of the order.
#[derive(Debug)]
pub(crate) struct Finish {
    /// By which DataFusion tells calls over the same rows apart.
    name: String,
    function: &'static Aggregate,
    args: Vec<DataType>,
    order: Vec<RowOrder>,
    distinct: bool,
    within_group: bool,
    output: Shape,
    signature: Signature,
}

impl Finish {
    /// For calls of `function` with arguments of these types.
    ///
    /// `within_group`: the keys of the order are arguments too, after the direct ones.
    pub fn new(
        function: &'static Aggregate,
        args: Vec<DataType>,
        order: Vec<RowOrder>,
        distinct: bool,
        within_group: bool,
        output: Shape,
    ) -> Self {
        let name = match (distinct, within_group, order.as_slice()) {
            (false, false, []) => function.name().to_owned(),
            _ => {
                let mut hasher = DefaultHasher::new();
                (distinct, within_group, &order).hash(&mut hasher);
                format!("{}#{:08x}", function.name(), hasher.finish() as u32)
            }
        };
        Self {
            name,
            function,
            args,
            order,
            distinct,
            within_group,
            output,
            // Settings such as the time zone can show in text forms.
            signature: Signature::any(1, Volatility::Stable),
        }
    }

    fn run(&self, array: &ArrayRef, context: &StatementContext) -> Result<ArrayRef> {
        let groups = array
            .as_binary_view_opt()
            .ok_or_else(|| Error::internal("collected rows of another type"))?;
        let mut builder = ColumnBuilder::new(&self.output, groups.len());
        for group in 0..groups.len() {
            context.interrupt().check()?;
            let items = if groups.is_valid(group) {
                read_items(groups.value(group))?
            } else {
                Vec::new()
            };
            builder.append(&self.group(&items, context)?)?;
        }
        Ok(builder.finish())
    }

    fn group(&self, items: &[Value], context: &StatementContext) -> Result<Value> {
        let width = (self.args.len() + self.order.len()).max(1);
        let mut rows: Vec<&[Value]> = items.chunks_exact(width).collect();
        let taken = if self.within_group {
            width
        } else {
            self.args.len()
        };
        let mut types = self.args.clone();
        if self.within_group {
            types.extend(self.order.iter().map(|key| key.ty.clone()));
        }
        if !self.order.is_empty() {
            // Stable, so that equal keys keep the order of arrival.
            rows.sort_by(|a, b| self.compare(a, b));
        } else if self.distinct {
            rows.sort_by(|a, b| compare_all(a, b, &types));
        }
        if self.distinct {
            let mut seen: Vec<&[Value]> = Vec::new();
            let mut sorted: Vec<usize> = (0..rows.len()).collect();
            let args = |i: usize| rows.get(i).and_then(|row| row.get(..taken)).unwrap_or(&[]);
            sorted.sort_by(|&a, &b| compare_all(args(a), args(b), &types));
            sorted.dedup_by(|a, b| compare_all(args(*a), args(*b), &types).is_eq());
            sorted.sort_unstable();
            seen.extend(sorted.into_iter().filter_map(|i| rows.get(i).copied()));
            rows = seen;
        }
        context.with_eval(|eval| {
            let mut accumulator = self.function.start(&AggregateCall {
                args: &types,
                result: &self.output.ty,
                ctx: eval,
            });
            for row in rows {
                let args: Vec<&Value> = row.iter().take(taken).collect();
                accumulator.update(&args)?;
            }
            accumulator.finish()
        })
    }

    fn compare(&self, a: &[Value], b: &[Value]) -> Ordering {
        let keys = |row: &'_ [Value]| row.get(self.args.len()..).unwrap_or(&[]).to_vec();
        for ((a, b), order) in keys(a).iter().zip(&keys(b)).zip(&self.order) {
            let ordering = match (a.is_null(), b.is_null()) {
                (true, true) => Ordering::Equal,
                (true, false) if order.nulls_first => Ordering::Less,
                (true, false) => Ordering::Greater,
                (false, true) if order.nulls_first => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) if order.descending => b.cmp_as(a, &order.ty),
                (false, false) => a.cmp_as(b, &order.ty),
            };
            if ordering.is_ne() {
                return ordering;
            }
        }
        Ordering::Equal
    }
}

fn compare_all(a: &[Value], b: &[Value], types: &[DataType]) -> Ordering {
    for ((a, b), ty) in a.iter().zip(b).zip(types) {
        // `NULL`s are equal and above everything, as `cmp_as` has it.
        let ordering = a.cmp_as(b, ty);
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

impl PartialEq for Finish {
    fn eq(&self, other: &Self) -> bool {
        self.function == other.function
            && self.args == other.args
            && self.order == other.order
            && self.distinct == other.distinct
            && self.within_group == other.within_group
            && self.output == other.output
    }
}

impl Eq for Finish {}

impl Hash for Finish {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name().hash(state);
        self.args.hash(state);
        self.order.hash(state);
        self.output.hash(state);
    }
}

impl ScalarUDFImpl for Finish {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(self.output.arrow.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let context = StatementContext::of(&args.config_options);
        crate::fusion::scalar::unary(args, |array| self.run(array, &context)).map_err(to_datafusion)
    }
}
