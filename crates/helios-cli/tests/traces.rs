//! Guards what the server tells collectors of traces and readers of its log, and that neither can hold it up.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod server;

use std::net::TcpListener;
use std::time::Instant;

use serde_json::Value;

use server::{Collector, LONG, Server, attribute, command};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
/// Spans are sent soon.
const SOON: (&str, &str) = ("OTEL_BSP_SCHEDULE_DELAY", "20");

/// The steps of a statement, which belong to its trace.
fn steps(collector: &Collector, statement: &Value) -> Vec<String> {
    let mut steps: Vec<(u64, String)> = Vec::new();
    for span in collector.spans() {
        if span["parentSpanId"] == statement["spanId"] {
            assert_eq!(span["traceId"], statement["traceId"]);
            assert_eq!(span["kind"], 1);
            let start = span["startTimeUnixNano"].as_str().unwrap().parse();
            steps.push((start.unwrap(), span["name"].as_str().unwrap().to_owned()));
        }
    }
    steps.sort();
    steps.into_iter().map(|(_, name)| name).collect()
}

fn of_text<'a>(text: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |span| attribute(span, "db.query.text") == text
}

#[test]
fn statements_are_spans() {
    let collector = Collector::start();
    let server = Server::start(
        &["--otlp", &collector.url],
        &[
            SOON,
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20token"),
        ],
    );
    let mut client = server.connect();
    assert_eq!(
        client.query("create table t (id int primary key, name text)"),
        "C"
    );
    let comment = format!("/*app='x',traceparent='00-{TRACE}-{CALLER}-01'*/");
    assert_eq!(
        client.query(&format!(
            "insert into t values (424242, 'kittens') {comment}"
        )),
        "C"
    );
    assert_eq!(
        client.query("select name from t where id = 424242; commit"),
        "TDCC"
    );
    assert_eq!(client.query("insert into t values (424242, 'again')"), "E");
    assert_eq!(client.query("select 'kittens"), "E");
    assert_eq!(client.query("select 'kittens' from"), "E");
    assert_eq!(client.query("kittens 'kittens'"), "E");
    assert_eq!(client.query("create branch dev; use branch dev"), "CC");
    assert_eq!(client.run("insert into t values (1, $1)", "kittens"), "12C");
    assert_eq!(
        client.run("select * from t where name <> $1", "kittens"),
        "12C"
    );
    drop(client);

    let create = collector.wait("CREATE TABLE", |span| span["name"] == "CREATE TABLE");
    assert_eq!(create["kind"], 2);
    assert_eq!(create["parentSpanId"], Value::Null);
    assert_eq!(create["status"], Value::Null);
    assert_eq!(
        steps(&collector, &create),
        ["parse", "plan", "execute", "commit"]
    );
    let connection = collector.wait("connection", |span| span["name"] == "connection");
    assert_eq!(create["links"][0]["spanId"], connection["spanId"]);
    assert_ne!(create["traceId"], connection["traceId"]);
    for span in [&create, &connection] {
        for (name, value) in [
            ("db.system.name", "heliosdb"),
            ("db.namespace", "helios"),
            ("user.name", "helios"),
            ("client.address", "127.0.0.1"),
        ] {
            assert_eq!(attribute(span, name), value);
        }
        assert!(attribute(span, "client.port").is_string());
    }
    assert_eq!(attribute(&create, "helios.branch"), "main");
    assert_eq!(attribute(&create, "db.operation.name"), "CREATE TABLE");
    assert_eq!(attribute(&connection, "helios.branch"), "dev");

    let insert = collector.wait("INSERT", of_text("insert into t values ($1, $2)"));
    assert_eq!(
        (&insert["traceId"], &insert["parentSpanId"]),
        (&TRACE.into(), &CALLER.into())
    );
    assert_eq!(insert["flags"], 0x301);
    assert_eq!(attribute(&insert, "helios.rows"), "1");
    let commit = collector.wait("commit", |span| {
        span["name"] == "commit" && span["parentSpanId"] == insert["spanId"]
    });
    assert_eq!(
        attribute(&commit, "helios.scn"),
        attribute(&insert, "helios.scn")
    );

    let select = collector.wait("SELECT", of_text("select name from t where id = $1"));
    assert_eq!(attribute(&select, "db.response.returned_rows"), "1");
    assert!(attribute(&select, "helios.scn").is_string());

    let failed = collector.wait("failure", |span| {
        attribute(span, "db.response.status_code") == "23505" && span["kind"] == 2
    });
    assert_eq!(
        (&failed["name"], &failed["status"]["code"]),
        (&"INSERT".into(), &2.into())
    );
    assert_eq!(attribute(&failed, "error.type"), "23505");
    assert_eq!(failed["status"]["message"], Value::Null);
    let open = collector.wait("syntax error", |span| {
        span["name"] == "SELECT" && attribute(span, "db.query.text").is_null()
    });
    assert_eq!(attribute(&open, "db.response.status_code"), "42601");
    assert_eq!(steps(&collector, &open), ["parse"]);
    // What begins like no statement names no span.
    let odd = collector.wait("nonsense", of_text("kittens $1"));
    assert_eq!(odd["name"], "statement");

    let run = collector.wait("run", of_text("insert into t values ($2, $1)").and_kind(2));
    assert_eq!(
        steps(&collector, &run),
        ["parse", "plan", "execute", "commit"]
    );
    assert_eq!(attribute(&run, "helios.branch"), "dev");
    let read = collector.wait(
        "read",
        of_text("select * from t where name <> $1").and_kind(2),
    );
    assert_eq!(attribute(&read, "db.response.returned_rows"), "0");
    assert_eq!(steps(&collector, &read), ["parse", "plan", "execute"]);

    let first = &collector.requests()[0];
    assert_eq!(first["authorization"], "Bearer token");
    let resource =
        serde_json::json!({"attributes": first["resourceSpans"][0]["resource"]["attributes"]});
    assert_eq!(attribute(&resource, "service.name"), "shop");
    let text = collector.text();
    assert!(
        !text.contains("kittens'") && !text.contains("\"kittens\"") && !text.contains("424242")
    );
    assert!(server.counter("traces_sent").unwrap() > 0);
    assert_eq!(server.counter("traces_dropped"), Some(0));
    assert!(server.stop().0.success());
}

