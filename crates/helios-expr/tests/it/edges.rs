//! Guards against panics and ill-typed results at the edges of every type: smallest and largest
//! numbers, infinities, empty and odd strings, for every function, operator, cast and aggregate.

use std::fmt::Write;
use std::sync::Arc;

use helios_base::user_type::LABEL_STEP;
use helios_base::{DataType, EnumLabel, TextContext, UserKind, UserType, Value};
use helios_expr::resolve::{CastContext, path};
use helios_expr::{AggregateCall, Call, EvalContext, NoSession, Ty, cast, catalog};

use crate::golden::text_context;

const SEED: u64 = 20_240_515;

/// Calls per function: `HELIOS_EDGE_CALLS`, or enough for most pairs of edges.
fn calls() -> usize {
    const CALLS: usize = 150;
    std::env::var("HELIOS_EDGE_CALLS")
        .ok()
        .and_then(|calls| calls.parse().ok())
        .unwrap_or(CALLS)
}

fn edges(ty: &DataType, context: &TextContext) -> Vec<Value> {
    let texts: &[&str] = match ty {
        DataType::Bool => &["t", "f"],
        DataType::Int2 => &["-32768", "32767", "0", "-1", "1", "12"],
        DataType::Int4 => &["-2147483648", "2147483647", "0", "-1", "1", "7"],
        DataType::Int8 => &[
            "-9223372036854775808",
            "9223372036854775807",
            "0",
            "-1",
            "1",
            "25",
        ],
        DataType::Float4 => &["NaN", "Infinity", "-Infinity", "0", "-0", "3.4e38", "1e-45"],
        DataType::Float8 => &[
            "NaN",
            "Infinity",
            "-Infinity",
            "0",
            "-0",
            "1.7e308",
            "5e-324",
            "-2.5",
            "0.5",
        ],
        DataType::Numeric(_) => &[
            "NaN",
            "Infinity",
            "-Infinity",
            "0",
            "0.000000000000000000001",
            "-99999999999999999999999999999999999999",
            "9223372036854775808",
            "-0.5",
            "2",
        ],
        DataType::Text | DataType::Varchar(_) | DataType::Char(_) | DataType::Name => &[
            "",
            " ",
            "é",
            "a",
            "%",
            "\\",
            "(",
            "[",
            "%s %1$s %-5I",
            "12.5",
            "year",
            "YYYY-MM-DD",
            "UTC",
            "hex",
            "a,b",
            "\u{10ffff}",
            "9999999999999999999",
        ],
        DataType::Bytea => &["", "\\x00", "\\xff", "\\x0102030405"],
        DataType::Date => &[
            "infinity",
            "-infinity",
            "4714-11-24 BC",
            "5874897-12-31",
            "2020-02-29",
            "0001-01-01",
        ],
        DataType::Time(_) => &["00:00", "24:00", "23:59:59.999999"],
        DataType::Timestamp(_) | DataType::TimestampTz(_) => &[
            "infinity",
            "-infinity",
            "4714-11-24 00:00:00+00 BC",
            "294246-12-31 23:59:59.999999+00",
            "2020-02-29 12:00+00",
        ],
        DataType::Interval(_) => &[
            "0",
            "-178000000 years",
            "178000000 years",
            "2147483647 days",
            "-2147483648 days",
            "1 mon -1 day 00:00:00.000001",
            "2562047788:00:54.775807",
        ],
        DataType::Uuid => &["00000000-0000-0000-0000-000000000000"],
        DataType::Json | DataType::Jsonb => &[
            "null",
            "1",
            "\"\"",
            "[]",
            "{}",
            "[1,[2,{\"a\":null}]]",
            "{\"a\":{\"b\":[1,2]},\"\":1e400}",
        ],
        DataType::Oid => &["0", "4294967295"],
        DataType::Array(element) => {
            let mut arrays = vec![
                Value::from(helios_base::ArrayValue::default()),
                Value::from(helios_base::ArrayValue::one_dimensional(vec![Value::Null])),
            ];
            let elements = edges(element, context);
            if elements.len() >= 4 {
                arrays.push(Value::from(helios_base::ArrayValue {
                    dims: vec![(2, -1), (2, i32::MAX - 1)],
                    elements: elements.iter().take(4).cloned().collect(),
                }));
            }
            arrays.push(Value::from(helios_base::ArrayValue::one_dimensional(
                elements,
            )));
            return arrays;
        }
        DataType::Record => {
            return vec![
                Value::Record([].into()),
                Value::Record([Value::Int4(1), Value::Null].into()),
            ];
        }
        _ => &[],
    };
    texts
        .iter()
        .filter_map(|text| Value::parse(text, ty, context).ok())
        .collect()
}

/// An enum.
fn mood() -> DataType {
    let labels = ["sad", "ok", "happy"].iter().zip(1..).map(|(name, n)| {
        Arc::new(EnumLabel {
            oid: 20_000 + n,
            order: u64::from(n) * LABEL_STEP,
            name: Arc::from(*name),
        })
    });
    DataType::User(Arc::new(UserType {
        oid: 20_000,
        array_oid: 20_001,
        schema: Arc::from("public"),
        name: Arc::from("mood"),
        kind: UserKind::Enum(labels.collect()),
    }))
}

/// What polymorphic arguments are tried with.
fn concrete(ty: Ty, element: &DataType) -> DataType {
    match ty {
        Ty::AnyArray | Ty::AnyCompatibleArray => DataType::Array(Box::new(element.clone())),
        Ty::AnyEnum => mood(),
        other => other.concrete().unwrap_or_else(|| element.clone()),
    }
}

