//! Every setting of `serve` as Markdown tables, for the service's README. It must not know the README.

use super::ServeArgs;
use clap::{Arg, Args, Command};
use std::fmt::Write as _;

/// One table for each group of settings: flag, variable, default, description.
pub fn tables() -> String {
    let command = ServeArgs::augment_args(Command::new("serve"));
    let mut tables = String::new();
    let mut heading = "";
    for argument in command.get_arguments() {
        let of_this = argument.get_help_heading().unwrap_or_default();
        if of_this != heading {
            heading = of_this;
            let head = "| flag | variable | default | what it is |\n| --- | --- | --- | --- |";
            let _ = write!(tables, "\n### {heading}\n\n{head}\n");
        }
        let _ = writeln!(tables, "{}", row(argument));
    }
    tables.trim_start().to_owned() + "\n"
}

fn row(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
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
        argument.get_long().unwrap_or_default(),
        argument.get_env().unwrap_or_default().to_string_lossy(),
        help.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace('|', "\\|")
    )
}

#[cfg(test)]
mod tests {
    use super::{Args, Command, ServeArgs, tables};

    #[test]
    fn the_tables_have_a_row_for_every_setting() {
        let command = ServeArgs::augment_args(Command::new("serve"));
        let tables = tables();
        for argument in command.get_arguments() {
            let flag = argument.get_long().unwrap();
            let rows = tables
                .lines()
                .filter(|line| line.starts_with(&format!("| `--{flag}` |")));
            assert_eq!(rows.count(), 1, "{flag}");
            assert!(
                argument.get_help_heading().is_some(),
                "{flag} is in no group"
            );
            assert!(argument.get_help().is_some(), "{flag} has no description");
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
}
