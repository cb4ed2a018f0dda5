use super::*;

const ROLE: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const OWNER: &str = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const APP: &str = "22222222-2222-4222-8222-222222222222";
const OTHER: &str = "33333333-3333-4333-8333-333333333333";
const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";

fn about<'a>(role: &'a str, principal_id: &'a str) -> About<'a> {
    About { role, principal_id, principal_type: "ServicePrincipal" }
}

fn write<'a>(role: &'a str, principal_id: &'a str) -> Asked<'a> {
    Asked { action: WRITE, detail: Detail::Written(about(role, principal_id)) }
}

fn remove<'a>(role: &'a str, principal_id: &'a str) -> Asked<'a> {
    Asked { action: DELETE, detail: Detail::Removed(about(role, principal_id)) }
}

fn read(text: &str) -> Condition {
    Condition::read(text, Some("2.0")).unwrap_or_else(|problem| panic!("{problem:?}: {text}"))
}

/// A clause for one action, with expressions about an attribute's source.
fn clause(action: &str, source: &str) -> String {
    format!(
        "((!(ActionMatches{{'{action}'}})) OR (@{source}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] \
         ForAnyOfAnyValues:GuidEquals {{{ROLE}}} AND @{source}[Microsoft.Authorization/roleAssignments:PrincipalId] \
         ForAnyOfAnyValues:GuidEquals {{{APP}}}))"
    )
}

#[test]
fn one_role_for_one_principal_and_nothing_else() {
    let condition = read(&clause(WRITE, "Request"));
    assert!(condition.allows(&write(ROLE, APP)));
    assert!(condition.allows(&write(&ROLE.to_uppercase(), APP)));
    for (role, principal) in [(OWNER, APP), (ROLE, OTHER), (OWNER, OTHER)] {
        assert!(!condition.allows(&write(role, principal)), "{role} {principal}");
    }
    assert!(condition.allows(&Asked::of("Microsoft.Resources/subscriptions/read")), "other actions are left alone");
    assert!(condition.allows(&remove(OWNER, OTHER)), "and so is what the clause does not name");
    let both = read(&format!("{} AND {}", clause(WRITE, "Request"), clause(DELETE, "Resource")));
    assert!(both.allows(&write(ROLE, APP)) && both.allows(&remove(ROLE, APP)));
    assert!(!both.allows(&write(ROLE, OTHER)) && !both.allows(&remove(OWNER, APP)));
}

#[test]
fn an_attribute_of_the_wrong_source_allows_nothing_however_it_is_turned() {
    for text in [clause(DELETE, "Request"), format!("!({})", clause(DELETE, "Request"))] {
        assert!(!read(&text).allows(&remove(ROLE, APP)), "{text}");
    }
    assert!(
        !read("@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringNotEqualsIgnoreCase 'User'").allows(&Asked::of(WRITE))
    );
}

#[test]
fn each_operator() {
    let role = |operator: &str| format!("@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] {operator}");
    let kind = |operator: &str| format!("@Request[microsoft.authorization/roleassignments:principaltype] {operator}");
    let cases = [
        (role(&format!("GuidEquals {ROLE}")), true),
        (role(&format!("GuidEquals {OWNER}")), false),
        (role(&format!("GuidNotEquals {OWNER}")), true),
        (role(&format!("GuidNotEquals {ROLE}")), false),
        (role(&format!("ForAnyOfAnyValues:GuidEquals {{{OWNER}, {ROLE}}}")), true),
        (role(&format!("ForAnyOfAnyValues:GuidEquals {{{OWNER}}}")), false),
        (role(&format!("ForAnyOfAllValues:GuidNotEquals {{{OWNER},{OTHER}}}")), true),
        (role(&format!("ForAnyOfAllValues:GuidNotEquals {{{OWNER},{ROLE}}}")), false),
        (kind("StringEqualsIgnoreCase 'servicePrincipal'"), true),
        (kind("StringEqualsIgnoreCase 'User'"), false),
        (kind("StringNotEqualsIgnoreCase 'User'"), true),
        (kind("ForAnyOfAnyValues:StringEqualsIgnoreCase {'User', 'ServicePrincipal'}"), true),
        (kind("ForAnyOfAllValues:StringNotEqualsIgnoreCase {'User', 'ServicePrincipal'}"), false),
    ];
    for (text, expected) in cases {
        assert_eq!(read(&text).allows(&write(ROLE, APP)), expected, "{text}");
    }
}

