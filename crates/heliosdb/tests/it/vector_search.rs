//! Searches by indexes of nearness with conditions, with a recall target, and indexes that are not finished.

use std::fmt::Write;
use std::time::Duration;

use helios_testkit::Rng;
use heliosdb::{Connection, Database};

use crate::sql::{lines, run};

const DIMENSIONS: usize = 12;
const CLUSTERS: usize = 40;

fn number(plan: &[String], name: &str) -> Option<f64> {
    let found = plan.iter().find_map(|line| {
        let rest = line.trim_start().strip_prefix(name)?;
        rest.strip_prefix(": ")
    });
    found.and_then(|text| text.parse().ok())
}

fn text(numbers: &[f32]) -> String {
    let shown: Vec<String> = numbers.iter().map(|n| format!("{n:.3}")).collect();
    format!("'[{}]'", shown.join(","))
}

/// Vectors around centres.
struct Clouds {
    rng: Rng,
    centres: Vec<Vec<f32>>,
}

impl Clouds {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let mut centre = || (0..DIMENSIONS).map(|_| rng.f32() * 4.0 - 2.0).collect();
        let centres = (0..CLUSTERS).map(|_| centre()).collect();
        Self { rng, centres }
    }

    fn near(&mut self, cluster: usize) -> Vec<f32> {
        let rng = &mut self.rng;
        let noise = |n: &f32| n + (rng.f32() + rng.f32() + rng.f32()) * 1.2 - 1.8;
        self.centres[cluster].iter().map(noise).collect()
    }

    fn any(&mut self) -> (usize, Vec<f32>) {
        let cluster = self.rng.usize(0..CLUSTERS);
        (cluster, self.near(cluster))
    }
}

/// A table of rows with shares of which conditions leave one in 2, 10, 100 and 1000.
fn table(c: &mut Connection, clouds: &mut Clouds, rows: usize) {
    run(
        c,
        &format!(
            "CREATE TABLE item (id int PRIMARY KEY, v vector({DIMENSIONS}), cluster int,
                 half int, tenth int, hundredth int, thousandth int)"
        ),
    );
    fill(c, clouds, 0..rows);
}

/// Adds rows with these numbers.
fn fill(c: &mut Connection, clouds: &mut Clouds, ids: std::ops::Range<usize>) {
    let (mut id, rows) = (ids.start, ids.end);
    while id < rows {
        let mut values = String::new();
        for _ in 0..1000.min(rows - id) {
            let (cluster, v) = clouds.any();
            let comma = if values.is_empty() { "" } else { ", " };
            // Which rows a condition leaves has nothing to do with where they are.
            let spread = id * 7919 % 100_003;
            let _ = write!(
                values,
                "{comma}({id}, {}, {cluster}, {}, {}, {}, {})",
                text(&v),
                spread % 2,
                spread % 10,
                spread % 100,
                spread % 1000
            );
            id += 1;
        }
        run(c, &format!("INSERT INTO item VALUES {values}"));
    }
    run(c, "ANALYZE item");
}

/// The share of what a search of all rows finds that the other finds, by distance; both find as many rows.
fn recall(c: &mut Connection, sql: &str) -> f64 {
    run(c, "SET executor = row");
    let found = lines(c, sql);
    run(c, "SET executor = vector");
    let exact = lines(c, sql);
    run(c, "SET executor = auto");
    assert_eq!(found.len(), exact.len(), "{sql}");
    let hits = exact.iter().filter(|row| found.contains(row)).count();
    hits as f64 / exact.len().max(1) as f64
}

fn asks(operator: &str, condition: &str, query: &[f32]) -> String {
    format!(
        "SELECT id::text FROM item WHERE {condition} ORDER BY v {operator} {} LIMIT 10",
        text(query)
    )
}

const CONDITIONS: [(&str, f64); 4] = [
    ("half = 1", 0.5),
    ("tenth = 3", 0.1),
    ("hundredth = 42", 0.01),
    ("thousandth = 421", 0.001),
];

