//! Whatever ISPM may answer: `{"profile": "accounts", "call": "create", "answers": [{"status": 409, "headers": {}, "body": {}}]}`. The
//! answers are given one after the other, and then again from the first; `text` stands for a body that is no JSON. Without `call` all calls
//! are made.

use azure_core::http::headers::Headers;
use ispm_onboarder::error::Error;
use ispm_onboarder::ispm::{Connection, Connections, Found, IspmClient, Profile, Seen};
use ispm_onboarder::net::plain_word;
use ispm_onboarder::plan::Step;
use ispm_onboarder::scope::Scope;
use serde_json::Value;

use super::cloud::block_on;
use super::vendor::{ENTRA_SOURCE, Vendor, scopes, within_time};
use super::words;

/// Each exchange may be tried three times; the longest list has 2,500 pages.
const MOST_EXCHANGES: usize = 3 * 2_600;
/// Shorter texts may stand in our own words by chance.
const LONG_ENOUGH: usize = 10;

/// The answers are understood as the profile says, or refused in words of our own; the calls come to an end.
pub fn check(bytes: &[u8]) {
    let Ok(input) = serde_json::from_slice::<Value>(bytes) else { return };
    let answers = input["answers"].as_array().cloned().unwrap_or_default();
    let foreign = foreign_words(&answers);
    let given = answers.clone();
    let vendor = Vendor::new(profile(input["profile"].as_str().unwrap_or_default()), Box::new(move |number| answer(&given, number)));
    let client = vendor.client();
    let calls = ["source", "find", "create", "all", "remove"];
    let chosen = calls.into_iter().filter(|name| input["call"].as_str().is_none_or(|call| call == *name));
    for call in chosen {
        let before = vendor.asked();
        let error = block_on(make(call, &client));
        assert!(vendor.asked() - before <= MOST_EXCHANGES + answers.len() * 3, "{call} does not end");
        for text in error.iter().flat_map(|error| [Some(&error.message), error.hint.as_ref()]).flatten() {
            let shown = foreign.iter().find(|word| text.contains(word.as_str()));
            assert_eq!(shown, None, "ISPM's own words in {text:?}");
        }
    }
}

/// The profile that ships, or one of the tests' own.
fn profile(name: &str) -> Profile {
    let text = match name {
        "accounts" => include_str!("../../connect/profiles/accounts.json"),
        "json-api" => include_str!("../../connect/profiles/json-api.json"),
        _ => Profile::SHIPPED,
    };
    Profile::read(text, name).expect("the profile is valid")
}

fn answer(answers: &[Value], number: usize) -> Option<(u16, Headers, Vec<u8>)> {
    let answer = answers.get(number.checked_rem(answers.len())?)?;
    let status = answer["status"].as_u64().and_then(|status| u16::try_from(status).ok())?;
    let mut headers = Headers::new();
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        headers.insert(name.to_ascii_lowercase(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    let body = answer["text"].as_str().map_or_else(|| answer["body"].to_string(), str::to_owned);
    Some((status, headers, body.into_bytes()))
}

/// What ISPM says that is no plain word: of such a word our own may consist, of the others they must not.
fn foreign_words(answers: &[Value]) -> Vec<String> {
    let mut words = Vec::new();
    let mut left: Vec<&Value> = answers.iter().collect();
    while let Some(value) = left.pop() {
        match value {
            Value::String(text) if text.len() >= LONG_ENOUGH && plain_word(text).is_none() && !is_ours(text) => words.push(text.clone()),
            Value::Array(items) => left.extend(items),
            Value::Object(members) => left.extend(members.values()),
            _ => {}
        }
    }
    words
}

/// What we asked for may come back.
fn is_ours(text: &str) -> bool {
    let bare = text.trim_matches('"');
    plain_word(bare).is_some() || ENTRA_SOURCE.contains(bare) || scopes().iter().any(|scope| scope.path().contains(bare))
}

/// Makes a call and judges what it makes of the answers.
async fn make(call: &str, client: &IspmClient) -> Option<Error> {
    let [subscription, group] = scopes();
    match call {
        "source" => within_time(client.check_source()).await?.err(),
        "find" => within_time(client.find(&subscription)).await?.map(|found| check_found(&found)).err(),
        "create" => within_time(client.create(&group)).await?.map(|(connection, _)| check_connection(&connection)).err(),
        "all" => {
            within_time(client.all([&subscription, &group].into_iter())).await?.map(|all| check_all(&all, [&subscription, &group])).err()
        }
        _ => {
            let found = within_time(client.find(&group)).await?.unwrap_or_default();
            let id = found.connection.and_then(|connection| connection.id).unwrap_or_else(|| "1".to_owned());
            within_time(client.remove(&id, &group)).await?.err()
        }
    }
}

fn check_found(found: &Found) {
    found.connection.iter().for_each(check_connection);
    assert!(found.connection.is_some() || (!found.ours && found.surplus.is_empty()), "{found:?}");
    for id in &found.surplus {
        words::printable(&Step::RemoveConnection { id: id.clone(), surplus: true }.to_string(), 400);
    }
}

/// What goes into a result and into the log.
fn check_connection(connection: &Connection) {
    for text in [Some(&connection.name), connection.id.as_ref()].into_iter().flatten() {
        words::printable(&format!("\"{text}\""), 258);
    }
}

fn check_all(all: &Connections, asked: [&Scope; 2]) {
    let check = |seen: &Seen| match &seen.connection {
        Ok(connection) => check_connection(connection),
        Err(error) => words::check_refusal(error),
    };
    match all {
        Connections::Shared(seen) => seen.iter().for_each(check),
        Connections::PerScope { of_scopes, others } => {
            assert!(of_scopes.keys().all(|scope| asked.contains(&scope)));
            assert!(others.iter().all(|seen| seen.ours), "others' connections are nobody's business here");
            of_scopes.values().chain(others).for_each(check);
        }
    }
}
