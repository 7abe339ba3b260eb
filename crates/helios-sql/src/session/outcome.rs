//! What a statement gives back.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use helios_base::{DataType, Error, Result, Row, SqlState};

use super::audit::Written;
use super::costs::Measure;
use super::trace::Reading;
use crate::plan::{ColumnOrigin, PlanColumn};

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultColumn {
    /// The name; names may repeat.
    pub name: String,
    /// The type.
    pub ty: DataType,
    /// The column of a relation that it is, unchanged; `None` for what is computed.
    pub origin: Option<ColumnOrigin>,
}

impl ResultColumn {
    /// A column of this name and type.
    #[must_use]
    pub fn new(name: impl Into<String>, ty: DataType) -> Self {
        Self {
            name: name.into(),
            ty,
            origin: None,
        }
    }

    /// The column that a plan puts out.
    pub(crate) fn of(column: &PlanColumn) -> Self {
        Self {
            origin: column.origin,
            ..Self::new(&*column.name, column.ty.clone())
        }
    }
}

/// The shape of a result, shared by all that speak of it.
pub type Columns = Arc<[ResultColumn]>;

/// What one statement gave.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Rows to read.
    Rows(RowStream),
    /// No rows, but work done.
    Done(Completion),
}

impl Outcome {
    /// The rows, if the statement returns any.
    #[must_use]
    pub fn into_rows(self) -> Option<RowStream> {
        match self {
            Self::Rows(rows) => Some(rows),
            Self::Done(_) => None,
        }
    }

    /// Reads all rows and drops them; gives what the statement completed with.
    ///
    /// # Errors
    /// The first error in reading a row.
    pub fn finish(self) -> Result<Completion> {
        match self {
            Self::Rows(mut rows) => {
                while rows.next_row()?.is_some() {}
                Ok(rows.completion())
            }
            Self::Done(done) => Ok(done),
        }
    }
}

/// A finished statement: its tag and how many rows it concerned.
///
/// Shown as PostgreSQL's command tag: `INSERT 0 3`, `UPDATE 2`, `CREATE TABLE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The command: `SELECT`, `INSERT`, `CREATE TABLE`.
    pub tag: &'static str,
    /// Rows returned, inserted, changed, deleted or copied; `None` where a count means nothing.
    pub rows: Option<u64>,
}

impl Completion {
    /// A command that counts no rows.
    #[must_use]
    pub const fn tag(tag: &'static str) -> Self {
        Self { tag, rows: None }
    }

    /// A command that concerned `rows` rows.
    #[must_use]
    pub const fn counted(tag: &'static str, rows: u64) -> Self {
        Self {
            tag,
            rows: Some(rows),
        }
    }
}

impl fmt::Display for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows {
            None => f.write_str(self.tag),
            // The zero is where PostgreSQL once wrote the object identifier of a row.
            Some(rows) if self.tag == "INSERT" => write!(f, "INSERT 0 {rows}"),
            Some(rows) => write!(f, "{} {rows}", self.tag),
        }
    }
}

/// Where rows come from; one per executor.
pub(crate) trait RowSource: Send {
    /// The next row, `None` at the end.
    fn next_row(&mut self) -> Result<Option<Row>>;

