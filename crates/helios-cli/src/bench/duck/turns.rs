//! Queries that HeliosDB and DuckDB answer in turns.

use std::path::Path;
use std::time::{Duration, Instant};

use heliosdb::{Connection, Database, Result, Row, TextContext, Value};

use super::Duck;
use crate::app::Failure;
use crate::bench::{median, megabytes, milliseconds};

/// HeliosDB, and DuckDB if it was asked for.
pub struct Turns {
    /// The one.
    pub connection: Connection,
    /// The other.
    pub duck: Option<Duck>,
    /// How often each query runs after its first time.
    pub rounds: usize,
}

/// What each of the two took for a query, in milliseconds.
pub struct Line {
    number: usize,
    ours: Times,
    theirs: Option<Times>,
    /// What the answer was compared with, or what is wrong with it.
    judged: std::result::Result<&'static str, String>,
}

/// The first run, and the middle of the others.
#[derive(Clone, Copy)]
struct Times {
    first: f64,
    hot: f64,
}

impl Turns {
    /// Runs the statements, one of which is a query. Without DuckDB `judge` compares the answer with what is known.
    /// Where the query has no order, rows are compared in that of their text.
    pub fn query(
        &mut self,
        number: usize,
        statements: &[String],
        judge: impl Fn(&[String]) -> std::result::Result<&'static str, String>,
    ) -> Result<Line> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let mut judged = Ok("not compared");
        let lower = statements.join(" ").to_ascii_lowercase();
        let is_ordered = lower.contains("order by");
        for round in 0..=self.rounds {
            let started = Instant::now();
            let mut rows = answer(&mut self.connection, statements)?;
            ours.push(started.elapsed());
            let their_rows = match &mut self.duck {
                Some(duck) => {
                    let (time, rows) = duck.query(statements)?;
                    theirs.push(time);
                    Some(rows)
                }
                None => None,
            };
            if round == 0 {
                judged = match their_rows {
                    Some(mut expected) => {
                        if !is_ordered {
                            rows.sort_unstable();
                            expected.sort_unstable();
                        }
                        match same(&expected, &rows) {
                            Ok(()) => Ok("as DuckDB"),
                            Err(_) if same_but_for_ties(&mut expected, &mut rows) => {
                                Ok("as DuckDB, but for the order of ties")
                            }
                            Err(why) => Err(why),
                        }
                    }
                    None => judge(&rows),
                };
            }
        }
        Ok(Line {
            number,
            ours: times(&ours),
            theirs: (!theirs.is_empty()).then(|| times(&theirs)),
            judged,
        })
    }

    /// Opens the loaded database of HeliosDB at `path`, which keeps no answers then.
    pub fn open(path: &Path, duck: Option<Duck>, rounds: usize) -> Result<Self> {
        let mut connection = Database::open(path)?.connect()?;
        connection.execute_batch("SET query_cache_size = 0")?;
        Ok(Self {
            connection,
            duck,
            rounds,
        })
    }

    /// Who is there, what loading took each, and what it takes on disk.
    pub fn print_load(&self, path: &Path, ours: Duration, theirs: Option<Duration>) {
        let version = env!("CARGO_PKG_VERSION");
        match &self.duck {
            Some(duck) => println!("HeliosDB {version} beside {}", duck.version),
            None => println!("HeliosDB {version}"),
        }
        let theirs = theirs.map(|time| time.as_secs_f64());
        print_pair("load, s", ours.as_secs_f64(), theirs);
        let size = self.duck.as_ref().map(|duck| megabytes(&duck.file));
        print_pair("size on disk, MB", megabytes(path), size);
    }
}

/// What a bench ends with of whose answers so many are wrong.
pub fn verdict(wrong: usize) -> std::result::Result<(), Failure> {
    if wrong > 0 {
        eprintln!("{wrong} queries wrong");
        return Err(Failure::Statement);
    }
    Ok(())
}

/// How many are wrong, after the sums of the times were printed.
pub fn print_sums(lines: &[Line]) -> usize {
    println!();
    let total = |times: &dyn Fn(&Line) -> f64| lines.iter().map(times).sum::<f64>();
    let beside = lines.iter().any(|line| line.theirs.is_some());
    let first = total(&|line| line.ours.first);
    let their_first = total(&|line| line.theirs.map_or(0.0, |times| times.first));
    let hot = total(&|line| line.ours.hot);
    let their_hot = total(&|line| line.theirs.map_or(0.0, |times| times.hot));
    print_pair("all, first, ms", first, beside.then_some(their_first));
    print_pair("all, hot, ms", hot, beside.then_some(their_hot));
    lines.iter().filter(|line| line.judged.is_err()).count()
}

/// The heads of what [`print_line`] prints.
pub fn print_heads() {
    println!(
        "{:<8}{:>12}{:>12}{:>14}{:>12}{:>8}",
        "ms", "first", "hot", "DuckDB first", "hot", "ratio"
    );
}

