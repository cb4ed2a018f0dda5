//! The flow with finer faults than processes can be given: whatever call fails, afterwards nobody is elevated, or the command fails loudly.

mod proof;
mod stage;

use std::time::Duration;

use ispm_onboarder_simulator::world::Scope;
use ispm_onboarder_simulator::{DemoCast, Effect, Fault, When, World};

use self::stage::Stage;
use super::Stopped;
use crate::azure::{OWNERSHIP_MARK, READER};
use crate::cli::Tally;
use crate::error::Code;
use crate::permissions::Permissions;

const GOOD: Tally = Tally { failed: false, later: false };
const ELEVATE: &str = "arm.elevate-access";
const LIST: &str = "arm.role-assignments.list";
const REMOVE: &str = "arm.role-assignments.delete";
const ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR: &str = "f58310d9-a9f6-439a-9e8d-f62e7b41a168";

fn fault(operation: &str, when: When, times: Option<u32>, effect: Effect) -> Fault {
    Fault { operation: operation.to_owned(), about: None, skip: 0, times, when, effect }
}

fn unavailable() -> Effect {
    Effect::Status { status: 503, code: None, retry_after: None }
}

fn refused() -> Effect {
    Effect::Status { status: 403, code: Some("AuthorizationFailed".to_owned()), retry_after: None }
}

fn root(stage: &Stage) -> Scope {
    Scope::ManagementGroup(stage.cast.tenant.clone())
}

