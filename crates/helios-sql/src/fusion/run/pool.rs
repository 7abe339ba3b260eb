//! The memory of one statement.
//!
//! Sorts and groups go to disk where they have no room, and share what `work_mem` gives the statement. What cannot (the table of a
//! hash join) may hold as much as `memory_limit` says, as in the row executor: a join that would find room on the machine is not
//! refused because sorts are asked to be modest.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use datafusion::common::{DataFusionError, Result as DfResult};
use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// What a statement may hold in memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StatementMemory {
    /// What can go to disk.
    pub(crate) spilling: usize,
    /// What cannot.
    pub(crate) held: usize,
}

/// The memory of a statement.
#[derive(Debug)]
pub(super) struct StatementPool {
    spilling: FairSpillPool,
    most: usize,
    held: AtomicUsize,
}

impl StatementPool {
    pub(super) fn new(memory: StatementMemory) -> Self {
        Self {
            spilling: FairSpillPool::new(memory.spilling),
            most: memory.held,
            held: AtomicUsize::new(0),
        }
    }
}

impl fmt::Display for StatementPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement(memory_limit: {} MB)", self.most >> 20)
    }
}

impl MemoryPool for StatementPool {
    fn name(&self) -> &str {
        "statement"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.spilling.register(consumer);
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.spilling.unregister(consumer);
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        if reservation.consumer().can_spill() {
            self.spilling.grow(reservation, additional);
        } else {
            self.held.fetch_add(additional, Relaxed);
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        if reservation.consumer().can_spill() {
            self.spilling.shrink(reservation, shrink);
        } else {
            self.held.fetch_sub(shrink, Relaxed);
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> DfResult<()> {
        if reservation.consumer().can_spill() {
            return self.spilling.try_grow(reservation, additional);
        }
        let grown = |held: usize| {
            let held = held.checked_add(additional)?;
            (held <= self.most).then_some(held)
        };
        match self.held.fetch_update(Relaxed, Relaxed, grown) {
            Ok(_) => Ok(()),
            Err(held) => Err(DataFusionError::ResourcesExhausted(format!(
                "The statement needs more than the {} MB that memory_limit allows: {} holds {} MB, others {} MB, and {} MB more are wanted.",
                self.most >> 20,
                reservation.consumer().name(),
                reservation.size() >> 20,
                held.saturating_sub(reservation.size()) >> 20,
                additional.div_ceil(1 << 20),
            ))),
        }
    }

    fn reserved(&self) -> usize {
        self.spilling.reserved() + self.held.load(Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.spilling.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_cannot_spill_has_a_limit_of_its_own() {
        let memory = StatementMemory {
            spilling: 1000,
            held: 5000,
        };
        let pool: Arc<dyn MemoryPool> = Arc::new(StatementPool::new(memory));
        let join = MemoryConsumer::new("join").register(&pool);
        let sort = MemoryConsumer::new("sort")
            .with_can_spill(true)
            .register(&pool);
        join.try_grow(4000).unwrap();
        sort.try_grow(900).unwrap();
        assert!(sort.try_grow(200).is_err());
        let error = join.try_grow(1001).unwrap_err().to_string();
        assert!(error.contains("memory_limit"), "{error}");
        assert_eq!(pool.reserved(), 4900);
        join.shrink(3000);
        join.try_grow(4000).unwrap();
        drop(join);
        drop(sort);
        assert_eq!(pool.reserved(), 0);
    }
}
