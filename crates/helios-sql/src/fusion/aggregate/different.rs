//! How many different numbers each group has.
//!
//! One set has the pairs of group and value of all groups. Once it is large it is cut into parts by hash, and
//! pairs are gathered for a part before that is looked into: a part and what comes to it stay in the processor's cache, where
//! each pair for itself would wait for memory.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray, PrimitiveArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType as ArrowType, Date32Type, Field, FieldRef, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};
use helios_base::{Error, Result};

use super::rows::states_of_rows;
use crate::fusion::error::{from_arrow, to_datafusion};

/// Pairs of a set that is not cut into parts yet.
const WHOLE: usize = 16 * 1024;

/// Parts of a large set.
const PARTS: usize = 64;

/// Pairs that are gathered for a part.
const GATHERED: usize = 2048;

/// The number of different values of a column by group, for types that [`is_counted`] names.
pub(crate) fn different_count() -> AggregateUDF {
    AggregateUDF::from(DifferentCount {
        signature: Signature::any(1, Volatility::Immutable),
    })
}

/// Whether [`different_count`] counts values of such arrays: of 64 bits at most, of which other bits are another value.
pub(crate) fn is_counted(ty: &ArrowType) -> bool {
    matches!(
        ty,
        ArrowType::Int16
            | ArrowType::Int32
            | ArrowType::Int64
            | ArrowType::Date32
            | ArrowType::Timestamp(..)
    )
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DifferentCount {
    signature: Signature,
}

impl AggregateUDFImpl for DifferentCount {
    fn name(&self) -> &str {
        "different_count"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[ArrowType]) -> DfResult<ArrowType> {
        Ok(ArrowType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> DfResult<Vec<FieldRef>> {
        let name = format!("{}[values]", args.name);
        Ok(vec![Arc::new(Field::new(name, list_type(), false))])
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        Ok(Box::new(One(Different::new())))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(
        &self,
        _: AccumulatorArgs<'_>,
    ) -> DfResult<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Different::new()))
    }
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(ArrowType::Int64, false))
}

/// What parts of a group hand on: their values, each once.
fn list_type() -> ArrowType {
    ArrowType::List(item())
}

/// A value and its group.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pair {
    value: i64,
    /// [`FREE`] in a place that is free.
    group: u64,
}

const FREE: u64 = u64::MAX;

impl Pair {
    #[inline]
    fn hash(self) -> u64 {
        let mixed =
            (self.value as u64 ^ self.group.rotate_left(40)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }
}

/// Pairs, each once: a table with open places, at most half of which are taken.
#[derive(Default)]
struct Set {
    places: Vec<Pair>,
    taken: usize,
}

impl Set {
    /// Whether the pair is new. The low bits of `hash` tell its place.
    #[inline]
    fn insert(&mut self, pair: Pair, hash: u64) -> bool {
        if self.taken * 2 >= self.places.len() {
            self.grow();
        }
        let new = self.put(pair, hash);
        self.taken += usize::from(new);
        new
    }

    #[inline]
    fn put(&mut self, pair: Pair, hash: u64) -> bool {
        let mask = self.places.len().wrapping_sub(1);
        let mut at = hash as usize & mask;
        while let Some(place) = self.places.get_mut(at) {
            if place.group == FREE {
                *place = pair;
                return true;
            }
            if *place == pair {
                return false;
            }
            at = (at + 1) & mask;
        }
        false
    }

    #[cold]
    fn grow(&mut self) {
        let free = Pair {
            value: 0,
            group: FREE,
        };
        let places = vec![free; (self.places.len() * 2).max(64)];
        let old = std::mem::replace(&mut self.places, places);
        for pair in old {
            if pair.group != FREE {
                self.put(pair, pair.hash());
            }
        }
    }

