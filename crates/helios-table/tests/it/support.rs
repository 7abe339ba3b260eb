//! What all tests need: a database, a small expression language, short ways to write rows.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState, TableId, TextContext, Value};
use helios_expr::{Builder, EvalContext, Expr, NoSession, ParamTypes};
use helios_table::catalog::{Catalog, SchemaId, TableDef};
use helios_table::ddl::{NewColumn, NewConstraint, NewConstraintKind, NewTable};
use helios_table::{
    KeyRange, Lock, LockedRow, TableExprs, TableReader, TableWriter, Tables, Transaction,
};
use helios_version::{Isolation, LockMode, Options, Store, TxnOptions, Wait};

/// Words separated by blanks: `operand [operator operand]`, an operand being a column, an integer,
/// a 'string', `f(column)` or `nextval('…')`.
pub struct Words;

impl TableExprs for Words {
    fn compile(
        &self,
        _catalog: &Catalog,
        table: &TableDef,
        sql: &str,
        wanted: Option<&DataType>,
    ) -> Result<Expr> {
        let text = TextContext::default();
        let params = ParamTypes::default();
        let builder = Builder::new(&text, &params);
        let operand = |word: &str| -> Result<Expr> {
            if let Some((name, rest)) = word.split_once('(') {
                let arg = rest.trim_end_matches(')');
                let arg = if arg.is_empty() {
                    Vec::new()
                } else {
                    vec![one(table, arg)?]
                };
                return builder.function(name, arg, false);
            }
            one(table, word)
        };
        let words: Vec<&str> = sql.split(' ').collect();
        let expr = match words.as_slice() {
            [word] => operand(word)?,
            [left, operator, right] => {
                builder.operator(operator, operand(left)?, operand(right)?)?
            }
            _ => return Err(Error::internal(format!("cannot read {sql}"))),
        };
        match wanted {
            Some(ty) => builder.assign(expr, ty, "?"),
            None => Ok(expr),
        }
    }
}

fn one(table: &TableDef, word: &str) -> Result<Expr> {
    if let Ok(number) = word.parse() {
        return Ok(Expr::int4(number));
    }
    if word.starts_with('\'') {
        return Ok(Expr::unknown(word.trim_matches('\'')));
    }
    match table.column(word) {
        Some((position, column)) => Ok(Expr::column(position, column.ty.clone())),
        None => Err(Error::new(
            SqlState::UNDEFINED_COLUMN,
            format!("column \"{word}\" does not exist"),
        )),
    }
}

pub fn options() -> Options {
    Options {
        background: false,
        retention: std::time::Duration::ZERO,
        ..Options::default()
    }
}

/// An empty database in memory.
pub fn database() -> Arc<Tables> {
    let store = Store::open_in_memory(options()).expect("store");
    Tables::open(store, Arc::new(Words)).expect("tables")
}

pub fn begin(tables: &Arc<Tables>) -> Transaction {
    begin_at(tables, Isolation::ReadCommitted)
}

pub fn begin_at(tables: &Arc<Tables>, isolation: Isolation) -> Transaction {
    let options = TxnOptions {
        isolation,
        ..TxnOptions::default()
    };
    tables.begin(options).expect("begin")
}

/// A context without session.
pub fn context() -> EvalContext<'static> {
    static TEXT: std::sync::LazyLock<TextContext> = std::sync::LazyLock::new(TextContext::default);
    EvalContext::new(&NoSession, &TEXT)
}

/// Columns from `name type` pairs; `!` after a name means NOT NULL.
pub fn columns(list: &[(&str, DataType)]) -> Vec<NewColumn> {
    list.iter()
        .map(|(name, ty)| {
            let mut column = NewColumn::new(name.trim_end_matches('!'), ty.clone());
            column.not_null = name.ends_with('!');
            column
        })
        .collect()
}

pub fn primary_key(columns: &[&str]) -> NewConstraint {
    NewConstraint::new(NewConstraintKind::PrimaryKey {
        columns: names(columns),
        include: Vec::new(),
    })
}

pub fn unique(columns: &[&str]) -> NewConstraint {
    NewConstraint::new(NewConstraintKind::Unique {
        columns: names(columns),
        include: Vec::new(),
        nulls_not_distinct: false,
    })
}

pub fn check(sql: &str) -> NewConstraint {
    NewConstraint::new(NewConstraintKind::Check(sql.to_owned()))
}

