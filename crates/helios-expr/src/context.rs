//! What an expression can see besides its row: parameters, clock, session, subqueries.

use helios_base::{DataType, Error, Result, TextContext, UserType, Value};

use crate::expr::SubplanKind;

/// Everything evaluation needs apart from the row. Cheap to copy; one per statement execution.
#[derive(Clone, Copy)]
pub struct EvalContext<'a> {
    /// Statement parameters; `$1` is the first.
    pub params: &'a [Value],
    /// Rows of the enclosing queries, innermost first, for [`crate::Expr::Outer`].
    pub outer: &'a [&'a [Value]],
    /// Start of the transaction in microseconds since 1970 UTC: `now()`.
    pub transaction_time: i64,
    /// Start of the statement in microseconds since 1970 UTC: `statement_timestamp()`.
    pub statement_time: i64,
    /// Time zone and output settings.
    pub text: &'a TextContext,
    /// The session.
    pub session: &'a dyn SessionHooks,
    /// Runs subqueries, where the executor allows them in expressions.
    pub subplans: Option<&'a dyn Subplans>,
}

impl<'a> EvalContext<'a> {
    /// A context without parameters and subqueries; its clock stands at `text.now`.
    #[must_use]
    pub fn new(session: &'a dyn SessionHooks, text: &'a TextContext) -> Self {
        Self {
            params: &[],
            outer: &[],
            transaction_time: text.now,
            statement_time: text.now,
            text,
            session,
            subplans: None,
        }
    }
}

/// Runs subqueries that stand inside expressions.
pub trait Subplans {
    /// The value of subplan `id` for these arguments (correlated values, and for `IN` and
    /// quantified comparisons the left operand last).
    ///
    /// # Errors
    /// Whatever the subquery raises; more than one row for a scalar is `21000`.
    fn run(
        &self,
        id: u32,
        kind: SubplanKind,
        args: &[Value],
        ctx: &EvalContext<'_>,
    ) -> Result<Value>;
}

/// What functions ask of the session. Every method has a default that suits constant folding and
/// tests: facts that are not known are errors, never invented.
pub trait SessionHooks: Send + Sync {
    /// `current_user`.
    fn current_user(&self) -> std::sync::Arc<str> {
        "heliosdb".into()
    }
    /// `session_user`.
    fn session_user(&self) -> std::sync::Arc<str> {
        self.current_user()
    }
    /// `current_database()`.
    fn current_database(&self) -> &str {
        "heliosdb"
    }
    /// The branch the session is on.
    fn current_branch(&self) -> String {
        "main".to_owned()
    }
    /// Whether another branch may be read by whoever runs the statement.
    ///
    /// # Errors
    /// `42501` if not.
    fn check_branch_read(&self, _branch: helios_base::BranchId) -> Result<()> {
        Ok(())
    }
    /// The existing schemas of the search path, in order, without the implicit ones.
    fn current_schemas(&self) -> Vec<String> {
        vec!["public".to_owned()]
    }
    /// The schema of the session's temporary objects, if it has made any: what `pg_temp` means.
    fn temporary_schema(&self) -> Option<String> {
        None
    }
    /// `version()`.
    fn version(&self) -> String {
        format!("PostgreSQL 15.0 (HeliosDB {})", env!("CARGO_PKG_VERSION"))
    }
    /// `pg_backend_pid()`.
    fn backend_pid(&self) -> i32 {
        i32::try_from(std::process::id()).unwrap_or(0)
    }
    /// `txid_current()`: the transaction's number, assigned now if it has none.
    ///
    /// # Errors
    /// Without a transaction.
    fn txid_current(&self) -> Result<i64> {
        Err(unavailable("txid_current"))
    }
    /// `txid_current_if_assigned()`.
    ///
    /// # Errors
    /// Without a transaction.
    fn txid_current_if_assigned(&self) -> Result<Option<i64>> {
        Err(unavailable("txid_current_if_assigned"))
    }
    /// `current_setting(name)`; `None` if there is no such setting.
    fn setting(&self, _name: &str) -> Option<String> {
        None
    }
    /// As [`SessionHooks::setting`], but `None` if nobody asked for a value, so that it is the default.
    fn setting_asked(&self, _name: &str) -> Option<String> {
        None
    }
    /// `set_config(name, value, is_local)`; returns the new value as shown.
    ///
    /// # Errors
    /// For unknown names and bad values.
    fn set_setting(&self, _name: &str, _value: &str, _local: bool) -> Result<String> {
        Err(unavailable("set_config"))
    }
    /// `nextval(sequence)`; the name is as the user wrote it, perhaps qualified and quoted.
    ///
    /// # Errors
    /// `42P01` unknown sequence, `2200H` exhausted.
    fn nextval(&self, _sequence: &str) -> Result<i64> {
        Err(unavailable("nextval"))
    }
    /// `currval(sequence)`.
    ///
    /// # Errors
    /// `55000` if `nextval` has not been called in this session.
    fn currval(&self, _sequence: &str) -> Result<i64> {
        Err(unavailable("currval"))
    }
    /// `lastval()`.
    ///
    /// # Errors
    /// `55000` if `nextval` has not been called in this session.
    fn lastval(&self) -> Result<i64> {
        Err(unavailable("lastval"))
    }
    /// `setval(sequence, value, is_called)`.
    ///
    /// # Errors
    /// `42P01` unknown sequence, `22003` out of its bounds.
    fn setval(&self, _sequence: &str, _value: i64, _called: bool) -> Result<i64> {
        Err(unavailable("setval"))
    }
    /// Checks a value against the conditions of a domain (`NOT NULL` and those of its base apart);
    /// messages name `outer`, the domain that the value is meant for.
    ///
    /// # Errors
    /// 23514 with the domain's constraint.
    fn check_domain(&self, domain: &UserType, _outer: &UserType, _value: &Value) -> Result<()> {
        Err(unavailable(&domain.name))
    }
    /// Any further function that reads the catalog or the session, by name.
    ///
    /// # Errors
    /// Unsupported here, or what the function raises.
    fn call(&self, name: &str, _args: &[&Value], _result: &DataType) -> Result<Value> {
        Err(unavailable(name))
    }
}

fn unavailable(function: &str) -> Error {
    Error::unsupported(format!("function {function} is not available here"))
}

/// A session that knows only the defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSession;

impl SessionHooks for NoSession {}
