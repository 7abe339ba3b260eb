//! What a database answered to one statement, in a form that two databases can be compared by.

/// The answer to one statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub outcome: Outcome,
    /// Where the session stands afterwards: `I` idle, `T` in a transaction, `E` in a failed one.
    pub status: char,
}

/// The answer proper.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Rows, their columns, and the command tag.
    Rows {
        columns: Vec<Column>,
        rows: Vec<Vec<Option<String>>>,
        tag: String,
    },
    /// No rows: the command tag, and what `COPY … TO STDOUT` wrote.
    Done { tag: String, copied: String },
    /// An error.
    Failed { state: String, message: String },
    /// The program crashed; never equal to anything.
    Crashed(String),
}

/// A result column: its name and `format_type`.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub ty: String,
}

impl Outcome {
    /// In words, for a report.
    pub fn describe(&self) -> String {
        match self {
            Self::Rows { columns, rows, tag } => {
                let heads: Vec<String> = columns
                    .iter()
                    .map(|column| format!("{} {}", column.name, column.ty))
                    .collect();
                let mut text = format!("{tag} ({})", heads.join(", "));
                for row in rows.iter().take(40) {
                    let cells: Vec<&str> = row
                        .iter()
                        .map(|cell| cell.as_deref().unwrap_or("∅"))
                        .collect();
                    text.push_str("\n      ");
                    text.push_str(&cells.join(" | "));
                }
                if rows.len() > 40 {
                    text.push_str("\n      …");
                }
                text
            }
            Self::Done { tag, copied } if copied.is_empty() => tag.clone(),
            Self::Done { tag, copied } => format!("{tag}\n{copied}"),
            Self::Failed { state, message } => format!("{state} {message}"),
            Self::Crashed(message) => format!("CRASHED {message}"),
        }
    }
}
