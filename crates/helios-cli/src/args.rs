//! The command line.

use std::path::PathBuf;

use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::output::Format;

/// HeliosDB: a database in which every row has a memory and every database has branches.
///
/// Without a command, opens a shell on PATH, or in memory when there is no PATH. With -c, -f or
/// piped input, runs that and ends.
#[derive(Debug, Parser)]
#[command(name = "heliosdb", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  heliosdb                                   a shell on a database in memory
  heliosdb shop.db                           a shell on shop.db, created if it is not there
  heliosdb shop.db -c 'SELECT 1' --csv       one statement, as CSV on standard output
  heliosdb import shop.db orders.csv         load a file into a table of its name
  heliosdb serve shop.db                     serve it to PostgreSQL clients
  heliosdb demo                              a tour on real data")]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The database: a directory. In memory when absent or `:memory:`.
    pub path: Option<PathBuf>,

    /// Run SQL (several statements may be separated by semicolons) and end; repeatable.
    #[arg(short = 'c', long = "command", value_name = "SQL", action = ArgAction::Append)]
    pub commands: Vec<String>,

    /// Run the statements of a file and end; repeatable, `-` is standard input.
    #[arg(short = 'f', long = "file", value_name = "FILE", action = ArgAction::Append)]
    pub files: Vec<PathBuf>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// How results are written.
#[derive(Clone, Debug, clap::Args)]
pub struct OutputArgs {
    /// Result sets as CSV: a header, then rows; nothing else on standard output.
    #[arg(long, group = "format")]
    pub csv: bool,

    /// Result sets as JSON: an array of objects each; nothing else on standard output.
    #[arg(long, group = "format")]
    pub json: bool,

    /// Result sets as Markdown tables.
    #[arg(long, group = "format")]
    pub markdown: bool,

    /// One column per line.
    #[arg(short = 'x', long)]
    pub expanded: bool,

    /// Rows only: no headers and no counts.
    #[arg(short = 't', long)]
    pub tuples_only: bool,

    /// No command tags and no welcome.
    #[arg(short = 'q', long)]
    pub quiet: bool,

    /// Show how long each statement takes.
    #[arg(long)]
    pub timing: bool,

    /// Colours: `auto` follows the terminal and NO_COLOR.
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

impl OutputArgs {
    /// The format chosen.
    pub fn format(&self) -> Format {
        match (self.csv, self.json, self.markdown) {
            (true, _, _) => Format::Csv,
            (_, true, _) => Format::Json,
            (_, _, true) => Format::Markdown,
            _ => Format::Aligned,
        }
    }
}

/// What to do besides opening a shell.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build a database from real data and walk through it.
    Demo(DemoArgs),
    /// Load CSV, JSON lines, Parquet or SQLite files into tables.
    Import(ImportArgs),
    /// Write every table of a database into a file of its own: Parquet, CSV or JSON lines.
    Export(ExportArgs),
    /// Measure this machine: HeliosDB beside SQLite, or what branches cost.
    Bench(BenchArgs),
    /// Serve a database to PostgreSQL clients.
    Serve(ServeArgs),
    /// Copy a database, as of one commit, into a directory.
    Backup {
        /// The database: a directory. A server that has it open does the same by SQL:
        /// SELECT * FROM helios_backup('/directory').
        path: PathBuf,
        /// Where to: a directory that is empty or not there.
        directory: PathBuf,
    },
    /// Make a database of a backup.
    Restore {
        /// The backup: a directory.
        directory: PathBuf,
        /// The database to make: a directory that is empty or not there.
        path: PathBuf,
    },
    /// Verify every checksum and invariant of a database, or every checksum of a backup.
    Check {
        /// The database, or the backup: a directory.
        path: PathBuf,
    },
}

/// `heliosdb serve`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Clients connect as the user \"helios\". The first start gives it the password in HELIOS_PASSWORD,
or one that it prints this once; ALTER ROLE helios PASSWORD changes it:
  psql 'host=127.0.0.1 user=helios dbname=helios'
  psql 'host=127.0.0.1 user=helios dbname=helios@dev'     on the branch dev"
)]
pub struct ServeArgs {
    /// The database: a directory, created if it is not there. In memory when absent or `:memory:`.
    pub path: Option<PathBuf>,

    /// The address to listen at.
    #[arg(long, default_value = "127.0.0.1:5432", value_name = "HOST:PORT")]
    pub listen: std::net::SocketAddr,

