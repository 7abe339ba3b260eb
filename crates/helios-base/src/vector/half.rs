//! Numbers of 16 bits, as in `halfvec`: IEEE 754 binary16.

/// A number of 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct F16(pub u16);

impl F16 {
    /// The nearest number of 16 bits; ties go to even, what is too large becomes an infinity.
    #[must_use]
    pub fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let sign = ((bits >> 16) & 0x8000) as u16;
        let magnitude = bits & 0x7fff_ffff;
        if magnitude > 0x7f80_0000 {
            // Keeps the top of the payload and stays a quiet NaN.
            return Self(sign | 0x7e00 | ((magnitude >> 13) & 0x3ff) as u16);
        }
        // 65520 is half way between the largest finite number and the next power of two.
        if magnitude >= 0x477f_f000 {
            return Self(sign | 0x7c00);
        }
        if magnitude < 0x3880_0000 {
            // Subnormal: adding 0.5 lines the bits up with a unit of 2^-24 and rounds to even.
            let shifted = f32::from_bits(magnitude) + 0.5;
            return Self(sign | (shifted.to_bits() - 0.5f32.to_bits()) as u16);
        }
        let odd = (magnitude >> 13) & 1;
        let rounded = magnitude - 0x3800_0000 + 0xfff + odd;
        Self(sign | (rounded >> 13) as u16)
    }

    /// The same number with 32 bits, which always exists.
    #[must_use]
    pub fn to_f32(self) -> f32 {
        let sign = u32::from(self.0 & 0x8000) << 16;
        let magnitude = u32::from(self.0 & 0x7fff);
        let value = if magnitude >= 0x7c00 {
            f32::from_bits(0x7f80_0000 | ((magnitude & 0x3ff) << 13))
        } else {
            // The exponent's bias differs by 112; the product also makes subnormal numbers right.
            f32::from_bits(magnitude << 13) * f32::from_bits((254 - 15) << 23)
        };
        f32::from_bits(value.to_bits() | sign)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives_the_way_out_and_back() {
        for bits in 0..=u16::MAX {
            let wide = F16(bits).to_f32();
            if wide.is_nan() {
                assert!(F16::from_f32(wide).to_f32().is_nan());
            } else {
                assert_eq!(F16::from_f32(wide), F16(bits), "{wide}");
            }
        }
    }

    #[test]
    fn rounding_is_to_nearest_even() {
        assert_eq!(F16::from_f32(1.0 + 1.0 / 2048.0).to_f32(), 1.0);
        assert_eq!(
            F16::from_f32(1.0 + 3.0 / 2048.0).to_f32(),
            1.0 + 4.0 / 2048.0
        );
        assert_eq!(F16::from_f32(65519.9).to_f32(), 65504.0);
        assert!(F16::from_f32(65520.0).to_f32().is_infinite());
        assert_eq!(F16::from_f32(2.0f32.powi(-25)).to_f32(), 0.0);
        assert_eq!(
            F16::from_f32(2.0f32.powi(-25) * 1.01).to_f32(),
            2.0f32.powi(-24)
        );
        assert_eq!(F16::from_f32(-0.0).0, 0x8000);
    }
}
