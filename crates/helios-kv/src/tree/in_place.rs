//! Few edits, made where they belong.
//!
//! A node that no older copy of the tree shares need not be copied: changing it in place saves
//! what a single edit otherwise costs most, which is making and freeing nodes. Shared nodes on the
//! way are copied once and belong to this tree alone from then on.

use std::sync::Arc;

use super::{Deletion, Edit, LEAF_BYTES, LEAF_MAX, Node, Tree, child_of};
use crate::page::{Entry, Sorted};

impl Tree {
    /// As [`Tree::apply`], for edits so few that they hardly share a leaf.
    pub fn apply_few(&mut self, edits: &[Edit<'_>], deletion: Deletion) {
        for edit in edits {
            if !self.edit(edit, deletion) {
                self.apply(std::slice::from_ref(edit), deletion);
            }
        }
    }

    /// Makes one edit if it changes one leaf and nothing above.
    fn edit(&mut self, edit: &Edit<'_>, deletion: Deletion) -> bool {
        let entry = match (edit.value, deletion) {
            (Some(value), _) => Entry::Put(value),
            (None, Deletion::Tombstone) => Entry::Tombstone,
            (None, Deletion::Nothing) => return false,
        };
        let Some(mut node) = self.root.as_mut() else {
            return false;
        };
        loop {
            match Arc::make_mut(node) {
                Node::Inner { keys, children } => {
                    let at = child_of(keys, edit.key);
                    node = &mut children[at];
                }
                Node::Leaf(page) => {
                    let (entries, bytes) = (page.len(), page.total_bytes());
                    let done = page.edit(edit.key, entry, LEAF_MAX, LEAF_BYTES);
                    self.entries = self.entries - entries + page.len();
                    self.bytes = self.bytes - bytes + page.total_bytes();
                    return done;
                }
            }
        }
    }
}
