//! Kernels for NEON, which every 64-bit Arm processor has: nothing is detected.

use std::arch::aarch64::*;

use super::{Kernels, Scalar};
use helios_base::F16;

/// Kernels for NEON.
#[derive(Debug)]
pub(super) struct Neon;

fn load(a: &[f32; 4]) -> float32x4_t {
    // SAFETY: the array has exactly the 16 bytes that are read; no alignment is asked for, and
    // every 64-bit Arm processor has the instruction.
    unsafe { vld1q_f32(a.as_ptr()) }
}

fn load_i8(a: &[i8; 16]) -> int8x16_t {
    // SAFETY: as above.
    unsafe { vld1q_s8(a.as_ptr()) }
}

fn load_u8(a: &[u8; 16]) -> uint8x16_t {
    // SAFETY: as above.
    unsafe { vld1q_u8(a.as_ptr()) }
}

fn zero() -> float32x4_t {
    load(&[0.0; 4])
}

/// The rest of a slice, shorter than a register; zeros behind it.
fn rest(a: &[f32]) -> float32x4_t {
    let mut padded = [0.0; 4];
    for (to, from) in padded.iter_mut().zip(a) {
        *to = *from;
    }
    load(&padded)
}

#[target_feature(enable = "neon")]
#[inline]
fn l2_step(sum: float32x4_t, a: float32x4_t, b: float32x4_t) -> float32x4_t {
    let difference = vsubq_f32(a, b);
    vfmaq_f32(sum, difference, difference)
}

#[target_feature(enable = "neon")]
#[inline]
fn dot_step(sum: float32x4_t, a: float32x4_t, b: float32x4_t) -> float32x4_t {
    vfmaq_f32(sum, a, b)
}

#[target_feature(enable = "neon")]
#[inline]
fn l1_step(sum: float32x4_t, a: float32x4_t, b: float32x4_t) -> float32x4_t {
    vaddq_f32(sum, vabdq_f32(a, b))
}

/// A sum over two slices, with four sums at once, and one for each of four rows.
macro_rules! sums {
    ($pair:ident, $four:ident, $step:ident) => {
        #[target_feature(enable = "neon")]
        #[inline]
        fn $pair(a: &[f32], b: &[f32]) -> f32 {
            let length = a.len().min(b.len());
            let (a, a_rest) = a[..length].as_chunks::<4>();
            let (b, b_rest) = b[..length].as_chunks::<4>();
            let mut sums = [zero(); 4];
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                sums[at & 3] = $step(sums[at & 3], load(a), load(b));
            }
            sums[0] = $step(sums[0], rest(a_rest), rest(b_rest));
            let [s0, s1, s2, s3] = sums;
            vaddvq_f32(vaddq_f32(vaddq_f32(s0, s1), vaddq_f32(s2, s3)))
        }

        #[target_feature(enable = "neon")]
        #[inline]
        fn $four(a: &[f32], rows: [&[f32]; 4]) -> [f32; 4] {
            let length = rows.iter().fold(a.len(), |least, row| least.min(row.len()));
            let whole = length / 4 * 4;
            let (q, _) = a[..whole].as_chunks::<4>();
            let parts = rows.map(|row| row[..whole].as_chunks::<4>().0);
            let mut sums = [zero(); 4];
            for (at, x) in q.iter().enumerate() {
                let x = load(x);
                for lane in 0..4 {
                    sums[lane] = $step(sums[lane], x, load(&parts[lane][at]));
                }
            }
            let x = rest(&a[whole..length]);
            let mut out = [0.0; 4];
            for lane in 0..4 {
                out[lane] = vaddvq_f32($step(sums[lane], x, rest(&rows[lane][whole..length])));
            }
            out
        }
    };
}

sums!(l2, l2_4, l2_step);
sums!(dot, dot_4, dot_step);
sums!(l1, l1_4, l1_step);

