//! Functions of users that decide conflicts: `USING STRATEGY CUSTOM (f)`, and `function f` as a rule's
//! strategy or a column's policy.
//!
//! For a cell it is `f(base, target, source)` with three values of the column's type. If there is no such
//! function, and for rows that one side deleted, it is `f(conflict jsonb)`, which returns `jsonb`.

use std::collections::BTreeMap;
use std::sync::Arc;

use helios_base::json::{Json, JsonObject};
use helios_base::{DataType, Error, Result, SqlState, Value};
use helios_table::catalog::{ColumnDef, TableDef};
use helios_table::merge::{Answers, Decision, MergeReport, Question, Reply};

use super::{Session, row_json};

/// Merges are made again with answers at most so often: rows may change meanwhile.
pub(super) const ROUNDS: usize = 5;

/// The functions that a merge may ask, by number.
#[derive(Default)]
pub(super) struct Functions {
    names: Vec<String>,
    /// Whether a function takes three values of a type.
    by_value: BTreeMap<(u32, String), bool>,
}

impl Functions {
    /// The number of a function, whose name is written as in SQL.
    pub(super) fn number(&mut self, name: &str) -> Result<u32> {
        let (schema, name) = super::state::split_name(name)?;
        let name = match schema {
            Some(schema) => format!(
                "{}.{}",
                crate::parse::quote_ident(&schema),
                crate::parse::quote_ident(&name)
            ),
            None => crate::parse::quote_ident(&name).to_string(),
        };
        let known = self.names.iter().position(|known| *known == name);
        let number = known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        });
        u32::try_from(number).map_err(|_| Error::internal("too many functions in a merge"))
    }

    fn name(&self, number: u32) -> Result<&str> {
        let name = usize::try_from(number)
            .ok()
            .and_then(|number| self.names.get(number));
        let name = name.map(String::as_str);
        name.ok_or_else(|| Error::internal("no such function in a merge"))
    }
}

/// Whether any conflict waits for a function.
pub(super) fn asks(report: &MergeReport) -> bool {
    let mut decisions = report.decisions.iter();
    decisions.any(|decision| {
        decision.asks.is_some() || decision.cells.iter().any(|cell| cell.asks.is_some())
    })
}

impl Session {
    /// Asks the functions about all conflicts that wait for them.
    pub(super) fn ask_functions(
        &mut self,
        functions: &mut Functions,
        report: &MergeReport,
        answers: &mut Answers,
    ) -> Result<()> {
        for decision in &report.decisions {
            let question = |function, column| Question {
                function,
                table: decision.table.id,
                key: decision.key.clone(),
                column,
            };
            let rows = || {
                [
                    decision.base.clone(),
                    decision.ours.clone(),
                    decision.theirs.clone(),
                ]
            };
            if let Some(function) = decision.asks {
                let reply = self.ask_about_row(functions, function, decision)?;
                answers.add(question(function, None), rows(), reply);
            }
            for cell in &decision.cells {
                let (Some(function), Some(column)) =
                    (cell.asks, decision.table.columns.get(cell.column))
                else {
                    continue;
                };
                let reply =
                    self.ask_about_cell(functions, function, decision, cell.column, column)?;
                answers.add(question(function, Some(column.id)), rows(), reply);
            }
        }
        Ok(())
    }

