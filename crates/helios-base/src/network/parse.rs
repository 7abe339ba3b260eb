//! Text input of `inet` and `cidr`.

use super::Inet;

/// The address that is written; a `cidr` may leave out octets and the length of its network.
pub(super) fn parse(text: &str, cidr: bool) -> Option<Inet> {
    // What is longer than the longest address is none.
    if text.len() > 50 {
        return None;
    }
    if text.contains(':') {
        six(text)
    } else if cidr {
        network_four(text)
    } else {
        host_four(text)
    }
}

/// The digits after a slash, of which there must be some.
fn length(digits: &str, most: u32) -> Option<u8> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let length: u32 = plain.then(|| digits.parse().ok())??;
    (length <= most).then(|| u8::try_from(length).ok())?
}

/// Up to four octets; none may be empty but after the last point.
fn octets(text: &str) -> Option<Vec<u8>> {
    // A point at the end is passed over.
    let text = text.strip_suffix('.').unwrap_or(text);
    let octet = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<u8>().ok())?
    };
    let octets: Option<Vec<u8>> = text.split('.').map(octet).collect();
    octets.filter(|octets| octets.len() <= 4)
}

fn four(octets: &[u8], bits: u8) -> Option<Inet> {
    let mut address = [0; 16];
    for (slot, octet) in address.iter_mut().zip(octets) {
        *slot = *octet;
    }
    Inet::new(false, bits, address)
}

/// An `inet`: octets may be missing only where a length says that they do not matter.
fn host_four(text: &str) -> Option<Inet> {
    let (octets, bits) = match text.split_once('/') {
        Some((address, digits)) => (octets(address)?, length(digits, 32)?),
        None => (octets(text).filter(|octets| octets.len() == 4)?, 32),
    };
    if usize::from(bits / 8) > octets.len() {
        return None;
    }
    four(&octets, bits)
}

/// A `cidr`: without a length, that of the address's class, or of the octets that are written.
fn network_four(text: &str) -> Option<Inet> {
    let (address, digits) = match text.split_once('/') {
        Some((address, digits)) => (address, Some(digits)),
        None => (text, None),
    };
    let octets = match address.strip_prefix("0x").or(address.strip_prefix("0X")) {
        Some(hex) => hex_octets(hex)?,
        None => octets(address)?,
    };
    let bits = match digits {
        Some(digits) => length(digits, 32)?,
        None => {
            let first = octets.first().copied()?;
            let class = match first {
                240.. => 32,
                224.. => 8,
                192.. => 24,
                128.. => 16,
                _ => 8,
            };
            let written = u8::try_from(octets.len() * 8).ok()?;
            // The multicast addresses as a whole.
            match class.max(written) {
                8 if first == 224 => 4,
                bits => bits,
            }
        }
    };
    four(&octets, bits)
}

/// Octets in hexadecimal digits; a last digit alone is the upper one.
fn hex_octets(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| (1..=8).contains(&digits.len()))?;
    let octet = |pair: &[u8]| match pair {
        [high, low] => high << 4 | low,
        [high] => high << 4,
        _ => 0,
    };
    Some(digits.chunks(2).map(octet).collect())
}

/// Groups of hexadecimal digits, `::` for one or more groups of zero, and perhaps four octets last.
fn six(text: &str) -> Option<Inet> {
    let (address, bits) = match text.split_once('/') {
        Some((address, digits)) => (address, length(digits, 128)?),
        None => (text, 128),
    };
    let groups = match address.split_once("::") {
        Some((before, after)) if !after.contains("::") => {
            let (before, after) = (groups(before, false)?, groups(after, true)?);
            let missing = 8usize.checked_sub(before.len() + after.len())?;
            if missing == 0 {
                return None;
            }
            let zeros = std::iter::repeat_n(0, missing);
            before.into_iter().chain(zeros).chain(after).collect()
        }
        Some(_) => return None,
        None => groups(address, true)?,
    };
    let bytes: Vec<u8> = groups
        .iter()
        .flat_map(|group| group.to_be_bytes())
        .collect();
    Inet::new(true, bits, bytes.try_into().ok()?)
}

fn groups(text: &str, last: bool) -> Option<Vec<u16>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let mut groups = Vec::new();
    let parts: Vec<&str> = text.split(':').collect();
    for (at, part) in parts.iter().enumerate() {
        if last && at + 1 == parts.len() && part.contains('.') {
            let octets: [u8; 4] = octets(part)
                .filter(|_| !part.ends_with('.'))?
                .try_into()
                .ok()?;
            let [a, b, c, d] = octets;
            groups.extend([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
        } else {
            let plain =
                (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_hexdigit());
            groups.push(plain.then(|| u16::from_str_radix(part, 16).ok())??);
        }
    }
    Some(groups)
}