    fn pairs(&self) -> impl Iterator<Item = Pair> {
        let pairs = self.places.iter().copied();
        pairs.filter(|pair| pair.group != FREE)
    }
}

/// A part of a large set.
#[derive(Default)]
struct Part {
    set: Set,
    gathered: Vec<Pair>,
}

impl Part {
    /// Puts what was gathered into the set.
    fn settle(&mut self, counts: &mut [i64]) {
        for pair in self.gathered.drain(..) {
            if self.set.insert(pair, pair.hash()) {
                count(counts, pair);
            }
        }
    }
}

#[inline]
fn count(counts: &mut [i64], pair: Pair) {
    if let Some(count) = counts.get_mut(pair.group as usize) {
        *count += 1;
    }
}

struct Different {
    /// As long as it is small.
    whole: Set,
    /// Otherwise.
    parts: Vec<Part>,
    /// Of each group, but for what is gathered.
    counts: Vec<i64>,
}

impl Different {
    fn new() -> Self {
        Self {
            whole: Set::default(),
            parts: Vec::new(),
            counts: Vec::new(),
        }
    }

    #[inline]
    fn add(&mut self, value: i64, group: usize) {
        let pair = Pair {
            value,
            group: group as u64,
        };
        let hash = pair.hash();
        if self.parts.is_empty() {
            if self.whole.insert(pair, hash) {
                count(&mut self.counts, pair);
                if self.whole.taken >= WHOLE {
                    self.cut();
                }
            }
            return;
        }
        let part = (hash >> 58) as usize % PARTS;
        if let Some(part) = self.parts.get_mut(part) {
            part.gathered.push(pair);
            if part.gathered.len() >= GATHERED {
                part.settle(&mut self.counts);
            }
        }
    }

    #[cold]
    fn cut(&mut self) {
        self.parts.resize_with(PARTS, Part::default);
        for pair in std::mem::take(&mut self.whole).pairs() {
            let hash = pair.hash();
            if let Some(part) = self.parts.get_mut((hash >> 58) as usize % PARTS) {
                part.set.insert(pair, hash);
            }
        }
        for part in &mut self.parts {
            part.gathered.reserve_exact(GATHERED);
        }
    }

    fn settle(&mut self) {
        for part in &mut self.parts {
            part.settle(&mut self.counts);
        }
    }

    fn add_array<T>(
        &mut self,
        values: &PrimitiveArray<T>,
        groups: &[usize],
        filter: Option<&BooleanArray>,
    ) where
        T: ArrowPrimitiveType,
        i64: From<T::Native>,
    {
        if values.null_count() == 0 && filter.is_none() {
            for (value, group) in values.values().iter().zip(groups) {
                self.add(i64::from(*value), *group);
            }
            return;
        }
        for (row, (value, group)) in values.iter().zip(groups).enumerate() {
            let Some(value) = value else { continue };
            if filter.is_some_and(|f| f.is_null(row) || !f.value(row)) {
                continue;
            }
            self.add(i64::from(value), *group);
        }
    }

    fn add_all(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.counts.resize(total, 0);
        let array = values
            .first()
            .ok_or_else(|| crate::fusion::scalar::arity(0))?;
        macro_rules! add {
            ($ty:ty) => {
                if let Some(values) = array.as_primitive_opt::<$ty>() {
                    self.add_array(values, groups, filter);
                    return Ok(());
                }
            };
        }
        add!(Int64Type);
        add!(Int32Type);
        add!(Int16Type);
        add!(Date32Type);
        add!(TimestampMicrosecondType);
        Err(Error::internal(format!(
            "a count of different values of {}",
            array.data_type()
        )))
    }

    fn merge(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.counts.resize(total, 0);
        let wrong = || Error::internal("a count of different values is put together from others");
        let lists = states
            .first()
            .and_then(|states| states.as_list_opt::<i32>());
        let lists = lists.ok_or_else(wrong)?;
        let values = lists.values().as_primitive_opt::<Int64Type>();
        let values = values.ok_or_else(wrong)?.values();
        for (ends, group) in lists.value_offsets().windows(2).zip(groups) {
            let [from, to] = ends else { continue };
            let list = values.get(*from as usize..*to as usize).unwrap_or_default();
            for value in list {
                self.add(*value, *group);
            }
        }
        Ok(())
    }

