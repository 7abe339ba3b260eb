//! The `heliosdb` program: shell, one-shot statements, import, demo, backup, check.

mod app;
mod args;
mod backup;
mod bench;
mod check;
mod demo;
mod export;
mod first_user;
mod import;
mod interrupt;
mod lexer;
mod log;
mod otlp;
mod output;
mod report;
mod script;
mod serve;
mod shell;
mod watch;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use heliosdb::{Database, Error, Options};

use app::{App, Failure};
use args::{Args, Command, Work};

/// Something failed and was reported.
const FAILED: u8 = 1;

fn main() -> ExitCode {
    end_with_the_reader();
    let (args, work) = Args::read();
    let done = match &args.command {
        Some(Command::Demo(demo)) => demo::run(demo),
        Some(Command::Import(import)) => import::run(import),
        Some(Command::Export(export)) => export::run(export),
        Some(Command::Bench(bench)) => bench::run(bench),
        Some(Command::Serve(serve)) => serve::run(serve),
        Some(Command::Backup { path, directory }) => backup::backup(path, directory),
        Some(Command::Restore { directory, path }) => backup::restore(directory, path),
        Some(Command::Check { path }) if heliosdb::is_backup(path) => backup::verify(path),
        Some(Command::Check { path }) => check::run(path),
        None => statements(&args, work),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough: that is no failure of ours.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Output(error)) => {
            eprintln!("heliosdb: could not write the output: {error}");
            ExitCode::from(FAILED)
        }
        Err(Failure::Statement) => ExitCode::from(FAILED),
    }
}

/// Ends the program quietly where `println!` finds that nobody reads on (`heliosdb bench … | head`).
fn end_with_the_reader() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload().downcast_ref::<String>();
        let unread = io::Error::from(io::ErrorKind::BrokenPipe).to_string();
        match message {
            Some(text)
                if text.starts_with("failed printing to stdout")
                    && text.to_lowercase().contains(&unread) =>
            {
                std::process::exit(0)
            }
            _ => report(panic),
        }
    }));
}

/// A shell, or the work of the command line, or what is piped in.
fn statements(args: &Args, mut work: Vec<Work>) -> Result<(), Failure> {
    let piped = work.is_empty() && !io::stdin().is_terminal();
    if piped {
        work.push(Work::File(PathBuf::from("-")));
    }
    let interactive = work.is_empty();
    let open = |args: &Args| -> Result<App, Error> {
        let database = match &args.path {
            Some(path) if path.as_os_str() != ":memory:" => Options::new().open(path)?,
            _ => Database::open_in_memory()?,
        };
        App::new(&database, &args.output, interactive)
    };
    let mut app = match open(args) {
        Ok(app) => app,
        Err(error) => {
            report::error(&error, None, &app::error_styles(&args.output));
            return Err(Failure::Statement);
        }
    };
    if interactive {
        let title = args.path.as_ref().map_or_else(
            || "in memory: all is gone when you leave".to_owned(),
            |path| path.display().to_string(),
        );
        shell::run(&mut app, &title).map_err(Failure::from)
    } else {
        script::run_all(&mut app, &work)
    }
}
