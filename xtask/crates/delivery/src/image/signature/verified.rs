//! What `cosign verify --output=json` has verified, by its output; the exit code says less: cosign also accepts an
//! attestation, such as a list of dependencies, that the same key has signed.

use serde::Deserialize;

/// The types of an image's signature: in a Sigstore bundle, and in the format before.
const SIGNATURES: [&str; 2] = [
    "https://sigstore.dev/cosign/sign/v1",
    "cosign container image signature",
];

/// One verified payload.
#[derive(Debug, Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Debug, Deserialize)]
struct Critical {
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// Whether one of them is a signature of the image with this digest; otherwise what was verified instead, one line each.
pub(super) fn signature_of(digest: &str, output: &str) -> Result<(), Vec<String>> {
    let line = output.lines().find(|line| line.starts_with('['));
    let payloads: Vec<Payload> = match line.map(serde_json::from_str) {
        Some(Ok(payloads)) => payloads,
        Some(Err(error)) => {
            return Err(vec![format!("cosign's output is in another form: {error}")]);
        }
        None => return Err(vec!["cosign printed no JSON".to_owned()]),
    };
    let is_signature = |payload: &Payload| {
        SIGNATURES.contains(&payload.critical.kind.as_str())
            && payload.critical.image.digest == digest
    };
    if payloads.iter().any(is_signature) {
        return Ok(());
    }
    let described = |payload: &Payload| {
        let Critical { image, kind } = &payload.critical;
        format!(
            "verified, but not a signature of this image: {kind} of {}",
            image.digest
        )
    };
    Err(payloads.iter().map(described).collect())
}

#[cfg(test)]
mod tests {
    use super::signature_of;

    const DIGEST: &str = "sha256:e0da4c8c7b5d0d2f9a4fd1a9a9e7a0c1b1d2f1c4c6e3b7a8d9f0a1b2c3d4e5f6";

    fn printed(kinds: &[&str], digest: &str) -> String {
        let payloads: Vec<_> = kinds
            .iter()
            .map(|kind| {
                format!(
                    r#"{{"critical":{{"identity":{{"docker-reference":"127.0.0.1:5000/roster"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"{kind}"}},"optional":{{}}}}"#
                )
            })
            .collect();
        format!("\n[{}]\n", payloads.join(","))
    }

    #[test]
    fn a_signature_is_known_by_its_type_in_both_formats() {
        for kind in super::SIGNATURES {
            assert_eq!(signature_of(DIGEST, &printed(&[kind], DIGEST)), Ok(()));
        }
        let both = ["https://spdx.dev/Document", super::SIGNATURES[0]];
        assert_eq!(signature_of(DIGEST, &printed(&both, DIGEST)), Ok(()));
    }

    #[test]
    fn an_attestation_by_the_same_key_is_not_a_signature() {
        let attested = printed(&["https://spdx.dev/Document"], DIGEST);
        let found = signature_of(DIGEST, &attested).expect_err("is not signed");
        assert_eq!(
            found,
            [format!(
                "verified, but not a signature of this image: https://spdx.dev/Document of {DIGEST}"
            )]
        );
    }

    #[test]
    fn a_signature_of_another_image_is_not_one_of_this() {
        let other = printed(&[super::SIGNATURES[0]], "sha256:00");
        assert!(signature_of(DIGEST, &other).is_err());
    }

    #[test]
    fn an_output_in_another_form_is_not_a_signature() {
        for output in ["", "[]", "[{}]", "Verified OK"] {
            assert!(signature_of(DIGEST, output).is_err(), "{output}");
        }
    }
}
