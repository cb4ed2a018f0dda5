//! `GET /api/coverage`: the report that the last sweep left of one tenant, as JSON or as a page.

use std::io::Write as _;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use time::OffsetDateTime;

use super::http::{caller_refused, problem};
use crate::Onboarder;
use crate::callers::Caller;
use crate::error::{Code, Disposition, Error};
use crate::page;
use crate::report::Report;
use crate::scope::Guid;

/// From this size on, an answer is compressed for who takes that.
const WORTH_COMPRESSING: usize = 4 * 1024;
const CALL: &str = "Ask for /api/coverage?tenant=TENANT_ID, with format=json or format=html where the Accept header does not say it.";

/// What is asked for in the query.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    /// The tenant's id.
    pub tenant: Option<String>,
    /// `json` or `html`.
    pub format: Option<String>,
}

impl Query {
    /// Reads a URL's query. Several values of one name become one with commas, as on Lambda: that is no tenant, and no format.
    pub fn of(text: &str) -> Self {
        let value = |name: &str| {
            let values = url::form_urlencoded::parse(text.as_bytes()).filter(|(key, _)| key == name).map(|(_, value)| value.into_owned());
            values.reduce(|values, value| format!("{values},{value}"))
        };
        Self { tenant: value("tenant"), format: value("format") }
    }

    /// The tenant, which has to be one.
    ///
    /// # Errors
    /// `InvalidEvent` with what to ask for.
    pub fn tenant(&self) -> Result<Guid, Error> {
        let invalid = |words: &str| Error::new(Code::InvalidEvent, words).hint(CALL);
        let text = self.tenant.as_deref().ok_or_else(|| invalid("the query names no tenant"))?;
        Guid::parse(text).map_err(|_| invalid("the query's tenant is not one GUID"))
    }

    fn wants_page(&self, headers: &HeaderMap) -> Result<bool, Error> {
        match self.format.as_deref() {
            Some("html") => Ok(true),
            Some("json") => Ok(false),
            Some(_) => Err(Error::new(Code::InvalidEvent, "the query's format is neither json nor html").hint(CALL)),
            None => Ok(accepts(headers, &header::ACCEPT, "text/html")),
        }
    }
}

/// Answers a caller who was let in.
pub(super) async fn answer(onboarder: &Onboarder, caller: &Caller, query: &Query, headers: &HeaderMap) -> Response {
    let asked = query.tenant().and_then(|tenant| Ok((tenant, query.wants_page(headers)?)));
    let (tenant, wants_page) = match asked {
        Ok(asked) => asked,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &error),
    };
    if let Err(error) = caller.may_name(tenant) {
        return caller_refused(&error, headers);
    }
    tracing::info!(function = "Coverage", %caller, %tenant, "called");
    match onboarder.stored_report(tenant).await {
        Ok(Some(report)) => show(&report, wants_page, onboarder, headers),
        Ok(None) => {
            let error = Error::new(Code::TenantNotServed, format!("no sweep has left a report of tenant {tenant}"))
                .hint("Wait for the next sweep, or run `ispm-onboarder coverage`, which reads everything now.");
            problem(StatusCode::NOT_FOUND, &error)
        }
        Err(error) => {
            let status = match error.disposition(false) {
                _ if error.code == Code::NotConfigured => StatusCode::NOT_FOUND,
                Disposition::Reject => StatusCode::BAD_GATEWAY,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            problem(status, &error)
        }
    }
}

fn show(report: &Report, wants_page: bool, onboarder: &Onboarder, headers: &HeaderMap) -> Response {
    let now = onboarder.now();
    let age = (now - report.at).whole_seconds().max(0);
    let shown = if wants_page { Ok(as_page(report, now, headers)) } else { as_json(report, age, headers) };
    let mut response = match shown {
        Ok(response) => response,
        Err(error) => return problem(StatusCode::INTERNAL_SERVER_ERROR, &error),
    };
    for (name, value) in page::HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response.headers_mut().insert(header::AGE, HeaderValue::from(age));
    response
}

fn as_page(report: &Report, now: OffsetDateTime, headers: &HeaderMap) -> Response {
    let page = page::render(&report.into(), now);
    let mut response = compressed(page.html.into_bytes(), headers);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(page::CONTENT_TYPE));
    if let Ok(policy) = HeaderValue::try_from(page.csp) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A report, and how old it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    age_seconds: i64,
}

fn as_json(report: &Report, age: i64, headers: &HeaderMap) -> Result<Response, Error> {
    let document = serde_json::to_vec(&Document { report, age_seconds: age });
    let document = document.map_err(|_| Error::new(Code::UnexpectedAnswer, "the report cannot be written as JSON"))?;
    let mut response = compressed(document, headers);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The body, compressed where that is worth it and the caller takes it.
fn compressed(body: Vec<u8>, headers: &HeaderMap) -> Response {
    let wanted = body.len() >= WORTH_COMPRESSING && accepts(headers, &header::ACCEPT_ENCODING, "gzip");
    let smaller = wanted.then(|| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&body).and_then(|()| encoder.finish())
    });
    let mut response = match smaller {
        Some(Ok(smaller)) => ([(header::CONTENT_ENCODING, "gzip")], smaller).into_response(),
        _ => body.into_response(),
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    response
}

/// Whether a header lists a value, and not with a quality of nothing.
fn accepts(headers: &HeaderMap, name: &HeaderName, value: &str) -> bool {
    let listed = headers.get_all(name).into_iter().filter_map(|text| text.to_str().ok()).flat_map(|text| text.split(','));
    listed.map(str::trim).any(|item| {
        let (kind, quality) = item.split_once(';').unwrap_or((item, ""));
        let refused = quality.trim().strip_prefix("q=").and_then(|quality| quality.parse().ok()).is_some_and(|quality: f32| quality <= 0.0);
        kind.trim().eq_ignore_ascii_case(value) && !refused
    })
}
