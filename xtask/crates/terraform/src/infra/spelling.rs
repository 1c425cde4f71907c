//! Finds misspelt members of object arguments, which Terraform silently drops.
//!
//! `database = { highly_availible = true }` is converted to the variable's type, and unknown members are dropped:
//! production would run without a standby. The names are therefore compared with the types before Terraform runs.

use std::path::Path;

use anyhow::{Context, Result};
use hcl::structure::Body;
use hcl::{Expression, ObjectKey};

use xtask::failure::{Failure, Kind};

/// Refuses a root whose settings or module calls contain a member that the variable's type does not have.
pub(crate) fn check(folder: &Path) -> Result<()> {
    let faults = faults(folder)?;
    if faults.is_empty() {
        return Ok(());
    }
    let next = "use the name in variables.tf; Terraform would silently drop the value";
    Err(Failure::new(
        Kind::Usage,
        format!("{} misspelt names in {}", faults.len(), folder.display()),
        faults.join("\n"),
        next,
    )
    .into())
}

/// The misspelt names in a directory: in its terraform.tfvars, and in its calls of modules of this repository.
pub(crate) fn faults(folder: &Path) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for name in ["terraform.tfvars", "terraform.tfvars.example"] {
        let file = folder.join(name);
        if file.is_file() {
            let variables = parse(&folder.join("variables.tf"))?;
            compare(
                &variables,
                &parse(&file)?,
                &file.display().to_string(),
                &mut faults,
            );
        }
    }
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
    {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "tf") {
            calls(folder, &file, &mut faults)?;
        }
    }
    Ok(faults)
}

fn calls(folder: &Path, file: &Path, faults: &mut Vec<String>) -> Result<()> {
    for block in parse(file)?
        .blocks()
        .filter(|block| block.identifier() == "module")
    {
        let source = block
            .body()
            .attributes()
            .find(|attribute| attribute.key() == "source");
        let Some(Expression::String(source)) = source.map(hcl::Attribute::expr) else {
            continue;
        };
        let variables = parse(&folder.join(source).join("variables.tf"))?;
        compare(
            &variables,
            block.body(),
            &file.display().to_string(),
            faults,
        );
    }
    Ok(())
}

fn parse(file: &Path) -> Result<Body> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    hcl::parse(&text).with_context(|| format!("cannot read {}", file.display()))
}

fn compare(variables: &Body, given: &Body, origin: &str, faults: &mut Vec<String>) {
    for attribute in given.attributes() {
        let variable = variables.blocks().find(|block| {
            block.identifier() == "variable"
                && block
                    .labels()
                    .first()
                    .is_some_and(|label| label.as_str() == attribute.key())
        });
        let typed = variable.and_then(|block| {
            block
                .body()
                .attributes()
                .find(|inner| inner.key() == "type")
        });
        if let Some(typed) = typed {
            members(
                typed.expr(),
                attribute.expr(),
                &format!("{origin}: {}", attribute.key()),
                faults,
            );
        }
    }
}

/// Descends type and value together while both are literal.
fn members(typed: &Expression, value: &Expression, path: &str, faults: &mut Vec<String>) {
    let Expression::FuncCall(call) = typed else {
        return;
    };
    let Some(inner) = call.args.first() else {
        return;
    };
    match (call.name.name.as_str(), value) {
        ("optional", _) => members(inner, value, path, faults),
        ("map", Expression::Object(given)) => {
            for (key, element) in given {
                members(inner, element, &format!("{path}.{}", key_text(key)), faults);
            }
        }
        ("list" | "set", Expression::Array(given)) => {
            for element in given {
                members(inner, element, path, faults);
            }
        }
        ("object", Expression::Object(given)) => {
            let Expression::Object(known) = inner else {
                return;
            };
            for (key, element) in given {
                let name = key_text(key);
                match known.iter().find(|(one, _)| key_text(one) == name) {
                    Some((_, member)) => {
                        members(member, element, &format!("{path}.{name}"), faults);
                    }
                    None => faults.push(unknown(path, &name, known.keys().map(key_text))),
                }
            }
        }
        _ => {}
    }
}

fn unknown(path: &str, name: &str, known: impl Iterator<Item = String>) -> String {
    let nearest = known.max_by(|a, b| strsim::jaro(a, name).total_cmp(&strsim::jaro(b, name)));
    let instead = nearest.map_or_else(String::new, |nearest| {
        format!("; did you mean {nearest:?}?")
    });
    format!("{path} has no member {name:?}{instead}")
}

fn key_text(key: &ObjectKey) -> String {
    match key {
        ObjectKey::Identifier(name) => name.to_string(),
        ObjectKey::Expression(Expression::String(text)) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    const VARIABLES: &str = r#"
variable "database" {
  type = object({
    tier             = optional(string, "db-custom-2-7680")
    highly_available = optional(bool, true)
    read_replica     = optional(object({ tier = optional(string) }))
  })
}
variable "secrets" {
  type = map(object({ kind = string }))
}
"#;

    fn faults(given: &str) -> Vec<String> {
        let mut faults = Vec::new();
        let (variables, given) = (
            hcl::parse(VARIABLES).expect("is HCL"),
            hcl::parse(given).expect("is HCL"),
        );
        compare(&variables, &given, "main.tf", &mut faults);
        faults
    }

    #[test]
    fn a_misspelt_member_is_named_with_what_was_meant() {
        assert_eq!(
            faults("database = { highly_availible = true }"),
            [
                r#"main.tf: database has no member "highly_availible"; did you mean "highly_available"?"#
            ]
        );
    }

    #[test]
    fn members_are_followed_into_objects_and_maps() {
        assert_eq!(
            faults("database = { read_replica = { teir = \"x\" } }").len(),
            1
        );
        assert_eq!(
            faults("secrets = { a = { kind = \"x\" }, b = { knid = \"x\" } }").len(),
            1
        );
    }

    #[test]
    fn what_is_spelt_right_passes() {
        assert!(faults("database = { tier = \"x\", read_replica = { tier = var.x } }\nsecrets = { a = { kind = \"x\" } }").is_empty());
    }
}
