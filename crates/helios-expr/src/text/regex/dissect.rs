//! Which part of a match each group takes, by PostgreSQL's rules: a part further left takes the
//! longest (or, if it is not greedy, the shortest) text with which the rest can still match.
//!
//! Parts without groups are matched as a whole. What a quantified group matched last is what it
//! has; what it did not match the last time it has not.

use std::collections::HashMap;
use std::rc::Rc;

use helios_base::Result;

use super::invalid;
use super::node::{Node, Preference, Repeat};
use super::program::{Program, TooLarge};

/// Tries after which a match is given up: back references can make exponentially many.
const TRIES_MAX: usize = 5_000_000;

/// Steps that the programs of one expression may have together.
const STEPS_MAX: usize = 200_000;

/// A part of an expression with all that must be known to take a match of it apart.
#[derive(Clone, Debug)]
pub(super) struct Part {
    id: usize,
    program: Program,
    preference: Option<Preference>,
    /// Longest and shortest are both preferred somewhere below.
    mixed: bool,
    captures: bool,
    refers: bool,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Nothing inside is asked for.
    Whole,
    Pair(Box<Part>, Box<Part>),
    Either(Vec<Part>),
    Capture(usize, Box<Part>),
    Repeat {
        part: Box<Part>,
        min: usize,
        max: usize,
    },
    Back {
        group: usize,
        min: usize,
        max: usize,
    },
}

/// Makes parts of nodes.
pub(super) struct Maker {
    insensitive: bool,
    made: usize,
    steps: usize,
}

type Made = std::result::Result<Part, TooLarge>;

impl Maker {
    pub(super) fn make(root: &Node, insensitive: bool) -> Made {
        let mut maker = Self {
            insensitive,
            made: 0,
            steps: 0,
        };
        maker.part(root)
    }

    fn piece(&mut self, nodes: &[Node], preference: Option<Preference>, kind: Kind) -> Made {
        self.made += 1;
        let program = Program::new(nodes, self.insensitive)?;
        self.steps += program.len();
        if self.steps > STEPS_MAX {
            return Err(TooLarge);
        }
        Ok(Part {
            id: self.made,
            program,
            preference,
            mixed: false,
            captures: nodes.iter().any(Node::captures),
            refers: nodes.iter().any(Node::refers_back),
            kind,
        })
    }

    fn part(&mut self, node: &Node) -> Made {
        match node {
            Node::Concat(nodes) => self.branch(nodes),
            Node::Alternate(nodes) => {
                let parts = nodes
                    .iter()
                    .map(|node| self.part(node))
                    .collect::<std::result::Result<Vec<_>, _>>()?;
                let mixed = parts
                    .iter()
                    .any(|part| part.mixed || part.preference == Some(Preference::Shortest));
                let mut whole = self.piece(
                    std::slice::from_ref(node),
                    Some(Preference::Longest),
                    Kind::Whole,
                )?;
                whole.mixed = mixed;
                if whole.messy() {
                    whole.kind = Kind::Either(parts);
                }
                Ok(whole)
            }
            other => self.branch(std::slice::from_ref(other)),
        }
    }

    /// A sequence: a part without groups at its beginning, the first part that has some, the rest.
    fn branch(&mut self, nodes: &[Node]) -> Made {
        let mut preference = None;
        for (at, node) in nodes.iter().enumerate() {
            let (own, atom) = match node {
                Node::Repeat(repeat) => (repeat.own(), &*repeat.node),
                other => (None, other),
            };
            let inner = match atom {
                Node::Concat(_) | Node::Alternate(_) => Some(self.part(atom)?),
                Node::Capture(number, inner) => Some(self.group(atom, *number, inner)?),
                _ => None,
            };
            let below = inner.as_ref().and_then(|part| part.preference);
            let mixed = inner.as_ref().is_some_and(|part| part.mixed);
            let messy = mixed
                || node.captures()
                || node.refers_back()
                || clash(preference, own)
                || clash(preference, below)
                || clash(own, below);
            if !messy {
                preference = preference.or(own).or(below);
                continue;
            }
            let (before, after) = (nodes.get(..at), nodes.get(at + 1..));
            let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
            let atom = self.atom(node, inner)?;
            let rest = if after.is_empty() {
                atom
            } else {
                let after = self.branch(after)?;
                self.pair(nodes.get(at..).unwrap_or_default(), atom, after)?
            };
            if before.is_empty() {
                return Ok(rest);
            }
            let before = self.piece(before, preference, Kind::Whole)?;
            return self.pair(nodes, before, rest);
        }
        self.piece(nodes, preference, Kind::Whole)
    }

