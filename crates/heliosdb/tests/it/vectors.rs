//! Vectors in SQL: text forms, casts, operators and functions answer as pgvector does.

use helios_testkit::Scratch;
use heliosdb::{Connection, Database};

use crate::sql::run;

fn connect() -> Connection {
    Database::open_in_memory().unwrap().connect().unwrap()
}

/// The only value as text, or the error's state and message.
fn answer(c: &mut Connection, expression: &str) -> String {
    let sql = format!("SELECT ({expression})::text");
    match c
        .query_row(&sql, ())
        .and_then(|row| row.get::<Option<String>>(0))
    {
        Ok(Some(text)) => text,
        Ok(None) => "NULL".to_owned(),
        Err(error) => format!("{} {}", error.sqlstate().as_str(), error.message()),
    }
}

/// Every line is an expression and its answer, by both executors.
fn expect(cases: &[(&str, &str)]) {
    for executor in ["row", "vector"] {
        let mut c = connect();
        run(&mut c, &format!("SET executor = {executor}"));
        for (expression, expected) in cases {
            let found = answer(&mut c, expression);
            assert_eq!(&found, expected, "{executor}: {expression}");
        }
    }
}

#[test]
fn text_forms() {
    expect(&[
        ("'[1,2,3]'::vector", "[1,2,3]"),
        ("' [ 1.,  -2 ,    3e0  ] '::vector", "[1,-2,3]"),
        (
            "'[1.23456,1.5e38,1.5e-38]'::vector",
            "[1.23456,1.5e+38,1.5e-38]",
        ),
        ("'[1e-46,-1e-46]'::vector", "[0,-0]"),
        (
            "'[4e38,1]'::vector",
            "22003 \"4e38\" is out of range for type vector",
        ),
        (
            "'[hello,1]'::vector",
            "22P02 invalid input syntax for type vector: \"[hello,1]\"",
        ),
        ("'[NaN,1]'::vector", "22000 NaN not allowed in vector"),
        (
            "'[1,-Infinity]'::vector",
            "22000 infinite value not allowed in vector",
        ),
        (
            "'[1,2,3'::vector",
            "22P02 invalid input syntax for type vector: \"[1,2,3\"",
        ),
        (
            "'[1,2,3]9'::vector",
            "22P02 invalid input syntax for type vector: \"[1,2,3]9\"",
        ),
        (
            "'[1,,3]'::vector",
            "22P02 invalid input syntax for type vector: \"[1,,3]\"",
        ),
        (
            "''::vector",
            "22P02 invalid input syntax for type vector: \"\"",
        ),
        (
            "'[ ]'::vector",
            "22000 vector must have at least 1 dimension",
        ),
        ("'[65519,0.1]'::halfvec", "[65504,0.099975586]"),
        (
            "'[65520]'::halfvec",
            "22003 \"65520\" is out of range for type halfvec",
        ),
        ("'[1e-8,-1e-8]'::halfvec", "[0,-0]"),
        (
            "' { 1 : 1.5 ,  3  :  3.5  } / 5 '::sparsevec",
            "{1:1.5,3:3.5}/5",
        ),
        ("'{2:1,1:0,3:-1}/3'::sparsevec", "{2:1,3:-1}/3"),
        ("'{3:1,1:2}/3'::sparsevec", "{1:2,3:1}/3"),
        ("'{}/2'::sparsevec", "{}/2"),
        (
            "'{1:1,1:2}/2'::sparsevec",
            "22000 sparsevec indices must not contain duplicates",
        ),
        (
            "'{0:1}/1'::sparsevec",
            "22000 sparsevec index out of bounds",
        ),
        (
            "'{2:1}/1'::sparsevec",
            "22000 sparsevec index out of bounds",
        ),
        (
            "'{}/0'::sparsevec",
            "22000 sparsevec must have at least 1 dimension",
        ),
        (
            "'{}/1000000001'::sparsevec",
            "54000 sparsevec cannot have more than 1000000000 dimensions",
        ),
        (
            "'{1:1e-46}/2'::sparsevec",
            "22003 \"1e-46\" is out of range for type sparsevec",
        ),
    ]);
}

