//! The inner loops: distances and what else touches every element.
//!
//! [`Kernels`] has one implementation for each instruction set and a scalar twin that says what is
//! meant; [`kernels`] gives the best that this processor runs. The twin is itself written for
//! compilers that vectorize, so what is measured against it is what intrinsics bring beyond that.
//!
//! # Exactness
//! Integer kernels agree bit for bit. Sums of `f32` differ in their order only: with `n` elements
//! and `S` the sum of the absolute values of the terms, each result is within
//! `(n + 8) · 2⁻²⁴ · S + n · 2⁻¹⁴⁹` of the true one, unless a partial sum overflows, for every order
//! of additions stays within that bound. NaN comes out wherever a NaN goes in; infinities give an
//! infinity or, where two of them cancel, NaN.
//!
//! # Lengths
//! Callers have checked that vectors are of one length; the shorter one counts, and nothing is
//! ever read beyond a slice.
//!
//! # Unsafe code
//! Here, and nowhere else in the crate, in four shapes, each sound for a reason that can be seen
//! where it stands:
//! 1. a call of a function compiled for an instruction set, through a value that only exists where
//!    the processor has been asked for it;
//! 2. a load from or a store to an array of exactly the register's size, or a masked load of a
//!    slice shorter than a register;
//! 3. a prefetch, which reads nothing and cannot fault;
//! 4. memory of large pages, in `pages.rs`.
//!
//! Without it, distances over 128 and 384 dimensions take 2 to 5 times as long (`recall -- kernels` of
//! the crate's example measures it on any machine).
#![allow(unsafe_code)]

mod pages;
mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;

use std::sync::OnceLock;

use helios_base::F16;
pub(crate) use pages::{HUGE, Pages};
pub use scalar::Scalar;

/// The inner loops for one instruction set.
pub trait Kernels: Send + Sync + std::fmt::Debug {
    /// The instruction set.
    fn name(&self) -> &'static str;

    /// The squared Euclidean distance.
    fn l2(&self, a: &[f32], b: &[f32]) -> f32;
    /// The inner product.
    fn dot(&self, a: &[f32], b: &[f32]) -> f32;
    /// The sum of the absolute differences.
    fn l1(&self, a: &[f32], b: &[f32]) -> f32;
    /// The products `a·b`, `a·a` and `b·b` in one pass, of which a cosine is made.
    fn products(&self, a: &[f32], b: &[f32]) -> [f32; 3];

