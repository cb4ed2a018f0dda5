//! Each recorded error of Resource Manager (`tests/fixtures/arm-errors`), served to the onboarder through the handler's own router: which
//! result it leads to, or that the request is put back. The error's code decides, whatever its status and words.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by panicking")]

mod scripted;
mod stage;

use scripted::{Asked, Shape, folder};
use stage::{Age, PUT_BACK, Stage};

/// What must come of a shape, by the call that it answers and the age of the subscription.
const FAILURES: [(&str, Asked, Age, &str); 23] = [
    ("principal-not-found-400", Asked::Assign, Age::Young, PUT_BACK),
    ("principal-not-found-400", Asked::Assign, Age::Old, "failed: principal-not-found"),
    ("principal-not-found-400-older", Asked::Assign, Age::Young, PUT_BACK),
    ("principal-not-found-400-older", Asked::Assign, Age::Old, "failed: principal-not-found"),
    ("principal-not-found-404", Asked::Assign, Age::Young, PUT_BACK),
    ("principal-not-found-404", Asked::Assign, Age::Old, "failed: principal-not-found"),
    ("role-assignment-update-not-permitted-400", Asked::Assign, Age::Young, "failed: role-assignment-conflict"),
    ("role-assignment-update-not-permitted-400", Asked::Assign, Age::Old, "failed: role-assignment-conflict"),
    ("role-assignment-limit-exceeded-400", Asked::Assign, Age::Young, "failed: role-assignment-limit-exceeded"),
    ("role-assignment-limit-exceeded-400", Asked::Assign, Age::Old, "failed: role-assignment-limit-exceeded"),
    ("authorization-failed-403", Asked::Assign, Age::Young, PUT_BACK),
    ("authorization-failed-403", Asked::Assign, Age::Old, "failed: authorization-failed"),
    ("authorization-failed-403-or-condition", Asked::Assign, Age::Young, PUT_BACK),
    ("authorization-failed-403-or-condition", Asked::Assign, Age::Old, "failed: authorization-failed"),
    ("authorization-failed-403-condition", Asked::Assign, Age::Young, PUT_BACK),
    ("authorization-failed-403-condition", Asked::Assign, Age::Old, "failed: authorization-failed"),
    ("authorization-failed-403", Asked::Subscription, Age::Young, PUT_BACK),
    ("authorization-failed-403", Asked::Subscription, Age::Old, "failed: authorization-failed"),
    ("subscription-not-found-404", Asked::Subscription, Age::Young, PUT_BACK),
    ("subscription-not-found-404", Asked::Subscription, Age::Old, "failed: scope-not-found"),
    ("subscription-not-found-404-older", Asked::Subscription, Age::Old, "failed: scope-not-found"),
    // Being called less often cures both, at any age.
    ("throttled-429", Asked::Subscription, Age::Old, PUT_BACK),
    ("throttled-429", Asked::Assign, Age::Old, PUT_BACK),
];

/// The shapes of "there already", under whatever status.
const CONFLICTS: [&str; 3] = ["role-assignment-exists-409", "role-assignment-exists-409-with-id", "role-assignment-exists-400"];

/// For as long as anyone asks.
const ALWAYS: u32 = u32::MAX;

#[tokio::test(start_paused = true)]
async fn each_failure_ends_as_its_code_says() {
    for (shape, asked, age, ended) in FAILURES {
        let stage = Stage::new(asked, shape, ALWAYS, |_, _| {});
        assert_eq!(stage.onboard(age).await, ended, "{shape} to {asked:?}, {age:?}");
        assert_eq!(stage.readers(), 0, "{shape} to {asked:?}: nothing was assigned");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passed_leaves_no_trace() {
    for (shape, asked, ..) in FAILURES.into_iter().filter(|(_, _, age, ended)| *age == Age::Young && *ended == PUT_BACK) {
        let stage = Stage::new(asked, shape, 1, |_, _| {});
        assert_eq!(stage.onboard(Age::Young).await, PUT_BACK, "{shape}");
        assert_eq!(stage.take_up_again().await, "onboarded: created", "{shape}");
        assert_eq!(stage.readers(), 1, "{shape}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_done_once_a_read_shows_the_other_assignment() {
    for shape in CONFLICTS {
        // Someone assigns Reader between our read and our write.
        let stage = Stage::new(Asked::Assign, shape, ALWAYS, stage::assign_by_hand);
        assert_eq!(stage.onboard(Age::Old).await, "onboarded: already-assigned", "{shape}");
        assert_eq!(stage.readers(), 1, "{shape}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_no_read_shows_is_put_back() {
    for shape in CONFLICTS {
        let stage = Stage::new(Asked::Assign, shape, ALWAYS, |_, _| {});
        assert_eq!(stage.onboard(Age::Old).await, PUT_BACK, "{shape}");
    }
}

#[tokio::test(start_paused = true)]
async fn being_throttled_once_is_waited_out_within_the_delivery() {
    let stage = Stage::new(Asked::Assign, "throttled-429", 1, |_, _| {});
    let before = tokio::time::Instant::now();
    assert_eq!(stage.onboard(Age::Old).await, "onboarded: created");
    assert!(before.elapsed() >= std::time::Duration::from_secs(6), "the service asked for six seconds, and got {:?}", before.elapsed());
}

#[test]
fn every_recorded_shape_is_served_and_says_where_it_was_seen() {
    for entry in std::fs::read_dir(folder()).expect("the folder of the recorded shapes is there") {
        let path = entry.expect("its entries can be read").path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let shape = Shape::read(name);
        let served = FAILURES.iter().any(|(own, ..)| *own == name) || CONFLICTS.contains(&name);
        assert!(served, "{name} is served to nobody");
        assert!(shape.source.iter().all(|source| source.starts_with("https://")) && !shape.source.is_empty(), "{name}");
        assert!(shape.confirmed.iter().any(|part| part == "code"), "{name}: nobody has seen its code");
    }
}
