//! `FROM`: tables, queries, functions and joins, and the names they go by.

use super::node::{Form, Node, Part};
use super::{Level, Writer};
use crate::bind::notes::{NamedColumn, NamedRelation};
use crate::parse::ast::{self, ExprKind, Ident, JoinOn, Name, Pos, TableAlias, TableItem};
use crate::parse::quote_ident;
use crate::plan::JoinKind;

impl<'a> Writer<'a> {
    /// The names of a query's tables: those that a query around has too get a number.
    pub(super) fn level(&self, items: &[TableItem]) -> Level {
        let mut level = Level::default();
        for item in items {
            self.name_item(item, &mut level);
        }
        level
    }

    fn name_item(&self, item: &TableItem, level: &mut Level) {
        let name = match item {
            TableItem::Join {
                left, right, alias, ..
            } => {
                self.name_item(left, level);
                self.name_item(right, level);
                match alias.as_ref().and_then(|alias| alias.name.as_ref()) {
                    Some(name) => name.name.clone(),
                    None => return,
                }
            }
            _ => match item_name(item) {
                Some(name) => name.name,
                None => return,
            },
        };
        let taken = |shown: &str| {
            let levels = self.levels.iter().chain(std::iter::once(&*level));
            levels
                .flat_map(|level| &level.names)
                .any(|(_, known)| known == shown)
        };
        let mut shown = name.clone();
        let mut number = 0;
        while taken(&shown) {
            number += 1;
            shown = format!("{name}_{number}");
        }
        level.names.push((name, shown));
    }

    /// What a table of this query, or of one around, is called.
    pub(super) fn shown_name(&self, table: &str) -> String {
        let levels = self.levels.iter().rev();
        let mut names = levels.flat_map(|level| &level.names);
        let found = names.find(|(name, _)| name == table);
        found.map_or_else(|| table.to_owned(), |(_, shown)| shown.clone())
    }

    pub(super) fn shown_table(&self, table: &str) -> String {
        quote_ident(&self.shown_name(table)).to_string()
    }

    /// A column with its table, where that is said.
    pub(super) fn column_text(&self, column: &NamedColumn) -> String {
        let name = quote_ident(&column.name);
        match &column.table {
            // The value that a domain's condition is about.
            Some(table) if table.is_empty() && &*column.name == "value" => "VALUE".to_owned(),
            Some(table) if self.qualify && !table.is_empty() => {
                format!("{}.{name}", self.shown_table(table))
            }
            _ => name.to_string(),
        }
    }

    pub(super) fn from(&mut self, items: &'a [TableItem]) -> Option<()> {
        for (index, item) in items.iter().enumerate() {
            if index == 0 {
                self.clause(" FROM ", 2);
                self.item_of_from(item)?;
                continue;
            }
            self.out.push_str(", ");
            let text = self.aside(|writer| writer.item_of_from(item))?;
            if text.starts_with('\n') {
                let kept = self.out.trim_end_matches(' ').len();
                self.out.truncate(kept);
            } else {
                self.line("", -8, 8, 4);
            }
            self.out.push_str(&text);
        }
        Some(())
    }

