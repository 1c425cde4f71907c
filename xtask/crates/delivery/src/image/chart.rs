//! The chart as an OCI artefact, as `helm pull oci://…` reads it: the packaged folder, and `Chart.yaml` as its configuration.
//!
//! Reproducible, unlike `helm package`, which writes the present time: what a version names never changes.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use oci_spec::image::{ImageManifestBuilder, MediaType};
use serde_json::{Value, json};

use super::assemble::{Blob, Image, canonical};
use super::record::Record;

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// What a release is rendered from. Tests, environments and examples stay in the repository.
const PARTS: [&str; 6] = [
    "README.md",
    "dashboards",
    "rules",
    "templates",
    "values.schema.json",
    "values.yaml",
];

/// The chart in this folder as an artefact of this version, which installs that image by default.
pub(crate) fn artefact(chart: &Path, version: &str, image: &Record) -> Result<Image> {
    let text = fs::read_to_string(chart.join("Chart.yaml"))?;
    let mut metadata: Value = serde_saphyr::from_str(&text).context("Chart.yaml is not YAML")?;
    metadata["version"] = json!(version);
    metadata["appVersion"] = json!(image.version);
    let annotations = json!({
        "org.opencontainers.image.title": metadata["name"],
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.description": metadata["description"],
        "org.opencontainers.image.revision": image.revision,
    });
    let layer = Blob::new(pack(chart, &metadata, image)?);
    let config = Blob::new(serde_json::to_vec(&metadata)?);
    let manifest = ImageManifestBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::ImageManifest)
        .config(config.descriptor(MediaType::Other(CONFIG.to_owned()))?)
        .layers(vec![
            layer.descriptor(MediaType::Other(CONTENT.to_owned()))?,
        ])
        .annotations(serde_json::from_value::<
            std::collections::HashMap<String, String>,
        >(annotations)?)
        .build()?;
    Ok(Image {
        manifest: Blob::new(canonical(&manifest)?),
        config,
        layer,
    })
}

fn pack(chart: &Path, metadata: &Value, image: &Record) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    // The first file, by which helm knows a chart.
    append(
        &mut archive,
        "roster/Chart.yaml",
        serde_saphyr::to_string(metadata)?.as_bytes(),
    )?;
    for part in PARTS {
        let path = chart.join(part);
        if part == "values.yaml" {
            let values = with_image(&fs::read_to_string(&path)?, image)?;
            append(&mut archive, "roster/values.yaml", values.as_bytes())?;
        } else {
            add(&mut archive, &path, &format!("roster/{part}"))?;
        }
    }
    let archive = archive.into_inner()?;
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::best());
    gzip.write_all(&archive)?;
    Ok(gzip.finish()?)
}

/// The values with the image of the chart's own commit as the default, comments and all.
fn with_image(values: &str, image: &Record) -> Result<String> {
    let mut text = values.to_owned();
    for (line, with) in [
        (
            "\n  repository: docker.io/roster/roster\n",
            format!("\n  repository: {}\n", image.repository),
        ),
        (
            "\n  digest: \"\"\n",
            format!("\n  digest: {}\n", image.digest),
        ),
        (
            "\n  commit: \"\"\n",
            format!("\n  commit: {:?}\n", image.revision),
        ),
    ] {
        anyhow::ensure!(
            text.matches(line).count() == 1,
            "values.yaml does not have exactly one line {:?}",
            line.trim()
        );
        text = text.replace(line, &with);
    }
    Ok(text)
}

/// Adds a file, or a folder in the order of names. Links are followed: a package has none.
fn add(archive: &mut tar::Builder<Vec<u8>>, path: &Path, name: &str) -> Result<()> {
    if !path.is_dir() {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        return append(archive, name, &content);
    }
    let mut names: Vec<String> = fs::read_dir(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    names.sort_unstable();
    for below in names {
        add(archive, &path.join(&below), &format!("{name}/{below}"))?;
    }
    Ok(())
}

fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, content: &[u8]) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(content.len() as u64);
    header.set_cksum();
    Ok(archive.append(&header, content)?)
}

#[cfg(test)]
mod tests {
    use super::{artefact, with_image};
    use crate::image::record::Record;
    use std::path::Path;

    fn record() -> Record {
        Record {
            repository: "registry.example.com/roster/roster".into(),
            tag: "sha-a".into(),
            digest: format!("sha256:{}", "a".repeat(64)),
            reference: String::new(),
            revision: "0".repeat(40),
            version: "1.0.0".into(),
            size_bytes: 0,
            dirty: false,
        }
    }

    #[test]
    fn a_version_of_the_chart_always_has_the_same_bytes_and_its_own_image() {
        xtask::run_tool::enter_repository_root().expect("is there");
        let packed = || artefact(Path::new("helm-chart"), "1.0.0", &record()).expect("is packed");
        let (one, two) = (packed(), packed());
        assert_eq!(one.manifest.digest, two.manifest.digest);
        let mut archive =
            tar::Archive::new(flate2::read::GzDecoder::new(one.layer.bytes.as_slice()));
        let mut names = Vec::new();
        for entry in archive.entries().expect("is an archive") {
            let mut entry = entry.expect("is an entry");
            let name = entry.path().expect("has a path").display().to_string();
            let mut text = String::new();
            std::io::Read::read_to_string(&mut entry, &mut text).expect("is text");
            if name == "roster/Chart.yaml" {
                let metadata: serde_json::Value = serde_saphyr::from_str(&text).expect("is YAML");
                assert_eq!(metadata["version"], "1.0.0");
                assert_eq!(metadata["name"], "roster");
            }
            if name == "roster/values.yaml" {
                assert!(text.contains(&record().digest), "{text}");
            }
            names.push(name);
        }
        assert_eq!(names[0], "roster/Chart.yaml");
        for needed in [
            "roster/templates/deployment.yaml",
            "roster/rules/saturation.yaml",
        ] {
            assert!(names.iter().any(|name| name == needed), "{needed}");
        }
        assert!(!names.iter().any(|name| name.contains("environments")));
    }

    #[test]
    fn values_without_the_lines_of_the_image_are_refused() {
        assert!(with_image("image:\n  tag: x\n", &record()).is_err());
    }
}
