//! What is covered and what is wanted, judged from a tenant's estate by the same rules as [`plan`](mod@crate::plan): a synchronous function over
//! plain data.

mod advice;
mod connections;

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::azure::ReaderAt;
use crate::error::{Code, Error};
use crate::estate::{Estate, ReaderScope, SubscriptionFacts};
use crate::ispm::{Cause as IspmCause, Connections, Seen, Status};
use crate::observe::{ScopeFacts, check_visible};
use crate::plan::judge;
use crate::report::{ConnectionCoverage, ConnectionRow, Orphan, Report, RoleCoverage, Row, Totals, VERSION, Verdict};
use crate::request::{Action, Cause, Request};
use crate::scope::{GroupName, Guid, Scope};
use crate::tenant::{Assign, Offboard, Policy, Rule, TenantRecord};

/// How long after a sweep its requests should have made the tenant's connection, with what has to wait for Azure or ISPM in between.
const TO_CONNECT: time::Duration = time::Duration::hours(1);

/// What a sweep gives as the source of what it asks for.
pub const SWEEP_SOURCE: &str = "urn:ispm-onboarder:sweep";
/// A tenant's coverage.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// The report.
    pub report: Report,
    /// What there is to do, by scope.
    pub wanted: BTreeMap<Scope, Wanted>,
}

/// Something that there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What.
    pub action: Action,
    /// Since which sweep.
    pub since: OffsetDateTime,
}

/// Judges an estate. `previous` is the report of the sweep before, where there is one.
#[must_use]
pub fn judge_estate(record: &TenantRecord, estate: &Estate, previous: Option<&Report>, now: OffsetDateTime) -> Coverage {
    let judge = Judge { record, estate, previous: Previous::of(previous), now };
    let mut wanted = BTreeMap::new();
    let mut rows = Vec::with_capacity(estate.subscriptions.len());
    for (id, facts) in &estate.subscriptions {
        let (row, action) = judge.row(*id, facts);
        if let Some(action) = action {
            wanted.insert(row.scope.clone(), judge.wanted(&row.scope, action));
        }
        rows.push(row);
    }
    judge.want_the_shared_connection(&rows, &mut wanted);
    let orphans = judge.orphans(&rows, &mut wanted);
    for row in &mut rows {
        row.wanted_since = wanted.get(&row.scope).map(|wanted| wanted.since);
    }
    let notes = judge.notes(&rows, &wanted);
    let report = Report {
        version: VERSION,
        tenant_id: record.tenant_id,
        at: now,
        totals: Totals::of(&rows),
        groups: estate.groups.clone(),
        connections: judge.connections(),
        scopes: rows,
        orphans,
        expiring_secrets: estate.secrets.iter().filter_map(|secret| secret.expiring(now)).collect(),
        notes,
    };
    Coverage { report, wanted }
}

/// The report before, by scope.
struct Previous<'a> {
    at: Option<OffsetDateTime>,
    rows: BTreeMap<&'a Scope, &'a Row>,
    connections: Vec<&'a ConnectionRow>,
    orphans: Vec<&'a Orphan>,
}

impl<'a> Previous<'a> {
    fn of(report: Option<&'a Report>) -> Self {
        let rows = report.into_iter().flat_map(|report| &report.scopes).map(|row| (&row.scope, row)).collect();
        Self {
            at: report.map(|report| report.at),
            rows,
            connections: report.into_iter().flat_map(|report| &report.connections).collect(),
            orphans: report.into_iter().flat_map(|report| &report.orphans).collect(),
        }
    }
}

struct Judge<'a> {
    record: &'a TenantRecord,
    estate: &'a Estate,
    previous: Previous<'a>,
    now: OffsetDateTime,
}

/// Reader as it was found for a subscription.
struct RoleSeen<'a> {
    coverage: RoleCoverage,
    at: Option<String>,
    reader: Option<&'a ReaderAt>,
}

