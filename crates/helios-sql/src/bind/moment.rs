//! Reading the past: what `AS OF` on a table, a view, a query or a `WITH` query means.
//!
//! A clause with a moment decides where all tables below it are read and which catalog their names
//! are looked up in: the schema travels with the rows. Clauses inside one another complete each
//! other: `AS OF BRANCH b` within `AS OF SCN n` is branch `b` at `n`.

use std::sync::Arc;

use helios_base::{DataType, Error, Interval, Result, SqlState, Value};
use helios_expr::Expr;
use helios_table::Catalog;

use super::Binder;
use super::scope::{Clause, Scope};
use crate::parse::ast;
use crate::plan::{AsOf, At, Moment, MomentId, Point, Versions};

/// Looks at the past while a statement is bound. The session implements it.
pub trait Past {
    /// What existed at a moment; what exists now, if the moment depends on parameters that have
    /// no values yet.
    ///
    /// # Errors
    /// 42704 for a branch or transaction that does not exist, 22004 for `NULL`, 22023 for the
    /// future, 72000 for what is no longer kept.
    fn catalog(&self, at: &AsOf) -> Result<Arc<Catalog>>;
}

/// Where there is no history: expressions in the catalog.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPast;

impl Past for NoPast {
    fn catalog(&self, _at: &AsOf) -> Result<Arc<Catalog>> {
        Err(Error::unsupported("AS OF is not possible here"))
    }
}

/// The moments of a statement while it is bound.
#[derive(Default)]
pub(super) struct Moments {
    known: Vec<(Moment, Arc<Catalog>)>,
    /// Where tables are read at this place of the statement.
    here: Option<Here>,
    /// The range that the next table is read over.
    pub(super) versions: Option<(Versions, ast::Pos)>,
    /// The tables that were read elsewhere, for errors: name, and where.
    tables: Vec<(String, String)>,
}

/// Where tables are read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Here {
    /// At a moment of the statement.
    Moment(MomentId),
    /// Where each row around says; names mean what they mean at the moment, or now.
    Row(AsOf, Option<MomentId>),
}

impl Moments {
    /// The moments in order.
    pub(super) fn take(&mut self) -> Vec<Moment> {
        let known = std::mem::take(&mut self.known);
        known.into_iter().map(|(moment, _)| moment).collect()
    }

    /// What an unknown column should know: where its table was read.
    pub(super) fn explain(&self, error: Error) -> Error {
        if self.tables.is_empty()
            || error.sqlstate() != SqlState::UNDEFINED_COLUMN
            || error.detail().is_some()
        {
            return error;
        }
        let tables: Vec<String> = self
            .tables
            .iter()
            .map(|(table, at)| format!("\"{table}\" is read {at}."))
            .collect();
        error.with_detail(tables.join(" "))
    }
}

