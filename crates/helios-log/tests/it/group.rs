//! Guards against records that are acknowledged but not there when many commit at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::open;

#[test]
fn many_threads_share_syncs() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path()).unwrap();
    let acknowledged = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..8u8 {
            let (log, acknowledged) = (&log, &acknowledged);
            scope.spawn(move || {
                for number in 0..40u8 {
                    let extent = log.append(&[thread, number]).unwrap();
                    log.sync(extent.end).unwrap();
                    assert!(log.durable() >= extent.end);
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    drop(log);
    let (_, found) = open(dir.path()).unwrap();
    assert_eq!(found.len(), acknowledged.into_inner());
    for thread in 0..8u8 {
        let own: Vec<u8> = found
            .iter()
            .filter(|r| r[0] == thread)
            .map(|r| r[1])
            .collect();
        assert!(own.iter().copied().eq(0..40), "order of thread {thread}");
    }
}

#[test]
fn a_full_buffer_is_written_by_the_appender() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = crate::options();
    options.buffer_bytes = 10_000;
    let open = || {
        let mut count = 0;
        let log = helios_log::Log::open(
            dir.path(),
            options.clone(),
            helios_log::Position(0),
            &mut |_| {
                count += 1;
                Ok(())
            },
        )
        .unwrap();
        (log, count)
    };
    let (log, _) = open();
    for number in 0..1000 {
        log.append(&crate::record(number)).unwrap();
    }
    assert_eq!(log.durable().0, 0);
    drop(log);
    let (_, count) = open();
    assert!(
        (900..1000).contains(&count),
        "{count} written without a sync"
    );
}
