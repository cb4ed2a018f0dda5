//! The ISPM app's service principal: what the record, Graph and conditions call it. An app that was deleted and made anew has another.

use std::collections::BTreeSet;

use super::check::Finding;
use super::condition::Named;
use super::gathered::Gathered;
use super::rights::Cast;
use crate::error::{Code, Error};
use crate::scope::{Guid, inert};
use crate::tenant::TenantRecord;

/// The principal to go by: Graph's word, else the record's.
pub(super) fn known(record: &TenantRecord, graph: &Result<Guid, Error>) -> Option<Guid> {
    graph.as_ref().ok().copied().or(record.app.principal_id)
}

/// Whether all name the same principal; where not, what is left of the former one.
pub(super) fn judge(graph: &Result<Guid, Error>, gathered: &Gathered, cast: Cast<'_>) -> Vec<Finding> {
    let mut former = BTreeSet::new();
    let mut found = vec![by_graph(cast.record, graph)];
    let Some(principal) = cast.principal else { return found };
    former.extend(cast.record.app.principal_id.map(|id| id.to_string()).filter(|id| *id != principal.to_string()));
    for group in &gathered.groups {
        for grant in group.own.iter().flatten() {
            let named = grant.condition.as_deref().map(Named::in_condition).unwrap_or_default().principals;
            if named.is_empty() || named.contains(&principal.to_string()) {
                continue;
            }
            let others = named.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let words = format!("the condition of {} names {others}, and not the app's principal {principal}", inert(&grant.id));
            found.push(Finding::failed(words).hint(format!(
                "Run `{}`, do what it prints, and remove the old assignment: az role assignment delete --ids {}",
                cast.command(group),
                inert(&grant.id)
            )));
            former.extend(named);
        }
    }
    let left: BTreeSet<&str> =
        gathered.all().filter(|grant| grant.is_reader() && former.contains(&grant.principal)).map(|grant| grant.id.as_str()).collect();
    found.extend(left.into_iter().map(|id| {
        let words = format!("a former principal of the app still has Reader by {}", inert(id));
        Finding::warning(words).hint(format!("It serves nobody: az role assignment delete --ids {}", inert(id)))
    }));
    found
}

fn by_graph(record: &TenantRecord, graph: &Result<Guid, Error>) -> Finding {
    let app = record.app.client_id;
    match (graph, record.app.principal_id) {
        (Ok(graph), Some(record)) if *graph != record => {
            Finding::failed(format!("the record names {record}, and Graph knows the app {app} as {graph}: the app was made anew"))
                .hint(format!("Set app.principalId in the tenant record to {graph}, or leave it out."))
        }
        (Ok(graph), Some(_)) => Finding::ok(format!("{graph}, by the record and by Graph")),
        (Ok(graph), None) => Finding::ok(format!("{graph}, by Graph")),
        // Where the record names it, the login needs no right in Graph.
        (Err(error), Some(record)) if error.code == Code::GraphRefused => {
            Finding::skipped(format!("the login may not ask Graph: the record's {record} was taken as it is"))
        }
        (Err(error), _) => error.clone().into(),
    }
}
