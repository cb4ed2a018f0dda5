//! Lists in pages: `value`, and `nextLink` while there is more.

use std::collections::BTreeMap;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use super::super::{Answer, Call, answer};
use crate::Response;
use crate::token::Claims;
use crate::world::made_up_id;

/// Items by the keys they are sorted by.
pub(super) type Items = Vec<(String, Value)>;

/// The part of a long list that its page can need: what comes behind the pages before, and one item more than the page holds.
pub(super) struct Window {
    after: Bound<String>,
    pub most: usize,
}

impl Window {
    pub fn of(call: &Call<'_>, caller: &Claims, top: Option<usize>) -> Result<Self, Box<Response>> {
        let list = identity(call, caller);
        let after = match call.target.query("$skiptoken") {
            Some(token) => Bound::Excluded(continued(&list, token)?),
            None => Bound::Unbounded,
        };
        Ok(Self { after, most: size(call, top).map_or(usize::MAX, |size| size.saturating_add(1)) })
    }

    /// The things behind the pages before.
    pub fn over<'a, T>(&self, things: &'a BTreeMap<String, T>) -> impl Iterator<Item = (&'a str, &'a T)> {
        let after = self.after.as_ref().map(String::as_str);
        things.range::<str, _>((after, Bound::Unbounded)).map(|(key, thing)| (key.as_str(), thing))
    }
}

/// One page of the items.
pub(super) fn page(call: &Call<'_>, caller: &Claims, items: Items, top: Option<usize>) -> Answer {
    page_linked_by("nextLink", call, caller, items, top)
}

/// As [`page`], with a name of its own for the link.
pub(super) fn page_linked_by(link: &str, call: &Call<'_>, caller: &Claims, items: Items, top: Option<usize>) -> Answer {
    linked(link, call, caller, items, top, |_, item| item)
}

/// As [`page`], for long lists: only the items on the page are brought into their shape.
pub(super) fn page_of<T>(
    call: &Call<'_>,
    caller: &Claims,
    items: Vec<(&str, T)>,
    top: Option<usize>,
    show: impl Fn(&str, T) -> Value,
) -> Answer {
    linked("nextLink", call, caller, items, top, |key, item| show(key, item))
}

/// The continuation names the last key shown, so that an item that comes or goes meanwhile shifts no page.
fn linked<K: AsRef<str> + Ord, T>(
    link: &str,
    call: &Call<'_>,
    caller: &Claims,
    mut items: Vec<(K, T)>,
    top: Option<usize>,
    show: impl Fn(&str, T) -> Value,
) -> Answer {
    let list = identity(call, caller);
    items.sort_by(|(one, _), (other, _)| one.cmp(other));
    if let Some(token) = call.target.query("$skiptoken") {
        let shown = continued(&list, token)?;
        items.retain(|(key, _)| *key.as_ref() > *shown);
    }
    let more = size(call, top).filter(|size| items.len() > *size);
    let mut body = json!({});
    if let Some(size) = more {
        items.truncate(size);
        if let Some((last, _)) = items.last() {
            let token = BASE64.encode(format!("{list}/{}", last.as_ref()));
            body[link] = json!(call.target.with_query("$skiptoken", &token));
        }
    }
    body["value"] = items.into_iter().map(|(key, item)| show(key.as_ref(), item)).collect();
    Ok(answer::json(200, &body))
}

/// How many items a page holds; without a limit, all.
fn size(call: &Call<'_>, top: Option<usize>) -> Option<usize> {
    [Some(call.world.settings.page_size), top].into_iter().flatten().filter(|size| *size > 0).min()
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
