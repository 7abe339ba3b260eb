//! Whether the role that a statement runs as may do what the statement does.
//!
//! While names are bound, each relation that is named becomes a [`Need`]: what is wanted of it, and
//! of which columns. What a view reads is wanted by the view's owner. When the statement is bound,
//! all needs must be met; a superuser has none.
//!
//! What is read at another moment or branch needs the privilege as it is now and as it was there: a
//! privilege that was taken does not come back with the past.

use std::collections::BTreeSet;
use std::sync::Arc;

use helios_base::{ColumnId, Error, Result, Scn, SqlState};
use helios_table::Catalog;
use helios_table::catalog::{
    AccessDef, FunctionDef, Privileges, Relation, RoleId, Roles, Securable, TableDef, ViewDef, Who,
};

use super::Binder;
use super::scope::Scope;
use crate::parse::ast::Pos;

/// As whom a statement runs.
#[derive(Clone, Copy, Debug)]
pub struct RunsAs<'a> {
    /// The role.
    pub who: &'a Arc<Who>,
    /// All roles.
    pub roles: &'a Roles,
    /// What there is now, also when the session looks at the past.
    pub now: &'a Catalog,
    /// The newest moment, when the session looks at the past.
    pub newest: Option<Scn>,
    /// `row_security`: whether policies filter rows; otherwise they refuse statements.
    pub row_security: bool,
}

/// What is wanted of one relation.
#[derive(Debug)]
pub(super) struct Need {
    /// Who wants it.
    who: Arc<Who>,
    object: u32,
    /// `table orders`, for the refusal.
    label: String,
    /// Who may do what: as it is now, and where it is read.
    access: Vec<Option<Arc<AccessDef>>>,
    /// Wanted of the relation as a whole.
    whole: Privileges,
    /// Wanted of columns; of any column if there are none.
    columns: Vec<(Privileges, BTreeSet<ColumnId>)>,
}

/// Functions of the system that ask as whom the statement runs, beside `has_table_privilege` and its kin.
const LOOKS_AT_ROLE: &[&str] = &[
    "currval",
    "lastval",
    "nextval",
    "pg_cancel_backend",
    "pg_has_role",
    "pg_notify",
    "pg_terminate_backend",
    "row_security_active",
    "set_config",
    "setval",
];

/// The number of a [`Need`], and a column that counts for it.
pub(super) type Counts = (usize, ColumnId);

impl Need {
    fn column(&mut self, privilege: Privileges, column: Option<ColumnId>) {
        let known = self
            .columns
            .iter_mut()
            .find(|(known, _)| *known == privilege);
        match known {
            Some((_, columns)) => columns.extend(column),
            None => self.columns.push((privilege, column.into_iter().collect())),
        }
    }

    fn is_met(&self) -> bool {
        self.access.iter().all(|access| {
            let access = access.as_deref();
            let has = self.who.has_in(
                access,
                Securable::Table,
                self.object,
                Securable::Table.all(),
            );
            has.has(self.whole)
                && self.columns.iter().all(|(wanted, columns)| {
                    has.has(*wanted)
                        || if columns.is_empty() {
                            self.who.has_on_any_column_in(access, *wanted).has(*wanted)
                        } else {
                            columns.iter().all(|column| {
                                let has = self.who.has_on_column_in(access, *column, *wanted);
                                has.has(*wanted)
                            })
                        }
                })
        })
    }
}