#[test]
fn modifiers_and_casts() {
    expect(&[
        ("'[1,2,3]'::vector(3)", "[1,2,3]"),
        ("'[1,2,3]'::vector(2)", "22000 expected 2 dimensions, not 3"),
        ("'[1,2,3]'::vector(3, 2)", "22023 invalid type modifier"),
        (
            "'[1]'::vector(0)",
            "22023 dimensions for type vector must be at least 1",
        ),
        (
            "'[1]'::halfvec(16001)",
            "22023 dimensions for type halfvec cannot exceed 16000",
        ),
        ("'{}/5'::sparsevec(6)", "22000 expected 6 dimensions, not 5"),
        (
            "'{\"[1,2,3]\"}'::vector(2)[]",
            "22000 expected 2 dimensions, not 3",
        ),
        ("ARRAY[1,2,3]::vector", "[1,2,3]"),
        ("ARRAY[1.5,2]::vector(2)", "[1.5,2]"),
        (
            "'{1,2}'::real[]::vector(3)",
            "22000 expected 3 dimensions, not 2",
        ),
        (
            "ARRAY[1,NULL]::vector",
            "22004 array must not contain nulls",
        ),
        ("ARRAY[[1],[2]]::vector", "22000 array must be 1-D"),
        (
            "'{}'::real[]::vector",
            "22000 vector must have at least 1 dimension",
        ),
        ("'{NaN}'::real[]::vector", "22000 NaN not allowed in vector"),
        (
            "'{1e300}'::float8[]::vector",
            "22000 infinite value not allowed in vector",
        ),
        ("'[1,2]'::vector::real[]", "{1,2}"),
        ("'[1,2]'::halfvec::real[]", "{1,2}"),
        ("'[1,0,2]'::vector::sparsevec", "{1:1,3:2}/3"),
        ("'{1:1,3:2}/3'::sparsevec::vector", "[1,0,2]"),
        (
            "'{}/16001'::sparsevec::vector",
            "54000 vector cannot have more than 16000 dimensions",
        ),
        (
            "'[65520]'::vector::halfvec",
            "22003 \"65520\" is out of range for type halfvec",
        ),
        ("'[1,2]'::halfvec::vector", "[1,2]"),
        ("pg_typeof('[1]'::halfvec)", "halfvec"),
        ("format_type('vector'::regtype, 3)", "vector(3)"),
        ("'vector'::regtype = 'public.vector'::regtype", "true"),
    ]);
}

#[test]
fn arithmetic_and_order() {
    expect(&[
        ("'[1,2,3]'::vector + '[4,5,6]'", "[5,7,9]"),
        (
            "'[3e38]'::vector + '[3e38]'",
            "22003 value out of range: overflow",
        ),
        (
            "'[1,2]'::vector + '[3]'",
            "22000 different vector dimensions 2 and 1",
        ),
        ("'[1,2,3]'::vector - '[4,5,6]'", "[-3,-3,-3]"),
        ("'[1,2,3]'::vector * '[4,5,6]'", "[4,10,18]"),
        (
            "'[1e-37]'::vector * '[1e-37]'",
            "22003 value out of range: underflow",
        ),
        (
            "'[1e-7]'::halfvec * '[1e-7]'",
            "22003 value out of range: underflow",
        ),
        (
            "'[65519]'::halfvec + '[65519]'",
            "22003 value out of range: overflow",
        ),
        ("'[1,2,3]'::vector || '[4,5]'", "[1,2,3,4,5]"),
        (
            "array_fill(0, ARRAY[16000])::vector || '[1]'",
            "54000 vector cannot have more than 16000 dimensions",
        ),
        ("'[1,2,3]'::vector < '[1,2]'", "false"),
        ("'[1,2]'::vector < '[1,2,3]'", "true"),
        ("'[0]'::vector = '[-0]'", "true"),
        ("'{2:1}/2'::sparsevec > '{1:-1,2:1}/2'", "true"),
        ("'{}/2'::sparsevec < '{}/3'", "true"),
        ("'{}/2'::sparsevec < '{3:-1}/3'", "true"),
    ]);
}

