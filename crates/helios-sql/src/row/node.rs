//! Compiled plans: what the operators run. Immutable and shared by all that run the same statement.

use std::sync::Arc;

use helios_base::DataType;
use helios_expr::Expr;

use super::dml::Change;
use super::scan::ScanNode;
use crate::files::FileSet;
use crate::plan::{
    AggregateCall, CteId, JoinKind, RowLock, SetOpKind, SortKey, TableFunctionCall, WindowCall,
};

/// One operator with its inputs. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Empty,
    OneRow,
    Values(Arc<Vec<Vec<Expr>>>),
    Scan(Arc<ScanNode>),
    FileScan(Arc<FileScanNode>),
    Filter(Arc<FilterNode>),
    Project(Arc<ProjectNode>),
    ProjectSet(Arc<ProjectSetNode>),
    NestedLoop(Arc<NestedLoopNode>),
    HashJoin(Arc<HashJoinNode>),
    Aggregate(Arc<AggregateNode>),
    Window(Arc<WindowNode>),
    Sort(Arc<SortNode>),
    Limit(Arc<LimitNode>),
    Distinct(Arc<DistinctNode>),
    SetOp(Arc<SetOpNode>),
    With(Arc<WithNode>),
    CteRef(CteId),
    Recursive(Arc<RecursiveNode>),
    WorkTable(CteId),
    TableFunction(Arc<TableFunctionNode>),
    LockRows(Arc<LockRowsNode>),
    /// Only as a common table expression.
    Change(Arc<Change>),
}

pub(crate) struct FileScanNode {
    pub(crate) files: Arc<FileSet>,
    /// The files' columns read, by number.
    pub(crate) reads: Vec<usize>,
}

impl std::fmt::Debug for FileScanNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileScanNode")
            .field("path", &self.files.pattern)
            .field("reads", &self.reads)
            .finish()
    }
}

#[derive(Debug)]
pub(crate) struct FilterNode {
    pub(crate) input: Node,
    pub(crate) predicate: Expr,
}

#[derive(Debug)]
pub(crate) struct ProjectNode {
    pub(crate) input: Node,
    pub(crate) exprs: Vec<Expr>,
    /// The short form, if it does nothing but choose columns of a table.
    pub(crate) picked: Option<Picked>,
}

/// Columns of a scan, which can make its rows of them without making its own rows first.
#[derive(Clone, Debug)]
pub(crate) struct Picked {
    pub(crate) scan: Arc<ScanNode>,
    /// Positions in the table.
    pub(crate) columns: Arc<[usize]>,
}

impl ProjectNode {
    pub(crate) fn new(input: Node, exprs: Vec<Expr>) -> Self {
        Self {
            picked: Picked::of(&input, &exprs),
            input,
            exprs,
        }
    }

    /// The projection of `input`, made below its limit if that lets a scan make the rows: how many
    /// there are does not depend on their columns.
    pub(crate) fn over(input: Node, exprs: Vec<Expr>) -> Node {
        if let Node::Limit(limit) = &input
            && limit.ties.is_empty()
        {
            let below = Self::new(limit.input.clone(), exprs.clone());
            if below.picked.is_some() {
                return Node::Limit(Arc::new(LimitNode {
                    input: Node::Project(Arc::new(below)),
                    limit: limit.limit.clone(),
                    offset: limit.offset.clone(),
                    ties: Vec::new(),
                }));
            }
        }
        Node::Project(Arc::new(Self::new(input, exprs)))
    }
}

impl Picked {
    /// What `exprs` choose of `input`, if that is a scan or itself only a choice.
    fn of(input: &Node, exprs: &[Expr]) -> Option<Self> {
        let (scan, from) = match input {
            // Keys are for those who change or lock rows, whole ones; versions have columns of their own.
            Node::Scan(scan) if !scan.key && scan.versions.is_none() => {
                (scan, scan.reads.as_slice())
            }
            Node::Project(inner) => {
                let picked = inner.picked.as_ref()?;
                (&picked.scan, &*picked.columns)
            }
            _ => return None,
        };
        let columns = exprs.iter().map(|expr| match expr {
            Expr::Column { index, .. } => from.get(*index).copied(),
            _ => None,
        });
        Some(Self {
            columns: columns.collect::<Option<_>>()?,
            scan: scan.clone(),
        })
    }
}

