//! Documents in a bucket.

use std::sync::Arc;

use ispm_onboarder::aws::S3Container;
use ispm_onboarder::error::{Code, Error};
use ispm_onboarder::storage::Item;
use ispm_onboarder_simulator::world::aws::Account;
use ispm_onboarder_simulator::{DemoCast, Effect, Fault, World};

use crate::harness::{Given, Scenario};

const BUCKET: &str = "contoso-onboarder";

fn account<'a>(world: &'a mut World, cast: &DemoCast) -> &'a mut Account {
    world.aws_mut(&cast.aws.account, &cast.aws.region)
}

fn with_bucket() -> Scenario {
    Given::demo().world(|world, cast| add_bucket(world, cast, BUCKET)).start()
}

/// A bucket in which the function's role may do all that a container does, which neither it nor whoever replays may do anywhere.
fn add_bucket(world: &mut World, cast: &DemoCast, name: &str) {
    let account = account(world, cast);
    account.add_bucket(name);
    allow(account, cast, name);
}

fn allow(account: &mut Account, cast: &DemoCast, name: &str) {
    let actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"];
    account.allow(&cast.aws.role_arn, &actions, &[&format!("arn:aws:s3:::{name}/*")]);
    account.allow(&cast.aws.role_arn, &["s3:ListBucket"], &[&format!("arn:aws:s3:::{name}")]);
}

fn container(s: &Scenario, prefix: &str) -> S3Container {
    S3Container::open(BUCKET, prefix, &s.aws_platform())
}

fn names(items: Vec<Item>) -> Vec<String> {
    items.into_iter().map(|item| item.name).collect()
}

