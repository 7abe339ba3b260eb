//! COPY data between the client and the session.

use std::io::{self, Read, Write};
use std::sync::Arc;

use helios_base::{Error, Result, SqlState};
use helios_sql::{CopyPeer, CopyShape};
use parking_lot::Mutex;

use super::encoding;
use super::frontend::violation;
use super::{Frontend, MESSAGE_MAX, Wire};

/// The client's end of COPY.
pub(super) struct Peer(pub(super) Arc<Mutex<Wire>>);

impl CopyPeer for Peer {
    fn start_input(&mut self, shape: CopyShape) -> Result<Box<dyn Read + Send>> {
        let mut wire = self.0.lock();
        wire.backend().copy_in_response(shape.columns, shape.binary);
        wire.flush()?;
        Ok(Box::new(Input {
            wire: self.0.clone(),
            data: Vec::new(),
            read: 0,
            ended: false,
        }))
    }

    fn start_output(&mut self, shape: CopyShape) -> Result<Box<dyn Write + Send>> {
        self.0
            .lock()
            .backend()
            .copy_out_response(shape.columns, shape.binary);
        Ok(Box::new(Output {
            wire: self.0.clone(),
            done: false,
        }))
    }
}

/// Reads CopyData messages up to CopyDone. Dropped before that because the COPY has failed, it leaves what the
/// client still sends to the conversation, which passes over it: the client hears of the failure at once.
struct Input {
    wire: Arc<Mutex<Wire>>,
    data: Vec<u8>,
    read: usize,
    ended: bool,
}

impl Input {
    /// Reads the next message; `false` at the end of the data.
    fn advance(&mut self) -> Result<bool> {
        let mut wire = self.wire.lock();
        loop {
            let Some(frame) = wire.read(MESSAGE_MAX)? else {
                self.ended = true;
                return Err(Error::new(
                    SqlState::CONNECTION_FAILURE,
                    "unexpected end of the client's stream during COPY from stdin",
                ));
            };
            let body = encoding::incoming(frame.kind, wire.body(frame), wire.encoding())?;
            match Frontend::decode(frame.kind, &body)? {
                Frontend::CopyData(data) => {
                    self.data.clear();
                    self.data.extend(data);
                    self.read = 0;
                    return Ok(true);
                }
                Frontend::CopyDone => {
                    self.ended = true;
                    return Ok(false);
                }
                Frontend::CopyFail(reason) => {
                    self.ended = true;
                    return Err(Error::new(
                        SqlState::QUERY_CANCELED,
                        format!("COPY from stdin failed: {reason}"),
                    ));
                }
                // Clients of the extended protocol may have sent these ahead.
                Frontend::Flush | Frontend::Sync => {}
                _ => {
                    self.ended = true;
                    return Err(violation(format!(
                        "unexpected message type 0x{:02X} during COPY from stdin",
                        frame.kind
                    )));
                }
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.data.len() {
            if self.ended || !self.advance().map_err(io::Error::other)? {
                return Ok(0);
            }
        }
        let rest = self.data.get(self.read..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.read += length;
        Ok(length)
    }
}

/// Writes CopyData messages, and CopyDone when it is flushed at the end.
struct Output {
    wire: Arc<Mutex<Wire>>,
    done: bool,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut wire = self.wire.lock();
        // Rows arrive one at a time, which is how clients expect them.
        wire.backend().copy_data(bytes);
        wire.flush_if_full().map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.done, true) {
            self.wire.lock().backend().copy_done();
        }
        Ok(())
    }
}
