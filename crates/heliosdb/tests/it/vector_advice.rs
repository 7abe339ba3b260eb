//! Advice about indexes of nearness: what is searched without one, what is not used, what finds or holds too little.

use std::fmt::Write;

use helios_testkit::Rng;
use heliosdb::{Connection, Database};

use crate::sql::{lines, run};

fn fill(c: &mut Connection, table: &str, rows: std::ops::Range<usize>, dimensions: usize) {
    let mut rng = Rng::with_seed(rows.start as u64 + 1);
    let rows: Vec<usize> = rows.collect();
    for chunk in rows.chunks(1000) {
        let mut sql = format!("INSERT INTO {table} VALUES ");
        for (at, id) in chunk.iter().enumerate() {
            let numbers: Vec<String> = (0..dimensions)
                .map(|_| format!("{:.2}", rng.f32()))
                .collect();
            let comma = if at == 0 { "" } else { ", " };
            write!(sql, "{comma}({id}, '[{}]')", numbers.join(",")).unwrap();
        }
        run(c, &sql);
    }
}

const FOUND: &str =
    "SELECT concat_ws(' ', kind, table_name, column_name, index_name, operator_class, searches)
                     FROM pg_vector_index_advice()";

#[test]
fn what_is_searched_without_an_index() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE SCHEMA \"My\"; CREATE TABLE \"My\".\"Item\" (id int PRIMARY KEY, e vector(8));
         CREATE TABLE small (id int PRIMARY KEY, e vector(8))",
    );
    fill(&mut c, "\"My\".\"Item\"", 0..3000, 8);
    fill(&mut c, "small", 0..100, 8);
    assert_eq!(lines(&mut c, FOUND), [""; 0]);
    let ask = |c: &mut Connection, by: &str, executor: &str| {
        run(c, &format!("SET executor = {executor}"));
        for table in ["\"My\".\"Item\"", "small"] {
            let sql =
                format!("SELECT id::text FROM {table} ORDER BY e {by} '[1,2,3,4,5,6,7,8]' LIMIT 3");
            assert_eq!(lines(c, &sql).len(), 3);
        }
    };
    // Both executors count, and a prepared statement each time it runs.
    for _ in 0..6 {
        ask(&mut c, "<=>", "row");
        ask(&mut c, "<=>", "vector");
        ask(&mut c, "<+>", "auto");
    }
    assert_eq!(
        lines(&mut c, FOUND),
        ["create Item e vector_cosine_ops 12"],
        "six are no habit"
    );
    let near = "SELECT id FROM \"My\".\"Item\" ORDER BY e <+> $1 LIMIT 3";
    let near = c.prepare(near).unwrap();
    for _ in 0..6 {
        c.query(&near, (vec![0.5_f32; 8],)).unwrap().count();
    }
    assert_eq!(
        lines(&mut c, FOUND),
        [
            "create Item e vector_l1_ops 12",
            "create Item e vector_cosine_ops 12"
        ]
    );
    let proposed = "SELECT statement FROM pg_vector_index_advice()
                    WHERE operator_class = 'vector_cosine_ops'";
    let statement = lines(&mut c, proposed);
    assert_eq!(
        statement,
        [
            "CREATE INDEX ON \"My\".\"Item\" USING hnsw (e vector_cosine_ops) \
          WITH (m = 16, ef_construction = 64, quantization = 'none')"
        ]
    );
    let why =
        "SELECT reason FROM pg_vector_index_advice() WHERE operator_class = 'vector_cosine_ops'";
    assert_eq!(
        lines(&mut c, why),
        ["12 searches by <=> compared about 3000 rows each"]
    );
    // What it takes is about what was said; then nothing is missing but the other one.
    let bytes = |c: &mut Connection, from: &str| -> f64 {
        let found = lines(c, &format!("SELECT bytes::text FROM {from}"));
        found[0].parse().unwrap()
    };
    let said = bytes(
        &mut c,
        "pg_vector_index_advice() WHERE operator_class = 'vector_cosine_ops'",
    );
    run(&mut c, &statement[0]);
    let is = bytes(&mut c, "pg_vector_index_stats()");
    assert!((0.5..2.0).contains(&(said / is)), "{said} {is}");
    assert_eq!(lines(&mut c, FOUND), ["create Item e vector_l1_ops 12"]);
    // Sizes of relations say it as well.
    let size = "SELECT (pg_relation_size(c.oid) = s.bytes AND pg_indexes_size('\"My\".\"Item\"') = s.bytes)::text
                FROM pg_class c JOIN pg_vector_index_stats() s ON c.relname = s.index_name";
    assert_eq!(lines(&mut c, size), ["true"]);
    // Searches by it are counted.
    for _ in 0..5 {
        ask(&mut c, "<=>", "auto");
    }
    let used = "SELECT searches || ' ' || rows_read FROM pg_vector_index_stats()";
    assert_eq!(lines(&mut c, used), ["5 0"]);
}

