//! What is deployed holds nothing of the simulator.

use std::path::Path;

use crate::functions_host::handler;
use crate::simulator::COMMAND_LINE;

/// Words that stand in the simulator's text and nowhere else.
const SIMULATED: [&str; 3] = ["/_simulator", "SIMULATOR_URL", "ispm_onboarder_simulator"];

/// What only the command line may ask Azure for: no event ever elevates anybody.
const ELEVATING: &str = "elevateAccess";

fn holds(binary: &Path, words: &str) -> bool {
    let bytes = std::fs::read(binary).unwrap();
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

/// Fails where a handler holds words of the simulator.
pub fn assert_no_simulator(handler: &Path) {
    for words in SIMULATED {
        assert!(!holds(handler, words), "{} holds {words}", handler.display());
    }
    assert!(!holds(handler, ELEVATING), "{} could elevate somebody", handler.display());
}

#[test]
fn the_handler_to_deploy_holds_no_simulator() {
    for words in SIMULATED {
        assert!(holds(Path::new(COMMAND_LINE), words), "{words} would be found if it were there");
    }
    assert!(holds(Path::new(COMMAND_LINE), ELEVATING), "{ELEVATING} would be found if it were there");
    // The handler that `cargo test` builds has the command line's features, and may hold anything.
    if std::env::var_os("HANDLER_BIN").is_some() {
        assert_no_simulator(&handler());
    }
}
