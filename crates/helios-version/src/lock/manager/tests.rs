// Guards against lost wake-ups, missed or false deadlocks, and locks that stay behind.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::*;
use crate::lock::LockMode;

fn patience(cancel: &Cancel, timeout: Option<u64>) -> Patience<'_> {
    Patience {
        wait: Wait::Block,
        timeout: timeout.map(Duration::from_millis),
        cancel,
    }
}

fn key(number: u64) -> LockKey {
    LockKey::row(BranchId::MAIN, 1, &number.to_be_bytes())
}

fn wait_until_waiting(locks: &LockManager, number: u64) {
    while !locks.is_waiting(number) {
        thread::yield_now();
    }
}

#[test]
fn shared_modes_stand_together_and_exclusive_ones_do_not() {
    let locks = LockManager::new();
    let mode = Mode::from;
    assert_eq!(
        locks.try_lock(1, key(1), mode(LockMode::KeyShare)),
        Some(Outcome::New)
    );
    assert_eq!(
        locks.try_lock(2, key(1), mode(LockMode::NoKeyUpdate)),
        Some(Outcome::New)
    );
    assert_eq!(
        locks.try_lock(2, key(1), mode(LockMode::Share)),
        Some(Outcome::Held)
    );
    assert_eq!(locks.try_lock(3, key(1), mode(LockMode::Share)), None);
    assert_eq!(locks.try_lock(2, key(1), mode(LockMode::Update)), None);
    locks.release(1, &[key(1)]);
    assert_eq!(
        locks.try_lock(2, key(1), mode(LockMode::Update)),
        Some(Outcome::Raised(mode(LockMode::NoKeyUpdate).bit()))
    );
    assert_eq!(locks.try_lock(1, key(1), mode(LockMode::Share)), None);
    locks.lower(2, key(1), mode(LockMode::NoKeyUpdate).bit());
    assert_eq!(
        locks.try_lock(1, key(1), mode(LockMode::KeyShare)),
        Some(Outcome::New)
    );
    locks.release(1, &[key(1)]);
    locks.release(2, &[key(1)]);
    assert!(locks.list().is_empty());
}

#[test]
fn timeouts_cancels_nowait_and_skip_leave_nothing_behind() {
    let locks = LockManager::new();
    let (one, two) = (Owner::new(1), Owner::new(2));
    let cancel = Cancel::default();
    let update = Mode::from(LockMode::Update);
    locks
        .lock(&one, key(1), update, &patience(&cancel, None))
        .unwrap();
    let error = locks
        .lock(&two, key(1), update, &patience(&cancel, Some(20)))
        .unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::LOCK_NOT_AVAILABLE);
    for (wait, state) in [(Wait::NoWait, Some("55P03")), (Wait::SkipLocked, None)] {
        let patience = Patience {
            wait,
            timeout: None,
            cancel: &cancel,
        };
        match locks.lock(&two, key(1), update, &patience) {
            Ok(outcome) => assert_eq!((outcome, state), (Outcome::Skipped, None)),
            Err(error) => assert_eq!(Some(error.sqlstate().as_str()), state),
        }
    }
    cancel.cancel();
    let error = locks
        .lock(&two, key(1), update, &patience(&cancel, None))
        .unwrap_err();
    assert_eq!(error.sqlstate(), SqlState::QUERY_CANCELED);
    locks.release(1, &[key(1)]);
    assert!(locks.list().is_empty());
}

#[test]
fn a_circle_of_three_is_found_and_broken_once() {
    let locks = LockManager::new();
    let owners: Vec<_> = (0..3).map(Owner::new).collect();
    let cancel = Cancel::default();
    let update = Mode::from(LockMode::Update);
    for (number, owner) in owners.iter().enumerate() {
        locks
            .lock(owner, key(number as u64), update, &patience(&cancel, None))
            .unwrap();
    }
    let failures = AtomicU64::new(0);
    thread::scope(|scope| {
        for number in 0..3u64 {
            let (locks, owner, cancel, failures) =
                (&locks, &owners[number as usize], &cancel, &failures);
            scope.spawn(move || {
                let next = key((number + 1) % 3);
                match locks.lock(owner, next, update, &patience(cancel, None)) {
                    Ok(_) => locks.release(number, &[next, key(number)]),
                    Err(error) => {
                        assert_eq!(error.sqlstate(), SqlState::DEADLOCK_DETECTED);
                        assert!(error.detail().unwrap().contains("blocked by transaction"));
                        failures.fetch_add(1, Ordering::Relaxed);
                        locks.release(number, &[key(number)]);
                    }
                }
            });
        }
    });
    assert_eq!(failures.into_inner(), 1);
    assert!(locks.list().is_empty());
}

