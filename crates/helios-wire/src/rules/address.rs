//! Addresses that a rule is about.

use std::net::IpAddr;

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addresses {
    All,
    /// Those that share the first `bits` with `base`.
    Net {
        base: IpAddr,
        bits: u32,
    },
}

impl Addresses {
    /// Reads `all`, `10.0.0.0/8`, `::1/128`, or a plain address with a mask of its own.
    pub(super) fn parse(text: &str, mask: Option<&str>) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("all") {
            return match mask {
                None => Ok(Self::All),
                Some(_) => Err("\"all\" takes no mask".to_owned()),
            };
        }
        let (text, bits) = match text.split_once('/') {
            Some((text, bits)) => (text, Some(bits)),
            None => (text, None),
        };
        let base: IpAddr = text.parse().map_err(|_| {
            format!("\"{text}\" is no IP address; names of hosts are not supported")
        })?;
        let width = if base.is_ipv4() { 32 } else { 128 };
        let bits = match (bits, mask) {
            (Some(bits), None) => bits
                .parse()
                .ok()
                .filter(|bits| *bits <= width)
                .ok_or_else(|| format!("\"{bits}\" is no length of a prefix"))?,
            (None, Some(mask)) => prefix_of(mask, base)?,
            (None, None) => return Err(format!("\"{text}\" needs a mask, such as /{width}")),
            (Some(_), Some(_)) => return Err("both a prefix and a mask".to_owned()),
        };
        Ok(Self::Net { base, bits })
    }

    pub(super) fn has(self, address: IpAddr) -> bool {
        // A client of IPv4 may arrive at a socket of IPv6.
        let address = address.to_canonical();
        match self {
            Self::All => true,
            Self::Net { base, bits } => match (number(base), number(address)) {
                ((base, width), (address, same)) if width == same => {
                    bits == 0 || (base ^ address) >> (width - bits) == 0
                }
                _ => false,
            },
        }
    }

    /// Whether it is about addresses of this machine alone.
    pub(super) fn only_this_machine(self) -> bool {
        match self {
            Self::All => false,
            Self::Net { base, bits } => {
                base.is_loopback() && bits >= if base.is_ipv4() { 8 } else { 128 }
            }
        }
    }
}

/// An address as a number, and how many bits it has.
fn number(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    }
}

fn prefix_of(mask: &str, base: IpAddr) -> Result<u32, String> {
    let bad = || format!("\"{mask}\" is no mask for {base}");
    let mask: IpAddr = mask.parse().map_err(|_| bad())?;
    let ((mask, width), (_, wanted)) = (number(mask), number(base));
    let bits = mask.count_ones();
    let whole = bits == 0 || mask.trailing_zeros().min(width) == width - bits;
    match width == wanted && whole {
        true => Ok(bits),
        false => Err(bad()),
    }
}
