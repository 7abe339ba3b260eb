//! Encrypted connections. `*.pem` are a certificate for `localhost` and the authority that signed
//! it, made for these tests alone and valid for a hundred years.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use helios_wire::{Tls, TlsFiles};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::TestServer;

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name)
}

fn files() -> TlsFiles {
    TlsFiles {
        certificate: file("certificate.pem"),
        key: file("key.pem"),
    }
}

fn server(require_tls: bool) -> TestServer {
    TestServer::start_with(|options| {
        options.tls = Some(Arc::new(Tls::open(files()).expect("certificate")));
        options.require_tls = require_tls;
    })
}

/// Asks for encryption; the server's byte.
fn ask(server: &TestServer, more: &[u8]) -> (TcpStream, u8) {
    let mut stream = server.stream();
    stream
        .write_all(&[&SSL_REQUEST, more].concat())
        .expect("send");
    let mut answer = [0];
    stream.read_exact(&mut answer).expect("answer");
    (stream, answer[0])
}

fn encrypted(stream: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(file("authority.pem")).expect("authority");
    roots.add(authority).expect("authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("client");
    StreamOwned::new(connection, stream)
}

/// Sends a startup packet; the kind of the first answer, and its bytes.
fn start(stream: &mut (impl Read + Write)) -> (u8, Vec<u8>) {
    let body = b"\0\x03\0\0user\0helios\0\0";
    let length = u32::try_from(body.len() + 4).expect("short");
    stream
        .write_all(&[&length.to_be_bytes()[..], body].concat())
        .expect("send");
    let mut header = [0; 5];
    stream.read_exact(&mut header).expect("header");
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
    let mut rest = vec![0; length as usize - 4];
    stream.read_exact(&mut rest).expect("body");
    (header[0], rest)
}

#[test]
fn encrypted_sessions_are_sessions() {
    let server = server(true);
    let (stream, answer) = ask(&server, b"");
    assert_eq!(answer, b'S');
    let mut stream = encrypted(stream);
    let (kind, _) = start(&mut stream);
    assert_eq!(kind, b'R');
    // A large answer comes whole.
    let sql = b"select repeat('x', 3000000)\0";
    let length = u32::try_from(sql.len() + 4).expect("short");
    let message = [&b"Q"[..], &length.to_be_bytes(), sql].concat();
    stream.write_all(&message).expect("send");
    let (mut total, mut buffer) = (0, vec![0; 1 << 16]);
    while total < 3_000_000 {
        let read = stream.read(&mut buffer).expect("read");
        assert!(read > 0);
        total += read;
    }
}

#[test]
fn what_was_sent_in_the_clear_does_not_count() {
    let server = server(false);
    // Somebody in between adds a statement before the encryption begins.
    let (mut stream, answer) = ask(&server, b"\0\0\0\x16\0\x03\0\0user\0mallory\0\0");
    assert_eq!(answer, b'S');
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    let text = String::from_utf8_lossy(&rest);
    assert!(text.contains("unencrypted data"), "{text}");
}

#[test]
fn clear_connections_are_refused_where_encryption_is_a_must() {
    let must = server(true);
    let (kind, body) = start(&mut must.stream());
    assert_eq!(kind, b'E');
    assert!(String::from_utf8_lossy(&body).contains("28000"));
    let may = server(false);
    assert_eq!(start(&mut may.stream()).0, b'R');
    // A server without certificate says so and goes on.
    let plain = TestServer::start();
    let (mut stream, answer) = ask(&plain, b"");
    assert_eq!(answer, b'N');
    assert_eq!(start(&mut stream).0, b'R');
}

#[test]
fn garbage_in_place_of_a_handshake_ends_the_connection() {
    let server = server(false);
    for garbage in [
        &b"hello"[..],
        &[0x16, 3, 1, 0xff, 0xff],
        &[0; 300],
        &[0xff; 20_000],
    ] {
        let (mut stream, _) = ask(&server, b"");
        let _ = stream.write_all(garbage);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        // However it ends, it ends.
        let _ = stream.read_to_end(&mut rest);
    }
    assert_eq!(start(&mut server.stream()).0, b'R');
}

#[test]
fn files_that_do_not_fit_are_refused() {
    let wrong = |certificate: &str, key: &str| {
        Tls::open(TlsFiles {
            certificate: file(certificate),
            key: file(key),
        })
        .is_err()
    };
    assert!(wrong("nothing.pem", "key.pem"));
    assert!(wrong("certificate.pem", "certificate.pem"));
    assert!(wrong("key.pem", "key.pem"));
    assert!(wrong("authority.pem", "key.pem"));
}