#[test]
fn what_large_columns_want() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE TABLE bits (id int PRIMARY KEY, b bit(16), v vector, w vector(2));
         INSERT INTO bits SELECT n, n::bit(16), '[1]', '[1,2]' FROM generate_series(1, 50000) n;
         CREATE INDEX ON bits USING hnsw ((w::halfvec(2)) halfvec_l2_ops)",
    );
    // Nobody has searched yet; one without dimensions cannot have an index, one of an expression has one.
    assert_eq!(lines(&mut c, FOUND), ["create bits b bit_hamming_ops 0"]);
    let statement = lines(&mut c, "SELECT statement FROM pg_vector_index_advice()");
    assert_eq!(
        statement,
        [
            "CREATE INDEX ON public.bits USING hnsw (b bit_hamming_ops) WITH (m = 16, ef_construction = 64)"
        ]
    );
    run(
        &mut c,
        "SELECT id FROM bits ORDER BY b <%> '1111000011110000' LIMIT 1",
    );
    assert_eq!(lines(&mut c, FOUND), ["create bits b bit_jaccard_ops 1"]);
}

#[test]
fn what_is_wrong_with_indexes() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE TABLE item (id int PRIMARY KEY, e vector(16))",
    );
    fill(&mut c, "item", 0..4000, 16);
    run(
        &mut c,
        "CREATE INDEX near ON item USING hnsw (e vector_l2_ops)",
    );
    let ask = |c: &mut Connection, by: &str| {
        let query = vec!["0.5"; 16].join(",");
        let sql = format!("SELECT id::text FROM item ORDER BY e {by} '[{query}]' LIMIT 3");
        assert_eq!(lines(c, &sql).len(), 3);
    };
    assert_eq!(lines(&mut c, FOUND), [""; 0]);
    // Searched by another operator only.
    for _ in 0..10 {
        ask(&mut c, "<#>");
    }
    assert_eq!(lines(&mut c, FOUND), ["create item e vector_ip_ops 10"]);
    let why = "SELECT reason FROM pg_vector_index_advice() WHERE kind = 'create'";
    assert_eq!(
        lines(&mut c, why),
        ["10 searches by <#> compared about 4000 rows each; index \"near\" is of vector_l2_ops"]
    );
    // A second one like it.
    for _ in 0..10 {
        ask(&mut c, "<->");
    }
    run(
        &mut c,
        "CREATE INDEX twin ON item USING hnsw (e vector_l2_ops)",
    );
    let dropped =
        "SELECT statement || ': ' || reason FROM pg_vector_index_advice() WHERE kind = 'drop'";
    assert_eq!(
        lines(&mut c, dropped),
        ["DROP INDEX public.twin: no search used it; index \"near\" serves the same searches"]
    );
    run(&mut c, "DROP INDEX twin");
    // An effort that is too little, and codes that no effort makes good.
    let others = "SELECT kind || ': ' || regexp_replace(statement, '_[0-9]+', '') FROM pg_vector_index_advice() WHERE kind <> 'create'";
    assert_eq!(lines(&mut c, others), [""; 0]);
    run(&mut c, "SET hnsw.ef_search = 1");
    assert_eq!(lines(&mut c, others), ["recall: RESET hnsw.ef_search"]);
    run(
        &mut c,
        "RESET hnsw.ef_search; DROP INDEX near;
         CREATE INDEX near ON item USING ivf (e vector_l2_ops)
             WITH (lists = 20, quantization = 'product', pq_subquantizers = 1, pq_centroids = 16)",
    );
    ask(&mut c, "<->");
    let found = lines(&mut c, others);
    assert!(
        found.is_empty()
            || found[0].starts_with(
                "recall: CREATE INDEX ON public.item USING hnsw (e vector_l2_ops)
 WITH (m = 16, ef_construction = 128, quantization = 'rabitq', bits = 4); DROP INDEX public.near"
                    .replace('\n', "")
                    .as_str()
            ),
        "{found:?}"
    );
    // Vectors of the past.
    run(
        &mut c,
        "DROP INDEX near; CREATE INDEX near ON item USING hnsw (e vector_l2_ops)",
    );
    ask(&mut c, "<->");
    run(&mut c, "UPDATE item SET e = e + e WHERE id < 3000");
    run(&mut c, "VACUUM");
    assert_eq!(
        lines(&mut c, others),
        ["reindex: REINDEX INDEX public.near"]
    );
    let why = "SELECT reason FROM pg_vector_index_advice() WHERE kind = 'reindex'";
    assert_eq!(
        lines(&mut c, why),
        ["it has 7000 vectors, 3000 of them of the past"]
    );
    run(&mut c, "REINDEX INDEX near");
    assert_eq!(lines(&mut c, others), [""; 0]);
}
