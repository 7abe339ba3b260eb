//! `heliosdb bench htap`: commits and analytical queries at the same time, on the tables of TPC-H.
//!
//! Writers add orders with their lines, durably, and change others, a transaction each; one connection asks
//! queries of TPC-H all the while. Each side runs alone first. Between the queries it is asked how many of the new
//! orders are there: at least those whose commits were acknowledged before, and none without its lines.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use heliosdb::{Connection, Database, Error, Result};

use super::cases::Numbers;
use super::tpch;
use crate::app::Failure;
use crate::args::HtapArgs;

/// New orders have keys from here on.
const FIRST: i64 = 1 << 40;

/// What is asked again and again: sums of one table, and joins.
const QUERIES: [usize; 6] = [1, 3, 5, 6, 12, 14];

const ORDER: &str = "INSERT INTO orders SELECT $1::bigint, o_custkey, o_orderstatus, o_totalprice, o_orderdate, \
    o_orderpriority, o_clerk, o_shippriority, o_comment FROM orders WHERE o_orderkey = $2";
const LINES: &str = "INSERT INTO lineitem SELECT $1::bigint, l_partkey, l_suppkey, l_linenumber, l_quantity, \
    l_extendedprice, l_discount, l_tax, l_returnflag, l_linestatus, l_shipdate, l_commitdate, l_receiptdate, \
    l_shipinstruct, l_shipmode, l_comment FROM lineitem WHERE l_orderkey = $2";
const CHANGE: &str = "UPDATE orders SET o_totalprice = o_totalprice + 1 WHERE o_orderkey = $1";
const NEW: &str = "SELECT count(*) FROM orders WHERE o_orderkey >= 1099511627776";
const TORN: &str = "SELECT count(*) FROM orders WHERE o_orderkey >= 1099511627776 AND NOT EXISTS \
    (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey)";

/// What went on for a while.
#[derive(Default)]
struct Work {
    commits: f64,
    queries: f64,
    /// How often it was asked which orders are there.
    looks: u64,
    /// Orders that were asked for in vain.
    missed: i64,
    torn: i64,
}

/// Shared by all who work.
struct World<'w> {
    database: &'w Database,
    stop: AtomicBool,
    /// Commits that were acknowledged, of all phases.
    acknowledged: &'w AtomicU64,
    /// Keys that were given out, of all phases.
    keys: &'w AtomicU64,
    /// Orders there were at the beginning.
    orders: i64,
    queries: &'w [Vec<String>],
}

/// Runs it and prints a line for each side.
pub fn run(args: &HtapArgs) -> std::result::Result<(), Failure> {
    let missed = super::in_folder(args.path.as_deref(), "htap", &args.output, |folder| {
        measure(folder, args)
    })?;
    if missed > 0 {
        eprintln!("{missed} committed orders were not seen, or not whole");
        return Err(Failure::Statement);
    }
    Ok(())
}

fn measure(folder: &Path, args: &HtapArgs) -> Result<i64> {
    let database = Database::open(folder.join("helios.db"))?;
    let mut connection = database.connect()?;
    connection.execute_batch("SET query_cache_size = 0")?;
    if let Some(rows) = args.bulk {
        connection.execute_batch(&format!("SET bulk_load_threshold = {rows}"))?;
    }
    tpch::fill(&mut connection, folder, args.scale)?;
    let orders = number(&mut connection, "SELECT count(*) FROM orders")?;
    let queries = QUERIES.map(|query| tpch::query_statements(query, args.scale));
    let queries = queries.into_iter().collect::<Result<Vec<_>>>()?;
    let (acknowledged, keys) = (AtomicU64::new(0), AtomicU64::new(0));
    let phase = |writers: usize, readers: usize| {
        let world = World {
            database: &database,
            stop: AtomicBool::new(false),
            acknowledged: &acknowledged,
            keys: &keys,
            orders,
            queries: &queries,
        };
        work(&world, writers, readers, Duration::from_secs(args.seconds))
    };
    let writing = phase(args.writers, 0)?;
    let reading = phase(0, 1)?;
    let both = phase(args.writers, 1)?;
    println!(
        "{:<28}{:>12}{:>12}{:>8}",
        "per second", "alone", "together", "share"
    );
    let line = |name: &str, alone: f64, together: f64| {
        let share = together / alone;
        println!("{name:<28}{alone:>12.1}{together:>12.1}{share:>8.2}");
    };
    line(
        &format!("commits, {} writers", args.writers),
        writing.commits,
        both.commits,
    );
    line("queries", reading.queries, both.queries);
    println!(
        "committed orders not seen in {} looks: {}, without their lines: {}",
        both.looks, both.missed, both.torn
    );
    Ok(both.missed + both.torn)
}

