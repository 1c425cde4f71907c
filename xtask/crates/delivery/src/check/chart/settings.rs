//! The part `config` of the chart's schema against the service's settings: names, types, limits, defaults and descriptions
//! come from the service's source. Must not know what a setting means.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use syn::punctuated::Punctuated;
use syn::visit::Visit;
use syn::{Attribute, Expr, Field, Lit, Meta, Token, Type};

use xtask::failure::{Failure, Kind};

const SCHEMA: &str = "helm-chart/values.schema.json";
const VALUES: &str = "helm-chart/values.yaml";
const EXPECTED: &str = "target/values.schema.json";
const CONFIG: &str = "service/src/config.rs";
const CONFIG_FOLDER: &str = "service/src/config";

/// Settings that the chart sets from other values or deliberately does not offer.
const ELSEWHERE: &[&str] = &[
    "databaseCaFile",
    "databasePasswordFile",
    "databaseUrl",
    "databaseUrlFile",
    "logFile",
    // Only for tests of the service.
    "oidcAllowPlainHttp",
    // The issuer is a public one; a private certificate authority would need a volume.
    "oidcCaFile",
    "tlsCert",
    "tlsKey",
    "tokenKeysFile",
];

/// Fails when the schema does not say what the service's source says.
pub(super) fn check() -> Result<()> {
    let text = fs::read_to_string(SCHEMA).with_context(|| format!("cannot read {SCHEMA}"))?;
    let values = fs::read_to_string(VALUES).with_context(|| format!("cannot read {VALUES}"))?;
    let schema: Value = serde_json::from_str(&text)?;
    let values: Value = serde_saphyr::from_str(&values)?;
    let mut sources = Vec::new();
    for path in files()? {
        sources.push(fs::read_to_string(path)?);
    }
    let expected = expected(&schema, &values["config"], &of_sources(&sources)?);
    if schema == expected {
        return Ok(());
    }
    fs::create_dir_all("target")?;
    fs::write(EXPECTED, serde_json::to_string_pretty(&expected)? + "\n")?;
    Err(Failure::new(
        Kind::Check,
        format!("`config` in {SCHEMA} does not say what {CONFIG} says"),
        differences(&schema, &expected).join("\n"),
        format!("look at it and take it: diff {SCHEMA} {EXPECTED}; cp {EXPECTED} {SCHEMA}"),
    )
    .into())
}

fn files() -> Result<Vec<PathBuf>> {
    let mut files = vec![PathBuf::from(CONFIG)];
    if Path::new(CONFIG_FOLDER).is_dir() {
        for entry in fs::read_dir(CONFIG_FOLDER)? {
            files.push(entry?.path());
        }
    }
    Ok(files)
}

const SETTINGS: &str = "/properties/config/properties";

/// The schema with the service's settings; what the service does not know (patterns, lists of values) stays.
fn expected(schema: &Value, chart: &Value, settings: &BTreeMap<String, Setting>) -> Value {
    let mut expected = schema.clone();
    let Some(present) = expected.pointer_mut(SETTINGS) else {
        return expected;
    };
    let mut wanted = Map::new();
    for (name, setting) in settings {
        if ELSEWHERE.contains(&name.as_str()) {
            continue;
        }
        let mut property = present[name].as_object().cloned().unwrap_or_default();
        for key in ["type", "description", "minimum", "maximum", "default"] {
            property.remove(key);
        }
        property.extend(setting.schema.clone());
        // The chart has a default of its own.
        if chart.get(name).is_some() {
            property.remove("default");
        }
        wanted.insert(name.clone(), Value::Object(property));
    }
    *present = Value::Object(wanted);
    expected
}

