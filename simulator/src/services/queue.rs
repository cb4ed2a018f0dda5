//! Storage queues (Storage REST documentation, "Queue service REST API").

use http::Method;
use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

use super::{Answer, Call, Routed, answer, xml};
use crate::Response;
use crate::target::Target;
use crate::token::Refusal;
use crate::world::QueueMessage;

const AUDIENCE: &str = "https://storage.azure.com";
/// The first version that takes bearer tokens.
const OLDEST_VERSION: &str = "2017-11-09";
const LIMIT_BYTES: usize = 64 * 1024;
const WEEK_SECONDS: i64 = 7 * 24 * 3600;

pub(super) fn route(account: &str, method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    let account = account.to_owned();
    let plain = target.query("comp").is_none() && target.query("peekonly").is_none();
    match (method, path.as_slice()) {
        (&Method::PUT, [queue]) if plain => on("queue.create", account, queue, create),
        (&Method::GET | &Method::HEAD, [queue]) if target.query("comp") == Some("metadata") => {
            on("queue.properties", account, queue, properties)
        }
        (&Method::POST, [queue, "messages"]) if plain => on("queue.enqueue", account, queue, enqueue),
        (&Method::GET, [queue, "messages"]) if plain => on("queue.receive", account, queue, receive),
        (&Method::DELETE, [queue, "messages", id]) if plain => {
            let id = (*id).to_owned();
            on("queue.delete", account, queue, move |call, place| delete(call, place, &id))
        }
        _ => Routed::not_modelled("queue.unknown", method, target),
    }
}

/// A queue in an account.
struct Place {
    account: String,
    queue: String,
}

fn on(operation: &'static str, account: String, queue: &str, act: impl FnOnce(&mut Call<'_>, &Place) -> Answer + Send + 'static) -> Routed {
    let queue = queue.to_owned();
    Routed::new(operation, move |call| {
        admit(call, &account)?;
        act(call, &Place { account, queue })
    })
}

/// Checks the version and the token.
fn admit(call: &Call<'_>, account: &str) -> Result<(), Box<Response>> {
    match call.header("x-ms-version") {
        None => {
            return Err(error(
                400,
                "MissingRequiredHeader",
                "An HTTP header that's mandatory for this request is not specified: x-ms-version.",
            ));
        }
        Some(version) if version.len() != OLDEST_VERSION.len() || version < OLDEST_VERSION => {
            return Err(error(
                400,
                "InvalidHeaderValue",
                "The value for one of the HTTP headers is not in the correct format: x-ms-version.",
            ));
        }
        Some(_) => {}
    }
    let known = call.world.storage_accounts.get(account).ok_or_else(|| answer::not_modelled("an account that was removed"))?;
    let own = format!("https://{account}.queue.core.windows.net");
    let verified = call.verify_in(&known.tenant_id, &[AUDIENCE, &own]);
    verified.map(drop).map_err(|refusal| unauthorized(&refusal, &known.tenant_id))
}

/// The queue's messages, or 404.
fn messages<'a>(call: &'a mut Call<'_>, place: &Place) -> Result<&'a mut Vec<QueueMessage>, Box<Response>> {
    let account = call.world.storage_accounts.get_mut(&place.account);
    account
        .and_then(|account| account.queues.get_mut(&place.queue))
        .ok_or_else(|| error(404, "QueueNotFound", "The specified queue does not exist."))
}

fn create(call: &mut Call<'_>, place: &Place) -> Answer {
    if !is_queue_name(&place.queue) {
        return Err(error(400, "InvalidResourceName", "The specified resource name contains invalid characters."));
    }
    let Some(account) = call.world.storage_accounts.get_mut(&place.account) else {
        return Err(answer::not_modelled("an account that was removed"));
    };
    if account.queues.contains_key(&place.queue) {
        return Ok(answer::empty(204));
    }
    account.queues.insert(place.queue.clone(), Vec::new());
    call.changed = true;
    Ok(answer::empty(201))
}

/// 3 to 63 lower-case letters, digits and single hyphens inside ("Naming queues and metadata").
fn is_queue_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=63).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('-') && !name.ends_with('-') && !name.contains("--")
}

fn properties(call: &mut Call<'_>, place: &Place) -> Answer {
    let now = call.now;
    let count = messages(call, place)?.iter().filter(|message| !message.has_expired(now)).count();
    Ok(answer::with_header(answer::empty(200), "x-ms-approximate-messages-count", &count.to_string()))
}

fn enqueue(call: &mut Call<'_>, place: &Place) -> Answer {
    let body = std::str::from_utf8(call.request.body()).ok();
    let text = body.filter(|body| body.contains("<QueueMessage>")).and_then(|body| xml::text_of(body, "MessageText"));
    let text = text.ok_or_else(|| error(400, "InvalidXmlDocument", "XML specified is not syntactically valid."))?;
    if text.len() > LIMIT_BYTES {
        return Err(error(413, "RequestBodyTooLarge", "The request body is too large and exceeds the maximum permissible limit."));
    }
    let life = number(call, "messagettl", WEEK_SECONDS, -1, i64::MAX)?;
    if life == 0 {
        return Err(out_of_range("messagettl"));
    }
    let hidden = number(call, "visibilitytimeout", 0, 0, WEEK_SECONDS)?;
    if life > 0 && hidden >= life {
        return Err(out_of_range("visibilitytimeout"));
    }
    messages(call, place)?;
    let message = QueueMessage {
        id: call.world.new_id().to_string(),
        text,
        inserted_on: call.now,
        expires_on: (life > 0).then(|| call.now.saturating_add(Duration::seconds(life))),
        visible_from: call.now.saturating_add(Duration::seconds(hidden)),
        dequeue_count: 0,
        pop_receipt: call.world.new_id().simple().to_string(),
    };
    let shown = shown(&message, false);
    messages(call, place)?.push(message);
    call.changed = true;
    Ok(answer::xml(201, &format!("<QueueMessagesList>{shown}</QueueMessagesList>")))
}

