//! Walking over a tree in key order, either way.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use helios_base::Result;

use crate::kv::Visit;
use crate::page::{Entry, Page, Sorted};
use crate::tree::{Node, Tree, child_of};

/// A place in a tree: on an entry, or beyond the last one in the direction of the last move.
///
/// It keeps the nodes that it stands on, not the whole tree's owner.
pub(crate) struct Walk {
    root: Option<Arc<Node>>,
    /// Inner nodes from the root down, with the child taken in each.
    path: Vec<(Arc<Node>, usize)>,
    leaf: Option<Arc<Node>>,
    at: usize,
}

impl Walk {
    /// A walk over `tree` that stands nowhere yet.
    pub fn new(tree: &Tree) -> Self {
        Self {
            root: tree.root.clone(),
            path: Vec::new(),
            leaf: None,
            at: 0,
        }
    }

    fn page(&self) -> Option<&Page> {
        match self.leaf.as_deref() {
            Some(Node::Leaf(page)) => Some(page),
            _ => None,
        }
    }

    /// The entry that the walk stands on.
    #[inline]
    pub fn current(&self) -> Option<(&[u8], Entry<'_>)> {
        let page = self.page()?;
        Some((page.key(self.at), page.entry(self.at)))
    }

    /// Its key.
    #[inline]
    pub fn key(&self) -> Option<&[u8]> {
        Some(self.page()?.key(self.at))
    }

    /// Goes to the first entry at or after `key`, or to the very first.
    pub fn seek_forward(&mut self, key: Option<&[u8]>) {
        self.descend(|keys| key.map_or(0, |key| child_of(keys, key)));
        let Some(page) = self.page() else { return };
        let at = key.map_or(0, |key| page.search(key).0);
        let beyond = page.len() <= at;
        self.at = at;
        if beyond {
            self.next_leaf();
        }
    }

    /// Goes to the last entry at or before `key`, or to the very last.
    pub fn seek_backward(&mut self, key: Option<&[u8]>) {
        self.descend(|keys| key.map_or(keys.len(), |key| child_of(keys, key)));
        let Some(page) = self.page() else { return };
        self.at = match key.map(|key| page.search(key)) {
            Some((at, found)) => at + usize::from(found),
            None => page.len(),
        };
        self.retreat();
    }

    /// Stands on nothing from now on, until a seek.
    pub fn finish(&mut self) {
        self.path.clear();
        self.leaf = None;
    }

    /// Moves to the next entry.
    #[inline]
    pub fn advance(&mut self) {
        self.at += 1;
        if self.page().is_some_and(|page| self.at >= page.len()) {
            self.next_leaf();
        }
    }

    /// Moves to the entry before.
    #[inline]
    pub fn retreat(&mut self) {
        match self.at.checked_sub(1) {
            Some(at) => self.at = at,
            None => self.previous_leaf(),
        }
    }

    /// Shows the values from here on to `visit`, in the direction of the walk and not beyond `until`.
    /// Afterwards the walk stands on the entry with which `visit` broke, else on the first one
    /// beyond.
    pub fn run(
        &mut self,
        until: Bound<&[u8]>,
        reverse: bool,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>> {
        while let Some(leaf) = self.leaf.clone() {
            let Node::Leaf(page) = &*leaf else { break };
            let over = if reverse {
                let first = first_within(page, until);
                while self.at >= first {
                    if let Entry::Put(value) = page.entry(self.at)
                        && visit(page.key(self.at), value)?.is_break()
                    {
                        return Ok(ControlFlow::Break(()));
                    }
                    match self.at.checked_sub(1) {
                        Some(at) => self.at = at,
                        None => {
                            self.previous_leaf();
                            break;
                        }
                    }
                }
                first > 0
            } else {
                let end = end_within(page, until);
                while self.at < end {
                    if let Entry::Put(value) = page.entry(self.at)
                        && visit(page.key(self.at), value)?.is_break()
                    {
                        return Ok(ControlFlow::Break(()));
                    }
                    self.at += 1;
                }
                if end == page.len() {
                    self.next_leaf();
                }
                end < page.len()
            };
            if over {
                break;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Goes from the root to the leaf that `choose` leads to.
    fn descend(&mut self, choose: impl Fn(&Page) -> usize) {
        self.finish();
        let Some(mut node) = self.root.clone() else {
            return;
        };
        while let Node::Inner { keys, children } = &*node {
            let at = choose(keys);
            let child = Arc::clone(&children[at]);
            self.path.push((node, at));
            node = child;
        }
        self.leaf = Some(node);
    }

    fn next_leaf(&mut self) {
        self.at = 0;
        self.turn(|at, children| (at + 1 < children).then_some(at + 1), |_| 0);
    }

    fn previous_leaf(&mut self) {
        self.turn(|at, _| at.checked_sub(1), |children| children - 1);
        self.at = self.page().map_or(0, |page| page.len() - 1);
    }

    /// Goes up until `step` finds a neighbour, and from there down along `side`.
    fn turn(
        &mut self,
        step: impl Fn(usize, usize) -> Option<usize>,
        side: impl Fn(usize) -> usize,
    ) {
        self.leaf = None;
        while let Some((node, at)) = self.path.last_mut() {
            let Node::Inner { children, .. } = &**node else {
                return;
            };
            let Some(next) = step(*at, children.len()) else {
                self.path.pop();
                continue;
            };
            *at = next;
            let mut child = Arc::clone(&children[next]);
            while let Node::Inner { children, .. } = &*child {
                let at = side(children.len());
                let below = Arc::clone(&children[at]);
                self.path.push((child, at));
                child = below;
            }
            self.leaf = Some(child);
            return;
        }
    }
}

/// How many entries of `page` are not above `until`.
pub(crate) fn end_within(page: &impl Sorted, until: Bound<&[u8]>) -> usize {
    let Some(last) = page.len().checked_sub(1) else {
        return 0;
    };
    match until {
        Bound::Unbounded => page.len(),
        Bound::Included(key) if page.key(last) <= key => page.len(),
        Bound::Excluded(key) if page.key(last) < key => page.len(),
        Bound::Included(key) => {
            let (at, found) = page.search(key);
            at + usize::from(found)
        }
        Bound::Excluded(key) => page.search(key).0,
    }
}

/// The first entry of `page` that is not below `until`.
pub(crate) fn first_within(page: &impl Sorted, until: Bound<&[u8]>) -> usize {
    match until {
        Bound::Unbounded => 0,
        Bound::Included(key) => page.search(key).0,
        Bound::Excluded(key) => {
            let (at, found) = page.search(key);
            at + usize::from(found)
        }
    }
}
