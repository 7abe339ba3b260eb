//! Ways by which somebody might get more than was given: each is tried.

use heliosdb::{Connection, Database, Outcome};

/// A table of everybody's notes of which each may see the own ones, a table that is the superuser's alone, and a handful of roles.
fn database() -> (Database, Connection) {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    run(
        &mut c,
        "CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE boss SUPERUSER LOGIN;
         CREATE ROLE maker CREATEROLE LOGIN; CREATE ROLE deputy LOGIN; GRANT boss TO deputy;
         CREATE ROLE keeper;
         CREATE TABLE vault (id int PRIMARY KEY, body text); INSERT INTO vault VALUES (1, 'topsecret one'), (2, 'topsecret two');
         CREATE TABLE notes (id int PRIMARY KEY, owner text, body text);
         INSERT INTO notes VALUES (1, 'alice', 'mine'), (2, 'bob', 'topsecret note'), (3, 'bob', '77');
         ALTER TABLE notes OWNER TO keeper;
         ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON notes USING (owner = current_user);
         GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO alice, bob;
         CREATE SCHEMA playground; GRANT ALL ON SCHEMA playground TO alice",
    );
    (database, c)
}

fn run(c: &mut Connection, sql: &str) {
    c.execute_batch(sql)
        .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
}

/// The rows that statements give to a role, as text, or the SQLSTATE and message of the first that fails.
fn ask(c: &mut Connection, role: &str, sql: &str) -> Result<Vec<String>, (String, String)> {
    run(c, &format!("SET SESSION AUTHORIZATION {role}"));
    let mut rows = Vec::new();
    let done = c.run(sql, ()).and_then(|outcome| {
        if let Outcome::Rows(found) = outcome {
            for row in found {
                rows.push(format!("{:?}", row?));
            }
        }
        Ok(())
    });
    if done.is_err() {
        let _ = c.execute("ROLLBACK", ());
    }
    run(c, "RESET SESSION AUTHORIZATION");
    done.map(|()| rows)
        .map_err(|error| (error.sqlstate().to_string(), error.to_string()))
}

fn refused(c: &mut Connection, role: &str, sql: &str) {
    match ask(c, role, sql) {
        Err((state, message)) => {
            assert!(
                state == "42501" || state == "0A000",
                "{role}: {sql}: {state} {message}"
            );
            assert!(!message.contains("topsecret"), "{role}: {sql}: {message}");
        }
        Ok(rows) => panic!("{role}: {sql}: {rows:?}"),
    }
}

fn gives(c: &mut Connection, role: &str, sql: &str, wanted: usize) {
    let rows = ask(c, role, sql).unwrap_or_else(|e| panic!("{role}: {sql}: {e:?}"));
    assert_eq!(rows.len(), wanted, "{role}: {sql}: {rows:?}");
    assert!(
        !rows.concat().contains("topsecret"),
        "{role}: {sql}: {rows:?}"
    );
}

fn does(c: &mut Connection, role: &str, sql: &str) {
    run(c, &format!("SET SESSION AUTHORIZATION {role}"));
    let done = c.execute_batch(sql);
    run(c, "RESET SESSION AUTHORIZATION");
    done.unwrap_or_else(|e| panic!("{role}: {sql}: {e:?}"));
}

// Guards against: whoever may make roles making one that is a superuser, or may become one.
#[test]
fn making_roles_is_no_way_to_power() {
    let (_database, mut c) = database();
    for sql in [
        "CREATE ROLE evil SUPERUSER",
        "CREATE ROLE evil REPLICATION",
        "CREATE ROLE evil BYPASSRLS",
        "CREATE ROLE evil LOGIN IN ROLE boss",
        "CREATE ROLE evil LOGIN IN ROLE helios",
        "CREATE ROLE evil LOGIN IN GROUP deputy",
        "CREATE ROLE evil LOGIN IN ROLE pg_read_server_files",
        "GRANT boss TO maker",
        "GRANT deputy TO maker",
        "GRANT helios TO alice",
        "GRANT pg_write_server_files TO maker",
        "GRANT pg_read_all_data TO maker",
        "REVOKE boss FROM deputy",
        "ALTER ROLE maker SUPERUSER",
        "ALTER ROLE maker BYPASSRLS",
        "ALTER ROLE boss PASSWORD 'known'",
        "ALTER ROLE deputy PASSWORD 'known'",
        "ALTER ROLE boss NOLOGIN",
        "ALTER ROLE boss RENAME TO nobody",
        "ALTER ROLE boss SET search_path = playground",
        "ALTER ROLE maker SET audit = 'none'",
        "ALTER ROLE maker SET role = 'boss'",
        "ALTER ROLE maker SET session_authorization = 'boss'",
        "DROP ROLE boss",
        "DROP ROLE deputy",
        "DROP OWNED BY boss",
        "REASSIGN OWNED BY boss TO maker",
        "ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT ALL ON TABLES TO maker",
        "SET ROLE boss",
        "SELECT set_config('role', 'boss', true)",
    ] {
        refused(&mut c, "maker", sql);
    }
    // Others it may make, and members of them.
    does(
        &mut c,
        "maker",
        "CREATE ROLE plain; GRANT plain TO alice; ALTER ROLE alice PASSWORD 'x'",
    );
}

