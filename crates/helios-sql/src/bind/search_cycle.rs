//! `SEARCH` and `CYCLE` of recursive queries: columns that remember the way to each row. The query
//! is rewritten so that both sides of its union compute them, as the documentation of PostgreSQL
//! shows how to do by hand.

use helios_base::{Error, Result};

use super::Binder;
use crate::parse::ast::{
    self, Cte, CteBody, Expr, ExprKind, Ident, JoinOn, Operator, Pos, Quantity, Query, QueryBody,
    Select, SelectItem, TableAlias, TableItem,
};

/// The name of a side of the union as a table; nothing written without quotes is called so.
const SIDE: &str = "(side)";

fn node(kind: ExprKind, pos: Pos) -> Expr {
    Expr { kind, pos }
}

fn column(table: &str, name: &str, pos: Pos) -> Expr {
    let ident = |name: &str| Ident {
        name: name.to_owned(),
        pos,
    };
    node(ExprKind::Column(vec![ident(table), ident(name)]), pos)
}

fn infix(left: Expr, symbol: &str, right: Expr, pos: Pos) -> Expr {
    let operator = Operator {
        symbol: symbol.to_owned(),
        pos,
    };
    let (left, right) = (Box::new(left), Box::new(right));
    node(ExprKind::Infix(left, operator, right), pos)
}

fn item(expr: Expr, alias: Option<&str>) -> SelectItem {
    let pos = expr.pos;
    SelectItem {
        expr,
        alias: alias.map(|name| Ident {
            name: name.to_owned(),
            pos,
        }),
    }
}

/// The clauses of a named query.
struct Clauses<'a> {
    search: Option<&'a ast::Search>,
    cycle: Option<&'a ast::Cycle>,
    /// The query's own columns.
    names: Vec<Ident>,
    pos: Pos,
}

