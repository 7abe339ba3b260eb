//! Rows of equal width that grow while they are read.
//!
//! A reader takes a [`View`], a few pointers, and reads rows as plain slices for as long as it likes.
//! An append publishes a new view: full chunks are shared, and of the rest only the last piece, at
//! most 64 KiB, is copied. So readers wait for nobody, rows never move under them, and no unsafe code
//! is needed for it; a row costs one copy more than in a structure that readers must not watch.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::kernel::{HUGE, Pages};

/// The size that chunks aim at: some large pages.
const CHUNK_BYTES: usize = 8 << 20;
/// Rows of no more bytes are narrow.
const NARROW: usize = 256;
/// The size that pieces of the chunk that is being filled aim at.
const PIECE_BYTES: usize = 1 << 16;
/// More pieces than these are not made at once.
const MANY_PIECES: usize = 4;
/// Rows begin at a multiple of so many bytes, a line of the cache.
const LINE: usize = 64;

/// A run of rows that never changes.
#[derive(Debug)]
struct Chunk<T> {
    /// They begin with a line of the cache.
    values: Pages<T>,
}

impl<T: Copy + Default> Chunk<T> {
    /// Room for `rows` rows.
    fn empty(shape: Shape, rows: usize) -> Self {
        let values = Pages::new(rows * shape.stride, T::default);
        Self { values }
    }

    /// Fills it from row `first` on.
    fn fill<'a>(&mut self, shape: Shape, first: usize, rows: impl Iterator<Item = &'a [T]>)
    where
        T: 'a,
    {
        let start = first * shape.stride;
        let places = self.values[start..].chunks_exact_mut(shape.stride);
        for (place, row) in places.zip(rows) {
            place[..shape.width].copy_from_slice(row);
        }
    }

    #[inline(always)]
    fn row(&self, shape: Shape, row: usize) -> &[T] {
        let start = row * shape.stride;
        self.values
            .get(start..start + shape.width)
            .unwrap_or_default()
    }
}

/// How rows lie in chunks.
#[derive(Debug, Clone, Copy)]
struct Shape {
    width: usize,
    /// From one row to the next.
    stride: usize,
    /// Binary logarithms of the rows of a chunk and of a piece.
    chunk: u32,
    piece: u32,
}

impl Shape {
    fn of<T>(width: usize) -> Self {
        let size = size_of::<T>();
        let line = LINE / size;
        // Rows are packed where padding them would cost more than it gains.
        let whole = width.next_multiple_of(line);
        let stride = match width {
            _ if width < line => width.max(1),
            _ if whole - width <= width / 8 => whole,
            _ => width.next_multiple_of(line / 4),
        };
        let fit = |bytes: usize| (bytes / (stride * size)).max(1).ilog2();
        // Of narrow rows, such as codes, millions fit into a few chunks: what is behind the full ones
        // would be most of them. Such a chunk is one large page or a little more.
        let chunk = match stride * size {
            bytes if bytes <= NARROW => HUGE.div_ceil(bytes).next_power_of_two().ilog2(),
            _ => fit(CHUNK_BYTES),
        };
        Self {
            width,
            stride,
            chunk,
            piece: fit(PIECE_BYTES).min(chunk),
        }
    }
}

/// The rows there were when it was taken.
#[derive(Debug, Clone)]
pub(crate) struct View<T> {
    shape: Shape,
    /// The last may hold fewer rows than the others; then there is none in pieces.
    full: Arc<Vec<Arc<Chunk<T>>>>,
    /// Pieces of the chunk behind the full ones.
    open: Arc<Vec<Arc<Chunk<T>>>>,
    len: usize,
}

impl<T: Copy + Default> View<T> {
    /// How many rows there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// A row; nothing if there is none of that number.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> &[T] {
        let within = row & ((1 << self.shape.chunk) - 1);
        match self.full.get(row >> self.shape.chunk) {
            Some(chunk) => chunk.row(self.shape, within),
            None => self.open_row(row),
        }
    }

    #[cold]
    fn open_row(&self, row: usize) -> &[T] {
        let from = self.full.len() << self.shape.chunk;
        let Some(row) = row.checked_sub(from) else {
            return &[];
        };
        let within = row & ((1 << self.shape.piece) - 1);
        match self.open.get(row >> self.shape.piece) {
            Some(piece) => piece.row(self.shape, within),
            None => &[],
        }
    }

    /// `count` rows of one value each from `first` on, if they lie side by side: runs of a power of two
    /// up to a thousand that begin at a multiple of their length do.
    #[inline]
    pub(crate) fn run(&self, first: usize, count: usize) -> &[T] {
        let (chunk, mask) = match self.full.get(first >> self.shape.chunk) {
            Some(chunk) => (Some(chunk), (1 << self.shape.chunk) - 1),
            None => {
                let from = self.full.len() << self.shape.chunk;
                let Some(within) = first.checked_sub(from) else {
                    return &[];
                };
                (
                    self.open.get(within >> self.shape.piece),
                    (1 << self.shape.piece) - 1,
                )
            }
        };
        let start = first & mask;
        let run = chunk.and_then(|chunk| chunk.values.get(start..start + count));
        if self.shape.stride == 1 {
            run.unwrap_or_default()
        } else {
            &[]
        }
    }

    /// The bytes it takes.
    pub(crate) fn memory(&self) -> usize {
        let chunks = self.full.iter().chain(self.open.iter());
        chunks.map(|chunk| size_of_val(&*chunk.values)).sum()
    }
}

