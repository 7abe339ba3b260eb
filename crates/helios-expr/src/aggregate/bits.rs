//! `bool_and`, `bool_or`, `every`, `bit_and`, `bit_or`, `bit_xor`.

use helios_base::{Result, Value};

use super::{Accumulator, Aggregate, aggregate};
use crate::function::mismatch;
use crate::ty::Ty::{Bit, Bool, Int2, Int4, Int8};

macro_rules! bits {
    ($name:literal, $op:tt) => {
        &[
            aggregate($name, &[Int2], Int2, |_| Fold::start(|a, b| match (a, b) {
                (Value::Int2(a), Value::Int2(b)) => Some(Value::Int2(a $op b)),
                _ => None,
            })),
            aggregate($name, &[Int4], Int4, |_| Fold::start(|a, b| match (a, b) {
                (Value::Int4(a), Value::Int4(b)) => Some(Value::Int4(a $op b)),
                _ => None,
            })),
            aggregate($name, &[Int8], Int8, |_| Fold::start(|a, b| match (a, b) {
                (Value::Int8(a), Value::Int8(b)) => Some(Value::Int8(a $op b)),
                _ => None,
            })),
            aggregate($name, &[Bit], Bit, |_| Fold::start(|a, b| match (a, b) {
                (Value::Bits(a), Value::Bits(b)) => {
                    a.combined(b, |a, b| a $op b).map(Value::from)
                }
                _ => None,
            })),
        ]
    };
}

const BIT_AND: &[Aggregate; 4] = bits!("bit_and", &);
const BIT_OR: &[Aggregate; 4] = bits!("bit_or", |);
const BIT_XOR: &[Aggregate; 4] = bits!("bit_xor", ^);

pub(super) static AGGREGATES: &[Aggregate] = &[
    aggregate("bool_and", &[Bool], Bool, |_| Fold::start(and)),
    aggregate("every", &[Bool], Bool, |_| Fold::start(and)),
    aggregate("bool_or", &[Bool], Bool, |_| {
        Fold::start(|a, b| match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => Some(Value::Bool(a | b)),
            _ => None,
        })
    }),
    BIT_AND[0],
    BIT_AND[1],
    BIT_AND[2],
    BIT_AND[3],
    BIT_OR[0],
    BIT_OR[1],
    BIT_OR[2],
    BIT_OR[3],
    BIT_XOR[0],
    BIT_XOR[1],
    BIT_XOR[2],
    BIT_XOR[3],
];

fn and(a: &Value, b: &Value) -> Option<Value> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(Value::Bool(a & b)),
        _ => None,
    }
}

type Step = fn(&Value, &Value) -> Option<Value>;

/// Combines values pairwise; `NULL` for none.
struct Fold {
    state: Value,
    step: Step,
}

impl Fold {
    fn start(step: Step) -> Box<dyn Accumulator> {
        Box::new(Self {
            state: Value::Null,
            step,
        })
    }
}

impl Accumulator for Fold {
    fn update(&mut self, args: &[&Value]) -> Result<()> {
        let [value] = args else {
            return Err(mismatch(args));
        };
        self.state = if self.state.is_null() {
            (*value).clone()
        } else {
            (self.step)(&self.state, value).ok_or_else(|| mismatch(args))?
        };
        Ok(())
    }

    fn finish(&self) -> Result<Value> {
        Ok(self.state.clone())
    }
}