#[test]
fn distances() {
    expect(&[
        ("l2_distance('[0,0]'::vector, '[3,4]')", "5"),
        ("'[0,0]'::vector <-> '[3,4]'", "5"),
        ("'[3e38]'::vector <-> '[-3e38]'", "Infinity"),
        (
            "'[1,2]'::vector <-> '[3]'",
            "22000 different vector dimensions 2 and 1",
        ),
        ("inner_product('[1,2]'::vector, '[3,4]')", "11"),
        ("'[1,2]'::vector <#> '[3,4]'", "-11"),
        ("'[1,2]'::vector <=> '[2,4]'", "0"),
        ("'[1,2]'::vector <=> '[0,0]'", "NaN"),
        ("cosine_distance('[1,0]'::vector, '[0,2]')", "1"),
        ("cosine_distance('[1,1]'::vector, '[-1.1,-1.1]')", "2"),
        ("cosine_similarity('[1,1]'::vector, '[2,2]')", "1"),
        ("'[3e38]'::vector <=> '[3e38]'", "NaN"),
        ("l1_distance('[0,0]'::vector, '[3,4]')", "7"),
        ("'[0,0]'::halfvec <+> '[3,4]'", "7"),
        ("inner_product('[65504]'::halfvec, '[65504]')", "4290774016"),
        ("'{1:3,3:4}/3'::sparsevec <-> '{}/3'", "5"),
        ("'{1:1,2:2}/2'::sparsevec <#> '{1:2,2:4}/2'", "-10"),
        ("'{1:1,2:2}/2'::sparsevec <=> '{1:2,2:4}/2'", "0"),
        (
            "'{1:1}/2'::sparsevec <-> '{1:1}/3'",
            "22000 different sparsevec dimensions 2 and 3",
        ),
        ("B'111' <~> B'100'", "2"),
        ("B'1111' <%> B'1000'", "0.75"),
        ("jaccard_distance(B'1111', B'0000')", "1"),
        (
            "hamming_distance(B'10', B'100')",
            "22000 different bit lengths 2 and 3",
        ),
        ("NULL::vector <-> '[1]'", "NULL"),
    ]);
}

#[test]
fn functions() {
    expect(&[
        ("vector_dims('[1,2,3]'::vector)", "3"),
        ("vector_norm('[3,4]'::vector)", "5"),
        ("l2_norm('{1:3,2:4}/2'::sparsevec)", "5"),
        ("vector_norm('[3e37,4e37]'::vector)::real", "5e+37"),
        ("l2_normalize('[3,4]'::vector)", "[0.6,0.8]"),
        ("l2_normalize('[0,0]'::vector)", "[0,0]"),
        ("l2_normalize('[3,4]'::halfvec)", "[0.60009766,0.7998047]"),
        ("l2_normalize('{1:3,2:4}/3'::sparsevec)", "{1:0.6,2:0.8}/3"),
        ("binary_quantize('[0,0.1,-0.2,1]'::vector)", "0101"),
        ("subvector('[1,2,3,4,5]'::vector, 3, 9)", "[3,4,5]"),
        ("subvector('[1,2,3,4,5]'::vector, -1, 3)", "[1]"),
        (
            "subvector('[1,2,3,4,5]'::vector, 1, 0)",
            "22000 vector must have at least 1 dimension",
        ),
        (
            "subvector('[1,2,3,4,5]'::vector, 2147483647, 10)",
            "22000 vector must have at least 1 dimension",
        ),
        (
            "subvector('[1,2,3,4,5]'::vector, -2147483644, 2147483647)",
            "[1,2]",
        ),
        (
            "(SELECT avg(v) FROM unnest(ARRAY['[1,2,3]','[3,5,7]',NULL]::vector[]) v)",
            "[2,3.5,5]",
        ),
        (
            "(SELECT avg(v) FROM unnest(ARRAY['[3e38]','[3e38]']::vector[]) v)",
            "[3e+38]",
        ),
        (
            "(SELECT avg(v) FROM unnest(ARRAY['[1,2]','[3]']::vector[]) v)",
            "22000 expected 2 dimensions, not 1",
        ),
        (
            "(SELECT sum(v) FROM unnest(ARRAY['[1,2,3]','[3,5,7]']::vector[]) v)",
            "[4,7,10]",
        ),
        (
            "(SELECT sum(v) FROM unnest(ARRAY['[65504]','[65504]']::halfvec[]) v)",
            "22003 value out of range: overflow",
        ),
        ("(SELECT sum(v) FROM unnest(ARRAY[]::vector[]) v)", "NULL"),
    ]);
}

