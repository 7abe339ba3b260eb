//! A client that shows every byte.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use helios_wire::{Address, Authentication, Monitor, Server, ServerOptions, StopHandle};
use heliosdb::Database;

/// A server on a free port with an empty database in memory.
pub struct TestServer {
    address: SocketAddr,
    pub monitor: Monitor,
    stop: StopHandle,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl TestServer {
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    pub fn start_with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        Self::start_on(Database::open_in_memory().expect("database"), change)
    }

    pub fn start_on(database: Database, change: impl FnOnce(&mut ServerOptions)) -> Self {
        let mut options = ServerOptions {
            authentication: Authentication::Trust,
            rules: None,
            tls: None,
            require_tls: false,
            databases: vec!["helios".to_owned()],
            max_connections: 50,
        };
        change(&mut options);
        let any = Address::Tcp("127.0.0.1:0".parse().expect("address"));
        let server = Server::bind(database, &any, options).expect("bind");
        let Address::Tcp(address) = server.address().expect("address") else {
            panic!("not TCP");
        };
        let http = "127.0.0.1:0".parse().expect("address");
        let monitor = Monitor::start(http, &server).expect("monitor");
        let stop = server.stop_handle().expect("handle");
        let thread = std::thread::spawn(move || {
            server.run().expect("run");
            server.drain(Duration::from_secs(1));
        });
        Self {
            address,
            monitor,
            stop,
            thread: Some(thread),
        }
    }

    /// Accepts nobody any more.
    pub fn stop(&self) {
        self.stop.stop();
    }

    pub fn stream(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("connect");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("timeout");
        stream
    }

    pub fn connect(&self) -> Client {
        self.try_connect("user\0helios\0\0").expect("connected")
    }

    /// Opens a session; the error message where it is refused.
    pub fn try_connect(&self, parameters: &str) -> Result<Client, Message> {
        self.connect_by([0, 3, 0, 0], parameters)
    }

    /// Opens a session of a version of the protocol.
    pub fn connect_by(&self, version: [u8; 4], parameters: &str) -> Result<Client, Message> {
        let mut client = Client {
            stream: self.stream(),
            key: None,
            negotiated: None,
        };
        client.send_opening(&[&version, parameters.as_bytes()].concat());
        for answer in client.answers() {
            match answer.kind {
                b'E' => return Err(answer),
                b'v' => client.negotiated = Some(answer.body),
                b'K' => {
                    let process = answer.body[..4].try_into().expect("four bytes");
                    client.key = Some((u32::from_be_bytes(process), answer.body[4..].to_vec()));
                }
                _ => {}
            }
        }
        Ok(client)
    }

    /// A connection on which nothing has been said.
    pub fn raw(&self) -> Client {
        Client {
            stream: self.stream(),
            key: None,
            negotiated: None,
        }
    }

    /// Sends what a session begins with; all answers are still to be read.
    pub fn begin(&self, parameters: &str) -> Client {
        let mut client = Client {
            stream: self.stream(),
            key: None,
            negotiated: None,
        };
        client.send_opening(&[&[0, 3, 0, 0], parameters.as_bytes()].concat());
        client
    }

    /// Sends an opening; gives the first answer.
    pub fn open(&self, body: &[u8]) -> Option<Message> {
        let mut client = Client {
            stream: self.stream(),
            key: None,
            negotiated: None,
        };
        client.send_opening(body);
        client.try_read()
    }

    pub fn cancel(&self, process: u32, secret: &[u8]) {
        let mut body = 80_877_102u32.to_be_bytes().to_vec();
        body.extend(process.to_be_bytes());
        body.extend(secret);
        assert!(self.open(&body).is_none(), "cancellations have no answer");
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.expect("server");
            }
        }
    }
}

#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    /// What the server spoke of instead of the version that was asked for.
    pub negotiated: Option<Vec<u8>>,
    /// What cancels this client's statements.
    pub key: Option<(u32, Vec<u8>)>,
}

#[derive(Debug)]
pub struct Message {
    pub kind: u8,
    pub body: Vec<u8>,
}

impl Message {
    /// A field of an error or notice.
    pub fn field(&self, code: u8) -> Option<String> {
        self.body
            .split(|byte| *byte == 0)
            .find(|field| field.first() == Some(&code))
            .map(|field| String::from_utf8_lossy(&field[1..]).into_owned())
    }
}

