//! The same database for async programs: each connection runs on a thread of tokio's blocking
//! pool, so that no statement ever blocks the caller's reactor.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> heliosdb::Result<()> {
//! let database = heliosdb::Database::open_in_memory()?;
//! let connection = heliosdb::asynchronous::Connection::open(&database)?;
//! connection.execute("CREATE TABLE t (n integer)", ()).await?;
//! connection.execute("INSERT INTO t SELECT generate_series(1, 3)", ()).await?;
//! let rows = connection.query("SELECT sum(n) FROM t", ()).await?;
//! assert_eq!(rows[0].get::<i64>(0)?, 6);
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

use helios_base::{Error, Result};
use parking_lot::Mutex;

use crate::{CancelHandle, Database, Params, Row};

/// A connection for async programs. Statements of one connection run one after another; a
/// statement whose future is dropped is cancelled.
#[derive(Clone, Debug)]
pub struct Connection {
    inner: Arc<Mutex<crate::Connection>>,
    cancel: CancelHandle,
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// As [`Database::connect`].
    pub fn open(database: &Database) -> Result<Self> {
        let connection = database.connect()?;
        let cancel = connection.cancel_handle();
        Ok(Self {
            inner: Arc::new(Mutex::new(connection)),
            cancel,
        })
    }

    /// Runs one statement and returns how many rows it changed (or returned).
    ///
    /// # Errors
    /// Whatever the statement meets.
    pub async fn execute(&self, sql: impl Into<String>, params: impl Params) -> Result<u64> {
        let (sql, values) = (sql.into(), params.into_values());
        self.call(move |connection| connection.execute(&sql, values))
            .await
    }

    /// Runs one query and returns its rows.
    ///
    /// # Errors
    /// Whatever the statement meets.
    pub async fn query(&self, sql: impl Into<String>, params: impl Params) -> Result<Vec<Row>> {
        let (sql, values) = (sql.into(), params.into_values());
        self.call(move |connection| connection.query(&sql, values)?.collect())
            .await
    }

    /// Runs `work` with the connection, off the reactor: several statements, a transaction, rows
    /// read one by one.
    ///
    /// # Errors
    /// What `work` returns; `Internal` when it panicked.
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut crate::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        let guard = CancelOnDrop(Some(self.cancel.clone()));
        let done = tokio::task::spawn_blocking(move || work(&mut inner.lock())).await;
        guard.disarm();
        done.map_err(|error| Error::internal(format!("a statement's thread ended: {error}")))?
    }
}

struct CancelOnDrop(Option<CancelHandle>);

impl CancelOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(cancel) = self.0.take() {
            cancel.cancel();
        }
    }
}