trait AndKind: Fn(&Value) -> bool + Sized {
    fn and_kind(self, kind: u8) -> impl Fn(&Value) -> bool {
        move |span| self(span) && span["kind"] == kind
    }
}

impl<F: Fn(&Value) -> bool> AndKind for F {}

#[test]
fn texts_are_whole_if_asked_for_but_for_passwords() {
    let collector = Collector::start();
    let server = Server::start(
        &["--otlp", &collector.url, "--otlp-full-statements"],
        &[SOON],
    );
    let mut client = server.connect();
    client.query("select 'kittens'::int");
    client.query("create role a password 'secret'");
    let failed = collector.wait("failure", of_text("select 'kittens'::int"));
    let message = failed["status"]["message"].as_str().unwrap();
    assert!(message.contains("\"kittens\""), "{message}");
    collector.wait("role", of_text("create role a password '********'"));
    assert!(!collector.text().contains("secret"));
    drop(client);
    assert!(server.stop().0.success());
}

#[test]
fn pipelines_commit_with_their_last_statement() {
    let collector = Collector::start();
    let server = Server::start(&[":memory:", "--otlp", &collector.url], &[SOON]);
    let mut client = server.connect();
    client.query("create table t (id int primary key deferrable initially deferred)");
    client.parse("add", "insert into t values ($1)");
    assert_eq!(client.sync(), "1");
    client.execute("add", "1");
    client.parse("", "insert into t select $1");
    client.execute("", "2");
    assert_eq!(client.sync(), "2C12C");
    client.execute("add", "2");
    assert_eq!(client.sync(), "2CE");
    drop(client);
    assert!(server.stop().0.success());

    let text = "insert into t values ($1)";
    let prepare = collector.wait("PREPARE", |span| span["name"] == "PREPARE");
    assert_eq!(attribute(&prepare, "db.query.text"), text);
    assert_eq!(steps(&collector, &prepare), ["parse", "plan"]);
    let spans = collector.spans();
    let runs = spans
        .iter()
        .filter(|span| of_text(text)(span) && span["name"] == "INSERT");
    let mut runs: Vec<_> = runs.map(|run| steps(&collector, run)).collect();
    runs.sort();
    assert_eq!(runs, [vec!["execute"], vec!["execute", "commit"]]);
    let last = collector.wait("last", of_text("insert into t select $1"));
    assert_eq!(
        steps(&collector, &last),
        ["parse", "plan", "execute", "commit"]
    );
    let commit = collector.wait("failed commit", |span| {
        span["name"] == "commit" && span["status"]["code"] == 2
    });
    assert_eq!(attribute(&commit, "db.response.status_code"), "23505");
}

#[test]
fn copies_and_backups_are_seen() {
    let collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let server = Server::start(&[&path("db"), "--otlp", &collector.url], &[SOON]);
    let mut client = server.connect();
    client.query("create table t (name text)");
    client.send(b'Q', b"copy t from stdin\0");
    client.send(b'd', b"kittens\npuppies\n");
    client.send(b'c', b"");
    assert_eq!(client.answers(), "GC");
    let backup = format!("select * from helios_backup('{}')", path("backup"));
    assert_eq!(client.query(&backup), "TDC");
    drop(client);
    assert!(server.stop().0.success());
    let copy = collector.wait("COPY", |span| span["name"] == "COPY");
    assert_eq!(attribute(&copy, "helios.rows"), "2");
    let backup = collector.wait("backup", |span| span["name"] == "backup");
    assert!(attribute(&backup, "helios.scn").is_string());
    let select = collector.wait("SELECT", |span| {
        span["traceId"] == backup["traceId"] && span["kind"] == 2
    });
    assert_eq!(select["name"], "SELECT");
    assert!(!collector.text().contains("kittens"));
}

