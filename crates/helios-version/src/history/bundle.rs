//! Several consecutive versions of one row in one value.
//!
//! | bytes | what |
//! |---|---|
//! | `00` | a single version never begins so: its first number is at least 2 |
//! | u8 | number of entries *n*, 2 to 64 |
//! | u8 | bytes of a begin and, times 16, of an offset: each 1, 2, 4 or 8 |
//! | varint | end of the youngest version |
//! | *n* × 2 bits | kinds, four a byte, the first lowest: 0 tombstone, 1 whole row, 2 difference, 3 gap |
//! | *n* begins | that end less the begin of each entry, little-endian, ascending |
//! | *n* offsets | where each entry's row ends among the rows, little-endian |
//! | rows | those of whole rows and differences |
//!
//! Entries are the versions, the youngest first. Each ends where the next younger entry begins. Where a version ended before
//! that, a gap stands between: an entry without a version, which begins where the older version ended. Differences are to
//! the next younger version that has a row (`delta.rs`); every eighth row at least is whole, so that a reader
//! puts together few. Begins and offsets have one width each so that a version is found by halving. The
//! begin of the oldest is also in the key.

use std::ops::Range;

use helios_base::{Error, Result, Scn};

use super::{Replaced, delta};
use crate::codec::{Reader, put_varint};

/// Versions of a bundle at most. With gaps there may be twice as many entries.
pub(super) const BUNDLE_MAX: usize = 32;
/// Rows from one whole row to before the next, at most.
const REACH: usize = 8;

const MARK: u8 = 0;
const WHAT: &str = "bundle of versions";

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tombstone = 0,
    Whole = 1,
    Delta = 2,
    Gap = 3,
}

/// Whether a value is a bundle.
#[inline]
pub(super) fn is_bundle(value: &[u8]) -> bool {
    value.first() == Some(&MARK)
}

/// How many versions it has.
pub(super) fn count(value: &[u8]) -> Result<usize> {
    let bundle = Bundle::new(value)?;
    let is_version = |at: &usize| bundle.kind(*at) != Kind::Gap;
    Ok((0..bundle.len).filter(is_version).count())
}

/// Appends a bundle of these versions, the youngest first; there are at least two.
pub(super) fn encode<'a>(versions: impl Iterator<Item = Replaced<'a>>, out: &mut Vec<u8>) {
    let (mut entries, mut rows) = (Vec::new(), Vec::new());
    let mut newest = None;
    let mut younger = Scn::ZERO;
    let mut last: Option<&[u8]> = None;
    let mut reach = 0;
    for version in versions {
        let newest = *newest.get_or_insert(version.end);
        if !entries.is_empty() && version.end < younger {
            entries.push((Kind::Gap, newest.0 - version.end.0, rows.len()));
        }
        younger = version.begin;
        let start = rows.len();
        let kind = match (version.row, last) {
            (None, _) => Kind::Tombstone,
            (Some(row), Some(last)) if reach < REACH => {
                delta::encode(last, row, &mut rows);
                if (rows.len() - start) * 4 > row.len() * 3 {
                    rows.truncate(start);
                    rows.extend_from_slice(row);
                    Kind::Whole
                } else {
                    Kind::Delta
                }
            }
            (Some(row), _) => {
                rows.extend_from_slice(row);
                Kind::Whole
            }
        };
        if version.row.is_some() {
            reach = if kind == Kind::Whole { 1 } else { reach + 1 };
            last = version.row;
        }
        entries.push((kind, newest.0.saturating_sub(version.begin.0), rows.len()));
    }
    let begin_width = width_of(entries.last().map_or(0, |entry| entry.1));
    let offset_width = width_of(rows.len() as u64);
    out.extend_from_slice(&[
        MARK,
        entries.len() as u8,
        begin_width as u8 | (offset_width as u8) << 4,
    ]);
    put_varint(out, newest.unwrap_or_default().0);
    for four in entries.chunks(4) {
        let kinds = four.iter().rev();
        out.push(kinds.fold(0, |byte, (kind, ..)| byte << 2 | *kind as u8));
    }
    for (_, since, _) in &entries {
        out.extend_from_slice(since.to_le_bytes().get(..begin_width).unwrap_or_default());
    }
    for (.., end) in &entries {
        let end = (*end as u64).to_le_bytes();
        out.extend_from_slice(end.get(..offset_width).unwrap_or_default());
    }
    out.extend_from_slice(&rows);
}

