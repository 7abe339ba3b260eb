//! Reading a request: its first line counts, its headers are passed over.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::Instant;

/// Bytes of a request.
const LENGTH_MAX: usize = 8 << 10;

/// What a client wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// What is at a path; without its `body` if only asked about.
    Get {
        path: String,
        body: bool,
    },
    /// Another method.
    Method,
    /// Something else than HTTP/1.
    Malformed,
    TooLong,
    /// It said nothing in time.
    Gone,
}

/// Reads a request that ends before the deadline.
pub(super) fn read(stream: &mut TcpStream, deadline: Instant) -> Request {
    let mut head = Vec::with_capacity(512);
    let mut piece = [0; 1024];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return Request::Gone;
        }
        match stream.read(&mut piece) {
            Ok(0) => return Request::Gone,
            Ok(got) => head.extend_from_slice(piece.get(..got).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Request::Gone,
        }
        if is_whole(&head) {
            return decode(&head);
        }
        if head.len() > LENGTH_MAX {
            return Request::TooLong;
        }
    }
}

/// Whether the empty line after the headers is there.
fn is_whole(head: &[u8]) -> bool {
    head.windows(4).any(|end| end == b"\r\n\r\n") || head.windows(2).any(|end| end == b"\n\n")
}

fn decode(head: &[u8]) -> Request {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Ok(line) = std::str::from_utf8(line) else {
        return Request::Malformed;
    };
    let mut words = line.trim_end_matches('\r').split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Request::Malformed;
    };
    if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return Request::Malformed;
    }
    let path = target.split('?').next().unwrap_or_default().to_owned();
    match method {
        "GET" => Request::Get { path, body: true },
        "HEAD" => Request::Get { path, body: false },
        _ => Request::Method,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_lines() {
        let get = |path: &str, body| Request::Get {
            path: path.to_owned(),
            body,
        };
        for (head, request) in [
            (
                &b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"[..],
                get("/metrics", true),
            ),
            (b"HEAD /ready?x=1 HTTP/1.0\n\n", get("/ready", false)),
            (b"POST /metrics HTTP/1.1\r\n\r\n", Request::Method),
            (b"GET metrics HTTP/1.1\r\n\r\n", Request::Malformed),
            (b"GET / HTTP/2\r\n\r\n", Request::Malformed),
            (b"GET  / HTTP/1.1\r\n\r\n", Request::Malformed),
            (b"\xff\xfe / HTTP/1.1\r\n\r\n", Request::Malformed),
            (b"\r\n\r\n", Request::Malformed),
        ] {
            assert!(is_whole(head));
            assert_eq!(decode(head), request, "{head:?}");
        }
        assert!(!is_whole(b"GET / HTTP/1.1\r\nHost: a\r\n"));
    }
}
