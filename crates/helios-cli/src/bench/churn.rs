//! `heliosdb bench churn`: growth under updates of the same few rows, with a short retention. What is
//! on disk must come back to near the start while work goes on.

use std::path::Path;
use std::time::{Duration, Instant};

use heliosdb::{Connection, Error, Options, Result};

use super::megabytes;
use crate::app::Failure;
use crate::args::ChurnArgs;

const HOT: i64 = 100;
const RETENTION: Duration = Duration::from_secs(5);
const LIMIT: f64 = 1.3;
/// How long the size may take to come back.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs it and prints the size as it goes.
pub fn run(args: &ChurnArgs) -> std::result::Result<(), Failure> {
    super::in_folder(args.path.as_deref(), "churn", &args.output, |folder| {
        measure(&folder.join("db"), args.rows, args.updates)
    })
}

fn measure(path: &Path, rows: i64, updates: i64) -> Result<()> {
    let database = Options::new().retention(RETENTION).open(path)?;
    let mut connection = database.connect()?;
    connection.execute(
        "CREATE TABLE t (id bigint PRIMARY KEY, n bigint NOT NULL, note text NOT NULL)",
        (),
    )?;
    connection.execute(
        "INSERT INTO t SELECT i, 0, repeat('x', 80) FROM generate_series(1, $1) i",
        (rows,),
    )?;
    connection.execute("CHECKPOINT", ())?;
    let start = megabytes(path);
    println!("{rows} rows: {start:.1} MB on disk");

    connection.execute("SET synchronous_commit = off", ())?;
    let update = connection.prepare("UPDATE t SET n = n + 1 WHERE id = $1")?;
    let change = |connection: &mut Connection, step: i64| {
        let id = 1 + step % HOT * (rows / HOT).max(1);
        connection.execute(&update, (id.min(rows),)).map(drop)
    };
    let began = Instant::now();
    let mut most = start;
    for step in 0..updates {
        change(&mut connection, step)?;
        if step % 1000 == 0 {
            most = most.max(megabytes(path));
        }
    }
    println!(
        "{updates} updates of {HOT} rows in {:.1} s: {:.1} MB, at most {most:.1} MB",
        began.elapsed().as_secs_f64(),
        megabytes(path)
    );

    // Work goes on: some 500 updates a second.
    let waiting = Instant::now();
    let mut step = updates;
    let mut next = Duration::ZERO;
    loop {
        change(&mut connection, step)?;
        step += 1;
        std::thread::sleep(Duration::from_millis(2));
        let passed = waiting.elapsed();
        if passed < next {
            continue;
        }
        next += Duration::from_secs(5);
        let now = megabytes(path);
        println!(
            "after {:>3} s: {now:.1} MB, {:.2} of the start",
            passed.as_secs(),
            now / start
        );
        if passed > RETENTION && now <= start * LIMIT {
            break;
        }
        if passed > PATIENCE {
            return Err(Error::internal(format!(
                "{now:.1} MB are more than {LIMIT} times the {start:.1} MB of the start"
            )));
        }
    }
    let counted: i64 = connection
        .query_row("SELECT sum(n)::bigint FROM t", ())?
        .get(0)?;
    let report = database.check()?;
    if counted != step || !report.faults.is_empty() {
        return Err(Error::internal(format!(
            "{counted} updates counted, {step} made; faults: {:?}",
            report.faults
        )));
    }
    println!("back within {LIMIT}; {counted} updates counted, check finds no fault");
    Ok(())
}
