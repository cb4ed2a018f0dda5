//! Records what the onboarder and the simulator say to each other about Azure, one file an exchange, in the shape that oav reads
//! (`liveRequest`, `liveResponse`): the traffic that Microsoft's specifications then judge.
//!
//! `cargo run --example record-exchanges FOLDER` plays the stories in memory, on one simulated world each, and fails when a story does not
//! go as told, so that a check of its traffic never checks less than it says.

mod direct;
mod onboarding;
mod recorder;
mod stage;

use std::error::Error;
use std::path::Path;

use stage::Stage;

type Told = Result<(), Box<dyn Error>>;

fn main() -> Told {
    let folder = std::env::args_os().nth(1).ok_or("usage: record-exchanges FOLDER")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let exchanges = runtime.block_on(play())?;
    let files = recorder::write(Path::new(&folder), &exchanges)?;
    println!("{files} exchanges in {}", Path::new(&folder).display());
    Ok(())
}

/// Plays every story; each begins in a fresh world.
async fn play() -> Result<Vec<recorder::Exchange>, Box<dyn Error>> {
    let mut exchanges = Vec::new();
    for (name, prepare) in onboarding::STORIES {
        let stage = Stage::new(name, *prepare)?;
        onboarding::tell(&stage, name).await.map_err(|error| format!("{name}: {error}"))?;
        exchanges.extend(stage.recorder.take());
    }
    let stage = Stage::new("direct", |_, _| {})?;
    direct::tell(&stage).await?;
    exchanges.extend(stage.recorder.take());
    Ok(exchanges)
}
