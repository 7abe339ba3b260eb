//! Conditions of a scan asked of whole columns, and of what is known of them.

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, StringViewArray, make_view,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{
    DataType as ArrowType, Date32Type, Decimal32Type, Decimal64Type, Decimal128Type, Int16Type,
    Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt8Type, UInt32Type,
};
use helios_base::{Error, Result};
use helios_expr::Comparison;
use helios_table::columnar::{ColumnZone, ZoneEnd};

use super::bits;
use super::filter::{Datum, RowFilter, Test, without_blanks};

/// Strings that are compared one after the other.
const FEW: usize = 8;

/// Strings of so many bytes are all in their views.
const INLINE: usize = 12;

impl RowFilter {
    /// Whether a row of a chunk with this zone may satisfy the condition.
    pub(super) fn may_hold(&self, zone: &ColumnZone) -> bool {
        let has_values = zone.nulls < zone.rows;
        if self.ignores_blanks() {
            return has_values && self.may_hold_but_for_blanks(zone);
        }
        let least = |datum: &Datum| zone.min.as_ref().and_then(|min| order(min, datum));
        let greatest = |datum: &Datum| zone.max.as_ref().and_then(|max| order(max, datum));
        let has = |datum: &Datum| {
            least(datum).is_none_or(std::cmp::Ordering::is_le)
                && greatest(datum).is_none_or(std::cmp::Ordering::is_ge)
        };
        match &self.test {
            Test::Never => false,
            Test::Null => zone.nulls > 0,
            Test::NotNull => has_values,
            Test::Any(any, _) => has_values && any.iter().any(has),
            Test::Compare(comparison, datum, _) => {
                has_values
                    && match comparison {
                        Comparison::Eq => has(datum),
                        Comparison::Lt => least(datum).is_none_or(std::cmp::Ordering::is_lt),
                        Comparison::Le => least(datum).is_none_or(std::cmp::Ordering::is_le),
                        Comparison::Gt => greatest(datum).is_none_or(std::cmp::Ordering::is_gt),
                        Comparison::Ge => greatest(datum).is_none_or(std::cmp::Ordering::is_ge),
                        _ => true,
                    }
            }
        }
    }

    /// [`RowFilter::may_hold`] where values may be followed by blanks that do not count, of which the
    /// zone knows nothing.
    fn may_hold_but_for_blanks(&self, zone: &ColumnZone) -> bool {
        let has = |datum: &Datum| {
            let Datum::Bytes(wanted) = datum else {
                return true;
            };
            let reaches = match &zone.max {
                Some(ZoneEnd::Bytes(max)) => max.as_slice() >= &**wanted,
                _ => true,
            };
            let begins = match &zone.min {
                // With blanks behind it the wanted string is as great as may be.
                Some(ZoneEnd::Bytes(min)) => match min.strip_prefix(&**wanted) {
                    Some(rest) => rest
                        .iter()
                        .find(|byte| **byte != b' ')
                        .is_none_or(|byte| *byte < b' '),
                    None => min.as_slice() < &**wanted,
                },
                _ => true,
            };
            reaches && begins
        };
        match &self.test {
            Test::Never => false,
            Test::Any(any, _) => any.iter().any(has),
            Test::Compare(Comparison::Eq, datum, _) => has(datum),
            _ => true,
        }
    }

    /// The rows of a column that satisfy the condition.
    ///
    /// # Errors
    /// Internal if the column is of another type.
    pub(super) fn select(&self, array: &ArrayRef) -> Result<BooleanArray> {
        let rows = array.len();
        let valid = || match array.logical_nulls() {
            Some(nulls) => nulls.into_inner(),
            None => BooleanBuffer::new_set(rows),
        };
        let chosen = match &self.test {
            Test::Never => Some(BooleanBuffer::new_unset(rows)),
            Test::Null => Some(!&valid()),
            Test::NotNull => Some(valid()),
            Test::Compare(..) | Test::Any(..) => self.compared(array),
        };
        match chosen {
            Some(chosen) => Ok(BooleanArray::new(chosen, None)),
            None => Err(Error::internal(format!(
                "a condition on a column of {}",
                array.data_type()
            ))),
        }
    }