impl Binder<'_> {
    /// What exists where tables are read at this place.
    pub(super) fn catalog(&self) -> &Catalog {
        let moment = match &self.moments.here {
            Some(Here::Moment(id) | Here::Row(_, Some(id))) => self.moments.known.get(id.0),
            _ => None,
        };
        moment.map_or(self.context.catalog, |(_, catalog)| catalog)
    }

    /// Where tables are read at this place, if not at the statement's own snapshot.
    pub(super) fn here_at(&self) -> Option<Here> {
        self.moments.here.clone()
    }

    /// Where a scan at this place reads; `table` is noted for errors.
    pub(super) fn scan_at(&mut self, table: &str) -> Option<At> {
        let at = match self.moments.here.clone()? {
            Here::Moment(id) => {
                let text = self
                    .moments
                    .known
                    .get(id.0)
                    .map_or_else(String::new, |(moment, _)| moment.at.to_string());
                At::Moment(id, text.into())
            }
            Here::Row(at, base) => At::Row(Box::new(at), base),
        };
        self.moments.tables.push((table.to_owned(), at.to_string()));
        Some(at)
    }

    /// What an error about a name that is not there should add.
    pub(super) fn not_then(&self, error: Error) -> Error {
        let Some(Here::Moment(id)) = &self.moments.here else {
            return error;
        };
        let Some((moment, _)) = self.moments.known.get(id.0) else {
            return error;
        };
        let missing = [SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME];
        if !missing.contains(&error.sqlstate()) || error.detail().is_some() {
            return error;
        }
        let there = if self.context.catalog.version() == moment.catalog {
            ""
        } else {
            " The schema there differs from that of today."
        };
        error.with_detail(format!("It was looked up {}.{there}", moment.at))
    }

    /// Binds what an `AS OF` applies to.
    pub(super) fn at_moment<T>(
        &mut self,
        at: Option<&ast::AsOf>,
        parent: Option<usize>,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let Some(at) = at else {
            return work(self);
        };
        let inner = self.here_of(at, parent)?;
        let versions = match &at.versions {
            Some(versions) => Some((self.versions_of(versions)?, at.pos)),
            None => None,
        };
        if let (Some((_, pos)), Some(Here::Row(..))) = (&versions, &inner) {
            return Err(self.unsupported("VERSIONS of a moment of each row", *pos));
        }
        self.moments.versions = versions;
        self.in_moment(inner, work)
    }

    /// The range that the table which is bound now is read over.
    pub(super) fn take_versions(&mut self) -> Option<(Versions, ast::Pos)> {
        self.moments.versions.take()
    }

    /// The error of a range of versions on something else than a table.
    pub(super) fn only_tables_have_versions(&self, pos: ast::Pos) -> Error {
        self.unsupported("a range of versions of something else than a table", pos)
            .with_hint("Name the table itself, or use AS OF.")
    }

    fn versions_of(&mut self, versions: &ast::Versions) -> Result<Versions> {
        let mut bound = |expr: &Option<Box<ast::Expr>>| {
            let Some(expr) = expr else {
                return Ok(None);
            };
            let point = if versions.timestamp {
                ast::Point::Timestamp(expr.clone())
            } else {
                ast::Point::Scn(expr.clone())
            };
            self.point(&point, None).map(Some)
        };
        Ok(Versions {
            range: versions.range,
            low: bound(&versions.low)?,
            high: bound(&versions.high)?,
        })
    }

    /// Binds as if at another place.
    pub(super) fn in_moment<T>(
        &mut self,
        here: Option<Here>,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let outer = std::mem::replace(&mut self.moments.here, here);
        let result = work(self);
        self.moments.here = outer;
        result
    }

    /// The place that a clause makes of this one.
    fn here_of(&mut self, at: &ast::AsOf, parent: Option<usize>) -> Result<Option<Here>> {
        let (mut inner, base) = match &self.moments.here {
            None => (AsOf::default(), None),
            Some(Here::Moment(id)) => {
                let known = self.moments.known.get(id.0);
                (
                    known.map_or_else(AsOf::default, |(m, _)| m.at.clone()),
                    Some(*id),
                )
            }
            Some(Here::Row(at, base)) => (at.clone(), *base),
        };
        if let Some(branch) = &at.branch {
            inner.branch = Some(branch.name.as_str().into());
        }
        match &at.point {
            None => {}
            Some(ast::Point::Now) => inner.point = None,
            Some(point) => {
                inner.point = Some(self.point(point, parent)?);
                // A snapshot says which branch, unless the clause does.
                if matches!(point, ast::Point::Snapshot(_)) && at.branch.is_none() {
                    inner.branch = None;
                }
            }
        }
        let of_row = |point: &Point| {
            let mut outer = |part: &Expr| matches!(part, Expr::Outer { .. } | Expr::Column { .. });
            point.expr().any(&mut outer)
        };
        if inner.point.as_ref().is_some_and(of_row) {
            // Names mean what they mean on that branch.
            let base = if at.branch.is_some() {
                let branch = AsOf {
                    branch: inner.branch.clone(),
                    point: None,
                };
                self.moment_of(branch, at.pos)?
            } else {
                base
            };
            return Ok(Some(Here::Row(inner, base)));
        }
        Ok(self.moment_of(inner, at.pos)?.map(Here::Moment))
    }

    /// The number of a moment of the statement; `None` for the statement's own.
    pub(super) fn moment_of(&mut self, at: AsOf, pos: ast::Pos) -> Result<Option<MomentId>> {
        if at == AsOf::default() {
            return Ok(None);
        }
        let known = self.moments.known.iter().position(|(m, _)| m.at == at);
        if let Some(index) = known {
            return Ok(Some(MomentId(index)));
        }
        let catalog = self.place(self.context.past.catalog(&at), pos)?;
        let moment = Moment {
            at,
            catalog: catalog.version(),
        };
        self.moments.known.push((moment, catalog));
        Ok(Some(MomentId(self.moments.known.len() - 1)))
    }

    /// The moment that a clause names, for a statement that is about moments.
    pub(super) fn as_of(&mut self, at: Option<&ast::AsOf>) -> Result<AsOf> {
        let Some(at) = at else {
            return Ok(AsOf::default());
        };
        let point = match &at.point {
            None | Some(ast::Point::Now) => None,
            Some(point) => Some(self.point(point, None)?),
        };
        Ok(AsOf {
            branch: at.branch.as_ref().map(|branch| branch.name.as_str().into()),
            point,
        })
    }

    /// A point in time whose expression reads no columns.
    pub(super) fn fixed_point(&mut self, point: &ast::Point) -> Result<Point> {
        self.point(point, None)
    }

    /// A point in time; its expression may read the columns of level `parent`.
    fn point(&mut self, point: &ast::Point, parent: Option<usize>) -> Result<Point> {
        let clause = match point {
            ast::Point::Now => return Err(Error::internal("AS OF NOW has no value")),
            ast::Point::Scn(_) => "AS OF SCN",
            ast::Point::Transaction(_) => "AS OF TRANSACTION",
            ast::Point::Timestamp(_) => "AS OF TIMESTAMP",
            ast::Point::Snapshot(_) => "AS OF SNAPSHOT",
            ast::Point::Offset(_) => "AT OFFSET",
            ast::Point::Value(_) => "AS OF",
        };
        let Some(tree) = point.expr() else {
            return Err(Error::internal("a moment without expression"));
        };
        if let Some(pos) = super::stored::subquery_in(tree) {
            return Err(self
                .unsupported(format!("a subquery in {clause}"), pos)
                .with_hint("Compute the moment first and give it as a parameter."));
        }
        self.push_level(Scope::default(), parent);
        self.set_clause(Clause::Plain(clause));
        let value = self.expr(tree);
        self.pop_level();
        let value = value?;
        let built = match point {
            ast::Point::Scn(_) => self.change_number(value, clause).map(Point::Scn),
            ast::Point::Transaction(_) => self
                .builder
                .argument_of(value, &DataType::Int8, clause)
                .map(Point::Transaction),
            ast::Point::Snapshot(_) => self
                .builder
                .argument_of(value, &DataType::Text, clause)
                .map(Point::Snapshot),
            ast::Point::Offset(_) => self.offset(value, clause).map(Point::Timestamp),
            ast::Point::Value(_) if is_number(value.ty()) => {
                self.change_number(value, clause).map(Point::Scn)
            }
            _ => self
                .builder
                .argument_of(value, &DataType::TimestampTz(None), clause)
                .map(Point::Timestamp),
        };
        self.place_literal(built, tree.pos, &[tree])
    }

    fn change_number(&self, value: Expr, clause: &str) -> Result<Expr> {
        if let Expr::Literal(Value::Int4(scn), _) = value {
            // A constant from the start: lookups by key go a short way.
            return Ok(Expr::Literal(Value::Int8(scn.into()), DataType::Int8));
        }
        // An LSN is written as text: 0/1A2B.
        let lsn = matches!(&value, Expr::Literal(Value::Text(text), DataType::Unknown)
            if text.contains('/'));
        let wanted = if lsn { DataType::Text } else { DataType::Int8 };
        self.builder.argument_of(value, &wanted, clause)
    }

    /// `now()` and so many seconds, or an interval.
    fn offset(&self, value: Expr, clause: &str) -> Result<Expr> {
        let now = self.builder.function("now", Vec::new(), false)?;
        let interval = if matches!(value.ty(), DataType::Interval(_)) {
            value
        } else {
            let seconds = self.builder.argument_of(value, &DataType::Float8, clause)?;
            let second = Interval {
                months: 0,
                days: 0,
                micros: 1_000_000,
            };
            let second = Expr::Literal(Value::Interval(Box::new(second)), DataType::Interval(None));
            self.builder.operator("*", seconds, second)?
        };
        self.builder.operator("+", now, interval)
    }
}

const fn is_number(ty: &DataType) -> bool {
    matches!(
        ty,
        DataType::Int2 | DataType::Int4 | DataType::Int8 | DataType::Numeric(_)
    )
}

/// Whether the clause's moment may depend on the rows of tables to the left.
pub(super) fn reads_columns(at: Option<&ast::AsOf>) -> bool {
    at.and_then(|at| at.point.as_ref()?.expr())
        .is_some_and(|expr| super::stored::column_in(expr).is_some())
}
