//! Privileges on branches: who may be on one, read it, make branches of it, merge into it, and change or drop it.

use heliosdb::{Connection, Database, Outcome, Value};

/// Branches `dev` of the superuser and `own` of alice, a table that everybody may read and alice may write, and one that nobody else may read.
fn database() -> (Database, Connection) {
    let database = Database::open_in_memory().unwrap();
    let mut c = database.connect().unwrap();
    for sql in [
        "CREATE ROLE alice LOGIN",
        "CREATE ROLE bob LOGIN",
        "CREATE ROLE maker LOGIN CREATEDB",
        "CREATE ROLE boss SUPERUSER LOGIN",
        "CREATE ROLE team",
        "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one'), (2, 'two')",
        "GRANT SELECT ON t TO PUBLIC",
        "GRANT INSERT, UPDATE ON t TO alice",
        "CREATE TABLE vault (id int PRIMARY KEY, v text); INSERT INTO vault VALUES (1, 'topsecret')",
        "CREATE BRANCH dev",
        "GRANT CREATE ON BRANCH main TO alice",
    ] {
        run(&mut c, sql);
    }
    does(&mut c, "alice", "CREATE BRANCH own");
    (database, c)
}

fn run(c: &mut Connection, sql: &str) {
    c.execute_batch(sql)
        .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
}

/// Statements one after the other as a role, each alone; the rows of the last, or the first error, after which the session is as before.
fn ask(c: &mut Connection, role: &str, statements: &[&str]) -> Result<Vec<String>, String> {
    run(c, &format!("SET SESSION AUTHORIZATION {role}"));
    let mut rows = Vec::new();
    let mut done = Ok(());
    for sql in statements {
        rows.clear();
        done = c.run(*sql, ()).and_then(|outcome| {
            if let Outcome::Rows(found) = outcome {
                for row in found {
                    rows.push(format!("{:?}", row?));
                }
            }
            Ok(())
        });
        if done.is_err() {
            break;
        }
    }
    let _ = c.execute("ROLLBACK", ());
    run(c, "RESET SESSION AUTHORIZATION");
    run(c, "USE BRANCH main");
    done.map(|()| rows).map_err(|error| {
        assert!(!format!("{error:?}").contains("topsecret"), "{error:?}");
        format!("{} {error}", error.sqlstate())
    })
}

fn does(c: &mut Connection, role: &str, sql: &str) {
    ask(c, role, &[sql]).unwrap_or_else(|e| panic!("{role}: {sql}: {e}"));
}

fn refused(c: &mut Connection, role: &str, statements: &[&str]) {
    match ask(c, role, statements) {
        Err(error) => assert!(
            error.starts_with("42501"),
            "{role}: {statements:?}: {error}"
        ),
        Ok(rows) => panic!("{role}: {statements:?}: {rows:?}"),
    }
}

fn text(row: &[Value]) -> String {
    match row {
        [Value::Text(text)] => text.to_string(),
        [Value::Null] => String::new(),
        other => panic!("{other:?}"),
    }
}

fn value(c: &mut Connection, sql: &str) -> String {
    let Outcome::Rows(rows) = c.run(sql, ()).unwrap() else {
        panic!("{sql}: no rows")
    };
    let rows: Vec<_> = rows.map(|row| text(&row.unwrap())).collect();
    rows.join(" ")
}

