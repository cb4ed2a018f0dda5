//! Connect profiles: read, checked, and followed to an API that does what the profile says.

use azure_core::http::headers::Headers;
use ispm_onboarder::error::Code;
use ispm_onboarder::ispm::{Cause, Profile, Status};
use ispm_onboarder::scope::{GroupName, Scope};
use serde_json::{Value, json};

use super::cloud::block_on;
use super::tenant_record::is_in_a_name;
use super::vendor::{ENTRA_SOURCE, TENANT, Vendor, scopes, within_time};
use super::words::{self, SECRET};

/// An id that would lead elsewhere, were it not kept inside its segment.
const ID: &str = "../c%2f1?x=1#é";

/// A profile is refused in words without its values, or can be followed: an API that answers as it says is understood.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let profile = match Profile::read(text, "tests") {
        Ok(profile) => profile,
        Err(error) => {
            assert_eq!(error.code, Code::ProfileInvalid);
            words::check_refusal(&error);
            // Where a document breaks off, a name may stand that nobody can tell from a value.
            if !value.is_null() && !is_in_a_name(text, SECRET) && !is_of_a_template(&value) {
                words::tells_nothing(&error.message, SECRET);
            }
            return;
        }
    };
    let same = Profile::read(&value.to_string(), "tests").map(|profile| format!("{profile:?}"));
    assert_eq!(same.ok(), Some(format!("{profile:?}")));
    check_names(&profile, text.len());
    if let Some(vendor) = Obedient::to(&profile, &value) {
        block_on(vendor.check());
    }
}

/// Whether the secret stands where a pointer or a placeholder does: those are told, since they are what is wrong.
fn is_of_a_template(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(SECRET) && !text.starts_with('/') | text.contains('{'),
        Value::Array(items) => items.iter().any(is_of_a_template),
        Value::Object(members) => members.values().any(is_of_a_template),
        _ => false,
    }
}

fn silent(profile: &Profile) -> std::sync::Arc<Vendor> {
    Vendor::new(profile.clone(), Box::new(|_| None))
}

/// One name for each scope, or one for all.
fn check_names(profile: &Profile, length: usize) {
    let client = silent(profile).client();
    let [one, two] = scopes().map(|scope| client.connection_name(&scope));
    assert_eq!(one != two, client.is_per_scope(), "{one:?} and {two:?}");
    for name in [one, two] {
        words::printable(&format!("\"{name}\""), 100 + 100 * length);
    }
}

/// An API that answers in a profile's own shape.
struct Obedient<'a> {
    profile: &'a Profile,
    scope: Scope,
    status: Status,
    sources: Value,
    connections: Value,
    /// The answer to the call that creates.
    created: (u16, Value),
}

impl<'a> Obedient<'a> {
    /// Absent where the profile's pointers exclude one another: no API can answer so.
    fn to(profile: &'a Profile, text: &Value) -> Option<Self> {
        let [scope, _] = scopes();
        let client = silent(profile).client();
        let name = client.connection_name(&scope);
        let root = Scope::ManagementGroup(GroupName::root_of(TENANT));
        let about = if client.is_per_scope() { &scope } else { &root };
        let mut source = Value::Null;
        for (pointer, wanted) in &profile.source.conditions {
            put(&mut source, pointer, &json!(filled(wanted, &root, &client.connection_name(&root))))?;
        }
        put(&mut source, &profile.source.directory_id, &json!(TENANT))?;
        let shape = &profile.connection;
        let mut connection = Value::Null;
        for (pointer, wanted) in shape.conditions.iter().chain(&shape.owner) {
            put(&mut connection, pointer, &json!(filled(wanted, about, &name)))?;
        }
        let (word, meaning) = shape.statuses.iter().next()?;
        for (pointer, value) in [(&shape.id, ID), (&shape.name, &name), (&shape.status, word)] {
            put(&mut connection, pointer, &json!(value))?;
        }
        let status = match format!("{meaning:?}").as_str() {
            "Connected" => Status::Connected,
            "Pending" => Status::Pending,
            "Failed" if shape.cause.is_none() => Status::Failed(None),
            "FailedAuthentication" => Status::Failed(Some(Cause::FailedAuthentication)),
            "MissingPermissions" => Status::Failed(Some(Cause::MissingPermissions)),
            "MissingConfiguration" => Status::Failed(Some(Cause::MissingConfiguration)),
            _ => return None,
        };
        if name.chars().count() > 256 || name.chars().any(char::is_control) {
            return None;
        }
        let sources = page(&profile.source.items, &source, &text["source"]["paging"])?;
        let connections = page(&profile.find.items, &connection, &text["find"]["paging"])?;
        let created = created(profile, &connection)?;
        // JSON is not read to any depth.
        let can_be_read = |body: &Value| serde_json::from_str::<Value>(&body.to_string()).is_ok();
        [&sources, &connections, &created.1].into_iter().all(can_be_read).then_some(())?;
        Some(Self { profile, scope, status, sources, connections, created })
    }

