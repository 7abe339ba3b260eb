//! The versions of a table's rows over a range of history, across changes of its definition.
//!
//! A table that is rewritten or truncated gets another storage, so its history is a row of
//! *segments*: one storage each, from the commit that brought it to the one that replaced it. Rows
//! of segments with the same key are the same rows; a change of the key begins new ones.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use helios_base::{Error, Result, Scn, SqlState, Value};
use helios_expr::EvalContext;
use helios_version::{Read, Snapshot, Version, VersionCursor};

use crate::catalog::{TableDef, codec};
use crate::row::{KeyRange, StoredRow};
use crate::system;

/// Which versions are wanted.
#[derive(Clone, Copy, Debug)]
pub struct VersionSpan {
    /// Begun at this commit or later.
    pub begin_min: Scn,
    /// Begun at this commit or earlier.
    pub begin_max: Scn,
    /// Not yet ended at this commit.
    pub end_after: Scn,
    /// Ended at this commit or earlier; `None`: or not at all.
    pub end_max: Option<Scn>,
    /// Deletions by these commits, as rows of their own.
    pub deletions: Option<(Scn, Scn)>,
}

/// What a commit did to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It was not there before.
    Insert,
    /// It was other before.
    Update,
    /// It is no longer there.
    Delete,
}

/// One version of a row, or its deletion.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoricRow {
    /// The commit that made it, or that deleted it.
    pub begin: Scn,
    /// The commit that ended it; `None` for the newest and for deletions.
    pub end: Option<Scn>,
    /// What the commit at `begin` did.
    pub operation: Operation,
    /// One value per column of the table as it is read; of a deletion those before.
    pub values: Vec<Value>,
}

/// The versions of a table's rows, key by key, oldest first.
pub struct TableVersions {
    table: Arc<TableDef>,
    span: VersionSpan,
    /// Segments of one key after those of another, the oldest first.
    runs: VecDeque<Vec<Segment>>,
    ready: VecDeque<HistoricRow>,
}

/// One storage of the table.
struct Segment {
    /// Reads rows of this storage as columns of the table.
    def: TableDef,
    /// The commit that brought it, and the one that replaced it.
    from: Scn,
    until: Option<Scn>,
    cursor: VersionCursor,
    head: Option<(Vec<u8>, Vec<Version>)>,
}

/// A version in order of time.
struct Live {
    begin: Scn,
    end: Option<Scn>,
    values: Vec<Value>,
}

impl TableVersions {
    /// The versions of `table`, as the catalog of `snapshot` has it, in `range` of its stored key.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn new(
        snapshot: &Snapshot,
        table: &Arc<TableDef>,
        span: VersionSpan,
        range: &KeyRange,
    ) -> Result<Self> {
        // The version before tells what the first of the span did.
        let since = Scn(span.end_after.max(span.begin_min).0.saturating_sub(1));
        let mut runs: VecDeque<Vec<Segment>> = VecDeque::new();
        let mut key = None;
        for (def, from, until) in storages(snapshot, table)? {
            let gone = until.is_some_and(|until| until <= since);
            if gone
                || from
                    > span
                        .begin_max
                        .max(span.deletions.map_or(Scn::ZERO, |d| d.1))
            {
                continue;
            }
            let own = key_of(&def);
            // A range of today's key says nothing of another.
            let range = if own == key_of(table) {
                range
            } else {
                &KeyRange::ALL
            };
            let mut cursor = snapshot.versions(def.storage, range.bounds(), since)?;
            let head = cursor.next()?;
            let mut shaped = (*def).clone();
            shaped.columns.clone_from(&table.columns);
            for column in &mut shaped.columns {
                // Values come out as they were there.
                match def.column_by_id(column.id) {
                    Some((_, then)) => column.clone_from(then),
                    None => column.missing = None,
                }
            }
            let segment = Segment {
                def: shaped,
                from,
                until,
                cursor,
                head,
            };
            match runs.back_mut() {
                Some(run) if key.as_ref() == Some(&own) => run.push(segment),
                _ => runs.push_back(vec![segment]),
            }
            key = Some(own);
        }
        Ok(Self {
            table: Arc::clone(table),
            span,
            runs,
            ready: VecDeque::new(),
        })
    }

    /// The first change number from which on all versions of `table` are there.
    ///
    /// # Errors
    /// `Corrupt`, `Io`.
    pub fn kept(snapshot: &Snapshot, table: &Arc<TableDef>) -> Result<Scn> {
        let mut kept = Scn::ZERO;
        for (def, _, until) in storages(snapshot, table)? {
            let own = snapshot.kept(def.storage);
            kept = kept.max(until.map_or(own, |until| own.min(until)));
        }
        Ok(kept)
    }

    /// The next version.
    ///
    /// # Errors
    /// `Corrupt`, `Io`; the error of a conversion if a column had another type.
    pub fn next(&mut self, context: &EvalContext<'_>) -> Result<Option<HistoricRow>> {
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Ok(Some(row));
            }
            let Some(run) = self.runs.front_mut() else {
                return Ok(None);
            };
            let heads = run.iter().filter_map(|segment| segment.head.as_ref());
            let Some(key) = heads.map(|(key, _)| key).min().cloned() else {
                self.runs.pop_front();
                continue;
            };
            let mut lives: Vec<Live> = Vec::new();
            for segment in run.iter_mut() {
                if segment.head.as_ref().is_some_and(|(head, _)| *head == key) {
                    segment.add_to(&mut lives, &self.table, context)?;
                }
            }
            self.tell(lives);
        }
    }

    /// The versions and deletions that a row's life consists of, as far as they are wanted.
    fn tell(&mut self, lives: Vec<Live>) {
        let span = self.span;
        let mut before = None;
        let mut lives = lives.into_iter().peekable();
        while let Some(live) = lives.next() {
            let operation = if before == Some(live.begin) {
                Operation::Update
            } else {
                Operation::Insert
            };
            before = live.end;
            let wanted = live.begin >= span.begin_min
                && live.begin <= span.begin_max
                && live.end.is_none_or(|end| end > span.end_after)
                && span
                    .end_max
                    .is_none_or(|max| live.end.is_some_and(|end| end <= max));
            let deleted = live.end.filter(|end| {
                lives.peek().is_none_or(|next| next.begin != *end)
                    && span
                        .deletions
                        .is_some_and(|(low, high)| (low..=high).contains(end))
            });
            if wanted {
                self.ready.push_back(HistoricRow {
                    begin: live.begin,
                    end: live.end,
                    operation,
                    values: live.values.clone(),
                });
            }
            if let Some(begin) = deleted {
                self.ready.push_back(HistoricRow {
                    begin,
                    end: None,
                    operation: Operation::Delete,
                    values: live.values,
                });
            }
        }
    }
}

