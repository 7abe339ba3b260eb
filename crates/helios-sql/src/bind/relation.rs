//! Tables and views in `FROM`.

use std::sync::Arc;

use helios_base::{ColumnId, DataType, Error, Result, SqlState};
use helios_table::catalog::{Privileges, Relation, TableDef, ViewDef};

use super::Binder;
use super::notes::NamedRelation;
use crate::parse::ast::{Ident, Name};
use crate::parse::parse_query;
use crate::plan::{
    At, ColumnOrigin, ColumnSource, Plan, PlanColumn, Scan, TableRef, VersionColumn, Versions,
};
use crate::session::refuse_foreign;
use crate::system;

/// How deep views may be built on views.
const VIEW_DEPTH_MAX: usize = 32;

/// The column that holds a row's key; no column of a table can be called so without quotes.
pub(super) const KEY_COLUMN: &str = "(key)";

impl Binder<'_> {
    /// What the name stands for.
    ///
    /// # Errors
    /// 42P01 with a suggestion, 3F000 for an unknown schema.
    pub(super) fn relation(&self, name: &Name) -> Result<Relation> {
        let schema = name.schema.as_ref().map(|schema| schema.name.as_str());
        let own = match schema {
            Some(schema) if schema.starts_with("pg_temp") => {
                self.context.session.temporary_schema()
            }
            _ => None,
        };
        let schema = match (schema, &own) {
            (Some("pg_temp"), Some(own)) => Some(own.as_str()),
            _ => schema,
        };
        let found = self
            .catalog()
            .require(schema, &name.name.name, &self.search_path)
            .map_err(|error| self.not_then(error))
            .and_then(|relation| {
                self.check_schema(&relation)?;
                if schema.is_some() {
                    refuse_foreign(&relation, own.as_deref())?;
                }
                Ok(relation)
            });
        self.place(found, name.pos())
    }

    /// The table of this name.
    ///
    /// # Errors
    /// As [`Binder::relation`]; 42809 if it is something else.
    pub(super) fn table(&self, name: &Name) -> Result<Arc<TableDef>> {
        match self.relation(name)? {
            Relation::Table(table) => Ok(table),
            Relation::View(view) if self.changes_rows => Err(self.at(
                Error::unsupported(format!(
                    "changing rows through view \"{}\" is not supported",
                    view.name
                ))
                .with_hint("Change the tables that the view reads."),
                name.pos(),
            )),
            other => Err(self.at(
                Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("\"{}\" is not a table", other.name()),
                )
                .with_detail(format!("It is {}.", article(other.kind()))),
                name.pos(),
            )),
        }
    }

    /// A table, view or named query of `FROM`; with `key`, the row key is the last column, unless
    /// the rows are those of another moment. `lock`: the rows are to be locked.
    pub(super) fn table_reference(
        &mut self,
        name: &Name,
        alias: &Ident,
        lock: bool,
        key: bool,
    ) -> Result<(Plan, Option<Arc<str>>)> {
        self.last_need = None;
        self.last_relation = None;
        let versions = self.take_versions();
        let refused = versions.as_ref().map(|(_, pos)| *pos);
        if name.schema.is_none()
            && let Some(plan) = self.cte_reference(&name.name)?
        {
            self.note_relation(name.pos(), || NamedRelation::Cte);
            return match refused {
                Some(pos) => Err(self.only_tables_have_versions(pos)),
                None => Ok((plan, None)),
            };
        }
        if let Some(found) = self.system_relation(name) {
            if let Some(schema) = &found.1 {
                let known = (schema.clone(), name.name.name.as_str().into());
                self.note_relation(name.pos(), || NamedRelation::Stored(known.0, known.1));
            }
            return match refused {
                Some(pos) => Err(self.only_tables_have_versions(pos)),
                None => Ok(found),
            };
        }
        let relation = self.relation(name)?;
        self.note_relation(name.pos(), || {
            NamedRelation::Stored(relation.schema_name().into(), relation.name().into())
        });
        match relation {
            Relation::Table(table) => {
                self.last_need = self.need_table(&table, Privileges::NONE);
                self.need_column(self.last_need, Privileges::SELECT, None);
                let schema: Arc<str> = table.schema_name.as_str().into();
                let at = self.scan_at(&table.name);
                let key = key && at.is_none();
                let key = key && versions.is_none();
                let policies = self.visible_rows(&table, lock)?;
                let mut plan = self.scan(&table, alias.name.as_str().into(), at, key);
                guard(&mut plan, policies);
                self.last_relation = Some(table.id.0);
                if let (Some((versions, _)), Plan::Scan(scan)) = (versions, &mut plan) {
                    read_versions(scan, versions);
                }
                Ok((plan, Some(schema)))
            }
            Relation::View(view) => {
                if let Some(pos) = refused {
                    return Err(self.only_tables_have_versions(pos));
                }
                if let Some(super::moment::Here::Row(..)) = self.here_at() {
                    return Err(self
                        .unsupported("AS OF a moment of each row on a view", name.pos())
                        .with_hint("Name the table that the view reads."));
                }
                let need = self.need_view(&view, Privileges::NONE);
                self.need_column(need, Privileges::SELECT, None);
                let plan = self.as_owner(&view, |binder| binder.view(&view, name))?;
                self.last_need = need;
                self.last_relation = Some(view.id.0);
                Ok((plan, Some(view.schema_name.as_str().into())))
            }
            other @ Relation::Sequence(_) => {
                if self.here_at().is_some() || refused.is_some() {
                    let error = self.unsupported("a sequence of the past", name.pos());
                    return Err(error.with_hint("Sequences have no history."));
                }
                let schema: Arc<str> = other.schema_name().into();
                let reference = TableRef {
                    id: helios_base::TableId(other.oid()),
                    schema: schema.clone(),
                    name: other.name().into(),
                };
                if !self.depends.contains(&reference) {
                    self.depends.push(reference);
                }
                let plan = self.sequence_row(&other, name.pos())?;
                Ok((plan, Some(schema)))
            }
            other @ Relation::Index(..) => Err(self.at(
                Error::new(
                    SqlState::WRONG_OBJECT_TYPE,
                    format!("\"{}\" is an index", other.name()),
                ),
                name.pos(),
            )),
        }
    }

    /// The rows of a relation of `pg_catalog`, which is searched before all else, or of
    /// `information_schema`.
    fn system_relation(&mut self, name: &Name) -> Option<(Plan, Option<Arc<str>>)> {
        let schema = name.schema.as_ref().map(|schema| schema.name.as_str());
        let source = system::Source {
            catalog: self.catalog(),
            session: self.context.session,
            path: self.context.search_path,
            roles: self.context.roles,
        };
        let found = system::relation(schema, &name.name.name, &source)?;
        if self.is_limited() && matches!(name.name.name.as_str(), "pg_authid" | "pg_shadow") {
            self.refused.get_or_insert_with(|| name.name.name.clone());
        }
        self.cacheable &= found.steady;
        Some((found.plan, Some(found.schema.into())))
    }

    /// A scan of all columns.
    pub(super) fn scan(
        &mut self,
        table: &TableDef,
        alias: Arc<str>,
        at: Option<At>,
        key: bool,
    ) -> Plan {
        let reference = table_ref(table);
        // What is done to a table now leaves its past as it was.
        if at.is_none() && !self.depends.contains(&reference) {
            self.depends.push(reference.clone());
        }
        let mut columns = table_columns(table);
        if at.is_some() && !self.has_same_key(table) {
            // What follows from the key that the table has now did not hold then.
            columns.iter_mut().for_each(|column| column.source = None);
        }
        let reads: Vec<ColumnId> = table.columns.iter().map(|column| column.id).collect();
        if key {
            columns.push(PlanColumn {
                name: KEY_COLUMN.into(),
                ty: DataType::Bytea,
                nullable: false,
                source: None,
                origin: None,
            });
        }
        Plan::Scan(Box::new(Scan {
            table: reference,
            alias,
            at,
            versions: None,
            reads,
            key,
            filters: Vec::new(),
            guards: 0,
            columns,
        }))
    }

    /// Whether the table has the same primary key in the statement's own catalog.
    fn has_same_key(&self, table: &TableDef) -> bool {
        let key = |table: &TableDef| -> Option<Vec<ColumnId>> {
            let index = table.primary_key()?;
            index.keys.iter().map(|key| key.as_column()).collect()
        };
        let now = self.context.catalog.table_by_id(table.id);
        now.is_some_and(|now| key(now) == key(table))
    }

    /// The query of a view, bound in the view's own surroundings.
    fn view(&mut self, view: &ViewDef, name: &Name) -> Result<Plan> {
        if self.view_depth >= VIEW_DEPTH_MAX {
            return Err(self.fail(
                SqlState::INVALID_OBJECT_DEFINITION,
                format!(
                    "infinite recursion detected in rules for relation \"{}\"",
                    view.name
                ),
                name.pos(),
            ));
        }
        let query = parse_query(&view.sql)?;
        self.view_depth += 1;
        let plan = self.elsewhere(view.search_path.clone(), |binder| {
            binder.query(&query, None, true)
        });
        self.view_depth -= 1;
        let reference = TableRef {
            id: helios_base::TableId(view.id.0),
            schema: view.schema_name.as_str().into(),
            name: view.name.as_str().into(),
        };
        if self.here_at().is_none() && !self.depends.contains(&reference) {
            self.depends.push(reference);
        }
        let plan = self.place(plan, name.pos())?;
        // The text may say `*`; the view keeps the columns it was made with.
        let types: Vec<DataType> = view
            .columns
            .iter()
            .map(|column| column.ty.clone())
            .collect();
        if plan.columns().len() < types.len() {
            return Err(self.fail(
                SqlState::INVALID_OBJECT_DEFINITION,
                format!("view \"{}\" no longer fits the tables it reads", view.name),
                name.pos(),
            ));
        }
        let exprs: Vec<helios_expr::Expr> = (0..types.len())
            .map(|index| super::query::column_of(plan.columns(), index))
            .collect();
        let columns = view
            .columns
            .iter()
            .zip(plan.columns())
            .map(|(declared, bound)| PlanColumn {
                name: declared.name.as_str().into(),
                ..bound.clone()
            })
            .collect();
        let project = Plan::Project(Box::new(crate::plan::Project {
            input: plan,
            exprs,
            columns,
        }));
        let mut plan = self.coerce_plan(project, &types)?;
        if let Plan::Project(project) = &mut plan {
            ColumnOrigin::mark(view.id.0, &mut project.columns);
        }
        Ok(plan)
    }
}

