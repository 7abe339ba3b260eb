//! What the kernels mean, in plain code that runs everywhere.

use super::Kernels;
use helios_base::F16;

/// Kernels without instructions of their own.
#[derive(Debug, Clone, Copy)]
pub struct Scalar;

/// Independent sums, which the compiler puts into registers side by side.
const LANES: usize = 8;

/// Adds up `term` over two slices.
#[inline(always)]
fn sum<A: Copy, B: Copy>(a: &[A], b: &[B], term: impl Fn(A, B) -> f32) -> f32 {
    let length = a.len().min(b.len());
    let (a, a_rest) = a[..length].as_chunks::<LANES>();
    let (b, b_rest) = b[..length].as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += term(*a, *b);
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += term(*a, *b);
    }
    sums.iter().sum()
}

/// Adds up `term` over two slices of bytes.
#[inline(always)]
fn total<A: Copy, B: Copy>(a: &[A], b: &[B], term: impl Fn(A, B) -> i32) -> i32 {
    a.iter().zip(b).map(|(a, b)| term(*a, *b)).sum()
}

fn squared(a: f32, b: f32) -> f32 {
    let difference = a - b;
    difference * difference
}

impl Kernels for Scalar {
    fn name(&self) -> &'static str {
        "scalar"
    }

    fn l2(&self, a: &[f32], b: &[f32]) -> f32 {
        sum(a, b, squared)
    }

    fn dot(&self, a: &[f32], b: &[f32]) -> f32 {
        sum(a, b, |a, b| a * b)
    }

    fn l1(&self, a: &[f32], b: &[f32]) -> f32 {
        sum(a, b, |a, b| (a - b).abs())
    }

    fn products(&self, a: &[f32], b: &[f32]) -> [f32; 3] {
        [self.dot(a, b), self.dot(a, a), self.dot(b, b)]
    }

    fn l2_4(&self, a: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        rows.map(|row| self.l2(a, row))
    }

    fn dot_4(&self, a: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        rows.map(|row| self.dot(a, row))
    }

    fn l1_4(&self, a: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
        rows.map(|row| self.l1(a, row))
    }

    fn dot_tile(&self, a: [&[f32]; 4], b: [&[f32]; 4]) -> [[f32; 4]; 4] {
        a.map(|a| self.dot_4(a, b))
    }

    fn l2_f16(&self, a: &[f32], row: &[F16]) -> f32 {
        sum(a, row, |a, b| squared(a, b.to_f32()))
    }

    fn dot_f16(&self, a: &[f32], row: &[F16]) -> f32 {
        sum(a, row, |a, b| a * b.to_f32())
    }

    fn l1_f16(&self, a: &[f32], row: &[F16]) -> f32 {
        sum(a, row, |a, b| (a - b.to_f32()).abs())
    }

    fn l2_f16_4(&self, a: &[f32], rows: [&[F16]; 4]) -> [f32; 4] {
        rows.map(|row| self.l2_f16(a, row))
    }

    fn dot_f16_4(&self, a: &[f32], rows: [&[F16]; 4]) -> [f32; 4] {
        rows.map(|row| self.dot_f16(a, row))
    }

    fn l1_f16_4(&self, a: &[f32], rows: [&[F16]; 4]) -> [f32; 4] {
        rows.map(|row| self.l1_f16(a, row))
    }

    fn l2_i8(&self, a: &[i8], b: &[i8]) -> i32 {
        total(a, b, |a, b| {
            let difference = i32::from(a) - i32::from(b);
            difference * difference
        })
    }

    fn dot_i8(&self, a: &[i8], b: &[i8]) -> i32 {
        total(a, b, |a, b| i32::from(a) * i32::from(b))
    }

    fn l1_i8(&self, a: &[i8], b: &[i8]) -> i32 {
        total(a, b, |a, b| (i32::from(a) - i32::from(b)).abs())
    }

    fn dot_u8i8(&self, codes: &[u8], query: &[i8]) -> i32 {
        total(codes, query, |a, b| i32::from(a) * i32::from(b))
    }

    fn dot_u8i8_4(&self, codes: [&[u8]; 4], query: &[i8]) -> [i32; 4] {
        codes.map(|codes| self.dot_u8i8(codes, query))
    }

    fn dot_packed(&self, bits: u8, codes: &[u8], query: &[i8]) -> i32 {
        match bits {
            1 => spread::<1>(codes, query),
            2 => spread::<2>(codes, query),
            4 => spread::<4>(codes, query),
            _ => self.dot_u8i8(codes, query),
        }
    }

    fn dot_packed_4(&self, bits: u8, codes: [&[u8]; 4], query: &[i8]) -> [i32; 4] {
        codes.map(|codes| self.dot_packed(bits, codes, query))
    }

    fn hamming(&self, a: &[u64], b: &[u64]) -> u32 {
        a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    fn overlap(&self, a: &[u64], b: &[u64]) -> (u32, u32) {
        let mut counts = (0, 0);
        for (a, b) in a.iter().zip(b) {
            counts.0 += (a & b).count_ones();
            counts.1 += (a | b).count_ones();
        }
        counts
    }

    fn hamming_bytes(&self, bits: &[u8], words: &[u64]) -> u32 {
        hamming_bytes(bits, words)
    }

    fn overlap_bytes(&self, bits: &[u8], words: &[u64]) -> [u32; 2] {
        overlap_bytes(bits, words)
    }

    fn planes(&self, bits: &[u64], planes: &[[u64; 4]]) -> u32 {
        let mut sum = 0;
        for (word, planes) in bits.iter().zip(planes) {
            for (weight, plane) in planes.iter().enumerate() {
                sum += (word & plane).count_ones() << weight;
            }
        }
        sum
    }

    fn bits_by_planes(&self, bits: &[u8], planes: &[u64]) -> [u32; 2] {
        bits_by_planes(bits, planes)
    }

    fn scan_4bit(&self, tables: &[u8], block: &[u8], sums: &mut [u16; 32]) {
        let (tables, _) = tables.as_chunks::<16>();
        let (parts, _) = block.as_chunks::<16>();
        *sums = [0; 32];
        for (table, part) in tables.iter().zip(parts) {
            let (low, high) = sums.split_at_mut(16);
            for ((low, high), codes) in low.iter_mut().zip(high).zip(part) {
                *low += u16::from(table[usize::from(codes & 15)]);
                *high += u16::from(table[usize::from(codes >> 4)]);
            }
        }
    }

    fn hadamard(&self, vector: &mut [f32]) {
        hadamard(vector);
    }
}