#[target_feature(enable = "neon")]
#[inline]
fn l2_i8(a: &[i8], b: &[i8]) -> i32 {
    let length = a.len().min(b.len());
    let (x, x_rest) = a[..length].as_chunks::<16>();
    let (y, y_rest) = b[..length].as_chunks::<16>();
    let mut sum = vdupq_n_s32(0);
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (load_i8(x), load_i8(y));
        let low = vsubl_s8(vget_low_s8(x), vget_low_s8(y));
        let high = vsubl_high_s8(x, y);
        sum = vmlal_s16(sum, vget_low_s16(low), vget_low_s16(low));
        sum = vmlal_high_s16(sum, low, low);
        sum = vmlal_s16(sum, vget_low_s16(high), vget_low_s16(high));
        sum = vmlal_high_s16(sum, high, high);
    }
    vaddvq_s32(sum) + Scalar.l2_i8(x_rest, y_rest)
}

#[target_feature(enable = "neon")]
#[inline]
fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    let length = a.len().min(b.len());
    let (x, x_rest) = a[..length].as_chunks::<16>();
    let (y, y_rest) = b[..length].as_chunks::<16>();
    let mut sum = vdupq_n_s32(0);
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (load_i8(x), load_i8(y));
        sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
        sum = vpadalq_s16(sum, vmull_high_s8(x, y));
    }
    vaddvq_s32(sum) + Scalar.dot_i8(x_rest, y_rest)
}

#[target_feature(enable = "neon")]
#[inline]
fn dot_u8i8(codes: &[u8], query: &[i8]) -> i32 {
    // Both widened to 16 bits: there is no product of mixed signs before Armv8.6.
    let length = codes.len().min(query.len());
    let (x, x_rest) = codes[..length].as_chunks::<16>();
    let (y, y_rest) = query[..length].as_chunks::<16>();
    let mut sum = vdupq_n_s32(0);
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (load_u8(x), load_i8(y));
        let x_low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(x)));
        let x_high = vreinterpretq_s16_u16(vmovl_high_u8(x));
        let (y_low, y_high) = (vmovl_s8(vget_low_s8(y)), vmovl_high_s8(y));
        sum = vmlal_s16(sum, vget_low_s16(x_low), vget_low_s16(y_low));
        sum = vmlal_high_s16(sum, x_low, y_low);
        sum = vmlal_s16(sum, vget_low_s16(x_high), vget_low_s16(y_high));
        sum = vmlal_high_s16(sum, x_high, y_high);
    }
    vaddvq_s32(sum) + Scalar.dot_u8i8(x_rest, y_rest)
}

#[target_feature(enable = "neon")]
#[inline]
fn scan_4bit(tables: &[u8], block: &[u8], sums: &mut [u16; 32]) {
    let (tables, _) = tables.as_chunks::<16>();
    let (parts, _) = block.as_chunks::<16>();
    let nibble = vdupq_n_u8(15);
    let mut totals = [vdupq_n_u16(0); 4];
    for (table, codes) in tables.iter().zip(parts) {
        let (table, codes) = (load_u8(table), load_u8(codes));
        let low = vqtbl1q_u8(table, vandq_u8(codes, nibble));
        let high = vqtbl1q_u8(table, vshrq_n_u8::<4>(codes));
        totals[0] = vaddw_u8(totals[0], vget_low_u8(low));
        totals[1] = vaddw_high_u8(totals[1], low);
        totals[2] = vaddw_u8(totals[2], vget_low_u8(high));
        totals[3] = vaddw_high_u8(totals[3], high);
    }
    for (to, total) in sums.as_chunks_mut::<8>().0.iter_mut().zip(totals) {
        // SAFETY: the array has exactly the 16 bytes that are written.
        unsafe { vst1q_u16(to.as_mut_ptr(), total) };
    }
}

/// Methods that call a function above of the same name.
macro_rules! forward {
    ($($method:ident($($argument:ident: $of:ty),*) $(-> $result:ty)?;)*) => {
        $(
            #[inline]
            fn $method(&self, $($argument: $of),*) $(-> $result)? {
                // SAFETY: every 64-bit Arm processor that this is compiled for has NEON.
                unsafe { $method($($argument),*) }
            }
        )*
    };
}

