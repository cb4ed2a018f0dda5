//! Event Grid's webhook: `POST|OPTIONS /api/events`.

use ispm_onboarder_simulator::{DemoCast, Effect, Fault, World};
use serde_json::{Value, json};

use crate::harness::{
    Answer, COLD_START, EPOCH, GET_SECRET, Given, LIST_SECRETS, PUBLISH, PUT_BACK, Scenario, event_grid_event, heard, listen, store_secret,
    subscription,
};

const KEY: &str = "first~key~of~no~value~0123456789abcdef";
const NEXT_KEY: &str = "second~key~of~no~value~123456789abcdef";
const LIST: &str = "secretsmanager:ListSecrets";
const OTHER_TENANT: &str = "77777777-7777-4777-8777-777777777777";

/// Puts the record of the webhook key `contoso` into the store.
fn with_keys(world: &mut World, cast: &DemoCast, keys: &[&str], tenants: &[&str]) {
    let record = json!({ "schemaVersion": 1, "keys": keys, "tenants": tenants });
    store_secret(world, cast, "ispm-onboarder-webhook-contoso", &record.to_string());
}

fn given() -> Given {
    Given::demo().world(|world, cast| with_keys(world, cast, &[KEY], &[&cast.tenant]))
}

async fn deliver(s: &Scenario, key: &str, body: &Value) -> Answer {
    let value = format!("contoso:{key}");
    s.send_by_url("POST", "/api/events", &[("x-ispm-onboarder-key", &value), ("aeg-event-type", "Notification")], body.to_string()).await
}

fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.body);
    assert!(!answer.body.contains(KEY) && !answer.body.contains(NEXT_KEY), "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn both_schemas_single_and_in_batches_are_queued_answered_and_then_worked_on() {
    let s = given().start();
    let data = json!({ "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) });
    for body in [s.asking_for(&s.cast.new), json!([s.asking_for(&s.cast.new)]), json!([event_grid_event("event-1", EPOCH, &data)])] {
        let answer = deliver(&s, KEY, &body).await;
        assert_eq!((answer.status, answer.json()), (200, json!({ "queued": 1 })));
        assert!(!s.count_calls().keys().any(|call| call.starts_with("arm.") || call == PUBLISH), "the work is done from the queue");
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_for_us_or_not_readable_does_not_come_again() {
    let s = given().start();
    let other = json!({ "specversion": "1.0", "id": "1", "source": "/x", "type": "com.example.other" });
    assert_eq!(deliver(&s, KEY, &other).await.status, 200);
    let answer = deliver(&s, KEY, &json!({ "hello": "world" })).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "queued": 0 })));
    s.count_calls();
    s.expect_results(["failed invalid-event"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_sender_says_of_earlier_tries_has_no_effect() {
    let s = given().fault(Fault::status("arm.*", 503)).start();
    let message = json!({
        "version": 1, "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new), "action": "onboard",
        "cause": { "source": "/x", "id": "1", "type": "t" }, "firstSeen": "2020-01-01T00:00:00Z", "attempts": 6,
    });
    deliver(&s, KEY, &message).await;
    s.count_calls();
    let waiting = s.expect_waiting();
    assert_eq!((waiting.attempts(), waiting.first_seen()), (0, EPOCH));
}

#[tokio::test(start_paused = true)]
async fn a_sender_without_a_key_with_a_wrong_one_or_with_one_in_the_query_is_refused_and_nothing_is_queued() {
    let s = given().start();
    let body = s.asking_for(&s.cast.new).to_string();
    let send = async |path: &str, headers: &[(&str, &str)]| s.send_by_url("POST", path, headers, body.clone()).await;
    assert_refused(&send("/api/events", &[]).await, 401, "not-authenticated");
    let in_query = format!("/api/events?x-ispm-onboarder-key=contoso:{KEY}&code={KEY}");
    assert_refused(&send(&in_query, &[]).await, 401, "not-authenticated");
    for value in
        ["", "contoso", "contoso:", ":", "contoso:wrong", &format!("other:{KEY}"), &format!("../x:{KEY}"), &format!("contoso:{KEY}x")]
    {
        s.settle_for(std::time::Duration::from_secs(31)).await;
        let answer = send("/api/events", &[("x-ispm-onboarder-key", value)]).await;
        assert_refused(&answer, 401, "not-authenticated");
        assert!(answer.json()["hint"].is_string() && answer.headers.contains_key("www-authenticate"), "{}", answer.body);
    }
    assert!(s.count_calls().keys().all(|call| call == COLD_START), "keys are looked up, and nothing else is called");
}

#[tokio::test(start_paused = true)]
async fn two_keys_are_valid_at_once_and_an_exchange_has_no_gap() {
    let s = given().start();
    assert_eq!(deliver(&s, KEY, &s.asking_for(&s.cast.new)).await.status, 200);
    s.change(|world, cast| with_keys(world, cast, &[KEY, NEXT_KEY], &[&cast.tenant]));
    let answer = deliver(&s, NEXT_KEY, &s.asking_for(&s.cast.new)).await;
    assert_refused(&answer, 503, "throttled");
    assert_eq!(answer.headers["retry-after"], "30", "not a refusal that the sender would take for final");
    s.settle_for(std::time::Duration::from_secs(31)).await;
    for key in [KEY, NEXT_KEY] {
        assert_eq!(deliver(&s, key, &s.asking_for(&s.cast.new)).await.status, 200, "a new key is taken within half a minute");
    }
    s.change(|world, cast| with_keys(world, cast, &[NEXT_KEY], &[&cast.tenant]));
    s.settle_for(std::time::Duration::from_mins(10)).await;
    assert_eq!(deliver(&s, KEY, &s.asking_for(&s.cast.new)).await.status, 401, "a withdrawn one is refused within ten minutes");
    assert_eq!(deliver(&s, NEXT_KEY, &s.asking_for(&s.cast.new)).await.status, 200);
    s.settle(1).await;
    s.count_calls();
    s.distinct_results();
}

#[tokio::test(start_paused = true)]
async fn guessing_costs_one_read_of_the_store_in_half_a_minute() {
    let s = given().start();
    for _ in 0..50 {
        deliver(&s, "guess", &json!({})).await;
    }
    let reads = || s.unread_calls().iter().filter(|call| call.operation == GET_SECRET).count();
    assert_eq!(reads(), 1);
    for number in 0..300 {
        let answer = s.send_by_url("POST", "/api/events", &[("x-ispm-onboarder-key", &format!("guess-{number}:{KEY}"))], "{}").await;
        assert!(matches!(answer.status, 401 | 503), "{}", answer.body);
    }
    assert_eq!(reads(), 10, "as few as do not disturb the store's other readers");
    assert_eq!(deliver(&s, KEY, &s.asking_for(&s.cast.new)).await.status, 200, "and the real sender is heard all the while");
    s.settle_for(std::time::Duration::from_mins(11)).await;
    for number in 0..20 {
        s.send_by_url("POST", "/api/events", &[("x-ispm-onboarder-key", &format!("guess-{number}:{KEY}"))], "{}").await;
    }
    assert_eq!(deliver(&s, KEY, &s.asking_for(&s.cast.new)).await.status, 200, "also when its key has to be read again");
    s.settle(1).await;
    s.count_calls();
    s.distinct_results();
}

/// Sends deliveries under made-up names of keys.
async fn guess(s: &Scenario, names: std::ops::Range<usize>) {
    for number in names {
        let answer = s.send_by_url("POST", "/api/events", &[("x-ispm-onboarder-key", &format!("guess-{number}:{KEY}"))], "{}").await;
        assert!(matches!(answer.status, 401 | 503), "{}", answer.body);
    }
}

/// How many calls read a secret, and how many listed names, since the last time.
fn reads_and_lists(s: &Scenario) -> (usize, usize) {
    let calls = s.unread_calls();
    let count = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
    (count(GET_SECRET), count(LIST_SECRETS))
}

#[tokio::test(start_paused = true)]
async fn the_real_sender_is_heard_by_an_environment_that_has_only_heard_guesses() {
    let tenant = DemoCast::of(7).tenant;
    // The template gives the right to list where the URL is open, whether or not it names the tenants.
    for given in [given(), given().setting("ONBOARDER_TENANTS", &tenant)] {
        let s = given.start();
        guess(&s, 0..300).await;
        assert_eq!(deliver(&s, KEY, &s.asking_for(&s.cast.new)).await.status, 200);
        assert_eq!(reads_and_lists(&s), (11, 1), "guesses cost as little as before");
        guess(&s, 300..600).await;
        assert_eq!(reads_and_lists(&s), (0, 0));
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_made_during_a_flood_of_guesses_is_found_within_a_minute() {
    let s = Given::demo().start();
    guess(&s, 0..20).await;
    s.change(|world, cast| with_keys(world, cast, &[KEY], &[&cast.tenant]));
    assert_refused(&deliver(&s, KEY, &s.asking_for(&s.cast.new)).await, 503, "throttled");
    s.settle_for(std::time::Duration::from_mins(1)).await;
    guess(&s, 20..40).await;
    assert_eq!(deliver(&s, KEY, &s.asking_for(&s.cast.new)).await.status, 200);
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn where_names_cannot_be_listed_the_log_says_so_and_a_delivery_comes_again() {
    let s = given().world(|world, cast| world.aws_mut(&cast.aws.account, &cast.aws.region).deny(&cast.aws.role_arn, LIST)).start();
    listen();
    guess(&s, 0..20).await;
    let log = heard();
    assert_eq!(log.matches("webhook keys not listed").count(), 1, "{log}");
    assert!(log.contains(LIST), "{log}");
    assert_refused(&deliver(&s, KEY, &s.asking_for(&s.cast.new)).await, 503, "throttled");
    s.settle_for(std::time::Duration::from_secs(31)).await;
    assert_eq!(deliver(&s, KEY, &s.asking_for(&s.cast.new)).await.status, 200);
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_published_or_kept_under_a_tenant_that_the_sender_may_not_name() {
    let s = given().start();
    let mut event = s.asking_for(&s.cast.new);
    event["data"] = json!({ "tenantId": OTHER_TENANT, "scope": "bad" });
    assert_refused(&deliver(&s, KEY, &event).await, 403, "not-permitted");
    let newer = json!({ "version": 2, "firstSeen": "x", "tenantId": OTHER_TENANT, "scope": "/subscriptions/x", "action": "onboard" });
    assert_eq!(deliver(&s, KEY, &newer).await.status, 200);
    s.count_calls();
    let [refused] = s.expect_results(["failed invalid-event"]);
    assert!(refused["data"].get("tenantId").is_none(), "{refused:#}");
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_of_small_events_is_queued_within_a_delivery() {
    let s = given().world(|world, _| world.settings.latency_milliseconds = 15).start();
    let events: Vec<Value> = (0..3000).map(|number| s.event(&number.to_string(), &subscription(&s.cast.new))).collect();
    let slim = |mut event: Value| {
        event.as_object_mut().and_then(|event| event.remove("datacontenttype"));
        event
    };
    let answer = deliver(&s, KEY, &Value::Array(events.into_iter().map(slim).collect())).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "queued": 3000 })));
    assert!(answer.took < std::time::Duration::from_secs(10), "{:?}", answer.took);
    s.count_calls();
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn an_address_of_any_kind_is_answered() {
    let s = given().start();
    for path in ["", "x", ":80", "//", "/ \"<>\\^`{|}", "/api/events/../onboard", "/%ff%00", "/\u{0}\u{7f}é", &"/x".repeat(40_000)] {
        let answer = s.send_by_url("POST", path, &[("host", "a b:x"), ("x-forwarded-proto", "ht tp")], "{}").await;
        assert!(matches!(answer.status, 401 | 404), "{path}: {} {}", answer.status, answer.body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_the_base64_it_is_said_to_be_is_refused() {
    let s = given().start();
    let mut payload = json!({
        "version": "2.0", "rawPath": "/api/events", "headers": {}, "isBase64Encoded": true,
        "requestContext": { "http": { "method": "POST", "path": "/api/events" }, "timeEpoch": 0, "accountId": "1", "stage": "$default" },
    });
    for body in ["{}", "{", "é", "eyJ9="] {
        payload["body"] = json!(body);
        let answer = s.invoke(&payload).await.expect("the route answers");
        assert_eq!(answer["statusCode"], 400, "{body}: {answer}");
    }
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn a_query_of_any_kind_changes_nothing() {
    let s = given().start();
    for query in ["a=\"<>", "a=b c", "%ff", &"x".repeat(70_000)] {
        let answer = s.send_by_url("POST", &format!("/api/events?{query}"), &[], "{}").await;
        assert_refused(&answer, 401, "not-authenticated");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_may_name_its_tenants_only_and_does_not_keep_others_events_out() {
    let s = given().start();
    let foreign = json!({
        "specversion": "1.0", "id": "foreign", "source": "/x", "type": "dev.ispm-onboarder.onboarding.requested.v1",
        "data": { "tenantId": OTHER_TENANT, "scope": subscription(&s.cast.new) },
    });
    let answer = deliver(&s, KEY, &json!([foreign, s.asking_for(&s.cast.new)])).await;
    assert_refused(&answer, 403, "not-permitted");
    assert_eq!(s.count_calls()[PUT_BACK], 1);
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_answered_so_that_it_comes_again() {
    for fault in [Fault::status(PUT_BACK, 503), Fault::status(GET_SECRET, 503)] {
        let s = given().fault(fault).start();
        let answer = deliver(&s, KEY, &s.asking_for(&s.cast.new)).await;
        assert_eq!(answer.status, 503, "{}", answer.body);
        s.count_calls();
    }
    for record in ["no JSON", r#"{"schemaVersion":1,"keys":["short"],"tenants":[]}"#, r#"{"schemaVersion":2,"keys":[],"tenants":[]}"#] {
        let s = Given::demo().world(|world, cast| store_secret(world, cast, "ispm-onboarder-webhook-contoso", record)).start();
        let answer = deliver(&s, "short", &s.asking_for(&s.cast.new)).await;
        assert_refused(&answer, 503, "record-invalid");
        assert!(!answer.body.contains("ispm-onboarder-webhook"), "what is the matter is for the log: {}", answer.body);
        s.count_calls();
    }
}

/// Whoever delivers is no operator: which right is missing, and where, is for the log.
#[tokio::test(start_paused = true)]
async fn a_sender_is_not_told_what_this_deployment_lacks() {
    let denied = Effect::Status { status: 400, code: Some("AccessDeniedException".to_owned()), retry_after: None };
    let fault = Fault { effect: denied, ..Fault::status(PUT_BACK, 400) };
    let s = given().fault(fault).start();
    listen();
    let answer = deliver(&s, KEY, &s.asking_for(&s.cast.new)).await;
    let problem = answer.json();
    assert_eq!((answer.status, problem["status"].as_u64()), (503, Some(503)), "{}", answer.body);
    for word in ["sqs", "arn:", "Allow", "AccessDenied", "ONBOARDER_", "amazonaws"] {
        assert!(!answer.body.contains(word), "{word}: {}", answer.body);
    }
    assert!(heard().contains("sqs:SendMessage"), "{}", heard());
    s.count_calls();
}

#[tokio::test(start_paused = true)]
async fn the_handshake_of_event_grids_schema_repeats_the_code_and_calls_nobody() {
    let s = Given::demo().start();
    let validation = json!([{
        "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66", "topic": "/subscriptions/x", "subject": "",
        "data": { "validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6", "validationUrl": "https://evil.example/validate?id=1" },
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "eventTime": "2126-11-22T10:00:00Z", "metadataVersion": "1", "dataVersion": "1",
    }]);
    let headers = [("aeg-event-type", "SubscriptionValidation")];
    let answer = s.send_by_url("POST", "/api/events", &headers, validation.to_string()).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6" })));
    for body in [
        json!([]),
        json!({}),
        json!([{ "data": { "validationCode": "<script>\n" } }]),
        json!([{ "data": { "validationCode": "x".repeat(129) } }]),
    ] {
        let answer = s.send_by_url("POST", "/api/events", &headers, body.to_string()).await;
        assert_refused(&answer, 400, "invalid-event");
    }
    assert!(s.unread_calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_handshake_of_cloud_events_allows_event_grid_alone() {
    let s = Given::demo().start();
    let answer = s.send_by_url("OPTIONS", "/api/events", &[("webhook-request-origin", "eventgrid.azure.net")], "").await;
    assert_eq!((answer.status, answer.headers["webhook-allowed-origin"].as_str()), (200, "eventgrid.azure.net"));
    assert!(answer.headers.contains_key("webhook-allowed-rate"));
    let answer = s.send_by_url("OPTIONS", "/api/events", &[("webhook-request-origin", "evil.example")], "").await;
    assert_refused(&answer, 403, "not-permitted");
    assert!(!answer.headers.contains_key("webhook-allowed-origin"));
    assert_refused(&s.send_by_url("OPTIONS", "/api/events", &[], "").await, 403, "not-permitted");
}

#[tokio::test(start_paused = true)]
async fn a_body_over_the_limit_is_refused_before_anything_is_read() {
    let s = given().start();
    let body = format!("[{}]", "1,".repeat(600 * 1024));
    let answer = s.send_by_url("POST", "/api/events", &[("x-ispm-onboarder-key", &format!("contoso:{KEY}"))], body).await;
    assert_refused(&answer, 413, "too-large");
    let answer = s.send_by_url("POST", "/api/onboard", &[], "x".repeat(65 * 1024)).await;
    assert_refused(&answer, 413, "too-large");
}

/// Its sender may speak for some tenants: for whom an event is, the event has to say.
#[tokio::test(start_paused = true)]
async fn an_event_without_a_tenant_is_refused_even_where_one_is_served() {
    let tenant = DemoCast::of(7).tenant;
    let s = given().setting("ONBOARDER_TENANTS", &tenant).start();
    let source = subscription(&s.cast.new);
    let event = json!({
        "specversion": "1.0", "id": "1", "source": source, "subject": source, "type": "Microsoft.PolicyInsights.PolicyStateCreated",
        "time": "2126-11-22T10:00:00Z", "data": { "complianceState": "NonCompliant" },
    });
    let answer = deliver(&s, KEY, &event).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "queued": 0 })));
    s.count_calls();
    s.expect_results(["failed invalid-event"]);

    let mut theirs = event;
    theirs["source"] = json!(format!("/tenants/{OTHER_TENANT}/providers/Microsoft.Management/managementGroups/corp"));
    assert_eq!(deliver(&s, KEY, &theirs).await.status, 403);
    theirs["source"] = json!(format!("/tenants/{tenant}/providers/Microsoft.Management/managementGroups/corp"));
    assert_eq!(deliver(&s, KEY, &theirs).await.json(), json!({ "queued": 1 }));
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}
