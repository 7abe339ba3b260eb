//! An ordered map that shares what did not change with its older copies.
//!
//! A B+ tree of reference-counted nodes that never change while shared. Applying a sorted list
//! of edits makes new nodes along the paths to the edited leaves and shares all others, so keeping
//! an old root is a snapshot, and dropping it frees exactly what nobody else uses. Many edits in
//! key order share those new nodes, down to the price of a merge of two sorted lists; few edits
//! change in place what no older copy shares.

mod in_place;

use std::sync::Arc;

use bytes::Bytes;

use crate::page::{Entry, INLINE_MAX, Page, Sorted};

/// Entries of a leaf.
const LEAF_MAX: usize = 32;
/// Bytes of a leaf, which a few long keys may exceed.
const LEAF_BYTES: usize = 4096;
/// Children of an inner node.
const FANOUT: usize = 24;

/// One change of one key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edit<'a> {
    pub key: &'a [u8],
    /// `None` deletes.
    pub value: Option<&'a [u8]>,
}

/// What a deletion leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// A tombstone, for older layers may hold the key.
    Tombstone,
    /// Nothing.
    Nothing,
}

#[derive(Clone)]
pub(crate) enum Node {
    Leaf(Page),
    Inner {
        /// A key before each child but the first: at or below all in it, above all before it.
        keys: Arc<Page>,
        children: Vec<Arc<Node>>,
    },
}

/// A node that takes the place of another one, or follows such a one.
struct Piece {
    /// The separator before it; `None` takes that of the node it replaces.
    key: Option<Vec<u8>>,
    node: Arc<Node>,
    /// Worth joining with a neighbour.
    small: bool,
}

impl Piece {
    fn inner(key: Option<Vec<u8>>, node: Node) -> Self {
        Self {
            key,
            node: Arc::new(node),
            small: false,
        }
    }
}

/// The map. Cloning is O(1).
#[derive(Clone, Default)]
pub(crate) struct Tree {
    pub(crate) root: Option<Arc<Node>>,
    entries: usize,
    bytes: usize,
}

impl Tree {
    /// Number of entries, tombstones included.
    pub fn len(&self) -> usize {
        self.entries
    }

    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Bytes of keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// What `key` maps to: `None` if nothing is known of it, `Some(None)` for a tombstone.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<Option<Bytes>> {
        let (page, at) = self.find(key)?;
        Some(page.value(at))
    }

    /// Where the entry of `key` is: a page and its number there.
    pub fn find(&self, key: &[u8]) -> Option<(&Page, usize)> {
        let mut node = self.root.as_deref()?;
        loop {
            match node {
                Node::Leaf(page) => {
                    let (at, found) = page.search(key);
                    return found.then_some((page, at));
                }
                Node::Inner { keys, children } => node = &children[child_of(keys, key)],
            }
        }
    }

    /// The first entry from `from` on, tombstones included.
    pub fn first(&self, from: &[u8]) -> Option<(&[u8], Entry<'_>)> {
        first_of(self.root.as_deref()?, Some(from))
    }

    /// Applies `edits`, which are sorted by key without duplicates.
    pub fn apply(&mut self, edits: &[Edit<'_>], deletion: Deletion) {
        if edits.is_empty() {
            return;
        }
        let mut change = Change {
            deletion,
            pieces: Vec::with_capacity(1),
            touched: Vec::with_capacity(8),
            entries: self.entries as isize,
            bytes: self.bytes as isize,
        };
        match &self.root {
            Some(root) => change.rewrite(root, edits),
            None => change.rewrite_leaf(&Page::default(), edits),
        }
        let mut pieces = change.pieces;
        while pieces.len() > 1 {
            pieces = group(pieces);
        }
        self.root = pieces.pop().map(|piece| piece.node);
        // A root with one child is a level too many.
        while let Some(Node::Inner { children, .. }) = self.root.as_deref()
            && let [only] = children.as_slice()
        {
            self.root = Some(Arc::clone(only));
        }
        self.entries = change.entries.unsigned_abs();
        self.bytes = change.bytes.unsigned_abs();
    }
}

