//! The server is a thread of the test, and the archive a small one of the same form (`small.jar`: a zip with a `.txz`
//! that holds `bin/postgres`, a script, and `share/note.txt`).

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use xtask::failure::{Failure, Kind};

use super::Wanted;

const JAR: &[u8] = include_bytes!("small.jar");

/// A server that sends the first `length` bytes of the archive, and announces all of them; with the number of its
/// responses.
fn server(length: usize) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let address = listener.local_addr().expect("has an address");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                JAR.len()
            );
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&JAR[..length]);
        }
    });
    (format!("http://{address}/small.jar"), count)
}

fn wanted(cache: &Path, url: &str) -> Wanted {
    Wanted {
        title: "PostgreSQL 0.1".to_owned(),
        url: url.to_owned(),
        sha256: super::download::hexadecimal(&Sha256::digest(JAR)),
        cache: cache.join("roster/postgresql"),
        name: "0.1-test".to_owned(),
    }
}

fn cache() -> TempDir {
    tempfile::tempdir().expect("is made")
}

/// The names in the cache, without the lock.
fn kept(wanted: &Wanted) -> Vec<String> {
    let entries = std::fs::read_dir(&wanted.cache).expect("is there");
    let names = entries.map(|entry| entry.expect("is read").file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| name != "0.1-test.lock").collect();
    names.sort();
    names
}

fn failure(error: &anyhow::Error) -> &Failure {
    error.downcast_ref().expect("says what to do")
}

#[test]
fn a_download_is_unpacked_under_its_final_name_and_not_repeated() {
    let (cache, (url, responses)) = (cache(), server(JAR.len()));
    let wanted = wanted(cache.path(), &url);
    wanted.provide("").expect("is downloaded");
    assert_eq!(kept(&wanted), ["0.1-test"]);
    let note = wanted.cache.join("0.1-test/share/note.txt");
    let note = std::fs::read_to_string(note).expect("is unpacked");
    assert_eq!(note, "a small archive for tests\n");
    wanted.provide("").expect("is there");
    assert_eq!(responses.load(Ordering::SeqCst), 1);
}

#[test]
fn two_runs_at_once_make_one_download() {
    let (cache, (url, responses)) = (cache(), server(JAR.len()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| wanted(cache.path(), &url).provide("").expect("is there"));
        }
    });
    assert_eq!(responses.load(Ordering::SeqCst), 1);
}

#[test]
fn what_a_killed_run_left_does_not_disturb_the_next() {
    let (cache, (url, _)) = (cache(), server(JAR.len()));
    let wanted = wanted(cache.path(), &url);
    let unfinished = wanted.cache.join("0.1-test.unpacking/bin");
    std::fs::create_dir_all(&unfinished).expect("is made");
    std::fs::write(unfinished.join("stray"), "half").expect("is written");
    std::fs::write(wanted.cache.join("0.1-test.jar"), &JAR[..100]).expect("is written");
    wanted.provide("").expect("is downloaded");
    assert_eq!(kept(&wanted), ["0.1-test"]);
    assert!(!wanted.cache.join("0.1-test/bin/stray").exists());
}

#[test]
fn an_interrupted_download_leaves_nothing_and_says_what_was_tried() {
    let (cache, (url, _)) = (cache(), server(JAR.len() / 2));
    let wanted = wanted(cache.path(), &url);
    let error = wanted.provide("no binaries").expect_err("is incomplete");
    let failure = failure(&error);
    assert_eq!(failure.kind, Kind::Missing);
    for part in [url.as_str(), "no binaries"] {
        assert!(failure.why.contains(part), "{}", failure.why);
    }
    for way in ["Docker", "DATABASE_URL", "ROSTER_DEV_POSTGRES_MIRROR"] {
        assert!(failure.next.contains(way), "{}", failure.next);
    }
    assert!(kept(&wanted).is_empty(), "{:?}", kept(&wanted));
}

#[test]
fn another_file_than_the_pinned_one_is_not_unpacked() {
    let (cache, (url, _)) = (cache(), server(JAR.len()));
    let mut wanted = wanted(cache.path(), &url);
    wanted.sha256 = "0".repeat(64);
    let error = wanted.provide("").expect_err("is another file");
    assert_eq!(failure(&error).kind, Kind::Refused);
    assert!(kept(&wanted).is_empty(), "{:?}", kept(&wanted));
}

#[test]
fn a_cache_that_cannot_be_written_is_named_with_the_way_out() {
    let cache = cache();
    std::fs::write(cache.path().join("roster"), "a file in its place").expect("is written");
    let error = wanted(cache.path(), "http://127.0.0.1:1/")
        .provide("")
        .expect_err("cannot be made");
    assert!(failure(&error).what.contains("roster/postgresql"));
    assert!(failure(&error).next.contains("XDG_CACHE_HOME"));
}
