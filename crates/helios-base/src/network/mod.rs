//! Network addresses: the values of `inet`, `cidr` and `macaddr`.

mod mac;
mod parse;
mod print;

use std::cmp::Ordering;

pub use mac::{parse_mac, write_mac};

use crate::{Error, Result, SqlState};

/// An address of a host or network, and how many of its leading bits name the network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Inet {
    six: bool,
    bits: u8,
    /// The first four bytes only, unless it is of IPv6; the others are zero.
    address: [u8; 16],
}

/// PostgreSQL's order: IPv4 first, then by network, the wider one first, then by host.
impl Ord for Inet {
    fn cmp(&self, other: &Self) -> Ordering {
        let common = self.bits.min(other.bits);
        let network = |inet: &Self| inet.masked(common).address;
        self.six
            .cmp(&other.six)
            .then_with(|| network(self).cmp(&network(other)))
            .then_with(|| self.bits.cmp(&other.bits))
            .then_with(|| self.address.cmp(&other.address))
    }
}

impl PartialOrd for Inet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Inet {
    /// An address; `None` if there are more bits than it has.
    #[must_use]
    pub fn new(six: bool, bits: u8, address: [u8; 16]) -> Option<Self> {
        let fits = six || address.iter().skip(4).all(|byte| *byte == 0);
        let inet = Self { six, bits, address };
        (fits && bits <= inet.width()).then_some(inet)
    }

    /// Reads an `inet`, or a `cidr`, whose host part must be zero.
    ///
    /// # Errors
    /// 22P02 for anything else.
    pub fn parse(text: &str, cidr: bool) -> Result<Self> {
        let ty = if cidr { "cidr" } else { "inet" };
        let invalid = |message: String| Error::new(SqlState::INVALID_TEXT_REPRESENTATION, message);
        let inet = parse::parse(text, cidr)
            .ok_or_else(|| invalid(format!("invalid input syntax for type {ty}: \"{text}\"")))?;
        if cidr && !inet.is_network() {
            return Err(invalid(format!("invalid cidr value: \"{text}\""))
                .with_detail("Value has bits set to right of mask."));
        }
        Ok(inet)
    }

    /// Appends the address, and how many bits are the network's unless all are and `cidr` is false.
    pub fn write(&self, cidr: bool, out: &mut String) {
        print::address(self, out);
        if cidr || self.bits != self.width() {
            out.push('/');
            out.push_str(&self.bits.to_string());
        }
    }

    /// Appends the network without the octets or groups that are none of it, and its length:
    /// `10.1/16`, `2001:db8/32`.
    pub fn write_network(&self, out: &mut String) {
        print::network(self, out);
        out.push('/');
        out.push_str(&self.bits.to_string());
    }

    /// Whether it is of IPv6.
    #[must_use]
    pub const fn is_six(&self) -> bool {
        self.six
    }

    /// How many leading bits name the network.
    #[must_use]
    pub const fn bits(&self) -> u8 {
        self.bits
    }

    /// The address: four bytes or sixteen.
    #[must_use]
    pub fn address(&self) -> &[u8] {
        let length = if self.six { 16 } else { 4 };
        self.address.get(..length).unwrap_or(&self.address)
    }

    /// How many bits an address of this family has.
    #[must_use]
    pub const fn width(&self) -> u8 {
        if self.six { 128 } else { 32 }
    }

    /// Whether no bit after the network's is set.
    #[must_use]
    pub fn is_network(&self) -> bool {
        self.masked(self.bits).address == self.address
    }

    /// The same with other bytes; those beyond the family's are dropped.
    fn with(&self, bits: u8, byte: impl Fn(usize, u8) -> u8) -> Self {
        let length = usize::from(self.width() / 8);
        let mut address = self.address;
        for (at, slot) in address.iter_mut().enumerate().take(length) {
            *slot = byte(at, *slot);
        }
        Self {
            six: self.six,
            bits,
            address,
        }
    }

    /// The bits of a byte that are among the first `bits` of an address.
    fn mask(bits: u8, at: usize) -> u8 {
        let left = usize::from(bits).saturating_sub(at * 8).min(8);
        // Shifted in 16 bits, so that all eight may go.
        (0xFF00u16 >> left) as u8
    }

    /// The address with all but the first `bits` bits cleared.
    #[must_use]
    pub fn masked(&self, bits: u8) -> Self {
        self.with(self.bits, |at, byte| byte & Self::mask(bits, at))
    }

