//! Creating branches of small and large databases.

use std::path::Path;
use std::time::Instant;

use heliosdb::Result;

use super::clock::median;
use super::figure::{Figure, Figures, Goal, Than};
use super::world::World;
use crate::args::BranchBenchArgs;
use crate::bench::microseconds;
use crate::report::thousands;

const FORKS: usize = 200;

pub fn measure(folder: &Path, args: &BranchBenchArgs, figures: &mut Figures) -> Result<()> {
    for rows in [args.rows, args.large_rows] {
        if rows == 0 {
            continue;
        }
        let place = folder.join(rows.to_string());
        let mut world = World::create(&place)?;
        world.load("bench", rows)?;
        let mut times = Vec::new();
        for n in 0..FORKS {
            let started = Instant::now();
            world.run(&format!("CREATE BRANCH b{n} FROM main"))?;
            times.push(microseconds(started.elapsed()));
        }
        figures.add(&Figure {
            name: format!("create a branch of {} rows", thousands(rows)),
            unit: "µs",
            ours: median(&mut times),
            than: Than::Peer("fork"),
            goal: Some(Goal::AtMost(1000.0)),
        });
        drop(world);
        let _ = std::fs::remove_dir_all(&place);
    }
    Ok(())
}
