//! Framed reading and buffered writing of one client's stream.

use std::io::{self, Read, Write};

use helios_base::{Encoding, Error, Result, SharedEncoding, SqlState};

use super::frontend::violation;
use super::{Backend, MESSAGE_MAX};
use crate::Stream;

/// Output waits in memory up to this many bytes, then goes out.
const OUTPUT_FLUSH: usize = 32 * 1024;
/// How much is read at once.
const READ_CHUNK: usize = 8 * 1024;
/// Buffers larger than this shrink again when they are empty.
const KEPT_BYTES: usize = 64 * 1024;
/// Kind and length of a message.
const HEADER: usize = 5;

/// A client's stream with its buffers.
#[derive(Debug)]
pub struct Wire<S = Stream> {
    stream: S,
    input: Vec<u8>,
    /// Where the unread part of `input` starts.
    start: usize,
    output: Vec<u8>,
    encoding: SharedEncoding,
}

/// Where a message lies in the buffer, until the next is read.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The message's kind.
    pub kind: u8,
    start: usize,
    end: usize,
}

impl<S: Read + Write> Wire<S> {
    /// Wraps a stream.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            input: Vec::new(),
            start: 0,
            output: Vec::new(),
            encoding: SharedEncoding::default(),
        }
    }

    /// From now on the client's texts are in the encoding that `encoding` says.
    pub(crate) fn follow_encoding(&mut self, encoding: SharedEncoding) {
        self.encoding = encoding;
    }

    /// The encoding of the client's texts.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding.get()
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Puts another stream in the place of this one.
    ///
    /// # Errors
    /// `08P01` if something has arrived already: what came in the clear must not count as if it had
    /// been encrypted.
    pub(crate) fn replace(&mut self, stream: S) -> Result<()> {
        if !self.pending().is_empty() {
            return Err(violation("received unencrypted data after SSL request"));
        }
        self.stream = stream;
        Ok(())
    }

    /// Whether a whole message has arrived already.
    #[must_use]
    pub fn has_message(&self) -> bool {
        let pending = self.pending();
        match pending.get(1..HEADER) {
            Some(length) => pending.len() > be_u32(length) as usize,
            None => false,
        }
    }

    /// Sends what waits for sending, then looks whether the client has sent something or left, for as
    /// long as the stream's time limit allows.
    ///
    /// # Errors
    /// `08006` when the stream breaks.
    pub(crate) fn poll(&mut self) -> Result<bool> {
        if !self.pending().is_empty() {
            return Ok(true);
        }
        self.flush()?;
        self.input.clear();
        self.start = 0;
        let mut space = [0; 256];
        match self.stream.read(&mut space) {
            Ok(read) => {
                self.input.extend(space.iter().take(read));
                Ok(true)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
                | io::ErrorKind::Interrupted => Ok(false),
                _ => Err(broken(format!("could not read from the client: {error}"))),
            },
        }
    }

    /// Reads the next message of at most `limit` bytes; `None` at the end of the stream. What waits for
    /// sending goes on waiting.
    ///
    /// # Errors
    /// `08P01` for a length that cannot be; `08006` when the stream breaks, also inside a message.
    pub fn read(&mut self, limit: usize) -> Result<Option<Frame>> {
        if !self.fill(HEADER)? {
            return match self.pending() {
                [] => Ok(None),
                _ => Err(broken("unexpected end of the client's stream")),
            };
        }
        let pending = self.pending();
        let kind = pending.first().copied().unwrap_or_default();
        let length = pending.get(1..HEADER).map_or(0, be_u32) as usize;
        if length < HEADER - 1 || length > limit.min(MESSAGE_MAX) {
            return Err(violation(format!("invalid message length {length}")));
        }
        if !self.fill(1 + length)? {
            return Err(broken("unexpected end of the client's stream"));
        }
        let start = self.start + HEADER;
        let end = self.start + 1 + length;
        self.start = end;
        Ok(Some(Frame { kind, start, end }))
    }

    /// Reads a message without kind, as connections open with; gives its body.
    ///
    /// # Errors
    /// `08006` for a length that cannot be, and when the stream breaks, also inside the message: there is
    /// nobody to tell then.
    pub fn read_opening(&mut self, limit: usize) -> Result<Option<Vec<u8>>> {
        if !self.fill(4)? {
            return match self.pending() {
                [] => Ok(None),
                _ => Err(broken("incomplete startup packet")),
            };
        }
        let length = self.pending().get(..4).map_or(0, be_u32) as usize;
        if length < 8 || length > limit {
            return Err(broken("invalid length of startup packet"));
        }
        if !self.fill(length)? {
            return Err(broken("incomplete startup packet"));
        }
        let body = self.pending().get(4..length).unwrap_or_default().to_vec();
        self.start += length;
        Ok(Some(body))
    }

    /// The body of the message that was read last.
    #[must_use]
    pub fn body(&self, frame: Frame) -> &[u8] {
        self.input.get(frame.start..frame.end).unwrap_or_default()
    }

    /// Appends to the output.
    pub fn backend(&mut self) -> Backend<'_> {
        Backend(&mut self.output, self.encoding.get())
    }

    /// Appends a byte that is no message: the answer to a request for encryption.
    pub fn push(&mut self, byte: u8) {
        self.output.push(byte);
    }

    /// Sends the output if there is much of it.
    ///
    /// # Errors
    /// `08006` when the client is gone.
    pub fn flush_if_full(&mut self) -> Result<()> {
        match self.output.len() {
            OUTPUT_FLUSH.. => self.flush(),
            _ => Ok(()),
        }
    }

    /// Sends the output.
    ///
    /// # Errors
    /// `08006` when the client is gone.
    pub fn flush(&mut self) -> Result<()> {
        if self.output.is_empty() {
            return Ok(());
        }
        let sent = self.stream.write_all(&self.output);
        self.output.clear();
        self.output.shrink_to(KEPT_BYTES);
        sent.and_then(|()| self.stream.flush())
            .map_err(|error| broken(format!("could not send to the client: {error}")))
    }

    fn pending(&self) -> &[u8] {
        self.input.get(self.start..).unwrap_or_default()
    }

    /// Reads until `wanted` bytes are there; says whether they are.
    fn fill(&mut self, wanted: usize) -> Result<bool> {
        if self.pending().len() >= wanted {
            return Ok(true);
        }
        self.input.drain(..self.start);
        self.start = 0;
        if self.input.is_empty() {
            self.input.shrink_to(KEPT_BYTES);
        }
        while self.input.len() < wanted {
            let before = self.input.len();
            // Memory grows with what arrives, not with what a length promises.
            self.input.resize(before + READ_CHUNK, 0);
            let read = match self.input.get_mut(before..) {
                Some(space) => self.stream.read(space),
                None => Ok(0),
            };
            self.input.truncate(before + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(broken(format!("could not read from the client: {error}")));
                }
            }
        }
        Ok(true)
    }
}

