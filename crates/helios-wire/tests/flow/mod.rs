//! When answers go out, and what is passed over meanwhile.

use std::time::Duration;

use crate::client::{Client, Message, TestServer, query, row_texts};
use crate::kinds;

fn state(message: &Message) -> String {
    assert_eq!(message.kind, b'E', "{message:?}");
    message.field(b'C').expect("a state")
}

// A client that waits for the first answer before it lets the second statement go on would hang for ever.
#[test]
fn answers_do_not_wait_for_the_next_statement_of_a_pipeline() {
    let server = TestServer::start();
    let mut holder = server.connect();
    query(&mut holder, "begin; select pg_advisory_xact_lock(1)");
    let mut client = server.connect();
    let lock = "select pg_advisory_lock(1)";
    client.send_raw(
        &[
            message(b'Q', b"select 1\0"),
            message(b'Q', format!("{lock}\0").as_bytes()),
        ]
        .concat(),
    );
    client.set_timeout(Duration::from_secs(20));
    assert_eq!(kinds(&client.answers()), "TDCZ");
    query(
        &mut holder,
        "rollback; begin; select pg_advisory_xact_lock(2)",
    );
    assert_eq!(kinds(&client.answers()), "TDCZ");
    // Extended queries, each with its Sync.
    for sql in ["select 2", "select pg_advisory_lock(2)"] {
        client.parse("", sql, &[]);
        client.bind("", "", &[]);
        client.execute("", 0);
        client.sync();
    }
    assert_eq!(kinds(&client.answers()), "12DCZ");
    query(&mut holder, "rollback");
    assert_eq!(kinds(&client.answers()), "12DCZ");
}

// As PostgreSQL, which clients rely on that count round trips.
#[test]
fn answers_of_a_pipeline_wait_for_its_end_or_an_error() {
    let server = TestServer::start();
    let mut client = server.connect();
    let statement = |client: &mut Client, sql: &str| {
        client.parse("", sql, &[]);
        client.bind("", "", &[]);
        client.execute("", 0);
    };
    statement(&mut client, "select 1");
    client.set_timeout(Duration::from_millis(200));
    assert!(client.try_read().is_none());
    client.set_timeout(Duration::from_secs(20));
    client.send(b'H', b"");
    for kind in [b'1', b'2', b'D', b'C'] {
        assert_eq!(client.read().kind, kind);
    }
    statement(&mut client, "select 2");
    statement(&mut client, "select * from nowhere");
    for kind in [b'1', b'2', b'D', b'C', b'E'] {
        assert_eq!(client.read().kind, kind);
    }
    client.sync();
    assert_eq!(kinds(&client.answers()), "Z");
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 4;
    [&[kind], &length.to_be_bytes()[..], body].concat()
}

fn copy(client: &mut Client, sql: &str) {
    client.send(b'Q', format!("{sql}\0").as_bytes());
    assert_eq!(client.read().kind, b'G');
}

#[test]
fn copy_tells_of_a_bad_row_before_the_client_ends() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.set_timeout(Duration::from_secs(20));
    query(
        &mut client,
        "create table t(id int primary key, v text not null)",
    );
    let rows = [
        (&b"1\ta\nx\tb\n"[..], "22P02"),
        (b"1\ta\n2\t\\N\n", "23502"),
        (b"1\ta\n1\tb\n", "23505"),
        (b"1\n", "22P04"),
    ];
    for (rows, code) in rows {
        copy(&mut client, "copy t from stdin");
        client.send(b'd', rows);
        // Nothing says that this is all.
        let answers = client.answers();
        assert_eq!(
            (kinds(&answers).as_str(), state(&answers[0])),
            ("EZ", code.to_owned())
        );
        // What is still under way is passed over.
        client.send(b'd', b"3\tc\n");
        client.send(b'd', b"4\td\n");
        client.send(b'c', b"");
        assert_eq!(kinds(&client.query("select 1")), "TDCZ");
    }
    let answers = query(&mut client, "select count(*) from t");
    assert_eq!(row_texts(&answers[1]), [Some("0".to_owned())]);
}

#[test]
fn a_failed_copy_of_an_extended_query_skips_to_the_next_sync() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.set_timeout(Duration::from_secs(20));
    query(&mut client, "create table t(id int primary key)");
    client.parse("", "copy t from stdin", &[]);
    client.bind("", "", &[]);
    client.execute("", 0);
    client.send(b'H', b"");
    for expected in [b'1', b'2', b'G'] {
        assert_eq!(client.read().kind, expected);
    }
    client.send(b'd', b"x\n");
    assert_eq!(state(&client.read()), "22P02");
    client.send(b'd', b"1\n");
    client.send(b'c', b"");
    client.sync();
    assert_eq!(kinds(&client.answers()), "Z");
    // Whoever sends Sync ahead, as libpq does, gets one answer to it all.
    client.parse("", "copy t from stdin", &[]);
    client.bind("", "", &[]);
    client.execute("", 0);
    client.sync();
    client.send(b'd', b"1\n\\.\n");
    client.send(b'd', b"2\n");
    client.send(b'c', b"");
    client.sync();
    assert_eq!(kinds(&client.answers()), "12GCZ");
    let answers = query(&mut client, "select count(*) from t");
    assert_eq!(row_texts(&answers[1]), [Some("1".to_owned())]);
}

