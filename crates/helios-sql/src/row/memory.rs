//! How much a run of the row executor holds in memory at once.
//!
//! What keeps rows (sorts, joins, groups, recursions) says how much it keeps, so that a statement
//! that would take all memory ends with an error instead of ending the process. The numbers are
//! estimates: values that several rows share count for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use helios_base::{Error, Result, SqlState, Value};

use super::exec::Cx;

/// So much is taken at once, to count seldom.
const STEP: usize = 64 << 10;

/// What one statement may hold, and holds.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    used: AtomicUsize,
}

impl Memory {
    /// A statement that may hold `limit` bytes.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicUsize::new(0),
        })
    }

    fn take(&self, bytes: usize) -> Result<()> {
        let before = self.used.fetch_add(bytes, Relaxed);
        if before.saturating_add(bytes) <= self.limit {
            return Ok(());
        }
        self.used.fetch_sub(bytes, Relaxed);
        Err(Error::new(SqlState::OUT_OF_MEMORY, "out of memory")
            .with_detail(format!(
                "The statement needs more than the {} MB that memory_limit allows.",
                self.limit >> 20
            ))
            .with_hint("Raise memory_limit, or let the statement keep fewer rows at once."))
    }
}

/// What one operator holds; given back when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Held {
    memory: Option<Arc<Memory>>,
    /// Counted in the statement's sum.
    taken: usize,
    /// Of these, what is in use.
    used: usize,
}

impl Held {
    /// Counts `bytes` more.
    ///
    /// # Errors
    /// 53200 if the statement holds too much.
    pub(crate) fn grow(&mut self, bytes: usize, cx: &Cx<'_>) -> Result<()> {
        self.used = self.used.saturating_add(bytes);
        if self.used <= self.taken {
            return Ok(());
        }
        let memory = self.memory.get_or_insert_with(|| cx.exec.memory.clone());
        let more = (self.used - self.taken).max(STEP);
        memory.take(more)?;
        self.taken += more;
        Ok(())
    }

    /// Counts a row that is kept.
    ///
    /// # Errors
    /// 53200 if the statement holds too much.
    pub(crate) fn row(&mut self, row: &[Value], cx: &Cx<'_>) -> Result<()> {
        self.grow(row_bytes(row), cx)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(memory) = &self.memory {
            memory.used.fetch_sub(self.taken, Relaxed);
        }
    }
}

/// What a row takes, roughly.
fn row_bytes(row: &[Value]) -> usize {
    size_of::<Vec<Value>>() + values_bytes(row)
}

/// What values take, roughly.
pub(crate) fn values_bytes(values: &[Value]) -> usize {
    size_of_val(values) + values.iter().map(heap_bytes).sum::<usize>()
}

/// What a value holds besides itself.
fn heap_bytes(value: &Value) -> usize {
    /// The counts in front of what is shared.
    const SHARED: usize = 16;
    match value {
        Value::Text(text) => SHARED + text.len(),
        Value::Bytea(bytes) => SHARED + bytes.len(),
        Value::Array(array) => SHARED + values_bytes(&array.elements),
        Value::Record(fields) => SHARED + values_bytes(fields),
        Value::Vector(vector) => SHARED + vector.size(),
        Value::Bits(bits) => SHARED + bits.bytes().len(),
        Value::Interval(_) | Value::Uuid(_) => 16,
        Value::Numeric(_) => 8,
        // Documents are seldom large; looking would take as long as copying them.
        Value::Jsonb(_) => 64,
        Value::Inet(_) | Value::Range(_) | Value::Multirange(_) => 64,
        _ => 0,
    }
}
