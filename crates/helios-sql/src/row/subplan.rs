//! Queries inside expressions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use helios_base::{ArrayValue, DataType, Error, Result, Row, SqlState, Value};
use helios_expr::{Call, Comparison, EvalContext, Function, SubplanKind, Subplans};
use parking_lot::Mutex;

use super::exec::{Cx, Exec, Frame};
use super::keys::normal;
use super::memory::{Held, values_bytes};
use super::node::Node;
use super::op;

/// A compiled subplan.
#[derive(Debug)]
pub(crate) struct CompiledSubplan {
    pub(crate) node: Node,
    /// How many of the last arguments are its frame.
    pub(crate) frame: usize,
    /// Whether it reads a query of a `WITH`, whose rows may be others in another run of it.
    pub(crate) reads_with: bool,
}

/// What runs of subplans that do not depend on the row around have found.
#[derive(Default)]
pub(crate) struct Memo(Mutex<HashMap<u32, Known>>);

#[derive(Clone)]
enum Known {
    Value(Value),
    Rows(Arc<Kept>),
    Set(Arc<Set>),
}

/// All rows of a subplan.
struct Kept {
    rows: Vec<Row>,
    _held: Held,
}

/// The values of an uncorrelated `IN`.
struct Set {
    held: Held,
    keys: HashSet<Value>,
    /// Whether `NULL` was among them, which makes a miss unknown.
    null: bool,
}

impl Subplans for Exec {
    fn run(
        &self,
        id: u32,
        kind: SubplanKind,
        args: &[Value],
        _ctx: &EvalContext<'_>,
    ) -> Result<Value> {
        let subplan = self
            .subplans
            .get(id as usize)
            .ok_or_else(|| Error::internal(format!("subplan {id} is not there")))?;
        let (values, operands) = args.split_at(subplan.frame.min(args.len()));
        let frame: Frame = values.into();
        let cx = Cx::new(self, &frame);
        match (kind, operands) {
            (SubplanKind::Any(function), [operand]) => {
                self.quantified(id, subplan, operand, function, false, &cx)
            }
            (SubplanKind::All(function), [operand]) => {
                self.quantified(id, subplan, operand, function, true, &cx)
            }
            (SubplanKind::Any(_) | SubplanKind::All(_), _) => {
                Err(Error::internal("quantified subquery without operand"))
            }
            _ if subplan.frame > 0 => one_value(kind, &subplan.node, &cx),
            _ => {
                if let Some(Known::Value(value)) = self.known(id) {
                    return Ok(value);
                }
                let value = one_value(kind, &subplan.node, &cx)?;
                self.learn(id, Known::Value(value.clone()));
                Ok(value)
            }
        }
    }
}

impl Exec {
    fn known(&self, id: u32) -> Option<Known> {
        self.memo.0.lock().get(&id).cloned()
    }

    /// Forgets what subplans found in queries of a `WITH`.
    pub(super) fn forget(&self) {
        let reads = |id: u32| {
            let subplan = self.subplans.get(id as usize);
            subplan.is_none_or(|subplan| subplan.reads_with)
        };
        self.memo.0.lock().retain(|id, _| !reads(*id));
    }

    fn learn(&self, id: u32, known: Known) {
        self.memo.0.lock().insert(id, known);
    }

    /// `operand function ANY | ALL (subplan)`.
    fn quantified(
        &self,
        id: u32,
        subplan: &CompiledSubplan,
        operand: &Value,
        function: &'static Function,
        all: bool,
        cx: &Cx<'_>,
    ) -> Result<Value> {
        let in_set = match function.comparison() {
            Some(Comparison::Eq) => !all,
            Some(Comparison::Ne) => all,
            _ => false,
        };
        if in_set && subplan.frame == 0 && is_hashable(function) {
            let set = match self.known(id) {
                Some(Known::Set(set)) => set,
                _ => {
                    let set = Arc::new(Set::build(subplan, cx)?);
                    self.learn(id, Known::Set(set.clone()));
                    set
                }
            };
            // `<> ALL` is the negation of `= ANY`.
            return Ok(match set.contains(operand) {
                Value::Bool(found) if all => Value::Bool(!found),
                other => other,
            });
        }
        let types: Vec<DataType> = function
            .args()
            .iter()
            .filter_map(|ty| ty.concrete())
            .collect();
        let context = cx.context();
        let call = Call::new(&context, &types, &DataType::Bool);
        let mut answer = Answer::new(all);
        let mut add = |row: &Row| -> Result<bool> {
            let value = row.first().unwrap_or(&Value::Null);
            Ok(answer.add(&function.call(&[operand, value], &call)?))
        };
        if subplan.frame > 0 {
            let mut operator = op::open(&subplan.node, cx)?;
            while let Some(row) = operator.next(cx)? {
                if add(&row)? {
                    break;
                }
            }
            return Ok(answer.value());
        }
        let rows = match self.known(id) {
            Some(Known::Rows(rows)) => rows,
            _ => {
                let mut held = Held::default();
                let rows = op::collect(&subplan.node, &mut held, cx)?;
                let rows = Arc::new(Kept { rows, _held: held });
                self.learn(id, Known::Rows(rows.clone()));
                rows
            }
        };
        for (steps, row) in rows.rows.iter().enumerate() {
            cx.poll(steps)?;
            if add(row)? {
                break;
            }
        }
        Ok(answer.value())
    }
}

