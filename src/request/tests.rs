use serde_json::json;

use super::*;

const TENANT: &str = "519aadd0-caeb-5ef8-b1b9-046051535bc3";
const ID: &str = "23ea0b12-4ef0-5a35-b45b-39f28c454059";
const SUBSCRIPTION: &str = "/subscriptions/23ea0b12-4ef0-5a35-b45b-39f28c454059";
const TIME: &str = "2026-11-20T10:00:00Z";
const ENABLE: &str = "Microsoft.Subscription/enable/action";
const CANCEL: &str = "Microsoft.Subscription/cancel/action";

fn event() -> Value {
    let data = json!({"tenantId": TENANT, "scope": SUBSCRIPTION});
    json!({"specversion": "1.0", "id": "1", "source": "/pipeline", "type": ONBOARDING_REQUESTED, "time": TIME, "data": data})
}

fn message() -> Value {
    json!({
        "version": 1, "tenantId": TENANT, "scope": SUBSCRIPTION, "action": "offboard", "firstSeen": TIME, "attempts": 3,
        "cause": {"source": "/pipeline", "id": "1", "type": ONBOARDING_REQUESTED},
    })
}

fn entry(operation: &str) -> Value {
    json!({
        "operationName": operation, "resultType": "Success", "time": TIME, "tenantId": TENANT, "resourceId": SUBSCRIPTION.to_uppercase(),
        "correlationId": "C0",
    })
}

fn hierarchy(words: &str) -> Value {
    json!({
        "operationName": "MICROSOFT.MANAGEMENT", "resultType": "Succeeded", "tenantId": TENANT,
        "properties": {"eventProperties": {"message": words}},
    })
}

/// A document with some members replaced, or taken out where the replacement is null.
fn with(mut document: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::Null => drop(document.as_object_mut().unwrap().remove(name)),
            value => document[name] = value.clone(),
        }
    }
    document
}

fn only(document: &Value) -> Inbound {
    let mut all = parse(document.to_string().as_bytes());
    assert_eq!(all.len(), 1, "{document}");
    all.remove(0)
}

/// The request in a document, which names its tenant.
#[track_caller]
fn asked(document: &Value) -> Request {
    let request = only(document).request.unwrap_or_else(|refusal| panic!("{document}: {}", refusal.error));
    assert_eq!((request.tenant.to_string().as_str(), request.scope.path().as_str()), (TENANT, SUBSCRIPTION), "{document}");
    request
}

#[track_caller]
fn refusal(document: &Value) -> Refusal {
    *only(document).request.expect_err(&document.to_string())
}

#[track_caller]
fn assert_refused(document: &Value, code: Code, words: &str) {
    let error = refusal(document).error;
    assert!(error.code == code && error.message.contains(words), "{document}: {:?} {error}", error.code);
}

fn at(text: &str) -> Option<OffsetDateTime> {
    time_of(Some(&json!(text)))
}

#[test]
fn every_shape_is_told_from_its_neighbours() {
    let data = json!({"tenantId": TENANT, "scope": SUBSCRIPTION});
    let native = json!({"id": "1", "topic": "/t", "subject": "s", "eventType": ONBOARDING_REQUESTED, "eventTime": TIME, "data": data});
    let bridge = json!({"id": "1", "source": "pipeline", "detail-type": ONBOARDING_REQUESTED, "time": TIME, "detail": data});
    for (document, source) in [(event(), "/pipeline"), (native.clone(), "/t"), (bridge.clone(), "pipeline")] {
        let request = asked(&document);
        assert_eq!((request.action, request.cause.source.as_str(), request.cause.id.as_str()), (Action::Onboard, source, "1"));
        assert_eq!((request.cause.kind.as_str(), request.caused_at), (ONBOARDING_REQUESTED, at(TIME)));
        let kind = if source == "/t" {
            "eventType"
        } else if source == "pipeline" {
            "detail-type"
        } else {
            "type"
        };
        assert_eq!(asked(&with(document, &json!({kind: OFFBOARDING_REQUESTED}))).action, Action::Offboard);
    }
    assert_eq!(asked(&with(native.clone(), &json!({"topic": null}))).cause.source, "s");
    assert_eq!(asked(&message()).action, Action::Offboard);
    assert_eq!(asked(&entry(CANCEL)).action, Action::Offboard);
    // What is missing is named as what the document comes closest to.
    for (document, words) in [
        (with(event(), &json!({"type": null})), "CloudEvents attribute type"),
        (with(event(), &json!({"source": null})), "CloudEvents attribute source"),
        (with(event(), &json!({"id": ""})), "CloudEvents attribute id"),
        (with(event(), &json!({"specversion": null})), "specversion"),
        (with(event(), &json!({"specversion": "0.3"})), "specversion"),
        (with(native.clone(), &json!({"id": null})), "Event Grid"),
        (with(bridge.clone(), &json!({"id": "\u{7}"})), "EventBridge"),
        (with(event(), &json!({"data": {"scope": SUBSCRIPTION}})), "data.tenantId"),
        (with(message(), &json!({"attempts": null})), "not one that ispm-onboarder wrote"),
        (json!({"hello": 1}), "none of the shapes"),
    ] {
        assert_refused(&document, Code::InvalidEvent, words);
    }
    assert_refused(&with(event(), &json!({"type": "com.example"})), Code::Irrelevant, "com.example");
    assert_refused(&with(bridge, &json!({"detail-type": "com.example"})), Code::Irrelevant, "com.example");
    assert_refused(&with(native, &json!({"eventType": "com.example"})), Code::Irrelevant, "com.example");
    let foreign = with(event(), &json!({"data": {"tenantId": TENANT, "scope": "/subscriptions/1"}}));
    assert_refused(&foreign, Code::InvalidScope, "data.scope");
    assert_eq!(refusal(&foreign).tenant.map(|tenant| tenant.to_string()).as_deref(), Some(TENANT), "who sent it can be told");
}

