//! Files in `FROM`: `'x.parquet'`, `read_csv('x.csv', header => true)`.

use std::sync::Arc;

use helios_base::{DataType, Result, SqlState, Value};
use helios_expr::EvalContext;
use helios_table::catalog::RoleId;

use super::Binder;
use super::from::Item;
use super::scope::{Clause, Scope};
use crate::files::{FileSet, ReadOptions};
use crate::parse::ast::{Argument, Call, Ident, Pos, TableAlias};
use crate::plan::{FileScan, Plan, PlanColumn};
use crate::row::copy::Format;

/// The format that a function of this name reads.
pub(super) fn reader(name: &str) -> Option<Format> {
    match name {
        "read_parquet" | "parquet_scan" => Some(Format::Parquet),
        "read_csv" | "read_csv_auto" => Some(Format::Csv),
        "read_json" | "read_json_auto" | "read_ndjson" | "read_ndjson_auto" => Some(Format::Json),
        "read_npy" => Some(Format::Npy),
        _ => None,
    }
}

impl Binder<'_> {
    /// The files of a path in quotes.
    pub(super) fn file_item(
        &mut self,
        path: &str,
        alias: Option<&TableAlias>,
        pos: Pos,
    ) -> Result<Item> {
        let options = ReadOptions::new(None)?;
        self.files(&[path.to_owned()], &options, stem(path), alias, pos)
    }

    /// The files that one of the [`reader`] functions names.
    pub(super) fn read_call(
        &mut self,
        call: &Call,
        format: Format,
        alias: Option<&TableAlias>,
        parent: Option<usize>,
        pos: Pos,
    ) -> Result<Item> {
        let name = &call.name.name.name;
        let Some((path, rest)) = call.args.split_first() else {
            return Err(self.fail(
                SqlState::UNDEFINED_FUNCTION,
                format!("{name} needs the path of a file"),
                pos,
            ));
        };
        let paths = match self.constant(path, name, parent)? {
            (Value::Text(path), _) => vec![path.to_string()],
            (Value::Array(paths), _) => {
                let texts = paths.elements.iter().filter_map(|path| match path {
                    Value::Text(path) => Some(path.to_string()),
                    _ => None,
                });
                texts.collect()
            }
            _ => Vec::new(),
        };
        if paths.is_empty() {
            let message = format!("the path of {name} must be text, or an array of texts");
            return Err(self.fail(SqlState::DATATYPE_MISMATCH, message, path.value.pos));
        }
        let mut given = Vec::with_capacity(rest.len());
        for argument in rest {
            let Some(option) = &argument.name else {
                return Err(self
                    .fail(
                        SqlState::SYNTAX_ERROR,
                        format!("options of {name} are passed by name"),
                        argument.value.pos,
                    )
                    .with_hint("Write option => value."));
            };
            let (value, ty) = self.constant(argument, name, parent)?;
            let text = match value {
                Value::Null => {
                    let message = format!("option \"{}\" must not be NULL", option.name);
                    return Err(self.fail(
                        SqlState::NULL_VALUE_NOT_ALLOWED,
                        message,
                        argument.value.pos,
                    ));
                }
                value => value.to_text(&ty, self.context.text),
            };
            if given.iter().any(|(known, _)| *known == option.name) {
                let message = format!("option \"{}\" is given twice", option.name);
                return Err(self.fail(SqlState::SYNTAX_ERROR, message, option.pos));
            }
            given.push((option.name.clone(), text));
        }
        let options = ReadOptions::with(Some(format), &given).map_err(|e| self.at(e, pos))?;
        self.files(&paths, &options, name, alias, pos)
    }

    /// The value of an argument, which must be known before the query runs.
    fn constant(
        &mut self,
        argument: &Argument,
        function: &str,
        parent: Option<usize>,
    ) -> Result<(Value, DataType)> {
        self.push_level(Scope::default(), parent);
        self.set_clause(Clause::Plain("functions in FROM"));
        let bound = self.settled(&argument.value);
        self.pop_level();
        let mut expr = bound?;
        let context = EvalContext::new(&helios_expr::NoSession, self.context.text);
        helios_expr::fold::fold(&mut expr, &context, helios_expr::Volatility::Immutable);
        match expr.as_literal() {
            Some(value) => Ok((value.clone(), expr.ty().clone())),
            None => Err(self
                .unsupported(
                    format!("an argument of {function} that is no constant"),
                    argument.value.pos,
                )
                .with_hint("The files are looked at before the query runs.")),
        }
    }

    fn files(
        &mut self,
        paths: &[String],
        options: &ReadOptions,
        name: &str,
        alias: Option<&TableAlias>,
        pos: Pos,
    ) -> Result<Item> {
        self.check_role(RoleId::READ_SERVER_FILES, "read files", pos)?;
        // What the files hold may change at any time.
        self.cacheable = false;
        let files = FileSet::open(paths, options, self.context.text);
        let files = files.map_err(|error| self.at(error, pos))?;
        let shown = alias
            .and_then(|alias| alias.name.clone())
            .unwrap_or_else(|| Ident {
                name: name.to_owned(),
                pos,
            });
        let columns = files.columns.iter().map(|column| PlanColumn {
            name: column.name.as_str().into(),
            ty: column.ty.clone(),
            nullable: !column.not_null,
            source: None,
            origin: None,
        });
        let columns: Vec<PlanColumn> = columns.collect();
        let plan = Plan::FileScan(Box::new(FileScan {
            alias: shown.name.as_str().into(),
            reads: (0..columns.len()).collect(),
            columns,
            files: Arc::new(files),
        }));
        self.aliased(plan, alias, &shown, None, false)
    }
}

/// The name of a file without its folder and its end.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.split_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}