    /// Each call finds in the answers what the profile says that they hold.
    async fn check(self) {
        let Self { profile, scope, status, sources, connections, created } = self;
        let answering = |status: u16, body: &Value| {
            let body = body.to_string().into_bytes();
            Vendor::new(profile.clone(), Box::new(move |_| Some((status, Headers::new(), body.clone())))).client()
        };
        let source = within_time(answering(200, &sources).check_source()).await.expect("nothing takes long");
        source.unwrap_or_else(|error| panic!("{error}: {sources}"));

        let found = within_time(answering(200, &connections).find(&scope)).await.expect("nothing takes long");
        let found = found.unwrap_or_else(|error| panic!("{error}: {connections}"));
        let connection = found.connection.unwrap_or_else(|| panic!("no connection is found in {connections}"));
        assert_eq!((connection.id.as_deref(), connection.status, found.ours), (Some(ID), status, !profile.connection.owner.is_empty()));

        let (code, body, list) = (created.0, created.1.to_string().into_bytes(), connections.to_string().into_bytes());
        let answers = move |number| if number == 0 { (code, body.clone()) } else { (200, list.clone()) };
        let vendor = Vendor::new(profile.clone(), Box::new(move |number| Some((answers(number).0, Headers::new(), answers(number).1))));
        let made = within_time(vendor.client().create(&scope)).await.expect("nothing takes long");
        let (made, now) = made.unwrap_or_else(|error| panic!("{error}: {}", created.1));
        assert_eq!((made.id.as_deref(), now), (Some(ID), true));

        let removed = within_time(answering(204, &Value::Null).remove(ID, &scope)).await.expect("nothing takes long");
        removed.unwrap_or_else(|error| panic!("{error}"));
        let _ = within_time(answering(200, &connections).all([&scope].into_iter())).await;
    }
}

/// The answer to the call that creates, as one or in bulk.
fn created(profile: &Profile, connection: &Value) -> Option<(u16, Value)> {
    let mut body = Value::Null;
    put(&mut body, &profile.create.item, connection)?;
    let Some(bulk) = &profile.create.bulk else { return Some((201, body)) };
    let mut item = Value::Null;
    put(&mut item, &bulk.item, &body)?;
    put(&mut item, &bulk.status, &json!(201))?;
    Some((207, page(&bulk.items, &item, &Value::Null)?))
}

/// A page with one item, and with no way to another.
fn page(items: &str, item: &Value, paging: &Value) -> Option<Value> {
    let mut page = Value::Null;
    put(&mut page, items, &json!([item]))?;
    let next = paging["nextLink"].as_str().or_else(|| paging["cursor"]["pointer"].as_str());
    next.is_none_or(|pointer| page.pointer(pointer).is_none()).then_some(page)
}

/// Puts a value where a JSON pointer says (<https://www.rfc-editor.org/rfc/rfc6901>), unless something else stands there.
fn put(document: &mut Value, pointer: &str, value: &Value) -> Option<()> {
    let mut place = document;
    for name in pointer.split('/').skip(1) {
        if place.is_null() {
            *place = json!({});
        }
        let name = name.replace("~1", "/").replace("~0", "~");
        place = place.as_object_mut()?.entry(name).or_insert(Value::Null);
    }
    if place.is_null() {
        *place = value.clone();
    }
    (place == value).then_some(())
}

/// A condition's value, where no connection has an id yet.
fn filled(template: &str, scope: &Scope, name: &str) -> String {
    let (kind, id) = match scope {
        Scope::Subscription(id) => ("subscription", id.to_string()),
        Scope::ManagementGroup(name) => ("management-group", name.to_string()),
    };
    let values = [
        ("{tenantId}", TENANT.to_string()),
        ("{entraSource}", ENTRA_SOURCE.to_owned()),
        ("{scope}", scope.path()),
        ("{scopeKind}", kind.to_owned()),
        ("{scopeId}", id),
        ("{connectionId}", String::new()),
        ("{connectionName}", name.to_owned()),
    ];
    values.into_iter().fold(template.to_owned(), |text, (placeholder, value)| text.replace(placeholder, &value))
}
