//! Guards against the two executors answering differently.
//!
//! The same statements over the same stored tables, once by rows and once in vectors.

use crate::session::{Engine, EngineOptions, Session, SessionOptions};

/// Rows in the larger table.
const ROWS: i32 = 400;

fn session() -> Session {
    let engine = Engine::open_in_memory(EngineOptions::default()).expect("engine opens");
    let mut session = engine.session(SessionOptions::default()).expect("session");
    for statement in [
        "create table item (id int primary key, grp int, price numeric(10,2), rate numeric, \
         name text, code char(6), day date, at timestamptz, score float8, small smallint, big bigint, \
         flag bool, span interval, tags int[], doc jsonb, key uuid)",
        "create table grp (id int primary key, name varchar(20), parent int)",
        "insert into grp values (0,'zero',null),(1,'one',0),(2,'two',0),(3,'three',1),(9,'nine',null)",
    ] {
        run(&mut session, statement).expect("set-up works");
    }
    for id in 0..ROWS {
        let null = |every: i32, text: String| {
            if id % every == 0 {
                "null".to_owned()
            } else {
                text
            }
        };
        let grp = null(11, (id % 7).to_string());
        let price = null(13, format!("{}.{:02}", id * 37 % 900 - 100, id % 100));
        let rate = null(
            17,
            ["1", "1.0", "1.00", "2.5", "-3", "1e20", "'NaN'"][id as usize % 7].into(),
        );
        let name = null(19, format!("'name {}'", id % 23));
        let score = null(
            7,
            ["0", "-0.0", "1.5", "'NaN'", "'Infinity'", "-2.25"][id as usize % 6].into(),
        );
        let span = [
            "interval '1 month'",
            "interval '30 days'",
            "interval '720:00'",
            "interval '1 day'",
        ][id as usize % 4];
        let statement = format!(
            "insert into item values ({id}, {grp}, {price}, {rate}, {name}, 'c{c}', \
             date '2024-01-01' + {d}, timestamptz '2024-01-01 00:00+00' + interval '1 hour' * {id}, \
             {score}, {s}, {b}, {f}, {span}, array[{id} % 3, {id} % 2], \
             '{{\"a\": {a}, \"b\": [1.0, null]}}', '00000000-0000-0000-0000-0000000000{u:02}')",
            c = id % 5,
            d = id % 50,
            s = id % 100 - 50,
            b = i64::from(id) * 10_000_000_000,
            f = id % 3 == 0,
            a = id % 4,
            u = id % 30,
        );
        run(&mut session, &statement).expect("rows go in");
    }
    session
}

pub fn run(session: &mut Session, sql: &str) -> Result<Vec<String>, String> {
    let text = helios_base::TextContext::default();
    let mut out = Vec::new();
    let outcomes = session.run_script(sql).map_err(|e| format!("{e:?}"))?;
    if let Some(mut rows) = outcomes.into_rows() {
        let columns = rows.columns().clone();
        while let Some(row) = rows.next_row().map_err(|e| format!("{e:?}"))? {
            let cells: Vec<String> = row
                .iter()
                .zip(columns.iter())
                .map(|(value, column)| match value {
                    helios_base::Value::Null => "NULL".to_owned(),
                    value => value.to_text(&column.ty, &text),
                })
                .collect();
            out.push(cells.join("|"));
        }
    }
    Ok(out)
}

