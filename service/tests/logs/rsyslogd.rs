//! The real `rsyslogd` reads the file and every kind of socket, and finds each field in its place.

use std::fmt::Write as _;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

/// A private rsyslogd, ended when this is dropped.
struct Rsyslogd {
    child: Child,
    scratch: Scratch,
    udp: u16,
    tcp: u16,
}

impl Rsyslogd {
    fn start() -> Option<Self> {
        let Ok(version) = Command::new("rsyslogd").arg("-v").output() else {
            eprintln!(
                "not proven: rsyslogd reads the file and the sockets (it is not installed; \
                 Debian: rsyslog)"
            );
            return None;
        };
        eprintln!(
            "{}",
            String::from_utf8_lossy(&version.stdout).lines().next()?
        );
        let scratch = Scratch::new("rsyslogd");
        let free = |socket: std::io::Result<std::net::SocketAddr>| socket.expect("a port").port();
        let udp = free(UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()));
        let tcp = free(TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()));
        let configuration = configuration(&scratch.0, udp, tcp);
        let path = scratch.path("rsyslog.conf");
        std::fs::write(&path, configuration).expect("written");
        std::fs::write(scratch.path("roster.log"), "").expect("written");
        let child = Command::new("rsyslogd")
            .args(["-n", "-i"])
            .arg(scratch.path("pid"))
            .arg("-f")
            .arg(&path)
            .stdout(Stdio::null())
            .spawn()
            .expect("rsyslogd starts");
        let socket = scratch.path("log");
        eventually("rsyslogd listens", || socket.exists());
        Some(Self {
            child,
            scratch,
            udp,
            tcp,
        })
    }

    /// What rsyslogd understood of the messages that came in by one way.
    fn understood(&self, way: &str) -> Vec<Vec<String>> {
        let text = read(&self.scratch.path(&format!("out-{way}")));
        let fields = |line: &str| line.split('\t').map(str::to_owned).collect();
        text.lines().map(fields).collect()
    }
}

impl Drop for Rsyslogd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(directory: &Path, udp: u16, tcp: u16) -> String {
    let at = directory.display();
    let mut text = format!(
        r#"global(workDirectory="{at}")
module(load="imuxsock" SysSock.Use="off")
module(load="imudp")
module(load="imtcp")
module(load="imfile" mode="inotify")
template(name="fields" type="string" string="%syslogfacility-text%\t%syslogseverity-text%\t%app-name%\t%procid%\t%msgid%\t%structured-data%\t%msg%\n")
input(type="imuxsock" Socket="{at}/log" CreatePath="off" UseSpecialParser="off" ruleset="unix")
input(type="imudp" address="127.0.0.1" port="{udp}" ruleset="udp")
input(type="imtcp" address="127.0.0.1" port="{tcp}" ruleset="tcp")
input(type="imfile" File="{at}/roster.log" Tag="x" needParse="on" ruleset="file")
"#
    );
    for way in ["unix", "udp", "tcp", "file"] {
        let _ = writeln!(
            text,
            r#"ruleset(name="{way}") {{ action(type="omfile" file="{at}/out-{way}" template="fields" fileCreateMode="0644") }}"#
        );
    }
    text
}

#[test]
fn rsyslogd_reads_the_file_and_the_sockets() {
    // Few enough for the kernel's buffer of a UDP socket: beyond it datagrams are lost.
    const LINES: usize = 100;
    let Some(server) = Rsyslogd::start() else {
        return;
    };
    let socket = format!("unix:{}", server.scratch.path("log").display());
    let ways = [
        ("unix", Some(socket)),
        ("udp", Some(format!("udp://127.0.0.1:{}", server.udp))),
        ("tcp", Some(format!("tcp://127.0.0.1:{}", server.tcp))),
        ("file", None),
    ];
    for (way, target) in ways {
        let settings = match target {
            Some(target) => TelemetrySettings {
                syslog: Some(target.parse().expect("a target")),
                ..quiet()
            },
            None => to_file(&server.scratch.path("roster.log")),
        };
        let telemetry = Telemetry::open(&settings).expect("opens");
        for n in 0..LINES {
            // An id that needs every escape.
            telemetry
                .access_log()
                .write(&answered(&format!("{n}\"]\\é")));
        }
        logged(&telemetry, || {
            tracing::error!(target: "roster::test", what = "a\nb", "the last one");
        });
        drop(telemetry);
        eventually(way, || server.understood(way).len() > LINES);

        let messages = server.understood(way);
        assert_eq!(messages.len(), LINES + 1, "{way}");
        for (n, fields) in messages[..LINES].iter().enumerate() {
            let process = std::process::id().to_string();
            assert_eq!(
                fields[..5],
                ["daemon", "info", "roster", &process, "1"],
                "{way}"
            );
            let data = format!(
                "[roster@32473 duration_us=\"412\" client=\"billing\" method=\"GET\" \
                 peer=\"192.0.2.1\" request_id=\"{n}\\\"\\]\\\\é\" route=\"/v1/users/{{id}}\" status=\"200\" \
                 trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"]"
            );
            assert_eq!(fields[5], data, "{way}");
            assert_eq!(fields[6].trim_start(), "GET /v1/users/{id} 200", "{way}");
        }
        let last = &messages[LINES];
        assert_eq!(last[..2], ["daemon", "err"], "{way}");
        assert_eq!(last[6].trim_start(), "the last one", "{way}");
        eprintln!("{way}: rsyslogd understood {} messages", messages.len());
    }
}
