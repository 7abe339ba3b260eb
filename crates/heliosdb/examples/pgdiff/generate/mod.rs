//! Statements made up by seed: calls of the whole catalogue, and queries of many shapes.

mod calls;
mod pools;
mod queries;

use helios_testkit::Rng;

use super::script::Statement;

/// How many statements share a session.
const BATCH: usize = 1000;

/// `count` statements in batches; each batch begins with what its statements need.
pub fn batches(seed: u64, count: usize) -> impl Iterator<Item = Vec<Statement>> {
    let callables = calls::all();
    let mut left = count;
    let mut number = 0;
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let size = left.min(BATCH);
        left -= size;
        number += 1;
        let mut rng = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(number));
        let zone = rng.pick(&["UTC", "America/New_York", "Asia/Kathmandu"]);
        let mut sql = vec![format!("SET TimeZone = '{zone}'")];
        sql.extend(queries::fixture(&mut rng));
        while sql.len() < size {
            let statement = match rng.u8(0..10) {
                0 => Some(calls::cast(&mut rng)),
                1 => {
                    let callable = rng.pick(&callables);
                    calls::untyped(&mut rng, callable)
                }
                2..=6 => {
                    let callable = rng.pick(&callables);
                    calls::statement(&mut rng, callable)
                }
                _ => Some(queries::query(&mut rng)),
            };
            sql.extend(statement);
        }
        let statements = sql.into_iter().enumerate();
        Some(
            statements
                .map(|(at, sql)| Statement {
                    sql,
                    line: at + 1,
                    ..Statement::default()
                })
                .collect(),
        )
    })
}
