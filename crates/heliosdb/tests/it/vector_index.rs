//! Indexes of nearness answer as a look at every row does: after any changes, in transactions, on branches and in the
//! past, however far the index is behind, and after the database was opened again.
//!
//! HELIOS_VECTOR_STEPS sets how many steps each history takes.

use std::fmt::Write;

use helios_testkit::{Rng, Scratch};
use heliosdb::{Connection, Database};

use crate::sql::run;

const DIMENSIONS: usize = 6;

fn text(c: &mut Connection, sql: &str) -> String {
    let row = c.query_row(sql, ());
    let value: Option<String> = row
        .and_then(|row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    value.unwrap_or_default()
}

fn lines(c: &mut Connection, sql: &str) -> String {
    let rows = c
        .query(sql, ())
        .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let mut all = String::new();
    for row in rows {
        let line: Option<String> = row.unwrap().get(0).unwrap();
        let _ = writeln!(all, "{}", line.unwrap_or_default());
    }
    all
}

fn failure(c: &mut Connection, sql: &str) -> String {
    match c.execute(sql, ()) {
        Ok(_) => panic!("no error: {sql}"),
        Err(error) => format!("{} {}", error.sqlstate().as_str(), error.message()),
    }
}

/// A vector with few directions, so that some are alike; now and then of zeros.
fn vector(rng: &mut Rng) -> String {
    if rng.one_in(50) {
        return format!("'[{}]'", ["0"; DIMENSIONS].join(","));
    }
    let numbers: Vec<String> = (0..DIMENSIONS)
        .map(|_| format!("{:.2}", rng.f32() * 20.0 - 10.0))
        .collect();
    format!("'[{}]'", numbers.join(","))
}

/// One kind of index, and the operator that asks for it.
struct Kind {
    ty: &'static str,
    using: &'static str,
    operator: &'static str,
}

const KINDS: [Kind; 7] = [
    Kind {
        ty: "vector",
        using: "hnsw (v vector_l2_ops) WITH (m = 8, ef_construction = 40)",
        operator: "<->",
    },
    Kind {
        ty: "vector",
        using: "ivfflat (v vector_cosine_ops) WITH (lists = 10)",
        operator: "<=>",
    },
    Kind {
        ty: "halfvec",
        using: "hnsw (v halfvec_ip_ops)",
        operator: "<#>",
    },
    Kind {
        ty: "vector",
        using: "hnsw (v vector_cosine_ops) WITH (quantization = 'product', pq_subquantizers = 2, pq_centroids = 16)",
        operator: "<=>",
    },
    Kind {
        ty: "vector",
        using: "ivf (v vector_l2_ops) WITH (lists = 8, quantization = scalar)",
        operator: "<->",
    },
    Kind {
        ty: "vector",
        using: "hnsw (v vector_l2_ops) WITH (quantization = 'rabitq', bits = 4)",
        operator: "<->",
    },
    Kind {
        ty: "halfvec",
        using: "ivf (v halfvec_cosine_ops) WITH (lists = 8, quantization = product, pq_subquantizers = 3, pq_centroids = 16, opq = on)",
        operator: "<=>",
    },
];

/// A database with a table of vectors whose index follows so many candidates that it misses nothing.
struct Bed {
    kind: &'static Kind,
    database: Database,
    c: Connection,
    /// Change numbers that were current once.
    moments: Vec<String>,
    branches: Vec<String>,
    /// Searches with a recall target: rows that were found, of all that should be.
    found: (usize, usize),
}

impl Bed {
    fn session(database: &Database) -> Connection {
        let mut c = database.connect().unwrap();
        run(
            &mut c,
            "SET hnsw.ef_search = 1000; SET ivfflat.probes = 1000",
        );
        c
    }

    /// Asks by the index and by looking at every row.
    fn ask(&mut self, rng: &mut Rng, past: &str) {
        let (operator, query) = (self.kind.operator, vector(rng));
        let limit = *rng.pick(&[1, 3, 10, 40]);
        let filter = *rng.pick(&["", "", "WHERE tag < 5", "WHERE tag = 3", "WHERE id % 2 = 0"]);
        let sql = format!(
            "SELECT round((v {operator} {query})::numeric, 3)::text FROM item{past} {filter}
             ORDER BY v {operator} {query} LIMIT {limit}"
        );
        run(&mut self.c, "SET executor = row");
        let found = lines(&mut self.c, &sql);
        run(&mut self.c, "SET helios.vector_recall = 0.9");
        let most = lines(&mut self.c, &sql);
        run(&mut self.c, "RESET helios.vector_recall");
        run(&mut self.c, "SET executor = vector");
        let expected = lines(&mut self.c, &sql);
        run(&mut self.c, "SET executor = auto");
        assert_eq!(found, expected, "{}: {sql}", self.kind.using);
        // As many rows, and most of the nearest.
        let (most, expected) = (most.lines(), expected.lines());
        assert_eq!(most.clone().count(), expected.clone().count(), "{sql}");
        self.found.0 += expected
            .clone()
            .filter(|row| most.clone().any(|m| m == *row))
            .count();
        self.found.1 += expected.count();
    }

    fn change(&mut self, rng: &mut Rng) {
        let id = rng.i64(0..600);
        let v = vector(rng);
        let sql = match rng.u8(0..6) {
            0 => format!(
                "INSERT INTO item SELECT 1000000 * random() + 1000, {v}, g % 9 FROM generate_series(1, 3) g
                 ON CONFLICT DO NOTHING"
            ),
            1 | 2 => format!("UPDATE item SET v = {v} WHERE id = {id}"),
            3 => format!("UPDATE item SET tag = tag + 1 WHERE id = {id}"),
            4 => format!("DELETE FROM item WHERE id = {id}"),
            _ => format!("INSERT INTO item VALUES ({id}, NULL, 3) ON CONFLICT (id) DO UPDATE SET v = {v}"),
        };
        run(&mut self.c, &sql);
    }

    fn step(&mut self, rng: &mut Rng) {
        match rng.u8(0..20) {
            0..=7 => self.change(rng),
            8 => {
                run(&mut self.c, "BEGIN");
                for _ in 0..3 {
                    self.change(rng);
                    self.ask(rng, "");
                }
                let end = if rng.one_in(2) { "COMMIT" } else { "ROLLBACK" };
                run(&mut self.c, end);
            }
            9 if self.branches.len() < 4 => {
                let name = format!("b{}", self.branches.len());
                run(&mut self.c, &format!("CREATE BRANCH {name}"));
                self.branches.push(name);
            }
            9 | 10 => {
                let name = rng.pick(&self.branches).clone();
                run(&mut self.c, &format!("USE BRANCH {name}"));
            }
            11 => run(&mut self.c, "VACUUM"),
            12 => {
                let scn = text(&mut self.c, "SELECT max(scn)::text FROM helios_log()");
                self.moments.push(scn);
            }
            13 | 14 if !self.moments.is_empty() => {
                let moment = rng.pick(&self.moments).clone();
                self.ask(rng, &format!(" AS OF SCN {moment}"));
            }
            _ => self.ask(rng, ""),
        }
    }

    fn reopen(self, path: &std::path::Path) -> Self {
        let Self {
            kind,
            database,
            c,
            moments,
            branches,
            found,
        } = self;
        drop(c);
        drop(database);
        let database = Database::open(path).unwrap();
        let c = Self::session(&database);
        Self {
            kind,
            database,
            c,
            moments,
            branches,
            found,
        }
    }
}

fn explain(c: &mut Connection, sql: &str) -> String {
    lines(c, &format!("EXPLAIN {sql}"))
}

fn history(kind: &'static Kind, seed: u64) {
    let steps = std::env::var("HELIOS_VECTOR_STEPS");
    let steps = steps.ok().and_then(|n| n.parse().ok()).unwrap_or(15);
    let scratch = Scratch::new();
    let path = scratch.join("db");
    let mut rng = Rng::with_seed(seed);
    let database = Database::open(&path).unwrap();
    let c = Bed::session(&database);
    let mut bed = Bed {
        kind,
        database,
        c,
        moments: Vec::new(),
        branches: vec!["main".to_owned()],
        found: (0, 0),
    };
    run(
        &mut bed.c,
        &format!(
            "CREATE TABLE item (id int PRIMARY KEY, v {}({DIMENSIONS}), tag int)",
            kind.ty
        ),
    );
    let mut rows = String::new();
    for id in 0..600 {
        let comma = if id == 0 { "" } else { ", " };
        let _ = write!(rows, "{comma}({id}, {}, {})", vector(&mut rng), id % 9);
    }
    run(&mut bed.c, &format!("INSERT INTO item VALUES {rows}"));
    bed.moments
        .push(text(&mut bed.c, "SELECT max(scn)::text FROM helios_log()"));
    run(&mut bed.c, "UPDATE item SET v = v + v WHERE id < 30");
    run(
        &mut bed.c,
        &format!("CREATE INDEX near ON item USING {}", kind.using),
    );
    let sql = format!(
        "SELECT id FROM item ORDER BY v {} '[1,2,3,4,5,6]' LIMIT 5",
        kind.operator
    );
    let plan = explain(&mut bed.c, &sql);
    assert!(plan.contains("Index Scan using near on item"), "{plan}");
    for round in 0..3 {
        for _ in 0..steps {
            bed.step(&mut rng);
        }
        if round == 0 {
            run(&mut bed.c, "USE BRANCH main; VACUUM");
        }
        bed = bed.reopen(&path);
        if round == 1 {
            // What was saved is read, or made anew.
            run(&mut bed.c, "VACUUM");
            let ready = "SELECT bool_and(ready)::text FROM pg_vector_index_stats()";
            assert_eq!(text(&mut bed.c, ready), "true");
            for file in std::fs::read_dir(path.join("vectors")).unwrap() {
                let file = file.unwrap().path();
                let mut bytes = std::fs::read(&file).unwrap();
                let at = rng.usize(0..bytes.len());
                bytes[at] ^= 1;
                std::fs::write(&file, bytes).unwrap();
            }
        }
    }
    let (found, all) = bed.found;
    assert!(found * 100 >= all * 88, "{}: {found} of {all}", kind.using);
}

#[test]
fn graphs() {
    history(&KINDS[0], 1);
}

#[test]
fn lists() {
    history(&KINDS[1], 2);
}

#[test]
fn graphs_of_halves() {
    history(&KINDS[2], 3);
}

#[test]
fn graphs_of_codes() {
    history(&KINDS[3], 4);
}

#[test]
fn lists_of_codes() {
    history(&KINDS[4], 5);
}

#[test]
fn graphs_of_fine_codes() {
    history(&KINDS[5], 6);
}

#[test]
fn lists_of_turned_codes() {
    history(&KINDS[6], 7);
}

/// What codes an index keeps, as it was asked for, or as many vectors make it.
#[test]
fn codes() {
    let scratch = Scratch::new();
    let path = scratch.join("db");
    let mut database = Database::open(&path).unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE TABLE t (id int PRIMARY KEY, v vector(8), b bit(8));
         INSERT INTO t SELECT g, (SELECT array_agg(sin(g * i)) FROM generate_series(1, 8) i)::vector, g::bit(8)
             FROM generate_series(1, 300) g",
    );
    let stats = "SELECT quantized || ' ' || coalesce(codes, '-') FROM pg_vector_index_stats()";
    for (using, meant) in [
        ("hnsw (v vector_l2_ops)", "false -"),
        (
            "hnsw (v vector_l2_ops) WITH (quantization = none)",
            "false -",
        ),
        (
            "hnsw (v vector_l2_ops) WITH (quantization = 'rabitq')",
            "true rabitq, 4 bits",
        ),
        (
            "ivf (v vector_ip_ops) WITH (bits = 1, quantization = 'rabitq')",
            "true rabitq, 1 bits",
        ),
        (
            "hnsw (v vector_cosine_ops) WITH (quantization = 'rabitq', bits = 8)",
            "true rabitq, 8 bits",
        ),
        (
            "hnsw (v vector_cosine_ops) WITH (quantization = 'SCALAR')",
            "true scalar, 8 bits",
        ),
        (
            "hnsw (v vector_l1_ops) WITH (quantization = 'scalar', bits = 4)",
            "true scalar, 4 bits",
        ),
        (
            "hnsw (v vector_l2_ops) WITH (quantization = product, pq_subquantizers = 4, pq_centroids = 16)",
            "true product, 4 x 16",
        ),
        (
            "hnsw (v vector_l2_ops) WITH (quantization = product, pq_subquantizers = 4, pq_centroids = 16, opq = on)",
            "true rotated product, 4 x 16",
        ),
        ("hnsw (b bit_hamming_ops)", "true bits"),
        (
            "hnsw (b bit_jaccard_ops) WITH (quantization = none)",
            "true bits",
        ),
        ("ivf (b bit_hamming_ops)", "false -"),
    ] {
        run(&mut c, &format!("CREATE INDEX near ON t USING {using}"));
        assert_eq!(text(&mut c, stats), meant, "{using}");
        // As its file has it.
        run(&mut c, "VACUUM");
        drop(c);
        drop(database);
        database = Database::open(&path).unwrap();
        c = database.connect().unwrap();
        run(&mut c, "VACUUM");
        assert_eq!(text(&mut c, stats), meant, "{using} opened again");
        run(&mut c, "DROP INDEX near");
    }
    // Made of no rows, it has codes once there are some to learn them from.
    run(
        &mut c,
        "CREATE TABLE late (id int PRIMARY KEY, v vector(8));
         CREATE INDEX near ON late USING hnsw (v vector_l2_ops) WITH (quantization = 'rabitq', bits = 2);
         INSERT INTO late SELECT id, v FROM t",
    );
    run(&mut c, "VACUUM");
    assert_eq!(text(&mut c, stats), "true rabitq, 2 bits");
    let plan = explain(
        &mut c,
        "SELECT id FROM late ORDER BY v <-> '[1,2,3,4,5,6,7,8]' LIMIT 5",
    );
    assert!(plan.contains("Codes: rabitq, 2 bits"), "{plan}");
    // Vectors of the past stay in it until it is made anew.
    let vectors = "SELECT vectors::text FROM pg_vector_index_stats()";
    run(&mut c, "UPDATE late SET v = v + v");
    run(&mut c, "VACUUM");
    assert_eq!(text(&mut c, vectors), "600");
    run(&mut c, "REINDEX INDEX near");
    assert_eq!(text(&mut c, vectors), "300");
    run(&mut c, "REINDEX TABLE late");
    run(&mut c, "REINDEX TABLE t; DROP TABLE late");
    assert_eq!(
        failure(&mut c, "REINDEX INDEX near"),
        "42P01 relation \"near\" does not exist"
    );
}