    fn item_of_from(&mut self, item: &'a TableItem) -> Option<()> {
        match item {
            TableItem::Table {
                name,
                at: None,
                alias,
                sample,
            } => {
                let relation = self.notes.relation(name.pos())?.clone();
                let (text, plain) = self.relation(name, &relation);
                self.out.push_str(&text);
                let shown = item_name(item)?;
                let shown_name = self.shown_name(&shown.name);
                let renamed = alias
                    .as_ref()
                    .is_some_and(|alias| !alias.columns.is_empty());
                if shown_name != plain || renamed {
                    self.out.push_str(&format!(" {}", quote_ident(&shown_name)));
                }
                if renamed {
                    self.columns(shown.pos)?;
                }
                if let Some(sample) = sample {
                    self.sample(sample)?;
                }
            }
            TableItem::Query {
                query,
                lateral,
                at: None,
                alias,
                pos,
            } => {
                if *lateral {
                    self.out.push_str("LATERAL ");
                }
                self.out.push('(');
                self.subquery(query, true)?;
                self.out.push(')');
                let shown = item_name(item)?;
                self.out
                    .push_str(&format!(" {}", self.shown_table(&shown.name)));
                if alias
                    .as_ref()
                    .is_some_and(|alias| !alias.columns.is_empty())
                {
                    let at = alias.as_ref().and_then(|alias| alias.name.as_ref());
                    self.columns(at.map_or(*pos, |name| name.pos))?;
                }
            }
            TableItem::Functions {
                calls,
                rows_from,
                ordinality,
                lateral,
                alias,
                pos,
            } => {
                let reads = calls.iter().any(|call| self.reads_here(&call.call));
                if *lateral || reads {
                    self.out.push_str("LATERAL ");
                }
                let mut parts = self.calls(calls)?;
                if *rows_from {
                    parts.insert(0, Part::Text("ROWS FROM(".to_owned()));
                    parts.push(Part::Text(")".to_owned()));
                }
                self.node(&Node::Form(Form::Function, parts), true)?;
                if *ordinality {
                    self.out.push_str(" WITH ORDINALITY");
                }
                let shown = item_name(item)?;
                self.out
                    .push_str(&format!(" {}", self.shown_table(&shown.name)));
                match calls.as_slice() {
                    [only] if !defined(only, alias.as_ref()).is_empty() => {
                        self.definitions(defined(only, alias.as_ref()))?;
                    }
                    _ => {
                        let at = alias.as_ref().and_then(|alias| alias.name.as_ref());
                        self.columns(at.map_or(*pos, |name| name.pos))?;
                    }
                }
            }
            TableItem::Join {
                kind,
                left,
                right,
                on,
                alias,
                pos,
            } => self.join(*kind, left, right, on, alias.as_ref(), *pos)?,
            // What only this dialect has.
            TableItem::Table { .. } | TableItem::Query { .. } | TableItem::File { .. } => {
                return None;
            }
        }
        Some(())
    }

    /// A relation's name as the search path wants it, and without schema.
    fn relation(&self, written: &Name, relation: &NamedRelation) -> (String, String) {
        match relation {
            NamedRelation::Cte => {
                let name = &written.name.name;
                (quote_ident(name).to_string(), name.clone())
            }
            NamedRelation::Stored(schema, name) => {
                let seen = self.names.catalog.resolve(None, name, self.names.path);
                let visible = match seen {
                    Some(seen) => seen.schema_name() == &**schema,
                    None => &**schema == "pg_catalog",
                };
                let quoted = quote_ident(name);
                let text = if visible {
                    quoted.to_string()
                } else {
                    format!("{}.{quoted}", quote_ident(schema))
                };
                (text, name.to_string())
            }
        }
    }

    fn columns(&mut self, at: Pos) -> Option<()> {
        let names = self.notes.item(at)?;
        let names: Vec<String> = names
            .iter()
            .map(|name| quote_ident(name).to_string())
            .collect();
        self.out.push_str(&format!("({})", names.join(", ")));
        Some(())
    }

    fn definitions(&mut self, columns: &[(Ident, ast::TypeName)]) -> Option<()> {
        let mut shown = Vec::with_capacity(columns.len());
        for (name, ty) in columns {
            let ty = self.named_type(ty)?;
            shown.push(format!(
                "{} {}",
                quote_ident(&name.name),
                self.type_name(&ty)
            ));
        }
        self.out.push_str(&format!("({})", shown.join(", ")));
        Some(())
    }

