//! Differences and merges.

use std::path::Path;

use heliosdb::{Connection, Result};

use super::clock::{Clock, Took, median};
use super::figure::{Figure, Figures, Goal, Than};
use super::world::{World, expect, one, signed};
use crate::args::BranchBenchArgs;
use crate::bench::{microseconds, milliseconds};
use crate::report::thousands;

const DIFFS: u32 = 200;
const ROUNDS: u64 = 3;

pub fn measure(folder: &Path, args: &BranchBenchArgs, figures: &mut Figures) -> Result<()> {
    let mut world = World::create(folder)?;
    world.load("bench", args.rows)?;
    let rows = signed(args.rows);
    difference(&mut world, rows, figures)?;
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        note(&small(&mut world, rows, round)?, &mut wall, &mut cpu);
    }
    let changed = thousands(args.rows / 100);
    let names = ["merge-small-wall", "merge-small-cpu"];
    let name = format!("merge {changed} + {changed} changed rows");
    tell(
        &name,
        names,
        (&mut wall, &mut cpu),
        Some(Goal::Times(0.3)),
        figures,
    );
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    note(&large(&mut world, rows)?, &mut wall, &mut cpu);
    let half = thousands(args.rows / 2);
    let names = ["merge-large-wall", "merge-large-cpu"];
    let name = format!("merge {half} + {half} disjoint rows");
    tell(&name, names, (&mut wall, &mut cpu), None, figures);
    Ok(())
}

fn note(took: &Took, wall: &mut Vec<f64>, cpu: &mut Vec<f64>) {
    wall.push(milliseconds(took.wall));
    cpu.extend(took.cpu.map(milliseconds));
}

fn tell(
    name: &str,
    [wall_name, cpu_name]: [&'static str; 2],
    (wall, cpu): (&mut [f64], &mut [f64]),
    goal: Option<Goal>,
    figures: &mut Figures,
) {
    let kinds = [(", wall", wall_name, wall), (", processor", cpu_name, cpu)];
    for (kind, theirs, times) in kinds {
        if times.is_empty() {
            continue;
        }
        figures.add(&Figure {
            name: format!("{name}{kind}"),
            unit: "ms",
            ours: median(times),
            than: Than::Peer(theirs),
            goal,
        });
    }
}

/// One row that two branches see differently.
fn difference(world: &mut World, rows: i64, figures: &mut Figures) -> Result<()> {
    world.run("CREATE BRANCH one FROM main")?;
    let mut one = world.on("one")?;
    let update = format!(
        "UPDATE bench SET amount = amount + 1 WHERE id = {}",
        rows / 2
    );
    one.execute(update.as_str(), ())?;
    let query = world
        .main
        .prepare("SELECT row_key, operation FROM helios_diff('bench', 'main', 'one')")?;
    let mut found = 0;
    let clock = Clock::start();
    for _ in 0..DIFFS {
        for row in world.main.query(&query, ())? {
            row?;
            found += 1;
        }
    }
    let took = clock.stop();
    expect("differences", found, i64::from(DIFFS))?;
    figures.add(&Figure {
        name: "difference of one row".to_owned(),
        unit: "µs",
        ours: microseconds(took.wall) / f64::from(DIFFS),
        than: Than::Peer("diff-one"),
        goal: Some(Goal::Times(1.0)),
    });
    world.run("DROP BRANCH one")
}

fn update(connection: &mut Connection, set: &str, rest: &str) -> Result<i64> {
    let sql = format!("UPDATE bench SET {set} WHERE {rest}");
    connection.execute(sql.as_str(), ()).map(signed)
}

/// One row in a hundred on each side; of those one in a hundred on both, in other columns.
fn small(world: &mut World, rows: i64, round: u64) -> Result<Took> {
    let branch = format!("small{round}");
    world.run(&format!("CREATE BRANCH {branch} FROM main"))?;
    let mut side = world.on(&branch)?;
    let before: i64 = one(&mut world.main, "SELECT sum(amount)::bigint FROM bench")?;
    let theirs = update(
        &mut side,
        "amount = amount + 1",
        &format!("id % 100 = {round}"),
    )?;
    let ours = format!("id % 100 = {} OR id % 10000 = {round}", 50 + round);
    update(&mut world.main, "name = 'somebody else'", &ours)?;
    drop(side);
    let took = merged(world, &branch)?;
    check(world, "a merge of few rows", rows, before + theirs)?;
    Ok(took)
}

/// Every second row on each side.
fn large(world: &mut World, rows: i64) -> Result<Took> {
    world.run("CREATE BRANCH large FROM main")?;
    let mut side = world.on("large")?;
    let before: i64 = one(&mut world.main, "SELECT sum(amount)::bigint FROM bench")?;
    let theirs = update(&mut side, "amount = amount + 1", "id % 2 = 0")?;
    update(&mut world.main, "name = 'somebody else'", "id % 2 = 1")?;
    drop(side);
    let took = merged(world, "large")?;
    check(world, "a merge of many rows", rows, before + theirs)?;
    Ok(took)
}

fn merged(world: &mut World, branch: &str) -> Result<Took> {
    // What was written before is not the merge's work.
    world.run("CHECKPOINT")?;
    let clock = Clock::start();
    world.run(&format!("MERGE BRANCH {branch} INTO main"))?;
    Ok(clock.stop())
}

fn check(world: &mut World, what: &str, rows: i64, sum: i64) -> Result<()> {
    let found: i64 = one(&mut world.main, "SELECT sum(amount)::bigint FROM bench")?;
    expect(what, found, sum)?;
    expect(
        what,
        one(&mut world.main, "SELECT count(*) FROM bench")?,
        rows,
    )
}
