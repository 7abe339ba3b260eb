//! `WITH`: named queries, recursive ones, and putting those used once in their place.

use std::rc::Rc;
use std::sync::Arc;

use helios_base::{Error, Result, SqlState};

use super::Binder;
use super::moment::Here;
use crate::parse::ast::{self, CteBody, Ident, Pos, QueryBody, Statement, With};
use crate::plan::{Change, ChangeNode, Cte, CteId, Plan, PlanColumn, RecursiveCte, SetOpKind};

/// A named query that can be referred to.
#[derive(Clone, Debug)]
pub(super) struct Visible {
    pub name: Arc<str>,
    pub id: CteId,
    pub columns: Vec<PlanColumn>,
    pub state: State,
    /// Where it is defined.
    pub pos: Pos,
    /// The frame it was defined in.
    pub frame: usize,
    /// How often it was referred to.
    pub references: usize,
    /// Whether a reference stands in another frame.
    pub from_elsewhere: bool,
    /// What binding it anew for another moment takes.
    pub definition: Option<Rc<Definition>>,
    /// Whether it yields rows: a change does so only with `RETURNING`.
    pub returns: bool,
}

/// A named query as it was written, and where.
#[derive(Debug)]
pub(super) struct Definition {
    cte: ast::Cte,
    recursive: bool,
    parent: Option<usize>,
    /// How many named queries it sees.
    sees: usize,
    /// Where its tables are read.
    here: Option<Here>,
}

/// Whether a `WITH` may change rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changes {
    /// It is the outermost one of a statement.
    Allowed,
    /// It is inside another query.
    Nested,
    /// The statement wants none.
    Refused(&'static str),
}

impl Changes {
    /// For the outermost `WITH` of a statement.
    pub(super) fn in_statement(statement: &Statement) -> Self {
        match statement {
            Statement::Query(query) => match &query.body {
                QueryBody::Select(select) if select.into.is_some() => {
                    Self::Refused("data-modifying WITH in SELECT INTO is not supported")
                }
                _ => Self::Allowed,
            },
            Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_) => Self::Allowed,
            Statement::Declare(_) => {
                Self::Refused("DECLARE CURSOR must not contain data-modifying statements in WITH")
            }
            Statement::CreateView(_) => {
                Self::Refused("views must not contain data-modifying statements in WITH")
            }
            Statement::CreateTable(_) => {
                Self::Refused("data-modifying WITH in CREATE TABLE AS is not supported")
            }
            Statement::Copy(_) => Self::Refused("data-modifying WITH in COPY is not supported"),
            _ => Self::Nested,
        }
    }
}

/// What a reference to the name means at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The result.
    Ready,
    /// The working table: its own recursive part is being bound.
    Step,
    /// A mistake: its own definition is being bound.
    Anchor,
    /// A mistake: the definition has no recursive form.
    NotRecursive,
    /// A mistake: the definition changes rows.
    InChange,
}

