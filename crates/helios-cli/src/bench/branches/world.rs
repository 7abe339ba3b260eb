//! Databases with the table `bench`, and how to work with them.

use std::path::Path;
use std::time::Duration;

use heliosdb::{Connection, Database, Error, FromSql, Options, Result, Statement, Value};

use crate::bench::helios::{note, person};

/// An open database with a connection on `main`.
pub struct World {
    pub database: Database,
    pub main: Connection,
}

impl World {
    /// A new database in `folder`.
    pub fn create(folder: &Path) -> Result<Self> {
        Self::with(folder, Options::new())
    }

    /// A new database that keeps what was replaced for a time.
    pub fn keeping(folder: &Path, retention: Duration) -> Result<Self> {
        Self::with(folder, Options::new().retention(retention))
    }

    fn with(folder: &Path, options: Options) -> Result<Self> {
        let database = options.open(folder)?;
        let mut main = database.connect()?;
        // What is measured is work, not the memory of its results.
        main.execute_batch("SET query_cache_size = 0")?;
        Ok(Self { database, main })
    }

    /// Makes a table of `rows` rows of about 100 bytes, and settles it in the file.
    pub fn load(&mut self, table: &str, rows: u64) -> Result<()> {
        self.main.execute(
            format!(
                "CREATE TABLE {table} (id bigint PRIMARY KEY, grp bigint NOT NULL, \
                 amount bigint NOT NULL, name text NOT NULL, note text)"
            )
            .as_str(),
            (),
        )?;
        // In parts, so that memory does not grow with the table.
        let mut next = 0;
        while next < rows {
            let end = rows.min(next + 1_000_000);
            let mut transaction = self.main.transaction()?;
            let columns = ["id", "grp", "amount", "name", "note"];
            let mut appender = transaction.appender(table, &columns)?;
            for id in next..end {
                let id = i64::try_from(id).unwrap_or(i64::MAX);
                appender.append(vec![
                    Value::Int8(id),
                    Value::Int8(id / 10),
                    Value::Int8(id % 1000),
                    Value::text(person(id)),
                    Value::text(note(id)),
                ])?;
            }
            appender.finish()?;
            transaction.commit()?;
            next = end;
        }
        self.main.execute("CHECKPOINT", ()).map(drop)
    }

    /// Runs statements on `main`.
    pub fn run(&mut self, sql: &str) -> Result<()> {
        self.main.execute_batch(sql)
    }

    /// Another connection, on `branch`.
    pub fn on(&self, branch: &str) -> Result<Connection> {
        let mut connection = self.database.connect()?;
        connection.execute(format!("USE BRANCH {branch}").as_str(), ())?;
        Ok(connection)
    }

    /// The newest change number.
    pub fn scn(&mut self) -> Result<i64> {
        one(&mut self.main, "SELECT helios_current_scn()::bigint")
    }
}

/// The one value that a query returns.
pub fn one<T: FromSql>(connection: &mut Connection, sql: &str) -> Result<T> {
    connection.query_row(sql, ())?.get(0)
}

/// Reads one row by key; a check sum.
pub fn point(connection: &mut Connection, statement: &Statement, id: i64) -> Result<i64> {
    let mut sum = 0_i64;
    for row in connection.query(statement, (id,))? {
        if let [Value::Int8(amount), Value::Text(text)] = row?.values() {
            sum = sum
                .wrapping_add(*amount)
                .wrapping_add(i64::try_from(text.len()).unwrap_or(0));
        }
    }
    Ok(sum)
}

/// Fails unless a check holds.
pub fn expect(what: &str, found: i64, wanted: i64) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::internal(format!(
        "{what}: found {found} instead of {wanted}"
    )))
}

/// A number of rows as SQL's.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
