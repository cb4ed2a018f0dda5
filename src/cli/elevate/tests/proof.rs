//! What counts as ours, and what as proof that it is gone.

use std::time::Duration;

use ispm_onboarder_simulator::{Effect, Fault, When};
use tokio::time::Instant;

use super::stage::{self, Stage};
use super::{ELEVATE, GOOD, LIST, REMOVE, fault, refused, unavailable};
use crate::azure::USER_ACCESS_ADMINISTRATOR;
use crate::cli::Tally;
use crate::cli::elevate::Stopped;
use crate::cli::elevate::elevated::{Cut, elevated};
use crate::cli::elevate::step_down::SteppedDown;
use crate::error::Code;

const BOB: &str = "99999999-0000-4000-8000-000000000001";

fn later(seconds: u32) -> Effect {
    Effect::Status { status: 503, code: None, retry_after: Some(seconds.to_string()) }
}

#[tokio::test(start_paused = true)]
async fn an_elevation_whose_answer_came_late_is_ours_all_the_same() {
    for effect in [later(360), Effect::Delay { seconds: 9 }, unavailable()] {
        let stage = Stage::new();
        stage.fault(fault(ELEVATE, When::After, Some(4), effect));
        stage.run().await.unwrap();
        assert!(stage.elevated().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_behind_is_no_proof() {
    for (lag, lost) in [(180, false), (600, false), (180, true), (500, true)] {
        let stage = Stage::with(|world, _| world.settings.role_list_lag_seconds = lag);
        if lost {
            stage.fault(fault(ELEVATE, When::After, None, unavailable()));
        }
        let tally = stage.run().await.unwrap();
        assert!(stage.elevated().is_empty(), "{lag} {lost}: {tally:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_azure_says_is_there_and_never_shows_is_told_as_left() {
    let stage = Stage::with(|world, _| world.settings.role_list_lag_seconds = 24 * 3600);
    let admin = stage.admin().await;
    let ended = elevated(&admin, &mut stage::After([].into()), async { Ok(()) }).await;
    assert!(matches!(&ended.down, SteppedDown::Left { why, assignment: None } if why.contains("cannot be seen")), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn however_long_azure_wishes_to_be_left_alone_it_is_asked_again() {
    for operation in [REMOVE, ELEVATE] {
        let stage = Stage::new();
        stage.fault(fault(operation, When::Before, Some(1), later(3600)));
        let began = Instant::now();
        assert_eq!(stage.run().await.unwrap(), GOOD);
        assert!(stage.elevated().is_empty());
        assert!(began.elapsed() < Duration::from_mins(10), "{operation}: {:?}", began.elapsed());
    }
}

/// Found by the histories: whoever stands in between may refuse what Azure has done.
#[tokio::test(start_paused = true)]
async fn a_refusal_of_what_took_effect_all_the_same_is_looked_after() {
    for token in [false, true] {
        let effect = if token { Effect::Status { status: 401, code: None, retry_after: None } } else { refused() };
        let stage = Stage::new();
        stage.fault(fault(ELEVATE, When::After, Some(1), effect));
        let tally = stage.run().await.unwrap();
        assert_ne!(tally, GOOD);
        assert!(stage.elevated().is_empty(), "{:?}", stage.elevated());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_before_a_refusal_is_looked_after() {
    let stage = Stage::new();
    stage.fault(fault(ELEVATE, When::After, Some(1), unavailable()));
    stage.fault(fault(ELEVATE, When::Before, None, refused()));
    assert_ne!(stage.run().await.unwrap(), GOOD);
    assert!(stage.elevated().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_elevation_that_is_a_minute_older_is_somebodys_own() {
    for lost in [false, true] {
        let stage = Stage::new();
        let admin = stage.admin().await;
        admin.arm.elevate().await.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        if lost {
            stage.fault(fault(ELEVATE, When::After, None, unavailable()));
        }
        let ended = elevated(&admin, &mut stage::After([].into()), async { Ok(()) }).await;
        assert!(matches!(ended.down, SteppedDown::NotOurs(_)), "{ended:?}");
        assert_eq!(stage.elevated().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn all_is_done_by_the_person_who_was_asked_about() {
    let stage = Stage::with(|world, cast| {
        world.tenant_mut(&cast.tenant).add_user(BOB, "bob@contoso.example").global_administrator = true;
    });
    let run = stage.run_switching(&stage.cast.administrator, BOB).await;
    assert!(matches!(&run, Err(Stopped::Failed(error)) if error.code == Code::CredentialRefused && error.message.contains(BOB)), "{run:?}");
    assert_eq!((stage.calls(ELEVATE), stage.elevated().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn that_the_assignment_was_not_found_is_no_proof() {
    // Front ends that do not know the assignment yet: it is not there to be removed, nor in the list.
    let stage = Stage::new();
    let gone = |status| Effect::Status { status, code: Some("RoleAssignmentNotFound".to_owned()), retry_after: None };
    stage.fault(fault(REMOVE, When::Before, Some(2), gone(404)));
    let admin = stage.admin().await;
    let before = stage.calls(LIST);
    let ended = elevated(&admin, &mut stage::After([].into()), async {
        let looks = stage.calls(LIST) - before;
        assert_eq!(looks, 1, "only the time was asked for");
        // The list shows it, then not, then for good.
        stage.fault(Fault { skip: 1, ..fault(LIST, When::Before, Some(3), refused()) });
        Ok(())
    })
    .await;
    assert!(stage.elevated().is_empty(), "{ended:?}");
    assert!(matches!(&ended.down, SteppedDown::Gone(Some((_, ids))) if ids.request_id.is_some()), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_removes_meanwhile_is_gone() {
    let stage = Stage::new();
    let admin = stage.admin().await;
    let ended = elevated(&admin, &mut stage::After([].into()), async {
        admin.rights_work();
        stage.remove_elevation();
        Ok(())
    })
    .await;
    assert!(matches!(ended.down, SteppedDown::Gone(None)), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_role_that_was_renamed_is_not_overwritten() {
    let stage = Stage::new();
    let to = stage.cast.function_principal_id.clone();
    let run = async || stage.run_as(&stage.cast.administrator, Some(&to), &[]).await;
    let rename = |name: &str| {
        let mut state = stage.simulator.state();
        let roles = &mut state.world.tenant_mut(&stage.cast.tenant).custom_roles;
        name.clone_into(&mut roles.values_mut().find(|role| role.role_name == "ISPM onboarder: read").unwrap().role_name);
        roles.clone()
    };
    // The world's own, then the one that is made here, under the GUID that is computed.
    rename("Theirs: read");
    assert_eq!(run().await.unwrap(), GOOD);
    let renamed = rename("Ours: read");
    assert!(run().await.unwrap().failed);
    assert!(stage.elevated().is_empty());
    assert_eq!(stage.simulator.state().world.tenant_mut(&stage.cast.tenant).custom_roles, renamed);
}

#[tokio::test(start_paused = true)]
async fn after_a_failed_step_down_nothing_more_is_done() {
    let stage = Stage::new();
    stage.fault(fault(REMOVE, When::Before, None, refused()));
    assert_eq!(stage.run().await.unwrap(), Tally { failed: true, later: false });
    assert!(stage.simulator.state().world.connections().is_empty(), "the onboarding waits until somebody has looked after it");
}

#[tokio::test(start_paused = true)]
async fn an_odd_assignment_elsewhere_does_not_keep_from_stepping_down() {
    let odd = serde_json::json!({ "id": "x", "name": "not a GUID", "properties": { "scope": "/subscriptions/1", "createdOn": "" } });
    let stage = Stage::new();
    stage.fault(fault(LIST, When::After, None, Effect::Altered { pointer: "/value/-".to_owned(), value: odd }));
    let admin = stage.admin().await;
    let ended = elevated(&admin, &mut stage::After([].into()), async { Ok(()) }).await;
    assert!(stage.elevated().is_empty(), "{ended:?}");
    stage.simulator.state().faults.clear();
    let own = format!("/providers/Microsoft.Authorization/roleDefinitions/{USER_ACCESS_ADMINISTRATOR}");
    let odd = serde_json::json!({ "id": "x", "name": "x", "properties": {
        "scope": "/", "roleDefinitionId": own, "principalId": stage.cast.administrator } });
    stage.fault(fault(LIST, When::After, None, Effect::Altered { pointer: "/value/-".to_owned(), value: odd }));
    let ended = elevated(&admin, &mut stage::After([].into()), async { Ok(()) }).await;
    assert!(matches!(ended.down, SteppedDown::Left { .. }), "what cannot be read may be it: {ended:?}");
}

#[tokio::test(start_paused = true)]
async fn being_asked_to_stop_before_anything_was_sent_sends_nothing() {
    let stage = Stage::new();
    stage.fault(fault(LIST, When::Before, None, Effect::Delay { seconds: 2 }));
    let admin = stage.admin().await;
    let ended = elevated(&admin, &mut stage::After([Duration::from_secs(1)].into()), async { Ok(()) }).await;
    assert!(matches!(ended.work, Err(Cut::Stopped(_))), "{ended:?}");
    assert_eq!(stage.calls(ELEVATE), 0);
}

#[tokio::test(start_paused = true)]
async fn being_asked_to_stop_between_two_tries_is_obeyed() {
    let stage = Stage::new();
    stage.fault(fault(ELEVATE, When::Before, Some(1), unavailable()));
    let admin = stage.admin().await;
    let ended = elevated(&admin, &mut stage::After([Duration::from_secs(3)].into()), async { Ok(()) }).await;
    assert!(matches!(ended.work, Err(Cut::Stopped(_))), "{ended:?}");
    assert_eq!(stage.calls(ELEVATE), 1);
}