/// Hashes find what is near only likely, but what is equal surely.
#[test]
fn hashes() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE TABLE t (id int PRIMARY KEY, v vector(3));
         INSERT INTO t SELECT g, ARRAY[g, 1, 1] FROM generate_series(1, 2000) g;
         CREATE INDEX near ON t USING lsh (v vector_l1_ops)",
    );
    let nearest = "SELECT id::text FROM t ORDER BY v <+> '[700,1,1]' LIMIT 1";
    let plan = explain(&mut c, nearest);
    assert!(plan.contains("Index Scan using near on t"), "{plan}");
    assert_eq!(text(&mut c, nearest), "700");
}

/// Statements that make no index, and what they say.
#[test]
fn what_cannot_be_indexed_says_so() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE TABLE t (id int PRIMARY KEY, v vector(3), w vector, s sparsevec(3), n int,
             b bit(3), big sparsevec(20000), h halfvec(3000), many bit(64001))",
    );
    for (sql, expected) in [
        (
            "CREATE INDEX ON t USING hnsw (v)",
            "42704 data type vector has no default operator class for access method \"hnsw\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (w vector_l2_ops)",
            "22023 column does not have dimensions",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_cosin_ops)",
            "42704 operator class \"vector_cosin_ops\" does not exist for access method \"hnsw\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v halfvec_l2_ops)",
            "42704 operator class \"halfvec_l2_ops\" does not exist for access method \"hnsw\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 1)",
            "22023 value 1 out of bounds for option \"m\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 16, ef_construction = 31)",
            "22023 ef_construction must be greater than or equal to 2 * m",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (lists = 10)",
            "22023 unrecognized parameter \"lists\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (quantization = 'product', shard_count = 16)",
            "0A000 index option \"shard_count\" is not supported",
        ),
        (
            "CREATE UNIQUE INDEX ON t USING hnsw (v vector_l2_ops)",
            "0A000 access method \"hnsw\" does not support unique indexes",
        ),
        (
            "CREATE INDEX ON t USING ivfflat (v vector_l2_ops, n)",
            "0A000 access method \"ivfflat\" does not support multicolumn indexes",
        ),
        (
            "CREATE INDEX ON t USING hnsw (n vector_l2_ops)",
            "0A000 access method \"hnsw\" does not support columns of type integer",
        ),
        (
            "CREATE INDEX ON t USING ivfflat (b bit_jaccard_ops)",
            "42704 operator class \"bit_jaccard_ops\" does not exist for access method \"ivfflat\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v bit_jaccard_ops)",
            "42704 operator class \"bit_jaccard_ops\" does not exist for access method \"hnsw\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (b bit_hamming_ops) WITH (quantization = 'rabitq')",
            "22023 quantization = rabitq cannot be used with operator class \"bit_hamming_ops\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (quantization = 'rabitq', bits = 3)",
            "22023 value 3 out of bounds for option \"bits\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (bits = 9, quantization = 'rabitq')",
            "22023 value 9 out of bounds for option \"bits\"",
        ),
        (
            "CREATE INDEX ON t USING ivf (v vector_l2_ops) WITH (quantization = 'scalar', bits = 2)",
            "22023 value 2 out of bounds for option \"bits\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (quantization = 'product', bits = 4)",
            "22023 bits needs quantization = rabitq or scalar",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (bits = 4)",
            "22023 bits needs quantization = rabitq or scalar",
        ),
        (
            "CREATE INDEX ON t USING lsh (v vector_l2_ops) WITH (bits = 4)",
            "22023 unrecognized parameter \"bits\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (quantization = 'rabitq', opq = true)",
            "22023 opq needs quantization = product",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (quantization = 'product', opq = 'maybe')",
            "22023 invalid value for boolean option \"opq\": maybe",
        ),
        (
            "CREATE INDEX ON t USING hnsw (v vector_l1_ops) WITH (quantization = 'product', opq = on)",
            "22023 opq cannot be used with operator class \"vector_l1_ops\"",
        ),
        (
            "CREATE INDEX ON t USING hnsw (h halfvec_l2_ops) WITH (quantization = 'product', opq = on)",
            "54000 column cannot have more than 2048 dimensions for opq",
        ),
        (
            "CREATE INDEX ON t USING hnsw (big sparsevec_l2_ops)",
            "54000 column cannot have more than 16000 dimensions for hnsw index",
        ),
        (
            "CREATE INDEX ON t USING hnsw (many bit_hamming_ops)",
            "54000 column cannot have more than 64000 dimensions for hnsw index",
        ),
        (
            "CREATE INDEX ON t USING ivfflat (many bit_hamming_ops)",
            "54000 column cannot have more than 16000 dimensions for ivfflat index",
        ),
        (
            "CREATE INDEX ON t USING hnsw ((v + v) vector_l2_ops)",
            "22023 column does not have dimensions",
        ),
    ] {
        assert_eq!(failure(&mut c, sql), expected, "{sql}");
    }
}

