use http::Method;

use crate::stage::{Answered, Stage};

const BASE: &str = "https://contosoonboarder.queue.core.windows.net";
const AUDIENCE: &str = "https://storage.azure.com";

async fn call(stage: &Stage, method: Method, rest: &str, token: &str, body: &str) -> Answered {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("x-ms-version", "2026-04-06"), ("content-type", "application/xml")];
    stage.send(method, &format!("{BASE}/{rest}"), &headers, body.to_owned()).await
}

fn message(text: &str) -> String {
    format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>")
}

#[tokio::test(start_paused = true)]
async fn a_message_waits_and_comes_back_until_deleted() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    let sent = call(&stage, Method::POST, "onboarding/messages?visibilitytimeout=10", &token, &message("{&quot;a&quot;:&lt;1&gt;}")).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    let receive = async || call(&stage, Method::GET, "onboarding/messages?visibilitytimeout=30", &token, "").await.text;
    assert!(!receive().await.contains("MessageId"), "not visible yet");
    stage.advance(10);
    let first = receive().await;
    assert!(first.contains("<MessageText>{\"a\":&lt;1&gt;}</MessageText>"), "{first}");
    assert!(first.contains("<InsertionTime>Sun, 22 Nov 2026 10:00:00 GMT</InsertionTime>"), "{first}");
    assert!(!receive().await.contains("MessageId"), "hidden while someone has it");
    let stale = receipt(&stage);
    stage.advance(30);
    assert!(receive().await.contains("<DequeueCount>2</DequeueCount>"));
    let id = stage.simulator.state().world.queue_messages("onboarding")[0].id.clone();
    let delete =
        async |receipt: &str| call(&stage, Method::DELETE, &format!("onboarding/messages/{id}?popreceipt={receipt}"), &token, "").await;
    assert_eq!(delete(&stale).await.header("x-ms-error-code"), "PopReceiptMismatch");
    assert_eq!(delete(&receipt(&stage)).await.status, 204);
    assert_eq!(delete(&stale).await.header("x-ms-error-code"), "MessageNotFound");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_received_can_be_shown_again_at_once() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    call(&stage, Method::POST, "onboarding/messages", &token, &message("a")).await;
    let receive = async || call(&stage, Method::GET, "onboarding/messages", &token, "").await.text;
    assert!(receive().await.contains("<MessageText>a<"));
    let id = stage.simulator.state().world.queue_messages("onboarding")[0].id.clone();
    let show = async |receipt: &str| {
        let rest = format!("onboarding/messages/{id}?popreceipt={receipt}&visibilitytimeout=0");
        call(&stage, Method::PUT, &rest, &token, "").await
    };
    let first = receipt(&stage);
    let shown = show(&first).await;
    assert_eq!((shown.status, shown.header("x-ms-popreceipt")), (204, receipt(&stage).as_str()));
    assert_eq!(show(&first).await.header("x-ms-error-code"), "PopReceiptMismatch");
    assert!(receive().await.contains("<DequeueCount>2<"));
    let text =
        call(&stage, Method::PUT, &format!("onboarding/messages/{id}?popreceipt=a&visibilitytimeout=0"), &token, &message("b")).await;
    assert_eq!(text.outcome(), (501, "NotModelled"));
}

fn receipt(stage: &Stage) -> String {
    stage.simulator.state().world.queue_messages("onboarding")[0].pop_receipt.clone()
}

#[tokio::test(start_paused = true)]
async fn a_message_expires_after_its_time_to_live() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    call(&stage, Method::POST, "onboarding/messages?messagettl=60", &token, &message("a")).await;
    call(&stage, Method::POST, "onboarding/messages?messagettl=-1", &token, &message("b")).await;
    stage.advance(60);
    let received = call(&stage, Method::GET, "onboarding/messages?numofmessages=32", &token, "").await.text;
    assert!(!received.contains("<MessageText>a<") && received.contains("<MessageText>b<"), "{received}");
}

#[tokio::test(start_paused = true)]
async fn queues_are_made_and_counted() {
    let stage = Stage::new();
    let token = stage.token(AUDIENCE).await;
    assert_eq!(call(&stage, Method::PUT, "another", &token, "").await.status, 201);
    assert_eq!(call(&stage, Method::PUT, "another", &token, "").await.status, 204);
    assert_eq!(call(&stage, Method::PUT, "Bad--Name", &token, "").await.header("x-ms-error-code"), "InvalidResourceName");
    call(&stage, Method::POST, "another/messages", &token, &message("a")).await;
    let properties = call(&stage, Method::GET, "another?comp=metadata", &token, "").await;
    assert_eq!((properties.status, properties.header("x-ms-approximate-messages-count")), (200, "1"));
}

#[tokio::test(start_paused = true)]
async fn refuses_bad_tokens_and_requests() {
    let stage = Stage::new();
    for (kind, token) in stage.bad_tokens(AUDIENCE).await {
        let answered = call(&stage, Method::POST, "onboarding/messages", &token, &message("a")).await;
        let code = if kind == "none" { "NoAuthenticationInformation" } else { "InvalidAuthenticationInfo" };
        assert_eq!((answered.status, answered.header("x-ms-error-code")), (401, code), "{kind}");
    }
    let token = stage.token(AUDIENCE).await;
    let long = message(&"x".repeat(64 * 1024 + 1));
    let cases = [
        ("nowhere/messages", message("a"), 404, "QueueNotFound"),
        ("onboarding/messages?visibilitytimeout=604801", message("a"), 400, "OutOfRangeQueryParameterValue"),
        ("onboarding/messages?visibilitytimeout=60&messagettl=60", message("a"), 400, "OutOfRangeQueryParameterValue"),
        ("onboarding/messages?visibilitytimeout=soon", message("a"), 400, "InvalidQueryParameterValue"),
        ("onboarding/messages", "{}".to_owned(), 400, "InvalidXmlDocument"),
        ("onboarding/messages", long, 413, "RequestBodyTooLarge"),
    ];
    for (rest, body, status, code) in cases {
        let answered = call(&stage, Method::POST, rest, &token, &body).await;
        assert_eq!((answered.status, answered.header("x-ms-error-code")), (status, code), "{rest}");
        assert!(answered.text.contains(&format!("<Code>{code}</Code>")));
    }
    assert!(stage.simulator.state().world.queue_messages("onboarding").is_empty());
    let authorization = format!("Bearer {token}");
    let without_version = stage.send(Method::GET, &format!("{BASE}/onboarding/messages"), &[("authorization", &authorization)], "").await;
    assert_eq!(without_version.header("x-ms-error-code"), "MissingRequiredHeader");
    let peek = call(&stage, Method::GET, "onboarding/messages?peekonly=true", &token, "").await;
    assert_eq!(peek.outcome(), (501, "NotModelled"));
}
