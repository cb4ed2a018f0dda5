//! One history, run: the platform, the instances of the app, and everybody else, on one clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::pending;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use ispm_onboarder::config::Config;
use ispm_onboarder::request::{OFFBOARDING_REQUESTED, ONBOARDING_REQUESTED};
use ispm_onboarder_simulator::platform::{Delivered, Delivery, Fate, FunctionsHost, LambdaHost};
use ispm_onboarder_simulator::world::Scope;
use ispm_onboarder_simulator::{Clock as SimulatorClock, Simulator};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::administrator;
use crate::app::{App, Instance, call_id, configured, platform};
use crate::estate::{EPOCH, Estate};
use crate::history::{Act, Ask, Deed, History, Host};
use crate::invariant::{Invariant, Violation};
use crate::judge;
use crate::log::{self, Log};
use crate::mortal::Mortal;
use crate::watch::{WORK, Watch, Work};

/// How many calls one instance has under way at once.
const AT_ONCE: usize = 16;
/// After the last step, nothing goes wrong any more from this time on.
const TROUBLE_LASTS: Duration = Duration::from_hours(2);
/// Longer than Event Grid keeps an event and the app a request.
const SCHEDULES: Duration = Duration::from_hours(60);
/// No history takes more than so many calls.
const MOST_CALLS: u64 = 20_000;
/// How long an answer may take on Functions, where Event Grid waits 30 seconds; and on Lambda, whose time-out is a minute.
const LONGEST_DELIVERY: Duration = Duration::from_secs(30);
const LONGEST_INVOCATION: Duration = Duration::from_mins(1);
const LONGEST_SWEEP: Duration = Duration::from_mins(10);
/// The most calls that one input takes, with all its repeats.
const MOST_CALLS_OF_ONE: u32 = 90;

/// What was asked for, and since when.
#[derive(Clone, Debug)]
pub struct Asked {
    pub ask: Ask,
    pub at: OffsetDateTime,
    /// Whether somebody has said that it will be seen to.
    pub is_accepted: bool,
}

/// What became of a history.
pub struct Ran {
    pub violations: Vec<Violation>,
    /// Over every call and every result.
    pub digest: u64,
    pub calls: u64,
    pub deliveries: u64,
    pub kills: u64,
    pub results: u64,
    /// The calls that were struck by a fault, by operation and fault.
    pub struck: BTreeMap<(String, String), u64>,
    /// The calls that were made, by name.
    pub operations: BTreeSet<String>,
    /// What happened, for people; empty unless it was asked for.
    pub story: Vec<String>,
}

enum Ended {
    Delivered {
        deliveries: Vec<Delivery>,
        causes: BTreeMap<String, String>,
        work: Arc<Work>,
        took: Duration,
    },
    Called {
        ask: Ask,
        status: u16,
        answer: String,
        work: Arc<Work>,
        took: Duration,
    },
    Swept {
        status: u16,
        answer: String,
        took: Duration,
    },
    /// The administrator's command, and whether it tells that an elevation may be left.
    Elevated {
        left: bool,
        work: Arc<Work>,
    },
}

/// The platform that calls the app.
enum Platform {
    Functions(Rc<FunctionsHost>),
    Lambda(Rc<LambdaHost>),
}

/// A history while it runs.
pub struct Run<'h> {
    pub history: &'h History,
    pub estate: Arc<Estate>,
    pub simulator: Simulator,
    pub watch: Arc<Watch>,
    /// What was asked for, by the id of the cause.
    pub asked: BTreeMap<String, Asked>,
    /// All work so far, with the ids of its causes.
    pub works: Vec<(Arc<Work>, Vec<String>)>,
    /// The calls of the administrator's commands.
    pub commands: BTreeSet<String>,
    /// Whether a command has told that an elevation may be left.
    pub left: bool,
    config: Config,
    platform: Platform,
    instances: Vec<Instance>,
    in_flight: FuturesUnordered<Mortal<Ended>>,
    started: Instant,
    later: Vec<(Instant, Deed)>,
    log: Log,
    deliveries: u64,
    kills: u64,
    born: u64,
    story: Option<Vec<(OffsetDateTime, String)>>,
}

/// Runs a history; `tells` its story, which takes time.
pub fn run(history: &History, tells: bool) -> Ran {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime can be built");
    runtime.block_on(Box::pin(async {
        let log = log::keep();
        Run::new(history, tells, log).play().await
    }))
}