#[tokio::test(start_paused = true)]
async fn reader_is_assigned_and_nobody_is_elevated_afterwards() {
    let stage = Stage::new();
    assert_eq!(stage.run().await.unwrap(), GOOD);
    assert!(stage.elevated().is_empty());
    let readers = stage.readers();
    assert_eq!(readers.len(), 1);
    assert!(readers[0].description.as_deref().is_some_and(|text| text.starts_with(OWNERSHIP_MARK)), "{readers:?}");
    assert_eq!(stage.simulator.state().world.connections().len(), 1, "the ordinary onboarding went on");
    // Again: all is there, so that nobody is elevated at all.
    assert_eq!(stage.run().await.unwrap(), GOOD);
    assert_eq!((stage.calls(ELEVATE), stage.readers().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn it_waits_until_the_elevation_works() {
    let stage = Stage::with(|world, _| {
        world.settings.propagation_seconds = 400;
        world.settings.role_list_lag_seconds = 20;
    });
    assert_eq!(stage.run().await.unwrap(), GOOD);
    assert!(stage.elevated().is_empty());
    assert_eq!(stage.readers().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_elevation_that_never_works_is_given_up_and_removed() {
    let stage = Stage::new();
    stage.fault(fault("arm.permissions.list", When::Before, None, refused()));
    assert!(stage.run().await.unwrap().failed);
    assert!(stage.elevated().is_empty());
    assert!(stage.readers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_a_global_administrator_of_the_tenant_who_is_a_person_may() {
    let stage = Stage::with(|world, cast| {
        world.tenant_mut(&cast.tenant).add_user("99999999-0000-4000-8000-000000000001", "sam@contoso.example");
    });
    for (who, words) in [("99999999-0000-4000-8000-000000000001", "not Global Administrator"), ("no person", "as an app")] {
        let Err(Stopped::Wrong(wrong)) = stage.run_as(who, None, &[]).await else { panic!("{who} may not") };
        assert!(wrong.message.contains(words), "{}", wrong.message);
        assert!(wrong.hint.is_some());
    }
    assert_eq!(stage.calls(ELEVATE), 0);
}

#[tokio::test(start_paused = true)]
async fn an_elevation_that_was_there_before_stays() {
    let stage = Stage::with(|world, cast| {
        let role = crate::azure::USER_ACCESS_ADMINISTRATOR.to_string();
        world.tenant_mut(&cast.tenant).assign(&Scope::Tenant, &role, &cast.administrator);
    });
    assert_eq!(stage.run().await.unwrap(), GOOD);
    assert_eq!((stage.elevated().len(), stage.readers().len(), stage.calls(ELEVATE), stage.calls(REMOVE)), (1, 1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_may_assign_at_the_root_group_is_not_elevated() {
    let stage = Stage::with(|world, cast| {
        world.tenant_mut(&cast.tenant).assign_owner(&cast.administrator);
    });
    assert_eq!(stage.run().await.unwrap(), GOOD);
    assert_eq!((stage.readers().len(), stage.calls(ELEVATE)), (1, 0));
}

/// ARM tells the right as if it were free: only the assignment shows that it is held, here for somebody else's Reader.
#[tokio::test(start_paused = true)]
async fn a_right_that_a_condition_holds_does_not_count() {
    let held = |world: &mut World, cast: &DemoCast| {
        let shipped = Permissions::shipped().unwrap();
        let condition = shipped.custom_roles.iter().find_map(|role| role.condition(READER, &cast.operator_principal_id)).unwrap();
        let root = Scope::ManagementGroup(cast.tenant.clone());
        let given = world.tenant_mut(&cast.tenant).assign(&root, ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR, &cast.administrator);
        (given.condition, given.condition_version) = (Some(condition), Some("2.0".to_owned()));
    };
    let stage = Stage::with(held);
    assert_eq!(stage.run().await.unwrap(), GOOD);
    assert_eq!((stage.readers().len(), stage.calls(ELEVATE), stage.elevated().len()), (1, 1, 0));
    let stage = Stage::with(|world, cast| {
        held(world, cast);
        world.tenant_mut(&cast.tenant).assign_owner(&cast.administrator);
    });
    assert_eq!(stage.run().await.unwrap(), GOOD);
    assert_eq!((stage.readers().len(), stage.calls(ELEVATE)), (1, 0), "what is free beside it counts");
}

#[tokio::test(start_paused = true)]
async fn the_policy_is_judged_before_anybody_is_elevated() {
    let stage = Stage::with(|world, cast| {
        let name = format!("ispm-onboarder-{}", cast.tenant);
        let text = world.vaults[&cast.vault].secret(&name, None).unwrap().value.reveal().to_owned();
        let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
        record["policy"]["exclude"] = serde_json::json!([{ "id": cast.new }]);
        world.set_secret(&cast.vault, &name, &record.to_string());
    });
    let Err(Stopped::Failed(error)) = stage.run().await else { panic!("the policy keeps the root out") };
    assert_eq!(error.code, Code::ExcludedByPolicy);
    assert_eq!(stage.calls(ELEVATE), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_the_elevation_is_looked_after() {
    for (when, times) in [(When::After, None), (When::Before, None), (When::After, Some(1)), (When::Before, Some(4))] {
        for effect in [unavailable(), Effect::Reset, Effect::Truncated] {
            let stage = Stage::new();
            stage.fault(fault(ELEVATE, when, times, effect.clone()));
            let tally = stage.run().await.unwrap();
            assert!(stage.elevated().is_empty(), "{when:?} {times:?} {effect:?}");
            assert_eq!(tally == GOOD, !stage.readers().is_empty(), "{when:?} {times:?} {effect:?}: {tally:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn being_asked_to_stop_steps_down_and_being_asked_again_changes_nothing() {
    for seconds in [0, 1, 3, 30, 200] {
        let stage = Stage::with(|world, _| world.settings.propagation_seconds = 400);
        let stops = [Duration::from_secs(seconds), Duration::from_secs(1), Duration::from_secs(1)];
        let tally = stage.run_as(&stage.cast.administrator, None, &stops).await.unwrap();
        assert!(tally.later, "{seconds}: {tally:?}");
        assert!(stage.elevated().is_empty(), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_step_down_is_a_failure() {
    for effect in [refused(), unavailable(), Effect::Reset] {
        let stage = Stage::new();
        stage.fault(fault(REMOVE, When::Before, None, effect));
        assert!(stage.run().await.unwrap().failed);
        assert_eq!(stage.elevated().len(), 1, "the fault is real");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_the_removal_is_looked_after() {
    for effect in [unavailable(), Effect::Reset] {
        let stage = Stage::new();
        stage.fault(fault(REMOVE, When::After, Some(3), effect));
        assert_eq!(stage.run().await.unwrap(), GOOD);
        assert!(stage.elevated().is_empty());
    }
}

/// Every call of the flow fails once, and for good, before and after it took effect.
#[tokio::test(start_paused = true)]
async fn whatever_call_fails_nobody_stays_elevated_unless_it_is_told() {
    let whole = Stage::new();
    whole.run().await.unwrap();
    let operations = whole.operations();
    let first = operations.iter().position(|operation| operation == ELEVATE).expect("somebody is elevated");
    for (number, operation) in operations.iter().enumerate().skip(first) {
        let before = operations[..number].iter().filter(|own| *own == operation).count();
        let skip = u32::try_from(before).unwrap();
        for when in [When::Before, When::After] {
            for (effect, times) in
                [(unavailable(), Some(1)), (unavailable(), None), (refused(), Some(1)), (refused(), None), (Effect::Reset, None)]
            {
                let stage = Stage::new();
                stage.fault(Fault { operation: operation.clone(), about: None, skip, times, when, effect: effect.clone() });
                let tally = stage.run().await.unwrap();
                let left = !stage.elevated().is_empty();
                assert!(
                    !left || tally.failed,
                    "{operation} ({number}), {when:?}, {effect:?} {times:?}: somebody is elevated, and {tally:?}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lists_that_do_not_answer_are_no_proof() {
    let stage = Stage::new();
    // The list before is answered, and none that is to prove anything.
    stage.fault(Fault { skip: 3, ..fault(LIST, When::Before, None, refused()) });
    let tally = stage.run().await.unwrap();
    assert!(tally.failed || stage.elevated().is_empty(), "{tally:?}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_steps_down() {
    use super::elevated::{Cut, elevated};
    use super::step_down::SteppedDown;

    let stage = Stage::new();
    let admin = stage.admin().await;
    let mut stop = stage::After([].into());
    let ended = elevated(&admin, &mut stop, async { panic!("a fault of this program") }).await;
    assert!(matches!(ended.work, Err(Cut::Panicked)));
    assert!(matches!(ended.down, SteppedDown::Gone(Some(_))), "{ended:?}");
    assert!(stage.elevated().is_empty());
    let ended = elevated(&admin, &mut stop, std::future::pending()).await;
    assert!(matches!(ended.work, Err(Cut::TookTooLong)));
    assert!(stage.elevated().is_empty());
}

#[tokio::test(start_paused = true)]
async fn roles_are_given_with_their_condition_and_never_changed() {
    let stage = Stage::new();
    let to = stage.cast.function_principal_id.clone();
    let run = async || stage.run_as(&stage.cast.administrator, Some(&to), &[]).await;
    assert_eq!(run().await.unwrap(), GOOD);
    let given =
        || stage.assignments().into_iter().filter(|found| found.principal_id == to && found.scope == root(&stage)).collect::<Vec<_>>();
    let there = given();
    assert_eq!(there.len(), 2, "{there:?}");
    let conditions: Vec<&String> = there.iter().filter_map(|found| found.condition.as_ref()).collect();
    assert!(matches!(conditions.as_slice(), [only] if only.contains(&stage.cast.ispm_principal_id)), "{there:?}");
    assert!(stage.elevated().is_empty());
    let all = stage.assignments();
    assert_eq!(run().await.unwrap(), GOOD);
    assert_eq!(stage.assignments(), all, "the second time nothing is changed");

    // Somebody widened the condition.
    {
        let mut state = stage.simulator.state();
        let tenant = state.world.tenant_mut(&stage.cast.tenant);
        let held = tenant.role_assignments.values_mut().find(|found| found.condition.is_some() && found.principal_id == to).unwrap();
        held.condition = None;
    }
    let all = stage.assignments();
    assert!(run().await.unwrap().failed, "only the elevated can see that it differs");
    assert_eq!(stage.assignments(), all);
    stage.simulator.state().world.tenant_mut(&stage.cast.tenant).assign_owner(&stage.cast.administrator);
    let (all, elevated) = (stage.assignments(), stage.calls(ELEVATE));
    let Err(Stopped::Failed(error)) = run().await else { panic!("it differs") };
    assert_eq!(error.code, Code::RoleAssignmentConflict);
    assert_eq!((stage.assignments(), stage.calls(ELEVATE)), (all, elevated));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_is_told_loudly() {
    use super::elevated::{Ended, elevated};
    use super::job::{Done, Needs};
    use super::report::{Report, by_hand};

    let stage = Stage::new();
    stage.fault(fault(REMOVE, When::Before, None, refused()));
    let admin = stage.admin().await;
    let ended: Ended = elevated(&admin, &mut stage::After([].into()), async { Ok(()) }).await;
    let (needs, done) = (Needs { reader: true, roles: Vec::new(), may: false, before: None }, Done::default());
    let tenant = crate::scope::Guid::parse(&stage.cast.tenant).unwrap();
    let report = Report { tenant, person: &admin.person, needs: &needs, done: &done, ended: Some(&ended), cut: None };
    let words = report.lines().join("\n");
    let own = stage.elevated();
    let [login, delete] = by_hand(tenant, &admin.person, Some(&own[0].id));
    for expected in ["STEPPING DOWN FAILED", &login, &delete, &own[0].id, "403 AuthorizationFailed"] {
        assert!(words.contains(expected), "{expected} in {words}");
    }
    assert_eq!(report.tally(), Tally { failed: true, later: false });
    let document = report.document();
    assert_eq!((&document["elevation"]["state"], &document["elevation"]["id"]), (&"left".into(), &own[0].id.as_str().into()));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_meanwhile_is_asked_for_anew() {
    let stage = Stage::with(|world, _| {
        world.settings.propagation_seconds = 120;
        world.settings.token_lifetime_seconds = 40;
    });
    let tally = stage.run().await.unwrap();
    assert_ne!(tally, GOOD, "the work stops at the refused token");
    assert!(stage.elevated().is_empty());
}

#[tokio::test(start_paused = true)]
async fn whoever_is_not_in_the_directory_is_given_nothing() {
    let stage = Stage::new();
    let client = stage.cast.function_client_id.clone();
    assert!(stage.run_as(&stage.cast.administrator, Some(&client), &[]).await.unwrap().failed);
    assert!(stage.elevated().is_empty());
    assert!(stage.assignments().iter().all(|found| found.principal_id != client));
}
