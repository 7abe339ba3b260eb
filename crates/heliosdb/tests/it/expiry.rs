//! Guards branches that expire: they go by themselves, in time, and never while they are needed.

use std::time::{Duration, Instant};

use heliosdb::{Connection, Database};

fn branches(connection: &mut Connection) -> Vec<String> {
    let sql = "SELECT branch_name FROM helios_branches() ORDER BY 1";
    let rows = connection.query(sql, ()).unwrap();
    rows.map(|row| row.unwrap().get::<String>(0).unwrap())
        .collect()
}

/// Waits until there are just these branches.
fn wait_for(connection: &mut Connection, wanted: &[&str]) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let found = branches(connection);
        if found == wanted {
            return;
        }
        assert!(Instant::now() < end, "{found:?} is not {wanted:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn branches_go_when_their_time_is_over() {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    connection
        .execute_batch(
            "CREATE TABLE t (id int PRIMARY KEY);
             INSERT INTO t VALUES (1);",
        )
        .unwrap();
    for n in 0..20 {
        let sql = format!("CREATE BRANCH b{n} WITH (ttl = '50 milliseconds')");
        connection.execute(sql.as_str(), ()).unwrap();
    }
    connection
        .execute("CREATE BRANCH stays WITH (ttl = '1 day')", ())
        .unwrap();
    wait_for(&mut connection, &["main", "stays"]);
    // A shorter time sets the alarm anew, none takes it back.
    connection
        .execute("ALTER BRANCH stays SET (ttl = none)", ())
        .unwrap();
    connection
        .execute("CREATE BRANCH goes WITH (ttl = '1 hour')", ())
        .unwrap();
    connection
        .execute("ALTER BRANCH goes SET (ttl = '1 millisecond')", ())
        .unwrap();
    wait_for(&mut connection, &["main", "stays"]);
}

#[test]
fn what_is_in_use_stays() {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    connection
        .execute_batch("CREATE TABLE t (id int PRIMARY KEY)")
        .unwrap();
    connection
        .execute("CREATE BRANCH parent WITH (ttl = '1 millisecond')", ())
        .unwrap();
    // Either it is gone before the child comes, or it stays for the child.
    if connection
        .execute("CREATE BRANCH child FROM parent", ())
        .is_ok()
    {
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(branches(&mut connection), ["child", "main", "parent"]);
    }
    let mut other = database.connect().unwrap();
    connection.execute("CREATE BRANCH busy", ()).unwrap();
    other.execute("USE BRANCH busy", ()).unwrap();
    other.execute_batch("BEGIN").unwrap();
    other.execute("INSERT INTO t VALUES (1)", ()).unwrap();
    connection
        .execute("ALTER BRANCH busy SET (ttl = '1 millisecond')", ())
        .unwrap();
    std::thread::sleep(Duration::from_millis(200));
    other.execute_batch("COMMIT").unwrap();
    assert!(branches(&mut connection).contains(&"busy".to_owned()));
}

#[test]
fn time_passes_while_the_database_is_closed() {
    let folder = helios_testkit::Scratch::new();
    let path = folder.join("db");
    {
        let database = Database::open(&path).unwrap();
        let mut connection = database.connect().unwrap();
        connection
            .execute("CREATE BRANCH short WITH (ttl = '300 milliseconds')", ())
            .unwrap();
        connection
            .execute("CREATE BRANCH long WITH (ttl = '1 day')", ())
            .unwrap();
    }
    std::thread::sleep(Duration::from_millis(400));
    let database = Database::open(&path).unwrap();
    let mut connection = database.connect().unwrap();
    wait_for(&mut connection, &["long", "main"]);
}

#[test]
fn bad_times_are_refused() {
    let database = Database::open_in_memory().unwrap();
    let mut connection = database.connect().unwrap();
    for (sql, state) in [
        ("CREATE BRANCH b WITH (ttl = '0')", "22023"),
        ("CREATE BRANCH b WITH (ttl = '-1 day')", "22023"),
        ("CREATE BRANCH b WITH (ttl = 'soon')", "22023"),
        ("ALTER BRANCH main SET (ttl = '1 day')", "22023"),
        (
            "CREATE TABLE r (id int) WITH (retention = '1 day')",
            "22023",
        ),
        (
            "CREATE TABLE r (id int) WITH (retentoin = '1 day')",
            "22023",
        ),
        ("CREATE TABLE r (id int) WITH (merge.id = 'smu')", "22023"),
    ] {
        let error = connection.execute(sql, ()).unwrap_err();
        assert_eq!(error.sqlstate().as_str(), state, "{sql}: {error}");
    }
    connection
        .execute("CREATE TABLE r (id int) WITH (fillfactor = 70)", ())
        .unwrap();
}
