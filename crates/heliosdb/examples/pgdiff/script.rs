//! Files of statements.
//!
//! A statement ends with a semicolon at the end of a line, outside quotes. Comment lines before
//! it may direct: `-- differs: KEY` says that the answers differ, and why: KEY is an entry of
//! `docs/postgresql-compatibility.md`. The lines after `COPY … FROM STDIN;` up to `\.` are what it
//! reads.

/// One statement of a file.
#[derive(Clone, Debug, Default)]
pub struct Statement {
    pub sql: String,
    /// The line it begins on.
    pub line: usize,
    /// What it reads, if it reads.
    pub stdin: Option<String>,
    /// The accepted difference it shows.
    pub differs: Option<String>,
}

/// The statements of a file.
pub fn statements(text: &str) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut current = Statement::default();
    let mut quotes = Quotes::default();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if current.sql.is_empty() {
            if let Some(comment) = line.strip_prefix("--") {
                if let Some(key) = comment.trim().strip_prefix("differs:") {
                    current.differs = Some(key.trim().to_owned());
                }
                continue;
            }
            if line.trim().is_empty() {
                continue;
            }
            current.line = at + 1;
        } else {
            current.sql.push('\n');
        }
        current.sql.push_str(line);
        quotes.read(line);
        if quotes.open() || !line.trim_end().ends_with(';') {
            continue;
        }
        current.sql = current.sql.trim_end().trim_end_matches(';').to_owned();
        if reads_stdin(&current.sql) {
            let data: String = lines
                .by_ref()
                .map(|(_, line)| line)
                .take_while(|line| *line != "\\.")
                .flat_map(|line| [line, "\n"])
                .collect();
            current.stdin = Some(data);
        }
        statements.push(std::mem::take(&mut current));
    }
    statements
}

fn reads_stdin(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    lower.starts_with("copy") && lower.contains("from stdin")
}

/// Which quotes are open at the end of a line.
#[derive(Default)]
struct Quotes {
    single: bool,
    /// Within an escape string, where a backslash hides what follows.
    escapes: bool,
    dollar: bool,
}

impl Quotes {
    fn read(&mut self, line: &str) {
        let mut before = ' ';
        let mut chars = line.chars().peekable();
        while let Some(char) = chars.next() {
            match char {
                '\\' if self.single && self.escapes => {
                    chars.next();
                }
                '\'' if !self.dollar => {
                    self.single = !self.single;
                    self.escapes = matches!(before, 'E' | 'e');
                }
                '$' if !self.single && chars.peek() == Some(&'$') => {
                    chars.next();
                    self.dollar = !self.dollar;
                }
                _ => {}
            }
            before = char;
        }
    }

    fn open(&self) -> bool {
        self.single || self.dollar
    }
}
