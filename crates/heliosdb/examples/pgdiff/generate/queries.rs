//! Queries of many shapes over one table with a column of every type.

use helios_testkit::Rng;

use super::pools;

/// The columns of the table `r`, and their types.
const COLUMNS: &[(&str, &str)] = &[
    ("id", "integer"),
    ("b", "boolean"),
    ("s", "smallint"),
    ("i", "integer"),
    ("g", "integer"),
    ("l", "bigint"),
    ("f", "double precision"),
    ("r4", "real"),
    ("n", "numeric"),
    ("t", "text"),
    ("v", "character varying"),
    ("d", "date"),
    ("tm", "time without time zone"),
    ("ts", "timestamp without time zone"),
    ("tz", "timestamp with time zone"),
    ("iv", "interval"),
    ("u", "uuid"),
    ("j", "jsonb"),
    ("ai", "integer[]"),
    ("at", "text[]"),
    ("oz", "time with time zone"),
    ("bv", "bit varying"),
    ("ip", "inet"),
    ("mac", "macaddr"),
    ("rg", "int4range"),
    ("t3", "timestamp(3) without time zone"),
];

/// Values that neither overflow nor break arithmetic, so that which expression fails first does
/// not matter.
fn tame(rng: &mut Rng, ty: &str) -> String {
    let texts: &[&str] = match ty {
        "boolean" => &["t", "f"],
        "smallint" => &["0", "1", "2", "-3"],
        "integer" => &["0", "1", "2", "3", "-5", "10"],
        "bigint" => &["0", "1", "-7", "4294967296"],
        "double precision" | "real" => &["0", "0.5", "-1.5", "2.25", "100"],
        "numeric" => &["0", "0.5", "1.50", "-2.25", "10", "3.333"],
        "text" | "character varying" => &["", "a", "ab", "abc", "B", "é", "x y", "12"],
        "date" => &["2020-01-01", "2020-02-29", "2021-12-31"],
        "time without time zone" => &["00:00:00", "10:30:00", "23:59:59.5"],
        "timestamp without time zone" => &[
            "2020-01-01 00:00:00",
            "2020-02-29 12:30:00",
            "2021-03-14 02:30:00",
        ],
        "timestamp with time zone" => &[
            "2020-01-01 00:00:00+00",
            "2021-03-14 07:30:00+00",
            "2021-11-07 06:30:00+00",
        ],
        "interval" => &["0", "1 day", "-02:30:00", "1 mon 3 days"],
        "uuid" => &[
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "00000000-0000-0000-0000-000000000000",
        ],
        "jsonb" => &[
            "{\"a\": 1}",
            "[1, 2]",
            "\"x\"",
            "null",
            "{\"a\": {\"b\": 2}}",
        ],
        "integer[]" => &["{}", "{1}", "{1,2,3}", "{3,NULL}"],
        "text[]" => &["{}", "{a}", "{b,a}", "{NULL}"],
        "time with time zone" => &["10:00:00+00", "12:00:00+02", "05:30:00-08"],
        "bit varying" => &["", "0", "1", "101", "0110"],
        "inet" => &["10.0.0.1", "10.0.0.0/8", "::1", "192.168.1.5/24"],
        "macaddr" => &["08:00:2b:01:02:03", "00:00:00:00:00:01"],
        "int4range" => &["empty", "[1,5)", "(,3)", "[4,)"],
        "timestamp(3) without time zone" => &["2020-01-01 00:00:00.1234", "2021-03-14 02:30:00"],
        _ => &["0"],
    };
    format!("{}::{ty}", pools::quoted(rng.pick::<&str>(texts)))
}

