//! `ispm-onboarder offboard`

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::{Ran, terminal};
use crate::simulator::{COMMAND_LINE, Simulator};

impl Simulator {
    fn offboard(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["offboard", "--tenant", self.variable("SIMULATOR_TENANT_ID")], arguments].concat())
    }

    /// The same at a terminal, where somebody types an answer.
    fn offboard_at_a_terminal(&self, scope: &str, answer: &str) -> Ran {
        let (mut person, terminal) = terminal();
        let mut command = Command::new(COMMAND_LINE);
        command.args(["offboard", "--tenant", self.variable("SIMULATOR_TENANT_ID"), scope]).env_clear().envs(&self.environment);
        person.write_all(answer.as_bytes()).unwrap();
        command.stdin(terminal).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.output().unwrap().into()
    }

    /// Onboards the new subscription, and answers its path.
    async fn onboarded(&self) -> String {
        let subscription = self.variable("SIMULATOR_SUBSCRIPTION_ID");
        let ran = self.run(&["onboard", "--tenant", self.variable("SIMULATOR_TENANT_ID"), subscription]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let scope = format!("/subscriptions/{subscription}");
        assert_eq!(self.assignments_at(&scope).await.len(), 1);
        scope
    }
}

#[tokio::test]
async fn nothing_is_removed_unless_a_person_types_yes() {
    let simulator = Simulator::start().await;
    let scope = simulator.onboarded().await;
    for answer in ["\n", "n\n", "no\n", "yeah\n", "\u{4}"] {
        let ran = simulator.offboard_at_a_terminal(&scope, answer);
        assert_eq!(ran.code, Some(0), "{answer:?}: {ran:?}");
        for words in [scope.as_str(), "would remove Reader", "Proceed? [y/N]", "nothing was removed"] {
            assert!(ran.stderr.contains(words), "{words} in {ran:?}");
        }
        assert_eq!(simulator.assignments_at(&scope).await.len(), 1, "{answer:?}");
    }
    let ran = simulator.offboard_at_a_terminal(&scope, "y\n");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("offboarded") && ran.stdout.contains("removed"), "{ran:?}");
    assert!(ran.stderr.contains("next sweep"), "{ran:?}");
    assert!(simulator.assignments_at(&scope).await.is_empty());
}

#[tokio::test]
async fn what_could_not_be_planned_is_not_done_by_agreeing() {
    let simulator = Simulator::start().await;
    let scope = simulator.onboarded().await;
    // The three tries of the plan's read fail; what comes after them would not.
    let fault = serde_json::json!({ "operation": "arm.subscription.get", "times": 3, "effect": { "kind": "status", "status": 503 } });
    simulator.control(reqwest::Method::POST, "faults", Some(&fault)).await;
    let ran = simulator.offboard_at_a_terminal(&scope, "y\n");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("would not") && ran.stderr.contains("nothing was removed"), "{ran:?}");
    assert_eq!(simulator.assignments_at(&scope).await.len(), 1);
}

#[tokio::test]
async fn without_a_terminal_it_takes_yes_as_an_option() {
    let simulator = Simulator::start().await;
    let scope = simulator.onboarded().await;
    let ran = simulator.offboard(&[&scope]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.hints().iter().any(|hint| hint.contains("--yes")), "{ran:?}");
    assert_eq!(simulator.assignments_at(&scope).await.len(), 1);

    let ran = simulator.offboard(&[&scope, "--dry-run", "--output", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.document()["plans"][0]["steps"].as_array().map(Vec::len), Some(1), "{ran:?}");
    assert_eq!(simulator.assignments_at(&scope).await.len(), 1);

    for outcome in ["removed", "absent"] {
        let ran = simulator.offboard(&[&scope, "--yes", "--output", "json"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(ran.document()["results"][0]["data"]["roleAssignment"]["outcome"], outcome, "{ran:?}");
        assert!(simulator.assignments_at(&scope).await.is_empty());
    }
}

#[tokio::test]
async fn what_may_pass_is_exit_3_and_not_enqueued() {
    let simulator = Simulator::start().await;
    let scope = simulator.onboarded().await;
    simulator.break_with("arm.role-assignments.delete", serde_json::json!({ "kind": "status", "status": 503 })).await;
    let ran = simulator.offboard(&[&scope, "--yes"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(simulator.messages().await.is_empty());
}
