//! What clients hold while the database below their directory is replaced, and whether it still means the same.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Response;

const USERS: usize = 40;
/// More pages of the feed than any load of these tests writes.
const PAGES: usize = 1_000;

/// Users with their entity tags, the keys that created them, and cursors.
pub(super) struct Held {
    agent: Agent,
    users: Vec<HeldUser>,
    feed: String,
    list: String,
}

struct HeldUser {
    id: String,
    tag: String,
    key: String,
    body: String,
}

struct Answer {
    status: u16,
    tag: String,
    is_replayed: bool,
    json: Value,
}

impl Held {
    /// Creates users, and reads a page of the list and the feed to its end.
    pub(super) fn take(address: &str) -> Result<Self> {
        let mut this = Self {
            agent: http_client::agent(Duration::from_secs(30)),
            users: Vec::new(),
            feed: String::new(),
            list: String::new(),
        };
        for number in 0..USERS {
            let body = json!({"email": format!("held-{number}@example.com"), "name": format!("Held {number}")});
            let (body, key) = (body.to_string(), format!("held-{number}"));
            let made = this.create(address, &key, &body)?;
            ensure!(made.status == 201, "POST returned {}", made.status);
            let id = made.json["id"].as_str().context("no id")?.to_owned();
            let tag = made.tag;
            this.users.push(HeldUser { id, tag, key, body });
        }
        let page = this.get(&format!("{address}/v1/users?limit=5"))?;
        this.list = cursor(&page.json)?;
        this.feed = this.follow(address, "", None)?;
        Ok(this)
    }

    /// Uses all of it; returns what was proven, in words.
    pub(super) fn prove(&self, address: &str) -> Result<String> {
        for user in &self.users {
            let found = self.get(&format!("{address}/v1/users/{}", user.id))?;
            let is_same = found.status == 200 && found.tag == user.tag;
            ensure!(
                is_same,
                "GET of a held user: {} {}",
                found.status,
                found.tag
            );
            let again = self.create(address, &user.key, &user.body)?;
            let is_same = again.is_replayed && again.json["id"] == user.id.as_str();
            ensure!(is_same, "a key created another user: {}", again.json);
        }
        let list = format!("{address}/v1/users?limit=5&cursor={}", self.list);
        let page = self.get(&list)?;
        ensure!(page.status == 200, "the list's cursor: {}", page.json);
        // A tag still guards its user, and what is written now comes behind everything in the feed.
        let user = self.users.first().context("no user is held")?;
        let body = user.body.replace("Held", "Renamed");
        let answer = self
            .agent
            .put(format!("{address}/v1/users/{}", user.id))
            .header("if-match", &user.tag)
            .content_type("application/json")
            .send(&body);
        let renamed = answer.context("no answer")?.status().as_u16();
        ensure!(renamed == 200, "PUT with the held tag returned {renamed}");
        self.follow(address, &self.feed, Some(&user.id))?;
        Ok(format!(
            "{USERS} users with their tags, {USERS} idempotency keys, a list cursor and a feed cursor are as before; \
             a change is behind the held position"
        ))
    }

    /// Reads the feed from a cursor to its end, or up to a change of this user.
    fn follow(&self, address: &str, from: &str, user: Option<&str>) -> Result<String> {
        let mut after = from.to_owned();
        for _ in 0..PAGES {
            let parameter = if after.is_empty() {
                String::new()
            } else {
                format!("&after={after}")
            };
            let url = format!("{address}/v1/users/changes?limit=200{parameter}");
            let page = self.get(&url)?;
            ensure!(page.status == 200, "the feed's cursor: {}", page.json);
            let items = page.json["items"].as_array().context("no items")?;
            let has_it = items.iter().any(|item| item["id"].as_str() == user);
            let is_end = items.is_empty();
            after = cursor(&page.json)?;
            if user.is_some() && has_it || user.is_none() && is_end {
                return Ok(after);
            }
            ensure!(!is_end, "the change is not in the feed");
        }
        anyhow::bail!("the feed does not end")
    }

    fn create(&self, address: &str, key: &str, body: &str) -> Result<Answer> {
        let sent = self
            .agent
            .post(format!("{address}/v1/users"))
            .header("idempotency-key", key)
            .content_type("application/json")
            .send(body);
        read(sent.context("no answer to POST")?)
    }

    fn get(&self, url: &str) -> Result<Answer> {
        let sent = self.agent.get(url).call();
        read(sent.with_context(|| format!("no answer to GET {url}"))?)
    }
}

fn read(mut response: Response<ureq::Body>) -> Result<Answer> {
    let field = |name: &str| {
        let value = response.headers().get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let (tag, is_replayed) = (field("etag"), field("idempotency-replayed") == "true");
    Ok(Answer {
        status: response.status().as_u16(),
        tag,
        is_replayed,
        json: response.body_mut().read_json().context("not JSON")?,
    })
}

fn cursor(page: &Value) -> Result<String> {
    let next = page["next"].as_str();
    next.map(str::to_owned)
        .with_context(|| format!("no cursor in {page}"))
}
