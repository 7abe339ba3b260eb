//! What stored forms and the protocol say of a range's ends, in one byte.
//!
//! | bit  | meaning                 |
//! |-----:|-------------------------|
//! | 0x01 | empty                   |
//! | 0x02 | lower end included      |
//! | 0x04 | upper end included      |
//! | 0x08 | lower end open          |
//! | 0x10 | upper end open          |

use super::RangeValue;

const EMPTY: u8 = 0x01;
const LOWER_INC: u8 = 0x02;
const UPPER_INC: u8 = 0x04;
const LOWER_OPEN: u8 = 0x08;
const UPPER_OPEN: u8 = 0x10;

/// What a byte of flags says.
pub(crate) struct Flags {
    pub(crate) empty: bool,
    pub(crate) inclusive: (bool, bool),
    pub(crate) lower: bool,
    pub(crate) upper: bool,
}

/// The flags of a range.
pub(crate) fn put_flags(range: &RangeValue) -> u8 {
    if range.empty {
        return EMPTY;
    }
    let (lower_open, upper_open) = range.is_open();
    let mut flags = 0;
    for (said, flag) in [
        (range.lower_inc, LOWER_INC),
        (range.upper_inc, UPPER_INC),
        (lower_open, LOWER_OPEN),
        (upper_open, UPPER_OPEN),
    ] {
        if said {
            flags |= flag;
        }
    }
    flags
}

/// What the flags say; `None` for bits that mean nothing.
pub(crate) fn take_flags(flags: u8) -> Option<Flags> {
    if flags & !(EMPTY | LOWER_INC | UPPER_INC | LOWER_OPEN | UPPER_OPEN) != 0 {
        return None;
    }
    let empty = flags & EMPTY != 0;
    Some(Flags {
        empty,
        inclusive: (flags & LOWER_INC != 0, flags & UPPER_INC != 0),
        lower: !empty && flags & LOWER_OPEN == 0,
        upper: !empty && flags & UPPER_OPEN == 0,
    })
}
