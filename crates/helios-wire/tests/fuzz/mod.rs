//! Clients that send anything: the decoder alone, and conversations with a server. The same seed gives the same bytes.

use std::time::{Duration, Instant};

use helios_testkit::Rng;
use helios_wire::pg::{Frontend, Opening};

use crate::client::TestServer;

const STATEMENTS: &[&str] = &[
    "select 1",
    "select $1::int + 1",
    "select g, repeat('x', g) from generate_series(1, 50) g",
    "select 1 / 0",
    "insert into t values ($1)",
    "insert into t values (1) returning *",
    "update t set a = a + 1",
    "select * from t for update",
    "begin",
    "commit",
    "rollback",
    "savepoint s",
    "rollback to s",
    "copy t from stdin",
    "copy t to stdout",
    "copy t from stdin (format binary)",
    "declare c cursor for select * from t",
    "fetch 1 from c",
    "fetch 2 from a",
    "move all in b",
    "close a",
    "close all",
    "prepare p as select $1::text",
    "execute p('x')",
    "deallocate all",
    "discard all",
    "listen news",
    "notify news, 'x'",
    "set work_mem = '1MB'",
    "set local statement_timeout = 5",
    "select pg_sleep(0.002)",
    "lock table t",
    "create temp table if not exists mine (a int)",
    "explain select * from t",
    "show all",
    "use branch main",
    "select * from nowhere",
    "select ';",
    "",
    ";;",
    "begin; select 1; select 1/0; commit",
];
const NAMES: &[&str] = &["", "a", "b", "c"];

fn string(body: &mut Vec<u8>, text: &str) {
    body.extend(text.as_bytes());
    body.push(0);
}

fn word(rng: &mut Rng, words: &[&'static str]) -> &'static str {
    words[rng.usize(0..words.len())]
}

fn formats(rng: &mut Rng, body: &mut Vec<u8>) {
    let count = rng.u16(0..3);
    body.extend(count.to_be_bytes());
    for _ in 0..count {
        body.extend(rng.i16(-1..3).to_be_bytes());
    }
}

/// A message that is well formed, most of the time.
fn message(rng: &mut Rng) -> (u8, Vec<u8>) {
    let mut body = Vec::new();
    let kind = *rng.pick(b"QQQPPPBBBBDDEEEECHSSSdcfFp");
    match kind {
        b'Q' => string(&mut body, word(rng, STATEMENTS)),
        b'P' => {
            string(&mut body, word(rng, NAMES));
            string(&mut body, word(rng, STATEMENTS));
            let count = rng.u16(0..3);
            body.extend(count.to_be_bytes());
            for _ in 0..count {
                body.extend(rng.pick(&[0_u32, 23, 25, 17, 1700, 999_999]).to_be_bytes());
            }
        }
        b'B' => {
            string(&mut body, word(rng, NAMES));
            string(&mut body, word(rng, NAMES));
            formats(rng, &mut body);
            let count = rng.u16(0..3);
            body.extend(count.to_be_bytes());
            for _ in 0..count {
                let value = rng.bytes(6);
                match rng.u8(0..4) {
                    0 => body.extend((-1_i32).to_be_bytes()),
                    1 => {
                        body.extend(1_u32.to_be_bytes());
                        body.push(b'7');
                    }
                    _ => {
                        body.extend((value.len() as u32).to_be_bytes());
                        body.extend(value);
                    }
                }
            }
            formats(rng, &mut body);
        }
        b'D' | b'C' => {
            body.push(*rng.pick(b"SP"));
            string(&mut body, word(rng, NAMES));
        }
        b'E' => {
            string(&mut body, word(rng, NAMES));
            body.extend(rng.i32(-1..4).to_be_bytes());
        }
        b'd' => {
            body = rng
                .pick(&[&b"1\n"[..], b"x\n", b"\\.\n", b"PGCOPY\n\xff\r\n\0", b""])
                .to_vec()
        }
        b'f' => string(&mut body, "no more"),
        b'p' | b'F' => body = rng.bytes(20),
        _ => {}
    }
    (kind, body)
}

/// Changes some bytes, cuts the end off or adds one.
fn spoil(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..4) {
        match rng.u8(0..3) {
            0 if !bytes.is_empty() => {
                let at = rng.usize(0..bytes.len());
                bytes[at] = rng.u8(..);
            }
            1 => bytes.truncate(rng.usize(0..=bytes.len())),
            _ => bytes.extend(rng.bytes(8)),
        }
    }
}

fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 4;
    [&[kind], &length.to_be_bytes()[..], body].concat()
}