/// Whether two operands are equal exactly if their [normal](super::keys::normal) forms are.
fn is_hashable(function: &Function) -> bool {
    match function.args() {
        [left, right] => match (left.concrete(), right.concrete()) {
            (Some(left), Some(right)) => {
                super::compile::hashable(&left, &right) && !matches!(left, DataType::Char(_))
            }
            _ => false,
        },
        _ => false,
    }
}

/// The values of `ARRAY(SELECT …)`; arrays become the parts of one with a dimension more.
fn stacked(elements: Vec<Value>) -> Result<ArrayValue> {
    if !elements
        .iter()
        .any(|value| matches!(value, Value::Array(_)))
    {
        return Ok(ArrayValue::one_dimensional(elements));
    }
    let refused = |state: SqlState, what: &str| Err(Error::new(state, what));
    let mut whole: Option<ArrayValue> = None;
    for element in elements {
        let Value::Array(part) = element else {
            return refused(
                SqlState::NULL_VALUE_NOT_ALLOWED,
                "cannot accumulate null arrays",
            );
        };
        if part.is_empty() {
            return refused(
                SqlState::ARRAY_SUBSCRIPT_ERROR,
                "cannot accumulate empty arrays",
            );
        }
        match &mut whole {
            None => {
                let mut dims = vec![(1, 1)];
                dims.extend(part.dims.iter().copied());
                whole = Some(ArrayValue {
                    dims,
                    elements: part.elements.clone(),
                });
            }
            Some(whole) => {
                if whole.dims.get(1..) != Some(&*part.dims) {
                    return refused(
                        SqlState::ARRAY_SUBSCRIPT_ERROR,
                        "cannot accumulate arrays of different dimensionality",
                    );
                }
                if let Some((length, _)) = whole.dims.first_mut() {
                    *length += 1;
                }
                whole.elements.extend(part.elements.iter().cloned());
            }
        }
    }
    Ok(whole.unwrap_or_default())
}

/// The value of a subquery that is no comparison.
fn one_value(kind: SubplanKind, node: &Node, cx: &Cx<'_>) -> Result<Value> {
    let mut operator = op::open(node, cx)?;
    match kind {
        SubplanKind::Exists => Ok(Value::Bool(operator.next(cx)?.is_some())),
        SubplanKind::Array => {
            let mut elements = Vec::new();
            let mut held = Held::default();
            while let Some(row) = operator.next(cx)? {
                held.grow(values_bytes(&row), cx)?;
                elements.extend(row.into_iter().next());
            }
            stacked(elements).map(|array| Value::Array(Arc::new(array)))
        }
        _ => {
            let value = match operator.next(cx)? {
                Some(row) => row.into_iter().next().unwrap_or(Value::Null),
                None => return Ok(Value::Null),
            };
            if operator.next(cx)?.is_some() {
                return Err(Error::new(
                    SqlState::CARDINALITY_VIOLATION,
                    "more than one row returned by a subquery used as an expression",
                ));
            }
            Ok(value)
        }
    }
}

/// Three-valued `OR` (or, for `ALL`, `AND`) of comparisons.
struct Answer {
    all: bool,
    unknown: bool,
    decided: bool,
}

impl Answer {
    fn new(all: bool) -> Self {
        Self {
            all,
            unknown: false,
            decided: false,
        }
    }

    /// Takes one comparison; true once the answer cannot change.
    fn add(&mut self, result: &Value) -> bool {
        match result {
            Value::Bool(holds) => self.decided |= *holds != self.all,
            _ => self.unknown = true,
        }
        self.decided
    }

    fn value(&self) -> Value {
        if self.decided {
            Value::Bool(!self.all)
        } else if self.unknown {
            Value::Null
        } else {
            Value::Bool(self.all)
        }
    }
}

impl Set {
    fn build(subplan: &CompiledSubplan, cx: &Cx<'_>) -> Result<Self> {
        let mut this = Self {
            held: Held::default(),
            keys: HashSet::new(),
            null: false,
        };
        let mut operator = op::open(&subplan.node, cx)?;
        while let Some(row) = operator.next(cx)? {
            match row.into_iter().next() {
                Some(Value::Null) | None => this.null = true,
                Some(value) => {
                    this.held
                        .grow(values_bytes(std::slice::from_ref(&value)), cx)?;
                    this.keys.insert(normal(value, &DataType::Unknown));
                }
            }
        }
        Ok(this)
    }

    fn contains(&self, operand: &Value) -> Value {
        if self.keys.is_empty() && !self.null {
            Value::Bool(false)
        } else if operand.is_null() {
            Value::Null
        } else if self
            .keys
            .contains(&normal(operand.clone(), &DataType::Unknown))
        {
            Value::Bool(true)
        } else if self.null {
            Value::Null
        } else {
            Value::Bool(false)
        }
    }
}
