//! Kernels for AVX-512 with the byte and bit instructions of Ice Lake, Zen 4 and later.
//!
//! Earlier processors with AVX-512 lack those and clock down for 512 bits: they run [`super::avx2`].

use std::arch::x86_64::*;

use super::{Kernels, forward, forward_all};
use helios_base::F16;

/// Kernels for AVX-512; exists only where the processor has it.
#[derive(Debug)]
pub(super) struct Avx512(());

static AVX512: Avx512 = Avx512(());

impl Avx512 {
    pub(super) fn detect() -> Option<&'static dyn Kernels> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vnni")
            && is_x86_feature_detected!("avx512vpopcntdq")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("popcnt"))
        .then_some(&AVX512 as &dyn Kernels)
    }
}

forward_all! { Avx512, "avx512" }

/// Functions compiled for this instruction set.
macro_rules! compiled {
    ($($(#[$note:meta])* fn $name:ident($($argument:ident: $of:ty),* $(,)?) $(-> $result:ty)? $body:block)*) => {
        $(
            $(#[$note])*
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vpopcntdq,avx2,fma,popcnt")]
            fn $name($($argument: $of),*) $(-> $result)? $body
        )*
    };
}

compiled! {
    fn load(a: &[f32; 16]) -> __m512 {
        // SAFETY: the array has exactly the 64 bytes that are read; no alignment is asked for.
        unsafe { _mm512_loadu_ps(a.as_ptr()) }
    }

    fn load_bytes(a: &[u8; 64]) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_loadu_si512(a.as_ptr().cast()) }
    }

    fn load_i8(a: &[i8; 32]) -> __m512i {
        // SAFETY: the array has exactly the 32 bytes that are read.
        _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(a.as_ptr().cast()) })
    }

    fn load_query(a: &[i8; 64]) -> __m512i {
        // SAFETY: as for `load_bytes`.
        unsafe { _mm512_loadu_si512(a.as_ptr().cast()) }
    }

    fn load_words(a: &[u64; 8]) -> __m512i {
        // SAFETY: as for `load_bytes`.
        unsafe { _mm512_loadu_si512(a.as_ptr().cast()) }
    }

    fn load_f16(a: &[F16; 16]) -> __m512 {
        // SAFETY: the array has exactly the 32 bytes that are read, and `F16` is a `u16`.
        _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(a.as_ptr().cast()) })
    }

    /// The rest of a slice, shorter than a register; zeros behind it.
    fn rest(a: &[f32]) -> __m512 {
        let mask = (1u32 << a.len().min(15)) - 1;
        // SAFETY: lanes that the mask leaves out are not read, and it has a bit for each element
        // that is there. Beside a copy into an array it saves a call for every odd length.
        unsafe { _mm512_maskz_loadu_ps(mask as __mmask16, a.as_ptr()) }
    }

    fn rest_f16(a: &[F16]) -> __m512 {
        let mut padded = [F16(0); 16];
        for (to, from) in padded.iter_mut().zip(a) {
            *to = *from;
        }
        load_f16(&padded)
    }

    /// The sums of four registers: transposed as they are added, they need half the shuffles. Adds in
    /// the order of `_mm512_reduce_add_ps`.
    fn reduce_4(sums: [__m512; 4]) -> [f32; 4] {
        let [a, b, c, d] = sums.map(|sum| {
            let sum =
                _mm256_add_ps(_mm512_castps512_ps256(sum), _mm512_extractf32x8_ps::<1>(sum));
            _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum))
        });
        let ab = _mm_add_ps(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
        let cd = _mm_add_ps(_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
        let all = _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
        let mut out = [0.0; 4];
        // SAFETY: the array has exactly the 16 bytes that are written.
        unsafe { _mm_storeu_ps(out.as_mut_ptr(), all) };
        out
    }

    fn l2_step(sum: __m512, a: __m512, b: __m512) -> __m512 {
        let difference = _mm512_sub_ps(a, b);
        _mm512_fmadd_ps(difference, difference, sum)
    }

    fn dot_step(sum: __m512, a: __m512, b: __m512) -> __m512 {
        _mm512_fmadd_ps(a, b, sum)
    }

    fn l1_step(sum: __m512, a: __m512, b: __m512) -> __m512 {
        _mm512_add_ps(sum, _mm512_abs_ps(_mm512_sub_ps(a, b)))
    }
}