/// Makes a scan ask policies before anything else.
pub(super) fn guard(plan: &mut Plan, policies: Vec<helios_expr::Expr>) {
    if let Plan::Scan(scan) = plan
        && !policies.is_empty()
    {
        scan.guards = policies.len();
        scan.filters = policies;
    }
}

/// Turns a scan of rows into one of versions.
fn read_versions(scan: &mut Scan, versions: Versions) {
    for column in &mut scan.columns {
        // A key decides a row, but not its version; and what is never NULL now may have been.
        column.source = None;
        column.nullable = true;
    }
    for column in VersionColumn::ALL {
        scan.reads.push(column.id());
        scan.columns.push(column.column());
    }
    scan.versions = Some(Box::new(versions));
}

/// A table as plans name it.
pub(crate) fn table_ref(table: &TableDef) -> TableRef {
    TableRef {
        id: table.id,
        schema: table.schema_name.as_str().into(),
        name: table.name.as_str().into(),
    }
}

/// The columns of a table, in order.
pub(crate) fn table_columns(table: &TableDef) -> Vec<PlanColumn> {
    table
        .columns
        .iter()
        .map(|column| PlanColumn {
            name: column.name.as_str().into(),
            // What a domain demands was checked when the value was stored.
            ty: column.ty.base().into_owned(),
            nullable: !column.not_null,
            source: Some(ColumnSource {
                table: table.id,
                column: column.id,
            }),
            origin: Some(ColumnOrigin {
                relation: table.id.0,
                number: system::attnum(column.id),
            }),
        })
        .collect()
}

fn article(kind: &str) -> String {
    if kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        format!("an {kind}")
    } else {
        format!("a {kind}")
    }
}
