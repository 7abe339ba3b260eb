//! Random queries.

use fastrand::Rng;

use super::expr::{Column, Exprs};
use super::schema::{Schema, Type};

/// Makes queries over a schema.
pub struct Queries<'a> {
    schema: &'a Schema,
    random: &'a mut Rng,
    /// How many aliases were given.
    aliases: usize,
}

impl<'a> Queries<'a> {
    pub fn new(schema: &'a Schema, random: &'a mut Rng) -> Self {
        Self {
            schema,
            random,
            aliases: 0,
        }
    }

    /// A whole query.
    pub fn query(&mut self) -> String {
        match self.random.u8(..10) {
            0 => {
                let types = self.types();
                let (a, b) = (self.select(&types), self.select(&types));
                let sets = [
                    "union",
                    "union all",
                    "intersect",
                    "except",
                    "intersect all",
                    "except all",
                ];
                let set = sets[self.random.usize(..sets.len())];
                format!("{a} {set} {b}")
            }
            1..=3 => self.grouped(),
            4 => {
                // All columns are in the order, so the first rows are the same ones.
                let types = self.types();
                let select = self.select(&types);
                let order: Vec<String> = (1..=types.len())
                    .map(|at| {
                        let way = ["", " desc", " nulls first", " desc nulls last"];
                        format!("{at}{}", way[self.random.usize(..way.len())])
                    })
                    .collect();
                let (limit, offset) = (self.random.u8(..7), self.random.u8(..3));
                format!(
                    "{select} order by {} limit {limit} offset {offset}",
                    order.join(", ")
                )
            }
            5 => self.windowed(),
            _ => {
                let types = self.types();
                self.select(&types)
            }
        }
    }

    /// A query without conditions, and a condition that it could have.
    pub fn partitioned(&mut self) -> (String, String) {
        let (from, columns) = self.from(2);
        let shown: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let predicate = self.predicate(&columns);
        (
            format!("select {} from {from}", shown.join(", ")),
            predicate,
        )
    }

    /// A `FROM`, and a condition over it.
    pub fn counted(&mut self) -> (String, String) {
        let (from, columns) = self.from(2);
        let predicate = self.predicate(&columns);
        (format!("from {from}"), predicate)
    }

    fn types(&mut self) -> Vec<Type> {
        let count = self.random.usize(1..4);
        (0..count)
            .map(|_| Type::ALL[self.random.usize(..Type::ALL.len())])
            .collect()
    }

    fn select(&mut self, types: &[Type]) -> String {
        let (from, columns) = self.from(2);
        let mut exprs = self.exprs(&columns);
        let shown: Vec<String> = types.iter().map(|ty| exprs.value(*ty, 2)).collect();
        let distinct = ["", "", "", "distinct "][self.random.usize(..4)];
        let condition = self.where_clause(&columns);
        format!(
            "select {distinct}{} from {from}{condition}",
            shown.join(", ")
        )
    }

    fn grouped(&mut self) -> String {
        let (from, columns) = self.from(2);
        let groups: Vec<String> = (0..self.random.usize(0..3))
            .map(|_| {
                let ty = Type::ALL[self.random.usize(..Type::ALL.len())];
                self.exprs(&columns).value(ty, 1)
            })
            .filter(|group| columns.iter().any(|(name, _)| group.contains(name)))
            .collect();
        let mut shown = groups.clone();
        for _ in 0..self.random.usize(1..4) {
            shown.push(self.aggregate(&columns));
        }
        let condition = self.where_clause(&columns);
        let group = match groups.is_empty() {
            true => String::new(),
            false => format!(" group by {}", groups.join(", ")),
        };
        let having = match self.random.u8(..4) {
            0 => format!(" having count(*) > {}", self.random.u8(..3)),
            1 => {
                let aggregate = self.aggregate(&columns);
                format!(" having {aggregate} is not null")
            }
            _ => String::new(),
        };
        format!(
            "select {} from {from}{condition}{group}{having}",
            shown.join(", ")
        )
    }

    fn aggregate(&mut self, columns: &[Column]) -> String {
        let distinct = ["", "", "distinct "][self.random.usize(..3)];
        let ty = Type::ALL[self.random.usize(..Type::ALL.len())];
        let kind = self.random.u8(..8);
        let condition = self.exprs(columns).condition(1);
        let filter = match self.random.u8(..6) {
            0 => format!(" filter (where {condition})"),
            _ => String::new(),
        };
        let mut exprs = self.exprs(columns);
        let call = match kind {
            0 => "count(*)".to_owned(),
            1 | 2 => format!("count({distinct}{})", exprs.value(ty, 1)),
            3 => format!("sum({distinct}{})", exprs.value(Type::Int, 1)),
            4 => format!("sum({distinct}{})", exprs.value(Type::Numeric, 1)),
            5 => format!("avg({distinct}{})", exprs.value(Type::Big, 1)),
            6 => format!("bool_or({})", exprs.condition(1)),
            _ => {
                let ty = if ty.has_extremes() { ty } else { Type::Text };
                let name = ["min", "max"][exprs.random.usize(..2)];
                format!("{name}({})", exprs.value(ty, 1))
            }
        };
        call + &filter
    }