    fn compared(&self, array: &ArrayRef) -> Option<BooleanBuffer> {
        macro_rules! numbers {
            ($ty:ty) => {{
                let values = array.as_primitive_opt::<$ty>()?;
                let short = |datum: &Datum| int(datum).and_then(|value| value.try_into().ok());
                if let Some(chosen) = self.of_numbers(values.values(), short) {
                    return Some(valid(array, chosen));
                }
                self.keep(array, |row| i64::from(values.value(row)), int)
            }};
        }
        macro_rules! decimals {
            ($ty:ty) => {{
                let values = array.as_primitive_opt::<$ty>()?;
                let short = |datum: &Datum| decimal(datum)?.try_into().ok();
                if let Some(chosen) = self.of_numbers(values.values(), short) {
                    return Some(valid(array, chosen));
                }
                self.keep(array, |row| i128::from(values.value(row)), decimal)
            }};
        }
        match array.data_type() {
            ArrowType::Boolean => {
                let values = array.as_boolean_opt()?;
                self.keep(array, |row| i64::from(values.value(row)), int)
            }
            ArrowType::Int16 => numbers!(Int16Type),
            ArrowType::Int32 => numbers!(Int32Type),
            ArrowType::Int64 => numbers!(Int64Type),
            ArrowType::UInt32 => numbers!(UInt32Type),
            ArrowType::Date32 => numbers!(Date32Type),
            ArrowType::Time64(_) => numbers!(Time64MicrosecondType),
            ArrowType::Timestamp(..) => numbers!(TimestampMicrosecondType),
            // As segments keep them.
            ArrowType::Decimal32(..) => decimals!(Decimal32Type),
            ArrowType::Decimal64(..) => decimals!(Decimal64Type),
            ArrowType::Decimal128(..) => {
                let values = array.as_primitive_opt::<Decimal128Type>()?;
                if let Some(chosen) = self.of_numbers(values.values(), decimal) {
                    return Some(valid(array, chosen));
                }
                self.keep(array, |row| values.value(row), decimal)
            }
            // As segments keep few different strings: each is asked once.
            ArrowType::Dictionary(..) => {
                let coded = array.as_dictionary_opt::<UInt8Type>()?;
                let chosen = self.select(coded.values()).ok()?;
                let mut holds = [false; 256];
                for (holds, chosen) in holds.iter_mut().zip(chosen.values()) {
                    *holds = chosen;
                }
                let codes = coded.keys().values();
                let is_chosen = |code: u8| holds.get(usize::from(code)).is_some_and(|holds| *holds);
                Some(valid(array, bits::of(codes, is_chosen)))
            }
            ArrowType::Utf8View => {
                let values = array.as_string_view_opt()?;
                if self.ignores_blanks() {
                    if let Some(chosen) = self.equal_but_for_blanks_among(values) {
                        return Some(chosen);
                    }
                    return self
                        .keep_bytes(array, |row| without_blanks(values.value(row).as_bytes()));
                }
                let value = |row| values.value(row).as_bytes();
                if let Some(chosen) = self.of_equal_views(values.views(), values.nulls(), value) {
                    return Some(valid(array, chosen));
                }
                self.keep_bytes(array, value)
            }
            ArrowType::BinaryView => {
                let values = array.as_binary_view_opt()?;
                let value = |row| values.value(row);
                if let Some(chosen) = self.of_equal_views(values.views(), values.nulls(), value) {
                    return Some(valid(array, chosen));
                }
                self.keep_bytes(array, |row| values.value(row))
            }
            ArrowType::FixedSizeBinary(_) => {
                let values = array.as_fixed_size_binary_opt()?;
                self.keep_bytes(array, |row| values.value(row))
            }
            _ => None,
        }
    }

    /// The rows whose value, if they have one, satisfies the condition. Numbers can be read, and are
    /// compared, also where there is no value.
    fn keep<'d, D: Ord>(
        &'d self,
        array: &ArrayRef,
        value: impl Fn(usize) -> D,
        constant: impl Fn(&'d Datum) -> Option<D>,
    ) -> Option<BooleanBuffer> {
        Some(valid(array, self.chosen(array.len(), value, constant)?))
    }

