//! Statements about functions and procedures, as written.

use helios_table::catalog::{ArgMode, FunctionVolatility};

use super::{Call, Ident, Name, Pos, Span, Statement, TextExpr, TypeName};
use crate::plan::Cascade;

/// `CREATE FUNCTION`, `CREATE PROCEDURE`
#[derive(Clone, Debug)]
pub struct CreateFunction {
    /// Name.
    pub name: Name,
    /// `OR REPLACE`
    pub or_replace: bool,
    /// `PROCEDURE`
    pub procedure: bool,
    /// Arguments.
    pub args: Vec<FunctionArg>,
    /// `RETURNS`
    pub returns: Option<FunctionReturns>,
    /// `AS`, `RETURN` or `BEGIN ATOMIC`
    pub body: Option<FunctionBody>,
    /// Everything else, in order.
    pub options: Vec<(FunctionOption, Pos)>,
}

/// An argument of a function.
#[derive(Clone, Debug)]
pub struct FunctionArg {
    /// `IN`, `OUT`, …
    pub mode: ArgMode,
    /// Name.
    pub name: Option<Ident>,
    /// Type.
    pub ty: TypeName,
    /// `DEFAULT`
    pub default: Option<TextExpr>,
}

/// `RETURNS`
#[derive(Clone, Debug)]
pub enum FunctionReturns {
    /// `[SETOF] type`
    Type {
        /// `SETOF`
        set: bool,
        /// The type.
        ty: TypeName,
    },
    /// `TABLE (columns)`
    Table(Vec<(Ident, TypeName)>),
}

/// What a function does.
#[derive(Clone, Debug)]
pub enum FunctionBody {
    /// `AS '…'`
    Text(String, Pos),
    /// `RETURN expression`
    Return(TextExpr),
    /// `BEGIN ATOMIC … END`
    Atomic(Vec<(Statement, Span)>),
}

/// An option of a function.
#[derive(Clone, Debug)]
pub enum FunctionOption {
    /// `LANGUAGE`
    Language(String),
    /// `IMMUTABLE`, `STABLE`, `VOLATILE`
    Volatility(FunctionVolatility),
    /// `STRICT`, `CALLED ON NULL INPUT`
    Strict(bool),
    /// `SECURITY DEFINER`, `SECURITY INVOKER`
    Security(bool),
    /// `[NOT] LEAKPROOF`
    Leakproof(bool),
    /// `PARALLEL`
    Parallel(String),
    /// `COST`
    Cost(f64),
    /// `ROWS`
    Rows(f64),
    /// `SET search_path`, with `RESET` and `SET … TO DEFAULT` as none.
    SearchPath(Option<Vec<String>>),
    /// `SET` of another setting, with `RESET` and `SET … TO DEFAULT` as none.
    Setting(String, Option<FunctionSetting>),
    /// `RESET ALL`
    ResetAll,
}

/// What a function's `SET` gives a setting.
#[derive(Clone, Debug)]
pub enum FunctionSetting {
    /// `TO values`
    To(Vec<String>),
    /// `FROM CURRENT`
    Current,
}

/// A function as `DROP`, `ALTER` and `COMMENT` name it.
#[derive(Clone, Debug)]
pub struct FunctionName {
    /// Name.
    pub name: Name,
    /// The types of its arguments; not needed if the name alone tells.
    pub args: Option<Vec<(ArgMode, TypeName)>>,
}

/// `FUNCTION`, `PROCEDURE` or `ROUTINE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoutineKind {
    /// `FUNCTION`
    Function,
    /// `PROCEDURE`
    Procedure,
    /// `ROUTINE`: either.
    Routine,
}

/// `DROP FUNCTION`
#[derive(Clone, Debug)]
pub struct DropFunction {
    /// What kind.
    pub kind: RoutineKind,
    /// Which.
    pub functions: Vec<FunctionName>,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// `CASCADE`
    pub cascade: Cascade,
}

/// `ALTER FUNCTION`
#[derive(Clone, Debug)]
pub struct AlterFunction {
    /// What kind.
    pub kind: RoutineKind,
    /// Which.
    pub function: FunctionName,
    /// What changes.
    pub change: FunctionChange,
}

/// A change of a function.
#[derive(Clone, Debug)]
pub enum FunctionChange {
    /// `RENAME TO`
    Rename(Ident),
    /// `SET SCHEMA`
    SetSchema(Ident),
    /// Options.
    Options(Vec<(FunctionOption, Pos)>),
}

/// `COMMENT ON FUNCTION`
#[derive(Clone, Debug)]
pub struct CommentFunction {
    /// What kind.
    pub kind: RoutineKind,
    /// Which.
    pub function: FunctionName,
    /// The text; `None` removes it.
    pub text: Option<String>,
}

/// `CALL`
#[derive(Clone, Debug)]
pub struct CallProcedure {
    /// The procedure with its arguments.
    pub call: Call,
    /// Where.
    pub pos: Pos,
}