    /// Listen at a local socket instead.
    #[arg(long, value_name = "FILE", conflicts_with = "listen")]
    pub socket: Option<PathBuf>,

    /// Ask nobody for a password; for local addresses only.
    #[arg(long)]
    pub trust: bool,

    /// The server's certificate chain in PEM; clients may then encrypt, and those of other machines
    /// must. Read again on SIGHUP.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's private key in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// Rules of who may connect from where and how, in the form of pg_hba.conf. Read again on SIGHUP.
    #[arg(long, value_name = "FILE", conflicts_with = "trust")]
    pub hba: Option<PathBuf>,

    /// Serve addresses beyond this machine although connections are not encrypted.
    #[arg(long)]
    pub allow_unencrypted: bool,

    /// Answer HTTP at this address: /health, /ready, and /metrics for Prometheus.
    #[arg(long, value_name = "HOST:PORT")]
    pub http: Option<std::net::SocketAddr>,

    /// How the log is written to standard error. HELIOS_LOG says what is in it.
    #[arg(long, value_enum, default_value_t = LogFormat::Text, env = "HELIOS_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// Send traces to the OpenTelemetry collector at this address, by OTLP over HTTP in JSON; the
    /// variables OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT do so, too.
    #[arg(long, value_name = "http://HOST:4318")]
    pub otlp: Option<String>,

    /// Texts of statements and errors in traces as they are, with the values in them; else constants
    /// show as $1, $2, …
    #[arg(long)]
    pub otlp_full_statements: bool,

    /// How many clients at once.
    #[arg(long, default_value_t = 5000, value_name = "COUNT")]
    pub max_connections: usize,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// `heliosdb demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Where to build the demo database; must not exist yet.
    #[arg(default_value = "heliosdb-demo.db")]
    pub path: PathBuf,

    /// Replace the demo database that an earlier run built there.
    #[arg(long)]
    pub force: bool,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// `heliosdb bench`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub of: Option<BenchOf>,

    /// Rows in the table.
    #[arg(long, default_value_t = 1_000_000)]
    pub rows: u64,

    /// Durable commits per case.
    #[arg(long, default_value_t = 4_000)]
    pub commits: u64,

    /// Runs only the cases whose names contain this text; the table is loaded in any case.
    #[arg(long, value_name = "TEXT")]
    pub case: Option<String>,

    /// A directory to work in, removed afterwards; by default one for temporary files.
    #[arg(long)]
    pub path: Option<PathBuf>,

    /// Reads the table of one engine in `--path` and prints the memory that took; the benchmark
    /// runs itself so.
    #[arg(long, value_name = "ENGINE", hide = true, requires = "path")]
    pub memory_of: Option<BenchEngine>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// An engine of `heliosdb bench`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchEngine {
    /// HeliosDB.
    Helios,
    /// SQLite.
    Sqlite,
}

/// What to measure besides the engine beside SQLite.
#[derive(Debug, Subcommand)]
pub enum BenchOf {
    /// Branches, diffs, merges and the past; beside DoltLite if asked.
    Branches(BranchBenchArgs),
    /// Size on disk while the same few rows are updated again and again, retention being 5 s.
    Churn(ChurnArgs),
    /// Rows in segments beside rows of the row store and SQLite: single rows, and scans after changes.
    Frozen(FrozenArgs),
    /// Commits and queries of TPC-H at the same time, beside each alone.
    Htap(HtapArgs),
    /// The 22 queries of TPC-H, with answers compared; beside DuckDB if asked.
    Tpch(TpchArgs),
    /// Searches by nearness; beside hnswlib, faiss and usearch if asked.
    Vectors(VectorBenchArgs),
    /// 43 queries over one wide table of events made of real data; beside DuckDB if asked.
    Wide(WideArgs),
}

/// `heliosdb bench vectors`.
#[derive(Debug, clap::Args)]
pub struct VectorBenchArgs {
    /// How many vectors to search; of a file, at most so many.
    #[arg(long, default_value_t = 100_000)]
    pub rows: usize,

    /// Their dimensions, if they are made.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..))]
    pub dims: u16,

    /// Take them from this Parquet file.
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,

    /// Its column of lists of numbers.
    #[arg(long, default_value = "embedding")]
    pub column: String,

    /// How many queries to ask; of a file, its last vectors.
    #[arg(long, default_value_t = 1000)]
    pub queries: usize,

    /// What near means.
    #[arg(long, value_enum, default_value_t = BenchMetric::Cosine)]
    pub metric: BenchMetric,