/// A small generator of pseudo-random numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn pick(&mut self, ty: &DataType, context: &TextContext) -> Value {
        let edges = edges(ty, context);
        // One more for NULL.
        edges
            .get(self.below(edges.len() + 1))
            .cloned()
            .unwrap_or(Value::Null)
    }
}

const ELEMENTS: [DataType; 3] = [DataType::Int4, DataType::Text, DataType::Float8];

#[test]
fn functions_and_operators() {
    let context = text_context();
    let ctx = EvalContext::new(&NoSession, &context);
    let mut random = Random(SEED);
    let mut wrong = String::new();
    for function in catalog::all() {
        for _ in 0..calls() {
            let element = &if function.args().contains(&Ty::AnyEnum) {
                mood()
            } else {
                ELEMENTS[random.below(ELEMENTS.len())].clone()
            };
            let mut types: Vec<DataType> = function
                .args()
                .iter()
                .map(|ty| concrete(*ty, element))
                .collect();
            if function.is_variadic() {
                types.extend(types.last().cloned());
            }
            let result = concrete(function.result(), element);
            let values: Vec<Value> = types.iter().map(|ty| random.pick(ty, &context)).collect();
            let refs: Vec<&Value> = values.iter().collect();
            let call = Call::new(&ctx, &types, &result);
            if let Ok(value) = function.call(&refs, &call) {
                if !value.fits(&result) && result != DataType::Void {
                    writeln!(wrong, "{function:?} of {values:?} gives {value:?}").unwrap();
                }
                let _ = value.to_text(&result, &context);
            } else if let Err(error) = function.call(&refs, &call)
                && error.sqlstate().as_str() == "XX000"
            {
                writeln!(wrong, "{function:?} of {values:?}: {error:?}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "seed {SEED}\n{wrong}");
}

#[test]
fn casts() {
    let context = text_context();
    let ctx = EvalContext::new(&NoSession, &context);
    let mut types = vec![
        DataType::Varchar(Some(2)),
        DataType::Char(Some(3)),
        DataType::Numeric(Some((5, 2))),
    ];
    let plain = [
        Ty::Bool,
        Ty::Int2,
        Ty::Int4,
        Ty::Int8,
        Ty::Float4,
        Ty::Float8,
        Ty::Numeric,
        Ty::Text,
        Ty::Varchar,
        Ty::Char,
        Ty::Name,
        Ty::Bytea,
        Ty::Date,
        Ty::Time,
        Ty::Timestamp,
        Ty::TimestampTz,
        Ty::Interval,
        Ty::Uuid,
        Ty::Json,
        Ty::Jsonb,
        Ty::Oid,
        Ty::Record,
        Ty::Array(&Ty::Int4),
        Ty::Array(&Ty::Text),
        Ty::Array(&Ty::Timestamp),
    ];
    types.extend(plain.iter().filter_map(|ty| ty.concrete()));
    let mut wrong = String::new();
    for from in &types {
        for value in edges(from, &context) {
            for to in &types {
                if path(from, to, CastContext::Explicit).is_none() {
                    continue;
                }
                for explicit in [false, true] {
                    match cast::cast(&value, from, to, explicit, &ctx) {
                        Ok(value) if !value.fits(to) => {
                            writeln!(wrong, "{from} to {to} gives {value:?}").unwrap();
                        }
                        Err(error) if error.sqlstate().as_str() == "XX000" => {
                            writeln!(wrong, "{value:?} from {from} to {to}: {error:?}").unwrap();
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn aggregates_and_set_functions() {
    let context = text_context();
    let ctx = EvalContext::new(&NoSession, &context);
    let mut random = Random(SEED);
    let names: std::collections::BTreeSet<&str> = catalog::names().collect();
    for name in names {
        for aggregate in catalog::aggregates(name) {
            for _ in 0..calls() / 10 {
                let element = &ELEMENTS[random.below(ELEMENTS.len())];
                let types: Vec<DataType> = aggregate
                    .args()
                    .iter()
                    .map(|ty| concrete(*ty, element))
                    .collect();
                let result = DataType::Unknown;
                let mut state = aggregate.start(&AggregateCall {
                    args: &types,
                    result: &result,
                    ctx: &ctx,
                });
                let rows: Vec<Vec<Value>> = (0..5)
                    .map(|_| types.iter().map(|ty| random.pick(ty, &context)).collect())
                    .collect();
                for row in &rows {
                    let _ = state.update(&row.iter().collect::<Vec<_>>());
                    let _ = state.finish();
                }
                for row in &rows {
                    let _ = state.retract(&row.iter().collect::<Vec<_>>());
                    let _ = state.finish();
                }
            }
        }
        for function in catalog::set_functions(name) {
            for _ in 0..calls() {
                let element = &ELEMENTS[random.below(ELEMENTS.len())];
                let types: Vec<DataType> = helios_expr::resolve::Entry::args(*function)
                    .iter()
                    .map(|ty| concrete(*ty, element))
                    .collect();
                let values: Vec<Value> = types.iter().map(|ty| random.pick(ty, &context)).collect();
                let refs: Vec<&Value> = values.iter().collect();
                let result = element.clone();
                if let Ok(rows) = function.call(&refs, &Call::new(&ctx, &types, &result)) {
                    // The first few rows; some series are as long as the integers.
                    assert!(rows.take(20).count() <= 20);
                }
            }
        }
    }
}
