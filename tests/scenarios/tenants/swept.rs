//! Sweeps over many tenants: one that hangs holds nobody up, and who was not reached is told and is not forgotten.

use std::collections::BTreeSet;
use std::time::Duration;

use ispm_onboarder_simulator::{Effect, Fault};

use super::{Customer, serving};
use crate::harness::{Given, Scenario};

fn customers(count: u16) -> Vec<Customer> {
    (1..=count).map(Customer::number).collect()
}

fn hanging(given: Given, customers: &[Customer]) -> Given {
    customers.iter().fold(given, |given, customer| {
        given.fault(
            Fault::new("arm.*", Effect::Status { status: 429, code: None, retry_after: Some("300".to_owned()) }).about(&customer.tenant),
        )
    })
}

/// Runs a sweep and answers the tenants whose line says that it was made.
async fn swept(s: &Scenario, customers: &[Customer]) -> BTreeSet<String> {
    let answer = s.sweep().await;
    let lines: Vec<String> = customers.iter().map(|customer| format!("tenant {}: 1 subscriptions", customer.tenant)).collect();
    for customer in customers {
        assert!(answer.body.contains(&format!("tenant {}: ", customer.tenant)), "no word of {}: {}", customer.tenant, answer.body);
    }
    let made = customers.iter().zip(lines).filter(|(_, line)| answer.body.contains(line));
    made.map(|(customer, _)| customer.tenant.clone()).collect()
}

fn forgive(s: &Scenario) {
    s.count_calls();
    s.distinct_results();
    s.forgive_what_waits();
}

#[tokio::test(start_paused = true)]
async fn tenants_that_hang_hold_no_other_up() {
    let customers = customers(40);
    let (ill, well) = customers.split_at(8);
    let s = hanging(serving(&customers), ill).start();
    let swept = swept(&s, &customers).await;
    assert_eq!(swept, well.iter().map(|customer| customer.tenant.clone()).collect());
    forgive(&s);
}

/// Too many hang for all others to be reached by one sweep. Others are held up by the next.
#[tokio::test(start_paused = true)]
async fn who_was_not_reached_is_reached_by_one_of_the_next() {
    let customers = customers(60);
    let (ill, well) = customers.split_at(24);
    let s = hanging(serving(&customers), ill).start();
    let mut reached = BTreeSet::new();
    for _ in 0..6 {
        reached.extend(swept(&s, &customers).await);
        forgive(&s);
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    let missing: Vec<_> = well.iter().filter(|customer| !reached.contains(&customer.tenant)).collect();
    assert!(missing.is_empty(), "{} of {} were never reached", missing.len(), well.len());
    forgive(&s);
}
