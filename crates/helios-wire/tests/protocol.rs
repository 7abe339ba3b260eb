//! A server met byte by byte, as clients meet it.

mod attacks;
mod client;
mod columns;
mod encodings;
mod flow;
mod fuzz;
mod monitor;
mod roles;
mod tls;

use std::time::Duration;

use client::{Client, TestServer, query, row_texts};

#[test]
fn simple_queries_answer_in_order() {
    let server = TestServer::start();
    let mut client = server.connect();
    let answers = client.query("select 1 as one, null::text; create table t(id int primary key)");
    assert_eq!(kinds(&answers), "TDCCZ");
    assert_eq!(row_texts(&answers[1]), [Some("1".to_owned()), None]);
    assert_eq!(answers[4].body, b"I");
    // A script is one transaction: the error takes the first insert along.
    let answers = client.query("insert into t values (1); insert into t values (1)");
    assert_eq!(kinds(&answers), "CEZ");
    assert_eq!(answers[1].field(b'C').as_deref(), Some("23505"));
    assert_eq!(answers[1].field(b'n').as_deref(), Some("t_pkey"));
    let answers = client.query("select count(*) from t");
    assert_eq!(row_texts(&answers[1]), [Some("0".to_owned())]);
    assert_eq!(kinds(&client.query("")), "IZ");
    let answers = client.query("select * from nowhere");
    assert_eq!(answers[0].field(b'P').as_deref(), Some("15"));
}

#[test]
fn transaction_status_is_told() {
    let server = TestServer::start();
    let mut client = server.connect();
    let status = |answers: Vec<client::Message>| answers.last().expect("ready").body.clone();
    assert_eq!(status(client.query("begin")), b"T");
    assert_eq!(status(client.query("select 1/0")), b"E");
    assert_eq!(status(client.query("rollback")), b"I");
}

#[test]
fn pipelines_skip_to_their_end_after_an_error() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.query("create table t(id int primary key)");
    let insert = |client: &mut Client, value: &str| {
        client.parse("", "insert into t values ($1)", &[]);
        client.bind("", "", &[Some(value.as_bytes())]);
        client.execute("", 0);
    };
    insert(&mut client, "1");
    insert(&mut client, "1");
    insert(&mut client, "2");
    client.sync();
    assert_eq!(kinds(&client.answers()), "12C12EZ");
    // All of the pipeline was one transaction.
    let answers = client.query("select count(*) from t");
    assert_eq!(row_texts(&answers[1]), [Some("0".to_owned())]);
    insert(&mut client, "1");
    insert(&mut client, "2");
    client.sync();
    assert_eq!(kinds(&client.answers()), "12C12CZ");
    let answers = client.query("select count(*) from t");
    assert_eq!(row_texts(&answers[1]), [Some("2".to_owned())]);
}

#[test]
fn prepared_statements_are_listed_and_noticed_when_they_change() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.query("create table t(id int primary key); insert into t values (1)");
    client.query("prepare by_name as select 1");
    client.parse("all", "select * from t", &[]);
    client.sync();
    client.answers();
    let names = "select string_agg(name || ': ' || statement, '; ') from pg_prepared_statements";
    assert_eq!(
        row_texts(&client.query(names)[1]),
        [Some("all: select * from t; by_name: select 1".to_owned())]
    );
    let made = "select string_agg(from_sql::text || parameter_types::text || (prepare_time <= now())::text, '; ' \
         order by name) from pg_prepared_statements";
    assert_eq!(
        row_texts(&client.query(made)[1]),
        [Some("false{}true; true{}true".to_owned())]
    );
    client.query("deallocate by_name; alter table t add column n int");
    client.bind("", "all", &[]);
    client.execute("", 0);
    client.sync();
    let answers = client.answers();
    let error = answers.iter().find(|m| m.kind == b'E').expect("error");
    // By this drivers know that they should prepare it anew.
    assert_eq!(error.field(b'C').as_deref(), Some("0A000"));
    assert_eq!(error.field(b'R').as_deref(), Some("RevalidateCachedQuery"));
    client.query("discard all");
    assert_eq!(row_texts(&client.query(names)[1]), [None]);
}

