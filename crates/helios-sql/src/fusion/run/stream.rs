//! Batches from the query threads to a caller that is not asynchronous.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, execute_stream};
use futures::{StreamExt, TryStreamExt};
use helios_base::{Error, Result};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::fusion::error::{damaged_file, from_datafusion};
use crate::session::Interrupt;

/// Batches that may wait for the reader.
const AHEAD: usize = 4;

/// How often a waiting reader looks at the interrupt.
const PATIENCE: Duration = Duration::from_millis(20);

/// The batches of one execution, in order. Dropping it stops the work.
///
/// The work runs ahead of the reader by a few batches, then waits. Reading works on any thread,
/// also on those of another asynchronous runtime.
pub(crate) struct BatchStream {
    batches: Receiver<Result<RecordBatch, DataFusionError>>,
    room: Arc<Semaphore>,
    task: JoinHandle<()>,
    interrupt: Interrupt,
    ended: bool,
    /// Whether files are read by decoders that panic on some kinds of damage.
    reads_files: bool,
}

impl BatchStream {
    /// Starts `plan` on the threads of `handle`.
    ///
    /// # Errors
    /// What the plan raises before its first batch.
    pub fn start(
        plan: Arc<dyn ExecutionPlan>,
        task: Arc<TaskContext>,
        handle: &Handle,
        interrupt: Interrupt,
    ) -> Result<Self> {
        let reads_files = reads_files(plan.as_ref());
        let stream = {
            // Operators may spawn their inputs when they are opened.
            let _inside = handle.enter();
            execute_stream(plan, task).map_err(from_datafusion)?
        };
        Ok(Self::of(stream, handle, interrupt, reads_files))
    }

    /// As [`BatchStream::start`], in the order in which tables and files have their rows if the plan keeps it: one
    /// part after the other, where else several are read at a time.
    ///
    /// # Errors
    /// As there.
    pub fn start_in_turn(
        plan: Arc<dyn ExecutionPlan>,
        task: Arc<TaskContext>,
        handle: &Handle,
        interrupt: Interrupt,
    ) -> Result<Self> {
        let parts = plan.output_partitioning().partition_count();
        if parts < 2 || !is_line(plan.as_ref()) {
            return Self::start(plan, task, handle, interrupt);
        }
        let reads_files = reads_files(plan.as_ref());
        let schema = plan.schema();
        let parts = futures::stream::iter(0..parts);
        let parts = parts.map(move |part| plan.execute(part, Arc::clone(&task)));
        let stream = RecordBatchStreamAdapter::new(schema, parts.try_flatten());
        Ok(Self::of(Box::pin(stream), handle, interrupt, reads_files))
    }

    fn of(
        stream: SendableRecordBatchStream,
        handle: &Handle,
        interrupt: Interrupt,
        reads_files: bool,
    ) -> Self {
        let (sender, batches) = channel();
        let room = Arc::new(Semaphore::new(AHEAD));
        let task = handle.spawn(pump(stream, sender, Arc::clone(&room)));
        Self {
            batches,
            room,
            task,
            interrupt,
            ended: false,
            reads_files,
        }
    }

    /// The next batch with rows, `None` at the end and after an error.
    ///
    /// # Errors
    /// What the execution raises; `57014` when interrupted.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        while !self.ended {
            match self.receive() {
                Ok(Some(batch)) if batch.num_rows() == 0 => {}
                Ok(Some(batch)) => return Ok(Some(batch)),
                Ok(None) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    self.task.abort();
                    return Err(error);
                }
            }
        }
        Ok(None)
    }

    fn translate(&self, error: DataFusionError) -> Error {
        let panicked = |error: &DataFusionError| error.to_string().contains("panicked");
        if self.reads_files && panicked(&error) {
            return damaged_file("the file is damaged");
        }
        from_datafusion(error)
    }

    fn receive(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            self.interrupt.check()?;
            match self.batches.recv_timeout(PATIENCE) {
                Ok(received) => {
                    self.room.add_permits(1);
                    return received.map(Some).map_err(|error| self.translate(error));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}

impl Drop for BatchStream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether each part of a plan's rows comes from one part of what it reads, as it lies there.
fn is_line(plan: &dyn ExecutionPlan) -> bool {
    let keeps_parts = matches!(
        plan.name(),
        "ProjectionExec" | "FilterExec" | "CoalesceBatchesExec" | "CooperativeExec"
    );
    match plan.children().as_slice() {
        [] => matches!(plan.name(), "DataSourceExec" | "FileScan" | "StoredScan"),
        [input] => keeps_parts && is_line(input.as_ref()),
        _ => false,
    }
}

/// Whether a plan reads files through DataFusion's own readers.
fn reads_files(plan: &dyn ExecutionPlan) -> bool {
    let source = plan.downcast_ref::<DataSourceExec>();
    source.is_some_and(|s| s.data_source().downcast_ref::<FileScanConfig>().is_some())
        || plan
            .children()
            .iter()
            .any(|child| reads_files(child.as_ref()))
}

async fn pump(
    mut stream: SendableRecordBatchStream,
    sender: std::sync::mpsc::Sender<Result<RecordBatch, DataFusionError>>,
    room: Arc<Semaphore>,
) {
    // A panic below is a bug of ours or of a library; the reader must not take it for the end.
    let guard = PanicGuard(Some(sender.clone()));
    loop {
        let Ok(permit) = room.acquire().await else {
            break;
        };
        permit.forget();
        let Some(item) = stream.next().await else {
            break;
        };
        let failed = item.is_err();
        if sender.send(item).is_err() || failed {
            break;
        }
    }
    guard.disarm();
}

struct PanicGuard(Option<std::sync::mpsc::Sender<Result<RecordBatch, DataFusionError>>>);

impl PanicGuard {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take()
            && std::thread::panicking()
        {
            let error = Error::internal("a query thread failed");
            // The reader may be gone, and then nobody needs to know.
            let _ = sender.send(Err(crate::fusion::error::to_datafusion(error)));
        }
    }
}
