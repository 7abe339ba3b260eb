//! Just enough of PostgreSQL's protocol to ask a question and read all of the answer.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::answer::{Answer, Column, Outcome};

/// A connection to a PostgreSQL server.
pub struct Connection {
    stream: BufReader<UnixStream>,
    /// Names of types, by object identifier and modifier.
    types: HashMap<(u32, i32), String>,
}

/// A message from the server.
struct Message {
    kind: u8,
    body: Vec<u8>,
}

/// What a statement said before its last message, types still as numbers.
#[derive(Default)]
struct Raw {
    columns: Option<Vec<(String, u32, i32)>>,
    rows: Vec<Vec<Option<String>>>,
    tag: Option<String>,
    copied: String,
    error: Option<(String, String)>,
    status: char,
}

impl Connection {
    /// Connects through the socket in `directory`.
    pub fn open(directory: &Path, user: &str, database: &str) -> io::Result<Self> {
        let stream = UnixStream::connect(directory.join(".s.PGSQL.5432"))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut connection = Self {
            stream: BufReader::new(stream),
            types: HashMap::new(),
        };
        let mut startup = 196_608_i32.to_be_bytes().to_vec();
        for text in [
            "user",
            user,
            "database",
            database,
            "client_encoding",
            "UTF8",
            "",
        ] {
            startup.extend_from_slice(text.as_bytes());
            startup.push(0);
        }
        connection.send(None, &startup)?;
        let raw = connection.read_answer(None)?;
        match raw.error {
            Some((state, message)) => Err(io::Error::other(format!("{state} {message}"))),
            None => Ok(connection),
        }
    }

    /// Runs one statement; `stdin` is what `COPY … FROM STDIN` reads.
    pub fn ask(&mut self, sql: &str, stdin: Option<&str>) -> io::Result<Answer> {
        let raw = self.ask_raw(sql, stdin)?;
        let outcome = match (raw.error, raw.columns) {
            (Some((state, message)), _) => Outcome::Failed { state, message },
            (None, Some(columns)) => Outcome::Rows {
                columns: Vec::with_capacity(columns.len()),
                rows: raw.rows,
                tag: raw.tag.unwrap_or_default(),
            }
            .with_columns(self.named(columns)),
            (None, None) => Outcome::Done {
                tag: raw.tag.unwrap_or_default(),
                copied: raw.copied,
            },
        };
        Ok(Answer {
            outcome,
            status: raw.status,
        })
    }

    /// Runs a statement that must succeed.
    pub fn command(&mut self, sql: &str) -> io::Result<()> {
        match self.ask_raw(sql, None)?.error {
            None => Ok(()),
            Some((state, message)) => Err(io::Error::other(format!("{sql}: {state} {message}"))),
        }
    }

    /// The type's name, if it is known without asking.
    pub fn known_type(&self, oid: u32, modifier: i32) -> Option<&str> {
        self.types.get(&(oid, modifier)).map(String::as_str)
    }

    /// Learns a type's name.
    pub fn learn_type(&mut self, oid: u32, modifier: i32, name: String) {
        self.types.insert((oid, modifier), name);
    }

    /// The name of a type, asked of the server; only outside a failed transaction.
    pub fn ask_type(&mut self, oid: u32, modifier: i32) -> io::Result<String> {
        let raw = self.ask_raw(&format!("SELECT format_type({oid}, {modifier})"), None)?;
        let name = raw.rows.into_iter().flatten().flatten().next();
        Ok(name.unwrap_or_else(|| format!("type {oid}")))
    }

    fn named(&self, columns: Vec<(String, u32, i32)>) -> Vec<Column> {
        columns
            .into_iter()
            .map(|(name, oid, modifier)| Column {
                name,
                ty: self
                    .known_type(oid, modifier)
                    .map_or_else(|| format!("{oid}/{modifier}"), str::to_owned),
            })
            .collect()
    }

    fn ask_raw(&mut self, sql: &str, stdin: Option<&str>) -> io::Result<Raw> {
        let mut body = sql.as_bytes().to_vec();
        body.push(0);
        self.send(Some(b'Q'), &body)?;
        self.read_answer(stdin)
    }

