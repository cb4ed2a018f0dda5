use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use ispm_onboarder_simulator::world::aws::{Account, PENDING, SecretValue};
use ispm_onboarder_simulator::{Effect, Fault};

use super::client::{config, refused};
use crate::stage::{START, Stage};

fn change(stage: &Stage, act: impl FnOnce(&mut Account)) {
    let mut state = stage.simulator.state();
    act(state.world.aws.get_mut(&stage.cast.aws.account).expect("the demo's account"));
}

#[tokio::test(start_paused = true)]
async fn hands_out_the_demos_secrets() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let secret = client.get_secret_value().secret_id("contoso-login-secret").send().await.expect("the secret");
    assert_eq!(secret.secret_string(), Some(stage.cast.login_secret.reveal()));
    assert_eq!((secret.name(), secret.version_stages()), (Some("contoso-login-secret"), &["AWSCURRENT".to_owned()][..]));
    let arn = secret.arn().expect("an ARN");
    assert!(arn.starts_with("arn:aws:secretsmanager:eu-central-1:111122223333:secret:contoso-login-secret-"), "{arn}");
    let by_arn = client.get_secret_value().secret_id(arn).send().await.expect("the same secret");
    assert_eq!(by_arn.version_id(), secret.version_id());
    let record = client.get_secret_value().secret_id(format!("ispm-onboarder-{}", stage.cast.tenant)).send().await.expect("the record");
    let vault = stage.simulator.state().world.vaults[&stage.cast.vault].clone();
    let azure = vault.secret(&format!("ispm-onboarder-{}", stage.cast.tenant), None).expect("the record");
    assert_eq!(record.secret_string(), Some(azure.value.reveal()), "one record for both clouds");
    assert!(stage.recorded("secrets-manager.secret.get").iter().all(|call| call.status == Some(200) && !call.changed));
}

#[tokio::test(start_paused = true)]
async fn versions_are_told_by_id_and_by_stage() {
    let stage = Stage::new();
    change(&stage, |account| {
        account.set_secret("rotated", "one");
        account.set_secret("rotated", "two");
        let secret = account.secrets.get_mut("rotated").expect("the secret");
        secret.add_version("33333333-3333-4333-8333-333333333333", SecretValue::Binary("AAEC".into()), &[PENDING]);
    });
    let client = Client::new(&config(&stage));
    let get = || client.get_secret_value().secret_id("rotated");
    assert_eq!(get().send().await.expect("the current one").secret_string(), Some("two"));
    assert_eq!(get().version_stage("AWSPREVIOUS").send().await.expect("the previous one").secret_string(), Some("one"));
    let pending = get().version_stage("AWSPENDING").send().await.expect("the pending one");
    assert_eq!((pending.secret_string(), pending.secret_binary().map(AsRef::as_ref)), (None, Some(&[0_u8, 1, 2][..])));
    let id = pending.version_id().expect("an id");
    assert!(get().version_id(id).send().await.expect("by id").secret_binary().is_some());
    let missing = get().version_stage("NONE").send().await.expect_err("no such stage");
    let message = "Secrets Manager can't find the specified secret value for staging label: NONE";
    assert_eq!(refused(&missing), (400, "ResourceNotFoundException", message));
    let mixed = get().version_id(id).version_stage("AWSCURRENT").send().await.expect_err("not the same version");
    assert_eq!(refused(&mixed).1, "InvalidRequestException");
}

#[tokio::test(start_paused = true)]
async fn refuses_in_secrets_managers_words() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let missing = client.get_secret_value().secret_id("nothing").send().await.expect_err("no such secret");
    assert!(
        missing
            .as_service_error()
            .is_some_and(aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError::is_resource_not_found_exception)
    );
    assert_eq!(refused(&missing).2, "Secrets Manager can't find the specified secret.");
    change(&stage, |account| account.secrets.get_mut("contoso-ispm-token").expect("the token").deleted_on = Some(START));
    let deleted = client.get_secret_value().secret_id("contoso-ispm-token").send().await.expect_err("deleted");
    assert_eq!((refused(&deleted).0, refused(&deleted).1), (400, "InvalidRequestException"));
    change(&stage, |account| account.deny(&stage.cast.aws.role_arn, "secretsmanager:*"));
    let denied = client.get_secret_value().secret_id("nothing").send().await.expect_err("denied");
    assert_eq!(
        refused(&denied),
        (
            400,
            "AccessDeniedException",
            "User: arn:aws:sts::111122223333:assumed-role/ispm-onboarder/ispm-onboarder is not authorized to perform: \
             secretsmanager:GetSecretValue on resource: nothing because no identity-based policy allows the secretsmanager:GetSecretValue action"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn faults_answer_in_the_services_shape() {
    let stage = Stage::new();
    let client = Client::new(&config(&stage));
    let effect = Effect::Status { status: 400, code: Some("ThrottlingException".to_owned()), retry_after: None };
    let faults =
        [Fault::status("secrets-manager.*", 429), Fault::status("secrets-manager.*", 500), Fault::new("secrets-manager.*", effect)];
    stage.simulator.state().faults.extend(faults.map(|fault| fault.times(1)));
    for (status, code) in [(429, "ThrottlingException"), (500, "InternalFailure"), (400, "ThrottlingException")] {
        let struck = client.get_secret_value().secret_id("contoso-login-secret").send().await.expect_err("a fault");
        assert_eq!(refused(&struck), (status, code, "This fault was switched on in the simulator."));
    }
}

#[tokio::test(start_paused = true)]
async fn lists_names_in_pages_by_prefix_and_not_what_is_deleted() {
    let stage = Stage::new();
    change(&stage, |account| {
        for name in ["a/1", "a/2", "a/3", "b/1"] {
            account.set_secret(name, "value");
        }
        account.secrets.get_mut("a/2").expect("the secret").deleted_on = Some(START);
    });
    let client = Client::new(&config(&stage));
    let prefix = Filter::builder().key(FilterNameStringType::Name).values("a/").build();
    let list = || client.list_secrets().filters(prefix.clone()).max_results(1);
    let first = list().send().await.expect("a page");
    let names = |secrets: &[aws_sdk_secretsmanager::types::SecretListEntry]| {
        secrets.iter().filter_map(|secret| secret.name().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(names(first.secret_list()), ["a/1"]);
    let last = list().next_token(first.next_token().expect("there is more")).send().await.expect("a page");
    assert_eq!((names(last.secret_list()), last.next_token()), (vec!["a/3".to_owned()], None));
    let all = client.list_secrets().send().await.expect("all");
    assert!(all.secret_list().len() > 3 && all.secret_list().iter().all(|secret| secret.arn().is_some()));
    let strange = list().next_token("%").send().await.expect_err("no token");
    assert_eq!(refused(&strange).1, "InvalidNextTokenException");
    change(&stage, |account| account.deny(&stage.cast.aws.role_arn, "secretsmanager:ListSecrets"));
    let denied = list().send().await.expect_err("denied");
    assert_eq!((refused(&denied).0, refused(&denied).1), (400, "AccessDeniedException"));
    assert!(refused(&denied).2.contains("secretsmanager:ListSecrets because"), "{}", refused(&denied).2);
}
