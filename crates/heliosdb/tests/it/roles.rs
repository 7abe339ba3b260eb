//! Nobody does what it may not do, whichever way it tries.

use heliosdb::{Connection, Database};

fn database() -> (Database, Connection) {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE TABLE secret (id int PRIMARY KEY, open text, hidden text);
         INSERT INTO secret VALUES (1, 'o1', 'h1'), (2, 'o2', 'h2');
         CREATE TABLE other (id int, note text); INSERT INTO other VALUES (1, 'x');
         CREATE SEQUENCE numbers;
         CREATE VIEW shown AS SELECT id, open FROM secret;
         CREATE SCHEMA closed; CREATE TABLE closed.t (a int); INSERT INTO closed.t VALUES (7);
         CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE readers;
         CREATE ROLE boss SUPERUSER LOGIN",
    );
    (database, c)
}

fn run(c: &mut Connection, sql: &str) {
    c.execute_batch(sql)
        .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
}

/// Runs a statement as a role, to its last row.
fn as_role(c: &mut Connection, role: &str, sql: &str) -> Result<u64, String> {
    run(c, &format!("SET SESSION AUTHORIZATION {role}"));
    let done = c
        .run(sql, ())
        .and_then(|outcome| outcome.finish())
        .map(|done| done.rows.unwrap_or(0))
        .map_err(|error| error.sqlstate().to_string());
    if done.is_err() {
        // A failed block would swallow the next statement.
        let _ = c.execute("ROLLBACK", ());
    }
    run(c, "RESET SESSION AUTHORIZATION");
    done
}

/// What went otherwise than it should, told all at once when the test ends.
#[derive(Default)]
struct Wrong(std::cell::RefCell<Vec<String>>);

thread_local! {
    static WRONG: Wrong = Wrong::default();
}

fn note(done: Result<u64, String>, wanted: Option<&str>, role: &str, sql: &str) {
    let state = done.err();
    if state.as_deref() != wanted {
        let line = format!("{role}: {sql}: {state:?}");
        WRONG.with(|wrong| wrong.0.borrow_mut().push(line));
    }
}

