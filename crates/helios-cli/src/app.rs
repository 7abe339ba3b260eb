//! What the shell and the one-shot program share: a connection, how things look, and running SQL.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use heliosdb::{Connection, DataType, Database, Error, Outcome, RowStream, TextContext};
use parking_lot::Mutex;

use crate::args::{ColorChoice, OutputArgs};
use crate::interrupt::Interrupts;
use crate::lexer;
use crate::output::{Cell, Column, Expanded, Format, Kind, Look, ResultWriter, Styles};
use crate::report;
use crate::watch::ProgressWatch;

/// How running a text ended, when it did not end well.
#[derive(Debug)]
pub enum Failure {
    /// A statement failed and its error was shown.
    Statement,
    /// The output went away (a closed pipe, a full disk).
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// A connection and how its results are shown.
pub struct App {
    pub connection: Arc<Mutex<Connection>>,
    pub interrupts: Interrupts,
    pub look: Look,
    pub timing: bool,
    pub quiet: bool,
    /// Whether the change number is shown after each statement, in decimal.
    pub show_scn: bool,
    /// The same as a log position.
    pub show_lsn: bool,
    out: Box<dyn Write>,
    /// Whether results go to a file: `\o`.
    redirected: bool,
    /// Whether the running text copies to standard output.
    copying_out: bool,
}

impl App {
    /// Connects, and decides how things look from the arguments and the terminal.
    pub fn new(database: &Database, output: &OutputArgs, interactive: bool) -> Result<Self, Error> {
        let connection = database.connect()?;
        let interrupts = Interrupts::install(connection.cancel_handle(), interactive);
        let terminal = io::stdout().is_terminal();
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            interrupts,
            look: look(output, terminal),
            timing: output.timing || interactive,
            quiet: output.quiet || output.format().is_machine(),
            show_scn: false,
            show_lsn: false,
            out: Box::new(BufWriter::new(io::stdout())),
            redirected: false,
            copying_out: false,
        })
    }

    /// Runs `sql`, one or more statements, as one request; shows results as they come. `COPY … FROM
    /// STDIN` and `COPY … TO STDOUT` meet this process's own streams.
    pub fn run(&mut self, sql: &str) -> Result<(), Failure> {
        {
            let mut connection = self.connection.lock();
            connection.set_copy_input(Some(Box::new(io::stdin())));
            if !self.redirected {
                connection.set_copy_output(Some(Box::new(io::stdout())));
            }
        }
        self.run_with_streams(sql)
    }

    /// As [`App::run`], with the streams for COPY that the connection has already.
    pub fn run_with_streams(&mut self, sql: &str) -> Result<(), Failure> {
        self.copying_out = lexer::mentions(sql, &["COPY", "STDOUT"]);
        let connection = Arc::clone(&self.connection);
        let mut connection = connection.lock();
        let context = connection.text_context();
        let watch = ProgressWatch::start(connection.cancel_handle(), io::stderr().is_terminal());
        let guard = self.interrupts.during_statement();
        let mut started = Instant::now();
        let mut failed = None;
        let mut script = connection.script(sql);
        while let Some(next) = script.next() {
            let notices = script.take_notices();
            let shown = watch.pause(|| {
                report::notices(&notices, &self.look.styles);
                match next {
                    Ok(outcome) => self.show(outcome, &context),
                    Err(error) => Ok(Some(error)),
                }
            });
            match shown {
                Ok(None) => {}
                Ok(Some(error)) => {
                    failed = Some(error);
                    break;
                }
                Err(error) => {
                    drop(script);
                    return Err(self.output_failed(error));
                }
            }
            let scn = (self.show_scn || self.show_lsn).then(|| script.scn());
            self.show_time(started.elapsed(), scn)?;
            started = Instant::now();
        }
        drop(script);
        drop(guard);
        drop(watch);
        report::notices(&connection.take_notices(), &self.look.styles);
        drop(connection);
        let _ = self.out.flush();
        match failed {
            None => Ok(()),
            Some(error) => {
                report::error(&error, Some(sql), &self.look.styles);
                self.show_time(started.elapsed(), None)?;
                Err(Failure::Statement)
            }
        }
    }

    /// Shows one outcome; gives back an error that came while rows were read.
    fn show(&mut self, outcome: Outcome, context: &TextContext) -> io::Result<Option<Error>> {
        match outcome {
            Outcome::Rows(stream) => {
                let failed = write_rows(&mut *self.out, &self.look, stream, context)?;
                if failed.is_none() && self.look.format == Format::Aligned && !self.look.tuples_only
                {
                    writeln!(self.out)?;
                }
                self.out.flush()?;
                Ok(failed)
            }
            Outcome::Done(done) => {
                // The tag would stand at the end of the data.
                let silent = self.quiet || done.tag.is_empty() || self.copying_out;
                if !silent {
                    writeln!(self.out, "{done}")?;
                    self.out.flush()?;
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn show_time(&mut self, took: Duration, scn: Option<u64>) -> Result<(), Failure> {
        if self.look.format.is_machine() {
            return Ok(());
        }
        let mut parts = Vec::new();
        if self.timing {
            parts.push(format!("Time: {}", report::duration(took)));
        }
        if let (true, Some(scn)) = (self.show_scn, scn) {
            parts.push(format!("SCN: {scn}"));
        }
        if let (true, Some(scn)) = (self.show_lsn, scn) {
            parts.push(format!("LSN: {:X}/{:08X}", scn >> 32, scn & 0xffff_ffff));
        }
        if !parts.is_empty() {
            let text = parts.join("  ");
            writeln!(self.out, "{}", self.look.styles.aside.paint(text))?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Whether there are colours.
    pub fn coloured(&self) -> bool {
        self.look.styles.error.foreground.is_some()
    }

    /// Writes a line beside results, where people look.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }

    /// Sends results to a file, or back to standard output.
    pub fn redirect(&mut self, path: Option<&str>) -> io::Result<()> {
        self.out.flush()?;
        self.out = match path {
            Some(path) => Box::new(BufWriter::new(File::create(path)?)),
            None => Box::new(BufWriter::new(io::stdout())),
        };
        self.redirected = path.is_some();
        self.refit();
        Ok(())
    }

    /// Reads the terminal's width anew.
    pub fn refit(&mut self) {
        let terminal = !self.redirected && io::stdout().is_terminal();
        self.look.width = terminal.then(terminal_width);
    }

    fn output_failed(&mut self, error: io::Error) -> Failure {
        // What is buffered cannot be written either; do not try again on drop.
        self.out = Box::new(io::sink());
        Failure::Output(error)
    }
}

/// Writes a result set; gives back an error that came while rows were read.
pub fn write_rows(
    out: &mut dyn Write,
    look: &Look,
    mut stream: RowStream,
    context: &TextContext,
) -> io::Result<Option<Error>> {
    let types: Vec<DataType> = stream
        .columns()
        .iter()
        .map(|column| column.ty.clone())
        .collect();
    let columns = stream
        .columns()
        .iter()
        .map(|column| Column {
            name: column.name.clone(),
            kind: kind(&column.ty),
        })
        .collect();
    let mut writer = ResultWriter::new(out, look, columns)?;
    loop {
        match stream.next_row() {
            Ok(Some(row)) => {
                let cells: Vec<Cell> = row
                    .iter()
                    .zip(&types)
                    .map(|(value, ty)| (!value.is_null()).then(|| value.to_text(ty, context)))
                    .collect();
                writer.row(cells)?;
            }
            Ok(None) => {
                writer.finish()?;
                return Ok(None);
            }
            Err(error) => return Ok(Some(error)),
        }
    }
}

fn kind(ty: &DataType) -> Kind {
    match ty {
        DataType::Bool => Kind::Bool,
        DataType::Json | DataType::Jsonb => Kind::Json,
        numeric if numeric.is_numeric() => Kind::Number,
        _ => Kind::Text,
    }
}

/// How results look on this output.
pub fn look(output: &OutputArgs, terminal: bool) -> Look {
    let format = output.format();
    let coloured = match output.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
    };
    Look {
        format,
        expanded: match (output.expanded, terminal) {
            (true, _) => Expanded::On,
            (false, true) => Expanded::Auto,
            (false, false) => Expanded::Off,
        },
        null: "NULL".to_owned(),
        tuples_only: output.tuples_only,
        width: terminal.then(terminal_width),
        styles: if coloured {
            Styles::coloured()
        } else {
            Styles::default()
        },
    }
}

fn terminal_width() -> usize {
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
}

/// Styles for an error before there is an app to show it.
pub fn error_styles(output: &OutputArgs) -> Styles {
    look(output, io::stderr().is_terminal()).styles
}
