//! Blob storage, as far as documents are kept in it whole (Storage REST documentation, "Blob service REST API").

use http::Method;

use super::storage::{self, Wanted, error, http_date};
use super::{Answer, Call, Routed, answer, xml};
use crate::Response;
use crate::target::Target;
use crate::world::{Blob, Container};

/// The most that a page of a list holds ("List Blobs").
const LARGEST_PAGE: i64 = 5000;

const READ: Wanted = &[&["containers/blobs/read"]];
/// A blob that is there already is written anew by the first of them alone, and all blobs here may be.
const WRITE: Wanted = &[&["containers/blobs/write"]];

pub(super) fn route(account: &str, method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    let (kind, part) = (target.query("restype"), target.query("comp"));
    match (method, path.as_slice(), kind, part) {
        (&Method::PUT, [container], Some("container"), None) => {
            on("blob.container.create", &[&["containers/write"]], account, container, "", create)
        }
        (&Method::GET, [container], Some("container"), Some("list")) => on("blob.list", READ, account, container, "", list),
        (&Method::PUT, [container, name @ ..], None, None) if !name.is_empty() => {
            on("blob.put", WRITE, account, container, &name.join("/"), put)
        }
        (&Method::GET, [container, name @ ..], None, None) if !name.is_empty() => {
            on("blob.get", READ, account, container, &name.join("/"), get)
        }
        (&Method::DELETE, [container, name @ ..], None, None) if !name.is_empty() => {
            on("blob.delete", &[&["containers/blobs/delete"]], account, container, &name.join("/"), delete)
        }
        _ => Routed::not_modelled("blob.unknown", method, target),
    }
}

/// A blob, or a container where the name is empty.
struct Place {
    account: String,
    container: String,
    name: String,
}

