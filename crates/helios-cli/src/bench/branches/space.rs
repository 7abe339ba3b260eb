//! What branches take on disk, and that it comes back.

use std::path::Path;
use std::time::{Duration, Instant};

use heliosdb::Result;

use super::figure::{Figure, Figures, Goal, Than};
use super::world::World;
use crate::args::BranchBenchArgs;
use crate::bench::megabytes;
use crate::report::thousands;

/// Rows changed on a branch, and how many branches to spread what a file grows by.
const CHANGED: [(u64, u64); 4] = [(0, 1000), (1, 1000), (100, 200), (10_000, 10)];

/// How long dropped branches may take to be collected.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn measure(folder: &Path, args: &BranchBenchArgs, figures: &mut Figures) -> Result<()> {
    let rows = (args.rows / 10).max(10_000);
    for (changed, branches) in CHANGED {
        let place = folder.join(changed.to_string());
        let mut world = World::create(&place)?;
        world.load("bench", rows)?;
        let before = megabytes(&place);
        for n in 0..branches {
            world.run(&format!("CREATE BRANCH s{n} FROM main"))?;
            if let Some(every) = rows.checked_div(changed) {
                let sql = format!(
                    "UPDATE bench SET amount = amount + 1 WHERE id % {every} = {n} % {every}"
                );
                world.on(&format!("s{n}"))?.execute(sql.as_str(), ())?;
            }
        }
        world.run("CHECKPOINT")?;
        let grown = (megabytes(&place) - before).max(0.0) * 1e6;
        #[allow(clippy::cast_precision_loss, reason = "a thousand")]
        figures.add(&Figure {
            name: format!("size of a branch with {} changed rows", thousands(changed)),
            unit: "bytes",
            ours: grown / branches as f64,
            than: Than::Nothing,
            goal: None,
        });
    }
    cycles(&folder.join("cycles"), args, rows, figures)
}

/// Branches that come, change a few rows and go.
fn cycles(place: &Path, args: &BranchBenchArgs, rows: u64, figures: &mut Figures) -> Result<()> {
    let mut world = World::keeping(place, Duration::from_secs(1))?;
    world.load("bench", rows)?;
    let live = megabytes(place);
    world.run("SET synchronous_commit = off")?;
    let (mut most, mut end) = (live, live);
    let started = Instant::now();
    for n in 0..args.cycles {
        // One by one: statements sent together are one transaction.
        world.run("CREATE BRANCH cycle FROM main")?;
        world.run("USE BRANCH cycle")?;
        let id = n % rows;
        world.run(&format!(
            "UPDATE bench SET amount = amount + 1 WHERE id = {id}"
        ))?;
        world.run(&format!("DELETE FROM bench WHERE id = {}", (id + 7) % rows))?;
        world.run("USE BRANCH main")?;
        world.run("DROP BRANCH cycle")?;
        if n % 100 == 0 {
            most = most.max(megabytes(place));
        }
    }
    let took = started.elapsed();
    // Collection goes on beside other work, which a commit now and then stands for.
    let waiting = Instant::now();
    while waiting.elapsed() < PATIENCE {
        world.run("UPDATE bench SET amount = amount WHERE id = 0")?;
        world.run("CHECKPOINT")?;
        end = megabytes(place);
        most = most.max(end);
        if end <= live * 1.05 {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    let cycles = thousands(args.cycles);
    let mut add = |name: String, unit, ours, than, goal| {
        figures.add(&Figure {
            name,
            unit,
            ours,
            than,
            goal,
        });
    };
    let than = Than::Own(live);
    add(
        format!("size after {cycles} branches came and went"),
        "MB",
        end,
        than,
        Some(Goal::Times(1.3)),
    );
    let than = Than::Own(live);
    add(
        format!("the most during {cycles} branches"),
        "MB",
        most,
        than,
        None,
    );
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let each = took.as_secs_f64() * 1e6 / args.cycles.max(1) as f64;
    add(
        "a branch: create, two changes, drop".to_owned(),
        "µs",
        each,
        Than::Nothing,
        None,
    );
    Ok(())
}
