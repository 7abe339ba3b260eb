//! For which expressions the `regex` crate finds just what PostgreSQL does.
//!
//! The crate prefers the first alternative that leads to a match; PostgreSQL the longest (or
//! shortest) match as a whole, and of its parts those to the left. Both are the same where every
//! text can be read in one way only: where at each place the next character says which part of the
//! expression it belongs to.
//!
//! They also are where only the borders between a few pieces may be drawn in several ways, and the match ends
//! with the text: of each piece by itself the crate tries the longest first, as each reads a text in one way,
//! and both give an earlier piece as much as leaves a match for the rest.

use super::node::{Assert, Node, Repeat};
use super::set::Set;

/// Whether the `regex` crate's matches and groups are PostgreSQL's.
pub(super) fn is_simple(node: &Node, insensitive: bool) -> bool {
    is_unambiguous(node, insensitive) || is_unambiguous_by_pieces(node, insensitive)
}

/// Whether each text can be read in one way only.
fn is_unambiguous(node: &Node, insensitive: bool) -> bool {
    let mut check = Check {
        insensitive,
        sound: true,
    };
    let edges = check.edges(node);
    check.sound && check.disjoint(&edges.first)
}

/// Whether groups, and what is between them, are so, each by itself, and the match ends with the text.
fn is_unambiguous_by_pieces(node: &Node, insensitive: bool) -> bool {
    let Node::Concat(nodes) = node else {
        return false;
    };
    let ends = matches!(nodes.last(), Some(Node::Assert(Assert::TextEnd)));
    let pieces = nodes.chunk_by(|a, b| !a.captures() && !b.captures());
    ends && pieces.into_iter().all(|piece| match piece {
        [one] => is_unambiguous(one, insensitive),
        several => is_unambiguous(&Node::Concat(several.to_vec()), insensitive),
    })
}

/// The sets that a part can begin and end with; those at the end with all that may follow them
/// inside the part.
struct Edges<'n> {
    first: Vec<&'n Set>,
    last: Vec<Vec<&'n Set>>,
    nullable: bool,
}

struct Check {
    insensitive: bool,
    sound: bool,
}

impl Check {
    fn disjoint(&self, sets: &[&Set]) -> bool {
        sets.iter().enumerate().all(|(at, set)| {
            sets.iter()
                .skip(at + 1)
                .all(|other| set.is_disjoint(other, self.insensitive))
        })
    }

    fn edges<'n>(&mut self, node: &'n Node) -> Edges<'n> {
        match node {
            Node::Empty | Node::Assert(_) => Edges {
                first: Vec::new(),
                last: Vec::new(),
                nullable: true,
            },
            Node::Set(set) => Edges {
                first: vec![set],
                last: vec![Vec::new()],
                nullable: false,
            },
            Node::Capture(_, inner) => self.edges(inner),
            Node::Concat(nodes) => {
                let mut whole = Edges {
                    first: Vec::new(),
                    last: Vec::new(),
                    nullable: true,
                };
                for node in nodes {
                    let next = self.edges(node);
                    self.follow(&mut whole.last, &next.first);
                    if whole.nullable {
                        whole.first.extend_from_slice(&next.first);
                    }
                    if !next.nullable {
                        whole.last.clear();
                    }
                    whole.last.extend(next.last);
                    whole.nullable &= next.nullable;
                }
                whole
            }
            Node::Alternate(nodes) => {
                let mut whole = Edges {
                    first: Vec::new(),
                    last: Vec::new(),
                    nullable: false,
                };
                for node in nodes {
                    let next = self.edges(node);
                    // An empty alternative is preferred by where it stands.
                    self.sound &= !next.nullable;
                    whole.first.extend(next.first);
                    whole.last.extend(next.last);
                }
                whole
            }
            Node::Repeat(repeat) => self.repeated(repeat),
            Node::Look { .. } | Node::Back(..) => {
                self.sound = false;
                Edges {
                    first: Vec::new(),
                    last: Vec::new(),
                    nullable: true,
                }
            }
        }
    }

    fn repeated<'n>(&mut self, repeat: &'n Repeat) -> Edges<'n> {
        let mut inner = self.edges(&repeat.node);
        // Groups inside start anew each time, which the crate's do not; one around all is set anew.
        let whole_group = match &*repeat.node {
            Node::Capture(_, inner) => !inner.captures(),
            other => !other.captures(),
        };
        self.sound &= !inner.nullable && whole_group && (repeat.greedy || repeat.fixed);
        self.sound &= repeat.max != Some(0);
        if repeat.max != Some(1) {
            let first = inner.first.clone();
            self.follow(&mut inner.last, &first);
        }
        inner.nullable |= repeat.min == 0;
        inner
    }

    /// What `next` may begin with can follow all of `last`.
    fn follow<'n>(&mut self, last: &mut [Vec<&'n Set>], next: &[&'n Set]) {
        for follows in last {
            follows.extend_from_slice(next);
            self.sound = self.sound && self.disjoint(follows);
        }
    }
}
