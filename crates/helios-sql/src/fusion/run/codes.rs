//! Groups of rows by the codes of few strings.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::UInt8Type;

use super::terms::BLOCK;
use super::views::Groups;

/// Groups, at most, and one for rows that do not count.
pub(super) const GROUPS: usize = 64;
const NOWHERE: u8 = GROUPS as u8 - 1;

/// Rows whose codes were not met together.
const UNKNOWN: u8 = u8::MAX;

/// Codes that may come together.
const TOGETHER: usize = 1 << 12;

/// The group of each row of a block.
pub(super) type Places = [u8; BLOCK];

/// The groups of codes.
pub(super) struct Codes {
    /// What the codes of each column stand for.
    strings: Vec<ArrayRef>,
    /// The group of codes that come together.
    groups: Box<[u8; TOGETHER]>,
}

/// Columns of codes.
pub(super) struct Coded<'a>(Vec<&'a [u8]>);

impl Codes {
    pub(super) fn new() -> Self {
        Self {
            strings: Vec::new(),
            groups: Box::new([UNKNOWN; TOGETHER]),
        }
    }

    /// The codes of these columns; `None` if they are no codes, or some `NULL`, or too many.
    pub(super) fn begin<'a>(&mut self, columns: &'a [ArrayRef]) -> Option<Coded<'a>> {
        let mut strings = Vec::with_capacity(columns.len());
        let mut codes = Vec::with_capacity(columns.len());
        for column in columns {
            let coded = column.as_dictionary_opt::<UInt8Type>()?;
            if coded.null_count() > 0 || coded.values().null_count() > 0 {
                return None;
            }
            strings.push(Arc::clone(coded.values()));
            let column: &[u8] = coded.keys().values();
            codes.push(column);
        }
        if strings.iter().map(Array::len).product::<usize>() > TOGETHER {
            return None;
        }
        let known = self.strings.iter().zip(&strings);
        let is_known = self.strings.len() == strings.len()
            && known
                .into_iter()
                .all(|(known, now)| Arc::ptr_eq(known, now));
        if !is_known {
            self.strings = strings;
            self.groups.fill(UNKNOWN);
        }
        Some(Coded(codes))
    }

    /// The groups of up to a block of rows from one on, those that are not wanted nowhere; how many are wanted, `None` if there are
    /// too many groups.
    pub(super) fn find(
        &mut self,
        coded: &Coded<'_>,
        from: usize,
        rows: usize,
        wanted: Option<&BooleanBuffer>,
        groups: &mut Groups,
        out: &mut Places,
    ) -> Option<()> {
        let mut together = [0u16; BLOCK];
        for (codes, strings) in coded.0.iter().zip(&self.strings) {
            let codes = codes.get(from..from + rows)?;
            let count = strings.len() as u16;
            for (together, code) in together.iter_mut().zip(codes) {
                *together = together.wrapping_mul(count).wrapping_add(u16::from(*code));
            }
        }
        for (out, together) in out.iter_mut().zip(&together) {
            *out = self.groups[usize::from(*together) % TOGETHER];
        }
        if let Some(rest) = out.get_mut(rows..) {
            rest.fill(NOWHERE);
        }
        if let Some(wanted) = wanted {
            leave_out(&wanted.slice(from, rows), out);
        }
        if out
            .iter()
            .fold(false, |any, group| any | (*group == UNKNOWN))
        {
            for (row, group) in out.iter_mut().enumerate() {
                if *group == UNKNOWN {
                    *group = self.resolve(coded, from + row, *together.get(row)?, groups)?;
                }
            }
        }
        Some(())
    }

    #[cold]
    fn resolve(
        &mut self,
        coded: &Coded<'_>,
        row: usize,
        together: u16,
        groups: &mut Groups,
    ) -> Option<u8> {
        let known = self.groups.get_mut(usize::from(together))?;
        if *known == UNKNOWN {
            let places = coded.0.iter().map(|codes| codes.get(row).copied());
            let places: Vec<usize> = places
                .map(|code| code.map(usize::from))
                .collect::<Option<_>>()?;
            let group = u8::try_from(groups.find_one(&self.strings, &places)?).ok()?;
            if group >= NOWHERE {
                return None;
            }
            *known = group;
        }
        Some(*known)
    }
}

