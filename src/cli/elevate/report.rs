//! What is said before and after: for people, and as JSON.

use serde_json::{Value, json};

use super::elevated::{Cut, Ended};
use super::job::{Done, Job, Needs};
use super::step_down::{SteppedDown, Taken};
use crate::azure::{CallIds, Person};
use crate::cli::Tally;
use crate::scope::Guid;

/// The commands that end an elevation by hand, in the right tenant, whatever the Azure CLI is signed in to by then; an assignment that is
/// known by its id, else the person's (<https://learn.microsoft.com/azure/role-based-access-control/elevate-access-global-admin>).
pub(super) fn by_hand(tenant: Guid, person: &Person, assignment: Option<&str>) -> [String; 2] {
    let which = match assignment {
        Some(id) => format!("--ids {id}"),
        None => format!("--assignee {} --role \"User Access Administrator\" --scope \"/\"", person.id),
    };
    [format!("az login --tenant {tenant} --allow-no-subscriptions"), format!("az role assignment delete {which}")]
}

/// The same in a sentence.
fn in_words(commands: &[String; 2]) -> String {
    let [first, then] = commands;
    format!("`{first}`, then `{then}`")
}

/// What would be done, a line each.
pub(super) fn steps(job: &Job<'_>, needs: &Needs, principal: &str) -> Vec<String> {
    let (person, root) = (&job.admin.person, &job.request.scope);
    let elevates = !needs.nothing() && !needs.may && needs.before.is_none();
    let elevate = elevates.then(|| format!("elevate {} ({}): User Access Administrator at /", person.name, person.id));
    let reader = needs.reader.then(|| format!("assign Reader at {root} to service principal {principal}, if it is missing"));
    let to = job.grant.map(|parties| parties.to.to_string()).unwrap_or_default();
    let roles = needs.roles.iter().map(|role| format!("give the role \"{role}\" at {root} to {to}, if it is missing"));
    let down = elevates.then(|| "remove the elevation again, whatever happened, and read until it is gone".to_owned());
    let connect = "onboard the tenant root as ever, as the record's login".to_owned();
    elevate.into_iter().chain(reader).chain(roles).chain(down).chain([connect]).collect()
}

/// Why no elevation is needed, or that there is one.
pub(super) fn remark(job: &Job<'_>, needs: &Needs) -> Option<String> {
    let name = &job.admin.person.name;
    match &needs.before {
        Some(before) => Some(format!(
            "{name} is elevated already ({}): that is left as it is. To end it: {}",
            before.id,
            in_words(&by_hand(job.request.tenant, &job.admin.person, Some(&before.id)))
        )),
        None if needs.nothing() => Some("all is there already: nobody is elevated".to_owned()),
        None if needs.may => Some(format!("{name} may do this at the root group without being elevated")),
        None => None,
    }
}

/// What became of the elevation, and of what was done while it lasted.
pub(super) struct Report<'a> {
    pub(super) tenant: Guid,
    pub(super) person: &'a Person,
    pub(super) needs: &'a Needs,
    pub(super) done: &'a Done,
    /// Absent where there was no elevation of ours.
    pub(super) ended: Option<&'a Ended>,
    /// Why the work did not come to its end.
    pub(super) cut: Option<&'a Cut>,
}