/// A sum over two slices, with four sums at once to hide the latency of each.
macro_rules! pair {
    ($name:ident, $step:ident, $b:ty, $load:ident, $rest:ident) => {
        compiled! {
            fn $name(a: &[f32], b: &[$b]) -> f32 {
                let length = a.len().min(b.len());
                let (a, a_rest) = a[..length].as_chunks::<16>();
                let (b, b_rest) = b[..length].as_chunks::<16>();
                let (a_fours, a_ones) = a.as_chunks::<4>();
                let (b_fours, b_ones) = b.as_chunks::<4>();
                let mut sums = [_mm512_setzero_ps(); 4];
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
                _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s0, s1), _mm512_add_ps(s2, s3)))
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
                let whole = length / 16 * 16;
                let (q, q_one) = a[..whole].as_chunks::<16>().0.as_chunks::<2>();
                let [(r0, o0), (r1, o1), (r2, o2), (r3, o3)] =
                    rows.map(|row| row[..whole].as_chunks::<16>().0.as_chunks::<2>());
                let mut sums = [_mm512_setzero_ps(); 8];
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
                let [a, b, c, d, e, f, g, h] = sums;
                reduce_4([
                    _mm512_add_ps(a, e),
                    _mm512_add_ps(b, f),
                    _mm512_add_ps(c, g),
                    _mm512_add_ps(d, h),
                ])
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
        let (x, x_rest) = a[..length].as_chunks::<16>();
        let (y, y_rest) = b[..length].as_chunks::<16>();
        let mut sums = [_mm512_setzero_ps(); 3];
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
        [_mm512_reduce_add_ps(ab), _mm512_reduce_add_ps(aa), _mm512_reduce_add_ps(bb)]
    }

    fn dot_tile(a: [&[f32]; 4], b: [&[f32]; 4]) -> [[f32; 4]; 4] {
        let length = a.iter().chain(&b).fold(usize::MAX, |least, row| least.min(row.len()));
        let whole = length / 16 * 16;
        let [l0, l1, l2, l3] = a.map(|row| row[..whole].as_chunks::<16>().0);
        let [r0, r1, r2, r3] = b.map(|row| row[..whole].as_chunks::<16>().0);
        let mut sums = [[_mm512_setzero_ps(); 4]; 4];
        let left = l0.iter().zip(l1).zip(l2).zip(l3);
        let right = r0.iter().zip(r1).zip(r2).zip(r3);
        for ((((x0, x1), x2), x3), (((y0, y1), y2), y3)) in left.zip(right) {
            let y = [load(y0), load(y1), load(y2), load(y3)];
            for (i, x) in [x0, x1, x2, x3].into_iter().enumerate() {
                let x = load(x);
                for j in 0..4 {
                    sums[i][j] = dot_step(sums[i][j], x, y[j]);
                }
            }
        }
        let mut out = [[0.0; 4]; 4];
        for i in 0..4 {
            let x = rest(&a[i][whole..length]);
            for j in 0..4 {
                let sum = dot_step(sums[i][j], x, rest(&b[j][whole..length]));
                out[i][j] = _mm512_reduce_add_ps(sum);
            }
        }
        out
    }

    fn l2_i8(a: &[i8], b: &[i8]) -> i32 {
        let length = a.len().min(b.len());
        let (x, x_rest) = a[..length].as_chunks::<32>();
        let (y, y_rest) = b[..length].as_chunks::<32>();
        let mut sum = _mm512_setzero_si512();
        for (x, y) in x.iter().zip(y) {
            let difference = _mm512_sub_epi16(load_i8(x), load_i8(y));
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(difference, difference));
        }
        _mm512_reduce_add_epi32(sum) + super::Scalar.l2_i8(x_rest, y_rest)
    }

    fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
        let length = a.len().min(b.len());
        let (x, x_rest) = a[..length].as_chunks::<32>();
        let (y, y_rest) = b[..length].as_chunks::<32>();
        let mut sum = _mm512_setzero_si512();
        for (x, y) in x.iter().zip(y) {
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(load_i8(x), load_i8(y)));
        }
        _mm512_reduce_add_epi32(sum) + super::Scalar.dot_i8(x_rest, y_rest)
    }

    fn l1_i8(a: &[i8], b: &[i8]) -> i32 {
        let length = a.len().min(b.len());
        let (x, x_rest) = a[..length].as_chunks::<32>();
        let (y, y_rest) = b[..length].as_chunks::<32>();
        let mut sum = _mm512_setzero_si512();
        let one = _mm512_set1_epi16(1);
        for (x, y) in x.iter().zip(y) {
            let difference = _mm512_abs_epi16(_mm512_sub_epi16(load_i8(x), load_i8(y)));
            sum = _mm512_add_epi32(sum, _mm512_madd_epi16(difference, one));
        }
        _mm512_reduce_add_epi32(sum) + super::Scalar.l1_i8(x_rest, y_rest)
    }

    fn dot_u8i8(codes: &[u8], query: &[i8]) -> i32 {
        let length = codes.len().min(query.len());
        let (x, x_rest) = codes[..length].as_chunks::<64>();
        let (y, y_rest) = query[..length].as_chunks::<64>();
        let mut sum = _mm512_setzero_si512();
        for (x, y) in x.iter().zip(y) {
            sum = _mm512_dpbusd_epi32(sum, load_bytes(x), load_query(y));
        }
        _mm512_reduce_add_epi32(sum) + super::Scalar.dot_u8i8(x_rest, y_rest)
    }

    fn dot_u8i8_4(codes: [&[u8]; 4], query: &[i8]) -> [i32; 4] {
        let length = codes.iter().fold(query.len(), |least, row| least.min(row.len()));
        let whole = length / 64 * 64;
        let (y, _) = query[..whole].as_chunks::<64>();
        let [r0, r1, r2, r3] = codes.map(|row| row[..whole].as_chunks::<64>().0);
        let mut sums = [_mm512_setzero_si512(); 4];
        for ((((y, r0), r1), r2), r3) in y.iter().zip(r0).zip(r1).zip(r2).zip(r3) {
            let y = load_query(y);
            sums[0] = _mm512_dpbusd_epi32(sums[0], load_bytes(r0), y);
            sums[1] = _mm512_dpbusd_epi32(sums[1], load_bytes(r1), y);
            sums[2] = _mm512_dpbusd_epi32(sums[2], load_bytes(r2), y);
            sums[3] = _mm512_dpbusd_epi32(sums[3], load_bytes(r3), y);
        }
        let mut out = [0; 4];
        for lane in 0..4 {
            out[lane] = _mm512_reduce_add_epi32(sums[lane]);
            if whole < length {
                out[lane] += super::Scalar.dot_u8i8(&codes[lane][whole..length], &query[whole..length]);
            }
        }
        out
    }
}