    fn pair(&mut self, nodes: &[Node], left: Part, right: Part) -> Made {
        let mut pair = self.piece(nodes, left.preference.or(right.preference), Kind::Whole)?;
        pair.mixed = left.mixed || right.mixed || clash(left.preference, right.preference);
        pair.kind = Kind::Pair(Box::new(left), Box::new(right));
        Ok(pair)
    }

    fn group(&mut self, node: &Node, number: usize, inner: &Node) -> Made {
        let part = self.part(inner)?;
        let mut group = self.piece(std::slice::from_ref(node), part.preference, Kind::Whole)?;
        group.mixed = part.mixed;
        group.kind = Kind::Capture(number, Box::new(part));
        Ok(group)
    }

    /// A part with groups, back references or preferences of both kinds, with its quantifier.
    fn atom(&mut self, node: &Node, inner: Option<Part>) -> Made {
        let nodes = std::slice::from_ref(node);
        match node {
            Node::Back(group, _) => {
                let kind = Kind::Back {
                    group: *group,
                    min: 1,
                    max: 1,
                };
                self.piece(nodes, None, kind)
            }
            Node::Repeat(repeat) => self.repeated(nodes, repeat, inner),
            _ => match inner {
                Some(part) => Ok(part),
                None => self.piece(nodes, None, Kind::Whole),
            },
        }
    }

    fn repeated(&mut self, nodes: &[Node], repeat: &Repeat, inner: Option<Part>) -> Made {
        let max = repeat.max.map_or(usize::MAX, |max| max as usize);
        let min = repeat.min as usize;
        let own = repeat.own();
        if let Node::Back(group, _) = &*repeat.node {
            let kind = Kind::Back {
                group: *group,
                min,
                max,
            };
            return self.piece(nodes, own, kind);
        }
        let Some(part) = inner else {
            return self.piece(nodes, own, Kind::Whole);
        };
        let preference = own.or(part.preference);
        let mixed = part.mixed || clash(own, part.preference);
        if (min, max) == (1, 1) && !clash(own, part.preference) && !(own.is_some() && part.mixed) {
            return Ok(part);
        }
        let mut whole = self.piece(nodes, preference, Kind::Whole)?;
        whole.mixed = mixed;
        if !part.captures && !part.refers {
            return Ok(whole);
        }
        if min > 0 && !part.refers {
            // Only the last one's groups are asked for: those before are one part.
            let before = Node::Repeat(Repeat {
                min: repeat.min - 1,
                max: repeat.max.map(|max| max.saturating_sub(1)),
                ..repeat.clone()
            });
            let mut before = self.piece(&[before], preference, Kind::Whole)?;
            before.captures = false;
            before.mixed = mixed;
            whole.kind = Kind::Pair(Box::new(before), Box::new(part));
        } else {
            whole.kind = Kind::Repeat {
                part: Box::new(part),
                min,
                max,
            };
        }
        Ok(whole)
    }
}

impl Part {
    fn messy(&self) -> bool {
        self.mixed || self.captures || self.refers
    }

    fn shortest(&self) -> bool {
        self.preference == Some(Preference::Shortest)
    }

    /// The end of the match that begins at `start`, and its groups.
    pub(super) fn find(
        &self,
        text: &str,
        start: usize,
        groups: usize,
    ) -> Result<Option<(usize, Groups)>> {
        let only_first = self.shortest() && !self.refers;
        let mut ends = self.program.ends(text, start, text.len(), only_first);
        if !self.shortest() {
            ends.reverse();
        }
        for end in ends {
            let mut search = Search {
                text,
                insensitive: self.program.insensitive(),
                limit: end,
                groups: vec![None; groups + 1],
                known: HashMap::new(),
                tries: 0,
            };
            if search.take(self, start, end)? {
                return Ok(Some((end, search.groups)));
            }
        }
        Ok(None)
    }
}

/// Where groups begin and end, by their number.
pub(super) type Groups = Vec<Option<(usize, usize)>>;

struct Search<'t> {
    text: &'t str,
    /// Back references match letters of the other case, too.
    insensitive: bool,
    /// Where the match as a whole ends.
    limit: usize,
    groups: Groups,
    /// Where matches of a part from a place can end.
    known: HashMap<(usize, usize), Rc<[usize]>>,
    tries: usize,
}

