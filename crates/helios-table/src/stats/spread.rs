//! How the values of a sample are spread.

use helios_base::key::{self, KeyOrder};
use helios_base::{ColumnId, DataType, Value};

use super::analyze::ColumnStats;

/// How many of the most common values are kept.
const COMMON: usize = 20;
/// How many bounds a histogram has at most.
const BOUNDS: usize = 101;
/// Four times the standard error of sketches.
const UNSURE: f64 = 0.092;

/// What is known of all values of a column, beside the sample.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The share of `NULL`s.
    pub(super) null_fraction: Option<f64>,
    /// About how many different values there are.
    pub(super) distinct: Option<f64>,
    /// Values that come before and after many of the others.
    pub(super) ends: Vec<Value>,
}

/// Values of a sample, as bytes that compare as they do.
#[derive(Default)]
struct Encoded<'v> {
    bytes: Vec<u8>,
    /// Each with its first bytes, where all of them are, and itself.
    values: Vec<(u64, std::ops::Range<usize>, &'v Value)>,
}

impl<'v> Encoded<'v> {
    /// False for types without an order (json), which have no distinct values either.
    fn push(&mut self, value: &'v Value, ty: &DataType) -> bool {
        let start = self.bytes.len();
        if key::encode(value, ty, KeyOrder::ASC, &mut self.bytes).is_err() {
            return false;
        }
        // The first byte says that there is a value.
        let body = self.bytes.get(start + 1..).unwrap_or_default();
        let mut first = [0; 8];
        for (to, from) in first.iter_mut().zip(body) {
            *to = *from;
        }
        let place = start..self.bytes.len();
        self.values.push((u64::from_be_bytes(first), place, value));
        true
    }

    fn at(&self, place: &std::ops::Range<usize>) -> &[u8] {
        self.bytes.get(place.clone()).unwrap_or_default()
    }

    /// The different values in their order, each with how often it is there.
    fn groups(mut self) -> Vec<(usize, &'v Value)> {
        let mut values = std::mem::take(&mut self.values);
        values.sort_by(|(a, at_a, _), (b, at_b, _)| {
            a.cmp(b).then_with(|| self.at(at_a).cmp(self.at(at_b)))
        });
        let same =
            values.chunk_by(|(a, at_a, _), (b, at_b, _)| a == b && self.at(at_a) == self.at(at_b));
        same.filter_map(|same| Some((same.len(), same.first()?.2)))
            .collect()
    }
}

/// Statistics of a column of `rows` rows, of which `values` are a sample of `sampled`.
#[allow(clippy::cast_precision_loss, reason = "shares and estimates")]
pub(super) fn column_stats<'v>(
    column: ColumnId,
    ty: &DataType,
    values: impl Iterator<Item = &'v Value>,
    sampled: usize,
    rows: u64,
    known: &Known,
) -> ColumnStats {
    let mut nulls = 0_usize;
    let mut encoded = Encoded::default();
    let mut present = 0_usize;
    for value in values {
        if value.is_null() {
            nulls += 1;
        } else if encoded.push(value, ty) {
            present += 1;
        }
    }
    let width = encoded.bytes.len() as f64 / present.max(1) as f64;
    let share = |count: usize| count as f64 / sampled.max(1) as f64;
    let groups = encoded.groups();
    let once = groups.iter().filter(|(count, _)| *count == 1).count();
    let distinct = Seen {
        different: groups.len(),
        once,
        present,
        all: rows <= sampled as u64,
        population: match known.null_fraction {
            Some(nulls) => rows as f64 * (1.0 - nulls),
            None => rows as f64 * share(present),
        },
    };

    // A value is common if it stands out from the average.
    let average = present as f64 / groups.len().max(1) as f64;
    let few = groups.len() <= COMMON;
    let mut common: Vec<(usize, &Value)> = groups
        .iter()
        .copied()
        .filter(|(count, _)| *count > 1 && (few || *count as f64 > 1.25 * average))
        .collect();
    common.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    common.truncate(COMMON);
    let common: Vec<(Value, f64)> = common
        .into_iter()
        .map(|(count, value)| (value.clone(), share(count)))
        .collect();

    let mut histogram = histogram(&groups, present);
    widen(&mut histogram, ty, &known.ends);
    ColumnStats {
        column,
        ty: ty.clone(),
        null_fraction: known.null_fraction.unwrap_or_else(|| share(nulls)),
        distinct: distinct.estimate(known.distinct),
        width,
        common,
        histogram,
    }
}

/// What a sample shows of how many different values there are.
struct Seen {
    /// In the sample.
    different: usize,
    /// Those that are there once.
    once: usize,
    /// Values that are not `NULL`.
    present: usize,
    /// Whether the sample is all there is.
    all: bool,
    /// About how many values there are in all.
    population: f64,
}

