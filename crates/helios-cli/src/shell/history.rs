//! `\timeline`, `\snapshots`, `\retention`, `\scn`, `\lsn`, `\undo`: commands about history.

use nu_ansi_term::{Color, Style};

use super::Next;
use super::answer::{Footer, lsn, rows, table, text};
use super::meta::{fail, unquoted};
use crate::app::{App, Failure};

/// Commits that `\timeline` shows unless told otherwise.
const SHOWN: usize = 20;

/// `\timeline [COUNT]`: the commits that the branch sees, newest first.
pub fn timeline(app: &mut App, argument: &str) -> Result<Next, Failure> {
    let count = match argument {
        "" => SHOWN,
        number => match number.parse() {
            Ok(count) if count > 0 => count,
            _ => {
                return fail(
                    app,
                    &format!("\\timeline takes a number of commits, not \"{number}\""),
                );
            }
        },
    };
    let branch = app.connection.lock().status().branch;
    // One more tells whether there are more.
    let limit = (count + 1).to_string();
    let commits = rows(
        app,
        "SELECT scn, lsn, to_char(committed_at, 'YYYY-MM-DD HH24:MI:SS'), branch_name, author, message, merged, \
         rows_put, rows_deleted, transaction FROM helios_log($1, $2)",
        (branch.as_str(), limit.as_str()),
    )?;
    let coloured = app.coloured();
    let style = |colour: Color| match coloured {
        true => Style::new().fg(colour),
        false => Style::new(),
    };
    let (aside, name) = (style(Color::DarkGray), style(Color::Green));
    let mut last = branch;
    for row in commits.iter().take(count) {
        let on = text(row, 3);
        if on != last {
            let line = format!("┴ forked from {on}");
            app.say(&aside.paint(line).to_string())?;
            on.clone_into(&mut last);
        }
        let merged = text(row, 6);
        let dot = if merged.is_empty() { "●" } else { "◆" };
        let mut line = format!(
            "{dot} {} {} {} {}",
            style(Color::Yellow).paint(format!("SCN {:<8}", text(row, 0))),
            aside.paint(text(row, 1)),
            text(row, 2),
            name.paint(on),
        );
        for (column, prefix) in [(4, " by "), (6, " merged ")] {
            match text(row, column) {
                "" => {}
                value => line.push_str(&format!("{prefix}{value}")),
            }
        }
        let changes = match (text(row, 7), text(row, 8)) {
            (put, "0") => format!("  {put} written"),
            ("0", deleted) => format!("  {deleted} deleted"),
            (put, deleted) => format!("  {put} written, {deleted} deleted"),
        };
        let transaction = format!("{changes}, transaction {}", text(row, 9));
        line.push_str(&aside.paint(transaction).to_string());
        app.say(&line)?;
        for part in text(row, 5).lines() {
            app.say(&format!("│   {part}"))?;
        }
    }
    if commits.len() > count {
        app.say(&aside.paint("  … \\timeline COUNT shows more").to_string())?;
    }
    Ok(Next::GoOn)
}

/// `\snapshots [TABLE]`: the named snapshots, or a table in each of them.
pub fn snapshots(app: &mut App, argument: &str) -> Result<Next, Failure> {
    let name = unquoted(argument);
    let all = rows(
        app,
        "SELECT snapshot_name, branch_name, scn, to_char(committed_at, 'YYYY-MM-DD HH24:MI:SS') \
         FROM helios_snapshots() ORDER BY scn",
        (),
    )?;
    let mut cells = Vec::new();
    let mut names = vec!["Name", "Branch", "SCN", "LSN", "Time"];
    if !name.is_empty() {
        names.push("Rows");
    }
    for mut row in all {
        row.insert(3, Some(lsn(text(&row, 2))));
        if !name.is_empty() {
            let sql = format!(
                "SELECT count(*) FROM {name} AS OF BRANCH '{}' AT SCN {}",
                text(&row, 1).replace('\'', "''"),
                text(&row, 2)
            );
            let mut connection = app.connection.lock();
            let count = connection.query_row(sql.as_str(), ());
            drop(connection);
            match count.and_then(|row| row.get::<i64>(0)) {
                Ok(count) => row.push(Some(count.to_string())),
                // The table was not there then.
                Err(error) if error.sqlstate().as_str() == "42P01" => continue,
                Err(error) => {
                    crate::report::error(&error, None, &app.look.styles);
                    return Err(Failure::Statement);
                }
            }
        }
        cells.push(row);
    }
    let known = app.connection.lock().has_table(name.trim_matches('"'));
    if cells.is_empty() && !name.is_empty() && !name.contains('.') && !known.unwrap_or(true) {
        return fail(
            app,
            &format!("there is no relation named \"{name}\" here, nor in a snapshot"),
        );
    }
    let title = match name {
        "" => "Named snapshots".to_owned(),
        name => format!("Snapshots that have {name}"),
    };
    table(
        app,
        &title,
        &names,
        cells,
        Footer::Count("snapshot", "snapshots"),
    )?;
    Ok(Next::GoOn)
}