compiled! {
    /// Adds the products of 64 bits and numbers: a mask takes out what meets no bit.
    fn step_1(sum: __m512i, codes: &[u8; 8], query: __m512i) -> __m512i {
        let met = _mm512_maskz_mov_epi8(u64::from_le_bytes(*codes), query);
        _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), met)
    }

    /// Of 64 codes of two bits: each 128 bits take theirs from the same 16 bytes.
    fn step_2(sum: __m512i, codes: &[u8; 16], query: __m512i) -> __m512i {
        // SAFETY: the array has exactly the 16 bytes that are read.
        let codes = _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(codes.as_ptr().cast()) });
        let shifts = _mm512_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 6);
        let codes = _mm512_and_si512(_mm512_srlv_epi32(codes, shifts), _mm512_set1_epi8(3));
        _mm512_dpbusd_epi32(sum, codes, query)
    }

    /// Of 64 codes of four bits.
    fn step_4(sum: __m512i, codes: &[u8; 32], query: __m512i) -> __m512i {
        // SAFETY: the array has exactly the 32 bytes that are read.
        let codes = _mm512_broadcast_i64x4(unsafe { _mm256_loadu_si256(codes.as_ptr().cast()) });
        let shifts = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4);
        let codes = _mm512_and_si512(_mm512_srlv_epi32(codes, shifts), _mm512_set1_epi8(15));
        _mm512_dpbusd_epi32(sum, codes, query)
    }

    /// [`reduce_4`] of whole numbers.
    fn reduce_i32_4(sums: [__m512i; 4]) -> [i32; 4] {
        let [a, b, c, d] = sums.map(|sum| {
            let sum =
                _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum));
            _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum))
        });
        let all = _mm_hadd_epi32(_mm_hadd_epi32(a, b), _mm_hadd_epi32(c, d));
        let mut out = [0; 4];
        // SAFETY: the array has exactly the 16 bytes that are written.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), all) };
        out
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
        match bits {
            1 => packed_1_4(codes, query),
            2 => packed_2_4(codes, query),
            4 => packed_4_4(codes, query),
            _ => dot_u8i8_4(codes, query),
        }
    }
}

