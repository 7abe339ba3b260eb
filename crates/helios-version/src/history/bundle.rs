//! Several consecutive versions of one row in one value.
//!
//! | bytes | what |
//! |---|---|
//! | `00` | a single version never begins so: its first number is at least 2 |
//! | varint | number of versions, 2 to 32 |
//! | varint | end of the youngest version |
//! | varint | length of the heads |
//! | heads | one per version, the youngest first |
//! | rows | one per version that has one, in the same order |
//!
//! | head | what |
//! |---|---|
//! | varint | `(end − begin) << 3 \| has gap << 2 \| kind`; kinds: 0 tombstone, 1 whole row, 2 difference |
//! | varint | if it has a gap: the next younger version's begin less its own end |
//! | varint | unless a tombstone: length of the row or difference |
//!
//! A version without a gap ends where the next younger begins; the youngest has none. Differences are to the next younger version
//! that has a row (`delta.rs`); every eighth row at least is whole, so that a reader puts together few.
//! The begin of the oldest is also in the key.

use std::ops::Range;

use helios_base::{Error, Result, Scn};

use super::{Replaced, delta};
use crate::codec::{Reader, put_varint};

/// Versions of a bundle at most.
pub(super) const BUNDLE_MAX: usize = 32;
/// Rows from one whole row to before the next, at most.
const REACH: usize = 8;

const MARK: u8 = 0;
const TOMBSTONE: u64 = 0;
const WHOLE: u64 = 1;
const DELTA: u64 = 2;

const WHAT: &str = "bundle of versions";

/// Whether a value is a bundle.
#[inline]
pub(super) fn is_bundle(value: &[u8]) -> bool {
    value.first() == Some(&MARK)
}

/// How many versions it has.
pub(super) fn count(value: &[u8]) -> Result<usize> {
    Ok(Heads::new(value)?.left)
}

/// Appends a bundle of these versions, the youngest first; there are at least two.
pub(super) fn encode<'a>(versions: impl ExactSizeIterator<Item = Replaced<'a>>, out: &mut Vec<u8>) {
    let count = versions.len();
    let (mut heads, mut rows) = (Vec::new(), Vec::new());
    let mut newest = Scn::ZERO;
    let mut younger: Option<Scn> = None;
    let mut last: Option<&[u8]> = None;
    let mut reach = 0;
    for version in versions {
        let gap = match younger {
            Some(begin) => begin.0.saturating_sub(version.end.0),
            None => {
                newest = version.end;
                0
            }
        };
        younger = Some(version.begin);
        let start = rows.len();
        let kind = match (version.row, last) {
            (None, _) => TOMBSTONE,
            (Some(row), Some(last)) if reach < REACH => {
                delta::encode(last, row, &mut rows);
                if (rows.len() - start) * 4 > row.len() * 3 {
                    rows.truncate(start);
                    rows.extend_from_slice(row);
                    WHOLE
                } else {
                    DELTA
                }
            }
            (Some(row), _) => {
                rows.extend_from_slice(row);
                WHOLE
            }
        };
        let life = version.end.0.saturating_sub(version.begin.0);
        put_varint(&mut heads, life << 3 | u64::from(gap > 0) << 2 | kind);
        if gap > 0 {
            put_varint(&mut heads, gap);
        }
        if version.row.is_some() {
            put_varint(&mut heads, (rows.len() - start) as u64);
            reach = if kind == WHOLE { 1 } else { reach + 1 };
            last = version.row;
        }
    }
    out.push(MARK);
    put_varint(out, count as u64);
    put_varint(out, newest.0);
    put_varint(out, heads.len() as u64);
    out.extend_from_slice(&heads);
    out.extend_from_slice(&rows);
}

/// See [`super::at`].
pub(super) fn at<'a>(
    value: &'a [u8],
    scn: Scn,
    buffer: &'a mut Vec<u8>,
) -> Result<Option<Replaced<'a>>> {
    let mut heads = Heads::new(value)?;
    // The last whole row that was passed, and the differences since.
    let mut way: [Range<usize>; REACH] = [const { 0..0 }; REACH];
    let mut steps = 0;
    while let Some(head) = heads.next()? {
        if head.kind == WHOLE {
            steps = 0;
        }
        if head.kind != TOMBSTONE {
            let Some(place) = way.get_mut(steps) else {
                return Err(heads.corrupt("too many differences follow each other"));
            };
            *place = head.row.clone();
            steps += 1;
        }
        if head.begin > scn {
            continue;
        }
        let row = match (head.kind, way.get(..steps)) {
            (WHOLE, _) => Some(heads.row(head.row)?),
            (DELTA, Some([whole, deltas @ ..])) => {
                buffer.clear();
                buffer.extend_from_slice(heads.row(whole.clone())?);
                for place in deltas {
                    delta::apply(buffer, heads.row(place.clone())?)?;
                }
                Some(buffer.as_slice())
            }
            _ => None,
        };
        return Ok(Some(Replaced {
            begin: head.begin,
            end: head.end,
            row,
        }));
    }
    Ok(None)
}

