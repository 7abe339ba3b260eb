//! The same searches as prepared statements, also with conditions.

use std::path::Path;
use std::time::{Duration, Instant};

use heliosdb::{Connection, Database, Result, Value};

use super::EFFORTS;
use super::data::{Data, WANTED};
use super::library::ROUNDS;
use super::point::Point;
use crate::args::VectorBenchArgs;
use crate::bench::{megabytes, microseconds};

/// Conditions, each with the modulus of which it takes one value.
const SHARES: [(&str, u64); 4] = [
    ("half", 2),
    ("tenth", 10),
    ("hundredth", 100),
    ("thousandth", 1000),
];

/// The value of the column of this modulus in a row; it has nothing to do with where the row is.
fn spread(id: u64, modulus: u64) -> u64 {
    (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % modulus.max(1)
}

/// Runs all of it; `library` is what the structure by itself did.
pub fn measure(
    folder: &Path,
    data: &Data,
    args: &VectorBenchArgs,
    library: &[Point],
) -> Result<()> {
    let place = folder.join("db");
    let database = Database::open(&place)?;
    let mut c = database.connect()?;
    let began = Instant::now();
    load(&mut c, data)?;
    println!(
        "\nthrough SQL: {} rows loaded in {:.1} s, {:.1} MB on disk",
        data.rows(),
        began.elapsed().as_secs_f64(),
        megabytes(&place)
    );
    let class = class(args);
    let began = Instant::now();
    let index = format!(
        "CREATE INDEX near ON item USING hnsw (v {class})
         WITH (m = {}, ef_construction = {}, quantization = 'none')",
        args.m, args.ef_construction
    );
    c.execute(index.as_str(), ())?;
    let took = began.elapsed().as_secs_f64();
    c.execute("ANALYZE item", ())?;
    c.execute("VACUUM", ())?;
    println!(
        "CREATE INDEX {took:.1} s, {:.1} MB beside the store",
        megabytes(&place.join("vectors"))
    );
    plain(&mut c, data, args, library)?;
    filtered(&mut c, data, args)?;
    if args.quantized {
        for options in [
            "quantization = 'rabitq', bits = 4",
            "quantization = 'rabitq', bits = 1",
            "quantization = 'scalar'",
        ] {
            quantized(&mut c, data, args, library, options)?;
        }
    }
    Ok(())
}

/// The same searches by an index that holds codes.
fn quantized(
    c: &mut Connection,
    data: &Data,
    args: &VectorBenchArgs,
    library: &[Point],
    options: &str,
) -> Result<()> {
    let class = class(args);
    let (m, breadth) = (args.m, args.ef_construction);
    let began = Instant::now();
    c.execute("DROP INDEX near", ())?;
    let index = format!(
        "CREATE INDEX near ON item USING hnsw (v {class})
         WITH (m = {m}, ef_construction = {breadth}, {options})"
    );
    c.execute(index.as_str(), ())?;
    let row = c.query_row("SELECT codes, bytes FROM pg_vector_index_stats()", ())?;
    let (codes, bytes): (String, i64) = (row.get(0)?, row.get(1)?);
    println!(
        "\n{codes}: CREATE INDEX {:.1} s, {:.1} MB in memory",
        began.elapsed().as_secs_f64(),
        bytes as f64 / 1e6
    );
    plain(c, data, args, library)
}

/// The operator class of the distance.
fn class(args: &VectorBenchArgs) -> &'static str {
    match args.metric.name() {
        "l2" => "vector_l2_ops",
        _ => "vector_cosine_ops",
    }
}

fn load(c: &mut Connection, data: &Data) -> Result<()> {
    let create = format!(
        "CREATE TABLE item (id bigint PRIMARY KEY, half int, tenth int, hundredth int,
             thousandth int, v vector({}) NOT NULL)",
        data.width
    );
    c.execute(create.as_str(), ())?;
    let mut transaction = c.transaction()?;
    let columns = ["id", "half", "tenth", "hundredth", "thousandth", "v"];
    let mut appender = transaction.appender("item", &columns)?;
    for (id, row) in (0_u64..).zip(data.base.chunks_exact(data.width)) {
        let mut values = vec![Value::Int8(i64::try_from(id).unwrap_or(i64::MAX))];
        values.extend(
            SHARES
                .iter()
                .map(|(_, modulus)| Value::Int4(i32::try_from(spread(id, *modulus)).unwrap_or(0))),
        );
        values.push(heliosdb::ToSql::to_sql(row));
        appender.append(values)?;
    }
    appender.finish()?;
    transaction.commit()
}

/// What the statements of one kind took and found.
#[derive(Default)]
struct Taken {
    times: Vec<Duration>,
    hits: usize,
    wanted: usize,
    rows: usize,
}

impl Taken {
    fn share(&self, part: f64) -> f64 {
        let at = (self.times.len() as f64 * part) as usize;
        self.times.get(at).copied().map_or(0.0, microseconds)
    }

