//! Columns that one side dropped while the other wrote to them.
//!
//! Dropping a column says that nobody needs it; whoever wrote to it since the base says the opposite. So
//! each such cell is a conflict, decided like any other: by people, by rules, by the strategy. As a column
//! is there or not for all rows, what is decided holds for all of it. It stays on the target, or comes
//! back to it, if the side that wrote wins, and goes if the side that dropped it does.

use std::sync::Arc;

use helios_base::{Error, Result, Scn, SqlState, TableId, Value};
use helios_expr::{EvalContext, Volatility};
use helios_version::{LockMode, Read, Snapshot, Wait};

use super::cell::Row;
use super::compare::Definitions;
use super::given::given;
use super::resolve::{Ages, action_for};
use super::schema::SchemaMerge;
use super::{
    Catalogs, CellDecision, ConflictKind, Decision, MergeInput, MergeOptions, MergeReport, Outcome,
    Resolution,
};
use crate::access::{Lock, TableWriter};
use crate::catalog::{Catalog, ColumnDef, TableDef, codec};
use crate::system;
use crate::transaction::Transaction;

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    Source,
    Target,
}

impl Party {
    const fn other(self) -> Self {
        match self {
            Self::Source => Self::Target,
            Self::Target => Self::Source,
        }
    }

    /// That this side won.
    const fn wins(self) -> Outcome {
        match self {
            Self::Source => Outcome::Source,
            Self::Target => Outcome::Target,
        }
    }
}

/// What is to be done about all such columns.
#[derive(Default)]
pub(super) struct Lost {
    tables: Vec<LostColumns>,
}

/// The columns of one table that one side dropped and the other wrote to.
struct LostColumns {
    table: TableId,
    /// Who dropped them.
    dropped_by: Party,
    /// The table as the side that wrote has it, under the target's name.
    written: Arc<TableDef>,
    columns: Vec<LostColumn>,
    writes: Vec<Write>,
}

struct LostColumn {
    def: ColumnDef,
    /// Its position in `written`.
    position: usize,
    stays: bool,
}

/// A row with cells that would be lost.
struct Write {
    key: Vec<u8>,
    base: Row,
    now: Vec<Value>,
    begin: Scn,
    /// Which of the columns, by their place in `LostColumns::columns`, and what becomes of them.
    cells: Vec<(usize, CellDecision)>,
}

/// What a merge looks at.
pub(super) struct Ground<'a> {
    pub(super) transaction: &'a Transaction,
    pub(super) input: &'a MergeInput,
    pub(super) options: &'a MergeOptions,
    pub(super) catalogs: &'a Catalogs,
}

impl Lost {
    /// Finds them, decides, and tells the plan for the definitions.
    ///
    /// # Cost
    /// O(rows that the other side changed in tables with dropped columns).
    pub(super) fn new(
        ground: &Ground<'_>,
        plan: &mut SchemaMerge<'_>,
        ctx: &EvalContext<'_>,
    ) -> Result<Self> {
        let mut lost = Self::default();
        let target = ground.transaction.latest_catalog()?;
        for (id, other) in plan.pairs() {
            let source = ground.catalogs.source.table_by_id(id);
            let (Some(source), Some(table)) = (source, target.table_by_id(id)) else {
                continue;
            };
            let dropped = |by: &TableDef, kept: &TableDef, column: &ColumnDef| {
                by.same_column(column).is_none()
                    && kept
                        .same_column(column)
                        .is_some_and(|(_, there)| there.generated.is_none())
            };
            let known = ground.catalogs.base.table_by_id(id);
            let Some(known) = known.filter(|_| id == other) else {
                continue;
            };
            for (party, by, kept) in [
                (Party::Source, source, table),
                (Party::Target, table, source),
            ] {
                let columns = known.columns.iter();
                let columns: Vec<&ColumnDef> =
                    columns.filter(|column| dropped(by, kept, column)).collect();
                if columns.is_empty() {
                    continue;
                }
                let mut written = TableDef::clone(kept);
                written.name.clone_from(&table.name);
                let found = LostColumns::find(ground, party, Arc::new(written), &columns, ctx)?;
                lost.tables.extend(found);
            }
        }
        for table in &mut lost.tables {
            table.decide(ground, ctx)?;
            for column in table.columns.iter().filter(|column| column.stays) {
                match table.dropped_by {
                    Party::Source => plan.keep_column(table.table, &column.def)?,
                    Party::Target => {
                        plan.restore_column(ground.catalogs, table.table, &column.def)?;
                    }
                }
            }
        }
        Ok(lost)
    }

