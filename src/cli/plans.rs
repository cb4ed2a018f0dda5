//! What would be done, scope by scope.

use serde_json::{Value, json};

use super::Tally;
use crate::error::{Disposition, Error};
use crate::plan::{Plan, Step};

/// The plans of a list of inputs.
#[derive(Debug, Default)]
pub(super) struct Plans {
    plans: Vec<(Option<String>, Result<Plan, Error>)>,
    /// What they come to.
    pub tally: Tally,
}

impl Plans {
    pub(super) fn add(&mut self, scope: Option<String>, plan: Result<Plan, Error>) {
        if let Err(error) = &plan {
            let passes = matches!(error.disposition(false), Disposition::Later | Disposition::TenantLater);
            self.tally.later |= passes;
            self.tally.failed |= !passes;
        }
        self.plans.push((scope, plan));
    }

    /// Whether anything would be done.
    pub(super) fn have_steps(&self) -> bool {
        self.plans.iter().any(|(_, plan)| plan.as_ref().is_ok_and(|plan| !plan.steps.is_empty()))
    }

    /// `{"plans": [{"scope", "steps"}, …]}`
    pub(super) fn document(&self) -> Value {
        let steps = |plan: &Plan| plan.steps.iter().map(Step::to_string).collect::<Vec<_>>();
        let shown = self.plans.iter().map(|(scope, plan)| match plan {
            Ok(plan) => json!({ "scope": scope, "steps": steps(plan) }),
            Err(error) => json!({ "scope": scope, "steps": [], "code": error.code, "message": error.message, "hint": error.hint }),
        });
        json!({ "plans": shown.collect::<Vec<_>>() })
    }

    /// For people, a line for each step.
    pub(super) fn text(&self) -> String {
        let shown = self.plans.iter().map(|(scope, plan)| {
            let what: String = match plan {
                Ok(plan) if plan.steps.is_empty() => "  nothing to do\n".to_owned(),
                Ok(plan) => plan.steps.iter().map(|step| format!("  would {step}\n")).collect(),
                Err(error) => {
                    let hint = error.hint.iter().map(|hint| format!("  hint: {hint}\n"));
                    std::iter::once(format!("  would not: {error}\n")).chain(hint).collect()
                }
            };
            format!("{}\n{what}", scope.as_deref().unwrap_or("(unreadable input)"))
        });
        shown.collect()
    }
}