    fn speed(&self) -> f64 {
        let all: Duration = self.times.iter().sum();
        self.times.len() as f64 / all.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    fn recall(&self) -> f64 {
        self.hits as f64 / self.wanted.max(1) as f64
    }
}

fn ask(c: &mut Connection, data: &Data, sql: &str, truth: &[Vec<u64>]) -> Result<Taken> {
    let statement = c.prepare(sql)?;
    let mut taken = Taken::default();
    for (query, truth) in data.each_query().zip(truth) {
        let began = Instant::now();
        let rows = c.query(&statement, (query,))?;
        let ids: Vec<i64> = rows.map(|row| row?.get(0)).collect::<Result<_>>()?;
        taken.times.push(began.elapsed());
        let found = |id: &u64| ids.iter().any(|found| u64::try_from(*found) == Ok(*id));
        taken.hits += truth.iter().filter(|id| found(id)).count();
        taken.wanted += truth.len();
        taken.rows += ids.len();
    }
    taken.times.sort_unstable();
    Ok(taken)
}

/// The best of as many rounds as the structure by itself has.
fn best(c: &mut Connection, data: &Data, sql: &str) -> Result<Taken> {
    let mut best = ask(c, data, sql, &data.truth)?;
    for _ in 1..ROUNDS {
        let next = ask(c, data, sql, &data.truth)?;
        if next.speed() > best.speed() {
            best = next;
        }
    }
    Ok(best)
}

fn order(args: &VectorBenchArgs, condition: &str) -> String {
    let operator = match args.metric.name() {
        "l2" => "<->",
        _ => "<=>",
    };
    format!("SELECT id FROM item {condition} ORDER BY v {operator} $1 LIMIT {WANTED}")
}

fn plain(c: &mut Connection, data: &Data, args: &VectorBenchArgs, library: &[Point]) -> Result<()> {
    println!(
        "{:<28}{:>8}{:>10}{:>12}{:>10}{:>10}{:>16}",
        "prepared, one thread",
        "effort",
        "recall",
        "queries/s",
        "p50 µs",
        "p95 µs",
        "outside index"
    );
    let taken = best(c, data, &order(args, ""))?;
    println!(
        "{:<28}{:>8}{:>10.4}{:>12.0}{:>10.0}{:>10.0}",
        "as nobody sets anything",
        "",
        taken.recall(),
        taken.speed(),
        taken.share(0.5),
        taken.share(0.95)
    );
    for effort in EFFORTS.iter().filter(|effort| **effort <= 1000) {
        c.execute(format!("SET hnsw.ef_search = {effort}").as_str(), ())?;
        let taken = best(c, data, &order(args, ""))?;
        let inside = library
            .iter()
            .find(|p| p.name == "heliosdb" && p.threads == 1 && p.effort == *effort);
        let outside = inside.map_or("-".to_owned(), |point| {
            format!(
                "{:.0} % (goal 20)",
                100.0 * (1.0 - taken.speed() / point.speed)
            )
        });
        println!(
            "{:<28}{effort:>8}{:>10.4}{:>12.0}{:>10.0}{:>10.0}{outside:>16}",
            "",
            taken.recall(),
            taken.speed(),
            taken.share(0.5),
            taken.share(0.95)
        );
    }
    for target in [0.95, 0.99] {
        c.execute(format!("SET helios.vector_recall = {target}").as_str(), ())?;
        let taken = best(c, data, &order(args, ""))?;
        println!(
            "{:<28}{:>8}{:>10.4}{:>12.0}{:>10.0}{:>10.0}",
            format!("helios.vector_recall = {target}"),
            "",
            taken.recall(),
            taken.speed(),
            taken.share(0.5),
            taken.share(0.95)
        );
    }
    c.execute("RESET helios.vector_recall", ())?;
    c.execute("RESET hnsw.ef_search", ()).map(drop)
}

fn filtered(c: &mut Connection, data: &Data, args: &VectorBenchArgs) -> Result<()> {
    println!(
        "{:<28}{:>8}{:>10}{:>12}{:>10}{:>10}{:>16}",
        "with a condition", "share", "recall", "queries/s", "p50 µs", "p95 µs", "rows"
    );
    let few = data.truth.len().min(200);
    for indexed in [false, true] {
        if indexed {
            for (column, _) in SHARES {
                c.execute(format!("CREATE INDEX ON item ({column})").as_str(), ())?;
            }
            c.execute("ANALYZE item", ())?;
        }
        for (column, modulus) in SHARES {
            let truth = data
                .each_query()
                .take(few)
                .map(|query| data.nearest(query, |id| spread(id, modulus) == 1 % modulus))
                .collect::<Result<Vec<_>>>()?;
            let condition = format!("WHERE {column} = {}", 1 % modulus);
            let taken = ask(c, data, &order(args, &condition), &truth)?;
            let least = taken.wanted;
            let missing = if taken.rows < least { " too few" } else { "" };
            println!(
                "{:<28}{:>7.1}%{:>10.4}{:>12.0}{:>10.0}{:>10.0}{:>16}{missing}",
                if indexed {
                    format!("{condition}, indexed")
                } else {
                    condition
                },
                100.0 / modulus as f64,
                taken.recall(),
                taken.speed(),
                taken.share(0.5),
                taken.share(0.95),
                taken.rows
            );
        }
    }
    Ok(())
}
