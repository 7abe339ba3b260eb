//! Deciding conflicts: strategies for everything, rules for some columns.

use std::fmt;
use std::sync::Arc;

use helios_base::{ArrayValue, DataType, Result, Scn, SqlState, TextContext, Value};
use helios_expr::{Builder, EvalContext, Expr, ParamTypes};

use super::Outcome;

/// What decides conflicts that no rule decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Nothing: an open conflict stops the merge.
    #[default]
    Abort,
    /// The target wins.
    Ours,
    /// The source wins.
    Theirs,
    /// A person: open conflicts are kept for later.
    Manual,
    /// The newer version wins.
    LastWriteWins,
    /// Rules alone; what they leave open stops the merge.
    RuleBased,
    /// A function of a user, by the caller's number; see [`Question`](super::Question).
    Custom(u32),
}

impl Strategy {
    /// The strategy of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "abort" => Self::Abort,
            "ours" => Self::Ours,
            "theirs" => Self::Theirs,
            "manual" => Self::Manual,
            "last_write_wins" | "lastwritewins" => Self::LastWriteWins,
            "rule_based" | "rulebased" => Self::RuleBased,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Ours => "ours",
            Self::Theirs => "theirs",
            Self::Manual => "manual",
            Self::LastWriteWins => "last_write_wins",
            Self::RuleBased => "rule_based",
            Self::Custom(_) => "custom",
        }
    }

    const fn action(self) -> Option<Action> {
        match self {
            Self::Ours => Some(Action::PreferTarget),
            Self::Theirs => Some(Action::PreferSource),
            Self::LastWriteWins => Some(Action::PreferNewer),
            Self::Custom(function) => Some(Action::Call(function)),
            Self::Abort | Self::Manual | Self::RuleBased => None,
        }
    }
}

/// What a rule does with a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The source's value.
    PreferSource,
    /// The target's value.
    PreferTarget,
    /// The value of the version written last.
    PreferNewer,
    /// The value of the version written first.
    PreferOlder,
    /// Text and arrays: what both sides appended, the target's first.
    Concatenate,
    /// Numbers and intervals: the base with what both sides added.
    Sum,
    /// The greater value.
    Max,
    /// The lesser value.
    Min,
    /// What a function of a user says, by the caller's number; see [`Question`](super::Question).
    Call(u32),
}

impl Action {
    /// The action of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let plain: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        Some(match plain.as_str() {
            "prefersource" | "source" | "theirs" => Self::PreferSource,
            "prefertarget" | "target" | "ours" => Self::PreferTarget,
            "prefernewer" | "newer" | "lastwritewins" => Self::PreferNewer,
            "preferolder" | "older" => Self::PreferOlder,
            "concatenate" | "concat" => Self::Concatenate,
            "sum" => Self::Sum,
            "max" => Self::Max,
            "min" => Self::Min,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PreferSource => "prefer_source",
            Self::PreferTarget => "prefer_target",
            Self::PreferNewer => "prefer_newer",
            Self::PreferOlder => "prefer_older",
            Self::Concatenate => "concatenate",
            Self::Sum => "sum",
            Self::Max => "max",
            Self::Min => "min",
            Self::Call(_) => "function",
        }
    }
}

/// A pattern of names.
pub type Pattern = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Decides conflicts in some columns of some tables.
#[derive(Clone)]
pub struct Rule {
    /// Its name in reports.
    pub name: String,
    /// Which tables.
    pub table: Pattern,
    /// Which columns. A conflict over a deleted row has the empty name.
    pub column: Pattern,
    /// What is done.
    pub action: Action,
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.action.name())
    }
}

/// When each side's version was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ages {
    pub(super) ours: Scn,
    pub(super) theirs: Scn,
}

/// The action for a conflict, with the name of who decides.
pub(super) fn action_for(
    rules: &[Rule],
    strategy: Strategy,
    table: &str,
    column: &str,
) -> Option<(Action, String)> {
    let rule = rules
        .iter()
        .find(|rule| (rule.table)(table) && (rule.column)(column));
    match rule {
        Some(rule) => Some((rule.action, rule.name.clone())),
        None => Some((strategy.action()?, strategy.name().to_owned())),
    }
}

