//! Queries: `WITH`, `SELECT`, `VALUES`, set operations, and what comes after them.

use helios_base::Result;

use super::ast::{
    Cte, CteBody, Cycle, Distinct, Expr, ExprKind, GroupItem, Ident, Into, Lock, Query, QueryBody,
    Search, Select, SelectItem, TableItem, With,
};
use super::cursor::{CHAIN_MAX, Parser};
use super::expr::node;
use crate::plan::{LockMode, LockWait, SetOpKind};

/// What can follow the core of a query.
#[derive(Default)]
struct Tail {
    limit: Option<Expr>,
    with_ties: bool,
    offset: Option<Expr>,
    locks: Vec<Lock>,
}

impl Parser<'_> {
    /// Whether a query begins here, perhaps inside parentheses.
    pub(super) fn is_query(&self) -> bool {
        let mut ahead = 0;
        while self.is_punct_at(ahead, "(") {
            ahead += 1;
        }
        ["select", "values", "with"]
            .iter()
            .any(|word| self.is_word_at(ahead, word))
            || (self.is_word_at(ahead, "table") && !self.is_punct_at(ahead + 1, "("))
    }

    /// A query with all its clauses; it may stand in parentheses itself.
    pub(super) fn query(&mut self) -> Result<Query> {
        self.nested(Self::query_here)
    }

    fn query_here(&mut self) -> Result<Query> {
        let mark = self.mark();
        let with = self.with_clause()?;
        let mut query = self.set_operations(0)?;
        self.query_tail(&mut query)?;
        if with.is_some() {
            if query.with.is_some() {
                // `WITH … (WITH … SELECT …)`: the inner clause keeps its own level.
                let inner = query;
                query = wrap(inner);
            }
            query.with = with;
        }
        query.span = self.span_since(mark);
        Ok(query)
    }

    pub(super) fn with_clause(&mut self) -> Result<Option<With>> {
        if !self.eat("with") {
            return Ok(None);
        }
        let recursive = self.eat("recursive");
        let ctes = self.comma_list(Self::cte)?;
        Ok(Some(With { recursive, ctes }))
    }

    fn cte(&mut self) -> Result<Cte> {
        let name = self.ident()?;
        let columns = if self.is_punct("(") {
            self.idents()?
        } else {
            Vec::new()
        };
        self.expect("as")?;
        let materialized = if self.eat("materialized") {
            Some(true)
        } else if self.eat_words("not materialized") {
            Some(false)
        } else {
            None
        };
        self.expect_punct("(")?;
        let body = if self.is_query() && !self.with_leads_to_dml() {
            CteBody::Query(Box::new(self.query()?))
        } else {
            let with = self.with_clause()?;
            CteBody::Change(Box::new(self.nested(|parser| parser.dml(with))?))
        };
        self.close_query()?;
        let search = self.search()?;
        let cycle = self.cycle()?;
        Ok(Cte {
            name,
            columns,
            materialized,
            body,
            search,
            cycle,
        })
    }

    fn search(&mut self) -> Result<Option<Search>> {
        if !self.eat("search") {
            return Ok(None);
        }
        let breadth_first = self.eat("breadth");
        if !breadth_first {
            self.expect("depth")?;
        }
        self.expect_words("first by")?;
        let columns = self.comma_list(Self::ident)?;
        self.expect("set")?;
        Ok(Some(Search {
            breadth_first,
            columns,
            sequence: self.ident()?,
        }))
    }

    fn cycle(&mut self) -> Result<Option<Cycle>> {
        if !self.eat("cycle") {
            return Ok(None);
        }
        let columns = self.comma_list(Self::ident)?;
        self.expect("set")?;
        let mark = self.ident()?;
        let (value, default) = if self.eat("to") {
            let value = self.expr()?;
            self.expect("default")?;
            (Some(value), Some(self.expr()?))
        } else {
            (None, None)
        };
        self.expect("using")?;
        Ok(Some(Cycle {
            columns,
            mark,
            value,
            default,
            path: self.ident()?,
        }))
    }

    /// Set operations; `INTERSECT` (2) binds tighter than `UNION` and `EXCEPT` (1).
    fn set_operations(&mut self, floor: u8) -> Result<Query> {
        let mut left = self.query_primary()?;
        let mut chain = 0usize;
        loop {
            let pos = self.pos();
            let (kind, strength) = if self.is_word("union") {
                (SetOpKind::Union, 1)
            } else if self.is_word("except") {
                (SetOpKind::Except, 1)
            } else if self.is_word("intersect") {
                (SetOpKind::Intersect, 2)
            } else {
                return Ok(left);
            };
            if strength <= floor {
                return Ok(left);
            }
            chain += 1;
            if chain > CHAIN_MAX {
                return Err(self.too_deep());
            }
            self.advance();
            let all = self.eat("all");
            if !all {
                self.eat("distinct");
            }
            let right = self.nested(|parser| parser.set_operations(strength))?;
            let start = left.pos;
            left = Query::bare(
                QueryBody::SetOp {
                    kind,
                    all,
                    left: Box::new(left),
                    right: Box::new(right),
                    pos,
                },
                start,
            );
        }
    }

    fn query_primary(&mut self) -> Result<Query> {
        let pos = self.pos();
        if self.is_punct("(") {
            self.expect_punct("(")?;
            let query = self.query()?;
            self.close_query()?;
            return Ok(query);
        }
        let mark = self.mark();
        let body = if self.eat("values") {
            let rows = self.comma_list(|parser| parser.paren_list(Self::expr))?;
            if let Some(row) = rows.iter().find(|row| row.len() != rows[0].len()) {
                let at = row.first().map_or(pos, |value| value.pos);
                return Err(self.syntax("VALUES lists must all be the same length", at));
            }
            QueryBody::Values(rows)
        } else if self.eat("table") {
            self.eat("only");
            let name = self.name()?;
            let at = name.pos();
            let item = SelectItem {
                expr: node(ExprKind::Star(Vec::new()), at),
                alias: None,
            };
            let table = TableItem::Table {
                name,
                at: None,
                alias: None,
                sample: None,
            };
            QueryBody::Select(Box::new(Select::bare(vec![item], vec![table], pos)))
        } else {
            self.expect("select")?;
            QueryBody::Select(Box::new(self.select(pos)?))
        };
        let mut query = Query::bare(body, pos);
        query.span = self.span_since(mark);
        Ok(query)
    }

    fn select(&mut self, pos: super::Pos) -> Result<Select> {
        let distinct = if self.eat("distinct") {
            Some(if self.eat("on") {
                Distinct::On(self.paren_list(Self::expr)?)
            } else {
                Distinct::Rows
            })
        } else {
            self.eat("all");
            None
        };
        let items = if self.select_list_ends() {
            Vec::new()
        } else {
            self.select_items()?
        };
        let into = if self.eat("into") {
            let temporary = self.eat("temporary") || self.eat("temp");
            if !temporary {
                self.eat("unlogged");
            }
            self.eat("table");
            let name = self.name()?;
            Some(Into { name, temporary })
        } else {
            None
        };
        let from = if self.eat("from") {
            self.table_list()?
        } else {
            Vec::new()
        };
        let filter = self.where_clause()?;
        let mut group_distinct = false;
        let group_by = if self.eat_words("group by") {
            group_distinct = self.eat("distinct");
            if !group_distinct {
                self.eat("all");
            }
            self.comma_list(Self::group_item)?
        } else {
            Vec::new()
        };
        let having = if self.eat("having") {
            Some(self.expr()?)
        } else {
            None
        };
        let windows = if self.eat("window") {
            self.comma_list(|parser| {
                let name = parser.ident()?;
                parser.expect("as")?;
                Ok((name, parser.window_spec()?))
            })?
        } else {
            Vec::new()
        };
        Ok(Select {
            distinct,
            items,
            into,
            from,
            filter,
            group_by,
            group_distinct,
            having,
            windows,
            pos,
        })
    }

    /// PostgreSQL allows an empty select list.
    fn select_list_ends(&self) -> bool {
        use super::lexer::Kind;
        const ENDS: [&str; 14] = [
            "from",
            "where",
            "group",
            "having",
            "window",
            "union",
            "except",
            "intersect",
            "order",
            "limit",
            "offset",
            "fetch",
            "for",
            "into",
        ];
        self.peek().kind == Kind::End
            || self.is_punct(")")
            || self.is_punct(";")
            || ENDS.iter().any(|word| self.is_word(word))
    }

    /// A select list or a `RETURNING` list.
    pub(super) fn select_items(&mut self) -> Result<Vec<SelectItem>> {
        self.comma_list(|parser| {
            let pos = parser.pos();
            if parser.eat_op("*") {
                let expr = node(ExprKind::Star(Vec::new()), pos);
                return Ok(SelectItem { expr, alias: None });
            }
            let expr = parser.expr()?;
            let alias = if matches!(expr.kind, ExprKind::Star(_)) {
                None
            } else if parser.eat("as") {
                Some(parser.label()?)
            } else {
                parser.eat_bare_label()
            };
            Ok(SelectItem { expr, alias })
        })
    }

    pub(super) fn where_clause(&mut self) -> Result<Option<Expr>> {
        if !self.eat("where") {
            return Ok(None);
        }
        self.expr().map(Some)
    }

    fn group_item(&mut self) -> Result<GroupItem> {
        if self.is_punct("(") && self.is_punct_at(1, ")") {
            self.advance();
            self.advance();
            return Ok(GroupItem::Empty);
        }
        for (word, rollup) in [("rollup", true), ("cube", false)] {
            if self.is_word(word) && self.is_punct_at(1, "(") {
                self.advance();
                let parts = self.paren_list(|parser| {
                    let item = parser.expr()?;
                    Ok(match item.kind {
                        ExprKind::Row(items) => items,
                        kind => vec![node(kind, item.pos)],
                    })
                })?;
                return Ok(if rollup {
                    GroupItem::Rollup(parts)
                } else {
                    GroupItem::Cube(parts)
                });
            }
        }
        if self.is_words("grouping sets") {
            self.expect_words("grouping sets")?;
            let sets = self.nested(|parser| parser.paren_list(Self::group_item))?;
            return Ok(GroupItem::Sets(sets));
        }
        let parenthesized = self.is_punct("(");
        let item = self.expr()?;
        Ok(match item.kind {
            ExprKind::Row(items) if parenthesized => GroupItem::List(items),
            kind => GroupItem::Expr(node(kind, item.pos)),
        })
    }

    /// `ORDER BY`, `LIMIT`, `OFFSET`, `FETCH`, `FOR UPDATE`
    fn query_tail(&mut self, query: &mut Query) -> Result<()> {
        let order_at = self.pos();
        let order_by = if self.is_words("order by") {
            self.order_by()?
        } else {
            Vec::new()
        };
        let tail_at = self.pos();
        let tail = self.limits_and_locks()?;
        let more = !order_by.is_empty()
            || tail.limit.is_some()
            || tail.offset.is_some()
            || !tail.locks.is_empty();
        // `(query ORDER BY …) ORDER BY …`: PostgreSQL refuses a clause given twice.
        let clash = [
            (
                !order_by.is_empty() && !query.order_by.is_empty(),
                "ORDER BY",
                order_at,
            ),
            (
                tail.limit.is_some() && query.limit.is_some(),
                "LIMIT",
                tail_at,
            ),
            (
                tail.offset.is_some() && query.offset.is_some(),
                "OFFSET",
                tail_at,
            ),
        ];
        for (twice, clause, pos) in clash {
            if twice {
                return Err(self.syntax(format!("multiple {clause} clauses not allowed"), pos));
            }
        }
        if !more {
            return Ok(());
        }
        if !order_by.is_empty() {
            // An inner limit comes before an outer order.
            if query.limit.is_some() || query.offset.is_some() {
                let inner =
                    std::mem::replace(query, Query::bare(QueryBody::Values(Vec::new()), query.pos));
                *query = wrap(inner);
            }
            query.order_by = order_by;
        }
        if tail.limit.is_some() {
            query.limit = tail.limit;
            query.with_ties = tail.with_ties;
        }
        if tail.offset.is_some() {
            query.offset = tail.offset;
        }
        query.locks.extend(tail.locks);
        let skips = |lock: &Lock| lock.wait == LockWait::SkipLocked;
        if query.with_ties && query.locks.iter().any(skips) {
            return Err(self.syntax(
                "SKIP LOCKED and WITH TIES options cannot be used together",
                tail_at,
            ));
        }
        if query.with_ties && query.order_by.is_empty() {
            return Err(self.syntax(
                "WITH TIES cannot be specified without ORDER BY clause",
                tail_at,
            ));
        }
        Ok(())
    }

    fn limits_and_locks(&mut self) -> Result<Tail> {
        let mut tail = Tail::default();
        let mut seen_limit = false;
        loop {
            let pos = self.pos();
            if self.is_word("limit") || self.is_word("fetch") {
                if seen_limit {
                    return Err(self.syntax("multiple LIMIT clauses not allowed", pos));
                }
                seen_limit = true;
                self.limit(&mut tail)?;
            } else if self.eat("offset") {
                if tail.offset.is_some() {
                    return Err(self.syntax("multiple OFFSET clauses not allowed", pos));
                }
                tail.offset = Some(self.expr()?);
                let _ = self.eat("row") || self.eat("rows");
            } else if self.is_word("for") && !self.is_words("for read only") {
                let lock = self.lock()?;
                tail.locks.push(lock);
            } else if !self.eat_words("for read only") {
                return Ok(tail);
            }
        }
    }

    fn limit(&mut self, tail: &mut Tail) -> Result<()> {
        if self.eat("limit") {
            if !self.eat("all") {
                tail.limit = Some(self.expr()?);
                if self.is_punct(",") {
                    return Err(self
                        .syntax("LIMIT #,# syntax is not supported", self.pos())
                        .with_hint("Use separate LIMIT and OFFSET clauses."));
                }
            }
            return Ok(());
        }
        let pos = self.pos();
        self.expect("fetch")?;
        if !self.eat("first") {
            self.expect("next")?;
        }
        tail.limit = Some(if self.is_word("row") || self.is_word("rows") {
            node(ExprKind::Number("1".to_owned()), pos)
        } else {
            self.restricted_expr()?
        });
        if !self.eat("row") {
            self.expect("rows")?;
        }
        if self.eat_words("with ties") {
            tail.with_ties = true;
        } else {
            self.expect("only")?;
        }
        Ok(())
    }

    fn lock(&mut self) -> Result<Lock> {
        let pos = self.pos();
        self.expect("for")?;
        let mode = if self.eat("update") {
            LockMode::Update
        } else if self.eat_words("no key update") {
            LockMode::NoKeyUpdate
        } else if self.eat("share") {
            LockMode::Share
        } else {
            self.expect_words("key share")?;
            LockMode::KeyShare
        };
        let of: Vec<Ident> = if self.eat("of") {
            self.comma_list(Self::ident)?
        } else {
            Vec::new()
        };
        let wait = if self.eat("nowait") {
            LockWait::NoWait
        } else if self.eat_words("skip locked") {
            LockWait::SkipLocked
        } else {
            LockWait::Block
        };
        Ok(Lock {
            mode,
            of,
            wait,
            pos,
        })
    }
}

/// `SELECT * FROM (inner)`
fn wrap(inner: Query) -> Query {
    let (pos, span) = (inner.pos, inner.span);
    let item = SelectItem {
        expr: node(ExprKind::Star(Vec::new()), pos),
        alias: None,
    };
    let from = TableItem::Query {
        query: Box::new(inner),
        lateral: false,
        at: None,
        alias: None,
        pos,
    };
    let select = Select::bare(vec![item], vec![from], pos);
    let mut query = Query::bare(QueryBody::Select(Box::new(select)), pos);
    query.span = span;
    query
}