    /// The next batch of rows where the executor works in batches; the default collects rows.
    fn next_batch(&mut self, columns: &[ResultColumn]) -> Result<Option<RecordBatch>> {
        let mut rows = Vec::new();
        while rows.len() < BATCH_ROWS {
            match self.next_row()? {
                Some(row) => rows.push(row),
                None => break,
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        super::batch::from_rows(columns, &rows).map(Some)
    }
}

/// How many rows the row executor puts in one Arrow batch.
const BATCH_ROWS: usize = 8192;

/// Rows of one statement, in order, read once.
///
/// Owns its snapshot, so it stays valid and unchanged while the session goes on. Dropping it
/// stops the work. Iterates over `Result<Row>`; after the first error or the end it yields nothing.
pub struct RowStream {
    columns: Columns,
    tag: &'static str,
    source: Source,
    read: u64,
    /// How many rows it may give.
    limit: Option<u64>,
    /// Rows the statement changed, where that is not the number of rows returned.
    affected: Option<u64>,
    /// What the statement has cost so far, if that is measured.
    measure: Option<Box<Measure>>,
    /// Its spans, if they are wanted.
    spans: Option<Box<Reading>>,
    /// Its line in the audit log, if it has one.
    written: Option<Box<Written>>,
}

impl RowStream {
    pub(crate) fn new(columns: Columns, tag: &'static str, source: Box<dyn RowSource>) -> Self {
        Self::of(columns, tag, Source::Running(source))
    }

    /// Rows that are already there.
    pub(crate) fn of_rows(columns: Columns, tag: &'static str, rows: Vec<Row>) -> Self {
        Self::of(columns, tag, Source::Rows(rows.into_iter()))
    }

    /// One row that is already there, or none.
    pub(crate) fn of_row(columns: Columns, tag: &'static str, row: Option<Row>) -> Self {
        Self::of(columns, tag, Source::Row(row))
    }

    fn of(columns: Columns, tag: &'static str, source: Source) -> Self {
        Self {
            columns,
            tag,
            source,
            read: 0,
            limit: None,
            affected: None,
            measure: None,
            spans: None,
            written: None,
        }
    }

    /// Has the statement counted when its rows have been read.
    pub(super) fn measure(&mut self, measure: Measure) {
        let ready = match &self.source {
            Source::Row(row) => u64::from(row.is_some()),
            Source::Rows(rows) => rows.len() as u64,
            Source::Running(_) => {
                self.measure = Some(Box::new(measure));
                return;
            }
        };
        measure.finish(self.affected.unwrap_or(ready));
    }

    /// Gives it the span of the statement, which is over when its rows have been read.
    pub(super) fn trace(&mut self, span: tracing::Span) {
        let ready = match &self.source {
            Source::Row(row) => u64::from(row.is_some()),
            Source::Rows(rows) => rows.len() as u64,
            Source::Running(_) => return self.spans.get_or_insert_default().statement(span),
        };
        let mut spans = self.spans.take().unwrap_or_default();
        spans.statement(span);
        spans.end(self.tag, Ok(self.affected.unwrap_or(ready)));
    }

    /// Gives it the span of the executor, if that is still at work.
    pub(super) fn trace_execution(&mut self, span: tracing::Span) {
        if matches!(self.source, Source::Running(_)) {
            self.spans.get_or_insert_default().execution(span);
        }
    }

    /// Gives it its line in the audit log, in case reading its rows fails.
    pub(super) fn audit(&mut self, written: Written) {
        self.written = Some(Box::new(written));
    }

    fn audit_failure(&mut self, error: &Error) {
        if let Some(written) = self.written.take() {
            written.failed(error);
        }
    }

    /// Notes the end: a statement that failed does not count.
    fn end<T>(&mut self, end: Result<Option<T>>) -> Result<Option<T>> {
        self.source = Source::Row(None);
        if let Err(error) = &end {
            self.audit_failure(error);
        }
        let spans = self.spans.take();
        if let Some(measure) = self.measure.take()
            && end.is_ok()
        {
            let rows = self.affected.unwrap_or(self.read);
            match &spans {
                // What it may log is of the statement.
                Some(spans) => spans.within(|| measure.finish(rows)),
                None => measure.finish(rows),
            }
        }
        if let Some(spans) = spans {
            let rows = end.as_ref().map(|_| self.affected.unwrap_or(self.read));
            spans.end(self.tag, rows);
        }
        end
    }

    pub(crate) fn with_affected(mut self, rows: u64) -> Self {
        self.affected = Some(rows);
        self
    }

    /// The columns, in order.
    #[must_use]
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The next row, `None` at the end.
    ///
    /// # Errors
    /// Whatever computing the row meets: a division by zero, a cancellation, a damaged page.
    pub fn next_row(&mut self) -> Result<Option<Row>> {
        let row = match &mut self.source {
            Source::Row(row) => row.take(),
            Source::Rows(rows) => rows.next(),
            Source::Running(running) => {
                // What runs as rows are asked for does most of it, and what it tells of, for the first.
                let spans = self.spans.as_ref().filter(|_| self.read == 0);
                let entered = spans.and_then(|spans| spans.enter());
                let row = match &mut self.measure {
                    Some(measure) => measure.part(|| running.next_row()),
                    None => running.next_row(),
                };
                drop(entered);
                match row {
                    Ok(Some(row)) => Some(row),
                    end => return self.end(end),
                }
            }
        };
        self.read += u64::from(row.is_some());
        self.check_limit()?;
        Ok(row)
    }

    /// Lets it fail once it has given more rows than this.
    pub(crate) fn limit(&mut self, rows: u64) {
        self.limit = Some(rows);
    }

    fn check_limit(&mut self) -> Result<()> {
        match self.limit {
            Some(limit) => {
                let within = within_limit(self.read, limit);
                if let Err(error) = &within {
                    self.audit_failure(error);
                    if let Some(spans) = self.spans.take() {
                        spans.end(self.tag, Err(error));
                    }
                    self.source = Source::Rows(Vec::new().into_iter());
                }
                within
            }
            None => Ok(()),
        }
    }

    /// The next rows as an Arrow batch, `None` at the end; never an empty batch.
    ///
    /// # Errors
    /// As [`RowStream::next_row`]; and `0A000` for a type that has no Arrow form.
    pub fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let batch = match &mut self.source {
            Source::Row(row) => Ready(row.take().into_iter()).next_batch(&self.columns),
            Source::Rows(rows) => Ready(rows).next_batch(&self.columns),
            Source::Running(running) => match &mut self.measure {
                Some(measure) => measure.part(|| running.next_batch(&self.columns)),
                None => running.next_batch(&self.columns),
            },
        };
        match batch {
            Ok(Some(batch)) => {
                self.read += batch.num_rows() as u64;
                self.check_limit()?;
                Ok(Some(batch))
            }
            end => self.end(end),
        }
    }

    /// Reads all that is left.
    ///
    /// # Errors
    /// As [`RowStream::next_row`].
    pub fn collect_rows(&mut self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        while let Some(row) = self.next_row()? {
            rows.push(row);
        }
        Ok(rows)
    }

    /// The tag, and the rows read so far (all rows, once the end was reached).
    #[must_use]
    pub fn completion(&self) -> Completion {
        if matches!(self.tag, "SHOW" | "EXPLAIN" | "CALL") {
            return Completion::tag(self.tag);
        }
        Completion::counted(self.tag, self.affected.unwrap_or(self.read))
    }
}

/// Refuses more rows than `result_rows_limit` allows.
pub(super) fn within_limit(rows: u64, limit: u64) -> Result<()> {
    if rows <= limit {
        return Ok(());
    }
    Err(Error::new(
        SqlState::new(b"54000"),
        format!("the statement gives more than {limit} rows"),
    )
    .with_hint("The parameter \"result_rows_limit\" allows no more; a superuser may change it."))
}

impl Iterator for RowStream {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Result<Row>> {
        self.next_row().transpose()
    }
}

impl fmt::Debug for RowStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream")
            .field("columns", &self.columns)
            .field("tag", &self.tag)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

/// Where a stream's rows are.
enum Source {
    Row(Option<Row>),
    Rows(std::vec::IntoIter<Row>),
    Running(Box<dyn RowSource>),
}

/// Rows that are already there, for making batches of them.
struct Ready<I>(I);

impl<I: Iterator<Item = Row> + Send> RowSource for Ready<I> {
    fn next_row(&mut self) -> Result<Option<Row>> {
        Ok(self.0.next())
    }
}