// Guards against: a function that acts for its owner being changed, or being led to other tables than it means.
#[test]
fn functions_of_others_stay_what_they_are() {
    let (_database, mut c) = database();
    run(
        &mut c,
        "CREATE TABLE lookup (a int); INSERT INTO lookup VALUES (1);
         CREATE FUNCTION counts() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public AS 'SELECT count(*) FROM lookup';
         CREATE FUNCTION peeks() RETURNS SETOF vault LANGUAGE sql AS 'SELECT * FROM vault';
         CREATE FUNCTION through() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public AS 'SELECT count(*) FROM peeks()';
         CREATE FUNCTION closed() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE ALL ON FUNCTION closed() FROM PUBLIC;
         GRANT CREATE ON SCHEMA public TO alice",
    );
    for sql in [
        "CREATE OR REPLACE FUNCTION counts() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM vault'",
        "ALTER FUNCTION counts() SECURITY INVOKER",
        "ALTER FUNCTION counts() SET search_path = playground",
        "ALTER FUNCTION counts() OWNER TO alice",
        "ALTER FUNCTION counts() RENAME TO other",
        "ALTER FUNCTION counts() SET SCHEMA playground",
        "DROP FUNCTION counts()",
        "GRANT EXECUTE ON FUNCTION closed() TO alice",
        "CREATE FUNCTION playground.leak(text) RETURNS bool LANGUAGE sql LEAKPROOF AS 'SELECT true'",
        "SELECT closed()",
        "SELECT closed() + 1",
        "SELECT * FROM closed()",
        "SELECT 1 WHERE closed() = 1",
        "CREATE VIEW playground.v AS SELECT closed()",
        "CREATE FUNCTION playground.wraps() RETURNS int LANGUAGE sql AS 'SELECT closed()'",
        "PREPARE p AS SELECT closed()",
        "EXPLAIN SELECT closed()",
        "COPY (SELECT closed()) TO STDOUT",
        "DECLARE d CURSOR WITH HOLD FOR SELECT closed()",
    ] {
        refused(&mut c, "alice", sql);
    }
    // Neither the caller's path nor its temporary tables lead the body astray.
    does(
        &mut c,
        "alice",
        "CREATE TABLE playground.lookup (a int); CREATE TEMP TABLE lookup (a int);
         INSERT INTO lookup VALUES (1), (2), (3); SET search_path = playground, public",
    );
    for sql in [
        "SELECT counts() = 1 AS right",
        "SELECT counts() + 0 = 1 AS right",
    ] {
        let sql = sql.replace("counts()", "public.counts()");
        assert_eq!(
            ask(&mut c, "alice", &sql),
            Ok(vec!["[Bool(true)]".to_owned()]),
            "{sql}"
        );
    }
    run(&mut c, "RESET search_path");
    // A plan that was made for one role serves no other, in whatever order they come.
    for _ in 0..3 {
        assert!(ask(&mut c, "boss", "SELECT * FROM peeks()").is_ok());
        refused(&mut c, "alice", "SELECT * FROM peeks()");
        gives(&mut c, "alice", "SELECT through()", 1);
        gives(&mut c, "alice", "SELECT through() + 0", 1);
        refused(&mut c, "alice", "SELECT count(*) FROM peeks()");
        refused(&mut c, "alice", "SELECT peeks()");
    }
    // Nor does a view act for its owner where it calls functions.
    run(
        &mut c,
        "CREATE VIEW seen AS SELECT * FROM peeks(); GRANT SELECT ON seen TO alice",
    );
    refused(&mut c, "alice", "SELECT * FROM seen");
    // What looks at the role while it runs sees the owner, or is refused.
    run(
        &mut c,
        "CREATE SEQUENCE numbers;
         CREATE FUNCTION next() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT nextval(''numbers'')';
         CREATE FUNCTION whose() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT current_user::text'",
    );
    gives(&mut c, "alice", "SELECT next()", 1);
    refused(&mut c, "alice", "SELECT next() + 1");
    refused(&mut c, "alice", "SELECT nextval('numbers')");
    for sql in [
        "SELECT whose() <> 'alice'",
        "SELECT length(whose()) > 0 AND whose() <> 'alice'",
    ] {
        assert_eq!(
            ask(&mut c, "alice", sql),
            Ok(vec!["[Bool(true)]".to_owned()]),
            "{sql}"
        );
    }
    gives(&mut c, "alice", "SELECT 1 WHERE current_user = 'alice'", 1);
}

