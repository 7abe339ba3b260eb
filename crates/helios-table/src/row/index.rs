//! The entries that a row has in an ordered index.

use std::sync::{Arc, LazyLock};

use helios_base::key::{self, KeyOrder};
use helios_base::{DataType, Error, IndexId, Result, TextContext, Value};
use helios_expr::{EvalContext, Expr, NoSession};

use super::rules::TableExprs;
use crate::catalog::{Catalog, IndexDef, KeySource, TableDef};

/// An index with its expressions compiled.
///
/// An entry is the keys, each self-delimiting, followed by the stored key of the row. A NULL in
/// the keys is an entry like any other.
#[derive(Debug)]
pub struct IndexRules {
    /// The definition.
    pub def: Arc<IndexDef>,
    keys: Vec<Key>,
    predicate: Option<Expr>,
    /// Positions of the columns that keys and predicate read, ascending.
    reads: Vec<usize>,
}

#[derive(Debug)]
struct Key {
    source: KeyPart,
    ty: DataType,
    order: KeyOrder,
}

/// What a key of an index is made of.
#[derive(Debug)]
pub enum KeyPart {
    /// The column at this position of the table.
    Column(usize),
    /// An expression over the table's columns.
    Expr(Expr),
}

/// Index expressions and predicates are immutable functions of the row, so they see no session.
pub(crate) fn index_context() -> EvalContext<'static> {
    static TEXT: LazyLock<TextContext> = LazyLock::new(TextContext::default);
    EvalContext::new(&NoSession, &TEXT)
}

impl IndexRules {
    pub(crate) fn new(
        catalog: &Catalog,
        table: &TableDef,
        def: &Arc<IndexDef>,
        exprs: &dyn TableExprs,
    ) -> Result<Self> {
        let missing = || {
            Error::internal(format!(
                "index \"{}\" reads a column that is not there",
                def.name
            ))
        };
        let mut reads = Vec::new();
        for id in def.columns() {
            reads.push(table.position(id).ok_or_else(missing)?);
        }
        reads.sort_unstable();
        reads.dedup();
        let keys = def
            .keys
            .iter()
            .map(|key| {
                let order = KeyOrder {
                    descending: key.descending,
                    nulls_first: key.nulls_first,
                };
                let (source, ty) = match &key.source {
                    KeySource::Column(id) => {
                        let (position, column) = table.column_by_id(*id).ok_or_else(missing)?;
                        (KeyPart::Column(position), column.ty.clone())
                    }
                    KeySource::Expression { expr, ty } => {
                        let compiled = exprs.compile(catalog, table, &expr.sql, Some(ty))?;
                        (KeyPart::Expr(compiled), ty.clone())
                    }
                };
                Ok(Key { source, ty, order })
            })
            .collect::<Result<_>>()?;
        let predicate = match &def.predicate {
            Some(p) => Some(exprs.compile(catalog, table, &p.sql, Some(&DataType::Bool))?),
            None => None,
        };
        Ok(Self {
            def: def.clone(),
            keys,
            predicate,
            reads,
        })
    }

    /// Where the entries are.
    #[must_use]
    pub fn storage(&self) -> IndexId {
        self.def.storage
    }

    /// Positions of the columns that decide about a row's entry, ascending.
    #[must_use]
    pub fn reads(&self) -> &[usize] {
        &self.reads
    }

    /// The condition of a partial index.
    #[must_use]
    pub const fn predicate(&self) -> Option<&Expr> {
        self.predicate.as_ref()
    }

    /// The type and order of each key.
    pub fn key_types(&self) -> impl ExactSizeIterator<Item = (&DataType, KeyOrder)> {
        self.keys.iter().map(|key| (&key.ty, key.order))
    }

    /// What each key is made of.
    pub fn parts(&self) -> impl ExactSizeIterator<Item = &KeyPart> {
        self.keys.iter().map(|key| &key.source)
    }

    /// The first key of `row`; `None` if the predicate keeps the row out of the index. Only the columns of
    /// [`Self::reads`] need be there.
    ///
    /// # Errors
    /// What the index expressions raise.
    pub fn first_key(&self, row: &[Value]) -> Result<Option<Value>> {
        if let Some(predicate) = &self.predicate
            && !predicate.eval_condition(row, &index_context())?
        {
            return Ok(None);
        }
        match self.keys.first().map(|key| &key.source) {
            Some(KeyPart::Column(position)) => Ok(row.get(*position).cloned()),
            Some(KeyPart::Expr(expr)) => expr.eval(row, &index_context()).map(Some),
            None => Ok(None),
        }
    }

    /// Appends the keys of `row` to `out`. Only the columns of [`Self::reads`] need be there.
    /// False, and nothing appended, if the predicate keeps the row out of the index.
    ///
    /// # Errors
    /// What the index expressions raise.
    pub fn encode_keys(&self, row: &[Value], out: &mut Vec<u8>) -> Result<bool> {
        if let Some(predicate) = &self.predicate
            && !predicate.eval_condition(row, &index_context())?
        {
            return Ok(false);
        }
        for key in &self.keys {
            match &key.source {
                KeyPart::Column(position) => {
                    let value = row.get(*position).unwrap_or(&Value::Null);
                    key::encode(value, &key.ty, key.order, out)?;
                }
                KeyPart::Expr(expr) => {
                    let value = expr.eval(row, &index_context())?;
                    key::encode(&value, &key.ty, key.order, out)?;
                }
            }
        }
        Ok(true)
    }

    /// The values of the keys of `row`.
    ///
    /// # Errors
    /// What the index expressions raise.
    pub fn key_values(&self, row: &[Value]) -> Result<Vec<Value>> {
        self.keys
            .iter()
            .map(|key| match &key.source {
                KeyPart::Column(position) => Ok(row.get(*position).cloned().unwrap_or(Value::Null)),
                KeyPart::Expr(expr) => expr.eval(row, &index_context()),
            })
            .collect()
    }

    /// Whether any key of `row` is NULL.
    ///
    /// # Errors
    /// What the index expressions raise.
    pub fn has_null(&self, row: &[Value]) -> Result<bool> {
        for key in &self.keys {
            let null = match &key.source {
                KeyPart::Column(position) => row.get(*position).is_none_or(Value::is_null),
                KeyPart::Expr(expr) => expr.eval(row, &index_context())?.is_null(),
            };
            if null {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Splits an entry into its keys and the stored key of its row.
    ///
    /// # Errors
    /// `Corrupt` if the bytes are not an entry of this index.
    #[inline]
    pub fn split<'a>(&self, entry: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
        let mut rest = entry;
        for key in &self.keys {
            key::skip(&mut rest, &key.ty, key.order)?;
        }
        Ok(entry.split_at(entry.len() - rest.len()))
    }
}
