use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use ispm_onboarder_simulator::world::aws::Policy;
use serde_json::{Value, json};

use super::client::{config, refused};
use super::s3::{call, text};
use crate::stage::Stage;

/// The demo's role may do this and nothing else.
fn may(stage: &Stage, statements: &Value) {
    let policy: Policy = serde_json::from_value(json!({ "Version": "2012-10-17", "Statement": statements })).expect("a policy");
    let mut state = stage.simulator.state();
    state.world.aws_mut(&stage.cast.aws.account, "").policies.insert(stage.cast.aws.role_arn.clone(), policy);
}

/// What is said to whoever is not allowed.
fn words(action: &str, resource: &str) -> String {
    format!(
        "User: arn:aws:sts::111122223333:assumed-role/ispm-onboarder/ispm-onboarder is not authorized to perform: {action} on resource: \
         {resource} because no identity-based policy allows the {action} action"
    )
}

#[tokio::test(start_paused = true)]
async fn a_role_without_a_policy_may_do_nothing() {
    let stage = Stage::new();
    stage.simulator.state().world.aws_mut(&stage.cast.aws.account, "").policies.clear();
    let client = aws_sdk_secretsmanager::Client::new(&config(&stage));
    let denied = client.list_secrets().send().await.expect_err("denied");
    assert_eq!((refused(&denied).0, refused(&denied).1), (400, "AccessDeniedException"));
    assert_eq!(call(&stage, "GET", "a", &[], b"").await.status(), 403);
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_judged_by_its_arn_with_six_letters_and_one_that_is_not_there_without() {
    let stage = Stage::new();
    let arn = |name: &str| format!("arn:aws:secretsmanager:eu-central-1:111122223333:secret:{name}");
    let client = aws_sdk_secretsmanager::Client::new(&config(&stage));
    let get = |name: &str| client.get_secret_value().secret_id(name).send();
    for (pattern, name, expected) in [
        ("contoso-login-secret-??????", "contoso-login-secret", ""),
        ("contoso-*", "contoso-login-secret", ""),
        ("contoso-login-secret", "contoso-login-secret", "AccessDeniedException"),
        ("contoso-login-secret-?????", "contoso-login-secret", "AccessDeniedException"),
        ("contoso-*", "contoso-nothing", "ResourceNotFoundException"),
        ("contoso-nothing-??????", "contoso-nothing", "AccessDeniedException"),
        ("ispm-onboarder-*", "contoso-login-secret", "AccessDeniedException"),
    ] {
        may(&stage, &json!([{ "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn(pattern) }]));
        let code = get(name).await.map_or_else(|error| refused(&error).1.to_owned(), |_| String::new());
        assert_eq!(code, expected, "{name} by {pattern}");
    }
    let denied = get("contoso-nothing").await.expect_err("denied");
    assert_eq!(refused(&denied).2, words("secretsmanager:GetSecretValue", "contoso-nothing"));
}

#[tokio::test(start_paused = true)]
async fn queues_and_buses_are_told_apart_and_a_denial_says_that_it_is_one() {
    let stage = Stage::new();
    let aws = &stage.cast.aws;
    may(
        &stage,
        &json!([
            { "Effect": "Allow", "Action": ["sqs:SendMessage", "events:PutEvents"],
              "Resource": ["arn:aws:sqs:*:*:onboarding", "arn:aws:events:*:*:event-bus/ispm-*"] },
            { "Effect": "Deny", "Action": "events:*", "Resource": "*", "Condition": { "Bool": { "aws:SecureTransport": "false" } } },
            { "Effect": "Deny", "Action": "sqs:ReceiveMessage", "Resource": "*" },
        ]),
    );
    let queues = aws_sdk_sqs::Client::new(&config(&stage));
    let send = |url: &str| queues.send_message().queue_url(url).message_body("a").send();
    assert!(send(&aws.queue_url).await.is_ok());
    let denied = send(&format!("{}-dead-letters", aws.queue_url)).await.expect_err("denied");
    let other = "arn:aws:sqs:eu-central-1:111122223333:onboarding-dead-letters";
    assert_eq!(refused(&denied), (403, "AccessDenied", words("sqs:sendmessage", other).as_str()));
    let received = queues.receive_message().queue_url(&aws.queue_url).send().await.expect_err("denied");
    assert!(refused(&received).2.ends_with("with an explicit deny in an identity-based policy"), "{}", refused(&received).2);

    let buses = aws_sdk_eventbridge::Client::new(&config(&stage));
    let entry = |bus: &str| PutEventsRequestEntry::builder().event_bus_name(bus).source("s").detail_type("t").detail("{}").build();
    assert!(buses.put_events().entries(entry(&aws.bus)).send().await.is_ok());
    let denied = buses.put_events().entries(entry(&aws.bus)).entries(entry("other")).send().await.expect_err("one of two is denied");
    let other = "arn:aws:events:eu-central-1:111122223333:event-bus/other";
    assert_eq!(refused(&denied), (400, "AccessDeniedException", words("events:PutEvents", other).as_str()));
}

#[tokio::test(start_paused = true)]
async fn objects_are_told_apart_and_one_that_is_not_there_is_told_to_whoever_may_list() {
    let stage = Stage::new();
    let bucket = format!("arn:aws:s3:::{}", stage.cast.aws.bucket);
    let reports = json!({ "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": format!("{bucket}/reports/*") });
    may(&stage, &json!([reports]));
    assert_eq!(call(&stage, "PUT", "reports/a", &[], b"x").await.status(), 200);
    assert_eq!(call(&stage, "GET", "reports/a", &[], b"").await.status(), 200);
    for (method, path, action) in
        [("GET", "other/a", "s3:GetObject"), ("PUT", "other/a", "s3:PutObject"), ("DELETE", "reports/a", "s3:DeleteObject")]
    {
        let denied = call(&stage, method, path, &[], b"").await;
        assert_eq!(denied.status(), 403);
        assert!(text(&denied).contains(&words(action, &format!("\"{bucket}/{path}\""))), "{}", text(&denied));
    }
    assert_eq!(call(&stage, "GET", "reports/b", &[], b"").await.status(), 403);
    may(&stage, &json!([reports, { "Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket }]));
    assert_eq!(call(&stage, "GET", "reports/b", &[], b"").await.status(), 404);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_judged_by_whom_it_is_for_how_it_is_signed_and_how_long_it_lasts() {
    let stage = Stage::new();
    let entra = "api://AzureADTokenExchange";
    let condition = json!({
        "ForAllValues:StringEquals": { "sts:IdentityTokenAudience": entra }, "Null": { "sts:IdentityTokenAudience": "false" },
        "StringEquals": { "sts:SigningAlgorithm": "RS256" }, "NumericLessThanEquals": { "sts:DurationSeconds": 300 },
    });
    may(&stage, &json!([{ "Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*", "Condition": condition }]));
    let client = aws_sdk_sts::Client::new(&config(&stage));
    let ask = |audiences: &[&str], seconds: Option<i32>| {
        let audiences = audiences.iter().map(|audience| (*audience).to_owned()).collect();
        client.get_web_identity_token().set_audience(Some(audiences)).signing_algorithm("RS256").set_duration_seconds(seconds).send()
    };
    assert!(ask(&[entra], Some(300)).await.is_ok());
    for (audiences, seconds) in [(&["other"][..], Some(300)), (&[entra, "other"], Some(300)), (&[entra], Some(301)), (&[entra], None)] {
        let denied = ask(audiences, seconds).await.expect_err("denied");
        assert_eq!((refused(&denied).0, refused(&denied).1), (403, "AccessDenied"), "{audiences:?} {seconds:?}");
    }
}