// Guards against a branch that a role may not see being read by another door.
#[test]
fn without_usage_there_is_no_way_to_a_branch() {
    let (_database, mut c) = database();
    run(&mut c, "CREATE SNAPSHOT old ON BRANCH dev");
    run(
        &mut c,
        "CREATE VIEW dev_rows AS SELECT * FROM t AS OF BRANCH dev",
    );
    run(&mut c, "GRANT SELECT ON dev_rows TO PUBLIC");
    let doors: &[&[&str]] = &[
        &["USE BRANCH dev"],
        &["BEGIN", "USE BRANCH dev FOR TRANSACTION"],
        &["SELECT * FROM t AS OF BRANCH dev"],
        &["SELECT * FROM branch.dev.t"],
        &["SELECT * FROM t AS OF SNAPSHOT old"],
        &["SELECT count(*) FROM t a, t b AS OF BRANCH dev WHERE a.id = b.id"],
        &["SELECT * FROM (VALUES ('old')) s(n), LATERAL (SELECT * FROM t AS OF SNAPSHOT (s.n)) x"],
        &[
            "SELECT * FROM (SELECT fork_scn FROM helios_branches() WHERE branch_name = 'own') s(n), LATERAL (SELECT * FROM t AS OF BRANCH dev AT SCN s.n) x",
        ],
        &["SELECT * FROM dev_rows"],
        &["SET helios.as_of = 'BRANCH dev'"],
        &["BEGIN AS OF BRANCH dev"],
        &["CREATE BRANCH copy FROM dev"],
        &["PREPARE p AS SELECT * FROM t AS OF BRANCH dev", "EXECUTE p"],
        &["DECLARE k CURSOR WITH HOLD FOR SELECT * FROM t AS OF BRANCH dev"],
    ];
    for door in doors {
        // All of these are open at first.
        if !door[0].starts_with("CREATE") {
            ask(&mut c, "bob", door).unwrap_or_else(|e| panic!("{door:?}: {e}"));
        }
        run(&mut c, "DISCARD ALL");
    }
    run(&mut c, "REVOKE ALL ON BRANCH dev FROM PUBLIC");
    for door in doors {
        refused(&mut c, "bob", door);
        run(&mut c, "DISCARD ALL");
    }
    run(&mut c, "GRANT USAGE ON BRANCH dev TO team");
    run(&mut c, "GRANT team TO bob");
    assert_eq!(ask(&mut c, "bob", doors[2]).unwrap().len(), 2);
    run(&mut c, "REVOKE team FROM bob");
    refused(&mut c, "bob", doors[2]);
}

// Guards against a plan or a prepared statement that outlives the privilege it was made with.
#[test]
fn what_was_prepared_looks_again() {
    let (_database, mut c) = database();
    run(&mut c, "SET SESSION AUTHORIZATION bob");
    run(
        &mut c,
        "PREPARE p AS SELECT v FROM t AS OF BRANCH dev WHERE id = 1",
    );
    assert_eq!(value(&mut c, "EXECUTE p"), "one");
    run(&mut c, "RESET SESSION AUTHORIZATION");
    run(&mut c, "REVOKE USAGE ON BRANCH dev FROM PUBLIC");
    run(&mut c, "SET SESSION AUTHORIZATION bob");
    let error = c
        .run("EXECUTE p", ())
        .and_then(Outcome::finish)
        .unwrap_err();
    assert_eq!(error.to_string(), "permission denied for branch dev");
}

#[test]
fn branches_are_made_by_who_may() {
    let (_database, mut c) = database();
    refused(&mut c, "bob", &["CREATE BRANCH b"]);
    does(&mut c, "maker", "CREATE BRANCH b");
    does(&mut c, "alice", "CREATE BRANCH c FROM own");
    refused(&mut c, "alice", &["CREATE BRANCH d FROM dev"]);
    // The past may have had other privileges.
    refused(&mut c, "maker", &["CREATE BRANCH d AS OF SCN 5"]);
    refused(&mut c, "alice", &["CREATE BRANCH d FROM own AS OF SCN 5"]);
    assert_eq!(
        value(
            &mut c,
            "SELECT string_agg(branch_name || ':' || owner, ' ' ORDER BY branch_name) FROM helios_branches()"
        ),
        "b:maker c:alice dev:helios main:helios own:alice"
    );
    does(&mut c, "alice", "ALTER BRANCH own SET (comment = 'mine')");
    does(&mut c, "alice", "ALTER BRANCH own RENAME TO hers");
    for sql in [
        "ALTER BRANCH hers SET READ_ONLY",
        "ALTER BRANCH hers RENAME TO his",
        "DROP BRANCH hers CASCADE",
        "ALTER BRANCH hers OWNER TO bob",
        "CREATE SNAPSHOT s ON BRANCH hers",
    ] {
        refused(&mut c, "bob", &[sql]);
    }
    // As PostgreSQL has it, this is a warning for who has any privilege.
    does(&mut c, "bob", "GRANT MERGE ON BRANCH hers TO bob");
    assert_eq!(
        value(
            &mut c,
            "SELECT has_branch_privilege('bob', 'hers', 'MERGE')::text"
        ),
        "false"
    );
    does(&mut c, "alice", "CREATE SNAPSHOT s ON BRANCH hers");
    refused(&mut c, "bob", &["DROP SNAPSHOT s"]);
    does(&mut c, "alice", "DROP SNAPSHOT s");
    // Somebody else's branch of hers does not go with it.
    does(&mut c, "alice", "GRANT CREATE ON BRANCH hers TO bob");
    does(&mut c, "bob", "CREATE BRANCH his FROM hers");
    refused(&mut c, "alice", &["DROP BRANCH hers CASCADE"]);
    does(&mut c, "bob", "DROP BRANCH his");
    does(&mut c, "alice", "DROP BRANCH hers CASCADE");
    assert_eq!(
        value(
            &mut c,
            "SELECT string_agg(branch_name, ' ') FROM helios_branches() WHERE owner = 'alice'"
        ),
        ""
    );
    // Nothing is left that would keep the role from being dropped but what it has.
    run(&mut c, "DROP OWNED BY alice");
    run(&mut c, "DROP ROLE alice");
}