fn filtered(using: &str, operator: &str, seed: u64) {
    const ROWS: usize = 9000;
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut clouds = Clouds::new(seed);
    table(&mut c, &mut clouds, ROWS);
    run(&mut c, &format!("CREATE INDEX near ON item USING {using}"));
    for (condition, share) in CONDITIONS {
        let mut total = 0.0;
        for _ in 0..10 {
            let (_, query) = clouds.any();
            total += recall(&mut c, &asks(operator, condition, &query));
        }
        assert!(
            total / 10.0 >= 0.95,
            "{using}, {condition}: {}",
            total / 10.0
        );
        let (_, query) = clouds.any();
        let sql = asks(operator, condition, &query);
        let plan = lines(&mut c, &format!("EXPLAIN ANALYZE {sql}"));
        if let Some(candidates) = number(&plan, "Candidates") {
            // No more than the share makes needful, with some room for chance.
            assert!(candidates <= 60.0 / share + 300.0, "{plan:#?}");
        } else {
            assert!(share < 0.05, "{plan:#?}");
        }
        if share > 0.05 {
            assert_eq!(number(&plan, "Searches by Reading Rows"), None, "{plan:#?}");
        }
    }
    // Nothing near the query holds: the rows are read, and the answer is exact.
    let (cluster, query) = clouds.any();
    let other = (cluster + 1) % CLUSTERS;
    let sql = asks(operator, &format!("cluster = {other}"), &query);
    assert!(recall(&mut c, &sql) > 0.99, "{sql}");
    // Fewer rows than wanted, and none.
    for condition in ["thousandth = 421 AND half = 1", "half = 7", "id < 4"] {
        let (_, query) = clouds.any();
        let found = recall(&mut c, &asks(operator, condition, &query));
        assert!(found > 0.99 || condition == "half = 7", "{condition}");
    }
    // The index of a condition that leaves few rows is the better one, that of many is not.
    run(
        &mut c,
        "CREATE INDEX by_hundredth ON item (hundredth); CREATE INDEX by_half ON item (half); ANALYZE item",
    );
    for (condition, index) in [("hundredth = 42", "by_hundredth"), ("half = 1", "near")] {
        let (_, query) = clouds.any();
        let sql = asks(operator, condition, &query);
        run(&mut c, "SET executor = row");
        let plan = lines(&mut c, &format!("EXPLAIN {sql}"));
        let using = format!("Index Scan using {index} on item");
        assert!(plan.iter().any(|line| line.contains(&using)), "{plan:#?}");
        assert!(
            plan.iter().any(|line| line.contains("Sort Key: v <")),
            "{plan:#?}"
        );
        run(&mut c, "SET executor = auto");
        assert!(recall(&mut c, &sql) > 0.85);
    }
}

#[test]
fn graphs_with_conditions() {
    filtered("hnsw (v vector_l2_ops)", "<->", 1);
}

#[test]
fn lists_with_conditions() {
    filtered("ivfflat (v vector_cosine_ops) WITH (lists = 60)", "<=>", 2);
}

#[test]
fn codes_with_conditions() {
    filtered(
        "hnsw (v vector_l2_ops) WITH (quantization = 'scalar')",
        "<->",
        3,
    );
}

