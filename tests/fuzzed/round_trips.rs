//! Scopes and ids: every spelling of a thing is that thing, and different things keep apart.

use ispm_onboarder::apply::Progress;
use ispm_onboarder::azure::{READER, assignment_id, assignment_name, definition_name, grant_name};
use ispm_onboarder::error::{Code, Error};
use ispm_onboarder::event::CallerId;
use ispm_onboarder::outcome::Outcome;
use ispm_onboarder::request::{Action, Cause, History, Message, Request, parse};
use ispm_onboarder::scope::{GroupName, Guid, Scope};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use time::OffsetDateTime;
use uuid::{Uuid, Variant};

/// The same cases in each run: what others find is kept as a test of its own.
fn config() -> Config {
    Config { cases: 512, failure_persistence: None, rng_seed: RngSeed::Fixed(8), ..Config::default() }
}

fn guid() -> impl Strategy<Value = Guid> {
    any::<u128>().prop_map(|bits| Guid::from_uuid(Uuid::from_u128(bits)))
}

fn scope() -> impl Strategy<Value = Scope> {
    let group = "[-_().a-zA-Z0-9]{0,30}[-_()a-zA-Z0-9]".prop_map(|name| GroupName::parse(&name).expect("a name that Azure allows"));
    prop_oneof![
        guid().prop_map(Scope::Subscription),
        group.prop_map(Scope::ManagementGroup),
        guid().prop_map(|tenant| Scope::ManagementGroup(GroupName::root_of(tenant))),
    ]
}

/// A scope, and another spelling of it as Azure, a script or a person writes it.
fn spelt() -> impl Strategy<Value = (Scope, String)> {
    (scope(), any::<u64>(), "[ \t\n]{0,2}", 0..5_u8).prop_map(|(scope, cases, blanks, style)| {
        let path = scope.path();
        let last = path.rsplit('/').next().unwrap_or_default();
        let written = match (&scope, style) {
            (_, 0) => path,
            (_, 1) => format!("{path}/"),
            (_, 2) => path.trim_start_matches('/').to_owned(),
            (Scope::Subscription(_), 3) => format!("/subscriptions/{{{last}}}"),
            (Scope::Subscription(_), _) => last.to_owned(),
            (Scope::ManagementGroup(_), _) => format!("mg:{last}"),
        };
        let is_typed = written.starts_with("mg:");
        let any_case = |(position, letter): (usize, char)| match cases >> (position % 64) & 1 {
            // What a person types before the colon is a word of ours.
            1 if !is_typed || position > 2 => letter.to_ascii_uppercase(),
            _ => letter,
        };
        let written: String = written.chars().enumerate().map(any_case).collect();
        (scope, format!("{blanks}{written}{blanks}"))
    })
}

/// A short text of few letters, so that equal ones and shifted ones come up.
fn part() -> impl Strategy<Value = String> {
    "[ab/]{1,3}"
}

