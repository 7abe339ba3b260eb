//! A running `heliosdb serve`, a client for it, and a collector of traces.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything takes.
pub const LONG: Duration = Duration::from_secs(60);

/// The program in its own process.
pub struct Server {
    child: Child,
    pub address: String,
    pub monitor: String,
    log: Option<JoinHandle<Vec<String>>>,
}

impl Server {
    /// Serves a database in memory, with the log in JSON.
    pub fn start(args: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = command(args, variables)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut begun = Vec::new();
        let mut address_after = |head: &str| {
            let line = lines.next().expect("a line of the log").unwrap();
            let object: Value = serde_json::from_str(&line).expect(&line);
            let message = object["message"].as_str().unwrap().to_owned();
            begun.push(line);
            message.strip_prefix(head).expect(&message).to_owned()
        };
        let address = address_after("listening at ");
        let monitor = address_after("health, readiness and metrics at http://");
        let log = std::thread::spawn(move || {
            begun.extend(lines.map_while(Result::ok));
            begun
        });
        Self {
            child,
            address,
            monitor,
            log: Some(log),
        }
    }

    pub fn connect(&self) -> Client {
        Client::connect(&self.address)
    }

    /// The value of a counter; `None` if there is none of this name.
    pub fn counter(&self, name: &str) -> Option<u64> {
        let mut stream = TcpStream::connect(&self.monitor).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        let head = format!("heliosdb_{name}_total ");
        let line = page.lines().find_map(|line| line.strip_prefix(&head));
        line.map(|value| value.parse().unwrap())
    }

    /// Asks it to stop; how it ended, and its log.
    pub fn stop(mut self) -> (ExitStatus, Vec<String>) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &process]).status();
        assert!(sent.unwrap().success());
        let status = self.child.wait().unwrap();
        (status, self.log.take().unwrap().join().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server's command, without the variables of whoever runs the test.
pub fn command(args: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heliosdb"));
    let any = "127.0.0.1:0";
    command.args(["serve", "--trust", "--listen", any, "--http", any]);
    command.args(["--log-format", "json"]).args(args);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") || name == "HELIOS_LOG" {
            command.env_remove(name);
        }
    }
    command.envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// A client that knows as much of the protocol as is needed.
pub struct Client(TcpStream);

impl Client {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let mut client = Self(stream);
        let body = b"\0\x03\0\0user\0helios\0database\0helios\0\0";
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        client.0.write_all(&[&length[..], body].concat()).unwrap();
        client.answers();
        client
    }

    pub fn send(&mut self, kind: u8, body: &[u8]) {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        let message = [&[kind], &length[..], body].concat();
        self.0.write_all(&message).unwrap();
    }

    /// The kinds of the messages up to the next ReadyForQuery.
    pub fn answers(&mut self) -> String {
        let mut kinds = String::new();
        loop {
            let mut head = [0; 5];
            self.0.read_exact(&mut head).expect("an answer");
            let length = u32::from_be_bytes(head[1..].try_into().unwrap());
            let mut body = vec![0; length as usize - 4];
            self.0.read_exact(&mut body).unwrap();
            match head[0] {
                b'Z' => return kinds,
                b'S' | b'N' => {}
                kind => kinds.push(char::from(kind)),
            }
        }
    }

    pub fn query(&mut self, sql: &str) -> String {
        self.send(b'Q', format!("{sql}\0").as_bytes());
        self.answers()
    }

    /// Runs a statement with one parameter by the extended protocol.
    pub fn run(&mut self, sql: &str, value: &str) -> String {
        self.parse("", sql);
        self.execute("", value);
        self.sync()
    }

    pub fn parse(&mut self, name: &str, sql: &str) {
        self.send(b'P', format!("{name}\0{sql}\0\0\0").as_bytes());
    }

    /// Binds one parameter and runs it.
    pub fn execute(&mut self, name: &str, value: &str) {
        let head = format!("\0{name}\0\0\0\0\x01");
        let length = u32::try_from(value.len()).unwrap().to_be_bytes();
        let body = [head.as_bytes(), &length, value.as_bytes(), b"\0\0"].concat();
        self.send(b'B', &body);
        self.send(b'E', b"\0\0\0\0\0");
    }

    pub fn sync(&mut self) -> String {
        self.send(b'S', b"");
        self.answers()
    }
}

/// Takes spans.
pub struct Collector {
    pub url: String,
    got: Arc<(Mutex<Vec<Value>>, Condvar)>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let got = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let own = Arc::clone(&got);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let request = read_request(&mut stream.unwrap());
                own.0.lock().unwrap().push(request);
                own.1.notify_all();
            }
        });
        Self { url, got }
    }

    /// All spans so far; their order means nothing.
    pub fn spans(&self) -> Vec<Value> {
        let requests = self.got.0.lock().unwrap();
        let lists = requests.iter().map(|request| {
            let spans = &request["resourceSpans"][0]["scopeSpans"][0]["spans"];
            spans.as_array().expect("spans").clone()
        });
        lists.flatten().collect()
    }

    /// Everything as text.
    pub fn text(&self) -> String {
        let requests = self.got.0.lock().unwrap();
        requests.iter().map(Value::to_string).collect()
    }

    pub fn requests(&self) -> Vec<Value> {
        self.got.0.lock().unwrap().clone()
    }

    /// The span that one is looking for, once it is there.
    pub fn wait(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let late = Instant::now() + LONG;
        loop {
            if let Some(found) = self.spans().into_iter().find(&wanted) {
                return found;
            }
            assert!(Instant::now() < late, "no {what} in {:#?}", self.spans());
            let got = self.got.0.lock().unwrap();
            drop(self.got.1.wait_timeout(got, Duration::from_millis(100)));
        }
    }
}

/// Reads a request of spans, and answers it.
fn read_request(stream: &mut TcpStream) -> Value {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    assert!(head.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nContent-Type: application/json\r\n"));
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name));
        line.map(|value| value.trim().to_owned())
    };
    let length = header("Content-Length:").unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    stream.write_all(answer).unwrap();
    let mut request: Value = serde_json::from_slice(&body).unwrap();
    request["authorization"] = header("Authorization:").into();
    request
}

/// An attribute of a span; null where there is none.
pub fn attribute(span: &Value, name: &str) -> Value {
    let all = span["attributes"].as_array().unwrap();
    let found = all.iter().find(|attribute| attribute["key"] == name);
    let value = found.map(|attribute| attribute["value"].as_object().unwrap());
    let value = value.and_then(|value| value.values().next());
    value.cloned().unwrap_or_default()
}
