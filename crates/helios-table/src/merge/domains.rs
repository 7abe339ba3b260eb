//! Domains that changed: what both sides wrote must satisfy them.

use std::sync::Arc;

use helios_base::{ColumnId, Result, TableId, Value};
use helios_expr::{EvalContext, Expr};

use super::Catalogs;
use crate::catalog::{Catalog, ColumnDef, DomainDef, TableDef, TypeDef, TypeKind, codec};
use crate::transaction::Transaction;

/// Verifies all values of domains that are not what they were in the base.
///
/// # Errors
/// 23502, 23514; what the conditions raise.
pub(super) fn verify(
    transaction: &Transaction,
    catalogs: &Catalogs,
    ctx: &EvalContext<'_>,
) -> Result<()> {
    let catalog = transaction.latest_catalog()?;
    for def in catalog.types() {
        let (TypeKind::Domain(domain), Some(base)) = (&def.kind, catalogs.base.type_by_id(def.id))
        else {
            continue;
        };
        if codec::encode(base.as_ref())? == codec::encode(def.as_ref())? {
            continue;
        }
        let conditions = conditions(transaction, &catalog, def, domain)?;
        transaction.test_domain(def.id, domain.not_null, &mut |value| {
            for condition in &conditions {
                let said = condition.eval(std::slice::from_ref(value), ctx)?;
                // Unknown passes.
                if matches!(said, Value::Bool(false)) {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
    }
    Ok(())
}

/// The conditions over `VALUE`, which is column 0.
fn conditions(
    transaction: &Transaction,
    catalog: &Catalog,
    def: &Arc<TypeDef>,
    domain: &DomainDef,
) -> Result<Vec<Expr>> {
    let Some(schema) = catalog.schema_by_id(def.schema) else {
        return Ok(Vec::new());
    };
    let mut row = TableDef::new(TableId(0), schema, "");
    let value = ColumnDef::new(ColumnId(1), "value", domain.base.clone());
    row.columns.push(value);
    let checks = domain.checks.iter().filter(|check| check.validated);
    let exprs = transaction.tables().exprs();
    let wanted = helios_base::DataType::Bool;
    checks
        .map(|check| exprs.compile(catalog, &row, &check.sql, Some(&wanted)))
        .collect()
}
