//! Statements about functions and procedures, and calls that run their statements one by one.

use std::sync::Arc;

use helios_base::DataType;
use helios_table::catalog::{
    FunctionArg, FunctionBody, FunctionDef, FunctionOptions, FunctionVolatility, Returns,
};

use super::{Cascade, Plan, PlanColumn, QualifiedName, TableRef};
use crate::parse::Parsed;
use crate::parse::ast::RoutineKind;

/// `CREATE FUNCTION`, `CREATE PROCEDURE`.
#[derive(Clone, Debug)]
pub struct CreateFunction {
    /// Name.
    pub name: QualifiedName,
    /// `OR REPLACE`.
    pub or_replace: bool,
    /// `CREATE PROCEDURE`.
    pub procedure: bool,
    /// Arguments.
    pub args: Vec<FunctionArg>,
    /// What it gives back.
    pub returns: Returns,
    /// What it does.
    pub body: FunctionBody,
    /// `SET search_path`.
    pub search_path: Option<Vec<String>>,
    /// How it may be called.
    pub options: FunctionOptions,
    /// What a body that is not text reads.
    pub depends: Vec<TableRef>,
}

/// A function as statements name it. Resolved by the executor, in its transaction.
#[derive(Clone, Debug)]
pub struct FunctionName {
    /// What kind.
    pub kind: RoutineKind,
    /// Name.
    pub name: QualifiedName,
    /// The types of its arguments, if they were written.
    pub args: Option<Vec<DataType>>,
}

/// `ALTER FUNCTION`, `ALTER PROCEDURE`.
#[derive(Clone, Debug)]
pub struct AlterFunction {
    /// Which.
    pub function: FunctionName,
    /// What changes.
    pub change: FunctionChange,
}

/// A change of a function.
#[derive(Clone, Debug)]
pub enum FunctionChange {
    /// `RENAME TO`
    Rename(String),
    /// `SET SCHEMA`
    SetSchema(String),
    /// Options; what was not written stays.
    Options(OptionChanges),
}

/// Options that were written.
#[derive(Clone, Debug, Default)]
pub struct OptionChanges {
    /// `IMMUTABLE`, …
    pub volatility: Option<FunctionVolatility>,
    /// `STRICT`
    pub strict: Option<bool>,
    /// `SECURITY`
    pub security_definer: Option<bool>,
    /// `LEAKPROOF`
    pub leakproof: Option<bool>,
    /// `PARALLEL`
    pub parallel: Option<char>,
    /// `COST`
    pub cost: Option<f64>,
    /// `ROWS`
    pub rows: Option<f64>,
    /// `SET search_path`
    pub search_path: Option<Option<Vec<String>>>,
    /// `RESET ALL`
    pub reset_all: bool,
    /// `SET` of others, in order; without value `RESET`.
    pub settings: Vec<(String, Option<String>)>,
}

impl OptionChanges {
    /// Makes the changes; `search_path` is apart.
    pub fn apply(&self, options: &mut FunctionOptions) {
        options.volatility = self.volatility.unwrap_or(options.volatility);
        options.strict = self.strict.unwrap_or(options.strict);
        options.security_definer = self.security_definer.unwrap_or(options.security_definer);
        options.leakproof = self.leakproof.unwrap_or(options.leakproof);
        options.parallel = self.parallel.unwrap_or(options.parallel);
        options.cost = self.cost.or(options.cost);
        options.rows = self.rows.or(options.rows);
        if self.reset_all {
            options.settings.clear();
        }
        for (name, value) in &self.settings {
            let place = options.settings.iter_mut().find(|(known, _)| known == name);
            match (place, value) {
                (Some((_, known)), Some(value)) => known.clone_from(value),
                (None, Some(value)) => options.settings.push((name.clone(), value.clone())),
                (_, None) => options.settings.retain(|(known, _)| known != name),
            }
        }
    }
}

/// `DROP FUNCTION`, `DROP PROCEDURE`.
#[derive(Clone, Debug)]
pub struct DropFunction {
    /// Which.
    pub functions: Vec<FunctionName>,
    /// A missing one is a notice, not an error.
    pub if_exists: bool,
    /// With what depends on it.
    pub cascade: Cascade,
}

/// `COMMENT ON FUNCTION`.
#[derive(Clone, Debug)]
pub struct CommentFunction {
    /// Which.
    pub function: FunctionName,
    /// The text; `None` removes it.
    pub text: Option<String>,
}

/// A call that stands alone, whose statements run one after the other: `CALL p(…)`, and
/// `SELECT f(…)` or `SELECT * FROM f(…)` of a function that changes rows or has several statements.
#[derive(Clone, Debug)]
pub struct Routine {
    /// The function or procedure.
    pub def: Arc<FunctionDef>,
    /// One row: the arguments.
    pub args: Plan,
    /// Its statements.
    pub statements: Vec<RoutineStatement>,
    /// The type of each column of the last statement's rows, as declared.
    pub results: Vec<DataType>,
    /// Whether several results make one value.
    pub as_record: bool,
    /// The columns of its rows; `None`: it gives none.
    pub columns: Option<Vec<PlanColumn>>,
    /// Whether a statement may change anything.
    pub writes: bool,
}

/// A statement of a function's body.
#[derive(Clone, Debug)]
pub struct RoutineStatement {
    /// The text that positions refer to.
    pub source: Arc<str>,
    /// The statement.
    pub parsed: Parsed,
    /// A text that no other statement has, for caches of plans.
    pub key: Arc<str>,
}