/// Rows to which more can be added.
#[derive(Debug)]
pub(crate) struct Rows<T> {
    view: ArcSwap<View<T>>,
    writer: Mutex<()>,
}

impl<T: Copy + Default> Rows<T> {
    pub(crate) fn new(width: usize) -> Self {
        Self {
            view: ArcSwap::from_pointee(View {
                shape: Shape::of::<T>(width),
                full: Arc::default(),
                open: Arc::default(),
                len: 0,
            }),
            writer: Mutex::new(()),
        }
    }

    /// The rows as they are now.
    pub(crate) fn view(&self) -> Arc<View<T>> {
        self.view.load_full()
    }

    /// Adds rows that lie one after the other; returns the number of the first.
    pub(crate) fn append(&self, rows: &[T]) -> usize {
        let _writer = self.writer.lock();
        let old = self.view();
        let shape = old.shape;
        let width = shape.width.max(1);
        let mut rows = rows.chunks_exact(width).peekable();
        let added = rows.len();
        let (per_chunk, per_piece) = (1usize << shape.chunk, 1usize << shape.piece);
        let mut full = Arc::clone(&old.full);
        let mut open = old.open.as_ref().clone();
        if old.len < full.len() << shape.chunk {
            // The last chunk is that of a long append that ended in it: it is cut into pieces now.
            let within = old.len & (per_chunk - 1);
            if let Some(last) = Arc::make_mut(&mut full).pop() {
                for start in (0..within).step_by(per_piece) {
                    let count = per_piece.min(within - start);
                    let mut piece = Chunk::empty(shape, count);
                    let all = start..start + count;
                    piece.fill(shape, 0, all.map(|row| last.row(shape, row)));
                    open.push(Arc::new(piece));
                }
            }
        }
        let mut filled = old.len - (full.len() << shape.chunk);
        while rows.peek().is_some() {
            if filled == 0 && rows.len() >= per_chunk {
                let mut chunk = Chunk::empty(shape, per_chunk);
                chunk.fill(shape, 0, rows.by_ref().take(per_chunk));
                Arc::make_mut(&mut full).push(Arc::new(chunk));
                continue;
            }
            if filled == 0 && rows.len() > MANY_PIECES * per_piece {
                // Who adds so many at once may add no more: a way into one chunk is shorter.
                let mut chunk = Chunk::empty(shape, rows.len());
                chunk.fill(shape, 0, rows.by_ref());
                Arc::make_mut(&mut full).push(Arc::new(chunk));
                break;
            }
            let begun = filled % per_piece;
            let more = rows.len().min(per_piece - begun);
            let mut piece = Chunk::empty(shape, begun + more);
            if begun > 0
                && let Some(before) = open.pop()
            {
                piece.fill(shape, 0, (0..begun).map(|row| before.row(shape, row)));
            }
            piece.fill(shape, begun, rows.by_ref().take(more));
            open.push(Arc::new(piece));
            filled += more;
            if filled == per_chunk {
                let mut chunk = Chunk::empty(shape, per_chunk);
                for (at, piece) in open.iter().enumerate() {
                    let all = (0..per_piece).map(|row| piece.row(shape, row));
                    chunk.fill(shape, at * per_piece, all);
                }
                Arc::make_mut(&mut full).push(Arc::new(chunk));
                open.clear();
                filled = 0;
            }
        }
        self.view.store(Arc::new(View {
            shape,
            full,
            open: Arc::new(open),
            len: old.len + added,
        }));
        old.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_what_they_were() {
        for width in [1, 3, 16, 17, 384, 20_000] {
            let rows = Rows::<f32>::new(width);
            let mut rng = crate::rng::Rng::new(width as u64);
            let mut total = 0;
            let early = rows.view();
            for round in 0..20 {
                let most = match round % 5 {
                    // More than a chunk at once.
                    4 if width == 384 => 10_000,
                    4 if width < 384 => 700_000 / width,
                    _ if width < 100 => 3000,
                    _ => 40,
                };
                let count = rng.below(most);
                let batch: Vec<f32> = (total..total + count)
                    .flat_map(|row| std::iter::repeat_n(row as f32, width))
                    .collect();
                assert_eq!(rows.append(&batch), total);
                total += count;
                let view = rows.view();
                assert_eq!(view.len(), total);
                if width == 1 {
                    for first in (0..total / 32).map(|run| run * 32) {
                        let meant: Vec<f32> = (first..first + 32).map(|row| row as f32).collect();
                        assert_eq!(view.run(first, 32), meant);
                    }
                }
                for _ in 0..100.min(total) {
                    let row = rng.below(total);
                    assert_eq!(view.row(row).len(), width);
                    assert!(view.row(row).iter().all(|value| *value == row as f32));
                }
                assert!(view.row(total).len() < width || view.row(total).iter().all(|v| *v == 0.0));
            }
            assert_eq!(early.len(), 0);
            assert!(early.row(0).is_empty());
        }
    }
}
