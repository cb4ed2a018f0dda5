//! Connect profiles in the manner of other vendors' APIs: onboarding through them without a line of code changed.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod stage;

use serde_json::{Value, json};
use stage::{Stage, page};

/// An API of cloud accounts: an API key, cursors, bulk answers, one account per scope, no refusal of duplicates.
mod accounts {
    use super::*;

    const PROFILE: &str = include_str!("profiles/accounts.json");

    fn account(stage: &Stage, id: &str, scope: &str, created: &str, label: &str, state: &str) -> Value {
        json!({
            "id": id, "account_name": format!("azure-subscription-{}", scope.rsplit('/').next().unwrap()), "scope": scope, "tenant_id": stage.tenant(),
            "labels": [label], "created": created, "health": { "state": state, "reason": if state == "impaired" { json!("rbac") } else { Value::Null } },
        })
    }

    fn directories(stage: &Stage) {
        let other = json!({ "display_name": "Fabrikam", "tenant": { "id": "00000000-0000-0000-0000-000000000001" } });
        let ours = json!({ "display_name": "Contoso Entra ID", "tenant": { "id": stage.tenant().to_uppercase() } });
        stage.answer(
            "GET /directories/entities/v1?filter=name",
            200,
            json!({ "resources": [other], "meta": { "pagination": { "after": "p2" } } }),
        );
        stage.answer("GET /directories/entities/v1?filter=name", 200, json!({ "resources": [ours], "meta": { "pagination": {} } }));
    }

    const LIST: &str = "GET /cloud/entities/accounts/v1?tenant-id=";
    const CREATE: &str = "POST /cloud/entities/accounts/v1";

