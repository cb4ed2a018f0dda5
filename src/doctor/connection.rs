//! ISPM: whether it takes the token, knows the Related AAD, and has a connection.

use super::check::{CONNECTION, Check, Finding, ISPM};
use super::{Doctor, look};
use crate::error::{Code, Error};
use crate::ispm::{Connections, IspmClient, Seen, Status};
use crate::scope::{Guid, inert};

impl Doctor {
    pub(super) async fn ispm(&self, tenant: Guid, ispm: &Result<Option<IspmClient>, Error>) -> Vec<Check> {
        let why = match ispm {
            Ok(Some(ispm)) => {
                let (source, connection) = tokio::join!(
                    look(ISPM, Some(tenant), check_source(ispm)),
                    look(CONNECTION, Some(tenant), async { check_connection(ispm).await.unwrap_or_else(|error| vec![error.into()]) }),
                );
                return vec![source, connection];
            }
            Ok(None) => "a person makes the connection in the ISPM console, where nothing can be read",
            Err(_) => "its token or its connect profile could not be had",
        };
        [ISPM, CONNECTION].iter().map(|about| about.found(Some(tenant), vec![Finding::skipped(why)])).collect()
    }
}

async fn check_source(ispm: &IspmClient) -> Vec<Finding> {
    match ispm.check_source().await {
        Ok(()) => vec![Finding::ok("it takes the token, and the Related AAD is this directory")],
        Err(error) => vec![error.into()],
    }
}

async fn check_connection(ispm: &IspmClient) -> Result<Vec<Finding>, Error> {
    let connections = match ispm.all(std::iter::empty()).await {
        // Such a profile asks for one scope at a time, and no scope is meant here.
        Err(error) if error.code == Code::ProfileInvalid => return Ok(vec![Finding::skipped(error.message)]),
        connections => connections?,
    };
    Ok(match connections {
        Connections::Shared(None) => vec![Finding::warning("there is none yet").hint("The first scope that is onboarded makes it.")],
        Connections::Shared(Some(seen)) => vec![told(&seen)],
        Connections::PerScope { others, .. } => {
            let failed = others.iter().map(told).filter(|found| found.status != super::Status::Ok);
            [Finding::ok(format!("{} made here, one for each scope", others.len()))].into_iter().chain(failed).collect()
        }
    })
}

fn told(seen: &Seen) -> Finding {
    let connection = match &seen.connection {
        Ok(connection) => connection,
        Err(error) => return error.clone().into(),
    };
    let name = inert(&connection.name);
    match connection.status {
        Status::Connected => Finding::ok(format!("\"{name}\" is connected")),
        Status::Pending => Finding::warning(format!("ISPM has not tested \"{name}\" yet")).hint("ISPM tests daily; look again tomorrow."),
        Status::Failed(cause) => {
            let cause = cause.map_or_else(|| "no cause given".to_owned(), |cause| cause.to_string());
            Finding::failed(format!("ISPM's test of \"{name}\" failed: {cause}"))
                .hint("Look at the source in the ISPM console, and whether the app's secret in ISPM still holds.")
        }
    }
}