#[derive(Debug)]
pub(crate) struct ProjectSetNode {
    pub(crate) input: Node,
    pub(crate) calls: Vec<TableFunctionCall>,
}

/// Every left row with every right row.
#[derive(Debug)]
pub(crate) struct NestedLoopNode {
    pub(crate) kind: JoinKind,
    pub(crate) left: Node,
    pub(crate) right: Node,
    pub(crate) on: Vec<Expr>,
    pub(crate) left_width: usize,
    pub(crate) right_width: usize,
    /// The right side's frame, computed from each left row; `None`: the right side runs once.
    pub(crate) lateral: Option<Vec<Expr>>,
}

/// Left rows with the right rows of equal keys.
#[derive(Debug)]
pub(crate) struct HashJoinNode {
    pub(crate) kind: JoinKind,
    pub(crate) left: Node,
    pub(crate) right: Node,
    pub(crate) left_keys: Vec<Expr>,
    pub(crate) right_keys: Vec<Expr>,
    /// What else must be true, over both sides' columns.
    pub(crate) residual: Vec<Expr>,
    pub(crate) left_width: usize,
    pub(crate) right_width: usize,
}

#[derive(Debug)]
pub(crate) struct AggregateNode {
    pub(crate) input: Node,
    pub(crate) groups: Vec<Expr>,
    pub(crate) sets: Vec<Vec<usize>>,
    pub(crate) calls: Vec<AggregateCall>,
    pub(crate) groupings: Vec<Vec<usize>>,
}

#[derive(Debug)]
pub(crate) struct WindowNode {
    pub(crate) input: Node,
    pub(crate) partition_by: Vec<SortKey>,
    pub(crate) order_by: Vec<SortKey>,
    pub(crate) calls: Vec<WindowCall>,
}

#[derive(Debug)]
pub(crate) struct SortNode {
    pub(crate) input: Node,
    pub(crate) keys: Vec<SortKey>,
}

#[derive(Debug)]
pub(crate) struct LimitNode {
    pub(crate) input: Node,
    pub(crate) limit: Option<Expr>,
    pub(crate) offset: Option<Expr>,
    pub(crate) ties: Vec<SortKey>,
}

#[derive(Debug)]
pub(crate) struct DistinctNode {
    pub(crate) input: Node,
    /// `DISTINCT ON`; empty for whole rows.
    pub(crate) on: Vec<Expr>,
    /// Types of the input's columns.
    pub(crate) types: Vec<DataType>,
}

#[derive(Debug)]
pub(crate) struct SetOpNode {
    pub(crate) kind: SetOpKind,
    pub(crate) all: bool,
    pub(crate) left: Node,
    pub(crate) right: Node,
    pub(crate) types: Vec<DataType>,
}

#[derive(Debug)]
pub(crate) struct WithNode {
    pub(crate) ctes: Vec<(CteId, Node)>,
    pub(crate) input: Node,
}

#[derive(Debug)]
pub(crate) struct RecursiveNode {
    pub(crate) id: CteId,
    pub(crate) anchor: Node,
    pub(crate) step: Node,
    pub(crate) all: bool,
    pub(crate) types: Vec<DataType>,
}

#[derive(Debug)]
pub(crate) struct TableFunctionNode {
    pub(crate) calls: Vec<TableFunctionCall>,
    pub(crate) ordinality: bool,
}

#[derive(Debug)]
pub(crate) struct LockRowsNode {
    pub(crate) input: Node,
    pub(crate) locks: Vec<RowLock>,
}