/// The product of packed codes and a query in their order.
#[inline(always)]
fn spread<const BITS: usize>(codes: &[u8], query: &[i8]) -> i32 {
    let (query, _) = query.as_chunks::<64>();
    let mask = (1u8 << BITS) - 1;
    let mut sum = 0;
    for (codes, query) in codes.chunks(8 * BITS).zip(query) {
        if BITS == 1 {
            for (byte, query) in codes.iter().zip(query.as_chunks::<8>().0) {
                for (shift, query) in query.iter().enumerate() {
                    sum += i32::from(byte >> shift & 1) * i32::from(*query);
                }
            }
            continue;
        }
        for (shift, query) in query.chunks_exact(8 * BITS).enumerate() {
            for (byte, query) in codes.iter().zip(query) {
                sum += i32::from(byte >> (shift * BITS) & mask) * i32::from(*query);
            }
        }
    }
    sum
}

/// The transform by halves; compiled anew for each instruction set that calls it.
#[inline(always)]
pub(super) fn hadamard(vector: &mut [f32]) {
    hadamard_from(vector, 1);
}

/// The transform without its steps within each `width` elements.
#[inline(always)]
pub(super) fn hadamard_from(vector: &mut [f32], mut width: usize) {
    while width < vector.len() {
        for pair in vector.chunks_exact_mut(2 * width) {
            let (left, right) = pair.split_at_mut(width);
            for (left, right) in left.iter_mut().zip(right) {
                (*left, *right) = (*left + *right, *left - *right);
            }
        }
        width *= 2;
    }
}

/// How many bits differ; compiled anew for each instruction set.
#[inline(always)]
pub(super) fn hamming_bytes(bits: &[u8], words: &[u64]) -> u32 {
    let pairs = bits.as_chunks::<8>().0.iter().zip(words);
    pairs
        .map(|(bits, word)| (u64::from_le_bytes(*bits) ^ word).count_ones())
        .sum()
}

/// How many bits are set in both and in either; compiled anew for each instruction set.
#[inline(always)]
pub(super) fn overlap_bytes(bits: &[u8], words: &[u64]) -> [u32; 2] {
    let mut counts = [0; 2];
    for (bits, word) in bits.as_chunks::<8>().0.iter().zip(words) {
        let bits = u64::from_le_bytes(*bits);
        counts[0] += (bits & word).count_ones();
        counts[1] += (bits | word).count_ones();
    }
    counts
}

/// The product of bits and planes, and the number of bits; compiled anew for each instruction set.
#[inline(always)]
pub(super) fn bits_by_planes(bits: &[u8], planes: &[u64]) -> [u32; 2] {
    let (words, _) = bits.as_chunks::<8>();
    let width = words.len().min(planes.len() / 4);
    let mut found = [0; 2];
    for (at, word) in words[..width].iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        found[1] += word.count_ones();
        for plane in 0..4 {
            found[0] += (word & planes[plane * width + at]).count_ones() << plane;
        }
    }
    found
}
