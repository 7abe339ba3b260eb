//! `heliosdb demo`: a database of real data, and a walk through it.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use heliosdb::{Database, Error, Result, SqlState};

use crate::app::{self, App, Failure};
use crate::args::{DemoArgs, ImportArgs};
use crate::import::parquet::ParquetSource;
use crate::import::{self, Source};
use crate::report;

/// The data: the Debian 12 archive, see `data/debian/README.md`.
const FILES: &[(&str, &[u8])] = &[
    (
        "packages",
        include_bytes!("../../../data/debian/packages.parquet"),
    ),
    (
        "dependencies",
        include_bytes!("../../../data/debian/dependencies.parquet"),
    ),
    (
        "versions",
        include_bytes!("../../../data/debian/versions.parquet"),
    ),
];

/// What the demo's directory holds beside the database's own files, so that `--force` removes
/// nothing but a demo.
const MARK: &str = "heliosdb-demo";

const SCHEMA: &str = "
CREATE TABLE packages (
    package            text PRIMARY KEY,
    version            text NOT NULL,
    source             text,
    section            text NOT NULL,
    priority           text NOT NULL,
    maintainer         text,
    installed_size_kib bigint CHECK (installed_size_kib >= 0),
    size_bytes         bigint NOT NULL,
    homepage           text,
    summary            text
);
CREATE TABLE dependencies (
    package  text NOT NULL REFERENCES packages,
    target   text NOT NULL,
    kind     text NOT NULL,
    group_no integer NOT NULL
);
CREATE TABLE versions (
    package    text NOT NULL,
    version    text NOT NULL,
    suite      text NOT NULL,
    size_bytes bigint NOT NULL
);
";

const INDEXES: &str = "
CREATE INDEX dependencies_package ON dependencies (package);
CREATE INDEX dependencies_target ON dependencies (target, kind);
CREATE INDEX packages_section ON packages (section, size_bytes DESC);
ANALYZE;
";

/// The walk: what a statement shows, and the statement.
const STEPS: &[(&str, &str)] = &[
    (
        "One row by its key",
        "SELECT package, version, section, summary FROM packages WHERE package = 'postgresql-15'",
    ),
    (
        "The archive by section",
        "SELECT section, count(*) AS packages, round(sum(size_bytes) / 1e9, 2) AS gb\n  FROM packages GROUP BY section ORDER BY gb DESC LIMIT 8",
    ),
    (
        "The largest game of each letter, by a window",
        "SELECT letter, package, size_mb FROM (\n    SELECT left(package, 1) AS letter, package, size_bytes / 1000000 AS size_mb,\n           row_number() OVER (PARTITION BY left(package, 1) ORDER BY size_bytes DESC) AS place\n      FROM packages WHERE section = 'games') AS ranked\n WHERE place = 1 ORDER BY size_mb DESC LIMIT 5",
    ),
    (
        "What redis-server needs, and what that needs: a graph in SQL",
        "WITH RECURSIVE needs (package, hops) AS (\n    SELECT 'redis-server', 0\n  UNION\n    SELECT d.target, n.hops + 1\n      FROM needs n JOIN dependencies d ON d.package = n.package\n     WHERE d.kind IN ('depends', 'pre-depends') AND n.hops < 2)\nSELECT hops, count(DISTINCT package) AS packages, min(package) AS for_example\n  FROM needs GROUP BY hops ORDER BY hops",
    ),
    (
        "What breaks most if it goes: most depended on",
        "SELECT d.target, count(DISTINCT d.package) AS dependents, p.summary\n  FROM dependencies d JOIN packages p ON p.package = d.target\n WHERE d.kind = 'depends'\n GROUP BY d.target, p.summary ORDER BY dependents DESC LIMIT 5",
    ),
    (
        "How much the security suite touched",
        "SELECT suite, count(*) AS published, count(DISTINCT package) AS packages\n  FROM versions GROUP BY suite ORDER BY published DESC",
    ),
    (
        "A change inside a transaction, seen there, and taken back",
        "BEGIN;\nDELETE FROM dependencies WHERE package = 'redis-server';\nSELECT count(*) AS dependencies_left FROM dependencies WHERE package = 'redis-server';\nROLLBACK;\nSELECT count(*) AS back_again FROM dependencies WHERE package = 'redis-server'",
    ),
    (
        "Which executor runs what: rows by key in microseconds, analytics in vectors",
        "EXPLAIN SELECT summary FROM packages WHERE package = 'bash';\nEXPLAIN SELECT section, avg(size_bytes) FROM packages GROUP BY section",
    ),
];

