//! `ispm-onboarder invoke`

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;

use super::{Output, Tally, Wrong, compose, inputs};
use crate::request::{Envelope, Inbound, parse, parse_value};

/// Take up an inbound event, call body or dead-letter file, as the functions would.
#[derive(Debug, Args)]
pub(super) struct Invoke {
    /// A file with an event, an array of events, a queue message, or a call body of the Functions host; `-` reads standard input.
    file: PathBuf,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Invoke {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        let bytes = self.read().map_err(|error| Wrong::new(format!("{} cannot be read: {error}", self.file.display())))?;
        let onboarder = compose::onboarder(compose::config()?)?;
        inputs::work_through(&onboarder, inbound(&bytes), self.dry_run, self.output)
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        if self.file.as_os_str() != "-" {
            return std::fs::read(&self.file);
        }
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// A call body of the Functions host holds its inputs under `Data`; everything else is an input itself.
fn inbound(bytes: &[u8]) -> Vec<Inbound> {
    match Envelope::read(bytes) {
        Ok(envelope) => envelope.bindings().flat_map(parse_value).collect(),
        Err(_) => parse(bytes),
    }
}
