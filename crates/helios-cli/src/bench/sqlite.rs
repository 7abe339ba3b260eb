//! SQLite through rusqlite: WAL, `synchronous = FULL`, prepared statements.

use std::path::{Path, PathBuf};
use std::time::Duration;

use heliosdb::{Error, Result};
use rusqlite::Connection;

use super::Engine;
use super::helios::{new_query, note, person};

/// An open SQLite database.
pub struct Sqlite {
    path: PathBuf,
    connection: Connection,
}

impl Sqlite {
    /// Creates the database and its table.
    pub fn create(path: &Path) -> Result<Self> {
        let engine = Self::open(path)?;
        let sql = "CREATE TABLE bench (id INTEGER PRIMARY KEY, grp INTEGER NOT NULL, \
                   amount INTEGER NOT NULL, name TEXT NOT NULL, note TEXT)";
        engine.connection.execute(sql, []).map_err(failed)?;
        Ok(engine)
    }

    /// Opens it as it is.
    pub fn open(path: &Path) -> Result<Self> {
        let connection = Connection::open(path).map_err(failed)?;
        connection
            .busy_timeout(Duration::from_secs(60))
            .map_err(failed)?;
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -262144;")
            .map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Self {
            path: path.to_owned(),
            connection,
        })
    }

    fn run(&self, sql: &str, id: i64) -> Result<i64> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let changed = statement.execute([id]).map_err(failed)?;
        Ok(i64::try_from(changed).unwrap_or(0))
    }

    /// Adds up column 0 over all rows; touches the text in column 1.
    fn sum(&self, sql: &str, parameter: i64) -> Result<i64> {
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query([parameter]).map_err(failed)?;
        let mut sum = 0_i64;
        while let Some(row) = rows.next().map_err(failed)? {
            let text: String = row.get(1).map_err(failed)?;
            let amount: i64 = row.get(0).map_err(failed)?;
            sum = sum
                .wrapping_add(amount)
                .wrapping_add(i64::try_from(text.len()).unwrap_or(0));
        }
        Ok(sum)
    }
}

impl Engine for Sqlite {
    fn name(&self) -> String {
        format!("SQLite {}", rusqlite::version())
    }

    fn load(&mut self, rows: i64) -> Result<i64> {
        let transaction = self.connection.transaction().map_err(failed)?;
        {
            let mut insert = transaction
                .prepare("INSERT INTO bench VALUES (?1, ?2, ?3, ?4, ?5)")
                .map_err(failed)?;
            for id in 0..rows {
                insert
                    .execute((id, id / 10, id % 1000, person(id), note(id)))
                    .map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)?;
        Ok(rows)
    }

    fn index(&mut self) -> Result<i64> {
        self.connection
            .execute("CREATE INDEX bench_grp ON bench (grp)", [])
            .map_err(failed)?;
        Ok(0)
    }

    fn point(&mut self, id: i64) -> Result<i64> {
        self.sum("SELECT amount, name FROM bench WHERE id = ?1", id)
    }

    fn point_text(&mut self, id: i64) -> Result<i64> {
        self.point(id)
    }

    fn plan(&mut self, number: i64) -> Result<i64> {
        let sql = new_query(number);
        self.connection.prepare(&sql).map_err(failed)?;
        Ok(number)
    }

    fn group(&mut self, group: i64) -> Result<i64> {
        self.sum("SELECT amount, name FROM bench WHERE grp = ?1", group)
    }

    fn range(&mut self, from: i64) -> Result<i64> {
        self.sum(
            "SELECT amount, name FROM bench WHERE id >= ?1 ORDER BY id LIMIT 100",
            from,
        )
    }

    fn aggregate(&mut self, below: i64) -> Result<i64> {
        let sql = "SELECT sum(amount) + count(*) FROM bench WHERE amount < ?1";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        statement
            .query_row([below], |row| row.get(0))
            .map_err(failed)
    }

    fn update(&mut self, id: i64) -> Result<i64> {
        self.run("UPDATE bench SET amount = amount + 1 WHERE id = ?1", id)
    }

    fn delete(&mut self, id: i64) -> Result<i64> {
        self.run("DELETE FROM bench WHERE id = ?1", id)
    }

    fn begin(&mut self) -> Result<()> {
        self.connection.execute_batch("BEGIN").map_err(failed)
    }

    fn commit(&mut self) -> Result<()> {
        self.connection.execute_batch("COMMIT").map_err(failed)
    }

    fn durable(&mut self, id: i64) -> Result<i64> {
        self.update(id)
    }

    fn connect(&self) -> Result<Box<dyn Engine + Send>> {
        Ok(Box::new(Self::open(&self.path)?))
    }

    fn settle(&mut self) -> Result<()> {
        self.connection
            .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
            .map_err(failed)
    }
}

fn failed(error: rusqlite::Error) -> Error {
    Error::internal(format!("sqlite: {error}"))
}
