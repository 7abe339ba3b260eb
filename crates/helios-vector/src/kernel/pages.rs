//! Memory in large pages.
//!
//! A search of a graph jumps: with pages of 4 KiB nearly every vector it meets costs a walk of page
//! tables before it costs memory, and in a virtual machine each step of that walk is a walk of its
//! own. Runs of memory of [`HUGE`] bytes and more therefore begin at a multiple of that, and Linux is
//! asked to map them by pages of that size. Elsewhere, and where Linux does not grant it, this is a
//! boxed slice that begins with a line of the cache.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// The size of a large page.
pub(crate) const HUGE: usize = 2 << 20;
/// A line of the cache.
const LINE: usize = 64;

/// A slice that begins with a line of the cache, and with a large page if it is as long as one.
#[derive(Debug)]
pub(crate) struct Pages<T> {
    start: NonNull<T>,
    len: usize,
}

// SAFETY: it owns its elements, alone, as a box does.
unsafe impl<T: Send> Send for Pages<T> {}
// SAFETY: as above; a shared one gives out shared references only.
unsafe impl<T: Sync> Sync for Pages<T> {}

impl<T> Pages<T> {
    /// `len` elements, each made by `make`, of a type that needs no cleaning up.
    pub(crate) fn new(len: usize, make: impl Fn() -> T) -> Self {
        const { assert!(!std::mem::needs_drop::<T>() && size_of::<T>() > 0) };
        let Some(layout) = layout::<T>(len) else {
            let start = NonNull::dangling();
            return Self { start, len: 0 };
        };
        // SAFETY: the layout has a size, which is not zero.
        let Some(start) = NonNull::new(unsafe { alloc(layout) }.cast::<T>()) else {
            handle_alloc_error(layout)
        };
        if layout.align() == HUGE {
            advise(start.as_ptr().cast(), layout.size());
        }
        for at in 0..len {
            // SAFETY: the allocation has room for `len` elements and is aligned for them; what is
            // there is not initialized and needs no cleaning up. Should `make` panic, the memory
            // is lost, which is no harm.
            unsafe { start.as_ptr().add(at).write(make()) };
        }
        Self { start, len }
    }
}

/// What to ask memory for; nothing for nothing, and for more than there can be.
fn layout<T>(len: usize) -> Option<Layout> {
    let layout = Layout::array::<T>(len).ok()?;
    let align = if layout.size() >= HUGE { HUGE } else { LINE };
    let layout = layout.align_to(align).ok()?;
    (layout.size() > 0).then_some(layout)
}

/// Asks for large pages where none of the memory has been touched yet.
#[cfg(target_os = "linux")]
fn advise(start: *mut u8, bytes: usize) {
    // SAFETY: whole pages within one allocation of ours: it begins at a multiple of a large page,
    // and the length is rounded down to one. The advice changes no contents, and who does not
    // follow it says so by a result that does not matter.
    unsafe { libc::madvise(start.cast(), bytes / HUGE * HUGE, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_start: *mut u8, _bytes: usize) {}

impl<T> Drop for Pages<T> {
    fn drop(&mut self) {
        if let Some(layout) = layout::<T>(self.len) {
            // SAFETY: allocated by `new` with the layout of the same length.
            unsafe { dealloc(self.start.as_ptr().cast(), layout) };
        }
    }
}

impl<T> Deref for Pages<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `len` elements were written there; without any the pointer is aligned and dangles,
        // as that of an empty slice may.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T> DerefMut for Pages<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and it is borrowed for writing.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_hold_what_a_vector_holds() {
        for len in [0, 1, 15, 1000, HUGE / 4 - 1, HUGE / 4, HUGE + 12_345] {
            let mut pages = Pages::new(len, || 7u32);
            let mut twin = vec![7u32; len];
            assert_eq!(*pages, twin[..]);
            for at in (0..len).step_by(613) {
                pages[at] = at as u32;
                twin[at] = at as u32;
            }
            assert_eq!(*pages, twin[..]);
            let align = if len * 4 >= HUGE { HUGE } else { LINE };
            assert!(len == 0 || pages.as_ptr().addr() % align == 0);
        }
    }
}