impl Clauses<'_> {
    /// The columns that are added.
    fn added(&self) -> Vec<&Ident> {
        let mut added = Vec::new();
        added.extend(self.search.map(|search| &search.sequence));
        if let Some(cycle) = self.cycle {
            added.extend([&cycle.mark, &cycle.path]);
        }
        added
    }

    fn row(&self, columns: &[Ident], first: Option<Expr>) -> Expr {
        let fields = columns
            .iter()
            .map(|name| column(SIDE, &name.name, self.pos));
        node(
            ExprKind::Row(first.into_iter().chain(fields).collect()),
            self.pos,
        )
    }

    fn one_row(&self, columns: &[Ident]) -> Expr {
        node(ExprKind::Array(vec![self.row(columns, None)]), self.pos)
    }

    fn value(value: Option<&Expr>, otherwise: bool, pos: Pos) -> Expr {
        value
            .cloned()
            .unwrap_or_else(|| node(ExprKind::Bool(otherwise), pos))
    }

    /// What one side computes of the rows of its query.
    fn side(&self, query: Query, step: bool) -> Query {
        let pos = self.pos;
        let mut items: Vec<SelectItem> = self
            .names
            .iter()
            .map(|name| item(column(SIDE, &name.name, pos), Some(&name.name)))
            .collect();
        let before = |name: &Ident| column(SIDE, &name.name, pos);
        if let Some(search) = self.search {
            let sequence = &search.sequence;
            let value = match (search.breadth_first, step) {
                (false, false) => self.one_row(&search.columns),
                (false, true) => infix(before(sequence), "||", self.one_row(&search.columns), pos),
                (true, _) => {
                    // How many steps it took is carried alone: a row's fields have no names.
                    let depth = match step {
                        false => node(ExprKind::Number("0".to_owned()), pos),
                        true => {
                            let one = node(ExprKind::Number("1".to_owned()), pos);
                            infix(column(SIDE, DEPTH, pos), "+", one, pos)
                        }
                    };
                    items.push(item(
                        self.row(&search.columns, Some(depth.clone())),
                        Some(&sequence.name),
                    ));
                    item_depth(&mut items, depth);
                    return self.finish(items, query, step);
                }
            };
            items.push(item(value, Some(&sequence.name)));
        }
        self.finish(items, query, step)
    }

    fn finish(&self, mut items: Vec<SelectItem>, query: Query, step: bool) -> Query {
        let pos = self.pos;
        if let Some(cycle) = self.cycle {
            let row = self.row(&cycle.columns, None);
            let before = column(SIDE, &cycle.path.name, pos);
            let set = Self::value(cycle.value.as_ref(), true, pos);
            let unset = Self::value(cycle.default.as_ref(), false, pos);
            let (mark, path) = if step {
                let seen = node(
                    ExprKind::Quantified {
                        left: Box::new(row),
                        operator: Operator {
                            symbol: "=".to_owned(),
                            pos,
                        },
                        all: false,
                        right: Quantity::Array(Box::new(before.clone())),
                    },
                    pos,
                );
                let mark = ExprKind::Case {
                    operand: None,
                    branches: vec![(seen, set)],
                    otherwise: Some(Box::new(unset)),
                };
                let path = infix(before, "||", self.one_row(&cycle.columns), pos);
                (node(mark, pos), path)
            } else {
                (unset, self.one_row(&cycle.columns))
            };
            items.push(item(mark, Some(&cycle.mark.name)));
            items.push(item(path, Some(&cycle.path.name)));
        }
        let alias = TableAlias {
            name: Some(Ident {
                name: SIDE.to_owned(),
                pos,
            }),
            columns: self.names.clone(),
            types: Vec::new(),
        };
        let from = TableItem::Query {
            query: Box::new(query),
            lateral: false,
            at: None,
            alias: Some(alias),
            pos,
        };
        selecting(items, vec![from], pos)
    }

    /// The recursive query, which also hands on what was added to the row that it starts from.
    fn stepping(&self, name: &str, query: &Query) -> Result<Query> {
        let pos = self.pos;
        let QueryBody::Select(select) = &query.body else {
            return Err(Error::unsupported(
                "with a SEARCH or CYCLE clause, the right side of the UNION must be a SELECT",
            ));
        };
        let mut select = Select::clone(select);
        let mut tables = Vec::new();
        let plain = select.from.iter().all(|item| tables_of(item, &mut tables));
        let own = tables.iter().find(|(table, _)| *table == Some(name));
        let Some(alias) = own.map(|(_, alias)| (*alias).to_owned()) else {
            return Err(Error::unsupported(format!(
                "with a SEARCH or CYCLE clause, the recursive reference to WITH query \"{name}\" \
                 must be at the top level of its right-hand SELECT"
            )));
        };
        let ours = |items: &mut Vec<SelectItem>| {
            let names = self.names.iter();
            items.extend(names.map(|name| item(column(&alias, &name.name, pos), None)));
        };
        // A star does not mean the columns that are added.
        let mut items = Vec::new();
        for old in std::mem::take(&mut select.items) {
            match &old.expr.kind {
                ExprKind::Star(table) => match table.as_slice() {
                    [table] if table.name == alias => ours(&mut items),
                    [] if plain => {
                        for (_, other) in &tables {
                            if *other == alias {
                                ours(&mut items);
                            } else {
                                let table = Ident {
                                    name: (*other).to_owned(),
                                    pos,
                                };
                                items.push(item(node(ExprKind::Star(vec![table]), pos), None));
                            }
                        }
                    }
                    [] => {
                        return Err(Error::unsupported(
                            "a star over such a FROM with a SEARCH or CYCLE clause",
                        )
                        .with_hint("Name the columns."));
                    }
                    _ => items.push(old),
                },
                _ => items.push(old),
            }
        }
        drop(tables);
        if self.search.is_some_and(|search| search.breadth_first) {
            items.push(item(column(&alias, DEPTH, pos), Some(DEPTH)));
        }
        for added in self.added() {
            items.push(item(column(&alias, &added.name, pos), Some(&added.name)));
        }
        select.items = items;
        if let Some(cycle) = self.cycle {
            let mark = column(&alias, &cycle.mark.name, pos);
            let set = Self::value(cycle.value.as_ref(), true, pos);
            let going = infix(mark, "<>", set, pos);
            select.filter = Some(match select.filter.take() {
                Some(filter) => node(ExprKind::And(vec![filter, going]), pos),
                None => going,
            });
        }
        Ok(Query {
            body: QueryBody::Select(Box::new(select)),
            ..query.clone()
        })
    }
}

/// How many steps it took, for `BREADTH FIRST`.
const DEPTH: &str = "(depth)";

fn item_depth(items: &mut Vec<SelectItem>, depth: Expr) {
    items.push(item(depth, Some(DEPTH)));
}

/// The tables that stand side by side or in plain joins, and by which names; false if there is
/// anything else.
fn tables_of<'a>(item: &'a TableItem, found: &mut Vec<(Option<&'a str>, &'a str)>) -> bool {
    let named = |alias: &'a Option<TableAlias>| {
        let name = alias.as_ref().and_then(|alias| alias.name.as_ref());
        name.map(|name| name.name.as_str())
    };
    match item {
        TableItem::Table { name, alias, .. } => {
            let table = name.schema.is_none().then_some(name.name.name.as_str());
            found.push((table, named(alias).unwrap_or(&name.name.name)));
            true
        }
        TableItem::Query { alias, .. } | TableItem::Functions { alias, .. } => match named(alias) {
            Some(alias) => {
                found.push((None, alias));
                true
            }
            None => false,
        },
        TableItem::Join {
            left,
            right,
            on,
            alias: None,
            ..
        } => {
            let both = tables_of(left, found) & tables_of(right, found);
            both && matches!(on, JoinOn::None | JoinOn::On(_))
        }
        _ => false,
    }
}

