//! The smallest history that still fails.

use crate::history::{Deed, History, Policy, Weather};

/// Makes a history smaller as long as it `fails`: fewer steps, calmer weather, less of each.
pub fn shrink(history: &History, fails: impl Fn(&History) -> bool) -> History {
    let mut smallest = history.clone();
    loop {
        let before = smallest.clone();
        remove_steps(&mut smallest, &fails);
        for simpler in simpler(&smallest) {
            if fails(&simpler) {
                smallest = simpler;
            }
        }
        if smallest == before {
            return smallest;
        }
    }
}

/// Removes as many steps as can be missed, many at once first.
fn remove_steps(smallest: &mut History, fails: &impl Fn(&History) -> bool) {
    let mut size = smallest.steps.len();
    while size > 0 {
        let mut start = 0;
        while start < smallest.steps.len() {
            let mut fewer = smallest.clone();
            fewer.steps.drain(start..(start + size).min(fewer.steps.len()));
            if fails(&fewer) {
                *smallest = fewer;
            } else {
                start += size;
            }
        }
        size /= 2;
    }
}

/// What is a little simpler, each in one respect and from the same history: the first that fails makes the others' step smaller next time.
fn simpler(history: &History) -> Vec<History> {
    let calmer: [fn(&mut Weather); 11] = [
        |weather| weather.latency = 0,
        |weather| weather.replication = 0,
        |weather| weather.list_lag = 0,
        |weather| weather.propagation = 0,
        |weather| weather.connection_test = 0,
        |weather| weather.graph_lag = 0,
        |weather| weather.token_lifetime = 0,
        |weather| weather.page_size = 0,
        |weather| weather.throttles = false,
        |weather| weather.more_instances = 0,
        |weather| weather.spread = 0,
    ];
    let mut all = Vec::new();
    for calm in calmer {
        let mut simpler = history.clone();
        calm(&mut simpler.weather);
        all.push(simpler);
    }
    all.push(History { policy: Policy::Usual, ..history.clone() });
    for index in 0..history.steps.len() {
        let mut simpler = history.clone();
        match &mut simpler.steps[index].deed {
            Deed::Publish { copies, in_event_grids_schema, .. } => (*copies, *in_event_grids_schema) = (1, false),
            Deed::Break(fault) => (fault.times, fault.skip) = (Some(1), 0),
            _ => simpler.steps[index].at = simpler.steps[index].at.mul_f64(0.5),
        }
        simpler.steps.sort_by_key(|step| step.at);
        all.push(simpler);
    }
    all.retain(|simpler| simpler != history);
    all
}