impl Binder<'_> {
    /// The role for which names are bound now: that of the statement, or a view's owner. `None`: one
    /// that may do everything.
    pub(super) fn acting(&self) -> Option<Arc<Who>> {
        let runs = self.context.runs_as?;
        let who = self.checked_as.as_ref().or(self.definer.as_ref());
        let who = who.unwrap_or(runs.who);
        (!who.superuser).then(|| Arc::clone(who))
    }

    /// The role that runs what is bound now, whoever owns the view that it stands in. `None`: one that may do everything.
    fn running(&self) -> Option<&Arc<Who>> {
        let runs = self.context.runs_as?;
        let who = self.definer.as_ref().unwrap_or(runs.who);
        (!who.superuser).then_some(who)
    }

    /// Refuses a call of a function that the role may not call, now or where names are looked up.
    pub(super) fn check_call(&self, def: &FunctionDef) -> Result<()> {
        let (Some(who), Some(runs)) = (self.running(), self.context.runs_as) else {
            return Ok(());
        };
        let wanted = Privileges::EXECUTE;
        let may = |catalog: &Catalog| {
            who.has(catalog, Securable::Function, def.id.0, wanted)
                .has(wanted)
        };
        let now = runs.now.function_by_id(def.id).is_none() || may(runs.now);
        match now && may(self.context.catalog) {
            true => Ok(()),
            false => Err(denied(def.kind(), &def.name)),
        }
    }

    /// Binds the body of a function: that of a `SECURITY DEFINER` function as its owner, another as whoever calls it, also where a view
    /// calls it.
    pub(super) fn as_runner<T>(
        &mut self,
        def: &FunctionDef,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let checked_as = self.checked_as.take();
        let outer = self.definer.clone();
        if let (true, Some(runs)) = (def.options.security_definer, self.context.runs_as) {
            let owner = self.context.catalog.owner(def.id.0);
            self.definer = Some(Arc::new(Who::of(runs.roles, owner)));
        }
        let done = work(self);
        self.definer = outer;
        self.checked_as = checked_as;
        done
    }

    /// Refuses, in the body of a `SECURITY DEFINER` function that became a part of its caller's statement, what looks at the role
    /// while the statement runs: that role is the caller.
    pub(super) fn look_at_role(&self, function: &str, pos: Pos) -> Result<()> {
        let (Some(definer), Some(runs)) = (&self.definer, self.context.runs_as) else {
            return Ok(());
        };
        let looks = LOOKS_AT_ROLE.contains(&function) || function.starts_with("has_");
        if definer.role == runs.who.role || !looks {
            return Ok(());
        }
        let what =
            format!("{function} in a SECURITY DEFINER function that is a part of a larger query");
        Err(self
            .unsupported(what, pos)
            .with_hint("Call the function alone: SELECT f(…), SELECT * FROM f(…)."))
    }

    /// The name of the owner of the `SECURITY DEFINER` function whose body is bound.
    pub(super) fn definer_name(&self) -> Option<String> {
        let definer = self.definer.as_ref()?;
        Some(self.context.runs_as?.roles.name(definer.role))
    }

    /// Notes that a table is wanted. The number marks columns.
    pub(super) fn need_table(&mut self, table: &TableDef, whole: Privileges) -> Option<usize> {
        self.need(table.id.0, format!("table {}", table.name), whole)
    }

    /// Notes that a view is wanted.
    pub(super) fn need_view(&mut self, view: &ViewDef, whole: Privileges) -> Option<usize> {
        self.need(view.id.0, format!("view {}", view.name), whole)
    }

    fn need(&mut self, object: u32, label: String, whole: Privileges) -> Option<usize> {
        let who = self.acting()?;
        let now = self.context.runs_as?.now;
        let then = self.catalog();
        let mut access = vec![then.access(object).cloned()];
        if !std::ptr::eq(now, then) && now.relation_by_oid(object).is_some() {
            access.push(now.access(object).cloned());
        }
        self.needs.push(Need {
            who,
            object,
            label,
            access,
            whole,
            columns: Vec::new(),
        });
        Some(self.needs.len() - 1)
    }

    /// Notes that a privilege on a column is wanted, or with `None` on any.
    pub(super) fn need_column(
        &mut self,
        need: Option<usize>,
        privilege: Privileges,
        column: Option<ColumnId>,
    ) {
        if let Some(need) = need.and_then(|need| self.needs.get_mut(need)) {
            need.column(privilege, column);
        }
    }

    /// Notes that a privilege on a whole relation is wanted.
    pub(super) fn need_whole(&mut self, need: Option<usize>, privilege: Privileges) {
        if let Some(need) = need.and_then(|need| self.needs.get_mut(need)) {
            need.whole = need.whole.with(privilege);
        }
    }

    /// Notes that a column is read.
    pub(super) fn count_column(&mut self, counts: Option<Counts>) {
        if let Some((need, column)) = counts {
            self.need_column(Some(need), Privileges::SELECT, Some(column));
        }
    }

    /// Makes the columns of a relation's scope count when they are read.
    pub(super) fn watch(need: Option<usize>, scope: &mut Scope, columns: &[ColumnId]) {
        let Some(need) = need else { return };
        let tables = scope.tables.iter_mut().map(|table| &mut table.columns);
        for watched in tables.chain([&mut scope.columns]) {
            for (column, id) in watched.iter_mut().zip(columns) {
                column.counts = Some((need, *id));
            }
        }
    }

    /// Binds what belongs to a view as its owner.
    pub(super) fn as_owner<T>(
        &mut self,
        view: &ViewDef,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let Some(runs) = self.context.runs_as else {
            return work(self);
        };
        let owner = self.catalog().owner(view.id.0);
        let owner = Arc::new(Who::of(runs.roles, owner));
        let outer = self.checked_as.replace(owner);
        let done = work(self);
        self.checked_as = outer;
        done
    }

    /// Refuses a schema that the role may not look into.
    pub(super) fn check_schema(&self, relation: &Relation) -> Result<()> {
        let Some(who) = self.acting() else {
            return Ok(());
        };
        let catalog = self.catalog();
        let Some(schema) = catalog.schema(relation.schema_name()) else {
            return Ok(());
        };
        // Whose temporary objects these are was looked at already.
        if helios_table::is_temporary_schema(&schema.name)
            || may_look_into(&who, catalog, schema.id.0)
        {
            return Ok(());
        }
        Err(denied("schema", &schema.name))
    }

    /// Refuses what takes one of these roles.
    pub(super) fn check_role(&self, role: RoleId, what: &str, pos: Pos) -> Result<()> {
        match self.acting() {
            Some(who) if !who.has_role(role) => Err(self.fail(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied to {what}"),
                pos,
            )),
            _ => Ok(()),
        }
    }

    /// Whether the role is no superuser.
    pub(super) fn is_limited(&self) -> bool {
        self.acting().is_some()
    }

    /// Refuses the statement unless all needs are met.
    pub(super) fn check_needs(&self) -> Result<()> {
        if let Some(table) = &self.refused {
            return Err(denied("table", table));
        }
        match self.needs.iter().find(|need| !need.is_met()) {
            None => Ok(()),
            Some(need) => Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("permission denied for {}", need.label),
            )),
        }
    }
}

/// Whether a role may use names of a schema.
pub(crate) fn may_look_into(who: &Who, catalog: &Catalog, schema: u32) -> bool {
    who.has(catalog, Securable::Schema, schema, Privileges::USAGE)
        .has(Privileges::USAGE)
}

/// `42501`
pub(crate) fn denied(kind: &str, name: &str) -> Error {
    Error::new(
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("permission denied for {kind} {name}"),
    )
}