/// A recall target chooses how far a search looks, and all is said of it.
#[test]
fn recall_targets() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut clouds = Clouds::new(4);
    table(&mut c, &mut clouds, 5000);
    for (using, operator, name) in [
        (
            "hnsw (v vector_l2_ops) WITH (m = 6, ef_construction = 20)",
            "<->",
            "Ef Search",
        ),
        ("ivf (v vector_ip_ops) WITH (lists = 80)", "<#>", "Probes"),
    ] {
        run(&mut c, &format!("CREATE INDEX near ON item USING {using}"));
        let mut breadths = Vec::new();
        for target in [0.5, 0.9, 0.98] {
            run(&mut c, &format!("SET helios.vector_recall = {target}"));
            let mut total = 0.0;
            for _ in 0..60 {
                let (_, query) = clouds.any();
                total += recall(&mut c, &asks(operator, "true", &query));
            }
            // So few queries are off by a hundredth.
            assert!(
                total / 60.0 >= target - 0.02,
                "{using}: {target}: {}",
                total / 60.0
            );
            let plan = lines(
                &mut c,
                &format!(
                    "EXPLAIN ANALYZE {}",
                    asks(operator, "true", &clouds.near(1))
                ),
            );
            let said = number(&plan, "Recall Estimate").unwrap_or_else(|| panic!("{plan:#?}"));
            assert!(said >= target - 0.001, "{plan:#?}");
            assert!(number(&plan, "Rescored").is_some(), "{plan:#?}");
            breadths.push(number(&plan, name).unwrap_or_else(|| panic!("{plan:#?}")));
        }
        assert!(breadths.is_sorted(), "{breadths:?}");
        let stats = "SELECT (recall >= 0.98 AND breadth_95 <= breadth_99)::text FROM pg_vector_index_stats()";
        assert_eq!(lines(&mut c, stats), ["true"]);
        run(&mut c, "RESET helios.vector_recall; DROP INDEX near");
    }
    let error = c.execute("SET helios.vector_recall = 1.5", ()).unwrap_err();
    assert_eq!(error.sqlstate().as_str(), "22023");
}

/// The vector that is looked for may be that of another row.
#[test]
fn near_to_a_row() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut clouds = Clouds::new(10);
    table(&mut c, &mut clouds, 3000);
    run(
        &mut c,
        "SET executor = row; CREATE INDEX near ON item USING hnsw (v vector_l2_ops)",
    );
    let by = |query: &str| format!("SELECT id::text FROM item ORDER BY v <-> {query} LIMIT 10");
    let of = |id: u32| by(&format!("(SELECT v FROM item WHERE id = {id})"));
    let plan = lines(&mut c, &format!("EXPLAIN {}", of(7)));
    let using = |plan: &[String]| {
        plan.iter()
            .any(|l| l.contains("Index Scan using near on item"))
    };
    assert!(using(&plan), "{plan:#?}");
    for id in [7, 1234, 2999] {
        let vector = lines(&mut c, &format!("SELECT v::text FROM item WHERE id = {id}"));
        let near = lines(&mut c, &of(id));
        assert_eq!(near, lines(&mut c, &by(&format!("'{}'", vector[0]))));
        assert_eq!(near[0], id.to_string());
    }
    // No row, no vector: any ten rows.
    assert_eq!(lines(&mut c, &of(9999)).len(), 10);
    // One for each row is not the same for all.
    let each = by("(SELECT o.v FROM item o WHERE o.id = item.id + 1)");
    let plan = lines(&mut c, &format!("EXPLAIN {each}"));
    assert!(!using(&plan), "{plan:#?}");
    assert_eq!(lines(&mut c, &each).len(), 10);
}

/// Of strings of bits many are equally far: any of these will do.
#[test]
fn ties_are_found() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE TABLE bits (id int PRIMARY KEY, b bit(4));
         INSERT INTO bits SELECT n, (n % 16)::bit(4) FROM generate_series(1, 3000) n",
    );
    run(
        &mut c,
        "CREATE INDEX hamming ON bits USING hnsw (b bit_hamming_ops);
         CREATE INDEX jaccard ON bits USING hnsw (b bit_jaccard_ops)",
    );
    let known = "SELECT index_name || ' ' || coalesce((breadth_99 <= 100)::text, '-')
                 FROM pg_vector_index_stats()";
    assert_eq!(lines(&mut c, known), ["hamming true", "jaccard true"]);
    assert_eq!(
        lines(&mut c, "SELECT kind FROM pg_vector_index_advice()"),
        [""; 0]
    );
}

