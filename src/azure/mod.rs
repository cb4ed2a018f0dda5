//! The Azure services that have no SDK crate for Rust, over `azure_core`'s pipeline.

mod arm;
#[cfg(feature = "cli")]
mod definitions;
#[cfg(feature = "cli")]
mod elevation;
mod event_grid;
mod graph;
mod lists;
mod names;
mod pace;
#[cfg(feature = "cli")]
mod person;
mod quota;
mod removal;
mod resource_graph;
mod rights;

pub use arm::{Arm, Assigned, Assignment, Group, Subscription};
#[cfg(feature = "cli")]
pub use definitions::{CONDITION_VERSION, Definition, NewRole};
#[cfg(feature = "cli")]
pub use elevation::{CallIds, Elevation, SIGN_IN, USER_ACCESS_ADMINISTRATOR};
pub use event_grid::Topic;
pub use graph::Graph;
pub use lists::{Descendant, DescendantKind, ListedSubscription};
pub use names::{OWNERSHIP_MARK, READER, assignment_id, assignment_name, definition_name, grant_name, is_marked};
#[cfg(feature = "cli")]
pub use person::{GLOBAL_ADMINISTRATOR, Person};
pub use resource_graph::ReaderAt;
pub use rights::{Grant, Rights};

use azure_core::http::headers::{ACCEPT, CONTENT_TYPE};
use azure_core::http::{Method, Request, Url};
use serde_json::Value;

use crate::error::{Code, Error};

/// A request with a JSON answer.
fn request(method: Method, url: Url) -> Request {
    let mut request = Request::new(url, method);
    request.insert_header(ACCEPT, "application/json");
    request
}

fn with_json(mut request: Request, body: &Value) -> Request {
    request.insert_header(CONTENT_TYPE, "application/json");
    request.set_body(body.to_string());
    request
}

/// A URL of an origin, a path and query pairs; the pairs are encoded here and nowhere else.
fn url(origin: &str, path: &str, query: &[(&str, &str)]) -> Result<Url, Error> {
    let broken = |_| Error::new(Code::UnexpectedAnswer, format!("{path} does not make a URL"));
    let mut url = Url::parse(origin).and_then(|base| base.join(path)).map_err(broken)?;
    url.query_pairs_mut().extend_pairs(query);
    Ok(url)
}
