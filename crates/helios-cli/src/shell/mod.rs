//! The interactive shell.

mod answer;
mod branches;
mod commands;
mod complete;
mod copy;
mod describe;
mod diff;
mod edit;
mod highlight;
mod history;
mod meta;
mod preferences;
mod prompt;
mod segments;
mod system;
mod words;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use nu_ansi_term::{Color, Style};
use reedline::{
    ColumnarMenu, DefaultHinter, EditCommand, Emacs, FileBackedHistory, KeyCode, KeyModifiers,
    MenuBuilder, Reedline, ReedlineEvent, ReedlineMenu, Signal, ValidationResult, Validator,
    default_emacs_keybindings,
};

pub use meta::{Next, meta};

use crate::app::{App, Failure};
use crate::lexer::{self, Piece};
use complete::SqlCompleter;
use highlight::SqlHighlighter;
use prompt::BranchPrompt;

/// Statements kept in the history file.
const HISTORY: usize = 10_000;

const MENU: &str = "completions";

/// Reads and runs statements until the user leaves.
pub fn run(app: &mut App, title: &str) -> io::Result<()> {
    if !app.quiet {
        println!("HeliosDB {} · {title}", env!("CARGO_PKG_VERSION"));
        println!("Statements end with a semicolon. \\? lists commands, \\q leaves.\n");
    }
    let mut editor = editor(app);
    loop {
        app.refit();
        let status = app.connection.lock().status();
        let prompt = BranchPrompt {
            branch: status.branch,
            transaction: status.transaction,
            as_of: status.as_of,
            coloured: app.coloured(),
        };
        match editor.read_line(&prompt) {
            Ok(Signal::Success(text)) => match input(app, &text) {
                Ok(Next::GoOn) | Err(Failure::Statement) => {}
                Ok(Next::Leave) => break,
                Err(Failure::Output(error)) => return Err(error),
            },
            // Ctrl-C throws away what was typed; Ctrl-D on an empty line leaves.
            Ok(Signal::CtrlC) => {}
            Ok(Signal::CtrlD) => {
                println!("\\q");
                break;
            }
            Ok(_) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Runs what was entered: statements and backslash commands, in order.
fn input(app: &mut App, text: &str) -> Result<Next, Failure> {
    let mut rest = text;
    loop {
        match lexer::first_piece(rest) {
            Piece::Statement(statement, end) => {
                if !lexer::is_blank(statement) {
                    meta::remember(app, statement);
                    app.run(statement.trim_start())?;
                }
                rest = &rest[end..];
            }
            Piece::Meta {
                before,
                line,
                rest: after,
            } => {
                if matches!(meta(app, before, line)?, Next::Leave) {
                    return Ok(Next::Leave);
                }
                rest = &rest[after..];
            }
            Piece::Unfinished(left) => {
                let word = left.trim();
                if matches!(word.to_ascii_lowercase().as_str(), "exit" | "quit") {
                    return Ok(Next::Leave);
                }
                if word.eq_ignore_ascii_case("help") {
                    return meta(app, "", "\\help");
                }
                return Ok(Next::GoOn);
            }
        }
    }
}

fn editor(app: &App) -> Reedline {
    let mut keys = default_emacs_keybindings();
    keys.add_binding(
        KeyModifiers::NONE,
        KeyCode::Tab,
        ReedlineEvent::UntilFound(vec![
            ReedlineEvent::Menu(MENU.to_owned()),
            ReedlineEvent::MenuNext,
        ]),
    );
    keys.add_binding(
        KeyModifiers::SHIFT,
        KeyCode::BackTab,
        ReedlineEvent::MenuPrevious,
    );
    keys.add_binding(
        KeyModifiers::ALT,
        KeyCode::Enter,
        ReedlineEvent::Edit(vec![EditCommand::InsertNewline]),
    );
    let menu = ColumnarMenu::default()
        .with_name(MENU)
        .with_columns(4)
        .with_column_padding(2);
    let coloured = app.coloured();
    let mut editor = Reedline::create()
        .with_completer(Box::new(SqlCompleter {
            connection: Arc::clone(&app.connection),
        }))
        .with_partial_completions(true)
        .with_quick_completions(true)
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_validator(Box::new(WholeStatements))
        .with_ansi_colors(coloured)
        .use_bracketed_paste(true);
    if coloured {
        let hint = Style::new().fg(Color::DarkGray);
        editor = editor
            .with_highlighter(Box::new(SqlHighlighter))
            .with_hinter(Box::new(DefaultHinter::default().with_style(hint)));
    }
    if let Some(path) = history_file()
        && let Ok(history) = FileBackedHistory::with_file(HISTORY, path)
    {
        editor = editor.with_history(Box::new(history));
    }
    editor
}

/// `$HELIOSDB_HISTORY`, or a file in the user's state directory.
fn history_file() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("HELIOSDB_HISTORY") {
        return (!path.is_empty()).then(|| path.into());
    }
    let state = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| {
            std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local").join("state"))
        })?;
    let folder = state.join("heliosdb");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// Enter runs whole statements and backslash commands, and opens a new line otherwise.
struct WholeStatements;

impl Validator for WholeStatements {
    fn validate(&self, text: &str) -> ValidationResult {
        let mut rest = text;
        loop {
            match lexer::first_piece(rest) {
                Piece::Statement(_, end) => rest = &rest[end..],
                Piece::Meta { .. } => return ValidationResult::Complete,
                Piece::Unfinished(left) => {
                    let word = left.trim().to_ascii_lowercase();
                    let whole =
                        lexer::is_blank(left) || matches!(word.as_str(), "exit" | "quit" | "help");
                    return if whole {
                        ValidationResult::Complete
                    } else {
                        ValidationResult::Incomplete
                    };
                }
            }
        }
    }
}