    fn windowed(&mut self) -> String {
        let (from, columns) = self.from(1);
        let condition = self.where_clause(&columns);
        let ty = Type::ALL[self.random.usize(..Type::ALL.len())];
        let part = self.exprs(&columns).value(ty, 1);
        // By all columns, so that the order of equal rows does not matter.
        let order: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let order = order.join(", ");
        let function = ["row_number()", "rank()", "count(*)", "lag(1)"][self.random.usize(..4)];
        format!(
            "select {order}, {function} over (partition by {part} order by {order}) from {from}{condition}"
        )
    }

    fn where_clause(&mut self, columns: &[Column]) -> String {
        match self.random.u8(..4) {
            0 => String::new(),
            _ => format!(" where {}", self.predicate(columns)),
        }
    }

    /// A condition, perhaps with a subquery.
    fn predicate(&mut self, columns: &[Column]) -> String {
        let plain = self.exprs(columns).condition(2);
        let ty = Type::ALL[self.random.usize(..Type::ALL.len())];
        let subquery = match self.random.u8(..8) {
            0 => {
                let (from, inner) = self.from(0);
                let left = self.exprs(columns).value(ty, 1);
                let shown = self.exprs(&inner).value(ty, 1);
                let condition = self.where_clause(&inner);
                let not = ["", "not "][self.random.usize(..2)];
                format!("{left} {not}in (select {shown} from {from}{condition})")
            }
            1 => {
                let (from, inner) = self.from(0);
                let both: Vec<Column> = columns.iter().chain(&inner).cloned().collect();
                let condition = self.exprs(&both).condition(1);
                let not = ["", "not "][self.random.usize(..2)];
                format!("{not}exists (select 1 from {from} where {condition})")
            }
            2 => {
                let (from, inner) = self.from(0);
                let left = self.exprs(columns).value(Type::Int, 0);
                let shown = self.exprs(&inner).value(Type::Int, 0);
                let outer = self.exprs(columns).value(ty, 0);
                let mine = self.exprs(&inner).value(ty, 0);
                let name = ["max", "min", "count"][self.random.usize(..3)];
                format!("{left} <= (select {name}({shown}) from {from} where {mine} = {outer})")
            }
            _ => return plain,
        };
        let way = ["and", "or"][self.random.usize(..2)];
        format!("({plain} {way} {subquery})")
    }

    /// Tables joined up to so many times, and their columns.
    fn from(&mut self, joins: usize) -> (String, Vec<Column>) {
        if joins > 1 && self.random.u8(..4) == 0 {
            return self.chain();
        }
        let (mut from, mut columns) = self.table();
        for _ in 0..self.random.usize(0..=joins) {
            let (table, more) = self.table();
            let first = columns.len();
            columns.extend(more);
            let kind = ["join", "left join", "right join", "full join", "cross join"]
                [self.random.usize(..5)];
            if kind == "cross join" {
                from = format!("{from} cross join {table}");
                continue;
            }
            // A full join needs an equality; others mostly have one.
            let equal = self.equality(&columns, first);
            let condition = match (kind, self.random.u8(..3)) {
                ("full join", _) | (_, 0) => equal,
                (_, 1) => format!("{equal} and {}", self.exprs(&columns).condition(1)),
                _ => self.exprs(&columns).condition(1),
            };
            from = format!("{from} {kind} {table} on {condition}");
        }
        (from, columns)
    }

    /// Inner joins of several tables, each with one before it, whose order is free.
    fn chain(&mut self) -> (String, Vec<Column>) {
        let (mut from, mut columns) = self.table();
        for _ in 0..self.random.usize(2..=4) {
            let (table, more) = self.table();
            let first = columns.len();
            columns.extend(more);
            // By the first column, of which no table has one value twice.
            let (before, _) = &columns[self.random.usize(..first)];
            let before = before.split('.').next().unwrap_or(before);
            let equal = format!("{before}.id = {}", columns[first].0);
            let condition = match self.random.u8(..3) {
                0 => format!(" and {}", self.exprs(&columns).condition(1)),
                _ => String::new(),
            };
            from = format!("{from} join {table} on {equal}{condition}");
        }
        (from, columns)
    }

    fn table(&mut self) -> (String, Vec<Column>) {
        let table = &self.schema.tables[self.random.usize(..self.schema.tables.len())];
        self.aliases += 1;
        let alias = format!("x{}", self.aliases);
        let columns = table.columns.iter();
        let columns = columns.map(|(name, ty)| (format!("{alias}.{name}"), *ty));
        (format!("{} {alias}", table.name), columns.collect())
    }

    /// A column from before `first` equals one from there on.
    fn equality(&mut self, columns: &[Column], first: usize) -> String {
        let (left, right) = columns.split_at(first);
        let pairs: Vec<(&str, &str)> = left
            .iter()
            .flat_map(|(a, t)| {
                right
                    .iter()
                    .filter(move |(_, u)| t == u && *t != Type::JsonPath)
                    .map(move |(b, _)| (&**a, &**b))
            })
            .collect();
        let (a, b) = pairs[self.random.usize(..pairs.len())];
        format!("{a} = {b}")
    }

    fn exprs<'e>(&'e mut self, columns: &'e [Column]) -> Exprs<'e> {
        Exprs {
            columns,
            random: self.random,
        }
    }
}
