//! `ispm-onboarder invoke`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::dead_letters::{Chosen, DeadLetters};
use super::{Output, Tally, Wrong, compose, inputs};
use crate::request::{Envelope, Inbound, replay};

/// Take up an inbound event, call body or dead-letter file, as the functions would.
#[derive(Debug, Args)]
pub(super) struct Invoke {
    /// A file with an event, an array of events, a queue message, a saved `scope.failed` result, or a call body of the Functions host; `-`
    /// reads standard input.
    #[arg(required_unless_present = "from_dead_letter", conflicts_with = "from_dead_letter")]
    file: Option<PathBuf>,
    /// Replay what lies in the container or queue that `ONBOARDER_DEAD_LETTERS` names; without `--id` or `--all`, list it.
    #[arg(long)]
    from_dead_letter: bool,
    /// Replay the dead letter of this name or message id. May be given more than once.
    #[arg(long = "id", value_name = "NAME", requires = "from_dead_letter")]
    ids: Vec<String>,
    /// Replay all dead letters.
    #[arg(long, requires = "from_dead_letter", conflicts_with = "ids")]
    all: bool,
    /// How many requests of dead letters are taken up in a second, at most.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100), requires = "from_dead_letter")]
    rate: u32,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Invoke {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        let Some(file) = &self.file else { return self.replay() };
        let bytes = read(file).map_err(|error| Wrong::new(format!("{} cannot be read: {error}", file.display())))?;
        let onboarder = compose::onboarder(compose::config()?)?;
        inputs::work_through(&onboarder, inbound(&bytes), self.dry_run, self.output)
    }

    fn replay(self) -> Result<Tally, Wrong> {
        let chosen = match (self.all, self.ids) {
            (true, _) => Chosen::All,
            (false, ids) if ids.is_empty() => Chosen::None,
            (false, ids) => Chosen::Named(ids.into_iter().collect()),
        };
        DeadLetters { chosen, rate: self.rate, dry_run: self.dry_run, output: self.output }.run()
    }
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file.as_os_str() != "-" {
        return std::fs::read(file);
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A call body of the Functions host holds its inputs under `Data`; everything else is an input itself.
fn inbound(bytes: &[u8]) -> Vec<Inbound> {
    match Envelope::read(bytes) {
        Ok(envelope) => envelope.bindings().flat_map(|binding| replay(binding.to_string().as_bytes())).collect(),
        Err(_) => replay(bytes),
    }
}
