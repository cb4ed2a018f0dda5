//! Tenant records that cannot be used: the tenant's trouble, told with the place, and mended by a better record.

use serde_json::{Value, json};

use crate::harness::{ASSIGN, Given, PUBLISH, PUT_BACK, Scenario, store_secret};

/// Puts the right record into the vault, lets the request come back, and accounts for its success.
async fn mended(s: &Scenario, right: &Value) {
    s.expect_waiting();
    s.put_record(right);
    s.settle(1).await;
    s.count_calls();
    s.expect_results(["onboarded"]);
}

/// Delivers an event for a tenant with this record, and accounts for words that name each of `names`.
async fn told(record: Value, names: &[&str]) {
    let right = Given::demo().start().record();
    let s = Given::demo().record(|place| *place = record).start();
    s.onboard(&s.cast.new).await;
    let calls = s.count_calls();
    assert_eq!((calls[PUBLISH], calls[PUT_BACK]), (1, 1), "{calls:?}");
    assert!(!calls.contains_key(ASSIGN), "{calls:?}");
    let [told] = s.expect_results(["tenant.failed record-invalid"]);
    let message = told["data"]["message"].as_str().unwrap_or_default();
    for name in names.iter().copied().chain([format!("ispm-onboarder-{}", s.cast.tenant).as_str()]) {
        assert!(message.contains(name), "{name:?} in {message:?}");
    }
    assert!(told["data"]["hint"].is_string());
    mended(&s, &right).await;
}

fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut record = Given::demo().start().record();
    change(&mut record);
    record
}

#[tokio::test(start_paused = true)]
async fn unknown_members_are_named() {
    told(changed(|record| record["roles"] = json!(["Owner"])), &["roles"]).await;
    told(changed(|record| record["app"]["objectId"] = json!("x")), &["app", "objectId"]).await;
    told(changed(|record| record["policy"]["exclude"] = json!([{"tag": "x"}])), &["policy.exclude[0]"]).await;
}

#[tokio::test(start_paused = true)]
async fn missing_members_are_named() {
    for (parent, member) in [("/ispm", "entraSource"), ("/app", "clientId"), ("", "login"), ("/login", "secretName")] {
        let record = changed(|record| {
            let parent = record.pointer_mut(parent).and_then(Value::as_object_mut).expect("the demo's record has it");
            parent.remove(member).expect("the demo's record has it");
        });
        told(record, &[member]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_values_are_named_by_their_place_and_never_shown() {
    let secret = "a~secret~pasted~here~of~no~value";
    for (place, name) in [
        ("/app/clientId", "app.clientId"),
        ("/login/secretName", "login"),
        ("/login/method", "login"),
        ("/ispm/tokenSecretName", "ispm.tokenSecretName"),
        ("/ispm/url", "ispm.url"),
        ("/policy/assign", "policy.assign"),
        ("/tenantId", "tenantId"),
        ("/schemaVersion", "schemaVersion"),
    ] {
        // The account finds the secret in whatever was said.
        told(changed(|record| *record.pointer_mut(place).expect("the demo's record has it") = json!(secret)), &[name]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_of_another_tenant_is_refused() {
    told(changed(|record| record["tenantId"] = json!("88888888-8888-4888-8888-888888888888")), &["tenantId"]).await;
}

#[tokio::test(start_paused = true)]
async fn ispm_is_called_only_where_the_deployment_allows() {
    for url in [
        "https://evil.example",
        "https://spera-app.com",
        "https://a.b.spera-app.com",
        "https://contoso.spera-app.com.evil.example",
        "http://contoso.spera-app.com",
        "https://contoso.spera-app.com:8443",
        "https://user:word@contoso.spera-app.com",
        "https://127.0.0.1",
        "https://169.254.169.254/metadata",
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[fd00:ec2::254]/",
        "https://168.63.129.16/",
        "https://20.50.2.1/",
        "https://localhost/",
        "https://contoso.spera-app.com./",
        "https://contoso.spera-app.com@evil.example/",
        "https://evil.example\\@contoso.spera-app.com/",
        "https://evil.example#@contoso.spera-app.com/",
        "https://contoso.spera-app.com%2eevil.example/",
        // An а of another alphabet, as it is and in the form that goes over the wire.
        "https://contoso.spera-\u{430}pp.com/",
        "https://contoso.xn--spera-pp-5fg.com/",
        "https://contoso.spera-app.com/?token=x",
        "https://contoso.spera-app.com/#x",
        "ftp://contoso.spera-app.com/",
        "file:///etc/passwd",
        "//contoso.spera-app.com/",
        "contoso.spera-app.com",
        "",
    ] {
        told(changed(|record| record["ispm"]["url"] = json!(url)), &["ispm.url"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_json_or_not_an_object_is_refused() {
    for text in ["", "{", "schemaVersion: 1", "[]", "null", "\"text\""] {
        let right = Given::demo().start().record();
        let s = Given::demo()
            .world(|world, cast| {
                store_secret(world, cast, &format!("ispm-onboarder-{}", cast.tenant), text);
            })
            .start();
        s.onboard(&s.cast.new).await;
        assert!(!s.count_calls().contains_key(ASSIGN));
        s.expect_results(["tenant.failed record-invalid"]);
        mended(&s, &right).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_of_a_newer_version_waits_for_the_program_to_follow() {
    let right = Given::demo().start().record();
    let s = Given::demo().record(|record| *record = json!({"schemaVersion": 2, "everything": "else"})).start();
    s.onboard(&s.cast.new).await;
    let calls = s.count_calls();
    assert!(!calls.contains_key(PUBLISH), "nobody has done anything wrong: {calls:?}");
    mended(&s, &right).await;
}
