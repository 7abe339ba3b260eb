//! `\branches`, `\use`, `\branch`: branches as lists, trees and details.

use std::fmt::Write;

use nu_ansi_term::{Color, Style};

use super::answer::{Footer, execute, lsn, rows, table, text};
use super::describe::Pattern;
use super::meta::{fail, quoted_name};
use super::{Next, diff};
use crate::app::{App, Failure};
use crate::output::Cell;

/// What runs everything: there is one process.
const NODE: &str = "local";

const BRANCHES: &str = "SELECT branch_name, parent_name, state, is_current, fork_scn, last_lsn, \
    to_char(created_at, 'YYYY-MM-DD HH24:MI:SS'), to_char(expires_at, 'YYYY-MM-DD HH24:MI:SS'), \
    retention_period, gc_policy, size_bytes, comment FROM helios_branches()";

/// A row of [`BRANCHES`].
struct Branch {
    name: String,
    parent: Option<String>,
    read_only: bool,
    current: bool,
    fork: String,
    lsn: String,
    created: String,
    expires: Cell,
    retention: Cell,
    gc_policy: Cell,
    bytes: u64,
    comment: Cell,
}

fn branches(app: &mut App) -> Result<Vec<Branch>, Failure> {
    let rows = rows(app, BRANCHES, ())?;
    Ok(rows
        .iter()
        .map(|row| Branch {
            name: text(row, 0).to_owned(),
            parent: row.get(1).cloned().flatten(),
            read_only: text(row, 2) == "read only",
            current: text(row, 3) == "t" || text(row, 3) == "true",
            fork: text(row, 4).to_owned(),
            lsn: text(row, 5).to_owned(),
            created: text(row, 6).to_owned(),
            expires: row.get(7).cloned().flatten(),
            retention: row.get(8).cloned().flatten(),
            gc_policy: row.get(9).cloned().flatten(),
            bytes: text(row, 10).parse().unwrap_or(0),
            comment: row.get(11).cloned().flatten(),
        })
        .collect())
}

fn state(branch: &Branch) -> &'static str {
    if branch.read_only {
        "ReadOnly"
    } else {
        "Active"
    }
}

/// `\branches [PATTERN]`
pub fn list(app: &mut App, pattern: &str) -> Result<Next, Failure> {
    let wanted = Pattern::new(pattern);
    let mut cells = Vec::new();
    let mut all = branches(app)?;
    all.sort_by(|a, b| (a.parent.is_some(), &a.name).cmp(&(b.parent.is_some(), &b.name)));
    for branch in all {
        if !wanted.matches_whole(&branch.name) {
            continue;
        }
        let mark = if branch.current { "* " } else { "  " };
        cells.push(vec![
            Some(format!("{mark}{}", branch.name)),
            Some(state(&branch).to_owned()),
            Some(branch.lsn),
            Some(NODE.to_owned()),
            Some(branch.created),
        ]);
    }
    let names = ["Name", "State", "Current LSN", "Storage Node", "Created"];
    table(
        app,
        "List of branches",
        &names,
        cells,
        Footer::Count("branch", "branches"),
    )?;
    Ok(Next::GoOn)
}

/// `\use BRANCH`
pub fn switch(app: &mut App, name: &str) -> Result<Next, Failure> {
    if name.is_empty() {
        return fail(app, "\\use takes a branch; \\branches lists them");
    }
    execute(app, &format!("USE BRANCH {}", quoted_name(name)))?;
    let now = app.connection.lock().status().branch;
    let found = branches(app)?.into_iter().find(|branch| branch.name == now);
    if !app.quiet {
        let at = found.map_or_else(String::new, |branch| branch.lsn);
        app.say(&format!(
            "Switched to branch: {now} (LSN: {at}, Node: {NODE})"
        ))?;
    }
    Ok(Next::GoOn)
}

/// `\branch info|tree|diff …`
pub fn branch(app: &mut App, argument: &str) -> Result<Next, Failure> {
    let (word, rest) = match argument.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (argument, ""),
    };
    match word {
        "info" => info(app, rest),
        "tree" => tree(app),
        "diff" => diff::run(app, rest),
        "" => list(app, ""),
        other => fail(
            app,
            &format!(
                "\\branch takes info [BRANCH], tree or diff [BRANCH] BRANCH, not \"{other}\"; \\use BRANCH switches"
            ),
        ),
    }
}

