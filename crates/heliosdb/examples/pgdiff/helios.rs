//! Our side: a session in an empty database in memory.

use std::io::{Cursor, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use heliosdb::{Connection, Database, Error, Outcome as Answered, TransactionStatus};

use super::answer::{Answer, Column, Outcome};

/// How long a statement may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A session under comparison.
pub struct Session {
    connection: Connection,
    _database: Database,
}

/// Where `COPY … TO STDOUT` writes.
#[derive(Clone, Default)]
struct Copied(Arc<Mutex<Vec<u8>>>);

impl Write for Copied {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut copied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        copied.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Session {
    /// A session in a new, empty database.
    pub fn open() -> Result<Self, Error> {
        let database = Database::open_in_memory()?;
        let mut connection = database.connect()?;
        connection.execute_batch("SET TimeZone = 'UTC'")?;
        Ok(Self {
            connection,
            _database: database,
        })
    }

    /// Runs one statement; `stdin` is what `COPY … FROM STDIN` reads.
    pub fn ask(&mut self, sql: &str, stdin: Option<&str>) -> Answer {
        let alarm = self.alarm();
        let copied = Copied::default();
        self.connection
            .set_copy_output(Some(Box::new(copied.clone())));
        self.connection.set_copy_input(stdin.map(|data| {
            Box::new(Cursor::new(data.as_bytes().to_vec())) as Box<dyn std::io::Read + Send>
        }));
        let result = catch_unwind(AssertUnwindSafe(|| self.run(sql)));
        drop(alarm);
        let outcome = match result {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => Outcome::Failed {
                state: error.sqlstate().as_str().to_owned(),
                message: error.message().to_owned(),
            },
            Err(panic) => Outcome::Crashed(
                panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
                    .unwrap_or_default(),
            ),
        };
        let outcome = match outcome {
            Outcome::Done { tag, .. } => {
                let bytes = copied.0.lock().unwrap_or_else(PoisonError::into_inner);
                Outcome::Done {
                    tag,
                    copied: String::from_utf8_lossy(&bytes).into_owned(),
                }
            }
            other => other,
        };
        Answer {
            outcome,
            status: match self.connection.status().transaction {
                TransactionStatus::Idle => 'I',
                TransactionStatus::Active => 'T',
                TransactionStatus::Failed => 'E',
            },
        }
    }

    fn run(&mut self, sql: &str) -> Result<Outcome, Error> {
        let mut last = Outcome::Done {
            tag: String::new(),
            copied: String::new(),
        };
        let mut answers = Vec::new();
        for answered in self.connection.script(sql) {
            answers.push(match answered? {
                Answered::Rows(mut stream) => {
                    let rows = stream.collect_rows()?;
                    (stream.columns().clone(), rows, stream.completion())
                }
                done => {
                    last = Outcome::Done {
                        tag: done.finish()?.to_string(),
                        copied: String::new(),
                    };
                    continue;
                }
            });
        }
        let context = self.connection.text_context();
        if let Some((columns, rows, completion)) = answers.pop() {
            let types: Vec<_> = columns.iter().map(|column| column.ty.clone()).collect();
            last = Outcome::Rows {
                columns: columns
                    .iter()
                    .map(|column| Column {
                        name: column.name.clone(),
                        ty: column.ty.to_string(),
                    })
                    .collect(),
                rows: rows
                    .iter()
                    .map(|row| {
                        row.iter()
                            .zip(&types)
                            .map(|(value, ty)| {
                                (!value.is_null()).then(|| value.to_text(ty, &context))
                            })
                            .collect()
                    })
                    .collect(),
                tag: completion.to_string(),
            };
        }
        Ok(last)
    }

    /// Cancels the statement when it takes too long; dropping the sender calls it off.
    fn alarm(&self) -> Sender<()> {
        let (sender, receiver) = channel();
        let handle = self.connection.cancel_handle();
        std::thread::spawn(move || {
            if receiver.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                handle.cancel();
            }
        });
        sender
    }
}
