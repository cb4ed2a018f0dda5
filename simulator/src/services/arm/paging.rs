//! Lists in pages: `value`, and `nextLink` while there is more.

use serde_json::{Value, json};

use super::super::{Answer, Call, answer};

/// Items by the keys they are sorted by.
pub(super) type Items = Vec<(String, Value)>;

/// One page of the items. The continuation names the last key shown, so that an item that comes or goes meanwhile shifts no page.
pub(super) fn page(call: &Call<'_>, mut items: Items, top: Option<usize>) -> Answer {
    items.sort_by(|(one, _), (other, _)| one.cmp(other));
    if let Some(shown) = call.target.query("$skiptoken") {
        items.retain(|(key, _)| key.as_str() > shown);
    }
    let size = [Some(call.world.settings.page_size), top].into_iter().flatten().filter(|size| *size > 0).min();
    let more = size.filter(|size| items.len() > *size);
    let mut body = json!({});
    if let Some(size) = more {
        items.truncate(size);
        if let Some((last, _)) = items.last() {
            body["nextLink"] = json!(call.target.with_query("$skiptoken", last));
        }
    }
    body["value"] = items.into_iter().map(|(_, item)| item).collect();
    Ok(answer::json(200, &body))
}