    /// Takes the pairs of the first groups away, of all if `None`; the others get new numbers.
    fn take(&mut self, first: Option<usize>) -> Vec<Pair> {
        let whole = std::mem::take(&mut self.whole);
        let parts = std::mem::take(&mut self.parts);
        let sets = parts.into_iter().map(|part| part.set);
        let mut taken = Vec::new();
        let Some(first) = first else {
            for set in std::iter::once(whole).chain(sets) {
                taken.extend(set.pairs());
            }
            return taken;
        };
        let mut counts = std::mem::take(&mut self.counts);
        let rest: Vec<i64> = counts.drain(first.min(counts.len())..).collect();
        for set in std::iter::once(whole).chain(sets) {
            for pair in set.pairs() {
                match usize::try_from(pair.group)
                    .unwrap_or(usize::MAX)
                    .checked_sub(first)
                {
                    None => taken.push(pair),
                    Some(group) => self.add(pair.value, group),
                }
            }
        }
        // Gathered pairs count as the others do.
        for part in &mut self.parts {
            part.settle(&mut []);
        }
        self.counts = rest;
        taken
    }
}

impl GroupsAccumulator for Different {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> DfResult<()> {
        self.add_all(values, group_indices, filter, total)
            .map_err(to_datafusion)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total: usize,
    ) -> DfResult<()> {
        self.merge(values, group_indices, total)
            .map_err(to_datafusion)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> DfResult<ArrayRef> {
        self.settle();
        let counts = match emit_to {
            EmitTo::All => {
                *self = Self {
                    counts: std::mem::take(&mut self.counts),
                    ..Self::new()
                };
                std::mem::take(&mut self.counts)
            }
            EmitTo::First(first) => {
                let counts = self.counts.get(..first).unwrap_or(&self.counts).to_vec();
                self.take(Some(first));
                counts
            }
        };
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        self.settle();
        let (counts, pairs) = match emit_to {
            EmitTo::All => {
                let pairs = self.take(None);
                (std::mem::take(&mut self.counts), pairs)
            }
            EmitTo::First(first) => {
                let counts = self.counts.get(..first).unwrap_or(&self.counts).to_vec();
                (counts, self.take(Some(first)))
            }
        };
        let mut ends = Vec::with_capacity(counts.len() + 1);
        let mut end = 0i64;
        ends.push(0i32);
        for count in &counts {
            end += count;
            // Memory ends before.
            ends.push(i32::try_from(end).map_err(|_| {
                to_datafusion(Error::new(
                    helios_base::SqlState::PROGRAM_LIMIT_EXCEEDED,
                    "too many different values",
                ))
            })?);
        }
        let mut next = ends.clone();
        let mut values = vec![0i64; usize::try_from(end).unwrap_or(0)];
        for pair in pairs {
            if let Some(next) = next.get_mut(pair.group as usize) {
                if let Some(value) = values.get_mut(*next as usize) {
                    *value = pair.value;
                }
                *next += 1;
            }
        }
        lists(ends, values)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> DfResult<Vec<ArrayRef>> {
        states_of_rows(Self::new(), values, filter)
    }

    fn size(&self) -> usize {
        let places = |set: &Set| set.places.capacity() * size_of::<Pair>();
        let part = |part: &Part| places(&part.set) + part.gathered.capacity() * size_of::<Pair>();
        places(&self.whole)
            + self.parts.iter().map(part).sum::<usize>()
            + self.counts.capacity() * size_of::<i64>()
    }
}

/// A single group.
struct One(Different);

impl std::fmt::Debug for One {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DifferentCount").finish_non_exhaustive()
    }
}

fn zeros(arrays: &[ArrayRef]) -> Vec<usize> {
    vec![0; arrays.first().map_or(0, |array| array.len())]
}

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        self.0.update_batch(values, &zeros(values), None, 1)
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        self.0.settle();
        let count = self.0.counts.first().copied();
        Ok(ScalarValue::Int64(Some(count.unwrap_or(0))))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.size()
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        self.0.counts.resize(1, 0);
        let states = self.0.state(EmitTo::All)?;
        let states = states.iter();
        states
            .map(|state| ScalarValue::try_from_array(state, 0))
            .collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        self.0.merge_batch(states, &zeros(states), 1)
    }
}

