use aws_sdk_sqs::Client;
use ispm_onboarder_simulator::Fault;
use time::Duration;

use super::client::{config, refused};
use crate::stage::{START, Stage};

#[tokio::test(start_paused = true)]
async fn a_message_is_stored_as_sent_and_hidden_as_told() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let url = &stage.cast.aws.queue_url;
    let text = r#"{"scope":"/subscriptions/<id>","why":"ä & b"}"#;
    let sent = client.send_message().queue_url(url).message_body(text).delay_seconds(900).send().await.expect("sent");
    let state = stage.simulator.state();
    let [message] = state.world.sqs_messages("onboarding")[..] else { panic!("one message") };
    assert_eq!((message.body.as_str(), Some(message.id.as_str())), (text, sent.message_id()));
    assert_eq!(message.visible_from, START + Duration::minutes(15));
    assert_eq!(sent.md5_of_message_body(), Some(message.md5_of_body().as_str()));
    let shown = state.world.summary();
    assert_eq!(shown["sqsQueues"][url][0]["body"], text);
    drop(state);
    assert!(stage.recorded("sqs.enqueue")[0].changed);
}

#[tokio::test(start_paused = true)]
async fn refuses_in_the_words_of_sqs() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let url = stage.cast.aws.queue_url.clone();
    let send = |queue: &str, delay: i32, body: &str| client.send_message().queue_url(queue).message_body(body).delay_seconds(delay).send();
    let missing = send(&format!("{url}-other"), 0, "text").await.expect_err("no such queue");
    assert!(missing.as_service_error().is_some_and(aws_sdk_sqs::operation::send_message::SendMessageError::is_queue_does_not_exist));
    assert_eq!(refused(&missing), (400, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist."));
    let late = send(&url, 901, "text").await.expect_err("too late");
    let message = "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.";
    assert_eq!(refused(&late), (400, "InvalidParameterValue", message));
    send(&url, 0, &"a".repeat(1_048_576)).await.expect("1 MiB");
    let large = send(&url, 0, &"a".repeat(1_048_577)).await.expect_err("more than 1 MiB");
    assert_eq!((refused(&large).0, refused(&large).1), (400, "InvalidParameterValue"));
    let empty = send(&url, 0, "").await.expect_err("nothing");
    assert_eq!(refused(&empty).1, "MissingParameter");
    let strange = send(&url, 0, "\u{b}").await.expect_err("a vertical tab");
    assert!(strange.as_service_error().is_some_and(aws_sdk_sqs::operation::send_message::SendMessageError::is_invalid_message_contents));
    stage.simulator.state().world.aws_mut(&stage.cast.aws.account, "").deny(&stage.cast.aws.role_arn, "sqs:SendMessage");
    let denied = send(&url, 0, "text").await.expect_err("denied");
    assert_eq!(
        refused(&denied),
        (
            403,
            "AccessDenied",
            "User: arn:aws:sts::111122223333:assumed-role/ispm-onboarder/ispm-onboarder is not authorized to perform: sqs:sendmessage on \
             resource: arn:aws:sqs:eu-central-1:111122223333:onboarding because no identity-based policy allows the sqs:sendmessage action"
        )
    );
    for (status, code) in [(503, "ServiceUnavailable"), (429, "ThrottlingException")] {
        stage.simulator.state().faults.push(Fault::status("sqs.enqueue", status).times(1));
        let struck = send(&url, 0, "text").await.expect_err("a fault");
        assert_eq!((refused(&struck).0, refused(&struck).1), (status, code));
    }
}

#[tokio::test(start_paused = true)]
async fn received_messages_are_hidden_and_their_newest_handle_deletes_or_shows_them() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let url = stage.cast.aws.queue_url.clone();
    for number in 0..11 {
        client.send_message().queue_url(&url).message_body(format!("message {number}")).send().await.expect("sent");
    }
    let receive = || client.receive_message().queue_url(&url).max_number_of_messages(10).visibility_timeout(60).wait_time_seconds(1).send();
    let first = receive().await.expect("received").messages.unwrap_or_default();
    assert_eq!((first.len(), first[9].body()), (10, Some("message 9")));
    let second = receive().await.expect("received").messages.unwrap_or_default();
    assert_eq!(second.len(), 1);
    assert_eq!(receive().await.expect("received").messages, None);
    let handle = |position: usize| first[position].receipt_handle().expect("a handle");
    client.delete_message().queue_url(&url).receipt_handle(handle(0)).send().await.expect("deleted");
    client.delete_message().queue_url(&url).receipt_handle(handle(0)).send().await.expect("gone is gone");
    client.change_message_visibility().queue_url(&url).receipt_handle(handle(1)).visibility_timeout(0).send().await.expect("shown");
    let again = receive().await.expect("received").messages.unwrap_or_default();
    assert_eq!((again.len(), again[0].message_id()), (1, first[1].message_id()));
    client.delete_message().queue_url(&url).receipt_handle(handle(1)).send().await.expect("an old handle is no error");
    assert_eq!(stage.simulator.state().world.sqs_messages("onboarding").len(), 10, "and deletes nothing");
    let shown = client.change_message_visibility().queue_url(&url).receipt_handle(handle(0)).visibility_timeout(0).send().await;
    assert_eq!(refused(&shown.expect_err("not hidden")).1, "AWS.SimpleQueueService.MessageNotInflight");
    let strange = client.delete_message().queue_url(&url).receipt_handle("handle").send().await.expect_err("no handle");
    assert_eq!(refused(&strange), (400, "ReceiptHandleIsInvalid", "The input receipt handle is invalid."));
    let many = client.receive_message().queue_url(&url).max_number_of_messages(11).send().await.expect_err("too many");
    assert_eq!(refused(&many).1, "InvalidParameterValue");
}
