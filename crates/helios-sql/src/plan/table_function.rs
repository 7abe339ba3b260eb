//! Functions that return rows.

use helios_base::DataType;
use helios_expr::{Expr, SetFunction};

use super::PlanColumn;

/// Functions in `FROM`: several run in lock step (`ROWS FROM`), the shorter padded with `NULL`.
#[derive(Clone, Debug)]
pub struct TableFunction {
    /// Not empty. The arguments have no columns, but may read the frame.
    pub calls: Vec<TableFunctionCall>,
    /// `WITH ORDINALITY`: a last column of type `bigint`, counted from 1.
    pub ordinality: bool,
    /// The output columns: those of each call in turn, then the ordinality.
    pub columns: Vec<PlanColumn>,
}

/// One call of a function that returns rows.
#[derive(Clone)]
pub struct TableFunctionCall {
    /// The function; `None`: a scalar expression in the place of a table, the only one in `args`,
    /// which yields one row.
    pub function: Option<&'static SetFunction>,
    /// A function of the system, in place of `function`: the session answers it.
    pub(crate) system: Option<&'static crate::system::functions::SystemFunction>,
    /// The arguments, converted to the function's types.
    pub args: Vec<Expr>,
    /// The type that the call's result resolved to; several columns: `record`.
    pub ty: DataType,
    /// The types of the columns that this call yields.
    pub columns: Vec<DataType>,
    /// Whether the function's columns become one, a row value.
    pub as_record: bool,
}

impl std::fmt::Debug for TableFunctionCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TableFunctionCall")
            .field("function", &self.function.map(SetFunction::name))
            .field("args", &self.args)
            .field("columns", &self.columns)
            .finish()
    }
}
