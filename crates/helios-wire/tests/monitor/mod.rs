//! What those see who watch the server over HTTP, and how little they can hold up.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::client::{TestServer, row_texts};

/// The whole answer to some bytes.
fn send(server: &TestServer, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.monitor.address()).expect("connect");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("timeout");
    stream.write_all(request).expect("write");
    let mut answer = String::new();
    // It may end the connection before it has read all.
    let _ = stream.read_to_string(&mut answer);
    answer
}

fn get(server: &TestServer, path: &str) -> (String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = send(server, request.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    let length = format!("Content-Length: {}\r\n", body.len());
    assert!(
        head.contains(&length) || head.ends_with(length.trim_end()),
        "{head}"
    );
    (
        head.lines().next().expect("status").to_owned(),
        body.to_owned(),
    )
}

fn metric(server: &TestServer, name: &str) -> u64 {
    let (status, body) = get(server, "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let line = body
        .lines()
        .find_map(|line| line.strip_prefix(&format!("heliosdb_{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {body}"))
        .parse()
        .expect("number")
}

#[test]
fn health_and_readiness() {
    let server = TestServer::start();
    assert_eq!(
        get(&server, "/health"),
        ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned())
    );
    assert_eq!(
        get(&server, "/ready"),
        ("HTTP/1.1 200 OK".to_owned(), "ready\n".to_owned())
    );
    assert_eq!(get(&server, "/").0, "HTTP/1.1 404 Not Found");
    let head = send(&server, b"HEAD /ready HTTP/1.0\r\n\r\n");
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    server.stop();
    assert_eq!(get(&server, "/ready").0, "HTTP/1.1 503 Service Unavailable");
    assert_eq!(get(&server, "/health").0, "HTTP/1.1 200 OK");
}

#[test]
fn metrics_count_what_happened() {
    let server = TestServer::start();
    let before = metric(&server, "commits_total");
    let mut client = server.connect();
    client.query("create table t (id int primary key)");
    client.query("insert into t values (1)");
    client.query("insert into t values (1)");
    client.query("begin; insert into t values (2); rollback");
    client.parse("", "select * from nowhere", &[]);
    client.sync();
    client.answers();
    assert_eq!(metric(&server, "commits_total"), before + 2);
    // The three of the script each count.
    assert_eq!(metric(&server, "statements_total"), 7);
    assert_eq!(metric(&server, "statement_errors_total"), 2);
    assert_eq!(metric(&server, "rollbacks_total"), 2);
    client.query("begin; insert into t values (3)");
    assert_eq!(
        metric(&server, "sessions{state=\"idle in transaction\"}"),
        1
    );
    assert_eq!(metric(&server, "transactions"), 1);
    assert!(metric(&server, "locks_held") >= 1);
    assert_eq!(metric(&server, "connections"), 1);
    drop(client);
    let gone = Instant::now() + Duration::from_secs(10);
    while metric(&server, "connections") > 0 {
        assert!(Instant::now() < gone, "the connection stays");
    }
    // Sessions that ended still count.
    assert_eq!(metric(&server, "statements_total"), 9);
    let (_, body) = get(&server, "/metrics");
    for line in body.lines() {
        let is_sample = line
            .split_once(' ')
            .is_some_and(|(_, value)| value.parse::<f64>().is_ok());
        assert!(
            line.starts_with("# HELP ") || line.starts_with("# TYPE ") || is_sample,
            "{line}"
        );
    }
}

#[test]
fn odd_requests_are_turned_away() {
    let server = TestServer::start();
    let status = |request: &[u8]| {
        send(&server, request)
            .chars()
            .skip(9)
            .take(3)
            .collect::<String>()
    };
    assert_eq!(status(b"POST /metrics HTTP/1.1\r\n\r\n"), "405");
    assert_eq!(status(b"\x16\x03\x01\x02\0\r\n\r\n"), "400");
    assert_eq!(status(b"GET / HTTP/1.1 more\r\n\r\n"), "400");
    let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(9 << 10));
    assert_eq!(status(long.as_bytes()), "431");
    // Many that say nothing hold up others for seconds, and the clients of the database not at all.
    let silent: Vec<_> = (0..40)
        .map(|_| TcpStream::connect(server.monitor.address()).expect("connect"))
        .collect();
    let mut client = server.connect();
    client.query("select 1");
    let late = Instant::now() + Duration::from_secs(30);
    while !send(&server, b"GET /health HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200") {
        assert!(Instant::now() < late, "it does not recover");
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(silent);
}

// Guards against statements of drivers, which prepare them, that are counted nowhere.
#[test]
fn prepared_statements_are_counted_too() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.query("create table t (a int); insert into t select generate_series(1, 5)");
    for id in [b"1", b"2"] {
        client.parse("", "select a from t where a <= $1", &[23]);
        client.bind("", "", &[Some(&id[..])]);
        client.execute("", 0);
        client.sync();
        client.answers();
    }
    // A portal that is read in parts is one call.
    client.parse("", "select a from t where a >= $1", &[23]);
    client.bind("", "", &[Some(b"1")]);
    for rows in [2, 2, 0] {
        client.execute("", rows);
    }
    client.sync();
    client.answers();
    let answers = client.query(
        "select query, calls::text, rows::text from pg_stat_statements where query like 'select a%' order by 1",
    );
    let rows: Vec<Vec<String>> = answers
        .iter()
        .filter(|answer| answer.kind == b'D')
        .map(|row| row_texts(row).into_iter().flatten().collect())
        .collect();
    assert_eq!(
        rows,
        [
            ["select a from t where a <= $1", "2", "3"],
            ["select a from t where a >= $1", "1", "5"],
        ]
    );
}