fn differences(schema: &Value, expected: &Value) -> Vec<String> {
    let of = |schema: &Value| {
        schema
            .pointer(SETTINGS)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    let (is, must) = (of(schema), of(expected));
    let mut names: Vec<&String> = is.keys().chain(must.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .filter(|name| is.get(*name) != must.get(*name))
        .map(|name| match (is.get(name), must.get(name)) {
            (Some(_), None) => format!("{name}: not a setting of the service"),
            (None, _) => format!("{name}: not in the chart"),
            (Some(is), Some(must)) => format!("{name}: {is}, in the service {must}"),
        })
        .collect()
}

/// What the source says of one setting, in JSON Schema's words.
#[derive(Debug, Default, PartialEq)]
struct Setting {
    schema: Map<String, Value>,
}

/// Settings by their names in camel case.
fn of_sources(sources: &[String]) -> Result<BTreeMap<String, Setting>> {
    let mut found = Settings::default();
    for source in sources {
        let file = syn::parse_file(source).with_context(|| format!("{CONFIG} is not Rust"))?;
        found.visit_file(&file);
    }
    Ok(found.0)
}

#[derive(Default)]
struct Settings(BTreeMap<String, Setting>);

impl<'ast> Visit<'ast> for Settings {
    fn visit_field(&mut self, field: &'ast Field) {
        let arguments = field
            .attrs
            .iter()
            .filter(|attribute| attribute.path().is_ident("arg"));
        let arguments = arguments.filter_map(|attribute| {
            let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
            attribute.parse_args_with(parse).ok()
        });
        let arguments: Vec<(String, Expr)> = arguments
            .flatten()
            .filter_map(|meta| match meta {
                Meta::NameValue(pair) => Some((pair.path.get_ident()?.to_string(), pair.value)),
                _ => None,
            })
            .collect();
        let argument = |name: &str| {
            let found = arguments.iter().find(|(other, _)| other == name);
            found.map(|(_, value)| value)
        };
        let Some(Value::String(variable)) = argument("env").and_then(literal) else {
            return;
        };
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!(kind(&field.ty)));
        schema.insert("description".to_owned(), json!(documentation(&field.attrs)));
        if schema["type"] == "integer" {
            let (least, most) = argument("value_parser")
                .and_then(range)
                .unwrap_or((0, None));
            schema.insert("minimum".to_owned(), json!(least));
            schema.extend(most.map(|most| ("maximum".to_owned(), json!(most))));
        }
        let default = argument("default_value_t").or(argument("default_value"));
        let default = default.and_then(literal);
        let default = default.or((schema["type"] == "boolean").then_some(Value::Bool(false)));
        schema.extend(default.map(|default| ("default".to_owned(), default)));
        let name = camel_case(variable.trim_start_matches("ROSTER_"));
        self.0.insert(name, Setting { schema });
    }
}

fn literal(expression: &Expr) -> Option<Value> {
    let Expr::Lit(literal) = expression else {
        return None;
    };
    match &literal.lit {
        Lit::Str(text) => Some(Value::String(text.value())),
        Lit::Int(number) => number.base10_parse::<u64>().ok().map(Value::from),
        Lit::Bool(value) => Some(Value::Bool(value.value)),
        _ => None,
    }
}

/// `clap::value_parser!(u64).range(1..=60_000)`.
fn range(parser: &Expr) -> Option<(u64, Option<u64>)> {
    let Expr::MethodCall(call) = parser else {
        return None;
    };
    let Some(Expr::Range(range)) = call.args.first().filter(|_| call.method == "range") else {
        return None;
    };
    let number = |bound: &Option<Box<Expr>>| literal(bound.as_deref()?)?.as_u64();
    Some((number(&range.start).unwrap_or_default(), number(&range.end)))
}

fn kind(ty: &Type) -> &'static str {
    let Type::Path(path) = ty else {
        return "string";
    };
    match path.path.get_ident().map(ToString::to_string).as_deref() {
        Some("bool") => "boolean",
        Some("u16" | "u32" | "u64" | "usize") => "integer",
        _ => "string",
    }
}

/// The doc comment in one line: it is the text of `--help`.
fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => literal(&pair.value),
            _ => None,
        });
    let lines: Vec<String> = lines
        .filter_map(|line| Some(line.as_str()?.trim().to_owned()))
        .collect();
    lines.join(" ")
}

/// `POOL_SIZE` as the chart's value: `poolSize`.
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_').map(str::to_lowercase);
    let mut camel = parts.next().unwrap_or_default();
    for part in parts {
        let (first, rest) = part.split_at(part.len().min(1));
        camel.push_str(&first.to_uppercase());
        camel.push_str(rest);
    }
    camel
}

/// The chart's value as the name of its variable, without `ROSTER_`, as the template turns it.
pub(super) fn upper_snake(name: &str) -> String {
    let mut upper = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            upper.push('_');
        }
        upper.push(c.to_ascii_uppercase());
    }
    upper
}

#[cfg(test)]
mod tests {
    use super::{camel_case, differences, expected, of_sources, upper_snake};
    use serde_json::json;

    const SOURCE: &str = r#"
        struct Args {
            /// Most connections
            /// at a time.
            #[arg(long, env = "ROSTER_POOL_SIZE", default_value_t = 1_6, value_parser = clap::value_parser!(u16).range(3..=1000), value_name = "N")]
            pool_size: u16,
            /// Off.
            #[arg(long, env = "ROSTER_H2C", conflicts_with = "tls_cert")]
            h2c: bool,
            #[command(flatten)]
            more: More,
        }"#;

    #[test]
    fn names_are_turned_as_the_chart_turns_them() {
        for (name, variable) in [
            ("poolWaitTimeoutMs", "POOL_WAIT_TIMEOUT_MS"),
            ("h2c", "H2C"),
        ] {
            assert_eq!(upper_snake(name), variable);
            assert_eq!(camel_case(variable), name);
        }
    }

    #[test]
    fn limits_defaults_and_descriptions_are_those_of_the_source() {
        let settings = of_sources(&[SOURCE.to_owned()]).unwrap();
        let pool = json!({"type": "integer", "minimum": 3, "maximum": 1000, "default": 16, "description": "Most connections at a time."});
        assert_eq!(json!(settings["poolSize"].schema), pool);
        let h2c = json!({"type": "boolean", "default": false, "description": "Off."});
        assert_eq!(json!(settings["h2c"].schema), h2c);
        assert_eq!(settings.len(), 2);
    }

    #[test]
    fn what_differs_is_named_and_what_the_source_does_not_know_stays() {
        let settings = of_sources(&[SOURCE.to_owned()]).unwrap();
        let schema = json!({"properties": {"config": {"properties": {
            "poolSize": {"type": "integer", "minimum": 1, "multipleOf": 2}, "gone": {"type": "string"}}}}});
        let expected = expected(&schema, &json!({"poolSize": 8}), &settings);
        let property = &expected["properties"]["config"]["properties"]["poolSize"];
        assert_eq!(property["multipleOf"], 2);
        assert_eq!(property["minimum"], 3);
        assert!(property.get("default").is_none(), "the chart has its own");
        let differences = differences(&schema, &expected);
        assert!(
            differences[0].contains("gone: not a setting"),
            "{differences:?}"
        );
        assert!(
            differences[1].contains("h2c: not in the chart"),
            "{differences:?}"
        );
        assert!(differences[2].contains("poolSize:"), "{differences:?}");
    }
}
