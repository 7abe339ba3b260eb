//! Where matches of a part of an expression can end: all ends at once, by following every way
//! through it in step.

use super::node::{Assert, Node};
use super::set::{Set, is_word};

/// Steps that one program may have.
const STEPS_MAX: usize = 100_000;

#[derive(Clone, Debug)]
enum Step {
    Char(Set),
    Assert(Assert),
    /// Looking around: the program inside is searched here.
    Look {
        ahead: bool,
        negated: bool,
        /// The most characters it can match.
        width: Option<usize>,
        inner: Program,
    },
    Split(usize, usize),
    Jump(usize),
    Done,
}

/// A compiled part.
#[derive(Clone, Debug)]
pub(super) struct Program {
    steps: Vec<Step>,
    insensitive: bool,
}

/// The expression is larger than this engine takes.
#[derive(Debug)]
pub(super) struct TooLarge;

impl Program {
    pub(super) fn new(nodes: &[Node], insensitive: bool) -> Result<Self, TooLarge> {
        let mut program = Self {
            steps: Vec::new(),
            insensitive,
        };
        for node in nodes {
            program.push(node)?;
        }
        program.step(Step::Done)?;
        Ok(program)
    }

    fn step(&mut self, step: Step) -> Result<usize, TooLarge> {
        if self.steps.len() >= STEPS_MAX {
            return Err(TooLarge);
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }

    /// Points the second way of a split, or a jump, at what comes next.
    fn land(&mut self, at: usize) {
        let here = self.steps.len();
        match self.steps.get_mut(at) {
            Some(Step::Split(_, second)) => *second = here,
            Some(Step::Jump(to)) => *to = here,
            _ => {}
        }
    }

    fn push(&mut self, node: &Node) -> Result<(), TooLarge> {
        match node {
            Node::Empty => {}
            Node::Set(set) => {
                self.step(Step::Char(set.clone()))?;
            }
            Node::Assert(assert) => {
                self.step(Step::Assert(*assert))?;
            }
            Node::Look {
                ahead,
                negated,
                inner,
            } => {
                let width = inner.width();
                let inner = Self::new(std::slice::from_ref(inner), self.insensitive)?;
                self.step(Step::Look {
                    ahead: *ahead,
                    negated: *negated,
                    width,
                    inner,
                })?;
            }
            Node::Concat(nodes) => {
                for node in nodes {
                    self.push(node)?;
                }
            }
            Node::Alternate(nodes) => {
                let mut ends = Vec::with_capacity(nodes.len());
                for (at, node) in nodes.iter().enumerate() {
                    if at + 1 == nodes.len() {
                        self.push(node)?;
                        break;
                    }
                    let next = self.steps.len() + 1;
                    let split = self.step(Step::Split(next, 0))?;
                    self.push(node)?;
                    ends.push(self.step(Step::Jump(0))?);
                    self.land(split);
                }
                for end in ends {
                    self.land(end);
                }
            }
            Node::Capture(_, inner) => self.push(inner)?,
            Node::Back(_, like) => self.push(like)?,
            Node::Repeat(repeat) => {
                for _ in 0..repeat.min {
                    self.push(&repeat.node)?;
                }
                match repeat.max {
                    None => self.star(&repeat.node)?,
                    Some(max) => {
                        let mut splits = Vec::new();
                        for _ in repeat.min..max {
                            let next = self.steps.len() + 1;
                            splits.push(self.step(Step::Split(next, 0))?);
                            self.push(&repeat.node)?;
                        }
                        for split in splits {
                            self.land(split);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn star(&mut self, node: &Node) -> Result<(), TooLarge> {
        let next = self.steps.len() + 1;
        let split = self.step(Step::Split(next, 0))?;
        self.push(node)?;
        self.step(Step::Jump(split))?;
        self.land(split);
        Ok(())
    }

    /// Whether letters of both cases are the same.
    pub(super) fn insensitive(&self) -> bool {
        self.insensitive
    }

    /// How many steps there are.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Every place up to `limit` where a match from `start` on can end, in order; only the first
    /// of them if that is enough.
    pub(super) fn ends(
        &self,
        text: &str,
        start: usize,
        limit: usize,
        only_first: bool,
    ) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut now = Places::new(self.steps.len());
        let mut then = Places::new(self.steps.len());
        self.enter(0, text, start, &mut now);
        let mut at = start;
        loop {
            if now.done {
                ends.push(at);
                if only_first {
                    break;
                }
            }
            let Some(c) = text.get(at..limit).and_then(|rest| rest.chars().next()) else {
                break;
            };
            if now.list.is_empty() {
                break;
            }
            let next = at + c.len_utf8();
            for place in now.list.iter().copied() {
                if let Some(Step::Char(set)) = self.steps.get(place)
                    && set.contains(c, self.insensitive)
                {
                    self.enter(place + 1, text, next, &mut then);
                }
            }
            std::mem::swap(&mut now, &mut then);
            then.clear();
            at = next;
        }
        ends
    }

    /// Adds all places that wait for a character and can be reached from `step` without one.
    fn enter(&self, step: usize, text: &str, at: usize, places: &mut Places) {
        let mut pending = vec![step];
        while let Some(step) = pending.pop() {
            if !places.visit(step) {
                continue;
            }
            match self.steps.get(step) {
                Some(Step::Char(_)) => places.list.push(step),
                Some(Step::Assert(assert)) if holds(*assert, text, at) => pending.push(step + 1),
                Some(Step::Assert(_)) => {}
                Some(Step::Look {
                    ahead,
                    negated,
                    width,
                    inner,
                }) => {
                    let found = if *ahead {
                        !inner.ends(text, at, text.len(), true).is_empty()
                    } else {
                        inner.ends_at(text, at, *width)
                    };
                    if found != *negated {
                        pending.push(step + 1);
                    }
                }
                Some(Step::Split(first, second)) => pending.extend([*second, *first]),
                Some(Step::Jump(to)) => pending.push(*to),
                Some(Step::Done) => places.done = true,
                None => {}
            }
        }
    }

    /// Whether a match that began anywhere before, at most `width` characters, ends at `end`.
    fn ends_at(&self, text: &str, end: usize, width: Option<usize>) -> bool {
        let mut now = Places::new(self.steps.len());
        let mut then = Places::new(self.steps.len());
        let mut at = width
            .and_then(|width| width.checked_sub(1))
            .and_then(|width| text.get(..end)?.char_indices().nth_back(width))
            .map_or(0, |(at, _)| at);
        if width == Some(0) {
            at = end;
        }
        loop {
            // One may begin here, too.
            self.enter(0, text, at, &mut now);
            if at >= end {
                return now.done;
            }
            let Some(c) = text.get(at..end).and_then(|rest| rest.chars().next()) else {
                return false;
            };
            at += c.len_utf8();
            for place in now.list.iter().copied() {
                if let Some(Step::Char(set)) = self.steps.get(place)
                    && set.contains(c, self.insensitive)
                {
                    self.enter(place + 1, text, at, &mut then);
                }
            }
            std::mem::swap(&mut now, &mut then);
            then.clear();
        }
    }
}

/// The steps that are reached at one place of the text.
struct Places {
    list: Vec<usize>,
    visited: Vec<bool>,
    touched: Vec<usize>,
    done: bool,
}

impl Places {
    fn new(steps: usize) -> Self {
        Self {
            list: Vec::new(),
            visited: vec![false; steps],
            touched: Vec::new(),
            done: false,
        }
    }

    fn visit(&mut self, step: usize) -> bool {
        match self.visited.get_mut(step) {
            Some(seen @ false) => {
                *seen = true;
                self.touched.push(step);
                true
            }
            _ => false,
        }
    }

    fn clear(&mut self) {
        for step in self.touched.drain(..) {
            if let Some(seen) = self.visited.get_mut(step) {
                *seen = false;
            }
        }
        self.list.clear();
        self.done = false;
    }
}

fn holds(assert: Assert, text: &str, at: usize) -> bool {
    let before = || text.get(..at).and_then(|text| text.chars().next_back());
    let after = || text.get(at..).and_then(|text| text.chars().next());
    match assert {
        Assert::TextStart => at == 0,
        Assert::TextEnd => at == text.len(),
        Assert::LineStart => before().is_none_or(|c| c == '\n'),
        Assert::LineEnd => after().is_none_or(|c| c == '\n'),
        edge => {
            let (left, right) = (before().is_some_and(is_word), after().is_some_and(is_word));
            match edge {
                Assert::WordStart => !left && right,
                Assert::WordEnd => left && !right,
                Assert::WordEdge => left != right,
                _ => left == right,
            }
        }
    }
}
