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
    Char,
    Timestamp,
    TimeTz,
    Bit,
    Inet,
    Cidr,
    MacAddr,
    Range,
    Multirange,
    Ints,
    Texts,
    Domain,
    Enum,
    Composite,
    /// Cannot be compared: columns have it, nothing else.
    JsonPath,
}

/// What schemas need first.
const TYPES: [&str; 3] = [
    "create type mood as enum ('sad', 'ok', 'happy')",
    "create domain small as int check (value > -100)",
    "create type pair as (x int, y text)",
];

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
    /// Those whose values can be compared.
    pub const ALL: [Self; 20] = [
        Self::Int,
        Self::Big,
        Self::Text,
        Self::Numeric,
        Self::Bool,
        Self::Date,
        Self::Char,
        Self::Timestamp,
        Self::TimeTz,
        Self::Bit,
        Self::Inet,
        Self::Cidr,
        Self::MacAddr,
        Self::Range,
        Self::Multirange,
        Self::Ints,
        Self::Texts,
        Self::Domain,
        Self::Enum,
        Self::Composite,
    ];

    /// Whether there is a smallest and a largest of them.
    pub fn has_extremes(self) -> bool {
        !matches!(
            self,
            Self::Bool
                | Self::Bit
                | Self::MacAddr
                | Self::Range
                | Self::Multirange
                | Self::Composite
        )
    }

    /// Its name.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Big => "bigint",
            Self::Text => "text",
            Self::Numeric => "numeric(8,2)",
            Self::Bool => "bool",
            Self::Date => "date",
            Self::Char => "char(4)",
            Self::Timestamp => "timestamp(3)",
            Self::TimeTz => "timetz",
            Self::Bit => "bit(4)",
            Self::Inet => "inet",
            Self::Cidr => "cidr",
            Self::MacAddr => "macaddr",
            Self::Range => "int4range",
            Self::Multirange => "int4multirange",
            Self::Ints => "int[]",
            Self::Texts => "text[]",
            Self::Domain => "small",
            Self::Enum => "mood",
            Self::Composite => "pair",
            Self::JsonPath => "jsonpath",
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
            other => {
                let texts = other.texts();
                format!("'{}'::{}", texts[random.usize(..texts.len())], other.sql())
            }
        }
    }
}

impl Type {
    /// The texts of values of the types that are written as a text and a cast.
    fn texts(self) -> &'static [&'static str] {
        match self {
            Self::Char => &["", "a", "a  ", "ab", "b", "b\t"],
            Self::Timestamp => &[
                "2024-02-28 10:00:00.1234",
                "2024-02-28 10:00:00.123",
                "2024-02-29 00:00:00",
                "1999-12-31 23:59:59.9996",
            ],
            Self::TimeTz => &["10:00+00", "12:00+02", "09:30-05", "23:59:59.5+00"],
            Self::Bit => &["0000", "1010", "0110", "1111"],
            Self::Inet => &[
                "10.0.0.1",
                "10.0.0.1/24",
                "192.168.1.5",
                "::1",
                "10.0.0.0/8",
            ],
            Self::Cidr => &["10.0.0.0/8", "192.168.1.0/24", "10.0.0.0/24", "fe80::/10"],
            Self::MacAddr => &[
                "08:00:2b:01:02:03",
                "08:00:2b:01:02:04",
                "ff:ff:ff:ff:ff:ff",
            ],
            Self::Range => &["empty", "[1,5)", "[3,8)", "(,2)", "[4,)", "[1,2)"],
            Self::Multirange => &[
                "{}",
                "{[1,5)}",
                "{[1,3),[5,8)}",
                "{(,2),[4,)}",
                "{[2,3),[7,9)}",
            ],
            Self::Ints => &[
                "{}",
                "{1}",
                "{1,2}",
                "{2,NULL}",
                "{{1,2},{3,4}}",
                "[0:1]={1,2}",
            ],
            Self::Texts => &["{}", "{a}", "{a,b}", "{NULL}", "{\"\",z}"],
            Self::Domain => &["-3", "0", "1", "5"],
            Self::Enum => &["sad", "ok", "happy"],
            Self::Composite => &["(1,a)", "(1,)", "(,)", "(2,b)", "(,b)"],
            Self::JsonPath => &["$.a", "$.b[*] ? (@ > 1)", "strict $.c"],
            Self::Int | Self::Big | Self::Text | Self::Numeric | Self::Bool | Self::Date => &[],
        }
    }
}

impl Schema {
    pub fn random(random: &mut Rng) -> Self {
        let mut schema = Self {
            tables: Vec::new(),
            statements: TYPES.iter().map(|sql| (*sql).to_owned()).collect(),
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
            let ty = match random.u8(..20) {
                0 => Type::JsonPath,
                // Plain types are met more often.
                1..=9 => Type::ALL[random.usize(..7)],
                _ => Type::ALL[random.usize(..Type::ALL.len())],
            };
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
        let freezes = random.bool();
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
            if freezes && random.u8(..8) == 0 {
                self.add(format!("select * from helios_freeze('{name}')"));
            }
        }
        if !early {
            self.add_indexes(&name, &columns, random);
        }
        if freezes && random.bool() {
            self.add(format!("select * from helios_freeze('{name}')"));
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
            // There are no indexes over what cannot be compared.
            let plain = |name: &str| {
                columns
                    .iter()
                    .all(|(n, t)| n != name || *t != Type::JsonPath)
            };
            if !plain(first) || !plain(second) {
                continue;
            }
            let index = match random.u8(..6) {
                0 => format!("({first})"),
                1 => format!("({first} desc, {second})"),
                2 => format!("({second}, {first} nulls first)"),
                3 => format!("({second}) where {first} is not null"),
                // What a domain demands may change, so that its constants are not fixed.
                4 if *ty != Type::Domain => format!("({second}) where {first} > {literal}"),
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