/// Codes that are nearly exact find as much as vectors do: what is known of them does not depend on the order of rows.
#[test]
fn codes_are_measured_as_vectors_are() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut clouds = Clouds::new(9);
    table(&mut c, &mut clouds, 4000);
    for (codes, most) in [("none", 40), ("scalar", 40), ("rabitq', bits = '8", 40)] {
        run(
            &mut c,
            &format!(
                "CREATE INDEX near ON item USING hnsw (v vector_l2_ops) WITH (quantization = '{codes}')"
            ),
        );
        let enough = format!(
            "SELECT coalesce(breadth_95 <= {most}, false)::text FROM pg_vector_index_stats()"
        );
        assert_eq!(lines(&mut c, &enough), ["true"], "{codes}");
        run(&mut c, "DROP INDEX near");
    }
}

/// An index that was made of nothing is measured when rows have come, and again when there are many more.
#[test]
fn recall_targets_of_what_has_grown() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut clouds = Clouds::new(6);
    table(&mut c, &mut clouds, 0);
    run(
        &mut c,
        "CREATE INDEX near ON item USING hnsw (v vector_l2_ops) WITH (m = 6, ef_construction = 20);
         SET helios.vector_recall = 0.95",
    );
    let measured = "SELECT coalesce(breadth_95, -1)::text FROM pg_vector_index_stats()";
    assert_eq!(lines(&mut c, measured), ["-1"]);
    for (before, rows) in [(0, 1500), (1500, 6000)] {
        fill(&mut c, &mut clouds, before..rows);
        run(&mut c, "VACUUM");
        let plan = lines(
            &mut c,
            &format!("EXPLAIN {}", asks("<->", "true", &clouds.near(1))),
        );
        let said = number(&plan, "Recall Estimate").unwrap_or_else(|| panic!("{plan:#?}"));
        assert!((0.949..1.0).contains(&said), "{plan:#?}");
        let mut total = 0.0;
        for _ in 0..60 {
            let (_, query) = clouds.any();
            total += recall(&mut c, &asks("<->", "true", &query));
        }
        assert!(total / 60.0 >= 0.93, "{rows}: {}", total / 60.0);
    }
}

/// Who sets nothing finds 0.95 of what is near, with conditions, and of more rows than ten; who sets an effort gets that.
#[test]
fn recall_by_default() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut clouds = Clouds::new(8);
    table(&mut c, &mut clouds, 8000);
    run(
        &mut c,
        "CREATE INDEX near ON item USING hnsw (v vector_l2_ops)
             WITH (m = 5, ef_construction = 10);
         ANALYZE item",
    );
    let plain = format!("EXPLAIN {}", asks("<->", "true", &clouds.near(1)));
    let told = |c: &mut Connection| -> (bool, bool, f64) {
        let plan = lines(c, &plain);
        let says = |text: &str| plan.iter().any(|line| line.trim() == text);
        (
            says("Recall Target: 0.95 (default)"),
            says("Recall Target: 0.5"),
            number(&plan, "Ef Search").unwrap_or(0.0),
        )
    };
    let (usual, _, effort) = told(&mut c);
    assert!(usual && effort > 40.0, "{effort}");
    for (condition, wanted) in [
        ("true", 10),
        ("true", 50),
        ("true", 300),
        ("half = 1", 10),
        ("half = 1", 40),
        ("tenth = 3", 10),
    ] {
        let mut total = 0.0;
        for _ in 0..40 {
            let (_, query) = clouds.any();
            let sql = asks("<->", condition, &query);
            let sql = sql.replace("LIMIT 10", &format!("LIMIT {wanted}"));
            assert!(sql.ends_with(&format!("LIMIT {wanted}")), "{sql}");
            total += recall(&mut c, &sql);
        }
        assert!(
            total / 40.0 >= 0.94,
            "{condition}, {wanted}: {}, {:#?}",
            total / 40.0,
            lines(&mut c, &plain)
        );
    }
    // More rows take more effort.
    let more = lines(&mut c, &plain.replace("LIMIT 10", "LIMIT 100"));
    assert!(number(&more, "Ef Search").unwrap() > effort, "{more:#?}");
    // What somebody set counts, even if it is what the default would be.
    for (set, expected) in [
        ("SET hnsw.ef_search = 40", (false, false, 40.0)),
        ("RESET hnsw.ef_search", (true, false, effort)),
        ("BEGIN; SET LOCAL hnsw.ef_search = 7", (false, false, 7.0)),
        ("ROLLBACK", (true, false, effort)),
        ("SET helios.vector_recall = 0", (false, false, 40.0)),
        ("SET hnsw.ef_search = 9", (false, false, 9.0)),
        ("RESET ALL", (true, false, effort)),
        ("SET hnsw.ef_search TO DEFAULT", (true, false, effort)),
    ] {
        run(&mut c, set);
        assert_eq!(told(&mut c), expected, "{set}");
    }
    run(
        &mut c,
        "SET hnsw.ef_search = 9; SET helios.vector_recall = 0.5",
    );
    assert!(told(&mut c).1);
}