    #[tokio::test(start_paused = true)]
    async fn an_account_is_made_for_each_scope_from_a_bulk_answer() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories(&stage);
        stage.answer(LIST, 200, page(&[]));
        let made = account(&stage, "a1", &scope, "2026-01-01", "ispm-onboarder/1", "operational");
        stage.answer(CREATE, 207, json!({ "resources": [{ "code": 201, "account": made }] }));
        stage.answer(LIST, 200, page(&[made]));
        let result = stage.deliver("e1", &scope).await;
        assert_eq!((result.kind(), result.at("/data/connection/id")), ("onboarded", "a1"));
        let asked = stage.asked();
        assert!(asked.iter().all(|call| call.header("x-api-key") == "token-of-no-value"), "the key goes into the vendor's own header");
        assert_eq!(
            asked.iter().find(|call| call.line.contains("after=p2")).map(|call| call.line.starts_with("GET /directories")),
            Some(true)
        );
        let body: Value = asked.iter().find(|call| call.line.starts_with(CREATE)).unwrap().body();
        assert_eq!(body["resources"][0]["scope"], scope.as_str());
    }

    #[tokio::test(start_paused = true)]
    async fn the_younger_of_two_is_taken_back_if_it_is_ours() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories(&stage);
        stage.answer(LIST, 200, page(&[]));
        let older = account(&stage, "a1", &scope, "2026-01-01T10:00:00Z", "by hand", "operational");
        let ours = account(&stage, "a2", &scope, "2026-01-01T10:00:01Z", "ispm-onboarder/1", "provisioning");
        stage.answer(CREATE, 207, json!({ "resources": [{ "code": 201, "account": ours }] }));
        stage.answer(LIST, 200, page(&[ours.clone(), older.clone()]));
        stage.answer("DELETE /cloud/entities/accounts/v1?ids=a2", 204, Value::Null);
        let result = stage.deliver("e1", &scope).await;
        assert_eq!((result.kind(), result.at("/data/connection/id")), ("onboarded", "a1"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_duplicate_that_a_killed_delivery_left_is_taken_back_by_the_next() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories(&stage);
        // As numbers 9 is older than 10; as text it would be younger.
        let older = account(&stage, "a1", &scope, "9", "by hand", "operational");
        let ours = account(&stage, "a2", &scope, "10", "ispm-onboarder/1", "operational");
        stage.answer(LIST, 200, page(&[ours, older]));
        stage.answer("DELETE /cloud/entities/accounts/v1?ids=a2", 404, Value::Null);
        let result = stage.deliver("e1", &scope).await;
        assert_eq!((result.kind(), result.at("/data/connection/id")), ("onboarded", "a1"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_younger_one_of_somebody_else_stays() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories(&stage);
        let older = account(&stage, "a1", &scope, "2026-01-01T10:00:00Z", "ispm-onboarder/1", "operational");
        let theirs = account(&stage, "a2", &scope, "2026-01-01T10:00:00.5Z", "by hand", "operational");
        stage.answer(LIST, 200, page(&[theirs, older]));
        let result = stage.deliver("e1", &scope).await;
        assert_eq!((result.kind(), result.at("/data/connection/id")), ("onboarded", "a1"));
        assert!(stage.asked().iter().all(|call| !call.line.starts_with("DELETE")));
    }

    #[tokio::test(start_paused = true)]
    async fn an_item_that_failed_in_a_bulk_answer_failed() {
        for (code, expected) in [(400, "connection-refused"), (403, "ispm-refused"), (429, "throttled"), (503, "unavailable")] {
            let stage = Stage::with_profile(PROFILE);
            let scope = stage.new_subscription();
            directories(&stage);
            stage.answer(LIST, 200, page(&[]));
            stage.answer(CREATE, 207, json!({ "resources": [{ "code": code, "account": null }] }));
            if code == 403 {
                // A refused token is tried once more with a new session.
                directories(&stage);
                stage.answer(LIST, 200, page(&[]));
                stage.answer(CREATE, 207, json!({ "resources": [{ "code": code, "account": null }] }));
            }
            // What may pass, and what a person has to mend, is put back: nothing is published for the scope.
            let error = stage.refusal("e1", &scope).await;
            assert_eq!(error, expected, "{code}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pages_that_do_not_end_are_refused() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories(&stage);
        for _ in 0..2 {
            stage.answer(LIST, 200, json!({ "resources": [], "meta": { "pagination": { "after": "same" } } }));
        }
        assert_eq!(stage.refusal("e1", &scope).await, "unexpected-answer");
    }
}

/// JSON:API: documents in `data`, links between pages, creations that are only accepted.
mod json_api {
    use super::*;

    const PROFILE: &str = include_str!("profiles/json-api.json");
    const LIST: &str = "GET /rest/integrations?filter%5Bdirectory%5D=Contoso+Entra+ID";
    const CREATE: &str = "POST /rest/integrations";

    fn integration(status: &str) -> Value {
        let attributes = json!({ "name": "azure", "kind": "azure", "directory": "Contoso Entra ID", "managed-by": "ispm-onboarder/1", "status": status });
        json!({ "type": "integration", "id": "i-1", "attributes": attributes })
    }

    fn directories(stage: &Stage) {
        let directory =
            json!({ "type": "directory", "id": "d-1", "attributes": { "name": "Contoso Entra ID", "external-id": stage.tenant() } });
        stage.answer("GET /rest/directories", 200, json!({ "data": [], "links": { "next": "/rest/directories?page=2" } }));
        stage.answer("GET /rest/directories?page=2", 200, json!({ "data": [directory], "links": {} }));
    }

    /// For scenarios longer than a session, which then looks the directory up again.
    fn directories_for_hours(stage: &Stage) {
        let directory =
            json!({ "type": "directory", "id": "d-1", "attributes": { "name": "Contoso Entra ID", "external-id": stage.tenant() } });
        for _ in 0..20 {
            stage.spare("GET /rest/directories", 200, list(std::slice::from_ref(&directory)));
        }
    }

    fn list(items: &[Value]) -> Value {
        json!({ "data": items, "links": {} })
    }

    #[tokio::test(start_paused = true)]
    async fn an_accepted_creation_is_waited_for() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories(&stage);
        stage.answer(LIST, 200, list(&[]));
        stage.answer(CREATE, 202, Value::Null);
        assert_eq!(stage.refusal("e1", &scope).await, "connection-pending");
        stage.answer(LIST, 200, list(&[integration("verifying")]));
        stage.answer(LIST, 200, list(&[integration("active")]));
        let result = stage.settled("e1").await;
        assert_eq!((result.kind(), result.at("/data/connection/id")), ("onboarded", "i-1"));
        let create = stage.asked().into_iter().find(|call| call.line == CREATE).unwrap();
        assert_eq!(
            (create.header("content-type"), create.header("authorization")),
            ("application/vnd.api+json", "Token token-of-no-value")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_accepted_creation_that_never_ends_is_pending_in_the_end() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories_for_hours(&stage);
        for _ in 0..50 {
            stage.spare(LIST, 200, list(&[integration("verifying")]));
        }
        assert_eq!(stage.refusal("e1", &scope).await, "connection-pending");
        let result = stage.settled("e1").await;
        assert_eq!((result.kind(), result.at("/data/code")), ("pending", "connection-pending"));
    }

    #[tokio::test(start_paused = true)]
    async fn each_status_word_has_its_meaning() {
        for (word, cause) in
            [("unauthenticated", "failed-authentication"), ("forbidden", "missing-permissions"), ("incomplete", "missing-configuration")]
        {
            let stage = Stage::with_profile(PROFILE);
            let scope = stage.new_subscription();
            directories_for_hours(&stage);
            for _ in 0..50 {
                stage.spare(LIST, 200, list(&[integration(word)]));
            }
            assert_eq!(stage.refusal("e1", &scope).await, "connection-failed");
            let result = stage.settled("e1").await;
            assert_eq!((result.kind(), result.at("/data/code")), ("failed", "connection-failed"), "{word}");
            assert!(result.at("/data/message").contains(&cause.replace('-', " ")), "{cause} in {}", result.at("/data/message"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_word_that_nobody_mapped_is_named() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories(&stage);
        stage.answer(LIST, 200, list(&[integration("quantum")]));
        assert_eq!(stage.refusal("e1", &scope).await, "profile-invalid");
        let told = stage.tenant_failed();
        assert!(told.at("/data/message").contains("\"quantum\""), "{}", told.at("/data/message"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_member_is_named_by_its_pointer() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories(&stage);
        let mut nameless = integration("active");
        nameless["attributes"].as_object_mut().unwrap().remove("name");
        stage.answer(LIST, 200, list(&[nameless]));
        assert_eq!(stage.refusal("e1", &scope).await, "profile-invalid");
        assert!(stage.tenant_failed().at("/data/message").contains("/attributes/name"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_link_to_another_host_is_refused() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        stage.answer("GET /rest/directories", 200, json!({ "data": [], "links": { "next": "https://evil.example/rest/directories" } }));
        stage.answer(LIST, 200, list(&[]));
        let result = stage.deliver("e1", &scope).await;
        assert_eq!((result.kind(), result.at("/data/code")), ("failed", "unexpected-answer"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_409_about_something_that_cannot_be_read_yet_is_no_conflict() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories(&stage);
        stage.answer(LIST, 200, list(&[]));
        stage.answer(CREATE, 409, json!({ "errors": [{ "meta": { "id": "i-1" } }] }));
        stage.answer("GET /rest/integrations/i-1", 404, Value::Null);
        stage.answer(LIST, 200, list(&[]));
        assert_eq!(stage.refusal("e1", &scope).await, "unavailable");
        stage.answer(LIST, 200, list(&[integration("active")]));
        assert_eq!(stage.settled("e1").await.kind(), "onboarded");
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_without_measure_is_refused() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories(&stage);
        let mut long = integration("active");
        long["attributes"]["name"] = json!("x".repeat(2_000_000));
        stage.answer(LIST, 200, list(&[long]));
        assert_eq!(stage.refusal("e1", &scope).await, "profile-invalid");
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_gateway_says_is_not_repeated() {
        let stage = Stage::with_profile(PROFILE);
        let scope = stage.new_subscription();
        directories(&stage);
        stage.answer(LIST, 200, list(&[]));
        stage.answer(CREATE, 400, json!({ "error": { "code": "token-of-no-value", "message": "token-of-no-value" } }));
        let result = stage.deliver("e1", &scope).await;
        assert_eq!(result.at("/data/code"), "connection-refused");
        assert!(!result.at("/data/message").contains("token-of-no-value"), "{}", result.at("/data/message"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_409_is_read_and_compared() {
        for (directory, kind) in [("Contoso Entra ID", "onboarded"), ("Fabrikam", "failed")] {
            let stage = Stage::with_profile(PROFILE);
            let scope = stage.new_subscription();
            directories(&stage);
            stage.spare(LIST, 200, list(&[]));
            stage.spare(LIST, 200, list(&[]));
            stage.answer(CREATE, 409, json!({ "errors": [{ "meta": { "id": "i-1" } }] }));
            let mut existing = integration("active");
            existing["attributes"]["directory"] = json!(directory);
            stage.answer("GET /rest/integrations/i-1", 200, json!({ "data": existing }));
            assert_eq!(stage.deliver("e1", &scope).await.kind(), kind, "{directory}");
        }
    }
}
