use super::super::protocol::Resource;
use super::{provision, resource, without_server_attributes};
use crate::domain::{
    EmailAddress, Label, PersonName, PhoneNumber, ProvisionedUser, Timestamp, User, UserId,
    UserStatus,
};
use serde_json::{Value, json};
use uuid::Uuid;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn id() -> UserId {
    UserId(Uuid::from_u128(7))
}

fn map(value: Value) -> Resource {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

/// A user as it is after a provider wrote `value`.
fn written(value: Value) -> ProvisionedUser {
    let provision = provision(map(value), id(), None).unwrap();
    ProvisionedUser {
        user: User::new(id(), provision.profile, Timestamp::from_unix_micros(1)),
        document: Some(provision.attributes.document),
        external_id: provision.external_id,
    }
}

fn read(user: &ProvisionedUser) -> Value {
    Value::Object(without_server_attributes(resource(user, "").unwrap()))
}

fn whole() -> Value {
    json!({
        "userName": "Ada@Example.com", "externalId": "e-1", "displayName": "Ada L.", "active": false, "title": "Analyst",
        "name": {"givenName": "Ada", "familyName": "Lovelace", "formatted": "Ada Lovelace"},
        "emails": [{"value": "ada@example.com", "type": "work", "primary": true}, {"value": "ada@home.example", "type": "home"}],
        "phoneNumbers": [{"value": "555-1234", "type": "work"}, {"value": "+442071234567", "type": "mobile"}],
        ENTERPRISE: {"department": "Engines", "employeeNumber": "42", "manager": {"value": "m-1", "displayName": "Charles"}},
    })
}

#[test]
fn what_a_provider_writes_it_reads_back() {
    for value in [
        whole(),
        json!({"userName": "jdoe"}),
        json!({"userName": "jdoe", "active": true, "emails": [{"value": "not an address"}]}),
        json!({"userName": "a@example.com", "phoneNumbers": [{"value": "ext. 7"}]}),
    ] {
        assert_eq!(read(&written(value.clone())), value);
    }
}

#[test]
fn the_directory_knows_what_a_provider_writes() {
    let user = written(whole()).user.profile;
    assert_eq!(user.email.as_str(), "Ada@Example.com");
    assert_eq!(user.name.as_str(), "Ada L.");
    assert_eq!(user.phone.unwrap().as_str(), "+442071234567");
    assert_eq!(user.title.unwrap().as_str(), "Analyst");
    assert_eq!(user.department.unwrap().as_str(), "Engines");
    assert_eq!(user.status, UserStatus::Suspended);
    let user = written(
        json!({"userName": "jdoe", "name": {"givenName": "J", "familyName": "Doe"},
        "emails": [{"value": "x"}, {"value": "a@example.com"}, {"value": "b@example.com", "primary": true}]}),
    );
    assert_eq!(user.user.profile.email.as_str(), "b@example.com");
    assert_eq!(user.user.profile.name.as_str(), "J Doe");
    let user = written(json!({"userName": "jdoe"}));
    assert!(user.user.profile.email.as_str().ends_with("@users.invalid"));
    assert_eq!(user.user.profile.name.as_str(), "jdoe");
}

#[test]
fn what_another_client_changes_a_provider_reads() {
    let mut user = written(whole());
    let profile = &mut user.user.profile;
    profile.email = EmailAddress::parse("countess@example.com").unwrap();
    profile.name = PersonName::parse("Countess").unwrap();
    profile.phone = PhoneNumber::parse("+15551234567");
    profile.title = None;
    profile.department = Some(Label::parse("Poetry").unwrap());
    profile.status = UserStatus::Active;
    let mut expected = whole();
    expected["userName"] = "countess@example.com".into();
    expected["displayName"] = "Countess".into();
    expected["active"] = true.into();
    expected.as_object_mut().unwrap().remove("title");
    expected["emails"][0]["value"] = "countess@example.com".into();
    expected["phoneNumbers"][1]["value"] = "+15551234567".into();
    expected[ENTERPRISE]["department"] = "Poetry".into();
    assert_eq!(read(&user), expected);
    user.user.profile.phone = None;
    assert_eq!(
        read(&user)["phoneNumbers"],
        json!([{"value": "555-1234", "type": "work"}])
    );
}

#[test]
fn a_user_that_no_provider_wrote_has_everything_that_the_directory_knows() {
    let mut user = written(json!({"userName": "ada@example.com", "displayName": "Ada"}));
    user.document = None;
    user.user.profile.phone = PhoneNumber::parse("+15551234567");
    assert_eq!(
        read(&user),
        json!({
            "userName": "ada@example.com", "displayName": "Ada", "name": {"formatted": "Ada"}, "active": true,
            "emails": [{"value": "ada@example.com", "type": "work", "primary": true}],
            "phoneNumbers": [{"value": "+15551234567", "type": "work"}],
        })
    );
}

#[test]
fn what_the_directory_does_not_take_is_refused() {
    for value in [
        json!({"userName": ""}),
        json!({"userName": "u".repeat(513)}),
        json!({"userName": "u", "displayName": "n".repeat(201)}),
        json!({"userName": "u", "title": "t".repeat(101)}),
        json!({"userName": "u", "name": {"middleName": "\u{0}"}}),
        json!({"userName": "u", "externalId": "e".repeat(1025)}),
        json!({"userName": "u", "displayName": "a\u{7}b"}),
    ] {
        let refused = provision(map(value.clone()), id(), None).unwrap_err();
        assert_eq!(refused.scim_type.as_str(), "invalidValue", "{value}");
    }
}

#[test]
fn only_what_is_beside_the_users_own_address_is_indexed_beside_it() {
    let keys = |value: Value| {
        let attributes = provision(map(value), id(), None).unwrap().attributes;
        let emails: Vec<String> = attributes
            .emails
            .iter()
            .map(|key| key.as_str().to_owned())
            .collect();
        (
            attributes.user_name.map(|key| key.as_str().to_owned()),
            emails,
        )
    };
    assert_eq!(keys(whole()), (None, vec!["ada@home.example".to_owned()]));
    assert_eq!(
        keys(json!({"userName": "JDoe"})),
        (Some("jdoe".to_owned()), vec![])
    );
}
