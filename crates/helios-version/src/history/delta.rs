//! The difference of one row to another, as bytes.
//!
//! ```text
//! { varint: bytes kept | varint: bytes cut out | varint: bytes put in | those bytes } *
//! ```
//!
//! What is behind the last step is kept. Rows of equal length differ in runs, each a step; others in one
//! step between what they have in common at both ends. Rows of one table have their columns at the same places
//! unless one of variable length grew, so this finds most of what more general algorithms would.

use helios_base::Result;

use crate::codec::{Reader, put_bytes, put_varint};

/// Equal bytes between two runs that are not worth a step of their own.
const NEAR: usize = 4;

/// Appends what makes `to` of `from`.
pub(super) fn encode(from: &[u8], to: &[u8], out: &mut Vec<u8>) {
    if from.len() != to.len() {
        let same = |(a, b): &(&u8, &u8)| a == b;
        let head = from.iter().zip(to).take_while(same).count();
        let (from, to) = (&from[head..], &to[head..]);
        let tail = from.iter().rev().zip(to.iter().rev());
        let tail = tail.take_while(same).count();
        put_varint(out, head as u64);
        put_varint(out, (from.len() - tail) as u64);
        put_bytes(out, &to[..to.len() - tail]);
        return;
    }
    let mut done = 0;
    let mut differing = (0..to.len()).filter(|&at| from[at] != to[at]).peekable();
    while let Some(start) = differing.next() {
        let mut end = start + 1;
        while let Some(next) = differing.next_if(|next| next - end <= NEAR) {
            end = next + 1;
        }
        put_varint(out, (start - done) as u64);
        put_varint(out, (end - start) as u64);
        put_bytes(out, &to[start..end]);
        done = end;
    }
}

/// Makes the row in `row` the one that the difference leads to.
///
/// # Errors
/// `Corrupt`; what `row` holds is then of no use.
#[inline]
pub(super) fn apply(row: &mut Vec<u8>, delta: &[u8]) -> Result<()> {
    let mut reader = Reader::new(delta, "difference of a row");
    let mut at = 0usize;
    while !reader.is_empty() {
        let (kept, cut) = (reader.length()?, reader.length()?);
        let put = reader.bytes()?;
        let start = at.saturating_add(kept);
        let end = start.saturating_add(cut);
        let Some(place) = row.get_mut(start..end) else {
            return Err(reader.corrupt("it reaches beyond the row"));
        };
        if cut == put.len() {
            place.copy_from_slice(put);
        } else {
            row.splice(start..end, put.iter().copied());
        }
        at = start + put.len();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    fn differs(from: &[u8], to: &[u8]) -> Vec<u8> {
        let mut delta = Vec::new();
        encode(from, to, &mut delta);
        let mut row = from.to_vec();
        apply(&mut row, &delta).unwrap();
        assert_eq!(row, to);
        delta
    }

    // Guards against rows that cannot be made again from their differences.
    #[test]
    fn leads_to_the_row() {
        assert!(differs(b"", b"").is_empty());
        assert!(differs(b"same", b"same").is_empty());
        differs(b"", b"row");
        differs(b"row", b"");
        differs(b"aaa", b"aa");
        let mut rng = Rng::with_seed(7);
        for _ in 0..2000 {
            let from: Vec<u8> = (0..rng.u64(0..60)).map(|_| rng.u8(0..3)).collect();
            let mut to = from.clone();
            for _ in 0..rng.u64(0..4) {
                let at = rng.usize(0..=to.len());
                match rng.u64(0..3) {
                    0 if at < to.len() => to[at] = 9,
                    1 if at < to.len() => drop(to.remove(at)),
                    _ => to.insert(at, 8),
                }
            }
            differs(&from, &to);
        }
    }

    // Guards the stored bytes.
    #[test]
    fn golden_bytes() {
        assert_eq!(
            differs(b"0123456789abcdef", b"0x23456789abcdXY"),
            b"\x01\x01\x01x\x0c\x02\x02XY"
        );
        assert_eq!(differs(b"to be", b"to have been"), b"\x03\x02\x09have been");
    }

    // Guards against damage being taken for a row, or worse.
    #[test]
    fn damage_is_an_error() {
        for delta in [
            &b"\x09\x01\x01x"[..],
            b"\x00\x09\x00",
            b"\x01",
            b"\x00\x00\x05ab",
        ] {
            assert!(apply(&mut b"abc".to_vec(), delta).is_err(), "{delta:?}");
        }
    }
}
