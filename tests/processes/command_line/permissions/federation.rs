//! What it prints for a login app that trusts the function's managed identity.

use serde_json::{Value, json};

use super::{ALL, APP, document, option, permissions, texts, typed_into_bash};

const IDENTITY: &str = "44444444-4444-4444-4444-444444444444";
const TENANT: &str = "55555555-5555-5555-5555-555555555555";
const FEDERATED: [&str; 6] = ["--identity", IDENTITY, "--identity-tenant", TENANT, "--login-app", APP];

#[test]
fn the_login_app_trusts_the_identity_and_nothing_else() {
    let document = document(&[&ALL as &[&str], &FEDERATED].concat());
    let calls = typed_into_bash(&texts(&document["commands"], "command"));
    let create: Vec<_> = calls.iter().filter(|call| call[..3] == ["ad", "app", "federated-credential"]).collect();
    assert_eq!(create.len(), 1, "{create:?}");
    assert_eq!(option(create[0], "--id"), Some(APP));
    let credential: Value = serde_json::from_str(option(create[0], "--parameters").unwrap()).unwrap();
    assert_eq!(credential, document["federatedCredential"]);
    assert_eq!(credential["issuer"], format!("https://login.microsoftonline.com/{TENANT}/v2.0"));
    assert_eq!((&credential["subject"], &credential["audiences"]), (&IDENTITY.into(), &json!(["api://AzureADTokenExchange"])));
    assert_eq!(document["aws"]["federatedCredential"], Value::Null);
    assert!(document["commands"].to_string().contains("VAULT-ID"), "the function runs on Azure");
}

#[test]
fn what_is_not_said_is_a_placeholder_and_the_other_cloud_is_refused() {
    let document = document(&["--identity", IDENTITY]);
    let names = texts(&document["placeholders"], "name");
    assert!(
        names.contains(&"IDENTITY-TENANT-ID") && names.contains(&"LOGIN-APP-ID") && !names.contains(&"IDENTITY-PRINCIPAL"),
        "{names:?}"
    );
    let both = permissions(&["--identity", IDENTITY, "--aws-issuer", "https://a.tokens.sts.global.api.aws"]);
    assert_eq!(both.code, Some(2), "{both:?}");
    let wrong = permissions(&["--identity", "ispm-onboarder"]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("--identity") && wrong.stderr.contains("az identity show"), "{wrong:?}");
}