#[test]
fn columns_are_those_of_the_moment_that_a_parameter_gives() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.query("create table t(id int primary key, n int); insert into t values (1, 2)");
    let then = client.query("select helios_current_scn()");
    let then = row_texts(&then[1])[0].clone().expect("a number");
    client.query("alter table t alter n type text; alter table t add column z int default 3");
    client.parse("s", "select * from t as of scn $1", &[20]);
    client.describe_statement("s");
    client.bind("", "s", &[Some(then.as_bytes())]);
    client.describe_portal("");
    client.execute("", 0);
    client.sync();
    let answers = client.answers();
    assert_eq!(kinds(&answers), "1tT2TDCZ");
    assert_eq!(answers[2].body[..2], [0, 3]);
    assert_eq!(answers[4].body[..2], [0, 2]);
    let row = row_texts(&answers[5]);
    assert_eq!(row, [Some("1".to_owned()), Some("2".to_owned())]);
    // Who knows the statement's columns only must prepare another one.
    client.bind("", "s", &[Some(then.as_bytes())]);
    client.execute("", 0);
    client.sync();
    let answers = client.answers();
    let error = answers.iter().find(|m| m.kind == b'E').expect("error");
    assert_eq!(error.field(b'C').as_deref(), Some("0A000"));
}

#[test]
fn portals_go_on_where_they_stopped() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.parse("s", "select g from generate_series(1, $1::int) g", &[23]);
    client.describe_statement("s");
    client.bind("p", "s", &[Some(b"5")]);
    client.execute("p", 2);
    client.execute("p", 2);
    client.execute("p", 2);
    client.sync();
    let answers = client.answers();
    assert_eq!(kinds(&answers), "1tT2DDsDDsDCZ");
    assert_eq!(answers[11].body, b"SELECT 5\0");
    // Outside of a block, the portal ended with the pipeline.
    client.execute("p", 0);
    client.sync();
    let answers = client.answers();
    assert_eq!(answers[0].field(b'C').as_deref(), Some("34000"));
}

#[test]
fn copy_flows_both_ways_and_can_fail() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.query("create table t(id int primary key, v text)");
    client.send(b'Q', b"copy t from stdin\0");
    assert_eq!(client.read().kind, b'G');
    client.send(b'd', b"1\tone\n2\t");
    client.send(b'd', b"two\n");
    client.send(b'c', b"");
    assert_eq!(kinds(&client.answers()), "CZ");
    client.send(b'Q', b"copy t to stdout\0");
    let answers = client.answers();
    assert_eq!(kinds(&answers), "HddcCZ");
    assert_eq!(answers[2].body, b"2\ttwo\n");
    client.send(b'Q', b"copy t from stdin\0");
    assert_eq!(client.read().kind, b'G');
    client.send(b'd', b"3\tthree\n");
    client.send(b'f', b"changed my mind\0");
    let answers = client.answers();
    assert_eq!(answers[0].field(b'C').as_deref(), Some("57014"));
    // A bad line ends it early; what the client still sends is not taken for messages.
    client.send(b'Q', b"copy t from stdin\0");
    assert_eq!(client.read().kind, b'G');
    for _ in 0..10 {
        client.send(b'd', b"x\ty\n");
    }
    client.send(b'c', b"");
    assert_eq!(kinds(&client.answers()), "EZ");
    let answers = client.query("select count(*) from t");
    assert_eq!(row_texts(&answers[1]), [Some("2".to_owned())]);
}

#[test]
fn a_statement_can_be_cancelled_with_its_key_only() {
    let server = TestServer::start();
    let mut client = server.connect();
    let (process, secret) = client.key.clone().expect("key");
    assert_eq!(secret.len(), 4);
    client.send(
        b'Q',
        b"select count(*) from generate_series(1, 100000000) a, generate_series(1, 1000) b\0",
    );
    server.cancel(process, &[!secret[0], secret[1], secret[2], secret[3]]);
    server.cancel(process, &secret[..3]);
    server.cancel(process, b"");
    client.set_timeout(Duration::from_millis(200));
    assert!(client.try_read().is_none(), "a wrong key does nothing");
    client.set_timeout(Duration::from_secs(60));
    server.cancel(process, &secret);
    let answers = client.answers();
    let error = answers.iter().find(|m| m.kind == b'E').expect("error");
    assert_eq!(error.field(b'C').as_deref(), Some("57014"));
    assert_eq!(kinds(&client.query("select 1")), "TDCZ");
}

