//! A bit for each of many values.

use arrow::buffer::{BooleanBuffer, Buffer};

/// One bit per value, set where `holds`.
///
/// # Cost
/// First a byte for each of 64 values, in a loop that the compiler turns into comparisons of many at a time; then
/// eight bytes become bits by one multiplication.
pub(super) fn of<T: Copy>(values: &[T], holds: impl Fn(T) -> bool) -> BooleanBuffer {
    let mut words: Vec<u64> = Vec::with_capacity(values.len().div_ceil(64));
    let (whole, rest) = values.as_chunks::<64>();
    let mut flags = [0; 64];
    for chunk in whole {
        for (flag, value) in flags.iter_mut().zip(chunk) {
            *flag = u8::from(holds(*value));
        }
        words.push(word(&flags));
    }
    if !rest.is_empty() {
        flags = [0; 64];
        for (flag, value) in flags.iter_mut().zip(rest) {
            *flag = u8::from(holds(*value));
        }
        words.push(word(&flags));
    }
    BooleanBuffer::new(Buffer::from_vec(words), 0, values.len())
}

/// The lowest bits of 64 bytes that are 0 or 1.
fn word(flags: &[u8; 64]) -> u64 {
    // Moves bit 8i to bit 56 + i, for each i from 0 to 7; no two summands meet in a bit.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (eights, _) = flags.as_chunks::<8>();
    let bits = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
    let places = eights.iter().zip((0..64).step_by(8));
    places.fold(0, |word, (eight, place)| word | bits(eight) << place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_values() {
        let mut rng = fastrand::Rng::with_seed(11);
        for rows in [0, 1, 7, 63, 64, 65, 200, 1000] {
            for limit in [0, 1, 20, 255] {
                let values: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(rows).collect();
                let found = of(&values, |value| value <= limit);
                let wanted = BooleanBuffer::collect_bool(rows, |row| values[row] <= limit);
                assert_eq!(found, wanted, "{rows} {limit}");
            }
        }
    }
}