/// Products of packed codes, 64 at a time, of one row and of four, which share what the query costs
/// to load and the sums over lanes.
macro_rules! packed {
    ($one:ident, $four:ident, $bytes:literal, $step:ident) => {
        compiled! {
            fn $one(codes: &[u8], query: &[i8]) -> i32 {
                let (query, _) = query.as_chunks::<64>();
                let (whole, rest) = codes.as_chunks::<$bytes>();
                let mut sum = _mm512_setzero_si512();
                for (codes, query) in whole.iter().zip(query) {
                    sum = $step(sum, codes, load_query(query));
                }
                if let Some(query) = query.get(whole.len()) && !rest.is_empty() {
                    sum = $step(sum, &padded(rest), load_query(query));
                }
                _mm512_reduce_add_epi32(sum)
            }

            fn $four(codes: [&[u8]; 4], query: &[i8]) -> [i32; 4] {
                let length = codes.iter().fold(usize::MAX, |least, row| least.min(row.len()));
                let (query, _) = query.as_chunks::<64>();
                let rows = codes.map(|row| row[..length].as_chunks::<$bytes>());
                let [(r0, _), (r1, _), (r2, _), (r3, _)] = rows;
                let mut sums = [_mm512_setzero_si512(); 4];
                for ((((query, r0), r1), r2), r3) in query.iter().zip(r0).zip(r1).zip(r2).zip(r3) {
                    let query = load_query(query);
                    sums[0] = $step(sums[0], r0, query);
                    sums[1] = $step(sums[1], r1, query);
                    sums[2] = $step(sums[2], r2, query);
                    sums[3] = $step(sums[3], r3, query);
                }
                if let Some(query) = query.get(r0.len()) && length % $bytes != 0 {
                    let query = load_query(query);
                    for (sum, (_, rest)) in sums.iter_mut().zip(rows) {
                        *sum = $step(*sum, &padded(rest), query);
                    }
                }
                reduce_i32_4(sums)
            }
        }
    };
}

packed!(packed_1, packed_1_4, 8, step_1);
packed!(packed_2, packed_2_4, 16, step_2);
packed!(packed_4, packed_4_4, 32, step_4);

/// The rest of a row, zeros behind it.
#[inline(always)]
fn padded<const N: usize>(rest: &[u8]) -> [u8; N] {
    let mut padded = [0; N];
    for (to, from) in padded.iter_mut().zip(rest) {
        *to = *from;
    }
    padded
}

