//! Messages between sessions, and sessions that end each other.

use std::time::{Duration, Instant};

use heliosdb::{Connection, Database, Notification};

fn run(c: &mut Connection, sql: &str) {
    c.execute_batch(sql)
        .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
}

fn texts(all: Vec<Notification>) -> Vec<String> {
    all.into_iter()
        .map(|n| format!("{}={}", n.channel, n.payload))
        .collect()
}

#[test]
fn messages_arrive_when_their_sender_commits() {
    let database = Database::open_in_memory().unwrap();
    let (mut a, mut b) = (database.connect().unwrap(), database.connect().unwrap());
    run(&mut b, "NOTIFY news, 'nobody listens'");
    run(&mut a, "LISTEN news");
    assert_eq!(texts(a.notifications()), [""; 0]);
    run(
        &mut b,
        "NOTIFY news; NOTIFY news, 'one'; NOTIFY other, 'x'; NOTIFY news, 'one'",
    );
    assert_eq!(texts(a.notifications()), ["news=", "news=one"]);
    run(&mut b, "BEGIN");
    run(&mut b, "SELECT pg_notify('news', 'two')");
    run(&mut b, "COMMIT");
    assert_eq!(texts(a.notifications()), ["news=two"]);
    run(&mut b, "BEGIN");
    run(&mut b, "NOTIFY news, 'kept'");
    run(&mut b, "SAVEPOINT s");
    run(&mut b, "NOTIFY news, 'lost'");
    run(&mut b, "ROLLBACK TO s");
    assert_eq!(texts(a.notifications()), [""; 0]);
    run(&mut b, "COMMIT");
    assert_eq!(texts(a.notifications()), ["news=kept"]);
    run(&mut b, "BEGIN");
    run(&mut b, "NOTIFY news, 'never'");
    run(&mut b, "ROLLBACK");
    assert!(b.execute_batch("NOTIFY news, 'never'; SELECT 1/0").is_err());
    // Nothing is handed out inside of a transaction of the listener.
    run(&mut a, "BEGIN");
    run(&mut b, "NOTIFY news, 'later'");
    assert_eq!(texts(a.notifications()), [""; 0]);
    run(&mut a, "COMMIT");
    assert_eq!(texts(a.notifications()), ["news=later"]);
    // A sender hears itself.
    run(&mut a, "NOTIFY news, 'me'");
    assert_eq!(texts(a.notifications()), ["news=me"]);
}

#[test]
fn listening_begins_and_ends_with_a_commit() {
    let database = Database::open_in_memory().unwrap();
    let (mut a, mut b) = (database.connect().unwrap(), database.connect().unwrap());
    run(&mut a, "BEGIN");
    run(&mut a, "LISTEN c");
    run(&mut b, "NOTIFY c, '1'");
    run(&mut a, "COMMIT");
    run(&mut b, "NOTIFY c, '2'");
    assert_eq!(texts(a.notifications()), ["c=2"]);
    run(&mut a, "BEGIN");
    run(&mut a, "UNLISTEN c");
    run(&mut a, "ROLLBACK");
    run(&mut b, "NOTIFY c, '3'");
    assert_eq!(texts(a.notifications()), ["c=3"]);
    run(&mut a, "LISTEN d; UNLISTEN c");
    run(&mut b, "NOTIFY c, '4'; NOTIFY d, '5'");
    assert_eq!(texts(a.notifications()), ["d=5"]);
    run(&mut a, "UNLISTEN *");
    run(&mut b, "NOTIFY d, '6'");
    assert_eq!(texts(a.notifications()), [""; 0]);
    run(&mut a, "LISTEN d");
    run(&mut a, "DISCARD ALL");
    run(&mut b, "NOTIFY d, '7'");
    assert_eq!(texts(a.notifications()), [""; 0]);
    let long = "x".repeat(8000);
    for sql in [
        format!("NOTIFY c, '{long}'"),
        "SELECT pg_notify('', 'x')".to_owned(),
        format!("SELECT pg_notify('{}', 'x')", "c".repeat(64)),
    ] {
        let error = b.execute(sql.as_str(), ()).unwrap_err();
        assert_eq!(error.sqlstate().as_str(), "22023", "{sql}");
    }
}

#[test]
fn a_listener_can_wait() {
    let database = Database::open_in_memory().unwrap();
    let mut a = database.connect().unwrap();
    run(&mut a, "LISTEN c");
    let start = Instant::now();
    assert!(a.wait_notifications(Duration::from_millis(30)).is_empty());
    assert!(start.elapsed() >= Duration::from_millis(30));
    let mut b = database.connect().unwrap();
    let speaker = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        run(&mut b, "NOTIFY c, 'now'");
    });
    assert_eq!(
        texts(a.wait_notifications(Duration::from_secs(20))),
        ["c=now"]
    );
    speaker.join().unwrap();
}

#[test]
fn sessions_cancel_and_end_each_other() {
    let database = Database::open_in_memory().unwrap();
    let mut boss = database.connect().unwrap();
    let number = |c: &mut Connection| -> i32 {
        c.query_row("SELECT pg_backend_pid()", ())
            .unwrap()
            .get(0)
            .unwrap()
    };
    let mut worker = database.connect().unwrap();
    let pid = number(&mut worker);
    let sleeper = std::thread::spawn(move || {
        let cancelled = worker.execute("SELECT pg_sleep(60)", ()).unwrap_err();
        let ended = worker.execute("SELECT pg_sleep(60)", ()).unwrap_err();
        let after = worker.execute("SELECT 1", ()).unwrap_err();
        [cancelled, ended, after].map(|error| error.sqlstate().to_string())
    });
    let is_asleep =
        format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND state = 'active'");
    for signal in ["pg_cancel_backend", "pg_terminate_backend"] {
        let mut tries = 0;
        while boss
            .query_row(&*is_asleep, ())
            .unwrap()
            .get::<i64>(0)
            .unwrap()
            == 0
            && tries < 500
        {
            std::thread::sleep(Duration::from_millis(10));
            tries += 1;
        }
        // The statement may only be about to begin.
        std::thread::sleep(Duration::from_millis(50));
        let sql = format!("SELECT {signal}({pid})");
        assert!(boss.query_row(&*sql, ()).unwrap().get::<bool>(0).unwrap());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(sleeper.join().unwrap(), ["57014", "57P01", "57P01"]);
    for number in [-1, 0, 999_999] {
        let sql = format!("SELECT pg_terminate_backend({number})");
        assert!(!boss.query_row(&*sql, ()).unwrap().get::<bool>(0).unwrap());
    }
    // Nobody ends a superuser's session without being one.
    run(&mut boss, "CREATE ROLE plain");
    let own = number(&mut boss);
    run(&mut boss, "SET SESSION AUTHORIZATION plain");
    let sql = format!("SELECT pg_terminate_backend({own})");
    let refused = boss.query_row(&*sql, ()).unwrap_err();
    assert_eq!(refused.sqlstate().as_str(), "42501");
}
