//! Shell scripts: shellcheck reports nothing for any script in the repository, with any file name.

use std::io::Read as _;
use std::path::Path;

use anyhow::Result;

use xtask::git;
use xtask::run_tool::tool;
use xtask::tools;

pub(crate) fn run() -> Result<()> {
    if !tools::is_installed("shellcheck") {
        return Err(tools::missing("shellcheck"));
    }
    let mut scripts = git::files(&[])?;
    scripts.retain(|path| is_script(Path::new(path)));
    anyhow::ensure!(!scripts.is_empty(), "no shell script was found");
    // Sourced and called scripts are elsewhere at run time; each is checked separately.
    tool("shellcheck")
        .args(["--severity=style", "--"])
        .args(&scripts)
        .run()?;
    printing::eprintln!("{} shell scripts read", scripts.len());
    Ok(())
}

/// Whether the file's first line calls a shell.
fn is_script(path: &Path) -> bool {
    let mut first = [0; 64];
    let Ok(read) = std::fs::File::open(path).and_then(|mut file| file.read(&mut first)) else {
        return false;
    };
    calls_a_shell(&String::from_utf8_lossy(&first[..read]))
}

fn calls_a_shell(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    let Some(program) = line.strip_prefix("#!") else {
        return false;
    };
    let words = program.split_whitespace();
    words
        .filter_map(|word| word.rsplit('/').next())
        .any(|word| word == "sh" || word == "bash")
}

#[cfg(test)]
mod tests {
    use super::calls_a_shell;

    #[test]
    fn a_script_is_known_by_its_first_line() {
        for text in [
            "#!/bin/sh\necho",
            "#!/usr/bin/env bash\n",
            "#!/bin/bash -eu",
        ] {
            assert!(calls_a_shell(text), "{text}");
        }
        for text in ["#!/usr/bin/env python3\n", "echo #!/bin/sh", "", "#!fish"] {
            assert!(!calls_a_shell(text), "{text}");
        }
    }
}
