//! What a profile has to be, beyond its shape.

use super::profile::{ConnectionPer, Paging, Profile, Template, Verb};
use crate::scope::printable;

use super::template::{NAME_PLACEHOLDERS, PLACEHOLDERS, placeholders};

/// The longest name of a profile: it stands in messages.
const LONGEST_NAME: usize = 64;

/// Checks a profile; the error begins with the place in the file.
pub(super) fn check(profile: &Profile) -> Result<(), String> {
    if profile.schema_version != 1 {
        return Err("schemaVersion: expected 1".to_owned());
    }
    if profile.name.is_empty() || profile.name.chars().count() > LONGEST_NAME || profile.name.chars().any(char::is_control) {
        return Err("name: expected 1 to 64 characters in one line".to_owned());
    }
    check_requests(profile)?;
    check_pointers(profile)?;
    let conditions = [("source.where", &profile.source.conditions), ("connection.where", &profile.connection.conditions)];
    if let Some((place, _)) = conditions.iter().find(|(_, map)| map.is_empty()) {
        return Err(format!("{place}: expected at least one condition, or the first item found would count as ours"));
    }
    for (place, map) in conditions.into_iter().chain([("connection.owner", &profile.connection.owner)]) {
        map.iter()
            .try_for_each(|(pointer, value)| check_placeholders(&format!("{place}[\"{}\"]", printable(pointer)), value, &PLACEHOLDERS))?;
    }
    if !profile.create.refuses_duplicates && (profile.connection.owner.is_empty() || profile.connection.created_at.is_none()) {
        return Err("create.refusesDuplicates: where it is false, connection.owner and connection.createdAt have to say which connection is ours and which is younger".to_owned());
    }
    check_headers(profile)?;
    check_names(profile)
}

/// Headers carry the token and nothing else that varies.
fn check_headers(profile: &Profile) -> Result<(), String> {
    for (name, value) in &profile.headers {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(format!("headers: \"{}\" is not a header's name", printable(name)));
        }
        check_placeholders(&format!("headers.{name}"), value, &["token"])?;
        if !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
            return Err(format!("headers.{name}: expected visible ASCII characters"));
        }
    }
    Ok(())
}

