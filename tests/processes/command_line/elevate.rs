//! `ispm-onboarder onboard tenant-root --elevate`, with a stand-in for the Azure CLI that somebody is signed in to.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use ispm_onboarder_simulator::world::Scope;
use ispm_onboarder_simulator::{DemoCast, World};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Ran, terminal};
use crate::process::{Process, until};
use crate::simulator::{COMMAND_LINE, Simulator};

const USER_ACCESS_ADMINISTRATOR: &str = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9";
const SAM: &str = "99999999-0000-4000-8000-000000000001";
const OTHER_TENANT: &str = "99999999-0000-4000-8000-000000000002";

/// A simulator, and an `az` that hands out one person's tokens.
struct Desk {
    simulator: Simulator,
    cast: DemoCast,
    bin: PathBuf,
}

impl Desk {
    /// With the administrator signed in, in the world as this changes it.
    async fn with(change: impl FnOnce(&mut World, &DemoCast)) -> Self {
        let (mut world, cast) = (World::demo(7), DemoCast::of(7));
        change(&mut world, &cast);
        let simulator = Simulator::start_in(&world).await;
        let bin = simulator.directory.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let desk = Self { simulator, cast, bin };
        desk.sign_in(&desk.cast.administrator).await;
        desk
    }

    async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    /// Signs a person in to the Azure CLI.
    async fn sign_in(&self, user: &str) {
        let mut tokens = Vec::new();
        for resource in ["https://graph.microsoft.com", "https://management.azure.com"] {
            tokens.push(self.simulator.control(Method::GET, &format!("token?user={user}&resource={resource}"), None).await);
        }
        self.install(&tokens);
    }

    /// Signs an app in: the platform's identity.
    async fn sign_in_as_app(&self) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut tokens = Vec::new();
        for resource in ["https://graph.microsoft.com", "https://management.azure.com"] {
            let url = format!("{}?resource={resource}&api-version=2019-08-01", self.simulator.variable("IDENTITY_ENDPOINT"));
            let request = client.get(url).header("x-identity-header", self.simulator.variable("IDENTITY_HEADER"));
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            tokens.push(json!({ "accessToken": answer["access_token"], "expires_on": 4_000_000_000_i64, "tokenType": "Bearer" }));
        }
        self.install(&tokens);
    }

    fn install(&self, tokens: &[Value]) {
        let file = |name: &str| self.bin.join(name);
        for (name, token) in ["graph.json", "arm.json"].iter().zip(tokens) {
            std::fs::write(file(name), token.to_string()).unwrap();
        }
        let (log, graph, arm) = (file("log"), file("graph.json"), file("arm.json"));
        let script = format!(
            "#!/bin/sh\necho \"$*\" >> {}\ncase \"$*\" in\n*graph.microsoft.com*) exec cat {} ;;\n*management.azure.com*) exec cat {} ;;\nesac\nexit 1\n",
            log.display(),
            graph.display(),
            arm.display()
        );
        std::fs::write(file("az"), script).unwrap();
        std::fs::set_permissions(file("az"), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Signs the administrator in by the stand-in that the documentation has, letter for letter.
    fn sign_in_as_the_documentation_says(&self) {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/simulator.md")).unwrap();
        let script = page.split_once("#!/bin/sh\n").and_then(|(_, rest)| rest.split_once("\nEND\n")).expect("the page has a stand-in").0;
        std::fs::write(self.bin.join("az"), format!("#!/bin/sh\n{script}\n")).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(COMMAND_LINE);
        command.args(["onboard", "tenant-root", "--elevate", "--tenant", &self.cast.tenant]).args(arguments);
        command.env_clear().envs(&self.simulator.environment).env("PATH", format!("{}:/usr/bin:/bin", self.bin.display()));
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).stdin(Stdio::null()).output().unwrap().into()
    }

    /// The assignments of any role whose ids begin so.
    async fn assignments(&self, start: &str) -> Vec<Value> {
        let world = self.simulator.world().await;
        let all = world["roleAssignments"].as_array().unwrap();
        all.iter().filter(|found| found["id"].as_str().is_some_and(|id| id.starts_with(start))).cloned().collect()
    }

    /// Who is elevated.
    async fn elevated(&self) -> Vec<Value> {
        let at_root = self.assignments("/providers/Microsoft.Authorization/roleAssignments/").await;
        at_root.into_iter().filter(|found| found["role"] == USER_ACCESS_ADMINISTRATOR).collect()
    }

    /// The ISPM app's Reader at the root group.
    async fn readers(&self) -> Vec<Value> {
        let root = format!("/providers/Microsoft.Management/managementGroups/{}/", self.cast.tenant);
        let found = self.simulator.assignments_at(&root).await;
        found.into_iter().filter(|found| found["principalId"] == self.cast.ispm_principal_id.as_str()).collect()
    }

    async fn calls(&self, operation: &str) -> usize {
        let calls = self.simulator.control(Method::GET, &format!("requests?operation={operation}"), None).await;
        calls.as_array().unwrap().len()
    }

    /// Nobody was elevated, and nothing was given.
    async fn assert_untouched(&self) {
        assert_eq!(self.calls("arm.elevate-access").await, 0);
        assert!(self.readers().await.is_empty());
    }
}

