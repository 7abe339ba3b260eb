//! A regular expression as a tree, and its greediness by PostgreSQL's rules.

use super::set::Set;

/// What holds between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assert {
    TextStart,
    TextEnd,
    LineStart,
    LineEnd,
    WordStart,
    WordEnd,
    WordEdge,
    NoWordEdge,
}

/// Which of several matches from one place is preferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preference {
    Longest,
    Shortest,
}

/// A part of a regular expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Empty,
    Set(Set),
    Assert(Assert),
    /// `(?=…)`, `(?!…)`, `(?<=…)`, `(?<!…)`
    Look {
        ahead: bool,
        negated: bool,
        inner: Box<Node>,
    },
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    /// `(…)` with its number, counted from 1.
    Capture(usize, Box<Node>),
    Repeat(Repeat),
    /// `\1`, with what the group can match at least.
    Back(usize, Box<Node>),
}

/// A quantified part.
#[derive(Clone, Debug)]
pub(super) struct Repeat {
    pub(super) node: Box<Node>,
    pub(super) min: u32,
    pub(super) max: Option<u32>,
    pub(super) greedy: bool,
    /// `{m}`: the preference is that of the part.
    pub(super) fixed: bool,
}

impl Repeat {
    /// The preference that the quantifier itself brings.
    pub(super) fn own(&self) -> Option<Preference> {
        if self.fixed {
            None
        } else if self.greedy {
            Some(Preference::Longest)
        } else {
            Some(Preference::Shortest)
        }
    }
}

impl Node {
    pub(super) fn concat(mut nodes: Vec<Self>) -> Self {
        match nodes.len() {
            0 => Self::Empty,
            1 => nodes.pop().unwrap_or(Self::Empty),
            _ => Self::Concat(nodes),
        }
    }

    /// The parts directly below.
    pub(super) fn children(&self) -> &[Self] {
        match self {
            Self::Concat(nodes) | Self::Alternate(nodes) => nodes,
            Self::Capture(_, node) | Self::Look { inner: node, .. } => std::slice::from_ref(node),
            Self::Repeat(repeat) => std::slice::from_ref(&repeat.node),
            Self::Empty | Self::Set(_) | Self::Assert(_) | Self::Back(..) => &[],
        }
    }

    pub(super) fn any(&self, test: &impl Fn(&Self) -> bool) -> bool {
        test(self) || self.children().iter().any(|child| child.any(test))
    }

    pub(super) fn captures(&self) -> bool {
        self.any(&|node| matches!(node, Self::Capture(..)))
    }

    pub(super) fn refers_back(&self) -> bool {
        self.any(&|node| matches!(node, Self::Back(..)))
    }

    /// A tree that matches all texts that this one does, without groups and constraints; anything
    /// if that would be large.
    pub(super) fn like(&self) -> Self {
        const SIZE_MAX: usize = 500;
        let mut left = SIZE_MAX;
        self.plain(&mut left).unwrap_or_else(|| {
            Self::Repeat(Repeat {
                node: Box::new(Self::Set(Set::any(false))),
                min: 0,
                max: None,
                greedy: true,
                fixed: false,
            })
        })
    }

    fn plain(&self, left: &mut usize) -> Option<Self> {
        *left = left.checked_sub(1)?;
        let mut each = |nodes: &[Self]| -> Option<Vec<Self>> {
            nodes.iter().map(|node| node.plain(left)).collect()
        };
        Some(match self {
            Self::Empty | Self::Assert(_) | Self::Look { .. } => Self::Empty,
            Self::Set(set) => Self::Set(set.clone()),
            Self::Concat(nodes) => Self::Concat(each(nodes)?),
            Self::Alternate(nodes) => Self::Alternate(each(nodes)?),
            Self::Capture(_, node) => node.plain(left)?,
            Self::Repeat(repeat) => Self::Repeat(Repeat {
                node: Box::new(repeat.node.plain(left)?),
                ..repeat.clone()
            }),
            Self::Back(_, like) => like.plain(left)?,
        })
    }

    pub(super) fn looks(&self) -> bool {
        self.any(&|node| matches!(node, Self::Look { .. }))
    }

    /// The most characters that a match can have, if there is such a number.
    pub(super) fn width(&self) -> Option<usize> {
        match self {
            Self::Empty | Self::Assert(_) | Self::Look { .. } => Some(0),
            Self::Set(_) => Some(1),
            Self::Concat(nodes) => nodes
                .iter()
                .try_fold(0_usize, |sum, node| sum.checked_add(node.width()?)),
            Self::Alternate(nodes) => nodes
                .iter()
                .try_fold(0, |most, node| node.width().map(|width| width.max(most))),
            Self::Capture(_, node) => node.width(),
            Self::Repeat(repeat) => repeat.node.width()?.checked_mul(repeat.max? as usize),
            Self::Back(..) => None,
        }
    }

    /// Writes the tree in the `regex` crate's syntax. What that has not, looking around and back
    /// references, is written as something that matches wherever the real thing does.
    pub(super) fn emit(&self, out: &mut String) {
        match self {
            Self::Empty | Self::Look { .. } => {}
            Self::Set(set) => set.emit(out),
            Self::Assert(assert) => out.push_str(match assert {
                Assert::TextStart => r"\A",
                Assert::TextEnd => r"\z",
                Assert::LineStart => "(?m:^)",
                Assert::LineEnd => "(?m:$)",
                Assert::WordStart => r"\b{start}",
                Assert::WordEnd => r"\b{end}",
                Assert::WordEdge => r"\b",
                Assert::NoWordEdge => r"\B",
            }),
            Self::Concat(nodes) => nodes.iter().for_each(|node| node.emit(out)),
            Self::Alternate(nodes) => {
                out.push_str("(?:");
                for (at, node) in nodes.iter().enumerate() {
                    if at > 0 {
                        out.push('|');
                    }
                    node.emit(out);
                }
                out.push(')');
            }
            Self::Capture(_, node) => {
                out.push('(');
                node.emit(out);
                out.push(')');
            }
            Self::Repeat(repeat) => {
                out.push_str("(?:");
                repeat.node.emit(out);
                out.push(')');
                match (repeat.min, repeat.max) {
                    (0, None) => out.push('*'),
                    (1, None) => out.push('+'),
                    (0, Some(1)) => out.push('?'),
                    (min, None) => out.push_str(&format!("{{{min},}}")),
                    (min, Some(max)) => out.push_str(&format!("{{{min},{max}}}")),
                }
                if !repeat.greedy {
                    out.push('?');
                }
            }
            Self::Back(_, like) => {
                out.push_str("(?:");
                like.emit(out);
                out.push(')');
            }
        }
    }
}
