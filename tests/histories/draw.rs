//! A history drawn from a seed.

use std::time::Duration;

use fastrand::Rng;
use ispm_onboarder_simulator::{Effect, Fault};

use crate::history::{Act, Ask, Deed, History, Host, Place, Policy, Step, Weather};

const PLACES: [Place; 14] = [
    Place::New,
    Place::New,
    Place::More,
    Place::More,
    Place::ByHand,
    Place::Inherited,
    Place::Disabled,
    Place::AtLimit,
    Place::Late,
    Place::Group,
    Place::Theirs,
    Place::Theirs,
    Place::Unserved,
    Place::Foreign,
];
/// Where others act.
const ACTED_ON: [Place; 5] = [Place::New, Place::More, Place::ByHand, Place::Inherited, Place::Theirs];
/// The calls that faults strike, on either host. A trailing `*` stands for any rest.
const COMMON_CALLS: [&str; 17] = [
    "entra.token",
    "graph.service-principal.get",
    "arm.subscription.get",
    "arm.role-assignments.list",
    "arm.role-assignments.create",
    "arm.role-assignments.get",
    "arm.role-assignments.delete",
    "arm.entities.list",
    "arm.management-group.get",
    "ispm.sources.list",
    "ispm.connections.list",
    "ispm.connections.create",
    "ispm.connections.delete",
    "arm.resource-graph.query",
    "arm.elevate-access",
    "arm.*",
    "*",
];
const CALLS_ON_FUNCTIONS: [&str; 5] =
    ["identity.token", "key-vault.secret.get", "key-vault.secrets.list", "event-grid.publish", "queue.enqueue"];
const CALLS_ON_LAMBDA: [&str; 5] =
    ["sts.web-identity-token.get", "secrets-manager.secret.get", "secrets-manager.secrets.list", "event-bridge.publish", "sqs.enqueue"];

impl History {
    /// The history of a seed: always the same one.
    pub fn of(seed: u64) -> Self {
        let mut draw = Draw(Rng::with_seed(seed));
        let host = if seed.is_multiple_of(2) { Host::Functions } else { Host::Lambda };
        let policy = draw.policy();
        let weather = draw.weather();
        let mut steps = Vec::new();
        let asks = 1 + draw.under(3);
        for number in 0..asks {
            draw.ask(number, &mut steps);
        }
        for _ in 0..draw.under(5) {
            let fault = draw.fault(host);
            draw.add(Deed::Break(fault), &mut steps);
        }
        for _ in 0..draw.under(4) {
            let kill = Deed::Kill { instance: draw.under(weather.more_instances + 1), after: draw.log(600) };
            draw.add(kill, &mut steps);
        }
        for _ in 0..draw.under(3) {
            let act = draw.act();
            draw.add(Deed::Other(act), &mut steps);
        }
        if draw.one_in(4) {
            draw.add(Deed::HandOutAgain, &mut steps);
        }
        if draw.one_in(10) {
            draw.add(Deed::Sweep, &mut steps);
        }
        if draw.one_in(12) {
            let stop_after = if draw.one_in(3) { Some(draw.log(120)) } else { None };
            draw.add(Deed::Elevate { stop_after }, &mut steps);
        }
        steps.sort_by_key(|step| step.at);
        Self { seed, host, policy, weather, steps }
    }
}

struct Draw(Rng);

