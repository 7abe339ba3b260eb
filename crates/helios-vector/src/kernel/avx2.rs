//! Kernels for AVX2 with FMA and the conversions of 16-bit numbers: every x86-64 server since 2013.

use std::arch::x86_64::*;

use super::{Kernels, forward, forward_all};
use helios_base::F16;

/// Kernels for AVX2; exists only where the processor has it.
#[derive(Debug)]
pub(super) struct Avx2(());

static AVX2: Avx2 = Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<&'static dyn Kernels> {
        (is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c")
            && is_x86_feature_detected!("popcnt"))
        .then_some(&AVX2 as &dyn Kernels)
    }
}

forward_all! { Avx2, "avx2" }

/// Functions compiled for this instruction set.
macro_rules! compiled {
    ($($(#[$note:meta])* fn $name:ident($($argument:ident: $of:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {
        $(
            $(#[$note])*
            #[inline]
            #[target_feature(enable = "avx2,fma,f16c,popcnt")]
            fn $name($($argument: $of),*) $(-> $result)? $body
        )*
    };
}

compiled! {
    fn load(a: &[f32; 8]) -> __m256 {
        // SAFETY: the array has exactly the 32 bytes that are read; no alignment is asked for.
        unsafe { _mm256_loadu_ps(a.as_ptr()) }
    }

    fn load_bytes(a: &[u8; 32]) -> __m256i {
        // SAFETY: as above.
        unsafe { _mm256_loadu_si256(a.as_ptr().cast()) }
    }

    fn load_i8(a: &[i8; 16]) -> __m256i {
        // SAFETY: the array has exactly the 16 bytes that are read.
        _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(a.as_ptr().cast()) })
    }

    fn load_u8(a: &[u8; 16]) -> __m256i {
        // SAFETY: the array has exactly the 16 bytes that are read.
        _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(a.as_ptr().cast()) })
    }

    fn load_f16(a: &[F16; 8]) -> __m256 {
        // SAFETY: the array has exactly the 16 bytes that are read, and `F16` is a `u16`.
        _mm256_cvtph_ps(unsafe { _mm_loadu_si128(a.as_ptr().cast()) })
    }

    /// The rest of a slice, shorter than a register; zeros behind it.
    fn rest(a: &[f32]) -> __m256 {
        let mut padded = [0.0; 8];
        for (to, from) in padded.iter_mut().zip(a) {
            *to = *from;
        }
        load(&padded)
    }

    fn rest_f16(a: &[F16]) -> __m256 {
        let mut padded = [F16(0); 8];
        for (to, from) in padded.iter_mut().zip(a) {
            *to = *from;
        }
        load_f16(&padded)
    }

    fn reduce(a: __m256) -> f32 {
        let quarter = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
        let pair = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
        _mm_cvtss_f32(_mm_add_ss(pair, _mm_movehdup_ps(pair)))
    }

    fn reduce_i32(a: __m256i) -> i32 {
        let quarter = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256::<1>(a));
        let pair = _mm_add_epi32(quarter, _mm_shuffle_epi32::<0b01_00_11_10>(quarter));
        _mm_cvtsi128_si32(_mm_add_epi32(pair, _mm_shuffle_epi32::<0b00_00_00_01>(pair)))
    }

    fn l2_step(sum: __m256, a: __m256, b: __m256) -> __m256 {
        let difference = _mm256_sub_ps(a, b);
        _mm256_fmadd_ps(difference, difference, sum)
    }

    fn dot_step(sum: __m256, a: __m256, b: __m256) -> __m256 {
        _mm256_fmadd_ps(a, b, sum)
    }

    fn l1_step(sum: __m256, a: __m256, b: __m256) -> __m256 {
        let difference = _mm256_sub_ps(a, b);
        _mm256_add_ps(sum, _mm256_andnot_ps(_mm256_set1_ps(-0.0), difference))
    }
}

