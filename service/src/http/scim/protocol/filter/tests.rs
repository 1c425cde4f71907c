use super::super::Resource;
use super::super::error::ScimType;
use super::{Filter, MAX_FILTER_BYTES, MAX_FILTER_DEPTH};
use serde_json::{Value, json};

fn object(value: Value) -> Resource {
    let Value::Object(members) = value else {
        panic!("not an object: {value}");
    };
    members
}

fn barbara() -> Resource {
    object(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalId": "BJensen",
        "userName": "bjensen@Example.com",
        "name": { "givenName": "Barbara", "familyName": "O'Malley" },
        "title": "Vice President",
        "active": true,
        "emails": [
            { "type": "work", "value": "bjensen@example.com", "primary": true },
            { "type": "home", "value": "babs@jensen.org" }
        ],
        "meta": { "lastModified": "2011-05-13T04:42:34Z", "resourceType": "User" },
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "department": "Tour Operations", "manager": { "value": "26118915" }
        }
    }))
}

fn matches(filter: &str) -> bool {
    let parsed = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    let again = Filter::parse(&parsed.to_string()).unwrap();
    assert_eq!(parsed, again, "{filter}");
    parsed.matches(&barbara())
}

fn refusal(filter: &str) -> String {
    let error = Filter::parse(filter).expect_err(filter);
    assert_eq!(error.scim_type, ScimType::InvalidFilter, "{filter}");
    error.detail
}

#[test]
fn the_examples_of_the_standard_are_answered() {
    for filter in [
        r#"userName Eq "BJENSEN@example.com""#,
        r#"name.familyName co "O'Malley""#,
        r#"userName sw "B""#,
        r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "b""#,
        "title pr",
        r#"meta.lastModified gt "2011-05-13T04:42:33Z""#,
        r#"meta.lastModified ge "2011-05-13T04:42:34Z""#,
        r#"meta.lastModified lt "2011-05-13T05:42:35+01:00""#,
        r#"meta.lastModified le "2011-05-13T04:42:34Z""#,
        r#"title pr or userType eq "Intern""#,
        r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
        r#"title pr and (emails co "example.com" or emails.value co "example.org")"#,
        r#"title ne "Intern" and not (emails co "example.net" or emails.value co "example.org")"#,
        r#"title pr and (emails.type eq "work")"#,
        r#"title pr and emails[type eq "work" and value co "@example.com"]"#,
        r#"emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]"#,
    ] {
        assert!(matches(filter), "{filter}");
    }
    for filter in [
        r#"title pr and userType eq "Employee""#,
        r#"userType eq "Employee" and (emails co "example.com")"#,
        r#"meta.lastModified gt "2011-05-13T04:42:34Z""#,
    ] {
        assert!(!matches(filter), "{filter}");
    }
}

#[test]
fn and_binds_stronger_than_or_and_weaker_than_not() {
    assert!(matches("title pr or nickName pr and nickName pr"));
    assert!(!matches("(title pr or nickName pr) and nickName pr"));
    assert!(matches("not (nickName pr) and title pr"));
    assert!(!matches("not (nickName pr and title pr or title pr)"));
    assert!(matches("NOT(nickName pr) AND title PR"));
    assert_eq!(
        Filter::parse("a pr and b pr and c pr or d pr").unwrap(),
        Filter::Or(vec![
            Filter::parse("a pr and b pr and c pr").unwrap(),
            Filter::parse("d pr").unwrap(),
        ])
    );
}

