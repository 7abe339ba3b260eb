//! Roles over the wire: what sessions start with, who a client can pass for, and what the audit log has of it.

use crate::client::{Client, TestServer, row_texts};

fn value(client: &mut Client, sql: &str) -> Option<String> {
    let answers = client.query(sql);
    let row = answers.iter().find(|message| message.kind == b'D');
    row.and_then(|row| row_texts(row).remove(0))
}

/// The SQLSTATE of a statement's error.
fn state(client: &mut Client, sql: &str) -> Option<String> {
    let answers = client.query(sql);
    let error = answers.iter().find(|message| message.kind == b'E');
    error.and_then(|error| error.field(b'C'))
}

fn server() -> (TestServer, Client) {
    let server = TestServer::start();
    let mut helios = server.connect();
    for sql in [
        "create role alice login",
        "create role bob login",
        "create role readers",
        "grant readers to alice",
    ] {
        assert_eq!(state(&mut helios, sql), None, "{sql}");
    }
    (server, helios)
}

#[test]
fn nobody_starts_as_somebody_else() {
    let (server, mut helios) = server();
    // A policy asks who one is: a false name would do as a privilege does.
    for sql in [
        "create table letter (reader text, body text)",
        "insert into letter values ('alice', 'a'), ('bob', 'b')",
        "grant select on letter to public",
        "alter table letter enable row level security",
        "create policy own on letter using (reader = current_user)",
    ] {
        assert_eq!(state(&mut helios, sql), None, "{sql}");
    }
    let refused = |parameters: &str| {
        let answer = server.try_connect(parameters).err();
        answer.and_then(|answer| answer.field(b'C'))
    };
    for role in ["helios", "bob"] {
        for setting in ["role", "session_authorization", "ROLE"] {
            let options =
                format!("user\0alice\0database\0helios\0options\0-c {setting}={role}\0\0");
            assert_eq!(
                refused(&options).as_deref(),
                Some("42501"),
                "{setting} {role}"
            );
            let own = format!("user\0alice\0database\0helios\0{setting}\0{role}\0\0");
            assert_eq!(refused(&own).as_deref(), Some("42501"), "{setting} {role}");
        }
    }
    let parameters = "user\0alice\0database\0helios\0options\0-c role=readers\0\0";
    let mut alice = server.try_connect(parameters).expect("a role of her own");
    assert_eq!(
        value(&mut alice, "select current_user").as_deref(),
        Some("readers")
    );
    let mut alice = server
        .try_connect("user\0alice\0database\0helios\0\0")
        .expect("connected");
    assert_eq!(
        value(&mut alice, "select string_agg(body, '') from letter").as_deref(),
        Some("a")
    );
    for sql in [
        "set role bob",
        "set session authorization bob",
        "select set_config('role', 'bob', false)",
        "alter role alice set role to bob",
        "alter role alice superuser",
        "alter role bob set work_mem = '1MB'",
        "alter role alice set audit = 'none'",
        "set audit = 'none'",
        "select * from helios_audit_log()",
    ] {
        assert!(state(&mut alice, sql).is_some(), "{sql}");
    }
    assert_eq!(
        value(&mut alice, "select string_agg(body, '') from letter").as_deref(),
        Some("a")
    );
}

#[test]
fn sessions_start_with_the_settings_of_their_role() {
    let (server, mut helios) = server();
    for sql in [
        "alter role alice set statement_timeout = '50ms'",
        "alter role alice set search_path = \"My schema\", public",
        "alter user alice set app.tenant to 'seven'",
        "alter role alice set datestyle = 'german'",
        "alter role alice reset datestyle",
    ] {
        assert_eq!(state(&mut helios, sql), None, "{sql}");
    }
    assert_eq!(
        state(&mut helios, "alter role alice set no_such = 1").as_deref(),
        Some("42704")
    );
    assert_eq!(
        state(&mut helios, "alter role alice set work_mem = 'much'").as_deref(),
        Some("22023")
    );
    assert_eq!(
        value(
            &mut helios,
            "select array_to_string(rolconfig, '; ') from pg_roles where rolname = 'alice'"
        )
        .as_deref(),
        Some("app.tenant=seven; search_path=\"My schema\", public; statement_timeout=50ms")
    );
    let connect = |parameters: &str| {
        let all = format!("user\0alice\0database\0helios\0{parameters}\0");
        server.try_connect(&all).expect("connected")
    };
    let mut alice = connect("");
    assert_eq!(
        value(&mut alice, "show search_path").as_deref(),
        Some("\"My schema\", public")
    );
    assert_eq!(
        value(&mut alice, "show app.tenant").as_deref(),
        Some("seven")
    );
    assert_eq!(
        state(&mut alice, "select pg_sleep(10)").as_deref(),
        Some("57014")
    );
    // What the client asks for counts more, and RESET goes back to what the session began with.
    let mut alice = connect("options\0-c statement_timeout=0\0");
    assert_eq!(
        value(&mut alice, "show statement_timeout").as_deref(),
        Some("0")
    );
    let mut alice = connect("");
    alice.query("set statement_timeout = 0");
    alice.query("discard all");
    assert_eq!(
        value(&mut alice, "show statement_timeout").as_deref(),
        Some("50ms")
    );
    // Her own settings everybody may choose.
    assert_eq!(
        state(
            &mut alice,
            "alter role alice set statement_timeout = '1min'"
        ),
        None
    );
    assert_eq!(state(&mut alice, "alter role current_user reset all"), None);
    assert_eq!(
        value(&mut connect(""), "show statement_timeout").as_deref(),
        Some("0")
    );
}

