//! Guards the grammar: what is accepted, how syntax errors are worded and placed.

use super::ast::{ExprKind, Statement};
use super::{Script, is_complete, parse_expression};

fn parse(text: &str) -> Result<usize, String> {
    match Script::parse(text) {
        Ok(statements) => Ok(statements.len()),
        Err(error) => Err(format!(
            "{} {} @{}",
            error.sqlstate(),
            error.message(),
            error.position().unwrap_or(0)
        )),
    }
}

#[test]
fn accepts_statements_of_postgresql() {
    let texts = [
        "",
        " ; ;; -- nothing\n /* nor /* here */ */ ",
        "select 1; select 2;",
        "select",
        "select from t",
        "select *, t.*, s.t.* from s.t t",
        "select a b, c as select, d \"D\" from t as x (a, b, c)",
        "select 1 union select 2 intersect all select 3 except (select 4 order by 1 limit 1) order by 1",
        "select * from a, b join c on true left join d using (x, y) as u natural full join e cross join f",
        "select * from a join b join c on 1 = 1 on 2 = 2",
        "select * from a join b cross join c on true",
        "select * from (a join b using (id)) as j",
        "select * from ((select 1) union (select 2)) as q (x)",
        "select * from ((select 1) as a cross join (select 2) as b)",
        "select * from generate_series(1, 3) with ordinality as g (n, i), lateral (select g.n) q",
        "select * from rows from (generate_series(1, 2), unnest(array[1])) as r",
        "select * from json_to_record('{}') as x (a int, b text)",
        "with recursive t (n) as materialized (values (1) union all select n + 1 from t) table t",
        "select distinct on (a, b) a from t group by 1, (), (a, b), rollup (a, (b, c)), cube (a), grouping sets ((a), (), rollup (b)) having count(*) > 1 window w as (partition by a order by b desc nulls last rows between 1 preceding and current row exclude ties), v as (w)",
        "select sum(distinct a order by b) filter (where c) over (w range unbounded preceding), count(*) over () from t",
        "select percentile_cont(0.5) within group (order by x) from t",
        "select a from t order by 1 desc nulls first, b using > limit 10 offset 5 rows",
        "select a from t order by 1 offset 1 row fetch first 3 rows with ties for update of t nowait for share",
        "select date '2020-01-01', timestamp with time zone '2020-01-01', interval '1' day, interval '1-2' year to month, numeric(4, 2) '1.5', double precision '1'",
        "select extract(year from d), extract('day' from d), substring(a from 1 for 2), substring(a for 2), trim(both 'x' from a), trim(a), position('a' in b), overlay(a placing b from 1 for 2), current_date, current_timestamp(3), localtime, user",
        "select a::int[], cast(a as varchar(3)), a[1], a[1:2], a[:2], (a).b, row(1, 2), (1, 2) = (3, 4), array[[1, 2], [3, 4]], array(select 1)",
        "select a is not null and not b or c is distinct from d, a isnull, b notnull, a is not unknown",
        "select a between symmetric 1 and 2 and b not in (1, 2) or c in (select 1) and d not like 'x' escape '\\' and e ilike any (array['a'])",
        "select a = any (select 1), a <> all (array[1]), a @> b, a ->> 'x', a #>> '{a,b}', @ a, a || b, a ? 'b', a ?| b",
        "select -2 ^ 2, - a * b, a operator(pg_catalog.+) b, a at time zone 'utc', a collate \"C\" < b",
        "select e'\\n\\x41\\u0041\\'', 'a'\n'b', $$it's$$, $x$ $$ $x$, u&'\\0041', n'x'",
        "select coalesce(a, b), nullif(a, b), greatest(a), least(a, b), case a when 1 then 2 else 3 end, case when a then b end, grouping(a)",
        "select f(variadic array[1]), g(a => 1, b := 2), pg_catalog.lower('A')",
        "select a as of from t as of",
        "select * from t as of timestamp '2020-01-01' x, t as of scn 5 as y, t as of branch dev as of transaction 7, t for system_time as of now(), t as of now, t versions between scn 1 and maxvalue",
        "select * from t x as of scn 5, t as of system_time now() y, t as of system time now(), t as of branch 'a/b' at lsn '0/1' as z, t version as of 5, t timestamp as of now() q, t at (timestamp => now()), t as u at (offset => -60), t as of o.at p, t as of $1 q, t as of '2020-01-01'",
        "select * from (select 1) as of scn 5 x, (select 1) y as of now, t for system_time from 'a' to 'b', t for system_time between 1 and 2 x, t for system_time all, t for system_time contained in (a, b), t versions between timestamp minvalue and now() as v, t as of branch b versions between scn minvalue and maxvalue",
        "select 1 from t at (timestamp, b), t as of (a, b), t versions, t before",
        "insert into t default values",
        "insert into t (a, b) overriding system value values (1, default), (2, 3) on conflict (a) where b > 1 do update set b = excluded.b, (c, d) = (1, 2), (e) = row(1) where t.a > 1 returning *, a + 1 as x",
        "insert into t as u (select 1) on conflict do nothing",
        "insert into t with x as (select 1) select * from x on conflict on constraint k do nothing",
        "with x as (select 1) update only t as u set a = default, b = x.a from x where u.a = x.a returning u.*",
        "delete from t using u where t.a = u.a",
        "create table if not exists s.t (a int primary key, b text not null default 'x' check (b <> ''), c numeric(10, 2) unique, d int references u (id) on delete cascade on update set null deferrable initially deferred, e int generated always as (a + 1) stored, f bigint generated by default as identity (start 5 increment by 2), constraint k unique nulls not distinct (a, b) include (c), primary key (a, b), foreign key (a) references u match full on delete set default (a), check (a > 0) not valid, like u including all) with (fillfactor = 70)",
        "create temp table t as select 1 with no data",
        "create table t (x, y) as values (1, 2)",
        "create unique index concurrently if not exists i on t using btree (a desc nulls last, lower(b), (a + b)) include (c) where a > 0",
        "create or replace view v (a) as select 1",
        "create sequence q as int start with 5 increment -1 minvalue 1 no maxvalue cache 10 cycle owned by t.a",
        "create schema if not exists x",
        "alter table if exists t add column if not exists a int default 1, drop column b cascade, alter a type text using a::text, alter column a set default 1, alter a drop not null, add constraint k check (a > 0), drop constraint if exists k, validate constraint k",
        "alter table t rename to u; alter table t rename a to b; alter table t rename constraint a to b; alter table t set schema s; alter index i rename to j; alter sequence q restart with 5; alter view v rename to w; alter schema a rename to b",
        "drop table if exists a, s.b cascade; drop view v; drop index concurrently i; drop schema s restrict",
        "truncate table a, only b restart identity cascade",
        "comment on table t is 'x'; comment on column s.t.a is null; comment on constraint k on t is 'y'",
        "begin isolation level serializable, read only; commit and chain; start transaction; savepoint a; rollback to a; release savepoint a; end work; abort",
        "set session a.b = 1, 'x', y; set local time zone 'utc'; set names 'utf8'; set search_path to a, b; show all; show time zone; reset x; set transaction isolation level repeatable read; set constraints all deferred; set x to default",
        "explain (analyze, costs off, format json) select 1; explain analyze verbose select 1; explain (select 1)",
        "prepare p (int, text) as select $1; execute p (1, 'x'); deallocate all",
        "declare c scroll cursor with hold for select 1; fetch next from c; fetch -5 c; fetch all in c; move backward 3 from c; close all",
        "analyze t, s.u; vacuum (full, analyze) t; vacuum; checkpoint; discard temp; lock table t in share row exclusive mode nowait",
        "copy t (a, b) from stdin with (format csv, header, delimiter ',', force_null (a, b)) where a > 0; copy (select 1) to stdout csv header; copy t to '/x'",
        "use branch dev; create branch if not exists b from main as of scn 5 with (x = 1); create database branch 'fix/7' from current; alter branch a rename to b; alter branch a set (x = 1); drop branch if exists a cascade; merge database branch a into b using strategy ours with conflict resolution r requiring (select 1) dry run; merge branch a strategy = theirs; complete merge m1 dry run; abort merge m1; cherry pick transaction 5 into b; undo transaction 5; create snapshot s on branch b as of scn 4; drop snapshot if exists s; alter database branch a set read_only",
    ];
    for text in texts {
        if let Err(error) = parse(text) {
            panic!("{text}\n{error}");
        }
    }
}

