use super::{Authorities, DatabaseUrl, DatabaseUrlError, TlsMode};
use std::path::Path;

fn parsed(raw: &str) -> DatabaseUrl {
    DatabaseUrl::parse(raw).unwrap_or_else(|error| panic!("{raw}: {error}"))
}

fn refused(raw: &str) -> String {
    DatabaseUrl::parse(raw).expect_err(raw).to_string()
}

#[test]
fn every_mode_of_libpq_is_understood_in_both_notations() {
    for (raw, mode) in [
        ("postgresql://u@h/d", TlsMode::Prefer),
        (
            "postgres://u@h/d?sslmode=disable&connect_timeout=3",
            TlsMode::Disable,
        ),
        (
            "postgresql://u@h/d?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem",
            TlsMode::VerifyFull,
        ),
        (
            "host=h user=u sslmode=verify-ca dbname=d",
            TlsMode::VerifyCa,
        ),
        ("postgresql://u@h/d?sslrootcert=system", TlsMode::VerifyFull),
    ] {
        assert_eq!(parsed(raw).tls_mode(), mode, "{raw}");
    }
    let with_ca = parsed("postgresql://u@h/d?sslmode=verify-ca&sslrootcert=%2Fetc%2Fca.pem");
    assert_eq!(
        with_ca.authorities(),
        &Authorities::File("/etc/ca.pem".into())
    );
}

#[test]
fn require_with_an_authority_verifies_the_chain_as_libpq_does() {
    for raw in [
        "postgresql://u@h/d?sslmode=require&sslrootcert=%2Fca.pem",
        "host=h sslrootcert='/ca.pem' sslmode=require",
    ] {
        assert_eq!(parsed(raw).tls_mode(), TlsMode::VerifyCa, "{raw}");
    }
    let mut by_flag = parsed("postgresql://u@h/d?sslmode=require");
    assert_eq!(by_flag.tls_mode(), TlsMode::Require);
    by_flag.set_ca_file(Path::new("/ca.pem")).unwrap();
    assert_eq!(by_flag.tls_mode(), TlsMode::VerifyCa);
    // Where nothing is verified, an authority would be without effect.
    for mode in ["", "&sslmode=disable", "&sslmode=prefer"] {
        let said = refused(&format!("postgresql://u@h/d?sslrootcert=/ca.pem{mode}"));
        assert!(said.contains("sslmode=verify-full"), "{said}");
    }
    let mut unverified = parsed("postgresql://u@h/d");
    let outcome = unverified.set_ca_file(Path::new("/ca.pem"));
    assert_eq!(
        outcome,
        Err(DatabaseUrlError::UnusedAuthorities(TlsMode::Prefer))
    );
    let weak = refused("postgresql://u@h/d?sslmode=require&sslrootcert=system");
    assert!(weak.contains("sslrootcert=system"), "{weak}");
}

#[test]
fn options_that_cannot_work_are_refused_by_name() {
    for (option, word) in [
        ("nope=1", "does not know"),
        ("sslcert=/a", "client certificates"),
        ("service=x", "ROSTER_DATABASE_PASSWORD_FILE"),
        ("target_session_attrs=standby", "target_session_attrs"),
        ("target_session_attrs=read-only", "target_session_attrs"),
        ("load_balance_hosts=random", "load_balance_hosts"),
        ("sslnegotiation=direct", "sslnegotiation"),
        ("client_encoding=LATIN1", "client_encoding"),
        ("connect_timeout=0", "connect_timeout"),
        ("connect_timeout=x", "connect_timeout"),
        ("channel_binding=require", "sslmode=require"),
        (
            "options=-c%20statement_timeout%3D5",
            "--statement-timeout-ms",
        ),
        ("options=--lock-timeout%3D5", "--lock-timeout-ms"),
        ("hostaddr=1.1.1.1,2.2.2.2", "hostaddr"),
        ("port=1,2", "port"),
        ("noequals", "no '='"),
    ] {
        let said = refused(&format!("postgresql://u:s3cret@h/d?{option}"));
        assert!(said.contains(word), "{option}: {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
}

#[test]
fn options_that_are_taken_work() {
    let url = parsed(
        "host=one,two port=1,2 hostaddr=,10.0.0.2 user='a b' password='it\\'s' connect_timeout=7 tcp_user_timeout=1500 \
         keepalives_count=2 options='-c search_path=app' application_name=me target_session_attrs=read-write",
    );
    let config = url.config();
    assert_eq!(config.get_user(), Some("a b"));
    assert_eq!(config.get_password(), Some(&b"it's"[..]));
    assert_eq!(config.get_options(), Some("-c search_path=app"));
    assert_eq!(config.get_application_name(), Some("me"));
    assert_eq!(config.get_keepalives_retries(), Some(2));
    assert_eq!(url.connect_timeout().map(|t| t.as_secs()), Some(7));
    // Milliseconds, as libpq counts them.
    assert_eq!(url.tcp_user_timeout().map(|t| t.as_millis()), Some(1500));
    assert!(url.demands_writes());
    assert_eq!(url.servers(), "one:1,two:2");
    let address = url.each_server()[1]
        .address
        .map(|address| address.to_string());
    assert_eq!(address.as_deref(), Some("10.0.0.2"));
    assert_eq!(
        parsed("postgresql://u@h:6000/d?host=%2Frun").servers(),
        "/run:6000"
    );
    assert_eq!(
        parsed("postgresql://u@h/d\n").config().get_dbname(),
        Some("d")
    );
    assert_eq!(
        parsed("host=h dbname=d\r\n").config().get_dbname(),
        Some("d")
    );
    assert_eq!(refused("user=u"), "names no host");
}

#[test]
fn what_is_not_on_this_machine_and_not_verified_is_known() {
    for (raw, unverified) in [
        ("postgresql://u@db.example.com/d", true),
        ("postgresql://u@10.0.0.1/d?sslmode=require", true),
        ("postgresql://u@localhost,db.example.com/d", true),
        ("host=localhost hostaddr=10.0.0.1", true),
        ("postgresql://u@db.example.com/d?sslmode=verify-full", false),
        ("postgresql://u@localhost/d", false),
        ("postgresql://u@[::1]/d", false),
        ("host=/run/postgresql", false),
    ] {
        assert_eq!(parsed(raw).is_unverified(), unverified, "{raw}");
    }
}

#[test]
fn a_password_never_shows() {
    let url = parsed("postgresql://u:s3cret@h/d");
    assert_eq!(
        format!("{url} {url:?}"),
        "postgresql://u:***@h:5432/d?sslmode=prefer postgresql://u:***@h:5432/d?sslmode=prefer"
    );
    for broken in [
        "postgresql://u:s3cret@h:port/d",
        "postgresql://u:s3cret@h/d?sslmode=maybe",
        "postgresql://u:s3cret@h/d?nope=s3cret2",
        "host=h password='s3cret",
        "host=h password s3cret",
    ] {
        assert!(!refused(broken).contains("s3cret"), "{broken}");
    }
}
