//! The coverage by a function's URL or API Gateway.

use serde_json::{Value, json};

use crate::harness::{Given, Scenario};

#[tokio::test(start_paused = true)]
async fn whom_aws_has_not_let_in_and_who_has_no_token_sees_nothing() {
    let s = Given::demo().start();
    for headers in [&[][..], &[("x-functions-key", "a")]] {
        let path = format!("/api/coverage?tenant={}", s.cast.tenant);
        let answer = s.send_by_url("GET", &path, headers, "").await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("not-authenticated")), "{}", answer.body);
    }
    assert!(s.unread_calls().is_empty());
}

/// A request as a REST API hands it on, in which one of several values of a name stands by itself, and all beside it
/// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>).
fn of_rest_api(s: &Scenario, tenants: &[&str]) -> Value {
    json!({
        "resource": "/api/coverage", "path": "/api/coverage", "httpMethod": "GET", "headers": {}, "multiValueHeaders": {},
        "queryStringParameters": { "tenant": tenants.last() }, "multiValueQueryStringParameters": { "tenant": tenants },
        "pathParameters": null, "stageVariables": null, "body": null, "isBase64Encoded": false,
        "requestContext": {
            "accountId": s.cast.aws.account, "apiId": "a", "stage": "prod", "requestId": "r", "resourceId": "x",
            "resourcePath": "/api/coverage", "httpMethod": "GET", "path": "/prod/api/coverage", "protocol": "HTTP/1.1", "requestTimeEpoch": 0,
            "identity": { "userArn": "arn:aws:sts::123456789012:assumed-role/Operations/mia", "sourceIp": "192.0.2.1" },
        },
    })
}

#[tokio::test(start_paused = true)]
async fn a_rest_api_hands_on_the_query_too_and_two_tenants_are_too_many() {
    let s = Given::demo().start();
    s.sweep().await;
    s.forgive_what_waits();
    let tenant = s.cast.tenant.as_str();
    let other = "77777777-7777-4777-8777-777777777777";
    for (tenants, status) in [(&[tenant][..], 200), (&[other, tenant], 400), (&[tenant, tenant], 400)] {
        let answer = s.invoke(&of_rest_api(&s, tenants)).await.unwrap();
        assert_eq!(answer["statusCode"], status, "{tenants:?}: {answer}");
    }
    s.count_calls();
}
