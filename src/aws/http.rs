//! The AWS SDK's HTTP client: the same pipeline as Azure's, so that deadline, retries, counting and the one transport are the same.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use azure_core::error::{Error as SdkError, ErrorKind, ResultExt as _};
use azure_core::http::{Context, Pipeline, PipelineSendOptions, Request};
use azure_core::http::{HttpClient as Transport, RawResponse};
use url::Url;

use crate::net::{self, OwnName, Posts};

/// An HTTP client for one kind of call.
#[derive(Clone, Debug)]
pub(super) struct OverPipeline {
    pipeline: Pipeline,
    name: &'static str,
}

impl OverPipeline {
    /// A client whose calls have this name in logs. `posts` says whether they may be repeated, since nearly all of AWS's calls are POSTs.
    pub(super) fn new(transport: &Arc<dyn Transport>, name: &'static str, posts: Posts) -> Self {
        Self { pipeline: net::pipeline(transport, posts, None), name }
    }

    /// The same as the SDK's clients take it.
    pub(super) fn shared(transport: &Arc<dyn Transport>, name: &'static str, posts: Posts) -> SharedHttpClient {
        SharedHttpClient::new(Self::new(transport, name, posts))
    }

    /// Sends one request, signed already; any status is an answer.
    pub(super) async fn send(self, request: HttpRequest) -> azure_core::Result<HttpResponse> {
        let mut request = outgoing(&request)?;
        let context = Context::new().with_value(OwnName(self.name));
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        incoming(&self.pipeline.send(&context, &mut request, Some(options)).await?)
    }
}

impl HttpClient for OverPipeline {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for OverPipeline {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sending = self.clone().send(request);
        HttpConnectorFuture::new(async { sending.await.map_err(|error| ConnectorError::io(error.into())) })
    }
}

/// The AWS SDK's request in the pipeline's terms. It is signed already; what the pipeline adds is not covered by the signature.
fn outgoing(request: &HttpRequest) -> azure_core::Result<Request> {
    let url = Url::parse(request.uri()).with_kind(ErrorKind::DataConversion)?;
    let method = request.method().parse()?;
    let mut outgoing = Request::new(url, method);
    for (name, value) in request.headers() {
        outgoing.insert_header(name.to_owned(), value.to_owned());
    }
    let body = request.body().bytes();
    let body = body.ok_or_else(|| SdkError::with_message(ErrorKind::DataConversion, "a streamed body is not sent"))?;
    outgoing.set_body(body.to_vec());
    Ok(outgoing)
}

fn incoming(answer: &RawResponse) -> azure_core::Result<HttpResponse> {
    let status = StatusCode::try_from(u16::from(answer.status())).with_kind(ErrorKind::DataConversion)?;
    let mut incoming = HttpResponse::new(status, SdkBody::from(answer.body().to_vec()));
    for (name, value) in answer.headers().iter() {
        let appended = incoming.headers_mut().try_append(name.as_str().to_owned(), value.as_str().to_owned());
        appended.map(drop).with_kind(ErrorKind::DataConversion)?;
    }
    Ok(incoming)
}
