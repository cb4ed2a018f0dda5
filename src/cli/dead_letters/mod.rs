//! `ispm-onboarder invoke --from-dead-letter`

mod report;
mod source;

use std::collections::BTreeSet;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::Instant;
use uuid::Uuid;

use super::show::Row;
use super::{Output, Tally, Wrong, compose, inputs};
use crate::Onboarder;
use crate::clock::Clock;
use crate::config::{Config, variables};
use crate::delivery::Delivery;
use crate::error::{Code, Error};
use crate::request::{Inbound, reason, replay};
use crate::take_up::Ending;
use report::{Fate, Replayed};
use source::{Letter, Letters, Source};

/// Replaying what lies among the dead letters.
pub(super) struct DeadLetters {
    pub(super) chosen: Chosen,
    /// How many requests are taken up in a second, at most.
    pub(super) rate: u32,
    pub(super) dry_run: bool,
    pub(super) output: Output,
}

/// Which dead letters are replayed.
pub(super) enum Chosen {
    /// None: they are listed.
    None,
    /// Those of these names or message ids.
    Named(BTreeSet<String>),
    /// All.
    All,
}

impl Chosen {
    /// Whether a letter of this name is to be looked at.
    fn wants(&self, name: &str) -> bool {
        match self {
            Self::None | Self::All => true,
            Self::Named(names) => names.contains(name),
        }
    }
}

impl DeadLetters {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        let config = compose::config()?;
        let wrong = || {
            let find = variables::DEAD_LETTERS.find.unwrap_or_default();
            Wrong::new(format!("{} is not set: expected {}", variables::DEAD_LETTERS.name, variables::DEAD_LETTERS.expected)).hint(find)
        };
        let url = config.dead_letters.clone().ok_or_else(wrong)?;
        let connected = compose::connected(&config)?;
        let source = Source::open(&url, &connected);
        let onboarder =
            Onboarder::for_command_line(Config { queue: None, ..config }, connected.platform, connected.transport, Clock::System);
        compose::block_on(self.work(&source, &onboarder))?
    }

    async fn work(self, source: &Source, onboarder: &Onboarder) -> Result<Tally, Wrong> {
        let mut letters = match source.letters(&self.chosen).await {
            Ok(letters) => letters,
            Err(error) => return stopped(error),
        };
        let progress = letters.count().map_or_else(ProgressBar::new_spinner, inputs::progress);
        let mut pace = Pace { period: Duration::from_secs(1) / self.rate, next: None };
        let mut replayed = Vec::new();
        let mut trouble = None;
        loop {
            match letters.next().await {
                Ok(Some(letter)) => {
                    progress.set_message(letter.id.clone());
                    replayed.push(self.replay(source, &mut letters, letter, onboarder, &mut pace).await);
                    progress.inc(1);
                }
                Ok(None) => break,
                Err(error) => {
                    trouble = Some(error);
                    break;
                }
            }
        }
        replayed.extend(letters.end().await.into_iter().map(Replayed::missing));
        progress.finish_and_clear();
        report::print(&replayed, &self.chosen, self.output);
        let tally = replayed.iter().fold(Tally::default(), |tally, one| tally.and(one.tally));
        match trouble {
            None => Ok(tally),
            Some(error) => stopped(error).map(|stopped| stopped.and(tally)),
        }
    }

    const fn only_lists(&self) -> bool {
        matches!(self.chosen, Chosen::None)
    }

    /// Replays one letter, which is deleted only when all that stands in it has ended.
    async fn replay(&self, source: &Source, letters: &mut Letters<'_>, letter: Letter, onboarder: &Onboarder, pace: &mut Pace) -> Replayed {
        let mut replayed = Replayed { id: letter.id.clone(), since: letter.since, ..Replayed::default() };
        let text = match &letter.text {
            Ok(text) => text,
            Err(error) => {
                replayed.add(Row::of(&Ending::Unfinished(error.clone()), None), Tally { later: true, ..Tally::default() });
                letters.keep(letter);
                return replayed;
            }
        };
        replayed.reason = reason(text);
        let mut has_ended = !self.dry_run && !self.only_lists();
        for inbound in replay(text) {
            has_ended &= self.take_up(inbound, onboarder, pace, &mut replayed).await;
        }
        if !has_ended {
            letters.keep(letter);
            return replayed;
        }
        match source.delete(&letter).await {
            Ok(()) => replayed.fate = Fate::Deleted,
            Err(error) => {
                replayed.tally.later = true;
                replayed.fate = Fate::NotDeleted(error.message);
            }
        }
        replayed
    }

    /// Takes up one input, and answers whether it has ended. What cannot be read is not taken up: nobody would miss it afterwards.
    async fn take_up(&self, inbound: Inbound, onboarder: &Onboarder, pace: &mut Pace, replayed: &mut Replayed) -> bool {
        let scope = inbound.request.as_ref().ok().map(|request| request.scope.to_string());
        if let Some(error) = unreadable(&inbound) {
            // To be told of it is what a list is for.
            replayed.add(Row::unreadable(error), Tally { failed: !self.only_lists(), ..Tally::default() });
            return false;
        }
        if self.only_lists() {
            replayed.add(Row::listed(scope), Tally::default());
            return false;
        }
        pace.wait().await;
        if self.dry_run {
            let (row, tally) = inputs::planned(onboarder, inbound).await;
            replayed.add(row, tally);
            return false;
        }
        let taken = onboarder.take_up(inbound, Delivery::starting(Uuid::new_v4()).by_hand()).await;
        replayed.add(Row::of(&taken.ending, scope), Tally::of(&taken.ending));
        matches!(taken.ending, Ending::Published { .. } | Ending::Ignored(_))
    }
}

/// Why nothing can be made of an input; absent where it asks for something, or for nothing of this program's.
fn unreadable(inbound: &Inbound) -> Option<&Error> {
    let refusal = inbound.request.as_ref().err()?;
    // One that names no tenant is about the only one that is served, which taking it up finds out.
    (refusal.error.code != Code::Irrelevant && refusal.nameless.is_none()).then_some(&refusal.error)
}

/// The dead letters cannot be had, or no more of them.
fn stopped(error: Error) -> Result<Tally, Wrong> {
    if matches!(error.code, Code::Unavailable | Code::Throttled) {
        eprintln!("error: {error}");
        return Ok(Tally { later: true, ..Tally::default() });
    }
    let wrong = Wrong::new(error.message);
    Err(match error.hint {
        Some(hint) => wrong.hint(hint),
        None => wrong,
    })
}

/// Keeps requests apart.
struct Pace {
    period: Duration,
    next: Option<Instant>,
}

impl Pace {
    async fn wait(&mut self) {
        if let Some(next) = self.next {
            tokio::time::sleep_until(next).await;
        }
        self.next = Some(Instant::now() + self.period);
    }
}
