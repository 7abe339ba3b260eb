//! SQLite databases: every table, or the only one.
//!
//! SQLite's columns have affinities, not types: a declared type is taken where every value keeps
//! it, and text is the way out.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use heliosdb::{DataType, Error, Result, SqlState, TextContext, Value, quoted};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::{FileColumn, Source};

/// Rows fetched at a time.
const PAGE: usize = 4096;

/// One table of a SQLite database.
struct SqliteSource {
    connection: Rc<Connection>,
    table: String,
    columns: Vec<FileColumn>,
    key: Vec<String>,
    rows: u64,
    offset: u64,
    page: std::vec::IntoIter<Vec<Value>>,
    context: TextContext,
}

/// The tables of a database; only databases with one table can be loaded into a table named.
pub fn open(path: &Path, into_one: bool) -> Result<Vec<Box<dyn Source>>> {
    let broken = |error: rusqlite::Error| {
        Error::new(
            SqlState::BAD_COPY_FILE_FORMAT,
            format!("could not read \"{}\": {error}", path.display()),
        )
    };
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(broken)?;
    let connection = Rc::new(connection);
    let names: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid")
        .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
        .map_err(broken)?;
    if into_one && names.len() != 1 {
        return Err(Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!(
                "\"{}\" has {} tables; --table takes one",
                path.display(),
                names.len()
            ),
        )
        .with_hint("Leave --table out to load every table under its own name."));
    }
    names
        .into_iter()
        .map(|name| {
            let source = SqliteSource::new(Rc::clone(&connection), name).map_err(broken)?;
            Ok(Box::new(source) as Box<dyn Source>)
        })
        .collect()
}

