//! The faults, and the expected reaction of the flow.

/// One fault.
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// One sentence for the list.
    pub(super) breaks: &'static str,
    /// The flow to run.
    pub(super) flow: &'static str,
    /// The step to start at.
    pub(super) from: &'static str,
    /// The task that must stop it.
    pub(super) stops_at: &'static str,
    /// The step that the message must name: the task's own, or one of those inside it.
    pub(super) names: &'static str,
    /// The expected exit code.
    pub(super) exit_code: i32,
    pub(super) plant: Plant,
}

/// Where the fault is planted.
pub(super) enum Plant {
    /// Appends these lines to this file, which may be a new one, in a clone.
    Source {
        file: &'static str,
        lines: &'static str,
    },
    /// Each crate of the workspace in turn does not compile, in a clone.
    EachCrate,
    /// Removes every hit from the coverage of the last flow.
    LostCoverage,
    /// Nothing listens at the address of `SonarQube`.
    ServerAway,
    /// `SonarQube` gets an invalid token.
    WrongToken,
    /// A registry that rejects everything.
    RefusingRegistry,
    /// The image of this commit crashes when it starts.
    CrashingImage,
}

/// Every fault, in the order of the flows.
pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "compile-error",
        breaks: "the service does not compile",
        flow: "develop",
        from: "verify-workspace",
        stops_at: "verify-workspace",
        names: "compile-workspace",
        exit_code: 1,
        plant: Plant::Source {
            file: "service/src/lib.rs",
            lines: "\ncompile_error!(\"rehearsed: this does not compile\");\n",
        },
    },
    Fault {
        name: "failing-test",
        breaks: "one unit test fails",
        flow: "develop",
        from: "verify-workspace",
        stops_at: "verify-workspace",
        names: "test-workspace",
        exit_code: 1,
        plant: Plant::Source {
            file: "service/dev-postgres/src/lib.rs",
            lines: "\n#[cfg(test)]\nmod rehearsed {\n    #[test]\n    fn fails() {\n        assert_eq!(1 + 1, 3, \"rehearsed: this test fails\");\n    }\n}\n",
        },
    },
    Fault {
        name: "clippy-warning",
        breaks: "clippy reports a finding",
        flow: "develop",
        from: "verify-workspace",
        stops_at: "verify-workspace",
        names: "lint-workspace",
        exit_code: 1,
        plant: Plant::Source {
            file: "service/dev-postgres/src/lib.rs",
            lines: "\n/// Rehearsed: clippy would rather take a `&str`.\n#[must_use]\npub fn rehearsed(text: &String) -> usize {\n    text.len()\n}\n",
        },
    },
    Fault {
        name: "crates",
        breaks: "each crate of the workspace in turn does not compile, also those of the notifier",
        flow: "develop",
        from: "verify-workspace",
        stops_at: "verify-workspace",
        exit_code: 1,
        names: "compile-workspace",
        plant: Plant::EachCrate,
    },
    Fault {
        name: "lock-file",
        breaks: "cargo cannot read the lock file",
        flow: "develop",
        from: "verify-workspace",
        stops_at: "verify-workspace",
        exit_code: 1,
        names: "compile-workspace",
        plant: Plant::Source {
            file: "Cargo.lock",
            lines: "\n[[package]]\nname = \"rehearsed\"\n",
        },
    },
    Fault {
        name: "toolchain",
        breaks: "the commit asks for a compiler that does not exist",
        flow: "develop",
        from: "verify-workspace",
        stops_at: "verify-workspace",
        exit_code: 1,
        names: "compile-workspace",
        plant: Plant::Source {
            file: "rust-toolchain.toml",
            lines: "[toolchain]\nchannel = \"0.0.1\"\n",
        },
    },
    Fault {
        name: "lost-coverage",
        breaks: "coverage is below the quality gate",
        flow: "develop",
        from: "scan-sources",
        stops_at: "judge-quality",
        names: "judge-quality",
        exit_code: 1,
        plant: Plant::LostCoverage,
    },
    Fault {
        name: "server-away",
        breaks: "SonarQube does not respond",
        flow: "develop",
        from: "scan-sources",
        stops_at: "scan-sources",
        names: "scan-sources",
        exit_code: 4,
        plant: Plant::ServerAway,
    },
    Fault {
        name: "wrong-token",
        breaks: "SonarQube rejects the token",
        flow: "develop",
        from: "scan-sources",
        stops_at: "scan-sources",
        names: "scan-sources",
        exit_code: 2,
        plant: Plant::WrongToken,
    },
    Fault {
        name: "push-refused",
        breaks: "the registry rejects the image",
        flow: "master",
        from: "push-image",
        stops_at: "push-image",
        names: "push-image",
        exit_code: 5,
        plant: Plant::RefusingRegistry,
    },
    Fault {
        name: "rollout-failed",
        breaks: "the new release crashes when it starts",
        flow: "master",
        from: "deploy-release",
        stops_at: "deploy-release",
        names: "deploy-release",
        exit_code: 11,
        plant: Plant::CrashingImage,
    },
];
