//! Posting something by HTTP/1.1, once per connection and until a deadline, whatever the other side does.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use heliosdb::Error;

use super::settings::wrong;

/// Bytes of an answer.
const ANSWER_MAX: usize = 64 << 10;
/// Bytes that are written at once: between them is a look at the clock.
const PIECE: usize = 64 << 10;

/// Where to post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    /// Begins with a slash.
    pub path: String,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.path)
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Endpoint {
    /// Reads `http://host:port/path`; `source` is what says it.
    ///
    /// # Errors
    /// `0A000` for other schemes; `22023` for what is none.
    pub fn parse(url: &str, source: &str) -> Result<Self, Error> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(wrong(source, url, "It is http://HOST:PORT."));
        };
        if !scheme.eq_ignore_ascii_case("http") {
            let message = format!("traces cannot be sent by {scheme}");
            return Err(Error::unsupported(message).with_hint(
                "Send them to a collector on this machine by http, and have it send them on.",
            ));
        }
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let port = port.map_or(Some(80), |port| port.parse().ok());
        let odd = |c: char| c.is_whitespace() || c.is_control() || !c.is_ascii();
        let (Some(port), false) = (port, bare.is_empty() || rest.contains(odd)) else {
            return Err(wrong(source, url, "It is http://HOST:PORT."));
        };
        if authority.contains('@') || path.contains('#') {
            return Err(wrong(
                source,
                url,
                "Names, passwords and fragments have no place in it; OTEL_EXPORTER_OTLP_HEADERS has.",
            ));
        }
        Ok(Self {
            host: bare.to_owned(),
            port,
            path: match path {
                path if path.starts_with('/') => path.to_owned(),
                path => format!("/{path}"),
            },
        })
    }

    fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// Posts some JSON.
    ///
    /// # Errors
    /// When nobody answers before the deadline.
    pub fn post(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        deadline: Instant,
    ) -> io::Result<Answer> {
        let mut stream = self.connect(deadline)?;
        let mut head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             User-Agent: heliosdb/{}\r\nConnection: close\r\n",
            self.path,
            self.authority(),
            body.len(),
            env!("CARGO_PKG_VERSION"),
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        for piece in std::iter::once(head.as_bytes()).chain(body.chunks(PIECE)) {
            let mut rest = piece;
            while !rest.is_empty() {
                stream.set_write_timeout(Some(left(deadline)?))?;
                match stream.write(rest) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(late(error)),
                }
            }
        }
        read(&mut stream, deadline)
    }

    fn connect(&self, deadline: Instant) -> io::Result<TcpStream> {
        let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, left(deadline)?) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// How long there is until the deadline.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    match left.is_zero() {
        true => Err(ErrorKind::TimedOut.into()),
        false => Ok(left),
    }
}

/// Unix says that it would block where a time limit is over.
fn late(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
        _ => error,
    }
}

fn read(stream: &mut TcpStream, deadline: Instant) -> io::Result<Answer> {
    let mut bytes = Vec::with_capacity(1024);
    let mut piece = [0; 4096];
    loop {
        if let Some((answer, whole)) = decode(&bytes)
            && (whole || bytes.len() > ANSWER_MAX)
        {
            return Ok(answer);
        }
        if bytes.len() > ANSWER_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut piece) {
            Ok(0) => {
                let answer = decode(&bytes).map(|(answer, _)| answer);
                return answer.ok_or_else(|| ErrorKind::UnexpectedEof.into());
            }
            Ok(got) => bytes.extend_from_slice(piece.get(..got).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(late(error)),
        }
    }
}

/// The answer in some bytes once its headers are there, and whether its body is known to be.
fn decode(bytes: &[u8]) -> Option<(Answer, bool)> {
    let end = bytes.windows(4).position(|end| end == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(bytes.get(..end)?).into_owned();
    let body = bytes.get(end + 4..)?.to_vec();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let wanted = name.eq_ignore_ascii_case("content-length");
        value.trim().parse::<usize>().ok().filter(|_| wanted)
    });
    let whole = length.is_some_and(|length| body.len() >= length) || status == 204;
    Some((Answer { status, body }, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for (url, shown) in [
            ("http://localhost:4318", "http://localhost:4318/"),
            ("HTTP://[::1]:4318/v1", "http://[::1]:4318/v1"),
            ("http://otel/a?b", "http://otel:80/a?b"),
            ("http://[::1]", "http://[::1]:80/"),
        ] {
            assert_eq!(Endpoint::parse(url, "--otlp").unwrap().to_string(), shown);
        }
        for bad in [
            "localhost:4318",
            "https://localhost",
            "http://",
            "http://:4318",
            "http://a:b",
            "http://a:99999",
            "http://me:pass@a",
            "http://a/b c",
            "http://a/\r\nX: y",
            "http://a/#b",
        ] {
            assert!(Endpoint::parse(bad, "--otlp").is_err(), "{bad}");
        }
    }

    #[test]
    fn answers() {
        let (answer, whole) = decode(b"HTTP/1.1 200 OK\r\ncontent-Length: 2\r\n\r\n{}").unwrap();
        assert_eq!(
            (answer.status, &*answer.body, whole),
            (200, &b"{}"[..], true)
        );
        let (answer, whole) = decode(b"HTTP/1.1 503 Busy\r\n\r\nno").unwrap();
        assert_eq!((answer.status, whole), (503, false));
        assert!(decode(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n").is_none());
        assert!(decode(b"hello\r\n\r\n").is_none());
    }
}