/// Puts rows that are not wanted nowhere.
fn leave_out(wanted: &BooleanBuffer, out: &mut Places) {
    let chunks = wanted.bit_chunks();
    for (word, out) in chunks.iter_padded().zip(out.chunks_mut(64)) {
        if word == 0 {
            out.fill(NOWHERE);
            continue;
        }
        let mut others = !word;
        while others != 0 {
            if let Some(group) = out.get_mut(others.trailing_zeros() as usize) {
                *group = NOWHERE;
            }
            others &= others - 1;
        }
    }
}

/// Whether no row of a block counts.
pub(super) fn is_nowhere(groups: &Places) -> bool {
    groups
        .iter()
        .fold(true, |all, group| all & (*group == NOWHERE))
}

/// Groups that rows of a block may be of.
pub(super) const SOMEWHERE: usize = NOWHERE as usize;

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, StringViewArray, UInt8Array};
    use arrow::datatypes::DataType as ArrowType;

    use super::*;

    fn column(rng: &mut fastrand::Rng, rows: usize, kinds: u8, name: &str) -> ArrayRef {
        let strings = (0..kinds).map(|kind| match kind % 3 {
            0 => format!("{kind}"),
            _ => format!("a string of more than twelve bytes, {name} {kind}"),
        });
        let strings = StringViewArray::from_iter_values(strings);
        let codes: UInt8Array = (0..rows).map(|_| Some(rng.u8(0..kinds))).collect();
        Arc::new(DictionaryArray::new(codes, Arc::new(strings)))
    }

    // Guards against rows of other groups than their strings say, and groups of rows that nobody wants.
    #[test]
    fn codes_are_of_the_groups_of_their_strings() {
        let mut rng = fastrand::Rng::with_seed(4);
        for round in 0..300 {
            let rows = rng.usize(1..2000);
            let kinds = [rng.u8(1..8), rng.u8(1..8)];
            let columns = [
                column(&mut rng, rows, kinds[0], "one"),
                column(&mut rng, rows, kinds[1], "two"),
            ];
            let wanted = (round % 2 > 0).then(|| {
                let share = rng.u32(1..10);
                let bits = (0..rows).map(|_| rng.u32(0..share) == 0);
                bits.collect::<BooleanBuffer>()
            });
            let mut codes = Codes::new();
            let mut groups = Groups::new(vec![ArrowType::Utf8View; 2]);
            let from = rng.usize(0..rows);
            let parts = columns.each_ref().map(|c| c.slice(from, rows - from));
            let wanted = wanted.map(|wanted| wanted.slice(from, rows - from));
            let mut found: Vec<u8> = Vec::new();
            let coded = codes.begin(&parts).unwrap();
            let mut places = [0; BLOCK];
            for at in (0..rows - from).step_by(BLOCK) {
                let block = BLOCK.min(rows - from - at);
                codes
                    .find(&coded, at, block, wanted.as_ref(), &mut groups, &mut places)
                    .unwrap();
                found.extend_from_slice(&places[..block]);
                assert!(places[block..].iter().all(|place| *place == NOWHERE));
            }
            let mut met = vec![false; groups.count()];
            for (row, group) in found.iter().enumerate() {
                if wanted.as_ref().is_some_and(|wanted| !wanted.value(row)) {
                    assert_eq!(*group, NOWHERE);
                    continue;
                }
                let code =
                    |column: &ArrayRef| column.as_dictionary::<UInt8Type>().keys().value(row);
                let codes = [usize::from(code(&parts[0])), usize::from(code(&parts[1]))];
                let strings = parts
                    .each_ref()
                    .map(|c| Arc::clone(c.as_dictionary::<UInt8Type>().values()));
                assert_eq!(groups.find_one(&strings, &codes), Some(usize::from(*group)));
                met[usize::from(*group)] = true;
            }
            assert!(met.iter().all(|met| *met));
            assert_eq!(groups.count(), met.len());
        }
    }

    #[test]
    fn too_many_groups_are_refused() {
        let mut rng = fastrand::Rng::with_seed(5);
        let columns = [
            column(&mut rng, 600, 9, "one"),
            column(&mut rng, 600, 9, "two"),
        ];
        let mut codes = Codes::new();
        let mut groups = Groups::new(vec![ArrowType::Utf8View; 2]);
        let coded = codes.begin(&columns).unwrap();
        let found = codes.find(&coded, 0, BLOCK, None, &mut groups, &mut [0; BLOCK]);
        assert_eq!(found, None);
    }
}