/// What the queries need: the table and its rows.
pub fn fixture(rng: &mut Rng) -> Vec<String> {
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|(name, ty)| match *name {
            "id" => "id integer PRIMARY KEY".to_owned(),
            _ => format!("{name} {ty}"),
        })
        .collect();
    let mut sql = vec![format!("CREATE TABLE r ({})", columns.join(", "))];
    for id in 1..=24 {
        let cells: Vec<String> = COLUMNS
            .iter()
            .map(|(name, ty)| match *name {
                "id" => id.to_string(),
                "g" => rng.u8(0..4).to_string(),
                _ if rng.one_in(6) => "NULL".to_owned(),
                _ => tame(rng, ty),
            })
            .collect();
        sql.push(format!("INSERT INTO r VALUES ({})", cells.join(", ")));
    }
    if rng.one_in(2) {
        sql.push("CREATE INDEX r_g ON r (g, i)".to_owned());
        sql.push("CREATE INDEX r_t ON r (t)".to_owned());
    }
    sql
}

/// One query.
pub fn query(rng: &mut Rng) -> String {
    let mut q = Queries { rng, alias: "r" };
    match q.rng.u8(0..12) {
        0 | 1 => q.plain(),
        2 | 3 => q.grouped(),
        4 => q.windowed(),
        5 | 6 => q.joined(),
        7 => q.set_operation(),
        8 => q.with_subquery(),
        9 => q.distinct(),
        10 => q.lateral(),
        _ => q.limited(),
    }
}

struct Queries<'r> {
    rng: &'r mut Rng,
    alias: &'static str,
}