/// A query's times and whether its answer is right.
pub fn print_line(line: &Line) {
    let name = format!("Q{}", line.number);
    print!("{name:<8}{:>12.1}{:>12.1}", line.ours.first, line.ours.hot);
    if let Some(theirs) = &line.theirs {
        let ratio = line.ours.hot / theirs.hot;
        print!("{:>14.1}{:>12.1}{ratio:>8.2}", theirs.first, theirs.hot);
    }
    match &line.judged {
        Ok(what) => println!("  {what}"),
        Err(why) => println!("  WRONG: {why}"),
    }
}

/// One figure of each.
pub fn print_pair(name: &str, ours: f64, theirs: Option<f64>) {
    match theirs {
        Some(theirs) => println!("{name:<20}{ours:>12.1}{theirs:>26.1}{:>8.2}", ours / theirs),
        None => println!("{name:<20}{ours:>12.1}"),
    }
}

/// A path as a literal of SQL.
pub fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "''"))
}

fn times(all: &[Duration]) -> Times {
    let (first, hot) = all.split_first().unwrap_or((&Duration::ZERO, &[]));
    let mut hot = if hot.is_empty() {
        vec![*first]
    } else {
        hot.to_vec()
    };
    Times {
        first: milliseconds(*first),
        hot: milliseconds(median(&mut hot)),
    }
}

/// The rows of the one query among the statements.
fn answer(connection: &mut Connection, statements: &[String]) -> Result<Vec<String>> {
    let text = connection.text_context();
    let mut rows = Vec::new();
    for statement in statements {
        let verb = statement.get(..6).unwrap_or_default();
        if verb.eq_ignore_ascii_case("select") {
            for row in connection.query(statement.as_str(), ())? {
                rows.push(line(&row?, &text));
            }
        } else {
            connection.execute_batch(statement)?;
        }
    }
    Ok(rows)
}

/// Whether both answered the same, but for how averages of whole numbers are rounded; else what differs.
fn same(expected: &[String], found: &[String]) -> std::result::Result<(), String> {
    let differ = expected.iter().zip(found).find(|(a, b)| !same_cells(a, b));
    match differ {
        None if expected.len() == found.len() => Ok(()),
        differ => Err(format!(
            "{} rows expected, {} found; the first that differ: {differ:?}",
            expected.len(),
            found.len()
        )),
    }
}

/// Whether both answered the same rows, and those that stand elsewhere are equal in a column by which all of them are in order.
fn same_but_for_ties(expected: &mut [String], found: &mut [String]) -> bool {
    fn column(rows: &[String], at: usize) -> Option<Vec<&str>> {
        rows.iter().map(|row| row.split('|').nth(at)).collect()
    }
    fn is_in_order(cells: &[&str]) -> bool {
        let numbers: Option<Vec<f64>> = cells.iter().map(|cell| cell.parse().ok()).collect();
        match numbers {
            Some(numbers) => numbers.is_sorted() || numbers.is_sorted_by(|a, b| a >= b),
            None => cells.is_sorted() || cells.is_sorted_by(|a, b| a >= b),
        }
    }
    let columns = expected.first().map_or(0, |row| row.split('|').count());
    let is_order = |at: usize| {
        let both = column(expected, at).zip(column(found, at));
        both.is_some_and(|(a, b)| a == b && a.first() != a.last() && is_in_order(&a))
    };
    let is_ordered = (0..columns).any(is_order);
    expected.sort_unstable();
    found.sort_unstable();
    is_ordered && expected == found
}

/// Whether two lines say the same: numbers may differ by a cent, where one of the two is binary.
fn same_cells(a: &str, b: &str) -> bool {
    let (a, b): (Vec<&str>, Vec<&str>) = (a.split('|').collect(), b.split('|').collect());
    let near = |(a, b): (&&str, &&str)| {
        a == b
            || matches!((a.parse::<f64>(), b.parse::<f64>()), (Ok(a), Ok(b)) if (a - b).abs() < 0.0101)
    };
    a.len() == b.len() && a.iter().zip(&b).all(near)
}

/// A row as text: numbers with a fraction rounded to cents.
fn line(row: &Row, text: &TextContext) -> String {
    let cells = row.values().iter().zip(row.columns());
    let cells = cells.map(|(value, column)| match value {
        Value::Null => String::new(),
        Value::Numeric(number) => match number.round(2) {
            Ok(cents) if number.to_string().contains('.') => cents.to_string(),
            _ => number.to_string(),
        },
        Value::Float8(number) => format!("{number:.2}"),
        other => other.to_text(&column.ty, text).trim_end().to_owned(),
    });
    cells.collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ties_may_stand_elsewhere() {
        let rows = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let same = |a, b| same_but_for_ties(&mut rows(a), &mut rows(b));
        assert!(same(
            "7|10.00 5|9.50 6|9.50 1|2.00",
            "7|10.00 6|9.50 5|9.50 1|2.00"
        ));
        assert!(!same("7|10.00 5|9.50 6|9.50", "5|9.50 7|10.00 6|9.50"));
        assert!(!same("7|10.00 5|9.50 6|9.50", "7|10.00 6|9.50 8|9.50"));
        assert!(!same("7|1 5|1 6|1", "5|1 7|1 6|1"));
    }
}