impl<'h> Run<'h> {
    fn new(history: &'h History, tells: bool, log: Log) -> Self {
        let estate = Arc::new(Estate::new());
        let world = estate.world(history.host, history.policy, &history.weather);
        let simulator = Simulator::new(world, SimulatorClock::starting_at(EPOCH));
        let watch = Watch::new(&simulator, &estate, history.policy);
        let config = configured(history.host, &estate.cast);
        let nobody = Instance::start(history.host, &config, &simulator, &watch, &estate.cast, Uuid::nil());
        let platform = match history.host {
            Host::Functions => {
                let host = FunctionsHost::new(simulator.clone(), nobody.app).with_visibility_timeout(Duration::from_mins(1));
                Platform::Functions(Rc::new(if history.weather.spread == 0 { host } else { host.with_spread(history.weather.spread) }))
            }
            Host::Lambda => Platform::Lambda(Rc::new(LambdaHost::new(simulator.clone(), nobody.app, &estate.cast.aws.queue_url))),
        };
        let mut run = Self {
            history,
            estate,
            simulator,
            watch,
            asked: BTreeMap::new(),
            works: Vec::new(),
            commands: BTreeSet::new(),
            left: false,
            config,
            platform,
            instances: Vec::new(),
            in_flight: FuturesUnordered::new(),
            started: Instant::now(),
            later: Vec::new(),
            log,
            deliveries: 0,
            kills: 0,
            born: 0,
            story: tells.then(Vec::new),
        };
        for _ in 0..=history.weather.more_instances {
            let instance = run.new_instance();
            run.instances.push(instance);
        }
        run
    }

    fn new_instance(&mut self) -> Instance {
        self.born += 1;
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/instance/{}", self.history.seed, self.born).as_bytes());
        Instance::start(self.history.host, &self.config, &self.simulator, &self.watch, &self.estate.cast, id)
    }

    async fn play(mut self) -> Ran {
        let mut steps: VecDeque<_> = self.history.steps.iter().map(|step| (self.started + step.at, step.deed.clone())).collect();
        let last = self.history.steps.last().map_or(Duration::ZERO, |step| step.at);
        self.go_on(&mut steps, self.started + last + TROUBLE_LASTS).await;
        self.all_well();
        self.go_on(&mut VecDeque::new(), Instant::now() + SCHEDULES).await;
        let sweeps = self.history.ends_in_sweep();
        if sweeps {
            self.say(|_| "the sweep's timer fires, on a healthy world".to_owned());
            self.sweep();
            self.go_on(&mut VecDeque::new(), Instant::now() + SCHEDULES).await;
            // A scope whose role cannot be assigned may have kept the connection from being made, until the next sweep.
            if !judge::missing(&self, true).is_empty() {
                self.sweep();
                self.go_on(&mut VecDeque::new(), Instant::now() + SCHEDULES).await;
            }
        }
        judge::in_the_end(&self, sweeps);
        self.ran()
    }