/// Builds the database, walks through it, and says how to go on.
pub fn run(args: &DemoArgs) -> Result<(), Failure> {
    let styles = app::error_styles(&args.output);
    let fail = |error: Error| {
        report::error(&error, None, &styles);
        Failure::Statement
    };
    let machine = args.output.format().is_machine();
    prepare_folder(&args.path, args.force).map_err(fail)?;
    let started = Instant::now();
    let database = Database::open(&args.path).map_err(fail)?;
    let mark = args.path.join(MARK);
    std::fs::write(&mark, "built by heliosdb demo\n")
        .map_err(|error| fail(Error::io(format!("write \"{}\"", mark.display()), error)))?;
    build(&database, args).map_err(fail)?;
    if !machine {
        println!(
            "Built {} in {}.\n",
            args.path.display(),
            report::duration(started.elapsed())
        );
    }
    let mut app = App::new(&database, &args.output, false).map_err(fail)?;
    app.timing = !machine;
    for (number, (title, sql)) in STEPS.iter().enumerate() {
        if !machine {
            let head = format!("{}. {title}", number + 1);
            app.say(&app.look.styles.header.paint(head).to_string())?;
            app.say(&app.look.styles.aside.paint(indented(sql)).to_string())?;
        }
        for statement in sql.split(';') {
            app.run(statement.trim())?;
        }
        if !machine {
            app.say("")?;
        }
    }
    if !machine {
        farewell(&args.path)?;
    }
    Ok(())
}

fn indented(sql: &str) -> String {
    let lines: Vec<String> = sql.lines().map(|line| format!("   {line}")).collect();
    format!("{};\n", lines.join("\n"))
}

/// Makes sure that nothing is in the way, removing an earlier demo when asked to.
fn prepare_folder(path: &Path, force: bool) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let is_demo = path.join(MARK).is_file();
    if force && is_demo {
        return std::fs::remove_dir_all(path)
            .map_err(|error| Error::io(format!("remove \"{}\"", path.display()), error));
    }
    let hint = if is_demo {
        "Add --force to build it anew, or name another place.".to_owned()
    } else {
        "Name another place; what is there was not built by this demo.".to_owned()
    };
    let message = format!("\"{}\" is there already", path.display());
    Err(Error::new(SqlState::DUPLICATE_FILE, message).with_hint(hint))
}

fn build(database: &Database, args: &DemoArgs) -> Result<()> {
    let quiet = args.output.quiet || args.output.format().is_machine();
    let mut connection = database.connect()?;
    connection.execute_batch(SCHEMA)?;
    for (table, bytes) in FILES {
        let started = Instant::now();
        let mut source = ParquetSource::from_bytes(table, bytes)?;
        let columns = source.columns().len();
        let options = ImportArgs::into_table(args.path.clone(), table, args.output.clone());
        let rows = import::load(&mut connection, &mut source, table, &options)?;
        if !quiet {
            println!(
                "  {:>9} rows of {columns:>2} columns into {table:<13} {}",
                report::thousands(rows),
                report::duration(started.elapsed())
            );
        }
    }
    let started = Instant::now();
    for statement in INDEXES.split(';').filter(|text| !text.trim().is_empty()) {
        connection.execute(statement, ())?;
    }
    if !quiet {
        println!(
            "  three indexes and statistics {:>24}",
            report::duration(started.elapsed())
        );
    }
    io::stdout()
        .flush()
        .map_err(|error| Error::io("write to the terminal", error))
}

fn farewell(path: &Path) -> io::Result<()> {
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "heliosdb".to_owned());
    let mut out = io::stdout().lock();
    writeln!(out, "Now you: open the shell on it with\n")?;
    writeln!(out, "    {program} {}\n", path.display())?;
    writeln!(
        out,
        "and try \\d packages, \\? and \\help, Tab to complete, or a query of your own:"
    )?;
    writeln!(
        out,
        "    SELECT package, summary FROM packages WHERE summary ILIKE '%database%' LIMIT 10;"
    )
}