#[test]
fn the_audit_log_knows_who_came_and_what_was_refused() {
    let (server, mut helios) = server();
    for sql in [
        "create table secret (id int primary key)",
        "set audit = 'login'",
        "alter role alice set audit = 'read'",
    ] {
        assert_eq!(state(&mut helios, sql), None, "{sql}");
    }
    assert!(
        server
            .try_connect("user\0nobody\0database\0helios\0\0")
            .is_err()
    );
    let mut alice = server
        .try_connect("user\0alice\0database\0helios\0\0")
        .expect("connected");
    let mut bob = server
        .try_connect("user\0bob\0database\0helios\0\0")
        .expect("connected");
    for client in [&mut alice, &mut bob] {
        assert_eq!(
            state(client, "select * from secret").as_deref(),
            Some("42501")
        );
        client.parse("", "select * from secret where id = $1", &[]);
        client.sync();
        client.answers();
    }
    let sql = "select string_agg(concat_ws(' ', class, user_name, outcome, statement), '; ' order by line) \
               from helios_audit_log() where line > 2";
    assert_eq!(
        value(&mut helios, sql).as_deref(),
        Some(
            "login nobody 28000 ; login alice ok ; login bob ok ; read alice 42501 select * from secret; \
             read alice 42501 select * from secret where id = $1"
        )
    );
    let sql = "select count(*)::text from helios_audit_log() where client like '127.0.0.1:%'";
    assert_eq!(value(&mut helios, sql).as_deref(), Some("7"));
}

#[test]
fn limits_hold_whatever_the_session_says() {
    let (server, mut helios) = server();
    for sql in [
        "alter role alice set result_rows_limit = 10",
        "alter role alice set statement_timeout_limit = '100ms'",
        "alter role alice set work_mem_limit = '1MB'",
        "alter role bob set idle_session_timeout = '100ms'",
        "create role carol login connection limit 1",
    ] {
        assert_eq!(state(&mut helios, sql), None, "{sql}");
    }
    let parameters = "user\0alice\0database\0helios\0\0";
    let mut alice = server.try_connect(parameters).expect("connected");
    let too_many = "select * from generate_series(1, 11)";
    for before in [
        "",
        "reset all",
        "discard all",
        "reset result_rows_limit",
        "set statement_timeout = 0",
    ] {
        assert_eq!(state(&mut alice, before), None, "{before}");
        assert_eq!(
            state(&mut alice, too_many).as_deref(),
            Some("54000"),
            "{before}"
        );
        assert_eq!(
            state(&mut alice, "select pg_sleep(20)").as_deref(),
            Some("57014"),
            "{before}"
        );
        assert_eq!(
            state(&mut alice, "select * from generate_series(1, 10)"),
            None
        );
    }
    assert_eq!(
        state(
            &mut alice,
            "copy (select * from generate_series(1, 11)) to stdout"
        )
        .as_deref(),
        Some("54000")
    );
    assert_eq!(
        state(&mut alice, "select count(*) from generate_series(1, 1000)"),
        None
    );
    alice.parse("", too_many, &[]);
    alice.bind("", "", &[]);
    alice.execute("", 0);
    alice.sync();
    assert!(
        alice
            .answers()
            .iter()
            .any(|answer| answer.field(b'C').as_deref() == Some("54000"))
    );
    for sql in [
        "set result_rows_limit = 0",
        "set statement_timeout_limit = 0",
        "set work_mem_limit = '1GB'",
        "select set_config('result_rows_limit', '0', false)",
        "alter role alice set result_rows_limit = 0",
        "alter role alice reset result_rows_limit",
        "alter role alice reset all",
        "begin; set local result_rows_limit = 0",
    ] {
        assert_eq!(state(&mut alice, sql).as_deref(), Some("42501"), "{sql}");
        state(&mut alice, "rollback");
    }
    let options = "user\0alice\0database\0helios\0options\0-c result_rows_limit=0\0\0";
    let error = server.try_connect(options).expect_err("refused");
    assert_eq!(error.field(b'C').as_deref(), Some("42501"));
    // Whoever is silent for too long is told and let go.
    let mut bob = server
        .try_connect("user\0bob\0database\0helios\0\0")
        .expect("connected");
    assert_eq!(state(&mut bob, "begin; select 1; commit"), None);
    let told = bob.try_read().expect("a last word");
    assert_eq!(told.field(b'C').as_deref(), Some("57P05"));
    assert!(bob.try_read().is_none());
    let sql = "alter role bob set idle_in_transaction_session_timeout = '100ms'";
    assert_eq!(state(&mut helios, sql), None);
    let mut bob = server
        .try_connect("user\0bob\0database\0helios\0\0")
        .expect("connected");
    assert_eq!(state(&mut bob, "begin; select 1"), None);
    let told = bob.try_read().expect("a last word");
    assert_eq!(told.field(b'C').as_deref(), Some("25P03"));
    assert!(bob.try_read().is_none());
    let one = server
        .try_connect("user\0carol\0database\0helios\0\0")
        .expect("connected");
    let error = server
        .try_connect("user\0carol\0database\0helios\0\0")
        .expect_err("refused");
    assert_eq!(error.field(b'C').as_deref(), Some("53300"));
    drop(one);
}

