//! `POST /v1/users`

use crate::test_app::{TestApp, id};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_user_is_answered_with_its_place_and_its_version() {
    let app = TestApp::start().await;
    let answer = app.create(&json!({"email": " Ada@Example.com ", "name": "Ada Lovelace", "phone": "+442071234567"})).await;
    assert_eq!(answer.status, 201);
    let user = answer.json();
    assert_eq!(
        answer.header("location"),
        format!("/v1/users/{}", id(&user))
    );
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(user["email"], "Ada@Example.com");
    assert_eq!(user["status"], "active");
    assert_eq!(user["title"], Value::Null);
    assert_eq!(user["created_at"], user["updated_at"]);
    assert_eq!(app.get(answer.header("location")).await.json(), user);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_concurrent_creates_with_case_variants_of_one_address_exactly_one_succeeds() {
    let app = Arc::new(TestApp::start().await);
    let mut running = Vec::new();
    for n in 0..200_u32 {
        let app = app.clone();
        running.push(tokio::spawn(async move {
            let address = "straße.jörg@example.com";
            let cased: String = address
                .chars()
                .enumerate()
                .flat_map(|(at, c)| {
                    if n >> (at % 8) & 1 == 1 && c != 'ß' {
                        c.to_uppercase().collect::<Vec<_>>()
                    } else {
                        vec![c]
                    }
                })
                .collect();
            app.create(&json!({"email": cased, "name": format!("User {n}")}))
                .await
        }));
    }
    let mut statuses = HashMap::new();
    for answer in running {
        let answer = answer.await.unwrap();
        if answer.status == 409 {
            assert_eq!(answer.problem(), "email-taken");
        }
        *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
    }
    assert_eq!(statuses, HashMap::from([(201, 1), (409, 199)]));
    let rows: i64 = app
        .sql()
        .await
        .query_one("SELECT count(*) FROM users", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(rows, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn case_is_nothing_to_an_address_in_any_alphabet() {
    let app = TestApp::start().await;
    for (first, variant) in [
        ("οδος@example.com", "ΟΔΟΣ@example.com"),
        ("ΟΔΟΣ@beispiel.de", "οδοσ@beispiel.de"),
        ("ДМИТРИЙ@пример.рф", "дмитрий@ПРИМЕР.РФ"),
        ("jose\u{301}@example.com", "JOSÉ@EXAMPLE.com"),
    ] {
        let user = app.created(&json!({"email": first, "name": "A"})).await;
        let taken = app.create(&json!({"email": variant, "name": "B"})).await;
        assert_eq!(taken.status, 409, "{variant}");
        let query = format!("/v1/users?email={}", encoded(variant));
        let found = app.get(&query).await.json();
        assert_eq!(found["items"][0], user, "{variant}");
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_body_is_named_in_one_answer() {
    let app = TestApp::start().await;
    let answer = app.create(&json!({"id": "x", "email": "nobody", "phone": "12", "status": "gone", "nick": 1, "title": ""})).await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (422, "validation-failed")
    );
    let document = answer.json();
    let mut pointers: Vec<_> = document["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["pointer"].as_str().unwrap())
        .collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/email", "/id", "/name", "/nick", "/phone", "/status", "/title"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn text_comes_back_exactly_as_it_was_stored() {
    let app = TestApp::start().await;
    let name = "Zoë \"Quote\" \\ back / slash 𝕏 👩‍💻 \u{2028} \u{7f}é".replace('\u{7f}', "");
    let user = app
        .created(&json!({"email": "用户@例子.广告", "name": name, "title": "é\u{301}"}))
        .await;
    let read = app.get(&format!("/v1/users/{}", id(&user))).await.json();
    assert_eq!(
        (&read["name"], &read["email"], &read["title"]),
        (&json!(name), &json!("用户@例子.广告"), &json!("é\u{301}"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_kept_to_the_character_and_to_the_byte() {
    let app = TestApp::start().await;
    let long = |bytes: usize| format!("{}@example.com", "a".repeat(bytes - "@example.com".len()));
    for (user, status) in [
        (json!({"email": long(254), "name": "n"}), 201),
        (json!({"email": long(255), "name": "n"}), 422),
        (
            json!({"email": "b@example.com", "name": "é".repeat(200)}),
            201,
        ),
        (
            json!({"email": "c@example.com", "name": "é".repeat(201)}),
            422,
        ),
        (
            json!({"email": "d@example.com", "name": "n", "title": "t".repeat(100), "department": "😀".repeat(100)}),
            201,
        ),
        (
            json!({"email": "e@example.com", "name": "n", "title": "t".repeat(101)}),
            422,
        ),
        (json!({"email": "f@example.com", "name": "a\u{0}b"}), 422),
    ] {
        assert_eq!(app.create(&user).await.status, status, "{user}");
    }
}
