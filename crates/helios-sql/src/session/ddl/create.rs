//! `CREATE`.

use std::collections::BTreeMap;

use helios_base::{Error, Result, SqlState, Value};
use helios_table::catalog::{Dependency, Method, SchemaId, ViewColumn};
use helios_table::ddl::{
    NewColumn, NewConstraint, NewConstraintKind, NewIndex, NewIndexKey, NewTable, NewView,
};
use helios_table::is_temporary_schema;

use super::{Ddl, convert, settled};
use crate::plan::{
    Bound, CreateIndex, CreateSchema, CreateSequence, CreateTable, CreateView, OnCommit,
};
use crate::row::dml::{Load, load_columns, load_rows};
use crate::row::op;

impl Ddl<'_> {
    /// Creates a table. With a query, returns how many rows it was filled with.
    pub(super) fn create_table(
        &mut self,
        create: &CreateTable,
        bound: &Bound,
        params: Vec<Value>,
    ) -> Result<Option<u64>> {
        if self.skip_existing(&create.name, create.temporary, create.if_not_exists)? {
            return Ok(None);
        }
        let mut columns = create
            .columns
            .iter()
            .map(|column| self.column(column))
            .collect::<Result<Vec<_>>>()?;
        if let (Some(query), true) = (&create.query, columns.is_empty()) {
            columns = query
                .columns()
                .iter()
                .map(|column| NewColumn::new(&*column.name, settled(&column.ty)))
                .collect();
        }
        let mut constraints: Vec<_> = create.keys.iter().map(convert::key).collect();
        constraints.extend(create.checks.iter().map(convert::check));
        for key in &create.foreign_keys {
            constraints.push(self.foreign_key(key, &create.name)?);
        }
        let schema = self.schema_for(&create.name, create.temporary)?;
        self.same_lifetime(schema, &constraints)?;
        let names = columns.iter();
        let names = names.map(|column| (column.name.as_str(), &column.ty));
        let options = super::options::named(&create.options)?;
        super::options::check(&options, &create.name.name, &names.collect::<Vec<_>>())?;
        let mut options: BTreeMap<_, _> = options.into_iter().collect();
        if let Some(value) = create.on_commit.value() {
            options.insert(OnCommit::OPTION.to_owned(), value.to_owned());
        }
        let table = self.txn.create_table(&NewTable {
            schema,
            name: create.name.name.clone(),
            columns,
            constraints,
            options,
        })?;
        let Some(query) = &create.query else {
            return Ok(None);
        };
        let (program, load) = self.session.with_compiler(self.sight, |compiler| {
            let program = compiler.program(query, &bound.subplans)?;
            let compiled = (&program.root, &**program.subplans);
            let load = Load::new(query, bound, compiler, compiled);
            Ok::<_, Error>((program, load))
        })?;
        let exec = self.session.exec(self.sight, &program.subplans, params);
        let catalog = self.txn.latest_catalog()?;
        let vectors = match &load {
            Some(load) => self.session.load_in_vectors(load, query, bound, &exec)?,
            None => None,
        };
        let count = exec.in_root(|cx| {
            let count = match vectors {
                Some(mut rows) => load_columns(&catalog, &table, &mut rows, cx)?,
                None => {
                    let mut rows = op::open(&program.root, cx)?;
                    load_rows(&catalog, &table, &mut |cx| rows.next(cx), cx)?
                }
            };
            self.txn.finish_statement(&cx.context())?;
            Ok(count)
        })?;
        Ok(Some(count))
    }

    /// Refuses a foreign key between a permanent table and a temporary one.
    pub(super) fn same_lifetime(
        &self,
        schema: SchemaId,
        constraints: &[NewConstraint],
    ) -> Result<()> {
        let catalog = self.txn.latest_catalog()?;
        let temporary = catalog
            .schema_by_id(schema)
            .is_some_and(|schema| is_temporary_schema(&schema.name));
        for constraint in constraints {
            let NewConstraintKind::ForeignKey {
                parent: Some(parent),
                ..
            } = &constraint.kind
            else {
                continue;
            };
            let other = catalog.table_by_id(*parent);
            if other.is_some_and(|parent| parent.is_temporary() != temporary) {
                let kind = if temporary { "temporary" } else { "permanent" };
                return Err(Error::new(
                    SqlState::INVALID_TABLE_DEFINITION,
                    format!("constraints on {kind} tables may reference only {kind} tables"),
                ));
            }
        }
        Ok(())
    }

    pub(super) fn create_index(&mut self, create: &CreateIndex) -> Result<()> {
        match create.method.as_str() {
            // What a hash finds, order finds too.
            "btree" | "hash" => {}
            nearest if Method::named(nearest).is_some() => {
                return match self.has_index(create) {
                    true => Ok(()),
                    false => self.create_nearest(create),
                };
            }
            "gin" | "gist" | "spgist" | "brin" => {
                return Err(Error::unsupported(format!(
                    "access method \"{}\" is not supported yet",
                    create.method
                ))
                .with_hint("Use btree."));
            }
            unknown => {
                return Err(Error::new(
                    SqlState::UNDEFINED_OBJECT,
                    format!("access method \"{unknown}\" does not exist"),
                ));
            }
        }
        if !create.options.is_empty() {
            return Err(Error::unsupported("index options are not supported yet"));
        }
        if self.has_index(create) {
            return Ok(());
        }
        let keys = create
            .keys
            .iter()
            .map(|key| NewIndexKey {
                source: match (&key.column, &key.expr) {
                    (Some(column), _) => Ok(column.clone()),
                    (None, expr) => Err(expr.clone().unwrap_or_default()),
                },
                descending: key.descending,
                nulls_first: Some(key.nulls_first),
            })
            .collect();
        self.txn.create_index(&NewIndex {
            name: create.name.clone(),
            table: create.table.id,
            keys,
            include: create.include.clone(),
            unique: create.unique,
            nulls_not_distinct: create.nulls_not_distinct,
            predicate: create.predicate.clone(),
        })?;
        Ok(())
    }

    /// Whether what `IF NOT EXISTS` asks for is there, which a notice says then.
    fn has_index(&mut self, create: &CreateIndex) -> bool {
        let (Some(name), true) = (&create.name, create.if_not_exists) else {
            return false;
        };
        let table = self.catalog.table_by_id(create.table.id);
        let there = table.and_then(|table| self.catalog.relation_in(table.schema, name));
        if there.is_none() {
            return false;
        }
        let message = format!("relation \"{name}\" already exists, skipping");
        self.session
            .notice_state(SqlState::DUPLICATE_TABLE, message);
        true
    }

    pub(super) fn create_view(&mut self, create: &CreateView) -> Result<()> {
        let reads_temporary = create.depends.iter().any(|relation| {
            let found = self.catalog.relation_by_oid(relation.id.0);
            found.is_some_and(|found| is_temporary_schema(found.schema_name()))
        });
        let temporary = create.temporary || reads_temporary;
        let written = create.name.schema.as_deref();
        if reads_temporary && !create.temporary && written != Some("pg_temp") {
            let message = format!("view \"{}\" will be a temporary view", create.name.name);
            self.session.notice(message);
        }
        let columns = create
            .columns
            .iter()
            .map(|(name, ty)| ViewColumn {
                name: name.clone(),
                ty: settled(ty),
                comment: None,
            })
            .collect();
        let depends = create
            .depends
            .iter()
            .map(|relation| Dependency {
                relation: relation.id.0,
                columns: self
                    .catalog
                    .table_by_id(relation.id)
                    .map_or_else(Vec::new, |table| {
                        let columns = table.columns.iter().map(|column| column.id);
                        columns
                            .filter(|id| create.columns_read.contains(&(table.id, *id)))
                            .collect()
                    }),
            })
            .collect();
        let view = NewView {
            schema: self.schema_for(&create.name, temporary)?,
            name: create.name.name.clone(),
            sql: create.query.clone(),
            search_path: self.path.clone(),
            columns,
            depends,
            check_option: create.check_option,
        };
        self.txn.create_view(view, create.or_replace)?;
        Ok(())
    }

    pub(super) fn create_sequence(&mut self, create: &CreateSequence) -> Result<()> {
        if self.skip_existing(&create.name, create.temporary, create.if_not_exists)? {
            return Ok(());
        }
        let schema = self.schema_for(&create.name, create.temporary)?;
        let options = self.sequence_options(&create.options)?;
        self.txn
            .create_sequence(schema, &create.name.name, &options)?;
        Ok(())
    }

    pub(super) fn create_schema(&mut self, create: &CreateSchema) -> Result<()> {
        let owner = match &create.owner {
            Some(owner) => Some(self.session.new_owner(owner)?),
            None => None,
        };
        let name = match (&create.name, &owner) {
            (Some(name), _) | (None, Some((_, name))) => name,
            (None, None) => return Err(Error::internal("a schema without name and owner")),
        };
        if create.if_not_exists && self.catalog.schema(name).is_some() {
            let message = format!("schema \"{name}\" already exists, skipping");
            self.session
                .notice_state(SqlState::DUPLICATE_SCHEMA, message);
            return Ok(());
        }
        let schema = self.txn.create_schema(name)?;
        match owner {
            Some((owner, _)) => self.txn.set_owner(schema.id.0, owner),
            None => Ok(()),
        }
    }
}