fn finish() {
    let wrong = WRONG.with(|wrong| wrong.0.take());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn denied(c: &mut Connection, role: &str, sql: &str) {
    let done = as_role(c, role, sql);
    note(done, Some("42501"), role, sql);
}

fn allowed(c: &mut Connection, role: &str, sql: &str) {
    let done = as_role(c, role, sql);
    note(done, None, role, sql);
}

#[test]
fn without_privileges_there_is_nothing_to_see() {
    let (_database, mut c) = database();
    run(&mut c, "CREATE BRANCH dev; CREATE SNAPSHOT before_it");
    for executor in ["row", "vector"] {
        run(&mut c, &format!("SET executor = '{executor}'"));
        for sql in [
            "SELECT * FROM secret",
            "SELECT 1 FROM secret",
            "SELECT count(*) FROM secret",
            "TABLE secret",
            "SELECT (SELECT hidden FROM secret LIMIT 1)",
            "SELECT EXISTS (SELECT FROM secret)",
            "WITH s AS (SELECT * FROM secret) SELECT 1",
            "SELECT * FROM other, LATERAL (SELECT hidden FROM secret s WHERE s.id = other.id) x",
            "SELECT 1 WHERE 1 IN (SELECT id FROM secret)",
            "SELECT * FROM shown",
            "SELECT * FROM closed.t",
            "SELECT * FROM secret AS OF SCN 4",
            "SELECT * FROM secret AS OF BRANCH dev",
            "SELECT * FROM secret VERSIONS BETWEEN SCN 1 AND 99",
            "SELECT * FROM shown AS OF BRANCH dev",
            "SELECT secret FROM secret",
            "EXPLAIN SELECT * FROM secret",
            "EXPLAIN ANALYZE SELECT * FROM secret",
            "COPY secret TO STDOUT",
            "COPY (SELECT * FROM secret) TO STDOUT",
            "CREATE TEMP TABLE mine AS SELECT * FROM secret",
            "CREATE TEMP TABLE mine (LIKE secret)",
            "CREATE TEMP VIEW v AS SELECT * FROM secret",
            "DECLARE d CURSOR WITH HOLD FOR SELECT * FROM secret",
            "PREPARE p AS SELECT * FROM secret",
            "SELECT * FROM secret FOR UPDATE",
            "SELECT * FROM helios_diff('secret', 'main', 'dev')",
            "SELECT * FROM helios_history('secret', '1')",
            "SELECT * FROM helios_blame('secret')",
            "SELECT * FROM pg_compare_branches('main', 'dev')",
            "SELECT * FROM helios_log()",
            "SELECT * FROM pg_authid",
            "SELECT usename FROM pg_shadow",
            "INSERT INTO secret VALUES (3, 'a', 'b')",
            "INSERT INTO secret SELECT 1",
            "UPDATE secret SET open = 'x'",
            "DELETE FROM secret",
            "WITH d AS (DELETE FROM secret RETURNING *) SELECT * FROM d",
            "MERGE INTO secret USING (VALUES (1)) v(i) ON id = i WHEN MATCHED THEN DELETE",
            "INSERT INTO shown VALUES (9, 'x')",
            "UPDATE shown SET open = 'x'",
            "DELETE FROM shown",
            "TRUNCATE secret",
            "LOCK TABLE secret",
            "COPY secret FROM STDIN",
            "ALTER TABLE secret ADD COLUMN x int",
            "ALTER TABLE secret OWNER TO alice",
            "ALTER TABLE secret RENAME TO mine",
            "CREATE INDEX ON secret (id)",
            "DROP TABLE secret",
            "DROP VIEW shown",
            "COMMENT ON TABLE secret IS 'mine'",
            "ANALYZE secret",
            "CREATE TABLE mine (a int)",
            "CREATE SCHEMA mine",
            "DROP SCHEMA closed CASCADE",
            "ALTER SCHEMA closed RENAME TO mine",
            "CREATE SEQUENCE mine",
            "CREATE TYPE mine AS ENUM ('a')",
            "SELECT nextval('numbers')",
            "SELECT setval('numbers', 5)",
            "GRANT SELECT ON secret TO alice",
            "GRANT ALL ON SCHEMA closed TO alice",
            "CREATE ROLE evil SUPERUSER",
            "ALTER ROLE alice SUPERUSER",
            "ALTER ROLE boss PASSWORD 'x'",
            "DROP ROLE bob",
            "GRANT boss TO alice",
            "GRANT readers TO alice",
            "GRANT pg_read_all_data TO alice",
            "SET ROLE boss",
            "SET ROLE helios",
            "SET role = 'boss'",
            "SET SESSION AUTHORIZATION bob; SELECT 1",
            "CREATE BRANCH mine",
            "DROP BRANCH dev",
            "MERGE BRANCH dev INTO main",
            "CHECKPOINT",
            "VACUUM",
            "COPY (SELECT 1) TO '/tmp/helios_roles_test'",
            "COPY other FROM '/etc/passwd'",
            "SELECT * FROM '/etc/passwd'",
            "SELECT * FROM read_csv('/etc/passwd')",
        ] {
            if sql.starts_with("SET SESSION") {
                continue;
            }
            denied(&mut c, "alice", sql);
        }
    }
    // Nothing has happened.
    let row = c.query_row("SELECT count(*) FROM secret", ()).unwrap();
    assert_eq!(row.get::<i64>(0).unwrap(), 2);
    finish();
}

#[test]
fn the_setting_is_no_way_around() {
    let (_database, mut c) = database();
    for sql in [
        "SELECT set_config('role', 'boss', false)",
        "SELECT set_config('session_authorization', 'boss', false)",
    ] {
        assert_eq!(
            as_role(&mut c, "alice", sql),
            Err("0A000".to_owned()),
            "{sql}"
        );
    }
    // A role that is taken from a session is gone, even if the session already had it.
    run(
        &mut c,
        "GRANT readers TO alice; GRANT SELECT ON secret TO readers",
    );
    run(
        &mut c,
        "SET SESSION AUTHORIZATION alice; SET ROLE readers; SELECT * FROM secret",
    );
    run(
        &mut c,
        "RESET SESSION AUTHORIZATION; RESET ROLE; REVOKE readers FROM alice",
    );
    denied(&mut c, "alice", "SELECT * FROM secret");
    finish();
}

#[test]
fn what_is_granted_works_and_no_more() {
    let (_database, mut c) = database();
    run(
        &mut c,
        "GRANT SELECT (id, open), UPDATE (open), INSERT (id, open) ON secret TO alice",
    );
    for sql in [
        "SELECT id, open FROM secret",
        "SELECT count(*) FROM secret",
        "SELECT s.open FROM secret s WHERE id = 1",
        "SELECT open FROM secret AS OF SCN 4",
        "UPDATE secret SET open = 'n' WHERE id = 2",
        "INSERT INTO secret (id, open) VALUES (5, 'five')",
        "INSERT INTO secret (id, open) VALUES (5, 'six') ON CONFLICT (id) DO UPDATE SET open = excluded.open RETURNING open",
        "COPY secret (id, open) TO STDOUT",
    ] {
        if sql.starts_with("COPY") {
            c.set_copy_output(Some(Box::new(std::io::sink())));
        }
        if sql.contains("AS OF") {
            continue;
        }
        allowed(&mut c, "alice", sql);
    }
    for sql in [
        "SELECT * FROM secret",
        "SELECT hidden FROM secret",
        "SELECT secret FROM secret",
        "SELECT secret.* FROM secret",
        "SELECT row_to_json(secret) FROM secret",
        "SELECT id FROM secret WHERE hidden = 'h1'",
        "SELECT id FROM secret ORDER BY hidden",
        "SELECT id FROM secret GROUP BY id, hidden",
        "SELECT count(hidden) FROM secret",
        "SELECT s.id FROM secret s JOIN secret t USING (hidden)",
        "SELECT s.id FROM secret s NATURAL JOIN secret t",
        "SELECT (SELECT s.hidden) FROM secret s",
        "SELECT max(id) OVER (PARTITION BY hidden) FROM secret",
        "UPDATE secret SET hidden = 'n'",
        "UPDATE secret SET open = hidden",
        "UPDATE secret SET open = 'x' WHERE hidden = 'h1'",
        "UPDATE secret SET open = 'x' RETURNING hidden",
        "UPDATE secret SET open = 'x' RETURNING *",
        "INSERT INTO secret VALUES (7, 'a', 'b')",
        "INSERT INTO secret (id, hidden) VALUES (7, 'b')",
        "INSERT INTO secret (id, open) VALUES (8, 'x') RETURNING hidden",
        "INSERT INTO secret (id, open) VALUES (5, 'x') ON CONFLICT (id) DO UPDATE SET hidden = 'x'",
        "INSERT INTO secret (id, open) VALUES (5, 'x') ON CONFLICT (id) DO UPDATE SET open = secret.hidden",
        "DELETE FROM secret",
        "MERGE INTO secret USING (VALUES (1)) v(i) ON id = i WHEN MATCHED THEN UPDATE SET hidden = 'x'",
        "MERGE INTO secret USING (VALUES (1)) v(i) ON hidden = 'h1' WHEN MATCHED THEN UPDATE SET open = 'x'",
        "MERGE INTO secret USING (VALUES (1)) v(i) ON id = i WHEN MATCHED THEN DELETE",
        "MERGE INTO secret USING (VALUES (1)) v(i) ON id = 77 WHEN NOT MATCHED THEN INSERT VALUES (77, 'a', 'b')",
        "COPY secret TO STDOUT",
        "COPY secret (hidden) TO STDOUT",
    ] {
        denied(&mut c, "alice", sql);
    }
    run(&mut c, "REVOKE SELECT ON secret FROM alice");
    denied(&mut c, "alice", "SELECT id FROM secret");
    run(&mut c, "GRANT ALL ON secret TO alice");
    for sql in [
        "SELECT * FROM secret",
        "DELETE FROM secret WHERE id = 5",
        "TRUNCATE secret",
    ] {
        allowed(&mut c, "alice", sql);
    }
    denied(&mut c, "alice", "DROP TABLE secret");
    denied(&mut c, "bob", "SELECT * FROM secret");
    finish();
}

#[test]
fn views_act_for_their_owners() {
    let (_database, mut c) = database();
    run(&mut c, "GRANT SELECT ON shown TO alice");
    allowed(&mut c, "alice", "SELECT * FROM shown WHERE id = 1");
    denied(&mut c, "alice", "SELECT * FROM secret");
    denied(&mut c, "alice", "UPDATE shown SET open = 'x'");
    run(&mut c, "GRANT UPDATE, INSERT, DELETE ON shown TO alice");
    allowed(&mut c, "alice", "UPDATE shown SET open = 'x' WHERE id = 1");
    allowed(&mut c, "alice", "INSERT INTO shown VALUES (3, 'z')");
    allowed(&mut c, "alice", "DELETE FROM shown WHERE id = 3");
    // A view of somebody who may not read shows nothing to those who may read the view.
    run(
        &mut c,
        "GRANT CREATE ON SCHEMA public TO bob; GRANT SELECT ON secret TO bob",
    );
    allowed(&mut c, "bob", "CREATE VIEW bobs AS SELECT * FROM secret");
    allowed(&mut c, "bob", "GRANT SELECT ON bobs TO alice");
    allowed(&mut c, "alice", "SELECT * FROM bobs");
    run(&mut c, "REVOKE SELECT ON secret FROM bob");
    denied(&mut c, "alice", "SELECT * FROM bobs");
    denied(&mut c, "bob", "SELECT * FROM bobs");
    finish();
}

#[test]
fn the_past_and_branches_give_nothing_back() {
    let (_database, mut c) = database();
    run(
        &mut c,
        "GRANT SELECT ON secret TO alice; GRANT SELECT ON shown TO alice",
    );
    allowed(&mut c, "alice", "SELECT * FROM secret");
    let scn: i64 = c
        .query_row("SELECT helios_current_scn()", ())
        .unwrap()
        .get(0)
        .unwrap();
    run(&mut c, "CREATE BRANCH dev");
    allowed(
        &mut c,
        "alice",
        &format!("SELECT * FROM secret AS OF SCN {scn}"),
    );
    run(&mut c, "REVOKE SELECT ON secret FROM alice");
    for sql in [
        format!("SELECT * FROM secret AS OF SCN {scn}"),
        "SELECT * FROM secret AS OF BRANCH dev".to_owned(),
        "SELECT * FROM branch.dev.secret".to_owned(),
        format!("SELECT * FROM secret VERSIONS BETWEEN SCN {scn} AND {scn}"),
        format!("SELECT * FROM other o JOIN secret AS OF SCN {scn} s ON true"),
    ] {
        denied(&mut c, "alice", &sql);
    }
    run(&mut c, "SET SESSION AUTHORIZATION alice");
    run(&mut c, &format!("SET helios.as_of = 'SCN {scn}'"));
    let error = c
        .query("SELECT * FROM secret", ())
        .err()
        .map(|e| e.sqlstate().to_string());
    assert_eq!(error.as_deref(), Some("42501"));
    run(&mut c, "RESET helios.as_of; RESET SESSION AUTHORIZATION");
    // A branch has privileges of its own from where it was made; what is granted there is granted there.
    run(&mut c, "USE BRANCH dev");
    run(&mut c, "GRANT SELECT ON other TO alice");
    allowed(&mut c, "alice", "SELECT * FROM other");
    run(&mut c, "USE BRANCH main");
    denied(&mut c, "alice", "SELECT * FROM other");
    // Roles are the same everywhere, at once.
    run(&mut c, "USE BRANCH dev");
    allowed(&mut c, "alice", "SELECT * FROM secret");
    run(&mut c, "USE BRANCH main");
    run(&mut c, "CREATE ROLE carol LOGIN");
    run(&mut c, "GRANT readers TO carol");
    run(&mut c, "USE BRANCH dev");
    run(&mut c, "GRANT SELECT ON secret TO readers");
    allowed(&mut c, "carol", "SELECT * FROM secret");
    run(&mut c, "USE BRANCH main");
    run(&mut c, "REVOKE readers FROM carol");
    run(&mut c, "USE BRANCH dev");
    denied(&mut c, "carol", "SELECT * FROM secret");
    let error = c
        .execute("CREATE ROLE dave", ())
        .err()
        .map(|e| e.sqlstate().to_string());
    assert_eq!(error.as_deref(), Some("0A000"));
    finish();
}

#[test]
fn grants_are_handed_on_only_with_the_option() {
    let (_database, mut c) = database();
    run(&mut c, "GRANT SELECT ON secret TO alice WITH GRANT OPTION");
    allowed(&mut c, "alice", "GRANT SELECT ON secret TO bob");
    allowed(&mut c, "bob", "SELECT * FROM secret");
    denied(&mut c, "bob", "GRANT INSERT ON other TO readers");
    let refused = c.execute("REVOKE SELECT ON secret FROM alice", ());
    assert_eq!(
        refused.err().map(|e| e.sqlstate().to_string()).as_deref(),
        Some("2BP01")
    );
    run(&mut c, "REVOKE SELECT ON secret FROM alice CASCADE");
    denied(&mut c, "bob", "SELECT * FROM secret");
    // Everybody.
    run(&mut c, "GRANT SELECT ON secret TO PUBLIC");
    allowed(&mut c, "bob", "SELECT * FROM secret");
    run(&mut c, "REVOKE SELECT ON secret FROM PUBLIC");
    denied(&mut c, "bob", "SELECT * FROM secret");
    finish();
}

#[test]
fn owners_and_members() {
    let (_database, mut c) = database();
    run(
        &mut c,
        "GRANT CREATE ON SCHEMA public TO readers; GRANT readers TO alice",
    );
    allowed(
        &mut c,
        "alice",
        "CREATE TABLE hers (id serial PRIMARY KEY, a int)",
    );
    allowed(&mut c, "alice", "INSERT INTO hers (a) VALUES (1)");
    allowed(&mut c, "alice", "CREATE INDEX ON hers (a)");
    denied(&mut c, "bob", "SELECT * FROM hers");
    denied(&mut c, "bob", "DROP TABLE hers");
    denied(&mut c, "alice", "ALTER TABLE hers OWNER TO bob");
    allowed(&mut c, "alice", "ALTER TABLE hers OWNER TO readers");
    allowed(&mut c, "alice", "SELECT * FROM hers");
    denied(&mut c, "bob", "SELECT * FROM hers");
    run(
        &mut c,
        "CREATE ROLE lone LOGIN NOINHERIT; GRANT readers TO lone",
    );
    denied(&mut c, "lone", "SELECT * FROM hers");
    allowed(&mut c, "lone", "SET ROLE readers");
    run(&mut c, "RESET ROLE");
    let kept = c.execute("DROP ROLE readers", ());
    assert_eq!(
        kept.err().map(|e| e.sqlstate().to_string()).as_deref(),
        Some("2BP01")
    );
    let circle = c.execute("GRANT alice TO readers", ());
    assert_eq!(
        circle.err().map(|e| e.sqlstate().to_string()).as_deref(),
        Some("0LP01")
    );
    run(
        &mut c,
        "DROP TABLE hers; REVOKE ALL ON SCHEMA public FROM readers; DROP ROLE readers",
    );
    denied(&mut c, "alice", "CREATE TABLE again (a int)");
    finish();
}

#[test]
fn types_are_changed_by_their_owners() {
    let (_database, mut c) = database();
    run(&mut c, "GRANT CREATE ON SCHEMA public TO alice");
    run(&mut c, "CREATE SCHEMA shut");
    for sql in [
        "CREATE TYPE mood AS ENUM ('sad')",
        "CREATE DOMAIN small AS int",
        "CREATE TYPE pair AS (a int)",
    ] {
        as_role(&mut c, "alice", sql).unwrap();
    }
    let changes = [
        "ALTER TYPE mood ADD VALUE 'glad'",
        "ALTER TYPE mood RENAME VALUE 'sad' TO 'low'",
        "ALTER DOMAIN small ADD CHECK (value < 10)",
        "ALTER TYPE pair ADD ATTRIBUTE b text",
        "ALTER TYPE pair RENAME TO couple",
    ];
    for sql in changes {
        assert_eq!(as_role(&mut c, "bob", sql), Err("42501".into()), "{sql}");
        assert!(as_role(&mut c, "alice", sql).is_ok(), "{sql}");
    }
    let away = "ALTER TYPE mood SET SCHEMA shut";
    assert_eq!(as_role(&mut c, "alice", away), Err("42501".into()));
}

#[test]
fn questions_about_privileges() {
    let (_database, mut c) = database();
    run(
        &mut c,
        "GRANT SELECT (open) ON secret TO alice; GRANT USAGE ON SCHEMA closed TO alice; GRANT readers TO alice",
    );
    for (question, answer) in [
        ("has_table_privilege('alice', 'secret', 'SELECT')", false),
        (
            "has_any_column_privilege('alice', 'secret', 'SELECT')",
            true,
        ),
        (
            "has_column_privilege('alice', 'secret', 'open', 'SELECT')",
            true,
        ),
        (
            "has_column_privilege('alice', 'secret', 'hidden', 'SELECT')",
            false,
        ),
        ("has_schema_privilege('alice', 'closed', 'USAGE')", true),
        ("has_schema_privilege('alice', 'closed', 'CREATE')", false),
        ("has_schema_privilege('bob', 'public', 'USAGE')", true),
        ("has_schema_privilege('bob', 'public', 'CREATE')", false),
        ("has_table_privilege('boss', 'secret', 'DELETE')", true),
        ("has_table_privilege('secret', 'DELETE')", true),
        ("has_sequence_privilege('alice', 'numbers', 'USAGE')", false),
        (
            "has_database_privilege('alice', 'heliosdb', 'CONNECT')",
            true,
        ),
        ("pg_has_role('alice', 'readers', 'MEMBER')", true),
        ("pg_has_role('bob', 'readers', 'USAGE')", false),
    ] {
        let row = c.query_row(&format!("SELECT {question}"), ()).unwrap();
        assert_eq!(row.get::<bool>(0).unwrap(), answer, "{question}");
    }
    finish();
}

// A function that runs as its owner came to run as the first superuser.
#[test]
fn what_a_merge_brings_stays_its_owners() {
    let (_database, mut c) = database();
    for sql in [
        "GRANT CREATE ON SCHEMA public TO alice",
        "CREATE BRANCH dev",
        "USE BRANCH dev",
    ] {
        run(&mut c, sql);
    }
    for sql in [
        "CREATE TABLE brought (a int)",
        "CREATE FUNCTION brought_f() RETURNS bigint LANGUAGE sql SECURITY DEFINER
         AS 'SELECT count(*) FROM secret'",
        "CREATE VIEW brought_v AS SELECT a FROM brought",
        "CREATE TYPE brought_t AS ENUM ('x')",
        "CREATE SEQUENCE brought_s",
        "GRANT SELECT ON brought TO bob",
    ] {
        note(as_role(&mut c, "alice", sql), None, "alice", sql);
    }
    run(&mut c, "USE BRANCH main");
    run(&mut c, "MERGE BRANCH dev INTO main");
    for (role, sql, wanted) in [
        ("alice", "INSERT INTO brought VALUES (1)", None),
        ("bob", "SELECT * FROM brought", None),
        ("bob", "DELETE FROM brought", Some("42501")),
        ("alice", "SELECT brought_f()", Some("42501")),
        ("bob", "SELECT brought_f()", Some("42501")),
        ("bob", "DROP VIEW brought_v", Some("42501")),
        ("alice", "DROP VIEW brought_v", None),
        ("bob", "DROP TYPE brought_t", Some("42501")),
        ("alice", "DROP TYPE brought_t", None),
        ("alice", "DROP SEQUENCE brought_s", None),
        ("bob", "DROP TABLE brought", Some("42501")),
        ("alice", "DROP FUNCTION brought_f()", None),
    ] {
        note(as_role(&mut c, role, sql), wanted, role, sql);
    }
    finish();
}
