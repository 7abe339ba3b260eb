//! The threads, the memory and the settings that all vectorized statements of a database share.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{MemoryPool, UnboundedMemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;
use helios_base::{Error, Result};
use tokio::runtime::{Builder, Handle, Runtime};

use super::again::GuardNestedLoops;
use super::equalities::BlurEqualities;
use super::few::FindFewGroups;
use super::late::ReadLate;
use super::order::DropOrder;
use super::pool::{StatementMemory, StatementPool};
use super::runs::FindRuns;
use crate::fusion::context::StatementContext;
use crate::fusion::error::from_datafusion;

/// Rows per batch, unless memory is scarce.
const BATCH_ROWS: usize = 8192;

/// The least memory of a statement, in bytes: merging spilled runs needs room for a few batches.
const POOL_MIN: usize = 24 << 20;

/// The smaller side of a join of up to so many rows, or bytes, by the number of threads, is made one table by one
/// thread: sharing out both sides among all would cost more.
const WHOLE_ROWS: usize = 8 << 20;
const WHOLE_BYTES: usize = 128 << 20;

/// The part of the places between the least and the greatest key that must be taken for whole numbers to be looked up
/// in an array, not by hashing. A place takes four bytes.
const DENSITY: f64 = 0.02;

/// Whole numbers that lie among so many are looked up in an array in any case.
const NEAR: usize = 1 << 20;

/// With less memory than this, batches are smaller.
const ROOMY: usize = 256 << 20;

/// How long closing waits for tasks that were given up.
const SHUTDOWN: Duration = Duration::from_secs(2);

/// How to set up a [`FusionEngine`].
#[derive(Clone, Debug, Default)]
pub(crate) struct FusionOptions {
    /// Worker threads and partitions of a plan; 0 means one per core.
    pub threads: usize,
    /// Where sorts, joins and aggregations spill; the system's temporary directory if absent.
    pub temporary: Option<PathBuf>,
}

/// Shared by all sessions of a database. Threads start with the first statement that needs them.
pub(crate) struct FusionEngine {
    options: FusionOptions,
    started: OnceLock<Started>,
}

struct Started {
    /// `None` only while dropping.
    runtime: Option<Runtime>,
    prototype: SessionState,
    environment: Arc<RuntimeEnv>,
}

impl FusionEngine {
    /// An engine that has not started yet.
    pub fn new(options: FusionOptions) -> Self {
        Self {
            options,
            started: OnceLock::new(),
        }
    }

    /// Where to spawn work.
    ///
    /// # Errors
    /// If the operating system refuses threads.
    pub fn handle(&self) -> Result<Handle> {
        match &self.started()?.runtime {
            Some(runtime) => Ok(runtime.handle().clone()),
            None => Err(Error::internal("the engine is shutting down")),
        }
    }

    /// The planner's and the execution's state for one statement that may hold so much in memory, though never less
    /// than a few megabytes before it spills; `None` sets no limit.
    ///
    /// # Errors
    /// As [`FusionEngine::handle`].
    pub fn state(
        &self,
        context: StatementContext,
        memory: Option<StatementMemory>,
    ) -> Result<SessionState> {
        let started = self.started()?;
        let mut state = started.prototype.clone();
        if let Some(mut memory) = memory {
            memory.spilling = memory.spilling.max(POOL_MIN);
            let bytes = memory.spilling;
            let pool: Arc<dyn MemoryPool> = Arc::new(StatementPool::new(memory));
            let environment = RuntimeEnv {
                memory_pool: pool,
                disk_manager: Arc::clone(&started.environment.disk_manager),
                cache_manager: Arc::clone(&started.environment.cache_manager),
                object_store_registry: Arc::clone(&started.environment.object_store_registry),
            };
            state = SessionStateBuilder::from(state)
                .with_runtime_env(Arc::new(environment))
                .build();
            // A sort reserves memory for its merge ahead of time; leave most of it for rows.
            let execution = &mut state.config_mut().options_mut().execution;
            execution.sort_spill_reservation_bytes = (bytes / 16).min(10 << 20);
            // Such an array has four bytes for each.
            execution.perfect_hash_join_small_build_threshold = (bytes / 128).min(NEAR);
            if bytes < ROOMY {
                // Merging holds a batch of each run at a time.
                let config = state.config_mut();
                *config = config.clone().with_batch_size(BATCH_ROWS / 8);
            }
        }
        state.config_mut().options_mut().extensions.insert(context);
        state.mark_start_execution();
        Ok(state)
    }

