//! What depends on what, for `CASCADE` and `RESTRICT`.

use helios_base::{ColumnId, DataType, IndexId, TableId};

use crate::catalog::{
    Catalog, ConstraintId, ConstraintKind, FunctionId, KeySource, PolicyId, ReturnShape, SchemaId,
    SequenceId, TableDef, TypeId, ViewId, uses_type,
};
use crate::row::TableExprs;

/// An object that can be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectRef {
    /// A schema with all that is in it.
    Schema(SchemaId),
    /// A table.
    Table(TableId),
    /// A column of a table.
    Column(TableId, ColumnId),
    /// A column's default, but not the column.
    Default(TableId, ColumnId),
    /// A constraint of a table.
    Constraint(TableId, ConstraintId),
    /// An index.
    Index(TableId, IndexId),
    /// A sequence.
    Sequence(SequenceId),
    /// A view.
    View(ViewId),
    /// A type.
    Type(TypeId),
    /// A function or procedure.
    Function(FunctionId),
    /// A policy of a table.
    Policy(TableId, PolicyId),
}

/// How firmly an object hangs on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bond {
    /// It is part of the other, and goes with it without a word.
    Part,
    /// It goes only with `CASCADE`.
    Normal,
}

/// The objects that directly depend on `object`.
pub(super) fn dependents(
    catalog: &Catalog,
    exprs: &dyn TableExprs,
    object: ObjectRef,
) -> Vec<(ObjectRef, Bond)> {
    let mut found = Vec::new();
    match object {
        ObjectRef::Schema(id) => {
            let tables = catalog.tables().filter(|t| t.schema == id);
            found.extend(tables.map(|t| (ObjectRef::Table(t.id), Bond::Normal)));
            let views = catalog.views().filter(|v| v.schema == id);
            found.extend(views.map(|v| (ObjectRef::View(v.id), Bond::Normal)));
            let sequences = catalog.sequences().filter(|s| s.schema == id);
            found.extend(sequences.map(|s| (ObjectRef::Sequence(s.id), Bond::Normal)));
            let types = catalog.types().filter(|t| t.schema == id);
            found.extend(types.map(|t| (ObjectRef::Type(t.id), Bond::Normal)));
            let functions = catalog.functions().filter(|f| f.schema == id);
            found.extend(functions.map(|f| (ObjectRef::Function(f.id), Bond::Normal)));
        }
        ObjectRef::Type(id) => of_type(catalog, id, &mut found),
        ObjectRef::Table(id) => {
            readers(catalog, id.0, &mut found);
            for (child, constraint, _) in catalog.referencing(id) {
                let bond = if child.id == id {
                    Bond::Part
                } else {
                    Bond::Normal
                };
                found.push((ObjectRef::Constraint(child.id, constraint.id), bond));
            }
            let owned = |owner: TableId, _| owner == id;
            owned_sequences(catalog, owned, &mut found);
        }
        ObjectRef::Column(id, column) => {
            if let Some(table) = catalog.table_by_id(id) {
                of_column(catalog, table, column, &mut found);
            }
        }
        ObjectRef::Constraint(id, constraint) => {
            let index = catalog
                .table_by_id(id)
                .and_then(|table| table.constraint_by_id(constraint))
                .and_then(crate::catalog::ConstraintDef::index);
            if let Some(index) = index {
                foreign_keys_on(catalog, id, index, &mut found);
                found.push((ObjectRef::Index(id, index), Bond::Part));
            }
        }
        ObjectRef::Index(id, index) => foreign_keys_on(catalog, id, index, &mut found),
        ObjectRef::Sequence(id) => {
            readers(catalog, id.0, &mut found);
            if let Some(sequence) = catalog.sequence_by_id(id) {
                let default = sequence.nextval_sql();
                for table in catalog.tables() {
                    for column in &table.columns {
                        if column.default.as_ref() == Some(&default) {
                            let object = ObjectRef::Default(table.id, column.id);
                            found.push((object, Bond::Normal));
                        }
                    }
                }
            }
        }
        ObjectRef::View(id) => readers(catalog, id.0, &mut found),
        ObjectRef::Function(id) => {
            readers(catalog, id.0, &mut found);
            for table in catalog.tables() {
                let calls = calls_in(catalog, exprs, table, id);
                found.extend(calls.into_iter().map(|object| (object, Bond::Normal)));
            }
            callers(catalog, exprs, id, &mut found);
        }
        ObjectRef::Default(..) | ObjectRef::Policy(..) => {}
    }
    found
}

