//! What people decided about the conflicts of a merge that waits.
//!
//! A decision is about what a person saw. If the target's row has changed since, or the conflict has
//! become another one, it is taken back: nobody's later change is overwritten unseen.

use std::collections::BTreeMap;

use helios_base::json::Json;
use helios_base::{Error, Result, SqlState, TableId, TextContext, Value};
use helios_table::Catalog;
use helios_table::catalog::Relation;
use helios_table::merge::{
    CellDecision, ConflictKind, Decision, MergeOptions, MergeReport, Outcome, Resolution,
};

use super::row_json;

/// What the rows of a conflict table say.
pub(super) struct Resolutions(Vec<Resolved>);

/// One row of it.
pub(super) struct Resolved {
    conflict: i64,
    table: String,
    key: Vec<u8>,
    kind: String,
    /// The columns in conflict when it was written; `None` if it was about the row.
    columns: Option<Vec<String>>,
    /// The cells in conflict, and the key, on the target and in the base as they were then.
    target: Value,
    base: Value,
    resolution: Resolution,
}

impl Resolved {
    /// Reads `conflict_id, table_name, row_key, kind, column_names, target_value, base_value, resolution`;
    /// `None` while the conflict is open.
    ///
    /// # Errors
    /// 22023 for a resolution that is none.
    pub(super) fn read(row: &[Value]) -> Result<Option<Self>> {
        let [
            Value::Int8(conflict),
            Value::Text(table),
            Value::Bytea(key),
            Value::Text(kind),
            columns,
            target,
            base,
            Value::Text(resolution),
        ] = row
        else {
            return Ok(None);
        };
        let columns = match columns {
            Value::Array(names) => {
                let names = names.elements.iter().map(|name| match name {
                    Value::Text(name) => name.to_string(),
                    _ => String::new(),
                });
                Some(names.collect())
            }
            _ => None,
        };
        Ok(Some(Self {
            conflict: *conflict,
            table: table.to_string(),
            key: key.to_vec(),
            kind: kind.to_string(),
            columns,
            target: target.clone(),
            base: base.clone(),
            resolution: read_resolution(*conflict, resolution)?,
        }))
    }

    /// Whether it is about a column that one side dropped.
    fn is_drop(&self) -> bool {
        is_drop(&self.kind)
    }

    /// Whether a conflict is the one that the person saw, as far as that matters for what was decided.
    fn is_about(&self, decision: &Decision) -> Result<bool> {
        if self.kind != decision.kind.name() || self.columns.is_none() != decision.row.is_some() {
            return Ok(false);
        }
        let cells = people_decide(decision);
        let names = cells.iter().filter_map(|cell| name_of(decision, cell));
        if let Some(seen) = &self.columns
            && !names
                .clone()
                .all(|name| seen.iter().any(|seen| seen == name))
        {
            return Ok(false);
        }
        let positions = decision.row.is_none().then(|| {
            let columns = cells.iter().map(|cell| cell.column);
            columns.collect::<Vec<_>>()
        });
        let same = |row: &Option<Vec<Value>>, seen: &Value| -> Result<bool> {
            let Some(row) = row else {
                return Ok(seen.is_null());
            };
            let now = row_json::object(&decision.table, row, positions.as_deref())?;
            Ok(match (&now, seen) {
                (Value::Jsonb(now), Value::Jsonb(seen)) => match (&**now, &**seen) {
                    (Json::Object(now), Json::Object(seen)) => {
                        let mut members = now.members().iter();
                        members.all(|(name, value)| seen.get(name) == Some(value))
                    }
                    _ => false,
                },
                _ => false,
            })
        };
        Ok(match self.resolution {
            // Whatever the target has by now.
            Resolution::Target => true,
            Resolution::Base => {
                same(&decision.base, &self.base)? && same(&decision.ours, &self.target)?
            }
            Resolution::Source | Resolution::Values(_) => same(&decision.ours, &self.target)?,
        })
    }

    /// Refuses values for columns that are not in conflict, and cells without a value.
    fn check(&self, decision: &Decision) -> Result<()> {
        let values = match &self.resolution {
            Resolution::Values(values) => values,
            Resolution::Base if decision.kind == ConflictKind::Insert => {
                return Err(self.invalid("There is no row in the base.".to_owned()));
            }
            _ => return Ok(()),
        };
        let table = &decision.table;
        for (name, text) in values {
            let known = table.columns.iter().position(|column| column.name == *name);
            let in_conflict = match &self.columns {
                None => known.is_some(),
                Some(columns) => columns.contains(name),
            };
            if !in_conflict && !known.is_some_and(|n| is_key(decision, n, text.as_deref())) {
                let mut columns = self.columns.clone().unwrap_or_else(|| {
                    let all = table.columns.iter();
                    all.map(|column| column.name.clone()).collect()
                });
                columns.sort();
                return Err(self.invalid(format!(
                    "Column \"{name}\" is not one of those in conflict: {}.",
                    columns.join(", ")
                )));
            }
        }
        if self.is_drop() {
            // A column that is not named goes.
            return Ok(());
        }
        let mut open = decision.cells.iter();
        match open.find(|cell| cell.outcome == Outcome::Open) {
            Some(cell) => Err(self.invalid(format!(
                "It does not say what becomes of column \"{}\".",
                name_of(decision, cell).unwrap_or_default()
            ))),
            None => Ok(()),
        }
    }