#[test]
fn merging_takes_the_privilege_of_the_target() {
    let (_database, mut c) = database();
    ask(
        &mut c,
        "alice",
        &["USE BRANCH own", "UPDATE t SET v = 'ONE' WHERE id = 1"],
    )
    .unwrap();
    refused(&mut c, "alice", &["MERGE BRANCH own INTO main"]);
    refused(&mut c, "alice", &["MERGE BRANCH own"]);
    // What came to main is hers to take, on her own branch.
    run(&mut c, "UPDATE t SET v = 'TWO' WHERE id = 2");
    does(&mut c, "alice", "MERGE BRANCH main INTO own");
    run(&mut c, "GRANT MERGE ON BRANCH main TO bob");
    run(&mut c, "REVOKE USAGE ON BRANCH own FROM PUBLIC");
    refused(&mut c, "bob", &["MERGE BRANCH own INTO main"]);
    run(&mut c, "GRANT USAGE ON BRANCH own TO bob");
    does(&mut c, "bob", "MERGE BRANCH own INTO main");
    assert_eq!(
        value(&mut c, "SELECT string_agg(v, ' ' ORDER BY id) FROM t"),
        "ONE TWO"
    );
    for sql in [
        "UNDO TRANSACTION 5",
        "CHERRY PICK TRANSACTION 5",
        "MERGE BRANCH own INTO main DRY RUN",
        "MERGE BRANCH own INTO main USING STRATEGY MANUAL",
        "MERGE BRANCH own INTO main USING STRATEGY CUSTOM (lower)",
        "MERGE BRANCH own INTO main USING STRATEGY RULE_BASED",
        "MERGE BRANCH own INTO main WITH CONFLICT RESOLUTION mine",
        "BISECT (SELECT count(*) > 1 FROM t)",
    ] {
        refused(&mut c, "bob", &[sql]);
    }
}

// Guards against a merge that shows rows, in its errors or its books, to who may not read them.
#[test]
fn a_merge_shows_no_rows() {
    let (_database, mut c) = database();
    run(&mut c, "USE BRANCH dev");
    run(&mut c, "UPDATE vault SET v = 'topsecret of dev'");
    run(&mut c, "USE BRANCH main");
    run(&mut c, "UPDATE vault SET v = 'topsecret of main'");
    run(&mut c, "GRANT MERGE ON BRANCH main TO bob");
    let error = ask(&mut c, "bob", &["MERGE BRANCH dev INTO main"]).unwrap_err();
    assert_eq!(
        error,
        "40002 merge of branch \"dev\" into branch \"main\" has 1 conflict"
    );
    does(
        &mut c,
        "bob",
        "MERGE BRANCH dev INTO main USING STRATEGY THEIRS",
    );
    assert_eq!(value(&mut c, "SELECT v FROM vault"), "topsecret of dev");
    // The books are the system's.
    assert_eq!(
        value(&mut c, "SELECT count(*)::text FROM _merge_decisions"),
        "1"
    );
    assert_eq!(
        value(
            &mut c,
            "SELECT tableowner::text FROM pg_tables WHERE tablename = '_merge_decisions'"
        ),
        "helios"
    );
    refused(&mut c, "bob", &["SELECT * FROM _merge_decisions"]);
}

