//! How each generator is run, and its client compiled. Each function gives the command that runs the story.

use anyhow::Result;

use super::{Workshop, openapi_3_0};
use crate::commands::python_environment;
use xtask::run_tool::{Run, tool};
use xtask::tools;

/// openapi-generator, as Maven names it. The version in `openapi-generator/java/pom.xml` is the same.
const OPENAPI_GENERATOR: (&str, &str) = ("openapi-generator-cli", "7.25.0");
/// The Maven plugin that downloads it.
const MAVEN_COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";

pub(super) fn ogen(workshop: &Workshop) -> Result<Run> {
    require(&["go"])?;
    workshop.empty("api")?;
    let generate = [
        "tool",
        "ogen",
        "--target",
        "api",
        "--package",
        "api",
        "--clean",
    ];
    let generate = workshop.tool("go").args(generate).arg(&workshop.document);
    generate.output()?;
    build_go(workshop)
}

pub(super) fn oapi_codegen(workshop: &Workshop) -> Result<Run> {
    require(&["go"])?;
    workshop.empty("api")?;
    let generate = ["tool", "oapi-codegen", "-config", "oapi-codegen.yaml"];
    let generate = workshop.tool("go").args(generate).arg(&workshop.document);
    generate.output()?;
    build_go(workshop)
}

fn build_go(workshop: &Workshop) -> Result<Run> {
    workshop.tool("go").args(["vet", "./..."]).output()?;
    workshop
        .tool("go")
        .args(["build", "-o", "story", "."])
        .output()?;
    Ok(workshop.tool(&workshop.folder.join("story").display().to_string()))
}

pub(super) fn openapi_python_client(workshop: &Workshop) -> Result<Run> {
    let requirements = workshop.folder.join("requirements.txt");
    let programs = python_environment::install(&workshop.folder, &requirements)?;
    let generated = workshop.empty("generated")?;
    let program = programs.join("openapi-python-client");
    // A warning means that a part of the document was left out.
    workshop
        .tool(&program.display().to_string())
        .args([
            "generate",
            "--fail-on-warning",
            "--overwrite",
            "--config",
            "config.yaml",
        ])
        .arg("--path")
        .arg(&workshop.document)
        .arg("--output-path")
        .arg(&generated)
        .output()?;
    Ok(python_story(workshop, &programs))
}

pub(super) fn openapi_generator_python(workshop: &Workshop) -> Result<Run> {
    require(&["mvn", "java"])?;
    let requirements = workshop.folder.join("requirements.txt");
    let programs = python_environment::install(&workshop.folder, &requirements)?;
    openapi_generator(workshop, "python", "generated", &[])?;
    Ok(python_story(workshop, &programs))
}

fn python_story(workshop: &Workshop, programs: &std::path::Path) -> Run {
    workshop
        .tool(&programs.join("python").display().to_string())
        .env("PYTHONPATH", workshop.folder.join("generated"))
        // An assertion must not be optimised away.
        .env("PYTHONOPTIMIZE", "0")
        .arg("story.py")
}

pub(super) fn openapi_generator_typescript(workshop: &Workshop) -> Result<Run> {
    require(&["mvn", "java", "node", "npm"])?;
    let properties = ["--additional-properties=importFileExtension=.js"];
    openapi_generator(workshop, "typescript-fetch", "api", &properties)?;
    let install = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"];
    workshop.tool("npm").args(install).output()?;
    let compiler = workshop.folder.join("node_modules/.bin/tsc");
    workshop.tool(&compiler.display().to_string()).output()?;
    Ok(workshop.tool("node").arg("out/story.js"))
}

/// Generates with the command line of openapi-generator.
fn openapi_generator(
    workshop: &Workshop,
    generator: &str,
    into: &str,
    more: &[&str],
) -> Result<()> {
    let (artifact, version) = OPENAPI_GENERATOR;
    let jar = workshop.folder.join(format!("{artifact}-{version}.jar"));
    if !jar.is_file() {
        let artifact = format!("-Dartifact=org.openapitools:{artifact}:{version}");
        let download = ["-q", "-B", MAVEN_COPY, &artifact, "-DoutputDirectory=."];
        workshop.tool("mvn").args(download).output()?;
    }
    let folder = workshop.empty(into)?;
    workshop
        .tool("java")
        .arg("-jar")
        .arg(jar)
        .args(["generate", "--generator-name", generator, "--input-spec"])
        .arg(&workshop.document)
        .arg("--output")
        .arg(folder)
        .args(more)
        .output()
        .map(drop)
}

pub(super) fn openapi_generator_java(workshop: &Workshop) -> Result<Run> {
    require(&["mvn", "java"])?;
    workshop.empty("target")?;
    let document = format!("-Ddocument={}", workshop.document.display());
    Ok(workshop
        .tool("mvn")
        .args(["-q", "-B", "compile", "exec:java", &document]))
}

pub(super) fn progenitor(workshop: &Workshop) -> Result<Run> {
    require(&["cargo-progenitor"])?;
    let document = workshop.folder.join("openapi-3.0.json");
    openapi_3_0::write(&workshop.document, &document)?;
    let generated = workshop.empty("generated")?;
    workshop
        .tool("cargo-progenitor")
        .args([
            "progenitor",
            "--name",
            "roster-client",
            "--version",
            "0.0.0",
        ])
        .args([
            "--interface",
            "builder",
            "--include-client",
            "false",
            "--input",
        ])
        .arg(&document)
        .arg("--output")
        .arg(&generated)
        .output()?;
    let manifest = workshop.folder.join("Cargo.toml");
    Ok(tool("cargo")
        .args(["run", "--quiet", "--locked", "--manifest-path"])
        .arg(manifest))
}

fn require(programs: &[&str]) -> Result<()> {
    let lacking = programs.iter().find(|name| !tools::is_installed(name));
    lacking.map_or(Ok(()), |name| Err(tools::missing(name)))
}