/// The first entry of `node` from `from` on, or the very first.
fn first_of<'n>(node: &'n Node, from: Option<&[u8]>) -> Option<(&'n [u8], Entry<'n>)> {
    match node {
        Node::Leaf(page) => {
            let at = from.map_or(0, |from| page.search(from).0);
            (at < page.len()).then(|| (page.key(at), page.entry(at)))
        }
        Node::Inner { keys, children } => {
            let at = from.map_or(0, |from| child_of(keys, from));
            let here = first_of(children.get(at)?, from);
            here.or_else(|| {
                children
                    .get(at + 1..)?
                    .iter()
                    .find_map(|c| first_of(c, None))
            })
        }
    }
}

/// The child that holds `key`.
#[inline]
pub(crate) fn child_of(keys: &Page, key: &[u8]) -> usize {
    let (at, found) = keys.search(key);
    at + usize::from(found)
}

/// The separator before child `at`; the first one has none and needs none.
fn key_before(keys: &Page, at: usize) -> &[u8] {
    at.checked_sub(1).map_or(&[], |at| keys.key(at))
}

/// One application of edits.
struct Change {
    deletion: Deletion,
    /// Nodes made for the levels below, not yet taken up by a parent.
    pieces: Vec<Piece>,
    /// Children rewritten so far of the nodes on the way down, with the number of pieces of each.
    touched: Vec<(usize, usize)>,
    entries: isize,
    bytes: isize,
}

