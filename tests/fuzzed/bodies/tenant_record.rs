//! The tenant record, and what its policy decides.

use ispm_onboarder::config::Config;
use ispm_onboarder::error::{Code, Error};
use ispm_onboarder::ispm::Found;
use ispm_onboarder::observe::{Observed, ScopeFacts};
use ispm_onboarder::plan::plan;
use ispm_onboarder::request::{Action, Cause, Request};
use ispm_onboarder::scope::{GroupName, Guid, Scope};
use ispm_onboarder::tenant::{Assign, Connect, Rule, TenantRecord};
use serde_json::Value;
use uuid::{Uuid, uuid};

use super::words::{self, SECRET};

/// The tenant under whose name a record stands that names none.
const TENANT: Guid = Guid::from_uuid(uuid!("519aadd0-caeb-5ef8-b1b9-046051535bc3"));
const PRINCIPAL: Guid = Guid::from_uuid(uuid!("22222222-2222-2222-2222-222222222222"));

/// A record is read and means one thing, or is refused in words without its values.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let tenant = value["tenantId"].as_str().and_then(|id| Guid::parse(id).ok()).unwrap_or(TENANT);
    let record = match read(text, tenant) {
        Ok(record) => record,
        Err(error) => return check_refusal(&error, text),
    };
    let shown = format!("{record:?}");
    let pretty = serde_json::to_string_pretty(&value).expect("JSON can be written");
    for same in [value.to_string(), pretty] {
        assert_eq!(read(&same, tenant).map(|record| format!("{record:?}")).ok().as_ref(), Some(&shown), "{same}");
    }
    let other = Guid::from_uuid(Uuid::from_u128(tenant.as_uuid().as_u128() ^ 1));
    assert_eq!(read(text, other).expect_err("it stands under another tenant's name").code, Code::RecordInvalid);
    check_url(&record);
    check_policy(&record);
}

fn read(text: &str, tenant: Guid) -> Result<TenantRecord, Error> {
    let config = Config::read(|name| match name {
        "ONBOARDER_SECRET_STORE" => Some("file:x".to_owned()),
        "ONBOARDER_RESULTS" => Some("stdout:".to_owned()),
        _ => None,
    });
    TenantRecord::read(text, tenant, &config.expect("the settings are valid").ispm_hosts)
}

fn check_refusal(error: &Error, text: &str) {
    assert!(matches!(error.code, Code::RecordInvalid | Code::RecordNewer), "{error:?}");
    assert!(error.hint.is_some());
    // All rules that nothing can match are told at once.
    words::check_up_to(error, 1000 + 8 * text.len());
    if !is_in_a_name(text, SECRET) {
        words::tells_nothing(&error.message, SECRET);
    }
}

/// Whether a word stands in the name of a member of a document, which need not be whole: names are told, so that they can be found.
pub fn is_in_a_name(text: &str, word: &str) -> bool {
    let after_the_string = |rest: &str| {
        let end = rest.match_indices('"').find(|(at, _)| !rest[..*at].ends_with('\\'));
        end.is_some_and(|(at, _)| rest[at + 1..].trim_start().starts_with(':'))
    };
    text.match_indices(word).any(|(at, _)| after_the_string(&text[at..]))
}

/// The token goes to an https address of ISPM's, and to no port or user of somebody's choice.
fn check_url(record: &TenantRecord) {
    let url = &record.ispm.url;
    let label = url.host_str().and_then(|host| host.strip_suffix(".spera-app.com"));
    assert!(label.is_some_and(|label| !label.is_empty() && !label.contains('.')), "{url}");
    assert_eq!(url.origin().ascii_serialization(), format!("https://{}", url.host_str().unwrap_or_default()));
    assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none(), "{url}");
}

fn check_policy(record: &TenantRecord) {
    for (scope, facts) in cases(record) {
        let verdict = judge(record, &scope, &facts);
        check_order(record, &scope, &facts, verdict);
        check_growth(record, &scope, &facts, verdict);
    }
}

