//! HTTPS end to end: redirect, certificate renewal under load, TLS to the pods, and Ingress.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Stage, values_file};
use crate::cluster::RELEASE;
use crate::cluster::made;
use crate::e2e::certificate::{presented, renew};
use crate::e2e::load::{Target, ask_once, wait_until_reached};
use crate::e2e::namespace;
use xtask::failure::{Failure, Kind};

/// A kubelet updates a mounted Secret within 90 seconds.
const LONGEST_UNTIL_SERVED: Duration = Duration::from_mins(4);
const AUTHORITY: &str = "e2e-authority";

impl Stage<'_> {
    /// The certificate exercises; last, because they change the release.
    pub(super) fn https_story(&mut self, authority: &[u8], domain: &str) -> Result<()> {
        let gateway = self.targets.iter().find(|target| target.name == "Gateway");
        let Some(gateway) = gateway.cloned() else {
            self.note("not proven: certificates, because the Gateway cannot be reached");
            return Ok(());
        };
        let Some(issuer) = self.issuer()? else {
            self.note("not proven: certificates, because the Gateway has no cert-manager issuer");
            return Ok(());
        };
        self.redirect(&gateway, domain)?;
        self.renewal(
            "the Gateway's certificate",
            &gateway,
            &gateway,
            "roster-gateway-tls",
        )?;
        self.tls_to_pods(&gateway, authority, &issuer)?;
        self.ingress(&gateway, &issuer, domain)
    }

    /// The Gateway's `ClusterIssuer`.
    fn issuer(&self) -> Result<Option<String>> {
        let gateway = self
            .cluster
            .find("gateways.gateway.networking.k8s.io", RELEASE)?;
        let issuer = gateway.as_ref().and_then(|gateway| {
            gateway["metadata"]["annotations"]["cert-manager.io/cluster-issuer"].as_str()
        });
        Ok(issuer.map(str::to_owned))
    }

    fn redirect(&mut self, target: &Target, domain: &str) -> Result<()> {
        let plain = Target {
            url: format!("http://service.{domain}"),
            address: SocketAddr::new(target.address.ip(), 80),
            ..target.clone()
        };
        let (status, location) = ask_once(&plain, "/v1/users?limit=1")?;
        let wanted = format!("https://service.{domain}/v1/users?limit=1");
        // 308 keeps the method; after a 301 many clients send GET in place of POST.
        let good = status == 308 && location.replace(":443/", "/") == wanted;
        self.faults += usize::from(!good);
        self.note(format!(
            "plain HTTP through the {}: {status} to {location}",
            target.name
        ));
        Ok(())
    }

    /// Renews the certificate under load, until the new one is presented.
    fn renewal(&mut self, what: &str, load: &Target, server: &Target, name: &str) -> Result<()> {
        let exercise = format!("renewal of {what}");
        self.under_load(&exercise, std::slice::from_ref(load), false, |stage| {
            let before = presented(server)?;
            renew(&stage.cluster, name)?;
            let begun = Instant::now();
            while presented(server)? == before {
                if begun.elapsed() > LONGEST_UNTIL_SERVED {
                    return Err(Failure::new(
                        Kind::Check,
                        format!("{what} was renewed, but the old one is still presented"),
                        format!("{} s have passed", begun.elapsed().as_secs()),
                        format!("check: kubectl describe certificate {name}"),
                    )
                    .into());
                }
                thread::sleep(Duration::from_secs(1));
            }
            Ok(format!(
                "the new certificate was presented and verified after {:.0} s",
                begun.elapsed().as_secs_f64()
            ))
        })
    }

    fn tls_to_pods(&mut self, gateway: &Target, authority: &[u8], issuer: &str) -> Result<()> {
        let text = String::from_utf8_lossy(authority);
        made::config_map(&self.cluster, AUTHORITY, &[("ca.crt", &text)])?;
        let values = values_file(&json!({"tls": {
            "enabled": true, "issuer": {"name": issuer}, "caConfigMapName": AUTHORITY,
        }}))?;
        self.deploy(&self.image, Some(values), 180)?;
        let address = namespace::service_address(&self.cluster)?;
        let service = Target {
            name: "Service",
            url: format!(
                "https://{RELEASE}.{}.svc:{}",
                self.cluster.namespace,
                address.port()
            ),
            address,
            authority: Some(authority.to_owned()),
            client: self.client.clone(),
        };
        for target in [&service, gateway] {
            wait_until_reached(target)
                .with_context(|| format!("the {} over TLS to the pods", target.name))?;
        }
        self.note("TLS to the pods: works through the Service and the Gateway, verified");
        let restarts = self.identities()?;
        self.renewal("the pods' certificate", gateway, &service, "roster-tls")?;
        let same = restarts == self.identities()?;
        self.faults += usize::from(!same);
        self.note(format!(
            "the pods' certificate: loaded by {}",
            if same {
                "the pods that ran before"
            } else {
                "new pods, which must not be necessary"
            }
        ));
        Ok(())
    }

    /// The pods with their restarts, to compare.
    fn identities(&self) -> Result<Vec<Value>> {
        let pods = self.cluster.pods(crate::cluster::kubectl::SERVERS)?;
        let identity = |pod: &Value| {
            json!([
                pod["metadata"]["uid"],
                crate::cluster::kubectl::restarts(pod)
            ])
        };
        Ok(pods.iter().map(identity).collect())
    }

    fn ingress(&mut self, gateway: &Target, issuer: &str, domain: &str) -> Result<()> {
        let values = values_file(&json!({
            "gateway": {"enabled": false},
            "ingress": {"enabled": true, "issuer": {"name": issuer}},
        }))?;
        self.deploy(&self.image, Some(values), 180)?;
        let target = Target {
            name: "Ingress",
            ..gateway.clone()
        };
        wait_until_reached(&target).context("the Ingress over HTTPS")?;
        self.redirect(&target, domain)?;
        self.under_load(
            "HTTPS by Ingress",
            std::slice::from_ref(&target),
            false,
            |_| {
                thread::sleep(Duration::from_secs(5));
                Ok("verified by the authority".to_owned())
            },
        )?;
        self.renewal(
            "the Ingress' certificate",
            &target,
            &target,
            "roster-ingress-tls",
        )
    }
}
