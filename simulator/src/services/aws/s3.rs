//! S3 over its REST protocol (API reference, `GetObject`, `PutObject`, `DeleteObject`, `ListObjectsV2`, "Error responses").

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderValue};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use url::form_urlencoded;

use super::{Caller, Endpoint, Outcome, Refusal, Wish, operation, unknown};
use crate::services::{Call, Routed, answer, xml};
use crate::target::Target;
use crate::world::aws::{Bucket, Object};
use crate::{Request, Response};

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
/// What a page holds at most, and where nothing is said.
const PAGE: usize = 1000;
/// The type of what is put without one.
const ANY_TYPE: &str = "binary/octet-stream";
/// What a list may be asked for here.
const KNOWN: [&str; 6] = ["list-type", "prefix", "max-keys", "continuation-token", "encoding-type", "x-id"];

/// An object or a bucket, as an address names it.
#[derive(Clone, Debug)]
struct Place {
    bucket: String,
    key: String,
}

pub(super) fn route(endpoint: &Endpoint, request: &Request, target: &Target) -> Routed {
    let mut path = target.path.iter();
    let bucket = endpoint.bucket.as_ref().or_else(|| path.next()).cloned().unwrap_or_default();
    let place = Place { bucket, key: path.map(String::as_str).collect::<Vec<_>>().join("/") };
    let is_object = !place.key.is_empty() && target.query_beyond(&["x-id"]).is_none();
    let is_list = place.key.is_empty() && target.query("list-type") == Some("2") && target.query_beyond(&KNOWN).is_none();
    match *request.method() {
        Method::GET if is_object => operation("s3.get", endpoint, move |call, caller| get(call, caller, &place)),
        Method::PUT if is_object => operation("s3.put", endpoint, move |call, caller| put(call, caller, place)),
        Method::DELETE if is_object => operation("s3.delete", endpoint, move |call, caller| delete(call, caller, &place)),
        Method::GET if is_list => operation("s3.list", endpoint, move |call, caller| list(call, caller, &place)),
        _ => Routed::not_modelled(unknown(endpoint.service), request.method(), target),
    }
}