impl Segment {
    /// Takes the versions of the key it stands on, and moves on.
    fn add_to(
        &mut self,
        lives: &mut Vec<Live>,
        table: &TableDef,
        context: &EvalContext<'_>,
    ) -> Result<()> {
        let Some((key, versions)) = self.head.take() else {
            return Ok(());
        };
        self.head = self.cursor.next()?;
        for version in versions.iter().rev() {
            let Some(row) = &version.row else {
                continue;
            };
            // What another storage holds then is not what the table holds.
            let begin = version.begin.max(self.from);
            let end = match (version.end, self.until) {
                (Some(end), Some(until)) => Some(end.min(until)),
                (end, until) => end.or(until),
            };
            if end.is_some_and(|end| end <= begin) {
                continue;
            }
            let values = self.values(&key, version.begin, row, table, context)?;
            if let Some(last) = lives.last_mut()
                && begin == self.from
                && last.end == Some(begin)
                && last.values == values
            {
                // Rewriting the table left this row as it was.
                last.end = end;
                continue;
            }
            lives.push(Live { begin, end, values });
        }
        Ok(())
    }

    fn values(
        &self,
        key: &[u8],
        begin: Scn,
        row: &Bytes,
        table: &TableDef,
        context: &EvalContext<'_>,
    ) -> Result<Vec<Value>> {
        let mut values = StoredRow::new(self.def.shape(), key, begin, row)?.values()?;
        for ((value, then), now) in values.iter_mut().zip(&self.def.columns).zip(&table.columns) {
            if !then.ty.same(&now.ty) {
                *value = helios_expr::cast::cast(value, &then.ty, &now.ty, true, context).map_err(
                    |error| {
                        error.with_detail(format!(
                            "Column \"{}\" had type {} before change number {}.",
                            now.name,
                            then.ty,
                            self.until.unwrap_or(begin)
                        ))
                    },
                )?;
            }
        }
        Ok(values)
    }
}

/// The key of stored rows: columns with their types.
fn key_of(table: &TableDef) -> Vec<(helios_base::ColumnId, helios_base::DataType)> {
    let columns = table.key.iter().filter_map(|id| table.column_by_id(*id));
    columns
        .map(|(_, column)| (column.id, column.ty.bare()))
        .collect()
}

/// The storages that the table had up to the snapshot, oldest first: its last definition with the
/// storage, the commit that brought it, and the one that replaced it.
type Storages = Vec<(Arc<TableDef>, Scn, Option<Scn>)>;

fn storages(snapshot: &Snapshot, table: &Arc<TableDef>) -> Result<Storages> {
    let key = codec::key(table.id.0);
    let mut storages: Storages = Vec::new();
    for version in snapshot.history(system::TABLES, &key)?.iter().rev() {
        let Some(row) = &version.row else {
            if let Some(last) = storages.last_mut() {
                last.2.get_or_insert(version.begin);
            }
            continue;
        };
        let def: TableDef = codec::decode(row)?;
        match storages.last_mut() {
            Some(last) if last.0.storage == def.storage => last.0 = Arc::new(def),
            last => {
                if let Some(last) = last {
                    last.2.get_or_insert(version.begin);
                }
                storages.push((Arc::new(def), version.begin, None));
            }
        }
    }
    if storages.last().map(|last| last.0.storage) != Some(table.storage) {
        return Err(Error::new(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!(
                "cannot read the versions of table \"{}\" in the transaction that rewrote it",
                table.name
            ),
        ));
    }
    Ok(storages)
}
