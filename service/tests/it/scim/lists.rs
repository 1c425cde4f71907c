//! Lists: filters, pages by index and by cursor, order, searches.

use super::{created, filtered, get, patched, refusal, scim_app, send, user_names};
use serde_json::{Value, json};

#[tokio::test]
async fn filters_that_an_index_answers_find_their_users() {
    let app = scim_app().await;
    created(&app, json!({"userName": "ada@example.com", "externalId": "e-1", "title": "Analyst",
        "emails": [{"value": "ada@example.com", "type": "work"}, {"value": "ada@home.example", "type": "home"}]})).await;
    let jdoe = created(&app, json!({"userName": "JDoe", "active": false, "emails": [{"value": "j@example.com", "type": "work"}]})).await;
    let id = jdoe["id"].as_str().expect("an id");
    for (filter, expected) in [
        ("userName eq \"ADA@example.com\"", &["ada@example.com"][..]),
        ("userName eq \"jdoe\"", &["JDoe"]),
        ("userName eq \"j@example.com\"", &[]),
        ("userName eq \"nobody@example.com\"", &[]),
        ("externalId eq \"e-1\"", &["ada@example.com"]),
        ("externalId eq \"E-1\"", &[]),
        (
            "emails[type eq \"home\"].value eq \"ada@home.example\"",
            &["ada@example.com"],
        ),
        (
            "emails[type eq \"work\"].value eq \"ada@home.example\"",
            &[],
        ),
        ("emails.value eq \"J@example.com\"", &["JDoe"]),
        (
            "userName eq \"jdoe\" or externalId eq \"e-1\"",
            &["ada@example.com", "JDoe"],
        ),
        (
            "userName eq \"ada@example.com\" and title eq \"analyst\"",
            &["ada@example.com"],
        ),
        (
            "userName eq \"ada@example.com\" and title eq \"other\"",
            &[],
        ),
        (
            "userName eq \"ada@example.com\" and not (active eq true)",
            &[],
        ),
        (&format!("id eq \"{id}\""), &["JDoe"]),
        ("active eq false", &["JDoe"]),
        ("active eq true", &["ada@example.com"]),
    ] {
        let answer = get(&app, &filtered(filter)).await;
        assert_eq!(answer.status, 200, "{filter}: {answer:?}");
        let page = answer.json();
        assert_eq!(user_names(&page), expected, "{filter}");
        assert_eq!(page["totalResults"], expected.len(), "{filter}");
        assert_eq!(page["startIndex"], 1);
    }
}

#[tokio::test]
async fn filters_that_would_read_every_user_are_refused_with_a_sentence() {
    let app = scim_app().await;
    for (filter, kind) in [
        ("displayName co \"a\"", "tooMany"),
        ("userName sw \"a\"", "tooMany"),
        ("shoeSize eq 42", "invalidFilter"),
        ("userName eq", "invalidFilter"),
        ("userName", "invalidFilter"),
    ] {
        let answer = get(&app, &filtered(filter)).await;
        assert_eq!(answer.status, 400, "{filter}");
        assert_eq!(refusal(&answer), kind, "{filter}");
    }
}