fn receive(call: &mut Call<'_>, place: &Place) -> Answer {
    let wanted = usize::try_from(number(call, "numofmessages", 1, 1, 32)?).unwrap_or(1);
    let hidden = number(call, "visibilitytimeout", 30, 1, WEEK_SECONDS)?;
    let now = call.now;
    let next_visible = now.saturating_add(Duration::seconds(hidden));
    let receipts: Vec<String> = (0..wanted).map(|_| call.world.new_id().simple().to_string()).collect();
    let all = messages(call, place)?;
    all.retain(|message| !message.has_expired(now));
    let visible = all.iter_mut().filter(|message| message.is_visible(now));
    let mut list = String::new();
    for (message, receipt) in visible.zip(receipts) {
        message.dequeue_count += 1;
        message.visible_from = next_visible;
        message.pop_receipt = receipt;
        list.push_str(&shown(message, true));
    }
    call.changed = !list.is_empty();
    Ok(answer::xml(200, &format!("<QueueMessagesList>{list}</QueueMessagesList>")))
}

fn delete(call: &mut Call<'_>, place: &Place, id: &str) -> Answer {
    let Some(receipt) = call.target.query("popreceipt").map(str::to_owned) else {
        return Err(error(
            400,
            "MissingRequiredQueryParameter",
            "A query parameter that's mandatory for this request is not specified: popreceipt.",
        ));
    };
    let messages = messages(call, place)?;
    match messages.iter().position(|message| message.id == id) {
        None => Err(error(404, "MessageNotFound", "The specified message does not exist.")),
        Some(at) if messages[at].pop_receipt != receipt => {
            Err(error(400, "PopReceiptMismatch", "The specified pop receipt did not match the pop receipt for a dequeued message."))
        }
        Some(at) => {
            messages.remove(at);
            call.changed = true;
            Ok(answer::empty(204))
        }
    }
}

/// A message as the service lists it; its text only where it was received.
fn shown(message: &QueueMessage, received: bool) -> String {
    let expires = message.expires_on.map_or_else(|| "Fri, 31 Dec 9999 23:59:59 GMT".to_owned(), http_date);
    let text = match received {
        true => format!("<DequeueCount>{}</DequeueCount><MessageText>{}</MessageText>", message.dequeue_count, xml::escaped(&message.text)),
        false => String::new(),
    };
    format!(
        "<QueueMessage><MessageId>{}</MessageId><InsertionTime>{}</InsertionTime><ExpirationTime>{expires}</ExpirationTime>\
         <PopReceipt>{}</PopReceipt><TimeNextVisible>{}</TimeNextVisible>{text}</QueueMessage>",
        message.id,
        http_date(message.inserted_on),
        message.pop_receipt,
        http_date(message.visible_from),
    )
}

/// A date as HTTP writes it: RFC 2822 with the zone's old name.
fn http_date(at: OffsetDateTime) -> String {
    at.format(&Rfc2822).unwrap_or_default().replace("+0000", "GMT")
}

/// A numeric query parameter within its limits.
fn number(call: &Call<'_>, name: &str, usual: i64, least: i64, most: i64) -> Result<i64, Box<Response>> {
    let Some(text) = call.target.query(name) else {
        return Ok(usual);
    };
    let number: i64 = text.parse().map_err(|_| {
        error(
            400,
            "InvalidQueryParameterValue",
            &format!("Value for one of the query parameters specified in the request URI is invalid: {name}."),
        )
    })?;
    match (least..=most).contains(&number) {
        true => Ok(number),
        false => Err(out_of_range(name)),
    }
}

fn out_of_range(name: &str) -> Box<Response> {
    error(
        400,
        "OutOfRangeQueryParameterValue",
        &format!("One of the query parameters specified in the request URI is outside the permissible range: {name}."),
    )
}

fn unauthorized(refusal: &Refusal, tenant_id: &str) -> Box<Response> {
    let (code, message) = match refusal {
        Refusal::Missing => (
            "NoAuthenticationInformation",
            "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.",
        ),
        Refusal::Expired => ("InvalidAuthenticationInfo", "Lifetime validation failed. The token is expired."),
        Refusal::Audience(_) => ("InvalidAuthenticationInfo", "Audience validation failed. Audience did not match."),
        Refusal::Tenant(_) => ("InvalidAuthenticationInfo", "Issuer validation failed. Issuer did not match."),
        Refusal::Forged => ("InvalidAuthenticationInfo", "Signature validation failed."),
    };
    let header = format!("Bearer authorization_uri=https://login.microsoftonline.com/{tenant_id}/oauth2/authorize resource_id={AUDIENCE}");
    let response = error(401, code, message);
    Box::new(answer::with_header(*response, "www-authenticate", &header))
}

fn error(status: u16, code: &str, message: &str) -> Box<Response> {
    let response = answer::xml(status, &xml::error(code, message));
    Box::new(answer::with_header(response, "x-ms-error-code", code))
}
