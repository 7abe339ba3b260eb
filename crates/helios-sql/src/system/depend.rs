//! `pg_depend` and what else tells how objects hang together.

use std::collections::HashMap;

use helios_base::{Row, Value};
use helios_table::catalog::{ConstraintKind, TypeKind};

use super::Ty::{Char, Int4, Oid};
use super::relation::{Relation, pg};
use super::{Source, text};

pub(super) static RELATIONS: &[Relation] = &[pg(
    "pg_depend",
    &[
        ("classid", Oid),
        ("objid", Oid),
        ("objsubid", Int4),
        ("refclassid", Oid),
        ("refobjid", Oid),
        ("refobjsubid", Int4),
        ("deptype", Char),
    ],
    depends,
)];

/// The catalogs that objects are in.
const TYPE: u32 = 1247;
const CLASS: u32 = 1259;
const ATTRDEF: u32 = 2604;
const CONSTRAINT: u32 = 2606;
const NAMESPACE: u32 = 2615;

type Object = (u32, u32, i32);

fn number(column: helios_base::ColumnId) -> i32 {
    i32::try_from(column.0).unwrap_or(i32::MAX)
}

fn depends(source: &Source<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |object: Object, on: Object, kind: &'static str| {
        rows.push(vec![
            Value::Oid(object.0),
            Value::Oid(object.1),
            Value::Int4(object.2),
            Value::Oid(on.0),
            Value::Oid(on.1),
            Value::Int4(on.2),
            text(kind),
        ]);
    };
    // By what a default says that takes its numbers.
    let sequences = source.catalog.sequences();
    let sequences: HashMap<String, u32> = sequences
        .map(|sequence| (sequence.nextval_sql(), sequence.id.0))
        .collect();
    for table in source.catalog.tables() {
        let id = table.id.0;
        add((CLASS, id, 0), (NAMESPACE, table.schema.0, 0), "n");
        for column in &table.columns {
            let place = (CLASS, id, number(column.id));
            if let Some(user) = column.ty.user_type() {
                add(place, (TYPE, user.oid, 0), "n");
            }
            if column.default.is_some() || column.generated.is_some() {
                let default = (ATTRDEF, super::objects::default_oid(table, column), 0);
                add(default, place, "a");
                let written = column.default.as_ref();
                if let Some(sequence) = written.and_then(|sql| sequences.get(sql.as_str())) {
                    add(default, (CLASS, *sequence, 0), "n");
                }
            }
        }
        for index in &table.indexes {
            match index.constraint {
                Some(constraint) => {
                    add((CLASS, index.id.0, 0), (CONSTRAINT, constraint.0, 0), "i");
                }
                None => {
                    for column in index.columns() {
                        add((CLASS, index.id.0, 0), (CLASS, id, number(column)), "a");
                    }
                }
            }
        }
        for constraint in &table.constraints {
            let this = (CONSTRAINT, constraint.id.0, 0);
            for column in super::objects::constrained(table, &constraint.kind) {
                add(this, (CLASS, id, number(column)), "a");
            }
            if let ConstraintKind::ForeignKey(fk) = &constraint.kind {
                add(this, (CLASS, fk.parent_index.0, 0), "n");
                for column in &fk.parent_columns {
                    add(this, (CLASS, fk.parent.0, number(*column)), "n");
                }
            }
        }
    }
    for sequence in source.catalog.sequences() {
        let this = (CLASS, sequence.id.0, 0);
        add(this, (NAMESPACE, sequence.schema.0, 0), "n");
        if let Some((table, column)) = sequence.owned_by {
            let kind = if sequence.identity { "i" } else { "a" };
            add(this, (CLASS, table.0, number(column)), kind);
        }
    }
    for view in source.catalog.views() {
        add((CLASS, view.id.0, 0), (NAMESPACE, view.schema.0, 0), "n");
        for on in &view.depends {
            for column in &on.columns {
                add(
                    (CLASS, view.id.0, 0),
                    (CLASS, on.relation, number(*column)),
                    "n",
                );
            }
            if on.columns.is_empty() {
                add((CLASS, view.id.0, 0), (CLASS, on.relation, 0), "n");
            }
        }
    }
    for ty in source.catalog.types() {
        let this = (TYPE, ty.id.0, 0);
        add(this, (NAMESPACE, ty.schema.0, 0), "n");
        for part in ty.parts() {
            if let Some(user) = part.user_type() {
                add(this, (TYPE, user.oid, 0), "n");
            }
        }
        if let TypeKind::Domain(domain) = &ty.kind {
            for check in &domain.checks {
                add((CONSTRAINT, check.id.0, 0), this, "a");
            }
        }
    }
    rows
}
