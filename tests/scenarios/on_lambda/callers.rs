//! Who may call over HTTP: IAM, and Entra's tokens.

use ispm_onboarder_simulator::TokenKey;
use ispm_onboarder_simulator::{DemoCast, Fault, Simulator};
use serde_json::{Value, json};

use crate::harness::{Answer, COLD_START, EPOCH, Given, Scenario, subscription};

fn given() -> Given {
    let cast = DemoCast::of(7);
    Given::demo()
        .setting("ONBOARDER_ENTRA_AUDIENCE", &format!("{}, {}", cast.api.client_id, cast.api.app_id_uri))
        .setting("ONBOARDER_ENTRA_CALLERS", &cast.tenant)
}

/// The claims of a token that is taken.
fn claims(cast: &DemoCast) -> Value {
    let now = EPOCH.unix_timestamp();
    json!({
        "aud": cast.api.app_id_uri, "iss": format!("https://sts.windows.net/{}/", cast.tenant), "iat": now, "nbf": now, "exp": now + 3599,
        "tid": cast.tenant, "oid": cast.api.caller_principal_id, "appid": cast.api.caller_client_id, "sub": cast.api.caller_principal_id,
        "roles": ["Onboarder.Onboard"], "ver": "1.0",
    })
}

async fn call(s: &Scenario, token: &str) -> Answer {
    let body = json!({ "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) });
    s.send_by_url("POST", "/api/onboard", &[("authorization", &format!("Bearer {token}"))], body.to_string()).await
}

fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert!(!answer.body.contains("eyJ"), "{}", answer.body);
}

#[tokio::test(start_paused = true)]
async fn a_caller_whom_aws_has_let_in_may_call() {
    let s = Given::demo().start();
    let body = json!({ "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) });
    assert_eq!(s.post("/api/onboard", &[], body.to_string()).await.status, 200);
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_proves_nothing_is_refused() {
    let s = given().start();
    let body = json!({ "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) }).to_string();
    for headers in [&[][..], &[("authorization", "Basic bWlhOng=")], &[("authorization", "Bearer")], &[("x-functions-key", "a")]] {
        assert_refused(&s.send_by_url("POST", "/api/onboard", headers, body.clone()).await, 401, "not-authenticated");
    }
    assert_refused(&call(&s, "no token").await, 401, "not-authenticated");
}

#[tokio::test(start_paused = true)]
async fn an_entra_token_with_the_app_role_is_taken_in_either_version() {
    let s = given().start();
    for version in ["1.0", "2.0"] {
        let mut claims = claims(&s.cast);
        if version == "2.0" {
            claims["iss"] = json!(format!("https://login.microsoftonline.com/{}/v2.0", s.cast.tenant));
            claims["aud"] = json!(s.cast.api.client_id);
            claims["azp"] = claims["appid"].take();
        }
        let answer = call(&s, &Simulator::sign_token(&claims, TokenKey::Entra)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let reads = s.unread_calls().iter().filter(|call| call.operation == "entra.keys").count();
    assert_eq!(reads, 1, "Entra's keys are read once");
    s.expect_results(["onboarded"; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_entras_own_is_refused() {
    for key in [TokenKey::Stranger, TokenKey::StrangerAsEntra, TokenKey::Unsigned, TokenKey::PublicKeyAsSecret, TokenKey::AwsSts] {
        let s = given().start();
        assert_refused(&call(&s, &Simulator::sign_token(&claims(&s.cast), key)).await, 401, "not-authenticated");
        assert!(s.count_calls().keys().all(|call| call == COLD_START), "nothing but keys is read");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_for_others_from_others_out_of_time_or_without_a_claim_is_refused() {
    let now = EPOCH.unix_timestamp();
    let other = "77777777-7777-4777-8777-777777777777";
    let wrong: [(&str, Value); 13] = [
        // An ID token names no app that asked for it.
        ("appid", json!(null)),
        ("aud", json!("https://management.azure.com")),
        ("aud", json!(null)),
        ("iss", json!(format!("https://sts.windows.net/{other}/"))),
        ("iss", json!("https://evil.example/")),
        ("tid", json!(other)),
        ("tid", json!("*")),
        ("exp", json!(now - 61)),
        ("exp", json!("never")),
        ("exp", json!(null)),
        ("nbf", json!(now + 61)),
        ("oid", json!(null)),
        ("roles", json!("Onboarder.Onboard")),
    ];
    for (claim, value) in wrong {
        let s = given().start();
        let mut claims = claims(&s.cast);
        claims[claim] = value;
        let answer = call(&s, &Simulator::sign_token(&claims, TokenKey::Entra)).await;
        assert_refused(&answer, 401, "not-authenticated");
        s.count_calls();
    }
}

#[tokio::test(start_paused = true)]
async fn clocks_may_be_a_minute_apart() {
    let now = EPOCH.unix_timestamp();
    for (claim, value) in [("exp", now - 59), ("nbf", now + 59)] {
        let s = given().start();
        let mut claims = claims(&s.cast);
        claims[claim] = json!(value);
        assert_eq!(call(&s, &Simulator::sign_token(&claims, TokenKey::Entra)).await.status, 200, "{claim}");
        s.count_calls();
        s.expect_results(["onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_without_the_role_is_not_permitted_whatever_else_it_may() {
    for roles in [json!([]), json!(["Onboarder.Send"]), json!(["onboarder.onboard"]), json!(null)] {
        let s = given().start();
        let mut claims = claims(&s.cast);
        match roles {
            Value::Null => drop(claims.as_object_mut().and_then(|claims| claims.remove("roles"))),
            roles => claims["roles"] = roles,
        }
        assert_refused(&call(&s, &Simulator::sign_token(&claims, TokenKey::Entra)).await, 403, "not-permitted");
        s.count_calls();
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_name_its_own_tenant_unless_it_may_name_all() {
    let other = "77777777-7777-4777-8777-777777777777";
    let body = json!({ "tenantId": other, "scope": "/subscriptions/23ea0b12-4ef0-5a35-b45b-39f28c454059" }).to_string();
    let cast = DemoCast::of(7);
    let token = format!("Bearer {}", Simulator::sign_token(&claims(&cast), TokenKey::Entra));
    let s = given().start();
    assert_refused(&s.send_by_url("POST", "/api/onboard", &[("authorization", &token)], body.clone()).await, 403, "not-permitted");
    s.count_calls();
    let s = given().setting("ONBOARDER_ENTRA_CALLERS", &format!("{}=all", cast.tenant)).start();
    assert_refused(&s.send_by_url("POST", "/api/onboard", &[("authorization", &token)], body).await, 403, "tenant-not-served");
    s.count_calls();
    s.expect_results(["failed tenant-not-served"]);
}

#[tokio::test(start_paused = true)]
async fn deliveries_are_taken_with_either_role_for_them() {
    for role in ["Onboarder.Send", "AzureEventGridSecureWebhookSubscriber"] {
        let s = given().start();
        let mut claims = claims(&s.cast);
        claims["roles"] = json!([role]);
        let token = format!("Bearer {}", Simulator::sign_token(&claims, TokenKey::Entra));
        let answer = s.send_by_url("POST", "/api/events", &[("authorization", &token)], s.asking_for(&s.cast.new).to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        s.settle(1).await;
        s.count_calls();
        s.expect_results(["onboarded"]);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_cannot_be_read_may_be_read_later_and_made_up_tokens_do_not_hold_the_function_up() {
    let s = given().fault(Fault::status("entra.keys", 503)).start();
    let token = Simulator::sign_token(&claims(&s.cast), TokenKey::Entra);
    assert_refused(&call(&s, &token).await, 503, "unavailable");
    s.count_calls();
    for _ in 0..20 {
        assert_refused(&call(&s, &token).await, 503, "throttled");
    }
    assert!(s.unread_calls().is_empty());
    s.mend();
    s.settle_for(std::time::Duration::from_mins(1)).await;
    assert_eq!(call(&s, &token).await.status, 200);
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_entra_began_to_use_a_moment_ago_is_no_final_refusal() {
    let s = given().start();
    assert_eq!(call(&s, &Simulator::sign_token(&claims(&s.cast), TokenKey::Entra)).await.status, 200);
    let unknown = Simulator::sign_token(&claims(&s.cast), TokenKey::Stranger);
    assert_refused(&call(&s, &unknown).await, 503, "throttled");
    s.settle_for(std::time::Duration::from_mins(1)).await;
    assert_refused(&call(&s, &unknown).await, 401, "not-authenticated");
    s.count_calls();
    s.expect_results(["onboarded"]);
}

#[tokio::test(start_paused = true)]
async fn a_stage_of_api_gateway_is_no_part_of_the_path() {
    let s = Given::demo().start();
    let body = json!({ "tenantId": s.cast.tenant, "scope": subscription(&s.cast.new) }).to_string();
    let arn = "arn:aws:sts::123456789012:assumed-role/Operations/mia";
    let http = json!({
        "version": "2.0", "routeKey": "POST /api/onboard", "rawPath": "/prod/api/onboard", "rawQueryString": "", "headers": {}, "body": body,
        "isBase64Encoded": false,
        "requestContext": {
            "accountId": "123456789012", "apiId": "a", "stage": "prod", "requestId": "r", "time": "", "timeEpoch": 0,
            "authorizer": { "iam": { "userArn": arn } },
            "http": { "method": "POST", "path": "/prod/api/onboard", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "curl" },
        },
    });
    let host = "a.execute-api.eu-central-1.amazonaws.com";
    let rest = json!({
        "resource": "/api/onboard", "path": "/api/onboard", "httpMethod": "POST", "headers": { "Host": host },
        "multiValueHeaders": { "Host": [host] }, "queryStringParameters": null, "multiValueQueryStringParameters": null,
        "pathParameters": null, "stageVariables": null, "body": body, "isBase64Encoded": false,
        "requestContext": {
            "accountId": "123456789012", "apiId": "a", "stage": "prod", "requestId": "r", "resourceId": "x", "resourcePath": "/api/onboard",
            "httpMethod": "POST", "path": "/prod/api/onboard", "protocol": "HTTP/1.1", "requestTimeEpoch": 0,
            "identity": { "userArn": arn, "sourceIp": "192.0.2.1" },
        },
    });
    for (payload, signed) in [(http, "/requestContext/authorizer"), (rest, "/requestContext/identity/userArn")] {
        let answer = s.invoke(&payload).await.unwrap();
        assert_eq!(answer["statusCode"], 200, "{answer}");
        let mut stranger = payload.clone();
        *stranger.pointer_mut(signed).unwrap() = json!(null);
        let answer = s.invoke(&stranger).await.unwrap();
        assert_eq!(answer["statusCode"], 401, "{answer}");
    }
    s.count_calls();
    s.expect_results(["onboarded"; 2]);
}

/// A role's session is named by whoever takes up the role: another name is no other caller.
#[tokio::test(start_paused = true)]
async fn a_role_is_one_caller_in_all_of_its_sessions() {
    let s = Given::demo().start();
    let ask = async |arn: &str| {
        let payload = json!({
            "version": "2.0", "rawPath": "/api/coverage", "rawQueryString": "", "headers": {}, "isBase64Encoded": false,
            "requestContext": {
                "accountId": "123456789012", "stage": "$default", "timeEpoch": 0, "authorizer": { "iam": { "userArn": arn } },
                "http": { "method": "GET", "path": "/api/coverage" },
            },
        });
        s.invoke(&payload).await.expect("the route answers")["statusCode"].clone()
    };
    for session in 0..100 {
        assert_eq!(ask(&format!("arn:aws:sts::123456789012:assumed-role/Operations/mia-{session}")).await, 400);
    }
    assert_eq!(ask("arn:aws:sts::123456789012:assumed-role/Operations/ben").await, 429);
    for (arn, status) in [
        ("arn:aws:sts::123456789012:assumed-role/Pipeline/mia-1", 400),
        ("arn:aws:sts::210987654321:assumed-role/Operations/mia-1", 400),
        ("arn:aws:iam::123456789012:user/operations/mia", 400),
    ] {
        assert_eq!(ask(arn).await, status, "{arn} is another caller");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_setting_no_token_is_taken() {
    let s = Given::demo().start();
    assert_refused(&call(&s, &Simulator::sign_token(&claims(&s.cast), TokenKey::Entra)).await, 401, "not-authenticated");
}