impl Draw {
    fn under(&mut self, bound: usize) -> usize {
        self.0.usize(..bound)
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.under(bound) == 0
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.under(all.len())].clone()
    }

    /// Small numbers as often as large ones.
    fn log(&mut self, bound: u64) -> u64 {
        let bits = u64::from(u64::BITS - bound.leading_zeros());
        let below = 1_u64 << self.0.u64(..=bits);
        self.0.u64(..below).min(bound)
    }

    fn policy(&mut self) -> Policy {
        self.of(&[
            Policy::Usual,
            Policy::Usual,
            Policy::Usual,
            Policy::Usual,
            Policy::LeavesOutGroup,
            Policy::LeavesOutGroup,
            Policy::Direct,
            Policy::ReadOnly,
            Policy::Console,
        ])
    }

    fn weather(&mut self) -> Weather {
        Weather {
            latency: self.of(&[0, 0, 20, 50, 400, 2500]),
            replication: self.of(&[0, 0, 0, 90]),
            list_lag: self.of(&[0, 0, 5, 90]),
            propagation: self.of(&[0, 0, 30, 300]),
            connection_test: self.of(&[0, 0, 0, 60, 1200, 7200]),
            graph_lag: self.of(&[0, 0, 0, 0, 0, 60, 600]),
            token_lifetime: self.of(&[0, 0, 0, 90, 900]),
            page_size: self.of(&[0, 0, 0, 0, 1, 2]),
            throttles: self.one_in(4),
            more_instances: self.of(&[0, 0, 0, 1, 2]),
            spread: if self.one_in(2) { 1 + self.0.u64(..1000) } else { 0 },
        }
    }

    /// When something happens: often at once or soon after the first events, sometimes hours later.
    fn at(&mut self) -> Duration {
        match self.under(4) {
            0 => Duration::ZERO,
            1 => Duration::from_millis(self.log(5_000)),
            2 => Duration::from_millis(self.log(120_000)),
            _ => Duration::from_secs(self.log(3 * 3600)),
        }
    }

    fn add(&mut self, deed: Deed, steps: &mut Vec<Step>) {
        steps.push(Step { at: self.at(), deed });
    }

    fn ask(&mut self, number: usize, steps: &mut Vec<Step>) {
        let ask = Ask { number, place: self.of(&PLACES), offboard: self.one_in(6) };
        if self.one_in(6) {
            self.add(Deed::Call(ask), steps);
            return;
        }
        let publish = Deed::Publish { ask, copies: self.of(&[1, 1, 1, 2, 3]), in_event_grids_schema: self.one_in(5) };
        if self.one_in(4) {
            // The same event once more, at another time: its source repeats it.
            self.add(publish.clone(), steps);
        }
        self.add(publish, steps);
    }

    fn fault(&mut self, host: Host) -> Fault {
        let own: &[&str] = match host {
            Host::Functions => &CALLS_ON_FUNCTIONS,
            Host::Lambda => &CALLS_ON_LAMBDA,
        };
        let call = if self.one_in(3) { self.of(own) } else { self.of(&COMMON_CALLS) };
        let times = u32::try_from(1 + self.log(12)).unwrap_or(1);
        let skip = u32::try_from(self.log(6)).unwrap_or(0);
        let fault = Fault::new(call, self.effect()).times(times).skipping(skip);
        // Before its effect, an answer of the right shape and another type would be a lie about what is there.
        let comes_after = self.one_in(2) || matches!(fault.effect, Effect::ContentType { .. });
        if comes_after { fault.after() } else { fault }
    }

    fn effect(&mut self) -> Effect {
        let status = |status| Effect::Status { status, code: None, retry_after: None };
        match self.under(22) {
            0..=5 => status(self.of(&[400, 401, 403, 404, 408, 409, 412, 429, 500, 502, 503, 504])),
            6..=8 => {
                let wait = self.of(&["1", "7", "40", "300"]);
                let status = self.of(&[429, 503]);
                Effect::Status { status, code: None, retry_after: Some(wait.to_owned()) }
            }
            9 => {
                let absurd = self.of(&["0", "-1", "soon", "86400", "99999999999999999999", "Wed, 21 Oct 2026 07:28:00 GMT"]);
                Effect::Status { status: 429, code: None, retry_after: Some(absurd.to_owned()) }
            }
            10 => Effect::Html { status: self.of(&[200, 502, 503]) },
            11 | 12 => Effect::Reset,
            13 => Effect::Truncated,
            14 => Effect::InvalidJson,
            15 => Effect::Unresolved,
            16 => Effect::Handshake,
            17 => Effect::ContentType { value: "text/plain".to_owned() },
            18..=20 => Effect::Delay { seconds: self.of(&[2, 9, 12, 26, 40, 900]) },
            _ => Effect::Redirect { status: 307, location: "https://evil.example/".to_owned() },
        }
    }

    fn act(&mut self) -> Act {
        let place = self.of(&ACTED_ON);
        match self.under(11) {
            0 | 1 => Act::Assigns(place),
            2 | 3 => Act::Removes(place),
            4 => Act::Moves(place),
            5 => Act::Cancels(place),
            6 => Act::Revives(place),
            7 => Act::RotatesLogin,
            8 => Act::RotatesLoginFirst { minutes: self.log(90) },
            9 => Act::RotatesToken,
            _ => Act::RemovesConnection,
        }
    }
}
