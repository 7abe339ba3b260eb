//! Reading on a branch of a branch of a branch …

use std::path::Path;
use std::time::Instant;

use heliosdb::{Connection, Result, Statement};

use super::clock::median;
use super::figure::{Figure, Figures, Goal, Than};
use super::world::{World, point, signed};
use crate::args::BranchBenchArgs;
use crate::bench::cases::Numbers;
use crate::bench::{microseconds, milliseconds};

const DEPTHS: [usize; 3] = [1, 8, 64];
const ROUNDS: usize = 7;
const READS: usize = 20_000;
const SCANS: usize = 3;
/// Keys that are read again and again.
const HOT: i64 = 1000;

/// A place to read at, with what it took.
struct Place {
    depth: usize,
    connection: Connection,
    statement: Statement,
    times: Vec<f64>,
}

pub fn measure(folder: &Path, args: &BranchBenchArgs, figures: &mut Figures) -> Result<()> {
    let mut world = World::create(folder)?;
    world.load("bench", args.rows)?;
    let rows = signed(args.rows);
    let mut parent = "main".to_owned();
    for level in 1..=64 {
        let name = format!("d{level}");
        world.run(&format!("CREATE BRANCH {name} FROM {parent}"))?;
        // Each level has changed the table that is read: one row in ten thousand.
        let change = format!("UPDATE bench SET amount = amount + 1 WHERE id % 10000 = {level}");
        world.on(&name)?.execute(change.as_str(), ())?;
        parent = name;
    }
    world.run("CHECKPOINT")?;
    let mut places = vec![place(&world, 0)?];
    for depth in DEPTHS {
        places.push(place(&world, depth)?);
    }
    let kinds = [("any of all rows", rows), ("hot rows", HOT.min(rows))];
    for (kind, keys) in kinds {
        read(&mut places, keys)?;
        if keys == rows
            && let Some(place) = places.get(1)
        {
            figures.add(&Figure {
                name: "point read on a branch, any of all rows".to_owned(),
                unit: "µs",
                ours: median(&mut place.times.clone()),
                than: Than::Peer("point-branch"),
                goal: None,
            });
        }
        let beside = take(
            &mut places,
            "point read",
            kind,
            Some(Goal::Times(1.2)),
            "µs",
            figures,
        );
        figures.add(&Figure {
            name: format!("point read on main, {kind}"),
            unit: "µs",
            ours: beside,
            than: Than::Nothing,
            goal: None,
        });
    }
    for _ in 0..SCANS {
        for place in &mut places {
            let sql = "SELECT sum(amount)::bigint FROM bench WHERE amount < 500";
            let started = Instant::now();
            let _: i64 = super::world::one(&mut place.connection, sql)?;
            place.times.push(milliseconds(started.elapsed()));
        }
    }
    take(&mut places, "scan", "all rows", None, "ms", figures);
    Ok(())
}

fn place(world: &World, depth: usize) -> Result<Place> {
    let branch = match depth {
        0 => "main".to_owned(),
        depth => format!("d{depth}"),
    };
    let mut connection = world.on(&branch)?;
    let statement = connection.prepare("SELECT amount, name FROM bench WHERE id = $1")?;
    Ok(Place {
        depth,
        connection,
        statement,
        times: Vec::new(),
    })
}

/// All places by turns, with the same keys.
fn read(places: &mut [Place], keys: i64) -> Result<()> {
    for round in 0..=ROUNDS {
        for place in &mut *places {
            let mut numbers = Numbers::new(round as u64 + 1);
            let started = Instant::now();
            for _ in 0..READS {
                point(&mut place.connection, &place.statement, numbers.below(keys))?;
            }
            // The first round warms up.
            if round > 0 {
                let took = microseconds(started.elapsed());
                #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
                place.times.push(took / READS as f64);
            }
        }
    }
    Ok(())
}

/// Tells what each depth took beside main; returns main's.
fn take(
    places: &mut [Place],
    what: &str,
    kind: &str,
    goal: Option<Goal>,
    unit: &'static str,
    figures: &mut Figures,
) -> f64 {
    let mut main = 0.0;
    for place in places {
        let ours = median(&mut std::mem::take(&mut place.times));
        if place.depth == 0 {
            main = ours;
            continue;
        }
        figures.add(&Figure {
            name: format!("{what} at depth {}, {kind}", place.depth),
            unit,
            ours,
            than: Than::Own(main),
            goal,
        });
    }
    main
}
