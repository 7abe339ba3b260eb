//! `pg_vector_index_advice`: which indexes of nearness would help, and which could be better or go.
//!
//! What was searched is counted since the database was opened; a finding says what it rests on, and nothing is changed.

use std::time::Duration;

use helios_base::{DataType, Result, Row, Value, VectorKind};
use helios_table::catalog::{
    Blueprint, ColumnDef, IndexDef, Method, NearestDef, Quantization, TableDef, quoted,
};
use helios_table::nearest::NearestReport;

use super::super::state::State;
use super::{Point, here, number};
use crate::row::wish::{WANTED, Wish};

/// Fewer rows are compared as quickly as an index finds some of them.
const ROWS_MIN: u64 = 2_000;
/// So many searches that read all rows are a habit.
const SEARCHES_MIN: u64 = 10;
/// Of so many vectors an index is wanted though nobody has searched yet.
const ROWS_MANY: u64 = 50_000;
/// An index that was not used for so long is not used.
const UNUSED: Duration = Duration::from_secs(24 * 3600);
/// Above so many bytes of vectors an index that is not told otherwise keeps codes.
const LARGE: u64 = 100 << 20;
/// What a session aims at that says nothing.
const TARGET: f64 = 0.95;

/// One finding.
struct Finding<'a> {
    kind: &'static str,
    table: &'a TableDef,
    column: Option<&'a str>,
    index: Option<&'a IndexDef>,
    class: Option<String>,
    searches: u64,
    read: u64,
    reason: String,
    statement: String,
    bytes: Option<u64>,
    seconds: Option<f64>,
}

impl Finding<'_> {
    fn row(self) -> Row {
        let text = |text: Option<&str>| text.map_or(Value::Null, Value::text);
        vec![
            Value::text(self.kind),
            Value::text(self.table.schema_name.as_str()),
            Value::text(self.table.name.as_str()),
            text(self.column),
            text(self.index.map(|index| index.name.as_str())),
            text(self.class.as_deref()),
            number(self.searches),
            number(self.read),
            Value::text(self.reason),
            Value::text(self.statement),
            self.bytes.map_or(Value::Null, number),
            self.seconds.map_or(Value::Null, Value::Float8),
        ]
    }
}

/// `pg_vector_index_advice`: a row for each finding about the session's branch.
pub(super) fn advice(state: &State) -> Result<Vec<Row>> {
    let here = here(state)?;
    let mut rows = Vec::new();
    for table in here.catalog.tables() {
        for column in &table.columns {
            missing(state, &here, table, column, &mut rows)?;
        }
        for index in table.indexes.iter().filter(|def| def.nearest.is_some()) {
            of_index(state, &here, table, index, &mut rows)?;
        }
    }
    Ok(rows.into_iter().map(Finding::row).collect())
}

/// The class of an operator for a type; `None` if an index cannot hold the type or find by the operator.
fn class_of(ty: &DataType, symbol: &str) -> Option<String> {
    let (kind, known): (&str, &[(&str, &str)]) = match ty {
        DataType::Vector(kind, Some(_)) => (
            kind.name(),
            &[
                ("<->", "l2"),
                ("<#>", "ip"),
                ("<=>", "cosine"),
                ("<+>", "l1"),
            ],
        ),
        DataType::Bit(Some(_)) => ("bit", &[("<~>", "hamming"), ("<%>", "jaccard")]),
        _ => return None,
    };
    let (_, distance) = known.iter().find(|(known, _)| *known == symbol)?;
    Some(format!("{kind}_{distance}_ops"))
}