/// A sum over two slices, with four sums at once to hide the latency of each.
macro_rules! pair {
    ($name:ident, $step:ident, $b:ty, $load:ident, $rest:ident) => {
        compiled! {
            fn $name(a: &[f32], b: &[$b]) -> f32 {
                let length = a.len().min(b.len());
                let (a, a_rest) = a[..length].as_chunks::<8>();
                let (b, b_rest) = b[..length].as_chunks::<8>();
                let (a_fours, a_ones) = a.as_chunks::<4>();
                let (b_fours, b_ones) = b.as_chunks::<4>();
                let mut sums = [_mm256_setzero_ps(); 4];
                for (a, b) in a_fours.iter().zip(b_fours) {
                    for lane in 0..4 {
                        sums[lane] = $step(sums[lane], load(&a[lane]), $load(&b[lane]));
                    }
                }
                for (a, b) in a_ones.iter().zip(b_ones) {
                    sums[0] = $step(sums[0], load(a), $load(b));
                }
                if !a_rest.is_empty() {
                    sums[1] = $step(sums[1], rest(a_rest), $rest(b_rest));
                }
                let [s0, s1, s2, s3] = sums;
                reduce(_mm256_add_ps(_mm256_add_ps(s0, s1), _mm256_add_ps(s2, s3)))
            }
        }
    };
}

pair!(l2, l2_step, f32, load, rest);
pair!(dot, dot_step, f32, load, rest);
pair!(l1, l1_step, f32, load, rest);
pair!(l2_f16, l2_step, F16, load_f16, rest_f16);
pair!(dot_f16, dot_step, F16, load_f16, rest_f16);
pair!(l1_f16, l1_step, F16, load_f16, rest_f16);

/// A sum for each of four rows, two at once for each.
macro_rules! four {
    ($name:ident, $step:ident, $b:ty, $load:ident, $rest:ident) => {
        compiled! {
            fn $name(a: &[f32], rows: [&[$b]; 4]) -> [f32; 4] {
                let length = rows.iter().fold(a.len(), |least, row| least.min(row.len()));
                let whole = length / 8 * 8;
                let (q, q_one) = a[..whole].as_chunks::<8>().0.as_chunks::<2>();
                let [(r0, o0), (r1, o1), (r2, o2), (r3, o3)] =
                    rows.map(|row| row[..whole].as_chunks::<8>().0.as_chunks::<2>());
                let mut sums = [_mm256_setzero_ps(); 8];
                // Zipped, they need one test a turn; indexed, one for each load.
                for ((((q, r0), r1), r2), r3) in q.iter().zip(r0).zip(r1).zip(r2).zip(r3) {
                    for half in 0..2 {
                        let x = load(&q[half]);
                        sums[4 * half] = $step(sums[4 * half], x, $load(&r0[half]));
                        sums[4 * half + 1] = $step(sums[4 * half + 1], x, $load(&r1[half]));
                        sums[4 * half + 2] = $step(sums[4 * half + 2], x, $load(&r2[half]));
                        sums[4 * half + 3] = $step(sums[4 * half + 3], x, $load(&r3[half]));
                    }
                }
                for ((((x, r0), r1), r2), r3) in q_one.iter().zip(o0).zip(o1).zip(o2).zip(o3) {
                    let x = load(x);
                    sums[0] = $step(sums[0], x, $load(r0));
                    sums[1] = $step(sums[1], x, $load(r1));
                    sums[2] = $step(sums[2], x, $load(r2));
                    sums[3] = $step(sums[3], x, $load(r3));
                }
                if whole < length {
                    let x = rest(&a[whole..length]);
                    for lane in 0..4 {
                        sums[lane] = $step(sums[lane], x, $rest(&rows[lane][whole..length]));
                    }
                }
                let mut out = [0.0; 4];
                for lane in 0..4 {
                    out[lane] = reduce(_mm256_add_ps(sums[lane], sums[lane + 4]));
                }
                out
            }
        }
    };
}

four!(l2_4, l2_step, f32, load, rest);
four!(dot_4, dot_step, f32, load, rest);
four!(l1_4, l1_step, f32, load, rest);
four!(l2_f16_4, l2_step, F16, load_f16, rest_f16);
four!(dot_f16_4, dot_step, F16, load_f16, rest_f16);
four!(l1_f16_4, l1_step, F16, load_f16, rest_f16);