fn be_u32(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// `08006`
fn broken(message: impl Into<String>) -> Error {
    Error::new(SqlState::CONNECTION_FAILURE, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Peer {
        input: io::Cursor<Vec<u8>>,
        sent: Vec<u8>,
        /// Bytes given at once.
        chunk: usize,
    }

    impl Read for Peer {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = buffer.len().min(self.chunk);
            self.input.read(&mut buffer[..length])
        }
    }

    impl Write for Peer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.sent.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn wire(bytes: &[u8], chunk: usize) -> Wire<Peer> {
        Wire::new(Peer {
            input: io::Cursor::new(bytes.to_vec()),
            sent: Vec::new(),
            chunk,
        })
    }

    #[test]
    fn messages_come_whole_however_they_arrive() {
        let bytes = b"Q\0\0\0\x06a\0S\0\0\0\x04X\0\0\0\x04";
        for chunk in 1..bytes.len() {
            let mut wire = wire(bytes, chunk);
            let mut seen = Vec::new();
            while let Some(frame) = wire.read(100).expect("message") {
                seen.push((frame.kind, wire.body(frame).to_vec()));
            }
            assert_eq!(
                seen,
                [(b'Q', b"a\0".to_vec()), (b'S', vec![]), (b'X', vec![])]
            );
        }
    }

    #[test]
    fn impossible_lengths_and_cuts_are_errors() {
        assert!(wire(b"Q\0\0\0\x03", 9).read(100).is_err());
        assert!(wire(b"Q\x7f\0\0\0", 9).read(usize::MAX).is_err());
        assert!(wire(b"Q\0\0\0\x65", 9).read(100).is_err());
        assert!(wire(b"Q\0\0\0\x09a", 9).read(100).is_err());
        assert!(wire(b"Q\0\0", 9).read(100).is_err());
        assert!(wire(b"", 9).read(100).expect("end").is_none());
        assert!(wire(b"\0\0\0\x07abc", 9).read_opening(100).is_err());
    }
}
