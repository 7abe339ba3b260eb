//! Common table expressions, recursive ones among them.

use std::collections::HashSet;
use std::sync::Arc;

use helios_base::{Result, Row};

use super::super::ctes::{Found, SharedRows};
use super::super::keys::row_key;
use super::super::memory::{Held, values_bytes};
use super::super::node::{Node, RecursiveNode, WithNode};
use super::{BoxOperator, Cx, Operator, collect, open};
use crate::plan::CteId;

/// Announces the expressions of a `WITH`, to be computed when they are read, and starts its query.
pub(super) fn open_with(node: &Arc<WithNode>, cx: &Cx<'_>) -> Result<BoxOperator> {
    for (id, cte) in &node.ctes {
        match cte {
            Node::Change(change) => cx.exec.changing.announce(*id, change),
            query => {
                if cx.exec.ctes.announce(*id, query, cx.frame) {
                    // Subqueries may have read what the earlier run computed.
                    cx.exec.forget();
                }
            }
        }
    }
    open(&node.input, cx)
}

/// A reader of a common table expression's rows.
pub(super) struct CteRef {
    id: CteId,
    source: Option<Source>,
    next: usize,
}

enum Source {
    Shared(SharedRows),
    Whole(Arc<Vec<Row>>),
}

impl CteRef {
    pub(super) fn new(id: CteId) -> Self {
        Self {
            id,
            source: None,
            next: 0,
        }
    }
}

impl Operator for CteRef {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        let index = self.next;
        self.next += 1;
        loop {
            match &self.source {
                Some(Source::Whole(rows)) => return Ok(rows.get(index).cloned()),
                Some(Source::Shared(rows)) => match rows.get(index, cx)? {
                    Found::Row(row) => return Ok(row),
                    Found::Whole(rows) => self.source = Some(Source::Whole(rows)),
                },
                None => {
                    self.source = Some(match cx.exec.returned_by(self.id)? {
                        Some(rows) => Source::Whole(rows),
                        None => Source::Shared(cx.exec.ctes.get(self.id)?),
                    });
                }
            }
        }
    }
}

/// Runs the step over its own result until nothing new comes.
pub(super) struct Recursive {
    node: Arc<RecursiveNode>,
    started: bool,
    current: std::vec::IntoIter<Row>,
    /// The rows put out since the last step: the next working table.
    working: Vec<Row>,
    seen: HashSet<Vec<helios_base::Value>>,
    /// What the rows of the last step take, which are the next working table as well.
    held: Held,
    seen_held: Held,
}

impl Recursive {
    pub(super) fn open(node: &Arc<RecursiveNode>) -> Self {
        Self {
            node: node.clone(),
            started: false,
            current: Vec::new().into_iter(),
            working: Vec::new(),
            seen: HashSet::new(),
            held: Held::default(),
            seen_held: Held::default(),
        }
    }

    /// Whether the row was not there before.
    fn is_new(&mut self, row: &Row, cx: &Cx<'_>) -> Result<bool> {
        if self.node.all {
            return Ok(true);
        }
        let key = row_key(row, &self.node.types);
        let bytes = values_bytes(&key);
        let new = self.seen.insert(key);
        if new {
            self.seen_held.grow(bytes, cx)?;
        }
        Ok(new)
    }
}

impl Operator for Recursive {
    fn next(&mut self, cx: &Cx<'_>) -> Result<Option<Row>> {
        loop {
            while let Some(row) = self.current.next() {
                if self.is_new(&row, cx)? {
                    self.working.push(row.clone());
                    return Ok(Some(row));
                }
            }
            cx.exec.interrupt.check()?;
            if !self.started {
                self.started = true;
                self.current = collect(&self.node.anchor, &mut self.held, cx)?.into_iter();
            } else if self.working.is_empty() {
                return Ok(None);
            } else {
                let working = Arc::new(std::mem::take(&mut self.working));
                let outer = cx.exec.ctes.set_working(self.node.id, Some(working));
                let mut held = Held::default();
                let rows = collect(&self.node.step, &mut held, cx);
                cx.exec.ctes.set_working(self.node.id, outer);
                self.current = rows?.into_iter();
                self.held = held;
            }
        }
    }
}

/// What the previous step found.
pub(super) struct WorkTable {
    rows: Arc<Vec<Row>>,
    next: usize,
}

impl WorkTable {
    pub(super) fn open(id: CteId, cx: &Cx<'_>) -> Self {
        Self {
            rows: cx.exec.ctes.working(id),
            next: 0,
        }
    }
}

impl Operator for WorkTable {
    fn next(&mut self, _cx: &Cx<'_>) -> Result<Option<Row>> {
        let row = self.rows.get(self.next).cloned();
        self.next += 1;
        Ok(row)
    }
}
