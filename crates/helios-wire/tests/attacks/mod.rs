//! Attacks on the login: recorded messages, messages out of turn, guesses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use helios_wire::Authentication;
use heliosdb::Database;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::client::{Client, Message, TestServer};

const PASSWORD: &str = "right horse";

fn server() -> TestServer {
    let database = Database::open_in_memory().expect("database");
    let mut owner = database.connect().expect("connection");
    let password = format!("ALTER ROLE helios PASSWORD '{PASSWORD}'");
    owner.execute_batch(&password).expect("a password");
    TestServer::start_on(database, |options| {
        options.authentication = Authentication::Password;
    })
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// The proof of a password for a server's first message.
fn proof(password: &str, first_bare: &str, server_first: &str, without_proof: &str) -> String {
    let part = |name: &str| {
        let mut parts = server_first.split(',');
        parts
            .find_map(|part| part.strip_prefix(name))
            .expect("attribute")
            .to_owned()
    };
    let salt = BASE64.decode(part("s=")).expect("salt");
    let rounds: u32 = part("i=").parse().expect("iterations");
    let mut block = mac(password.as_bytes(), &[&salt[..], &[0, 0, 0, 1]].concat());
    let mut salted = block;
    for _ in 1..rounds {
        block = mac(password.as_bytes(), &block);
        salted
            .iter_mut()
            .zip(block)
            .for_each(|(byte, other)| *byte ^= other);
    }
    let mut client_key = mac(&salted, b"Client Key");
    let stored: [u8; 32] = Sha256::digest(client_key).into();
    let message = format!("{first_bare},{server_first},{without_proof}");
    let signature = mac(&stored, message.as_bytes());
    client_key
        .iter_mut()
        .zip(signature)
        .for_each(|(byte, other)| *byte ^= other);
    BASE64.encode(client_key)
}

const FIRST_BARE: &str = "n=,r=clientnonce";

/// Begins a login; gives the server's first message.
fn begin(server: &TestServer, user: &str) -> (Client, String) {
    let mut client = server.begin(&format!("user\0{user}\0database\0helios\0\0"));
    let asked = client.read();
    assert_eq!(asked.kind, b'R', "{:?}", asked.field(b'M'));
    let first = format!("n,,{FIRST_BARE}");
    let mut body = b"SCRAM-SHA-256\0".to_vec();
    body.extend((first.len() as u32).to_be_bytes());
    body.extend(first.as_bytes());
    client.send(b'p', &body);
    let answer = client.read();
    assert_eq!(answer.kind, b'R', "{:?}", answer.field(b'M'));
    let server_first = String::from_utf8(answer.body[4..].to_vec()).expect("text");
    (client, server_first)
}

fn last(password: &str, server_first: &str) -> String {
    let nonce = server_first.split(',').next().expect("nonce");
    let without_proof = format!("c=biws,{nonce}");
    let proof = proof(password, FIRST_BARE, server_first, &without_proof);
    format!("{without_proof},p={proof}")
}

/// Whether the server lets the client in; its error otherwise.
fn finish(client: &mut Client, last: &str) -> Result<(), Message> {
    client.send(b'p', last.as_bytes());
    let answer = client.read();
    match answer.kind {
        b'R' => Ok(()),
        _ => Err(answer),
    }
}

fn state(done: Result<(), Message>) -> Option<String> {
    done.err().and_then(|error| error.field(b'C'))
}

#[test]
fn a_recorded_login_is_worth_nothing() {
    let server = server();
    let (mut client, server_first) = begin(&server, "helios");
    let recorded = last(PASSWORD, &server_first);
    assert_eq!(
        state(finish(&mut client, &recorded)),
        None,
        "the right password"
    );
    // The same messages once more, with all that was sent.
    let (mut replayed, other) = begin(&server, "helios");
    assert_ne!(other, server_first, "a nonce is used once");
    assert_eq!(
        state(finish(&mut replayed, &recorded)).as_deref(),
        Some("08P01")
    );
    // The recorded proof under the new nonce.
    let (mut replayed, other) = begin(&server, "helios");
    let (_, proof) = recorded.split_once(",p=").expect("proof");
    let nonce = other.split(',').next().expect("nonce");
    let mixed = format!("c=biws,{nonce},p={proof}");
    assert_eq!(
        state(finish(&mut replayed, &mixed)).as_deref(),
        Some("28P01")
    );
    // A client that says the server offers no binding, where it would be a lie, and one with another binding.
    let (mut lying, other) = begin(&server, "helios");
    let nonce = other.split(',').next().expect("nonce");
    let without = format!("c=eSws,{nonce}");
    let forged = format!(
        "{without},p={}",
        self::proof(PASSWORD, FIRST_BARE, &other, &without)
    );
    assert_eq!(state(finish(&mut lying, &forged)).as_deref(), Some("08P01"));
}

#[test]
fn nothing_is_served_before_the_proof() {
    let server = server();
    for message in [
        &b"Q\0\0\0\x0dselect 1\0"[..],
        b"X\0\0\0\x04",
        b"S\0\0\0\x04",
        b"p\0\0\0\x08xxxx",
        b"d\0\0\0\x04",
    ] {
        let mut client = server.begin("user\0helios\0database\0helios\0\0");
        assert_eq!(client.read().kind, b'R');
        client.send_raw(message);
        for answer in client.answers() {
            assert_eq!(answer.kind, b'E', "{message:?}");
        }
        // After the first of the two steps, too.
        let (mut client, _) = begin(&server, "helios");
        client.send_raw(message);
        for answer in client.answers() {
            assert_eq!(answer.kind, b'E', "{message:?}");
        }
    }
}

#[test]
fn guesses_are_slowed_down_and_names_not_told() {
    let server = server();
    let mut told = Vec::new();
    for user in ["helios", "nobody"] {
        for _ in 0..3 {
            let (mut client, server_first) = begin(&server, user);
            assert!(server_first.ends_with("i=4096"), "{server_first}");
            let error = finish(&mut client, &last("wrong", &server_first)).expect_err("refused");
            let message = error.field(b'M').expect("message").replace(user, "?");
            told.push((error.field(b'C'), message));
        }
        // The next has to wait, whatever it would say.
        let mut client = server.begin(&format!("user\0{user}\0database\0helios\0\0"));
        let answer = client.read();
        assert_eq!(answer.field(b'C').as_deref(), Some("28000"));
        assert!(
            answer
                .field(b'H')
                .is_some_and(|hint| hint.contains("Try again"))
        );
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    // The salt of a name that nobody has is the same each time, as that of one that somebody has.
    let salt = |first: String| first.split(',').nth(1).map(str::to_owned);
    let (_one, first) = begin(&server, "stranger");
    let (_two, second) = begin(&server, "stranger");
    assert_eq!(salt(first), salt(second));
}
