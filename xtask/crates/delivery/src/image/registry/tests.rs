//! Against a registry in this process that redirects, is busy, demands tokens or keeps its tags.

use super::transport::Transport;
use super::{Registry, Tag, upload_url};
use crate::image::assemble::{Blob, Image};
use crate::image::credentials::Credentials;
use crate::image::digest;
use crate::image::reference::Repository;
use serde_json::json;
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use xtask::failure::{Kind, exit_code};

/// How the registry behaves.
#[derive(Clone, Copy, Default)]
struct Habits {
    /// Blobs are answered by this redirect to another host.
    redirects: Option<u16>,
    /// A tag never moves.
    immutable: bool,
    /// Tokens are demanded.
    bearer: bool,
    /// Every call is answered by this status first.
    busy: Option<u16>,
}

#[derive(Default)]
struct State {
    blobs: HashMap<String, Vec<u8>>,
    manifests: HashMap<String, Vec<u8>>,
    seen: HashMap<String, u32>,
    /// Calls as `METHOD path authorization`.
    calls: Vec<String>,
}

struct StandIn {
    port: u16,
    state: Arc<Mutex<State>>,
}

struct Call {
    method: String,
    path: String,
    authorization: String,
    body: Vec<u8>,
}

impl StandIn {
    fn start(habits: Habits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let call = read(&stream);
                let reply = shared.lock().expect("a state").answer(&call, habits, port);
                let (status, fields, body) = reply;
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{fields}\r\n"
                );
                let mut stream = stream;
                let _ = stream.write_all(head.as_bytes());
                if call.method != "HEAD" {
                    let _ = stream.write_all(&body);
                }
            }
        });
        Self { port, state }
    }

    fn registry(&self) -> Registry {
        let name = format!("127.0.0.1:{}/roster", self.port);
        let repository = Repository::parse(&name).expect("a repository");
        let credentials = Credentials::Password {
            user: "ada".into(),
            secret: "s".into(),
        };
        Registry {
            transport: Transport::new(&repository, Some(credentials)),
            repository,
        }
    }

    fn calls(&self) -> Vec<String> {
        self.state.lock().expect("a state").calls.clone()
    }
}