#[test]
fn case_counts_where_the_schema_says_so() {
    assert!(matches(r#"externalId eq "BJensen""#));
    assert!(!matches(r#"externalId eq "bjensen""#));
    assert!(matches(r#"TITLE eq "vice president""#));
}

#[test]
fn a_value_path_is_about_one_value() {
    assert!(matches(
        r#"emails.type eq "home" and emails.primary eq true"#
    ));
    assert!(!matches(r#"emails[type eq "home" and primary eq true]"#));
    assert!(matches(
        r#"emails[type eq "home"].value eq "babs@jensen.org""#
    ));
    assert!(!matches(
        r#"emails[type eq "work"].value eq "babs@jensen.org""#
    ));
    assert!(matches(
        r#"emails[type eq "work" or type eq "home"].value sw "babs""#
    ));
    assert!(matches("emails[not (primary eq true)].value pr"));
    assert!(!matches(r#"emails[emails.type eq "work"]"#));
    assert!(!matches(r#"title[value eq "x"]"#));
}

#[test]
fn the_paths_of_an_extension_have_dots_and_colons() {
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert!(matches(&format!(
        r#"{urn}:department eq "tour operations""#
    )));
    assert!(matches(&format!(r#"{urn}:manager.value eq "26118915""#)));
    assert!(matches(&format!(r#"{urn}:manager eq "26118915""#)));
    assert!(!matches(&format!("{urn}:employeeNumber pr")));
    assert!(!matches(r#"department eq "Tour Operations""#));
}

#[test]
fn booleans_are_compared_also_as_the_strings_that_providers_send() {
    assert!(matches("active eq true"));
    assert!(matches(r#"active eq "True""#));
    assert!(matches(r#"emails[primary eq "True" and type eq "work"]"#));
    assert!(matches(r#"active ne "False""#));
    assert!(!matches("active eq 1"));
}

#[test]
fn an_attribute_without_a_value_is_null() {
    assert!(matches("nickName eq null"));
    assert!(matches("title ne null"));
    assert!(!matches("title eq null"));
    assert!(!matches("displayName ne null"));
    assert!(matches(r#"displayName ne "Babs""#));
    assert!(!matches(r#"displayName gt "Babs""#));
}

#[test]
fn literals_are_those_of_json() {
    assert!(matches(r#"name.familyName eq "o\u0027malley""#));
    assert!(matches(
        r#"title ne "a \"quoted\" \\ value ] ) \uD83D\uDE00""#
    ));
    assert!(!matches("title eq -1.5e3"));
    assert!(!matches("title lt 0.5e33"));
    for filter in [
        r#"title eq "\x""#,
        r#"title eq "\ud800""#,
        r#"title eq "unfinished"#,
        "title eq 'x'",
        "title eq 01",
        "title eq True",
        "title eq [1]",
        "title eq",
        "title eq 1e999",
        "title eq \"a\u{1}\"",
        r#"title eq "a\u0000""#,
    ] {
        refusal(filter);
    }
}

#[test]
fn a_refusal_has_the_position_and_a_sentence() {
    assert_eq!(
        refusal(r#"title eq "\u00fc" und active eq true"#),
        "The filter is not valid at character 19: and, or or the end is expected."
    );
    assert_eq!(
        refusal("title equals 1"),
        "The filter is not valid at character 7: equals is not an operator."
    );
    assert_eq!(
        refusal("\u{fc}ber pr"),
        "The filter is not valid at character 1: The attribute path \u{fc}ber does not name an attribute."
    );
    for filter in [
        "",
        "  ",
        "(",
        ")",
        "title",
        "not title pr",
        "title pr and",
        "title pr or or active pr",
        "(title pr",
        "title pr)",
        "emails[",
        "emails[]",
        "emails[type pr",
        "emails[type pr]x pr",
        "emails[type pr].value",
        "emails[type pr] .value pr",
        "emails[value[type pr]]",
        "emails.value[type pr]",
        "title pr title pr",
        "and",
        "\"title\" pr",
    ] {
        refusal(filter);
    }
}

#[test]
fn what_cannot_be_compared_is_refused() {
    for filter in [
        "active gt true",
        r#"active co "tr""#,
        "active ge \"a\"",
        "title co 1",
        "title sw null",
        "title lt true",
        r#"meta.created gt "yesterday""#,
        r#"meta.created eq "x""#,
        r#"emails[primary gt "a"]"#,
    ] {
        refusal(filter);
    }
}

#[test]
fn length_and_depth_are_bounded() {
    let nested = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    assert!(matches(&nested(MAX_FILTER_DEPTH)));
    assert!(refusal(&nested(MAX_FILTER_DEPTH + 1)).contains("nest deeper than 16"));
    assert!(refusal(&"not (".repeat(800)).contains("nest deeper than 16"));
    refusal(&"(".repeat(MAX_FILTER_BYTES));
    let long = vec!["title pr"; 300].join(" and ");
    assert!(matches(&long));
    assert!(refusal(&format!("{long} and {long}")).contains("longer than 4096 bytes"));
}
