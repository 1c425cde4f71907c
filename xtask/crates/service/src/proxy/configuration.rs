//! The configuration of each proxy: the shortest that forwards everything, with the duties that are asked for.

use std::ffi::OsString;
use std::path::Path;

use super::{Duty, Program};

/// The text of the configuration file.
pub(super) fn of(program: Program, folder: &Path, port: u16, server: &str, duty: Duty) -> String {
    match program {
        Program::Nginx => nginx(folder, port, server, duty),
        Program::Haproxy => haproxy(port, server, duty),
        Program::Apache => apache(folder, port, server, duty),
        Program::Caddy => caddy(port, server, duty),
        Program::Varnish => varnish(server, duty),
    }
}

/// The arguments that run it in the foreground.
pub(super) fn arguments(program: Program, folder: &Path, port: u16, file: &Path) -> Vec<OsString> {
    let at = |name: &str| folder.join(name).into_os_string();
    let file = file.as_os_str().to_owned();
    match program {
        Program::Nginx => vec![
            "-e".into(),
            "stderr".into(),
            "-p".into(),
            folder.into(),
            "-c".into(),
            file,
        ],
        Program::Haproxy => vec!["-db".into(), "-f".into(), file],
        Program::Apache => vec![
            "-d".into(),
            folder.into(),
            "-f".into(),
            file,
            "-DFOREGROUND".into(),
        ],
        Program::Caddy => ["run", "--adapter", "caddyfile", "--config"]
            .map(OsString::from)
            .into_iter()
            .chain([file])
            .collect(),
        Program::Varnish => vec![
            "-F".into(),
            "-n".into(),
            at("varnish"),
            "-a".into(),
            format!("127.0.0.1:{port}").into(),
            "-f".into(),
            file,
            "-s".into(),
            "malloc,16m".into(),
            // Without its own accounts it has no use for a jail.
            "-j".into(),
            "none".into(),
        ],
    }
}

fn nginx(folder: &Path, port: u16, server: &str, duty: Duty) -> String {
    let at = folder.display();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {at}/{name};"))
        .join(" ");
    let compress = if duty.compresses {
        "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;"
    } else {
        ""
    };
    let (store, cache) = if duty.caches {
        (
            format!("proxy_cache_path {at}/cache keys_zone=stored:1m;"),
            "proxy_cache stored; proxy_cache_revalidate on;",
        )
    } else {
        (String::new(), "")
    };
    let idle = duty.keeps_idle.as_millis();
    format!(
        "daemon off;\nmaster_process off;\npid {at}/pid;\nevents {{ worker_connections 256; }}\n\
         http {{\naccess_log off; {paths} {store}\n\
         upstream server {{ server {server}; keepalive 64; keepalive_timeout {idle}ms; }}\n\
         server {{ listen 127.0.0.1:{port}; {compress}\n\
         location / {{ proxy_pass http://server; proxy_http_version 1.1; proxy_set_header Connection \"\"; {cache} }} }} }}\n"
    )
}

fn haproxy(port: u16, server: &str, duty: Duty) -> String {
    let compress = if duty.compresses {
        "  compression algo gzip\n  compression type application/json\n"
    } else {
        ""
    };
    let idle = duty.keeps_idle.as_millis();
    let (look, check) = duty.checks.map_or_else(Default::default, |admin| {
        (
            "  option httpchk GET /readyz\n".to_owned(),
            format!(" check port {admin} inter 200ms fall 2 rise 1"),
        )
    });
    format!(
        "defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  http-reuse always\n\
         frontend clients\n  bind 127.0.0.1:{port}\n  default_backend servers\n\
         backend servers\n{compress}{look}  server one {server}{check} pool-purge-delay {idle}ms\n"
    )
}

fn apache(folder: &Path, port: u16, server: &str, duty: Duty) -> String {
    let at = folder.display();
    let modules = [
        ("mpm_event", "mpm_event"),
        ("authz_core", "authz_core"),
        ("proxy", "proxy"),
        ("proxy_http", "proxy_http"),
        ("filter", "filter"),
        ("deflate", "deflate"),
    ]
    .map(|(name, file)| {
        format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{file}.so\n")
    })
    .concat();
    let compress = if duty.compresses {
        "SetOutputFilter DEFLATE\n"
    } else {
        ""
    };
    let idle = duty.keeps_idle.as_secs().max(1);
    format!(
        "ServerName localhost\nListen 127.0.0.1:{port}\nPidFile {at}/pid\nDefaultRuntimeDir {at}\nErrorLog {at}/error.log\n\
         {modules}ProxyPass / http://{server}/ ttl={idle}\n{compress}"
    )
}

fn caddy(port: u16, server: &str, duty: Duty) -> String {
    let compress = if duty.compresses {
        "encode {\n gzip\n minimum_length 1\n match {\n header Content-Type *\n }\n }\n"
    } else {
        ""
    };
    let idle = duty.keeps_idle.as_millis();
    format!(
        "{{\n admin off\n auto_https off\n}}\nhttp://127.0.0.1:{port} {{\n{compress} reverse_proxy {server} {{\n \
         transport http {{\n keepalive {idle}ms\n }}\n }}\n}}\n"
    )
}

fn varnish(server: &str, duty: Duty) -> String {
    let (host, port) = server.rsplit_once(':').unwrap_or((server, "80"));
    let compress = if duty.compresses {
        "sub vcl_backend_response { set beresp.do_gzip = true; }\n"
    } else {
        ""
    };
    format!("vcl 4.1;\nbackend server {{ .host = \"{host}\"; .port = \"{port}\"; }}\n{compress}")
}