/// A column that is searched, or large enough to be, without an index.
fn missing<'a>(
    state: &State,
    here: &Point,
    table: &'a TableDef,
    column: &'a ColumnDef,
    found: &mut Vec<Finding<'a>>,
) -> Result<()> {
    let usual = match &column.ty {
        DataType::Vector(VectorKind::Full | VectorKind::Half | VectorKind::Sparse, Some(_)) => {
            "<=>"
        }
        DataType::Bit(Some(_)) => "<~>",
        _ => return Ok(()),
    };
    let rows = state.tables.row_count(&here.snapshot, table)?;
    if rows < ROWS_MIN {
        return Ok(());
    }
    let indexed = |symbol: &str| {
        table.indexes.iter().any(|index| {
            let near = index.nearest.as_ref();
            let of = index.keys.first().and_then(|key| key.as_column());
            near.is_some_and(|near| near.is_by(symbol)) && of == Some(column.id)
        })
    };
    let any = |index: &std::sync::Arc<IndexDef>| {
        index.nearest.is_some() && index.columns().any(|id| id == column.id)
    };
    let searched = state.tables.exact_searches(table.id, column.id);
    let often = searched
        .iter()
        .filter(|exact| exact.searches >= SEARCHES_MIN && exact.read / exact.searches >= ROWS_MIN);
    let mut wanted: Vec<(&str, u64, u64, String)> = often
        .filter(|exact| !indexed(exact.symbol))
        .map(|exact| {
            let each = exact.read / exact.searches.max(1);
            let mut reason = format!(
                "{} searches by {} compared about {each} rows each",
                exact.searches, exact.symbol
            );
            if let Some(other) = table.indexes.iter().find(|index| any(index))
                && let Some(near) = &other.nearest
            {
                reason += &format!("; index \"{}\" is of {}", other.name, near.class);
            }
            (exact.symbol, exact.searches, exact.read, reason)
        })
        .collect();
    if wanted.is_empty() && rows >= ROWS_MANY && !table.indexes.iter().any(any) {
        let reason = match searched.first() {
            Some(exact) => format!("{rows} rows, searched by {}", exact.symbol),
            None => format!("{rows} rows, not searched since the database was opened"),
        };
        let first = searched.first();
        wanted.push((
            first.map_or(usual, |exact| exact.symbol),
            first.map_or(0, |exact| exact.searches),
            first.map_or(0, |exact| exact.read),
            reason,
        ));
    }
    for (symbol, searches, read, reason) in wanted {
        let Some(class) = class_of(&column.ty, symbol) else {
            continue;
        };
        let mut options = Options::usual(rows);
        let Some(plan) = options.plan(&class, &column.ty) else {
            continue;
        };
        let estimate = plan.estimate(rows, processors());
        if !plan.of_bits {
            options.quantize(estimate.quantization);
        }
        found.push(Finding {
            kind: "create",
            table,
            column: Some(&column.name),
            index: None,
            statement: create(table, &quoted(&column.name), &class, &options),
            class: Some(class),
            searches,
            read,
            reason,
            bytes: Some(estimate.bytes),
            seconds: Some(estimate.seconds),
        });
    }
    Ok(())
}

/// `WITH` of an index that is proposed.
struct Options(Vec<(String, String)>);

impl Options {
    /// What suits so many rows.
    fn usual(rows: u64) -> Self {
        let breadth = if rows < 100_000 { "64" } else { "128" };
        Self(vec![
            ("m".to_owned(), "16".to_owned()),
            ("ef_construction".to_owned(), breadth.to_owned()),
        ])
    }

    fn quantize(&mut self, quantization: Quantization) {
        let (name, bits) = match quantization {
            Quantization::Scalar { bits } => ("scalar", Some(bits)),
            Quantization::Rabitq { bits } => ("rabitq", Some(bits)),
            Quantization::None | Quantization::Product { .. } => ("none", None),
        };
        self.0.push(("quantization".to_owned(), name.to_owned()));
        if let Some(bits) = bits {
            self.0.push(("bits".to_owned(), bits.to_string()));
        }
    }

    fn plan(&self, class: &str, ty: &DataType) -> Option<Blueprint> {
        let def = NearestDef {
            class: class.to_owned(),
            options: self.0.clone(),
        };
        def.blueprint("hnsw", ty).ok()
    }
}

fn create(table: &TableDef, key: &str, class: &str, options: &Options) -> String {
    let options: Vec<String> = options
        .0
        .iter()
        .map(|(name, value)| match value.parse::<u64>() {
            Ok(_) => format!("{name} = {value}"),
            Err(_) => format!("{name} = '{value}'"),
        })
        .collect();
    format!(
        "CREATE INDEX ON {}.{} USING hnsw ({key} {class}) WITH ({})",
        quoted(&table.schema_name),
        quoted(&table.name),
        options.join(", ")
    )
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// What can be said of an index that is there.
fn of_index<'a>(
    state: &State,
    here: &Point,
    table: &'a TableDef,
    index: &'a IndexDef,
    found: &mut Vec<Finding<'a>>,
) -> Result<()> {
    let Some(report) = state.tables.nearest_report(index) else {
        return Ok(());
    };
    let rows = state.tables.row_count(&here.snapshot, table)?;
    let tally = state.tables.index_searches_tally(index.id);
    let column = index.keys.first().and_then(|key| key.as_column());
    let column = column.and_then(|id| table.columns.iter().find(|column| column.id == id));
    let full_name = format!("{}.{}", quoted(&table.schema_name), quoted(&index.name));
    let class = index.nearest.as_ref().map(|nearest| nearest.class.clone());
    let finding = |kind: &'static str, reason: String, statement: String| Finding {
        kind,
        table,
        column: column.map(|column| column.name.as_str()),
        index: Some(index),
        class: class.clone(),
        searches: tally.searches(),
        read: tally.read(),
        reason,
        statement,
        bytes: Some(report.bytes as u64),
        seconds: None,
    };
    if let Some(reason) = unused(state, table, index, tally.searches()) {
        found.push(finding("drop", reason, format!("DROP INDEX {full_name}")));
        return Ok(());
    }
    if let Some((reason, statement)) = recall(state, table, index, &report, &full_name) {
        found.push(finding("recall", reason, statement));
    }
    let reindex = format!("REINDEX INDEX {full_name}");
    let vectors = report.vectors as u64;
    // A condition or vectors that are missing leave fewer than there are rows, never more.
    if vectors > rows.saturating_add(rows / 3).saturating_add(1000) {
        let reason = format!(
            "it has {vectors} vectors, {} of them of the past",
            vectors - rows
        );
        found.push(finding("reindex", reason, reindex));
    } else if let Some(learnt) = report.learnt.filter(|learnt| *learnt < report.vectors / 4) {
        let reason = format!("it has learnt from {learnt} vectors and has {vectors} now");
        found.push(finding("reindex", reason, reindex));
    }
    let of_numbers = vectors.saturating_mul(report.plan.dimensions as u64 * 4);
    if report.codes.is_none()
        && of_numbers > LARGE
        && report.plan.method != Method::Lsh
        && !report.plan.of_bits
        && let (Some(column), Some(class)) = (column, &class)
    {
        let mut smaller = Options::usual(rows);
        if let Some(plan) = smaller.plan(class, &column.ty) {
            let estimate = plan.estimate(vectors, processors());
            smaller.quantize(estimate.quantization);
            let reason = format!(
                "it takes {} MB, with codes about {}",
                report.bytes / 1_000_000,
                estimate.bytes / 1_000_000
            );
            let statement = replace(table, index, &quoted(&column.name), class, &smaller);
            found.push(Finding {
                bytes: Some(estimate.bytes),
                seconds: Some(estimate.seconds),
                ..finding("memory", reason, statement)
            });
        }
    }
    Ok(())
}