fn selecting(items: Vec<SelectItem>, from: Vec<TableItem>, pos: Pos) -> Query {
    let select = Select::bare(items, from, pos);
    Query::bare(QueryBody::Select(Box::new(select)), pos)
}

impl Binder<'_> {
    /// The query that a named query with `SEARCH` or `CYCLE` stands for; `columns` are the names of
    /// its own columns.
    pub(super) fn with_ways(&self, cte: &Cte, columns: Vec<Ident>) -> Result<Query> {
        let pos = cte.name.pos;
        let CteBody::Query(query) = &cte.body else {
            return Err(self.no_union(pos));
        };
        let QueryBody::SetOp {
            kind: crate::plan::SetOpKind::Union,
            all,
            left,
            right,
            pos: at,
        } = &query.body
        else {
            return Err(self.no_union(pos));
        };
        let clauses = Clauses {
            search: cte.search.as_ref(),
            cycle: cte.cycle.as_ref(),
            names: columns,
            pos,
        };
        self.check_ways(&clauses)?;
        let stepping = clauses.stepping(&cte.name.name, right);
        let stepping = self.place(stepping, pos)?;
        let mut step = Clauses {
            names: clauses.names.clone(),
            ..clauses
        };
        let anchor = step.side(Query::clone(left), false);
        // The step's query has the added columns, too.
        let own = step.names.len();
        let breadth = step.search.is_some_and(|search| search.breadth_first);
        let depth = breadth.then(|| Ident {
            name: DEPTH.to_owned(),
            pos,
        });
        let added: Vec<Ident> = depth
            .into_iter()
            .chain(step.added().into_iter().cloned())
            .collect();
        step.names.extend(added);
        let mut repeated = step.side(stepping, true);
        if let QueryBody::Select(select) = &mut repeated.body {
            // They are computed anew, not handed on as they are.
            let extra = step.names.len() - own;
            select.items.drain(own..own + extra);
        }
        let rewritten = Query {
            body: QueryBody::SetOp {
                kind: crate::plan::SetOpKind::Union,
                all: *all,
                left: Box::new(anchor),
                right: Box::new(repeated),
                pos: *at,
            },
            ..Query::clone(query)
        };
        // The steps that `BREADTH FIRST` counts are nobody else's business.
        let shown = step.names.iter().filter(|name| name.name != DEPTH);
        let items = shown.map(|name| {
            let column = ExprKind::Column(vec![Ident::clone(name)]);
            item(node(column, pos), None)
        });
        let from = TableItem::Table {
            name: ast::Name {
                schema: None,
                name: cte.name.clone(),
            },
            at: None,
            alias: None,
            sample: None,
        };
        let mut outer = selecting(items.collect(), vec![from], pos);
        outer.with = Some(ast::With {
            recursive: true,
            ctes: vec![Cte {
                columns: Vec::new(),
                body: CteBody::Query(Box::new(rewritten)),
                search: None,
                cycle: None,
                ..cte.clone()
            }],
        });
        Ok(outer)
    }

    fn no_union(&self, pos: Pos) -> Error {
        self.at(
            Error::new(
                helios_base::SqlState::SYNTAX_ERROR,
                "WITH query is not recursive",
            ),
            pos,
        )
    }

    fn check_ways(&self, clauses: &Clauses<'_>) -> Result<()> {
        let syntax = helios_base::SqlState::SYNTAX_ERROR;
        let known = |name: &Ident| clauses.names.iter().any(|known| known.name == name.name);
        for (what, columns) in [
            ("search", clauses.search.map(|search| &search.columns)),
            ("cycle", clauses.cycle.map(|cycle| &cycle.columns)),
        ] {
            for (at, name) in columns.into_iter().flatten().enumerate() {
                if !known(name) {
                    return Err(self.fail(
                        syntax,
                        format!(
                            "{what} column \"{}\" not in WITH query column list",
                            name.name
                        ),
                        name.pos,
                    ));
                }
                let before = columns.into_iter().flatten().take(at);
                if before.filter(|other| other.name == name.name).count() > 0 {
                    return Err(self.fail(
                        helios_base::SqlState::DUPLICATE_COLUMN,
                        format!("{what} column \"{}\" specified more than once", name.name),
                        name.pos,
                    ));
                }
            }
        }
        let added = clauses.added();
        for (at, name) in added.iter().enumerate() {
            if known(name) {
                return Err(self.fail(
                    syntax,
                    format!(
                        "column name \"{}\" already used in WITH query column list",
                        name.name
                    ),
                    name.pos,
                ));
            }
            if added.iter().take(at).any(|other| other.name == name.name) {
                return Err(self.fail(
                    syntax,
                    "search sequence, cycle mark and cycle path column names must differ",
                    name.pos,
                ));
            }
        }
        Ok(())
    }
}
