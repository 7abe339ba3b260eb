//! Merging one row.

use helios_base::{ColumnId, Error, Result, Value};
use helios_expr::EvalContext;

use super::ask::{Question, Reply};
use super::given::{fitted, given, with_values};
use super::resolve::{Action, Ages, action_for};
use super::{CellDecision, ConflictKind, Decision, MergeOptions, Outcome, Resolution};
use crate::catalog::TableDef;
use std::sync::Arc;

/// A row that is there or not.
pub(super) type Row = Option<Vec<Value>>;

/// What the base says of a row.
#[derive(Clone, Debug, Default)]
pub(super) struct BaseRow {
    pub(super) row: Row,
    /// Cells about which several bases disagree: equal to nothing.
    pub(super) unknown: Vec<usize>,
}

/// The three versions of a row.
pub(super) struct Versions {
    pub(super) base: BaseRow,
    pub(super) ours: Row,
    pub(super) theirs: Row,
}

/// What is to be done on the target.
#[derive(Debug, PartialEq)]
pub(super) enum Merged {
    Keep,
    Put(Vec<Value>),
    Delete,
}

fn at(row: &[Value], column: usize) -> &Value {
    row.get(column).unwrap_or(&Value::Null)
}

impl BaseRow {
    /// Whether the row is as in the base, generated columns aside.
    fn is(&self, row: &[Value], table: &TableDef) -> bool {
        self.unknown.is_empty()
            && self.row.as_ref().is_some_and(|base| {
                let columns = table.columns.iter().enumerate();
                columns
                    .filter(|(_, column)| column.generated.is_none())
                    .all(|(n, _)| at(base, n) == at(row, n))
            })
    }

    fn cell(&self, column: usize) -> Option<&Value> {
        if self.unknown.contains(&column) {
            return None;
        }
        self.row.as_ref().map(|row| at(row, column))
    }
}

/// The base of several bases: what they agree on, or the merge of their rows over `root`. Where both
/// changed a cell that is added up, its sum; the merges that both sides contain added it up too.
pub(super) fn virtual_base(
    root: &Row,
    bases: Vec<Row>,
    table: &TableDef,
    options: &MergeOptions,
    ctx: &EvalContext<'_>,
) -> Result<BaseRow> {
    let mut bases = bases.into_iter();
    let mut merged = BaseRow {
        row: bases.next().flatten(),
        unknown: Vec::new(),
    };
    for other in bases {
        match (&mut merged.row, other) {
            (Some(row), Some(other)) => {
                for column in 0..table.columns.len() {
                    let (a, b) = (at(row, column).clone(), at(&other, column));
                    let root = root.as_ref().map(|root| at(root, column));
                    if a == *b || root == Some(b) {
                        continue;
                    }
                    let mut value = b.clone();
                    if root != Some(&a) {
                        match sum_of(table, column, root, &a, b, options, ctx)? {
                            Some(sum) => value = sum,
                            None => merged.unknown.push(column),
                        }
                    }
                    if let Some(place) = row.get_mut(column) {
                        *place = value;
                    }
                }
            }
            // Deleted or added since the root on one of the two: that is newer.
            (Some(_), None) if root.is_some() => merged = BaseRow::default(),
            (None, Some(other)) if root.is_none() => merged.row = Some(other),
            _ => {}
        }
    }
    Ok(merged)
}

/// `a + b - root`, if the column is one that is added up.
fn sum_of(
    table: &TableDef,
    column: usize,
    root: Option<&Value>,
    a: &Value,
    b: &Value,
    options: &MergeOptions,
    ctx: &EvalContext<'_>,
) -> Result<Option<Value>> {
    let (Some(def), Some(root)) = (table.columns.get(column), root) else {
        return Ok(None);
    };
    match action_for(&options.rules, options.strategy, &table.name, &def.name) {
        Some((Action::Sum, _)) if !root.is_null() => {
            Action::Sum.compute(&def.ty.base(), Some(root), a, b, ctx)
        }
        _ => Ok(None),
    }
}