#[test]
fn the_last_spans_leave_before_the_server() {
    let collector = Collector::start();
    // They would leave in an hour.
    let later = ("OTEL_BSP_SCHEDULE_DELAY", "3600000");
    let server = Server::start(
        &[],
        &[later, ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)],
    );
    let mut client = server.connect();
    client.query("select 1");
    drop(client);
    assert!(collector.spans().is_empty());
    assert!(server.stop().0.success());
    let names: Vec<_> = collector
        .spans()
        .into_iter()
        .map(|span| span["name"].clone())
        .collect();
    assert!(
        names.contains(&"SELECT".into()) && names.contains(&"connection".into()),
        "{names:?}"
    );
}

/// Statements run on whatever becomes of their spans, which are counted.
fn goes_on_without_a_collector(url: &str) {
    let short = [
        SOON,
        ("OTEL_BSP_MAX_QUEUE_SIZE", "5"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2"),
    ];
    let server = Server::start(&["--otlp", url], &short);
    let mut client = server.connect();
    let late = Instant::now() + LONG;
    while server.counter("traces_dropped").unwrap() < 20 {
        assert!(Instant::now() < late, "nothing is dropped");
        assert_eq!(client.query("select 1"), "TDC");
    }
    assert_eq!(server.counter("traces_sent"), Some(0));
    drop(client);
    assert!(server.stop().0.success());
}

#[test]
fn a_collector_that_is_away_holds_nobody_up() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    goes_on_without_a_collector(&format!("http://{address}"));
}

#[test]
fn a_collector_that_never_answers_holds_nobody_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    goes_on_without_a_collector(&format!("http://{}", listener.local_addr().unwrap()));
}

#[test]
fn the_sampler_decides_unless_the_client_did() {
    let collector = Collector::start();
    let server = Server::start(
        &["--otlp", &collector.url],
        &[SOON, ("OTEL_TRACES_SAMPLER", "parentbased_always_off")],
    );
    let mut client = server.connect();
    client.query("select 1");
    client.query(&format!(
        "select 2, 2 /*traceparent='00-{TRACE}-{CALLER}-00'*/"
    ));
    client.query(&format!(
        "select 3, 3, 3 /*traceparent='00-{TRACE}-{CALLER}-01'*/"
    ));
    drop(client);
    assert!(server.stop().0.success());
    for span in collector.spans() {
        assert_eq!(span["traceId"], TRACE);
        assert_eq!(span["links"], Value::Null);
    }
    collector.wait("sampled", of_text("select $1, $2, $3"));
    assert!(!collector.spans().iter().any(of_text("select $1, $2")));
}

#[test]
fn the_log_knows_session_and_trace() {
    let collector = Collector::start();
    let server = Server::start(&["--otlp", &collector.url], &[SOON]);
    let mut client = server.connect();
    client.query("set log_min_duration_statement = 0; create branch dev; use branch dev");
    client.query("select count(*) from generate_series(1, 10)");
    client.send(b'?', b"");
    drop(client);
    let slow = collector.wait(
        "slow",
        of_text("select count(*) from generate_series($1, $2)"),
    );
    collector.wait("connection", |span| {
        span["name"] == "connection" && attribute(span, "error.type") == "08P01"
    });
    let (status, log) = server.stop();
    assert!(status.success());
    let lines: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let line = |wanted: &dyn Fn(&Value) -> bool| {
        let found = lines.iter().find(|line| wanted(line));
        found.unwrap_or_else(|| panic!("{log:#?}"))
    };
    let one = line(&|line| {
        line["message"] == "slow statement" && line["statement"].to_string().contains("count")
    });
    for (name, value) in [
        ("user", "helios"),
        ("database", "helios"),
        ("branch", "dev"),
    ] {
        assert_eq!(one[name], value);
    }
    assert!(one["session"].is_u64() && one["level"] == "INFO");
    assert_eq!(one["trace_id"], slow["traceId"]);
    let end = line(&|line| line["message"] == "connection ended");
    assert_eq!(
        (&end["sqlstate"], &end["user"]),
        (&"08P01".into(), &"helios".into())
    );
    line(&|line| line["message"] == "stopped");
}

#[test]
fn what_cannot_be_sent_is_refused_at_the_start() {
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    for (args, variables, said) in [
        (
            vec!["--otlp", "https://localhost"],
            vec![],
            "traces cannot be sent by https (0A000)",
        ),
        (
            vec!["--otlp", "http://localhost"],
            vec![grpc],
            "traces cannot be sent by \"grpc\" (0A000)",
        ),
        (
            vec!["--otlp", "localhost:4318"],
            vec![],
            "invalid value for --otlp: \"localhost:4318\" (22023)",
        ),
    ] {
        let output = command(&args, &variables).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(said), "{text}");
    }
    // Nothing of this counts while nobody asks for traces.
    let server = Server::start(&[], &[grpc]);
    server.connect().query("select 1");
    assert_eq!(server.counter("traces_dropped"), None);
    assert!(server.stop().0.success());
}