    fn invalid(&self, detail: String) -> Error {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid resolution of conflict {}", self.conflict),
        )
        .with_detail(detail)
        .with_hint("A resolution is source, target, base, or a JSON object with a value for each column in conflict.")
    }
}

/// Whether a text is what the row in conflict has in a column of its key.
fn is_key(decision: &Decision, position: usize, text: Option<&str>) -> bool {
    let rows = [&decision.ours, &decision.theirs, &decision.base];
    let row = rows.into_iter().flatten().next();
    let Some(column) = decision.table.columns.get(position) else {
        return false;
    };
    let value = row.and_then(|row| row.get(position));
    let shown = value.map(|value| value.to_text(&column.ty, &TextContext::default()));
    decision.table.key.contains(&column.id) && shown.as_deref() == text
}

/// The cells that people decide, or have decided.
fn people_decide(decision: &Decision) -> Vec<&CellDecision> {
    let cells = decision.cells.iter();
    cells
        .filter(|cell| cell.outcome == Outcome::Open || cell.by == "manual")
        .collect()
}

fn name_of<'a>(decision: &'a Decision, cell: &CellDecision) -> Option<&'a str> {
    let column = decision.table.columns.get(cell.column);
    column.map(|column| column.name.as_str())
}

/// Resolutions by what they are about.
pub(super) struct Placed<'a>(BTreeMap<Place, &'a Resolved>);

/// A table and a stored key, and whether it is about a dropped column.
type Place = (TableId, Vec<u8>, bool);

fn place_of(decision: &Decision) -> Place {
    let is_drop = is_drop(decision.kind.name());
    (decision.table.id, decision.key.clone(), is_drop)
}

impl Resolutions {
    pub(super) const fn new(rows: Vec<Resolved>) -> Self {
        Self(rows)
    }

    /// Puts them into the options of a merge, by the tables' numbers. A table that the merge renames is
    /// known to `target` or to `source`.
    pub(super) fn put(
        &self,
        target: &Catalog,
        source: &Catalog,
        options: &mut MergeOptions,
    ) -> Result<Placed<'_>> {
        let mut placed = Placed(BTreeMap::new());
        for resolved in &self.0 {
            let (schema, name) = super::state::split_name(&resolved.table)?;
            let of =
                |catalog: &Catalog| match catalog.resolve(schema.as_deref(), &name, &["public"]) {
                    Some(Relation::Table(table)) => Some(table.id),
                    _ => None,
                };
            if let Some(table) = of(target).or_else(|| of(source)) {
                let all = match resolved.is_drop() {
                    true => &mut options.dropped,
                    false => &mut options.resolutions,
                };
                all.insert((table, resolved.key.clone()), resolved.resolution.clone());
                let place = (table, resolved.key.clone(), resolved.is_drop());
                placed.0.insert(place, resolved);
            }
        }
        Ok(placed)
    }
}

impl Placed<'_> {
    /// Takes back what was decided about conflicts that are not what people saw. Returns whether there
    /// were any: then the merge has to be made again.
    pub(super) fn take_back(
        &mut self,
        report: &MergeReport,
        options: &mut MergeOptions,
    ) -> Result<bool> {
        let mut any = false;
        for decision in &report.decisions {
            let place = place_of(decision);
            let Some(resolved) = self.0.get(&place) else {
                continue;
            };
            if resolved.is_about(decision)? {
                continue;
            }
            self.0.remove(&place);
            let (table, key, is_drop) = place;
            match is_drop {
                true => options.dropped.remove(&(table, key)),
                false => options.resolutions.remove(&(table, key)),
            };
            any = true;
        }
        Ok(any)
    }

    /// # Errors
    /// 22023 for one that does not decide its conflict.
    pub(super) fn check(&self, report: &MergeReport) -> Result<()> {
        let mut decisions = report.decisions.iter();
        decisions.try_for_each(|decision| match self.0.get(&place_of(decision)) {
            Some(resolved) => resolved.check(decision),
            None => Ok(()),
        })
    }
}

/// Whether this is the name of a kind of conflict over a column that one side dropped.
fn is_drop(kind: &str) -> bool {
    [ConflictKind::SourceDropped, ConflictKind::TargetDropped]
        .iter()
        .any(|drop| drop.name() == kind)
}

/// `source`, `target`, `base` or an object of column values.
fn read_resolution(conflict: i64, text: &str) -> Result<Resolution> {
    let invalid = || {
        Error::new(
            SqlState::INVALID_PARAMETER_VALUE,
            format!("invalid resolution \"{text}\""),
        )
        .with_detail(format!("It is that of conflict {conflict}."))
        .with_hint("A resolution is source, target, base, or a JSON object of column values.")
    };
    match text.trim().to_ascii_lowercase().as_str() {
        "source" | "theirs" => return Ok(Resolution::Source),
        "target" | "ours" => return Ok(Resolution::Target),
        "base" => return Ok(Resolution::Base),
        _ => {}
    }
    let Ok(Json::Object(object)) = Json::parse(text) else {
        return Err(invalid());
    };
    let values = object.into_members().into_iter().map(|(name, value)| {
        let value = match value {
            Json::Null => None,
            Json::String(text) => Some(text.into_string()),
            other => Some(other.to_string()),
        };
        (name.into_string(), value)
    });
    Ok(Resolution::Values(values.collect()))
}