impl Action {
    /// Which side wins, if the action is about sides. `ages` is asked only when it matters.
    pub(super) fn side(self, ages: &mut dyn FnMut() -> Result<Ages>) -> Result<Option<Outcome>> {
        let newer_wins = match self {
            Self::PreferSource => return Ok(Some(Outcome::Source)),
            Self::PreferTarget => return Ok(Some(Outcome::Target)),
            Self::PreferNewer => true,
            Self::PreferOlder => false,
            _ => return Ok(None),
        };
        let ages = ages()?;
        let source_wins = (ages.theirs > ages.ours) == newer_wins;
        Ok(Some(match source_wins {
            true => Outcome::Source,
            false => Outcome::Target,
        }))
    }

    /// The merged value of a cell; `None` if the action does not fit the values.
    pub(super) fn compute(
        self,
        ty: &DataType,
        base: Option<&Value>,
        ours: &Value,
        theirs: &Value,
        ctx: &EvalContext<'_>,
    ) -> Result<Option<Value>> {
        let base = base.unwrap_or(&Value::Null);
        match self {
            Self::Max | Self::Min => {
                if ours.is_null() || theirs.is_null() {
                    let there = if ours.is_null() { theirs } else { ours };
                    return Ok(Some(there.clone()));
                }
                let ours_first = ours.cmp_as(theirs, ty).is_lt();
                let theirs_wins = ours_first == (self == Self::Max);
                Ok(Some(if theirs_wins { theirs } else { ours }.clone()))
            }
            Self::Sum => sum(ty, base, ours, theirs, ctx),
            Self::Concatenate => Ok(concatenate(base, ours, theirs)),
            _ => Ok(None),
        }
    }
}

/// `ours + (theirs - base)`.
fn sum(
    ty: &DataType,
    base: &Value,
    ours: &Value,
    theirs: &Value,
    ctx: &EvalContext<'_>,
) -> Result<Option<Value>> {
    if ours.is_null() || theirs.is_null() {
        return Ok(None);
    }
    let text = TextContext::default();
    let params = ParamTypes::default();
    let builder = Builder::new(&text, &params);
    let column = |n| Expr::column(n, ty.clone());
    let added = match base.is_null() {
        true => Ok(column(1)),
        false => builder.operator("-", column(1), column(2)),
    };
    let expr = added
        .and_then(|added| builder.operator("+", column(0), added))
        .and_then(|sum| builder.assign(sum, ty, "sum"));
    match expr {
        Ok(expr) => {
            let row = [ours.clone(), theirs.clone(), base.clone()];
            expr.eval(&row, ctx).map(Some)
        }
        // There is no addition of this type.
        Err(error) if error.sqlstate() == SqlState::UNDEFINED_FUNCTION => Ok(None),
        Err(error) => Err(error),
    }
}

/// What ours and theirs appended to the base, one after the other; all of both where one does not
/// start with the base.
fn concatenate(base: &Value, ours: &Value, theirs: &Value) -> Option<Value> {
    match (ours, theirs) {
        (Value::Null, other) | (other, Value::Null) => Some(other.clone()),
        (Value::Text(ours), Value::Text(theirs)) => {
            let base = match base {
                Value::Text(base) => base,
                _ => "",
            };
            let added = match (ours.starts_with(base), theirs.strip_prefix(base)) {
                (true, Some(added)) => added,
                _ => theirs,
            };
            Some(Value::text(format!("{ours}{added}")))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            let base = match base {
                Value::Array(base) => base.elements.as_slice(),
                _ => &[],
            };
            let both = ours.elements.starts_with(base) && theirs.elements.starts_with(base);
            let skip = if both { base.len() } else { 0 };
            let added = theirs.elements.iter().skip(skip);
            let all = ours.elements.iter().chain(added).cloned().collect();
            Some(Value::from(ArrayValue::one_dimensional(all)))
        }
        _ => None,
    }
}