    /// Gives the target's rows back what they had in columns that come back.
    pub(super) fn restore(&self, ground: &Ground<'_>, ctx: &EvalContext<'_>) -> Result<()> {
        for table in &self.tables {
            if table.dropped_by == Party::Target {
                table.restore(ground, ctx)?;
            }
        }
        Ok(())
    }

    /// Writes values that people gave, and reports all decisions.
    pub(super) fn finish(
        self,
        ground: &Ground<'_>,
        report: &mut MergeReport,
        ctx: &EvalContext<'_>,
    ) -> Result<()> {
        for table in self.tables {
            table.write_given(ground, ctx)?;
            let kind = match table.dropped_by {
                Party::Source => ConflictKind::SourceDropped,
                Party::Target => ConflictKind::TargetDropped,
            };
            for write in table.writes {
                let (ours, theirs) = match table.dropped_by {
                    Party::Source => (Some(write.now), None),
                    Party::Target => (None, Some(write.now)),
                };
                report.decisions.push(Decision {
                    table: table.written.clone(),
                    key: write.key,
                    kind,
                    base: write.base,
                    ours,
                    theirs,
                    cells: write.cells.into_iter().map(|(_, cell)| cell).collect(),
                    row: None,
                    asks: None,
                });
            }
        }
        Ok(())
    }
}

impl LostColumns {
    fn find(
        ground: &Ground<'_>,
        dropped_by: Party,
        written: Arc<TableDef>,
        columns: &[&ColumnDef],
        ctx: &EvalContext<'_>,
    ) -> Result<Option<Self>> {
        let view = ground.transaction.view()?;
        let (at, catalog) = match dropped_by {
            Party::Source => (view.snapshot(), ground.transaction.latest_catalog()?),
            Party::Target => (&ground.input.source, ground.catalogs.source.clone()),
        };
        let mut lost = Self {
            table: written.id,
            dropped_by,
            columns: Vec::new(),
            writes: Vec::new(),
            written,
        };
        let mut defaults = Vec::new();
        for column in columns {
            if let Some((position, def)) = lost.written.same_column(column) {
                defaults.push(default_of(ground, &catalog, &lost.written, def, ctx)?);
                lost.columns.push(LostColumn {
                    def: def.clone(),
                    position,
                    stays: false,
                });
            }
        }
        let versions = Definitions::of(ground.transaction, ground.input, lost.table)?;
        // A base that lacks the column has seen it dropped before.
        let known = |column: &&ColumnDef| {
            let mut bases = versions.bases.iter().flatten();
            bases.all(|base| base.same_column(column).is_some())
        };
        if !columns.iter().all(known) {
            return Ok(None);
        }
        let def = lost.written.clone();
        let mut compare = versions.compare(ground.transaction, ground.input, &def, at, &def)?;
        while let Some(changed) = compare.next()? {
            let Some(now) = changed.now else {
                // The row went with all its columns.
                continue;
            };
            let mut cells = Vec::new();
            for (n, column) in lost.columns.iter().enumerate() {
                let value = now.get(column.position).unwrap_or(&Value::Null);
                let is_new = match changed.bases.iter().flatten().next() {
                    Some(_) => changed
                        .bases
                        .iter()
                        .flatten()
                        .all(|base| base.get(column.position).unwrap_or(&Value::Null) != value),
                    // What a row has that says nothing of the column was not written to it.
                    None => {
                        !value.is_null()
                            && defaults
                                .get(n)
                                .is_none_or(|def| def.as_ref() != Some(value))
                    }
                };
                if is_new {
                    cells.push((n, open(column.position)));
                }
            }
            if !cells.is_empty() {
                lost.writes.push(Write {
                    key: changed.key,
                    base: changed.bases.into_iter().flatten().next(),
                    now,
                    begin: changed.begin.unwrap_or_default(),
                    cells,
                });
            }
        }
        Ok((!lost.writes.is_empty()).then_some(lost))
    }

