//! An API in ISPM's place, in memory, and the client that follows a profile to it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::request::Body;
use azure_core::http::{AsyncRawResponse, HttpClient, Request, StatusCode, Url};
use ispm_onboarder::error::Error;
use ispm_onboarder::ispm::{IspmClient, Profile};
use ispm_onboarder::net::{Api, Invocation, Posts, pipeline};
use ispm_onboarder::scope::{Guid, Scope};
use tokio::time::Instant;
use uuid::{Uuid, uuid};

use super::words;

/// The tenant.
pub const TENANT: Guid = Guid::from_uuid(uuid!("519aadd0-caeb-5ef8-b1b9-046051535bc3"));
/// The tenant's Related AAD.
pub const ENTRA_SOURCE: &str = "Contoso Entra ID";
/// The tenant's API token, which goes into headers and nowhere else.
const TOKEN: &str = "token-of-great-value";
const BASE: &str = "https://contoso.spera-app.com/gateway/";
/// A delivery's time.
const TIME: Duration = Duration::from_secs(25);

/// What the API answers to its n-th request; nothing where the connection breaks.
pub type Answers = Box<dyn Fn(usize) -> Option<(u16, Headers, Vec<u8>)> + Send + Sync>;

/// The API.
pub struct Vendor {
    answers: Answers,
    asked: AtomicUsize,
    profile: Profile,
}

impl fmt::Debug for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vendor").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl Vendor {
    /// An API that a profile describes.
    pub fn new(profile: Profile, answers: Answers) -> Arc<Self> {
        Arc::new(Self { answers, asked: AtomicUsize::new(0), profile })
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// The client of a tenant that has it in ISPM's place.
    pub fn client(self: &Arc<Self>) -> IspmClient {
        let transport: Arc<dyn HttpClient> = self.clone();
        let api = Api::without_sign_in(pipeline(&transport, Posts::Create, None));
        IspmClient::new(api, Url::parse(BASE).expect("a URL"), TOKEN.into(), self.profile.clone(), TENANT, ENTRA_SOURCE)
    }

    /// A request stays below ISPM's address, is one of the profile's, and has the token in headers alone.
    fn check(&self, request: &Request) {
        let url = request.url();
        assert_eq!(url.origin().ascii_serialization(), "https://contoso.spera-app.com");
        words::tells_nothing(url.as_str(), TOKEN);
        if let Body::Bytes(body) = request.body() {
            words::tells_nothing(&String::from_utf8_lossy(body), TOKEN);
        }
        let profile = &self.profile;
        let lists = [&profile.find].into_iter().chain(&profile.list);
        // A link leads to wherever on its own origin the API wants it to.
        let has_links = format!("{:?}{:?}", profile.source.paging, lists.clone().map(|list| &list.paging).collect::<Vec<_>>());
        let listing = lists.map(|list| &list.request).chain([&profile.source.request]);
        let mut all = listing.chain([&profile.read.request, &profile.create.request, &profile.remove.request]);
        let is_known = has_links.contains("NextLink") || all.any(|template| is_like(&template.path, url));
        assert!(is_known, "{} {url} is no request of the profile's", request.method());
    }
}

/// Whether a URL's path is a template's, whatever its placeholders stand for.
fn is_like(template: &str, url: &Url) -> bool {
    let Some(path) = url.path().strip_prefix("/gateway/") else { return false };
    let (found, wanted): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), template[1..].split('/').collect());
    let same = |(found, wanted): (&&str, &&str)| wanted.contains('{') || percent_decoded(found) == **wanted;
    found.len() == wanted.len() && found.iter().zip(&wanted).all(same)
}

fn percent_decoded(segment: &str) -> String {
    // The values of a query are decoded in the same way, but for these.
    let escaped = segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(format!("x={escaped}").as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[async_trait]
impl HttpClient for Vendor {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        self.check(request);
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        match (self.answers)(number) {
            Some((status, headers, body)) => Ok(AsyncRawResponse::from_bytes(StatusCode::from(status), headers, body)),
            None => Err(azure_core::Error::with_message(ErrorKind::Io, "the connection broke")),
        }
    }
}

/// Does something within a delivery's time, and checks the words of its failure; nothing where the time ran out.
pub async fn within_time<T>(work: impl Future<Output = Result<T, Error>>) -> Option<Result<T, Error>> {
    let (result, _) = Invocation::new(Uuid::nil(), Instant::now() + TIME).run(work).await;
    if let Some(Err(error)) = &result {
        words::check(error);
        for text in [Some(&error.message), error.hint.as_ref()].into_iter().flatten() {
            words::tells_nothing(text, TOKEN);
        }
    }
    result
}

/// Two scopes.
pub fn scopes() -> [Scope; 2] {
    ["/subscriptions/23ea0b12-4ef0-5a35-b45b-39f28c454059", "/providers/Microsoft.Management/managementGroups/corp"]
        .map(|path| Scope::parse(path).expect("a scope"))
}
