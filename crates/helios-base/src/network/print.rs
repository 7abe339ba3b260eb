//! Text output of addresses.

use std::fmt::Write;

use super::Inet;

/// Appends the address without the length of its network.
pub(super) fn address(inet: &Inet, out: &mut String) {
    let bytes = inet.address();
    if inet.is_six() {
        six(bytes, out);
    } else {
        octets(bytes, out);
    }
}

// Writing to a string cannot fail, here and below.

fn octets(bytes: &[u8], out: &mut String) {
    for (at, byte) in bytes.iter().enumerate() {
        let point = if at > 0 { "." } else { "" };
        let _ = write!(out, "{point}{byte}");
    }
}

/// Appends the octets or groups that the network reaches into, at least one octet or two groups;
/// even a single group of zero is `::`.
pub(super) fn network(inet: &Inet, out: &mut String) {
    let bits = usize::from(inet.bits());
    if !inet.is_six() {
        let count = bits.div_ceil(8).max(1);
        return octets(inet.address().get(..count).unwrap_or_default(), out);
    }
    let mut groups = groups(inet.address());
    groups.truncate(bits.div_ceil(16).max(2));
    let (start, length) = longest_zeros(&groups);
    let four_inside = start == 0
        && (length == 6 && groups.len() > 6
            || length == 7 && groups.len() > 7 && groups.last() != Some(&1)
            || length == 5 && groups.get(5) == Some(&0xFFFF));
    let last = groups.len() - 1;
    for (at, group) in groups.iter().enumerate() {
        if (start..start + length).contains(&at) {
            if at == start {
                out.push(':');
            }
            if at == last {
                out.push(':');
            }
            continue;
        }
        if at > 0 {
            out.push(if four_inside && at == 7 { '.' } else { ':' });
        }
        if four_inside && at > 5 {
            let pair = group.to_be_bytes();
            // The last octet may be none of the network.
            let count = if at == 7 && bits <= 120 { 1 } else { 2 };
            octets(pair.get(..count).unwrap_or_default(), out);
        } else {
            let _ = write!(out, "{group:x}");
        }
    }
}

/// An address of IPv6 as its groups of two bytes.
fn groups(bytes: &[u8]) -> Vec<u16> {
    bytes
        .chunks_exact(2)
        .map(|pair| {
            pair.iter()
                .fold(0, |group, byte| group << 8 | u16::from(*byte))
        })
        .collect()
}

/// The longest run of groups of zero, the first of several, is `::`; addresses that are of IPv4 at
/// heart show their last four octets.
fn six(bytes: &[u8], out: &mut String) {
    let groups = groups(bytes);
    let (start, length) = match longest_zeros(&groups) {
        (_, ..2) => (0, 0),
        run => run,
    };
    let group = |at: usize| groups.get(at).copied().unwrap_or(0);
    let four_inside = start == 0
        && (length == 6 || length == 7 && group(7) != 1 || length == 5 && group(5) == 0xFFFF);
    let run = start..start + length;
    for at in 0..8 {
        if run.contains(&at) {
            if at == start {
                out.push(':');
            }
            continue;
        }
        if at > 0 {
            out.push(':');
        }
        if at == 6 && four_inside {
            octets(bytes.get(12..).unwrap_or_default(), out);
            return;
        }
        let _ = write!(out, "{:x}", group(at));
    }
    if run.end == 8 {
        out.push(':');
    }
}

/// Where the longest run of zeros begins and how long it is.
fn longest_zeros(groups: &[u16]) -> (usize, usize) {
    let (mut best, mut run) = ((0, 0), (0, 0));
    for (at, group) in groups.iter().enumerate() {
        if *group != 0 {
            run = (at + 1, 0);
            continue;
        }
        run.1 += 1;
        if run.1 > best.1 {
            best = run;
        }
    }
    best
}