#[test]
fn a_session_that_is_ended_inside_copy_is_told_so() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.set_timeout(Duration::from_secs(20));
    let (process, _) = client.key.clone().expect("key");
    query(&mut client, "create table t(id int)");
    copy(&mut client, "copy t from stdin");
    client.send(b'd', b"1\n");
    let mut other = server.connect();
    query(
        &mut other,
        &format!("select pg_terminate_backend({process})"),
    );
    let answers = client.answers();
    assert_eq!(state(&answers[0]), "57P01");
    assert_eq!(answers[0].field(b'S').as_deref(), Some("FATAL"));
}

#[test]
fn a_session_that_ends_itself_is_told_so_in_place_of_the_tag() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.set_timeout(Duration::from_secs(20));
    let answers = client.query("select pg_terminate_backend(pg_backend_pid())");
    let kinds: Vec<u8> = answers.iter().map(|answer| answer.kind).collect();
    assert!(!kinds.contains(&b'C'), "{kinds:?}");
    let last = answers.last().expect("an answer");
    assert_eq!(state(last), "57P01");
}

#[test]
fn set_local_holds_for_the_rest_of_a_text() {
    let server = TestServer::start();
    let mut client = server.connect();
    let shown = |client: &mut Client, text: &str| {
        let answers = client.query(text);
        let rows = answers.iter().filter(|answer| answer.kind == b'D');
        let rows = rows.map(row_texts).collect::<Vec<_>>();
        rows.concat().into_iter().flatten().collect::<Vec<_>>()
    };
    let text = "set local work_mem = '77MB'; show work_mem; select 1";
    assert_eq!(shown(&mut client, text), ["77MB", "1"]);
    assert_ne!(shown(&mut client, "show work_mem"), ["77MB"]);
    // Alone it has nothing to hold for.
    client.query("set local work_mem = '77MB'");
    assert_ne!(shown(&mut client, "show work_mem"), ["77MB"]);
    assert_eq!(shown(&mut client, "show session_authorization"), ["helios"]);
}

#[test]
fn what_is_no_opening_gets_no_answer() {
    let server = TestServer::start();
    for bytes in [
        &b"X\0\0\0\x04"[..],
        b"\0\0\0\x04",
        b"\xff\xff\xff\xff",
        b"\0\0",
        b"\0\0\0\x20\0\x03\0\0user",
    ] {
        let mut client = server.raw();
        client.send_raw(bytes);
        client.close_writing();
        assert!(client.try_read().is_none(), "{bytes:?}");
    }
}

#[test]
fn messages_from_before_unlisten_arrive() {
    let server = TestServer::start();
    let mut client = server.connect();
    let mut other = server.connect();
    for stop in ["unlisten a", "unlisten *"] {
        query(&mut client, "listen a");
        // The message waits for the end of the transaction, in which there is no other moment to send it.
        query(&mut client, "begin");
        query(&mut other, "notify a, 'before'");
        query(&mut client, stop);
        let answers = query(&mut client, "commit");
        assert_eq!(kinds(&answers), "CAZ", "{stop}");
        query(&mut other, "notify a, 'after'");
        assert_eq!(kinds(&query(&mut client, "select 1")), "TDCZ");
    }
}

#[test]
fn close_ends_cursors_that_were_declared() {
    let server = TestServer::start();
    let mut client = server.connect();
    query(
        &mut client,
        "begin; declare foo cursor for select generate_series(1, 3)",
    );
    assert_eq!(kinds(&query(&mut client, "fetch foo")), "TDCZ");
    client.send(b'C', b"Pfoo\0");
    client.sync();
    assert_eq!(kinds(&client.answers()), "3Z");
    assert_eq!(state(&client.query("fetch all from foo")[0]), "34000");
}

#[test]
fn portals_of_a_failed_transaction_do_not_go_on() {
    let server = TestServer::start();
    let mut client = server.connect();
    query(&mut client, "begin");
    client.parse("s", "select 6 / (3 - g) from generate_series(1, 9) g", &[]);
    client.parse("g", "select generate_series(1, 9)", &[]);
    client.bind("failing", "s", &[]);
    client.bind("other", "g", &[]);
    client.execute("other", 1);
    client.execute("failing", 5);
    client.sync();
    let answers = client.answers();
    assert_eq!(kinds(&answers).replace("DDE", "E"), "1122DsEZ");
    for portal in ["failing", "other"] {
        client.execute(portal, 1);
        client.sync();
        assert_eq!(state(&client.answers()[0]), "25P02", "{portal}");
    }
    query(&mut client, "rollback; begin; savepoint a");
    client.bind("failing", "s", &[]);
    client.execute("failing", 0);
    client.sync();
    client.answers();
    query(&mut client, "rollback to a");
    client.execute("failing", 1);
    client.sync();
    let answers = client.answers();
    assert_eq!(state(&answers[0]), "55000");
    let message = answers[0].field(b'M');
    assert_eq!(message.as_deref(), Some("portal \"failing\" cannot be run"));
}

#[test]
fn errors_of_domains_name_the_domain() {
    let server = TestServer::start();
    let mut client = server.connect();
    query(
        &mut client,
        "create domain small as int check (value < 10); create domain tiny as small not null check (value < 5)",
    );
    for (sql, code, constraint) in [
        ("select 7::tiny", "23514", Some("tiny_check")),
        ("select 70::tiny", "23514", Some("small_check")),
        ("select null::tiny", "23502", None),
    ] {
        let answers = client.query(sql);
        let error = answers.iter().find(|message| message.kind == b'E');
        let error = error.expect("an error");
        let field = |code| error.field(code);
        assert_eq!(state(error), code);
        assert_eq!(field(b'd').as_deref(), Some("tiny"), "{sql}");
        assert_eq!(field(b's').as_deref(), Some("public"), "{sql}");
        assert_eq!(field(b'n').as_deref(), constraint, "{sql}");
    }
}