/// Statements that both executors must run.
const BOTH: &[&str] = &[
    "select count(*) from item",
    "select * from item",
    "select id, price * 2, price + rate, price / 3, -price from item where id < 50",
    "select grp, count(*), count(price), sum(price), avg(price), min(price), max(price) from item group by grp",
    "select grp, sum(id), avg(id), sum(big), avg(big), sum(small), avg(small) from item group by grp",
    "select grp, sum(score), min(score), max(score), avg(score) from item where score < 100 group by grp",
    "select rate, count(*) from item group by rate",
    "select score, count(*) from item group by score",
    "select span, count(*) from item group by span having count(*) > 3",
    "select tags, count(*), min(id) from item group by tags",
    "select doc, count(*) from item group by doc",
    "select code, count(*) from item group by code",
    "select distinct rate from item",
    "select distinct score, span from item",
    "select distinct on (grp) grp, id from item order by grp, id desc",
    "select id from item order by score, id",
    "select id from item order by score desc nulls last, price, id limit 20 offset 5",
    "select id from item order by rate desc, span, id",
    "select i.id, g.name from item i join grp g on i.grp = g.id",
    "select i.id, g.name from item i left join grp g on i.grp = g.id",
    "select i.id, g.name from item i right join grp g on i.grp = g.id",
    "select i.id, g.name from item i full join grp g on i.grp = g.id and i.id < 20",
    "select count(*) from item a, item b where a.id = b.grp and a.price > b.price",
    "select count(*) from item a join item b on a.rate = b.rate",
    "select count(*) from item a join item b on a.score = b.score and a.code = b.code",
    "select id from item where flag and not (grp = 3)",
    "select id from item where not flag and small between -20 and 20 and big >= 100000000000",
    "select id from item where price < 10.5 and price <> -1.00 and rate is not null",
    "select id from item where price in (1.37, 37.01, 12.0) or price is null",
    "select id from item where small in (1, 2, -50, null) and grp is null",
    "select id from item where name > 'name 2' and name <= 'name 9' and day < date '2024-02-01'",
    "select id from item where name in ('name 3', 'name 22') and at >= timestamptz '2024-01-05 00:00+00'",
    "select id from item where key = '00000000-0000-0000-0000-000000000007' and code = 'c2'",
    "select id from item where score > 1 and score <> 'NaN' and id > 40::bigint and small < 7::bigint",
    "select id from item where grp = null or grp <> null",
    "select count(*) from item where big = 20000000000 and name is not null",
    "select grp, count(distinct name), count(*), sum(big), min(price), max(name), count(price) from item group by grp",
    "select count(distinct name), count(*), count(price) from item where id < 0",
    "select count(distinct day), sum(distinct small), bool_or(flag), avg(price) from item",
    "select grp, count(distinct rate), count(distinct name) from item group by grp",
    "select grp, count(distinct score), count(*) filter (where flag) from item group by grp",
    "select grp, count(distinct name) filter (where flag), string_agg(name, ',' order by id) from item group by grp",
    "select id from item where id < 9 and (grp = 1 or not exists (select 1 from grp where grp.id < 0 and coalesce(-1, item.id) = -1))",
    "select distinct case when i.price is not null and -2.25 <= null::numeric then i.day else date '2024-02-29' end from item i full join grp g on i.grp = g.id",
    "select id from item where grp in (select id from grp)",
    "select id from item where grp not in (select id from grp)",
    "select id from item where grp not in (select parent from grp)",
    "select id from item where exists (select 1 from grp where grp.id = item.grp and grp.name like '%e%')",
    "select id from item where not exists (select 1 from grp where grp.id = item.grp)",
    "select id, (select name from grp where grp.id = item.grp) from item",
    "select name, (select count(*) from item where item.grp = grp.id) from grp",
    "select name, (select max(price) from item where item.grp = grp.id and item.id > 100) from grp",
    "select id from item where price > (select avg(price) from item)",
    "select id from item o where price > (select avg(price) from item i where i.grp = o.grp)",
    "select name, (select id from item where item.grp = grp.id order by price desc nulls last, id limit 1) from grp",
    "select g.name, x.n, x.s from grp g, lateral (select count(*) n, sum(price) s from item where item.grp = g.id) x",
    "select g.name, x.id from grp g left join lateral (select id from item where item.grp = g.id and id < 30) x on true",
    "select grp, id, row_number() over (partition by grp order by id), rank() over (partition by grp order by price), \
     dense_rank() over (order by code), lag(id) over (order by id), lead(price, 2, 0) over (order by id) from item",
    "select id, sum(id) over (partition by grp order by id), count(*) over (partition by grp), \
     min(price) over (order by id rows between 3 preceding and current row) from item",
    "select first_value(id) over w, last_value(id) over w, nth_value(id, 2) over w, ntile(4) over (order by id) from item window w as (partition by grp order by id)",
    "select percent_rank() over (order by code), cume_dist() over (order by code), id from item",
    "select id from item where id < 10 union select id from grp",
    "select grp from item union all select id from grp",
    "select grp from item intersect select id from grp",
    "select grp from item intersect all select id from grp",
    "select grp from item except select id from grp",
    "select grp from item except all select id from grp",
    "select rate from item intersect select 1.000",
    "with a as (select grp, sum(price) s from item group by grp) select x.grp, y.s from a x join a y on x.grp = y.grp",
    "with recursive t(n) as (select 1 union all select n + 1 from t where n < 50) select sum(n), count(*) from t",
    "with recursive up(id, parent) as (select id, parent from grp where id = 3 union all select g.id, g.parent from grp g join up on g.id = up.parent) select * from up",
    "select grp, flag, count(*), grouping(grp, flag) from item group by cube (grp, flag)",
    "select grp, code, sum(price) from item group by rollup (grp, code)",
    "select string_agg(name, ',' order by id) from item where id < 30",
    "select grp, array_agg(id order by id desc), array_agg(distinct code order by code) from item group by grp",
    "select count(distinct grp), sum(distinct small), count(distinct rate), count(distinct span) from item",
    "select count(*) filter (where flag), sum(price) filter (where id > 100), avg(score) filter (where score < 2) from item",
    "select grp, stddev(price), variance(id), bool_and(flag), bool_or(flag), every(id >= 0) from item group by grp",
    "select percentile_cont(0.5) within group (order by id), percentile_disc(0.25) within group (order by price), mode() within group (order by code) from item",
    "select case when grp = 0 then null else 10 / grp end, coalesce(price, rate, 0), nullif(grp, 2), greatest(id, grp, 3) from item",
    "select id from item where grp <> 0 and 100 / grp > 30",
    "select id from item where case when grp <> 0 then 100 / grp > 30 else false end",
    "select id, grp = 0 or 100 / grp > 30, grp <> 0 and 100 / grp > 30 from item",
    "select id from item where id between 100 and 120 or id = 7",
    "select id from item where id = 17 and grp is not null",
    "select upper(name), length(name), name || code, substr(name, 2, 3), name like 'name 1_' from item",
    "select extract(year from day), date_trunc('month', at), day + 1, at + span, age(at, timestamptz '2023-01-01 00:00+00') from item",
    "select doc->'a', doc->>'a', doc @> '{\"a\": 1}', tags[1], tags || 7, cardinality(tags) from item",
    "select key, count(*) from item group by key order by key",
    "select id in (1, 2, null), id not in (1, 2), price in (1.00, 5.5, 36.01), price between 1 and 100 from item",
    "select a.id from item a where a.id = any (array[1, 5, 9])",
    "select count(*) from item where (grp, flag) is distinct from (1, true)",
    "select * from (values (1, 'a', 1.5), (2, null, 2.25)) v(x, y, z)",
    "select max(day), min(at), max(name), min(code), max(key::text) from item",
    "select small + 1, small * 2, id % 7, big / 3, -small, +id, score * 2, score + 1 from item where score < 100",
    "select sum(price * (1 - 0.05) * (1 + 0.02)) from item",
    "select grp, sum(price) as s from item group by grp order by s desc nulls last, grp limit 3",
    "select count(*) from item where name is null and price is not null",
    "select id from item limit 0",
    "select code, count(*), min(id) from item group by code",
    // Of equal values with other blanks at their ends either may stand for the group.
    "select x.code::text, count(*) from (select code from item union all select 'c1'::char(3)) x group by x.code",
    "select x.code, grp, count(*) from (select code, grp from item where id > 3) x group by x.code, rollup (grp)",
    "select case when flag then code else 'c2'::char(4) end, count(*) from item group by 1",
    "select id from item where name like 'name 1%' or name not like '%2%'",
    "select id from item where name like '%e%1%' and name not like 'name 1' and code like 'c%'",
    "select id, name like '%', name like '', code like '%3', code not like '%3  %', 'xyz' like '%y%' from item",
    "select id from item where case when id > 5 then name else code end like '%a%e%' and name like null",
    "select sum(score), sum(small), sum(price), sum(rate), avg(price) from item where flag",
];