    fn started(&self) -> Result<&Started> {
        if let Some(started) = self.started.get() {
            return Ok(started);
        }
        let started = self.start()?;
        // Another thread may have been faster; then its engine stays and this one goes.
        Ok(self.started.get_or_init(|| started))
    }

    fn start(&self) -> Result<Started> {
        let threads = match self.options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("helios-query")
            .enable_time()
            .build()
            .map_err(|e| Error::io("start query threads", e))?;
        let mode = match &self.options.temporary {
            Some(directory) => DiskManagerMode::Directories(vec![directory.clone()]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let environment = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(UnboundedMemoryPool::default()))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
            .build_arc()
            .map_err(from_datafusion)?;
        let prototype = SessionStateBuilder::new()
            .with_config(configuration(threads))
            .with_runtime_env(Arc::clone(&environment))
            .with_optimizer_rules(logical_rules())
            .with_physical_optimizer_rules(physical_rules())
            .build();
        Ok(Started {
            runtime: Some(runtime),
            prototype,
            environment,
        })
    }
}

/// All rules but two. Ours has folded constants already, and what DataFusion simplifies beyond that is
/// not always the same for `NULL`: `a IN (1, 2) AND a IN (3, 4)` becomes false
/// ([#24258](https://github.com/apache/datafusion/pull/24258)), and what a scan has taken upon itself
/// is changed behind its back. The joins come in the order that is to be (`row::compile::arrange`); to
/// eliminate cross joins is to put them in a row again, in the order of their tables.
fn logical_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    let others = ["simplify_expressions", "eliminate_cross_join"];
    rules.retain(|rule| !others.contains(&rule.name()));
    rules
}

fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> =
        vec![Arc::new(BlurEqualities)];
    rules.extend(PhysicalOptimizer::new().rules);
    // The second of these rules removes what the first noted: the order of the result.
    let noted = rules
        .iter()
        .rposition(|rule| rule.name() == "OutputRequirements");
    if let Some(noted) = noted {
        rules.insert(noted, Arc::new(DropOrder));
    }
    let learning = rules
        .iter()
        .rposition(|rule| rule.name() == "EnsureCooperative");
    if let Some(learning) = learning {
        rules.insert(learning, Arc::new(ReadLate));
    }
    rules.push(Arc::new(FindRuns));
    rules.push(Arc::new(FindFewGroups));
    rules.push(Arc::new(GuardNestedLoops));
    rules
}

fn configuration(threads: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false);
    let options = config.options_mut();
    options.catalog.create_default_catalog_and_schema = false;
    options.explain.show_statistics = false;
    let optimizer = &mut options.optimizer;
    optimizer.hash_join_single_partition_threshold_rows = (WHOLE_ROWS / threads).max(128 << 10);
    optimizer.hash_join_single_partition_threshold = (WHOLE_BYTES / threads).max(1 << 20);
    options.execution.perfect_hash_join_min_key_density = DENSITY;
    options.execution.perfect_hash_join_small_build_threshold = NEAR;
    // What may be NULL is judged differently before and after planning, which is no fault.
    options.execution.skip_physical_aggregate_schema_check = true;
    config
}

impl Drop for Started {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        // Tasks that were given up hold what they read, and so the database, until they notice. The
        // last session may end inside another runtime, though, where waiting is not allowed.
        if Handle::try_current().is_ok() {
            runtime.shutdown_background();
        } else {
            runtime.shutdown_timeout(SHUTDOWN);
        }
    }
}

impl std::fmt::Debug for FusionEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FusionEngine")
            .field("options", &self.options)
            .field("started", &self.started.get().is_some())
            .finish()
    }
}