/// What pgvector's own functions answer, called by name.
#[test]
fn functions_behind_operators() {
    expect(&[
        ("vector_cmp('[1,2,3]','[1,2]')", "1"),
        ("halfvec_cmp('[1,2]','[1,3]')", "-1"),
        ("sparsevec_cmp('{}/3','{1:-1}/3')", "1"),
        ("vector_lt('[1]','[2]')", "true"),
        ("sparsevec_ge('{1:1}/2','{}/2')", "true"),
        ("vector_add('[1,2]','[3,4]')", "[4,6]"),
        ("halfvec_mul('[1,2]','[3,4]')", "[3,8]"),
        ("vector_sub('[1,2]','[3,5]')", "[-2,-3]"),
        ("vector_concat('[1]','[2]')", "[1,2]"),
        ("vector_negative_inner_product('[1,2]','[3,4]')", "-11"),
        ("vector_l2_squared_distance('[1,2]','[3,4]')", "8"),
        ("sparsevec_l2_squared_distance('{1:1}/2','{2:2}/2')", "5"),
        ("vector_spherical_distance('[1,0]','[0,1]')", "0.5"),
        ("halfvec_spherical_distance('[1,0]','[-1,0]')", "1"),
        ("vector_accum('{0}','[1,2]')", "{1,1,2}"),
        (
            "vector_accum('{1,1,2}','[1,2,3]')",
            "22000 expected 2 dimensions, not 3",
        ),
        ("vector_combine('{1,2}','{1,3}')", "{2,5}"),
        (
            "vector_combine('{1,2}','{3,4,5}')",
            "22000 expected 1 dimensions, not 2",
        ),
        (
            "vector_combine('{0}', (SELECT array_agg(n) FROM generate_series(1, 16002) n))",
            "54000 vector cannot have more than 16000 dimensions",
        ),
        ("vector_avg('{2,2,4,6}')", "[1,2,3]"),
        ("vector_avg('{0}')", "NULL"),
        (
            "vector_avg('{{2,2}}')",
            "22000 vector_avg: expected state array",
        ),
        (
            "halfvec_avg('{1}')",
            "22000 halfvec must have at least 1 dimension",
        ),
        (
            "vector_avg('{1,NULL}')",
            "22000 vector_avg: expected state array",
        ),
        ("array_to_vector(ARRAY[1,2], 2, true)", "[1,2]"),
        (
            "array_to_vector(ARRAY[1,2], 3, true)",
            "22000 expected 3 dimensions, not 2",
        ),
        ("array_to_halfvec(ARRAY[1.5,2.5], -1, true)", "[1.5,2.5]"),
        (
            "array_to_sparsevec(ARRAY[0,2]::real[], -1, false)",
            "{2:2}/2",
        ),
        ("vector_to_float4('[1,2]', -1, true)", "{1,2}"),
        ("sparsevec_to_vector('{1:3}/2', -1, true)", "[3,0]"),
        ("vector_to_halfvec('[1,2]', 2, false)", "[1,2]"),
        (
            "vector('[1,2]', 3, true)",
            "22000 expected 3 dimensions, not 2",
        ),
        (
            "array_to_vector(ARRAY[NULL]::int[], -1, true)",
            "22004 array must not contain nulls",
        ),
    ]);
}