impl Queries<'_> {
    fn pick_type(&mut self) -> &'static str {
        COLUMNS[self.rng.usize(0..COLUMNS.len())].1
    }

    fn plain(&mut self) -> String {
        let ty = self.pick_type();
        let (a, b, c) = (self.of(ty, 2), self.any(), self.condition(2));
        format!("SELECT id, {a} AS a, {b} AS b FROM r WHERE {c}")
    }

    fn grouped(&mut self) -> String {
        let key = self.pick_type();
        let (key, a, b) = (self.of(key, 1), self.aggregate(), self.aggregate());
        let filter = self.condition(1);
        let having = if self.rng.one_in(3) {
            format!(" HAVING {} IS NOT NULL", self.aggregate())
        } else {
            String::new()
        };
        match self.rng.u8(0..4) {
            0 => format!("SELECT {a}, {b} FROM r WHERE {filter}"),
            1 => format!(
                "SELECT g, b, {a} AS x, grouping(g, b) FROM r GROUP BY ROLLUP (g, b){having}"
            ),
            2 => {
                format!("SELECT g, b, {a} AS x FROM r WHERE {filter} GROUP BY CUBE (g, b){having}")
            }
            _ => format!(
                "SELECT {key} AS k, {a} AS x, {b} AS y FROM r WHERE {filter} GROUP BY 1{having}"
            ),
        }
    }

    fn windowed(&mut self) -> String {
        let what = match self.rng.u8(0..9) {
            0 => "row_number()".to_owned(),
            1 => "rank()".to_owned(),
            2 => "dense_rank()".to_owned(),
            3 => format!("lag({}, {})", self.any(), self.rng.u8(0..3)),
            4 => format!("lead({})", self.any()),
            5 => format!("first_value({})", self.any()),
            6 => format!("nth_value({}, 2)", self.any()),
            _ => self.aggregate_plain(),
        };
        let order = self
            .rng
            .pick(&["id", "g, id", "i NULLS FIRST, id", "t DESC, id"]);
        let partition = self
            .rng
            .pick(&["", "PARTITION BY g ", "PARTITION BY b, g "]);
        let frame = self.rng.pick(&[
            "",
            "",
            " ROWS 2 PRECEDING",
            " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
            " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
            " ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING",
            " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
            " RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW",
            " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES",
        ]);
        format!("SELECT id, {what} OVER ({partition}ORDER BY {order}{frame}) AS w FROM r")
    }

    fn joined(&mut self) -> String {
        let kind = self
            .rng
            .pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"]);
        let on = if *kind == "CROSS JOIN" {
            String::new()
        } else {
            let key = self.rng.pick(&["g", "i", "t", "d", "b", "n", "id"]);
            format!(" ON x.{key} = y.{key}")
        };
        self.alias = "x";
        let (a, filter) = (self.any(), self.condition(1));
        self.alias = "y";
        let b = self.any();
        format!("SELECT x.id, y.id, {a} AS a, {b} AS b FROM r x {kind} r y{on} WHERE {filter}")
    }

    fn set_operation(&mut self) -> String {
        let ty = self.pick_type();
        let op = self.rng.pick(&[
            "UNION",
            "UNION ALL",
            "INTERSECT",
            "EXCEPT",
            "INTERSECT ALL",
            "EXCEPT ALL",
        ]);
        let (a, b, c, d) = (
            self.of(ty, 1),
            self.of(ty, 1),
            self.condition(1),
            self.condition(1),
        );
        format!("SELECT {a} AS a FROM r WHERE {c} {op} SELECT {b} FROM r WHERE {d}")
    }

    fn with_subquery(&mut self) -> String {
        let ty = self.pick_type();
        self.alias = "x";
        let (a, outer) = (self.of(ty, 1), self.any());
        self.alias = "y";
        let (b, filter) = (self.of(ty, 1), self.condition(1));
        let correlation = if self.rng.one_in(2) {
            " AND y.g = x.g"
        } else {
            ""
        };
        match self.rng.u8(0..5) {
            0 => format!(
                "SELECT x.id FROM r x WHERE {a} IN (SELECT {b} FROM r y WHERE {filter}{correlation})"
            ),
            1 => format!(
                "SELECT x.id FROM r x WHERE {a} NOT IN (SELECT {b} FROM r y WHERE {filter}{correlation})"
            ),
            2 => format!(
                "SELECT x.id, {outer} AS o FROM r x WHERE EXISTS (SELECT 1 FROM r y WHERE {filter}{correlation})"
            ),
            3 => format!(
                "SELECT x.id, (SELECT count({b}) FROM r y WHERE {filter}{correlation}) AS c FROM r x"
            ),
            _ => format!(
                "WITH y AS (SELECT * FROM r y WHERE {filter}) SELECT {b} AS k, count(*) FROM y GROUP BY {b}"
            ),
        }
    }

    fn distinct(&mut self) -> String {
        let (a, b) = (self.any(), self.condition(1));
        if self.rng.one_in(3) {
            return format!(
                "SELECT DISTINCT ON (g) g, id, {a} AS a FROM r WHERE {b} ORDER BY g, id"
            );
        }
        format!("SELECT DISTINCT {a} AS a FROM r WHERE {b}")
    }

    fn lateral(&mut self) -> String {
        match self.rng.u8(0..3) {
            0 => "SELECT id, e FROM r, unnest(ai) e".to_owned(),
            1 => {
                let a = self.any();
                format!("SELECT id, k, {a} AS a FROM r, generate_series(0, g) k")
            }
            _ => {
                self.alias = "y";
                let a = self.any();
                format!(
                    "SELECT x.id, z.a FROM r x LEFT JOIN LATERAL (SELECT {a} AS a FROM r y WHERE y.g = x.g ORDER BY y.id LIMIT 2) z ON true"
                )
            }
        }
    }

    fn limited(&mut self) -> String {
        let (a, key) = (self.any(), self.any());
        let direction = self
            .rng
            .pick(&["", " DESC", " NULLS FIRST", " DESC NULLS LAST"]);
        let (limit, offset) = (self.rng.u8(0..20), self.rng.u8(0..5));
        format!(
            "SELECT id, {a} AS a FROM r ORDER BY {key}{direction}, id LIMIT {limit} OFFSET {offset}"
        )
    }

    fn condition(&mut self, depth: u8) -> String {
        match self.rng.u8(0..4) {
            0 => "true".to_owned(),
            _ => self.of("boolean", depth),
        }
    }

    fn any(&mut self) -> String {
        let ty = self.pick_type();
        self.of(ty, 2)
    }

    fn aggregate(&mut self) -> String {
        let plain = self.aggregate_plain();
        match self.rng.u8(0..5) {
            0 => format!("{plain} FILTER (WHERE {})", self.condition(1)),
            _ => plain,
        }
    }

    fn aggregate_plain(&mut self) -> String {
        match self.rng.u8(0..12) {
            0 => "count(*)".to_owned(),
            1 => format!("count({})", self.any()),
            2 => format!("sum({})", self.of("integer", 1)),
            3 => format!("sum({})", self.of("numeric", 1)),
            4 => format!("avg({})", self.of("numeric", 1)),
            5 => format!("avg({})", self.of("bigint", 1)),
            6 => {
                let ty = *self.rng.pick(&[
                    "integer",
                    "text",
                    "date",
                    "numeric",
                    "interval",
                    "integer[]",
                ]);
                format!("min({})", self.of(ty, 1))
            }
            7 => {
                let ty = *self.rng.pick(&[
                    "bigint",
                    "text",
                    "time without time zone",
                    "double precision",
                ]);
                format!("max({})", self.of(ty, 1))
            }
            8 => format!("bool_or({})", self.of("boolean", 1)),
            9 => format!("sum({})", self.of("interval", 1)),
            10 => format!("bit_xor({})", self.of("integer", 1)),
            _ => format!("min({})", self.of("timestamp without time zone", 1)),
        }
    }

    /// An expression of this type, at most so deep.
    fn of(&mut self, ty: &str, depth: u8) -> String {
        if depth == 0 || self.rng.one_in(4) {
            return self.leaf(ty);
        }
        let next = depth - 1;
        if self.rng.one_in(6) {
            let (a, b) = (self.of(ty, next), self.of(ty, next));
            return match self.rng.u8(0..5) {
                0 => format!(
                    "CASE WHEN {} THEN {a} ELSE {b} END",
                    self.of("boolean", next)
                ),
                1 => format!("COALESCE({a}, {b})"),
                2 if ty != "boolean" => format!("NULLIF({a}, {b})"),
                3 if ty != "jsonb" => format!("GREATEST({a}, {b})"),
                _ => format!("({a})"),
            };
        }
        self.operation(ty, next)
    }

    fn operation(&mut self, ty: &str, d: u8) -> String {
        macro_rules! one {
            ($($template:literal : $($arg:literal),*;)+) => {{
                let templates: &[(&str, &[&str])] = &[$(($template, &[$($arg),*])),+];
                let (template, args) = templates[self.rng.usize(0..templates.len())];
                let mut text = template.to_owned();
                for arg in args {
                    let arg = self.of(arg, d);
                    text = text.replacen('@', &arg, 1);
                }
                text
            }};
        }
        match ty {
            "boolean" => match self.rng.u8(0..4) {
                0 => {
                    let op = *self.rng.pick(&[
                        "=",
                        "<>",
                        "<",
                        "<=",
                        ">",
                        ">=",
                        "IS DISTINCT FROM",
                        "IS NOT DISTINCT FROM",
                    ]);
                    let of = self.pick_type();
                    let (a, b) = (self.of(of, d), self.of(of, d));
                    format!("({a} {op} {b})")
                }
                1 => {
                    let of = self.pick_type();
                    let (a, b, c) = (self.of(of, d), self.of(of, d), self.of(of, d));
                    match self.rng.u8(0..5) {
                        0 => format!("({a} IN ({b}, {c}))"),
                        1 => format!("({a} BETWEEN {b} AND {c})"),
                        2 => format!("({a} NOT IN ({b}, NULL, {c}))"),
                        3 => format!("({a} = ANY (ARRAY[{b}, {c}]))"),
                        _ => format!("({a} IS NOT NULL)"),
                    }
                }
                _ => one! {
                    "(@ AND @)": "boolean", "boolean";
                    "(@ OR @)": "boolean", "boolean";
                    "(NOT @)": "boolean";
                    "(@ IS NOT TRUE)": "boolean";
                    "(@ LIKE 'a%')": "text";
                    "(@ ~ '[a-b]')": "text";
                    "(@ ILIKE '%B%')": "character varying";
                    "(@ @> '{1}')": "integer[]";
                    "(@ ? 'a')": "jsonb";
                    "(@ @> '{\"a\": 1}')": "jsonb";
                    "((@, @) < (@, @))": "integer", "text", "integer", "text";
                    "(@ < @)": "date", "timestamp with time zone";
                    "(@ = @)": "numeric", "double precision";
                    "(@ > @)": "bigint", "numeric";
                },
            },
            "smallint" => {
                one! { "(@ + 1::int2)": "smallint"; "(-@)": "smallint"; "abs(@)": "smallint"; }
            }
            "integer" => one! {
                "(@ + @)": "integer", "integer"; "(@ - @)": "integer", "smallint";
                "(@ * 3)": "integer"; "(@ / 2)": "integer"; "(@ % 7)": "integer"; "(-@)": "integer";
                "length(@)": "text"; "abs(@)": "integer"; "(@ & @)": "integer", "integer";
                "cardinality(@)": "integer[]"; "array_length(@, 1)": "text[]"; "strpos(@, @)": "text", "text";
                "(@ - @)": "date", "date"; "@::int": "numeric"; "@::int": "boolean"; "(@)[1]": "integer[]";
                "ascii(@)": "text"; "sign(@)::int": "double precision";
            },
            "bigint" => {
                one! { "(@ + @)": "bigint", "integer"; "(@ * 2)": "bigint"; "abs(@)": "bigint"; "@::bigint": "double precision"; "(@ # 5)": "bigint"; }
            }
            "double precision" => one! {
                "(@ + @)": "double precision", "real"; "(@ * @)": "double precision", "integer";
                "(@ / 4)": "double precision"; "floor(@)": "double precision"; "round(@)": "double precision";
                "sqrt(abs(@))": "double precision"; "@::float8": "numeric"; "date_part('day', @)": "timestamp without time zone";
                "(@ - @)": "double precision", "numeric"; "trunc(@)": "double precision";
            },
            "real" => one! { "(@ + @)": "real", "real"; "(@ * 2::real)": "real"; "(-@)": "real"; },
            "numeric" => one! {
                "(@ + @)": "numeric", "numeric"; "(@ - @)": "numeric", "integer"; "(@ * @)": "numeric", "numeric";
                "(@ / 3)": "numeric"; "round(@, 1)": "numeric"; "trunc(@)": "numeric"; "abs(@)": "numeric";
                "extract(epoch from @)": "interval"; "extract(dow from @)": "date"; "(@ % 2)": "numeric"; "ceil(@)": "numeric";
            },
            "text" => one! {
                "(@ || @)": "text", "text"; "upper(@)": "text"; "lower(@)": "character varying"; "@::text": "integer";
                "@::text": "date"; "@::text": "jsonb"; "@::text": "double precision"; "@::text": "interval"; "@::text": "text[]";
                "substr(@, 2)": "text"; "left(@, @)": "text", "smallint"; "repeat(@, 2)": "text"; "replace(@, 'a', @)": "text", "text";
                "(@ ->> 'a')": "jsonb"; "to_char(@, 'YYYY-MM-DD')": "timestamp without time zone"; "to_char(@, 'FM990.00')": "numeric";
                "concat(@, @, @)": "text", "integer", "date"; "array_to_string(@, ',')": "text[]"; "reverse(@)": "text"; "trim(@)": "text";
                "split_part(@, 'b', 1)": "text"; "(@ || @)": "text", "numeric"; "md5(@)": "text"; "@::text": "timestamp with time zone";
            },
            "character varying" => one! { "@::varchar": "text"; "@::varchar(2)": "text"; },
            "date" => {
                one! { "(@ + 1)": "date"; "(@ - @)": "date", "integer"; "@::date": "timestamp without time zone"; "@::date": "timestamp with time zone"; }
            }
            "time without time zone" => {
                one! { "(@ + @)": "time without time zone", "interval"; "@::time": "timestamp without time zone"; }
            }
            "timestamp without time zone" => one! {
                "(@ + @)": "timestamp without time zone", "interval"; "(@ + @)": "date", "interval"; "(@ - @)": "timestamp without time zone", "interval";
                "date_trunc('month', @)": "timestamp without time zone"; "@::timestamp": "date"; "(@ + @)": "date", "time without time zone";
                "(@ AT TIME ZONE 'Europe/Paris')": "timestamp with time zone"; "@::timestamp": "timestamp with time zone";
            },
            "timestamp with time zone" => one! {
                "(@ + @)": "timestamp with time zone", "interval"; "date_trunc('day', @)": "timestamp with time zone";
                "(@ AT TIME ZONE 'Asia/Tokyo')": "timestamp without time zone"; "@::timestamptz": "timestamp without time zone"; "@::timestamptz": "date";
            },
            "interval" => one! {
                "(@ - @)": "timestamp without time zone", "timestamp without time zone"; "(@ + @)": "interval", "interval"; "(@ * 2)": "interval";
                "(@ / 3)": "interval"; "age(@, @)": "timestamp without time zone", "timestamp without time zone"; "(@ - @)": "timestamp with time zone", "timestamp with time zone";
                "justify_interval(@)": "interval"; "(-@)": "interval"; "(@ - @)": "time without time zone", "time without time zone"; "make_interval(0, 0, 0, @)": "integer";
            },
            "jsonb" => one! {
                "(@ -> 'a')": "jsonb"; "(@ -> 0)": "jsonb"; "(@ || @)": "jsonb", "jsonb"; "to_jsonb(@)": "integer"; "to_jsonb(@)": "text"; "to_jsonb(@)": "text[]";
                "jsonb_build_object('k', @)": "numeric"; "jsonb_build_array(@, @)": "text", "date"; "jsonb_strip_nulls(@)": "jsonb"; "to_jsonb(@)": "timestamp with time zone";
            },
            "integer[]" => {
                one! { "(@ || @)": "integer[]", "integer[]"; "array_append(@, @)": "integer[]", "integer"; "ARRAY[@, @]": "integer", "integer"; "array_remove(@, 1)": "integer[]"; "(@)[2:]": "integer[]"; }
            }
            "text[]" => {
                one! { "(@ || @)": "text[]", "text[]"; "string_to_array(@, 'b')": "text"; "ARRAY[@, @]": "text", "text"; "array_prepend(@, @)": "text", "text[]"; }
            }
            "time with time zone" => one! {
                "(@ + @)": "time with time zone", "interval"; "(@)::time with time zone": "timestamp with time zone"; "(@ AT TIME ZONE INTERVAL '02:00')": "time with time zone";
            },
            "bit varying" => one! {
                "(@ || @)": "bit varying", "bit varying"; "((@)::bit(3))::bit varying": "integer"; "substring((@)::bit(4) FROM 2)::bit varying": "bit varying";
            },
            "inet" => one! {
                "(network(@))::inet": "inet"; "set_masklen(@, 8)": "inet"; "broadcast(@)": "inet"; "netmask(@)": "inet"; "(~ @)": "inet";
            },
            "macaddr" => {
                one! { "(~ @)": "macaddr"; "trunc(@)": "macaddr"; "(@ & @)": "macaddr", "macaddr"; }
            }
            "int4range" => {
                one! { "(@ * @)": "int4range", "int4range"; "int4range(LEAST(@, 5), NULL)": "integer"; }
            }
            "timestamp(3) without time zone" => {
                one! { "(@)::timestamp(3)": "timestamp without time zone"; "(@ + @)::timestamp(3)": "timestamp without time zone", "interval"; }
            }
            _ => self.leaf(ty),
        }
    }

    fn leaf(&mut self, ty: &str) -> String {
        let columns: Vec<&str> = COLUMNS
            .iter()
            .filter(|(_, of)| *of == ty)
            .map(|(name, _)| *name)
            .collect();
        if columns.is_empty() || self.rng.one_in(4) {
            return tame(self.rng, ty);
        }
        format!("{}.{}", self.alias, self.rng.pick(&columns))
    }
}
