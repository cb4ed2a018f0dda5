//! What is covered and what is wanted, judged from a tenant's estate by the same rules as [`plan`](mod@crate::plan): a synchronous function over
//! plain data.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::azure::ReaderAt;
use crate::error::{Code, Error};
use crate::estate::{Estate, ReaderScope, SubscriptionFacts};
use crate::ispm::{Connections, Seen, Status};
use crate::observe::{ScopeFacts, check_visible};
use crate::plan::judge;
use crate::report::{ConnectionCoverage, ConnectionRow, Orphan, OrphanKind, Report, RoleCoverage, Row, Totals, VERSION, Verdict};
use crate::request::{Action, Cause, Request};
use crate::scope::{GroupName, Guid, Scope, inert};
use crate::tenant::{Assign, Connect, Offboard, Policy, Rule, TenantRecord};

/// What a sweep gives as the source of what it asks for.
pub const SWEEP_SOURCE: &str = "urn:ispm-onboarder:sweep";
/// Of more subscriptions than this right below one group, one role at the group is better than one at each
/// (the ISPM guide's advice: up to five one by one).
const ONE_BY_ONE: usize = 5;
/// How many groups are named for it.
const MOST_GROUPS_NAMED: usize = 10;

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

    fn connection_of(&self, scope: &Scope) -> (ConnectionCoverage, Option<crate::ispm::Cause>, Option<String>) {
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
        cause: Option<crate::ispm::Cause>,
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

    /// One onboarding makes the connection that serves all; one that is wanted anyway will do.
    fn want_the_shared_connection(&self, rows: &[Row], wanted: &mut BTreeMap<Scope, Wanted>) {
        let is_missing = matches!(self.estate.connections, Some(Ok(Connections::Shared(None))));
        let is_asked_for = wanted.values().any(|wanted| wanted.action == Action::Onboard);
        let first = rows.iter().find(|row| row.verdict == Verdict::Missing && row.role != RoleCoverage::Missing);
        if let Some(row) = first.filter(|_| is_missing && !is_asked_for) {
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

    /// The connection that is a scope's alone.
    fn own_connection(&self, scope: &Scope) -> Option<&Seen> {
        match &self.estate.connections {
            Some(Ok(Connections::PerScope { of_scopes, .. })) => of_scopes.get(scope),
            _ => None,
        }
    }

    fn orphans(&self, rows: &[Row], wanted: &mut BTreeMap<Scope, Wanted>) -> Vec<Orphan> {
        let mut orphans = Vec::new();
        for row in rows.iter().filter(|row| row.verdict == Verdict::Excluded) {
            let why = row.why.clone().unwrap_or_default();
            let readers = self.estate.readers.get(&ReaderScope::At(row.scope.clone()));
            orphans.extend(readers.into_iter().flatten().map(|reader| Orphan {
                kind: OrphanKind::RoleAssignment,
                id: reader.id.clone(),
                scope: Some(row.scope.clone()),
                ours: reader.ours,
                why: why.clone(),
            }));
            let connection = self.own_connection(&row.scope).and_then(|seen| orphan(seen, Some(row.scope.clone()), &why));
            orphans.extend(connection);
        }
        if let Some(Err(_)) = &self.estate.connections {
            let connections = self.previous.orphans.iter().filter(|orphan| orphan.kind == OrphanKind::Connection);
            orphans.extend(connections.copied().cloned());
        }
        if let Some(Ok(Connections::PerScope { others, .. })) = &self.estate.connections {
            for seen in others {
                let scope = self.scope_of(seen);
                if let Some(scope) = scope.clone().filter(|_| self.record.policy.offboard == Offboard::ExcludedOrGone) {
                    let since = self.left_since(seen);
                    wanted.insert(scope, Wanted { action: Action::Offboard, since });
                }
                orphans.extend(orphan(seen, scope, "its scope is not in this tenant's estate any more"));
            }
        }
        orphans
    }

    /// Since when a connection is known to be left over: by the report before, or now.
    fn left_since(&self, seen: &Seen) -> OffsetDateTime {
        let id = seen.connection.as_ref().ok().and_then(|connection| connection.id.as_ref());
        let is_known = self.previous.orphans.iter().any(|orphan| Some(&orphan.id) == id);
        self.previous.at.filter(|_| is_known).unwrap_or(self.now)
    }

    /// The scope that a connection served when a sweep saw it there, remembered from report to report for as long as it is left over.
    fn scope_of(&self, seen: &Seen) -> Option<Scope> {
        let id = seen.connection.as_ref().ok()?.id.as_ref()?;
        let served = self.previous.connections.iter().find(|row| row.id.as_ref() == Some(id)).map(|row| &row.scope);
        let left = || self.previous.orphans.iter().find(|orphan| orphan.kind == OrphanKind::Connection && orphan.id == *id);
        served.or_else(|| left()?.scope.as_ref()).cloned()
    }

    fn connections(&self) -> Vec<ConnectionRow> {
        let root = Scope::ManagementGroup(GroupName::root_of(self.record.tenant_id));
        match &self.estate.connections {
            None if self.record.ispm.connect == (Connect::Console {}) => vec![ConnectionRow {
                id: None,
                name: format!("azure-{}", self.record.tenant_id),
                scope: root,
                status: ConnectionCoverage::AwaitingConsole,
                cause: None,
                since: self.now,
            }],
            Some(Ok(Connections::Shared(Some(seen)))) => self.connection_row(root, seen).into_iter().collect(),
            Some(Ok(Connections::PerScope { of_scopes, .. })) => {
                of_scopes.iter().filter_map(|(scope, seen)| self.connection_row(scope.clone(), seen)).collect()
            }
            // What cannot be read now is remembered as it was, so that its next change is one.
            Some(Err(_)) => self.previous.connections.iter().copied().cloned().collect(),
            _ => Vec::new(),
        }
    }

    fn connection_row(&self, scope: Scope, seen: &Seen) -> Option<ConnectionRow> {
        let Ok(connection) = &seen.connection else {
            return self.previous.connections.iter().find(|row| row.scope == scope).copied().cloned();
        };
        let (status, cause, _) = state(seen);
        let known = self.previous.connections.iter().find(|row| row.scope == scope && row.status == status && row.cause == cause);
        let since = known.map_or(self.now, |row| row.since);
        Some(ConnectionRow { id: connection.id.clone(), name: connection.name.clone(), scope, status, cause, since })
    }

    fn notes(&self, rows: &[Row], wanted: &BTreeMap<Scope, Wanted>) -> Vec<String> {
        let mut notes = self.one_by_one(rows, wanted);
        let moving = self.estate.subscriptions.values().filter(|facts| facts.parents.len() > 1).count();
        if moving > 0 {
            notes.push(format!("{moving} subscriptions were seen in two management groups: they were moved while they were read."));
        }
        let unknown = self.estate.unknown_descendants;
        if unknown > 0 {
            notes.push(format!("{unknown} things below the management groups are of a kind that this version does not know."));
        }
        if let Some(Err(error)) = &self.estate.connections {
            notes.push(format!("ISPM's connections could not be read: {}.", error.message));
        }
        notes
    }

    /// Where more than five subscriptions right below one group have, or are to get, a role each.
    fn one_by_one(&self, rows: &[Row], wanted: &BTreeMap<Scope, Wanted>) -> Vec<String> {
        let mut singles: BTreeMap<&GroupName, usize> = BTreeMap::new();
        let mut kept_out: BTreeSet<GroupName> = BTreeSet::new();
        for row in rows {
            let is_wanted = wanted.get(&row.scope).is_some_and(|wanted| wanted.action == Action::Onboard);
            let is_single = row.role == RoleCoverage::Direct || (row.role == RoleCoverage::Missing && is_wanted);
            match (row.verdict, &row.group) {
                (Verdict::Excluded, _) => {
                    let Scope::Subscription(id) = &row.scope else { continue };
                    kept_out.extend(self.estate.subscriptions.get(id).into_iter().flat_map(|facts| self.estate.ancestors(facts)));
                }
                (_, Some(group)) if is_single => *singles.entry(group).or_default() += 1,
                _ => {}
            }
        }
        let mut many: Vec<(&GroupName, usize)> = singles.into_iter().filter(|(_, count)| *count > ONE_BY_ONE).collect();
        many.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
        let further = many.len().saturating_sub(MOST_GROUPS_NAMED);
        let mut notes: Vec<String> =
            many.iter().take(MOST_GROUPS_NAMED).map(|(group, count)| self.advice(group, *count, kept_out.contains(*group))).collect();
        if further > 0 {
            notes.push(format!("The same is true of {further} further management groups."));
        }
        notes
    }

    fn advice(&self, group: &GroupName, count: usize, reaches_excluded: bool) -> String {
        let name = self.estate.groups.get(group).map(|facts| facts.name.as_str()).filter(|name| !name.is_empty()).unwrap_or(group.as_str());
        let name = inert(name);
        let fact = format!("{count} subscriptions right below the management group {name} are onboarded one by one");
        if reaches_excluded {
            return format!("{fact}; a role at the group would reach subscriptions that are kept out.");
        }
        if *group == GroupName::root_of(self.record.tenant_id) {
            return format!("{fact}; move them into a group of their own, where one role covers them and those to come.");
        }
        format!("{fact}; `ispm-onboarder onboard mg:{group}` covers them with one role, and those to come.")
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

fn state(seen: &Seen) -> (ConnectionCoverage, Option<crate::ispm::Cause>, Option<String>) {
    match &seen.connection {
        Err(error) => (ConnectionCoverage::Unknown, None, Some(error.message.clone())),
        Ok(connection) => match connection.status {
            Status::Connected => (ConnectionCoverage::Connected, None, None),
            Status::Pending => (ConnectionCoverage::Pending, None, None),
            Status::Failed(cause) => (ConnectionCoverage::Failed, cause, None),
        },
    }
}

fn orphan(seen: &Seen, scope: Option<Scope>, why: &str) -> Option<Orphan> {
    let id = seen.connection.as_ref().ok()?.id.clone()?;
    Some(Orphan { kind: OrphanKind::Connection, id, scope, ours: seen.ours, why: why.to_owned() })
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
