//! Assembles the image: configuration, manifest, and the directory that holds it until it is pushed.
//!
//! The directory is an OCI image layout (target/image), which other tools can read.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use oci_spec::image::{
    Arch, ConfigBuilder, DescriptorBuilder, Digest, HistoryBuilder, ImageConfigurationBuilder,
    ImageIndexBuilder, ImageManifestBuilder, MediaType, OciLayoutBuilder, Os, RootFsBuilder,
};

use super::layer::{CERTIFICATES, Layer};

/// The directory of the OCI layout.
pub(crate) const FOLDER: &str = "target/image";

/// Numeric, so that a kubelet can verify that it is not root.
pub(crate) const USER: &str = "65532:65532";

/// The image's metadata.
pub(crate) struct Description {
    pub(crate) version: String,
    pub(crate) revision: String,
    pub(crate) source: String,
    /// RFC 3339, of the commit.
    pub(crate) created: String,
}

/// A descriptor of a part of an image.
#[derive(Clone)]
pub(crate) struct Blob {
    pub(crate) digest: String,
    pub(crate) bytes: Vec<u8>,
}

/// A complete image.
pub(crate) struct Image {
    pub(crate) manifest: Blob,
    pub(crate) config: Blob,
    pub(crate) layer: Blob,
}

impl Blob {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self {
            digest: super::digest(&bytes),
            bytes,
        }
    }

    pub(crate) fn descriptor(&self, media_type: MediaType) -> Result<oci_spec::image::Descriptor> {
        let digest: Digest = self.digest.parse()?;
        Ok(DescriptorBuilder::default()
            .media_type(media_type)
            .digest(digest)
            .size(self.bytes.len() as u64)
            .build()?)
    }
}

/// Builds configuration and manifest around the layer. `variables` are `NAME=value`.
pub(crate) fn assemble(
    layer: &Layer,
    description: &Description,
    variables: &[String],
) -> Result<Image> {
    let labels = labels(description);
    let mut env = vec![format!("SSL_CERT_FILE={CERTIFICATES}")];
    env.extend_from_slice(variables);
    let config = ConfigBuilder::default()
        .user(USER)
        .entrypoint(vec!["/roster".to_owned()])
        .cmd(vec!["serve".to_owned()])
        .env(env)
        .exposed_ports(vec!["8080/tcp".to_owned(), "8081/tcp".to_owned()])
        .working_dir("/")
        .labels(labels.clone())
        .build()?;
    let configuration = ImageConfigurationBuilder::default()
        .created(description.created.clone())
        .architecture(Arch::Amd64)
        .os(Os::Linux)
        .config(config)
        .rootfs(
            RootFsBuilder::default()
                .typ("layers")
                .diff_ids(vec![layer.diff_id.clone()])
                .build()?,
        )
        .history(vec![
            HistoryBuilder::default()
                .created(description.created.clone())
                .created_by("cargo xtask image build")
                .build()?,
        ])
        .build()?;
    let config = Blob::new(canonical(&configuration)?);
    let layer = Blob::new(layer.gzip.clone());
    let manifest = ImageManifestBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::ImageManifest)
        .config(config.descriptor(MediaType::ImageConfig)?)
        .layers(vec![layer.descriptor(MediaType::ImageLayerGzip)?])
        .annotations(labels)
        .build()?;
    Ok(Image {
        manifest: Blob::new(canonical(&manifest)?),
        config,
        layer,
    })
}

impl Image {
    /// Size of what a registry stores, in bytes.
    pub(crate) fn size(&self) -> u64 {
        (self.manifest.bytes.len() + self.config.bytes.len() + self.layer.bytes.len()) as u64
    }