    /// The numbers that satisfy the condition, many at a time; `None` if a constant is none of their type, or
    /// there are many.
    fn of_numbers<T: Copy + Ord>(
        &self,
        values: &[T],
        constant: impl Fn(&Datum) -> Option<T>,
    ) -> Option<BooleanBuffer> {
        Some(match &self.test {
            Test::Compare(comparison, datum, _) => {
                let with = constant(datum)?;
                match comparison {
                    Comparison::Eq => bits::of(values, |value| value == with),
                    Comparison::Ne => bits::of(values, |value| value != with),
                    Comparison::Lt => bits::of(values, |value| value < with),
                    Comparison::Le => bits::of(values, |value| value <= with),
                    Comparison::Gt => bits::of(values, |value| value > with),
                    Comparison::Ge => bits::of(values, |value| value >= with),
                }
            }
            Test::Any(any, _) if any.len() <= FEW => {
                let any = any.iter().map(constant).collect::<Option<Vec<T>>>()?;
                bits::of(values, |value| any.contains(&value))
            }
            _ => return None,
        })
    }

    /// As [`RowFilter::keep`] of strings: nothing is read where there is no value.
    fn keep_bytes<'a>(
        &'a self,
        array: &ArrayRef,
        value: impl Fn(usize) -> &'a [u8],
    ) -> Option<BooleanBuffer> {
        match array.logical_nulls().filter(|nulls| nulls.null_count() > 0) {
            // Of options, none comes first.
            Some(nulls) => {
                let value = |row| nulls.is_valid(row).then(|| value(row));
                self.keep(array, value, |datum| bytes(datum).map(Some))
            }
            None => self.chosen(array.len(), value, bytes),
        }
    }

    /// The strings that equal a constant, or do not; `None` if the condition asks another thing. What a view holds
    /// beside the place of a long string tells most apart, and all of the short ones.
    fn of_equal_views<'a>(
        &self,
        views: &[u128],
        nulls: Option<&NullBuffer>,
        value: impl Fn(usize) -> &'a [u8],
    ) -> Option<BooleanBuffer> {
        let Test::Compare(comparison @ (Comparison::Eq | Comparison::Ne), datum, _) = &self.test
        else {
            return None;
        };
        let wanted = bytes(datum)?;
        let view = make_view(wanted, 0, 0);
        let equal = if wanted.len() <= INLINE {
            bits::of(views, |other| other == view)
        } else {
            let alike = bits::of(views, |other| other as u64 == view as u64);
            let mut all = BooleanBufferBuilder::new(views.len());
            all.append_n(views.len(), false);
            for row in alike.set_indices() {
                // Where there is no value, what the view says of one does not hold.
                if nulls.is_none_or(|nulls| nulls.is_valid(row)) && value(row) == wanted {
                    all.set_bit(row, true);
                }
            }
            all.finish()
        };
        Some(match comparison {
            Comparison::Ne => !&equal,
            _ => equal,
        })
    }

    /// The rows that equal one of a few strings but for blanks at the end; `None` if that is not what the
    /// condition asks. Most rows differ in their first bytes.
    fn equal_but_for_blanks_among(&self, values: &StringViewArray) -> Option<BooleanBuffer> {
        let wanted: Vec<&[u8]> = match &self.test {
            Test::Compare(Comparison::Eq, datum, _) => vec![bytes(datum)?],
            Test::Any(any, _) if any.len() <= FEW => {
                any.iter().map(bytes).collect::<Option<_>>()?
            }
            _ => return None,
        };
        let is_wanted = |row| {
            let value = values.value(row).as_bytes();
            let mut wanted = wanted.iter();
            wanted.any(|wanted| {
                let rest = value.strip_prefix(*wanted);
                rest.is_some_and(|rest| rest.iter().all(|byte| *byte == b' '))
            })
        };
        Some(of_views(values.views(), values.nulls(), is_wanted))
    }

    fn chosen<'d, D: Ord>(
        &'d self,
        rows: usize,
        value: impl Fn(usize) -> D,
        constant: impl Fn(&'d Datum) -> Option<D>,
    ) -> Option<BooleanBuffer> {
        match &self.test {
            Test::Compare(comparison, datum, _) => {
                let with = constant(datum)?;
                // A loop for each comparison, which the compiler can make one of many rows at a time.
                Some(match comparison {
                    Comparison::Eq => BooleanBuffer::collect_bool(rows, |row| value(row) == with),
                    Comparison::Ne => BooleanBuffer::collect_bool(rows, |row| value(row) != with),
                    Comparison::Lt => BooleanBuffer::collect_bool(rows, |row| value(row) < with),
                    Comparison::Le => BooleanBuffer::collect_bool(rows, |row| value(row) <= with),
                    Comparison::Gt => BooleanBuffer::collect_bool(rows, |row| value(row) > with),
                    Comparison::Ge => BooleanBuffer::collect_bool(rows, |row| value(row) >= with),
                })
            }
            Test::Any(any, _) => {
                let any = any.iter().map(constant).collect::<Option<Vec<D>>>()?;
                let is_any = |row| any.binary_search(&value(row)).is_ok();
                Some(BooleanBuffer::collect_bool(rows, is_any))
            }
            _ => None,
        }
    }
}