#[test]
fn newer_clients_get_longer_keys_and_are_told_what_is_spoken() {
    let server = TestServer::start();
    let parameters = "user\0helios\0\0";
    for (minor, length, negotiates) in [(0, 4, false), (1, 4, false), (2, 32, false), (9, 32, true)]
    {
        let opened = server.connect_by([0, 3, 0, minor], parameters);
        let mut client = opened.expect("connected");
        let (process, secret) = client.key.clone().expect("key");
        assert_eq!(secret.len(), length, "3.{minor}");
        let told = negotiates.then(|| vec![0, 3, 0, 2, 0, 0, 0, 0]);
        assert_eq!(client.negotiated, told, "3.{minor}");
        client.send(b'Q', b"select pg_sleep(60)\0");
        std::thread::sleep(Duration::from_millis(50));
        server.cancel(process, &secret);
        let answers = client.answers();
        let error = answers.iter().find(|m| m.kind == b'E').expect("error");
        assert_eq!(error.field(b'C').as_deref(), Some("57014"));
    }
    let opened = server
        .try_connect("user\0helios\0_pq_.what\0ever\0\0")
        .expect("connected");
    let told = [&[0, 3, 0, 0, 0, 0, 0, 1][..], b"_pq_.what\0"].concat();
    assert_eq!(opened.negotiated, Some(told));
}

#[test]
fn portals_can_be_moved_and_fetched_by_name() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.query("begin");
    client.parse("", "select g from generate_series(1, 10) g", &[]);
    client.bind("Odd name", "", &[]);
    client.execute("Odd name", 1);
    client.sync();
    assert_eq!(kinds(&client.answers()), "12DsZ");
    let tag = |answers: &[client::Message]| {
        let done = answers.iter().find(|m| m.kind == b'C').expect("tag");
        String::from_utf8_lossy(&done.body)
            .trim_end_matches('\0')
            .to_owned()
    };
    assert_eq!(tag(&client.query("MOVE FORWARD 3 \"Odd name\"")), "MOVE 3");
    let answers = client.query("FETCH 2 FROM \"Odd name\"");
    assert_eq!(
        (kinds(&answers).as_str(), tag(&answers)),
        ("TDDCZ", "FETCH 2".to_owned())
    );
    assert_eq!(row_texts(&answers[1]), [Some("5".to_owned())]);
    client.execute("Odd name", 1);
    client.sync();
    assert_eq!(row_texts(&client.answers()[0]), [Some("7".to_owned())]);
    // Only onward, as PostgreSQL's portals without SCROLL.
    client.query("savepoint s");
    let answers = client.query("MOVE BACKWARD 1 \"Odd name\"");
    assert_eq!(answers[0].field(b'C').as_deref(), Some("55000"));
    client.query("rollback to s");
    client.bind("other", "", &[]);
    client.sync();
    client.answers();
    assert_eq!(tag(&client.query("MOVE ALL other")), "MOVE 10");
    assert_eq!(tag(&client.query("FETCH NEXT other")), "FETCH 0");
    assert_eq!(tag(&client.query("CLOSE other")), "CLOSE CURSOR");
    let answers = client.query("FETCH 1 other");
    assert_eq!(answers[0].field(b'C').as_deref(), Some("34000"));
    client.query("rollback");
    let answers = client.query("FETCH 1 \"Odd name\"");
    assert_eq!(answers[0].field(b'C').as_deref(), Some("34000"));
}

#[test]
fn a_client_that_vanishes_rolls_back() {
    let server = TestServer::start();
    let mut first = server.connect();
    first.query("create table t(id int primary key)");
    first.query("begin; insert into t values (1)");
    drop(first);
    let mut second = server.connect();
    // Waits for the first one's lock, which goes with its connection.
    let answers = second.query("insert into t values (1)");
    assert_eq!(kinds(&answers), "CZ");
}