#[test]
fn and_binds_tighter_than_or_and_not_tightest() {
    let (yes, no) = (format!("ActionMatches{{'{WRITE}'}}"), "ActionMatches{'a/b'}");
    for (text, expected) in [
        (format!("{yes} OR {no} AND {no}"), true),
        (format!("({yes} OR {no}) AND {no}"), false),
        (format!("!{no} && {yes} || {no}"), true),
        (format!("NOT {yes} or {no}"), false),
        (format!("{yes} AND SubOperationMatches{{'Blob.List'}}"), false),
        ("ActionMatches{'Microsoft.Authorization/*/write'}".to_owned(), true),
    ] {
        assert_eq!(read(&text).allows(&write(ROLE, APP)), expected, "{text}");
    }
}

#[test]
fn what_azure_would_refuse_is_refused() {
    let right = clause(WRITE, "Request");
    for version in ["1.0", "2", ""] {
        assert_eq!(Condition::read(&right, Some(version)), Err(Problem::Invalid), "{version}");
    }
    assert!(Condition::read(&right, None).is_ok());
    let long = format!("{right}{}", " ".repeat(LONGEST));
    let attribute = "@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId]";
    let cases = [
        String::new(),
        long,
        "(".repeat(5000),
        format!("{right})"),
        format!("{right} {right}"),
        right.replace("OR", "XOR"),
        right.replace("ForAnyOfAnyValues:GuidEquals", "GuidEquals"),
        right.replace("GuidEquals", "StringEquals"),
        right.replace("GuidEquals", "GuidLike"),
        right.replace("ForAnyOfAnyValues", "ForSomeOfAnyValues"),
        right.replace(ROLE, "Reader"),
        right.replace("PrincipalId", "PrincipalName"),
        right.replace("@Request", "@Requested"),
        right.replace("ActionMatches{'", "ActionMatches{"),
        format!("{attribute} ForAnyOfAnyValues:GuidEquals {{}}"),
        format!("{attribute} ForAnyOfAnyValues:GuidEquals {{{ROLE} {OWNER}}}"),
        format!("{attribute} GuidEquals"),
        "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase User".to_owned(),
        "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEqualsIgnoreCase 'User".to_owned(),
    ];
    for text in cases {
        assert_eq!(Condition::read(&text, Some("2.0")), Err(Problem::Invalid), "{text}");
    }
}

#[test]
fn what_it_does_not_model_it_says() {
    for (text, what) in [
        ("@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'x'", "Microsoft.Storage"),
        ("@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:a_b] StringEquals 'x'", "@Principal"),
        ("Exists @Request[Microsoft.Authorization/roleAssignments:PrincipalId]", "Exists"),
        ("@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'User'", "StringEquals"),
        ("@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringNotLike 'U*'", "StringNotLike"),
        ("@Request[Microsoft.Authorization/roleAssignments:PrincipalType] StringStartsWithIgnoreCase 'U'", "StringStartsWithIgnoreCase"),
    ] {
        let Err(Problem::NotModelled(said)) = Condition::read(text, None) else { panic!("{text}") };
        assert!(said.contains(what), "{said}");
    }
    // What many deny lists are written with, though with two GUIDs it is always true.
    for operator in ["ForAnyOfAnyValues:GuidNotEquals", "ForAllOfAnyValues:GuidEquals", "ForAllOfAllValues:GuidNotEquals"] {
        let text = clause(WRITE, "Request").replace("ForAnyOfAnyValues:GuidEquals", operator);
        assert_eq!(Condition::read(&text, None), Err(Problem::NotModelled(format!("{operator} in conditions"))));
    }
}
