//! From syntax tree to nodes: what PostgreSQL's analysis makes of each construct.

use helios_base::DataType;
use helios_expr::resolve::{self, common_type};
use helios_expr::{Expr, cast};

use super::Writer;
use super::constant::canonical;
use super::node::{Bracket, Connective, Form, Node, Part, QueryKind, listed};
use crate::parse::ast::{self, ExprKind, LikeKind, Quantity};
use crate::parse::quote_ident;

impl<'a> Writer<'a> {
    /// An expression, converted to `to` where something around it asks for that type.
    pub(super) fn value(&self, expr: &'a ast::Expr, to: Option<&DataType>) -> Option<Node<'a>> {
        let own = self.notes.value(expr)?;
        let from = own.ty();
        if *from == DataType::Unknown {
            let ty = to.map_or(DataType::Text, DataType::bare);
            let ty = ty.base().into_owned();
            let text = match &expr.kind {
                ExprKind::Text(text) => Some(canonical(text, &ty, self.text).or_else(|| {
                    // Of a type whose values are names: the binder knows them.
                    Some(text.clone())
                })?),
                ExprKind::Null => None,
                _ => return self.shape(expr, own),
            };
            return Some(Node::Const { text, ty });
        }
        let node = self.shape(expr, own)?;
        let Some(to) = to else {
            return Some(node);
        };
        let domain = match &expr.kind {
            ExprKind::Column(_) => self.notes.column(expr.pos)?.domain.as_ref(),
            _ => None,
        };
        if domain.is_none() && from.bare() == to.bare() || !is_plain(to) {
            return Some(node);
        }
        Some(converted(node, from, to.bare(), true))
    }

    pub(super) fn values(&self, exprs: &'a [ast::Expr]) -> Option<Vec<Node<'a>>> {
        exprs.iter().map(|expr| self.value(expr, None)).collect()
    }

    fn all_to(&self, exprs: &'a [ast::Expr], to: &DataType) -> Option<Vec<Node<'a>>> {
        exprs
            .iter()
            .map(|expr| self.value(expr, Some(to)))
            .collect()
    }

    /// The type of an expression by itself.
    pub(super) fn type_of(&self, expr: &ast::Expr) -> Option<&DataType> {
        self.notes.value(expr).map(Expr::ty)
    }

    fn shape(&self, expr: &'a ast::Expr, own: &Expr) -> Option<Node<'a>> {
        Some(match &expr.kind {
            ExprKind::Number(_) | ExprKind::Bits(_) | ExprKind::Bool(_) => {
                let value = literal(own)?;
                Node::Const {
                    text: self.value_text(value, own.ty()),
                    ty: own.ty().bare(),
                }
            }
            ExprKind::Param(number) => Node::Word(format!("${number}")),
            ExprKind::Column(parts) => self.column(parts, expr.pos)?,
            ExprKind::Prefix(operator, operand) => {
                let symbol = operator.symbol.as_str();
                let types = resolve::operator(symbol, None, self.type_of(operand)?).ok()?;
                Node::Operator {
                    name: symbol.to_owned(),
                    left: None,
                    right: Box::new(self.value(operand, types.args.last())?),
                }
            }
            ExprKind::Infix(left, operator, right) => self.infix(left, &operator.symbol, right)?,
            ExprKind::And(terms) => self.terms(Connective::And, terms)?,
            ExprKind::Or(terms) => self.terms(Connective::Or, terms)?,
            ExprKind::Not(term) => Node::Not(Box::new(self.value(term, Some(&DataType::Bool))?)),
            ExprKind::IsNull { expr, negated } => {
                let words = if *negated { " IS NOT NULL" } else { " IS NULL" };
                Node::Test(Box::new(self.value(expr, None)?), words)
            }
            ExprKind::IsBool {
                expr,
                test,
                negated,
            } => {
                let words = match (test, negated) {
                    (Some(true), false) => " IS TRUE",
                    (Some(true), true) => " IS NOT TRUE",
                    (Some(false), false) => " IS FALSE",
                    (Some(false), true) => " IS NOT FALSE",
                    (None, false) => " IS UNKNOWN",
                    (None, true) => " IS NOT UNKNOWN",
                };
                Node::Test(Box::new(self.value(expr, Some(&DataType::Bool))?), words)
            }
            ExprKind::IsDistinct {
                left,
                right,
                negated,
            } => self.distinct(left, right, *negated)?,
            ExprKind::Between {
                expr,
                low,
                high,
                symmetric,
                negated,
            } => self.between(expr, low, high, *symmetric, *negated)?,
            ExprKind::InList {
                expr,
                list,
                negated,
            } => self.in_list(expr, list, *negated)?,
            ExprKind::InQuery {
                expr,
                query,
                negated,
            } => {
                let found = self.compared(expr, "IN", query, own)?;
                if *negated {
                    Node::Not(Box::new(found))
                } else {
                    found
                }
            }
            ExprKind::Like {
                kind,
                expr,
                pattern,
                escape,
                negated,
            } => self.like(*kind, expr, pattern, escape.as_deref(), *negated)?,
            ExprKind::Quantified {
                left,
                operator,
                all,
                right: Quantity::Query(query),
            } => {
                let symbol = match (operator.symbol.as_str(), all) {
                    ("=", false) => "IN".to_owned(),
                    (symbol, false) => format!("{symbol} ANY"),
                    (symbol, true) => format!("{symbol} ALL"),
                };
                self.compared(left, &symbol, query, own)?
            }
            ExprKind::Quantified {
                left,
                operator,
                all,
                right: Quantity::Array(array),
            } => {
                let element = match self.type_of(array)? {
                    DataType::Array(element) => (**element).clone(),
                    _ => DataType::Unknown,
                };
                let symbol = operator.symbol.as_str();
                let types = resolve::operator(symbol, Some(self.type_of(left)?), &element).ok()?;
                let [l, r] = types.args.as_slice() else {
                    return None;
                };
                Node::Quantified {
                    left: Box::new(self.value(left, Some(l))?),
                    operator: symbol.to_owned(),
                    all: *all,
                    array: Box::new(
                        self.value(array, Some(&DataType::Array(Box::new(r.clone()))))?,
                    ),
                }
            }
            ExprKind::Cast { expr, ty } => self.cast(expr, ty)?,
            ExprKind::Collate { expr, collation } => {
                let mut name = String::new();
                if let Some(schema) = &collation.schema
                    && schema.name != "pg_catalog"
                {
                    name = format!("{}.", quote_ident(&schema.name));
                }
                name += &quote_ident(&collation.name.name);
                Node::Collate(Box::new(self.value(expr, None)?), name)
            }
            ExprKind::Call(call) => self.call(call, expr.pos)?,
            ExprKind::Case {
                operand,
                branches,
                otherwise,
            } => self.case(operand.as_deref(), branches, otherwise.as_deref(), own.ty())?,
            ExprKind::Coalesce(args) => {
                Node::call(Form::Construct, "COALESCE", self.all_to(args, own.ty())?)
            }
            ExprKind::Extreme { greatest, args } => {
                let name = if *greatest { "GREATEST" } else { "LEAST" };
                Node::call(Form::Construct, name, self.all_to(args, own.ty())?)
            }
            ExprKind::NullIf(value, other) => {
                let (l, r) = self.pair("=", value, other)?;
                Node::call(Form::Construct, "NULLIF", vec![l, r])
            }
            ExprKind::Exists(query) => Node::Query {
                kind: QueryKind::Exists,
                query,
            },
            ExprKind::Subquery(query) => Node::Query {
                kind: QueryKind::Value,
                query,
            },
            ExprKind::ArrayQuery(query) => Node::Query {
                kind: QueryKind::Array,
                query,
            },
            ExprKind::Array(items) => {
                let nested = items
                    .iter()
                    .any(|item| matches!(item.kind, ExprKind::Array(_)));
                let to = match own.ty() {
                    DataType::Array(element) if !nested => &**element,
                    ty => ty,
                };
                array(self.all_to(items, to)?)
            }
            ExprKind::Row(items) => Node::call(Form::Value, "ROW", self.values(items)?),
            ExprKind::Subscript { expr, subscripts } => {
                let base = self.type_of(expr)?.clone();
                let base = self.value(expr, None).map(|node| (node, base))?;
                let brackets = subscripts.iter().map(|one| self.bracket(one, &base.1));
                Node::Subscript(Box::new(base.0), brackets.collect::<Option<_>>()?)
            }
            ExprKind::Field { expr, field } => {
                Node::Field(Box::new(self.value(expr, None)?), field.name.clone())
            }
            ExprKind::Grouping(args) => Node::call(Form::Construct, "GROUPING", self.values(args)?),
            ExprKind::Text(_)
            | ExprKind::Null
            | ExprKind::Default
            | ExprKind::CurrentOf(_)
            | ExprKind::Star(_)
            | ExprKind::Expand(_) => return None,
        })
    }

    /// Both operands of an operator, converted for it.
    pub(super) fn pair(
        &self,
        symbol: &str,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
    ) -> Option<(Node<'a>, Node<'a>)> {
        let (l, r) = (self.type_of(left)?, self.type_of(right)?);
        let types = resolve::operator(symbol, Some(l), r).ok()?;
        let [l, r] = types.args.as_slice() else {
            return None;
        };
        Some((self.value(left, Some(l))?, self.value(right, Some(r))?))
    }

    fn operation(
        &self,
        symbol: &str,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
    ) -> Option<Node<'a>> {
        let (left, right) = self.pair(symbol, left, right)?;
        Some(Node::Operator {
            name: symbol.to_owned(),
            left: Some(Box::new(left)),
            right: Box::new(right),
        })
    }

    fn infix(&self, left: &'a ast::Expr, symbol: &str, right: &'a ast::Expr) -> Option<Node<'a>> {
        let (ExprKind::Row(l), ExprKind::Row(r)) = (&left.kind, &right.kind) else {
            return self.operation(symbol, left, right);
        };
        let connective = match symbol {
            "=" => Connective::And,
            "<>" => Connective::Or,
            _ => {
                let pairs = l.iter().zip(r).map(|(l, r)| self.pair(symbol, l, r));
                let (l, r): (Vec<_>, Vec<_>) =
                    pairs.collect::<Option<Vec<_>>>()?.into_iter().unzip();
                let mut parts = vec![Part::Text("(ROW(".to_owned())];
                parts.extend(listed(l));
                parts.push(Part::Text(format!(") {symbol} ROW(")));
                parts.extend(listed(r));
                parts.push(Part::Text("))".to_owned()));
                return Some(Node::Form(Form::Value, parts));
            }
        };
        let pairs = l.iter().zip(r).map(|(l, r)| self.operation(symbol, l, r));
        Some(Node::Terms(connective, pairs.collect::<Option<_>>()?))
    }

    /// Terms; those in parentheses stay together unless they come first.
    fn terms(&self, connective: Connective, terms: &'a [ast::Expr]) -> Option<Node<'a>> {
        let mut nodes = Vec::with_capacity(terms.len());
        for (index, term) in terms.iter().enumerate() {
            match self.value(term, Some(&DataType::Bool))? {
                Node::Terms(same, inner)
                    if index == 0
                        && same == connective
                        && matches!(term.kind, ExprKind::And(_) | ExprKind::Or(_)) =>
                {
                    nodes.extend(inner);
                }
                node => nodes.push(node),
            }
        }
        Some(Node::Terms(connective, nodes))
    }

    fn distinct(
        &self,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
        negated: bool,
    ) -> Option<Node<'a>> {
        for (value, other) in [(left, right), (right, left)] {
            if matches!(other.kind, ExprKind::Null) {
                let words = if negated { " IS NULL" } else { " IS NOT NULL" };
                return Some(Node::Test(Box::new(self.value(value, None)?), words));
            }
        }
        let (left, right) = self.pair("=", left, right)?;
        let node = Node::Distinct(Box::new(left), Box::new(right));
        Some(if negated {
            Node::Not(Box::new(node))
        } else {
            node
        })
    }

    fn between(
        &self,
        expr: &'a ast::Expr,
        low: &'a ast::Expr,
        high: &'a ast::Expr,
        symmetric: bool,
        negated: bool,
    ) -> Option<Node<'a>> {
        let (above, below, inner, outer) = if negated {
            ("<", ">", Connective::Or, Connective::And)
        } else {
            (">=", "<=", Connective::And, Connective::Or)
        };
        let bounds = |low, high| {
            let ends = vec![
                self.operation(above, expr, low)?,
                self.operation(below, expr, high)?,
            ];
            Some(Node::Terms(inner, ends))
        };
        if !symmetric {
            return bounds(low, high);
        }
        Some(Node::Terms(
            outer,
            vec![bounds(low, high)?, bounds(high, low)?],
        ))
    }

    /// `IN`: values without columns become an array, the others comparisons of their own.
    fn in_list(
        &self,
        expr: &'a ast::Expr,
        list: &'a [ast::Expr],
        negated: bool,
    ) -> Option<Node<'a>> {
        let symbol = if negated { "<>" } else { "=" };
        let (constant, mut others): (Vec<_>, Vec<_>) =
            list.iter().partition(|item| !names_column(item));
        let mut nodes = Vec::new();
        let operand = self.type_of(expr)?;
        let types: Option<Vec<&DataType>> = std::iter::once(Some(operand))
            .chain(constant.iter().map(|item| self.type_of(item)))
            .collect();
        let common = common_type("IN", &types?).ok();
        match common.filter(|ty| constant.len() > 1 && !matches!(ty, DataType::Record)) {
            Some(common) => {
                let items = constant.iter().map(|item| self.value(item, Some(&common)));
                let items = array(items.collect::<Option<_>>()?);
                let types = resolve::operator(symbol, Some(operand), &common).ok()?;
                let [left, right] = types.args.as_slice() else {
                    return None;
                };
                let items = if right.bare() == common.bare() || !is_plain(right) {
                    items
                } else {
                    Node::Cast {
                        arg: Box::new(items),
                        ty: DataType::Array(Box::new(right.bare())),
                        implicit: true,
                        call: false,
                    }
                };
                nodes.push(Node::Quantified {
                    left: Box::new(self.value(expr, Some(left))?),
                    operator: symbol.to_owned(),
                    all: negated,
                    array: Box::new(items),
                });
            }
            None => others = list.iter().collect(),
        }
        for item in others {
            nodes.push(self.infix(expr, symbol, item)?);
        }
        if nodes.len() == 1 {
            return nodes.pop();
        }
        let connective = if negated {
            Connective::And
        } else {
            Connective::Or
        };
        Some(Node::Terms(connective, nodes))
    }

