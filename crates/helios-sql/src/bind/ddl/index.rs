//! `CREATE INDEX`.

use helios_base::{Result, SqlState};
use helios_expr::Comparison;

use super::column::Row;
use super::storage;
use crate::bind::Binder;
use crate::bind::label::label;
use crate::bind::relation::{table_columns, table_ref};
use crate::parse::ast::{self, ExprKind};
use crate::plan::{CreateIndex, IndexKey};

impl Binder<'_> {
    pub(super) fn create_index(&mut self, create: &ast::CreateIndex) -> Result<CreateIndex> {
        let table = self.table(&create.table)?;
        let row = Row {
            table: table.name.clone(),
            columns: table_columns(&table),
            generated: Vec::new(),
        };
        let method = create
            .method
            .as_ref()
            .map_or_else(|| "btree".to_owned(), |method| method.name.clone());
        let mut keys = Vec::with_capacity(create.keys.len());
        for key in &create.keys {
            keys.push(self.index_key(key, &row, &method)?);
        }
        self.known_columns(&create.include, &row)?;
        let predicate = match &create.filter {
            Some(text) => {
                let expr =
                    self.over_columns(&text.expr, &row.table, &row.columns, "index predicates")?;
                let pos = crate::bind::expr::first_pos(&text.expr);
                let expr = self.place(self.builder.condition(expr, "WHERE"), pos)?;
                self.immutable(
                    &expr,
                    "functions in index predicate must be marked IMMUTABLE",
                    pos,
                )?;
                Some(self.text_of(text))
            }
            None => None,
        };
        Ok(CreateIndex {
            name: create.name.as_ref().map(|name| name.name.clone()),
            if_not_exists: create.if_not_exists,
            table: table_ref(&table),
            unique: create.unique,
            nulls_not_distinct: create.nulls_not_distinct,
            method,
            keys,
            include: create
                .include
                .iter()
                .map(|name| name.name.clone())
                .collect(),
            predicate,
            options: storage(&create.options),
        })
    }

    fn index_key(&mut self, key: &ast::IndexKey, row: &Row, method: &str) -> Result<IndexKey> {
        let written = &key.key.expr;
        let pos = written.pos;
        let (column, expr, ty, name) = match &written.kind {
            ExprKind::Column(parts) if parts.len() == 1 => {
                let name = parts.first().map_or("", |part| &part.name);
                let Some(column) = row.columns.iter().find(|column| *column.name == *name) else {
                    return Err(self.fail(
                        SqlState::UNDEFINED_COLUMN,
                        format!("column \"{name}\" does not exist"),
                        pos,
                    ));
                };
                let name = name.to_owned();
                (
                    Some(name.clone()),
                    None,
                    column.ty.base().into_owned(),
                    name,
                )
            }
            _ => {
                let bound =
                    self.over_columns(written, &row.table, &row.columns, "index expressions")?;
                let bound = self.place(self.builder.settle(bound), pos)?;
                self.immutable(
                    &bound,
                    "functions in index expression must be marked IMMUTABLE",
                    pos,
                )?;
                let text = key.span.of(self.source.unwrap_or_default()).to_owned();
                let name = match label(written).as_str() {
                    "?column?" => "expr".to_owned(),
                    label => label.to_owned(),
                };
                (None, Some(text), bound.ty().clone(), name)
            }
        };
        if method == "btree" && self.builder.comparison(Comparison::Lt, &ty).is_err() {
            return Err(self
                .fail(
                    SqlState::UNDEFINED_OBJECT,
                    format!(
                        "data type {ty} has no default operator class for access method \
                         \"{method}\""
                    ),
                    pos,
                )
                .with_hint(
                    "You must specify an operator class for the index or define a default operator \
                     class for the data type.",
                ));
        }
        let nearest = helios_table::catalog::Method::named(method).is_some();
        if let Some(class) = key.class.as_ref().filter(|_| !nearest) {
            return Err(self.unsupported("operator class", class.pos));
        }
        Ok(IndexKey {
            class: key.class.as_ref().map(|class| class.name.clone()),
            column,
            expr,
            ty,
            descending: key.key.descending,
            nulls_first: key.key.nulls_first.unwrap_or(key.key.descending),
            label: name,
        })
    }
}
