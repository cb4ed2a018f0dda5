//! At any moment: under load, again and again, until all is acknowledged.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::assert_onboarded;
use crate::functions_host::FunctionApp;
use crate::host::Host;
use crate::lambda::function::Function;
use crate::simulator::Simulator;

const SCOPES: usize = 60;
/// How often a process is killed before one may do its work in peace.
const KILLS: usize = 8;
/// The last one to be killed lives at most this long, in milliseconds, the ones before it less: what a few rounds of deliveries take.
const LIFE: u64 = 900;
/// How long each call takes, so that kills meet them on their way too.
const LATENCY: u64 = 20;

/// A row of numbers that look like chance, and are the same for the same seed (Marsaglia, "Xorshift RNGs").
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

async fn killed_at_random<H: Host>(seed: u64) {
    let simulator = Simulator::start().await;
    simulator.control(Method::PATCH, "settings", Some(&json!({ "latencyMilliseconds": LATENCY }))).await;
    let mut events = Vec::new();
    for _ in 0..SCOPES {
        events.push(simulator.new_subscription().await);
    }
    // Spread over all bits, so that small seeds begin unlike each other.
    let (before, mut chance) = (simulator.world().await, Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let acknowledged = RefCell::new(BTreeSet::new());
    let id = |event: &Value| event["id"].as_str().unwrap().to_owned();
    let mut lives = Vec::new();
    loop {
        let waiting: Vec<Value> = events.iter().filter(|event| !acknowledged.borrow().contains(&id(event))).cloned().collect();
        if waiting.is_empty() {
            break;
        }
        let mut host = H::start(&simulator).await;
        let longest = LIFE * (lives.len() as u64 + 1) / KILLS as u64;
        let life = if lives.len() < KILLS { Duration::from_millis(chance.below(longest)) } else { Duration::MAX };
        tokio::select! {
            biased;
            () = sleep(life) => host.process().kill(),
            () = host.work_on(&waiting, |done| acknowledged.borrow_mut().extend(done.iter().map(id))) => continue,
        }
        host.process_mut().ended().await;
        lives.push((life.as_millis(), acknowledged.borrow().len()));
    }
    println!("{}, seed {seed}: lives in ms, and how many of {SCOPES} events were acknowledged then: {lives:?}", H::NAME);
    assert!(!lives.is_empty(), "nothing was killed");
    let scopes: Vec<&str> = events.iter().map(|event| event["data"]["scope"].as_str().unwrap()).collect();
    assert_onboarded(&before, &simulator.world().await, &scopes, &H::results(&simulator).await);
}

#[tokio::test]
async fn of_the_handler() {
    killed_at_random::<FunctionApp>(1).await;
}

#[tokio::test]
async fn of_bootstrap() {
    killed_at_random::<Function>(2).await;
}

#[tokio::test]
#[ignore = "takes long; `cargo xtask real` does it"]
async fn of_both_for_many_seeds() {
    for seed in 3..=12 {
        killed_at_random::<FunctionApp>(seed).await;
        killed_at_random::<Function>(seed).await;
    }
}