compiled! {
    fn products(a: &[f32], b: &[f32]) -> [f32; 3] {
        let length = a.len().min(b.len());
        let (x, x_rest) = a[..length].as_chunks::<8>();
        let (y, y_rest) = b[..length].as_chunks::<8>();
        let mut sums = [_mm256_setzero_ps(); 3];
        for (x, y) in x.iter().zip(y) {
            let (x, y) = (load(x), load(y));
            sums[0] = dot_step(sums[0], x, y);
            sums[1] = dot_step(sums[1], x, x);
            sums[2] = dot_step(sums[2], y, y);
        }
        if !x_rest.is_empty() {
            let (x, y) = (rest(x_rest), rest(y_rest));
            sums[0] = dot_step(sums[0], x, y);
            sums[1] = dot_step(sums[1], x, x);
            sums[2] = dot_step(sums[2], y, y);
        }
        let [ab, aa, bb] = sums;
        [reduce(ab), reduce(aa), reduce(bb)]
    }

    fn dot_tile(a: [&[f32]; 4], b: [&[f32]; 4]) -> [[f32; 4]; 4] {
        // Sixteen registers hold a tile of two by four and its operands, not one of four by four.
        let [a0, a1, a2, a3] = a;
        let [top, bottom] = [[a0, a1], [a2, a3]].map(|pair| half_tile(pair, b));
        [top[0], top[1], bottom[0], bottom[1]]
    }

    fn half_tile(a: [&[f32]; 2], b: [&[f32]; 4]) -> [[f32; 4]; 2] {
        let length = a.iter().chain(&b).fold(usize::MAX, |least, row| least.min(row.len()));
        let whole = length / 8 * 8;
        let [l0, l1] = a.map(|row| row[..whole].as_chunks::<8>().0);
        let [r0, r1, r2, r3] = b.map(|row| row[..whole].as_chunks::<8>().0);
        let mut sums = [[_mm256_setzero_ps(); 4]; 2];
        let right = r0.iter().zip(r1).zip(r2).zip(r3);
        for ((x0, x1), (((y0, y1), y2), y3)) in l0.iter().zip(l1).zip(right) {
            let x = [load(x0), load(x1)];
            for (j, y) in [y0, y1, y2, y3].into_iter().enumerate() {
                let y = load(y);
                sums[0][j] = dot_step(sums[0][j], x[0], y);
                sums[1][j] = dot_step(sums[1][j], x[1], y);
            }
        }
        let mut out = [[0.0; 4]; 2];
        for i in 0..2 {
            let x = rest(&a[i][whole..length]);
            for j in 0..4 {
                let sum = dot_step(sums[i][j], x, rest(&b[j][whole..length]));
                out[i][j] = reduce(sum);
            }
        }
        out
    }

    fn l2_i8(a: &[i8], b: &[i8]) -> i32 {
        let length = a.len().min(b.len());
        let (x, x_rest) = a[..length].as_chunks::<16>();
        let (y, y_rest) = b[..length].as_chunks::<16>();
        let mut sum = _mm256_setzero_si256();
        for (x, y) in x.iter().zip(y) {
            let difference = _mm256_sub_epi16(load_i8(x), load_i8(y));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(difference, difference));
        }
        reduce_i32(sum) + super::Scalar.l2_i8(x_rest, y_rest)
    }

    fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
        let length = a.len().min(b.len());
        let (x, x_rest) = a[..length].as_chunks::<16>();
        let (y, y_rest) = b[..length].as_chunks::<16>();
        let mut sum = _mm256_setzero_si256();
        for (x, y) in x.iter().zip(y) {
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(load_i8(x), load_i8(y)));
        }
        reduce_i32(sum) + super::Scalar.dot_i8(x_rest, y_rest)
    }

    fn l1_i8(a: &[i8], b: &[i8]) -> i32 {
        let length = a.len().min(b.len());
        let (x, x_rest) = a[..length].as_chunks::<16>();
        let (y, y_rest) = b[..length].as_chunks::<16>();
        let mut sum = _mm256_setzero_si256();
        let one = _mm256_set1_epi16(1);
        for (x, y) in x.iter().zip(y) {
            let difference = _mm256_abs_epi16(_mm256_sub_epi16(load_i8(x), load_i8(y)));
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(difference, one));
        }
        reduce_i32(sum) + super::Scalar.l1_i8(x_rest, y_rest)
    }

    fn dot_u8i8(codes: &[u8], query: &[i8]) -> i32 {
        // `maddubs` would saturate at 16 bits.
        let length = codes.len().min(query.len());
        let (x, x_rest) = codes[..length].as_chunks::<16>();
        let (y, y_rest) = query[..length].as_chunks::<16>();
        let mut sum = _mm256_setzero_si256();
        for (x, y) in x.iter().zip(y) {
            sum = _mm256_add_epi32(sum, _mm256_madd_epi16(load_u8(x), load_i8(y)));
        }
        reduce_i32(sum) + super::Scalar.dot_u8i8(x_rest, y_rest)
    }

    fn dot_u8i8_4(codes: [&[u8]; 4], query: &[i8]) -> [i32; 4] {
        let mut out = [0; 4];
        for (out, codes) in out.iter_mut().zip(codes) {
            *out = dot_u8i8(codes, query);
        }
        out
    }

    /// The sum of products of bytes, of which no two exceed 16 bits.
    fn add_bytes(sum: __m256i, codes: __m256i, query: __m256i) -> __m256i {
        let pairs = _mm256_maddubs_epi16(codes, query);
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }

    fn load_query(a: &[i8; 32]) -> __m256i {
        // SAFETY: the array has exactly the 32 bytes that are read.
        unsafe { _mm256_loadu_si256(a.as_ptr().cast()) }
    }

    /// Adds the products of 64 bits and numbers: each byte is put where its bits are asked for.
    fn step_1(sum: __m256i, codes: &[u8; 8], query: &[i8; 64]) -> __m256i {
        let places = _mm256_setr_epi64x(
            0,
            0x0101_0101_0101_0101,
            0x0202_0202_0202_0202,
            0x0303_0303_0303_0303,
        );
        let bits = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
        let (query, _) = query.as_chunks::<32>();
        let mut sum = sum;
        for (codes, query) in codes.as_chunks::<4>().0.iter().zip(query) {
            let codes = _mm256_set1_epi32(i32::from_le_bytes(*codes));
            let met = _mm256_and_si256(_mm256_shuffle_epi8(codes, places), bits);
            let met = _mm256_and_si256(_mm256_cmpeq_epi8(met, bits), _mm256_set1_epi8(1));
            sum = add_bytes(sum, met, load_query(query));
        }
        sum
    }

    /// Of 64 codes of two bits, 32 at a time: each 128 bits take theirs from the same 16 bytes.
    fn step_2(sum: __m256i, codes: &[u8; 16], query: &[i8; 64]) -> __m256i {
        let three = _mm256_set1_epi8(3);
        // SAFETY: the array has exactly the 16 bytes that are read.
        let codes = _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(codes.as_ptr().cast()) });
        let first = _mm256_srlv_epi32(codes, _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2));
        let second = _mm256_srlv_epi32(codes, _mm256_setr_epi32(4, 4, 4, 4, 6, 6, 6, 6));
        let (query, _) = query.as_chunks::<32>();
        let sum = add_bytes(sum, _mm256_and_si256(first, three), load_query(&query[0]));
        add_bytes(sum, _mm256_and_si256(second, three), load_query(&query[1]))
    }

    /// Of 64 codes of four bits.
    fn step_4(sum: __m256i, codes: &[u8; 32], query: &[i8; 64]) -> __m256i {
        let nibble = _mm256_set1_epi8(15);
        let codes = load_bytes(codes);
        let high = _mm256_srli_epi16::<4>(codes);
        let (query, _) = query.as_chunks::<32>();
        let sum = add_bytes(sum, _mm256_and_si256(codes, nibble), load_query(&query[0]));
        add_bytes(sum, _mm256_and_si256(high, nibble), load_query(&query[1]))
    }

    fn dot_packed(bits: u8, codes: &[u8], query: &[i8]) -> i32 {
        match bits {
            1 => packed_1(codes, query),
            2 => packed_2(codes, query),
            4 => packed_4(codes, query),
            _ => dot_u8i8(codes, query),
        }
    }

    fn dot_packed_4(bits: u8, codes: [&[u8]; 4], query: &[i8]) -> [i32; 4] {
        let mut out = [0; 4];
        for (out, codes) in out.iter_mut().zip(codes) {
            *out = dot_packed(bits, codes, query);
        }
        out
    }
}