    fn decide(&mut self, ground: &Ground<'_>, ctx: &EvalContext<'_>) -> Result<()> {
        let writer = self.dropped_by.other();
        for n in 0..self.columns.len() {
            let (mut stays, mut goes, mut undecided) = (0, 0, 0);
            let (mut newest, mut any) = (Scn::ZERO, false);
            let Some(def) = self.columns.get(n).map(|column| column.def.clone()) else {
                continue;
            };
            for write in &mut self.writes {
                let key = (self.table, write.key.clone());
                for (_, cell) in write.cells.iter_mut().filter(|(at, _)| *at == n) {
                    any = true;
                    newest = newest.max(write.begin);
                    let value = write.now.get(cell.column);
                    let Some(resolution) = ground.options.dropped.get(&key) else {
                        undecided += 1;
                        continue;
                    };
                    let base = write.base.as_ref().and_then(|base| base.get(cell.column));
                    let (outcome, kept) = match resolution {
                        Resolution::Source if writer == Party::Source => {
                            (Outcome::Source, value.cloned())
                        }
                        Resolution::Target if writer == Party::Target => {
                            (Outcome::Target, value.cloned())
                        }
                        Resolution::Source => (Outcome::Source, None),
                        Resolution::Target => (Outcome::Target, None),
                        Resolution::Base => {
                            let base = base.cloned().unwrap_or(Value::Null);
                            (Outcome::Base, Some(base))
                        }
                        Resolution::Values(values) => match values.get(&def.name) {
                            Some(text) => {
                                let value = given(text.as_deref(), &def, ctx)?;
                                (Outcome::Computed, Some(value))
                            }
                            None => (self.dropped_by.wins(), None),
                        },
                    };
                    match kept {
                        Some(_) => stays += 1,
                        None => goes += 1,
                    }
                    *cell = CellDecision {
                        column: cell.column,
                        outcome,
                        value: kept,
                        by: "manual".to_owned(),
                        asks: None,
                    };
                }
            }
            if stays > 0 && goes > 0 {
                return Err(Error::new(
                    SqlState::INVALID_PARAMETER_VALUE,
                    format!(
                        "column \"{}\" of table \"{}\" cannot stay for some rows and go for others",
                        def.name, self.written.name
                    ),
                )
                .with_hint("Resolve all conflicts over a dropped column for the same side."));
            }
            let mut keep = stays > 0;
            if any && undecided > 0 && stays + goes == 0 {
                let found = action_for(
                    &ground.options.rules,
                    ground.options.strategy,
                    &self.written.name,
                    &def.name,
                );
                if let Some((action, by)) = found {
                    let mut ages = || {
                        let dropped = self.dropped_at(ground, &def)?;
                        Ok(match writer {
                            Party::Source => Ages {
                                ours: dropped,
                                theirs: newest,
                            },
                            Party::Target => Ages {
                                ours: newest,
                                theirs: dropped,
                            },
                        })
                    };
                    if let Some(outcome) = action.side(&mut ages)? {
                        keep = outcome == writer.wins();
                        self.decide_all(n, keep, outcome, &by);
                    }
                }
            }
            if let Some(column) = self.columns.get_mut(n) {
                column.stays = keep;
            }
        }
        Ok(())
    }

    fn decide_all(&mut self, n: usize, keep: bool, outcome: Outcome, by: &str) {
        for write in &mut self.writes {
            for (_, cell) in write.cells.iter_mut().filter(|(at, _)| *at == n) {
                let value = write.now.get(cell.column).filter(|_| keep);
                *cell = CellDecision {
                    column: cell.column,
                    outcome,
                    value: value.cloned(),
                    by: by.to_owned(),
                    asks: None,
                };
            }
        }
    }

    /// The commit that dropped a column, as far as is known.
    fn dropped_at(&self, ground: &Ground<'_>, column: &ColumnDef) -> Result<Scn> {
        let view = ground.transaction.view()?;
        let at: &Snapshot = match self.dropped_by {
            Party::Source => &ground.input.source,
            Party::Target => view.snapshot(),
        };
        let mut dropped = Scn::ZERO;
        for version in at.history(system::TABLES, &codec::key(self.table.0))? {
            let Some(row) = &version.row else { break };
            let def: TableDef = codec::decode(row)?;
            if def.same_column(column).is_some() {
                break;
            }
            dropped = version.begin;
        }
        Ok(dropped)
    }