// Guards against: a superuser's rights in what limited roles own.
#[test]
fn views_and_functions_act_for_their_owners_also_for_superusers() {
    let (_database, mut c) = database();
    does(
        &mut c,
        "alice",
        "CREATE VIEW playground.own AS SELECT * FROM notes;
         CREATE FUNCTION playground.sees() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM notes'",
    );
    run(&mut c, "REVOKE SELECT ON notes FROM alice");
    refused(&mut c, "helios", "SELECT * FROM playground.own");
    refused(&mut c, "helios", "SELECT playground.sees()");
    refused(&mut c, "helios", "SELECT playground.sees() + 1");
}

// Guards against: rows that policies hide, shown by a way around them.
#[test]
fn hidden_rows_stay_hidden() {
    let (_database, mut c) = database();
    run(&mut c, "CREATE BRANCH dev; CREATE SNAPSHOT before_it");
    does(
        &mut c,
        "alice",
        "CREATE FUNCTION playground.peek(text) RETURNS bool LANGUAGE sql COST 0.0001 AS 'SELECT $1::int > 0';
         CREATE FUNCTION playground.all_of_them() RETURNS SETOF notes LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM notes';
         CREATE VIEW playground.all_notes AS SELECT * FROM notes;
         CREATE FUNCTION playground.before() RETURNS SETOF notes LANGUAGE sql AS 'SELECT * FROM notes AS OF BRANCH dev'",
    );
    run(
        &mut c,
        "GRANT SELECT ON playground.all_notes TO bob; GRANT USAGE ON SCHEMA playground TO bob",
    );
    for executor in ["row", "vector"] {
        run(&mut c, &format!("SET executor = '{executor}'"));
        for (sql, rows) in [
            ("SELECT * FROM notes", 1),
            ("SELECT * FROM notes WHERE owner = 'bob'", 0),
            ("SELECT * FROM playground.all_notes", 1),
            ("SELECT * FROM playground.all_of_them()", 1),
            ("SELECT (n).body FROM playground.all_of_them() n", 1),
            ("SELECT * FROM playground.before()", 1),
            ("SELECT * FROM notes AS OF BRANCH dev", 1),
            (
                "SELECT * FROM notes VERSIONS BETWEEN SCN MINVALUE AND MAXVALUE",
                1,
            ),
            ("WITH n AS (SELECT * FROM notes) SELECT * FROM n", 1),
            ("SELECT n.* FROM notes n LEFT JOIN notes m ON true", 1),
            ("SELECT * FROM notes ORDER BY id LIMIT 10", 1),
            ("SELECT * FROM notes WHERE id = 2", 0),
            ("SELECT * FROM notes WHERE id IN (1, 2, 3)", 1),
            ("UPDATE notes SET body = body RETURNING *", 1),
            ("SELECT row_to_json(notes) FROM notes", 1),
            ("SELECT notes FROM notes", 1),
            ("EXPLAIN SELECT * FROM notes WHERE body = 'x'", 0),
        ] {
            match (sql.starts_with("EXPLAIN"), ask(&mut c, "alice", sql)) {
                (false, Ok(found)) => {
                    // An update of the own row makes versions of it.
                    let versions = sql.contains("VERSIONS") && found.len() > rows;
                    assert!(
                        versions || found.len() == rows,
                        "{executor}: {sql}: {found:?}"
                    );
                    assert!(!found.concat().contains("topsecret"), "{sql}: {found:?}");
                }
                (true, Ok(found)) => {
                    assert!(!found.concat().contains("topsecret"), "{sql}: {found:?}")
                }
                // Versions of a table may be for those who see all of it only.
                (_, Err((state, message))) => {
                    assert!(
                        sql.contains("VERSIONS") && state == "42501",
                        "{sql}: {state} {message}"
                    );
                }
            }
        }
        // What a condition does with hidden values shows neither in rows nor in errors.
        for sql in [
            "SELECT * FROM notes WHERE playground.peek(body)",
            "SELECT * FROM notes WHERE body::int > 0",
            "SELECT * FROM notes WHERE 1 / (id - 2) < 100",
            "SELECT * FROM notes WHERE id <> 1 AND body::int > 0",
        ] {
            match ask(&mut c, "alice", sql) {
                Ok(rows) => assert!(rows.len() <= 1, "{sql}: {rows:?}"),
                Err((_, message)) => {
                    assert!(
                        !message.contains("topsecret"),
                        "{executor}: {sql}: {message}"
                    );
                    assert!(message.contains("mine"), "{executor}: {sql}: {message}");
                }
            }
        }
        // The policies are those for the view's owner, and ask who reads: bob sees his own, as in PostgreSQL.
        let rows = ask(
            &mut c,
            "bob",
            "SELECT * FROM playground.all_notes WHERE owner <> 'bob'",
        );
        assert_eq!(rows, Ok(Vec::new()));
    }
    run(&mut c, "RESET executor");
    for sql in [
        "INSERT INTO notes VALUES (9, 'bob', 'forged')",
        "UPDATE notes SET owner = 'bob'",
        "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE notes NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY own ON notes",
        "CREATE POLICY mine ON notes USING (true)",
        "ALTER POLICY own ON notes USING (true)",
        "TRUNCATE notes",
        "SET row_security = off; SELECT * FROM notes",
        "SELECT * FROM helios_history('notes', '2')",
        "SELECT * FROM helios_diff('notes', 'main', 'dev')",
        "SELECT * FROM helios_blame('notes')",
    ] {
        let Some((first, second)) = sql.split_once("; ") else {
            refused(&mut c, "alice", sql);
            continue;
        };
        run(&mut c, first);
        refused(&mut c, "alice", second);
        run(&mut c, "RESET row_security");
    }
    // Whoever is hidden from learns nothing of values from the errors of keys.
    match ask(
        &mut c,
        "alice",
        "INSERT INTO notes VALUES (2, 'alice', 'x')",
    ) {
        Err((state, message)) => assert!(
            state == "23505" && !message.contains("topsecret"),
            "{message}"
        ),
        Ok(rows) => panic!("{rows:?}"),
    }
}

