//! What is checked, and what a check came to.

use serde::Serialize;

use crate::error::{Code, Error};
use crate::scope::Guid;

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work, or is dangerous.
    Failed,
    /// It was not looked at; the detail says why.
    Skipped,
}

/// Something that is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// By what a program knows it.
    pub id: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What is looked at, for the page.
    pub looks_at: &'static str,
}

/// A check with what it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Which check.
    pub id: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// The tenant that it is about; absent where it is about the deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Guid>,
    /// What it came to.
    pub status: Status,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether all that failed may pass by itself.
    #[serde(skip)]
    pub may_pass: bool,
}

/// One thing that a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub status: Status,
    pub words: String,
    pub hint: Option<String>,
    pub may_pass: bool,
}

impl Finding {
    fn new(status: Status, words: impl Into<String>) -> Self {
        Self { status, words: words.into(), hint: None, may_pass: false }
    }

    pub(super) fn ok(words: impl Into<String>) -> Self {
        Self::new(Status::Ok, words)
    }

    pub(super) fn warning(words: impl Into<String>) -> Self {
        Self::new(Status::Warning, words)
    }

    pub(super) fn failed(words: impl Into<String>) -> Self {
        Self::new(Status::Failed, words)
    }

    pub(super) fn skipped(words: impl Into<String>) -> Self {
        Self::new(Status::Skipped, words)
    }

    /// Adds what to do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Error> for Finding {
    fn from(error: Error) -> Self {
        let may_pass = matches!(error.code, Code::Throttled | Code::Unavailable | Code::DeadlineReached);
        let hint = error.hint.or_else(|| may_pass.then(|| "Try again in a few minutes.".to_owned()));
        Self { status: Status::Failed, words: error.message, hint, may_pass }
    }
}

impl About {
    /// The check with what was found: the worst of it decides. What was not looked at hides nothing that was.
    pub(super) fn found(&self, tenant_id: Option<Guid>, found: Vec<Finding>) -> Check {
        let has = |status| found.iter().any(|finding| finding.status == status);
        let order = [Status::Failed, Status::Warning, Status::Ok, Status::Skipped];
        let status = order.into_iter().find(|status| has(*status)).unwrap_or(Status::Skipped);
        let may_pass = found.iter().filter(|finding| finding.status == Status::Failed).all(|finding| finding.may_pass);
        let (mut words, mut hints) = (Vec::new(), Vec::new());
        for Finding { words: said, hint, .. } in found {
            if !words.contains(&said) {
                words.push(said);
            }
            hints.extend(hint.filter(|hint| !hints.contains(hint)));
        }
        let hint = (!hints.is_empty()).then(|| hints.join(" "));
        Check { id: self.id, title: self.title, tenant_id, status, detail: words.join("; "), hint, may_pass }
    }
}

pub(super) const CONFIGURATION: About =
    About { id: "configuration", title: "Configuration", looks_at: "the variables: all faults at once, and which are set" };
pub(super) const CLOCK: About = About {
    id: "clock",
    title: "This machine's clock",
    looks_at: "the time that Entra's answers tell: a warning from one minute, a cross from five, when tokens and signatures are refused",
};
pub(super) const IDENTITY: About = About {
    id: "identity",
    title: "The platform's identity",
    looks_at: "who this process is on Azure and on AWS, as far as the configuration needs it; on a laptop, it is you",
};
pub(super) const SECRET_STORE: About =
    About { id: "secret-store", title: "Secret store", looks_at: "whether it answers this identity, and which tenants have a record" };
pub(super) const RESULTS: About = About {
    id: "results",
    title: "Results",
    looks_at: "whether the topic says that it is well and a token for Event Grid is had. Whether it may publish, only an event would tell: \
         none is sent. EventBridge takes events for a bus that is not there too, and drops them: the hint says how to look",
};
pub(super) const QUEUE: About =
    About { id: "queue", title: "Queue", looks_at: "whether it is there and its length may be read. No message is put there or taken" };