/// pgvector's settings: off, a search gives what the candidates hold; on, it goes on.
#[test]
fn iterative_scans() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut clouds = Clouds::new(5);
    table(&mut c, &mut clouds, 4000);
    run(&mut c, "SET executor = row");
    for (using, method, effort) in [
        ("hnsw (v vector_l2_ops)", "hnsw", "SET hnsw.ef_search = 20"),
        (
            "ivfflat (v vector_l2_ops) WITH (lists = 60)",
            "ivfflat",
            "SET ivfflat.probes = 1",
        ),
    ] {
        run(
            &mut c,
            &format!("CREATE INDEX near ON item USING {using}; {effort}"),
        );
        let sql = asks("<->", "tenth = 3", &clouds.near(2));
        run(&mut c, &format!("SET {method}.iterative_scan = off"));
        let few = lines(&mut c, &sql).len();
        assert!(few < 10, "{using}: {few}");
        run(
            &mut c,
            &format!("SET {method}.iterative_scan = relaxed_order"),
        );
        assert_eq!(lines(&mut c, &sql).len(), 10);
        run(&mut c, "DROP INDEX near");
    }
    run(
        &mut c,
        "CREATE INDEX near ON item USING hnsw (v vector_l2_ops); SET hnsw.max_scan_tuples = 30",
    );
    // So few candidates do not lead to ten rows: the table does.
    let sql = asks("<->", "tenth = 3", &clouds.near(2));
    let plan = lines(&mut c, &format!("EXPLAIN ANALYZE {sql}"));
    assert_eq!(number(&plan, "Candidates"), Some(30.0), "{plan:#?}");
    assert_eq!(number(&plan, "Searches by Reading Rows"), Some(1.0));
    assert!(recall(&mut c, &sql) > 0.99);
}

