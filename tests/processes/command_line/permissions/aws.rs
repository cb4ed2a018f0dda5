//! What it prints for a deployment on AWS.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ALL, APP, LOGIN, document, option, permissions, texts, typed_into_bash};

const ROLE: &str = "arn:aws:iam::123456789012:role/ispm-onboarder-eu-central-1";
const ISSUER: &str = "https://a1d2b0fd-1177-4468-9351-2f0000000723.tokens.sts.global.api.aws";
const ON_AWS: [&str; 6] = ["--aws-role", ROLE, "--aws-issuer", ISSUER, "--login-app", APP];

#[test]
fn the_role_on_aws_gets_what_is_listed_and_no_more() {
    let document = document(&[&ALL as &[&str], &ON_AWS].concat());
    let calls = typed_into_bash(&texts(&document["commands"], "command"));
    let put: Vec<_> = calls.iter().filter(|call| call[..2] == ["iam", "put-role-policy"]).collect();
    let policies: Vec<Value> = put.iter().map(|call| serde_json::from_str(option(call, "--policy-document").unwrap()).unwrap()).collect();
    assert_eq!(policies, [document["aws"]["rolePolicy"].clone(), document["aws"]["keyPolicy"].clone()]);
    assert!(put.iter().all(|call| option(call, "--role-name") == Some("ispm-onboarder-eu-central-1")), "{put:?}");
    let statements = policies.iter().flat_map(|policy| policy["Statement"].as_array().unwrap());
    let actions: Vec<&str> =
        statements.clone().flat_map(|statement| statement["Action"].as_array().unwrap()).map(|a| a.as_str().unwrap()).collect();
    let rows = document["permissions"].as_array().unwrap().iter();
    let listed: Vec<&str> = rows.filter(|row| row["holder"] == "aws-role").map(|row| row["permission"].as_str().unwrap()).collect();
    assert_eq!(actions.iter().collect::<BTreeSet<_>>(), listed.iter().collect());
    for statement in statements {
        let login = statement["Action"] == json!(["sts:GetWebIdentityToken"]);
        // Neither knows a resource.
        let any = login || statement["Action"] == json!(["secretsmanager:ListSecrets"]);
        assert_eq!(statement["Resource"] == "*", any, "{statement}");
        assert_eq!(statement.get("Condition").is_some(), login, "{statement}");
        let resource = statement["Resource"].as_str().unwrap();
        let of_bucket = ["arn:aws:s3:::REPORT-BUCKET", "arn:aws:s3:::REPORT-BUCKET/reports/*"].contains(&resource);
        assert!(any || of_bucket || resource == "KEY-ARN" || resource.contains(":123456789012:"), "the account is the role's: {resource}");
    }
}

#[test]
fn the_login_app_trusts_the_role_and_nothing_else() {
    let document = document(&[&ALL as &[&str], &ON_AWS].concat());
    let calls = typed_into_bash(&texts(&document["commands"], "command"));
    let create = calls.iter().find(|call| call.starts_with(&["ad", "app", "federated-credential", "create"].map(str::to_owned))).unwrap();
    assert_eq!(option(create, "--id"), Some(APP));
    let credential: Value = serde_json::from_str(option(create, "--parameters").unwrap()).unwrap();
    assert_eq!(credential, document["aws"]["federatedCredential"]);
    let exactly = (&credential["issuer"], &credential["subject"], &credential["audiences"]);
    assert_eq!(exactly, (&ISSUER.into(), &ROLE.into(), &json!(["api://AzureADTokenExchange"])));
    assert!(calls.iter().any(|call| *call == ["iam", "enable-outbound-web-identity-federation"]), "{calls:?}");
    let commands = texts(&document["commands"], "command").join("\n");
    for of_azure in ["VAULT-ID", "HOST-STORAGE-ID", "IDENTITY-OF-EVENTS-TOPIC"] {
        assert!(!commands.contains(of_azure), "{of_azure}: the function does not run on Azure");
    }
}

#[test]
fn without_the_options_of_aws_no_credential_is_made() {
    let document = document(&ALL);
    assert_eq!(document["aws"]["federatedCredential"], Value::Null);
    assert!(!document["commands"].to_string().contains("federated-credential"));
    let partly = self::document(&["--aws-role", ROLE]);
    for name in ["AWS-ISSUER", "LOGIN-APP-ID"] {
        assert!(texts(&partly["placeholders"], "name").contains(&name), "{partly:#}");
    }
}

#[test]
fn a_wrong_value_about_aws_says_what_was_given_instead() {
    let cases: [(&[&str], &str, &str); 13] = [
        (&["--aws-role", "ispm-onboarder"], "is no ARN", "RoleArn"),
        (&["--aws-role", "arn:aws:sts::123456789012:assumed-role/r/s"], "a session of a role", "RoleArn"),
        (&["--aws-role", "arn:aws:iam::123456789012:user/jo"], "an IAM user, and not a role", "RoleArn"),
        (&["--aws-role", "arn:aws:lambda:eu-central-1:123456789012:function:f"], "something of lambda, and not a role", "RoleArn"),
        (&["--aws-role", "arn:aws:iam::1234:role/r"], "no role of an account with 12 digits", "RoleArn"),
        (&["--aws-role", "arn:aws:iam::123456789012:role/a;b"], "no role that AWS could have", "RoleArn"),
        (&["--aws-issuer", "contoso"], "is no URL", "get-outbound-web-identity-federation-info"),
        (&["--aws-issuer", "http://a.tokens.sts.global.api.aws"], "does not begin with https://", "get-outbound"),
        (&["--aws-issuer", "https://sts.amazonaws.com"], "is not the issuer of this account", "get-outbound"),
        (
            &["--aws-issuer", "https://a.tokens.sts.global.api.aws/.well-known/openid-configuration"],
            "is a document of the issuer",
            "get-outbound",
        ),
        (&["--aws-issuer", "https://a.tokens.sts.global.api.aws/"], "ends with a slash", "get-outbound"),
        (&["--login-app", "ispm-onboarder-login"], "--login-app", "az ad app list"),
        (&["--login", LOGIN, "--login-app", LOGIN], "--login-app is the object id of --login", "az ad sp list"),
    ];
    for (arguments, words, hint) in cases {
        let ran = permissions(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(words), "{words} in {}", ran.stderr);
        assert!(ran.hints().iter().any(|shown| shown.contains(hint)), "{hint} in {}", ran.stderr);
    }
}
