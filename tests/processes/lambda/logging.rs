//! Nothing that is secret is logged, at whatever level.

use serde_json::json;

use super::function::{Function, settings};
use super::records::batch;
use super::runtime_api::Ended;
use crate::simulator::Simulator;

const KEY: &str = "webhook~key~of~no~value~0123456789abcdef";
const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJ0aWQiOiJ4In0.AAAA";

#[tokio::test]
async fn no_key_token_or_secret_is_logged_at_the_finest_level() {
    let simulator = Simulator::start().await;
    let mut settings = settings(&simulator);
    settings.insert("RUST_LOG".to_owned(), "trace".to_owned());
    let function = Function::start(&settings).await;
    function.invoke(&batch(&[&simulator.new_subscription().await.to_string()])).await;
    for headers in [json!({ "x-ispm-onboarder-key": format!("contoso:{KEY}") }), json!({ "authorization": format!("Bearer {TOKEN}") })] {
        let payload = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/api/events", "rawQueryString": "", "headers": headers, "body": "{}",
            "isBase64Encoded": false,
            "requestContext": {
                "accountId": "123456789012", "stage": "$default", "requestId": "1", "time": "", "timeEpoch": 0,
                "http": { "method": "POST", "path": "/api/events", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test" },
            },
        });
        let Ended::Response(answer) = function.invoke(&payload).await else { panic!("it is answered") };
        assert_eq!(answer["statusCode"], 401, "{answer}");
    }
    let log = function.process.stderr();
    for expected in ["\"TRACE\"", "\"outcome\":\"onboarded\"", "caller refused"] {
        assert!(log.contains(expected), "{expected} was not logged: there is nothing to look through");
    }
    let secrets = [KEY, TOKEN, simulator.variable("SIMULATOR_CLIENT_SECRET"), simulator.variable("AWS_SECRET_ACCESS_KEY")];
    for secret in secrets {
        assert!(!log.contains(secret), "{} is logged", &secret[..8]);
    }
}