#[tokio::test]
async fn a_walk_by_index_and_one_by_cursor_see_every_user_once() {
    let app = scim_app().await;
    let mut expected = Vec::new();
    for n in 0..25 {
        let name = format!("user{n:02}@example.com");
        created(&app, json!({"userName": name})).await;
        expected.push(name);
    }
    let mut seen: Vec<String> = Vec::new();
    for start in [1, 11, 21] {
        let page = get(&app, &format!("/Users?startIndex={start}&count=10"))
            .await
            .json();
        assert_eq!(
            (&page["totalResults"], &page["startIndex"]),
            (&json!(25), &json!(start))
        );
        seen.extend(user_names(&page).into_iter().map(str::to_owned));
    }
    assert_eq!(seen, expected);
    for sort in [
        "",
        "&sortBy=userName&sortOrder=descending",
        "&sortBy=displayName",
    ] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = get(&app, &format!("/Users?count=7{sort}&cursor={cursor}")).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let page = answer.json();
            seen.extend(user_names(&page).into_iter().map(str::to_owned));
            match page["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        if sort.contains("descending") {
            seen.reverse();
        }
        assert_eq!(seen, expected, "{sort}");
    }
    let page = get(&app, "/Users?count=0").await.json();
    assert_eq!(
        (&page["totalResults"], &page["Resources"]),
        (&json!(25), &json!([]))
    );
    let page = get(&app, "/Users?startIndex=0&count=1").await.json();
    assert_eq!(
        (&page["startIndex"], &page["itemsPerPage"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test]
async fn cursors_are_bound_to_their_list() {
    let app = scim_app().await;
    for n in 0..3 {
        created(&app, json!({"userName": format!("u{n}@example.com")})).await;
    }
    let page = get(&app, "/Users?count=1&cursor=").await.json();
    let cursor = page["nextCursor"].as_str().expect("a cursor");
    for (query, kind) in [
        (format!("count=1&cursor={cursor}x"), "invalidCursor"),
        (
            format!("count=1&sortBy=userName&cursor={cursor}"),
            "invalidCursor",
        ),
        (format!("count=0&cursor={cursor}"), "invalidCount"),
        ("startIndex=200000".to_owned(), "tooMany"),
        ("sortBy=title".to_owned(), "invalidValue"),
        (
            "sortBy=userName&sortOrder=random".to_owned(),
            "invalidValue",
        ),
    ] {
        let answer = get(&app, &format!("/Users?{query}")).await;
        assert_eq!(
            (answer.status.as_u16(), refusal(&answer).as_str()),
            (400, kind),
            "{query}"
        );
    }
    // A cursor of /v1 is not one of SCIM.
    let theirs = app.get("/v1/users?limit=1").await.json();
    let theirs = theirs["next"].as_str().expect("a cursor");
    let answer = get(&app, &format!("/Users?count=1&cursor={theirs}")).await;
    assert_eq!(refusal(&answer), "invalidCursor");
}

#[tokio::test]
async fn a_search_takes_the_parameters_in_its_body() {
    let app = scim_app().await;
    created(&app, json!({"userName": "ada@example.com", "title": "T"})).await;
    created(&app, json!({"userName": "bob@example.com"})).await;
    for path in ["/.search", "/Users/.search"] {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "filter": "userName eq \"ada@example.com\"", "attributes": ["title"], "startIndex": 1, "count": 10,
        });
        let answer = send(&app, "POST", path, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = answer.json();
        assert_eq!(page["totalResults"], 1);
        assert_eq!(page["Resources"][0]["title"], "T");
        assert!(page["Resources"][0].get("userName").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_read_the_rows_that_they_are_about_by_a_plan_of_an_empty_table_too() {
    const USERS: usize = 500;
    const CALLS: usize = 100;
    let mut app = scim_app().await;
    let sql = app.sql().await;
    // Known to be empty, and not only unknown.
    sql.batch_execute("VACUUM ANALYZE users, scim_users, scim_external_ids")
        .await
        .unwrap();
    let look_up = async |name: &str, found: usize| {
        for filter in [
            format!("userName eq \"user{name}\""),
            format!("emails.value eq \"user{name}@example.com\""),
            format!("externalId eq \"{name}\""),
        ] {
            let page = get(&app, &filtered(&filter)).await.json();
            assert_eq!(page["totalResults"], found, "{filter}");
        }
    };
    let retitle = async |user: &Value, title: String| {
        patched(
            &app,
            user,
            json!([{"op": "replace", "path": "title", "value": title}]),
        )
        .await;
    };
    // Every connection plans its statements while there is hardly a user.
    let first = created(&app, json!({"userName": "first", "externalId": "first"})).await;
    for n in 0..20 {
        look_up("7", 0).await;
        retitle(&first, n.to_string()).await;
    }
    let operation = |n: usize| {
        let address = format!("user{n}@example.com");
        let user = json!({"userName": format!("user{n}"), "externalId": n.to_string(), "emails": [{"value": address}]});
        json!({"method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": user})
    };
    let operations: Vec<_> = (0..USERS).map(operation).collect();
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
    assert_eq!(send(&app, "POST", "/Bulk", &bulk).await.status, 200);
    for n in 0..CALLS {
        look_up("7", 1).await;
        retitle(&first, format!("again {n}")).await;
    }
    app.stop().await;
    // A session reports what it has read when it ends.
    let end = "SELECT pg_terminate_backend(pid, 120000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sql.query(end, &[]).await.unwrap();
    let read = "SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname IN ('users', 'scim_users', 'scim_external_ids')";
    let read: i64 = sql.query_one(read, &[]).await.unwrap().get(0);
    assert!(read > 0, "nothing is counted");
    let most = i64::try_from(USERS * CALLS / 2).unwrap();
    assert!(read < most, "{read} index entries were read");
}