/// A new index in place of one that is there.
fn replace(
    table: &TableDef,
    index: &IndexDef,
    key: &str,
    class: &str,
    options: &Options,
) -> String {
    format!(
        "{}; DROP INDEX {}.{}",
        create(table, key, class, options),
        quoted(&table.schema_name),
        quoted(&index.name)
    )
}

/// Why an index is thought to be of no use.
///
/// That it is of another operator than the column is searched by is told by whoever proposes one for that.
fn unused(state: &State, table: &TableDef, index: &IndexDef, searches: u64) -> Option<String> {
    if searches > 0 {
        return None;
    }
    let twin = table.indexes.iter().find(|other| {
        let same = |a: &IndexDef, b: &IndexDef| {
            let class = |def: &IndexDef| def.nearest.as_ref().map(|near| near.class.clone());
            class(a) == class(b) && a.keys == b.keys && a.predicate == b.predicate
        };
        other.id != index.id
            && same(other, index)
            && state.tables.index_searches_tally(other.id).searches() >= SEARCHES_MIN
    });
    if let Some(twin) = twin {
        return Some(format!(
            "no search used it; index \"{}\" serves the same searches",
            twin.name
        ));
    }
    let counted = state.tables.searches_counted();
    (counted >= UNUSED).then(|| {
        format!(
            "no search used it in the {} hours since the database was opened",
            counted.as_secs() / 3600
        )
    })
}

/// Why an index finds less than is aimed at, and what helps.
fn recall(
    state: &State,
    table: &TableDef,
    index: &IndexDef,
    report: &NearestReport,
    full_name: &str,
) -> Option<(String, String)> {
    let known = &report.calibration;
    let wish = Wish::of(index, state);
    let target = wish.target().map_or(TARGET, |(target, _)| target);
    if !known.is_known() || report.vectors < ROWS_MIN as usize {
        return None;
    }
    let setting = match report.plan.method {
        Method::Hnsw => "hnsw.ef_search",
        Method::Ivf => "ivfflat.probes",
        Method::Lsh => "lsh.probes",
    };
    let Some(enough) = known.breadth(target, WANTED) else {
        let best = known.breadth_or_best(target, WANTED)?;
        let found = known.recall(best, WANTED)?;
        let reason = format!("no {setting} that was tried finds {target}; {best} finds {found:.3}");
        let mut better = Options::usual(u64::MAX);
        better.quantize(match report.plan.quantization {
            Some(Quantization::None) => Quantization::None,
            Some(Quantization::Product { .. }) => Quantization::Rabitq { bits: 4 },
            Some(Quantization::Rabitq { bits } | Quantization::Scalar { bits }) if bits < 4 => {
                Quantization::Rabitq { bits: 4 }
            }
            Some(_) => Quantization::None,
            None => Quantization::None,
        });
        if report.plan.method == Method::Hnsw && report.codes.is_none() {
            better.0 = vec![
                ("m".to_owned(), "32".to_owned()),
                ("ef_construction".to_owned(), "200".to_owned()),
            ];
        }
        let key = index.keys.first()?.as_column()?;
        let column = table.columns.iter().find(|column| column.id == key)?;
        let class = &index.nearest.as_ref()?.class;
        let statement = replace(table, index, &quoted(&column.name), class, &better);
        return Some((reason, statement));
    };
    let set = wish.breadth(known, WANTED)?;
    let found = known.recall(set, WANTED)?;
    if found + 1e-6 >= target {
        return None;
    }
    let reason = format!(
        "{setting} is {set}, by which {full_name} finds {found:.3}; {enough} finds {target}"
    );
    Some((reason, format!("RESET {setting}")))
}