impl Seen {
    /// How many different values there are; `sketch` is what all values say, if they were asked.
    ///
    /// A sample in which each value stands more than once has all of them. One in which none does comes of a column whose
    /// values are all different, unless the sketch knows better. In between the sketch is right but for its error.
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    fn estimate(&self, sketch: Option<f64>) -> f64 {
        let different = self.different as f64;
        if self.all || self.present == 0 || self.once == 0 {
            return different;
        }
        let most = self.population.max(different);
        match sketch {
            Some(sketch) if self.once == self.present && sketch >= most * (1.0 - UNSURE) => most,
            Some(sketch) => sketch.clamp(different, most),
            None => self.haas_stokes().clamp(different, most),
        }
    }

    /// Haas and Stokes' estimator, as PostgreSQL uses it.
    ///
    /// # Source
    /// Haas, Stokes: "Estimating the number of classes in a finite population", IBM RJ 10025.
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    fn haas_stokes(&self) -> f64 {
        let (n, d, f1) = (self.present as f64, self.different as f64, self.once as f64);
        n * d / ((n - f1) + f1 * n / self.population)
    }
}

/// Bounds of equally filled parts over all values of the sample.
fn histogram(groups: &[(usize, &Value)], present: usize) -> Vec<Value> {
    let bounds = BOUNDS.min(groups.len());
    if bounds < 2 {
        return groups.iter().map(|(_, v)| (*v).clone()).collect();
    }
    let mut result = Vec::with_capacity(bounds);
    let mut passed = 0;
    for (count, value) in groups {
        passed += count;
        // The bound number k stands at the row number k · (present − 1) / (bounds − 1).
        while result.len() < bounds && result.len() * (present - 1) / (bounds - 1) < passed {
            result.push((*value).clone());
        }
    }
    result
}

/// Moves the first and the last bound out to these values, where they are beyond them.
fn widen(histogram: &mut [Value], ty: &DataType, ends: &[Value]) {
    if histogram.len() < 2 {
        return;
    }
    for end in ends {
        if let Some(first) = histogram.first_mut()
            && end.cmp_as(first, ty).is_lt()
        {
            *first = end.clone();
        }
        if let Some(last) = histogram.last_mut()
            && end.cmp_as(last, ty).is_gt()
        {
            *last = end.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(different: usize, once: usize, present: usize, population: f64) -> Seen {
        Seen {
            different,
            once,
            present,
            all: false,
            population,
        }
    }

    // Guards against estimates that one of the two alone would get wrong.
    #[test]
    fn a_sample_and_a_sketch_judge_together() {
        // A key: exactly as many as rows.
        assert_eq!(seen(30_000, 30_000, 30_000, 4e6).estimate(Some(3.9e6)), 4e6);
        // Each value four times: the sample may show none twice.
        assert_eq!(seen(30_000, 30_000, 30_000, 4e6).estimate(Some(1e6)), 1e6);
        // Few values, all of them seen.
        assert_eq!(seen(25, 0, 30_000, 4e6).estimate(Some(26.0)), 25.0);
        // Skewed: a few make most of the rows, and many are rare.
        assert_eq!(seen(700, 500, 30_000, 4e6).estimate(Some(9e4)), 9e4);
        let sampled = seen(700, 500, 30_000, 4e6).estimate(None);
        assert!((711.0..713.0).contains(&sampled), "{sampled}");
        // Sketches err, and never beyond what was seen.
        assert_eq!(seen(700, 500, 1_000, 900.0).estimate(Some(2e4)), 900.0);
        assert_eq!(seen(700, 500, 1_000, 4e6).estimate(Some(600.0)), 700.0);
        // The whole table.
        let all = Seen {
            all: true,
            ..seen(3, 3, 3, 3.0)
        };
        assert_eq!(all.estimate(Some(9.0)), 3.0);
    }

    #[test]
    fn values_are_grouped_in_their_order() {
        let texts = [
            "b",
            "a",
            "abcdefghijk",
            "b",
            "abcdefghijj",
            "",
            "abcdefghijk",
            "b",
        ];
        let values: Vec<Value> = texts.into_iter().map(Value::from).collect();
        let mut encoded = Encoded::default();
        for value in &values {
            assert!(encoded.push(value, &DataType::Text));
        }
        let wanted: Vec<(usize, Value)> = [
            (1, ""),
            (1, "a"),
            (1, "abcdefghijj"),
            (2, "abcdefghijk"),
            (3, "b"),
        ]
        .map(|(count, text)| (count, Value::from(text)))
        .into();
        let groups = encoded.groups().into_iter();
        let groups: Vec<(usize, Value)> = groups.map(|(n, v)| (n, v.clone())).collect();
        assert_eq!(groups, wanted);
    }

    #[test]
    fn ends_move_only_outwards() {
        let int = |values: &[i32]| values.iter().map(|v| Value::Int4(*v)).collect::<Vec<_>>();
        let mut bounds = int(&[3, 5, 9]);
        widen(&mut bounds, &DataType::Int4, &int(&[4, 8]));
        assert_eq!(bounds, int(&[3, 5, 9]));
        widen(&mut bounds, &DataType::Int4, &int(&[1, 12]));
        assert_eq!(bounds, int(&[1, 5, 12]));
        let mut one = int(&[3]);
        widen(&mut one, &DataType::Int4, &int(&[1, 12]));
        assert_eq!(one, int(&[3]));
    }
}