/// The bytes that numbers up to `most` take.
fn width_of(most: u64) -> usize {
    match most {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

/// See [`super::at`].
pub(super) fn at<'a>(
    value: &'a [u8],
    scn: Scn,
    buffer: &'a mut Vec<u8>,
) -> Result<Option<Replaced<'a>>> {
    let bundle = Bundle::new(value)?;
    let place = bundle.first_begun(scn);
    if place >= bundle.len {
        return Ok(None);
    }
    let row = match bundle.kind(place) {
        Kind::Tombstone | Kind::Gap => None,
        Kind::Whole => Some(bundle.row(place)?),
        Kind::Delta => {
            let mut whole = place;
            while bundle.kind(whole) != Kind::Whole {
                let before = whole.checked_sub(1);
                whole = before.ok_or_else(|| bundle.corrupt("it begins with a difference"))?;
            }
            buffer.clear();
            buffer.extend_from_slice(bundle.row(whole)?);
            for delta in whole + 1..=place {
                if bundle.kind(delta) == Kind::Delta {
                    delta::apply(buffer, bundle.row(delta)?)?;
                }
            }
            Some(buffer.as_slice())
        }
    };
    Ok(Some(Replaced {
        begin: bundle.begin(place)?,
        end: bundle.end(place)?,
        row,
    }))
}

/// See [`super::each`].
pub(super) fn each(
    oldest: Scn,
    value: &[u8],
    show: &mut dyn FnMut(Replaced<'_>) -> Result<()>,
) -> Result<()> {
    let bundle = Bundle::new(value)?;
    let mut row = None;
    let mut last = bundle.newest;
    for place in 0..bundle.len {
        let (kind, begin, end) = (bundle.kind(place), bundle.begin(place)?, bundle.end(place)?);
        if begin >= end {
            return Err(bundle.corrupt("its versions are out of order"));
        }
        last = begin;
        match (kind, &mut row) {
            (Kind::Whole, row) => {
                let row = row.insert(Vec::new());
                row.extend_from_slice(bundle.row(place)?);
            }
            (Kind::Delta, Some(row)) => delta::apply(row, bundle.row(place)?)?,
            (Kind::Delta, None) => return Err(bundle.corrupt("it begins with a difference")),
            (Kind::Gap, _) => continue,
            (Kind::Tombstone, _) => {}
        }
        show(Replaced {
            begin,
            end,
            row: row.as_deref().filter(|_| kind != Kind::Tombstone),
        })?;
    }
    if last != oldest {
        return Err(bundle.corrupt("its oldest version is not that of its key"));
    }
    Ok(())
}

/// The parts of a bundle.
struct Bundle<'a> {
    len: usize,
    newest: Scn,
    kinds: &'a [u8],
    begins: &'a [u8],
    offsets: &'a [u8],
    rows: &'a [u8],
    begin_width: usize,
    offset_width: usize,
}

