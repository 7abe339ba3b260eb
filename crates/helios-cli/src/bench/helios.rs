//! HeliosDB through its library.

use std::path::Path;

use heliosdb::{Connection, Database, IntoStatement, Result, Statement, Value};

use super::Engine;

/// An open HeliosDB database.
pub struct Helios {
    database: Database,
    connection: Connection,
    statements: Option<Statements>,
}

struct Statements {
    point: Statement,
    group: Statement,
    range: Statement,
    aggregate: Statement,
    update: Statement,
    delete: Statement,
}

impl Helios {
    /// Creates the database and its table.
    pub fn create(path: &Path) -> Result<Self> {
        let mut engine = Self::open(path)?;
        let sql = "CREATE TABLE bench (id bigint PRIMARY KEY, grp bigint NOT NULL, \
                   amount bigint NOT NULL, name text NOT NULL, note text)";
        engine.connection.execute(sql, ())?;
        // What is measured is work, not the memory of its results.
        let sql = "SET query_cache_size = 0";
        engine.connection.execute(sql, ())?;
        Ok(engine)
    }

    /// Opens it as it is.
    pub fn open(path: &Path) -> Result<Self> {
        Self::over(Database::open(path)?)
    }

    fn over(database: Database) -> Result<Self> {
        let connection = database.connect()?;
        Ok(Self {
            database,
            connection,
            statements: None,
        })
    }

    /// Its connection.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// The change number that it reads at.
    pub fn now(&mut self) -> Result<i64> {
        let sql = "SELECT helios_current_scn()";
        self.connection.query_row(sql, ())?.get(0)
    }

    /// As [`Engine::aggregate`] after commit `scn`.
    pub fn aggregate_at(&mut self, below: i64, scn: i64) -> Result<i64> {
        let sql =
            "SELECT (sum(amount) + count(*))::bigint FROM bench AS OF SCN $2 WHERE amount < $1";
        self.connection.query_row(sql, (below, scn))?.get(0)
    }

    fn prepared(&mut self) -> Result<(&Statements, &mut Connection)> {
        if self.statements.is_none() {
            let connection = &mut self.connection;
            self.statements = Some(Statements {
                point: connection.prepare("SELECT amount, name FROM bench WHERE id = $1")?,
                group: connection.prepare("SELECT amount, name FROM bench WHERE grp = $1")?,
                range: connection.prepare(
                    "SELECT amount, name FROM bench WHERE id >= $1 ORDER BY id LIMIT 100",
                )?,
                aggregate: connection.prepare(
                    "SELECT (sum(amount) + count(*))::bigint FROM bench WHERE amount < $1",
                )?,
                update: connection.prepare("UPDATE bench SET amount = amount + 1 WHERE id = $1")?,
                delete: connection.prepare("DELETE FROM bench WHERE id = $1")?,
            });
        }
        match &self.statements {
            Some(statements) => Ok((statements, &mut self.connection)),
            None => Err(heliosdb::Error::internal(
                "the statements were just prepared",
            )),
        }
    }

    /// Adds up column 0 over all rows; touches the text in column 1.
    fn sum(
        connection: &mut Connection,
        statement: impl IntoStatement,
        parameter: i64,
    ) -> Result<i64> {
        let mut sum = 0_i64;
        for row in connection.query(statement, (parameter,))? {
            let row = row?;
            if let [Value::Int8(amount), Value::Text(text)] = row.values() {
                sum = sum
                    .wrapping_add(*amount)
                    .wrapping_add(i64::try_from(text.len()).unwrap_or(0));
            }
        }
        Ok(sum)
    }

    fn change(connection: &mut Connection, statement: &Statement, id: i64) -> Result<i64> {
        Ok(i64::try_from(connection.execute(statement, (id,))?).unwrap_or(0))
    }
}

impl Engine for Helios {
    fn name(&self) -> String {
        format!("HeliosDB {}", env!("CARGO_PKG_VERSION"))
    }

    fn load(&mut self, rows: i64) -> Result<i64> {
        let mut transaction = self.connection.transaction()?;
        let mut appender =
            transaction.appender("bench", &["id", "grp", "amount", "name", "note"])?;
        for id in 0..rows {
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
        Ok(rows)
    }

    fn index(&mut self) -> Result<i64> {
        self.connection
            .execute("CREATE INDEX bench_grp ON bench (grp)", ())?;
        Ok(0)
    }

    fn point(&mut self, id: i64) -> Result<i64> {
        let (statements, connection) = self.prepared()?;
        Self::sum(connection, &statements.point, id)
    }

    fn point_text(&mut self, id: i64) -> Result<i64> {
        let sql = "SELECT amount, name FROM bench WHERE id = $1";
        Self::sum(&mut self.connection, sql, id)
    }

    fn plan(&mut self, number: i64) -> Result<i64> {
        self.connection.prepare(&new_query(number))?;
        Ok(number)
    }

    fn group(&mut self, group: i64) -> Result<i64> {
        let (statements, connection) = self.prepared()?;
        Self::sum(connection, &statements.group, group)
    }

    fn range(&mut self, from: i64) -> Result<i64> {
        let (statements, connection) = self.prepared()?;
        Self::sum(connection, &statements.range, from)
    }

    fn aggregate(&mut self, below: i64) -> Result<i64> {
        let (statements, connection) = self.prepared()?;
        connection
            .query_row(&statements.aggregate, (below,))?
            .get(0)
    }

    fn update(&mut self, id: i64) -> Result<i64> {
        let (statements, connection) = self.prepared()?;
        Self::change(connection, &statements.update, id)
    }

    fn delete(&mut self, id: i64) -> Result<i64> {
        let (statements, connection) = self.prepared()?;
        Self::change(connection, &statements.delete, id)
    }

    fn begin(&mut self) -> Result<()> {
        self.connection.execute("BEGIN", ()).map(drop)
    }

    fn commit(&mut self) -> Result<()> {
        self.connection.execute("COMMIT", ()).map(drop)
    }

    fn durable(&mut self, id: i64) -> Result<i64> {
        self.update(id)
    }

    fn connect(&self) -> Result<Box<dyn Engine + Send>> {
        Ok(Box::new(Self::over(self.database.clone())?))
    }

    fn settle(&mut self) -> Result<()> {
        self.connection.execute("CHECKPOINT", ()).map(drop)
    }
}

/// A query that nobody has asked before.
pub fn new_query(number: i64) -> String {
    format!(
        "SELECT amount, name FROM bench WHERE grp = {number} AND amount < 500 ORDER BY id LIMIT 10"
    )
}

/// A name of about twenty letters.
pub fn person(id: i64) -> String {
    format!("customer number {:06}", id % 1_000_000)
}

/// A remark of about fifty letters.
pub fn note(id: i64) -> String {
    format!(
        "ordered {} articles, the last on day {:>4} of life",
        id % 17,
        id % 9_973
    )
}