#[test]
fn passwords_are_as_the_policy_wants_them() {
    let (_server, mut helios) = server();
    assert_eq!(
        state(&mut helios, "create role free login password 'x'"),
        None
    );
    for (sql, wanted) in [
        ("set password_min_length = -1", Some("22023")),
        ("set password_lifetime = 'soon'", Some("22023")),
        ("set password_min_length = 10", None),
        ("set password_lifetime = '90 days'", None),
        ("create role short login password 'x'", Some("22023")),
        ("alter role alice password 'ninechars'", Some("22023")),
        (
            "alter role alice password 'my name is Alice'",
            Some("22023"),
        ),
        ("alter role alice password 'long and good'", None),
        (
            "alter role bob password 'long and good' valid until '2099-01-01'",
            None,
        ),
    ] {
        assert_eq!(state(&mut helios, sql).as_deref(), wanted, "{sql}");
    }
    let ends = "select string_agg(rolname || ':' || case when rolvaliduntil between now() + interval '89 days' and now() + interval '91 days'
                then 'soon' else rolvaliduntil::date::text end, ' ' order by rolname) from pg_roles where rolname in ('alice', 'bob', 'free')";
    assert_eq!(
        value(&mut helios, ends).as_deref(),
        Some("alice:soon bob:2099-01-01")
    );
    assert_eq!(state(&mut helios, "set session authorization alice"), None);
    let verifier = format!(
        "alter role alice password 'SCRAM-SHA-256$4096:c2FsdA==${0}:{0}'",
        "A".repeat(43) + "="
    );
    assert_eq!(state(&mut helios, &verifier).as_deref(), Some("22023"));
    assert_eq!(
        state(&mut helios, "set password_min_length = 0").as_deref(),
        Some("42501")
    );
    assert_eq!(
        state(&mut helios, "alter role alice valid until 'infinity'").as_deref(),
        Some("42501")
    );
}

#[test]
fn parameters_are_of_types_that_users_made() {
    let (_server, mut helios) = server();
    assert_eq!(
        state(&mut helios, "create type mood as enum ('sad', 'glad')"),
        None
    );
    for (sql, given, answer) in [
        (
            "select oid::text from pg_type where typname = 'mood'",
            "glad",
            "glad",
        ),
        (
            "select typarray::text from pg_type where typname = 'mood'",
            "{sad}",
            "{sad}",
        ),
    ] {
        let oid = value(&mut helios, sql)
            .and_then(|oid| oid.parse().ok())
            .expect("a number");
        helios.parse("", "select $1", &[oid]);
        helios.send(
            b'B',
            &[
                b"\0\0\0\0\0\x01".as_slice(),
                &(given.len() as u32).to_be_bytes(),
                given.as_bytes(),
                b"\0\0",
            ]
            .concat(),
        );
        helios.execute("", 0);
        helios.sync();
        let answers = helios.answers();
        let row = answers
            .iter()
            .find(|message| message.kind == b'D')
            .expect("a row");
        assert_eq!(row_texts(row), [Some(answer.to_owned())]);
    }
    // One that nobody made.
    helios.parse("", "select $1", &[4_000_000_000]);
    helios.sync();
    let refused = helios
        .answers()
        .iter()
        .any(|answer| answer.field(b'C').as_deref() == Some("42704"));
    assert!(refused);
}

#[test]
fn owners_comment_and_name_their_schema() {
    let (server, mut helios) = server();
    assert_eq!(
        state(
            &mut helios,
            "create schema shop; grant usage, create on schema shop to alice"
        ),
        None
    );
    let mut alice = server
        .try_connect("user\0alice\0database\0helios\0\0")
        .expect("connected");
    let mut bob = server
        .try_connect("user\0bob\0database\0helios\0\0")
        .expect("connected");
    for sql in [
        "create table shop.item (a int, check (shop.item.a > 0))",
        "comment on table shop.item is 'mine'",
        "comment on column shop.item.a is 'mine'",
        "insert into shop.item values (1)",
    ] {
        assert_eq!(state(&mut alice, sql), None, "{sql}");
    }
    assert_eq!(
        state(&mut alice, "insert into shop.item values (0)").as_deref(),
        Some("23514")
    );
    for sql in [
        "comment on table shop.item is 'his'",
        "comment on schema shop is 'his'",
    ] {
        assert_eq!(state(&mut bob, sql).as_deref(), Some("42501"), "{sql}");
    }
}
