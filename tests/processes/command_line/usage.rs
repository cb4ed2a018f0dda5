//! What every command has: help, hints, exit codes, colours for people only.

use std::io::Read as _;
use std::process::{Command, Stdio};

use super::{run, terminal};
use crate::simulator::COMMAND_LINE;

#[test]
fn help_names_the_commands_and_the_exit_codes() {
    let help = run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for words in [
        "demo",
        "simulate",
        "invoke",
        "onboard",
        "sweep",
        "coverage",
        "doctor",
        "offboard",
        "permissions",
        "Exit codes",
        "3 something may succeed later",
    ] {
        assert!(help.stdout.contains(words), "{words} in\n{}", help.stdout);
    }
    for command in ["demo", "simulate", "invoke", "onboard", "sweep", "coverage", "doctor", "offboard", "permissions"] {
        let help = run(&[command, "--help"]);
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
        assert!(help.stdout.contains("Usage: ispm-onboarder"), "{}", help.stdout);
    }
    assert!(run(&["--version"]).stdout.starts_with("ispm-onboarder "));
}

#[test]
fn a_wrong_command_line_is_exit_2_on_standard_error() {
    for arguments in [&["frobnicate"] as &[&str], &["onboard"], &["offboard"], &["invoke"], &["demo", "--output", "yaml"], &[]] {
        let refused = run(arguments);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{arguments:?}: {refused:?}");
        assert!(!refused.stderr.is_empty());
    }
}

#[test]
fn no_configuration_is_exit_2_and_names_every_variable() {
    for arguments in [&["onboard", "tenant-root", "--tenant", "x"] as &[&str], &["invoke", "/dev/null"]] {
        let refused = run(arguments);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{arguments:?}: {refused:?}");
        for name in ["ONBOARDER_SECRET_STORE", "ONBOARDER_RESULTS"] {
            assert!(refused.stderr.contains(&format!("{name} is not set")), "{name} in {}", refused.stderr);
        }
        assert!(!refused.hints().is_empty(), "{}", refused.stderr);
    }
}

#[test]
fn colours_are_for_terminals_and_not_where_no_color_is_set() {
    let plain = on_a_terminal(&[("NO_COLOR", "1")]);
    assert!(plain.contains("RESULT") && !plain.contains('\u{1b}'), "{plain:?}");
    assert!(on_a_terminal(&[]).contains("\u{1b}["));
    assert!(on_a_terminal(&[("NO_COLOR", "")]).contains("\u{1b}["), "an empty NO_COLOR does not count");
}

/// What `demo` writes to a terminal.
fn on_a_terminal(variables: &[(&str, &str)]) -> String {
    let (mut controller, terminal) = terminal();
    let mut command = Command::new(COMMAND_LINE);
    command.arg("demo").env_clear().env("TERM", "xterm").envs(variables.iter().copied());
    let mut child = command.stdin(Stdio::null()).stdout(terminal).stderr(Stdio::null()).spawn().unwrap();
    // The command holds the last end of the terminal; without it, reading ends.
    drop(command);
    let mut written = Vec::new();
    // A terminal whose other end is closed is read to its end, and then gives an error instead of nothing.
    let _ = controller.read_to_end(&mut written);
    assert!(child.wait().unwrap().success());
    String::from_utf8(written).unwrap()
}
