//! Who changed what and when.

use helios_base::{DataType, Error, Result, Row, Scn, SqlState, TextContext, Value};
use helios_expr::{EvalContext, NoSession};
use helios_table::StoredRow;
use helios_table::catalog::TableDef;
use helios_version::{CommitInfo, Read};

use super::super::merge_report::key_text;
use super::super::row_json;
use super::super::state::State;
use super::{Point, here, no_table, number, table_at, text_or_null};

/// Commits that `helios_log` shows if not told otherwise.
const SHOWN: u64 = 1000;

/// What a commit says of itself, if it is still known.
fn columns(state: &State, scn: Scn) -> Result<(Option<CommitInfo>, [Value; 4])> {
    let info = state.tables.store().commit_info(scn)?;
    let values = match &info {
        Some(info) => [
            number(info.txid.0),
            Value::TimestampTz(info.time),
            text_or_null(&info.author),
            text_or_null(&info.message),
        ],
        None => [Value::Null, Value::Null, Value::Null, Value::Null],
    };
    Ok((info, values))
}

fn branch_name(state: &State, id: helios_base::BranchId) -> Value {
    let branch = state.tables.store().branch_by_id(id);
    branch.map_or(Value::Null, |branch| Value::text(branch.name))
}

/// The stored key of the row whose key columns have these texts.
fn key_of(table: &TableDef, texts: &[&str]) -> Result<Vec<u8>> {
    let wrong = || {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!(
                "table \"{}\" has {} key columns, {} values were given",
                table.name,
                table.key.len(),
                texts.len()
            ),
        )
    };
    if table.key.is_empty() {
        let [text] = texts else {
            return Err(wrong().with_hint("Rows without a primary key are known by a number."));
        };
        let number: u64 = text
            .trim_start_matches("row ")
            .parse()
            .map_err(|_| wrong())?;
        return Ok(number.to_be_bytes().to_vec());
    }
    if texts.len() != table.key.len() {
        return Err(wrong());
    }
    let context = TextContext::default();
    let context = EvalContext::new(&NoSession, &context);
    let mut values = Vec::new();
    for (id, text) in table.key.iter().zip(texts) {
        if let Some((_, column)) = table.column_by_id(*id) {
            let text = Value::text(*text);
            values.push(helios_expr::cast::cast(
                &text,
                &DataType::Text,
                &column.ty,
                true,
                &context,
            )?);
        }
    }
    let mut key = Vec::new();
    table.shape().encode_key(&values, &mut key)?;
    Ok(key)
}

fn required(state: &State, name: &str) -> Result<(Point, std::sync::Arc<TableDef>)> {
    let point = here(state)?;
    let table = table_at(state, &point, name)?.ok_or_else(|| no_table(name))?;
    Ok((point, table))
}

/// `helios_history`: the versions of one row, newest first.
pub(super) fn history(state: &State, name: &str, key: &[&str]) -> Result<Vec<Row>> {
    let (point, table) = required(state, name)?;
    let key = key_of(&table, key)?;
    let versions = point.snapshot.history(table.storage, &key)?;
    let mut rows = Vec::new();
    for (n, version) in versions.iter().enumerate() {
        let existed = versions.get(n + 1).is_some_and(|older| older.row.is_some());
        let operation = match (&version.row, existed) {
            (None, _) => "delete",
            (Some(_), true) => "update",
            (Some(_), false) => "insert",
        };
        let (_, [txid, time, author, message]) = columns(state, version.begin)?;
        let row = match &version.row {
            Some(row) => {
                let row = StoredRow::new(table.shape(), &key, version.begin, row)?;
                row_json::object(&table, &row.values()?, None)?
            }
            None => Value::Null,
        };
        rows.push(vec![
            Value::text(operation),
            branch_name(state, version.branch),
            number(version.begin.0),
            version.end.map_or(Value::Null, |end| number(end.0)),
            txid,
            time,
            author,
            message,
            row,
        ]);
    }
    Ok(rows)
}

/// `helios_blame`: the last commit of each row, or of one.
pub(super) fn blame(state: &State, name: &str, key: &[&str]) -> Result<Vec<Row>> {
    let (point, table) = required(state, name)?;
    let mut rows = Vec::new();
    let mut last: Option<(Scn, Value, [Value; 4])> = None;
    let mut show = |key: &[u8], begin: Scn, row: &[u8]| -> Result<()> {
        let row = StoredRow::new(table.shape(), key, begin, row)?.values()?;
        // Neighbours often have the same commit.
        let (branch, [txid, time, author, message]) = match &last {
            Some((scn, branch, values)) if *scn == begin => (branch.clone(), values.clone()),
            _ => {
                let (info, values) = columns(state, begin)?;
                let branch = info.map_or(Value::Null, |info| branch_name(state, info.branch));
                last = Some((begin, branch.clone(), values.clone()));
                (branch, values)
            }
        };
        rows.push(vec![
            Value::text(key_text(&table, key, &[Some(&row)])),
            number(begin.0),
            txid,
            branch,
            time,
            author,
            message,
        ]);
        Ok(())
    };
    if key.is_empty() {
        let all = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
        let mut cursor = point.snapshot.scan(table.storage, all, false)?;
        while let Some(row) = cursor.next()? {
            state.interrupt.check()?;
            show(row.pk, row.begin, row.row)?;
        }
    } else {
        let key = key_of(&table, key)?;
        if let Some(found) = point.snapshot.get(table.storage, &key)? {
            show(&key, found.begin, &found.row)?;
        }
    }
    Ok(rows)
}

/// `helios_log`: the commits that a branch sees, newest first.
pub(super) fn log(state: &State, args: &[&str]) -> Result<Vec<Row>> {
    let store = state.tables.store();
    let point = match args.first() {
        Some(text) => super::point(state, text)?,
        None => here(state)?,
    };
    let limit = match args.get(1) {
        Some(text) => text.parse().map_err(|_| {
            Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid number of commits: \"{text}\""),
            )
        })?,
        None => SHOWN,
    };
    let mut rows = Vec::new();
    let mut at = Some((point.snapshot.branch(), point.snapshot.scn()));
    while let Some((branch, upto)) = at.take() {
        let Some(node) = store.branch_by_id(branch) else {
            break;
        };
        let mut scn = upto.0;
        let first = node.parent.map_or(0, |_| node.fork.0);
        while scn > first && (rows.len() as u64) < limit {
            state.interrupt.check()?;
            let Some(info) = store.commit_info(Scn(scn))? else {
                break;
            };
            scn -= 1;
            if info.branch != branch || info.puts + info.deletes == 0 && info.parents.is_empty() {
                continue;
            }
            let merged: Vec<String> = info
                .parents
                .iter()
                .map(|(id, scn)| {
                    let name = store.branch_by_id(*id);
                    let name = name.map_or_else(|| format!("#{id}"), |branch| branch.name);
                    format!("{name}@{scn}")
                })
                .collect();
            rows.push(vec![
                number(info.scn.0),
                Value::text(format!("{:X}/{:08X}", info.scn.0 >> 32, info.scn.0 as u32)),
                number(info.txid.0),
                Value::text(node.name.as_str()),
                Value::TimestampTz(info.time),
                text_or_null(&info.author),
                text_or_null(&info.message),
                text_or_null(&merged.join(", ")),
                number(info.puts),
                number(info.deletes),
            ]);
        }
        if (rows.len() as u64) < limit {
            at = node.parent.map(|parent| (parent, node.fork.min(upto)));
        }
    }
    Ok(rows)
}
