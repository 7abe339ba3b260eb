//! Backslash commands: their names, their help and how a line is read as one.

/// A backslash command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meta {
    Describe,
    Tables,
    Indexes,
    Views,
    Schemas,
    Functions,
    Sequences,
    Databases,
    System,
    Branches,
    Use,
    Branch,
    Snapshots,
    Retention,
    Compression,
    Timeline,
    Undo,
    Scn,
    Lsn,
    Nodes,
    OnlyOnClusters,
    MaterializedViews,
    Set,
    Expanded,
    Timing,
    Include,
    Output,
    Edit,
    Copy,
    Watch,
    Execute,
    ExecuteExpanded,
    Format,
    TuplesOnly,
    NullText,
    Echo,
    Print,
    Reset,
    Help,
    SqlHelp,
    Quit,
}

/// Name, argument, group and help of each command, in the order `\?` shows them.
pub const COMMANDS: &[(&str, &str, Meta, &str)] = &[
    (
        "d",
        "[NAME]",
        Meta::Describe,
        "describe a table, view, index or sequence; list them all",
    ),
    ("dt", "[PATTERN]", Meta::Tables, "list tables"),
    ("di", "[PATTERN]", Meta::Indexes, "list indexes"),
    ("dv", "[PATTERN]", Meta::Views, "list views"),
    ("ds", "[PATTERN]", Meta::Sequences, "list sequences"),
    ("dn", "[PATTERN]", Meta::Schemas, "list schemas"),
    ("df", "[PATTERN]", Meta::Functions, "list functions"),
    (
        "dS",
        "[PATTERN]",
        Meta::System,
        "list system views and functions, or describe one",
    ),
    ("l", "", Meta::Databases, "show the database"),
    ("branches", "[PATTERN]", Meta::Branches, "list branches"),
    ("use", "BRANCH", Meta::Use, "go to a branch"),
    (
        "branch",
        "info|tree|diff [BRANCH …]",
        Meta::Branch,
        "describe a branch, draw them all, compare two",
    ),
    (
        "timeline",
        "[COUNT]",
        Meta::Timeline,
        "the commits that the branch sees, newest first",
    ),
    (
        "undo",
        "[TRANSACTION] [dry run]",
        Meta::Undo,
        "take back one transaction, by default the newest",
    ),
    (
        "snapshots",
        "[TABLE]",
        Meta::Snapshots,
        "list named snapshots, or those that have a table",
    ),
    (
        "retention",
        "",
        Meta::Retention,
        "how long the past stays readable",
    ),
    (
        "compression",
        "[TABLE]",
        Meta::Compression,
        "what compression did to the columns in segments",
    ),
    (
        "scn",
        "[on|off]",
        Meta::Scn,
        "the current change number; show it after each statement",
    ),
    ("lsn", "[on|off]", Meta::Lsn, "the same as a log position"),
    ("nodes", "", Meta::Nodes, "what stores and computes"),
    (
        "shards",
        "TABLE",
        Meta::OnlyOnClusters,
        "the shards of a table (clusters only)",
    ),
    (
        "replication",
        "",
        Meta::OnlyOnClusters,
        "the state of replicas (clusters only)",
    ),
    (
        "dmv",
        "[NAME]",
        Meta::MaterializedViews,
        "materialized views (not supported yet)",
    ),
    (
        "set",
        "[NAME on|off|FORMAT]",
        Meta::Set,
        "show_lsn, show_scn, show_timing, output_format",
    ),
    ("x", "[on|off|auto]", Meta::Expanded, "one column per line"),
    ("t", "", Meta::TuplesOnly, "rows only, on or off"),
    (
        "timing",
        "[on|off]",
        Meta::Timing,
        "show how long each statement takes",
    ),
    (
        "format",
        "aligned|csv|json|markdown",
        Meta::Format,
        "how result sets are written",
    ),
    ("null", "TEXT", Meta::NullText, "what stands for NULL"),
    (
        "g",
        "",
        Meta::Execute,
        "run the statement so far (or the last one again)",
    ),
    (
        "gx",
        "",
        Meta::ExecuteExpanded,
        "as \\g, one column per line",
    ),
    (
        "watch",
        "[SECONDS]",
        Meta::Watch,
        "run the last statement again and again",
    ),
    ("p", "", Meta::Print, "show the statement so far"),
    ("r", "", Meta::Reset, "throw the statement so far away"),
    (
        "e",
        "[FILE]",
        Meta::Edit,
        "edit the last statement, or a file, with $EDITOR",
    ),
    ("i", "FILE", Meta::Include, "run the statements of a file"),
    (
        "o",
        "[FILE]",
        Meta::Output,
        "write results to a file; without one, back to the terminal",
    ),
    (
        "copy",
        "TABLE from|to FILE [OPTIONS]",
        Meta::Copy,
        "load or save a file on this side",
    ),
    ("echo", "TEXT", Meta::Echo, "write TEXT"),
    (
        "help",
        "[STATEMENT]",
        Meta::SqlHelp,
        "help on SQL statements",
    ),
    ("h", "[STATEMENT]", Meta::SqlHelp, "as \\help"),
    ("?", "", Meta::Help, "this list"),
    ("q", "", Meta::Quit, "leave"),
];

/// A backslash command with its argument text.
#[derive(Debug, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// The command.
    pub meta: Meta,
    /// `+` was appended: show more.
    pub verbose: bool,
    /// All after the name, trimmed, without a semicolon at the end.
    pub argument: &'a str,
}

/// Reads `line`, which starts with a backslash.
///
/// # Errors
/// A message for the user when there is no such command.
pub fn parse(line: &str) -> Result<Invocation<'_>, String> {
    let rest = line.trim().trim_start_matches('\\');
    let (word, argument) = match rest.find(char::is_whitespace) {
        Some(at) => (&rest[..at], rest[at..].trim()),
        None => (rest, ""),
    };
    let argument = argument.strip_suffix(';').unwrap_or(argument).trim_end();
    let bare = word.trim_end_matches([';', '+']);
    let verbose = word.trim_end_matches(';').ends_with('+');
    let found = COMMANDS.iter().find(|(name, ..)| *name == bare);
    match found {
        Some((.., meta, _)) => Ok(Invocation {
            meta: *meta,
            verbose,
            argument,
        }),
        None => Err(unknown(bare)),
    }
}

fn unknown(word: &str) -> String {
    let near = heliosdb::nearest(word, COMMANDS.iter().map(|(name, ..)| *name));
    match near {
        Some(name) => format!("unknown command \\{word}; did you mean \\{name}?"),
        None => format!("unknown command \\{word}; try \\? for a list"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_take_arguments_and_a_plus() {
        let read = parse("\\d+ public.orders;").unwrap();
        assert_eq!(read.meta, Meta::Describe);
        assert!(read.verbose);
        assert_eq!(read.argument, "public.orders");
        assert_eq!(parse("\\q;").unwrap().meta, Meta::Quit);
        assert_eq!(parse("\\?").unwrap().meta, Meta::Help);
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_command() {
        assert!(parse("\\timng").unwrap_err().contains("\\timing"));
        assert!(parse("\\nonsense").unwrap_err().contains("\\?"));
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = COMMANDS.iter().map(|(name, ..)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COMMANDS.len());
    }
}