/// Merges one row. `ages` is asked only when a conflict needs it.
pub(super) fn merge_row(
    table: &Arc<TableDef>,
    key: &[u8],
    versions: Versions,
    options: &MergeOptions,
    ages: &mut dyn FnMut() -> Result<Ages>,
    ctx: &EvalContext<'_>,
) -> Result<(Merged, Option<Decision>)> {
    let Versions { base, ours, theirs } = versions;
    let manual = options.resolutions.get(&(table.id, key.to_vec()));
    let (kind, default) = match (&base.row, &ours, &theirs) {
        (_, None, None) => return Ok((Merged::Keep, None)),
        (None, None, Some(theirs)) => return Ok((Merged::Put(theirs.clone()), None)),
        // Not there in base and source: the target's own row.
        (None, Some(_), None) => return Ok((Merged::Keep, None)),
        (Some(_), Some(ours), None) if base.is(ours, table) => return Ok((Merged::Delete, None)),
        (Some(_), None, Some(theirs)) if base.is(theirs, table) => {
            return Ok((Merged::Keep, None));
        }
        (Some(_), Some(_), None) => (ConflictKind::SourceDeleted, Merged::Delete),
        (Some(_), None, Some(theirs)) => (ConflictKind::TargetDeleted, Merged::Put(theirs.clone())),
        (_, Some(ours), Some(theirs)) => {
            let kind = match base.row {
                Some(_) => ConflictKind::Update,
                None => ConflictKind::Insert,
            };
            return merge_cells(
                &Both {
                    table,
                    key,
                    base: &base,
                    ours,
                    theirs,
                    kind,
                    manual,
                    options,
                },
                ages,
                ctx,
            );
        }
    };
    // One side deleted the row, the other changed it. `default` is what the source says.
    let (mut asks, mut said) = (None, None);
    let (outcome, by) = match manual {
        Some(Resolution::Source) => (Outcome::Source, "manual".to_owned()),
        Some(Resolution::Target) => (Outcome::Target, "manual".to_owned()),
        Some(Resolution::Base) => (Outcome::Base, "manual".to_owned()),
        Some(Resolution::Values(values)) => {
            // The row stays, as the side that has it says but for these.
            let row = ours.as_ref().or(theirs.as_ref());
            let row = row.cloned().unwrap_or_default();
            said = Some(Reply::Row(with_values(table, row, values, ctx)?));
            (Outcome::Computed, "manual".to_owned())
        }
        None => match action_for(&options.rules, options.strategy, &table.name, "") {
            Some((Action::Call(function), by)) => {
                let question = Question {
                    function,
                    table: table.id,
                    key: key.to_vec(),
                    column: None,
                };
                match options
                    .answers
                    .reply(&question, [&base.row, &ours, &theirs])
                {
                    None => {
                        asks = Some(function);
                        (Outcome::Open, String::new())
                    }
                    Some(Reply::Open | Reply::Value(_)) => (Outcome::Open, String::new()),
                    Some(reply) => {
                        said = Some(reply.clone());
                        (Outcome::Computed, by)
                    }
                }
            }
            Some((action, by)) => match action.side(ages)? {
                Some(outcome) => (outcome, by),
                None => (Outcome::Open, String::new()),
            },
            None => (Outcome::Open, String::new()),
        },
    };
    let merged = match (outcome, said) {
        (Outcome::Source, _) => default,
        (Outcome::Base, _) => base.row.clone().map_or(Merged::Delete, Merged::Put),
        (Outcome::Computed, Some(Reply::Row(row))) => Merged::Put(row),
        (Outcome::Computed, Some(Reply::Delete)) => Merged::Delete,
        _ => Merged::Keep,
    };
    let decision = Decision {
        table: table.clone(),
        key: key.to_vec(),
        kind,
        base: base.row,
        ours,
        theirs,
        cells: Vec::new(),
        row: Some((outcome, by)),
        asks,
    };
    Ok((merged, Some(decision)))
}

/// A row that is there on both sides.
struct Both<'a> {
    table: &'a Arc<TableDef>,
    key: &'a [u8],
    base: &'a BaseRow,
    ours: &'a [Value],
    theirs: &'a [Value],
    kind: ConflictKind,
    manual: Option<&'a Resolution>,
    options: &'a MergeOptions,
}