impl Report<'_> {
    /// Whether somebody may still be elevated by this.
    pub(super) fn is_left(&self) -> bool {
        self.ended.is_some_and(|ended| matches!(ended.down, SteppedDown::Left { .. }))
    }

    fn by_hand(&self, assignment: Option<&str>) -> [String; 2] {
        by_hand(self.tenant, self.person, assignment)
    }

    /// What it comes to.
    pub(super) fn tally(&self) -> Tally {
        let differs = self.done.granted.iter().any(|granted| granted.why.is_some());
        let cut = match self.cut {
            None => Tally::default(),
            Some(Cut::Failed(error)) => Tally::of_error(error),
            Some(Cut::Stopped(_) | Cut::TookTooLong) => Tally { failed: false, later: true },
            Some(Cut::Panicked) => Tally { failed: true, later: false },
        };
        cut.and(Tally { failed: self.is_left() || differs, later: false })
    }

    /// `{"elevation": …, "granted": […], "roleAssignment": …}`
    pub(super) fn document(&self) -> Value {
        let failure = self.cut.map(|cut| match cut {
            Cut::Failed(error) => json!({ "code": error.code, "message": error.message, "hint": error.hint }),
            cut => json!({ "message": cut.words() }),
        });
        let role = self.done.progress.role.as_ref().map(|role| json!({ "id": role.id, "outcome": role.outcome, "scope": role.scope }));
        json!({ "user": self.person.id, "elevation": self.elevation(), "roleAssignment": role, "granted": self.done.granted, "failure": failure })
    }

    fn elevation(&self) -> Value {
        let Some(ended) = self.ended else {
            return match &self.needs.before {
                Some(before) => json!({ "state": "was-there-before", "id": before.id, "toUndo": self.by_hand(Some(&before.id)) }),
                None => json!({ "state": "not-needed" }),
            };
        };
        let elevated = if let Taken::Yes { ids, .. } = &ended.taken { Some(ids) } else { None };
        match &ended.down {
            SteppedDown::Gone(Some((was, removal))) => {
                json!({ "state": "removed", "id": was.id, "elevated": elevated, "removed": removal })
            }
            SteppedDown::Gone(None) => json!({ "state": "none", "elevated": elevated }),
            SteppedDown::NotOurs(found) => json!({ "state": "was-there-before", "id": found.id, "toUndo": self.by_hand(Some(&found.id)) }),
            SteppedDown::Left { why, assignment } => {
                json!({ "state": "left", "id": assignment, "elevated": elevated, "why": why, "toUndo": self.by_hand(assignment.as_deref()) })
            }
        }
    }

    /// The same for people, line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = self.done.progress.log.clone();
        lines.extend(self.done.granted.iter().map(|granted| {
            let more = granted.why.as_deref().or(granted.id.as_deref()).unwrap_or_default();
            format!("role \"{}\": {} ({more})", granted.role, granted.outcome)
        }));
        lines.extend(self.ended.into_iter().flat_map(|ended| self.end(ended)));
        match self.cut {
            None => {}
            Some(Cut::Failed(error)) => {
                lines.push(format!("error: {}", error.message));
                lines.extend(error.hint.iter().map(|hint| format!("hint: {hint}")));
            }
            Some(cut) => lines.push(format!("error: {}", cut.words())),
        }
        lines
    }

    fn end(&self, ended: &Ended) -> Vec<String> {
        let Person { id, name } = self.person;
        let mut lines = Vec::new();
        if let Taken::Yes { ids, .. } = &ended.taken {
            lines.push(format!("for the audit: elevated {name} ({id}){}", shown(ids)));
        }
        match &ended.down {
            SteppedDown::Gone(Some((was, removal))) => {
                lines.push(format!("for the audit: the elevation {} is gone, read again to be sure{}", was.id, shown(removal)));
            }
            SteppedDown::Gone(None) => lines.push("there is no elevation: nothing had to be removed".to_owned()),
            SteppedDown::NotOurs(found) => {
                lines.push(format!(
                    "the elevation {} was there before, and stays. To end it: {}",
                    found.id,
                    in_words(&self.by_hand(Some(&found.id)))
                ));
            }
            SteppedDown::Left { why, assignment } => {
                let [login, delete] = self.by_hand(assignment.as_deref());
                let which = assignment.as_deref().unwrap_or("which could not be read");
                lines.extend([
                    String::new(),
                    "!!! STEPPING DOWN FAILED !!!".to_owned(),
                    format!("{name} ({id}) may still be User Access Administrator at /, over the whole tenant: {which} ({why})."),
                    "End it by hand now, and look that it is gone:".to_owned(),
                    format!("  {login}"),
                    format!("  {delete}"),
                    "  az role assignment list --role \"User Access Administrator\" --scope \"/\"".to_owned(),
                    String::new(),
                ]);
            }
        }
        lines
    }
}

fn shown(ids: &CallIds) -> String {
    let request = ids.request_id.iter().map(|id| format!(", request id {id}"));
    let correlation = ids.correlation_id.iter().map(|id| format!(", correlation id {id}"));
    request.chain(correlation).collect()
}
