//! What the tests of the command line share: a command in a folder of its own, and snapshots of what it printed.

pub(crate) mod interviews;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// A folder for one test; commands run in it.
pub(crate) struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// Makes an empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder for the test") }
    }

    /// Returns where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into it, with the folders that lead there.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder for the file");
        std::fs::write(&path, bytes).expect("a file for the test");
        path
    }

    /// Returns a command that sees none of the variables of whoever runs the tests.
    pub(crate) fn cutover(&self, args: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("cutover"));
        command.env_clear().current_dir(self.path()).args(args);
        command
    }

    /// Runs a command, and shows all that it came to. What varies from run to run is replaced by text of the same width.
    pub(crate) fn transcript(&self, args: &[&str]) -> String {
        let output = self.cutover(args).output().expect("the command runs");
        let text = format!(
            "$ cutover {}\n[exit code {}]\n--- stdout\n{}--- stderr\n{}",
            args.join(" "),
            output.status.code().map_or_else(|| "none".to_owned(), |code| code.to_string()),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let folder = self.path().to_string_lossy();
        text.replace(folder.as_ref(), &format!("/{:S<1$}", "SANDBOX", folder.len() - 1))
    }
}

/// Holds a text against its snapshot in the workspace's `snapshots/`.
#[track_caller]
pub(crate) fn check(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/cli"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