impl Search<'_> {
    fn ends(&mut self, part: &Part, start: usize) -> Rc<[usize]> {
        let found = self.known.entry((part.id, start)).or_insert_with(|| {
            part.program
                .ends(self.text, start, self.limit, false)
                .into()
        });
        Rc::clone(found)
    }

    fn fits(&mut self, part: &Part, start: usize, end: usize) -> bool {
        self.ends(part, start).binary_search(&end).is_ok()
    }

    fn forget(&mut self, part: &Part) {
        match &part.kind {
            Kind::Whole | Kind::Back { .. } => {}
            Kind::Pair(left, right) => {
                self.forget(left);
                self.forget(right);
            }
            Kind::Either(parts) => parts.iter().for_each(|part| self.forget(part)),
            Kind::Repeat { part, .. } => self.forget(part),
            Kind::Capture(number, part) => {
                if let Some(group) = self.groups.get_mut(*number) {
                    *group = None;
                }
                self.forget(part);
            }
        }
    }

    /// Takes the text apart, which the part is known to match but for back references.
    fn take(&mut self, part: &Part, start: usize, end: usize) -> Result<bool> {
        self.tries += 1;
        if self.tries > TRIES_MAX {
            return Err(invalid("regular expression is too complex"));
        }
        match &part.kind {
            Kind::Whole => Ok(true),
            Kind::Capture(number, inner) => {
                if !self.take(inner, start, end)? {
                    return Ok(false);
                }
                if let Some(group) = self.groups.get_mut(*number) {
                    *group = Some((start, end));
                }
                Ok(true)
            }
            Kind::Pair(left, right) => {
                let middles = self.ends(left, start);
                let count = middles.partition_point(|middle| *middle <= end);
                for at in 0..count {
                    let at = if left.shortest() { at } else { count - 1 - at };
                    let Some(&middle) = middles.get(at) else {
                        break;
                    };
                    if self.fits(right, middle, end)
                        && self.take(left, start, middle)?
                        && self.take(right, middle, end)?
                    {
                        return Ok(true);
                    }
                    self.forget(part);
                }
                Ok(false)
            }
            Kind::Either(parts) => {
                for part in parts {
                    if self.fits(part, start, end) && self.take(part, start, end)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Kind::Repeat {
                part: inner,
                min,
                max,
            } => {
                if *min == 0 && start == end {
                    // Once with nothing, if it can, before not at all.
                    if *max > 0 && self.fits(inner, start, end) && !self.take(inner, start, end)? {
                        self.forget(inner);
                    }
                    return Ok(true);
                }
                let shortest = part.shortest();
                self.repeat(inner, (start, end), ((*min).max(1), *max), shortest)
            }
            Kind::Back { group, min, max } => Ok(self.same(*group, start, end, *min, *max)),
        }
    }

    /// Takes apart a repetition: each time the longest (or shortest) text, as long as the rest can
    /// be made of as many more as there must be.
    fn repeat(
        &mut self,
        part: &Part,
        (start, end): (usize, usize),
        (min, max): (usize, usize),
        shortest: bool,
    ) -> Result<bool> {
        // Where each time begins, and which of its ends comes next.
        let mut times = vec![(start, 0)];
        while let Some((start, next)) = times.last().copied() {
            let middles = self.ends(part, start);
            let count = middles.partition_point(|middle| *middle <= end);
            if times.len() > max || next >= count {
                times.pop();
                continue;
            }
            if let Some((_, next)) = times.last_mut() {
                *next += 1;
            }
            let at = if shortest { next } else { count - 1 - next };
            let Some(&middle) = middles.get(at) else {
                continue;
            };
            let missing = min.saturating_sub(times.len());
            let last = middle == end && missing == 0;
            // An empty one is taken only where it is needed for the count.
            if middle == start && !last && (missing == 0 || missing < end - start) {
                continue;
            }
            // Groups start anew each time; all but the last are taken apart only to be sure.
            self.forget(part);
            if (last || part.refers) && !self.take(part, start, middle)? {
                continue;
            }
            if last {
                return Ok(true);
            }
            times.push((middle, 0));
        }
        self.forget(part);
        Ok(false)
    }

    /// Whether the text is what the group matched, a number of times.
    fn same(&self, group: usize, start: usize, end: usize, min: usize, max: usize) -> bool {
        if start == end && min == 0 {
            return true;
        }
        let Some((from, to)) = self.groups.get(group).copied().flatten() else {
            return false;
        };
        let (Some(wanted), Some(text)) = (self.text.get(from..to), self.text.get(start..end))
        else {
            return false;
        };
        if wanted.is_empty() {
            return text.is_empty();
        }
        if self.insensitive {
            let lower = |text: &str| {
                text.chars()
                    .flat_map(char::to_lowercase)
                    .collect::<Vec<_>>()
            };
            let (wanted, text) = (lower(wanted), lower(text));
            return text.len() % wanted.len() == 0
                && (min..=max).contains(&(text.len() / wanted.len()))
                && text.chunks(wanted.len()).all(|chunk| chunk == wanted);
        }
        let times = text.len() / wanted.len();
        text.len() % wanted.len() == 0
            && (min..=max).contains(&times)
            && text
                .as_bytes()
                .chunks(wanted.len())
                .all(|chunk| chunk == wanted.as_bytes())
    }
}

fn clash(a: Option<Preference>, b: Option<Preference>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a != b)
}
