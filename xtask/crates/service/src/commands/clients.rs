//! `cargo xtask e2e clients`: generates clients from the OpenAPI document, compiles them, and runs each against a live
//! service.
//!
//! The stories and the pinned versions are in `service/contract/clients`; here is how each generator is run.

mod generators;
mod openapi_3_0;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::ValueEnum;

use roster_dev::local_roster::LocalRoster;
use xtask::failure::{Failure, Kind};
use xtask::interrupt;
use xtask::run_tool::{Run, tool};

/// The stories, by generator.
const STORIES: &str = "service/contract/clients";
/// Where clients are generated and compiled.
const FOLDER: &str = "target/contract/clients";
/// What a story prints at its end.
const END: &str = "the story is complete";

/// A program that generates clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Generator {
    /// Go
    Ogen,
    /// Go
    OapiCodegen,
    /// Python
    OpenapiPythonClient,
    /// openapi-generator for Python
    OpenapiGeneratorPython,
    /// openapi-generator for TypeScript
    OpenapiGeneratorTypescript,
    /// openapi-generator for Java
    OpenapiGeneratorJava,
    /// Rust
    Progenitor,
}

impl Generator {
    /// Those that take seconds once their tools have been built.
    const QUICK: &'static [Self] = &[Self::Ogen, Self::OapiCodegen, Self::OpenapiPythonClient];

    /// The folder of its story.
    fn folder(self) -> &'static str {
        match self {
            Self::Ogen => "ogen",
            Self::OapiCodegen => "oapi-codegen",
            Self::OpenapiPythonClient => "openapi-python-client",
            Self::OpenapiGeneratorPython => "openapi-generator/python",
            Self::OpenapiGeneratorTypescript => "openapi-generator/typescript",
            Self::OpenapiGeneratorJava => "openapi-generator/java",
            Self::Progenitor => "progenitor",
        }
    }

    /// Generates and compiles its client; gives the command that runs the story.
    fn prepare(self, workshop: &Workshop) -> Result<Run> {
        match self {
            Self::Ogen => generators::ogen(workshop),
            Self::OapiCodegen => generators::oapi_codegen(workshop),
            Self::OpenapiPythonClient => generators::openapi_python_client(workshop),
            Self::OpenapiGeneratorPython => generators::openapi_generator_python(workshop),
            Self::OpenapiGeneratorTypescript => generators::openapi_generator_typescript(workshop),
            Self::OpenapiGeneratorJava => generators::openapi_generator_java(workshop),
            Self::Progenitor => generators::progenitor(workshop),
        }
    }
}

/// A copy of a story's folder, to generate into and compile in. All paths are absolute.
struct Workshop {
    folder: PathBuf,
    document: PathBuf,
}

impl Workshop {
    fn open(generator: Generator) -> Result<Self> {
        let folder = std::path::absolute(FOLDER)?.join(generator.folder());
        copy(&Path::new(STORIES).join(generator.folder()), &folder)?;
        Ok(Self {
            folder,
            document: std::path::absolute("service/openapi.json")?,
        })
    }

    /// A program to run in the folder.
    fn tool(&self, program: &str) -> Run {
        tool(program).current_dir(&self.folder)
    }

    /// Empties the folder that takes generated code: what an earlier run has left there must not be compiled.
    fn empty(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }
}

/// Tries these generators; `all` of them, or the quick ones when none is given.
pub(crate) fn run(all: bool, generators: &[Generator]) -> Result<()> {
    interrupt::watch()?;
    let chosen = if all {
        Generator::value_variants()
    } else if generators.is_empty() {
        Generator::QUICK
    } else {
        generators
    };
    let roster = LocalRoster::start("cargo xtask e2e clients", Path::new(FOLDER))?;
    let (mut failed, mut missing) = (Vec::new(), Vec::new());
    for generator in chosen {
        let (name, begun) = (generator.folder(), Instant::now());
        match run_story(*generator, &roster) {
            Ok(()) => printing::println!("PASS        {name} ({} s)", begun.elapsed().as_secs()),
            Err(error) => {
                let failure = error.downcast_ref::<Failure>();
                let lacks = failure.is_some_and(|failure| failure.kind == Kind::Missing);
                let why = failure.map_or_else(
                    || format!("{error:#}"),
                    |failure| format!("{}: {}", failure.what, failure.why),
                );
                let (word, list) = if lacks {
                    ("NOT PROVEN", &mut missing)
                } else {
                    ("FAIL", &mut failed)
                };
                printing::println!("{word:<11} {name}: {why}");
                list.push(name);
            }
        }
    }
    roster.demand_clean_log()?;
    let (kind, what, names) = match (failed.is_empty(), missing.is_empty()) {
        (true, true) => return Ok(()),
        (true, false) => (Kind::Missing, "generators were not proven", missing),
        (false, _) => (Kind::Check, "generated clients failed", failed),
    };
    let next =
        "the lines above say why; fix service/openapi.json, the story, or install what is missing";
    let what = format!("{} {what}", names.len());
    Err(Failure::new(kind, what, names.join(", "), next).into())
}

/// Runs the story of one generator.
fn run_story(generator: Generator, roster: &LocalRoster) -> Result<()> {
    let workshop = Workshop::open(generator)?;
    let said = generator
        .prepare(&workshop)?
        .env("ROSTER_URL", roster.url())
        .secret_env("ROSTER_TOKEN", roster.token())
        .output()?;
    // Exit code 0 alone could mean that nothing ran.
    if said.lines().any(|line| line == END) {
        return Ok(());
    }
    let what = format!("the story of {} ended early", generator.folder());
    let next = format!("check its source in {STORIES}/{}", generator.folder());
    Err(Failure::new(Kind::Check, what, said, next).into())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("cannot copy {} to {}", from.display(), to.display());
    std::fs::create_dir_all(to).with_context(failed)?;
    for entry in std::fs::read_dir(from).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target).with_context(failed)?;
        }
    }
    Ok(())
}