impl Binder<'_> {
    /// As [`Binder::with`], if there is one. Whatever comes after stands inside the statement.
    pub(super) fn with_clause(
        &mut self,
        with: Option<&With>,
        parent: Option<usize>,
    ) -> Result<Vec<Cte>> {
        let changes = std::mem::replace(&mut self.with_changes, Changes::Nested);
        match with {
            Some(with) => self.with(with, parent, changes),
            None => Ok(Vec::new()),
        }
    }

    /// Binds the queries of a `WITH` and makes them visible; the caller takes them off again.
    fn with(&mut self, with: &With, parent: Option<usize>, changes: Changes) -> Result<Vec<Cte>> {
        let first = self.ctes.len();
        let mut ctes = Vec::with_capacity(with.ctes.len());
        for cte in &with.ctes {
            let twice = self
                .ctes
                .iter()
                .skip(first)
                .any(|known| *known.name == *cte.name.name);
            if twice {
                return Err(self.fail(
                    SqlState::DUPLICATE_ALIAS,
                    format!(
                        "WITH query name \"{}\" specified more than once",
                        cte.name.name
                    ),
                    cte.name.pos,
                ));
            }
            let id = CteId(self.next_cte);
            self.next_cte += 1;
            let depth = self.ctes.len();
            let plan = match &cte.body {
                CteBody::Change(change) => self.change(cte, id, change, changes, with.recursive),
                CteBody::Query(query) if cte.search.is_some() || cte.cycle.is_some() => {
                    self.searched(cte, query, with.recursive, parent)
                }
                CteBody::Query(query) if with.recursive => self.recursive(cte, query, id, parent),
                CteBody::Query(query) => self.query(query, parent, true),
            };
            self.ctes.truncate(depth);
            let plan = plan?;
            let returns = match &plan {
                Plan::Change(node) => node.change.returning().is_some(),
                _ => true,
            };
            let columns = self.renamed(plan.columns(), &cte.columns, &cte.name)?;
            self.ctes.push(Visible {
                name: cte.name.name.as_str().into(),
                id,
                columns,
                state: State::Ready,
                pos: cte.name.pos,
                frame: self.frames.len(),
                references: 0,
                from_elsewhere: false,
                definition: Some(Rc::new(Definition {
                    cte: cte.clone(),
                    recursive: with.recursive,
                    parent,
                    sees: depth,
                    here: self.here_at(),
                })),
                returns,
            });
            ctes.push(Cte {
                id,
                name: cte.name.name.as_str().into(),
                plan,
                materialized: cte.materialized,
            });
        }
        Ok(ctes)
    }

    /// The columns with the names that an alias gives to the first of them.
    pub(super) fn renamed(
        &self,
        columns: &[PlanColumn],
        names: &[Ident],
        table: &Ident,
    ) -> Result<Vec<PlanColumn>> {
        if let Some(extra) = names.get(columns.len()) {
            return Err(self.fail(
                SqlState::INVALID_COLUMN_REFERENCE,
                format!(
                    "table \"{}\" has {} columns available but {} columns specified",
                    table.name,
                    columns.len(),
                    names.len()
                ),
                if table.pos == Pos::default() {
                    extra.pos
                } else {
                    table.pos
                },
            ));
        }
        let mut columns = columns.to_vec();
        for (column, name) in columns.iter_mut().zip(names) {
            column.name = name.name.as_str().into();
        }
        Ok(columns)
    }

    /// A named change.
    fn change(
        &mut self,
        cte: &ast::Cte,
        id: CteId,
        statement: &Statement,
        changes: Changes,
        recursive: bool,
    ) -> Result<Plan> {
        let refusal = match changes {
            Changes::Allowed => None,
            Changes::Nested => {
                Some("WITH clause containing a data-modifying statement must be at the top level")
            }
            Changes::Refused(message) => Some(message),
        };
        if let Some(message) = refusal {
            return Err(self.at(Error::unsupported(message), cte.name.pos));
        }
        if recursive {
            self.announce(cte, id, Vec::new(), State::InChange);
        }
        let outside = std::mem::replace(&mut self.changes_rows, true);
        let change = match statement {
            Statement::Insert(insert) => self.insert(insert).map(Change::Insert),
            Statement::Update(update) => self.update(update).map(Change::Update),
            Statement::Delete(delete) => self.delete(delete).map(Change::Delete),
            Statement::Merge(merge) => self.merge(merge).map(Change::Merge),
            _ => Err(Error::internal("a query that is none in WITH")),
        };
        self.changes_rows = outside;
        let change = change?;
        let columns = change
            .returning()
            .map_or_else(Vec::new, |returning| returning.columns.clone());
        Ok(Plan::Change(Box::new(ChangeNode { change, columns })))
    }

    /// A recursive query with `SEARCH` or `CYCLE`.
    fn searched(
        &mut self,
        cte: &ast::Cte,
        query: &ast::Query,
        recursive: bool,
        parent: Option<usize>,
    ) -> Result<Plan> {
        let QueryBody::SetOp { left, .. } = &query.body else {
            return Err(self.not_searchable(cte));
        };
        if !recursive {
            return Err(self.not_searchable(cte));
        }
        // Only for the names of its columns.
        let subplans = self.subplans.len();
        let anchor = self.query(left, parent, false)?;
        self.subplans.truncate(subplans);
        let columns = self.renamed(anchor.columns(), &cte.columns, &cte.name)?;
        let names = columns.iter().map(|column| Ident {
            name: column.name.to_string(),
            pos: cte.name.pos,
        });
        let rewritten = self.with_ways(cte, names.collect())?;
        self.query(&rewritten, parent, true)
    }

    fn not_searchable(&self, cte: &ast::Cte) -> Error {
        self.fail(
            SqlState::SYNTAX_ERROR,
            "WITH query is not recursive",
            cte.name.pos,
        )
    }

    /// A query of `WITH RECURSIVE`; it need not be recursive.
    fn recursive(
        &mut self,
        cte: &ast::Cte,
        query: &ast::Query,
        id: CteId,
        parent: Option<usize>,
    ) -> Result<Plan> {
        let QueryBody::SetOp {
            kind: SetOpKind::Union,
            all,
            left,
            right,
            pos,
        } = &query.body
        else {
            self.announce(cte, id, Vec::new(), State::NotRecursive);
            return self.query(query, parent, true);
        };
        // The inner WITH belongs to the whole union; recursion through it is not common.
        if query.with.is_some() {
            self.announce(cte, id, Vec::new(), State::NotRecursive);
            return self.query(query, parent, true);
        }
        let depth = self.ctes.len();
        self.announce(cte, id, Vec::new(), State::Anchor);
        let anchor = self.query(left, parent, false)?;
        self.ctes.truncate(depth);
        let settled = self.settle_plan(anchor.clone())?;
        let columns = self.renamed(settled.columns(), &cte.columns, &cte.name)?;
        self.announce(cte, id, columns.clone(), State::Step);
        let subplans = self.subplans.len();
        let step = self.query(right, parent, false)?;
        let used = self.ctes.get(depth).map_or(0, |cte| cte.references);
        self.ctes.truncate(depth);
        if used == 0 {
            // Not recursive after all: an ordinary query, bound anew.
            self.subplans.truncate(subplans);
            return self.query(query, parent, true);
        }
        if used > 1 {
            return Err(self.fail(
                SqlState::INVALID_RECURSION,
                format!(
                    "recursive reference to query \"{}\" must not appear more than once",
                    cte.name.name
                ),
                *pos,
            ));
        }
        if aggregates(&step, id, false) {
            return Err(self.fail(
                SqlState::INVALID_RECURSION,
                "aggregate functions are not allowed in a recursive query's recursive term",
                *pos,
            ));
        }
        let refused = [
            (!query.order_by.is_empty(), "ORDER BY"),
            (query.offset.is_some(), "OFFSET"),
            (query.limit.is_some(), "LIMIT"),
            (!query.locks.is_empty(), "FOR UPDATE/SHARE"),
        ];
        if let Some((_, what)) = refused.into_iter().find(|(found, _)| *found) {
            return Err(self.at(
                Error::unsupported(format!("{what} in a recursive query is not implemented")),
                *pos,
            ));
        }
        let Plan::SetOp(union) =
            self.set_op(SetOpKind::Union, *all, settled, step, *pos, [left, right])?
        else {
            return Err(Error::internal("a union that is none"));
        };
        for (index, (before, after)) in columns.iter().zip(&union.columns).enumerate() {
            if !before.ty.same(&after.ty) {
                return Err(self
                    .fail(
                        SqlState::DATATYPE_MISMATCH,
                        format!(
                            "recursive query \"{}\" column {} has type {} in non-recursive term \
                             but type {} overall",
                            cte.name.name,
                            index + 1,
                            before.ty,
                            after.ty
                        ),
                        super::set_op::item_pos(left, index),
                    )
                    .with_hint("Cast the output of the non-recursive term to the correct type."));
            }
        }
        let mut columns = columns;
        for (column, after) in columns.iter_mut().zip(&union.columns) {
            column.nullable = true;
            column.ty = after.ty.clone();
            column.source = None;
            column.origin = None;
        }
        Ok(Plan::Recursive(Box::new(RecursiveCte {
            id,
            name: cte.name.name.as_str().into(),
            anchor: union.left,
            step: union.right,
            all: *all,
            columns,
        })))
    }

    fn announce(&mut self, cte: &ast::Cte, id: CteId, columns: Vec<PlanColumn>, state: State) {
        self.ctes.push(Visible {
            name: cte.name.name.as_str().into(),
            id,
            columns,
            state,
            pos: cte.name.pos,
            frame: self.frames.len(),
            references: 0,
            from_elsewhere: false,
            definition: None,
            returns: true,
        });
    }

    /// A reference to a named query, if `name` is one.
    pub(super) fn cte_reference(&mut self, name: &Ident) -> Result<Option<Plan>> {
        let frame = self.frames.len();
        let here = self.here_at();
        let Some(found) = self
            .ctes
            .iter_mut()
            .rev()
            .find(|cte| *cte.name == *name.name)
        else {
            return Ok(None);
        };
        if let Some(definition) = &found.definition
            && definition.here != here
        {
            let definition = Rc::clone(definition);
            return self.bind_anew(&definition, name).map(Some);
        }
        found.references += 1;
        found.from_elsewhere |= found.frame != frame;
        let found = found.clone();
        let refuse = |what: &str| {
            Err(self.fail(
                SqlState::INVALID_RECURSION,
                format!(
                    "recursive reference to query \"{}\" must not appear {what}",
                    name.name
                ),
                name.pos,
            ))
        };
        match found.state {
            State::Ready if !found.returns => Err(self.at(
                Error::unsupported(format!(
                    "WITH query \"{}\" does not have a RETURNING clause",
                    name.name
                )),
                name.pos,
            )),
            State::InChange => Err(self.fail(
                SqlState::INVALID_RECURSION,
                format!(
                    "recursive query \"{}\" must not contain data-modifying statements",
                    name.name
                ),
                found.pos,
            )),
            State::Ready => Ok(Some(Plan::CteRef {
                id: found.id,
                name: found.name,
                columns: found.columns,
            })),
            State::Step if found.frame != frame => refuse("within a subquery"),
            State::Step => Ok(Some(Plan::WorkTable {
                id: found.id,
                name: found.name,
                columns: found.columns,
            })),
            State::Anchor => refuse("within its non-recursive term"),
            State::NotRecursive => Err(self.fail(
                SqlState::INVALID_RECURSION,
                format!(
                    "recursive query \"{}\" does not have the form non-recursive-term \
                     UNION [ALL] recursive-term",
                    name.name
                ),
                found.pos,
            )),
        }
    }

    /// A named query with its tables read where this reference stands.
    fn bind_anew(&mut self, definition: &Definition, name: &Ident) -> Result<Plan> {
        if let Some(Here::Row(..)) = self.here_at() {
            return Err(self
                .unsupported("AS OF a moment of each row on a WITH query", name.pos)
                .with_hint("Name the table that the query reads."));
        }
        let cte = &definition.cte;
        let hidden = self.ctes.split_off(definition.sees.min(self.ctes.len()));
        let id = CteId(self.next_cte);
        self.next_cte += 1;
        let plan = match &cte.body {
            CteBody::Query(query) if definition.recursive => {
                self.recursive(cte, query, id, definition.parent)
            }
            CteBody::Query(query) => self.query(query, definition.parent, true),
            CteBody::Change(_) => Err(self.unsupported(
                format!("AS OF on \"{}\", which changes rows,", name.name),
                name.pos,
            )),
        };
        self.ctes.truncate(definition.sees);
        self.ctes.extend(hidden);
        let mut plan = plan?;
        let columns = self.renamed(plan.columns(), &cte.columns, &cte.name)?;
        rename(&mut plan, &columns);
        Ok(plan)
    }

    /// Puts the named queries above the query that uses them; those used once, in the same frame,
    /// go right where they are used, and those not used at all vanish.
    pub(super) fn close_with(ctes: Vec<Cte>, defined: &[Visible], mut plan: Plan) -> Plan {
        let mut kept: Vec<Cte> = Vec::new();
        let mut ctes: Vec<Cte> = ctes;
        // From the last to the first: a query may be used by those after it.
        while let Some(cte) = ctes.pop() {
            let Some(known) = defined.iter().find(|known| known.id == cte.id) else {
                kept.push(cte);
                continue;
            };
            if matches!(cte.plan, Plan::Change(_)) {
                kept.push(cte);
                continue;
            }
            if known.references == 0 {
                continue;
            }
            let once = known.references == 1 && !known.from_elsewhere;
            let fence = cte.materialized == Some(true) || matches!(cte.plan, Plan::Recursive(_));
            if once && !fence && !is_volatile(&cte.plan) {
                let mut source = Some(cte.plan);
                for later in &mut kept {
                    place(&mut later.plan, cte.id, &mut source);
                }
                place(&mut plan, cte.id, &mut source);
                continue;
            }
            kept.push(cte);
        }
        kept.reverse();
        if kept.is_empty() {
            return plan;
        }
        Plan::With {
            ctes: kept,
            input: Box::new(plan),
        }
    }
}