fn lists(ends: Vec<i32>, values: Vec<i64>) -> DfResult<Vec<ArrayRef>> {
    let values = Int64Array::new(ScalarBuffer::from(values), None);
    let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
    let lists = ListArray::try_new(item(), ends, Arc::new(values), None)
        .map_err(|error| to_datafusion(from_arrow(error)))?;
    Ok(vec![Arc::new(lists)])
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    // Guards against values that are lost or counted twice: in large sets, in parts that are put together, where some groups
    // are handed on before others, with NULL and filters.
    #[test]
    fn counts_are_those_of_sets() -> DfResult<()> {
        let mut rng = fastrand::Rng::with_seed(9);
        for round in 0..60 {
            let groups = [1, 7, 3000][rng.usize(0..3)];
            let values = [3, 500, 100_000][rng.usize(0..3)];
            let mut wanted: BTreeMap<usize, BTreeSet<i64>> = BTreeMap::new();
            let (mut found, mut merged) = (Different::new(), Different::new());
            let mut gone = 0;
            let mut known = 0;
            for _ in 0..rng.usize(1..8) {
                let rows = rng.usize(0..9000);
                let (mut to, mut numbers, mut passes) = (Vec::new(), Vec::new(), Vec::new());
                for _ in 0..rows {
                    let group = rng.usize(0..groups);
                    known = known.max(group + 1);
                    let number = (rng.u8(0..20) > 0).then(|| rng.i64(-values..values) * 1_000_003);
                    let pass = rng.u8(0..20) > 0;
                    if let Some(number) = number.filter(|_| pass) {
                        wanted.entry(group + gone).or_default().insert(number);
                    }
                    to.push(group);
                    numbers.push(number);
                    passes.push(pass);
                }
                let filter = BooleanArray::from(passes);
                let array: ArrayRef = Arc::new(Int64Array::from(numbers));
                let mut part = Different::new();
                part.update_batch(&[Arc::clone(&array)], &to, Some(&filter), known)?;
                found.update_batch(&[Arc::clone(&array)], &to, Some(&filter), known)?;
                let states = match rng.bool() {
                    true => part.convert_to_state(&[array], Some(&filter))?,
                    false => {
                        let first = rng.usize(0..=known);
                        let mut states = part.state(EmitTo::First(first))?;
                        merged.merge_batch(&states, &(0..first).collect::<Vec<_>>(), known)?;
                        states = part.state(EmitTo::All)?;
                        to = (first..known).collect();
                        states
                    }
                };
                merged.merge_batch(&states, &to, known)?;
                // The same numbers come for other groups from here on.
                if round % 4 == 0 && known > 3 {
                    let first = rng.usize(0..3);
                    for all in [&mut found, &mut merged] {
                        let counts = all.evaluate(EmitTo::First(first))?;
                        for (at, count) in counts.as_primitive::<Int64Type>().iter().enumerate() {
                            let set = wanted.get(&(gone + at)).map_or(0, BTreeSet::len);
                            assert_eq!(count, Some(set as i64));
                        }
                    }
                    gone += first;
                    known -= first;
                }
            }
            for all in [&mut found, &mut merged] {
                let counts = all.evaluate(EmitTo::All)?;
                assert_eq!(counts.len(), known);
                for (at, count) in counts.as_primitive::<Int64Type>().iter().enumerate() {
                    let set = wanted.get(&(gone + at)).map_or(0, BTreeSet::len);
                    assert_eq!(count, Some(set as i64));
                }
            }
        }
        Ok(())
    }
}