    fn ask_about_cell(
        &mut self,
        functions: &mut Functions,
        function: u32,
        decision: &Decision,
        position: usize,
        column: &ColumnDef,
    ) -> Result<Reply> {
        let name = functions.name(function)?.to_owned();
        let ty = column.ty.clone();
        let sql = format!("SELECT ({name}($1, $2, $3))::{ty}");
        let known = (function, ty.to_string());
        let by_value = match functions.by_value.get(&known) {
            Some(by_value) => *by_value,
            None => {
                let types = vec![ty.clone(); 3];
                let by_value = match self.prepare_statement(&sql, types, None) {
                    Ok(_) => true,
                    Err(error) if error.sqlstate() == SqlState::UNDEFINED_FUNCTION => false,
                    Err(error) => return Err(error),
                };
                functions.by_value.insert(known, by_value);
                by_value
            }
        };
        if !by_value {
            let said = self.ask_json(&name, decision, Some(column))?;
            return Ok(match said {
                Some(json) => Reply::Value(self.typed_json(&json, &ty)?),
                None => Reply::Open,
            });
        }
        let value = |row: &Option<Vec<Value>>| {
            let value = row.as_ref().and_then(|row| row.get(position));
            (ty.clone(), value.cloned().unwrap_or(Value::Null))
        };
        let params = [&decision.base, &decision.ours, &decision.theirs].map(value);
        let rows = self.own_query(&sql, &params)?;
        let value = rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next());
        Ok(Reply::Value(value.unwrap_or(Value::Null)))
    }

    fn ask_about_row(
        &mut self,
        functions: &Functions,
        function: u32,
        decision: &Decision,
    ) -> Result<Reply> {
        let name = functions.name(function)?.to_owned();
        let said = match self.ask_json(&name, decision, None) {
            // A function of values has nothing to say about rows.
            Err(error) if error.sqlstate() == SqlState::UNDEFINED_FUNCTION => {
                return Ok(Reply::Open);
            }
            said => said?,
        };
        let Some(json) = said else {
            return Ok(Reply::Open);
        };
        let Json::Object(members) = &*json else {
            return match &*json {
                Json::Null => Ok(Reply::Delete),
                _ => Err(not_a_row(&name, &decision.table)),
            };
        };
        let there = decision.ours.as_ref().or(decision.theirs.as_ref());
        let mut row = Vec::with_capacity(decision.table.columns.len());
        for (position, column) in decision.table.columns.iter().enumerate() {
            let said = members.get(&column.name).cloned();
            row.push(match said {
                Some(json) => self.typed_json(&Arc::new(json), &column.ty)?,
                None => {
                    let value = there.and_then(|row| row.get(position));
                    value.cloned().unwrap_or(Value::Null)
                }
            });
        }
        Ok(Reply::Row(row))
    }

    /// Calls `f(conflict jsonb)`; `None` if it returns NULL.
    fn ask_json(
        &mut self,
        name: &str,
        decision: &Decision,
        column: Option<&ColumnDef>,
    ) -> Result<Option<Arc<Json>>> {
        let row = |row: &Option<Vec<Value>>| -> Result<Json> {
            let Some(row) = row else {
                return Ok(Json::Null);
            };
            Ok(match row_json::object(&decision.table, row, None)? {
                Value::Jsonb(json) => (*json).clone(),
                _ => Json::Null,
            })
        };
        let text = |text: &str| Json::String(text.into());
        let members: Vec<(Box<str>, Json)> = vec![
            ("schema".into(), text(&decision.table.schema_name)),
            ("table".into(), text(&decision.table.name)),
            (
                "column".into(),
                column.map_or(Json::Null, |column| text(&column.name)),
            ),
            ("kind".into(), text(decision.kind.name())),
            ("base".into(), row(&decision.base)?),
            ("target".into(), row(&decision.ours)?),
            ("source".into(), row(&decision.theirs)?),
        ];
        let conflict = Value::Jsonb(Arc::new(Json::Object(JsonObject::new(members))));
        let sql = format!("SELECT ({name}($1))::jsonb");
        let rows = self.own_query(&sql, &[(DataType::Jsonb, conflict)])?;
        let value = rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next());
        Ok(match value {
            Some(Value::Jsonb(json)) => Some(json),
            _ => None,
        })
    }

    /// A JSON value as one of a type.
    fn typed_json(&mut self, json: &Arc<Json>, ty: &DataType) -> Result<Value> {
        if *ty == DataType::Jsonb {
            return Ok(Value::Jsonb(json.clone()));
        }
        let sql = format!("SELECT ($1 #>> '{{}}')::{ty}");
        let rows = self.own_query(&sql, &[(DataType::Jsonb, Value::Jsonb(json.clone()))])?;
        let value = rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next());
        Ok(value.unwrap_or(Value::Null))
    }
}

fn not_a_row(name: &str, table: &TableDef) -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!(
            "function {name} must return a row of table \"{}\" as a JSON object, or null to delete it",
            table.name
        ),
    )
}
