//! Storage queues (Storage REST documentation, "Queue service REST API").

use http::Method;
use time::Duration;

use super::storage::{self, Wanted, error, http_date, number, out_of_range};
use super::{Answer, Call, Routed, answer, xml};
use crate::Response;
use crate::target::Target;
use crate::world::QueueMessage;

const LIMIT_BYTES: usize = 64 * 1024;
const WEEK_SECONDS: i64 = 7 * 24 * 3600;

const PUT: Wanted = &[&["queues/messages/add/action"], &["queues/messages/write"]];
const GET: Wanted = &[&["queues/messages/process/action"], &["queues/messages/delete", "queues/messages/read"]];
const DELETE: Wanted = &[&["queues/messages/process/action"], &["queues/messages/delete"]];

pub(super) fn route(account: &str, method: &Method, target: &Target) -> Routed {
    let path: Vec<&str> = target.path.iter().map(String::as_str).collect();
    let account = account.to_owned();
    let plain = target.query("comp").is_none() && target.query("peekonly").is_none();
    match (method, path.as_slice()) {
        (&Method::PUT, [queue]) if plain => on("queue.create", &[&["queues/write"]], account, queue, create),
        (&Method::GET | &Method::HEAD, [queue]) if target.query("comp") == Some("metadata") => {
            on("queue.properties", &[&["queues/read"]], account, queue, properties)
        }
        (&Method::POST, [queue, "messages"]) if plain => on("queue.enqueue", PUT, account, queue, enqueue),
        (&Method::GET, [queue, "messages"]) if plain => on("queue.receive", GET, account, queue, receive),
        (&Method::DELETE, [queue, "messages", id]) if plain => {
            let id = (*id).to_owned();
            on("queue.delete", DELETE, account, queue, move |call, place| delete(call, place, &id))
        }
        (&Method::PUT, [queue, "messages", id]) if plain => {
            let id = (*id).to_owned();
            on("queue.release", &[&["queues/messages/write"]], account, queue, move |call, place| hide(call, place, &id))
        }
        _ => Routed::not_modelled("queue.unknown", method, target),
    }
}

/// A queue in an account.
struct Place {
    account: String,
    queue: String,
}

fn on(
    operation: &'static str,
    wanted: Wanted,
    account: String,
    queue: &str,
    act: impl FnOnce(&mut Call<'_>, &Place) -> Answer + Send + 'static,
) -> Routed {
    let queue = queue.to_owned();
    Routed::new(operation, move |call| {
        let caller = storage::admit(call, &account, "queue")?;
        storage::authorize(call, &caller, &account, &queue, wanted)?;
        act(call, &Place { account, queue })
    })
}

/// The queue's messages, or 404.
fn messages<'a>(call: &'a mut Call<'_>, place: &Place) -> Result<&'a mut Vec<QueueMessage>, Box<Response>> {
    let account = call.world.storage_accounts.get_mut(&place.account);
    account
        .and_then(|account| account.queues.get_mut(&place.queue))
        .ok_or_else(|| error(404, "QueueNotFound", "The specified queue does not exist."))
}

fn create(call: &mut Call<'_>, place: &Place) -> Answer {
    if !storage::is_name(&place.queue) {
        return Err(error(400, "InvalidResourceName", "The specified resource name contains invalid characters."));
    }
    let account = call.world.storage_accounts.get_mut(&place.account).ok_or_else(storage::removed)?;
    if account.queues.contains_key(&place.queue) {
        return Ok(answer::empty(204));
    }
    account.queues.insert(place.queue.clone(), Vec::new());
    call.changed = true;
    Ok(answer::empty(201))
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
    let at = received(call, place, id)?;
    messages(call, place)?.remove(at);
    call.changed = true;
    Ok(answer::empty(204))
}

/// Says anew how long a message stays hidden ("Update Message"). Only its text stays as it is: to change that too is not modelled.
fn hide(call: &mut Call<'_>, place: &Place, id: &str) -> Answer {
    if !call.request.body().is_empty() {
        return Err(answer::not_modelled("changing the text of a message"));
    }
    if call.target.query("visibilitytimeout").is_none() {
        return Err(missing("visibilitytimeout"));
    }
    let hidden = number(call, "visibilitytimeout", 0, 0, WEEK_SECONDS)?;
    let at = received(call, place, id)?;
    let (receipt, visible_from) = (call.world.new_id().simple().to_string(), call.now.saturating_add(Duration::seconds(hidden)));
    let message = &mut messages(call, place)?[at];
    (message.pop_receipt, message.visible_from) = (receipt.clone(), visible_from);
    call.changed = true;
    let response = answer::with_header(answer::empty(204), "x-ms-popreceipt", &receipt);
    Ok(answer::with_header(response, "x-ms-time-next-visible", &http_date(visible_from)))
}

/// Where the message is that the caller received last.
fn received(call: &mut Call<'_>, place: &Place, id: &str) -> Result<usize, Box<Response>> {
    let receipt = call.target.query("popreceipt").map(str::to_owned).ok_or_else(|| missing("popreceipt"))?;
    let messages = messages(call, place)?;
    match messages.iter().position(|message| message.id == id) {
        None => Err(error(404, "MessageNotFound", "The specified message does not exist.")),
        Some(at) if messages[at].pop_receipt != receipt => {
            Err(error(400, "PopReceiptMismatch", "The specified pop receipt did not match the pop receipt for a dequeued message."))
        }
        Some(at) => Ok(at),
    }
}

fn missing(name: &str) -> Box<Response> {
    let message = format!("A query parameter that's mandatory for this request is not specified: {name}.");
    error(400, "MissingRequiredQueryParameter", &message)
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