fn request() -> impl Strategy<Value = Request> {
    let cause = (part(), part(), part()).prop_map(|(source, id, kind)| Cause { source, id, kind });
    let times = || {
        prop::option::of(-62_167_219_200..=253_402_300_799_i64)
            .prop_map(|at| at.map(|at| OffsetDateTime::from_unix_timestamp(at).expect("a time")))
    };
    let action = prop_oneof![Just(Action::Onboard), Just(Action::Offboard)];
    (guid(), scope(), action, cause, times(), times(), any::<u32>(), any::<bool>()).prop_map(
        |(tenant, scope, action, cause, caused_at, first_seen, attempts, unconfirmed)| Request {
            history: History { first_seen, attempts },
            unconfirmed,
            ..Request::new(tenant, scope, action, cause, caused_at)
        },
    )
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_spelling_of_a_scope_is_that_scope((scope, text) in spelt(), tenant in guid()) {
        prop_assert_eq!(Scope::parse_typed(&text, tenant), Ok(scope.clone()));
        if !text.trim().starts_with("mg:") {
            prop_assert_eq!(Scope::parse(&text), Ok(scope.clone()));
            let quoted = serde_json::to_string(&text).expect("text is JSON");
            prop_assert_eq!(serde_json::from_str::<Scope>(&quoted).ok(), Some(scope.clone()));
        }
        let written = serde_json::to_string(&scope).expect("a scope is text");
        prop_assert_eq!(written.clone(), format!("\"{scope}\""));
        prop_assert_eq!(serde_json::from_str::<Scope>(&written).ok(), Some(scope));
    }

    #[test]
    fn what_is_near_a_scope_is_none(scope in scope(), between in "(/|//|%2[fF]|/\\.\\.|\\?|#|\\\\|;|\u{e9})[a-z]{0,3}") {
        let near = format!("{scope}{between}");
        // One slash at the end is the same scope.
        prop_assert_eq!(Scope::parse(&near).is_ok(), between == "/", "{}", near);
        for encoded in [scope.path().replace('/', "%2F"), scope.path().replace("s/", "s%2F"), scope.path().replace('/', "//"), scope.path().replace('-', "%2D")] {
            prop_assert!(encoded == scope.path() || Scope::parse(&encoded).is_err(), "{}", encoded);
        }
    }

    #[test]
    fn names_in_azure_are_those_of_the_scope_however_it_is_spelt((scope, text) in spelt(), principal in guid(), role in guid()) {
        let again = Scope::parse_typed(&text, principal).expect("a spelling");
        let name = assignment_name(&scope, principal);
        prop_assert_eq!(name, assignment_name(&again, principal));
        prop_assert_eq!(name, grant_name(&scope, principal, READER));
        prop_assert_eq!(definition_name(&scope, "ISPM onboarder: read"), definition_name(&again, "ISPM onboarder: read"));
        for name in [name, grant_name(&scope, principal, role), definition_name(&scope, "x")] {
            let uuid = name.as_uuid();
            prop_assert_eq!((uuid.get_version_num(), uuid.get_variant()), (5, Variant::RFC4122));
        }
        let id = assignment_id(&scope, name);
        prop_assert!(id.starts_with(&scope.path()) && id.ends_with(&name.to_string()));
    }

    #[test]
    fn names_in_azure_differ_by_scope_principal_and_role(one in scope(), two in scope(), principal in guid(), other in guid()) {
        prop_assert_eq!(assignment_name(&one, principal) == assignment_name(&two, principal), one == two);
        prop_assert_eq!(assignment_name(&one, principal) == assignment_name(&one, other), principal == other);
        prop_assert_eq!(grant_name(&one, principal, READER) == grant_name(&one, principal, other), READER == other);
        prop_assert!(definition_name(&one, "read") != definition_name(&one, "write"));
    }

    #[test]
    fn results_have_one_id_for_one_outcome(request in request(), object in guid()) {
        let refused = |request: &Request, code: Code, words: &str| Outcome::refused(request, Error::new(code, words), Progress::default()).id();
        let id = refused(&request, Code::ScopeNotFound, "not there");
        prop_assert_eq!(id.get_version_num(), 5);
        // Who asked, how often and why it failed this time do not make it another one.
        let caller = Some(CallerId { tenant_id: request.tenant, object_id: object });
        let later = Request { history: History { first_seen: None, attempts: 7 }, caused_at: None, caller, ..request.clone() };
        prop_assert_eq!(id, refused(&later, Code::AuthorizationFailed, "no right"));
        // What it came to does.
        let blocked = refused(&request, Code::ExcludedByPolicy, "kept out");
        let offboarded = Outcome::offboarded(&request, None, &Progress::default()).id();
        prop_assert!(id != blocked && id != offboarded && blocked != offboarded);
    }

    #[test]
    fn results_of_different_things_have_different_ids(one in request(), two in request(), keep in prop::array::uniform4(any::<bool>())) {
        let id = |request: &Request| Outcome::refused(request, Error::new(Code::ScopeNotFound, "not there"), Progress::default()).id();
        let mut two = two;
        if keep[0] { two.tenant = one.tenant; }
        if keep[1] { two.scope = one.scope.clone(); }
        if keep[2] { two.cause.id = one.cause.id.clone(); }
        // The same letters, cut elsewhere.
        if keep[3] { two.cause.source = format!("{}{}", one.cause.source, &one.cause.id[..1]); }
        let key = |request: &Request| (request.tenant, request.scope.clone(), request.cause.source.clone(), request.cause.id.clone());
        prop_assert_eq!(id(&one) == id(&two), key(&one) == key(&two));
        let unreadable = |request: &Request| Outcome::unreadable(request.cause.clone(), None, Error::new(Code::InvalidEvent, "what is it?")).id();
        let same_cause = (&one.cause.source, &one.cause.id) == (&two.cause.source, &two.cause.id);
        prop_assert_eq!(unreadable(&one) == unreadable(&two), same_cause);
    }

    #[test]
    fn a_request_comes_out_of_the_queue_as_it_went_in(request in request(), now in -1_000_000_000..4_000_000_000_i64) {
        let now = OffsetDateTime::from_unix_timestamp(now).expect("a time");
        let again = |message: Message| parse(message.to_string().as_bytes()).remove(0).request.ok();
        let first_seen = Some(request.history.first_seen.unwrap_or(now));
        let history = |attempts| History { first_seen, attempts };
        let put_back = Request { history: history(request.history.attempts.saturating_add(1)), ..request.clone() };
        prop_assert_eq!(again(Message::put_back(&request, now)), Some(put_back));
        let handed_on = Request { history: history(request.history.attempts), ..request.clone() };
        prop_assert_eq!(again(Message::handed_on(&request, now)), Some(handed_on));
    }
}
