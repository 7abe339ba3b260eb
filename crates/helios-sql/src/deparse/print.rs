//! Writing nodes: parentheses and line breaks.

use super::Writer;
use super::node::{Bracket, Connective, Node, Part, QueryKind};
use crate::parse::quote_ident;

/// How far lines go in.
const STEP: i32 = 8;
/// From here on lines go in less.
const FAR: i32 = 40;

/// What stands around an operand.
#[derive(Clone, Copy)]
enum Around<'n> {
    /// An operator, and whether this is its first operand.
    Operator(&'n str, bool),
    /// A conversion.
    Cast,
    /// `AND`, `OR`
    Terms(Connective),
    /// `NOT`
    Not,
    /// Anything else.
    Other,
}

impl<'a> Writer<'a> {
    /// Begins a line with `text`, moving the indentation by `before` first and by `after` then.
    pub(super) fn line(&mut self, text: &str, before: i32, after: i32, plus: i32) {
        self.indent += before;
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        self.out.push('\n');
        let spaces = if self.indent < FAR {
            self.indent.max(0) + plus
        } else {
            (FAR + (self.indent - FAR) / (STEP / 2)) % FAR + plus
        };
        for _ in 0..spaces {
            self.out.push(' ');
        }
        self.out.push_str(text);
        self.indent = (self.indent + after).max(0);
    }

    /// A clause of a query, on a line of its own.
    pub(super) fn clause(&mut self, text: &str, plus: i32) {
        self.line(text, -STEP, STEP, plus);
    }

    /// Writes a node; conversions that nobody wrote are shown if `all`.
    pub(super) fn node(&mut self, node: &Node<'a>, all: bool) -> Option<()> {
        let pretty = self.pretty;
        match node {
            Node::Word(word) => self.out.push_str(word),
            Node::Const { text, ty } => {
                let text = self.constant(text.as_deref(), ty, true);
                self.out.push_str(&text);
            }
            Node::Form(_, parts) => self.parts(parts)?,
            Node::Operator { name, left, right } => {
                self.open(!pretty);
                if let Some(left) = left {
                    self.operand(left, Around::Operator(name, true), true)?;
                    self.out.push(' ');
                }
                self.out.push_str(name);
                self.out.push(' ');
                let around = match left {
                    Some(_) => Around::Operator(name, false),
                    // Nothing binds tighter than an operator before its operand.
                    None => Around::Other,
                };
                self.operand(right, around, true)?;
                self.close(!pretty);
            }
            Node::Cast {
                arg,
                ty,
                implicit,
                call: _,
            } => {
                if *implicit && !all {
                    return self.operand(arg, Around::Cast, false);
                }
                match &**arg {
                    Node::Const {
                        text: Some(text),
                        ty: from,
                    } if from.bare() == ty.bare() && *from == from.bare() => {
                        let text = self.constant(Some(text), from, false);
                        self.out.push_str(&text);
                    }
                    arg => {
                        self.open(!pretty);
                        self.operand(arg, Around::Cast, false)?;
                        self.close(!pretty);
                    }
                }
                let name = self.type_name(ty);
                self.out.push_str("::");
                self.out.push_str(&name);
            }
            Node::Terms(connective, terms) => {
                self.open(!pretty);
                let word = match connective {
                    Connective::And => " AND ",
                    Connective::Or => " OR ",
                };
                for (index, term) in terms.iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(word);
                    }
                    self.operand(term, Around::Terms(*connective), false)?;
                }
                self.close(!pretty);
            }
            Node::Not(term) => {
                self.open(!pretty);
                self.out.push_str("NOT ");
                self.operand(term, Around::Not, false)?;
                self.close(!pretty);
            }
            Node::Test(arg, words) => {
                self.open(!pretty);
                self.operand(arg, Around::Other, true)?;
                self.out.push_str(words);
                self.close(!pretty);
            }
            Node::Distinct(left, right) => {
                self.open(!pretty);
                self.operand(left, Around::Other, true)?;
                self.out.push_str(" IS DISTINCT FROM ");
                self.operand(right, Around::Other, true)?;
                self.close(!pretty);
            }
            Node::Quantified {
                left,
                operator,
                all,
                array,
            } => {
                self.open(!pretty);
                self.operand(left, Around::Other, true)?;
                let word = if *all { "ALL" } else { "ANY" };
                self.out.push_str(&format!(" {operator} {word} ("));
                self.operand(array, Around::Other, true)?;
                self.out.push(')');
                self.close(!pretty);
            }
            Node::Case {
                operand,
                branches,
                otherwise,
            } => {
                self.line("CASE", 0, 4, 0);
                if let Some(operand) = operand {
                    self.out.push(' ');
                    self.node(operand, true)?;
                }
                for (when, then) in branches {
                    self.line("WHEN ", 0, 0, 0);
                    self.node(when, false)?;
                    self.out.push_str(" THEN ");
                    self.node(then, true)?;
                }
                self.line("ELSE ", 0, 0, 0);
                self.node(otherwise, true)?;
                self.line("END", -4, 0, 0);
            }
            Node::Subscript(base, brackets) => {
                let bare = matches!(**base, Node::Word(_) | Node::Field(..));
                self.open(!bare);
                self.node(base, all)?;
                self.close(!bare);
                for bracket in brackets {
                    self.write_bracket(bracket)?;
                }
            }
            Node::Field(base, field) => {
                let bare = matches!(**base, Node::Subscript(..) | Node::Field(..));
                self.open(!bare);
                self.node(base, true)?;
                self.close(!bare);
                self.out.push('.');
                self.out.push_str(&quote_ident(field));
            }
            Node::Collate(arg, collation) => {
                self.open(!pretty);
                self.operand(arg, Around::Other, all)?;
                self.out.push_str(" COLLATE ");
                self.out.push_str(collation);
                self.close(!pretty);
            }
            Node::Query { kind, query } => {
                match kind {
                    QueryKind::Array => self.out.push_str("ARRAY("),
                    QueryKind::Value => self.out.push('('),
                    QueryKind::Exists => self.out.push_str("(EXISTS ("),
                    QueryKind::Compared(values, operator) => {
                        self.out.push('(');
                        match values.as_slice() {
                            [value] => self.node(value, true)?,
                            values => {
                                self.out.push('(');
                                for (index, value) in values.iter().enumerate() {
                                    if index > 0 {
                                        self.out.push_str(", ");
                                    }
                                    self.node(value, true)?;
                                }
                                self.out.push(')');
                            }
                        }
                        self.out.push_str(&format!(" {operator} ("));
                    }
                }
                self.subquery(query, false)?;
                self.out.push(')');
                if matches!(kind, QueryKind::Exists | QueryKind::Compared(..)) {
                    self.out.push(')');
                }
            }
        }
        Some(())
    }

    fn parts(&mut self, parts: &[Part<'a>]) -> Option<()> {
        for part in parts {
            match part {
                Part::Text(text) => self.out.push_str(text),
                Part::Node(node) => self.node(node, true)?,
                Part::Plain(node) => self.node(node, false)?,
                Part::Operand(node) => self.operand(node, Around::Other, false)?,
                Part::Key(expr) => self.key(expr)?,
            }
        }
        Some(())
    }

    fn write_bracket(&mut self, bracket: &Bracket<'a>) -> Option<()> {
        self.out.push('[');
        match bracket {
            Bracket::Index(index) => self.node(index, false)?,
            Bracket::Slice(low, high) => {
                if let Some(low) = low {
                    self.node(low, false)?;
                }
                self.out.push(':');
                if let Some(high) = high {
                    self.node(high, false)?;
                }
            }
        }
        self.out.push(']');
        Some(())
    }

    fn open(&mut self, wanted: bool) {
        if wanted {
            self.out.push('(');
        }
    }

    fn close(&mut self, wanted: bool) {
        if wanted {
            self.out.push(')');
        }
    }

    /// An operand: in parentheses if it needs them and brings none of its own.
    fn operand(&mut self, node: &Node<'a>, around: Around<'_>, all: bool) -> Option<()> {
        let wanted = self.pretty && !stands_alone(node, around);
        self.open(wanted);
        self.node(node, all)?;
        self.close(wanted);
        Some(())
    }
}

