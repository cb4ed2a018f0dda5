//! `cargo xtask bench`

mod run;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use crate::step::{Done, Step, project};
use run::{Handler, Simulator, curl};

/// Azure holds at most 10,000 management groups; one for so many subscriptions is what large estates have.
const SUBSCRIPTIONS_IN_GROUP: u32 = 166;
/// What part of the estate is covered where there is something to find.
const COVERED: u32 = 40;
const MIB: f64 = 1024.0 * 1024.0;

/// What is measured.
#[derive(Debug, clap::Args)]
pub struct Bench {
    /// How many subscriptions the estates have.
    #[arg(long, value_delimiter = ',', default_value = "500,5000,50000")]
    sizes: Vec<u32>,
    /// How long each call of Azure and ISPM takes, in milliseconds.
    #[arg(long, default_value_t = 50)]
    latency: u32,
    /// How many things the services put on a page.
    #[arg(long, default_value_t = 1000)]
    page_size: u32,
}

/// A sweep, as it was measured.
struct Measured {
    /// By the simulator's names; what was refused as one too many is counted by itself.
    calls: BTreeMap<String, usize>,
    refused: usize,
    seconds: f64,
    peak_mib: f64,
    /// What the handler logged.
    swept: Value,
}

/// Sweeps estates of each size with the handler as a process, on simulated clouds that take their time and refuse whoever asks too often.
pub fn run(bench: &Bench) -> Done {
    Step::cargo(&["build", "--release", "--bin", "ispm-onboarder", "--bin", "handler"]).run()?;
    println!("Every call takes {} ms; pages of {}; throttling on.\n", bench.latency, bench.page_size);
    println!(
        "| subscriptions | covered | sweep | reads | put into the queue | 429 | not done | seconds | peak MiB |\n|--:|--:|---|--:|--:|--:|---|--:|--:|"
    );
    let mut details = Vec::new();
    for size in &bench.sizes {
        for covered in [COVERED, 100] {
            let simulator = bench.simulator(*size, covered)?;
            sweeps(&simulator, *size, covered, &mut details)?;
            if covered == COVERED {
                details.extend(coverage(&simulator, *size)?);
            }
        }
    }
    println!("\n{}", details.join("\n"));
    Ok(())
}

impl Bench {
    fn simulator(&self, size: u32, covered: u32) -> Done<Simulator> {
        let groups = size.div_ceil(SUBSCRIPTIONS_IN_GROUP).max(2);
        let numbers = [size, groups, covered, self.latency, self.page_size].map(|number| number.to_string());
        let names = ["--subscriptions", "--groups", "--covered", "--latency", "--page-size"];
        let options = names.into_iter().zip(&numbers).flat_map(|(name, number)| [name, number.as_str()]);
        Simulator::start(&project(), &options.collect::<Vec<_>>())
    }
}

/// The first sweep of all, and one that finds its report and the same things missing.
fn sweeps(simulator: &Simulator, size: u32, covered: u32, details: &mut Vec<String>) -> Done {
    let handler = Handler::start(&project(), simulator)?;
    for which in ["first", "second"] {
        let measured = sweep(simulator, &handler)?;
        let queued = measured.calls.get("queue.enqueue").copied().unwrap_or_default();
        let all: usize = measured.calls.values().sum();
        let left = measured.swept["left"].as_str().filter(|left| !left.is_empty()).unwrap_or("-");
        let Measured { refused, seconds, peak_mib, .. } = measured;
        println!("| {size} | {covered} % | {which} | {} | {queued} | {refused} | {left} | {seconds:.1} | {peak_mib:.0} |", all - queued);
        let calls: Vec<String> = measured.calls.iter().map(|(name, count)| format!("{name} {count}")).collect();
        details.push(format!("{size}, {covered} %, {which}: {}", calls.join(", ")));
    }
    Ok(())
}

fn sweep(simulator: &Simulator, handler: &Handler) -> Done<Measured> {
    simulator.forget_calls()?;
    let started = Instant::now();
    handler.sweep()?;
    let seconds = started.elapsed().as_secs_f64();
    let mut measured =
        Measured { calls: BTreeMap::new(), refused: 0, seconds, peak_mib: handler.peak_mib()?, swept: handler.last_swept()? };
    for call in simulator.calls()? {
        measured.refused += usize::from(call["status"] == 429);
        *measured.calls.entry(call["operation"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    Ok(measured)
}

/// What the report costs those who look at it, from a handler of its own.
fn coverage(simulator: &Simulator, size: u32) -> Done<Vec<String>> {
    let mut lines = Vec::new();
    for format in ["json", "html"] {
        for encoding in ["gzip", "identity"] {
            let handler = Handler::start(&project(), simulator)?;
            let url = handler.url(&format!("/api/coverage?tenant={}&format={format}", simulator.variable("SIMULATOR_TENANT_ID")));
            let shown = "%{time_total} %{size_download}";
            let told = curl(&["--header", &format!("accept-encoding: {encoding}"), "--output", "/dev/null", "--write-out", shown, &url])?;
            let (seconds, bytes) = told.split_once(' ').unwrap_or_default();
            let mib = bytes.parse::<f64>().unwrap_or_default() / MIB;
            let peak = handler.peak_mib()?;
            lines.push(format!("{size}, coverage as {format}, {encoding}: {seconds} s, {mib:.1} MiB, peak {peak:.0} MiB"));
        }
    }
    Ok(lines)
}