impl Kernels for Neon {
    fn name(&self) -> &'static str {
        "neon"
    }

    forward! {
        l2(a: &[f32], b: &[f32]) -> f32;
        dot(a: &[f32], b: &[f32]) -> f32;
        l1(a: &[f32], b: &[f32]) -> f32;
        l2_4(a: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
        dot_4(a: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
        l1_4(a: &[f32], rows: [&[f32]; 4]) -> [f32; 4];
        l2_i8(a: &[i8], b: &[i8]) -> i32;
        dot_i8(a: &[i8], b: &[i8]) -> i32;
        dot_u8i8(codes: &[u8], query: &[i8]) -> i32;
        scan_4bit(tables: &[u8], block: &[u8], sums: &mut [u16; 32]);
    }

    fn products(&self, a: &[f32], b: &[f32]) -> [f32; 3] {
        [self.dot(a, b), self.dot(a, a), self.dot(b, b)]
    }

    fn dot_tile(&self, a: [&[f32]; 4], b: [&[f32]; 4]) -> [[f32; 4]; 4] {
        a.map(|a| self.dot_4(a, b))
    }

    // The compiler knows the conversion of 16-bit numbers and the counts of bits on its own here.
    fn l2_f16(&self, a: &[f32], row: &[F16]) -> f32 {
        Scalar.l2_f16(a, row)
    }

    fn dot_f16(&self, a: &[f32], row: &[F16]) -> f32 {
        Scalar.dot_f16(a, row)
    }

    fn l1_f16(&self, a: &[f32], row: &[F16]) -> f32 {
        Scalar.l1_f16(a, row)
    }

    fn l2_f16_4(&self, a: &[f32], rows: [&[F16]; 4]) -> [f32; 4] {
        Scalar.l2_f16_4(a, rows)
    }

    fn dot_f16_4(&self, a: &[f32], rows: [&[F16]; 4]) -> [f32; 4] {
        Scalar.dot_f16_4(a, rows)
    }

    fn l1_f16_4(&self, a: &[f32], rows: [&[F16]; 4]) -> [f32; 4] {
        Scalar.l1_f16_4(a, rows)
    }

    fn l1_i8(&self, a: &[i8], b: &[i8]) -> i32 {
        Scalar.l1_i8(a, b)
    }

    fn dot_u8i8_4(&self, codes: [&[u8]; 4], query: &[i8]) -> [i32; 4] {
        codes.map(|codes| self.dot_u8i8(codes, query))
    }

    fn dot_packed(&self, bits: u8, codes: &[u8], query: &[i8]) -> i32 {
        Scalar.dot_packed(bits, codes, query)
    }

    fn dot_packed_4(&self, bits: u8, codes: [&[u8]; 4], query: &[i8]) -> [i32; 4] {
        Scalar.dot_packed_4(bits, codes, query)
    }

    fn hamming(&self, a: &[u64], b: &[u64]) -> u32 {
        Scalar.hamming(a, b)
    }

    fn overlap(&self, a: &[u64], b: &[u64]) -> (u32, u32) {
        Scalar.overlap(a, b)
    }

    fn planes(&self, bits: &[u64], planes: &[[u64; 4]]) -> u32 {
        Scalar.planes(bits, planes)
    }

    fn hamming_bytes(&self, bits: &[u8], words: &[u64]) -> u32 {
        Scalar.hamming_bytes(bits, words)
    }

    fn overlap_bytes(&self, bits: &[u8], words: &[u64]) -> [u32; 2] {
        Scalar.overlap_bytes(bits, words)
    }

    fn bits_by_planes(&self, bits: &[u8], planes: &[u64]) -> [u32; 2] {
        Scalar.bits_by_planes(bits, planes)
    }

    fn hadamard(&self, vector: &mut [f32]) {
        Scalar.hadamard(vector);
    }
}
