//! An instance has few places, at which it works on what the queue holds. A tenant that hangs must not sit at all of them.

use ispm_onboarder_simulator::{Effect, Fault};
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::harness::{CONNECT, PUT_BACK, Scenario};
use crate::tenants::{Customer, serving, two};

/// `batchSize` and `newBatchThreshold` of host.json, and some events that Event Grid delivers meanwhile.
const PLACES: usize = 16;
const MESSAGES: usize = 24;
/// How long the last places are held by a tenant of which nothing was known before.
const PATIENCE: Duration = Duration::seconds(5);

fn given(ispm_hangs: bool) -> (Scenario, Customer, Customer) {
    let (ill, well) = two();
    let given = serving(&[ill.clone(), well.clone()]).world(|world, _| world.settings.latency_milliseconds = 20);
    let hangs = Fault::new("ispm.*", Effect::Delay { seconds: 600 }).about(&ill.ispm_host);
    (if ispm_hangs { given.fault(hangs) } else { given }.start(), ill, well)
}

fn enqueue(s: &Scenario, round: &str, customers: impl Iterator<Item = Customer>) {
    customers.enumerate().for_each(|(number, customer)| s.enqueue(customer.event(s, &format!("{round} {number}")).to_string()));
}

fn each(customer: &Customer) -> impl Iterator<Item = Customer> {
    std::iter::repeat_n(customer, MESSAGES).cloned()
}

/// How long the last of these results took.
fn last(results: &[Value], since: OffsetDateTime) -> Duration {
    let times = results.iter().map(|result| OffsetDateTime::parse(result["time"].as_str().unwrap(), &Rfc3339).unwrap());
    times.max().unwrap() - since
}

/// Works through what is in the queue, all of the well tenant's at least, and answers how long the last of those took.
async fn worked_through(s: &Scenario) -> Duration {
    let since = s.now();
    s.work_through_queue(PLACES).await;
    last(&s.expect_results(["onboarded"; MESSAGES]), since)
}

/// How long they take where nothing hangs: cold, and then warm.
async fn usual() -> [Duration; 2] {
    let (s, _, well) = given(false);
    let mut times = [Duration::ZERO; 2];
    for (round, time) in ["cold", "warm"].into_iter().zip(&mut times) {
        enqueue(&s, round, each(&well));
        *time = worked_through(&s).await;
        s.count_calls();
    }
    times
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_hangs_leaves_the_others_their_places_and_loses_nothing() {
    let [cold, warm] = usual().await;
    let alternating = |ill: &Customer, well: &Customer| {
        let pairs = each(ill).zip(each(well));
        pairs.flat_map(|(ill, well)| [well, ill]).collect::<Vec<_>>()
    };
    let ill_first = |ill: &Customer, well: &Customer| each(ill).chain(each(well)).collect();
    for order in [&alternating as &dyn Fn(&Customer, &Customer) -> Vec<Customer>, &ill_first] {
        let (s, ill, well) = given(true);
        enqueue(&s, "first", order(&ill, &well).into_iter());
        let first = worked_through(&s).await;
        assert!(first <= cold + PATIENCE + cold, "{first}, and usually {cold}");
        assert_eq!(s.count_calls()[PUT_BACK], MESSAGES);

        // Now that it is known to hang, it costs nobody anything.
        enqueue(&s, "second", order(&ill, &well).into_iter());
        let second = worked_through(&s).await;
        assert!(second <= warm + warm, "{second}, and usually {warm}");
        let calls = s.unread_calls();
        let of_ill = calls.iter().filter(|call| ill.is_meant(call)).count();
        assert_eq!(of_ill, 0, "a tenant that rests is not called");

        assert_eq!(s.waiting_texts().len(), MESSAGES * 2, "nothing is lost");
        s.mend();
        s.settle(2).await;
        s.expect_results(["onboarded"; MESSAGES * 2]);
        assert!(ill.is_onboarded(&s));
        assert_eq!(s.unread_calls().iter().filter(|call| call.operation == CONNECT).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_well_is_worked_on_at_all_places() {
    let (s, _, well) = given(false);
    enqueue(&s, "cold", each(&well));
    worked_through(&s).await;
    assert!(!s.count_calls().contains_key(PUT_BACK));
}

#[tokio::test(start_paused = true)]
async fn while_it_hangs_one_request_at_a_time_looks_whether_it_is_well() {
    let (s, ill, _) = given(true);
    enqueue(&s, "first", each(&ill));
    s.work_through_queue(PLACES).await;
    s.count_calls();
    s.settle_for(std::time::Duration::from_mins(30)).await;
    let calls = s.unread_calls();
    let asked: Vec<_> = calls.iter().filter(|call| call.url.contains(&ill.ispm_host)).map(|call| call.at).collect();
    assert!(asked.len() > 2 && asked.len() < MESSAGES * 2, "{asked:?}");
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn a_person_is_never_turned_away() {
    let (s, ill, _) = given(true);
    enqueue(&s, "first", each(&ill));
    s.work_through_queue(PLACES).await;
    s.count_calls();
    s.mend();
    let body = serde_json::json!({ "tenantId": ill.tenant, "scope": format!("/subscriptions/{}", ill.subscription) });
    let answer = s.post("/api/onboard", &[], body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    s.expect_results(["onboarded"]);
    // And with that its rest is over.
    enqueue(&s, "second", each(&ill));
    s.work_through_queue(PLACES).await;
    s.expect_results(["onboarded"; MESSAGES]);
    s.count_calls();
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn what_one_request_is_told_to_wait_all_of_its_tenant_wait() {
    let (ill, well) = two();
    let throttled = Effect::Status { status: 429, code: None, retry_after: Some("300".to_owned()) };
    let s = serving(&[ill.clone(), well.clone()]).fault(Fault::new("arm.*", throttled).about(&ill.tenant)).start();
    s.deliver(ill.event(&s, "first")).await;
    s.count_calls();
    for number in 0..10 {
        s.deliver(ill.event(&s, &number.to_string())).await;
    }
    let calls = s.count_calls();
    assert_eq!(calls, [(PUT_BACK.to_owned(), 10)].into(), "Resource Manager is not asked again");
    s.deliver(well.event(&s, "well")).await;
    s.expect_results(["onboarded"]);
    s.mend();
    s.settle(1).await;
    s.expect_results(["onboarded"; 11]);
    s.count_calls();
}
