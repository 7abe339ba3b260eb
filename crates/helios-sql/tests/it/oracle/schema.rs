//! Small random schemas, with NULLs, equal values, and indexes of every kind.

use fastrand::Rng;

/// What columns hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Int,
    Big,
    Text,
    Numeric,
    Bool,
    Date,
}

/// A table.
pub struct Table {
    pub name: String,
    pub columns: Vec<(String, Type)>,
}

/// Tables with rows.
pub struct Schema {
    pub tables: Vec<Table>,
    statements: Vec<String>,
}

impl Type {
    pub const ALL: [Self; 6] = [
        Self::Int,
        Self::Big,
        Self::Text,
        Self::Numeric,
        Self::Bool,
        Self::Date,
    ];

    fn sql(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Big => "bigint",
            Self::Text => "text",
            Self::Numeric => "numeric(8,2)",
            Self::Bool => "bool",
            Self::Date => "date",
        }
    }

    /// A constant of few different values. Equal numbers look alike, so that it does not matter
    /// which of them stands for a group.
    pub fn literal(self, random: &mut Rng) -> String {
        match self {
            Self::Int => random.i32(-3..7).to_string(),
            Self::Big => format!("{}::bigint", random.i64(-2..5) * 1_000_000_000_000),
            Self::Text => format!(
                "'{}'",
                ["", "a", "b", "ab", "Ab", "zz", "é"][random.usize(..7)]
            ),
            Self::Numeric => {
                ["0.00", "1.50", "-2.25", "10.00", "100.00"][random.usize(..5)].to_owned()
            }
            Self::Bool => ["true", "false"][random.usize(..2)].to_owned(),
            Self::Date => format!("date '2024-02-{:02}'", random.u8(26..=29)),
        }
    }
}

impl Schema {
    pub fn random(random: &mut Rng) -> Self {
        let mut schema = Self {
            tables: Vec::new(),
            statements: Vec::new(),
        };
        for number in 0..random.usize(2..=3) {
            schema.add_table(number, random);
        }
        schema
    }

    pub fn statements(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().map(String::as_str)
    }

    fn add_table(&mut self, number: usize, random: &mut Rng) {
        let name = format!("t{number}");
        let mut columns = vec![("id".to_owned(), Type::Int)];
        for column in 0..random.usize(2..=4) {
            let ty = Type::ALL[random.usize(..Type::ALL.len())];
            columns.push((format!("c{column}"), ty));
        }
        let keyed = random.bool();
        let definitions: Vec<String> = columns
            .iter()
            .enumerate()
            .map(|(at, (name, ty))| {
                let key = if at == 0 && keyed { " primary key" } else { "" };
                format!("{name} {}{key}", ty.sql())
            })
            .collect();
        self.add(format!("create table {name} ({})", definitions.join(", ")));
        let early = random.bool();
        if early {
            self.add_indexes(&name, &columns, random);
        }
        let rows = [0, 1, 5, 12, 40][random.usize(..5)];
        for id in 0..rows {
            let values: Vec<String> = columns
                .iter()
                .enumerate()
                .map(|(at, (_, ty))| match at {
                    0 => id.to_string(),
                    _ if random.u8(..5) == 0 => "null".to_owned(),
                    _ => ty.literal(random),
                })
                .collect();
            self.add(format!("insert into {name} values ({})", values.join(", ")));
        }
        if !early {
            self.add_indexes(&name, &columns, random);
        }
        if random.bool() {
            self.add(format!("delete from {name} where id % 7 = 3"));
            let (column, ty) = &columns[random.usize(1..columns.len())];
            let value = ty.literal(random);
            self.add(format!(
                "update {name} set {column} = {value} where id % 5 = 1"
            ));
        }
        if random.bool() {
            self.add(format!("analyze {name}"));
        }
        self.tables.push(Table { name, columns });
    }

    fn add_indexes(&mut self, table: &str, columns: &[(String, Type)], random: &mut Rng) {
        for _ in 0..random.usize(0..3) {
            let (first, ty) = &columns[random.usize(1..columns.len())];
            let (second, _) = &columns[random.usize(..columns.len())];
            let literal = ty.literal(random);
            let index = match random.u8(..6) {
                0 => format!("({first})"),
                1 => format!("({first} desc, {second})"),
                2 => format!("({second}, {first} nulls first)"),
                3 => format!("({second}) where {first} is not null"),
                4 => format!("({second}) where {first} > {literal}"),
                _ if *ty == Type::Text => format!("(lower({first}), {second})"),
                _ => format!("({first}) include ({second})"),
            };
            self.add(format!("create index on {table} {index}"));
        }
    }

    fn add(&mut self, statement: String) {
        self.statements.push(statement);
    }
}
