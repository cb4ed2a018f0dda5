//! Lists in pages: `value`, and `nextLink` while there is more.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::super::{Answer, Call, answer};
use crate::Response;
use crate::token::Claims;
use crate::world::made_up_id;

/// Items by the keys they are sorted by.
pub(super) type Items = Vec<(String, Value)>;

/// One page of the items.
pub(super) fn page(call: &Call<'_>, caller: &Claims, items: Items, top: Option<usize>) -> Answer {
    page_linked_by("nextLink", call, caller, items, top)
}

/// As [`page`], with a name of its own for the link. The continuation names the last key shown, so that an item that comes or goes
/// meanwhile shifts no page.
pub(super) fn page_linked_by(link: &str, call: &Call<'_>, caller: &Claims, mut items: Items, top: Option<usize>) -> Answer {
    let list = identity(call, caller);
    items.sort_by(|(one, _), (other, _)| one.cmp(other));
    if let Some(token) = call.target.query("$skiptoken") {
        let shown = continued(&list, token)?;
        items.retain(|(key, _)| *key > shown);
    }
    let size = [Some(call.world.settings.page_size), top].into_iter().flatten().filter(|size| *size > 0).min();
    let more = size.filter(|size| items.len() > *size);
    let mut body = json!({});
    if let Some(size) = more {
        items.truncate(size);
        if let Some((last, _)) = items.last() {
            let token = BASE64.encode(format!("{list}/{last}"));
            body[link] = json!(call.target.with_query("$skiptoken", &token));
        }
    }
    body["value"] = items.into_iter().map(|(_, item)| item).collect();
    Ok(answer::json(200, &body))
}

/// What tells one list from another: who asks, where, and for what.
fn identity(call: &Call<'_>, caller: &Claims) -> String {
    let path = call.target.lower_path().join("/");
    let filter = call.target.query("$filter").unwrap_or_default();
    made_up_id(&format!("list/{}/{}/{path}?{filter}", caller.tid, call.request.method())).simple().to_string()
}

/// The last key shown before a page; 400 for a token of another list. No public source has Azure's own words for that.
fn continued(list: &str, token: &str) -> Result<String, Box<Response>> {
    let text = BASE64.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let key = text.as_deref().and_then(|text| text.split_once('/')).filter(|(own, _)| *own == list).map(|(_, key)| key.to_owned());
    key.ok_or_else(|| answer::error(400, "InvalidSkipToken", "The $skiptoken is not one that this list gave out."))
}
