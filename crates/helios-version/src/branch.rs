//! Branches: a name, a parent and the point where they part.
//!
//! The record of a branch in `Meta`:
//!
//! | bytes | field | rule |
//! |---|---|---|
//! | 1 | state | 1 living, 2 dropped |
//! | varint | parent + 1 | 0 for `main` |
//! | varint | fork SCN | |
//! | varint | SCN of the creating commit | |
//! | 8 | its time | i64 LE, µs |
//! | | name | varint length, UTF-8 |
//! | | settings | varint count, pairs of texts |

use std::collections::BTreeMap;
use std::sync::Arc;

use helios_base::{BranchId, Error, Result, Scn, SqlState};

use crate::ancestry::Merges;
use crate::codec::{Reader, put_bytes, put_varint};
use crate::record::{decode_pairs, encode_pairs};
use crate::retention::Periods;

/// A branch of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its number, never reused.
    pub id: BranchId,
    /// Its name, unique among living branches.
    pub name: String,
    /// The branch it was forked from; `None` for `main`.
    pub parent: Option<BranchId>,
    /// The parent's change number it starts from.
    pub fork: Scn,
    /// The commit that created it.
    pub created: Scn,
    /// When it was created, in µs since 1970-01-01 UTC.
    pub created_at: i64,
    /// Settings of the layer above, in key order.
    pub options: Vec<(String, String)>,
}

/// A branch to create.
#[derive(Clone, Debug, Default)]
pub struct BranchSpec {
    /// Its name.
    pub name: String,
    /// The branch to fork from.
    pub parent: BranchId,
    /// The parent's change number to start from; the newest when `None`.
    pub at: Option<Scn>,
    /// Settings of the layer above.
    pub options: Vec<(String, String)>,
}

const LIVING: u8 = 1;
const DROPPED: u8 = 2;

/// A branch and the number up to which a reader sees its commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) branch: BranchId,
    pub(crate) scn: Scn,
}

/// A branch in the tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) branch: Branch,
    pub(crate) dropped: bool,
    /// The ancestors, nearest first, as a reader at or after the fork sees them.
    ancestors: Arc<[Link]>,
}

impl Node {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![if self.dropped { DROPPED } else { LIVING }];
        put_varint(
            &mut out,
            self.branch.parent.map_or(0, |id| u64::from(id.0) + 1),
        );
        put_varint(&mut out, self.branch.fork.0);
        put_varint(&mut out, self.branch.created.0);
        out.extend_from_slice(&self.branch.created_at.to_le_bytes());
        put_bytes(&mut out, self.branch.name.as_bytes());
        out.extend_from_slice(&encode_pairs(&self.branch.options));
        out
    }

    /// Reads a record; the tree fills in the ancestors.
    pub(crate) fn decode(id: BranchId, bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes, "branch record");
        let dropped = match reader.u8()? {
            LIVING => false,
            DROPPED => true,
            _ => return Err(reader.corrupt("unknown state")),
        };
        let parent = match reader.varint()? {
            0 => None,
            id => Some(BranchId(
                u32::try_from(id - 1).map_err(|_| reader.corrupt("parent is too large"))?,
            )),
        };
        if parent.is_some_and(|parent| parent >= id) {
            return Err(reader.corrupt("a branch is older than its parent"));
        }
        let fork = Scn(reader.varint()?);
        let created = Scn(reader.varint()?);
        let created_at = i64::from_le_bytes(reader.array()?);
        let name = reader.text()?;
        let options = decode_pairs(&mut reader)?;
        Ok(Self {
            branch: Branch {
                id,
                name,
                parent,
                fork,
                created,
                created_at,
                options,
            },
            dropped,
            ancestors: Arc::new([]),
        })
    }

    /// What a reader of this branch at `scn` looks through: the branch, then its ancestors.
    pub(crate) fn links(&self, scn: Scn) -> (Link, Arc<[Link]>) {
        let first = Link {
            branch: self.branch.id,
            scn,
        };
        if scn >= self.branch.fork || self.ancestors.is_empty() {
            return (first, Arc::clone(&self.ancestors));
        }
        let ancestors = self.ancestors.iter().map(|link| Link {
            branch: link.branch,
            scn: link.scn.min(scn),
        });
        (first, ancestors.collect())
    }

    /// The ancestors as seen from the fork.
    pub(crate) fn ancestors(&self) -> &[Link] {
        &self.ancestors
    }
}

/// All branches that still have keys, at one moment.
#[derive(Clone, Debug)]
pub(crate) struct BranchTree {
    nodes: BTreeMap<BranchId, Arc<Node>>,
    pub(crate) next: BranchId,
    /// What merges took in.
    pub(crate) merges: Arc<Merges>,
    /// How long tables are kept.
    pub(crate) periods: Arc<Periods>,
}

impl BranchTree {
    /// A tree of `main` alone.
    pub(crate) fn new(now: i64) -> Self {
        let mut tree = Self {
            nodes: BTreeMap::new(),
            next: BranchId(1),
            merges: Arc::default(),
            periods: Arc::default(),
        };
        tree.insert(Node {
            branch: Branch {
                id: BranchId::MAIN,
                name: "main".into(),
                parent: None,
                fork: Scn::ZERO,
                created: Scn::ZERO,
                created_at: now,
                options: Vec::new(),
            },
            dropped: false,
            ancestors: Arc::new([]),
        });
        tree
    }