/// The life of an index in the catalog: shown, renamed, its column changed, dropped.
#[test]
fn definitions() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE TABLE t (id int PRIMARY KEY, v vector(3));
         INSERT INTO t SELECT g, ARRAY[g, 1, 1] FROM generate_series(1, 2000) g;
         CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 8, quantization = 'scalar');
         CREATE INDEX IF NOT EXISTS t_v_idx ON t USING hnsw (v vector_l2_ops)",
    );
    assert_eq!(
        text(
            &mut c,
            "SELECT indexdef FROM pg_indexes WHERE indexname = 't_v_idx'"
        ),
        "CREATE INDEX t_v_idx ON public.t USING hnsw (v vector_l2_ops) WITH (m='8', quantization='scalar')"
    );
    let access = "SELECT amname::text FROM pg_class JOIN pg_am ON pg_am.oid = relam WHERE relname = 't_v_idx'";
    assert_eq!(text(&mut c, access), "hnsw");
    let nearest = "SELECT id::text FROM t ORDER BY v <-> '[700.2,1,1]' LIMIT 1";
    assert_eq!(text(&mut c, nearest), "700");
    run(&mut c, "ALTER INDEX t_v_idx RENAME TO near");
    let plan = explain(&mut c, nearest);
    assert!(plan.contains("Index Scan using near on t"), "{plan}");
    assert!(plan.contains("Order By: v <-> '[700.2,1,1]'"), "{plan}");
    // Without a limit, for another distance, or for the furthest it is of no use.
    for other in [
        "SELECT id FROM t ORDER BY v <-> '[1,1,1]'",
        "SELECT id FROM t ORDER BY v <=> '[1,1,1]' LIMIT 1",
        "SELECT id FROM t ORDER BY v <-> '[1,1,1]' DESC LIMIT 1",
        "SELECT id FROM t ORDER BY v <-> '[1,1,1]', id LIMIT 1",
    ] {
        let plan = explain(&mut c, other);
        assert!(!plan.contains("near"), "{other}: {plan}");
    }
    for (limit, rows) in [("0", 0), ("3", 3), ("NULL", 2000), ("100000", 2000)] {
        let sql = format!("SELECT id::text FROM t ORDER BY v <-> '[1,1,1]' LIMIT {limit}");
        assert_eq!(lines(&mut c, &sql).lines().count(), rows, "{limit}");
    }
    assert_eq!(
        failure(&mut c, "SELECT id FROM t ORDER BY v <-> '[1,1]' LIMIT 3"),
        "22000 different vector dimensions 3 and 2"
    );
    assert_eq!(
        failure(&mut c, "ALTER TABLE t ALTER COLUMN v TYPE vector"),
        "22023 column does not have dimensions"
    );
    run(
        &mut c,
        "TRUNCATE t; INSERT INTO t SELECT g, ARRAY[g, 1, 1] FROM generate_series(1, 900) g",
    );
    assert_eq!(text(&mut c, nearest), "700");
    run(&mut c, "VACUUM");
    assert_eq!(text(&mut c, nearest), "700");
    run(&mut c, "DROP INDEX near");
    assert_eq!(
        text(&mut c, "SELECT count(*)::text FROM pg_vector_index_stats()"),
        "0"
    );
    assert_eq!(text(&mut c, nearest), "700");
}