    /// Links of a node.
    #[arg(long, default_value_t = 16)]
    pub m: usize,

    /// Candidates that are followed for a new node.
    #[arg(long, default_value_t = 128)]
    pub ef_construction: usize,

    /// Measure with these numbers of threads.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2])]
    pub threads: Vec<usize>,

    /// Measure graphs of codes, too.
    #[arg(long)]
    pub quantized: bool,

    /// A Python interpreter with numpy and what there is of hnswlib, faiss-cpu and usearch, to measure beside.
    #[arg(long, value_name = "PYTHON")]
    pub peers: Option<PathBuf>,

    /// A directory to work in, removed afterwards; by default one for temporary files.
    #[arg(long)]
    pub path: Option<PathBuf>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// What near means in `heliosdb bench vectors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BenchMetric {
    /// The angle.
    Cosine,
    /// The distance.
    L2,
}

impl BenchMetric {
    /// As peers call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::L2 => "l2",
        }
    }
}

/// `heliosdb bench wide`.
#[derive(Debug, clap::Args)]
pub struct WideArgs {
    /// A folder with `packages.parquet` and `dependencies.parquet`.
    #[arg(long, value_name = "FOLDER")]
    pub data: PathBuf,

    /// How many events each dependency makes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..1000))]
    pub copies: u32,

    /// How often each query runs after its first time.
    #[arg(long, default_value_t = 2)]
    pub rounds: usize,

    /// Runs only this query.
    #[arg(long, value_name = "NUMBER", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=43))]
    pub query: Option<usize>,

    /// A Python interpreter with the package `duckdb`, to do the same work beside.
    #[arg(long, value_name = "PYTHON")]
    pub duckdb: Option<PathBuf>,

    /// A directory to work in, removed afterwards; by default one for temporary files.
    #[arg(long)]
    pub path: Option<PathBuf>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// `heliosdb bench frozen`.
#[derive(Debug, clap::Args)]
pub struct FrozenArgs {
    /// Rows in the table.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(i64).range(1000..))]
    pub rows: i64,

    /// A directory to work in, removed afterwards; by default one for temporary files.
    #[arg(long)]
    pub path: Option<PathBuf>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// `heliosdb bench htap`.
#[derive(Debug, clap::Args)]
pub struct HtapArgs {
    /// The scale factor of TPC-H.
    #[arg(long, default_value_t = 0.1)]
    pub scale: f64,

    /// How many commit at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub writers: usize,

    /// How long each part of it takes.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..))]
    pub seconds: u64,

    /// Loads tables of so many rows straight into segments (the setting `bulk_load_threshold`).
    #[arg(long, value_name = "ROWS")]
    pub bulk: Option<u64>,

    /// A directory to work in, removed afterwards; by default one for temporary files.
    #[arg(long)]
    pub path: Option<PathBuf>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// `heliosdb bench tpch`.
#[derive(Debug, clap::Args)]
pub struct TpchArgs {
    /// The scale factor: 1 is six million rows in the largest table.
    #[arg(long, default_value_t = 0.1)]
    pub scale: f64,

    /// How often each query runs after its first time.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,

    /// Runs only this query.
    #[arg(long, value_name = "NUMBER", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=22))]
    pub query: Option<usize>,

    /// Forces an executor: row or vector.
    #[arg(long, value_parser = ["row", "vector"])]
    pub executor: Option<String>,

    /// Loads tables of so many rows straight into segments (the setting `bulk_load_threshold`).
    #[arg(long, value_name = "ROWS")]
    pub bulk: Option<u64>,

    /// A Python interpreter with the package `duckdb`, to do the same work beside.
    #[arg(long, value_name = "PYTHON")]
    pub duckdb: Option<PathBuf>,

    /// Declares no primary and foreign keys in DuckDB, whose load of large scales they make very long.
    #[arg(long, requires = "duckdb")]
    pub duckdb_without_keys: bool,

    /// A directory to work in, removed afterwards; by default one for temporary files.
    #[arg(long)]
    pub path: Option<PathBuf>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// `heliosdb bench churn`.
#[derive(Debug, clap::Args)]
pub struct ChurnArgs {
    /// Rows in the table.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(i64).range(1..))]
    pub rows: i64,

    /// Updates of 100 of them before the size is watched.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(i64).range(0..))]
    pub updates: i64,

    /// A directory to work in, removed afterwards; by default one for temporary files.
    #[arg(long)]
    pub path: Option<PathBuf>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// `heliosdb bench branches`.
#[derive(Debug, clap::Args)]
pub struct BranchBenchArgs {
    /// Rows in the tables; some cases take a tenth or a hundredth.
    #[arg(long, default_value_t = 1_000_000)]
    pub rows: u64,