/// One bit for each string that is there, set where it satisfies a condition: asked once for strings that are met
/// again soon, as those of a dictionary are. `views` are those of one array, of which equal ones are equal strings.
fn of_views(
    views: &[u128],
    nulls: Option<&NullBuffer>,
    holds: impl Fn(usize) -> bool,
) -> BooleanBuffer {
    /// Strings that are remembered, by some bits of their views.
    const KNOWN: usize = 64;
    const UNKNOWN: u8 = 2;
    /// So many rows tell whether strings are met again.
    const TRIAL: usize = 1024;
    let mut known = [(0u128, UNKNOWN); KNOWN];
    let mut asked = 0;
    BooleanBuffer::collect_bool(views.len(), |row| {
        if nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return false;
        }
        if asked > TRIAL / 2 && asked * 2 > row {
            asked += 1;
            return holds(row);
        }
        let view = views.get(row).copied().unwrap_or_default();
        let mixed = (view as u64 ^ (view >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let Some(slot) = known.get_mut((mixed >> 58) as usize % KNOWN) else {
            return holds(row);
        };
        if slot.0 != view || slot.1 == UNKNOWN {
            asked += 1;
            *slot = (view, u8::from(holds(row)));
        }
        slot.1 == 1
    })
}

/// Those of the chosen rows that have a value.
fn valid(array: &ArrayRef, chosen: BooleanBuffer) -> BooleanBuffer {
    match array.logical_nulls() {
        Some(nulls) => &chosen & nulls.inner(),
        None => chosen,
    }
}

fn int(datum: &Datum) -> Option<i64> {
    match datum {
        Datum::Int(value) => Some(*value),
        _ => None,
    }
}

fn decimal(datum: &Datum) -> Option<i128> {
    match datum {
        Datum::Decimal(value) => Some(*value),
        _ => None,
    }
}

fn bytes(datum: &Datum) -> Option<&[u8]> {
    match datum {
        Datum::Bytes(value) => Some(value),
        _ => None,
    }
}

/// How an end of a zone compares with a constant; `None` if they do not.
fn order(end: &ZoneEnd, datum: &Datum) -> Option<std::cmp::Ordering> {
    Some(match (end, datum) {
        (ZoneEnd::Int(end), Datum::Int(datum)) => end.cmp(datum),
        (ZoneEnd::Decimal(end), Datum::Decimal(datum)) => end.cmp(datum),
        (ZoneEnd::Bytes(end), Datum::Bytes(datum)) => end.as_slice().cmp(datum),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Decimal64Array;

    use super::*;

    // Guards against chunks passed over whose strings have blanks or control characters behind them.
    #[test]
    fn zones_of_padded_strings_keep_what_may_be_equal() {
        let cases: [(&str, &str, &str, bool); 8] = [
            ("A ", "A ", "A", true),
            ("A\t", "A ", "A", true),
            ("A  ", "B  ", "A", true),
            ("A!", "B", "A", false),
            ("A  !", "B", "A", false),
            ("A", "B  ", "B", true),
            ("A", "A  ", "B", false),
            ("B", "C", "A", false),
        ];
        for (min, max, wanted, may) in cases {
            let zone = ColumnZone {
                rows: 2,
                nulls: 0,
                min: Some(ZoneEnd::Bytes(min.as_bytes().to_vec())),
                max: Some(ZoneEnd::Bytes(max.as_bytes().to_vec())),
            };
            let filter = RowFilter::equal_but_for_blanks(wanted);
            assert_eq!(filter.may_hold(&zone), may, "{min:?} {max:?} {wanted:?}");
        }
    }

    // Guards against rows that are kept or left out because a string before them was alike.
    #[test]
    fn strings_met_again_satisfy_what_they_did() {
        let mut rng = fastrand::Rng::with_seed(5);
        for kinds in [1, 3, 40, 5000] {
            let mut text = || {
                let kind = rng.u32(0..kinds);
                let blanks = " ".repeat(rng.usize(0..3));
                (rng.u32(0..9) > 0).then(|| match kind % 2 {
                    0 => format!("{kind}{blanks}"),
                    _ => format!("a text of more than twelve bytes {kind}{blanks}"),
                })
            };
            let texts: Vec<Option<String>> = std::iter::repeat_with(&mut text).take(9000).collect();
            let array: ArrayRef = Arc::new(StringViewArray::from(texts.clone()));
            for wanted in ["2", "a text of more than twelve bytes 1", ""] {
                let filter = RowFilter::equal_but_for_blanks(wanted);
                let found = filter.select(&array).unwrap();
                for (row, text) in texts.iter().enumerate() {
                    let is_it = text.as_ref().is_some_and(|text| text.trim_end() == wanted);
                    assert_eq!(found.value(row), is_it, "{text:?} {wanted}");
                }
            }
        }
    }

    // Guards against strings that are told apart by less than all of them, and values where there are none.
    #[test]
    fn strings_equal_those_that_they_are() {
        let texts = [
            "",
            "a",
            "twelve bytes",
            "twelve bytet",
            "thirteen byte",
            "thirteen bytf",
            "thirty bytes",
        ];
        let mut rng = fastrand::Rng::with_seed(6);
        let rows: Vec<Option<&str>> = std::iter::repeat_with(|| rng.choice(texts))
            .map(|text| text.filter(|text| *text != "twelve bytet"))
            .take(500)
            .collect();
        let array: ArrayRef = Arc::new(StringViewArray::from(rows.clone()));
        // A view where there is no value may say anything.
        let strings = array.as_string_view();
        let nulls = NullBuffer::from_iter((0..500).map(|row| row % 3 > 0 && strings.is_valid(row)));
        let masked = StringViewArray::new(
            strings.views().clone(),
            strings.data_buffers().to_vec(),
            Some(nulls.clone()),
        );
        let masked: ArrayRef = Arc::new(masked);
        for wanted in texts {
            for comparison in [Comparison::Eq, Comparison::Ne] {
                let filter = RowFilter::compared_with_text(comparison, wanted);
                let found = filter.select(&masked).unwrap();
                for (row, text) in rows.iter().enumerate() {
                    let holds = text.is_some_and(|text| comparison.holds(text.cmp(wanted)));
                    let holds = holds && nulls.is_valid(row);
                    assert_eq!(found.value(row), holds, "{text:?} {comparison:?} {wanted}");
                }
            }
        }
    }

    #[test]
    fn decimals_in_64_bits_compare_as_others() {
        let values = [-1, 0, 5, 999_999_999_999_999_999];
        let narrow: ArrayRef = Arc::new(Decimal64Array::from(values.to_vec()));
        for constant in [-1, 5, 6, i128::MAX, 10i128.pow(30)] {
            for comparison in [Comparison::Lt, Comparison::Ge, Comparison::Eq] {
                let filter = RowFilter::compared_with(comparison, constant);
                let found = filter.select(&narrow).unwrap();
                for (row, value) in values.iter().enumerate() {
                    let holds = comparison.holds(i128::from(*value).cmp(&constant));
                    assert_eq!(found.value(row), holds, "{value} {comparison:?} {constant}");
                }
            }
        }
    }
}
