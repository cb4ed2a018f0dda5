//! The connections of an estate, and what is left over: of scopes that are kept out or gone.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{Judge, Wanted, state};
use crate::estate::ReaderScope;
use crate::ispm::{Connections, Seen};
use crate::report::{ConnectionCoverage, ConnectionRow, Orphan, OrphanKind, Row, Verdict};
use crate::request::Action;
use crate::scope::{GroupName, Scope};
use crate::tenant::{Connect, Offboard};

impl Judge<'_> {
    /// The connection that is a scope's alone.
    pub(super) fn own_connection(&self, scope: &Scope) -> Option<&Seen> {
        match &self.estate.connections {
            Some(Ok(Connections::PerScope { of_scopes, .. })) => of_scopes.get(scope),
            _ => None,
        }
    }

    pub(super) fn orphans(&self, rows: &[Row], wanted: &mut BTreeMap<Scope, Wanted>) -> Vec<Orphan> {
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

    pub(super) fn connections(&self) -> Vec<ConnectionRow> {
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
}

fn orphan(seen: &Seen, scope: Option<Scope>, why: &str) -> Option<Orphan> {
    let id = seen.connection.as_ref().ok()?.id.clone()?;
    Some(Orphan { kind: OrphanKind::Connection, id, scope, ours: seen.ours, why: why.to_owned() })
}