impl Change {
    /// Puts what takes the place of `node` onto the pieces. There is at least one edit.
    fn rewrite(&mut self, node: &Node, edits: &[Edit<'_>]) {
        match node {
            Node::Leaf(page) => self.rewrite_leaf(page, edits),
            Node::Inner { keys, children } => self.rewrite_inner(keys, children, edits),
        }
    }

    fn entry<'a>(&self, edit: &Edit<'a>) -> Option<Entry<'a>> {
        match (edit.value, self.deletion) {
            (Some(value), _) => Some(Entry::Put(value)),
            (None, Deletion::Tombstone) => Some(Entry::Tombstone),
            (None, Deletion::Nothing) => None,
        }
    }

    fn rewrite_leaf(&mut self, old: &Page, edits: &[Edit<'_>]) {
        self.entries -= old.len() as isize;
        self.bytes -= old.total_bytes() as isize;
        if let [edit] = edits
            && let Some(page) = self.edit_leaf(old, edit)
        {
            return self.push_leaf(page, None);
        }
        let mut pages = Pages::new(old, edits);
        let mut copied = 0;
        for edit in edits {
            let (at, found) = search_from(old, copied, edit.key);
            pages.push_run(old, copied, at);
            copied = at + usize::from(found);
            if let Some(entry) = self.entry(edit) {
                pages.push(edit.key, entry);
            }
        }
        pages.push_run(old, copied, old.len());
        let mut first = true;
        for page in pages.finish() {
            let key = (!first).then(|| page.key(0).to_vec());
            first = false;
            self.push_leaf(page, key);
        }
    }

    /// The new leaf if one edit makes exactly one.
    fn edit_leaf(&self, old: &Page, edit: &Edit<'_>) -> Option<Page> {
        let entry = self.entry(edit)?;
        let (at, found) = old.search(edit.key);
        let next = at + usize::from(found);
        let value = edit.value.map_or(0, <[u8]>::len).min(INLINE_MAX);
        let bytes = old.inline_bytes() + edit.key.len() + value - old.run_bytes(at, next);
        let entries = old.len() + 1 - usize::from(found);
        if entries > LEAF_MAX || bytes > LEAF_BYTES {
            return None;
        }
        let mut page = Page::with_capacity(entries, bytes, old.prefix());
        page.push_run(old, 0, at);
        page.push(edit.key, entry);
        page.push_run(old, next, old.len());
        page.seal();
        Some(page)
    }

    fn push_leaf(&mut self, page: Page, key: Option<Vec<u8>>) {
        self.entries += page.len() as isize;
        self.bytes += page.total_bytes() as isize;
        self.pieces.push(Piece {
            key,
            small: page.len() < LEAF_MAX / 4,
            node: Arc::new(Node::Leaf(page)),
        });
    }

    fn rewrite_inner(&mut self, keys: &Arc<Page>, children: &[Arc<Node>], edits: &[Edit<'_>]) {
        let (first_piece, first_touched) = (self.pieces.len(), self.touched.len());
        let mut left = edits;
        let mut same_shape = true;
        while let Some(edit) = left.first() {
            let at = child_of(keys, edit.key);
            let mine = if at < keys.len() && left.len() > 1 {
                let next = keys.key(at);
                left.partition_point(|edit| edit.key < next)
            } else {
                left.len()
            };
            let (now, later) = left.split_at(mine);
            left = later;
            let before = self.pieces.len();
            self.rewrite(&children[at], now);
            let made = self.pieces.len() - before;
            same_shape &= made == 1 && !self.pieces[before].small;
            self.touched.push((at, made));
        }
        let touched = self.touched.drain(first_touched..);
        let mut pieces = self.pieces.drain(first_piece..);
        let mut copied = 0;
        if same_shape {
            // Most edits change leaves and nothing about the levels above but their pointers.
            let mut fresh = Vec::with_capacity(children.len());
            for ((at, _), piece) in touched.zip(pieces) {
                fresh.extend_from_slice(&children[copied..at]);
                fresh.push(piece.node);
                copied = at + 1;
            }
            fresh.extend_from_slice(&children[copied..]);
            let node = Node::Inner {
                keys: Arc::clone(keys),
                children: fresh,
            };
            self.pieces.push(Piece::inner(None, node));
            return;
        }
        let mut inners = Inners::new(children.len(), keys.prefix());
        for (at, made) in touched {
            inners.push_run(keys, children, copied, at);
            copied = at + 1;
            for piece in pieces.by_ref().take(made) {
                let key = piece.key.as_deref().unwrap_or_else(|| key_before(keys, at));
                inners.push(key, piece.node, piece.small);
            }
        }
        drop(pieces);
        let appends = copied == children.len();
        inners.push_run(keys, children, copied, children.len());
        inners.finish(appends, &mut self.pieces);
    }
}

/// As [`Page::search`], knowing that all before `from` is smaller.
fn search_from(page: &Page, from: usize, key: &[u8]) -> (usize, bool) {
    // Edits of a bulk load come one right after the other.
    match page.len() {
        len if from >= len => (len, false),
        _ if page.key(from) > key => (from, false),
        _ => page.search(key),
    }
}

/// Leaves under construction.
struct Pages {
    done: Vec<Page>,
    open: Page,
    /// Entries of a page before the next one begins.
    target: usize,
    room: usize,
}

impl Pages {
    fn new(old: &Page, edits: &[Edit<'_>]) -> Self {
        let most = old.len() + edits.len();
        let appends = match (old.len(), edits.first()) {
            (0, _) | (_, None) => true,
            (len, Some(edit)) => old.key(len - 1) < edit.key,
        };
        // Pages in the middle split evenly; at the end of the map they are left full behind.
        let target = if appends || most <= LEAF_MAX {
            LEAF_MAX
        } else {
            most.div_ceil(most.div_ceil(LEAF_MAX))
        };
        let added: usize = edits
            .iter()
            .take(LEAF_MAX)
            .map(|edit| edit.key.len() + edit.value.map_or(0, <[u8]>::len).min(INLINE_MAX))
            .sum();
        let room = (old.inline_bytes() + added).min(LEAF_BYTES + LEAF_BYTES / 4);
        Self {
            done: Vec::new(),
            open: Page::with_capacity(most.min(target), room, old.prefix()),
            target,
            room,
        }
    }

    fn push(&mut self, key: &[u8], entry: Entry<'_>) {
        self.turn();
        self.open.push(key, entry);
    }

    fn push_run(&mut self, old: &Page, mut from: usize, to: usize) {
        while from < to {
            self.turn();
            let mut step = (to - from).min(self.target - self.open.len());
            // A run that is too long goes one by one so that the page ends in time.
            if self.open.inline_bytes() + old.run_bytes(from, from + step) > LEAF_BYTES {
                step = 1;
            }
            self.open.push_run(old, from, from + step);
            from += step;
        }
    }

    fn turn(&mut self) {
        if self.open.len() >= self.target || self.open.inline_bytes() >= LEAF_BYTES {
            let next = Page::with_capacity(self.target, self.room, self.open.prefix());
            let mut full = std::mem::replace(&mut self.open, next);
            full.seal();
            full.shrink();
            self.done.push(full);
        }
    }

    fn finish(mut self) -> impl Iterator<Item = Page> {
        self.open.seal();
        self.open.shrink();
        let last = (!self.open.is_empty()).then_some(self.open);
        self.done.into_iter().chain(last)
    }
}

/// Children of inner nodes under construction: one long list, cut at the end.
struct Inners {
    keys: Page,
    children: Vec<Arc<Node>>,
    /// Whether the last child is new and small.
    small: bool,
}

impl Inners {
    fn new(children: usize, prefix: usize) -> Self {
        Self {
            keys: Page::with_capacity(children + 1, 0, prefix),
            children: Vec::with_capacity(children + 1),
            small: false,
        }
    }

    fn push_run(&mut self, keys: &Page, children: &[Arc<Node>], mut from: usize, to: usize) {
        if (self.small || self.children.is_empty()) && from < to {
            self.push(key_before(keys, from), Arc::clone(&children[from]), false);
            from += 1;
        }
        if from < to {
            self.keys.push_run(keys, from.saturating_sub(1), to - 1);
            self.children.extend(children[from..to].iter().cloned());
        }
    }

    fn push(&mut self, key: &[u8], node: Arc<Node>, small: bool) {
        if (small || self.small)
            && let Some(last) = self.children.last_mut()
            && let Some(joined) = join(last, &node)
        {
            *last = Arc::new(joined);
            return;
        }
        self.small = small;
        if !self.children.is_empty() {
            self.keys.push(key, Entry::Put(&[]));
        }
        self.children.push(node);
    }

    fn finish(mut self, appends: bool, out: &mut Vec<Piece>) {
        let total = self.children.len();
        if total == 0 {
            return;
        }
        let parts = total.div_ceil(FANOUT);
        let step = if appends {
            FANOUT
        } else {
            total.div_ceil(parts)
        };
        if parts == 1 {
            self.keys.seal();
            let node = Node::Inner {
                keys: Arc::new(self.keys),
                children: self.children,
            };
            return out.push(Piece::inner(None, node));
        }
        let mut children = self.children.into_iter();
        for from in (0..total).step_by(step) {
            let to = total.min(from + step);
            let mut keys = Page::with_capacity(to - from, 0, self.keys.prefix());
            keys.push_run(&self.keys, from, to - 1);
            keys.seal();
            let node = Node::Inner {
                keys: Arc::new(keys),
                children: children.by_ref().take(to - from).collect(),
            };
            let key = (from > 0).then(|| key_before(&self.keys, from).to_vec());
            out.push(Piece::inner(key, node));
        }
    }
}

/// Puts a level on top of `pieces`.
fn group(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut inners = Inners::new(pieces.len(), 0);
    for piece in pieces {
        inners.push(piece.key.as_deref().unwrap_or_default(), piece.node, false);
    }
    let mut out = Vec::new();
    inners.finish(true, &mut out);
    out
}

/// Both nodes in one, if that leaves room to grow.
fn join(left: &Node, right: &Node) -> Option<Node> {
    match (left, right) {
        (Node::Leaf(a), Node::Leaf(b))
            if a.len() + b.len() <= LEAF_MAX / 2
                && a.inline_bytes() + b.inline_bytes() <= LEAF_BYTES / 2 =>
        {
            let bytes = a.inline_bytes() + b.inline_bytes();
            let mut page = Page::with_capacity(a.len() + b.len(), bytes, a.prefix());
            page.push_run(a, 0, a.len());
            page.push_run(b, 0, b.len());
            page.seal();
            Some(Node::Leaf(page))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
