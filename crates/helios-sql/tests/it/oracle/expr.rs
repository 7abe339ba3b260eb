//! Random expressions that cannot fail.

use fastrand::Rng;

use super::schema::Type;

/// A column in scope: as it is written, and its type.
pub type Column = (String, Type);

/// Makes expressions over columns.
pub struct Exprs<'a> {
    pub columns: &'a [Column],
    pub random: &'a mut Rng,
}

impl Exprs<'_> {
    fn column(&mut self, ty: Type) -> Option<String> {
        let fit: Vec<&Column> = self.columns.iter().filter(|(_, t)| *t == ty).collect();
        (!fit.is_empty()).then(|| fit[self.random.usize(..fit.len())].0.clone())
    }

    fn leaf(&mut self, ty: Type) -> String {
        if self.random.u8(..4) > 0
            && let Some(column) = self.column(ty)
        {
            return column;
        }
        match self.random.u8(..12) {
            0 => format!("null::{}", cast_name(ty)),
            _ => ty.literal(self.random),
        }
    }

    /// A value of the type.
    pub fn value(&mut self, ty: Type, depth: u8) -> String {
        if depth == 0 || self.random.u8(..3) == 0 {
            return self.leaf(ty);
        }
        let below = depth - 1;
        match (ty, self.random.u8(..4)) {
            (Type::Bool, _) => self.condition(below),
            (_, 0) => {
                let condition = self.condition(below);
                let (a, b) = (self.value(ty, below), self.value(ty, below));
                format!("case when {condition} then {a} else {b} end")
            }
            (_, 1) => {
                let (a, b) = (self.value(ty, below), self.value(ty, below));
                format!("coalesce({a}, {b})")
            }
            (Type::Int, 2) => {
                let text = self.value(Type::Text, below);
                format!("length({text})")
            }
            (Type::Int | Type::Numeric, _) => {
                let (a, b) = (self.value(ty, 0), self.value(ty, below));
                let sign = ["+", "-"][self.random.usize(..2)];
                format!("({a} {sign} {b})")
            }
            (Type::Big, _) => {
                let a = self.value(Type::Int, below);
                format!("({a})::bigint")
            }
            (Type::Text, 2) => {
                let text = self.value(Type::Text, below);
                format!("{}({text})", ["lower", "upper"][self.random.usize(..2)])
            }
            (Type::Text, _) => {
                let (a, b) = (self.value(ty, below), self.value(ty, 0));
                format!("({a} || {b})")
            }
            (Type::Date, _) => {
                let (a, b) = (self.value(ty, below), self.random.u8(..3));
                format!("({a} + {b})")
            }
            (Type::Timestamp, _) => {
                let (a, b) = (self.value(ty, below), self.random.u8(..3));
                format!("({a} + interval '{b} hours')")
            }
            (Type::Bit, 2) => {
                let (a, b) = (self.value(ty, below), self.value(ty, 0));
                let sign = ["&", "|", "#"][self.random.usize(..3)];
                format!("({a} {sign} {b})")
            }
            (Type::Bit | Type::MacAddr, _) => format!("(~ {})", self.value(ty, below)),
            (Type::Inet, _) => format!("set_masklen({}, 16)", self.value(ty, below)),
            (Type::Range, _) => {
                let (a, b) = (self.value(ty, below), self.value(ty, 0));
                format!("({a} * {b})")
            }
            (Type::Multirange, _) => {
                let (a, b) = (self.value(ty, below), self.value(ty, 0));
                let operator = ["*", "+", "-"][self.random.usize(..3)];
                format!("({a} {operator} {b})")
            }
            (Type::Texts, _) => {
                let (a, b) = (self.value(ty, below), self.value(Type::Text, 0));
                format!("array_append({a}, {b})")
            }
            (Type::Composite, 2) => {
                let (a, b) = (self.value(Type::Int, below), self.value(Type::Text, 0));
                format!("row({a}, {b})::pair")
            }
            _ => self.leaf(ty),
        }
    }

    /// A condition, which may be unknown.
    pub fn condition(&mut self, depth: u8) -> String {
        let ty = Type::ALL[self.random.usize(..Type::ALL.len())];
        if depth > 0 {
            let below = depth - 1;
            match self.random.u8(..8) {
                0 | 1 => {
                    let (a, b) = (self.condition(below), self.condition(below));
                    return format!("({a} and {b})");
                }
                2 | 3 => {
                    let (a, b) = (self.condition(below), self.condition(below));
                    return format!("({a} or {b})");
                }
                4 => return format!("(not {})", self.condition(below)),
                _ => {}
            }
        }
        if self.random.u8(..12) == 0
            && let Some(path) = self.column(Type::JsonPath)
        {
            return format!(
                "jsonb_path_exists('{{\"a\": 1, \"b\": [1, 2]}}', {path}, '{{}}', true)"
            );
        }
        let left = self.value(ty, depth.min(1));
        match self.random.u8(..9) {
            0 => format!("({left} is null)"),
            1 => format!("({left} is not null)"),
            2 => {
                let count = self.random.usize(1..5);
                let list: Vec<String> = (0..count).map(|_| self.leaf(ty)).collect();
                let not = if self.random.bool() { " not" } else { "" };
                format!("({left}{not} in ({}))", list.join(", "))
            }
            3 => {
                let (low, high) = (self.leaf(ty), self.leaf(ty));
                format!("({left} between {low} and {high})")
            }
            4 => {
                let right = self.leaf(ty);
                let not = if self.random.bool() { " not" } else { "" };
                format!("({left} is{not} distinct from {right})")
            }
            5 if matches!(ty, Type::Range | Type::Multirange) => {
                let right = match self.random.bool() {
                    true => self.leaf(ty),
                    false => self.leaf(Type::Range),
                };
                let operator = ["&&", "@>", "<@", "<<", "-|-"][self.random.usize(..5)];
                format!("({left} {operator} {right})")
            }
            5 if matches!(ty, Type::Ints | Type::Texts) => {
                let right = self.leaf(ty);
                let operator = ["&&", "@>", "<@"][self.random.usize(..3)];
                format!("({left} {operator} {right})")
            }
            6 if ty == Type::Ints => {
                let right = self.leaf(Type::Int);
                format!("({right} = any ({left}))")
            }
            5 if matches!(ty, Type::Inet | Type::Cidr) => {
                let right = self.leaf(ty);
                let operator = ["<<", "<<=", ">>", "&&"][self.random.usize(..4)];
                format!("({left} {operator} {right})")
            }
            5 if ty == Type::Text => format!(
                "({left} like '{}')",
                ["a%", "%b", "_"][self.random.usize(..3)]
            ),
            6 if ty == Type::Bool => left,
            // A date beside a moment.
            5 | 6 if ty == Type::Date => {
                let (day, hours) = (
                    ty.literal(self.random),
                    [0, 0, 24, 30, -1][self.random.usize(..5)],
                );
                let operator = ["=", "<>", "<", "<=", ">", ">="][self.random.usize(..6)];
                let moment = format!("({day} + interval '{hours} hours')");
                match self.random.bool() {
                    true => format!("({left} {operator} {moment})"),
                    false => format!("({moment} {operator} {left})"),
                }
            }
            _ => {
                let right = self.value(ty, depth.min(1));
                let operator = ["=", "<>", "<", "<=", ">", ">=", "="][self.random.usize(..7)];
                format!("({left} {operator} {right})")
            }
        }
    }
}

fn cast_name(ty: Type) -> &'static str {
    match ty {
        Type::Numeric => "numeric",
        other => other.sql(),
    }
}
