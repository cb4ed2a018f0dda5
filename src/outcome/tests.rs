use super::*;
use crate::request::Action;
use crate::result_event::RoleState;
use crate::scope::AssignedAt;

const TENANT: &str = "519aadd0-caeb-5ef8-b1b9-046051535bc3";
const SUBSCRIPTION: &str = "/subscriptions/23ea0b12-4ef0-5a35-b45b-39f28c454059";

fn tenant() -> Guid {
    Guid::parse(TENANT).unwrap()
}

fn cause() -> Cause {
    Cause { source: "/pipeline".to_owned(), id: "1".to_owned(), kind: "call".to_owned() }
}

fn request() -> Request {
    let request = Request::new(tenant(), Scope::parse(SUBSCRIPTION).unwrap(), Action::Onboard, cause(), None);
    Request { caller: Some(CallerId { tenant_id: tenant(), object_id: tenant() }), ..request }
}

fn progress(status: ConnectionStatus) -> Progress {
    let scope = AssignedAt::parse(SUBSCRIPTION);
    Progress {
        role_since: None,
        connection_since: None,
        role: Some(RoleResult { id: "role".to_owned(), outcome: RoleState::Created, scope }),
        connection: Some(ConnectionResult { id: None, name: "azure-1".to_owned(), status, cause: None }),
        log: vec![],
    }
}

/// What a result says: its kind, its code, and which of its members are there, as they stand in the event.
fn told(outcome: &Outcome) -> (&'static str, Option<Code>, Vec<String>) {
    let event = serde_json::to_value(outcome.event(OffsetDateTime::UNIX_EPOCH)).unwrap();
    let members = event["data"].as_object().unwrap().keys().filter(|key| !matches!(&***key, "cause" | "code" | "message" | "hint"));
    (outcome.kind.word(), outcome.error.as_ref().map(|error| error.code), members.cloned().collect())
}

const ALL: [&str; 5] = ["caller", "connection", "roleAssignment", "scope", "tenantId"];

#[test]
fn what_was_carried_out_is_told_by_the_state_of_its_connection() {
    let of = |status, young| Outcome::of(&request(), "contoso", &progress(status), young).map_err(|error| error.code);
    for (status, young, kind, code) in [
        (ConnectionStatus::Connected, true, "onboarded", None),
        (ConnectionStatus::Removed, true, "onboarded", None),
        (ConnectionStatus::Pending, false, "pending", Some(Code::ConnectionPending)),
        (ConnectionStatus::Failed, false, "failed", Some(Code::ConnectionFailed)),
        (ConnectionStatus::AwaitingConsole, true, "pending", Some(Code::AwaitingConsole)),
    ] {
        assert_eq!(told(&of(status, young).unwrap()), (kind, code, ALL.map(str::to_owned).to_vec()), "{status}");
    }
    assert_eq!(of(ConnectionStatus::Pending, true).unwrap_err(), Code::ConnectionPending, "it may still pass");
    assert_eq!(of(ConnectionStatus::Failed, true).unwrap_err(), Code::ConnectionFailed, "it may still pass");
}

#[test]
fn what_was_not_carried_out_tells_what_was_done_before() {
    for (code, kind) in [
        (Code::ExcludedByPolicy, "blocked"),
        (Code::SubscriptionNotActive, "blocked"),
        (Code::RoleMissing, "blocked"),
        (Code::OffboardingNotJustified, "blocked"),
        (Code::ConnectionPending, "pending"),
        (Code::ConnectionFailed, "failed"),
        (Code::Unavailable, "failed"),
    ] {
        let refused = Outcome::refused(&request(), Error::new(code, "words"), progress(ConnectionStatus::Connected));
        assert_eq!(told(&refused), (kind, Some(code), ALL.map(str::to_owned).to_vec()));
    }
    let unserved = Outcome::refused(&request(), Error::new(Code::TenantNotServed, "words"), Progress::default());
    assert_eq!(told(&unserved), ("failed", Some(Code::TenantNotServed), vec!["caller".to_owned(), "scope".to_owned()]));
    assert_eq!(unserved.event(OffsetDateTime::UNIX_EPOCH).source, "urn:ispm-onboarder:unserved");
}

#[test]
fn equal_outcomes_have_equal_ids_and_others_have_others() {
    let error = || Error::new(Code::Unavailable, "words");
    let refused = || Outcome::refused(&request(), error(), Progress::default());
    let done = |status| Outcome::of(&request(), "contoso", &progress(status), false).unwrap().id();
    let connected = done(ConnectionStatus::Connected);
    assert_eq!(connected, Outcome::of(&request(), "contoso", &Progress::default(), true).unwrap().id(), "whatever happened on the way");
    assert_eq!(
        refused().id(),
        Outcome::refused(&request(), Error::new(Code::Throttled, "others"), progress(ConnectionStatus::Failed)).id()
    );
    let unreadable = |tenant| Outcome::unreadable(cause(), tenant, error()).id();
    assert_eq!(unreadable(None), unreadable(Some(tenant())), "whether or not its tenant could be looked up");
    // Nobody is asked twice a day, or for each subscription of one source.
    let other = Request { scope: Scope::parse("/subscriptions/11111111-2222-4333-8444-555555555555").unwrap(), ..request() };
    let awaiting =
        |request: &Request, source: &str| Outcome::of(request, source, &progress(ConnectionStatus::AwaitingConsole), false).unwrap().id();
    assert_eq!(awaiting(&request(), "contoso"), awaiting(&other, "contoso"));
    let failed =
        |request: &Request, hours| Outcome::tenant_failed(request, error(), OffsetDateTime::UNIX_EPOCH + time::Duration::hours(hours)).id();
    assert_eq!(failed(&request(), 0), failed(&other, 23));
    let mut all = vec![
        connected,
        refused().id(),
        Outcome::refused(&other, error(), Progress::default()).id(),
        Outcome::offboarded(&request(), None, &Progress::default()).id(),
        done(ConnectionStatus::Pending),
        unreadable(None),
        awaiting(&request(), "contoso"),
        awaiting(&request(), "fabrikam"),
        failed(&request(), 0),
        failed(&request(), 24),
    ];
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn a_whole_tenants_trouble_is_about_the_tenant() {
    let failed = Outcome::tenant_failed(&request(), Error::new(Code::SecretMissing, "words"), OffsetDateTime::UNIX_EPOCH);
    assert_eq!(told(&failed), ("tenant failed", Some(Code::SecretMissing), vec!["tenantId".to_owned()]));
    assert_eq!(failed.event(OffsetDateTime::UNIX_EPOCH).subject.as_deref(), Some(TENANT));
    let offboarded = Outcome::offboarded(&request(), None, &progress(ConnectionStatus::Removed));
    assert_eq!(told(&offboarded), ("offboarded", None, ALL.map(str::to_owned).to_vec()));
    assert_eq!(offboarded.event(OffsetDateTime::UNIX_EPOCH).subject.as_deref(), Some(SUBSCRIPTION));
}
