//! The tables of settings in the service's README: they are what the program knows, or this fails.

use super::ServeArgs;
use clap::{Arg, Args, Command};
use std::fmt::Write as _;
use std::path::Path;

const BEGIN: &str = "<!-- settings: begin -->\n";
const END: &str = "<!-- settings: end -->";

fn tables() -> String {
    let command = ServeArgs::augment_args(Command::new("serve"));
    let mut tables = String::new();
    let mut heading = "";
    for argument in command.get_arguments() {
        let of_this = argument
            .get_help_heading()
            .expect("every setting is in a group");
        if of_this != heading {
            heading = of_this;
            let head = "| flag | variable | default | what it is |\n| --- | --- | --- | --- |";
            write!(tables, "\n### {heading}\n\n{head}\n").expect("text");
        }
        writeln!(tables, "{}", row(argument)).expect("text");
    }
    tables.trim_start().to_owned() + "\n"
}

fn row(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let help = help.expect("every setting is described").to_string();
    let defaults: Vec<_> = argument
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    let default = match &defaults[..] {
        _ if !argument.get_action().takes_values() => "off".to_owned(),
        [] => String::new(),
        values => format!("`{}`", values.join(",")),
    };
    format!(
        "| `--{}` | `{}` | {default} | {} |",
        argument.get_long().expect("every setting is a flag"),
        argument
            .get_env()
            .expect("every setting is a variable")
            .to_string_lossy(),
        help.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace('|', "\\|")
    )
}

#[test]
fn the_readme_lists_every_setting_as_the_program_knows_it() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(crate_folder.join("README.md")).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the mark of the beginning");
    let (_, after) = rest.split_once(END).expect("the mark of the end");
    let expected = format!("{before}{BEGIN}\n{}\n{END}{after}", tables().trim_end());
    if readme != expected {
        std::fs::write(crate_folder.join("../target/service-readme.md"), expected).unwrap();
        panic!(
            "service/README.md is not what src/config.rs says; take the right one: cp target/service-readme.md service/README.md"
        );
    }
}

#[test]
fn every_variable_is_its_flag_with_roster_before_it() {
    let command = ServeArgs::augment_args(Command::new("serve"));
    for argument in command.get_arguments() {
        let flag = argument.get_long().unwrap();
        let wanted = format!("ROSTER_{}", flag.replace('-', "_").to_uppercase());
        assert_eq!(argument.get_env().unwrap().to_str(), Some(wanted.as_str()));
    }
}