pub fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

pub fn new_table(name: &str, columns: Vec<NewColumn>, constraints: Vec<NewConstraint>) -> NewTable {
    NewTable {
        schema: SchemaId::PUBLIC,
        name: name.to_owned(),
        columns,
        constraints,
        ..NewTable::default()
    }
}

/// Creates a table in its own transaction.
pub fn create(tables: &Arc<Tables>, new: &NewTable) -> Arc<TableDef> {
    let transaction = begin(tables);
    let table = transaction.create_table(new).expect("create table");
    transaction.commit().expect("commit");
    table
}

pub fn table(transaction: &Transaction, name: &str) -> Arc<TableDef> {
    transaction
        .catalog()
        .expect("catalog")
        .require_table(None, name, &["public"])
        .expect("table")
}

pub fn writer<'t>(transaction: &'t Transaction, name: &str) -> TableWriter<'t> {
    let catalog = transaction.catalog().expect("catalog");
    let table = catalog
        .require_table(None, name, &["public"])
        .expect("table");
    TableWriter::new(transaction, &catalog, &table).expect("writer")
}

/// One statement that inserts a row.
pub fn insert(transaction: &Transaction, name: &str, row: &[Value]) -> Result<()> {
    transaction.statement()?;
    writer(transaction, name).insert(&mut row.to_vec(), &context())?;
    transaction.finish_statement(&context())
}

/// Locks the row whose first column is `id`, as an update or delete statement would.
pub fn find(writer: &TableWriter<'_>, transaction: &Transaction, id: &Value) -> Result<LockedRow> {
    let table = writer.table().clone();
    let view = transaction.view()?;
    let mut scan = TableReader::new(&table, &view).scan(&KeyRange::ALL, false)?;
    while let Some(key) = scan.next(|row| Ok((row.value(0)? == *id).then(|| row.key().to_vec())))? {
        if let Some(key) = key {
            return match writer.lock(&key, LockMode::NoKeyUpdate, Wait::Block)? {
                Lock::Row(row) => Ok(row),
                _ => Err(Error::internal("gone")),
            };
        }
    }
    Err(Error::internal("no such row"))
}

/// One statement that replaces the row whose first column is `id`.
pub fn update(transaction: &Transaction, name: &str, id: &Value, row: &[Value]) -> Result<()> {
    transaction.statement()?;
    let mut writer = writer(transaction, name);
    let old = find(&writer, transaction, id)?;
    writer.update(&old, &mut row.to_vec(), &context())?;
    transaction.finish_statement(&context())
}

/// One statement that deletes the row whose first column is `id`.
pub fn delete(transaction: &Transaction, name: &str, id: &Value) -> Result<()> {
    transaction.statement()?;
    let mut writer = writer(transaction, name);
    let old = find(&writer, transaction, id)?;
    writer.delete(&old)?;
    transaction.finish_statement(&context())
}

/// All rows that a new statement sees, in key order.
pub fn rows(transaction: &Transaction, name: &str) -> Vec<Vec<Value>> {
    let view = transaction.statement().expect("statement");
    let table = table(transaction, name);
    let mut scan = TableReader::new(&table, &view)
        .scan(&KeyRange::ALL, false)
        .expect("scan");
    let mut rows = Vec::new();
    while let Some(row) = scan.next(|row| row.values()).expect("next") {
        rows.push(row);
    }
    rows
}

/// All committed rows.
pub fn committed(tables: &Arc<Tables>, name: &str) -> Vec<Vec<Value>> {
    rows(&begin(tables), name)
}

pub fn int(value: i32) -> Value {
    Value::Int4(value)
}

pub fn text(value: &str) -> Value {
    Value::text(value)
}

/// The SQLSTATE of a failure.
#[track_caller]
pub fn state<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("it should have failed"),
        Err(error) => error.sqlstate().to_string(),
    }
}

/// The SQLSTATE, message and detail of a failure.
#[track_caller]
pub fn failure<T>(result: Result<T>) -> (String, String, String) {
    match result {
        Ok(_) => panic!("it should have failed"),
        Err(error) => (
            error.sqlstate().to_string(),
            error.message().to_owned(),
            error.detail().unwrap_or_default().to_owned(),
        ),
    }
}

pub fn id_of(tables: &Arc<Tables>, name: &str) -> TableId {
    table(&begin(tables), name).id
}