#[tokio::test(start_paused = true)]
async fn a_document_is_read_as_it_was_written_until_it_is_deleted() {
    let s = with_bucket();
    let reports = container(&s, "prod/reports/");
    assert_eq!(reports.get("a.json").await.unwrap(), None);
    reports.put("a.json", "application/json", b"{}".to_vec()).await.unwrap();
    reports.put("a.json", "application/json", br#"{"version":1}"#.to_vec()).await.unwrap();
    assert_eq!(reports.get("a.json").await.unwrap().as_deref(), Some(&br#"{"version":1}"#[..]));
    s.change(|world, cast| {
        let stored = &account(world, cast).buckets[BUCKET].objects["prod/reports/a.json"];
        assert_eq!(stored.content_type, "application/json");
    });
    reports.delete("a.json").await.unwrap();
    reports.delete("a.json").await.unwrap();
    assert_eq!(reports.get("a.json").await.unwrap(), None);
    s.expect_calls(["s3.get", "s3.put", "s3.put", "s3.get", "s3.delete", "s3.delete", "s3.get"]);
}

#[tokio::test(start_paused = true)]
async fn a_large_document_is_read_in_pieces_and_an_empty_one_is_there() {
    let s = with_bucket();
    let reports = container(&s, "");
    let large: Vec<u8> = (0..9_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    reports.put("large", "text/plain", large.clone()).await.unwrap();
    assert!(reports.get("large").await.unwrap().is_some_and(|read| read == large));
    assert_eq!(s.count_calls()["s3.get"], 3);
    reports.put("empty", "text/plain", Vec::new()).await.unwrap();
    assert_eq!(reports.get("empty").await.unwrap(), Some(Vec::new()));
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn a_list_has_all_pages_of_what_lies_below_and_names_it_without_the_prefix() {
    let s = with_bucket();
    s.change(|world, cast| {
        let bucket = account(world, cast).add_bucket(BUCKET);
        let object = ispm_onboarder_simulator::world::aws::Object {
            content_type: "text/plain".to_owned(),
            body: Vec::new(),
            modified_on: crate::harness::EPOCH,
        };
        let keys = (0..1001).map(|number| format!("prod/{number:04}")).chain(["other".to_owned(), "prod/0 <&> ü'(+)".to_owned()]);
        bucket.objects.extend(keys.map(|key| (key, object.clone())));
    });
    let found = container(&s, "prod/").list("").await.unwrap();
    assert_eq!((found.len(), found[0].name.as_str(), found[0].modified), (1002, "0 <&> ü'(+)", Some(crate::harness::EPOCH)));
    assert_eq!(names(container(&s, "").list("o").await.unwrap()), ["other"]);
    assert_eq!(names(container(&s, "prod/").list("0 <&> ü'(+)").await.unwrap()), ["0 <&> ü'(+)"]);
    s.expect_calls(["s3.list", "s3.list", "s3.list", "s3.list"]);
}

#[tokio::test(start_paused = true)]
async fn names_of_any_letters_are_signed_as_they_are_sent() {
    let s = with_bucket();
    let reports = container(&s, "it's (a) prefix!/");
    for name in ["ü+ *.json", "a/b=c&d~e@f", "100%25.json"] {
        reports.put(name, "text/plain", name.as_bytes().to_vec()).await.unwrap();
        assert_eq!(reports.get(name).await.unwrap().as_deref(), Some(name.as_bytes()));
    }
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn a_bucket_with_dots_in_its_name_is_part_of_the_path() {
    let s = Given::demo().world(|world, cast| add_bucket(world, cast, "reports.contoso.example")).start();
    let reports = S3Container::open("reports.contoso.example", "", &s.aws_platform());
    reports.put("a", "text/plain", b"a".to_vec()).await.unwrap();
    let [call] = &s.unread_calls()[..] else { panic!("one call") };
    assert!(call.url.starts_with("s3.eu-central-1.amazonaws.com/reports.contoso.example/a"), "{}", call.url);
}

async fn refusal(s: &Scenario, call: &str) -> Error {
    let reports = container(s, "prod/");
    let refused = match call {
        "get" => reports.get("a").await.map(drop),
        "put" => reports.put("a", "text/plain", Vec::new()).await,
        "list" => reports.list("").await.map(drop),
        _ => reports.delete("a").await,
    };
    let error = refused.expect_err("it is refused");
    s.count_calls();
    error
}

fn hint(error: &Error) -> &str {
    error.hint.as_deref().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_denied_call_names_the_action_that_is_missing() {
    for (call, action) in [
        ("get", "s3:GetObject"),
        ("get", "s3:ListBucket"),
        ("put", "s3:PutObject"),
        ("list", "s3:ListBucket"),
        ("delete", "s3:DeleteObject"),
    ] {
        let s = with_bucket();
        s.change(|world, cast| account(world, cast).deny(&cast.aws.role_arn, action));
        let error = refusal(&s, call).await;
        assert_eq!(error.code, Code::ReportRefused, "{call}: {error}");
        assert!(hint(&error).contains(action), "{call}: {}", hint(&error));
        assert!(error.message.contains("403 AccessDenied, request id "), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_missing_elsewhere_or_anothers_is_told() {
    let s = Given::demo().world(|world, cast| allow(account(world, cast), cast, BUCKET)).start();
    for call in ["get", "put", "list", "delete"] {
        let error = refusal(&s, call).await;
        assert_eq!((error.code, hint(&error).contains(BUCKET)), (Code::ReportRefused, true), "{call}: {error}");
    }
    s.change(|world, _| drop(world.aws_mut("999988887777", "eu-central-1").add_bucket(BUCKET).clone()));
    assert_eq!(refusal(&s, "list").await.code, Code::ReportRefused);
    let elsewhere = Effect::Status { status: 301, code: Some("PermanentRedirect".to_owned()), retry_after: None };
    s.fault(Fault::new("s3.put", elsewhere));
    let error = refusal(&s, "put").await;
    assert_eq!((error.code, hint(&error).contains("AWS_REGION")), (Code::ReportRefused, true), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_tried_again_and_then_told_as_such() {
    let s = with_bucket();
    s.fault(Fault::status("s3.put", 503).times(2));
    container(&s, "").put("a", "text/plain", b"a".to_vec()).await.unwrap();
    s.expect_calls(["s3.put", "s3.put", "s3.put"]);
    for (fault, code) in [
        (Fault::status("s3.get", 503), Code::Throttled),
        (Fault::status("s3.get", 500), Code::Unavailable),
        // Written anew between two pieces.
        (Fault::status("s3.get", 412), Code::Unavailable),
        (Fault::new("s3.get", Effect::Reset), Code::Unavailable),
        (Fault::new("s3.list", Effect::InvalidJson), Code::Unavailable),
    ] {
        let call = fault.operation.trim_start_matches("s3.").to_owned();
        s.fault(fault);
        assert_eq!(refusal(&s, &call).await.code, code);
        s.mend();
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_aws_does_not_take_are_told_as_such() {
    let s = with_bucket();
    s.change(|world, cast| drop(account(world, cast).access_keys.remove(&cast.aws.access_key_id)));
    let error = refusal(&s, "get").await;
    assert_eq!((error.code, hint(&error).contains("role")), (Code::ReportRefused, true), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_is_not_on_aws_has_no_bucket() {
    let s = with_bucket();
    let azure: Arc<dyn ispm_onboarder::identity::Platform> = Arc::new(ispm_onboarder::identity::AzureCli);
    let error = S3Container::open(BUCKET, "", &azure).get("a").await.expect_err("no role");
    assert_eq!(error.code, Code::CredentialRefused);
    s.expect_calls([]);
}