    /// The network that the address is in.
    #[must_use]
    pub fn network(&self) -> Self {
        self.masked(self.bits)
    }

    /// The last address of the network.
    #[must_use]
    pub fn broadcast(&self) -> Self {
        self.with(self.bits, |at, byte| byte | !Self::mask(self.bits, at))
    }

    /// The bits of the network, all set.
    #[must_use]
    pub fn netmask(&self) -> Self {
        self.with(self.width(), |at, _| Self::mask(self.bits, at))
    }

    /// The bits of the host, all set.
    #[must_use]
    pub fn hostmask(&self) -> Self {
        self.with(self.width(), |at, _| !Self::mask(self.bits, at))
    }

    /// The address alone.
    #[must_use]
    pub fn host(&self) -> Self {
        self.with(self.width(), |_, byte| byte)
    }

    /// The same with another length of the network; -1 means the whole address.
    ///
    /// # Errors
    /// 22023 for a length that the family does not have.
    pub fn with_bits(&self, bits: i32) -> Result<Self> {
        let wanted = if bits == -1 {
            Some(self.width())
        } else {
            u8::try_from(bits).ok().filter(|bits| *bits <= self.width())
        };
        match wanted {
            Some(bits) => Ok(self.with(bits, |_, byte| byte)),
            None => Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                format!("invalid mask length: {bits}"),
            )),
        }
    }

    /// Whether both are in the network of `bits` bits.
    fn shares(&self, other: &Self, bits: u8) -> bool {
        self.six == other.six && self.masked(bits).address == other.masked(bits).address
    }

    /// Whether `other` is within this network, or is it.
    #[must_use]
    pub fn contains_or_is(&self, other: &Self) -> bool {
        self.bits <= other.bits && self.shares(other, self.bits)
    }

    /// Whether `other` is within this network and smaller.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.bits < other.bits && self.shares(other, self.bits)
    }

    /// Whether one is within the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.shares(other, self.bits.min(other.bits))
    }

    /// The smallest network that both are in; `None` if they are of two families.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Option<Self> {
        if self.six != other.six {
            return None;
        }
        let most = self.bits.min(other.bits);
        let bits = (0..=most).rev().find(|bits| self.shares(other, *bits))?;
        Some(Self {
            bits,
            ..self.masked(bits)
        })
    }

    /// Every bit turned round.
    #[must_use]
    pub fn inverted(&self) -> Self {
        self.with(self.bits, |_, byte| !byte)
    }

    /// Bit by bit with another address; `None` if it is of the other family.
    #[must_use]
    pub fn combined(&self, other: &Self, with: fn(u8, u8) -> u8) -> Option<Self> {
        let byte = |at: usize| other.address.get(at).copied().unwrap_or(0);
        (self.six == other.six)
            .then(|| self.with(self.bits.max(other.bits), |at, a| with(a, byte(at))))
    }

    fn number(&self) -> u128 {
        let number = u128::from_be_bytes(self.address);
        if self.six { number } else { number >> 96 }
    }

    /// So many addresses further on.
    ///
    /// # Errors
    /// 22003 beyond the last or before the first address.
    pub fn plus(&self, count: i64) -> Result<Self> {
        let sum = self.number().checked_add_signed(i128::from(count));
        let sum = match sum {
            Some(sum) if self.six => Some(sum),
            Some(sum) => u32::try_from(sum).ok().map(|sum| u128::from(sum) << 96),
            None => None,
        };
        let address = sum.ok_or_else(out_of_range)?.to_be_bytes();
        Ok(Self {
            address,
            ..self.clone()
        })
    }

    /// How many addresses it is after `other`.
    ///
    /// # Errors
    /// 22023 for addresses of two families, 22003 for a distance beyond `bigint`.
    pub fn minus(&self, other: &Self) -> Result<i64> {
        if self.six != other.six {
            return Err(Error::new(
                SqlState::INVALID_PARAMETER_VALUE,
                "cannot subtract inet values of different sizes",
            ));
        }
        let (a, b) = (self.number(), other.number());
        let apart = i128::try_from(a.abs_diff(b)).ok();
        apart
            .map(|apart| if a < b { -apart } else { apart })
            .and_then(|apart| i64::try_from(apart).ok())
            .ok_or_else(out_of_range)
    }
}

fn out_of_range() -> Error {
    Error::new(
        SqlState::NUMERIC_VALUE_OUT_OF_RANGE,
        "result is out of range",
    )
}

#[cfg(test)]
mod tests;
