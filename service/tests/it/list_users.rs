//! `GET` and `QUERY /v1/users`

use crate::test_app::{JSON, TestApp, id, path};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn people(app: &TestApp) -> Vec<Value> {
    let mut users = Vec::new();
    for (email, name, department, status) in [
        ("zoe@example.com", "Zoë Ängström", "Engines", "active"),
        ("ada@example.com", "ada lovelace", "Engines", "suspended"),
        ("Bob@example.org", "Bob O'Hara_50%", "Sales", "active"),
        ("李@例子.广告", "李小龙", "Sales", "active"),
        ("c.d@example.com", "Ángel Ada", "engines", "active"),
    ] {
        users.push(
            app.created(
                &json!({"email": email, "name": name, "department": department, "status": status}),
            )
            .await,
        );
    }
    users
}

fn emails(items: &[Value]) -> Vec<&str> {
    items
        .iter()
        .map(|user| user["email"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sort_is_kept_across_pages_and_backwards() {
    let app = TestApp::start().await;
    let users = people(&app).await;
    for (sort, first) in [
        ("created_at", "zoe@example.com"),
        ("name", "ada@example.com"),
        ("email", "ada@example.com"),
    ] {
        let whole = app.walk(&format!("sort={sort}")).await;
        assert_eq!(whole.len(), users.len());
        assert_eq!(emails(&whole)[0], first, "{sort}");
        for limit in [1, 2, 3] {
            assert_eq!(
                app.walk(&format!("sort={sort}&limit={limit}")).await,
                whole,
                "{sort} by {limit}"
            );
            let mut backwards = app.walk(&format!("sort=-{sort}&limit={limit}")).await;
            backwards.reverse();
            assert_eq!(backwards, whole, "-{sort} by {limit}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_combine_and_search_is_a_substring_without_regard_to_case() {
    let app = TestApp::start().await;
    people(&app).await;
    for (query, found) in [
        (
            "department=Engines",
            vec!["zoe@example.com", "ada@example.com"],
        ),
        ("department=Engines&status=active", vec!["zoe@example.com"]),
        ("email=BOB@EXAMPLE.ORG", vec!["Bob@example.org"]),
        ("q=AD", vec!["ada@example.com", "c.d@example.com"]),
        ("q=%C3%84NG", vec!["zoe@example.com"]),
        ("q=ngstr%C3%B6m", vec!["zoe@example.com"]),
        ("q=%E5%B0%8F%E9%BE%99", vec!["李@例子.广告"]),
        ("q=o'h", vec!["Bob@example.org"]),
        ("q=_50%25", vec!["Bob@example.org"]),
        ("q=50", vec!["Bob@example.org"]),
        ("q=x_mple", vec![]),
        (
            "q=.c",
            vec!["zoe@example.com", "ada@example.com", "c.d@example.com"],
        ),
        ("q=example.org&department=Sales", vec!["Bob@example.org"]),
        ("q=a l", vec!["ada@example.com"]),
        (
            "q=com",
            vec!["zoe@example.com", "ada@example.com", "c.d@example.com"],
        ),
        ("q=zz", vec![]),
    ] {
        assert_eq!(
            emails(&app.walk(&query.replace(' ', "+")).await),
            found,
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_says_where_the_next_one_is() {
    let app = TestApp::start().await;
    people(&app).await;
    let page = app.get("/v1/users?limit=2&status=active").await;
    let next = page.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(
        page.header("link"),
        format!("</v1/users?limit=2&status=active&cursor={next}>; rel=\"next\"")
    );
    let last = app
        .get(&format!("/v1/users?limit=2&status=active&cursor={next}"))
        .await;
    assert_eq!(
        (last.json()["next"].clone(), last.header("link")),
        (Value::Null, "")
    );
    // What a page holds may change from one query to the next, the size may too.
    assert_eq!(
        app.get(&format!("/v1/users?limit=1&status=active&cursor={next}"))
            .await
            .status,
        200
    );
    for other in [
        "limit=2",
        "limit=2&status=suspended",
        "limit=2&status=active&sort=name",
    ] {
        let answer = app.get(&format!("/v1/users?{other}&cursor={next}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (400, "invalid-query"),
            "{other}"
        );
        assert!(
            answer.json()["detail"]
                .as_str()
                .unwrap()
                .contains("'cursor'")
        );
    }
    let tampered = format!(
        "{}{}",
        if next.starts_with('A') { 'B' } else { 'A' },
        &next[1..]
    );
    assert_eq!(
        app.get(&format!(
            "/v1/users?limit=2&status=active&cursor={tampered}"
        ))
        .await
        .status,
        400
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn query_takes_the_same_filters_as_a_body() {
    let app = TestApp::start().await;
    people(&app).await;
    let query = |body: Value| {
        let app = &app;
        async move {
            app.send("QUERY", "/v1/users", JSON, &body.to_string())
                .await
        }
    };
    let page = query(json!({"email": "ADA@example.com"})).await;
    assert_eq!(
        emails(page.json()["items"].as_array().unwrap()),
        ["ada@example.com"]
    );
    let first = query(json!({"limit": 3, "sort": "-name"})).await.json();
    let second = query(json!({"limit": 3, "sort": "-name", "cursor": first["next"]}))
        .await
        .json();
    let by_get = app.walk("sort=-name").await;
    let items: Vec<_> = [&first, &second]
        .into_iter()
        .flat_map(|page| page["items"].as_array().unwrap().clone())
        .collect();
    assert_eq!(items, by_get);
    for bad in [
        json!({"limit": 0}),
        json!({"limit": "x"}),
        json!({"nope": "x"}),
        json!({"q": 5}),
        json!([]),
    ] {
        assert_eq!(query(bad.clone()).await.problem(), "invalid-query", "{bad}");
    }
    let typed = app
        .send(
            "QUERY",
            "/v1/users",
            &[("content-type", "text/plain")],
            "{}",
        )
        .await;
    assert_eq!(
        (typed.status.as_u16(), typed.header("accept-query")),
        (415, "application/json")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_exists_throughout_a_walk_is_seen_exactly_once() {
    let app = Arc::new(TestApp::start().await);
    let insert = "INSERT INTO users SELECT id, e, e, 'User ' || n % 50, 'user ' || n % 50, NULL, NULL, NULL, 'active', 1, t, t, ''
        FROM (SELECT gen_random_uuid() AS id, n, 'w' || n || '@example.com' AS e, now() - n * interval '1 ms' AS t FROM generate_series(1, 3000) n) s";
    let sql = app.sql().await;
    sql.batch_execute(insert).await.unwrap();
    let stay: HashSet<String> = {
        let rows = sql
            .query(
                "SELECT id::text FROM users WHERE email NOT LIKE 'w%0@example.com'",
                &[],
            )
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    };
    let done = Arc::new(AtomicBool::new(false));
    let churn = tokio::spawn({
        let (app, done) = (app.clone(), done.clone());
        async move {
            for n in 1.. {
                if done.load(Ordering::Relaxed) {
                    return n;
                }
                app.created(&json!({"email": format!("new{n}@example.com"), "name": format!("User {}", n % 50)})).await;
                let doomed = app
                    .get(&format!("/v1/users?email=w{}0@example.com", n % 300))
                    .await
                    .json();
                if let Some(user) = doomed["items"].get(0) {
                    assert_eq!(app.send("DELETE", &path(user), &[], "").await.status, 204);
                }
            }
            unreachable!()
        }
    });
    for sort in [
        "created_at",
        "-created_at",
        "name",
        "-name",
        "email",
        "-email",
    ] {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for user in app.walk(&format!("sort={sort}&limit=97")).await {
            *seen.entry(id(&user).to_owned()).or_default() += 1;
        }
        assert!(
            seen.values().all(|times| *times == 1),
            "{sort}: somebody was seen twice"
        );
        assert!(
            stay.iter().all(|id| seen.contains_key(id)),
            "{sort}: somebody was missed"
        );
    }
    done.store(true, Ordering::Relaxed);
    assert!(churn.await.unwrap() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_and_sort_has_an_index() {
    let app = TestApp::start().await;
    let sql = app.sql().await;
    sql.batch_execute(
        "INSERT INTO users SELECT gen_random_uuid(), e, e, 'User ' || n, 'user ' || n, NULL, NULL, 'D' || n % 40,
             CASE WHEN n % 50 = 0 THEN 'suspended' ELSE 'active' END, 1, now(), now(), array_to_tsvector(ARRAY[lpad((n % 1000)::text, 3, '0')])
         FROM (SELECT n, 'p' || n || '@example.com' AS e FROM generate_series(1, 20000) n) s; ANALYZE users",
    )
    .await
    .unwrap();
    for (condition, order) in [
        ("true", "created_at, id"),
        ("true", "created_at DESC, id DESC"),
        ("true", "name_key, id"),
        ("true", "email_key"),
        (
            "(created_at, id) > (now(), gen_random_uuid())",
            "created_at, id",
        ),
        (
            "(name_key, id) < ('user 5', '01936f5e-8c3a-7000-8000-000000000001')",
            "name_key DESC, id DESC",
        ),
        ("email_key = 'p5@example.com'", "created_at, id"),
        ("department = 'D7'", "created_at, id"),
        ("department = 'D7'", "name_key, id"),
        ("status = 'suspended'", "created_at, id"),
        ("status = 'suspended'", "name_key DESC, id DESC"),
        ("search_grams @@ '''123'''::tsquery", "created_at, id"),
        (
            "search_grams @@ '''12'':*'::tsquery AND department = 'D7'",
            "name_key, id",
        ),
    ] {
        let rows = sql
            .query(
                &format!("EXPLAIN SELECT * FROM users WHERE {condition} ORDER BY {order} LIMIT 51"),
                &[],
            )
            .await
            .unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert!(
            !plan.join("\n").contains("Seq Scan"),
            "{condition} by {order}:\n{}",
            plan.join("\n")
        );
    }
}

/// Makes users by SQL, in the order of their numbers, with the grams that the service would make.
async fn make_many(app: &TestApp, name: &str, numbers: &str) {
    let insert = format!(
        "INSERT INTO users (id, email, email_key, name, name_key, status, row_version, created_at, updated_at, search_grams)
         SELECT gen_random_uuid(), email, email, name, name, 'active', 1, at, at,
                array_to_tsvector(ARRAY(
                    SELECT DISTINCT substr(text, place, 3)
                    FROM unnest(ARRAY[email, name]) AS text, generate_series(1, length(text) - 1) AS place))
         FROM (SELECT format('%s@example.com', i) AS email, format('{name} %s', i) AS name,
                      timestamptz '2026-01-01' + i * interval '1 s' AS at
               FROM generate_series({numbers}) AS i) AS made"
    );
    app.sql().await.batch_execute(&insert).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_the_same_however_many_it_finds_and_wherever_they_stand() {
    let app = TestApp::start().await;
    make_many(&app, "rare", "1, 60").await;
    make_many(&app, "common", "61, 16500").await;
    make_many(&app, "late", "16501, 20700").await;
    app.sql()
        .await
        .batch_execute("ANALYZE users")
        .await
        .unwrap();
    for (search, first, last) in [
        ("rare", 1, 60),
        ("common", 61, 16_500),
        ("late", 16_501, 20_700),
    ] {
        for (sort, from, step) in [("created_at", first, 1), ("-created_at", last, -1)] {
            let mut query = format!("/v1/users?q={search}&sort={sort}&limit=25");
            let mut expected = from;
            for _ in 0..2 {
                let page = app.get(&query).await.json();
                for user in page["items"].as_array().unwrap() {
                    assert_eq!(user["name"], format!("{search} {expected}"), "{query}");
                    expected += step;
                }
                let next = page["next"].as_str().unwrap();
                query = format!("/v1/users?q={search}&sort={sort}&limit=25&cursor={next}");
            }
            assert_eq!(expected, from + 50 * step);
        }
    }
    let all = app.walk("q=rare&sort=name&limit=7").await;
    assert_eq!(all.len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_stored_while_final_sigma_was_a_letter_of_its_own_are_found_after_the_migration() {
    let app = TestApp::start().await;
    let sql = app.sql().await;
    sql.batch_execute(
        "INSERT INTO users (id, email, email_key, name, name_key, status, row_version, created_at, updated_at, search_grams)
         VALUES (gen_random_uuid(), 'ΟΔΟΣ@example.com', 'οδος@example.com', 'Οδυσσεύς', 'οδυσσεύς', 'active', 1, now(), now(),
                 array_to_tsvector(ARRAY['οδο', 'δος', 'ος@', 'εύς', 'ύς']))",
    )
    .await
    .unwrap();
    sql.batch_execute(include_str!("../../migrations/V4__final_sigma.sql"))
        .await
        .unwrap();
    for query in ["email=οδος@example.com", "q=ύς", "q=δος"] {
        assert_eq!(app.walk(query).await.len(), 1, "{query}");
    }
    let taken = json!({"email": "οδοσ@example.com", "name": "another"});
    assert_eq!(app.create(&taken).await.problem(), "email-taken");
}