/// Decodes `count` messages and openings, many of them spoilt: every one is decoded or refused.
pub fn decoder(rng: &mut Rng, count: usize) {
    for _ in 0..count {
        let (mut kind, mut body) = message(rng);
        if rng.bool() {
            spoil(rng, &mut body);
        }
        if rng.one_in(20) {
            kind = rng.u8(..);
        }
        let _ = Frontend::decode(kind, &body);
        let mut opening = [
            &[0, 3, 0, rng.u8(0..4)][..],
            b"user\0helios\0options\0-c a=b\0\0",
        ]
        .concat();
        if rng.one_in(4) {
            opening = [80_877_102_u32.to_be_bytes().to_vec(), rng.bytes(40)].concat();
        }
        spoil(rng, &mut opening);
        let _ = Opening::decode(&opening);
    }
}

/// What one client sends after its opening, and whether it says good-bye or hangs up.
fn conversation(rng: &mut Rng) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    for _ in 0..rng.usize(1..25) {
        let (mut kind, mut body) = message(rng);
        if rng.one_in(12) {
            spoil(rng, &mut body);
        }
        if rng.one_in(200) {
            kind = rng.u8(..);
        }
        bytes.extend(frame(kind, &body));
    }
    if rng.one_in(20) {
        spoil(rng, &mut bytes);
    }
    if rng.one_in(4) {
        bytes.extend(frame(b'X', b""));
    }
    (bytes, rng.one_in(6))
}

/// Talks to a server for as long as `more` says: it answers or hangs up, stays up, and keeps no session of a client that is gone. Gives the number of conversations.
pub fn conversations(rng: &mut Rng, mut more: impl FnMut(usize) -> bool) -> usize {
    let server = TestServer::start();
    let mut good = server.connect();
    good.query("create table t (a int)");
    // A sleep that was spoilt into hours ends too.
    good.query("alter role helios set statement_timeout = '5s'");
    let mut rounds = 0;
    while more(rounds) {
        rounds += 1;
        let (bytes, vanishes) = conversation(rng);
        let mut client = server.connect();
        client.set_timeout(Duration::from_secs(30));
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(match rng.one_in(3) {
                true => rng.usize(1..=rest.len()),
                false => rest.len(),
            });
            client.send_raw(now);
            rest = later;
        }
        if vanishes {
            continue;
        }
        client.close_writing();
        let began = Instant::now();
        while let Some(answer) = client.try_read() {
            assert!(
                b"123CDEGHIKNRSTZAcdnst".contains(&answer.kind),
                "an answer of kind {}",
                answer.kind
            );
        }
        assert!(
            began.elapsed() < Duration::from_secs(29),
            "the server does not end it: {bytes:?}"
        );
        if rounds % 50 == 0 {
            alone(&mut good);
        }
    }
    alone(&mut good);
    rounds
}

/// Waits until nothing is left of other sessions: neither they themselves nor their locks.
fn alone(good: &mut crate::client::Client) {
    let left = "select (select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid())
                     + (select count(*) from pg_locks where pid <> pg_backend_pid())";
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answers = good.query(left);
        let row = answers
            .iter()
            .find(|answer| answer.kind == b'D')
            .unwrap_or_else(|| panic!("no row: {answers:?}"));
        let left = crate::client::row_texts(row);
        if left == [Some("0".to_owned())] {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "sessions or locks are left: {left:?}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
