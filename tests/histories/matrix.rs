//! Each call, by each fault, before and after its effect, on each host: all of them, one by one.

use std::time::Duration;

use ispm_onboarder_simulator::{Effect, Fault, When};

use crate::history::{Act, Ask, Deed, History, Host, Place, Policy, Step, Weather};
use crate::run;

/// The histories of the matrix are known by this: no seed is as large.
const TOUR: u64 = u64::MAX - 7;

/// One fault of one call.
pub struct Cell {
    pub operation: String,
    pub fault: Fault,
    pub history: History,
}

/// A history in which every call is made that the program makes for a deployment: onboarding a subscription, a group and one that is not
/// known yet, a sweep, taking back, and the tenant root.
pub fn tour(host: Host) -> History {
    let ask = |number, place, offboard| Deed::Publish { ask: Ask { number, place, offboard }, copies: 1, in_event_grids_schema: false };
    let minutes = |minutes: u64, deed| Step { at: Duration::from_mins(minutes), deed };
    let steps = vec![
        minutes(0, ask(0, Place::New, false)),
        minutes(0, ask(1, Place::Late, false)),
        minutes(1, ask(2, Place::Group, false)),
        minutes(2, Deed::Sweep),
        minutes(40, Deed::Other(Act::Cancels(Place::New))),
        minutes(60, ask(3, Place::New, true)),
        minutes(80, Deed::Elevate { stop_after: None }),
    ];
    History { seed: TOUR, host, policy: Policy::LeavesOutGroup, weather: Weather::default(), steps }
}

/// The calls that the tour makes, in order of their names.
pub fn operations(host: Host) -> Vec<String> {
    run::run(&tour(host), false).operations.into_iter().collect()
}

/// What may happen to a call, by the name that stands in the table.
pub fn effects() -> Vec<(&'static str, Effect)> {
    let status = |status, retry_after: Option<&str>| Effect::Status { status, code: None, retry_after: retry_after.map(str::to_owned) };
    vec![
        ("400", status(400, None)),
        ("401", status(401, None)),
        ("403", status(403, None)),
        ("404", status(404, None)),
        ("408", status(408, None)),
        ("409", status(409, None)),
        ("412", status(412, None)),
        ("429", status(429, None)),
        ("429 wait", status(429, Some("2"))),
        ("429 absurd", status(429, Some("99999999999999999999"))),
        ("500", status(500, None)),
        ("502", status(502, None)),
        ("503", status(503, None)),
        ("503 wait", status(503, Some("40"))),
        ("504", status(504, None)),
        ("page", Effect::Html { status: 502 }),
        ("200 page", Effect::Html { status: 200 }),
        ("reset", Effect::Reset),
        ("DNS", Effect::Unresolved),
        ("TLS", Effect::Handshake),
        ("late", Effect::Delay { seconds: 12 }),
        ("too late", Effect::Delay { seconds: 40 }),
        ("truncated", Effect::Truncated),
        ("type", Effect::ContentType { value: "text/plain".to_owned() }),
        ("not JSON", Effect::InvalidJson),
    ]
}

/// All cells of one host. A fault strikes once, which a repeat may cure, or so often that none does.
pub fn cells(host: Host) -> Vec<Cell> {
    let mut cells = Vec::new();
    for operation in operations(host) {
        for (_, effect) in effects() {
            for times in [1, 4] {
                let before = Fault::new(&operation, effect.clone()).times(times);
                let after = before.clone().after();
                cells.push(cell(host, before));
                if after.side() == When::After {
                    cells.push(cell(host, after));
                }
            }
        }
    }
    cells
}

fn cell(host: Host, fault: Fault) -> Cell {
    let mut history = tour(host);
    history.steps.insert(0, Step { at: Duration::ZERO, deed: Deed::Break(fault.clone()) });
    Cell { operation: fault.operation.clone(), fault, history }
}
