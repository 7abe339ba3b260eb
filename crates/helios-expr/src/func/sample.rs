//! Whether a row belongs to a sample: `TABLESAMPLE` is a condition that the binder makes of these
//! functions, which have no names in SQL.

use helios_base::{Error, Result, SqlState, Value};

use crate::function::{Call, Function, function, mismatch};
use crate::ty::Ty::{Bool, Bytea, Float4, Float8};

/// `(percent)`: by chance, another one every time.
pub(crate) static CHANCE: Function = function("tablesample_chance", &[Float4], Bool, chance)
    .not_strict()
    .volatile();
/// `(percent, seed, key of the row)`: the same rows for the same seed.
pub(crate) static REPEATED: Function = function(
    "tablesample_repeated",
    &[Float4, Float8, Bytea],
    Bool,
    repeated,
)
.not_strict();

/// The part of all rows that a percentage is, from 0 to 1.
///
/// # Errors
/// 2202H for what is none.
pub(crate) fn part(percent: &Value) -> Result<f64> {
    let invalid = |message| Error::new(SqlState::INVALID_TABLESAMPLE_ARGUMENT, message);
    match percent {
        Value::Null => Err(invalid("TABLESAMPLE parameter cannot be null")),
        Value::Float4(percent) if (0.0..=100.0).contains(percent) => {
            Ok(f64::from(*percent) / 100.0)
        }
        Value::Float4(_) => Err(invalid("sample percentage must be between 0 and 100")),
        other => Err(mismatch(&[other])),
    }
}

fn chance(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [percent] => Ok(Value::Bool(fastrand::f64() < part(percent)?)),
        args => Err(mismatch(args)),
    }
}

fn repeated(args: &[&Value], _: &Call<'_>) -> Result<Value> {
    match args {
        [_, Value::Null, _] => Err(Error::new(
            SqlState::INVALID_TABLESAMPLE_REPEAT,
            "TABLESAMPLE REPEATABLE parameter cannot be null",
        )),
        [percent, Value::Float8(seed), Value::Bytea(key)] => {
            let part = part(percent)?;
            // The first number that a generator gives for this seed and row.
            let mixed =
                key.iter()
                    .fold(seed.to_bits() ^ 0x51_7c_c1_b7_27_22_0a_95, |hash, byte| {
                        (hash.rotate_left(5) ^ u64::from(*byte)).wrapping_mul(0x2545_f491_4f6c_dd1d)
                    });
            Ok(Value::Bool(fastrand::Rng::with_seed(mixed).f64() < part))
        }
        args => Err(mismatch(args)),
    }
}