/// Puts `source` in the place of the reference to `id`, keeping the reference's column names.
fn place(plan: &mut Plan, id: CteId, source: &mut Option<Plan>) {
    if let Plan::CteRef {
        id: found, columns, ..
    } = plan
        && *found == id
    {
        if let Some(mut inlined) = source.take() {
            rename(&mut inlined, columns);
            *plan = inlined;
        }
        return;
    }
    for input in plan.inputs_mut() {
        place(input, id, source);
    }
}

/// Gives the plan's columns the names of `columns`.
fn rename(plan: &mut Plan, columns: &[PlanColumn]) {
    let differs = plan
        .columns()
        .iter()
        .zip(columns)
        .any(|(old, new)| old.name != new.name);
    if !differs {
        return;
    }
    if let Plan::Project(node) = plan {
        for (old, new) in node.columns.iter_mut().zip(columns) {
            old.name = new.name.clone();
        }
        return;
    }
    let input = std::mem::replace(plan, Plan::OneRow);
    let exprs = columns
        .iter()
        .enumerate()
        .map(|(index, column)| helios_expr::Expr::column(index, column.ty.clone()))
        .collect();
    *plan = Plan::Project(Box::new(crate::plan::Project {
        input,
        exprs,
        columns: columns.to_vec(),
    }));
}

fn is_volatile(plan: &Plan) -> bool {
    let mut copy = plan.clone();
    let mut volatile = false;
    copy.for_each_expr(&mut |expr| {
        volatile |= expr.any(&mut |part| {
            matches!(part, helios_expr::Expr::Call { function, .. }
                if function.volatility() == helios_expr::Volatility::Volatile)
        });
    });
    volatile
}

/// Whether an aggregate looks at the rows of the recursive query `id`.
fn aggregates(plan: &Plan, id: CteId, inside: bool) -> bool {
    match plan {
        Plan::WorkTable { id: found, .. } => inside && *found == id,
        plan => {
            let inside = inside || matches!(plan, Plan::Aggregate(_));
            let inputs = plan.inputs();
            inputs
                .into_iter()
                .any(|input| aggregates(input, id, inside))
        }
    }
}