#[test]
fn hostile_bytes_end_one_connection_and_no_more() {
    let server = TestServer::start();
    let mut good = server.connect();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for round in 0..300 {
        let mut client = server.connect();
        client.set_timeout(Duration::from_secs(20));
        let mut bytes = Vec::new();
        for _ in 0..random() % 4 + 1 {
            let kind = b"QPBDECHSdcfpFX\x00\xff"[random() as usize % 16];
            let mut body = match random() % 3 {
                0 => b"\0s\0\0\x01\0\x01\0\x02\0\0\0\x02hi\xff\xff\xff\xff\0\0".to_vec(),
                1 => b"\0select $1\0\0\x01\0\0\0\x17".to_vec(),
                _ => (0..random() % 40).map(|_| random() as u8).collect(),
            };
            if round % 2 == 0 && !body.is_empty() {
                let at = random() as usize % body.len();
                body[at] = random() as u8;
            }
            let length = match random() % 8 {
                0 => random() as u32,
                _ => body.len() as u32 + 4,
            };
            bytes.push(kind);
            bytes.extend(length.to_be_bytes());
            bytes.extend(body);
        }
        client.send_raw(&bytes);
        client.close_writing();
        // Whatever it answers, it ends.
        while client.try_read().is_some() {}
    }
    assert_eq!(kinds(&good.query("select 1")), "TDCZ");
}

#[test]
fn openings_are_checked() {
    let server = TestServer::start();
    assert_eq!(server.open(&[0, 2, 0, 0]).expect("answer").kind, b'E');
    let refused = |parameters: &str| {
        let answers = server.try_connect(parameters).expect_err("refused");
        answers.field(b'C').expect("state")
    };
    assert_eq!(refused("user\0helios\0database\0nope\0\0"), "3D000");
    assert_eq!(refused("user\0helios\0replication\0true\0\0"), "0A000");
    assert_eq!(refused("user\0helios\0no_such_setting\0on\0\0"), "42704");
    assert_eq!(
        refused("user\0helios\0database\0helios@nowhere\0\0"),
        "42704"
    );
    assert_eq!(refused("database\0helios\0\0"), "28000");
    let mut client = server
        .try_connect("user\0helios\0client_encoding\0'utf-8'\0options\0-c work_mem=8MB -c search_path=a,b\0\0")
        .expect("connected");
    let answers = client.query("show work_mem");
    assert_eq!(row_texts(&answers[1]), [Some("8MB".to_owned())]);
}

#[test]
fn a_branch_can_be_part_of_the_database_name() {
    let server = TestServer::start();
    let mut client = server.connect();
    client.query("create table t(id int primary key)");
    query(
        &mut client,
        "create database branch dev from main as of now",
    );
    let mut dev = server
        .try_connect("user\0helios\0database\0helios@dev\0\0")
        .expect("connected");
    dev.query("insert into t values (1)");
    let count = "select count(*) from t";
    assert_eq!(row_texts(&dev.query(count)[1]), [Some("1".to_owned())]);
    assert_eq!(row_texts(&client.query(count)[1]), [Some("0".to_owned())]);
}

#[test]
fn the_database_is_called_as_the_client_called_it() {
    let names = ["helios", "postgres"].map(str::to_owned);
    let server = TestServer::start_with(|options| options.databases = names.to_vec());
    let sql = "select current_database(), current_catalog, (select string_agg(datname, ',') from pg_database),
               (select string_agg(distinct datname, ',') from pg_stat_activity),
               (select catalog_name from information_schema.information_schema_catalog_name),
               (select string_agg(distinct table_catalog, ',') from information_schema.tables),
               pg_database_size(current_database()) > 0,
               has_database_privilege(current_database(), 'connect')";
    for (asked, name) in [
        ("helios", "helios"),
        ("postgres", "postgres"),
        ("helios@main", "helios"),
    ] {
        let opened = server.try_connect(&format!("user\0helios\0database\0{asked}\0\0"));
        let mut client = opened.expect("connected");
        let row = row_texts(&query(&mut client, sql)[1]);
        assert_eq!(row[..6], vec![Some(name.to_owned()); 6], "{asked}");
        assert_eq!(row[6..], vec![Some("t".to_owned()); 2], "{asked}");
        query(
            &mut client,
            &format!("grant connect on database {name} to public"),
        );
    }
    let unknown = server.try_connect("user\0helios\0database\0nope\0\0");
    let error = unknown.expect_err("refused");
    assert_eq!(
        error.field(b'M').as_deref(),
        Some("database \"nope\" does not exist")
    );
}

fn kinds(messages: &[client::Message]) -> String {
    messages
        .iter()
        .filter(|message| !matches!(message.kind, b'S' | b'N'))
        .map(|message| char::from(message.kind))
        .collect()
}

#[test]
fn anything_may_come() {
    let mut rng = helios_testkit::Rng::new();
    fuzz::decoder(&mut rng, 20_000);
    assert_eq!(fuzz::conversations(&mut rng, |rounds| rounds < 100), 100);
}
