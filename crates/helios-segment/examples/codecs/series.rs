//! Columns of kinds that the real data lacks: times, measurements, money, keys.

use std::sync::Arc;

use arrow_array::{Decimal128Array, Float64Array, Int64Array, TimestampMicrosecondArray};

use crate::Named;

const ROWS: usize = 400_000;

/// Deterministic columns.
pub fn columns() -> Vec<Named> {
    let mut rng = fastrand::Rng::with_seed(2026);
    let mut time = 1_760_000_000_000_000i64;
    let regular = (0..ROWS).map(|n| 1_760_000_000_000_000 + n as i64 * 10_000_000);
    let events: Vec<i64> = (0..ROWS)
        .map(|_| {
            time += rng.i64(1..2_000_000);
            time
        })
        .collect();
    let days = (0..ROWS).map(|_| 86_400_000_000 * rng.i64(18_000..20_500));
    let regular = TimestampMicrosecondArray::from_iter_values(regular);
    let days = TimestampMicrosecondArray::from_iter_values(days);
    let mut rng = fastrand::Rng::with_seed(2027);
    let mut level = 21.5f64;
    let temperature: Vec<f64> = (0..ROWS)
        .map(|_| {
            if rng.u8(..) < 90 {
                level += f64::from(rng.i32(-2..=2)) * 0.1;
            }
            (level * 10.0).round() / 10.0
        })
        .collect();
    let mut phase = 0.0f64;
    let smooth: Vec<f64> = (0..ROWS)
        .map(|_| {
            phase += 0.001;
            phase.sin() * 230.0
        })
        .collect();
    let mut held = 0.0;
    let held: Vec<f64> = (0..ROWS)
        .map(|_| {
            if rng.u8(..) < 40 {
                held = rng.f64();
            }
            held
        })
        .collect();
    let states: Vec<f64> = (0..300).map(|_| rng.f64() * 1000.0).collect();
    let mut at = 0usize;
    let cycling: Vec<f64> = (0..ROWS)
        .map(|_| {
            at = (at + rng.usize(0..3)) % states.len();
            states[at]
        })
        .collect();
    let noise: Vec<f64> = (0..ROWS).map(|_| rng.f64()).collect();
    let money = (0..ROWS).map(|_| i128::from(rng.i64(90_000..10_495_000)));
    let money = Decimal128Array::from_iter_values(money)
        .with_data_type(arrow_schema::DataType::Decimal128(15, 2));
    let mut key = 0i64;
    let keys: Vec<i64> = (0..ROWS)
        .map(|_| {
            key += rng.i64(1..8);
            key
        })
        .collect();
    let quantities = (0..ROWS).map(|_| rng.i64(1..51));
    let quantities = Int64Array::from_iter_values(quantities);
    let named = |name: &str, array: arrow_array::ArrayRef| Named {
        name: name.to_owned(),
        array,
    };
    vec![
        named("time, every 10 s", Arc::new(regular)),
        named(
            "time of events",
            Arc::new(TimestampMicrosecondArray::from(events)),
        ),
        named("time, whole days", Arc::new(days)),
        named(
            "temperature, 0.1",
            Arc::new(Float64Array::from(temperature)),
        ),
        named("sine", Arc::new(Float64Array::from(smooth))),
        named("held random level", Arc::new(Float64Array::from(held))),
        named("cycling levels", Arc::new(Float64Array::from(cycling))),
        named("random floats", Arc::new(Float64Array::from(noise))),
        named("decimal(15,2)", Arc::new(money)),
        named("ascending key", Arc::new(Int64Array::from(keys))),
        named("1 … 50", Arc::new(quantities)),
    ]
}