    /// Writes the image as an OCI layout, replacing the previous one.
    pub(crate) fn write(&self, tag: &str) -> Result<()> {
        let folder = Path::new(FOLDER);
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot empty {FOLDER}"))?;
        }
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).with_context(|| format!("cannot make {FOLDER}"))?;
        for blob in [&self.manifest, &self.config, &self.layer] {
            fs::write(blob_path(&blob.digest), &blob.bytes)?;
        }
        let mut descriptor = self.manifest.descriptor(MediaType::ImageManifest)?;
        descriptor.set_annotations(Some(HashMap::from([(
            "org.opencontainers.image.ref.name".to_owned(),
            tag.to_owned(),
        )])));
        let index = ImageIndexBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageIndex)
            .manifests(vec![descriptor])
            .build()?;
        fs::write(folder.join("index.json"), canonical(&index)?)?;
        let layout = OciLayoutBuilder::default()
            .image_layout_version("1.0.0")
            .build()?;
        fs::write(folder.join("oci-layout"), canonical(&layout)?)?;
        Ok(())
    }

    /// Reads the last built image, by the digest of its manifest.
    pub(crate) fn read(digest: &str) -> Result<Self> {
        let manifest = read_blob(digest)?;
        let parsed: oci_spec::image::ImageManifest = serde_json::from_slice(&manifest.bytes)?;
        let layer = parsed
            .layers()
            .first()
            .context("the image has no layer; build it again")?;
        Ok(Self {
            config: read_blob(parsed.config().digest().as_ref())?,
            layer: read_blob(layer.digest().as_ref())?,
            manifest,
        })
    }
}

fn blob_path(digest: &str) -> PathBuf {
    Path::new(FOLDER)
        .join("blobs/sha256")
        .join(digest.trim_start_matches("sha256:"))
}

fn read_blob(digest: &str) -> Result<Blob> {
    let path = blob_path(digest);
    let bytes = fs::read(&path).with_context(|| {
        format!(
            "{} does not exist: run `cargo xtask image build`",
            path.display()
        )
    })?;
    let blob = Blob::new(bytes);
    anyhow::ensure!(
        blob.digest == digest,
        "{} was changed since it was built: run `cargo xtask image build`",
        path.display()
    );
    Ok(blob)
}

/// JSON with sorted keys: maps of annotations are unordered, and the digest must not depend on their order.
pub(crate) fn canonical(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(&serde_json::to_value(value)?)?)
}

fn labels(description: &Description) -> HashMap<String, String> {
    [
        ("title", "roster"),
        ("description", "A directory of users behind an HTTP API"),
        ("licenses", "Apache-2.0"),
        ("version", &description.version),
        ("revision", &description.revision),
        ("source", &description.source),
        ("created", &description.created),
    ]
    .into_iter()
    .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_owned()))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{Description, assemble};
    use crate::image::layer;

    fn description() -> Description {
        Description {
            version: "1.2.3".to_owned(),
            revision: "abc".to_owned(),
            source: "https://example.com".to_owned(),
            created: "2026-01-02T03:04:05Z".to_owned(),
        }
    }

    #[test]
    fn two_builds_of_one_commit_have_one_digest() {
        let layer = layer::pack(b"binary", 5).expect("packs");
        let digests: Vec<String> = (0..8)
            .map(|_| {
                assemble(&layer, &description(), &[])
                    .expect("assembles")
                    .manifest
                    .digest
            })
            .collect();
        assert!(
            digests.windows(2).all(|pair| pair[0] == pair[1]),
            "{digests:?}"
        );
    }

    #[test]
    fn the_image_runs_as_a_numeric_user_and_says_where_it_is_from() {
        let layer = layer::pack(b"binary", 5).expect("packs");
        let image = assemble(&layer, &description(), &[]).expect("assembles");
        let config: serde_json::Value =
            serde_json::from_slice(&image.config.bytes).expect("is JSON");
        assert_eq!(config["config"]["User"], "65532:65532");
        let labels = &config["config"]["Labels"];
        assert_eq!(labels["org.opencontainers.image.revision"], "abc");
        assert_eq!(labels["org.opencontainers.image.version"], "1.2.3");
    }
}