#[test]
fn a_document_may_be_one_or_many_and_text_in_text() {
    let many = json!([event(), message().to_string(), {"records": [entry(ENABLE), entry(CANCEL)]}]);
    for document in [many.clone(), json!(many.to_string()), json!(json!(many.to_string()).to_string())] {
        let actions: Vec<Action> = parse_value(&document).into_iter().map(|one| one.request.unwrap().action).collect();
        assert_eq!(actions, [Action::Onboard, Action::Offboard, Action::Onboard, Action::Offboard]);
    }
    let records = json!({"records": json!([entry(ENABLE)]).to_string()});
    assert_eq!(asked(&records).action, Action::Onboard);
    assert_refused(&json!([]), Code::Irrelevant, "an empty array");
    assert_refused(&json!({"records": []}), Code::Irrelevant, "no entries");
    assert_refused(&with(event(), &json!({"specversion": null, "records": "none"})), Code::InvalidEvent, "specversion");
    assert!(parse(b"not JSON")[0].request.as_ref().unwrap_err().error.message.contains("not JSON"));
}

#[test]
fn a_cause_holds_only_text_that_results_and_messages_can_hold() {
    let long = "x".repeat(LONGEST_ATTRIBUTE);
    for fine in ["1", "\u{FFFD}", "\u{FDCF}", "\u{FDF0}", "Zażółć 🎉", &long] {
        assert!(is_plain(fine), "{fine:?}");
        assert_eq!(asked(&with(event(), &json!({"id": fine}))).cause.id, fine);
    }
    for forbidden in ["\u{0}", "a\nb", "\u{7F}", "\u{85}", "\u{FFFE}", "\u{FFFF}", "\u{1FFFE}", "\u{FDD0}", "\u{FDEF}", &format!("{long}x")]
    {
        assert!(!is_plain(forbidden), "{forbidden:?}");
        assert_refused(&with(event(), &json!({"id": forbidden})), Code::InvalidEvent, "attribute id");
    }
    let (one, other) = (only(&json!({"a": 1})).cause, only(&json!({"a": 2})).cause);
    assert_eq!(one, only(&json!({"a": 1})).cause, "a repeat of what cannot be read is recognised");
    assert_ne!(one, other);
}

