//! The `rules` area of `cargo xtask check`.

pub(crate) mod rules;

pub(crate) use rules::{
    MutantShare, control_mutations as control_rule_mutations, dashboard_paths, read_dashboard,
    run_mutations as run_rule_mutations, run_with_share as run_rules_with_share,
};