#[tokio::test]
async fn the_stand_in_of_the_documentation_is_enough_to_try_it() {
    let desk = Desk::new().await;
    desk.sign_in_as_the_documentation_says();
    let ran = desk.run(&["--yes", "--output", "json"]);
    assert_eq!((ran.code, &ran.document()["elevation"]["state"]), (Some(0), &json!("removed")), "{ran:?}");
    assert_eq!((desk.readers().await.len(), desk.elevated().await.len()), (1, 0));
}

#[tokio::test]
async fn a_global_administrator_assigns_reader_and_steps_down() {
    let desk = Desk::new().await;
    let ran = desk.run(&["--yes", "--output", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let document = ran.document();
    assert_eq!(document["elevation"]["state"], "removed", "{document:#}");
    let id = document["elevation"]["id"].as_str().unwrap();
    for pointer in ["/elevation/elevated/requestId", "/elevation/elevated/correlationId", "/elevation/removed/requestId"] {
        assert!(document.pointer(pointer).is_some_and(Value::is_string), "{pointer} in {document:#}");
    }
    assert_eq!(document["roleAssignment"]["outcome"], "created");
    assert_eq!(document["results"][0]["data"]["roleAssignment"]["outcome"], "already-assigned", "{document:#}");
    let undo =
        format!("az role assignment delete --assignee {} --role \"User Access Administrator\" --scope \"/\"", desk.cast.administrator);
    for words in [undo.as_str(), "robin@contoso.example", id, "is gone", "request id"] {
        assert!(ran.stderr.contains(words), "{words} in {ran:?}");
    }
    assert!(desk.elevated().await.is_empty());
    assert_eq!(desk.readers().await.len(), 1);
    let asked = std::fs::read_to_string(desk.bin.join("log")).unwrap();
    assert!(asked.lines().all(|line| line.contains(&format!("--tenant {}", desk.cast.tenant))), "{asked}");

    let ran = desk.run(&["--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("onboarded"), "{ran:?}");
    assert_eq!(desk.calls("arm.elevate-access").await, 1, "where all is there nobody is elevated");
}

#[tokio::test]
async fn whoever_may_not_is_told_why() {
    let desk = Desk::with(|world, cast| {
        world.tenant_mut(&cast.tenant).add_user(SAM, "sam@contoso.example");
        world.tenant_mut(OTHER_TENANT).add_user(OTHER_TENANT, "kim@fabrikam.example").global_administrator = true;
    })
    .await;
    desk.sign_in(SAM).await;
    let sam = desk.run(&["--yes"]);
    desk.sign_in(OTHER_TENANT).await;
    let other = desk.run(&["--yes"]);
    desk.sign_in_as_app().await;
    let app = desk.run(&["--yes"]);
    std::fs::write(desk.bin.join("az"), "#!/bin/sh\necho 'Please run az login' >&2\nexit 1\n").unwrap();
    let nobody = desk.run(&["--yes"]);
    for (ran, words) in [(sam, "sam@contoso.example"), (other, OTHER_TENANT), (app, "as an app"), (nobody, "gives no token")] {
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.stderr.contains(words) && ran.hints().iter().any(|hint| hint.contains("az login")), "{words} in {ran:?}");
    }
    desk.assert_untouched().await;
}

#[tokio::test]
async fn an_elevation_that_was_there_before_is_left_and_told() {
    let desk = Desk::with(|world, cast| {
        world.tenant_mut(&cast.tenant).assign(&Scope::Tenant, USER_ACCESS_ADMINISTRATOR, &cast.administrator);
    })
    .await;
    let ran = desk.run(&["--yes", "--output", "json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.document()["elevation"]["state"], "was-there-before", "{ran:?}");
    assert!(ran.stderr.contains("elevated already"), "{ran:?}");
    assert_eq!((desk.elevated().await.len(), desk.readers().await.len()), (1, 1));
}

#[tokio::test]
async fn what_fails_while_elevated_is_told_after_stepping_down() {
    let desk = Desk::new().await;
    desk.simulator
        .break_with("arm.role-assignments.create", json!({ "kind": "status", "status": 400, "code": "RoleAssignmentLimitExceeded" }))
        .await;
    let ran = desk.run(&["--yes", "--output", "json"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(ran.document()["failure"]["code"], "role-assignment-limit-exceeded", "{ran:?}");
    assert!(desk.elevated().await.is_empty());
}

#[tokio::test]
async fn a_connection_that_breaks_at_the_elevation_leaves_nothing() {
    let desk = Desk::new().await;
    let fault = json!({ "operation": "arm.elevate-access", "times": 1, "when": "after", "effect": { "kind": "reset" } });
    desk.simulator.control(Method::POST, "faults", Some(&fault)).await;
    let ran = desk.run(&["--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(desk.elevated().await.is_empty());
}

#[tokio::test]
async fn signals_step_down_first() {
    for signal in [Process::interrupt, Process::terminate, Process::quit, Process::suspend] {
        let desk = Desk::with(|world, _| world.settings.propagation_seconds = 600).await;
        let directory = tempfile::tempdir().unwrap();
        let mut process = Process::start(&mut desk.command(&["--yes"]), directory.path());
        until("it waits", async || process.stderr().contains("waiting until the rights").then_some(())).await;
        assert_eq!(desk.elevated().await.len(), 1);
        signal(&process);
        until("it steps down", async || process.stderr().contains("stepping down").then_some(())).await;
        // Impatience changes nothing.
        signal(&process);
        desk.simulator.control(Method::POST, "clock", Some(&json!({ "advanceSeconds": 601 }))).await;
        let code = process.ended().await.code();
        assert_eq!(code, Some(3), "{}", process.stderr());
        assert!(desk.elevated().await.is_empty(), "{}", process.stderr());
        assert!(process.stderr().contains("is gone"), "{}", process.stderr());
    }
}

#[tokio::test]
async fn the_function_is_given_its_roles_while_that_is_possible() {
    let desk = Desk::new().await;
    let to = desk.cast.function_principal_id.clone();
    let ran = desk.run(&["--yes", "--output", "json", "--grant", &to]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let document = ran.document();
    let granted = document["granted"].as_array().unwrap();
    assert_eq!(granted.len(), 2, "{document:#}");
    assert!(granted.iter().all(|granted| granted["outcome"] == "granted"), "{document:#}");
    let root = format!("/providers/Microsoft.Management/managementGroups/{}/", desk.cast.tenant);
    let there = desk.assignments(&root).await;
    let own: Vec<&Value> = there.iter().filter(|found| found["principalId"] == to.as_str()).collect();
    let held = own.iter().filter(|found| found["condition"].as_str().is_some_and(|text| text.contains(&desk.cast.ispm_principal_id)));
    assert_eq!((own.len(), held.count()), (2, 1), "{own:#?}");
    assert!(desk.elevated().await.is_empty());
}

#[tokio::test]
async fn a_dry_run_shows_what_would_be_done() {
    let desk = Desk::new().await;
    let grant = desk.cast.function_principal_id.clone();
    let ran = desk.run(&["--dry-run", "--output", "json", "--grant", &grant]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let document = ran.document();
    let steps = document["plans"][0]["steps"].as_array().unwrap();
    let steps: Vec<&str> = steps.iter().filter_map(Value::as_str).collect();
    for words in
        ["elevate robin@contoso.example", "assign Reader", "ISPM onboarder: read", "ISPM onboarder: assign Reader", "remove the elevation"]
    {
        assert!(steps.iter().any(|step| step.contains(words)), "{words} in {steps:?}");
    }
    assert!(document["toUndo"][1].as_str().is_some_and(|undo| undo.contains(&desk.cast.administrator)));
    let ran = desk.run(&["--dry-run"]);
    assert!(ran.stdout.contains("would elevate"), "{ran:?}");
    desk.assert_untouched().await;
}

#[tokio::test]
async fn nobody_is_elevated_unless_somebody_agrees() {
    let desk = Desk::new().await;
    let ran = desk.run(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:?}");
    assert!(ran.hints().iter().any(|hint| hint.contains("--yes")), "{ran:?}");
    let at_a_terminal = |answer: &str| -> Ran {
        let (mut person, terminal) = terminal();
        person.write_all(answer.as_bytes()).unwrap();
        desk.command(&[]).stdin(terminal).output().unwrap().into()
    };
    let ran = at_a_terminal("n\n");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("Proceed? [y/N]") && ran.stderr.contains("nothing was done"), "{ran:?}");
    desk.assert_untouched().await;
    let ran = at_a_terminal("y\n");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!((desk.elevated().await.len(), desk.readers().await.len()), (0, 1));
}

#[tokio::test]
async fn it_is_for_the_tenant_root_alone() {
    let desk = Desk::new().await;
    for arguments in [&["onboard", "mg:corp", "--elevate", "--yes"][..], &["onboard", "tenant-root", "mg:corp", "--elevate", "--yes"]] {
        let ran = desk.simulator.run(arguments);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains("tenant root"), "{ran:?}");
    }
    for arguments in [&["onboard", "tenant-root", "--yes"][..], &["onboard", "tenant-root", "--grant", SAM]] {
        assert_eq!(desk.simulator.run(arguments).code, Some(2));
    }
    let ran = desk.run(&["--yes", "--grant", "me"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    desk.assert_untouched().await;
}
