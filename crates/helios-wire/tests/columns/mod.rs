//! What clients are told of the columns of results: the relation that each comes from, and its number there.

use crate::client::{Client, Message, TestServer, query, row_texts};

/// The columns of a RowDescription: name, relation and `attnum`.
fn told(message: &Message) -> Vec<(String, u32, i16)> {
    assert_eq!(message.kind, b'T', "{message:?}");
    let mut rest = &message.body[2..];
    let mut columns = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let name = String::from_utf8_lossy(&rest[..end]).into_owned();
        let (head, tail) = rest[end + 1..].split_at(18);
        let relation = u32::from_be_bytes(head[..4].try_into().expect("four bytes"));
        let number = i16::from_be_bytes(head[4..6].try_into().expect("two bytes"));
        columns.push((name, relation, number));
        rest = tail;
    }
    columns
}

fn relations(client: &mut Client) -> Vec<(String, u32)> {
    let sql = "select relname, oid from pg_class where relname in ('t', 'u', 'v', 'w', 'pg_class', 'pg_type', 'tables')";
    let answers = query(client, sql);
    let rows = answers.iter().filter(|message| message.kind == b'D');
    rows.map(|message| {
        let row = row_texts(message);
        let oid = row[1].as_deref().expect("oid").parse().expect("a number");
        (row[0].clone().expect("name"), oid)
    })
    .collect()
}

/// The columns as `t1 0 v2`: relation and number of each, 0 where there is none.
fn shown(columns: &[(String, u32, i16)], names: &[(String, u32)]) -> String {
    let parts = columns.iter().map(|(_, relation, number)| match relation {
        0 => number.to_string(),
        relation => {
            let known = names.iter().find(|(_, oid)| oid == relation);
            format!("{}{number}", known.map_or("?", |(name, _)| name))
        }
    });
    parts.collect::<Vec<_>>().join(" ")
}

fn tables(client: &mut Client) -> Vec<(String, u32)> {
    query(
        client,
        "create table t(a int primary key, b text); create table u(a int, c varchar(5));
         create view v as select b as x, a, a + 1 as z from t; create view w as select * from v;
         insert into t values (1, 'x')",
    );
    relations(client)
}

// As PostgreSQL 15 tells them.
const TOLD: &[(&str, &str)] = &[
    (
        "select a, b, a + 1, a::text, b::text, a::int from t",
        "t1 t2 0 0 t2 t1",
    ),
    ("select * from t x", "t1 t2"),
    ("select * from v", "v1 v2 v3"),
    ("select x, z from v y", "v1 v3"),
    ("select * from w", "w1 w2 w3"),
    ("select * from t join u using (a)", "t1 t2 u2"),
    ("select * from t right join u using (a)", "u1 t2 u2"),
    ("select * from t full join u using (a)", "0 t2 u2"),
    ("select * from u natural join t", "u1 u2 t2"),
    ("select t.a, u.a from t join u using (a)", "t1 u1"),
    ("select * from (t join u using (a)) j", "t1 t2 u2"),
    ("select * from (select a as q, b from t) s", "t1 t2"),
    ("with c as (select a, b from t) select * from c", "t1 t2"),
    (
        "with c as materialized (select a, b from t) select * from c",
        "t1 t2",
    ),
    (
        "with recursive c as (select a from t union all select a + 1 from c where a < 2) select * from c",
        "0",
    ),
    ("select a from t union select a from u", "0"),
    (
        "select * from (select a from t union all select a from u) s",
        "0",
    ),
    ("select a, count(*) from t group by a", "t1 0"),
    ("select distinct b from t", "t2"),
    ("select a from t group by rollup (a)", "t1"),
    ("select (select a from t), exists (select 1)", "0 0"),
    ("select * from (values (1)) v", "0"),
    ("select oid, relname from pg_class", "pg_class1 pg_class2"),
    ("select typname from pg_catalog.pg_type t", "pg_type2"),
    (
        "select table_name from information_schema.tables",
        "tables3",
    ),
    ("select max(a), array_agg(a) from t", "0 0"),
    ("select a, sum(a) over () from t", "t1 0"),
    (
        "insert into t values (2, 'y') returning *, a + 1",
        "t1 t2 0",
    ),
    ("update t set b = b where a = 2 returning b, t.a", "t2 t1"),
    (
        "insert into v(x, a) values ('q', 5) returning x, a",
        "v1 v2",
    ),
    ("delete from t where a in (2, 5) returning a", "t1"),
    (
        "with d as (delete from t where a = 99 returning a) select * from d",
        "t1",
    ),
    ("show work_mem", "0"),
    ("explain select a from t", "0"),
    ("select a from t for update", "t1"),
    ("select a from t where a = 1", "t1"),
    ("select a from (select a from t limit 1) s order by a", "t1"),
    (
        "select coalesce(a), case when true then a end from t",
        "0 0",
    ),
    ("table t", "t1 t2"),
];

#[test]
fn columns_name_the_relations_that_they_come_from() {
    let server = TestServer::start();
    let mut client = server.connect();
    let names = tables(&mut client);
    for (sql, wanted) in TOLD {
        let simple = query(&mut client, sql);
        assert_eq!(shown(&told(&simple[0]), &names), *wanted, "{sql}");
        client.parse("", sql, &[]);
        client.describe_statement("");
        client.bind("", "", &[]);
        client.describe_portal("");
        client.sync();
        let answers = client.answers();
        for message in [&answers[2], &answers[4]] {
            assert_eq!(shown(&told(message), &names), *wanted, "{sql}");
        }
    }
}

#[test]
fn cursors_and_prepared_statements_tell_their_columns_too() {
    let server = TestServer::start();
    let mut client = server.connect();
    let names = tables(&mut client);
    query(
        &mut client,
        "begin; declare k cursor for select b, a + 1 from t",
    );
    assert_eq!(
        shown(&told(&query(&mut client, "fetch k")[0]), &names),
        "t2 0"
    );
    client.describe_portal("k");
    client.sync();
    assert_eq!(shown(&told(&client.answers()[0]), &names), "t2 0");
    query(&mut client, "commit; prepare p as select a from t");
    assert_eq!(
        shown(&told(&query(&mut client, "execute p")[0]), &names),
        "t1"
    );
    // A column keeps its number when one before it goes.
    query(&mut client, "alter table u drop column a");
    let answers = query(&mut client, "select * from u");
    assert_eq!(shown(&told(&answers[0]), &names), "u2");
}