/// Views that read a relation.
fn readers(catalog: &Catalog, relation: u32, found: &mut Vec<(ObjectRef, Bond)>) {
    for view in catalog.views() {
        if view.depends.iter().any(|d| d.relation == relation) {
            found.push((ObjectRef::View(view.id), Bond::Normal));
        }
    }
    for function in catalog.functions() {
        let row = ReturnShape::Relation(relation);
        let mut named = function.types().filter_map(DataType::user_type);
        if function.returns.shape == row
            || named.any(|user| user.oid == relation)
            || function.depends.iter().any(|d| d.relation == relation)
        {
            found.push((ObjectRef::Function(function.id), Bond::Normal));
        }
    }
    for table in catalog.tables() {
        for policy in &table.row_security.policies {
            let mut read = policy.conditions().flat_map(|expr| &expr.relations);
            if table.id.0 != relation && read.any(|read| *read == relation) {
                found.push((ObjectRef::Policy(table.id, policy.id), Bond::Normal));
            }
        }
    }
}

/// The parts of a table whose expressions call a function.
pub(super) fn calls_in(
    catalog: &Catalog,
    exprs: &dyn TableExprs,
    table: &TableDef,
    function: FunctionId,
) -> Vec<ObjectRef> {
    let Some(def) = catalog.function_by_id(function) else {
        return Vec::new();
    };
    let calls = |sql: &str| exprs.calls(catalog, &table.schema_name, sql, def);
    let mut found = Vec::new();
    for column in &table.columns {
        if column.default.as_deref().is_some_and(calls) {
            found.push(ObjectRef::Default(table.id, column.id));
        }
        if column.generated.as_ref().is_some_and(|g| calls(&g.sql)) {
            found.push(ObjectRef::Column(table.id, column.id));
        }
    }
    for constraint in &table.constraints {
        if let ConstraintKind::Check { sql, .. } = &constraint.kind
            && calls(sql)
        {
            found.push(ObjectRef::Constraint(table.id, constraint.id));
        }
    }
    for index in &table.indexes {
        let keys = index.keys.iter().any(|key| match &key.source {
            KeySource::Expression { expr, .. } => calls(&expr.sql),
            KeySource::Column(_) => false,
        });
        if keys || index.predicate.as_ref().is_some_and(|p| calls(&p.sql)) {
            found.push(ObjectRef::Index(table.id, index.id));
        }
    }
    for policy in &table.row_security.policies {
        if policy.conditions().any(|expr| calls(&expr.sql)) {
            found.push(ObjectRef::Policy(table.id, policy.id));
        }
    }
    found
}

/// Functions whose defaults call another, and domains whose texts do.
fn callers(
    catalog: &Catalog,
    exprs: &dyn TableExprs,
    function: FunctionId,
    found: &mut Vec<(ObjectRef, Bond)>,
) {
    let Some(def) = catalog.function_by_id(function) else {
        return;
    };
    for other in catalog.functions().filter(|other| other.id != function) {
        let mut defaults = other.args.iter().filter_map(|arg| arg.default.as_deref());
        if defaults.any(|sql| exprs.calls(catalog, &other.schema_name, sql, def)) {
            found.push((ObjectRef::Function(other.id), Bond::Normal));
        }
    }
    for ty in catalog.types() {
        let Some(domain) = ty.as_domain() else {
            continue;
        };
        let checks = domain.checks.iter().map(|check| check.sql.as_str());
        let mut texts = checks.chain(domain.default.as_deref());
        if texts.any(|sql| exprs.calls(catalog, &ty.schema_name, sql, def)) {
            found.push((ObjectRef::Type(ty.id), Bond::Normal));
        }
    }
}

fn owned_sequences(
    catalog: &Catalog,
    owned: impl Fn(TableId, ColumnId) -> bool,
    found: &mut Vec<(ObjectRef, Bond)>,
) {
    for sequence in catalog.sequences() {
        if sequence
            .owned_by
            .is_some_and(|(table, column)| owned(table, column))
        {
            found.push((ObjectRef::Sequence(sequence.id), Bond::Part));
        }
    }
}

fn foreign_keys_on(
    catalog: &Catalog,
    table: TableId,
    index: IndexId,
    found: &mut Vec<(ObjectRef, Bond)>,
) {
    for (child, constraint, fk) in catalog.referencing(table) {
        if fk.parent_index == index {
            let object = ObjectRef::Constraint(child.id, constraint.id);
            found.push((object, Bond::Normal));
        }
    }
}

fn of_column(
    catalog: &Catalog,
    table: &TableDef,
    column: ColumnId,
    found: &mut Vec<(ObjectRef, Bond)>,
) {
    let id = table.id;
    for view in catalog.views() {
        let mut reads = view.depends.iter();
        if reads.any(|d| d.relation == id.0 && d.columns.contains(&column)) {
            found.push((ObjectRef::View(view.id), Bond::Normal));
        }
    }
    for other in &table.columns {
        let generated = other.generated.as_ref();
        if generated.is_some_and(|g| g.columns.contains(&column)) {
            found.push((ObjectRef::Column(id, other.id), Bond::Normal));
        }
    }
    for constraint in &table.constraints {
        let touched = match &constraint.kind {
            ConstraintKind::Check { columns, .. } => columns.contains(&column),
            ConstraintKind::ForeignKey(fk) => fk.columns.contains(&column),
            ConstraintKind::PrimaryKey { index } | ConstraintKind::Unique { index } => table
                .index_by_id(*index)
                .is_some_and(|index| index.columns().any(|id| id == column)),
        };
        if touched {
            found.push((ObjectRef::Constraint(id, constraint.id), Bond::Part));
        }
    }
    for (child, constraint, fk) in catalog.referencing(id) {
        if fk.parent_columns.contains(&column) {
            let object = ObjectRef::Constraint(child.id, constraint.id);
            found.push((object, Bond::Normal));
        }
    }
    for index in &table.indexes {
        if index.constraint.is_none() && index.columns().any(|id| id == column) {
            found.push((ObjectRef::Index(id, index.id), Bond::Part));
        }
    }
    for policy in &table.row_security.policies {
        if policy
            .conditions()
            .any(|expr| expr.columns.contains(&column))
        {
            found.push((ObjectRef::Policy(id, policy.id), Bond::Normal));
        }
    }
    owned_sequences(catalog, |t, c| (t, c) == (id, column), found);
}

