//! Versions that were replaced, as they stand in `History`.
//!
//! An entry is one version, as the commit that replaced it wrote it, or a *bundle* of up to
//! [`bundle::BUNDLE_MAX`] consecutive versions of one row, as garbage collection leaves it: mostly differences
//! to the next younger version, so that a row with a long past stays cheap to keep and to pass by.
//!
//! The key of an entry has the begin of its **oldest** version. Keys ascend as begins descend, so the
//! first entry at or behind a change number holds the version that a reader there may see, be it
//! alone or in a bundle.

mod bundle;
mod delta;
mod packer;

use helios_base::{Result, Scn};

pub(crate) use packer::Packer;

use crate::keys::Stored;

/// A version that was replaced: current from `begin` on, and no more at `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replaced<'a> {
    pub(crate) begin: Scn,
    pub(crate) end: Scn,
    /// `None`: a tombstone.
    pub(crate) row: Option<&'a [u8]>,
}

/// The youngest version of an entry that began at or before `scn`, or the gap between two; `None` if all began
/// later. A row that is kept as a difference is made in `buffer`.
///
/// Whether it still holds at `scn` is for the caller to ask. A gap has no row: there was none then.
#[inline]
pub(crate) fn at<'a>(
    oldest: Scn,
    value: &'a [u8],
    scn: Scn,
    buffer: &'a mut Vec<u8>,
) -> Result<Option<Replaced<'a>>> {
    if bundle::is_bundle(value) {
        return bundle::at(value, scn, buffer);
    }
    Ok((oldest <= scn).then_some(single(oldest, value)?))
}

/// Shows the versions of an entry, the youngest first.
pub(crate) fn each(
    oldest: Scn,
    value: &[u8],
    show: &mut dyn FnMut(Replaced<'_>) -> Result<()>,
) -> Result<()> {
    if bundle::is_bundle(value) {
        return bundle::each(oldest, value, show);
    }
    show(single(oldest, value)?)
}

/// How many versions an entry has.
pub(crate) fn count(value: &[u8]) -> Result<usize> {
    match bundle::is_bundle(value) {
        true => bundle::count(value),
        false => Ok(1),
    }
}

#[inline]
fn single(begin: Scn, value: &[u8]) -> Result<Replaced<'_>> {
    let Stored { scn: end, row } = Stored::decode(value)?;
    Ok(Replaced { begin, end, row })
}