    /// Does what falls due until `end`, or until nothing falls due any more.
    async fn go_on(&mut self, steps: &mut VecDeque<(Instant, Deed)>, end: Instant) {
        loop {
            let now = Instant::now();
            while let Some((_, deed)) = steps.pop_front_if(|(at, _)| *at <= now) {
                self.act(deed);
            }
            while let Some(index) = self.later.iter().position(|(at, _)| *at <= now) {
                let (_, deed) = self.later.remove(index);
                self.act(deed);
            }
            while self.in_flight.len() < AT_ONCE * self.instances.len() && self.begin() {}
            if self.watch.kept().calls > MOST_CALLS {
                self.watch.violated(Invariant::BoundedWork, format!("more than {MOST_CALLS} calls"));
                return;
            }
            let due = self.next_due();
            let next = steps.front().map(|(at, _)| *at).into_iter().chain(self.later.iter().map(|(at, _)| *at)).chain(due).min();
            if self.in_flight.is_empty() && next.is_none_or(|next| next > end) {
                return sleep_until(end).await;
            }
            let wait = async {
                match next.filter(|next| *next > now) {
                    Some(next) => sleep_until(next).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                ended = self.in_flight.next(), if !self.in_flight.is_empty() => match ended.flatten() {
                    Some(ended) => self.ended(ended),
                    None => self.bury(),
                },
                () = wait => {}
            }
        }
    }

    /// When the platform has something to do next, on tokio's clock.
    fn next_due(&self) -> Option<Instant> {
        if self.in_flight.len() >= AT_ONCE * self.instances.len() {
            return None;
        }
        let due = match &self.platform {
            Platform::Functions(host) => host.next_due(),
            Platform::Lambda(host) => host.next_due(),
        }?;
        let ahead = (due - self.simulator.now()).max(time::Duration::ZERO).unsigned_abs();
        Some(Instant::now() + ahead)
    }

    /// Has the platform begin one call that is due.
    fn begin(&mut self) -> bool {
        let index = usize::try_from(self.deliveries).unwrap_or(0) % self.instances.len();
        match &self.platform {
            Platform::Functions(host) => {
                let Some(call) = host.begin() else { return false };
                let host = host.clone();
                let causes = self.causes(&[call.what()]);
                self.say(|_| format!("instance {} is called with {}, attempt {}", index + 1, call.what(), call.attempt()));
                self.start(index, false, async move |app| vec![host.carry(call, &*app).await], causes);
            }
            Platform::Lambda(host) => {
                let Some(batch) = host.begin() else { return false };
                let host = host.clone();
                let queue = self.estate.cast.aws.queue.clone();
                let what: Vec<Delivered> =
                    batch.what().map(|(id, _)| Delivered::Message { queue: queue.clone(), id: id.to_owned() }).collect();
                let causes = self.causes(&what);
                let told: Vec<String> = batch.what().map(|(id, number)| format!("{id} (receipt {number})")).collect();
                self.say(|_| format!("instance {} is invoked with messages {}", index + 1, told.join(", ")));
                self.start(index, what.len() > 1, async move |app| host.carry(batch, &*app).await, causes);
            }
        }
        true
    }

    fn start(
        &mut self,
        index: usize,
        is_batch: bool,
        work: impl AsyncFnOnce(Arc<App>) -> Vec<Delivery> + 'static,
        causes: BTreeMap<String, String>,
    ) {
        let (note, app) = (self.work(is_batch, causes.values().cloned().collect()), self.instances[index].app.clone());
        let working = async move {
            let began = Instant::now();
            let deliveries = WORK.scope(note.clone(), work(app)).await;
            Ended::Delivered { deliveries, causes, work: note, took: began.elapsed() }
        };
        self.in_flight.push(Mortal::new(&self.instances[index].life, working));
    }

    fn work(&mut self, is_batch: bool, causes: Vec<String>) -> Arc<Work> {
        self.deliveries += 1;
        let work = Work::new(self.simulator.now(), is_batch);
        self.works.push((work.clone(), causes));
        work
    }

    /// The ids of the causes of what is delivered, by the id of the event or message.
    fn causes(&self, what: &[Delivered]) -> BTreeMap<String, String> {
        let state = self.simulator.state();
        let text = |id: &str| match self.history.host {
            Host::Functions => {
                let messages = state.world.queue_messages(&self.estate.cast.queue);
                messages.into_iter().find(|message| message.id == id).map(|message| message.text.clone())
            }
            Host::Lambda => {
                let messages = state.world.sqs_messages(&self.estate.cast.aws.queue);
                messages.into_iter().find(|message| message.id == id).map(|message| message.body.clone())
            }
        };
        let cause = |what: &Delivered| match what {
            Delivered::Event { id, .. } => Some((id.clone(), id.clone())),
            Delivered::Message { id, .. } => Some((id.clone(), cause_in(&text(id)?)?)),
        };
        what.iter().filter_map(cause).collect()
    }

    fn ended(&mut self, ended: Ended) {
        match ended {
            Ended::Delivered { deliveries, causes, work, took } => {
                let longest = if self.history.host == Host::Functions { LONGEST_DELIVERY } else { LONGEST_INVOCATION };
                self.bounded(&work, took, longest, u32::try_from(deliveries.len()).unwrap_or(1));
                for delivery in deliveries {
                    let id = match &delivery.what {
                        Delivered::Event { id, .. } | Delivered::Message { id, .. } => id.clone(),
                    };
                    self.say(|_| format!("{} ended with {}: {:?}", delivery.what, delivery.status, delivery.fate));
                    self.no_secret("an answer", &String::from_utf8_lossy(&delivery.answer));
                    if let Some(cause) = causes.get(&id).filter(|_| delivery.fate == Fate::Done) {
                        judge::acknowledged(self, cause);
                    }
                }
            }
            Ended::Called { ask, status, answer, work, took } => {
                self.say(|_| format!("the call for {:?} is answered {status}: {answer}", ask.place));
                self.bounded(&work, took, LONGEST_DELIVERY, 1);
                self.no_secret("an answer", &answer);
                let id = call_id(self.history.seed, ask).to_string();
                if status < 300 {
                    self.asked.entry(id.clone()).and_modify(|asked| asked.is_accepted = true);
                    judge::acknowledged(self, &id);
                }
            }
            Ended::Elevated { left, work } => {
                self.say(|_| format!("the administrator's command is over; an elevation may be left: {left}"));
                judge::stepped_down(self, left, &work);
            }
            Ended::Swept { status, answer, took } => {
                self.say(|_| format!("the sweep ended with {status} after {} s: {answer}", took.as_secs()));
                self.no_secret("an answer", &answer);
                if took > LONGEST_SWEEP {
                    self.watch.violated(Invariant::BoundedWork, format!("a sweep of {} s", took.as_secs()));
                }
            }
        }
    }

    fn bounded(&self, work: &Work, took: Duration, longest: Duration, inputs: u32) {
        let calls = work.seen().calls;
        if took > longest {
            self.watch.violated(Invariant::BoundedWork, format!("a delivery took {} s", took.as_secs()));
        }
        if calls > MOST_CALLS_OF_ONE * inputs.max(1) {
            self.watch.violated(Invariant::BoundedWork, format!("a delivery made {calls} calls"));
        }
    }

    fn no_secret(&self, place: &str, text: &str) {
        if let Some(secret) = crate::estate::secrets().iter().find(|secret| text.contains(secret.as_str())) {
            self.watch.violated(Invariant::NoSecret, format!("{secret} in {place}"));
        }
    }

    /// Starts instances anew whose life is over, without what they had under way.
    fn bury(&mut self) {
        for index in 0..self.instances.len() {
            if self.instances[index].life.is_over() {
                let alive = std::mem::take(&mut self.in_flight).into_iter().filter(|work| !work.is_of(&self.instances[index].life));
                self.in_flight = alive.collect();
                self.kills += 1;
                if self.instances[index].life.has_spun() {
                    self.watch.violated(Invariant::BoundedWork, "an instance is busy without end".to_owned());
                }
                self.say(|_| format!("instance {} is killed and started again", index + 1));
                self.instances[index] = self.new_instance();
            }
        }
    }

    fn act(&mut self, deed: Deed) {
        self.say(|run| run.told(&deed));
        let now = self.simulator.now();
        match deed {
            Deed::Publish { ask, copies, in_event_grids_schema } => {
                let event = event(&self.estate, ask, in_event_grids_schema, now);
                for _ in 0..copies {
                    match &self.platform {
                        Platform::Functions(host) => host.publish(event.clone()),
                        Platform::Lambda(_) => {
                            let aws = &self.estate.cast.aws;
                            self.simulator.state().world.send_message(&aws.account, &aws.queue, event.to_string(), now, now);
                        }
                    }
                }
                self.asked.entry(event_id(ask)).or_insert(Asked { ask, at: now, is_accepted: true });
            }
            Deed::Call(ask) => {
                let id = call_id(self.history.seed, ask).to_string();
                self.asked.entry(id).or_insert(Asked { ask, at: now, is_accepted: false });
                let (work, app, asked, seed) = (
                    self.work(false, vec![call_id(self.history.seed, ask).to_string()]),
                    self.instances[0].app.clone(),
                    self.estate.asked(ask),
                    self.history.seed,
                );
                let calling = async move {
                    let began = Instant::now();
                    let (status, answer) = WORK.scope(work.clone(), app.call(&asked, call_id(seed, ask))).await;
                    Ended::Called { ask, status, answer, work, took: began.elapsed() }
                };
                self.in_flight.push(Mortal::new(&self.instances[0].life, calling));
            }
            Deed::Sweep => self.sweep(),
            Deed::Break(fault) => self.simulator.state().faults.push(fault),
            Deed::Kill { instance, after } => self.instances[instance.min(self.instances.len() - 1)].life.end_after(after),
            Deed::HandOutAgain => self.hand_out_again(now),
            Deed::Elevate { stop_after } => self.elevate(stop_after),
            Deed::Other(act) => self.other(act, now),
        }
    }

    fn other(&mut self, act: Act, now: OffsetDateTime) {
        self.watch.kept().acted.push((now, act));
        self.estate.act(&mut self.simulator.state().world, self.history.host, act, now);
        if let Act::RotatesLoginFirst { minutes } = act {
            // The store follows.
            self.later.push((Instant::now() + Duration::from_mins(minutes), Deed::Other(Act::StoresLogin)));
        }
    }

    /// SQS delivers at least once: a message that is being worked on is there again.
    fn hand_out_again(&self, now: OffsetDateTime) {
        let mut state = self.simulator.state();
        let aws = &self.estate.cast.aws;
        let queue = state.world.aws_mut(&aws.account, &aws.region).queues.get_mut(&aws.queue);
        queue.into_iter().flat_map(|queue| &mut queue.messages).for_each(|message| message.visible_from = message.visible_from.min(now));
    }

    fn sweep(&mut self) {
        let (app, work) = (self.instances[0].app.clone(), self.work(true, vec![]));
        let sweeping = async move {
            let began = Instant::now();
            let (status, answer) = WORK.scope(work, app.sweep()).await;
            Ended::Swept { status, answer, took: began.elapsed() }
        };
        self.in_flight.push(Mortal::new(&self.instances[0].life, sweeping));
    }

    /// The administrator's command, in a process of its own.
    fn elevate(&mut self, stop_after: Option<u64>) {
        let call = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/elevate/{}", self.history.seed, self.commands.len()).as_bytes());
        self.commands.insert(call.to_string());
        let work = self.work(true, vec![call.to_string()]);
        let platform = platform(self.history.host, &self.simulator, &self.watch, &self.estate.cast);
        let (simulator, watch, config, cast) = (self.simulator.clone(), self.watch.clone(), self.config.clone(), self.estate.cast.clone());
        let command = async move {
            let command = administrator::elevate(simulator, watch, (config, platform), cast, (call, stop_after));
            let left = WORK.scope(work.clone(), command).await;
            Ended::Elevated { left, work }
        };
        self.in_flight.push(Mortal::new(&Rc::default(), command));
    }

    /// From now on nothing goes wrong.
    fn all_well(&mut self) {
        self.say(|_| "from now on all is well".to_owned());
        self.instances.iter().for_each(|instance| instance.life.go_on());
        let mut state = self.simulator.state();
        state.faults.clear();
        self.estate.mend(&mut state.world, self.history.host);
    }

    /// Whether a scope was asked for and is told onboarded, and nobody else has done anything: so it is.
    pub fn is_promised(&self, scope: &Scope) -> bool {
        let told = |cause: &String| {
            let results = self.results();
            results
                .iter()
                .any(|result| result["data"]["cause"]["id"] == **cause && result["type"] == "dev.ispm-onboarder.scope.onboarded.v1")
        };
        let is_meant = |asked: &Asked| !asked.ask.offboard && self.estate.scope(asked.ask.place) == *scope;
        let taken_back = self.asked.values().any(|asked| asked.ask.offboard && self.estate.scope(asked.ask.place) == *scope);
        let undisturbed = self.watch.kept().acted.is_empty() && !taken_back;
        undisturbed && self.asked.iter().any(|(cause, asked)| is_meant(asked) && told(cause))
    }

    /// The result events so far, in the form of CloudEvents.
    pub fn results(&self) -> Vec<Value> {
        match self.history.host {
            Host::Functions => self.simulator.state().world.results(),
            Host::Lambda => self.simulator.state().world.bus_results(),
        }
    }

    /// The texts of all messages that the platform still has, put away or not.
    pub fn kept_by_platform(&self) -> Vec<String> {
        let letters = match &self.platform {
            Platform::Functions(host) => host.dead_letters(),
            Platform::Lambda(host) => host.dead_letters(),
        };
        let cast = &self.estate.cast;
        let state = self.simulator.state();
        let (queue, poison) = (state.world.queue_messages(&cast.queue), state.world.queue_messages(&format!("{}-poison", cast.queue)));
        let storage = queue.into_iter().chain(poison).map(|message| message.text.clone());
        let sqs = state.world.sqs_messages(&cast.aws.queue).into_iter().map(|message| message.body.clone());
        storage.chain(sqs).chain(letters.into_iter().map(|letter| letter.event.to_string())).collect()
    }

    fn say(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.story.is_some() {
            let line = line(self);
            let now = self.simulator.now();
            self.story.iter_mut().for_each(|story| story.push((now, line.clone())));
        }
    }

    /// The story, with each call where it was made.
    fn whole_story(&mut self) -> Vec<String> {
        let Some(mut story) = self.story.take() else { return Vec::new() };
        for call in &self.simulator.state().requests {
            let status = call.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            let changed = if call.changed { ", changes the world" } else { "" };
            let fault = call.fault.as_ref().map(|fault| format!(", {fault}")).unwrap_or_default();
            story.push((call.at, format!("    {} {} -> {status}{changed}{fault}", call.operation, call.url)));
        }
        story.sort_by_key(|(at, _)| *at);
        story.into_iter().map(|(at, line)| format!("{:>10.3} s  {line}", (at - EPOCH).as_seconds_f64())).collect()
    }

    fn told(&self, deed: &Deed) -> String {
        match deed {
            Deed::Publish { ask, copies, in_event_grids_schema } => {
                let verb = if ask.offboard { "offboard" } else { "onboard" };
                let schema = if *in_event_grids_schema { " in Event Grid's schema" } else { "" };
                format!(
                    "event {} asks to {verb} {:?} ({}), {copies} times{schema}",
                    event_id(*ask),
                    ask.place,
                    self.estate.scope(ask.place)
                )
            }
            Deed::Call(ask) => format!("a person asks to onboard {:?} ({})", ask.place, self.estate.scope(ask.place)),
            Deed::Sweep => "the sweep's timer fires".to_owned(),
            Deed::Break(fault) => format!("from now on, {fault}"),
            Deed::Kill { instance, after } => format!("instance {} will be killed at its {after}. wait from now", instance + 1),
            Deed::HandOutAgain => "the queue hands out again what is being worked on".to_owned(),
            Deed::Elevate { stop_after: None } => "an administrator assigns Reader at the tenant root, elevated".to_owned(),
            Deed::Elevate { stop_after: Some(after) } => {
                format!("an administrator assigns Reader at the tenant root, elevated, and presses Ctrl-C after {after} s")
            }
            Deed::Other(act) => format!("somebody else: {act:?}"),
        }
    }

    fn ran(mut self) -> Ran {
        let logged = self.log.take();
        self.no_secret("the log", &logged);
        let story = self.whole_story();
        let results = self.results();
        let mut digest = DefaultHasher::new();
        for result in &results {
            result.to_string().hash(&mut digest);
        }
        for call in &self.simulator.state().requests {
            (call.number, &call.operation, &call.url, call.status, call.changed, &call.fault, call.at).hash(&mut digest);
        }
        let operations = self.simulator.state().requests.iter().map(|call| call.operation.clone()).collect();
        let kept = std::mem::take(&mut *self.watch.kept());
        Ran {
            violations: kept.violations,
            digest: digest.finish(),
            calls: kept.calls,
            deliveries: self.deliveries,
            kills: self.kills,
            results: results.len() as u64,
            struck: kept.struck,
            operations,
            story,
        }
    }
}

/// The id of the event that asks.
pub fn event_id(ask: Ask) -> String {
    format!("order-{}.", ask.number)
}

/// The event that asks. Published once more, it is the same event.
fn event(estate: &Estate, ask: Ask, in_event_grids_schema: bool, now: OffsetDateTime) -> Value {
    let (id, kind) = (event_id(ask), if ask.offboard { OFFBOARDING_REQUESTED } else { ONBOARDING_REQUESTED });
    let at = now.format(&Rfc3339).expect("histories play in years of four digits");
    let data = estate.asked(ask);
    if in_event_grids_schema {
        return json!({
            "id": id, "topic": "/contoso/pipeline", "subject": "subscriptions/new", "eventType": kind, "eventTime": at, "data": data,
            "dataVersion": "1", "metadataVersion": "1",
        });
    }
    json!({ "specversion": "1.0", "id": id, "source": "/contoso/pipeline", "type": kind, "time": at, "data": data })
}

/// The id of the cause in a message: an event's own, or the one that a request was put back with.
fn cause_in(text: &str) -> Option<String> {
    let message: Value = serde_json::from_str(text).ok()?;
    message.pointer("/cause/id").or_else(|| message.get("id")).and_then(Value::as_str).map(str::to_owned)
}