/// An index that is not finished leaves nothing behind; others see how far it is.
#[test]
fn an_index_is_cancelled() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut clouds = Clouds::new(6);
    table(&mut c, &mut clouds, 12_000);
    let slow = "CREATE INDEX near ON item USING hnsw (v vector_l2_ops) WITH (m = 90, ef_construction = 1000)";
    run(&mut c, "SET statement_timeout = '50ms'");
    let error = c.execute(slow, ()).unwrap_err();
    assert_eq!(
        (error.sqlstate().as_str(), error.message()),
        ("57014", "canceling statement due to statement timeout")
    );
    run(&mut c, "RESET statement_timeout");
    let mut other = database.connect().unwrap();
    let cancel = c.cancel_handle();
    std::thread::scope(|scope| {
        let building = scope.spawn(|| c.execute(slow, ()).unwrap_err());
        let progress =
            "SELECT relid::regclass || ' ' || phase || ' ' || (tuples_done <= tuples_total)
                        FROM pg_stat_progress_create_index WHERE tuples_total > 0";
        let seen = loop {
            let seen = lines(&mut other, progress);
            if !seen.is_empty() || building.is_finished() {
                break seen;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        cancel.cancel();
        let error = building.join().unwrap();
        assert_eq!(
            (error.sqlstate().as_str(), error.message()),
            ("57014", "canceling statement due to user request")
        );
        assert_eq!(seen, ["item building index: loading tuples true"]);
    });
    for nothing in ["pg_vector_index_stats()", "pg_stat_progress_create_index"] {
        let left = lines(&mut c, &format!("SELECT count(*)::text FROM {nothing}"));
        assert_eq!(left, ["0"], "{nothing}");
    }
    run(
        &mut c,
        "CREATE INDEX near ON item USING ivf (v vector_l2_ops)",
    );
    assert_eq!(
        lines(&mut c, &asks("<->", "true", &clouds.near(0))).len(),
        10
    );
}

/// Indexes of some rows only, of expressions, of bits and of sparse vectors.
#[test]
fn what_else_is_indexed() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    let mut clouds = Clouds::new(7);
    table(&mut c, &mut clouds, 3000);
    run(
        &mut c,
        &format!(
            "ALTER TABLE item ADD COLUMN bits bit({DIMENSIONS}), ADD COLUMN sparse sparsevec({DIMENSIONS});
             UPDATE item SET bits = binary_quantize(v), sparse = v::sparsevec;
             ANALYZE item;
             SET hnsw.ef_search = 1000; SET ivfflat.probes = 1000"
        ),
    );
    let half = format!("(v::halfvec({DIMENSIONS}))");
    let coarse = format!("(binary_quantize(v)::bit({DIMENSIONS}))");
    for (using, distance, condition) in [
        (
            "hnsw (v vector_l2_ops) WHERE tenth = 3".to_owned(),
            "v <-> $$Q$$".to_owned(),
            "tenth = 3 AND half = 1",
        ),
        (
            "hnsw (v vector_l2_ops) WHERE id > 1000".to_owned(),
            "v <-> $$Q$$".to_owned(),
            "id > 1500",
        ),
        (
            format!("hnsw ({half} halfvec_cosine_ops)"),
            format!("{half} <=> $$Q$$"),
            "half = 1",
        ),
        (
            format!("ivfflat ({half} halfvec_l2_ops) WITH (lists = 20)"),
            format!("{half} <-> $$Q$$"),
            "true",
        ),
        (
            format!("hnsw ({coarse} bit_hamming_ops)"),
            format!("{coarse} <~> B'$$B$$'"),
            "true",
        ),
        (
            "hnsw (bits bit_hamming_ops)".to_owned(),
            "bits <~> B'$$B$$'".to_owned(),
            "half = 1",
        ),
        (
            "hnsw (bits bit_jaccard_ops)".to_owned(),
            "bits <%> B'$$B$$'".to_owned(),
            "half = 1",
        ),
        (
            format!("hnsw ({coarse} bit_jaccard_ops)"),
            format!("jaccard_distance({coarse}, B'$$B$$')"),
            "true",
        ),
        (
            "ivfflat (bits bit_hamming_ops)".to_owned(),
            "bits <~> B'$$B$$'".to_owned(),
            "half = 1",
        ),
        (
            format!("hnsw ({half} halfvec_l1_ops)"),
            format!("{half} <+> $$Q$$"),
            "half = 1",
        ),
        (
            "hnsw (sparse sparsevec_l2_ops)".to_owned(),
            "sparse <-> $$S$$::sparsevec".to_owned(),
            "true",
        ),
        (
            "hnsw (sparse sparsevec_ip_ops)".to_owned(),
            "sparse <#> $$S$$::sparsevec".to_owned(),
            "true",
        ),
        (
            "hnsw (sparse sparsevec_cosine_ops)".to_owned(),
            "sparse <=> $$S$$::sparsevec".to_owned(),
            "true",
        ),
        (
            "hnsw (sparse sparsevec_l1_ops)".to_owned(),
            "sparse <+> $$S$$::sparsevec".to_owned(),
            "half = 0",
        ),
    ] {
        run(&mut c, &format!("CREATE INDEX near ON item USING {using}"));
        for step in 0..6 {
            let query = clouds.any().1;
            let bits: String = query
                .iter()
                .map(|x| if *x > 0.0 { '1' } else { '0' })
                .collect();
            let sparse = text(&query) + "::vector";
            let distance = distance
                .replace("$$Q$$", &text(&query))
                .replace("$$B$$", &bits)
                .replace("$$S$$", &sparse);
            let sql = format!(
                "SELECT round(({distance})::numeric, 3)::text FROM item WHERE {condition} ORDER BY {distance} LIMIT 8"
            );
            run(&mut c, "SET executor = row");
            let plan = lines(&mut c, &format!("EXPLAIN {sql}"));
            let used = plan
                .iter()
                .any(|line| line.contains("Index Scan using near on item"));
            assert!(used, "{using}: {plan:#?}");
            let found = lines(&mut c, &sql);
            run(&mut c, "SET executor = vector");
            assert_eq!(found, lines(&mut c, &sql), "{using}: {sql}");
            run(&mut c, "SET executor = auto");
            // Rows come into the index and go from it.
            match step {
                1 => run(&mut c, "UPDATE item SET tenth = 3 WHERE id % 7 = 0"),
                2 => run(
                    &mut c,
                    "UPDATE item SET tenth = 4, v = v + v WHERE id % 11 = 0",
                ),
                3 => run(&mut c, "VACUUM"),
                _ => {}
            }
        }
        let definition = "SELECT indexdef FROM pg_indexes WHERE indexname = 'near'";
        let shown = lines(&mut c, definition).concat();
        run(&mut c, &format!("DROP INDEX near; {shown}"));
        assert_eq!(lines(&mut c, definition).concat(), shown);
        run(&mut c, "DROP INDEX near");
    }
    // An index of some rows is of no use to who may want others.
    run(
        &mut c,
        "CREATE INDEX near ON item USING hnsw (v vector_l2_ops) WHERE tenth = 3",
    );
    run(&mut c, "SET executor = row");
    for condition in ["true", "tenth = 4", "tenth = 3 OR half = 1"] {
        let plan = lines(
            &mut c,
            &format!("EXPLAIN {}", asks("<->", condition, &clouds.near(0))),
        );
        assert!(!plan.iter().any(|line| line.contains("near")), "{plan:#?}");
    }
}