    fn sample(&mut self, sample: &'a ast::TableSample) -> Option<()> {
        let method = quote_ident(&sample.method.name).to_string();
        self.out.push_str(&format!(" TABLESAMPLE {method} ("));
        for (index, arg) in sample.args.iter().enumerate() {
            if index > 0 {
                self.out.push_str(", ");
            }
            let node = self.value(arg, Some(&helios_base::DataType::Float4))?;
            self.node(&node, false)?;
        }
        self.out.push(')');
        if let Some(seed) = &sample.repeatable {
            self.out.push_str(" REPEATABLE (");
            let node = self.value(seed, Some(&helios_base::DataType::Float8))?;
            self.node(&node, false)?;
            self.out.push(')');
        }
        Some(())
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one syntax node")]
    fn join(
        &mut self,
        kind: JoinKind,
        left: &'a TableItem,
        right: &'a TableItem,
        on: &'a JoinOn,
        alias: Option<&'a TableAlias>,
        pos: Pos,
    ) -> Option<()> {
        let alias = alias.filter(|alias| alias.name.is_some());
        let enclosed = !self.pretty || alias.is_some();
        if enclosed {
            self.out.push('(');
        }
        self.item_of_from(left)?;
        let merged = self.notes.join(pos).unwrap_or_default().to_vec();
        let bare = match on {
            JoinOn::None => true,
            JoinOn::Natural => merged.is_empty(),
            JoinOn::On(_) | JoinOn::Using(..) => false,
        };
        self.clause(
            match kind {
                JoinKind::Inner if bare => " CROSS JOIN ",
                JoinKind::Inner => " JOIN ",
                JoinKind::Left => " LEFT JOIN ",
                JoinKind::Right => " RIGHT JOIN ",
                JoinKind::Full => " FULL JOIN ",
            },
            4,
        );
        let joined = matches!(right, TableItem::Join { alias, .. }
            if alias.as_ref().is_none_or(|alias| alias.name.is_none()));
        let inner = self.pretty && joined;
        if inner {
            self.out.push('(');
        }
        self.item_of_from(right)?;
        if inner {
            self.out.push(')');
        }
        match on {
            JoinOn::On(condition) => {
                self.out.push_str(" ON ");
                let node = self.value(condition, Some(&helios_base::DataType::Bool))?;
                if !self.pretty {
                    self.out.push('(');
                }
                self.node(&node, false)?;
                if !self.pretty {
                    self.out.push(')');
                }
            }
            _ if !merged.is_empty() => {
                let names: Vec<_> = merged
                    .iter()
                    .map(|name| quote_ident(name).to_string())
                    .collect();
                self.out.push_str(&format!(" USING ({})", names.join(", ")));
                if let JoinOn::Using(_, Some(alias)) = on {
                    self.out
                        .push_str(&format!(" AS {}", quote_ident(&alias.name)));
                }
            }
            _ if kind != JoinKind::Inner => self.out.push_str(" ON TRUE"),
            _ => {}
        }
        if enclosed {
            self.out.push(')');
        }
        if let Some(name) = alias.and_then(|alias| alias.name.as_ref()) {
            self.out
                .push_str(&format!(" {}", self.shown_table(&name.name)));
            if alias.is_some_and(|alias| !alias.columns.is_empty()) {
                self.columns(name.pos)?;
            }
        }
        Some(())
    }

    /// Whether an expression of `FROM` names columns of the same query.
    fn reads_here(&self, expr: &ast::Expr) -> bool {
        let here = match (&expr.kind, self.levels.last()) {
            (ExprKind::Column(_), Some(level)) => {
                let table = self
                    .notes
                    .column(expr.pos)
                    .and_then(|column| column.table.as_ref());
                table.is_some_and(|table| level.names.iter().any(|(name, _)| **name == **table))
            }
            _ => false,
        };
        let mut found = here;
        expr.for_each_child(&mut |child| found = found || self.reads_here(child));
        found
    }
}

/// What an item is called in its query.
fn item_name(item: &TableItem) -> Option<Ident> {
    match item {
        TableItem::Table { name, alias, .. } => {
            let alias = alias.as_ref().and_then(|alias| alias.name.clone());
            Some(alias.unwrap_or_else(|| name.name.clone()))
        }
        TableItem::Query { alias, pos, .. } => {
            let alias = alias.as_ref().and_then(|alias| alias.name.clone());
            Some(alias.unwrap_or_else(|| Ident {
                name: "unnamed_subquery".to_owned(),
                pos: *pos,
            }))
        }
        TableItem::Functions {
            calls, alias, pos, ..
        } => {
            let alias = alias.as_ref().and_then(|alias| alias.name.clone());
            let called = || match &calls.first()?.call.kind {
                ExprKind::Call(call) => Some(Ident {
                    name: call.name.name.name.clone(),
                    pos: *pos,
                }),
                _ => None,
            };
            alias.or_else(called)
        }
        TableItem::File { .. } | TableItem::Join { .. } => None,
    }
}

/// The columns that a query defines for a function that returns `record`.
fn defined<'t>(
    call: &'t ast::TableCall,
    alias: Option<&'t TableAlias>,
) -> &'t [(Ident, ast::TypeName)] {
    match alias {
        Some(alias) if !alias.types.is_empty() => &alias.types,
        _ => &call.columns,
    }
}