impl Judge<'_> {
    fn row(&self, id: Guid, facts: &SubscriptionFacts) -> (Row, Option<Action>) {
        let scope = Scope::Subscription(id);
        let above = self.estate.ancestors(facts);
        let role = self.role(&scope, &above);
        let (connection, cause, unread) = self.connection_of(&scope);
        let allowed = self.allowed(&scope, facts, above);
        let (verdict, why, action) = match allowed {
            Err(error) if matches!(error.code, Code::AuthorizationFailed | Code::ScopeNotFound) => {
                (Verdict::Missing, Some(error.message), None)
            }
            Err(error) => (Verdict::Excluded, Some(shortened(&error.message, &scope)), self.take_back(&error, &scope, &role)),
            Ok(()) => self.verdict(role.coverage, connection, cause, unread),
        };
        let known = self.previous.rows.get(&scope);
        let mut row = Row {
            scope,
            name: facts.name.clone(),
            group: facts.parents.first().cloned(),
            state: facts.state.clone(),
            offer: facts.offer.clone(),
            role: role.coverage,
            role_at: role.at,
            connection,
            cause,
            verdict,
            why,
            first_seen: known.map_or(self.now, |row| row.first_seen),
            wanted_since: None,
            changed: None,
        };
        row.changed = match known {
            Some(known) if is_same(known, &row) => known.changed,
            Some(_) => Some(self.now),
            None => role.reader.and_then(|reader| reader.created_on),
        };
        (row, action)
    }

    /// Something to do, since the sweep that wanted it first.
    fn wanted(&self, scope: &Scope, action: Action) -> Wanted {
        let since = self.previous.rows.get(scope).and_then(|row| row.wanted_since).unwrap_or(self.now);
        Wanted { action, since }
    }

    /// Whether the policy lets a subscription in; a place that cannot be seen is no reason to keep out, and none to let in.
    fn allowed(&self, scope: &Scope, facts: &SubscriptionFacts, above: Vec<GroupName>) -> Result<(), Error> {
        let request = self.request(scope, Action::Onboard);
        let scope_facts = ScopeFacts {
            display_name: facts.name.clone(),
            state: facts.state.clone(),
            offer: facts.offer.clone(),
            ancestors: above,
            excluded_below: Vec::new(),
        };
        let judged = judge(&request, &self.record.policy, &scope_facts);
        // What is kept out whatever else is above it needs no more sight.
        match judged {
            _ if facts.state.is_none() && asks_for_state_or_offer(&self.record.policy) => {
                let words = "Azure does not list it yet, and the policy asks for its state or offer";
                Err(Error::new(Code::ScopeNotFound, words))
            }
            Err(error) => Err(error),
            Ok(()) => check_visible(&request, &self.record.policy, &scope_facts.ancestors),
        }
    }

    fn role(&self, scope: &Scope, above: &[GroupName]) -> RoleSeen<'_> {
        if let Some(reader) = self.estate.reader(&ReaderScope::At(scope.clone())) {
            return RoleSeen { coverage: RoleCoverage::Direct, at: None, reader: Some(reader) };
        }
        let groups = above.iter().map(|group| ReaderScope::At(Scope::ManagementGroup(group.clone())));
        let places = groups.chain([ReaderScope::Directory]).filter(|_| self.record.policy.accept_inherited);
        match places.into_iter().find_map(|place| self.estate.reader(&place)) {
            Some(reader) => RoleSeen { coverage: RoleCoverage::Inherited, at: Some(reader.scope.to_string()), reader: Some(reader) },
            None => RoleSeen { coverage: RoleCoverage::Missing, at: None, reader: None },
        }
    }

    fn connection_of(&self, scope: &Scope) -> (ConnectionCoverage, Option<IspmCause>, Option<String>) {
        let seen = match &self.estate.connections {
            None => return (ConnectionCoverage::AwaitingConsole, None, None),
            Some(Err(error)) => return (ConnectionCoverage::Unknown, None, Some(error.message.clone())),
            Some(Ok(Connections::Shared(seen))) => seen.as_ref(),
            Some(Ok(Connections::PerScope { of_scopes, .. })) => of_scopes.get(scope),
        };
        seen.map_or((ConnectionCoverage::Missing, None, None), state)
    }

    fn verdict(
        &self,
        role: RoleCoverage,
        connection: ConnectionCoverage,
        cause: Option<IspmCause>,
        unread: Option<String>,
    ) -> (Verdict, Option<String>, Option<Action>) {
        let words = |text: &str| Some(text.to_owned());
        match (role, connection) {
            (RoleCoverage::Missing, _) if self.record.policy.assign == Assign::Never => {
                (Verdict::Missing, words("Reader is missing, and the policy forbids assigning it"), None)
            }
            // Each would end as the connection's own trouble, and wait a day for it.
            (RoleCoverage::Missing, ConnectionCoverage::Unknown) => {
                (Verdict::Missing, unread.map(|unread| format!("Reader is missing; {unread}")), None)
            }
            (RoleCoverage::Missing, _) => (Verdict::Missing, words("Reader is missing"), Some(Action::Onboard)),
            (_, ConnectionCoverage::Connected) => (Verdict::Covered, None, None),
            (_, ConnectionCoverage::Pending) => (Verdict::Pending, words("ISPM has not tested the connection yet"), None),
            (_, ConnectionCoverage::AwaitingConsole) => {
                (Verdict::Pending, words("whether the connection was made in the ISPM console cannot be read"), None)
            }
            (_, ConnectionCoverage::Unknown) => (Verdict::Pending, unread, None),
            (_, ConnectionCoverage::Failed) => {
                let cause = cause.map_or_else(|| "no cause given".to_owned(), |cause| cause.to_string());
                (Verdict::Failed, Some(format!("ISPM's test of the connection failed: {cause}")), None)
            }
            (_, ConnectionCoverage::Missing) => {
                let shared = matches!(self.estate.connections, Some(Ok(Connections::Shared(_))));
                let why = if shared { "there is no connection for the Entra source" } else { "there is no connection for it" };
                (Verdict::Missing, words(why), (!shared).then_some(Action::Onboard))
            }
        }
    }

    /// One onboarding makes the connection that serves all; one that is wanted anyway will do. Where it was missing at the sweep before, some
    /// time ago, those have not helped, since their roles cannot be assigned perhaps: then a scope that has its role is asked for too.
    fn want_the_shared_connection(&self, rows: &[Row], wanted: &mut BTreeMap<Scope, Wanted>) {
        let is_missing = matches!(self.estate.connections, Some(Ok(Connections::Shared(None))));
        let had_time = self.previous.at.is_some_and(|before| self.now - before >= TO_CONNECT);
        let was_missing = had_time && self.previous.connections.is_empty();
        let is_asked_for = wanted.values().any(|wanted| wanted.action == Action::Onboard);
        let first = rows.iter().find(|row| row.verdict == Verdict::Missing && row.role != RoleCoverage::Missing);
        if let Some(row) = first.filter(|_| is_missing && (was_missing || !is_asked_for)) {
            wanted.insert(row.scope.clone(), self.wanted(&row.scope, Action::Onboard));
        }
    }

    /// Whether what was made here for a scope that is kept out is to be taken back: only where the policy says so, and never for a
    /// subscription that is merely switched off.
    fn take_back(&self, error: &Error, scope: &Scope, role: &RoleSeen<'_>) -> Option<Action> {
        let by_policy = error.code == Code::ExcludedByPolicy && self.record.policy.offboard == Offboard::ExcludedOrGone;
        let role_is_ours = role.coverage == RoleCoverage::Direct && role.reader.is_some_and(|reader| reader.ours);
        let has_connection = self.own_connection(scope).is_some_and(|seen| seen.ours);
        (by_policy && (role_is_ours || has_connection)).then_some(Action::Offboard)
    }

    fn request(&self, scope: &Scope, action: Action) -> Request {
        request(self.record.tenant_id, scope, Wanted { action, since: self.now }, self.now)
    }
}

