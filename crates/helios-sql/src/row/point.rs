//! The short way for a lookup by key: parameters to key bytes, one read, the wanted columns.
//!
//! A prepared `SELECT … WHERE key = $1` meets no operator and no expression tree: its parameters
//! are put into the key, and the columns are decoded into the result.

use std::sync::Arc;

use helios_base::key::{self, KeyOrder};
use helios_base::{DataType, Result, Row, Value};
use helios_expr::Expr;
use helios_table::catalog::TableDef;
use helios_table::row::StoredRow;
use helios_version::Read;

use super::node::Node;
use super::scan::{Fit, Path, ScanNode, fit};
use crate::plan::{At, MomentId};

/// A query that is nothing but a point lookup and a choice of columns.
#[derive(Debug)]
pub(crate) struct PointSelect {
    table: Arc<TableDef>,
    key: PointKey,
    /// Positions in the table of the columns that come out.
    columns: Vec<usize>,
    /// When, if not now.
    pub(crate) at: Option<MomentId>,
}

/// The key of one row, made of parameters and constants.
#[derive(Debug)]
pub(crate) struct PointKey {
    /// The parts of the key with their types, in key order.
    parts: Vec<(Part, DataType)>,
}

#[derive(Debug)]
enum Part {
    Param(usize),
    Value(Value),
}

impl PointKey {
    /// The key that `scan` looks up, if it looks up one and asks nothing else of its row.
    pub(crate) fn of(scan: &ScanNode) -> Option<Self> {
        let Path::Key(reach) = &scan.path else {
            return None;
        };
        if !scan.filters.is_empty() || scan.versions.is_some() {
            return None;
        }
        let types = scan.table.shape().key_columns();
        let parts = reach
            .as_point()?
            .zip(types)
            .map(|(expr, (_, ty))| {
                let part = match expr {
                    Expr::Param { index, .. } => Part::Param(*index),
                    Expr::Literal(value, _) => Part::Value(value.clone()),
                    _ => return None,
                };
                Some((part, ty.clone()))
            })
            .collect::<Option<_>>()?;
        Some(Self { parts })
    }

    /// Puts the stored key into `bytes`. False if no row can have it.
    pub(crate) fn encode(&self, params: &[Value], bytes: &mut Vec<u8>) -> Result<bool> {
        bytes.clear();
        for (part, ty) in &self.parts {
            let value = match part {
                Part::Param(index) => params.get(*index).unwrap_or(&Value::Null),
                Part::Value(value) => value,
            };
            if is_of(value, ty) {
                key::encode(value, ty, KeyOrder::ASC, bytes)?;
                continue;
            }
            match fit(value.clone(), ty) {
                Fit::Value(value) => key::encode(&value, ty, KeyOrder::ASC, bytes)?,
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// Whether a value of a key is of the usual types as it is.
#[inline]
fn is_of(value: &Value, ty: &DataType) -> bool {
    matches!(
        (value, ty),
        (Value::Int8(_), DataType::Int8)
            | (Value::Int4(_), DataType::Int4)
            | (Value::Text(_), DataType::Text)
            | (Value::Uuid(_), DataType::Uuid)
    )
}

impl PointSelect {
    /// The lookup that `node` is, if it is one.
    pub(crate) fn new(node: &Node) -> Option<Self> {
        let (scan, exprs) = match node {
            Node::Scan(scan) => (scan, None),
            Node::Project(project) => match &project.input {
                Node::Scan(scan) => (scan, Some(&project.exprs)),
                _ => return None,
            },
            _ => return None,
        };
        if scan.key {
            return None;
        }
        let at = match &scan.at {
            None => None,
            Some(At::Moment(id, _)) => Some(*id),
            Some(At::Row(..)) => return None,
        };
        let key = PointKey::of(scan)?;
        let columns = match exprs {
            None => scan.reads.clone(),
            Some(exprs) => exprs
                .iter()
                .map(|expr| match expr {
                    Expr::Column { index, .. } => scan.reads.get(*index).copied(),
                    _ => None,
                })
                .collect::<Option<_>>()?,
        };
        Some(Self {
            table: scan.table.clone(),
            key,
            columns,
            at,
        })
    }

    /// The row, if it is there. `bytes` is scratch for its key.
    pub(crate) fn run<R: Read + ?Sized>(
        &self,
        read: &R,
        params: &[Value],
        bytes: &mut Vec<u8>,
    ) -> Result<Option<Row>> {
        if !self.key.encode(params, bytes)? {
            return Ok(None);
        }
        let mut found = None;
        read.show(self.table.storage, bytes, &mut |row| {
            let stored = StoredRow::from_ref(self.table.shape(), row)?;
            let mut row = Row::with_capacity(self.columns.len());
            stored.project(&self.columns, &mut row)?;
            found = Some(row);
            Ok(())
        })?;
        Ok(found)
    }
}
