//! Compares the environments: Terraform cannot share a root's variables and outputs, so they are kept equal here.
//!
//! Differences between environments are only in `main.tf`.

use std::path::Path;

use anyhow::{Context, Result};

use xtask::failure::{Failure, Kind};

const FOLDER: &str = "terraform/environments";

/// Files that are the same in every environment.
const SHARED: [&str; 5] = [
    "outputs.tf",
    "providers.tf",
    "terraform.tfvars.example",
    "variables.tf",
    "versions.tf",
];

pub(super) fn run() -> Result<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(FOLDER).with_context(|| format!("cannot read {FOLDER}"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let faults = faults(Path::new(FOLDER), &names)?;
    if faults.is_empty() {
        return Ok(format!(
            "{} have the same {} and differ only in main.tf",
            names.join(" and "),
            SHARED.join(", ")
        ));
    }
    Err(Failure::new(
        Kind::Check,
        "the environments have diverged",
        faults.join("\n"),
        "make the files equal; a difference becomes an argument of module.stack in main.tf",
    )
    .into())
}

fn faults(folder: &Path, names: &[String]) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    let read = |name: &str, file: &str| {
        let path = folder.join(name).join(file);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let Some((first, others)) = names.split_first() else {
        return Ok(faults);
    };
    for file in SHARED {
        let wanted = read(first, file)?;
        for other in others {
            let found = read(other, file)?;
            if found == wanted {
                continue;
            }
            let line = wanted
                .lines()
                .zip(found.lines())
                .position(|(one, two)| one != two)
                .unwrap_or_else(|| wanted.lines().count().min(found.lines().count()));
            faults.push(format!(
                "{file} of {first} and {other} differ from line {}",
                line + 1
            ));
        }
    }
    for name in names {
        for (file, line) in [
            ("main.tf", format!("environment         = \"{name}\"")),
            ("backend.tf", format!("prefix = \"environments/{name}\"")),
        ] {
            if !read(name, file)?.contains(&line) {
                faults.push(format!("{name}/{file} does not say: {line}"));
            }
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::{SHARED, faults};

    #[test]
    fn a_line_that_only_one_has_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = ["dev".to_owned(), "production".to_owned()];
        for name in &names {
            let own = folder.path().join(name);
            std::fs::create_dir(&own).expect("writable");
            for file in SHARED {
                std::fs::write(own.join(file), "one\ntwo\n").expect("writable");
            }
            std::fs::write(
                own.join("main.tf"),
                format!("environment         = \"{name}\""),
            )
            .expect("writable");
            std::fs::write(
                own.join("backend.tf"),
                format!("prefix = \"environments/{name}\""),
            )
            .expect("writable");
        }
        assert!(faults(folder.path(), &names).expect("readable").is_empty());
        std::fs::write(folder.path().join("production/outputs.tf"), "one\n2\n").expect("writable");
        std::fs::write(
            folder.path().join("production/backend.tf"),
            "prefix = \"environments/dev\"",
        )
        .expect("writable");
        let found = faults(folder.path(), &names).expect("readable");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].ends_with("differ from line 2"), "{found:?}");
        assert!(found[1].contains("production/backend.tf"), "{found:?}");
    }
}