impl<'a> Bundle<'a> {
    #[inline]
    fn new(value: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(value, WHAT);
        let [_, len, widths] = reader.array()?;
        let (len, newest) = (usize::from(len), Scn(reader.varint()?));
        let (begin_width, offset_width) = (usize::from(widths & 15), usize::from(widths >> 4));
        let is_width = |width: usize| width <= 8 && width.is_power_of_two();
        if !(2..=2 * BUNDLE_MAX).contains(&len) || !is_width(begin_width) || !is_width(offset_width)
        {
            return Err(reader.corrupt("its head is impossible"));
        }
        let bundle = Self {
            len,
            newest,
            kinds: reader.take(len.div_ceil(4))?,
            begins: reader.take(len * begin_width)?,
            offsets: reader.take(len * offset_width)?,
            rows: reader.rest(),
            begin_width,
            offset_width,
        };
        if bundle.offset(len - 1) != bundle.rows.len() as u64 {
            return Err(bundle.corrupt("its rows have another length"));
        }
        Ok(bundle)
    }

    #[inline]
    fn kind(&self, at: usize) -> Kind {
        let byte = self.kinds.get(at / 4).copied().unwrap_or_default();
        match byte >> (at % 4 * 2) & 3 {
            0 => Kind::Tombstone,
            1 => Kind::Whole,
            2 => Kind::Delta,
            _ => Kind::Gap,
        }
    }