    /// Rows that the target wrote since the base have lost what they had in a column that comes back.
    fn restore(&self, ground: &Ground<'_>, ctx: &EvalContext<'_>) -> Result<()> {
        let back: Vec<&ColumnDef> = self.stay().map(|column| &column.def).collect();
        if back.is_empty() {
            return Ok(());
        }
        let transaction = ground.transaction;
        let catalog = transaction.latest_catalog()?;
        let before = transaction.tables().newest_catalog(transaction.branch())?;
        let (Some(table), Some(before)) = (
            catalog.table_by_id(self.table),
            before.table_by_id(self.table),
        ) else {
            return Ok(());
        };
        let positions = back.iter().filter_map(|column| table.same_column(column));
        let positions: Vec<usize> = positions.map(|(position, _)| position).collect();
        let versions = Definitions::of(transaction, ground.input, self.table)?;
        let view = transaction.view()?;
        let at = view.snapshot();
        // Rows that nobody wrote have the values still, if the column is what it was.
        let moved = |column: &&ColumnDef| {
            let now = table.same_column(column);
            now.is_none_or(|(_, now)| now.birth != 0)
        };
        let whole = back.iter().any(moved);
        let mut compare =
            versions.compare_all(transaction, ground.input, before, at, table, whole)?;
        let mut writer = TableWriter::new(transaction, &catalog, table)?;
        writer.put_checks_off();
        while let Some(changed) = compare.next()? {
            let (Some(_), Some(base)) = (&changed.now, changed.bases.iter().flatten().next())
            else {
                continue;
            };
            overwrite(&mut writer, &changed.key, ctx, |row| {
                for position in &positions {
                    if let (Some(place), Some(value)) =
                        (row.get_mut(*position), base.get(*position))
                    {
                        value.clone_into(place);
                    }
                }
            })?;
        }
        Ok(())
    }

    /// Values other than those that the side that wrote has.
    fn write_given(&self, ground: &Ground<'_>, ctx: &EvalContext<'_>) -> Result<()> {
        let is_given =
            |cell: &CellDecision| matches!(cell.outcome, Outcome::Base | Outcome::Computed);
        let cells = |write: &Write| write.cells.iter().any(|(_, cell)| is_given(cell));
        if !self.writes.iter().any(cells) {
            return Ok(());
        }
        let catalog = ground.transaction.latest_catalog()?;
        let Some(table) = catalog.table_by_id(self.table) else {
            return Ok(());
        };
        let mut writer = TableWriter::new(ground.transaction, &catalog, table)?;
        writer.put_checks_off();
        for write in &self.writes {
            overwrite(&mut writer, &write.key, ctx, |row| {
                for (n, cell) in write.cells.iter().filter(|(_, cell)| is_given(cell)) {
                    let column = self.columns.get(*n).map(|column| &column.def);
                    let place = column
                        .and_then(|column| table.same_column(column))
                        .and_then(|(at, _)| row.get_mut(at));
                    if let (Some(place), Some(value)) = (place, &cell.value) {
                        value.clone_into(place);
                    }
                }
            })?;
        }
        Ok(())
    }

    fn stay(&self) -> impl Iterator<Item = &LostColumn> {
        self.columns.iter().filter(|column| column.stays)
    }
}

/// A cell that nobody has decided about.
const fn open(column: usize) -> CellDecision {
    CellDecision {
        column,
        outcome: Outcome::Open,
        value: None,
        by: String::new(),
        asks: None,
    }
}

/// Changes a row of the target, if it is there and becomes another.
fn overwrite(
    writer: &mut TableWriter<'_>,
    key: &[u8],
    ctx: &EvalContext<'_>,
    change: impl FnOnce(&mut Vec<Value>),
) -> Result<()> {
    let Lock::Row(locked) = writer.lock(key, LockMode::Update, Wait::Block)? else {
        return Ok(());
    };
    let mut row = locked.values().to_vec();
    change(&mut row);
    if row == locked.values() {
        return Ok(());
    }
    writer.put_merged(key, Some(&locked), &mut row, ctx)?;
    writer.verify_unique_keys(key)
}

/// What a column has in rows that do not mention it, if that is the same for all rows.
fn default_of(
    ground: &Ground<'_>,
    catalog: &Catalog,
    table: &TableDef,
    column: &ColumnDef,
    ctx: &EvalContext<'_>,
) -> Result<Option<Value>> {
    if column.default.is_none() {
        return Ok(None);
    }
    let mut table = table.clone();
    let default = ground
        .transaction
        .compile_column(catalog, &mut table, column.id)?;
    match default {
        Some(expr) if expr.volatility() == Volatility::Immutable => expr.eval(&[], ctx).map(Some),
        _ => Ok(None),
    }
}