impl SqliteSource {
    fn new(connection: Rc<Connection>, table: String) -> rusqlite::Result<Self> {
        let sql = "SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1)";
        let infos: Vec<(String, String, bool, i64)> = connection
            .prepare(sql)?
            .query_map([&table], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        let mut columns = Vec::new();
        for (name, declared, not_null, key) in &infos {
            let ty = column_type(&connection, &table, name, declared)?;
            let not_null = *not_null || *key > 0;
            columns.push(FileColumn {
                name: name.clone(),
                ty,
                not_null,
            });
        }
        let mut key: Vec<(i64, String)> = infos
            .iter()
            .filter(|info| info.3 > 0)
            .map(|info| (info.3, info.0.clone()))
            .collect();
        key.sort();
        let count = format!("SELECT count(*) FROM {}", sqlite_quoted(&table));
        let rows: i64 = connection.query_row(&count, [], |row| row.get(0))?;
        Ok(Self {
            connection,
            table,
            columns,
            key: key.into_iter().map(|(_, name)| name).collect(),
            rows: u64::try_from(rows).unwrap_or(0),
            offset: 0,
            page: Vec::new().into_iter(),
            context: TextContext::default(),
        })
    }

    fn next_page(&mut self) -> Result<()> {
        let names: Vec<_> = self
            .columns
            .iter()
            .map(|c| sqlite_quoted(&c.name))
            .collect();
        // A stable order makes pages meet without gaps; every table but one WITHOUT ROWID has it.
        let order = if self.key.is_empty() {
            "rowid".to_owned()
        } else {
            self.key
                .iter()
                .map(|name| sqlite_quoted(name))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let sql = format!(
            "SELECT {} FROM {} ORDER BY {order} LIMIT {PAGE} OFFSET {}",
            names.join(", "),
            sqlite_quoted(&self.table),
            self.offset
        );
        let broken = |error: rusqlite::Error| {
            Error::new(
                SqlState::BAD_COPY_FILE_FORMAT,
                format!("could not read the table {}: {error}", quoted(&self.table)),
            )
        };
        let mut query = self.connection.prepare(&sql).map_err(broken)?;
        let mut rows = query.query([]).map_err(broken)?;
        let mut page = Vec::with_capacity(PAGE);
        while let Some(row) = rows.next().map_err(broken)? {
            let mut values = Vec::with_capacity(self.columns.len());
            for (place, column) in self.columns.iter().enumerate() {
                let cell = row.get_ref(place).map_err(broken)?;
                let value = convert(cell, &column.ty, &self.context)
                    .map_err(|error| error.with_column(&column.name))?;
                values.push(value);
            }
            page.push(values);
        }
        self.offset += page.len() as u64;
        self.page = page.into_iter();
        Ok(())
    }
}

impl Source for SqliteSource {
    fn table(&self) -> &str {
        &self.table
    }

    fn columns(&self) -> &[FileColumn] {
        &self.columns
    }

    fn primary_key(&self) -> &[String] {
        &self.key
    }

    fn expected(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn next_row(&mut self) -> Result<Option<Vec<Value>>> {
        if let Some(row) = self.page.next() {
            return Ok(Some(row));
        }
        if self.offset >= self.rows {
            return Ok(None);
        }
        self.next_page()?;
        Ok(self.page.next())
    }
}

/// A type from SQLite's declaration (its affinity rules), given up for text where a stored value
/// does not keep to it.
fn column_type(
    connection: &Connection,
    table: &str,
    name: &str,
    declared: &str,
) -> rusqlite::Result<DataType> {
    let declared = declared.to_ascii_uppercase();
    let (ty, storage) = if declared.contains("BOOL") {
        (DataType::Bool, "'integer'")
    } else if declared.contains("INT") {
        (DataType::Int8, "'integer'")
    } else if declared.contains("CHAR") || declared.contains("CLOB") || declared.contains("TEXT") {
        return Ok(DataType::Text);
    } else if declared.contains("BLOB") {
        (DataType::Bytea, "'blob'")
    } else if declared.contains("REAL") || declared.contains("FLOA") || declared.contains("DOUB") {
        (DataType::Float8, "'real', 'integer'")
    } else if declared.contains("NUM") || declared.contains("DEC") {
        (DataType::Numeric(None), "'real', 'integer'")
    } else {
        return Ok(DataType::Text);
    };
    let column = sqlite_quoted(name);
    let range = if ty == DataType::Bool {
        format!(" OR {column} NOT IN (0, 1)")
    } else {
        String::new()
    };
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM {} WHERE typeof({column}) NOT IN ('null', {storage}){range})",
        sqlite_quoted(table)
    );
    let strays: bool = connection.query_row(&sql, [], |row| row.get(0))?;
    Ok(if strays { DataType::Text } else { ty })
}

fn convert(cell: ValueRef<'_>, ty: &DataType, context: &TextContext) -> Result<Value> {
    let text = match (cell, ty) {
        (ValueRef::Null, _) => return Ok(Value::Null),
        (ValueRef::Integer(number), DataType::Int8) => return Ok(Value::Int8(number)),
        (ValueRef::Integer(number), DataType::Bool) => return Ok(Value::Bool(number != 0)),
        #[allow(
            clippy::cast_precision_loss,
            reason = "SQLite stores whole reals as integers"
        )]
        (ValueRef::Integer(number), DataType::Float8) => return Ok(Value::Float8(number as f64)),
        (ValueRef::Real(number), DataType::Float8) => return Ok(Value::Float8(number)),
        (ValueRef::Blob(bytes), DataType::Bytea) => return Ok(Value::Bytea(Arc::from(bytes))),
        (ValueRef::Integer(number), _) => number.to_string(),
        (ValueRef::Real(number), _) => number.to_string(),
        (ValueRef::Text(bytes) | ValueRef::Blob(bytes), _) => String::from_utf8(bytes.to_vec())
            .map_err(|_| {
                Error::new(
                    SqlState::CHARACTER_NOT_IN_REPERTOIRE,
                    "the text is not UTF-8",
                )
            })?,
    };
    Value::parse(&text, ty, context)
}

/// A name in double quotes, as SQLite reads it.
fn sqlite_quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