#[test]
fn two_that_share_and_both_want_more_deadlock() {
    let locks = LockManager::new();
    let (one, two) = (Owner::new(1), Owner::new(2));
    let cancel = Cancel::default();
    let (share, update) = (Mode::from(LockMode::Share), Mode::from(LockMode::Update));
    for owner in [&one, &two] {
        locks
            .lock(owner, key(1), share, &patience(&cancel, None))
            .unwrap();
    }
    thread::scope(|scope| {
        scope.spawn(|| {
            locks
                .lock(&one, key(1), update, &patience(&cancel, None))
                .unwrap();
            locks.release(1, &[key(1)]);
        });
        wait_until_waiting(&locks, 1);
        let error = locks
            .lock(&two, key(1), update, &patience(&cancel, None))
            .unwrap_err();
        assert_eq!(error.sqlstate(), SqlState::DEADLOCK_DETECTED);
        locks.release(2, &[key(1)]);
    });
    assert!(locks.list().is_empty());
}

#[test]
fn waiters_are_not_overtaken() {
    let locks = LockManager::new();
    let (one, two) = (Owner::new(1), Owner::new(2));
    let cancel = Cancel::default();
    let (share, update) = (Mode::from(LockMode::Share), Mode::from(LockMode::Update));
    locks
        .lock(&one, key(1), share, &patience(&cancel, None))
        .unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| locks.lock(&two, key(1), update, &patience(&cancel, None)));
        wait_until_waiting(&locks, 2);
        assert_eq!(locks.try_lock(3, key(1), share), None);
        assert_eq!(locks.try_lock(1, key(1), share), Some(Outcome::Held));
        locks.release(1, &[key(1)]);
        assert_eq!(waiter.join().unwrap().unwrap(), Outcome::New);
    });
    locks.release(2, &[key(1)]);
    assert!(locks.list().is_empty());
}

#[test]
fn a_storm_on_few_keys_ends_and_never_admits_two() {
    let locks = LockManager::new();
    let inside: Vec<_> = (0..4).map(|_| AtomicU64::new(0)).collect();
    let deadlocks = AtomicU64::new(0);
    thread::scope(|scope| {
        for worker in 0..8u64 {
            let (locks, inside, deadlocks) = (&locks, &inside, &deadlocks);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(worker);
                let cancel = Cancel::default();
                let update = Mode::from(LockMode::Update);
                for round in 0..300 {
                    let number = worker * 1000 + round;
                    let owner = Owner::new(number);
                    let mut held = Vec::new();
                    for _ in 0..2 {
                        let wanted = random.u64(0..4);
                        match locks.lock(&owner, key(wanted), update, &patience(&cancel, None)) {
                            Ok(Outcome::New) => {
                                assert_eq!(
                                    inside[wanted as usize].fetch_add(1, Ordering::SeqCst),
                                    0
                                );
                                held.push(wanted);
                            }
                            Ok(_) => {}
                            Err(error) => {
                                assert_eq!(error.sqlstate(), SqlState::DEADLOCK_DETECTED);
                                deadlocks.fetch_add(1, Ordering::Relaxed);
                                break;
                            }
                        }
                    }
                    for &wanted in &held {
                        inside[wanted as usize].fetch_sub(1, Ordering::SeqCst);
                    }
                    let keys: Vec<_> = held.into_iter().map(key).collect();
                    locks.release(number, &keys);
                }
            });
        }
    });
    assert!(locks.list().is_empty());
}