    /// The first entry that began at or before `scn`; the number of entries if none did.
    #[inline]
    fn first_begun(&self, scn: Scn) -> usize {
        let wanted = self.newest.0.saturating_sub(scn.0);
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = (low + high) / 2;
            if number(self.begins, self.begin_width, middle) < wanted {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    #[inline]
    fn begin(&self, at: usize) -> Result<Scn> {
        let since = number(self.begins, self.begin_width, at);
        match self.newest.0.checked_sub(since) {
            Some(begin) => Ok(Scn(begin)),
            None => Err(self.corrupt("a version begins before time")),
        }
    }

    #[inline]
    fn end(&self, at: usize) -> Result<Scn> {
        match at.checked_sub(1) {
            Some(younger) => self.begin(younger),
            None => Ok(self.newest),
        }
    }

    #[inline]
    fn offset(&self, at: usize) -> u64 {
        number(self.offsets, self.offset_width, at)
    }

    /// The bytes of an entry's row or difference.
    #[inline]
    fn row(&self, at: usize) -> Result<&'a [u8]> {
        let start = at.checked_sub(1).map_or(0, |before| self.offset(before));
        let place = Range {
            start: usize::try_from(start).unwrap_or(usize::MAX),
            end: usize::try_from(self.offset(at)).unwrap_or(usize::MAX),
        };
        match self.rows.get(place) {
            Some(row) => Ok(row),
            None => Err(self.corrupt("a row lies elsewhere")),
        }
    }

    #[cold]
    fn corrupt(&self, why: &str) -> Error {
        Reader::new(self.rows, WHAT).corrupt(why)
    }
}

/// The number `at` of numbers of `width` bytes.
#[inline]
fn number(numbers: &[u8], width: usize, at: usize) -> u64 {
    let Some(bytes) = numbers.get(at * width..(at + 1) * width) else {
        return 0;
    };
    match *bytes {
        [a] => u64::from(a),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::super::{at, each};
    use super::*;

    type Plain = (u64, u64, Option<Vec<u8>>);

    fn encoded(versions: &[Plain]) -> Vec<u8> {
        let mut out = Vec::new();
        let versions = versions.iter().map(|(begin, end, row)| Replaced {
            begin: Scn(*begin),
            end: Scn(*end),
            row: row.as_deref(),
        });
        encode(versions, &mut out);
        out
    }

    fn decoded(oldest: u64, value: &[u8]) -> Result<Vec<Plain>> {
        let mut out = Vec::new();
        each(Scn(oldest), value, &mut |version| {
            let row = version.row.map(<[u8]>::to_vec);
            out.push((version.begin.0, version.end.0, row));
            Ok(())
        })?;
        Ok(out)
    }

    /// Versions of a row with columns that change now and then.
    fn random(rng: &mut Rng) -> Vec<Plain> {
        let mut row: Vec<u8> = (0..rng.u64(0..120)).map(|_| rng.u8(..)).collect();
        let mut end = 1_000_000 + rng.u64(0..1 << 40);
        (0..2 + rng.u64(0..BUNDLE_MAX as u64 - 1))
            .map(|_| {
                if rng.u8(0..5) == 0 {
                    end -= 1 + rng.u64(0..100);
                }
                let begin = end - 1 - rng.u64(0..300);
                let version = (begin, end, (rng.u8(0..10) > 0).then(|| row.clone()));
                end = begin;
                match rng.u64(0..6) {
                    0 => row.push(7),
                    1 => row.truncate(row.len() / 2),
                    2 => row.iter_mut().for_each(|byte| *byte ^= 0x55),
                    _ => row.iter_mut().skip(3).take(2).for_each(|byte| *byte ^= 1),
                }
                version
            })
            .collect()
    }

    // Guards against any version being lost or changed, and against the wrong one being found.
    #[test]
    fn every_version_comes_back() {
        let mut rng = Rng::with_seed(11);
        let mut buffer = Vec::new();
        for _ in 0..500 {
            let versions = random(&mut rng);
            let value = encoded(&versions);
            let oldest = versions.last().unwrap().0;
            assert_eq!(decoded(oldest, &value).unwrap(), versions);
            assert_eq!(count(&value).unwrap(), versions.len());
            for scn in versions.iter().flat_map(|v| [v.0 - 1, v.0, v.1 - 1, v.1]) {
                let wanted = versions.iter().find(|version| version.0 <= scn);
                let wanted = wanted.filter(|version| version.1 > scn);
                let found = at(Scn(oldest), &value, Scn(scn), &mut buffer).unwrap();
                let is_gap = found.is_some_and(|v| v.row.is_none()) && wanted.is_none();
                let found = found.filter(|v| v.end.0 > scn && !is_gap);
                let found = found.map(|v| (v.begin.0, v.end.0, v.row.map(<[u8]>::to_vec)));
                assert_eq!(found.as_ref(), wanted);
            }
        }
    }

    // Guards what bundles are for.
    #[test]
    fn small_changes_take_few_bytes() {
        let row = |n: u8| Some([&[n; 4][..], &[200; 96]].concat());
        let versions: Vec<Plain> = (0..20)
            .rev()
            .map(|n| (u64::from(n) * 10 + 5, u64::from(n) * 10 + 15, row(n)))
            .collect();
        let size = encoded(&versions).len();
        assert!(size < 500, "{size} bytes");
    }

    // Guards against damage that goes unnoticed by bounds, and against panics.
    #[test]
    fn damage_never_panics() {
        let mut rng = Rng::with_seed(12);
        let mut buffer = Vec::new();
        for _ in 0..300 {
            let versions = random(&mut rng);
            let whole = encoded(&versions);
            let oldest = versions.last().unwrap().0;
            for cut in 1..=whole.len() {
                assert!(decoded(oldest, &whole[..whole.len() - cut]).is_err());
            }
            for _ in 0..40 {
                let mut value = whole.clone();
                let at_byte = 1 + rng.usize(0..value.len() - 1);
                value[at_byte] ^= 1 << rng.u64(0..8);
                let _ = decoded(oldest, &value);
                let _ = at(Scn(oldest), &value, Scn(versions[0].0), &mut buffer);
                let _ = at(Scn(oldest), &value, Scn(oldest), &mut buffer);
            }
            assert!(decoded(oldest + 1, &whole).is_err());
        }
    }

    // Guards the stored bytes.
    #[test]
    fn golden_bytes() {
        let row = |text: &str| Some(text.as_bytes().to_vec());
        let versions = [
            (300, 400, row("the first of all rows")),
            (290, 295, None),
            (280, 290, row("the first of 811 rows")),
        ];
        assert_eq!(
            encoded(&versions),
            b"\x00\x04\x11\x90\x03\x8d\x64\x69\x6e\x78\x15\x15\x15\x1b\
              the first of all rows\x0d\x03\x03811"
        );
    }
}