/// Whether a node needs no parentheses as an operand, where superfluous ones are left out.
fn stands_alone(node: &Node<'_>, around: Around<'_>) -> bool {
    let among_terms = matches!(around, Around::Terms(_) | Around::Not);
    match node {
        Node::Word(_) | Node::Const { .. } | Node::Form(..) | Node::Subscript(..) => true,
        Node::Case { .. } | Node::Field(..) => true,
        Node::Cast { call: true, .. } => true,
        Node::Cast { arg, .. } => stands_alone(arg, Around::Cast),
        Node::Operator { name, left, .. } => match around {
            Around::Operator(outer, first) => left.is_some() && binds_tighter(name, outer, first),
            _ => among_terms,
        },
        Node::Test(..) | Node::Distinct(..) | Node::Query { .. } => among_terms,
        Node::Terms(Connective::And, _) => matches!(around, Around::Terms(_)),
        Node::Not(_) => matches!(around, Around::Terms(_)),
        Node::Terms(Connective::Or, _) => matches!(around, Around::Terms(Connective::Or)),
        Node::Quantified { .. } | Node::Collate(..) => false,
    }
}

/// Whether `inner` needs no parentheses as an operand of `outer`; only the four basic operations
/// are known to bind more or less.
fn binds_tighter(inner: &str, outer: &str, first: bool) -> bool {
    let strength = |name: &str| match name {
        "+" | "-" => Some(1),
        "*" | "/" | "%" => Some(2),
        _ => None,
    };
    match (strength(inner), strength(outer)) {
        (Some(inner), Some(outer)) => inner > outer || inner == outer && first,
        _ => false,
    }
}
