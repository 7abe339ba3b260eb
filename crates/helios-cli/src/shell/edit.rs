//! `\e`: edit a statement with the user's editor, then run it.

use std::process::Command;

use super::meta::{Next, fail};
use crate::app::{App, Failure};
use crate::lexer;
use crate::script;

/// Opens the statement before the command, the last one, or a file; runs what comes back.
pub fn run(app: &mut App, before: &str, argument: &str, last: &str) -> Result<Next, Failure> {
    let editor = std::env::var("VISUAL")
        .or_else(|_| std::env::var("EDITOR"))
        .unwrap_or_else(|_| "vi".to_owned());
    let file = super::meta::unquoted(argument);
    let temporary = file.is_empty();
    let path = if temporary {
        std::env::temp_dir().join(format!("heliosdb-{}.sql", std::process::id()))
    } else {
        file.into()
    };
    if temporary {
        let text = if lexer::is_blank(before) {
            last
        } else {
            before
        };
        if let Err(error) = std::fs::write(&path, format!("{};\n", text.trim())) {
            return fail(
                app,
                &format!("could not write \"{}\": {error}", path.display()),
            );
        }
    }
    // The variable may hold arguments: EDITOR="code --wait".
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program).args(words).arg(&path).status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => return fail(app, &format!("\"{editor}\" ended with {status}")),
        Err(error) => {
            let message = format!("could not start \"{editor}\": {error}; set EDITOR");
            return fail(app, &message);
        }
    }
    let text = std::fs::read_to_string(&path);
    if temporary {
        let _ = std::fs::remove_file(&path);
    }
    match text {
        Ok(text) => {
            app.say(text.trim_end())?;
            super::meta::remember(app, text.trim().trim_end_matches(';'));
            script::run_text(app, &text)?;
            Ok(Next::GoOn)
        }
        Err(error) => fail(
            app,
            &format!("could not read \"{}\": {error}", path.display()),
        ),
    }
}