impl Client {
    fn send_opening(&mut self, body: &[u8]) {
        let length = body.len() as u32 + 4;
        self.send_raw(&[&length.to_be_bytes(), body].concat());
    }

    pub fn send(&mut self, kind: u8, body: &[u8]) {
        let length = body.len() as u32 + 4;
        self.send_raw(&[&[kind], &length.to_be_bytes()[..], body].concat());
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        // The server may have hung up already.
        let _ = self.stream.write_all(bytes);
    }

    pub fn close_writing(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    pub fn set_timeout(&mut self, limit: Duration) {
        self.stream.set_read_timeout(Some(limit)).expect("timeout");
    }

    /// The next message; `None` at the end of the stream, or when none comes in time.
    pub fn try_read(&mut self) -> Option<Message> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes(head[1..].try_into().expect("four bytes"));
        let mut body = vec![0; length as usize - 4];
        self.stream.read_exact(&mut body).ok()?;
        Some(Message {
            kind: head[0],
            body,
        })
    }

    pub fn read(&mut self) -> Message {
        self.try_read().expect("a message")
    }

    /// All messages up to the one that asks for more, or the end of the stream.
    pub fn answers(&mut self) -> Vec<Message> {
        let mut answers = Vec::new();
        while let Some(message) = self.try_read() {
            let last = message.kind == b'Z';
            answers.push(message);
            if last {
                break;
            }
        }
        answers
    }

    pub fn query(&mut self, sql: &str) -> Vec<Message> {
        self.send(b'Q', format!("{sql}\0").as_bytes());
        self.answers()
            .into_iter()
            .filter(|message| !matches!(message.kind, b'S' | b'N'))
            .collect()
    }

    pub fn parse(&mut self, name: &str, sql: &str, types: &[u32]) {
        let mut body = format!("{name}\0{sql}\0").into_bytes();
        body.extend((types.len() as u16).to_be_bytes());
        for ty in types {
            body.extend(ty.to_be_bytes());
        }
        self.send(b'P', &body);
    }

    pub fn bind(&mut self, portal: &str, statement: &str, values: &[Option<&[u8]>]) {
        let mut body = format!("{portal}\0{statement}\0").into_bytes();
        body.extend(0u16.to_be_bytes());
        body.extend((values.len() as u16).to_be_bytes());
        for value in values {
            match value {
                None => body.extend((-1i32).to_be_bytes()),
                Some(bytes) => {
                    body.extend((bytes.len() as u32).to_be_bytes());
                    body.extend(*bytes);
                }
            }
        }
        body.extend(0u16.to_be_bytes());
        self.send(b'B', &body);
    }

    pub fn describe_statement(&mut self, name: &str) {
        self.send(b'D', format!("S{name}\0").as_bytes());
    }

    pub fn describe_portal(&mut self, name: &str) {
        self.send(b'D', format!("P{name}\0").as_bytes());
    }

    pub fn execute(&mut self, portal: &str, rows: u32) {
        let mut body = format!("{portal}\0").into_bytes();
        body.extend(rows.to_be_bytes());
        self.send(b'E', &body);
    }

    pub fn sync(&mut self) {
        self.send(b'S', b"");
    }
}

/// Runs a statement that must succeed.
pub fn query(client: &mut Client, sql: &str) -> Vec<Message> {
    let answers = client.query(sql);
    if let Some(error) = answers.iter().find(|message| message.kind == b'E') {
        panic!("{sql}: {:?}", error.field(b'M'));
    }
    answers
}

/// The texts of a DataRow.
pub fn row_texts(message: &Message) -> Vec<Option<String>> {
    assert_eq!(message.kind, b'D', "{message:?}");
    let mut rest = &message.body[2..];
    let mut texts = Vec::new();
    while !rest.is_empty() {
        let length = i32::from_be_bytes(rest[..4].try_into().expect("four bytes"));
        rest = &rest[4..];
        texts.push(match usize::try_from(length) {
            Err(_) => None,
            Ok(length) => {
                let (text, tail) = rest.split_at(length);
                rest = tail;
                Some(String::from_utf8_lossy(text).into_owned())
            }
        });
    }
    texts
}
