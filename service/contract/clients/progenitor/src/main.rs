//! The story of every generated client (see ../README.md), by the client that progenitor generates.

use futures_util::TryStreamExt;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use roster_client::types::{NewUser, UserPatch, UserStatus};
use roster_client::{ByteStream, Client, Error, ResponseValue};
use std::fmt::Debug;

type Outcome<T> = Result<ResponseValue<T>, Error<ByteStream>>;

fn tag<T>(response: &ResponseValue<T>) -> String {
    let tag = response.headers().get("etag").expect("an ETag");
    tag.to_str().expect("visible ASCII").to_owned()
}

/// Demands a refusal. The client hands over its body as bytes: it does not know application/problem+json.
async fn refused<T: Debug>(outcome: Outcome<T>, status: u16, slug: &str) {
    let response = match outcome {
        Err(Error::ErrorResponse(response)) => response,
        other => panic!("{slug} was expected: {other:?}"),
    };
    assert_eq!(response.status(), status, "{slug}");
    let id = response.headers()["x-request-id"].clone();
    let parts: Vec<_> = response
        .into_inner_stream()
        .try_collect()
        .await
        .expect("a body");
    let problem: serde_json::Value = serde_json::from_slice(&parts.concat()).expect("JSON");
    assert_eq!(problem["type"], format!("/problems/{slug}"), "{problem}");
    assert_eq!(problem["request_id"], id.to_str().expect("ASCII"));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let setting = |name| std::env::var(name).expect("the runner sets it");
    let mut headers = HeaderMap::new();
    let token = format!("Bearer {}", setting("ROSTER_TOKEN"));
    headers.insert(AUTHORIZATION, HeaderValue::try_from(token).expect("a token"));
    let inner = reqwest::Client::builder().default_headers(headers).build();
    let client = Client::new_with_client(&setting("ROSTER_URL"), inner.expect("a client"));

    let ada = || {
        NewUser::builder()
            .email("ada@progenitor.example")
            .name("Ada Lovelace")
            .phone(Some("+442071234567".parse().expect("a phone number")))
            .department(Some("progenitor".parse().expect("a department")))
    };
    let created = client
        .create_user()
        .idempotency_key("progenitor-1")
        .body(ada())
        .send()
        .await
        .expect("create");
    assert_eq!(created.status(), 201);
    assert_eq!(created.phone.as_deref(), Some("+442071234567"));
    assert_eq!((created.title.as_deref(), created.status), (None, UserStatus::Active));
    refused(client.create_user().body(ada()).send().await, 409, "email-taken").await;
    let invalid = NewUser::builder().email("ada").name("Ada");
    refused(client.create_user().body(invalid).send().await, 422, "validation-failed").await;

    let read = client.read_user().id(created.id).send().await.expect("read");
    assert_eq!((tag(&read), read.email.as_str()), (tag(&created), created.email.as_str()));

    let patch = || UserPatch::builder().title(Some("Analyst".parse().expect("a title")));
    let at = |tag: String| client.patch_user().id(created.id).if_match(tag).body(patch());
    let patched = at(tag(&read)).send().await.expect("patch");
    assert_eq!(patched.title.as_deref(), Some("Analyst"));
    refused(at(tag(&read)).send().await, 412, "precondition-failed").await;

    let page = client.list_users().department("progenitor").limit(1).send();
    let page = page.await.expect("list");
    assert_eq!((page.items.len(), page.next.as_deref()), (1, None));
    let feed = client.read_changes().send().await.expect("read the changes");
    assert!(feed.items.iter().any(|change| change.id == created.id));

    let deleted = client.delete_user().id(created.id).send().await.expect("delete");
    assert_eq!(deleted.status(), 204);
    refused(client.read_user().id(created.id).send().await, 404, "user-not-found").await;
    println!("the story is complete");
}