pub(super) const REPORT: About =
    About { id: "report", title: "Reports", looks_at: "whether the container is there and may be listed. Nothing is written" };
pub(super) const RECORD: About = About { id: "record", title: "Tenant record", looks_at: "whether it is there, and valid" };
pub(super) const SECRETS: About =
    About { id: "secrets", title: "Secrets and profile", looks_at: "whether what the record names is in the store" };
pub(super) const EXPIRY: About = About {
    id: "secret-expiry",
    title: "Expiry of secrets",
    looks_at: "a warning from 60 days before, a cross once it is over. Key Vault knows a date where one was set, Secrets Manager knows none; a \
        certificate says its own",
};
pub(super) const LOGIN: About =
    About { id: "login", title: "Login", looks_at: "whether it signs in to the tenant, and as whom. Its rights are another check" };
pub(super) const PRINCIPAL: About = About {
    id: "principal",
    title: "The ISPM app's principal",
    looks_at: "whether the record, Graph and the conditions of the login's roles name the same one: they do not once the app was made anew",
};
pub(super) const RIGHTS: About = About {
    id: "rights",
    title: "Rights in Azure",
    looks_at: "what Azure says that the login may do at each allowed group, against the list of permissions: what is missing, what is too much",
};
pub(super) const CONDITION: About = About {
    id: "condition",
    title: "Conditions of the rights",
    looks_at: "whether the login may assign and remove Reader of the ISPM app alone",
};
pub(super) const ELEVATION: About = About {
    id: "elevation",
    title: "Elevated access",
    looks_at: "who can assign roles at `/`, above all management groups: a cross for what a Global Administrator left behind (User Access \
               Administrator), a warning for Owner and Role Based Access Control Administrator",
};
pub(super) const ISPM: About =
    About { id: "ispm", title: "ISPM", looks_at: "whether it takes the API token, and knows the Related AAD as this directory" };
pub(super) const CONNECTION: About =
    About { id: "connection", title: "Connection in ISPM", looks_at: "whether there is one, and what ISPM's own test of it came to" };

/// The checks of the deployment, in the order in which they are told.
pub const OF_DEPLOYMENT: [About; 7] = [CONFIGURATION, CLOCK, IDENTITY, SECRET_STORE, RESULTS, QUEUE, REPORT];
/// The checks of each tenant, in the order in which they are told.
pub const OF_TENANT: [About; 10] = [RECORD, SECRETS, EXPIRY, LOGIN, PRINCIPAL, RIGHTS, CONDITION, ELEVATION, ISPM, CONNECTION];

/// All checks as a Markdown table.
#[must_use]
pub fn markdown() -> String {
    let line = |about: &About, of: &str| format!("| `{}` | {of} | {} |\n", about.id, about.looks_at);
    let deployment = OF_DEPLOYMENT.iter().map(|about| line(about, "the deployment"));
    let lines: String = deployment.chain(OF_TENANT.iter().map(|about| line(about, "each tenant"))).collect();
    format!("| check | of | looks at |\n|---|---|---|\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides_and_what_may_pass_does_not_hide_what_does_not() {
        let passing = Finding::from(Error::new(Code::Unavailable, "down"));
        let found = |findings| RIGHTS.found(None, findings);
        let all = found(vec![Finding::ok("a"), Finding::warning("b").hint("x"), Finding::skipped("c"), passing.clone()]);
        assert_eq!((all.status, all.may_pass, all.detail.as_str()), (Status::Failed, true, "a; b; c; down"));
        assert_eq!(all.hint.as_deref(), Some("x Try again in a few minutes."));
        assert!(!found(vec![passing, Finding::failed("gone")]).may_pass);
        assert_eq!(found(vec![Finding::ok("a"), Finding::skipped("c")]).status, Status::Ok);
        assert_eq!(found(vec![Finding::skipped("c")]).status, Status::Skipped);
    }
}
