//! Storage as its owner uses it, beside the program: by its official names, with a token of the operator.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::http::HttpClient;
use ispm_onboarder::error::Error;
use ispm_onboarder::identity::Platform;
use reqwest::{Certificate, Client, Method, Proxy, RequestBuilder, Response, Url};
use serde_json::Value;
use time::macros::datetime;

use crate::simulator::Simulator;

/// A version of the Storage services' API that Azurite knows too.
const API_VERSION: &str = "2025-11-05";

/// A client with a token.
pub struct Storage {
    client: Client,
    token: String,
}

impl Storage {
    /// A client for whoever answers in the simulator's environment.
    pub async fn of(simulator: &Simulator) -> Self {
        let certificates = std::fs::read(simulator.variable("SSL_CERT_FILE")).unwrap();
        let trusted = Certificate::from_pem_bundle(&certificates).unwrap();
        let proxy = Proxy::all(simulator.variable("HTTPS_PROXY")).unwrap();
        let client = Client::builder().proxy(proxy).tls_certs_only(trusted).build().unwrap();
        Self { client, token: token(simulator).await }
    }

    /// What the library calls with, where a test holds a part of it.
    pub fn transport(&self) -> Arc<dyn HttpClient> {
        Arc::new(self.client.clone())
    }

    /// Who the library calls as.
    pub fn identity(&self) -> Arc<dyn Platform> {
        Arc::new(Bearer(self.token.clone()))
    }

    /// Creates a container at its URL.
    pub async fn create_container(&self, url: &str) {
        self.call(Method::PUT, &format!("{url}?restype=container")).await;
    }

    /// Puts a block blob into the container at this URL.
    pub async fn put_blob(&self, container: &str, name: &str, text: impl Into<String>) {
        let request = self.request(Method::PUT, &format!("{container}/{name}")).header("x-ms-blob-type", "BlockBlob");
        request.body(text.into()).send().await.unwrap().error_for_status().unwrap();
    }

    /// The names of the blobs in the container at this URL.
    pub async fn blobs(&self, container: &str) -> Vec<String> {
        let list = self.call(Method::GET, &format!("{container}?restype=container&comp=list")).await.text().await.unwrap();
        let names = list.split("<Name>").skip(1).filter_map(|rest| rest.split_once("</Name>"));
        names.map(|(name, _)| name.to_owned()).collect()
    }

    /// What a blob holds.
    pub async fn blob(&self, container: &str, name: &str) -> String {
        self.call(Method::GET, &format!("{container}/{name}")).await.text().await.unwrap()
    }

    /// Creates a queue at its URL.
    pub async fn create_queue(&self, url: &str) {
        self.call(Method::PUT, url).await;
    }

    /// Puts a message into the queue at this URL, and gives back its id.
    pub async fn put_message(&self, queue: &str, text: &str) -> String {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let request = self.request(Method::POST, &format!("{queue}/messages")).header("content-type", "application/xml");
        let request = request.body(format!("<QueueMessage><MessageText>{text}</MessageText></QueueMessage>"));
        let answer = request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        let (id, _) = answer.split_once("<MessageId>").unwrap().1.split_once("</MessageId>").unwrap();
        id.to_owned()
    }

    /// How many messages there are in the queue at this URL, visible or not.
    pub async fn count_messages(&self, queue: &str) -> u32 {
        let answer = self.call(Method::GET, &format!("{queue}?comp=metadata")).await;
        answer.headers()["x-ms-approximate-messages-count"].to_str().unwrap().parse().unwrap()
    }

    /// The text of a message that is visible, which then is not for a while.
    pub async fn receive(&self, queue: &str) -> Option<String> {
        let text = self.call(Method::GET, &format!("{queue}/messages")).await.text().await.unwrap();
        let (text, _) = text.split_once("<MessageText>")?.1.split_once("</MessageText>")?;
        Some(text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    }

    fn request(&self, method: Method, url: &str) -> RequestBuilder {
        let url: Url = url.parse().unwrap();
        self.client.request(method, url).bearer_auth(&self.token).header("x-ms-version", API_VERSION)
    }

    async fn call(&self, method: Method, url: &str) -> Response {
        self.request(method, url).header("content-length", "0").send().await.unwrap().error_for_status().unwrap()
    }
}

/// A token for Storage, of the operator's managed identity.
async fn token(simulator: &Simulator) -> String {
    let (endpoint, operator) = (simulator.variable("IDENTITY_ENDPOINT"), simulator.variable("SIMULATOR_CLIENT_ID"));
    let url = format!("{endpoint}?resource=https://storage.azure.com&api-version=2019-08-01&client_id={operator}");
    let request = Client::builder().no_proxy().build().unwrap().get(url);
    let answer = request.header("x-identity-header", simulator.variable("IDENTITY_HEADER")).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// An identity that has a token already.
#[derive(Clone, Debug)]
struct Bearer(String);

impl Platform for Bearer {
    fn credential(&self) -> Result<Arc<dyn TokenCredential>, Error> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl TokenCredential for Bearer {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        // When it is over, the test is long over.
        Ok(AccessToken::new(self.0.clone(), datetime!(2100-01-01 00:00 UTC)))
    }
}