/// Lets so many of each side work for a while.
fn work(world: &World<'_>, writers: usize, readers: usize, time: Duration) -> Result<Work> {
    let begun = world.acknowledged.load(Ordering::SeqCst);
    let started = Instant::now();
    let done: Vec<Result<Work>> = thread::scope(|scope| {
        let writers = (0..writers).map(|writer| scope.spawn(move || write(world, writer as u64)));
        let writers: Vec<_> = writers.collect();
        let readers: Vec<_> = (0..readers)
            .map(|_| scope.spawn(move || read(world)))
            .collect();
        thread::sleep(time);
        world.stop.store(true, Ordering::SeqCst);
        let all = writers.into_iter().chain(readers);
        let panicked = |_| Err(Error::internal("a thread panicked"));
        all.map(|handle| handle.join().unwrap_or_else(panicked))
            .collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    let mut sum = Work::default();
    for one in done {
        let one = one?;
        sum.queries += one.queries / seconds;
        sum.looks += one.looks;
        sum.missed += one.missed;
        sum.torn += one.torn;
    }
    let commits = world.acknowledged.load(Ordering::SeqCst) - begun;
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let commits = commits as f64;
    sum.commits = commits / seconds;
    Ok(sum)
}

/// Adds orders until it is told to stop.
fn write(world: &World<'_>, writer: u64) -> Result<Work> {
    let mut connection = world.database.connect()?;
    let mut numbers = Numbers::new(writer + 1);
    // Keys of the generator: eight of 32 in a row, counted from 1.
    let known = |n: i64| (n + 1) / 8 * 32 + (n + 1) % 8;
    while !world.stop.load(Ordering::SeqCst) {
        let key = FIRST + world.keys.fetch_add(1, Ordering::SeqCst).cast_signed();
        let like = known(numbers.below(world.orders));
        let other = known(numbers.below(world.orders));
        connection.execute_batch("BEGIN")?;
        connection.execute(ORDER, (key, like))?;
        connection.execute(LINES, (key, like))?;
        connection.execute(CHANGE, (other,))?;
        connection.execute_batch("COMMIT")?;
        world.acknowledged.fetch_add(1, Ordering::SeqCst);
    }
    Ok(Work::default())
}

/// Asks queries until it is told to stop.
fn read(world: &World<'_>) -> Result<Work> {
    let mut connection = world.database.connect()?;
    let mut work = Work::default();
    let mut round = 0;
    loop {
        // The last look is after the last query, however long that took.
        let stop = world.stop.load(Ordering::SeqCst);
        if stop || usize::is_multiple_of(round, world.queries.len()) {
            let least = world.acknowledged.load(Ordering::SeqCst).cast_signed();
            let seen = number(&mut connection, NEW)?;
            work.looks += 1;
            work.missed += (least - seen).max(0);
            work.torn += number(&mut connection, TORN)?;
        }
        if stop {
            break;
        }
        let Some(query) = world.queries.get(round % world.queries.len().max(1)) else {
            break;
        };
        for statement in query {
            for row in connection.query(statement.as_str(), ())? {
                row?;
            }
        }
        work.queries += 1.0;
        round += 1;
    }
    Ok(work)
}

fn number(connection: &mut Connection, sql: &str) -> Result<i64> {
    connection.query_row(sql, ())?.get(0)
}