/// The caller's own bucket, where it may do `action` with it. Another account's is denied.
fn bucket<'a>(call: &'a mut Call<'_>, caller: &Caller, action: &str, place: &Place) -> Outcome<&'a mut Bucket> {
    if !call.world.aws.values().any(|account| account.buckets.contains_key(&place.bucket)) {
        return Err(Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist"));
    }
    let partition = caller.account(call)?.partition();
    let resource = match place.key.as_str() {
        "" => format!("arn:{partition}:s3:::{}", place.bucket),
        key => format!("arn:{partition}:s3:::{}/{key}", place.bucket),
    };
    // S3 alone puts quotes around it.
    let shown = format!("\"{resource}\"");
    caller.may(call, 403, Wish::new(action, resource).shown(shown))?;
    let account = call.world.aws.get_mut(&caller.account_id);
    account.and_then(|account| account.buckets.get_mut(&place.bucket)).ok_or_else(|| Refusal::new(403, "AccessDenied", "Access Denied"))
}

/// Who may not list a bucket does not learn that a key is not there ("Permissions" of `GetObject`).
fn get(call: &mut Call<'_>, caller: &Caller, place: &Place) -> Outcome<Response> {
    let found = bucket(call, caller, "s3:GetObject", place)?.objects.get(&place.key).cloned();
    let Some(object) = found else {
        let listed = Place { key: String::new(), ..place.clone() };
        bucket(call, caller, "s3:ListBucket", &listed)?;
        return Err(Refusal::new(404, "NoSuchKey", "The specified key does not exist."));
    };
    if call.header("if-match").is_some_and(|wanted| wanted != object.etag()) {
        return Err(Refusal::new(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"));
    }
    let mut response = answer::with_header(part(&object, call.header("range"))?, "etag", &object.etag());
    if let Ok(content_type) = HeaderValue::from_str(&object.content_type) {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    Ok(answer::with_header(response, "last-modified", &http_date(object.modified_on)))
}

/// The whole, or one range of bytes (RFC 9110, section 14); another form of range is passed over.
fn part(object: &Object, range: Option<&str>) -> Outcome<Response> {
    let bounds = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let bounds = bounds.and_then(|(first, last)| Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?)));
    let Some((first, last)) = bounds else { return Ok(answer::with_body(200, ANY_TYPE, object.body.clone())) };
    let whole = object.body.len();
    if first >= whole {
        return Err(Refusal::new(416, "InvalidRange", "The requested range is not satisfiable"));
    }
    let last = last.min(whole - 1);
    let response = answer::with_body(206, ANY_TYPE, object.body[first..=last.max(first)].to_vec());
    Ok(answer::with_header(response, "content-range", &format!("bytes {first}-{last}/{whole}")))
}

fn put(call: &mut Call<'_>, caller: &Caller, place: Place) -> Outcome<Response> {
    let content_type = call.header("content-type").unwrap_or(ANY_TYPE).to_owned();
    let object = Object { content_type, body: call.request.body().to_vec(), modified_on: call.now };
    let etag = object.etag();
    bucket(call, caller, "s3:PutObject", &place)?.objects.insert(place.key, object);
    call.changed = true;
    Ok(answer::with_header(answer::empty(200), "etag", &etag))
}

fn delete(call: &mut Call<'_>, caller: &Caller, place: &Place) -> Outcome<Response> {
    let removed = bucket(call, caller, "s3:DeleteObject", place)?.objects.remove(&place.key);
    call.changed = removed.is_some();
    Ok(answer::empty(204))
}

fn list(call: &mut Call<'_>, caller: &Caller, place: &Place) -> Outcome<Response> {
    let asked = |name: &str| call.target.query(name).unwrap_or_default().to_owned();
    let (prefix, most, token) = (asked("prefix"), asked("max-keys"), asked("continuation-token"));
    let most = most.parse().unwrap_or(PAGE).min(PAGE);
    let after = BASE64.decode(&token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let after = after.ok_or_else(|| Refusal::bad_request("InvalidArgument", "The continuation token provided is incorrect"))?;
    let is_encoded = call.target.query("encoding-type") == Some("url");
    let written = |text: &str| if is_encoded { encoded(text) } else { xml::escaped(text) };
    let encoding = if is_encoded { "<EncodingType>url</EncodingType>" } else { "" };
    let found = bucket(call, caller, "s3:ListBucket", place)?;
    let mut left = found.objects.iter().filter(|(key, _)| key.starts_with(&prefix) && (token.is_empty() || **key > after));
    let shown: Vec<(&String, &Object)> = left.by_ref().take(most).collect();
    let next = left.next().and(shown.last()).map(|(key, _)| BASE64.encode(key));
    let mut body = format!(
        "<ListBucketResult xmlns=\"{NAMESPACE}\"><Name>{}</Name><Prefix>{}</Prefix><KeyCount>{}</KeyCount><MaxKeys>{most}</MaxKeys>\
         <IsTruncated>{}</IsTruncated>{encoding}",
        xml::escaped(&place.bucket),
        written(&prefix),
        shown.len(),
        next.is_some(),
    );
    for (key, object) in shown {
        // Writing to a String does not fail.
        let _ = write!(
            body,
            "<Contents><Key>{}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass>\
             </Contents>",
            written(key),
            object.modified_on.to_utc().format(&Rfc3339).unwrap_or_default(),
            object.etag().replace('"', "&quot;"),
            object.body.len(),
        );
    }
    if let Some(next) = next {
        let _ = write!(body, "<NextContinuationToken>{next}</NextContinuationToken>");
    }
    Ok(answer::xml(200, &format!("{body}</ListBucketResult>")))
}

/// A key as a list shows it with `encoding-type=url`.
fn encoded(key: &str) -> String {
    form_urlencoded::byte_serialize(key.as_bytes()).collect::<String>().replace("%2F", "/")
}

fn http_date(at: OffsetDateTime) -> String {
    at.format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT")
}