fn of_type(catalog: &Catalog, id: TypeId, found: &mut Vec<(ObjectRef, Bond)>) {
    for ty in catalog.types().filter(|ty| ty.id != id) {
        if ty
            .parts()
            .any(|part| part.user_type().is_some_and(|user| user.oid == id.0))
        {
            found.push((ObjectRef::Type(ty.id), Bond::Normal));
        }
    }
    for table in catalog.tables() {
        for column in &table.columns {
            if column.ty.user_type().is_some_and(|user| user.oid == id.0) {
                found.push((ObjectRef::Column(table.id, column.id), Bond::Normal));
            }
        }
    }
    for view in catalog.views() {
        let shown = view.columns.iter().any(|column| uses_type(&column.ty, id));
        if shown || view.depends.iter().any(|d| d.relation == id.0) {
            found.push((ObjectRef::View(view.id), Bond::Normal));
        }
    }
    for function in catalog.functions() {
        let mut named = function.types();
        let named = named.any(|ty| ty.user_type().is_some_and(|user| user.oid == id.0));
        if named || function.depends.iter().any(|d| d.relation == id.0) {
            found.push((ObjectRef::Function(function.id), Bond::Normal));
        }
    }
}

/// The object as PostgreSQL's messages name it: `constraint c on table t`.
pub(super) fn describe(catalog: &Catalog, object: ObjectRef) -> String {
    let table = |id: TableId| {
        catalog
            .table_by_id(id)
            .map_or_else(String::new, |t| shown(&t.schema_name, &t.name))
    };
    let column = |id: TableId, column: ColumnId| {
        catalog
            .table_by_id(id)
            .and_then(|t| t.column_by_id(column))
            .map_or_else(String::new, |(_, c)| c.name.clone())
    };
    match object {
        ObjectRef::Schema(id) => {
            let name = catalog.schema_by_id(id).map_or("", |s| &s.name);
            format!("schema {name}")
        }
        ObjectRef::Table(id) => format!("table {}", table(id)),
        ObjectRef::Column(id, c) => format!("column {} of table {}", column(id, c), table(id)),
        ObjectRef::Default(id, c) => format!(
            "default value for column {} of table {}",
            column(id, c),
            table(id)
        ),
        ObjectRef::Constraint(id, constraint) => {
            let name = catalog
                .table_by_id(id)
                .and_then(|t| t.constraint_by_id(constraint))
                .map_or("", |c| &c.name);
            format!("constraint {name} on table {}", table(id))
        }
        ObjectRef::Index(id, index) => {
            let found = catalog.table_by_id(id);
            let name = found.and_then(|t| Some(shown(&t.schema_name, &t.index_by_id(index)?.name)));
            format!("index {}", name.unwrap_or_default())
        }
        ObjectRef::Sequence(id) => {
            let found = catalog.sequence_by_id(id);
            let name = found.map(|s| shown(&s.schema_name, &s.name));
            format!("sequence {}", name.unwrap_or_default())
        }
        ObjectRef::View(id) => {
            let found = catalog.view_by_id(id);
            let name = found.map(|v| shown(&v.schema_name, &v.name));
            format!("view {}", name.unwrap_or_default())
        }
        ObjectRef::Type(id) => {
            let found = catalog.type_by_id(id);
            let name = found.map(|t| shown(&t.schema_name, &t.name));
            format!("type {}", name.unwrap_or_default())
        }
        ObjectRef::Policy(id, policy) => {
            let found = catalog.table_by_id(id);
            let mut policies = found.iter().flat_map(|t| &t.row_security.policies);
            let name = policies.find(|p| p.id == policy).map_or("", |p| &p.name);
            format!("policy {name} on table {}", table(id))
        }
        ObjectRef::Function(id) => match catalog.function_by_id(id) {
            Some(def) => format!("{} {def}", def.kind()),
            None => "function".to_owned(),
        },
    }
}

/// A relation's name, with its schema unless that is the usual one.
fn shown(schema: &str, name: &str) -> String {
    if schema == "public" {
        name.to_owned()
    } else {
        format!("{schema}.{name}")
    }
}
