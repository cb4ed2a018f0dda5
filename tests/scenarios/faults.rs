//! Any single fault, anywhere: nothing is lost, nothing is done twice, nothing is told wrongly.

use ispm_onboarder_simulator::{Effect, Fault};

use crate::HOST;
use crate::harness::{ASSIGN, CONNECT, GET_SECRET, Given, Host, PUBLISH, PUT_BACK, Scenario, subscription};

/// Every call that onboarding makes, the one into the queue apart.
pub const OPERATIONS: [&str; 11] = [
    match HOST {
        Host::Functions => "identity.token",
        Host::Lambda => "sts.web-identity-token.get",
    },
    GET_SECRET,
    "entra.token",
    "graph.service-principal.get",
    "arm.subscription.get",
    "arm.role-assignments.list",
    ASSIGN,
    "ispm.sources.list",
    "ispm.connections.list",
    CONNECT,
    PUBLISH,
];

/// What may happen to a call and pass.
fn effects() -> Vec<Effect> {
    let status = |status| Effect::Status { status, code: None, retry_after: None };
    vec![
        status(408),
        status(429),
        status(500),
        status(503),
        Effect::Status { status: 429, code: None, retry_after: Some("40".to_owned()) },
        Effect::Html { status: 502 },
        Effect::Html { status: 200 },
        Effect::Reset,
        Effect::Truncated,
        Effect::InvalidJson,
        Effect::Delay { seconds: 40 },
    ]
}

/// What looks like a fault that passes, and tells something else.
fn is_no_fault(operation: &str, effect: &Effect, times: u32, after: bool) -> bool {
    match (operation, effect) {
        // The vault's challenge without its header is a refusal; one may pass, several are the deployment's trouble, and told.
        (GET_SECRET, Effect::InvalidJson) => after && times > 1,
        _ => false,
    }
}

/// Whether there is one assignment, one connection and one result (by its id); else what there is.
pub fn undone(s: &Scenario) -> Option<String> {
    s.count_calls();
    let results: Vec<String> = s.distinct_results().into_values().collect();
    let (roles, connections) = (s.assignments_at(&subscription(&s.cast.new)).len(), s.connections().len());
    (results != ["onboarded"] || roles != 1 || connections != 1)
        .then(|| format!("results {results:?}, {roles} assignments, {connections} connections"))
}

#[tokio::test(start_paused = true)]
async fn any_fault_that_passes_leaves_no_trace() {
    let mut traces = Vec::new();
    for operation in OPERATIONS {
        for effect in effects() {
            for (skipped, times) in [(0, 1), (1, 1), (0, 4)] {
                for after in [false, true] {
                    if is_no_fault(operation, &effect, times, after) {
                        continue;
                    }
                    let fault = Fault::new(operation, effect.clone()).skipping(skipped).times(times);
                    let fault = if after { fault.after() } else { fault };
                    let told = fault.to_string();
                    let s = Given::demo().fault(fault).start();
                    s.onboard(&s.cast.new).await;
                    s.settle(3).await;
                    traces.extend(undone(&s).map(|found| format!("{told}: {found}")));
                }
            }
        }
    }
    assert!(traces.is_empty(), "{traces:#?}");
}

#[tokio::test(start_paused = true)]
async fn any_fault_of_the_queue_while_a_cloud_is_down_leaves_no_trace() {
    for effect in effects() {
        for after in [false, true] {
            let fault = Fault::new(PUT_BACK, effect.clone()).times(2);
            let fault = if after { fault.after() } else { fault };
            let told = fault.to_string();
            let s = Given::demo().fault(fault).fault(Fault::status("arm.subscription.get", 503).times(9)).start();
            s.onboard(&s.cast.new).await;
            s.settle(3).await;
            assert_eq!(undone(&s), None, "{told}");
        }
    }
}