/// What a sweep asks for. Its cause is the day's: what fails again on the same day has the same result. It is as old as the first sweep that
/// wanted it.
#[must_use]
pub fn request(tenant: Guid, scope: &Scope, wanted: Wanted, now: OffsetDateTime) -> Request {
    let cause = Cause { source: SWEEP_SOURCE.to_owned(), id: now.date().to_string(), kind: "sweep".to_owned() };
    Request::new(tenant, scope.clone(), wanted.action, cause, Some(wanted.since))
}

fn state(seen: &Seen) -> (ConnectionCoverage, Option<IspmCause>, Option<String>) {
    match &seen.connection {
        Err(error) => (ConnectionCoverage::Unknown, None, Some(error.message.clone())),
        Ok(connection) => match connection.status {
            Status::Connected => (ConnectionCoverage::Connected, None, None),
            Status::Pending => (ConnectionCoverage::Pending, None, None),
            Status::Failed(cause) => (ConnectionCoverage::Failed, cause, None),
        },
    }
}

/// Whether nothing changed. What could not be read counts as it was.
fn is_same(known: &Row, row: &Row) -> bool {
    let is_unread = [known, row].into_iter().any(|row| row.connection == ConnectionCoverage::Unknown);
    if is_unread {
        return (known.role, &known.role_at) == (row.role, &row.role_at);
    }
    (known.role, &known.role_at, known.connection, known.cause, known.verdict)
        == (row.role, &row.role_at, row.connection, row.cause, row.verdict)
}

/// A refusal's words without the scope, which stands beside them.
fn shortened(message: &str, scope: &Scope) -> String {
    let path = scope.path();
    let rest = message.strip_prefix(&path).map_or(message, str::trim_start);
    rest.strip_prefix("is kept out: ").unwrap_or(rest).to_owned()
}

fn asks_for_state_or_offer(policy: &Policy) -> bool {
    policy.include.iter().chain(&policy.exclude).any(|rule| matches!(rule, Rule::State(_) | Rule::Offer(_)))
}
