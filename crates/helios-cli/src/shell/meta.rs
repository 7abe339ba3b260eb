//! What backslash commands do.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use super::commands::{self, COMMANDS, Invocation, Meta};
use super::{branches, copy, describe, edit, history, preferences, segments, system, words};
use crate::app::{App, Failure};
use crate::lexer;
use crate::output::{Expanded, Format};
use crate::script;

/// Whether the shell goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    GoOn,
    Leave,
}

thread_local! {
    /// The last statement run, for `\g`, `\watch` and `\e`.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps a statement for the commands that repeat the last one.
pub fn remember(_app: &App, statement: &str) {
    LAST.with(|last| statement.trim().clone_into(&mut last.borrow_mut()));
}

fn last() -> String {
    LAST.with(|last| last.borrow().clone())
}

/// Runs one backslash command; `before` is the unfinished statement in front of it.
pub fn meta(app: &mut App, before: &str, line: &str) -> Result<Next, Failure> {
    let invocation = match commands::parse(line) {
        Ok(invocation) => invocation,
        Err(message) => return fail(app, &message),
    };
    let Invocation {
        meta,
        verbose,
        argument,
    } = invocation;
    match meta {
        Meta::Quit => return Ok(Next::Leave),
        Meta::Describe
        | Meta::Tables
        | Meta::Indexes
        | Meta::Views
        | Meta::Sequences
        | Meta::Schemas
        | Meta::Functions
        | Meta::Databases => {
            if let Err(message) = describe::run(app, meta, verbose, argument)? {
                return fail(app, &message);
            }
        }
        Meta::System => return system::list(app, argument),
        Meta::Branches => return branches::list(app, unquoted_name(argument)),
        Meta::Use => return branches::switch(app, argument),
        Meta::Branch => return branches::branch(app, argument),
        Meta::Snapshots => return history::snapshots(app, argument),
        Meta::Retention => return history::retention(app),
        Meta::Compression => return segments::compression(app, argument),
        Meta::Timeline => return history::timeline(app, argument),
        Meta::Undo => return history::undo(app, argument),
        Meta::Scn => return history::number(app, false, argument),
        Meta::Lsn => return history::number(app, true, argument),
        Meta::Nodes => return branches::nodes(app),
        Meta::OnlyOnClusters => {
            let message = "this database runs in one process: it has no shards and no replicas";
            return fail(app, message);
        }
        Meta::MaterializedViews => return fail(app, "materialized views are not supported yet"),
        Meta::Set => return preferences::set(app, argument),
        Meta::Expanded => {
            app.look.expanded = match argument {
                "on" => Expanded::On,
                "off" => Expanded::Off,
                "auto" => Expanded::Auto,
                "" if app.look.expanded == Expanded::On => Expanded::Off,
                "" => Expanded::On,
                other => return fail(app, &format!("\\x takes on, off or auto, not \"{other}\"")),
            };
            let shown = match app.look.expanded {
                Expanded::On => "on",
                Expanded::Off => "off",
                Expanded::Auto => "used where a table is wider than the terminal",
            };
            say(app, &format!("Expanded display is {shown}."))?;
        }
        Meta::Timing => match switch(argument, app.timing) {
            Ok(on) => {
                app.timing = on;
                say(
                    app,
                    &format!("Timing is {}.", if on { "on" } else { "off" }),
                )?;
            }
            Err(message) => return fail(app, &format!("\\timing {message}")),
        },
        Meta::TuplesOnly => match switch(argument, app.look.tuples_only) {
            Ok(on) => {
                app.look.tuples_only = on;
                say(
                    app,
                    &format!("Rows only is {}.", if on { "on" } else { "off" }),
                )?;
            }
            Err(message) => return fail(app, &format!("\\t {message}")),
        },
        Meta::Format => {
            app.look.format = match argument {
                "aligned" => Format::Aligned,
                "csv" => Format::Csv,
                "json" => Format::Json,
                "markdown" => Format::Markdown,
                other => {
                    let message =
                        format!("\\format takes aligned, csv, json or markdown, not \"{other}\"");
                    return fail(app, &message);
                }
            };
        }
        Meta::NullText => unquoted(argument).clone_into(&mut app.look.null),
        Meta::Execute | Meta::ExecuteExpanded => {
            let statement = if lexer::is_blank(before) {
                last()
            } else {
                before.to_owned()
            };
            remember(app, &statement);
            let kept = app.look.expanded;
            if meta == Meta::ExecuteExpanded {
                app.look.expanded = Expanded::On;
            }
            let ran = app.run(&statement);
            app.look.expanded = kept;
            ran?;
        }
        Meta::Watch => return watch(app, before, argument),
        Meta::Print => {
            let statement = if lexer::is_blank(before) {
                last()
            } else {
                before.to_owned()
            };
            app.say(statement.trim())?;
        }
        Meta::Reset => {}
        Meta::Echo => app.say(unquoted(argument))?,
        Meta::Include => {
            if argument.is_empty() {
                return fail(app, "\\i takes a file");
            }
            script::run_file(app, Path::new(unquoted(argument)))?;
        }
        Meta::Output => {
            let path = unquoted(argument);
            if let Err(error) = app.redirect((!path.is_empty()).then_some(path)) {
                return fail(app, &format!("could not open \"{path}\": {error}"));
            }
        }
        Meta::Edit => return edit::run(app, before, argument, &last()),
        Meta::Copy => copy::run(app, argument)?,
        Meta::Help => help(app)?,
        Meta::SqlHelp => sql_help(app, argument)?,
    }
    Ok(Next::GoOn)
}

/// Shows a message of the shell's own; a script stops at it.
pub fn fail(app: &App, message: &str) -> Result<Next, Failure> {
    eprintln!("{} {message}", app.look.styles.error.paint("ERROR:"));
    Err(Failure::Statement)
}

fn say(app: &mut App, text: &str) -> Result<(), Failure> {
    if !app.quiet {
        app.say(text)?;
    }
    Ok(())
}

fn switch(argument: &str, now: bool) -> Result<bool, String> {
    match argument {
        "" => Ok(!now),
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(format!("takes on or off, not \"{other}\"")),
    }
}

/// Strips single quotes around an argument.
pub fn unquoted(argument: &str) -> &str {
    argument
        .strip_prefix('\'')
        .and_then(|inner| inner.strip_suffix('\''))
        .unwrap_or(argument)
}

/// Strips quotes of either kind around a name.
pub fn unquoted_name(argument: &str) -> &str {
    argument
        .strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'))
        .unwrap_or_else(|| unquoted(argument))
}

/// A name as SQL has it, whatever quotes it came with.
pub fn quoted_name(argument: &str) -> String {
    let name = unquoted_name(argument);
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn watch(app: &mut App, before: &str, argument: &str) -> Result<Next, Failure> {
    let seconds = match argument {
        "" => 2.0,
        text => match text.parse::<f64>() {
            Ok(seconds) if (0.01..=86_400.0).contains(&seconds) => seconds,
            _ => return fail(app, &format!("\\watch takes seconds, not \"{text}\"")),
        },
    };
    let statement = if lexer::is_blank(before) {
        last()
    } else {
        before.to_owned()
    };
    if lexer::is_blank(&statement) {
        return fail(app, "\\watch repeats the last statement, and there is none");
    }
    remember(app, &statement);
    loop {
        let title = format!("every {seconds} s, Ctrl-C ends: {}", statement.trim());
        let title = app.look.styles.aside.paint(title).to_string();
        app.say(&title)?;
        app.run(&statement)?;
        // Sleep in short steps, so that Ctrl-C is felt.
        let guard = app.interrupts.during_statement();
        let mut left = Duration::from_secs_f64(seconds);
        while !left.is_zero() {
            let step = left.min(Duration::from_millis(50));
            std::thread::sleep(step);
            left -= step;
            if app.interrupts.seen() {
                return Ok(Next::GoOn);
            }
        }
        drop(guard);
    }
}

fn help(app: &mut App) -> Result<(), Failure> {
    let width = COMMANDS
        .iter()
        .map(|(name, argument, ..)| name.len() + argument.len())
        .max()
        .unwrap_or(0);
    for (name, argument, _, text) in COMMANDS {
        let usage = format!("{name} {argument}");
        let room = width + 1;
        app.say(&format!("  \\{usage:<room$}  {text}"))?;
    }
    app.say("\n  Tab completes, Alt-Enter opens a new line, Ctrl-R searches the history,")?;
    app.say("  Ctrl-C stops the running statement.")?;
    Ok(())
}

fn sql_help(app: &mut App, argument: &str) -> Result<(), Failure> {
    let wanted = argument.to_ascii_uppercase();
    let found: Vec<_> = words::STATEMENTS
        .iter()
        .filter(|(name, _)| name.starts_with(&wanted))
        .collect();
    if found.is_empty() {
        return fail(
            app,
            &format!("no help on \"{argument}\"; \\help lists all statements"),
        )
        .map(drop);
    }
    for (_, syntax) in found {
        app.say(&format!("  {syntax}"))?;
    }
    if argument.is_empty() {
        app.say("\n  \\help NAME shows one of them, \\? lists the shell's commands.")?;
    }
    Ok(())
}