    fn compared(
        &self,
        left: &'a ast::Expr,
        operator: &str,
        query: &'a ast::Query,
        own: &Expr,
    ) -> Option<Node<'a>> {
        let values = match &left.kind {
            ExprKind::Row(items) => self.values(items)?,
            _ => {
                // The operand is the subquery's last argument.
                let subplan = match own {
                    Expr::Not(inner) => inner,
                    other => other,
                };
                let to = match subplan {
                    Expr::Subplan { args, .. } => args.last().map(Expr::ty),
                    _ => None,
                };
                vec![self.value(left, to)?]
            }
        };
        Some(Node::Query {
            kind: QueryKind::Compared(values, operator.to_owned()),
            query,
        })
    }

    fn like(
        &self,
        kind: LikeKind,
        expr: &'a ast::Expr,
        pattern: &'a ast::Expr,
        escape: Option<&'a ast::Expr>,
        negated: bool,
    ) -> Option<Node<'a>> {
        let (symbol, function) = match (kind, negated) {
            (LikeKind::Like, false) => ("~~", "like_escape"),
            (LikeKind::Like, true) => ("!~~", "like_escape"),
            (LikeKind::ILike, false) => ("~~*", "like_escape"),
            (LikeKind::ILike, true) => ("!~~*", "like_escape"),
            (LikeKind::Similar, false) => ("~", "similar_to_escape"),
            (LikeKind::Similar, true) => ("!~", "similar_to_escape"),
        };
        let called = kind == LikeKind::Similar || escape.is_some();
        if !called {
            return self.operation(symbol, expr, pattern);
        }
        let text = Some(&DataType::Text);
        let args = std::iter::once(pattern).chain(escape);
        let args = args.map(|arg| self.value(arg, text));
        let pattern = Node::call(Form::Function, function, args.collect::<Option<_>>()?);
        let types = resolve::operator(symbol, Some(self.type_of(expr)?), &DataType::Text).ok()?;
        Some(Node::Operator {
            name: symbol.to_owned(),
            left: Some(Box::new(self.value(expr, types.args.first())?)),
            right: Box::new(pattern),
        })
    }

    fn case(
        &self,
        operand: Option<&'a ast::Expr>,
        branches: &'a [(ast::Expr, ast::Expr)],
        otherwise: Option<&'a ast::Expr>,
        ty: &DataType,
    ) -> Option<Node<'a>> {
        let mut shown = Vec::with_capacity(branches.len());
        for (when, then) in branches {
            let when = match operand {
                Some(operand) => self.pair("=", operand, when)?.1,
                None => self.value(when, Some(&DataType::Bool))?,
            };
            shown.push((when, self.value(then, Some(ty))?));
        }
        let otherwise = match otherwise {
            Some(otherwise) => self.value(otherwise, Some(ty))?,
            None => Node::Const {
                text: None,
                ty: ty.bare(),
            },
        };
        let operand = match operand {
            Some(operand) => Some(Box::new(self.value(operand, None)?)),
            None => None,
        };
        Some(Node::Case {
            operand,
            branches: shown,
            otherwise: Box::new(otherwise),
        })
    }

    fn bracket(&self, subscript: &'a ast::Subscript, base: &DataType) -> Option<Bracket<'a>> {
        let bound = |expr: &'a ast::Expr| {
            if *base == DataType::Jsonb {
                return self.value(expr, None);
            }
            self.value(expr, Some(&DataType::Int4))
        };
        Some(match subscript {
            ast::Subscript::Index(index) => Bracket::Index(bound(index)?),
            ast::Subscript::Slice(low, high) => {
                let bound = |expr: &'a Option<ast::Expr>| match expr {
                    Some(expr) => bound(expr).map(Some),
                    None => Some(None),
                };
                Bracket::Slice(bound(low)?, bound(high)?)
            }
        })
    }

    /// `expr::ty`
    fn cast(&self, expr: &'a ast::Expr, ty: &ast::TypeName) -> Option<Node<'a>> {
        let to = self.named_type(ty)?;
        if let (ExprKind::Array(items), DataType::Array(element)) = (&expr.kind, &to) {
            return self.array_as(items, &to, element);
        }
        if let (ExprKind::Row(items), DataType::User(user)) = (&expr.kind, &to)
            && user.is_composite()
        {
            let fields = items.iter().zip(user.fields());
            let fields = fields.map(|(item, (_, ty))| self.value(item, Some(ty)));
            let mut parts = vec![Part::Text("ROW(".to_owned())];
            parts.extend(listed(fields.collect::<Option<_>>()?));
            parts.push(Part::Text(format!(")::{}", self.type_name(&to))));
            return Some(Node::Form(Form::Value, parts));
        }
        let from = self.type_of(expr)?.clone();
        let node = self.value(expr, Some(&to))?;
        if from == DataType::Unknown {
            let plain = to.bare().base().into_owned();
            return Some(if to == plain {
                node
            } else {
                converted(node, &plain, to, false)
            });
        }
        let mut node = match node {
            // What was converted by itself is converted once, as written.
            Node::Cast {
                arg,
                implicit: true,
                ..
            } if from.bare() != to.bare() => *arg,
            node => node,
        };
        let domain = self.notes.value(expr).is_some()
            && matches!(&expr.kind, ExprKind::Column(_))
            && self
                .notes
                .column(expr.pos)
                .is_some_and(|column| column.domain.is_some());
        if from.bare() == to.bare() && !domain {
            if cast::has_modifier(&to) && from != to {
                node = converted(node, &from, to, false);
            }
            return Some(node);
        }
        Some(converted(node, &from, to, false))
    }

    fn array_as(
        &self,
        items: &'a [ast::Expr],
        to: &DataType,
        element: &DataType,
    ) -> Option<Node<'a>> {
        if items.is_empty() {
            let text = format!("ARRAY[]::{}", self.type_name(to));
            return Some(Node::Form(Form::Value, vec![Part::Text(text)]));
        }
        let mut nodes = Vec::with_capacity(items.len());
        for item in items {
            nodes.push(match &item.kind {
                ExprKind::Array(inner) => self.array_as(inner, to, element)?,
                _ => {
                    let from = self.type_of(item)?.clone();
                    match self.value(item, Some(element))? {
                        Node::Cast { arg, .. } if from.bare() != element.bare() => {
                            converted(*arg, &from, element.clone(), false)
                        }
                        node => node,
                    }
                }
            });
        }
        Some(array(nodes))
    }
}

