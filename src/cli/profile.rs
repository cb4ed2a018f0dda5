//! `ispm-onboarder profile`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Output, Tally, Wrong};
use crate::ispm::Profile;

/// Check a connect profile, or print the one that ships.
#[derive(Debug, Args)]
pub(super) struct CheckProfile {
    /// The profile; without it, the shipped one is printed, to start from.
    file: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl CheckProfile {
    pub(super) fn run(self) -> Result<Tally, Wrong> {
        let Some(file) = self.file else {
            print!("{}", Profile::SHIPPED);
            return Ok(Tally::default());
        };
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(&file).map_err(|error| Wrong::new(format!("{shown} cannot be read: {error}")))?;
        let checked = Profile::read(&text, &shown);
        match (&checked, self.output) {
            (Ok(profile), Output::Table) => println!("{shown}: the connect profile {} is valid", profile.name),
            (Ok(profile), Output::Json) => println!("{}", json!({ "profile": profile.name, "valid": true })),
            (Err(error), Output::Table) => {
                println!("{error}");
                error.hint.iter().for_each(|hint| println!("hint: {hint}"));
            }
            (Err(error), Output::Json) => {
                println!("{}", json!({ "profile": shown, "valid": false, "message": error.message, "hint": error.hint }));
            }
        }
        Ok(Tally { failed: checked.is_err(), later: false })
    }
}
