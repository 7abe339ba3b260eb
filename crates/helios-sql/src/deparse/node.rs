//! Expressions between syntax tree and text: in the shape that PostgreSQL's analysis gives them,
//! with every conversion that it adds.

use helios_base::DataType;

use crate::parse::ast::{Expr, Query};

/// An expression to write out.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// One word: a column, a number, a function without parentheses.
    Word(String),
    /// A constant: its text, absent for `NULL`, and its type.
    Const { text: Option<String>, ty: DataType },
    /// Something that needs no parentheses around it: a call, `ARRAY[…]`, `ROW(…)`.
    Form(Form, Vec<Part<'a>>),
    /// An operator, without a left operand if it stands before its operand.
    Operator {
        name: String,
        left: Option<Box<Node<'a>>>,
        right: Box<Node<'a>>,
    },
    /// A conversion.
    Cast {
        arg: Box<Node<'a>>,
        /// The type converted to, with its modifier.
        ty: DataType,
        /// Nobody wrote it.
        implicit: bool,
        /// PostgreSQL converts by calling a function.
        call: bool,
    },
    /// `AND`, `OR`
    Terms(Connective, Vec<Node<'a>>),
    /// `NOT`
    Not(Box<Node<'a>>),
    /// `IS NULL` and its kin: what is tested, and the words.
    Test(Box<Node<'a>>, &'static str),
    /// `IS DISTINCT FROM`
    Distinct(Box<Node<'a>>, Box<Node<'a>>),
    /// `left operator ANY (array)`
    Quantified {
        left: Box<Node<'a>>,
        operator: String,
        all: bool,
        array: Box<Node<'a>>,
    },
    /// `CASE`
    Case {
        operand: Option<Box<Node<'a>>>,
        branches: Vec<(Node<'a>, Node<'a>)>,
        otherwise: Box<Node<'a>>,
    },
    /// `array[…]`: each subscript, or its bounds.
    Subscript(Box<Node<'a>>, Vec<Bracket<'a>>),
    /// `(row).field`
    Field(Box<Node<'a>>, String),
    /// `text COLLATE collation`
    Collate(Box<Node<'a>>, String),
    /// A query in an expression.
    Query {
        kind: QueryKind<'a>,
        query: &'a Query,
    },
}

/// What stands by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A function, an aggregate, a window function.
    Function,
    /// What looks like a function and is none: `COALESCE(…)`, `CURRENT_DATE`.
    Construct,
    /// `ARRAY[…]`, `ROW(…)`
    Value,
}

/// `AND` or `OR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connective {
    And,
    Or,
}

/// A subscript: an index, or the bounds of a slice.
#[derive(Debug)]
pub(super) enum Bracket<'a> {
    Index(Node<'a>),
    Slice(Option<Node<'a>>, Option<Node<'a>>),
}

/// How a query becomes a value.
#[derive(Debug)]
pub(super) enum QueryKind<'a> {
    /// `(query)`
    Value,
    /// `ARRAY(query)`
    Array,
    /// `EXISTS (query)`
    Exists,
    /// `value operator (query)`: `IN`, `> ANY`.
    Compared(Vec<Node<'a>>, String),
}

/// A piece of a [`Node::Form`].
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// As it is.
    Text(String),
    /// An expression with its conversions.
    Node(Node<'a>),
    /// An expression whose own conversion is not shown unless it was written.
    Plain(Node<'a>),
    /// An expression that is taken as one operand.
    Operand(Node<'a>),
    /// A key of an order or a partition.
    Key(&'a Expr),
}

impl<'a> Node<'a> {
    /// `name(args)`.
    pub(super) fn call(form: Form, name: &str, args: Vec<Node<'a>>) -> Self {
        let mut parts = vec![Part::Text(format!("{name}("))];
        parts.extend(listed(args));
        parts.push(Part::Text(")".to_owned()));
        Self::Form(form, parts)
    }

    /// Whether an index key of this expression needs no parentheses.
    pub(super) fn looks_like_call(&self) -> bool {
        matches!(self, Self::Form(Form::Function | Form::Construct, _))
    }
}

/// Nodes with commas between them.
pub(super) fn listed(nodes: Vec<Node<'_>>) -> Vec<Part<'_>> {
    let mut parts = Vec::with_capacity(nodes.len() * 2);
    for (index, node) in nodes.into_iter().enumerate() {
        if index > 0 {
            parts.push(Part::Text(", ".to_owned()));
        }
        parts.push(Part::Node(node));
    }
    parts
}