// Guards against: a privilege that was taken coming back with the past or from a branch.
#[test]
fn what_was_taken_does_not_come_back() {
    let (_database, mut c) = database();
    run(
        &mut c,
        "CREATE FUNCTION once() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT SELECT ON vault TO alice",
    );
    run(&mut c, "CREATE SNAPSHOT open");
    run(&mut c, "CREATE BRANCH opened");
    run(
        &mut c,
        "REVOKE SELECT ON vault FROM alice; REVOKE ALL ON FUNCTION once() FROM PUBLIC",
    );
    for sql in [
        "SELECT * FROM vault AS OF SNAPSHOT open",
        "SELECT * FROM vault AS OF BRANCH opened",
        "SELECT once()",
        "SELECT once() FROM notes AS OF SNAPSHOT open",
    ] {
        refused(&mut c, "alice", sql);
    }
    run(&mut c, "SET helios.as_of = 'SNAPSHOT open'");
    refused(&mut c, "alice", "SELECT * FROM vault");
    refused(&mut c, "alice", "SELECT once() + 0");
    run(&mut c, "RESET helios.as_of");
}

// Guards against: views of the system that show what is in tables.
#[test]
fn views_of_the_system_show_no_values() {
    let (_database, mut c) = database();
    run(
        &mut c,
        "INSERT INTO vault SELECT g, 'topsecret ' || g FROM generate_series(3, 3000) g; ANALYZE vault; ANALYZE notes",
    );
    let names: Vec<String> = c
        .query(
            "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname IN ('pg_catalog', 'information_schema')",
            (),
        )
        .unwrap()
        .map(|row| row.unwrap().get::<String>(0).unwrap())
        .collect();
    assert!(names.len() > 100, "{names:?}");
    for name in names {
        let sql = format!("SELECT * FROM {name}");
        match ask(&mut c, "alice", &sql) {
            Ok(rows) => assert!(!rows.concat().contains("topsecret"), "{name}"),
            Err((state, message)) => assert_eq!(state, "42501", "{name}: {message}"),
        }
    }
    refused(&mut c, "alice", "SELECT * FROM pg_authid");
    refused(&mut c, "alice", "SELECT * FROM helios_audit_log()");
}
