//! `xtask/commands.json`: what every program says of its own command line.

use anyhow::{Context, Result};
use xtask::command_list::{self, Listed};
use xtask::generated::Generated;
use xtask::program::Program;

pub(super) fn files() -> Result<Vec<Generated>> {
    let mut list = Vec::new();
    for program in Program::ALL {
        let all = if program == Program::Xtask {
            command_list::of(&crate::cli::own())
        } else {
            let text = crate::dispatch::output(program, command_list::ARGUMENT)?;
            serde_json::from_str(&text)
                .with_context(|| format!("{} printed no list", program.package()))?
        };
        list.extend(
            all.into_iter()
                .filter(|listed: &Listed| Program::of(&listed.words()) == Some(program)),
        );
    }
    let text = command_list::text(&in_order(list, command_list::kept())) + "\n";
    Ok(vec![Generated::new(command_list::FILE, text)])
}

/// In the order of the list that is kept, which is that of the help; new commands follow the last one of their group.
fn in_order(mut list: Vec<Listed>, kept: &[Listed]) -> Vec<Listed> {
    let group = |command: &str| {
        let first = command.split(' ').next().unwrap_or_default();
        kept.iter()
            .position(|listed| listed.command == first)
            .unwrap_or(kept.len())
    };
    let place = |command: &str| {
        kept.iter()
            .position(|listed| listed.command == command)
            .unwrap_or(kept.len())
    };
    list.sort_by_key(|listed| (group(&listed.command), place(&listed.command)));
    list
}

#[cfg(test)]
mod tests {
    use super::in_order;
    use xtask::command_list::Listed;

    fn listed(commands: &[&str]) -> Vec<Listed> {
        let make = |command: &&str| Listed {
            command: (*command).to_owned(),
            about: String::new(),
            arguments: Vec::new(),
        };
        commands.iter().map(make).collect()
    }

    #[test]
    fn a_new_command_follows_its_group_and_the_others_stay_in_place() {
        let kept = listed(&["image", "image build", "e2e", "e2e docs"]);
        let new = listed(&["e2e", "e2e first-day", "e2e docs", "image", "image build"]);
        let commands: Vec<_> = in_order(new, &kept)
            .into_iter()
            .map(|listed| listed.command)
            .collect();
        let expected = ["image", "image build", "e2e", "e2e docs", "e2e first-day"];
        assert_eq!(commands, expected);
    }
}