#[test]
fn a_message_is_taken_only_as_this_program_writes_it() {
    let request = asked(&message());
    assert_eq!(request.history, History { first_seen: at(TIME), attempts: 3 });
    let again = Message::put_back(&request, OffsetDateTime::UNIX_EPOCH);
    assert_eq!(serde_json::from_str::<Value>(&again.to_string()).unwrap(), with(message(), &json!({"attempts": 4})));
    let handed_on = Message::handed_on(&Request { history: History::default(), ..request.clone() }, OffsetDateTime::UNIX_EPOCH);
    let fresh = with(message(), &json!({"attempts": 0, "firstSeen": "1970-01-01T00:00:00Z"}));
    assert_eq!(serde_json::from_str::<Value>(&handed_on.to_string()).unwrap(), fresh);
    // What an older program cannot understand it leaves in the queue.
    let unconfirmed = Message::handed_on(&Request { unconfirmed: true, ..request.clone() }, OffsetDateTime::UNIX_EPOCH);
    assert!(unconfirmed.to_string().contains("\"version\":2"), "{unconfirmed}");
    assert!(asked(&serde_json::from_str(&unconfirmed.to_string()).unwrap()).unconfirmed);
    let nameless = Message::handed_on(&request.of(NoTenant), OffsetDateTime::UNIX_EPOCH);
    assert!(nameless.to_string().contains("\"version\":2"), "{nameless}");
    let waiting = refusal(&serde_json::from_str(&nameless.to_string()).unwrap());
    assert_eq!((waiting.nameless.is_some(), waiting.first_seen()), (true, at(TIME)));
    assert_eq!(asked(&with(message(), &json!({"version": 2}))).action, Action::Offboard);
    for strange in [
        json!({"version": 0}),
        json!({"version": "1"}),
        json!({"tenantId": null}),
        json!({"unconfirmed": true}),
        json!({"cause": {"source": "/pipeline", "id": "a\nb", "type": ONBOARDING_REQUESTED}}),
        json!({"version": 2, "cause": {"source": "\u{FFFF}", "id": "1", "type": ONBOARDING_REQUESTED}}),
        json!({"more": 1}),
    ] {
        let refused = refusal(&with(message(), &strange));
        assert_eq!((refused.error.code, refused.first_seen()), (Code::InvalidEvent, None), "{strange}");
    }
    let newer = with(message(), &json!({"version": 3, "more": 1}));
    let kept = refusal(&newer);
    assert_eq!((kept.error.code, kept.first_seen()), (Code::MessageNewer, at(TIME)));
    assert_eq!(serde_json::from_str::<Value>(&kept.kept.unwrap().text).unwrap(), newer, "as it was written");
}

#[test]
fn entries_of_the_activity_log_tell_what_came_and_went() {
    let enabled = asked(&entry(ENABLE));
    let cause = Cause { source: SUBSCRIPTION.to_owned(), id: "c0".to_owned(), kind: ENABLE.to_owned() };
    assert_eq!((enabled.cause, enabled.caused_at, enabled.unconfirmed), (cause, at(TIME), false));
    let portal = json!({"operationName": {"value": ENABLE}, "resultType": null, "status": {"value": "Succeeded"}, "eventDataId": "E0"});
    assert_eq!(asked(&with(entry(ENABLE), &portal)).cause.id, "e0");
    for unusable in [json!(""), json!("a\nb"), json!(null)] {
        let told_by_content =
            with(entry(ENABLE), &json!({"correlationId": unusable, "resourceId": unusable, "properties": {"subscriptionId": ID}}));
        let Cause { source, id, .. } = asked(&told_by_content).cause;
        assert!(source == "urn:ispm-onboarder:activity-log" && Uuid::parse_str(&id).is_ok(), "{source} {id}");
    }
    let by_entity = json!({"resourceId": "/providers/x", "properties": json!({"entity": SUBSCRIPTION}).to_string()});
    assert_eq!(asked(&with(entry(CANCEL), &by_entity)).action, Action::Offboard);
    for (document, words) in [
        (with(entry(ENABLE), &json!({"resultType": "Start"})), "are not acted on"),
        (entry("Microsoft.Compute/virtualMachines/write"), "are not acted on"),
        (with(entry(ENABLE), &json!({"resourceId": "/providers/x"})), "does not name its subscription"),
        (hierarchy(&format!("Entity {ID} is admired")), "does not say"),
        (hierarchy("is created with parent entity"), "does not say"),
        (hierarchy("Entity corp is created with parent entity root"), "management group"),
    ] {
        assert_refused(&document, Code::Irrelevant, words);
    }
    for (words, action) in [
        ("is created with parent entity 'x'", Action::Onboard),
        ("changed the parent entity value from 'x' to 'y'", Action::Onboard),
        ("deleted from parent entity 'x'", Action::Offboard),
    ] {
        let request = asked(&hierarchy(&format!("Entity {ID} {words}")));
        assert_eq!((request.action, request.unconfirmed), (action, true), "{words}");
    }
    let nameless = refusal(&with(entry(CANCEL), &json!({"tenantId": null})));
    assert!(nameless.error.message.contains("names no tenant"));
    assert_eq!(nameless.nameless.map(|request| request.action), Some(Action::Offboard));
    assert_refused(&json!({"records": [1]}), Code::InvalidEvent, "not an object");
}