#[test]
fn privileges_are_given_handed_on_and_shown() {
    let (_database, mut c) = database();
    let acl =
        "SELECT coalesce(acl::text, 'default') FROM helios_branches() WHERE branch_name = 'own'";
    assert_eq!(value(&mut c, acl), "default");
    does(
        &mut c,
        "alice",
        "GRANT CREATE, MERGE ON BRANCH own TO bob WITH GRANT OPTION",
    );
    assert_eq!(
        value(&mut c, acl),
        "{=U/alice,alice=UCm/alice,bob=C*m*/alice}"
    );
    does(&mut c, "bob", "GRANT MERGE ON DATABASE BRANCH own TO maker");
    for (question, answer) in [
        ("has_branch_privilege('maker', 'own', 'MERGE')", "true"),
        ("has_branch_privilege('maker', 'own', 'CREATE')", "false"),
        (
            "has_branch_privilege('bob', 'own', 'CREATE WITH GRANT OPTION')",
            "true",
        ),
        ("has_branch_privilege('own', 'USAGE')", "true"),
        ("has_branch_privilege(NULL, 'USAGE') IS NULL", "true"),
    ] {
        assert_eq!(
            value(&mut c, &format!("SELECT ({question})::text")),
            answer,
            "{question}"
        );
    }
    let error = |c: &mut Connection, sql: &str| {
        let error = c.run(sql, ()).and_then(Outcome::finish).unwrap_err();
        format!("{} {error}", error.sqlstate())
    };
    assert_eq!(
        error(&mut c, "GRANT SELECT ON BRANCH own TO bob"),
        "0LP01 invalid privilege type SELECT for branch"
    );
    assert_eq!(
        error(&mut c, "GRANT USAGE ON BRANCH ownn TO bob"),
        "42704 branch \"ownn\" does not exist"
    );
    assert_eq!(
        error(&mut c, "SELECT has_branch_privilege('own', 'SELECT')"),
        "22023 unrecognized privilege type: \"SELECT\""
    );
    assert!(error(&mut c, "DROP ROLE maker").starts_with("2BP01"));
    // A branch of that name in a grant on tables is a table.
    run(&mut c, "CREATE TABLE branch (a int)");
    run(&mut c, "GRANT SELECT ON branch TO bob");
    assert!(
        error(
            &mut c,
            "REVOKE MERGE ON BRANCH own FROM bob GRANTED BY alice"
        )
        .starts_with("0A000")
    );
    does(
        &mut c,
        "alice",
        "REVOKE MERGE ON BRANCH own FROM bob CASCADE",
    );
    assert_eq!(
        value(&mut c, acl),
        "{=U/alice,alice=UCm/alice,bob=C*/alice}"
    );
    run(&mut c, "ALTER BRANCH own OWNER TO bob");
    assert_eq!(
        value(
            &mut c,
            "SELECT owner FROM helios_branches() WHERE branch_name = 'own'"
        ),
        "bob"
    );
    run(&mut c, "REASSIGN OWNED BY bob TO maker");
    assert_eq!(
        value(
            &mut c,
            "SELECT owner FROM helios_branches() WHERE branch_name = 'own'"
        ),
        "maker"
    );
}

// They are of the whole database, wherever the session is; in a transaction they are undone with it.
#[test]
fn they_are_kept_on_the_main_branch() {
    let (_database, mut c) = database();
    run(&mut c, "USE BRANCH own");
    run(&mut c, "GRANT MERGE ON BRANCH main TO bob");
    assert_eq!(value(&mut c, "SELECT helios_branch()"), "own");
    let error = |c: &mut Connection, sql: &str| {
        let error = c.run(sql, ()).and_then(Outcome::finish).unwrap_err();
        let _ = c.execute("ROLLBACK", ());
        error.sqlstate().to_string()
    };
    run(&mut c, "BEGIN");
    assert_eq!(error(&mut c, "GRANT CREATE ON BRANCH main TO bob"), "25001");
    run(&mut c, "USE BRANCH main");
    assert_eq!(
        value(
            &mut c,
            "SELECT has_branch_privilege('bob', 'main', 'MERGE')::text"
        ),
        "true"
    );
    run(&mut c, "BEGIN");
    run(&mut c, "REVOKE MERGE ON BRANCH main FROM bob");
    assert_eq!(
        value(
            &mut c,
            "SELECT has_branch_privilege('bob', 'main', 'MERGE')::text"
        ),
        "false"
    );
    run(&mut c, "ROLLBACK");
    assert_eq!(
        value(
            &mut c,
            "SELECT has_branch_privilege('bob', 'main', 'MERGE')::text"
        ),
        "true"
    );
    // A branch that is dropped takes them along, and one of the same name has its own.
    run(&mut c, "GRANT CREATE ON BRANCH own TO bob");
    run(&mut c, "DROP BRANCH own");
    run(&mut c, "CREATE BRANCH own");
    assert_eq!(
        value(
            &mut c,
            "SELECT owner || coalesce(acl::text, '-') FROM helios_branches() WHERE branch_name = 'own'"
        ),
        "helios-"
    );
}