fn on(
    operation: &'static str,
    wanted: Wanted,
    account: &str,
    container: &str,
    name: &str,
    act: fn(&mut Call<'_>, &Place) -> Answer,
) -> Routed {
    let place = Place { account: account.to_owned(), container: container.to_owned(), name: name.to_owned() };
    Routed::new(operation, move |call| {
        let caller = storage::admit(call, &place.account, "blob")?;
        storage::authorize(call, &caller, &place.account, &place.container, wanted)?;
        act(call, &place)
    })
}

/// The container, or 404.
fn container<'a>(call: &'a mut Call<'_>, place: &Place) -> Result<&'a mut Container, Box<Response>> {
    let account = call.world.storage_accounts.get_mut(&place.account);
    account
        .and_then(|account| account.containers.get_mut(&place.container))
        .ok_or_else(|| error(404, "ContainerNotFound", "The specified container does not exist."))
}

fn not_found() -> Box<Response> {
    error(404, "BlobNotFound", "The specified blob does not exist.")
}

fn create(call: &mut Call<'_>, place: &Place) -> Answer {
    if !storage::is_name(&place.container) {
        return Err(error(400, "InvalidResourceName", "The specified resource name contains invalid characters."));
    }
    let account = call.world.storage_accounts.get_mut(&place.account).ok_or_else(storage::removed)?;
    if account.containers.contains_key(&place.container) {
        return Err(error(409, "ContainerAlreadyExists", "The specified container already exists."));
    }
    account.containers.insert(place.container.clone(), Container::new());
    call.changed = true;
    Ok(answer::empty(201))
}

fn put(call: &mut Call<'_>, place: &Place) -> Answer {
    match call.header("x-ms-blob-type") {
        Some("BlockBlob") => {}
        Some(_) => return Err(answer::not_modelled("another blob than a block blob")),
        None => {
            let message = "An HTTP header that's mandatory for this request is not specified: x-ms-blob-type.";
            return Err(error(400, "MissingRequiredHeader", message));
        }
    }
    if call.header("if-match").is_some() || call.header("if-none-match").is_some() {
        return Err(answer::not_modelled("writing a blob on a condition"));
    }
    let text = String::from_utf8(call.request.body().to_vec()).map_err(|_| answer::not_modelled("a blob that is not UTF-8 text"))?;
    let content_type = call.header("x-ms-blob-content-type").or_else(|| call.header("content-type"));
    let content_type = content_type.unwrap_or("application/octet-stream").to_owned();
    container(call, place)?;
    let blob = Blob { text, content_type, modified_on: call.now, etag: format!("\"0x{}\"", call.world.new_id().simple()) };
    let response = described(answer::empty(201), &blob);
    container(call, place)?.insert(place.name.clone(), blob);
    call.changed = true;
    Ok(response)
}

/// A blob, or the part of it that `Range` asks for ("Get Blob").
fn get(call: &mut Call<'_>, place: &Place) -> Answer {
    let range = call.header("x-ms-range").or_else(|| call.header("range")).map(str::to_owned);
    let condition = call.header("if-match").map(str::to_owned);
    let blob = container(call, place)?.get(&place.name).ok_or_else(not_found)?;
    if condition.is_some_and(|etag| etag != blob.etag) {
        return Err(error(412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met."));
    }
    let whole = blob.text.as_bytes();
    let response = match range {
        None => whole_or_part(200, whole),
        Some(range) => {
            let (first, last) = part(&range, whole.len())
                .ok_or_else(|| error(416, "InvalidRange", "The range specified is invalid for the current size of the resource."))?;
            let response = whole_or_part(206, &whole[first..=last]);
            answer::with_header(response, "content-range", &format!("bytes {first}-{last}/{}", whole.len()))
        }
    };
    let mut response = described(response, blob);
    if let Ok(content_type) = blob.content_type.parse() {
        response.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
    }
    Ok(answer::with_header(response, "x-ms-blob-type", "BlockBlob"))
}

fn whole_or_part(status: u16, bytes: &[u8]) -> Response {
    answer::with_body(status, "application/octet-stream", bytes.to_vec())
}

/// The first and the last byte that `bytes=0-99` or `bytes=100-` names, if the blob has the first.
fn part(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let last = if last.is_empty() { usize::MAX } else { last.parse().ok()? };
    (first < length && first <= last).then(|| (first, last.min(length - 1)))
}

fn delete(call: &mut Call<'_>, place: &Place) -> Answer {
    container(call, place)?.remove(&place.name).ok_or_else(not_found)?;
    call.changed = true;
    Ok(answer::empty(202))
}

/// A page of the blobs by name. The marker is the first name of the page that it leads to; the real service's is opaque ("List Blobs").
fn list(call: &mut Call<'_>, place: &Place) -> Answer {
    if let Some(other) = call.target.query_beyond(&["restype", "comp", "prefix", "marker", "maxresults"]) {
        return Err(answer::not_modelled(&format!("the query parameter {other} of a list of blobs")));
    }
    let size = storage::number(call, "maxresults", LARGEST_PAGE, 1, i64::MAX)?.min(LARGEST_PAGE);
    let size = usize::try_from(size).unwrap_or(1);
    let size = if call.world.settings.page_size == 0 { size } else { size.min(call.world.settings.page_size) };
    let prefix = call.target.query("prefix").unwrap_or_default().to_owned();
    let marker = call.target.query("marker").unwrap_or_default().to_owned();
    let account = &place.account;
    let head = format!("ServiceEndpoint=\"https://{account}.blob.{}/\" ContainerName=\"{}\"", call.cloud().storage(), place.container);
    let mut found = container(call, place)?.iter().filter(|(name, _)| name.starts_with(&prefix) && **name >= marker);
    let page: String = found.by_ref().take(size).map(|(name, blob)| shown(name, blob)).collect();
    let next = found.next().map(|(name, _)| xml::escaped(name)).unwrap_or_default();
    let body = format!(
        "<EnumerationResults {head}><Prefix>{}</Prefix><Blobs>{page}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>",
        xml::escaped(&prefix),
    );
    Ok(answer::xml(200, &body))
}

fn shown(name: &str, blob: &Blob) -> String {
    format!(
        "<Blob><Name>{}</Name><Properties><Last-Modified>{}</Last-Modified><Etag>{}</Etag><Content-Length>{}</Content-Length>\
         <Content-Type>{}</Content-Type><BlobType>BlockBlob</BlobType></Properties></Blob>",
        xml::escaped(name),
        http_date(blob.modified_on),
        blob.etag.trim_matches('"'),
        blob.text.len(),
        xml::escaped(&blob.content_type),
    )
}

fn described(response: Response, blob: &Blob) -> Response {
    let response = answer::with_header(response, "etag", &blob.etag);
    answer::with_header(response, "last-modified", &http_date(blob.modified_on))
}