/// The code of the refusal, or nothing where there is none.
fn judge(record: &TenantRecord, scope: &Scope, facts: &ScopeFacts) -> Option<Code> {
    let cause = Cause { source: "/tests".to_owned(), id: "1".to_owned(), kind: "tests".to_owned() };
    let request = Request::new(record.tenant_id, scope.clone(), Action::Onboard, cause, None);
    let connection_name = (record.ispm.connect != Connect::Console {}).then(|| format!("azure-{}", record.tenant_id));
    let observed =
        Observed { principal: PRINCIPAL, scope: facts.clone(), assignments: vec![], connection: Ok(Found::default()), connection_name };
    match plan(&request, record, &observed) {
        Ok(plan) => {
            assert_eq!(plan.steps.len(), 2, "Reader and the connection: {plan:?}");
            plan.steps.iter().for_each(|step| words::printable(&step.to_string(), 1000));
            assert_eq!(record.policy.assign, Assign::Always, "nothing is assigned against the policy's word");
            None
        }
        Err(error) => {
            words::check(&error);
            assert!(error.hint.is_some());
            Some(error.code)
        }
    }
}

/// Nothing depends on the order of rules and groups.
fn check_order(record: &TenantRecord, scope: &Scope, facts: &ScopeFacts, verdict: Option<Code>) {
    let mut turned = record.clone();
    turned.policy.include.reverse();
    turned.policy.exclude.reverse();
    turned.policy.management_groups.reverse();
    assert_eq!(judge(&turned, scope, facts), verdict, "judged by order: {:?}", record.policy);
    let mut facts = facts.clone();
    facts.ancestors.reverse();
    assert_eq!(judge(record, scope, &facts), verdict, "judged by the order of groups: {facts:?}");
}

/// What is let in stays so with less kept out and with more let in; what a rule of exclusion matches is kept out whatever else is said.
fn check_growth(record: &TenantRecord, scope: &Scope, facts: &ScopeFacts, verdict: Option<Code>) {
    let mut wider = record.clone();
    wider.policy.exclude.clear();
    wider.policy.include.clear();
    wider.policy.management_groups.clear();
    let widest = judge(&wider, scope, facts);
    assert!(verdict.is_some() || widest.is_none(), "a policy that lets in more keeps out {scope}: {:?}", record.policy);
    let mut closed = record.clone();
    let all = if matches!(scope, Scope::Subscription(_)) { "*" } else { "**" };
    closed.policy.exclude.push(Rule::Name(all.to_owned()));
    assert_eq!(judge(&closed, scope, facts), Some(Code::ExcludedByPolicy), "every name is kept out: {facts:?}");
}

/// Scopes that the record's rules are about, and one that none is about.
fn cases(record: &TenantRecord) -> Vec<(Scope, ScopeFacts)> {
    let subscription = Scope::Subscription(PRINCIPAL);
    let facts = ScopeFacts { display_name: "Prod 1".to_owned(), state: Some("Enabled".to_owned()), ..ScopeFacts::default() };
    let mut cases = vec![(subscription.clone(), facts.clone())];
    for rule in record.policy.include.iter().chain(&record.policy.exclude).take(8) {
        let (mut scope, mut facts) = (subscription.clone(), facts.clone());
        match rule {
            Rule::Id(id) => scope = Scope::Subscription(*id),
            Rule::ManagementGroup(group) => facts.ancestors = vec![GroupName::root_of(record.tenant_id), group.clone()],
            Rule::Name(pattern) => facts.display_name = pattern.replace('*', "x"),
            Rule::State(state) => facts.state = Some(state.clone()),
            Rule::Offer(offer) => facts.offer = Some(offer.replace('*', "")),
        }
        cases.push((scope, facts));
    }
    for group in record.policy.management_groups.iter().take(4) {
        let facts = ScopeFacts { display_name: group.to_string(), ..ScopeFacts::default() };
        cases.push((Scope::ManagementGroup(group.clone()), facts));
    }
    cases
}