/// Stored vectors: assignment, `COPY`, ordering, grouping and the nearest of many by both executors.
#[test]
fn tables_of_vectors() {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE EXTENSION IF NOT EXISTS vector;
         CREATE EXTENSION vector;
         CREATE TABLE item (id int PRIMARY KEY, v vector(3), h halfvec(3), s sparsevec(3));
         INSERT INTO item SELECT g, ARRAY[g, g % 7, 1], ARRAY[g, 0, 1], ARRAY[0, g, 0]
            FROM generate_series(1, 500) g;
         INSERT INTO item VALUES (501, NULL, NULL, NULL)",
    );
    let error = c.execute("INSERT INTO item (id, v) VALUES (0, '[1,2]')", ());
    assert_eq!(
        error.unwrap_err().to_string(),
        "expected 3 dimensions, not 2"
    );
    run(&mut c, "SELECT * FROM helios_freeze('item')");
    run(&mut c, "UPDATE item SET v = '[7,7,7]' WHERE id = 7");
    for executor in ["row", "vector"] {
        run(&mut c, &format!("SET executor = {executor}"));
        let mut first = |sql: &str| answer(&mut c, &format!("({sql})"));
        let nearest = |op: &str, column: &str, query: &str| {
            format!(
                "SELECT string_agg(id::text, ' ') FROM
                 (SELECT id FROM item ORDER BY {column} {op} '{query}', id LIMIT 3) t"
            )
        };
        assert_eq!(first(&nearest("<->", "v", "[7,7,7]")), "7 6 5");
        assert_eq!(first(&nearest("<+>", "h", "[100,0,1]")), "100 99 101");
        assert_eq!(first(&nearest("<#>", "v", "[1,0,0]")), "500 499 498");
        assert_eq!(first(&nearest("<->", "s", "{2:250}/3")), "250 249 251");
        assert_eq!(
            first("SELECT max(v::text) FROM item WHERE v = '[7,7,7]'"),
            "[7,7,7]"
        );
        assert_eq!(
            first("SELECT count(*) FROM (SELECT DISTINCT v, h, s FROM item) t"),
            "501"
        );
        assert_eq!(
            first("SELECT id FROM item ORDER BY v DESC NULLS LAST LIMIT 1"),
            "500"
        );
        assert_eq!(first("SELECT id FROM item ORDER BY s LIMIT 1"), "1");
        assert_eq!(
            first("SELECT count(*) FROM item WHERE v <-> '[0,0,0]' < 10"),
            "8"
        );
    }
    let scratch = Scratch::new();
    let file = scratch.path().join("item.bin");
    let file = file.display();
    run(
        &mut c,
        &format!(
            "COPY item TO '{file}' (FORMAT binary);
             CREATE TABLE back (LIKE item);
             COPY back FROM '{file}' (FORMAT binary)"
        ),
    );
    let differ = "(SELECT count(*) FROM (TABLE item EXCEPT ALL TABLE back) t)";
    assert_eq!(answer(&mut c, differ), "0");
    assert_eq!(
        answer(&mut c, "(SELECT v || h::vector FROM back WHERE id = 3)"),
        "[3,3,1,3,0,1]"
    );
    run(&mut c, "CREATE INDEX ON item (v)");
    assert_eq!(
        answer(&mut c, "(SELECT id FROM item WHERE v = '[10,3,1]')"),
        "10"
    );
    assert_eq!(
        answer(
            &mut c,
            "(SELECT extversion FROM pg_extension WHERE extname = 'vector')"
        ),
        "0.8.0"
    );
    assert_eq!(
        answer(
            &mut c,
            "(SELECT string_agg(format_type(atttypid, atttypmod), ' ' ORDER BY attnum)
              FROM pg_attribute WHERE attrelid = 'item'::regclass AND attnum > 1)"
        ),
        "vector(3) halfvec(3) sparsevec(3)"
    );
}
