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