/// Products of packed codes, 64 at a time.
macro_rules! packed {
    ($name:ident, $bytes:literal, $step:ident) => {
        compiled! {
            fn $name(codes: &[u8], query: &[i8]) -> i32 {
                let (query, _) = query.as_chunks::<64>();
                let (whole, rest) = codes.as_chunks::<$bytes>();
                let mut sum = _mm256_setzero_si256();
                for (codes, query) in whole.iter().zip(query) {
                    sum = $step(sum, codes, query);
                }
                if let Some(query) = query.get(whole.len()) && !rest.is_empty() {
                    let mut padded = [0; $bytes];
                    for (to, from) in padded.iter_mut().zip(rest) {
                        *to = *from;
                    }
                    sum = $step(sum, &padded, query);
                }
                reduce_i32(sum)
            }
        }
    };
}

packed!(packed_1, 8, step_1);
packed!(packed_2, 16, step_2);
packed!(packed_4, 32, step_4);

compiled! {
    fn hamming(a: &[u64], b: &[u64]) -> u32 {
        // One instruction counts a word, which is as fast as tables for the lengths met here.
        a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    fn overlap(a: &[u64], b: &[u64]) -> (u32, u32) {
        let mut counts = (0, 0);
        for (a, b) in a.iter().zip(b) {
            counts.0 += (a & b).count_ones();
            counts.1 += (a | b).count_ones();
        }
        counts
    }

    fn hamming_bytes(bits: &[u8], words: &[u64]) -> u32 {
        super::scalar::hamming_bytes(bits, words)
    }

    fn overlap_bytes(bits: &[u8], words: &[u64]) -> [u32; 2] {
        super::scalar::overlap_bytes(bits, words)
    }

    fn planes(bits: &[u64], planes: &[[u64; 4]]) -> u32 {
        let mut sums = [0u32; 4];
        for (word, planes) in bits.iter().zip(planes) {
            for (sum, plane) in sums.iter_mut().zip(planes) {
                *sum += (word & plane).count_ones();
            }
        }
        sums[0] + (sums[1] << 1) + (sums[2] << 2) + (sums[3] << 3)
    }

    fn bits_by_planes(bits: &[u8], planes: &[u64]) -> [u32; 2] {
        // With an instruction that counts a word; the scalar twin has none.
        super::scalar::bits_by_planes(bits, planes)
    }

    fn scan_4bit(tables: &[u8], block: &[u8], sums: &mut [u16; 32]) {
        // Two parts at a time, one in each 128 bits: a shuffle is sixteen look-ups in each.
        let (tables, _) = tables.as_chunks::<32>();
        let (parts, _) = block.as_chunks::<32>();
        let nibble = _mm256_set1_epi8(15);
        // Sums of the even bytes carry those of the odd ones in their upper halves until the end.
        let mut even = [_mm256_setzero_si256(); 2];
        let mut odd = [_mm256_setzero_si256(); 2];
        for (table, codes) in tables.iter().zip(parts) {
            let (table, codes) = (load_bytes(table), load_bytes(codes));
            let low = _mm256_shuffle_epi8(table, _mm256_and_si256(codes, nibble));
            let high = _mm256_shuffle_epi8(
                table,
                _mm256_and_si256(_mm256_srli_epi16::<4>(codes), nibble),
            );
            even[0] = _mm256_add_epi16(even[0], low);
            odd[0] = _mm256_add_epi16(odd[0], _mm256_srli_epi16::<8>(low));
            even[1] = _mm256_add_epi16(even[1], high);
            odd[1] = _mm256_add_epi16(odd[1], _mm256_srli_epi16::<8>(high));
        }
        for half in 0..2 {
            let evens = _mm256_sub_epi16(even[half], _mm256_slli_epi16::<8>(odd[half]));
            let evens = fold(evens);
            let odds = fold(odd[half]);
            for (at, (even, odd)) in evens.iter().zip(&odds).enumerate() {
                sums[half * 16 + 2 * at] = *even;
                sums[half * 16 + 2 * at + 1] = *odd;
            }
        }
    }

    /// The sum of the two 128-bit parts.
    fn fold(a: __m256i) -> [u16; 8] {
        let half = _mm_add_epi16(_mm256_castsi256_si128(a), _mm256_extracti128_si256::<1>(a));
        let mut out = [0u16; 8];
        // SAFETY: the array has exactly the 16 bytes that are written.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), half) };
        out
    }

    fn hadamard(vector: &mut [f32]) {
        if vector.len() < 8 {
            return super::scalar::hadamard(vector);
        }
        // Pairs within a register first: what is beside an element, and itself with its sign.
        let s1 = load(&[1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0]);
        let s2 = load(&[1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0]);
        let s4 = load(&[1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0]);
        let (registers, _) = vector.as_chunks_mut::<8>();
        for place in registers {
            let x = load(place);
            let x = _mm256_fmadd_ps(x, s1, _mm256_permute_ps::<0b10_11_00_01>(x));
            let x = _mm256_fmadd_ps(x, s2, _mm256_permute_ps::<0b01_00_11_10>(x));
            let x = _mm256_fmadd_ps(x, s4, _mm256_permute2f128_ps::<1>(x, x));
            // SAFETY: the array has exactly the 32 bytes that are written.
            unsafe { _mm256_storeu_ps(place.as_mut_ptr(), x) };
        }
        super::scalar::hadamard_from(vector, 8);
    }
}
