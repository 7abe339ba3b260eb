//! Conflicts that functions of users decide.
//!
//! A merge cannot run SQL. It leaves such a conflict open and says which function is to be asked
//! (`asks` in a decision); the caller asks, undoes the merge and makes it again with the answers. An
//! answer is about the rows as they were: should they have changed meanwhile, the question comes again.

use std::collections::BTreeMap;

use helios_base::{ColumnId, TableId, Value};

use super::cell::Row;

/// What a function is asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// The function, by the caller's number.
    pub function: u32,
    /// The table.
    pub table: TableId,
    /// The stored key of the row.
    pub key: Vec<u8>,
    /// The cell; `None` for a row that one side deleted.
    pub column: Option<ColumnId>,
}

/// What a function said.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It leaves the conflict open.
    Open,
    /// The value of the cell.
    Value(Value),
    /// The row.
    Row(Vec<Value>),
    /// The row goes.
    Delete,
}

/// The answers so far.
#[derive(Clone, Debug, Default)]
pub struct Answers(BTreeMap<Question, Answer>);

#[derive(Clone, Debug)]
struct Answer {
    /// The row in the base, on the target and on the source.
    rows: [Row; 3],
    reply: Reply,
}

impl Answers {
    /// Notes an answer about these rows: in the base, on the target and on the source.
    pub fn add(&mut self, question: Question, rows: [Option<Vec<Value>>; 3], reply: Reply) {
        self.0.insert(question, Answer { rows, reply });
    }

    /// What was said about these rows.
    pub(super) fn reply(&self, question: &Question, rows: [&Row; 3]) -> Option<&Reply> {
        let answer = self.0.get(question)?;
        let same = answer.rows.iter().eq(rows);
        same.then_some(&answer.reply)
    }
}