#[test]
fn words_and_places_syntax_errors_as_postgresql() {
    let cases = [
        ("selec 1", "42601 syntax error at or near \"selec\" @1"),
        ("select 1 from", "42601 syntax error at end of input @14"),
        ("select (1", "42601 syntax error at end of input @10"),
        ("select 1 1", "42601 syntax error at or near \"1\" @10"),
        (
            "select * from where",
            "42601 syntax error at or near \"where\" @15",
        ),
        (
            "select é from from",
            "42601 syntax error at or near \"from\" @15",
        ),
        (
            "select a < b < c",
            "42601 syntax error at or near \"<\" @14",
        ),
        (
            "select 'abc",
            "42601 unterminated quoted string at or near \"'abc\" @8",
        ),
        (
            "select \"abc",
            "42601 unterminated quoted identifier at or near \"\"abc\" @8",
        ),
        (
            "select /* x",
            "42601 unterminated /* comment at or near \"/* x\" @8",
        ),
        (
            "select $a$x",
            "42601 unterminated dollar-quoted string at or near \"$a$x\" @8",
        ),
        (
            "select \"\"",
            "42601 zero-length delimited identifier at or near \"\"\"\" @8",
        ),
        (
            "select 1a",
            "42601 trailing junk after numeric literal at or near \"1a\" @8",
        ),
        ("select ?", "42601 syntax error at or near \"?\" @8"),
        (
            "select a from t limit 1, 2",
            "42601 LIMIT #,# syntax is not supported @24",
        ),
        (
            "create table t (a int,)",
            "42601 syntax error at or near \")\" @23",
        ),
        (
            "insert into t values (1",
            "42601 syntax error at end of input @24",
        ),
        (
            "insert into t (a) vales (1)",
            "42601 syntax error at or near \"vales\" @19",
        ),
        (
            "values (1), (1, 2)",
            "42601 VALUES lists must all be the same length @14",
        ),
        (
            "select 1; selec 2",
            "42601 syntax error at or near \"selec\" @11",
        ),
        (
            "select * from t tablesample system",
            "42601 syntax error at end of input @35",
        ),
        (
            "select sum(a) over (rows between unbounded following and current row) from t",
            "42P20 frame start cannot be UNBOUNDED FOLLOWING @21",
        ),
        (
            "select a.b.c.d.e",
            "42601 improper qualified name (too many dotted names): a.b.c.d.e @8",
        ),
        ("select user.x", "42601 syntax error at or near \".\" @12"),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn hints_at_the_keyword_that_was_meant() {
    let cases = [
        ("selekt 1", Some("SELECT")),
        ("insert into t (a) vales (1)", Some("VALUES")),
        ("select * from t wehre a = 1", Some("WHERE")),
        ("select * form t", Some("FROM")),
        ("select 1 1", None),
        ("select * from where", None),
    ];
    for (text, keyword) in cases {
        let error = Script::parse(text).unwrap_err();
        let wanted = keyword.map(|keyword| format!("Perhaps you meant {keyword}."));
        assert_eq!(error.hint(), wanted.as_deref(), "{text}");
    }
}

#[test]
fn operators_bind_as_in_postgresql() {
    fn shape(kind: &ExprKind) -> String {
        match kind {
            ExprKind::Infix(left, operator, right) => {
                format!(
                    "({} {} {})",
                    shape(&left.kind),
                    operator.symbol,
                    shape(&right.kind)
                )
            }
            ExprKind::Prefix(operator, operand) => {
                format!("({}{})", operator.symbol, shape(&operand.kind))
            }
            ExprKind::Column(parts) => parts[0].name.clone(),
            ExprKind::Number(number) => number.clone(),
            ExprKind::And(terms) | ExprKind::Or(terms) => {
                let word = if matches!(kind, ExprKind::And(_)) {
                    " and "
                } else {
                    " or "
                };
                let terms: Vec<String> = terms.iter().map(|term| shape(&term.kind)).collect();
                format!("({})", terms.join(word))
            }
            ExprKind::Not(operand) => format!("(not {})", shape(&operand.kind)),
            ExprKind::Cast { expr, ty } => format!("({}::{})", shape(&expr.kind), ty.name),
            ExprKind::IsNull { expr, .. } => format!("({} is null)", shape(&expr.kind)),
            ExprKind::Between {
                expr, low, high, ..
            } => format!(
                "({} between {} and {})",
                shape(&expr.kind),
                shape(&low.kind),
                shape(&high.kind)
            ),
            other => format!("{other:?}"),
        }
    }
    let cases = [
        ("a + b * c ^ d ^ e", "(a + (b * ((c ^ d) ^ e)))"),
        ("a or b and not c = d", "(a or (b and (not (c = d))))"),
        ("-a::int", "(-(a::int4))"),
        ("- a ^ b", "((-a) ^ b)"),
        ("-1::int", "(-(1::int4))"),
        ("a - -1", "(a - -1)"),
        ("a=-1", "(a = -1)"),
        ("a || b + c", "(a || (b + c))"),
        ("a < b is null", "((a < b) is null)"),
        ("a between 1 and 2 and b", "((a between 1 and 2) and b)"),
        (
            "a + 1 between b || c and d",
            "((a + 1) between (b || c) and d)",
        ),
        ("not a is null", "(not (a is null))"),
        ("a and b and c", "(a and b and c)"),
    ];
    for (text, expected) in cases {
        let expr = parse_expression(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(shape(&expr.kind), expected, "{text}");
    }
}

#[test]
fn spans_cover_each_statement() {
    let source = " select 1 ;\n/* x */ select 'é;' ; ";
    let spans: Vec<&str> = Script::parse(source)
        .unwrap()
        .iter()
        .map(|parsed| parsed.span.of(source))
        .collect();
    assert_eq!(spans, ["select 1", "select 'é;'"]);
    let source = "prepare p as select $1 + 1";
    let parsed = Script::single(source).unwrap().unwrap();
    let Statement::Prepare { span, .. } = parsed.statement else {
        panic!("not a prepare");
    };
    assert_eq!(span.of(source), "select $1 + 1");
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    // The smallest stack that a thread of a server or a test has.
    let run = || {
        for (open, close) in [
            ("(", ")"),
            ("- ", ""),
            ("not ", ""),
            ("array[", "]"),
            ("f(", ")"),
            ("(select ", ")"),
            ("case when ", " then 1 end"),
        ] {
            let text = format!("select {}1{}", open.repeat(5000), close.repeat(5000));
            assert!(parse(&text).unwrap_err().starts_with("54001"), "{open}");
        }
        let chain = format!("select 1{}", " + 1".repeat(5000));
        assert!(parse(&chain).unwrap_err().starts_with("54001"));
        let union = format!("select 1{}", " union select 1".repeat(5000));
        assert!(parse(&union).unwrap_err().starts_with("54001"));
        let fine = format!("select {}1{}", "(".repeat(60), ")".repeat(60));
        assert_eq!(parse(&fine), Ok(1));
        let many = format!("select 1 where {}", vec!["a = 1"; 5000].join(" or "));
        assert_eq!(parse(&many), Ok(1));
    };
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(run);
    thread.unwrap().join().unwrap();
}

#[test]
fn completeness_for_shells() {
    for text in [
        "",
        "select 1;",
        "select ';' ; -- x",
        "  /* ; */ ",
        "selec;",
        "select $a$;$a$;",
        "select 1a;",
    ] {
        assert!(is_complete(text), "{text}");
    }
    for text in [
        "select 1",
        "select ';",
        "select (1;",
        "select 1; select",
        "/* ;",
        "select \"a;",
        "select $a$;$b$;",
    ] {
        assert!(!is_complete(text), "{text}");
    }
}