    /// [`Kernels::l2`] of one vector and four others: what `a` costs to load counts once.
    fn l2_4(&self, a: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
    /// [`Kernels::dot`] of one vector and four others.
    fn dot_4(&self, a: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
    /// [`Kernels::l1`] of one vector and four others.
    fn l1_4(&self, a: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
    /// All products of four vectors and four others, for assignment to centroids: eight loads
    /// feed sixteen multiplications.
    fn dot_tile(&self, a: [&[f32]; 4], b: [&[f32]; 4]) -> [[f32; 4]; 4];

    /// [`Kernels::l2`] against a row of 16-bit numbers.
    fn l2_f16(&self, a: &[f32], row: &[F16]) -> f32;
    /// [`Kernels::dot`] against a row of 16-bit numbers.
    fn dot_f16(&self, a: &[f32], row: &[F16]) -> f32;
    /// [`Kernels::l1`] against a row of 16-bit numbers.
    fn l1_f16(&self, a: &[f32], row: &[F16]) -> f32;
    /// [`Kernels::l2_f16`] of one vector and four rows.
    fn l2_f16_4(&self, a: &[f32], rows: [&[F16]; 4]) -> [f32; 4];
    /// [`Kernels::dot_f16`] of one vector and four rows.
    fn dot_f16_4(&self, a: &[f32], rows: [&[F16]; 4]) -> [f32; 4];
    /// [`Kernels::l1_f16`] of one vector and four rows.
    fn l1_f16_4(&self, a: &[f32], rows: [&[F16]; 4]) -> [f32; 4];

    /// The squared Euclidean distance of bytes, of up to 32,768 elements.
    fn l2_i8(&self, a: &[i8], b: &[i8]) -> i32;
    /// The inner product of bytes, of up to 65,536 elements.
    fn dot_i8(&self, a: &[i8], b: &[i8]) -> i32;
    /// The sum of the absolute differences of bytes.
    fn l1_i8(&self, a: &[i8], b: &[i8]) -> i32;
    /// The inner product of codes and a quantized query, of up to 65,536 elements.
    fn dot_u8i8(&self, codes: &[u8], query: &[i8]) -> i32;
    /// [`Kernels::dot_u8i8`] of four rows of codes.
    fn dot_u8i8_4(&self, codes: [&[u8]; 4], query: &[i8]) -> [i32; 4];

    /// The inner product of codes of `bits` bits, 1, 2, 4 or 8, packed from the low bits of each byte on,
    /// and a query in the order that [`packed_order`] makes. Of up to 65,536 elements.
    fn dot_packed(&self, bits: u8, codes: &[u8], query: &[i8]) -> i32;
    /// [`Kernels::dot_packed`] of four rows of codes.
    fn dot_packed_4(&self, bits: u8, codes: [&[u8]; 4], query: &[i8]) -> [i32; 4];

    /// How many bits differ.
    fn hamming(&self, a: &[u64], b: &[u64]) -> u32;
    /// How many bits are set in both and in either, of which a Jaccard distance is made.
    fn overlap(&self, a: &[u64], b: &[u64]) -> (u32, u32);
    /// [`Kernels::hamming`] of bits that lie in bytes, the first in the lowest bit of the first byte.
    fn hamming_bytes(&self, bits: &[u8], words: &[u64]) -> u32;
    /// [`Kernels::overlap`] of bits that lie in bytes.
    fn overlap_bytes(&self, bits: &[u8], words: &[u64]) -> [u32; 2];
    /// The inner product of bits and a query of four-bit numbers that is cut into planes:
    /// `planes[i][p]` holds bit `p` of the numbers that meet word `i`.
    fn planes(&self, bits: &[u64], planes: &[[u64; 4]]) -> u32;

    /// [`Kernels::planes`] as codes lie in bytes, eight and eight of them a word, with how many bits
    /// are set: the product first. `planes` holds, plane after plane, as many words as the bits have.
    fn bits_by_planes(&self, bits: &[u8], planes: &[u64]) -> [u32; 2];

    /// Adds up table entries for a block of 32 vectors whose codes have four bits: for each of the
    /// parts, 16 bytes of `tables` and 16 bytes of `block`, the low halves of which are the codes of
    /// the vectors 0 to 15 and the high halves those of 16 to 31. There are a multiple of four
    /// parts and at most 256, so 16 bits hold every sum.
    fn scan_4bit(&self, tables: &[u8], block: &[u8], sums: &mut [u16; 32]);

    /// The Walsh and Hadamard transform, without its scale; the length is a power of two.
    fn hadamard(&self, vector: &mut [f32]);
}

/// Brings a quantized query into the order in which [`Kernels::dot_packed`] meets its elements, zeros
/// behind them up to a multiple of 64.
///
/// Of each 64 elements, codes of two and four bits have, at a shift of 0, 2, 4 and 6 bits or of 0 and 4,
/// one element in each byte: those of the first shift come first, then those of the next. So four
/// or two shifts of a register put all elements into bytes of their own. Bits stay in their order.
#[must_use]
pub fn packed_order(bits: u8, query: &[i8]) -> Vec<i8> {
    let mut padded = query.to_vec();
    padded.resize(query.len().next_multiple_of(64), 0);
    let each = match bits {
        2 => 4,
        4 => 2,
        _ => return padded,
    };
    let (groups, _) = padded.as_chunks_mut::<64>();
    for group in groups {
        let old = *group;
        for (at, place) in group.iter_mut().enumerate() {
            let (shift, byte) = (at / (64 / each), at % (64 / each));
            *place = old[byte * each + shift];
        }
    }
    padded
}

/// The best kernels that this processor runs.
#[must_use]
pub fn kernels() -> &'static dyn Kernels {
    static BEST: OnceLock<&'static dyn Kernels> = OnceLock::new();
    *BEST.get_or_init(|| {
        let mut best: &'static dyn Kernels = &Scalar;
        for candidate in all() {
            best = candidate;
        }
        best
    })
}

/// All kernels that this processor runs, the best last.
#[must_use]
pub fn all() -> Vec<&'static dyn Kernels> {
    #[allow(unused_mut, reason = "some targets have the scalar one only")]
    let mut found: Vec<&'static dyn Kernels> = vec![&Scalar];
    #[cfg(target_arch = "x86_64")]
    {
        found.extend(avx2::Avx2::detect());
        found.extend(avx512::Avx512::detect());
    }
    #[cfg(target_arch = "aarch64")]
    found.push(&neon::Neon);
    found
}

/// Asks for a row that will soon be read.
#[inline]
pub(crate) fn prefetch<T>(row: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let bytes = size_of_val(row);
        let start = row.as_ptr().cast::<i8>();
        // A row of 384 numbers is 24 lines; hardware follows once it sees the first few.
        for line in (0..bytes.min(768)).step_by(64) {
            // SAFETY: a prefetch is a hint: it neither reads for the program nor faults, and the
            // address lies in the slice. Without it a hop of a graph waits for memory 32 times.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}

/// Implements [`Kernels`] by functions of the same names that are compiled for an instruction set.
#[cfg(target_arch = "x86_64")]
macro_rules! forward {
    ($type:ident, $name:literal, $($method:ident($($argument:ident: $of:ty),*) $(-> $result:ty)?;)*) => {
        impl Kernels for $type {
            fn name(&self) -> &'static str {
                $name
            }
            $(
                #[inline]
                fn $method(&self, $($argument: $of),*) $(-> $result)? {
                    // SAFETY: a value of this type is only made after the processor has said that
                    // it has the instructions the function is compiled for.
                    unsafe { $method($($argument),*) }
                }
            )*
        }
    };
}

/// The list of methods that [`forward`] needs.
#[cfg(target_arch = "x86_64")]
macro_rules! forward_all {
    ($type:ident, $name:literal) => {
        forward! { $type, $name,
            l2(a: &[f32], b: &[f32]) -> f32;
            dot(a: &[f32], b: &[f32]) -> f32;
            l1(a: &[f32], b: &[f32]) -> f32;
            products(a: &[f32], b: &[f32]) -> [f32; 3];
            l2_4(a: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
            dot_4(a: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
            l1_4(a: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
            dot_tile(a: [&[f32]; 4], b: [&[f32]; 4]) -> [[f32; 4]; 4];
            l2_f16(a: &[f32], row: &[F16]) -> f32;
            dot_f16(a: &[f32], row: &[F16]) -> f32;
            l1_f16(a: &[f32], row: &[F16]) -> f32;
            l2_f16_4(a: &[f32], rows: [&[F16]; 4]) -> [f32; 4];
            dot_f16_4(a: &[f32], rows: [&[F16]; 4]) -> [f32; 4];
            l1_f16_4(a: &[f32], rows: [&[F16]; 4]) -> [f32; 4];
            l2_i8(a: &[i8], b: &[i8]) -> i32;
            dot_i8(a: &[i8], b: &[i8]) -> i32;
            l1_i8(a: &[i8], b: &[i8]) -> i32;
            dot_u8i8(codes: &[u8], query: &[i8]) -> i32;
            dot_u8i8_4(codes: [&[u8]; 4], query: &[i8]) -> [i32; 4];
            dot_packed(bits: u8, codes: &[u8], query: &[i8]) -> i32;
            dot_packed_4(bits: u8, codes: [&[u8]; 4], query: &[i8]) -> [i32; 4];
            hamming(a: &[u64], b: &[u64]) -> u32;
            overlap(a: &[u64], b: &[u64]) -> (u32, u32);
            hamming_bytes(bits: &[u8], words: &[u64]) -> u32;
            overlap_bytes(bits: &[u8], words: &[u64]) -> [u32; 2];
            planes(bits: &[u64], query: &[[u64; 4]]) -> u32;
            bits_by_planes(bits: &[u8], planes: &[u64]) -> [u32; 2];
            scan_4bit(tables: &[u8], block: &[u8], sums: &mut [u16; 32]);
            hadamard(vector: &mut [f32]);
        }
    };
}
#[cfg(target_arch = "x86_64")]
use {forward, forward_all};