    /// Adds or replaces a branch. Its parent must be there.
    pub(crate) fn insert(&mut self, mut node: Node) {
        let mut ancestors = Vec::new();
        if let Some(parent) = node.branch.parent.and_then(|id| self.nodes.get(&id)) {
            let (first, rest) = parent.links(node.branch.fork);
            ancestors.push(first);
            ancestors.extend_from_slice(&rest);
        }
        node.ancestors = ancestors.into();
        self.next = self.next.max(BranchId(node.branch.id.0.saturating_add(1)));
        self.nodes.insert(node.branch.id, Arc::new(node));
    }

    pub(crate) fn create(&mut self, branch: Branch) -> &Node {
        let id = branch.id;
        self.insert(Node {
            branch,
            dropped: false,
            ancestors: Arc::new([]),
        });
        // Just inserted.
        &self.nodes[&id]
    }

    pub(crate) fn remove(&mut self, id: BranchId) {
        self.nodes.remove(&id);
    }

    /// The branch, dropped or not.
    pub(crate) fn any(&self, id: BranchId) -> Option<&Arc<Node>> {
        self.nodes.get(&id)
    }

    /// The living branch.
    pub(crate) fn living(&self, id: BranchId) -> Result<&Arc<Node>> {
        match self.nodes.get(&id) {
            Some(node) if !node.dropped => Ok(node),
            Some(node) => Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("branch \"{}\" does not exist", node.branch.name),
            )
            .with_detail("It was dropped.")),
            None => Err(Error::new(
                SqlState::UNDEFINED_OBJECT,
                format!("branch number {id} does not exist"),
            )),
        }
    }

    /// Refuses to drop `main`, and a branch with children besides `others`.
    pub(crate) fn check_droppable(&self, id: BranchId, others: &[BranchId]) -> Result<()> {
        let branch = &self.living(id)?.branch;
        let name = &branch.name;
        if branch.parent.is_none() {
            return Err(Error::new(
                SqlState::INSUFFICIENT_PRIVILEGE,
                format!("cannot drop branch \"{name}\""),
            )
            .with_detail("It is the root of all branches."));
        }
        let children: Vec<_> = self
            .children(id)
            .filter(|child| !child.dropped && !others.contains(&child.branch.id))
            .map(|child| {
                let child = &child.branch.name;
                format!("branch \"{child}\" depends on branch \"{name}\"")
            })
            .collect();
        if children.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            SqlState::DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot drop branch \"{name}\" because other branches depend on it"),
        )
        .with_detail(children.join("\n"))
        .with_hint("drop those branches first"))
    }

    /// The branch that a point belongs to: before its fork a branch is its parent.
    pub(crate) fn owner(&self, branch: BranchId, scn: Scn) -> BranchId {
        let mut owner = branch;
        while let Some(node) = self.any(owner)
            && let Some(parent) = node.branch.parent
            && scn < node.branch.fork
        {
            owner = parent;
        }
        owner
    }

    /// The living branch of that name.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Node>> {
        self.nodes
            .values()
            .find(|node| !node.dropped && node.branch.name == name)
    }

    /// All branches, parents before children.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<Node>> {
        self.nodes.values()
    }

    /// The branches forked from `id`, dropped ones that still have keys included.
    pub(crate) fn children(&self, id: BranchId) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes
            .values()
            .filter(move |node| node.branch.parent == Some(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(id: u32, parent: u32, fork: u64) -> Branch {
        Branch {
            id: BranchId(id),
            name: format!("b{id}"),
            parent: Some(BranchId(parent)),
            fork: Scn(fork),
            created: Scn(fork + 1),
            created_at: 5,
            options: vec![("k".into(), "v".into())],
        }
    }

    // Guards the stored bytes: databases written by this version must stay readable.
    #[test]
    fn golden_bytes() {
        let mut tree = BranchTree::new(0);
        let bytes = tree.create(branch(1, 0, 300)).encode();
        assert_eq!(
            bytes,
            b"\x01\x01\xac\x02\xad\x02\x05\0\0\0\0\0\0\0\x02b1\x01\x01k\x01v"
        );
        let node = Node::decode(BranchId(1), &bytes).unwrap();
        assert_eq!(node.branch, branch(1, 0, 300));
        for cut in 0..bytes.len() {
            assert!(Node::decode(BranchId(1), &bytes[..cut]).is_err());
        }
    }

    // Guards against a grandchild seeing what its parent could not see.
    #[test]
    fn links_take_the_earlier_of_snapshot_and_fork() {
        let mut tree = BranchTree::new(0);
        tree.create(branch(1, 0, 10));
        tree.create(branch(2, 1, 5));
        let links = |id, scn| {
            let (first, rest) = tree.any(BranchId(id)).unwrap().links(Scn(scn));
            let mut links = vec![(first.branch.0, first.scn.0)];
            links.extend(rest.iter().map(|link| (link.branch.0, link.scn.0)));
            links
        };
        assert_eq!(links(1, 20), [(1, 20), (0, 10)]);
        assert_eq!(links(1, 7), [(1, 7), (0, 7)]);
        assert_eq!(links(2, 20), [(2, 20), (1, 5), (0, 5)]);
        assert_eq!(links(2, 3), [(2, 3), (1, 3), (0, 3)]);
        assert_eq!(tree.next, BranchId(3));
    }
}
