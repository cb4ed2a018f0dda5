//! Many histories, on all processors.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::history::History;
use crate::invariant::Violation;
use crate::run::{self, Ran};
use crate::shrink::shrink;

/// What many histories came to.
#[derive(Debug, Default)]
pub struct Totals {
    pub histories: u64,
    pub calls: u64,
    pub deliveries: u64,
    pub kills: u64,
    pub results: u64,
    pub violations: u64,
    /// The calls that were struck, by operation and fault.
    pub struck: BTreeMap<(String, String), u64>,
    /// Those that failed, by their number, with what broke first.
    pub failed: BTreeMap<usize, Violation>,
    pub took: Duration,
}

impl Totals {
    fn add(&mut self, index: usize, ran: Ran) {
        self.histories += 1;
        self.calls += ran.calls;
        self.deliveries += ran.deliveries;
        self.kills += ran.kills;
        self.results += ran.results;
        self.violations += ran.violations.len() as u64;
        for (key, count) in ran.struck {
            *self.struck.entry(key).or_default() += count;
        }
        self.failed.extend(ran.violations.into_iter().next().map(|violation| (index, violation)));
    }

    pub fn per_second(&self) -> u64 {
        let milliseconds = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX).max(1);
        self.histories * 1000 / milliseconds
    }
}

/// Plays `count` histories, each made by `history` of its index. When `enough` have failed, no other is begun.
pub fn all(count: usize, enough: usize, history: impl Fn(usize) -> History + Sync) -> Totals {
    let (next, totals, started) = (AtomicUsize::new(0), Mutex::new(Totals::default()), Instant::now());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count || totals.lock().expect("no thread panics").failed.len() >= enough {
                        return;
                    }
                    let ran = run::run(&history(index), false);
                    totals.lock().expect("no thread panics").add(index, ran);
                }
            });
        }
    });
    Totals { took: started.elapsed(), ..totals.into_inner().expect("no thread panics") }
}

/// What failed, made as small as it can be and told.
pub fn told(history: &History, violation: &Violation) -> String {
    let fails = |smaller: &History| run::run(smaller, false).violations.iter().any(|found| found.invariant == violation.invariant);
    let smallest = shrink(history, fails);
    let ran = run::run(&smallest, true);
    let mut story = format!(
        "\nseed {}: {violation}\n\nThe smallest history of it that fails so ({:?}, {:?}):\n",
        history.seed, smallest.host, smallest.policy
    );
    let _ = writeln!(story, "  {:?}", smallest.weather);
    for step in &smallest.steps {
        let _ = writeln!(story, "  after {:?}: {:?}", step.at, step.deed);
    }
    story.push_str("\nWhat happens:\n");
    for line in ran.story {
        let _ = writeln!(story, "  {line}");
    }
    for violation in ran.violations {
        let _ = writeln!(story, "  VIOLATION: {violation}");
    }
    story
}
