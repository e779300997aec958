//! Which program started something that may outlive it. The main type is [`Owner`].
//!
//! What is left behind by a program that was killed carries its owner's mark. A process id alone would not do: ids are used again,
//! other machines may use the same daemon, and in a container there are other processes of the same id.

use std::fmt;
use std::fs;
use std::process::{Command, Stdio};
use std::str::FromStr;

/// A program, told apart from every other that runs, or ran, on any machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The machine, and since when it runs; for processes in a container, the container.
    machine: String,
    /// The process.
    pid: u32,
    /// When the process was started, in whatever form the operating system has it.
    started: String,
}

impl Owner {
    /// Returns this program; `None` where the operating system does not say when it was started.
    pub fn this() -> Option<Self> {
        let pid = std::process::id();
        Some(Self { machine: machine()?, pid, started: started(pid)? })
    }

    /// Returns whether it is certain that the program runs no more. Of another machine's nothing is certain.
    pub fn is_gone(&self) -> bool {
        machine().as_ref() == Some(&self.machine) && started(self.pid).as_ref() != Some(&self.started)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.machine, self.pid, self.started)
    }
}

/// A text that names no owner.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` names no owner")]
pub struct NoOwner(String);

impl FromStr for Owner {
    type Err = NoOwner;

    fn from_str(text: &str) -> Result<Self, NoOwner> {
        let parse = || {
            let (machine, rest) = text.split_once('/')?;
            let (pid, started) = rest.split_once('/')?;
            Some(Self { machine: machine.to_owned(), pid: pid.parse().ok()?, started: started.to_owned() })
        };
        parse().ok_or_else(|| NoOwner(text.to_owned()))
    }
}

/// Names this machine since it was started, and the space that process ids are counted in.
fn machine() -> Option<String> {
    // Linux says both in files; `pid:[4026531836]` is the space of process ids.
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let space = fs::read_link("/proc/self/ns/pid");
    if let (Ok(boot), Ok(space)) = (boot, space) {
        return Some(format!("{}-{}", boot.trim(), space.to_string_lossy()));
    }
    said(Command::new("uname").arg("-n"))
}

/// Returns when a process was started; `None` when there is no such process.
fn started(pid: u32) -> Option<String> {
    if fs::exists("/proc/self/stat").unwrap_or(false) {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        return start_time(&stat).map(str::to_owned);
    }
    said(Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]))
}

/// Reads the 22nd field of `/proc/<pid>/stat`. The second is the program's name, in parentheses, and may hold anything. A process
/// that has ended and was not yet waited for runs no more.
fn start_time(stat: &str) -> Option<&str> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    if ["Z", "X"].contains(&state) { None } else { fields.nth(18) }
}

/// Returns the line that a program says.
fn said(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    Some(said.trim().to_owned()).filter(|said| !said.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_runs_is_not_gone() {
        let this = Owner::this().expect("this program");
        assert!(!this.is_gone());
        assert_eq!(this.to_string().parse::<Owner>().expect("an owner"), this);
    }

    #[test]
    fn a_program_that_ended_is_gone_even_where_its_id_is_used_again() {
        let this = Owner::this().expect("this program");
        let mut child = Command::new("sleep").arg("60").spawn().expect("a process");
        let started = started(child.id()).expect("it runs");
        let owner = Owner { pid: child.id(), started, ..this.clone() };
        assert!(!owner.is_gone());
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        assert!(owner.is_gone());
        assert!(Owner { started: "another time".to_owned(), ..this }.is_gone());
    }

    #[test]
    fn of_another_machine_nothing_is_known() {
        let this = Owner::this().expect("this program");
        assert!(!Owner { machine: "elsewhere".to_owned(), started: "once".to_owned(), ..this }.is_gone());
        assert!("nobody".parse::<Owner>().is_err());
    }

    #[test]
    fn the_start_of_a_process_is_read_past_any_name() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(start_time(stat), Some("4711"));
        assert_eq!(start_time(&stat.replace(") S", ") Z")), None);
    }
}