/// `ARRAY[…]`
fn array(items: Vec<Node<'_>>) -> Node<'_> {
    let mut parts = vec![Part::Text("ARRAY[".to_owned())];
    parts.extend(listed(items));
    parts.push(Part::Text("]".to_owned()));
    Node::Form(Form::Value, parts)
}

/// A conversion of a node of type `from`.
fn converted<'a>(node: Node<'a>, from: &DataType, to: DataType, implicit: bool) -> Node<'a> {
    Node::Cast {
        arg: Box::new(node),
        call: by_function(from, &to),
        ty: to,
        implicit,
    }
}

/// Whether PostgreSQL converts between two types by a function of theirs, not by their texts.
fn by_function(from: &DataType, to: &DataType) -> bool {
    let own = |ty: &DataType| {
        matches!(
            ty,
            DataType::User(_) | DataType::Array(_) | DataType::Record
        )
    };
    if own(from) || own(to) {
        return false;
    }
    if cast::has_modifier(to) {
        return true;
    }
    match (from.is_string(), to.is_string()) {
        (false, false) => true,
        (true, true) => matches!(from, DataType::Char(_)),
        (false, true) => matches!(from, DataType::Bool | DataType::Inet | DataType::Cidr),
        (true, false) => false,
    }
}

/// Whether a type is asked for as such, not as whatever fits.
fn is_plain(ty: &DataType) -> bool {
    !matches!(ty, DataType::Unknown | DataType::Record)
}

fn literal(own: &Expr) -> Option<&helios_base::Value> {
    match own {
        Expr::Literal(value, _) => Some(value),
        Expr::Cast(cast) => literal(&cast.expr),
        _ => None,
    }
}

/// Whether an expression names a column of its own query.
fn names_column(expr: &ast::Expr) -> bool {
    let mut found = matches!(expr.kind, ExprKind::Column(_));
    expr.for_each_child(&mut |child| found = found || names_column(child));
    found
}
