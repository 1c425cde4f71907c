//! How this machine reaches the release: through its Ingress or Gateway, or else through a port that kubectl forwards.
//!
//! Addresses, authority and client are read from the cluster, so that nobody has to look them up.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::RELEASE;
use super::changes;
use super::helm::{self, Helm};
use super::kubectl::Cluster;
use super::secrets::{Content, secrets};
use super::target::Target;
use xtask::failure::{Failure, Kind};
use xtask::tools;

/// The way in, open for as long as this lives.
pub(crate) struct WayIn {
    pub(crate) target: Target,
    /// Kubectl, and its output, which must stay open: it writes a line for each connection.
    forwarding: Option<(Child, BufReader<ChildStdout>)>,
}

impl Drop for WayIn {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.forwarding {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An Ingress or a Gateway as the cluster reports it.
struct Door {
    kind: &'static str,
    host: String,
    /// An IP address or a name.
    address: Option<String>,
    /// Namespace and name of the Secret with its certificate.
    certificate: Option<(String, String)>,
}

/// Finds the way in and the client that may use it.
pub(crate) fn open(helm: &Helm, authority: Option<Vec<u8>>) -> Result<WayIn> {
    let cluster = &helm.cluster;
    let client = client(helm)?;
    let door = match ingress(cluster)? {
        Some(door) => Some(door),
        None => gateway(cluster)?,
    };
    let Some(door) = door else {
        return forward(cluster, authority, client);
    };
    let Some(address) = &door.address else {
        return Err(Failure::new(
            Kind::Unreachable,
            format!("the {} of {} has no address", door.kind, door.host),
            "its controller has not accepted it yet, or does not run",
            format!(
                "see why: kubectl --context {} --namespace {} describe {} {RELEASE}",
                cluster.context, cluster.namespace, door.kind
            ),
        )
        .into());
    };
    let address = resolve(address)?;
    let authority = match (authority, &door.certificate) {
        (Some(authority), _) => Some(authority),
        (None, Some((namespace, name))) => authority_in(cluster, namespace, name)?,
        (None, None) => None,
    };
    Ok(WayIn {
        target: Target {
            name: door.kind,
            url: format!("https://{}", door.host),
            address,
            authority,
            client,
        },
        forwarding: None,
    })
}

fn resolve(address: &str) -> Result<SocketAddr> {
    (address, 443)
        .to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(|| {
            Failure::new(
                Kind::Unreachable,
                format!("the address {address} of the way in cannot be resolved"),
                "DNS does not know it here",
                "run this where the cluster's network is known",
            )
            .into()
        })
}

fn text(object: &Value, path: &str) -> Option<String> {
    object.pointer(path)?.as_str().map(str::to_owned)
}

fn ingress(cluster: &Cluster) -> Result<Option<Door>> {
    let Some(ingress) = cluster.find("ingress", RELEASE)? else {
        return Ok(None);
    };
    let address = text(&ingress, "/status/loadBalancer/ingress/0/ip")
        .or_else(|| text(&ingress, "/status/loadBalancer/ingress/0/hostname"));
    let certificate = text(&ingress, "/spec/tls/0/secretName");
    Ok(Some(Door {
        kind: "Ingress",
        host: text(&ingress, "/spec/rules/0/host").unwrap_or_default(),
        address,
        certificate: certificate.map(|name| (cluster.namespace.clone(), name)),
    }))
}

fn gateway(cluster: &Cluster) -> Result<Option<Door>> {
    // The Gateway API may not be installed.
    let route = cluster.find("httproute", RELEASE).unwrap_or_default();
    let Some(route) = route else { return Ok(None) };
    let name = text(&route, "/spec/parentRefs/0/name").context("the HTTPRoute has no parent")?;
    let namespace =
        text(&route, "/spec/parentRefs/0/namespace").unwrap_or_else(|| cluster.namespace.clone());
    let of = Cluster {
        context: cluster.context.clone(),
        namespace: namespace.clone(),
    };
    let gateway = of.find("gateways.gateway.networking.k8s.io", &name)?;
    let listeners = gateway.as_ref().and_then(|gateway| {
        let listeners = gateway["spec"]["listeners"].as_array()?;
        listeners
            .iter()
            .find_map(|listener| text(listener, "/tls/certificateRefs/0/name"))
    });
    Ok(Some(Door {
        kind: "Gateway",
        host: text(&route, "/spec/hostnames/0").unwrap_or_default(),
        address: gateway
            .as_ref()
            .and_then(|gateway| text(gateway, "/status/addresses/0/value")),
        certificate: listeners.map(|name| (namespace, name)),
    }))
}

/// The authority beside a certificate, which cert-manager writes for authorities of its own. Who may not read the Secret, and
/// where there is none, has the system's authorities.
fn authority_in(cluster: &Cluster, namespace: &str, secret: &str) -> Result<Option<Vec<u8>>> {
    let of = Cluster {
        context: cluster.context.clone(),
        namespace: namespace.to_owned(),
    };
    match of.find("secret", secret) {
        Ok(Some(secret)) => value(&secret, "ca.crt"),
        _ => Ok(None),
    }
}

/// One value of a Secret, if it has it.
fn value(secret: &Value, key: &str) -> Result<Option<Vec<u8>>> {
    let Some(encoded) = secret["data"][key].as_str().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let decoded = STANDARD.decode(encoded);
    Ok(Some(decoded.context("a Secret's value is not base64")?))
}

/// Id and secret of the smoke test's client, unless the release takes no tokens.
fn client(helm: &Helm) -> Result<Option<(String, String)>> {
    let history = helm.history()?;
    let Some(serving) = helm::serving(&history) else {
        return Err(Failure::new(
            Kind::Refused,
            format!(
                "nothing is installed in the namespace {}",
                helm.cluster.namespace
            ),
            "the release has no revision that is deployed",
            "install it: cargo xtask deploy --env dev",
        )
        .into());
    };
    let objects = changes::parse(&helm.installed(serving.number)?)?;
    for (name, wanted) in secrets(&objects) {
        let key = |content: Content| {
            let mut contents = wanted.contents();
            contents.find_map(|(key, of)| (of == content).then(|| key.to_owned()))
        };
        let (Some(id), Some(secret)) = (key(Content::ClientId), key(Content::ClientSecret)) else {
            continue;
        };
        let found = helm.cluster.find("secret", &name)?;
        let found = found.with_context(|| format!("the Secret {name} does not exist"))?;
        let text = |key: &str| -> Result<String> {
            let value = value(&found, key)?;
            let value = value.with_context(|| format!("the Secret {name} has no key {key}"))?;
            Ok(String::from_utf8(value)?.trim().to_owned())
        };
        return Ok(Some((text(&id)?, text(&secret)?)));
    }
    Ok(None)
}

/// Lets kubectl forward a free port to the Service.
fn forward(
    cluster: &Cluster,
    authority: Option<Vec<u8>>,
    client: Option<(String, String)>,
) -> Result<WayIn> {
    let service = cluster.get(&["service", RELEASE])?;
    let port = service
        .pointer("/spec/ports/0/port")
        .and_then(Value::as_u64)
        .unwrap_or(80);
    let is_tls = service.pointer("/spec/ports/0/name") == Some(&"https".into());
    let authority = match authority {
        None if is_tls => authority_in(cluster, &cluster.namespace, &format!("{RELEASE}-tls"))?,
        given => given,
    };
    let program = tools::path("kubectl").unwrap_or_else(|| "kubectl".into());
    let mut child = Command::new(program)
        .arg(format!("--context={}", cluster.context))
        .arg(format!("--namespace={}", cluster.namespace))
        .args(["port-forward", "--address=127.0.0.1"])
        .arg(format!("service/{RELEASE}"))
        .arg(format!(":{port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start kubectl port-forward")?;
    let said = child.stdout.take().context("kubectl has no stdout")?;
    let (mut line, mut said) = (String::new(), BufReader::new(said));
    said.read_line(&mut line)?;
    let address = line
        .strip_prefix("Forwarding from ")
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    let scheme = if is_tls { "https" } else { "http" };
    let host = format!("{RELEASE}.{}.svc", cluster.namespace);
    let mut way_in = WayIn {
        target: Target {
            name: "forwarded port",
            url: format!("{scheme}://{host}"),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            authority,
            client,
        },
        forwarding: Some((child, said)),
    };
    let Some(address) = address else {
        return Err(Failure::new(
            Kind::Unreachable,
            "kubectl cannot forward a port to the Service",
            format!("its output: {}", line.trim()),
            format!(
                "see whether its pods run: kubectl --namespace {} get pods",
                cluster.namespace
            ),
        )
        .into());
    };
    way_in.target.address = address;
    Ok(way_in)
}