compiled! {
    fn hamming(a: &[u64], b: &[u64]) -> u32 {
        let length = a.len().min(b.len());
        let (x, x_rest) = a[..length].as_chunks::<8>();
        let (y, y_rest) = b[..length].as_chunks::<8>();
        let mut sum = _mm512_setzero_si512();
        for (x, y) in x.iter().zip(y) {
            let differ = _mm512_xor_si512(load_words(x), load_words(y));
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(differ));
        }
        if !x_rest.is_empty() {
            let differ = _mm512_xor_si512(some_words(x_rest), some_words(y_rest));
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(differ));
        }
        _mm512_reduce_add_epi64(sum) as u32
    }

    fn overlap(a: &[u64], b: &[u64]) -> (u32, u32) {
        let length = a.len().min(b.len());
        let (x, x_rest) = a[..length].as_chunks::<8>();
        let (y, y_rest) = b[..length].as_chunks::<8>();
        let (mut both, mut either) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for (x, y) in x.iter().zip(y) {
            let (x, y) = (load_words(x), load_words(y));
            both = _mm512_add_epi64(both, _mm512_popcnt_epi64(_mm512_and_si512(x, y)));
            either = _mm512_add_epi64(either, _mm512_popcnt_epi64(_mm512_or_si512(x, y)));
        }
        if !x_rest.is_empty() {
            let (x, y) = (some_words(x_rest), some_words(y_rest));
            both = _mm512_add_epi64(both, _mm512_popcnt_epi64(_mm512_and_si512(x, y)));
            either = _mm512_add_epi64(either, _mm512_popcnt_epi64(_mm512_or_si512(x, y)));
        }
        // Each fits into half a word, so one sum over the lanes does.
        let packed = _mm512_add_epi64(both, _mm512_slli_epi64::<32>(either));
        let total = _mm512_reduce_add_epi64(packed) as u64;
        (total as u32, (total >> 32) as u32)
    }

    fn hamming_bytes(bits: &[u8], words: &[u64]) -> u32 {
        let (bits, _) = bits.as_chunks::<8>();
        let length = bits.len().min(words.len());
        let (x, x_rest) = bits[..length].as_chunks::<8>();
        let (y, y_rest) = words[..length].as_chunks::<8>();
        let mut sum = _mm512_setzero_si512();
        for (x, y) in x.iter().zip(y) {
            let differ = _mm512_xor_si512(some_lying(x), load_words(y));
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(differ));
        }
        if !x_rest.is_empty() {
            let differ = _mm512_xor_si512(some_lying(x_rest), some_words(y_rest));
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(differ));
        }
        _mm512_reduce_add_epi64(sum) as u32
    }

    fn overlap_bytes(bits: &[u8], words: &[u64]) -> [u32; 2] {
        let (bits, _) = bits.as_chunks::<8>();
        let length = bits.len().min(words.len());
        let (mut both, mut either) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        // The last register, and for short rows the only one, is a part of one.
        for (x, y) in bits[..length].chunks(8).zip(words[..length].chunks(8)) {
            let (x, y) = (some_lying(x), some_words(y));
            both = _mm512_add_epi64(both, _mm512_popcnt_epi64(_mm512_and_si512(x, y)));
            either = _mm512_add_epi64(either, _mm512_popcnt_epi64(_mm512_or_si512(x, y)));
        }
        // Each fits into half a word, so one sum over the lanes does.
        let packed = _mm512_add_epi64(both, _mm512_slli_epi64::<32>(either));
        let total = _mm512_reduce_add_epi64(packed) as u64;
        [total as u32, (total >> 32) as u32]
    }

    /// Up to eight words that lie in bytes, zeros behind them.
    fn some_lying(a: &[[u8; 8]]) -> __m512i {
        let mask = (1u32 << a.len().min(8)) - 1;
        // SAFETY: as for `some_words`; no alignment is asked for.
        unsafe { _mm512_maskz_loadu_epi64(mask as __mmask8, a.as_ptr().cast()) }
    }

    fn planes(bits: &[u64], planes: &[[u64; 4]]) -> u32 {
        // Two words of bits meet eight words of planes.
        let length = bits.len().min(planes.len());
        let (words, words_rest) = bits[..length].as_chunks::<2>();
        let (pairs, pairs_rest) = planes[..length].as_chunks::<2>();
        let weights = _mm512_setr_epi64(0, 1, 2, 3, 0, 1, 2, 3);
        let mut sum = _mm512_setzero_si512();
        for (word, pair) in words.iter().zip(pairs) {
            let [a, b] = word.map(|word| word as i64);
            let x = _mm512_setr_epi64(a, a, a, a, b, b, b, b);
            let [p, q] = pair;
            let y = load_words(&[p[0], p[1], p[2], p[3], q[0], q[1], q[2], q[3]]);
            sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_and_si512(x, y)));
        }
        let sum = _mm512_sllv_epi64(sum, weights);
        _mm512_reduce_add_epi64(sum) as u32 + super::Scalar.planes(words_rest, pairs_rest)
    }

    fn bits_by_planes(bits: &[u8], planes: &[u64]) -> [u32; 2] {
        let (words, _) = bits.as_chunks::<8>();
        let width = words.len().min(planes.len() / 4);
        let (words, _) = words[..width].as_flattened().as_chunks::<64>();
        let mut sums = [_mm512_setzero_si512(); 5];
        for (at, word) in words.iter().enumerate() {
            let x = load_bytes(word);
            sums[4] = _mm512_add_epi64(sums[4], _mm512_popcnt_epi64(x));
            for (plane, sum) in sums[..4].iter_mut().enumerate() {
                let start = plane * width + at * 8;
                let y = some_words(&planes[start..start + 8]);
                let both = _mm512_popcnt_epi64(_mm512_and_si512(x, y));
                *sum = _mm512_add_epi64(*sum, both);
            }
        }
        let done = words.len() * 8;
        if done < width {
            let x = some_bytes(&bits[done * 8..width * 8]);
            sums[4] = _mm512_add_epi64(sums[4], _mm512_popcnt_epi64(x));
            for (plane, sum) in sums[..4].iter_mut().enumerate() {
                let y = some_words(&planes[plane * width + done..(plane + 1) * width]);
                let both = _mm512_popcnt_epi64(_mm512_and_si512(x, y));
                *sum = _mm512_add_epi64(*sum, both);
            }
        }
        let [a, b, c, d, ones] = sums;
        let low = _mm512_add_epi64(a, _mm512_slli_epi64::<1>(b));
        let high = _mm512_add_epi64(c, _mm512_slli_epi64::<1>(d));
        let product = _mm512_add_epi64(low, _mm512_slli_epi64::<2>(high));
        // Both fit into half a word each, so one sum over the lanes does.
        let packed = _mm512_add_epi64(product, _mm512_slli_epi64::<32>(ones));
        let total = _mm512_reduce_add_epi64(packed) as u64;
        [total as u32, (total >> 32) as u32]
    }

    /// Up to eight words, zeros behind them.
    fn some_words(a: &[u64]) -> __m512i {
        let mask = (1u32 << a.len().min(8)) - 1;
        // SAFETY: lanes that the mask leaves out are not read, and it has a bit for each element
        // that is there. Of 384 bits the last two thirds of a register are such a rest.
        unsafe { _mm512_maskz_loadu_epi64(mask as __mmask8, a.as_ptr().cast()) }
    }

    /// Up to 64 bytes, zeros behind them.
    fn some_bytes(a: &[u8]) -> __m512i {
        let mask = if a.len() >= 64 { u64::MAX } else { (1u64 << a.len()) - 1 };
        // SAFETY: as above.
        unsafe { _mm512_maskz_loadu_epi8(mask, a.as_ptr().cast()) }
    }

    fn scan_4bit(tables: &[u8], block: &[u8], sums: &mut [u16; 32]) {
        // Four parts at a time, one in each 128 bits: a shuffle is sixteen look-ups in each.
        let (tables, _) = tables.as_chunks::<64>();
        let (parts, _) = block.as_chunks::<64>();
        let nibble = _mm512_set1_epi8(15);
        // Sums of the even bytes carry those of the odd ones in their upper halves until the end.
        let mut even = [_mm512_setzero_si512(); 2];
        let mut odd = [_mm512_setzero_si512(); 2];
        for (table, codes) in tables.iter().zip(parts) {
            let (table, codes) = (load_bytes(table), load_bytes(codes));
            let low = _mm512_shuffle_epi8(table, _mm512_and_si512(codes, nibble));
            let high = _mm512_shuffle_epi8(
                table,
                _mm512_and_si512(_mm512_srli_epi16::<4>(codes), nibble),
            );
            even[0] = _mm512_add_epi16(even[0], low);
            odd[0] = _mm512_add_epi16(odd[0], _mm512_srli_epi16::<8>(low));
            even[1] = _mm512_add_epi16(even[1], high);
            odd[1] = _mm512_add_epi16(odd[1], _mm512_srli_epi16::<8>(high));
        }
        for half in 0..2 {
            let evens = _mm512_sub_epi16(even[half], _mm512_slli_epi16::<8>(odd[half]));
            let evens = fold(evens);
            let odds = fold(odd[half]);
            for (at, (even, odd)) in evens.iter().zip(&odds).enumerate() {
                sums[half * 16 + 2 * at] = *even;
                sums[half * 16 + 2 * at + 1] = *odd;
            }
        }
    }

    /// The sum of the four 128-bit parts.
    fn fold(a: __m512i) -> [u16; 8] {
        let half = _mm256_add_epi16(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64::<1>(a));
        let quarter = _mm_add_epi16(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
        let mut out = [0u16; 8];
        // SAFETY: the array has exactly the 16 bytes that are written.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), quarter) };
        out
    }

    fn hadamard(vector: &mut [f32]) {
        if vector.len() < 16 {
            return super::scalar::hadamard(vector);
        }
        // Pairs within a register first: what is beside an element, and itself with its sign.
        let signs = |distance: u32| -> __m512 {
            let sign = |lane: u32| if lane & distance == 0 { 1.0f32 } else { -1.0 };
            load(&std::array::from_fn(|lane| sign(lane as u32)))
        };
        let (s1, s2, s4, s8) = (signs(1), signs(2), signs(4), signs(8));
        let (registers, _) = vector.as_chunks_mut::<16>();
        for place in registers {
            let x = load(place);
            let x = _mm512_fmadd_ps(x, s1, _mm512_permute_ps::<0b10_11_00_01>(x));
            let x = _mm512_fmadd_ps(x, s2, _mm512_permute_ps::<0b01_00_11_10>(x));
            let x = _mm512_fmadd_ps(x, s4, _mm512_shuffle_f32x4::<0b10_11_00_01>(x, x));
            let x = _mm512_fmadd_ps(x, s8, _mm512_shuffle_f32x4::<0b01_00_11_10>(x, x));
            // SAFETY: the array has exactly the 64 bytes that are written.
            unsafe { _mm512_storeu_ps(place.as_mut_ptr(), x) };
        }
        super::scalar::hadamard_from(vector, 16);
    }
}
