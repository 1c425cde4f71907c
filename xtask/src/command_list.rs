//! The list of every command and flag in `xtask/commands.json`, so that no command line breaks unnoticed.
//!
//! Each program's test compares its command line with its part of the list. The thin program generates its help from
//! it, and `cargo xtask check pipelines` validates scripts with it; neither compiles the program with the command.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// A program with this variable prints its part of the list instead of running a command.
pub const ARGUMENT: &str = "--command-list";
/// The path of the list.
pub const FILE: &str = "xtask/commands.json";
const TEXT: &str = include_str!("../commands.json");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its words, such as `infra plan`.
    pub command: String,
    /// Its one-line help.
    pub about: String,
    /// Its flags and positional arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
}

/// A flag, or a positional argument.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a separate property")]
pub struct Argument {
    /// Its id.
    pub id: String,
    /// `--long`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long: Option<String>,
    /// `-s`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short: Option<char>,
    /// The environment variable that can replace it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// Its default values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub default: Vec<String>,
    /// The possible values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Whether it is required.
    #[serde(skip_serializing_if = "is_false")]
    pub required: bool,
    /// Whether it takes no value.
    #[serde(skip_serializing_if = "is_false")]
    pub switch: bool,
    /// Whether it is repeatable or takes several values.
    #[serde(skip_serializing_if = "is_false")]
    pub multiple: bool,
    /// Whether it follows a `--`.
    #[serde(skip_serializing_if = "is_false")]
    pub last: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "required by serde")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Listed {
    /// The command as words.
    pub fn words(&self) -> Vec<&str> {
        self.command.split(' ').collect()
    }
}

/// The list as stored.
pub fn kept() -> &'static [Listed] {
    static KEPT: LazyLock<Vec<Listed>> =
        LazyLock::new(|| serde_json::from_str(TEXT).unwrap_or_default());
    &KEPT
}

/// The list as text, one line for each argument.
pub fn text(list: &[Listed]) -> String {
    serde_json::to_string_pretty(list).unwrap_or_default()
}

/// Every visible command below this one, with its arguments.
pub fn of(command: &clap::Command) -> Vec<Listed> {
    let mut list = Vec::new();
    collect(command, &[], &mut list);
    list
}

fn collect(command: &clap::Command, path: &[&str], list: &mut Vec<Listed>) {
    if !path.is_empty() {
        let about = command.get_about().map(ToString::to_string);
        list.push(Listed {
            command: path.join(" "),
            about: about.unwrap_or_default(),
            arguments: command.get_arguments().map(argument).collect(),
        });
    }
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
    {
        let mut path = path.to_vec();
        path.push(inner.get_name());
        collect(inner, &path, list);
    }
}

fn argument(argument: &clap::Arg) -> Argument {
    let values = argument.get_possible_values();
    let takes_values = argument.get_action().takes_values();
    Argument {
        id: argument.get_id().to_string(),
        long: argument.get_long().map(str::to_owned),
        short: argument.get_short(),
        env: argument
            .get_env()
            .map(|name| name.to_string_lossy().into_owned()),
        default: argument
            .get_default_values()
            .iter()
            .filter(|_| takes_values)
            .map(|value| value.to_string_lossy().into_owned())
            .collect(),
        values: values
            .iter()
            .filter(|_| takes_values)
            .map(|value| value.get_name().to_owned())
            .collect(),
        required: argument.is_required_set(),
        switch: !takes_values,
        multiple: matches!(argument.get_action(), clap::ArgAction::Append),
        last: argument.is_last_set(),
    }
}

/// The whole command line from the list, to validate a line without the program that has the command. Values are only
/// checked against listed ones.
pub fn command_line() -> clap::Command {
    below(
        "",
        clap::Command::new("cargo xtask").bin_name("cargo xtask"),
    )
}

fn below(path: &str, command: clap::Command) -> clap::Command {
    let children = kept().iter().filter(|listed| {
        let parent = listed
            .command
            .rsplit_once(' ')
            .map_or("", |(parent, _)| parent);
        parent == path
    });
    children.fold(command, |command, listed| {
        let name = listed.command.rsplit(' ').next().unwrap_or_default();
        let inner = clap::Command::new(name)
            .about(listed.about.as_str())
            .args(listed.arguments.iter().map(Argument::to_clap));
        command.subcommand(below(&listed.command, inner))
    })
}

impl Argument {
    fn to_clap(&'static self) -> clap::Arg {
        let action = match (self.switch, self.multiple) {
            (true, _) => clap::ArgAction::SetTrue,
            (false, true) => clap::ArgAction::Append,
            (false, false) => clap::ArgAction::Set,
        };
        let mut argument = clap::Arg::new(self.id.as_str())
            .action(action)
            .required(self.required)
            .last(self.last);
        if let Some(long) = &self.long {
            argument = argument.long(long.as_str());
        }
        if let Some(short) = self.short {
            argument = argument.short(short);
        }
        if let Some(env) = &self.env {
            argument = argument.env(env.as_str());
        }
        if self.long.is_none() && self.multiple {
            argument = argument.num_args(0..);
        }
        if !self.values.is_empty() {
            argument =
                argument.value_parser(self.values.iter().map(String::as_str).collect::<Vec<_>>());
        }
        argument
    }
}
