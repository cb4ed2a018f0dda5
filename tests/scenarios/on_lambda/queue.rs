//! Reading a queue of SQS, as replays do.

use ispm_onboarder::aws::SqsQueue;
use ispm_onboarder::error::Code;
use ispm_onboarder_simulator::{Fault, World};

use crate::harness::{Given, Scenario};

fn dead_letters(s: &Scenario) -> SqsQueue {
    let url = format!("{}-dead-letters", s.cast.aws.queue_url);
    SqsQueue::open(&url.parse().expect("a URL"), &s.aws_replayer())
}

fn fill(s: &Scenario, number: usize) {
    let now = s.now();
    s.change(|world: &mut World, cast| {
        for text in (0..number).map(|number| format!("message {number}")) {
            world.send_message(&cast.aws.account, &cast.aws.dead_letter_queue, text, now, now).expect("there is such a queue");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn messages_are_taken_ten_at_once_and_hidden_until_they_are_deleted_or_released() {
    let s = Given::demo().start();
    fill(&s, 12);
    let queue = dead_letters(&s);
    let taken = queue.take(11).await.unwrap();
    let texts: Vec<&str> = taken.iter().map(|message| message.text.as_str()).collect();
    assert_eq!((texts.len(), texts[0], texts[10]), (11, "message 0", "message 10"));
    s.expect_calls(["sqs.receive", "sqs.receive"]);
    queue.release(&taken[10].receipt).await.unwrap();
    let again: Vec<String> = queue.take(100).await.unwrap().into_iter().map(|message| message.text).collect();
    assert_eq!(again, ["message 10", "message 11"]);
    assert!(queue.take(1).await.unwrap().is_empty());
    for message in &taken[..10] {
        queue.delete(&message.receipt).await.unwrap();
        queue.delete(&message.receipt).await.unwrap();
        queue.release(&message.receipt).await.unwrap();
    }
    tokio::time::sleep(std::time::Duration::from_mins(4)).await;
    assert!(queue.take(100).await.unwrap().is_empty(), "for ten deliveries they stay hidden");
    tokio::time::sleep(std::time::Duration::from_mins(1)).await;
    let back = queue.take(100).await.unwrap();
    assert_eq!(back.len(), 2, "what is not deleted comes back");
    s.count_calls();
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_the_action_that_is_missing_or_the_queue() {
    let s = Given::demo().start();
    let receipt = "0b1f6471-1bf0-4dda-aec3-cb9272f09590";
    for action in ["ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"] {
        s.change(|world, cast| {
            world.aws_mut(&cast.aws.account, &cast.aws.region).deny(&cast.aws.replayer_role_arn, &format!("sqs:{action}"));
        });
        let queue = dead_letters(&s);
        let refused = match action {
            "ReceiveMessage" => queue.take(1).await.map(drop),
            "DeleteMessage" => queue.delete(receipt).await,
            _ => queue.release(receipt).await,
        };
        let error = refused.expect_err("it is refused");
        assert!(error.hint.as_deref().is_some_and(|hint| hint.contains(&format!("sqs:{action}"))), "{error:?}");
    }
    let s2 = Given::demo()
        .world(|world, cast| {
            let account = world.aws_mut(&cast.aws.account, &cast.aws.region);
            let other = account.arn(&cast.aws.account, "sqs", &format!("{}-other", cast.aws.queue));
            account.allow(&cast.aws.replayer_role_arn, &["sqs:ReceiveMessage"], &[&other]);
        })
        .start();
    let other = SqsQueue::open(&format!("{}-other", s2.cast.aws.queue_url).parse().expect("a URL"), &s2.aws_replayer());
    let error = other.take(1).await.expect_err("there is no such queue");
    assert!(error.hint.as_deref().is_some_and(|hint| hint.contains("ONBOARDER_DEAD_LETTERS")), "{error:?}");
    s2.fault(Fault::status("sqs.receive", 500));
    assert_eq!(dead_letters(&s2).take(1).await.expect_err("it does not answer").code, Code::Unavailable);
    s.count_calls();
    s2.count_calls();
}