fn merge_cells(
    both: &Both<'_>,
    ages: &mut dyn FnMut() -> Result<Ages>,
    ctx: &EvalContext<'_>,
) -> Result<(Merged, Option<Decision>)> {
    let mut row = both.ours.to_vec();
    let mut cells = Vec::new();
    let mut changed = false;
    for (column, def) in both.table.columns.iter().enumerate() {
        if def.generated.is_some() {
            continue;
        }
        let (ours, theirs) = (at(both.ours, column), at(both.theirs, column));
        let base = both.base.cell(column);
        if ours == theirs || base == Some(theirs) {
            continue;
        }
        let value = if base == Some(ours) {
            theirs.clone()
        } else {
            let decided = both.decide(column, base, ages, ctx)?;
            let value = decided.value.clone().unwrap_or_else(|| ours.clone());
            cells.push(decided);
            value
        };
        changed |= value != *ours;
        if let Some(place) = row.get_mut(column) {
            *place = value;
        }
    }
    let decision = (!cells.is_empty()).then(|| Decision {
        table: both.table.clone(),
        key: both.key.to_vec(),
        kind: both.kind,
        base: both.base.row.clone(),
        ours: Some(both.ours.to_vec()),
        theirs: Some(both.theirs.to_vec()),
        cells,
        row: None,
        asks: None,
    });
    let merged = if changed {
        Merged::Put(row)
    } else {
        Merged::Keep
    };
    Ok((merged, decision))
}

impl Both<'_> {
    fn decide(
        &self,
        column: usize,
        base: Option<&Value>,
        ages: &mut dyn FnMut() -> Result<Ages>,
        ctx: &EvalContext<'_>,
    ) -> Result<CellDecision> {
        let (ours, theirs) = (at(self.ours, column), at(self.theirs, column));
        let side = |outcome: Outcome, by: &str| {
            let value = match outcome {
                Outcome::Source => Some(theirs.clone()),
                Outcome::Target => Some(ours.clone()),
                Outcome::Base => Some(base.cloned().unwrap_or(Value::Null)),
                Outcome::Computed | Outcome::Open => None,
            };
            CellDecision {
                column,
                outcome,
                value,
                by: by.to_owned(),
                asks: None,
            }
        };
        let open = || side(Outcome::Open, "");
        let Some(def) = self.table.columns.get(column) else {
            return Err(Error::internal("no such column in a merge"));
        };
        match self.manual {
            Some(Resolution::Source) => return Ok(side(Outcome::Source, "manual")),
            Some(Resolution::Target) => return Ok(side(Outcome::Target, "manual")),
            Some(Resolution::Base) => return Ok(side(Outcome::Base, "manual")),
            Some(Resolution::Values(values)) => {
                if let Some(text) = values.get(&def.name) {
                    let value = given(text.as_deref(), def, ctx)?;
                    return Ok(CellDecision {
                        column,
                        outcome: Outcome::Computed,
                        value: Some(value),
                        by: "manual".to_owned(),
                        asks: None,
                    });
                }
            }
            None => {}
        }
        let options = self.options;
        let found = action_for(
            &options.rules,
            options.strategy,
            &self.table.name,
            &def.name,
        );
        let Some((action, by)) = found else {
            return Ok(open());
        };
        if let Some(outcome) = action.side(ages)? {
            return Ok(side(outcome, &by));
        }
        if let Action::Call(function) = action {
            return Ok(self.ask(function, column, def.id, by));
        }
        // What both sides have in common would count twice.
        let adds = matches!(action, Action::Sum | Action::Concatenate);
        if adds && self.base.unknown.contains(&column) {
            return Ok(open());
        }
        let computed = match action.compute(&def.ty.base(), base, ours, theirs, ctx) {
            Ok(Some(value)) => fitted(value, def, ctx),
            Ok(None) => return Ok(open()),
            Err(error) => Err(error),
        };
        let value = computed.map_err(|error| match error.detail() {
            Some(_) => error,
            None => error.with_detail(format!(
                "It is what \"{by}\" makes of column \"{}\" of table \"{}\".",
                def.name, self.table.name
            )),
        })?;
        Ok(CellDecision {
            column,
            outcome: Outcome::Computed,
            value: Some(value),
            by,
            asks: None,
        })
    }

    /// What a function has said, or that it is to be asked.
    fn ask(&self, function: u32, column: usize, id: ColumnId, by: String) -> CellDecision {
        let question = Question {
            function,
            table: self.table.id,
            key: self.key.to_vec(),
            column: Some(id),
        };
        let (ours, theirs) = (Some(self.ours.to_vec()), Some(self.theirs.to_vec()));
        let rows = [&self.base.row, &ours, &theirs];
        let mut decision = CellDecision {
            column,
            outcome: Outcome::Open,
            value: None,
            by: String::new(),
            asks: None,
        };
        match self.options.answers.reply(&question, rows) {
            None => decision.asks = Some(function),
            Some(Reply::Value(value)) => {
                decision.outcome = Outcome::Computed;
                decision.value = Some(value.clone());
                decision.by = by;
            }
            Some(_) => {}
        }
        decision
    }
}
