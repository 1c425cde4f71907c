//! Pages that several ask for at the same time are read together: each is answered as if it had been alone.

use crate::test_app::{TestApp, id};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

const NEWEST: &str = "/v1/users?sort=-created_at&limit=20";

/// Clients that ask for the newest users again and again, so that a statement for them is always under way.
struct Crowd {
    is_over: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
}

impl Crowd {
    fn gather(app: &Arc<TestApp>, size: usize) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let answers = Arc::new(AtomicUsize::new(0));
        let clients = (0..size).map(|_| {
            let (app, is_over, answers) = (app.clone(), is_over.clone(), answers.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(app.get(NEWEST).await.status, 200);
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        Self {
            clients: clients.collect(),
            answers,
            is_over,
        }
    }

    /// Waits until they were given so many answers.
    async fn is_answered(&self, times: usize) {
        while self.answers.load(Ordering::Relaxed) < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How many answers they were given.
    async fn disperse(self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        self.answers.load(Ordering::Relaxed)
    }
}

fn holds(page: &Value, user: &Value) -> bool {
    page["items"]
        .as_array()
        .is_some_and(|items| items.iter().any(|item| item == user))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_shows_what_was_answered_before_it_was_asked_for() {
    let app = Arc::new(TestApp::start().await);
    let crowd = Crowd::gather(&app, 8);
    for n in 0..100 {
        let user = app
            .created(&json!({"email": format!("u{n}@example.com"), "name": "U"}))
            .await;
        let page = app.get(NEWEST).await.json();
        assert!(holds(&page, &user), "{user} is not in {page}");
    }
    crowd.is_answered(100).await;
    crowd.disperse().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fewer_statements_are_run_than_pages_are_answered() {
    let app = Arc::new(TestApp::start().await);
    let crowd = Crowd::gather(&app, 16);
    crowd.is_answered(200).await;
    let answered = crowd.disperse().await;
    let metrics = app.metrics().await;
    let count = r#"roster_database_query_duration_seconds_count{statement="list_users"} "#;
    let statements: usize = metrics
        .lines()
        .find_map(|line| line.strip_prefix(count)?.parse().ok())
        .expect("the statements are counted");
    assert!(
        statements < answered,
        "{statements} statements for {answered} answers"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_differ_are_never_mistaken_for_each_other() {
    let app = Arc::new(TestApp::start().await);
    let mut users = Vec::new();
    for n in 0..12 {
        let body = json!({"email": format!("u{n:02}@example.com"), "name": format!("N{}", 11 - n), "department": format!("D{}", n % 3)});
        users.push(app.created(&body).await);
    }
    let expected = |query: &str| -> Vec<String> {
        let ids =
            |picked: Vec<&Value>| picked.into_iter().map(|user| id(user).to_owned()).collect();
        match query {
            "limit=3" => ids(users.iter().take(3).collect()),
            "limit=3&sort=-email" => ids(users.iter().rev().take(3).collect()),
            "limit=5" => ids(users.iter().take(5).collect()),
            "department=D1" => ids(users.iter().skip(1).step_by(3).collect()),
            _ => ids(users.iter().skip(2).step_by(3).collect()),
        }
    };
    let mut running = Vec::new();
    for n in 0..200 {
        let query = [
            "limit=3",
            "limit=3&sort=-email",
            "limit=5",
            "department=D1",
            "department=D2",
        ][n % 5];
        let app = app.clone();
        running.push(tokio::spawn(async move {
            (query, app.get(&format!("/v1/users?{query}")).await.json())
        }));
    }
    for task in running {
        let (query, page) = task.await.unwrap();
        let found: Vec<&str> = page["items"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(found, expected(query), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_takes_no_page_from_the_others() {
    let app = Arc::new(TestApp::start().await);
    let crowd = Crowd::gather(&app, 4);
    for n in 0..100_u64 {
        let hurried = app.get(NEWEST);
        let _ = tokio::time::timeout(Duration::from_micros(n * 20), hurried).await;
    }
    crowd.is_answered(100).await;
    crowd.disperse().await;
    assert_eq!(app.get(NEWEST).await.status, 200);
}