/// A row of which the index's expression makes no value is in no index, and an index of it is not made.
#[test]
fn expressions_that_fail() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE TABLE e (id int PRIMARY KEY, v vector, w vector(3));
         INSERT INTO e SELECT g, ARRAY[g, 1, 1] FROM generate_series(1, 2000) g;
         CREATE INDEX near ON e USING hnsw ((v::vector(3)) vector_l2_ops);
         INSERT INTO e VALUES (3000, '[1,2]'), (3001, '[7.2,1,1]')",
    );
    run(&mut c, "VACUUM");
    run(&mut c, "SET executor = row");
    let sql =
        "SELECT id::text FROM e WHERE id <> 3000 ORDER BY v::vector(3) <-> '[7.3,1,1]' LIMIT 2";
    let plan = lines(&mut c, &format!("EXPLAIN ANALYZE {sql}"));
    assert!(number(&plan, "Candidates").is_some(), "{plan:#?}");
    assert_eq!(number(&plan, "Changed Rows"), None, "{plan:#?}");
    assert_eq!(lines(&mut c, sql), ["3001", "7"]);
    run(&mut c, "DROP INDEX near");
    let error = c
        .execute(
            "CREATE INDEX ON e USING hnsw ((v::vector(3)) vector_l2_ops)",
            (),
        )
        .unwrap_err();
    assert_eq!(error.sqlstate().as_str(), "22000", "{error:?}");
}