fn info(app: &mut App, name: &str) -> Result<Next, Failure> {
    let all = branches(app)?;
    let name = match super::meta::unquoted_name(name) {
        "" => app.connection.lock().status().branch,
        name => name.to_owned(),
    };
    let Some(branch) = all.iter().find(|branch| branch.name == name) else {
        let near = heliosdb::nearest(&name, all.iter().map(|b| b.name.as_str()));
        let hint = near.map_or_else(String::new, |near| {
            format!("; perhaps you meant \"{near}\"")
        });
        return fail(app, &format!("branch \"{name}\" does not exist{hint}"));
    };
    let children: Vec<&str> = all
        .iter()
        .filter(|child| child.parent.as_ref() == Some(&branch.name))
        .map(|child| child.name.as_str())
        .collect();
    let mut lines = vec![("State", state(branch).to_owned())];
    if let Some(parent) = &branch.parent {
        let fork = format!(
            "{parent} at SCN {} (LSN {})",
            branch.fork,
            lsn(&branch.fork)
        );
        lines.push(("Forked from", fork));
    }
    lines.push(("Current LSN", branch.lsn.clone()));
    lines.push(("Storage node", NODE.to_owned()));
    lines.push(("Created", branch.created.clone()));
    lines.push(("Own data", bytes(branch.bytes)));
    if !children.is_empty() {
        lines.push(("Branches from it", children.join(", ")));
    }
    for (title, value) in [
        ("Expires", &branch.expires),
        ("Retention", &branch.retention),
        ("Collection", &branch.gc_policy),
        ("Comment", &branch.comment),
    ] {
        if let Some(value) = value {
            lines.push((title, value.clone()));
        }
    }
    let title = app
        .look
        .styles
        .header
        .paint(format!("Branch \"{name}\""))
        .to_string();
    app.say(&title)?;
    for (title, value) in lines {
        app.say(&format!("  {:<17} {value}", format!("{title}:")))?;
    }
    if let Some(parent) = &branch.parent {
        let from = format!("{parent}@{}", branch.fork);
        let changed = rows(
            app,
            "SELECT table_name, rows_added, rows_changed, rows_deleted, schema_change \
             FROM pg_compare_branches($1, $2)",
            (from.as_str(), name.as_str()),
        )?;
        if changed.is_empty() {
            app.say("  Nothing has changed since the fork.")?;
        } else {
            app.say("  Changed since the fork:")?;
        }
        for row in &changed {
            app.say(&format!("    {}", diff::summary(row)))?;
        }
    }
    app.say("")?;
    Ok(Next::GoOn)
}

/// A number of bytes as people read it.
fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

/// `\nodes`
pub fn nodes(app: &mut App) -> Result<Next, Failure> {
    let cell = |text: &str| Some(text.to_owned());
    let names = ["Name", "Role", "State"];
    let row = vec![cell(NODE), cell("storage, compute"), cell("Active")];
    table(
        app,
        "List of nodes",
        &names,
        vec![row],
        Footer::Count("node", "nodes"),
    )?;
    Ok(Next::GoOn)
}

fn tree(app: &mut App) -> Result<Next, Failure> {
    let all = branches(app)?;
    let coloured = app.coloured();
    for line in draw(&all, coloured) {
        app.say(&line)?;
    }
    Ok(Next::GoOn)
}

/// The lines of the tree.
fn draw(all: &[Branch], coloured: bool) -> Vec<String> {
    let mut lines = Vec::new();
    // Each with what stands before it and before its children.
    let mut stack: Vec<(&Branch, String, String)> = all
        .iter()
        .filter(|branch| branch.parent.is_none())
        .map(|branch| (branch, String::new(), String::new()))
        .collect();
    while let Some((branch, before, below)) = stack.pop() {
        let (name, aside) = if coloured {
            let style = match (branch.current, branch.read_only) {
                (true, _) => Style::new().fg(Color::Green).bold(),
                (false, true) => Style::new().fg(Color::DarkGray),
                (false, false) => Style::new(),
            };
            (style, Style::new().fg(Color::DarkGray))
        } else {
            (Style::new(), Style::new())
        };
        let mut line = format!("{before}{}", name.paint(&branch.name));
        if branch.current {
            line.push_str(" *");
        }
        let mut notes = String::new();
        if branch.parent.is_some() {
            let _ = write!(notes, "  forked at SCN {}", branch.fork);
        }
        let _ = write!(notes, "  now {}", branch.lsn);
        if branch.read_only {
            notes.push_str("  read only");
        }
        if let Some(expires) = &branch.expires {
            let _ = write!(notes, "  expires {expires}");
        }
        let _ = write!(line, "{}", aside.paint(notes));
        lines.push(line);
        let mut children: Vec<&Branch> = all
            .iter()
            .filter(|child| child.parent.as_ref() == Some(&branch.name))
            .collect();
        children.sort_by_key(|child| (child.fork.parse::<u64>().unwrap_or(0), child.name.clone()));
        for (n, child) in children.iter().enumerate().rev() {
            let last = n + 1 == children.len();
            let (corner, bar) = if last {
                ("└── ", "    ")
            } else {
                ("├── ", "│   ")
            };
            stack.push((child, format!("{below}{corner}"), format!("{below}{bar}")));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(name: &str, parent: Option<&str>, fork: u64) -> Branch {
        Branch {
            name: name.into(),
            parent: parent.map(Into::into),
            read_only: name == "audit",
            current: name == "dev",
            fork: fork.to_string(),
            lsn: lsn("20"),
            created: String::new(),
            expires: None,
            retention: None,
            gc_policy: None,
            bytes: 0,
            comment: None,
        }
    }

    #[test]
    fn a_tree_shows_who_comes_from_whom() {
        let all = [
            branch("main", None, 0),
            branch("dev", Some("main"), 4),
            branch("fix", Some("dev"), 9),
            branch("audit", Some("main"), 12),
        ];
        assert_eq!(
            draw(&all, false),
            [
                "main  now 0/00000014",
                "├── dev *  forked at SCN 4  now 0/00000014",
                "│   └── fix  forked at SCN 9  now 0/00000014",
                "└── audit  forked at SCN 12  now 0/00000014  read only",
            ]
        );
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(1_500_000), "1.5 MB");
    }
}