    /// Rows in the large table of which branches are created; 0 for none.
    #[arg(long, default_value_t = 10_000_000)]
    pub large_rows: u64,

    /// Durable commits by 8 writers.
    #[arg(long, default_value_t = 8_000)]
    pub commits: u64,

    /// Branches open at once.
    #[arg(long, default_value_t = 1_000)]
    pub branches: u64,

    /// Branches that come and go.
    #[arg(long, default_value_t = 10_000)]
    pub cycles: u64,

    /// Runs only these parts; repeatable.
    #[arg(long, value_name = "NAME", value_parser = crate::bench::branch_parts())]
    pub part: Vec<String>,

    /// A Python interpreter with the package `doltlite`, to do the same work beside.
    #[arg(long, value_name = "PYTHON")]
    pub doltlite: Option<PathBuf>,

    /// A directory to work in, removed afterwards; by default one for temporary files.
    #[arg(long)]
    pub path: Option<PathBuf>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// `heliosdb export`.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// The database: a directory.
    pub path: PathBuf,

    /// Where to write the files: a directory that is empty or not there.
    pub directory: PathBuf,

    /// What to write.
    #[arg(long = "format", value_enum, default_value_t = ExportFormat::Parquet)]
    pub kind: ExportFormat,

    /// How to compress Parquet: zstd, snappy, gzip, lz4, brotli or none.
    #[arg(long, default_value = "zstd", value_name = "CODEC")]
    pub compression: String,

    /// The branch to export; by default main.
    #[arg(long)]
    pub branch: Option<String>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// The kinds of files that an export writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    Parquet,
    Csv,
    Json,
}

/// `heliosdb import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The database: a directory, created if it is not there.
    pub path: PathBuf,

    /// The files to load.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The table to load into; by default the file's name without its extension.
    #[arg(long)]
    pub table: Option<String>,

    /// The CSV delimiter; by default a comma, or a tab in `.tsv` files.
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<char>,

    /// The CSV file has no header line; columns are named column1, column2, ….
    #[arg(long)]
    pub no_header: bool,

    /// Read every column as text.
    #[arg(long)]
    pub all_text: bool,

    /// Columns of the primary key of a new table, separated by commas.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub primary_key: Vec<String>,

    #[command(flatten)]
    pub output: OutputArgs,
}

impl ImportArgs {
    /// What it takes to load into one table that is there already.
    pub fn into_table(path: PathBuf, table: &str, output: OutputArgs) -> Self {
        Self {
            path,
            files: Vec::new(),
            table: Some(table.to_owned()),
            delimiter: None,
            no_header: false,
            all_text: false,
            primary_key: Vec::new(),
            output,
        }
    }
}

/// One piece of work from the command line, in the order it was given.
#[derive(Debug, PartialEq, Eq)]
pub enum Work {
    /// The text after `-c`.
    Text(String),
    /// The file after `-f`.
    File(PathBuf),
}

impl Args {
    /// Reads the process's arguments; ends the process on wrong ones, as clap does.
    pub fn read() -> (Self, Vec<Work>) {
        let matches = Self::command().get_matches();
        match Self::from_arg_matches(&matches) {
            Ok(args) => {
                let work = args.work(&matches);
                (args, work)
            }
            Err(error) => error.exit(),
        }
    }

    /// `-c` and `-f` in the order they were given.
    fn work(&self, matches: &ArgMatches) -> Vec<Work> {
        let places = |id| matches.indices_of(id).into_iter().flatten();
        let texts = places("commands").zip(self.commands.iter().cloned().map(Work::Text));
        let files = places("files").zip(self.files.iter().cloned().map(Work::File));
        let mut all: Vec<_> = texts.chain(files).collect();
        all.sort_by_key(|(place, _)| *place);
        all.into_iter().map(|(_, work)| work).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn commands_and_files_keep_their_order() {
        let matches = Args::command()
            .try_get_matches_from(["heliosdb", "x.db", "-c", "a", "-f", "b.sql", "-c", "c"])
            .unwrap();
        let args = Args::from_arg_matches(&matches).unwrap();
        let texts = |text: &str| Work::Text(text.to_owned());
        assert_eq!(
            args.work(&matches),
            [texts("a"), Work::File(PathBuf::from("b.sql")), texts("c")]
        );
    }
}
