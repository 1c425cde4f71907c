//! Tests with the real Terraform and its built-in `terraform_data`: no provider and no cloud is needed.

use std::path::PathBuf;

use super::SavedPlan;
use crate::infra::root::Root;
use crate::infra::summary::Action;
use crate::infra::terraform::Terraform;
use xtask::tools;

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new(configuration: &str) -> Self {
        assert!(
            tools::is_installed("terraform"),
            "not proven: terraform is not installed"
        );
        let fixture = Self {
            folder: tempfile::tempdir().expect("a folder for the test"),
        };
        fixture.write(configuration);
        fixture
            .terraform()
            .command("init")
            .arg("-input=false")
            .quiet()
            .output()
            .expect("needs no provider");
        fixture
    }

    fn write(&self, configuration: &str) {
        std::fs::write(self.folder.path().join("main.tf"), configuration).expect("is writable");
    }

    fn root(&self) -> Root {
        Root {
            name: "test".to_owned(),
            folder: self.folder.path().to_owned(),
            work: self.work(),
        }
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn terraform(&self) -> Terraform {
        Terraform::new(self.folder.path(), &self.work().join("data")).expect("is a folder")
    }

    fn plan(&self, extra: &[String]) -> SavedPlan {
        SavedPlan::make(&self.root(), self.terraform(), extra).expect("can be planned")
    }
}

/// The plan files in a working directory.
fn plans(work: &std::path::Path) -> Vec<PathBuf> {
    std::fs::read_dir(work)
        .expect("is there")
        .map(|entry| entry.expect("is readable").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "tfplan")
        })
        .collect()
}

const TWO: &str = r#"
resource "terraform_data" "kept" { input = "one" }
resource "terraform_data" "moved" { triggers_replace = "one" }
"#;

#[test]
#[ignore = "needs terraform: cargo xtask check terraform runs it"]
fn what_was_shown_is_what_is_applied() {
    let fixture = Fixture::new(TWO);
    let plan = fixture.plan(&[]);
    assert_eq!(plan.summary.count(Action::Add), 2);
    plan.apply().expect("makes both");
    drop(plan);
    assert!(
        fixture.plan(&[]).summary.is_empty(),
        "a second plan finds nothing to do"
    );

    fixture.write(&TWO.replace("one", "two"));
    let plan = fixture.plan(&[]);
    assert_eq!(
        (
            plan.summary.count(Action::Change),
            plan.summary.count(Action::Replace)
        ),
        (1, 1)
    );
    let replaced: Vec<_> = plan.summary.destructive().collect();
    assert_eq!(replaced[0].address, "terraform_data.moved");
    assert_eq!(replaced[0].because, ["triggers_replace"]);
}

#[test]
#[ignore = "needs terraform: cargo xtask check terraform runs it"]
fn a_destroy_names_everything_that_goes() {
    let fixture = Fixture::new(TWO);
    fixture.plan(&[]).apply().expect("makes both");
    let plan = fixture.plan(&["-destroy".to_owned()]);
    assert_eq!(plan.summary.destructive().count(), 2);
    plan.apply().expect("destroys both");
    drop(plan);
    assert!(
        fixture.plan(&["-destroy".to_owned()]).summary.is_empty(),
        "nothing is left over"
    );
}

#[test]
#[ignore = "needs terraform: cargo xtask check terraform runs it"]
fn the_plan_file_is_private_and_does_not_stay() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new(TWO);
    let plan = fixture.plan(&[]);
    let other = fixture.plan(&[]);
    let files: Vec<_> = plans(&fixture.work());
    assert_eq!(files.len(), 2, "two commands share one plan");
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path)
            .expect("is there")
            .permissions()
            .mode()
            & 0o777
    };
    for file in &files {
        assert_eq!(mode(file), 0o600);
    }
    assert_eq!(mode(&fixture.work()), 0o700);
    drop((plan, other));
    assert!(
        plans(&fixture.work()).is_empty(),
        "a plan outlived its command"
    );

    // No process has this id: Linux's maximum is 4194304.
    std::fs::write(fixture.work().join("plan-9999999-0.tfplan"), "").expect("writable");
    drop(fixture.plan(&[]));
    assert!(
        plans(&fixture.work()).is_empty(),
        "a plan outlived a command that was killed"
    );
}