fn read(stream: &TcpStream) -> Call {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let _ = reader.read_line(&mut line);
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let (mut length, mut authorization) = (0, "-".to_owned());
    loop {
        let mut field = String::new();
        let read = reader.read_line(&mut field).unwrap_or(0);
        let Some((name, value)) = field.trim_end().split_once(':').filter(|_| read > 0) else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "authorization" => value.trim().clone_into(&mut authorization),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    let _ = reader.read_exact(&mut body);
    Call {
        method,
        path,
        authorization,
        body,
    }
}

impl State {
    fn answer(&mut self, call: &Call, habits: Habits, port: u16) -> (u16, String, Vec<u8>) {
        let Call {
            method,
            path,
            authorization,
            body,
        } = call;
        self.calls.push(format!("{method} {path} {authorization}"));
        let none = String::new;
        if let Some(digest) = path.strip_prefix("/cdn/") {
            return self
                .blobs
                .get(digest)
                .map_or((404, none(), vec![]), |blob| (200, none(), blob.clone()));
        }
        if path.starts_with("/token") {
            return (200, none(), br#"{"access_token": "t0k"}"#.to_vec());
        }
        let asked = self.seen.entry(format!("{method} {path}")).or_default();
        *asked += 1;
        if let Some(status) = habits.busy.filter(|_| *asked == 1) {
            return (status, "retry-after: 0\r\n".into(), vec![]);
        }
        if habits.bearer && authorization != "Bearer t0k" {
            let field = format!(
                "www-authenticate: bearer realm=\"http://127.0.0.1:{port}/token\", service=\"r\"\r\n"
            );
            return (401, field, vec![]);
        }
        let last = path.rsplit('/').next().unwrap_or_default();
        match method.as_str() {
            "POST" => (
                202,
                "location: /v2/roster/blobs/uploads/1\r\n".into(),
                vec![],
            ),
            "PUT" if path.contains("/uploads/") => {
                self.blobs.insert(digest(body), body.clone());
                (201, none(), vec![])
            }
            "PUT" => {
                if habits.immutable && self.manifests.contains_key(last) {
                    let fault = json!({"errors": [{"code": "TAG_INVALID", "message": "the repository is immutable"}]});
                    return (400, none(), fault.to_string().into_bytes());
                }
                self.manifests.insert(last.to_owned(), body.clone());
                self.manifests.insert(digest(body), body.clone());
                (201, none(), vec![])
            }
            _ if path.contains("/blobs/") => match (self.blobs.get(last), habits.redirects) {
                (None, _) => (404, none(), vec![]),
                (Some(_), Some(status)) if method == "GET" => (
                    status,
                    format!("location: http://localhost:{port}/cdn/{last}\r\n"),
                    vec![],
                ),
                (Some(blob), _) => (200, none(), blob.clone()),
            },
            _ => self
                .manifests
                .get(last)
                .map_or((404, none(), vec![]), |found| (200, none(), found.clone())),
        }
    }
}

fn image(revision: &str) -> Image {
    let blob = |bytes: Vec<u8>| Blob {
        digest: digest(&bytes),
        bytes,
    };
    let config = blob(
        json!({"config": {"Labels": {"revision": revision}}})
            .to_string()
            .into_bytes(),
    );
    let layer = blob(revision.as_bytes().to_vec());
    let manifest = json!({"schemaVersion": 2, "config": {"digest": config.digest}, "layers": [{"digest": layer.digest}]});
    Image {
        manifest: blob(manifest.to_string().into_bytes()),
        config,
        layer,
    }
}

fn fixed(name: &str) -> Tag {
    Tag::Fixed(name.into())
}

fn moving(name: &str) -> Tag {
    Tag::Moving(name.into())
}

#[test]
fn blobs_that_a_registry_redirects_are_followed_without_our_authorization() {
    for status in [301, 302, 303, 307, 308] {
        let stand_in = StandIn::start(Habits {
            redirects: Some(status),
            bearer: true,
            ..Habits::default()
        });
        let mut registry = stand_in.registry();
        registry
            .push(&image("a"), &[fixed("sha-a")])
            .expect("is pushed");
        let found = registry.find("sha-a").expect("is found").expect("is there");
        assert_eq!(found.labels["revision"], "a", "{status}");
        let elsewhere: Vec<_> = stand_in
            .calls()
            .into_iter()
            .filter(|call| call.contains("/cdn/"))
            .collect();
        assert_eq!(elsewhere.len(), 1, "{status}");
        assert!(elsewhere[0].ends_with(" -"), "{status}: {elsewhere:?}");
    }
}

#[test]
fn a_busy_registry_is_asked_again() {
    for status in [429, 503] {
        let stand_in = StandIn::start(Habits {
            busy: Some(status),
            ..Habits::default()
        });
        let mut registry = stand_in.registry();
        registry
            .push(&image("a"), &[fixed("sha-a")])
            .expect("is pushed");
        assert!(
            registry.find("sha-a").expect("is found").is_some(),
            "{status}"
        );
    }
}

#[test]
fn an_image_is_pushed_twice_and_a_branch_moves_on_in_a_registry_with_immutable_tags() {
    let stand_in = StandIn::start(Habits {
        immutable: true,
        ..Habits::default()
    });
    let mut registry = stand_in.registry();
    for (revision, tag) in [("a", "sha-a"), ("a", "sha-a"), ("b", "sha-b")] {
        let tags = [fixed(tag), moving("develop")];
        registry.push(&image(revision), &tags).expect("is pushed");
        let found = registry.find(tag).expect("is found").expect("is there");
        assert_eq!(found.labels["revision"], revision);
    }
}

#[test]
fn a_tag_of_another_image_is_refused_before_anything_is_uploaded() {
    let stand_in = StandIn::start(Habits::default());
    let mut registry = stand_in.registry();
    registry
        .push(&image("a"), &[fixed("1.0.0")])
        .expect("is pushed");
    let calls = stand_in.calls().len();
    let refused = registry.push(&image("b"), &[fixed("sha-b"), fixed("1.0.0")]);
    assert_eq!(
        exit_code(&refused.expect_err("is taken")),
        Kind::Refused.exit_code()
    );
    let further = &stand_in.calls()[calls..];
    assert!(
        further.iter().all(|call| call.starts_with("GET ")),
        "{further:?}"
    );
}

#[test]
fn an_index_is_found_with_the_labels_of_its_first_image() {
    let stand_in = StandIn::start(Habits::default());
    let mut registry = stand_in.registry();
    let one = image("a");
    registry.push(&one, &[fixed("amd64")]).expect("is pushed");
    let index = json!({"schemaVersion": 2, "manifests": [
        {"digest": digest(b"attestation"), "platform": {"os": "unknown", "architecture": "unknown"}},
        {"digest": digest(&one.manifest.bytes), "platform": {"os": "linux", "architecture": "amd64"}}]});
    let bytes = index.to_string().into_bytes();
    stand_in
        .state
        .lock()
        .unwrap()
        .manifests
        .insert("index".into(), bytes.clone());
    let found = registry.find("index").expect("is found").expect("is there");
    assert_eq!(found.labels["revision"], "a");
    assert_eq!(found.digest, digest(&bytes));
}

#[test]
fn an_upload_goes_on_where_the_registry_says() {
    let api = "http://localhost:5000/v2/roster";
    assert_eq!(
        upload_url(api, "/v2/roster/blobs/uploads/1?state=x", "sha256:a"),
        "http://localhost:5000/v2/roster/blobs/uploads/1?state=x&digest=sha256:a"
    );
    assert_eq!(
        upload_url(api, "https://other/1", "sha256:a"),
        "https://other/1?digest=sha256:a"
    );
}