/// See [`super::each`].
pub(super) fn each(
    oldest: Scn,
    value: &[u8],
    show: &mut dyn FnMut(Replaced<'_>) -> Result<()>,
) -> Result<()> {
    let mut heads = Heads::new(value)?;
    let mut row = Vec::new();
    let mut last = Scn::ZERO;
    while let Some(head) = heads.next()? {
        match head.kind {
            WHOLE => {
                row.clear();
                row.extend_from_slice(heads.row(head.row)?);
            }
            DELTA => delta::apply(&mut row, heads.row(head.row)?)?,
            _ => {}
        }
        show(Replaced {
            begin: head.begin,
            end: head.end,
            row: (head.kind != TOMBSTONE).then_some(row.as_slice()),
        })?;
        last = head.begin;
    }
    if last != oldest {
        return Err(heads.corrupt("its oldest version is not that of its key"));
    }
    Ok(())
}

/// What is said of a version before its row.
struct Head {
    begin: Scn,
    end: Scn,
    kind: u64,
    /// Where the row or difference is among the rows.
    row: Range<usize>,
}

/// The heads of a bundle, one after the other.
struct Heads<'a> {
    reader: Reader<'a>,
    rows: &'a [u8],
    left: usize,
    /// Where the next version would end without a gap.
    end: u64,
    row_at: usize,
    /// No whole row was passed.
    bare: bool,
}

impl<'a> Heads<'a> {
    #[inline]
    fn new(value: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(value, WHAT);
        reader.u8()?;
        let (left, end) = (reader.length()?, reader.varint()?);
        let heads = reader.bytes()?;
        if !(2..=BUNDLE_MAX).contains(&left) {
            return Err(reader.corrupt("it has an impossible number of versions"));
        }
        Ok(Self {
            rows: reader.rest(),
            reader: Reader::new(heads, WHAT),
            left,
            end,
            row_at: 0,
            bare: true,
        })
    }

    #[inline]
    fn next(&mut self) -> Result<Option<Head>> {
        if self.left == 0 {
            return match self.reader.is_empty() && self.row_at == self.rows.len() {
                true => Ok(None),
                false => Err(self.corrupt("something follows its last version")),
            };
        }
        self.left -= 1;
        let word = self.reader.varint()?;
        let (life, kind) = (word >> 3, word & 3);
        let gap = match word & 4 {
            0 => 0,
            _ => self.reader.varint()?,
        };
        let end = self.end.checked_sub(gap);
        let (Some(end), Some(begin)) = (end, end.and_then(|end| end.checked_sub(life))) else {
            return Err(self.corrupt("a version begins before time"));
        };
        if life == 0 || kind > DELTA || (kind == DELTA && self.bare) {
            return Err(self.corrupt("a version is impossible"));
        }
        let start = self.row_at;
        if kind != TOMBSTONE {
            self.bare = false;
            self.row_at = start.saturating_add(self.reader.length()?);
        }
        self.end = begin;
        Ok(Some(Head {
            begin: Scn(begin),
            end: Scn(end),
            kind,
            row: start..self.row_at,
        }))
    }

    #[inline]
    fn row(&self, place: Range<usize>) -> Result<&'a [u8]> {
        match self.rows.get(place) {
            Some(row) => Ok(row),
            None => Err(self.corrupt("it ends too early")),
        }
    }

    fn corrupt(&self, why: &str) -> Error {
        self.reader.corrupt(why)
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
                let found = at(Scn(oldest), &value, Scn(scn), &mut buffer).unwrap();
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
            for cut in 1..whole.len().min(60) {
                assert!(decoded(oldest, &whole[..whole.len() - cut]).is_err());
            }
            for _ in 0..40 {
                let mut value = whole.clone();
                let at_byte = 1 + rng.usize(0..(value.len() as u64 - 1) as usize);
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
            b"\x00\x03\x90\x03\x07\xa1\x06\x15\x2c\x05\x52\x06\
              the first of all rows\x0d\x03\x03811"
        );
    }
}