fn check_requests(profile: &Profile) -> Result<(), String> {
    let reads: &[Verb] = &[Verb::Get, Verb::Post];
    let requests = [
        ("source.request", &profile.source.request, reads),
        ("find.request", &profile.find.request, reads),
        ("read.request", &profile.read.request, &[Verb::Get]),
        ("create.request", &profile.create.request, &[Verb::Post, Verb::Put]),
        ("remove.request", &profile.remove.request, &[Verb::Delete, Verb::Post]),
    ];
    let list = profile.list.as_ref().map(|list| ("list.request", &list.request, reads));
    for (place, template, verbs) in requests.into_iter().chain(list) {
        if !verbs.contains(&template.method) {
            return Err(format!("{place}.method: expected one of {verbs:?}"));
        }
        check_template(template).map_err(|words| format!("{place}.{words}"))?;
        let about_one = matches!(place, "read.request" | "remove.request");
        match (about_one, names_a_connection(template)) {
            (true, false) => return Err(format!("{place}: expected {{connectionId}} in path, query or body")),
            (false, true) => return Err(format!("{place}: there is no {{connectionId}} yet")),
            _ if place == "list.request" && names_a_scope(template) => {
                return Err(format!("{place}: it lists the connections of all scopes, so it cannot name one"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn names_a_connection(template: &Template) -> bool {
    names_one_of(template, &["connectionId"])
}

/// Whether a request is about one scope: what it answers says nothing of others.
pub(super) fn names_a_scope(template: &Template) -> bool {
    names_one_of(template, &OF_A_SCOPE)
}

/// The same of one text.
pub(super) fn names_a_scope_in(text: &str) -> bool {
    placeholders(text).any(|name| OF_A_SCOPE.contains(&name))
}

/// The placeholders whose values differ from scope to scope.
const OF_A_SCOPE: [&str; 4] = ["scope", "scopeKind", "scopeId", "connectionName"];

fn names_one_of(template: &Template, names: &[&str]) -> bool {
    let body = template.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut texts = template.query.values().map(String::as_str).chain([template.path.as_str(), body.as_str()]);
    texts.any(|text| placeholders(text).any(|name| names.contains(&name)))
}

fn check_template(template: &Template) -> Result<(), String> {
    let path = &template.path;
    let is_plain = !path.contains("//") && !path.contains("..") && !path.contains("/./") && !path.ends_with("/.");
    let has_others = path.contains(['?', '#', '\\']) || path.chars().any(char::is_control);
    if !path.starts_with('/') || path.ends_with('/') || !is_plain || has_others {
        return Err("path: expected a plain path such as /api/v1/connections; queries go into \"query\"".to_owned());
    }
    check_placeholders("path", path, &PLACEHOLDERS)?;
    for (key, value) in &template.query {
        check_placeholders(&format!("query.{}", printable(key)), value, &PLACEHOLDERS)?;
    }
    template.body.as_ref().map_or(Ok(()), |body| check_placeholders("body", &body.to_string(), &PLACEHOLDERS))
}

fn check_pointers(profile: &Profile) -> Result<(), String> {
    let shape = &profile.connection;
    let mut pointers = vec![
        ("source.items", &profile.source.items),
        ("source.directoryId", &profile.source.directory_id),
        ("find.items", &profile.find.items),
        ("read.item", &profile.read.item),
        ("create.item", &profile.create.item),
        ("connection.id", &shape.id),
        ("connection.name", &shape.name),
        ("connection.status", &shape.status),
    ];
    let optional = [
        ("create.existingId", &profile.create.existing_id),
        ("connection.cause", &shape.cause),
        ("connection.createdAt", &shape.created_at),
    ];
    pointers.extend(optional.into_iter().filter_map(|(place, pointer)| Some((place, pointer.as_ref()?))));
    pointers.extend(profile.list.iter().map(|list| ("list.items", &list.items)));
    if let Some(bulk) = &profile.create.bulk {
        pointers.extend([("create.bulk.items", &bulk.items), ("create.bulk.status", &bulk.status), ("create.bulk.item", &bulk.item)]);
    }
    let list_paging = profile.list.as_ref().map(|list| ("list.paging", &list.paging));
    for (place, paging) in [("source.paging", &profile.source.paging), ("find.paging", &profile.find.paging)].into_iter().chain(list_paging)
    {
        match paging {
            Some(Paging::NextLink(pointer) | Paging::Cursor { pointer, .. }) => pointers.push((place, pointer)),
            None => {}
        }
    }
    let maps = [("source.where", &profile.source.conditions), ("connection.where", &shape.conditions), ("connection.owner", &shape.owner)];
    pointers.extend(maps.into_iter().flat_map(|(place, map)| map.keys().map(move |pointer| (place, pointer))));
    match pointers.into_iter().find(|(_, pointer)| !(pointer.is_empty() || pointer.starts_with('/'))) {
        Some((place, pointer)) => {
            Err(format!("{place}: \"{}\" is not a JSON pointer, which begins with \"/\" or is empty", printable(pointer)))
        }
        None => Ok(()),
    }
}

/// A name made of itself would have no end, and one that is not of the scope would be one name for all scopes.
fn check_names(profile: &Profile) -> Result<(), String> {
    check_placeholders("connectionName", &profile.connection_name, &NAME_PLACEHOLDERS)?;
    if profile.connection_name.chars().any(char::is_control) {
        return Err("connectionName: expected a name in one line".to_owned());
    }
    let per_scope = profile.connection_per == ConnectionPer::Scope;
    let mut told_apart = profile.connection.conditions.values().flat_map(|value| placeholders(value));
    if per_scope && !told_apart.any(|name| matches!(name, "scope" | "scopeId" | "connectionName")) {
        return Err(
            "connection.where: expected {scope}, {scopeId} or {connectionName} in a condition, since connectionPer is \"scope\"".to_owned()
        );
    }
    let of_scope = placeholders(&profile.connection_name).any(|name| matches!(name, "scope" | "scopeId"));
    match profile.connection_per {
        ConnectionPer::Scope if !of_scope => {
            Err("connectionName: expected {scopeId} or {scope}, since connectionPer is \"scope\"".to_owned())
        }
        ConnectionPer::Source if of_scope => {
            Err("connectionName: expected no {scopeId} or {scope}, since connectionPer is \"source\"".to_owned())
        }
        _ => Ok(()),
    }
}

/// Anything in braces that looks like a placeholder has to be one; JSON's own braces never directly enclose a word.
fn check_placeholders(place: &str, text: &str, allowed: &[&str]) -> Result<(), String> {
    let is_word = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
    match placeholders(text).filter(is_word).find(|name| !allowed.contains(name)) {
        Some(unknown) => Err(format!("{place}: unknown placeholder {{{}}}, expected one of {}", printable(unknown), allowed.join(", "))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Error};

    fn changed(from: &str, to: &str) -> Error {
        let text = include_str!("profiles/default.json");
        assert!(text.contains(from), "{from}");
        Profile::read(&text.replace(from, to), "test").unwrap_err()
    }

    #[test]
    fn the_shipped_profile_is_valid() {
        assert_eq!(Profile::shipped().unwrap().name, "default");
    }

    #[test]
    fn faults_are_named_by_their_place() {
        for (from, to, place) in [
            ("\"/api/v1/sources\"", "\"https://evil.example/steal\"", "source.request.path"),
            ("\"/api/v1/sources\"", "\"//evil.example/steal\"", "source.request.path"),
            ("\"/api/v1/sources\"", "\"/../admin\"", "source.request.path"),
            ("\"/api/v1/sources\"", "\"/api/./sources\"", "source.request.path"),
            ("\"/api/v1/sources\"", "\"/api/v\\t1/sources\"", "source.request.path"),
            ("\"name\": \"default\"", "\"name\": \"def\\nault\"", "name: expected"),
            ("\"azure-{tenantId}\"", "\"azure-\\n{tenantId}\"", "connectionName: expected a name in one line"),
            ("/api/v1/connections/{connectionId}", "/api/v1/connections/{token}", "read.request.path: unknown placeholder {token}"),
            ("/api/v1/connections/{connectionId}", "/api/v1/connections/x", "read.request: expected {connectionId}"),
            (
                "\"{connectionName}\", \"relatedSource\"",
                "\"{token}\", \"relatedSource\"",
                "create.request.body: unknown placeholder {token}",
            ),
            ("\"azure-{tenantId}\"", "\"azure-{connectionName}\"", "connectionName: unknown placeholder {connectionName}"),
            ("\"azure-{tenantId}\"", "\"azure-{scopeId}\"", "connectionName: expected no {scopeId}"),
            ("\"connectionPer\": \"source\"", "\"connectionPer\": \"scope\"", "connection.where: expected {scope}"),
            ("\"Bearer {token}\"", "\"Bearer {apiToken}\"", "headers.authorization: unknown placeholder {apiToken}"),
            ("\"authorization\"", "\"author ization\"", "headers"),
            ("\"/api/v1/sources\"", "\"/api/v1/sources/\"", "source.request.path"),
            ("\"name\": \"{entraSource}\" } }", "\"name\": \"{connectionId}\" } }", "source.request: there is no {connectionId} yet"),
            ("\"items\": \"/data\"", "\"items\": \"data\"", "source.items"),
            ("{ \"/type\": \"azure\", \"/relatedSource\": \"{entraSource}\" }", "{}", "connection.where"),
            ("\"failed\": \"failed\"", "\"failed\": \"odd\"", "connection.statuses.failed"),
            ("\"id\": \"/id\",", "", "connection: missing field `id`"),
            ("\"GET\"", "\"DELETE\"", "source.request.method"),
            ("\"schemaVersion\": 1", "\"schemaVersion\": 2", "schemaVersion"),
            ("\"existingId\": \"/error/id\"", "\"refusesDuplicates\": false, \"existingId\": \"x\"", "create.existingId"),
        ] {
            let error = changed(from, to);
            assert_eq!(error.code, Code::ProfileInvalid);
            assert!(error.message.contains(place), "{place:?} in {:?}", error.message);
        }
        assert!(changed("\"name\": \"default\",", "\"name\": 7,").message.contains("line 3"), "the line in the file");
    }
}