/// Statements that must fail alike.
const FAILING: &[&str] = &[
    "select 1 / (id - 5) from item",
    "select id * 10000000 from item",
    "select (select id from item where item.grp = grp.id) from grp",
    "select small + 32767::smallint from item",
    "select name::int from item",
];

#[test]
fn both_executors_answer_alike() {
    let mut session = session();
    let mut failures = Vec::new();
    let mut answer = |executor: &str, sql: &str| {
        run(&mut session, &format!("set executor = {executor}")).expect("setting exists");
        // An order inside parentheses is not one of the result.
        let ordered = sql
            .rsplit(')')
            .next()
            .is_some_and(|end| end.contains("order by"));
        let mut rows = run(&mut session, sql);
        if let (Ok(rows), false) = (&mut rows, ordered) {
            rows.sort();
        }
        rows
    };
    for sql in BOTH {
        let (by_rows, in_vectors) = (answer("row", sql), answer("vector", sql));
        if by_rows != in_vectors || by_rows.is_err() {
            let brief = |rows: &Result<Vec<String>, String>| match rows {
                Ok(rows) => {
                    let differing: Vec<_> = rows.iter().take(6).collect();
                    format!("{} rows {differing:?}", rows.len())
                }
                Err(error) => error.clone(),
            };
            let first = match (&by_rows, &in_vectors) {
                (Ok(a), Ok(b)) => a
                    .iter()
                    .zip(b)
                    .find(|(a, b)| a != b)
                    .map(|d| format!("{d:?}")),
                _ => None,
            };
            failures.push(format!(
                "{sql}\n  rows:    {}\n  vectors: {}\n  first: {first:?}",
                brief(&by_rows),
                brief(&in_vectors)
            ));
        }
    }
    for sql in FAILING {
        let state = |result: Result<Vec<String>, String>| result.err().map(|e| e[..5].to_owned());
        let (by_rows, in_vectors) = (state(answer("row", sql)), state(answer("vector", sql)));
        if by_rows != in_vectors || by_rows.is_none() {
            failures.push(format!("{sql}: {by_rows:?} and {in_vectors:?}"));
        }
    }
    let count = failures.len();
    assert!(
        failures.is_empty(),
        "{count} differ\n{}",
        failures.join("\n")
    );
}

#[test]
fn vectors_run_what_they_should() {
    let mut session = session();
    run(&mut session, "set executor = vector").expect("setting exists");
    let refused: Vec<_> = BOTH
        .iter()
        .filter(|sql| {
            let plan = run(&mut session, &format!("explain {sql}")).unwrap_or_default();
            !plan.iter().any(|line| line.contains("Executor: vector"))
        })
        .collect();
    assert!(
        refused.len() <= REFUSED,
        "{} refused: {refused:#?}",
        refused.len()
    );
}

/// How many of [`BOTH`] the row executor may have to take over.
const REFUSED: usize = 4;
