//! The rules of a merge: built-in names, the table `_merge_rules`, and options of tables.
//!
//! `WITH CONFLICT RESOLUTION sum` uses one action for every conflict. Any other name selects rows of
//! `_merge_rules (rule_name, position, table_pattern, column_pattern, strategy)`, an ordinary table on
//! the target branch; `STRATEGY rule_based` alone uses all of them. A table's option
//! `merge.<column>` is the policy of one column, on either branch.

use std::sync::Arc;

use helios_base::{DataType, Error, Result, SqlState, TextContext, Value};
use helios_expr::{Builder, EvalContext, Expr, NoSession, ParamTypes};
use helios_table::merge::{Action, Rule, Strategy};
use helios_version::Snapshot;

use super::Session;
use super::merge_functions::Functions;
use crate::plan::MergeHow;

impl Session {
    pub(super) fn merge_rules(
        &mut self,
        how: &MergeHow,
        strategy: Strategy,
        source: &Snapshot,
        functions: &mut Functions,
    ) -> Result<Vec<Rule>> {
        let mut rules = Vec::new();
        match &how.rule {
            Some(name) => match Action::parse(&name.name) {
                Some(action) => rules.push(Rule {
                    name: action.name().to_owned(),
                    table: Arc::new(|_| true),
                    column: Arc::new(|_| true),
                    action,
                }),
                None => {
                    rules = self.stored_rules(Some(&name.name), functions)?;
                    if rules.is_empty() {
                        return Err(unknown_rule(&name.name));
                    }
                }
            },
            None if strategy == Strategy::RuleBased => {
                rules = self.stored_rules(None, functions)?
            }
            None => {}
        }
        // What the target says of a column counts more than what the source says.
        let target = self.transaction()?.catalog()?;
        let source = self.engine.shared.tables.catalog(source)?;
        for table in target.tables().chain(source.tables()) {
            for (option, value) in &table.options {
                let Some(column) = option.strip_prefix("merge.") else {
                    continue;
                };
                let action = action_of(value, functions)?;
                let (table, column) = (table.name.clone(), column.to_owned());
                rules.push(Rule {
                    name: format!("{table}.{column}"),
                    table: Arc::new(move |name| name == table),
                    column: Arc::new(move |name| name == column),
                    action,
                });
            }
        }
        Ok(rules)
    }

    /// The rules of the table `_merge_rules`, if there is one.
    fn stored_rules(&mut self, name: Option<&str>, functions: &mut Functions) -> Result<Vec<Rule>> {
        let path = self.state.search_path();
        let catalog = self.transaction()?.catalog()?;
        if catalog.resolve(None, "_merge_rules", &path).is_none() {
            return Ok(Vec::new());
        }
        let sql = "SELECT rule_name::text, table_pattern::text, column_pattern::text, strategy::text \
                   FROM _merge_rules WHERE rule_name = $1 OR $1 IS NULL ORDER BY position";
        let name = name.map_or(Value::Null, Value::text);
        let mut rules = Vec::new();
        for row in self.own_query(sql, &[(DataType::Text, name)])? {
            let text = |n: usize| match row.get(n) {
                Some(Value::Text(text)) => text.to_string(),
                _ => String::new(),
            };
            let strategy = text(3);
            rules.push(Rule {
                name: text(0),
                table: pattern(&text(1))?,
                column: pattern(&text(2))?,
                action: action_of(&strategy, functions)?,
            });
        }
        Ok(rules)
    }
}

/// What a text says is to be done with a conflict.
fn action_of(text: &str, functions: &mut Functions) -> Result<Action> {
    match function_of(text) {
        Some(function) => functions.number(function).map(Action::Call),
        None => Action::parse(text).ok_or_else(|| bad_action(text)),
    }
}

/// The function in `function f`.
pub(super) fn function_of(text: &str) -> Option<&str> {
    let (word, name) = text.trim().split_once(char::is_whitespace)?;
    word.eq_ignore_ascii_case("function").then(|| name.trim())
}

fn unknown_rule(name: &str) -> Error {
    Error::new(
        SqlState::UNDEFINED_OBJECT,
        format!("conflict resolution rule \"{name}\" does not exist"),
    )
    .with_hint(
        "Rules are prefer_source, prefer_target, prefer_newer, prefer_older, concatenate, sum, max, min, \
         or rows of a table _merge_rules (rule_name, position, table_pattern, column_pattern, strategy).",
    )
}

pub(super) fn bad_action(name: &str) -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        format!("unknown conflict resolution \"{name}\""),
    )
    .with_hint(
        "It is prefer_source, prefer_target, prefer_newer, prefer_older, concatenate, sum, max, min, \
         or function and the name of one.",
    )
}

/// A regular expression that names must match as a whole; none matches every name.
fn pattern(regex: &str) -> Result<helios_table::merge::Pattern> {
    if regex.is_empty() {
        return Ok(Arc::new(|_| true));
    }
    let text = TextContext::default();
    let params = ParamTypes::default();
    let builder = Builder::new(&text, &params);
    let whole = Expr::Literal(Value::text(format!("^(?:{regex})$")), DataType::Text);
    let expr = builder.operator("~", Expr::column(0, DataType::Text), whole)?;
    let matches = move |name: &str| {
        let text = TextContext::default();
        let context = EvalContext::new(&NoSession, &text);
        expr.eval(&[Value::text(name)], &context)
    };
    // A bad expression is an error here, not later in the middle of a merge.
    matches("")?;
    Ok(Arc::new(move |name| {
        matches!(matches(name), Ok(Value::Bool(true)))
    }))
}
