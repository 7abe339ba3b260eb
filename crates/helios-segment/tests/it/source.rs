//! The contract of [`ReadAt`], for every implementation.

use std::io::{ErrorKind, Write};
use std::sync::Arc;

use helios_segment::{FileSink, FileSource, MemorySource, ReadAt, Sink};

/// What any source over `bytes` must do. For implementations elsewhere to copy.
fn contract(source: &Arc<dyn ReadAt>, bytes: &[u8]) {
    let size = bytes.len() as u64;
    assert_eq!(source.size().expect("sized"), size);
    for (offset, length) in [
        (0, 0),
        (0, 1),
        (0, bytes.len()),
        (5, 10),
        (size - 1, 1),
        (size, 0),
    ] {
        let read = source.read_at(offset, length).expect("in range");
        let start = offset as usize;
        assert_eq!(&read[..], &bytes[start..start + length]);
    }
    for (offset, length) in [
        (0, bytes.len() + 1),
        (size, 1),
        (size + 1, 0),
        (u64::MAX, 1),
        (u64::MAX, 0),
        (1, usize::MAX >> 1),
    ] {
        let error = source.read_at(offset, length).expect_err("beyond the end");
        assert_eq!(
            error.kind(),
            ErrorKind::UnexpectedEof,
            "{offset} + {length}"
        );
    }
    std::thread::scope(|scope| {
        for thread in 0..4u64 {
            scope.spawn(move || {
                for step in 0..200u64 {
                    let offset = (thread * 131 + step * 17) % (size - 8);
                    let read = source.read_at(offset, 8).expect("in range");
                    assert_eq!(&read[..], &bytes[offset as usize..offset as usize + 8]);
                }
            });
        }
    });
}

fn bytes() -> Vec<u8> {
    (0..10_000u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn memory() {
    let source: Arc<dyn ReadAt> = Arc::new(MemorySource::new(bytes()));
    contract(&source, &bytes());
}

#[test]
fn file() {
    let mut file = tempfile::tempfile().expect("made");
    file.write_all(&bytes()).expect("written");
    let source: Arc<dyn ReadAt> = Arc::new(FileSource::new(file).expect("sized"));
    contract(&source, &bytes());
}

#[test]
fn file_sink_appends() {
    let file = tempfile::NamedTempFile::new().expect("made");
    let mut sink = FileSink::new(file.reopen().expect("opened"));
    for part in bytes().chunks(777) {
        sink.append(part).expect("written");
    }
    sink.finish().expect("synced");
    assert_eq!(std::fs::read(file.path()).expect("read"), bytes());
}