    fn send(&mut self, kind: Option<u8>, body: &[u8]) -> io::Result<()> {
        let mut message: Vec<u8> = kind.into_iter().collect();
        let length = u32::try_from(body.len() + 4).map_err(io::Error::other)?;
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(body);
        self.stream.get_mut().write_all(&message)
    }

    fn receive(&mut self) -> io::Result<Message> {
        let mut head = [0_u8; 5];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut body = vec![0; length.saturating_sub(4)];
        self.stream.read_exact(&mut body)?;
        Ok(Message {
            kind: head[0],
            body,
        })
    }

    /// Reads up to `ReadyForQuery`, or up to the error that ends the connection.
    fn read_answer(&mut self, stdin: Option<&str>) -> io::Result<Raw> {
        let mut raw = Raw {
            status: 'I',
            ..Raw::default()
        };
        loop {
            let Message { kind, body } = self.receive()?;
            let mut fields = Fields(&body);
            match kind {
                b'T' => raw.columns = Some(fields.columns()),
                b'D' => raw.rows.push(fields.row()),
                b'C' => raw.tag = Some(fields.text()),
                b'd' => raw.copied.push_str(&String::from_utf8_lossy(&body)),
                b'G' => match stdin {
                    Some(data) => {
                        self.send(Some(b'd'), data.as_bytes())?;
                        self.send(Some(b'c'), &[])?;
                    }
                    None => self.send(Some(b'f'), b"no data\0")?,
                },
                b'E' => {
                    let error = fields.error();
                    let fatal = error.0.starts_with("FATAL");
                    raw.error = Some((error.1, error.2));
                    if fatal {
                        return Ok(raw);
                    }
                }
                b'Z' => {
                    raw.status = body.first().copied().map_or('I', char::from);
                    return Ok(raw);
                }
                _ => {}
            }
        }
    }

    /// Types of the answer's columns that are not yet known.
    pub fn unknown_types(&mut self, sql_columns: &[Column]) -> Vec<(u32, i32)> {
        sql_columns
            .iter()
            .filter_map(|column| {
                let (oid, modifier) = column.ty.split_once('/')?;
                Some((oid.parse().ok()?, modifier.parse().ok()?))
            })
            .collect()
    }
}

impl Outcome {
    fn with_columns(mut self, named: Vec<Column>) -> Self {
        if let Self::Rows { columns, .. } = &mut self {
            *columns = named;
        }
        self
    }
}

/// The fields of a message, one after the other.
struct Fields<'m>(&'m [u8]);

impl Fields<'_> {
    fn take(&mut self, length: usize) -> &[u8] {
        let (head, tail) = self.0.split_at(length.min(self.0.len()));
        self.0 = tail;
        head
    }

    fn int16(&mut self) -> u16 {
        self.take(2).try_into().map_or(0, u16::from_be_bytes)
    }

    fn int32(&mut self) -> i32 {
        self.take(4).try_into().map_or(0, i32::from_be_bytes)
    }

    fn text(&mut self) -> String {
        let length = self.0.iter().position(|byte| *byte == 0);
        let text = String::from_utf8_lossy(self.take(length.unwrap_or(self.0.len()))).into_owned();
        self.take(1);
        text
    }

    fn columns(&mut self) -> Vec<(String, u32, i32)> {
        (0..self.int16())
            .map(|_| {
                let name = self.text();
                self.take(6);
                let oid = self.int32().cast_unsigned();
                self.take(2);
                let modifier = self.int32();
                self.take(2);
                (name, oid, modifier)
            })
            .collect()
    }

    fn row(&mut self) -> Vec<Option<String>> {
        (0..self.int16())
            .map(|_| {
                let length = usize::try_from(self.int32()).ok()?;
                Some(String::from_utf8_lossy(self.take(length)).into_owned())
            })
            .collect()
    }

    /// Severity, SQLSTATE and message.
    fn error(&mut self) -> (String, String, String) {
        let mut error = (String::new(), String::new(), String::new());
        loop {
            let kind = self.take(1).first().copied().unwrap_or(0);
            if kind == 0 {
                return error;
            }
            let text = self.text();
            match kind {
                b'V' => error.0 = text,
                b'C' => error.1 = text,
                b'M' => error.2 = text,
                _ => {}
            }
        }
    }
}
