//! Inputs of nested loop joins that may be read a second time.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, JoinType, Result as DfResult, Statistics, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties,
    PhysicalExpr, PlanProperties, ReplaceChildrenOptions, StatisticsArgs,
};
use parking_lot::Mutex;

/// Puts a [`ReadAgain`] below every nested loop join. Comes after all other rules, which need not
/// know of it.
#[derive(Debug)]
pub(super) struct GuardNestedLoops;

impl PhysicalOptimizerRule for GuardNestedLoops {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() else {
                return Ok(Transformed::no(node));
            };
            let parts = join.right().output_partitioning().partition_count();
            let guarded = ReadAgain {
                input: Arc::clone(join.left()),
                allowed: parts == 1 || !remembers_left(*join.join_type()),
                read: Mutex::default(),
            };
            let children = vec![Arc::new(guarded) as _, Arc::clone(join.right())];
            let mode = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
            Ok(Transformed::yes(node.replace_children(children, mode)?))
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "guard_nested_loops"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether the answer depends on which rows of the left no row of the right has met.
fn remembers_left(join: JoinType) -> bool {
    match join {
        JoinType::Left
        | JoinType::Full
        | JoinType::LeftSemi
        | JoinType::LeftAnti
        | JoinType::LeftMark => true,
        JoinType::Inner
        | JoinType::Right
        | JoinType::RightSemi
        | JoinType::RightAnti
        | JoinType::RightMark => false,
    }
}

/// The left input of a nested loop join.
///
/// A join that finds no room for it reads it once more, into a file. DataFusion's way there has two
/// faults: inputs that can be read only once (a repartitioning below) panic, and where several parts
/// of the right run side by side, each takes the rows that *it* has not met for rows that *nobody*
/// has met. So a second reading begins from an input as it was before the first, and is refused where
/// it would lead to wrong answers: then the statement runs out of memory.
#[derive(Debug)]
struct ReadAgain {
    input: Arc<dyn ExecutionPlan>,
    allowed: bool,
    /// The parts that were read.
    read: Mutex<HashSet<usize>>,
}

impl ReadAgain {
    fn above(&self, input: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self {
            input,
            allowed: self.allowed,
            read: Mutex::default(),
        })
    }

    fn over(&self, mut children: Vec<Arc<dyn ExecutionPlan>>) -> DfResult<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(input), true) => Ok(self.above(input)),
            _ => internal_err!("one input is read again"),
        }
    }
}

impl DisplayAs for ReadAgain {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadAgain")
    }
}

impl ExecutionPlan for ReadAgain {
    fn name(&self) -> &str {
        "ReadAgain"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.over(children)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        self.over(children)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn reset_state(self: Arc<Self>) -> DfResult<Arc<dyn ExecutionPlan>> {
        Ok(self.above(Arc::clone(&self.input)))
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _: &StatisticsArgs,
    ) -> DfResult<Arc<Statistics>> {
        Ok(inputs
            .first()
            .cloned()
            .unwrap_or_else(|| Arc::new(Statistics::new_unknown(&self.input.schema()))))
    }

    fn execute(
        &self,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        if self.read.lock().insert(partition) {
            return self.input.execute(partition, task);
        }
        if !self.allowed {
            return Err(DataFusionError::ResourcesExhausted(
                "the rows of one side of a join by comparison do not fit in work_mem".into(),
            ));
        }
        reset_plan_states(Arc::clone(&self.input))?.execute(partition, task)
    }
}