#[test]
fn azures_own_events_ask_for_what_they_are_about() {
    let policy = with(
        event(),
        &json!({
            "type": "Microsoft.PolicyInsights.PolicyStateCreated", "subject": SUBSCRIPTION,
            "source": format!("/tenants/{TENANT}/providers/Microsoft.Management/managementGroups/corp"),
        }),
    );
    assert_eq!(asked(&policy).action, Action::Onboard);
    assert_refused(&with(policy.clone(), &json!({"subject": format!("{SUBSCRIPTION}/resourceGroups/rg")})), Code::Irrelevant, "itself");
    assert_refused(
        &with(policy.clone(), &json!({"subject": "/providers/Microsoft.Management/managementGroups/corp"})),
        Code::Irrelevant,
        "itself",
    );
    assert_refused(&with(policy.clone(), &json!({"subject": null})), Code::Irrelevant, "itself");
    assert_refused(&with(policy, &json!({"source": format!("/nothing/{TENANT}")})), Code::InvalidEvent, "names no tenant");

    let done =
        |data: Value| with(event(), &json!({"type": "Microsoft.Resources.ResourceActionSuccess", "subject": SUBSCRIPTION, "data": data}));
    let data = json!({"operationName": CANCEL.to_uppercase(), "tenantId": TENANT});
    assert_eq!(asked(&done(data.clone())).action, Action::Offboard);
    let by_path = with(data.clone(), &json!({"resourceUri": format!("{SUBSCRIPTION}/x"), "subscriptionId": TENANT}));
    assert_eq!(asked(&done(by_path)).action, Action::Offboard, "the path says it before the data");
    let by_data = with(done(with(data.clone(), &json!({"subscriptionId": ID}))), &json!({"subject": "/providers/x"}));
    assert_eq!(asked(&by_data).action, Action::Offboard);
    assert_refused(&with(done(data.clone()), &json!({"subject": null})), Code::Irrelevant, "names no subscription");
    assert_refused(&done(with(data.clone(), &json!({"operationName": "x/write"}))), Code::Irrelevant, "x/write");
    assert_refused(&done(with(data, &json!({"tenantId": null}))), Code::InvalidEvent, "names no tenant");
}

#[test]
fn calls_are_asked_for_and_what_azure_tells_is_not() {
    let call = |body: &str| parse_call(body.as_bytes(), Action::Offboard, "7".to_owned());
    let body = json!({"tenantId": TENANT, "scope": SUBSCRIPTION}).to_string();
    let caller = CallerId { tenant_id: Guid::parse(TENANT).unwrap(), object_id: Guid::parse(ID).unwrap() };
    let request = call(&body).of_caller(Some(caller)).of_person().request.unwrap();
    assert_eq!((request.action, request.authority, request.caller), (Action::Offboard, Authority::Person, Some(caller)));
    assert_eq!((request.caused_at, request.cause.id.as_str()), (Some(OffsetDateTime::UNIX_EPOCH), "7"));
    assert!(request.asked());
    assert_eq!(request.clone().of(NoTenant).of(request.tenant), request);
    assert_eq!(call(&body).request.unwrap().authority, Authority::Event);
    assert!(call("{").request.unwrap_err().error.message.contains("not JSON"));
    let by_hand = Inbound::by_hand(request.tenant, request.scope, Action::Onboard, "8").request.unwrap();
    assert_eq!((by_hand.authority, by_hand.asked(), by_hand.action.to_string().as_str()), (Authority::Person, true, "onboard"));
    assert_eq!(Action::Offboard.to_string(), "offboard");
    assert!(asked(&event()).asked());
    assert!(!asked(&entry(ENABLE)).asked());
    let made = RequestedEvent::onboarding("1", "/pipeline", at(TIME).unwrap(), by_hand.tenant, &by_hand.scope);
    assert_eq!(serde_json::to_value(made).unwrap(), event());
}

#[test]
fn the_hosts_call_body_has_its_bindings() {
    let read = |body: Value| Envelope::read(body.to_string().as_bytes());
    let body = read(json!({"Data": {"event": event(), "message": 2}, "Metadata": {}})).unwrap();
    assert_eq!((body.binding("event").unwrap(), body.bindings().count()), (&event(), 2));
    assert!(body.binding("other").unwrap_err().message.contains("\"other\""));
    for other in [json!({"Metadata": {}}), json!({"Data": 1}), json!([])] {
        assert_eq!(read(other).unwrap_err().message, "the call body has no Data object");
    }
    assert_eq!(Envelope::read(b"x").unwrap_err().message, "the call body is not JSON");
}