/// `\scn [on|off]`, `\lsn [on|off]`: the number statements read at, now or after every statement.
pub fn number(app: &mut App, as_lsn: bool, argument: &str) -> Result<Next, Failure> {
    let name = if as_lsn { "LSN" } else { "SCN" };
    let on = match argument {
        "" => {
            let found = rows(app, "SELECT helios_current_scn()", ())?;
            let scn = found.first().map_or("", |row| text(row, 0)).to_owned();
            let shown = if as_lsn { lsn(&scn) } else { scn };
            app.say(&format!("Current {name}: {shown}"))?;
            return Ok(Next::GoOn);
        }
        "on" => true,
        "off" => false,
        other => {
            let command = name.to_lowercase();
            return fail(
                app,
                &format!("\\{command} takes on or off, not \"{other}\""),
            );
        }
    };
    if as_lsn {
        app.show_lsn = on;
    } else {
        app.show_scn = on;
    }
    if !app.quiet {
        let verb = if on { "is" } else { "is not" };
        app.say(&format!("The {name} {verb} shown after each statement."))?;
    }
    Ok(Next::GoOn)
}

/// `\undo [TRANSACTION …]`: takes back one transaction, the newest on this branch if none is named.
pub fn undo(app: &mut App, argument: &str) -> Result<Next, Failure> {
    let argument = argument.trim();
    let begins = argument.starts_with(|c: char| c.is_ascii_digit());
    let (transaction, how) = if begins {
        match argument.split_once(char::is_whitespace) {
            Some((number, how)) => (number.to_owned(), how),
            None => (argument.to_owned(), ""),
        }
    } else {
        let branch = app.connection.lock().status().branch;
        let newest = rows(
            app,
            "SELECT transaction, scn, message, branch_name FROM helios_log($1, 1)",
            (branch.as_str(),),
        )?;
        let Some(newest) = newest.first().filter(|row| text(row, 3) == branch) else {
            return fail(
                app,
                &format!("nothing was committed on branch \"{branch}\" that could be undone"),
            );
        };
        let message = match text(newest, 2) {
            "" => String::new(),
            message => format!(": {message}"),
        };
        if !app.quiet {
            app.say(&format!(
                "Undoing transaction {} (SCN {}){message}",
                text(newest, 0),
                text(newest, 1)
            ))?;
        }
        (text(newest, 0).to_owned(), argument)
    };
    app.run(format!("UNDO TRANSACTION {transaction} {how}").trim())?;
    Ok(Next::GoOn)
}

/// `\retention`: how long which parts of the past stay readable.
pub fn retention(app: &mut App) -> Result<Next, Failure> {
    let cells = rows(
        app,
        "SELECT scope, name, retention, gc_policy, oldest_scn, to_char(oldest_time, 'YYYY-MM-DD HH24:MI:SS') \
         FROM helios_retention()",
        (),
    )?;
    let names = [
        "Scope",
        "Name",
        "Keeps",
        "Collection",
        "Readable from SCN",
        "Of",
    ];
    table(
        app,
        "Retention",
        &names,
        cells,
        Footer::Count("rule", "rules"),
    )?;
    Ok(Next::GoOn)
}
