//! The listener speaks HTTPS, and its certificate is renewed while it is in use.

use crate::certificates::{Certificates, connect, write};
use crate::test_app::{HANGING, TestApp};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::client::TlsStream;

async fn start(certificates: &Certificates) -> TestApp {
    let flags = certificates.flags();
    TestApp::start_with(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// One request; the connection stays open.
async fn ask<S: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut S) -> std::io::Result<String> {
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn served<S>(stream: &TlsStream<S>) -> Vec<u8> {
    stream
        .get_ref()
        .1
        .peer_certificates()
        .expect("a certificate")[0]
        .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_up_without_one_failed_handshake_or_dropped_connection() {
    let certificates = Arc::new(Certificates::new());
    let app = start(&certificates).await;
    let connector = certificates.connector(&[b"http/1.1"]);
    let stop = Arc::new(AtomicBool::new(false));
    let handshakes = Arc::new(AtomicUsize::new(0));
    let mut load = Vec::new();
    for _ in 0..4 {
        let (connector, stop, address) = (connector.clone(), stop.clone(), app.address);
        let handshakes = handshakes.clone();
        load.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let mut stream = connect(&connector, address).await.expect("a handshake");
                assert!(
                    ask(&mut stream)
                        .await
                        .expect("an answer")
                        .starts_with("HTTP/1.1 200 ")
                );
                handshakes.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let mut kept = connect(&connector, app.address).await.expect("a handshake");
    for _ in 0..2 {
        let before = served(&connect(&connector, app.address).await.expect("a handshake"));
        certificates.renew();
        let renewed = Instant::now();
        while served(&connect(&connector, app.address).await.expect("a handshake")) == before {
            assert!(
                renewed.elapsed() < HANGING,
                "the new certificate is not taken up"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(
            ask(&mut kept)
                .await
                .expect("the old connection lives")
                .starts_with("HTTP/1.1 200 ")
        );
    }
    // Fewer are not a load.
    while handshakes.load(Ordering::Relaxed) < 50 && load.iter().all(|client| !client.is_finished())
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.store(true, Ordering::Relaxed);
    for client in load {
        client.await.expect("no handshake and no request failed");
    }
    let handshakes = handshakes.load(Ordering::Relaxed);
    println!("{handshakes} handshakes, none failed, 2 renewals");
    assert!(
        app.metrics()
            .await
            .contains("roster_tls_certificate_not_after_seconds ")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_pair_keeps_the_old_one() {
    let certificates = Certificates::new();
    let app = start(&certificates).await;
    let connector = certificates.connector(&[b"http/1.1"]);
    let first = served(&connect(&connector, app.address).await.expect("a handshake"));
    let (certificate, key) = certificates.pair();
    let (_, other_key) = certificates.pair();
    let bad = [
        ("not a certificate", "not a key"),
        ("", ""),
        (&*certificate, &*other_key),
        (&*certificate, ""),
    ];
    for (certificate, key) in bad {
        write(&certificates.certificate(), certificate);
        write(&certificates.key(), key);
        app.reload();
        let now = served(&connect(&connector, app.address).await.expect("a handshake"));
        assert_eq!(now, first, "a pair that cannot be used was taken up");
    }
    std::fs::remove_file(certificates.key()).expect("is removed");
    app.reload();
    assert_eq!(
        served(&connect(&connector, app.address).await.expect("a handshake")),
        first
    );
    write(&certificates.certificate(), &certificate);
    write(&certificates.key(), &key);
    app.reload();
    assert_ne!(
        served(&connect(&connector, app.address).await.expect("a handshake")),
        first
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_on_the_https_listener_gets_no_answer() {
    let certificates = Certificates::new();
    let app = start(&certificates).await;
    assert!(app.try_send("GET", "/", &[], "").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_finds_tls_1_2_and_1_3_with_forward_secrecy_and_nothing_older() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("not proven: versions and suites of TLS, because openssl is not installed");
        return;
    }
    let certificates = Certificates::new();
    let app = start(&certificates).await;
    let authority = certificates.folder.path().join("ca.crt");
    write(&authority, &certificates.authority_pem);
    let address = app.address.to_string();
    let handshake = |flags: &[&str]| {
        let mut command = Command::new("openssl");
        command.args([
            "s_client",
            "-connect",
            &address,
            "-servername",
            "localhost",
            "-verify_return_error",
            "-brief",
            "-CAfile",
        ]);
        let output = command
            .arg(&authority)
            .args(flags)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("openssl runs");
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        (
            output.status.success() && text.contains("CONNECTION ESTABLISHED"),
            text,
        )
    };
    // Lets openssl offer what it would refuse to by itself.
    let weak = "ALL:@SECLEVEL=0";
    for (flags, taken) in [
        (&["-tls1_3"][..], true),
        (&["-tls1_2"], true),
        (
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"],
            true,
        ),
        (&["-tls1_1", "-cipher", weak], false),
        (&["-tls1", "-cipher", weak], false),
        (&["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], false),
        (
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"],
            false,
        ),
        (
            &["-tls1_2", "-cipher", "AES256-GCM-SHA384:@SECLEVEL=0"],
            false,
        ),
        (
            &[
                "-tls1_2",
                "-cipher",
                "DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0",
            ],
            false,
        ),
    ] {
        let (established, text) = handshake(flags);
        println!(
            "{flags:?}: {}",
            if established { "taken" } else { "refused" }
        );
        assert_eq!(established, taken, "{flags:?}: {text}");
    }
    let (_, text) = handshake(&["-alpn", "h2,http/1.1"]);
    assert!(text.contains("Protocol version: TLSv1.3"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_over_https_demand_https_from_then_on() {
    let certificates = Certificates::new();
    let off = ["--hsts-max-age-s".to_owned(), "0".to_owned()];
    for (further, policy) in [(&[][..], Some("max-age=31536000")), (&off, None)] {
        let flags = [&certificates.flags()[..], further].concat();
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let app = TestApp::start_with(&flags).await;
        let connector = certificates.connector(&[b"http/1.1"]);
        let mut stream = connect(&connector, app.address).await.expect("a handshake");
        let answer = ask(&mut stream).await.expect("an answer");
        let found = answer
            .lines()
            .find_map(|line| line.strip_prefix("strict-transport-security: "));
        assert_eq!(found, policy, "{answer}");
    }
}
