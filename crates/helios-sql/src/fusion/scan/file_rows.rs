//! Files that are read row by row into batches.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::common::Result as DfResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};
use helios_base::{Result, TextContext};

use super::childless;
use crate::files::{FileRows, FileSet};
use crate::fusion::array::ColumnBuilder;
use crate::fusion::context::StatementContext;
use crate::fusion::error::{from_arrow, to_datafusion};
use crate::fusion::shape::Shape;
use crate::session::Interrupt;

/// Batches that may wait for their reader.
const AHEAD: usize = 2;

/// A scan of files; each is a part.
pub(super) struct FileRowsScan {
    files: Arc<FileSet>,
    /// The columns read, with their forms.
    reads: Vec<(usize, Shape)>,
    schema: SchemaRef,
    limit: Option<usize>,
    text: Arc<TextContext>,
    interrupt: Interrupt,
    properties: Arc<PlanProperties>,
}

impl FileRowsScan {
    pub(super) fn new(
        files: Arc<FileSet>,
        reads: Vec<(usize, Shape)>,
        schema: SchemaRef,
        limit: Option<usize>,
        context: &StatementContext,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(files.files.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            files,
            reads,
            schema,
            limit,
            text: Arc::new(context.text().clone()),
            interrupt: context.interrupt().clone(),
            properties: Arc::new(properties),
        }
    }

    fn names(&self) -> String {
        // Without the plan's tags.
        let names = self.schema.fields().iter().map(|field| {
            let name = field.name();
            name.rsplit_once('#')
                .map_or(name.as_str(), |(name, _)| name)
        });
        names.collect::<Vec<_>>().join(", ")
    }
}

/// The next rows as a batch, `None` at the end.
fn next_batch(
    rows: &mut FileRows,
    reads: &[(usize, Shape)],
    schema: &SchemaRef,
    most: usize,
) -> Result<Option<RecordBatch>> {
    let mut builders: Vec<ColumnBuilder> = reads
        .iter()
        .map(|(_, shape)| ColumnBuilder::new(shape, most))
        .collect();
    let mut count = 0;
    while count < most
        && let Some(row) = rows.next_row()?
    {
        for (value, builder) in row.iter().zip(&mut builders) {
            builder.append(value)?;
        }
        count += 1;
    }
    if count == 0 {
        return Ok(None);
    }
    let arrays: Vec<ArrayRef> = builders.iter_mut().map(ColumnBuilder::finish).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
        .map(Some)
        .map_err(from_arrow)
}

impl fmt::Debug for FileRowsScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileRowsScan")
            .field("path", &self.files.pattern)
            .finish_non_exhaustive()
    }
}

impl DisplayAs for FileRowsScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "FileScan: {} \"{}\", files={}, columns=[{}]",
            self.files.format.name(),
            self.files.pattern,
            self.files.files.len(),
            self.names()
        )?;
        if let Some(limit) = self.limit {
            write!(f, ", limit={limit}")?;
        }
        Ok(())
    }
}

impl ExecutionPlan for FileRowsScan {
    fn name(&self) -> &str {
        "FileScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        childless(self, &children)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        childless(self, &children)
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DfResult<TreeNodeRecursion>,
    ) -> DfResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DfResult<SendableRecordBatchStream> {
        let reads: Vec<usize> = self.reads.iter().map(|(read, _)| *read).collect();
        let rows = self.files.rows(partition, &reads, &self.text);
        let mut rows = rows.map_err(to_datafusion)?;
        let mut left = self.limit.unwrap_or(usize::MAX);
        let most = context.session_config().batch_size();
        let (reads, schema) = (self.reads.clone(), Arc::clone(&self.schema));
        let interrupt = self.interrupt.clone();
        let mut stream = RecordBatchReceiverStream::builder(Arc::clone(&self.schema), AHEAD);
        let sender = stream.tx();
        stream.spawn_blocking(move || {
            while left > 0 {
                let batch = interrupt
                    .check()
                    .and_then(|()| next_batch(&mut rows, &reads, &schema, most.min(left)));
                match batch {
                    Ok(None) => break,
                    Ok(Some(batch)) => {
                        left -= batch.num_rows();
                        // Nobody listens once the query is done.
                        if sender.blocking_send(Ok(batch)).is_err() {
                            break;
                        }
                    }
                    Err(error) => return Err(to_datafusion(error)),
                }
            }
            Ok(())
        });
        Ok(stream.build())
    }
}
