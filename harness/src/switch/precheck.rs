//! What is looked at before a flag is thrown, each with what was found and what to do about it. Nothing is changed.

use std::fmt;
use std::time::Duration;

use cutover_core::switch::{Mode, SwitchState};
use cutover_core::timestamp::Timestamp;
use serde::Serialize;

use super::conduct::Proof;
use super::watched::{PresentedSoak, of_the_soak};
use crate::certificate::{
    Certificate, CertificateError, PublicKey, ScenarioSet, SignedCertificate, policy_digest,
};
use crate::diff::Policy;
use crate::gate::Verdict;
use crate::live::{LiveFigures, LiveSystem, Standing};
use crate::provision::external::ExternalError;
use crate::result::Outcome;
use crate::scenario::load::Catalogue;
use crate::soak::About;

/// How long a figure that goes up and down under load is waited for to be zero once.
const SETTLES_WITHIN: Duration = Duration::from_secs(10);

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Precheck {
    /// What.
    pub name: &'static str,
    /// How it is.
    pub outcome: Outcome,
    /// What was found.
    pub found: String,
    /// What to do about it; `None` where nothing is to be done.
    pub remedy: Option<String>,
}

impl Precheck {
    pub(super) fn passed(name: &'static str, found: impl fmt::Display) -> Self {
        Self { name, outcome: Outcome::Pass, found: found.to_string(), remedy: None }
    }

    pub(super) fn failed(name: &'static str, found: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        let (found, remedy) = (found.to_string(), Some(remedy.to_string()));
        Self { name, outcome: Outcome::Fail, found, remedy }
    }

    fn unknown(name: &'static str, found: impl fmt::Display) -> Self {
        Self { name, outcome: Outcome::Unknown, found: found.to_string(), remedy: None }
    }
}

/// A certificate as it was handed in, and who is trusted.
pub struct Presented {
    /// The certificate, or why it cannot be read; `None` when none was handed in.
    pub certificate: Option<Result<SignedCertificate, CertificateError>>,
    /// The keys that are trusted.
    pub trusted: Vec<PublicKey>,
    /// The soak.
    pub soak: PresentedSoak,
    /// By what it is to be proven that nothing is lost.
    pub proof: Proof,
}

/// Looks at everything that a throw to that mode needs.
///
/// # Errors
///
/// [`ExternalError`] when a server does not answer.
pub async fn prechecks(
    live: &LiveSystem,
    (name, flag): (&str, &SwitchState),
    to: Mode,
    presented: &Presented,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Precheck>, ExternalError> {
    let mut checks = of_the_flag(flag, to);
    if to.needs_certificate(flag.mode) {
        checks.extend(of_the_certificate(live, presented, policy, now).await?);
        let found = About {
            system: live.identities().await?,
            groups: live.groups.clone(),
            flag: name.into(),
            policy: policy_digest(policy),
        };
        checks.push(of_the_soak(&presented.soak, &found, flag, now));
    }
    checks.extend(match presented.proof {
        Proof::Graphs => of_the_figures(&live.settled(SETTLES_WITHIN).await?),
        Proof::Events => vec![of_the_proof_by_events(flag)],
    });
    Ok(checks)
}

/// There is something to leave: only what was written as events alone can be proven by the events alone.
fn of_the_proof_by_events(flag: &SwitchState) -> Precheck {
    if flag.mode == Mode::Projected {
        return Precheck::passed(
            "proof",
            "the direct graph, by the events; the projected graph is not asked",
        );
    }
    Precheck::failed(
        "proof",
        format!("from `{}`, the events alone do not prove that nothing is lost", flag.mode),
        "leave --by-events out: it is for the way back from `projected`",
    )
}

/// Nobody else throws the flag, and there is a way.
pub fn of_the_flag(flag: &SwitchState, to: Mode) -> Vec<Precheck> {
    let operator = match &flag.under_way {
        None => Precheck::passed("operator", "nobody else throws the flag"),
        Some(under_way) => {
            let started = &under_way.started;
            Precheck::failed(
                "operator",
                format!(
                    "{} began to throw it to `{}` at {} (operation {})",
                    started.actor, started.to, started.at, started.operation
                ),
                "wait for it, or bring one that was cut off to an end with `cutover switch resume`",
            )
        }
    };
    let from = flag.mode;
    let way = if from == to {
        Precheck::failed("way", format!("the mode is `{to}` already"), "there is nothing to do")
    } else if to.may_follow(from) {
        Precheck::passed("way", format!("from `{from}` to `{to}`"))
    } else {
        let remedy = "go to `dual` first, where the two graphs can be compared";
        Precheck::failed("way", format!("there is no way from `{from}` to `{to}`"), remedy)
    };
    vec![operator, way]
}

/// The certificate is genuine and in its time, says GO, and says it of this system under this policy.
async fn of_the_certificate(
    live: &LiveSystem,
    presented: &Presented,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<Precheck>, ExternalError> {
    const NAME: &str = "certificate";
    let Some(read) = &presented.certificate else {
        let remedy =
            "name one with --certificate FILE; `cutover readiness --live` leaves one in its run folder";
        return Ok(vec![Precheck::failed(NAME, "there is none", remedy)]);
    };
    let verified = read.as_ref().map_err(|error| (error.to_string(), error.hint())).and_then(|signed| {
        signed.verify(&presented.trusted, now).map_err(|error| (error.to_string(), error.hint()))
    });
    let certificate = match verified {
        Ok(certificate) => certificate,
        Err((found, hint)) => return Ok(vec![Precheck::failed(NAME, found, hint)]),
    };
    let genuine = format!("genuine, and in its time until {}", certificate.expires_at);
    let verdict = match certificate.verdict {
        Verdict::Go => Precheck::passed("verdict", format!("{} at {}", Verdict::Go, certificate.issued_at)),
        verdict => {
            let reasons = certificate.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            let remedy = "find out why, mend it, and run `cutover readiness --live` again";
            Precheck::failed("verdict", format!("{verdict}: {reasons}"), remedy)
        }
    };
    let system = match certificate.is_for(&live.identities().await?, &policy_digest(policy)) {
        Ok(()) => Precheck::passed("system", "the certificate is about these servers, under this policy"),
        Err(mismatch) => Precheck::failed("system", &mismatch, mismatch.hint()),
    };
    Ok(vec![Precheck::passed(NAME, genuine), verdict, of_the_scenarios(certificate), system])
}

/// The verdict is about all that the program brings along: what scenarios of one's own show, only their author knows, and what was
/// not run has shown nothing.
pub fn of_the_scenarios(certificate: &Certificate) -> Precheck {
    const NAME: &str = "scenarios";
    let remedy = "run `cutover readiness --live` of this version again, without --scenarios";
    if certificate.scenario_set == ScenarioSet::Own {
        let found = "somebody's own, in place of those that the program brings along";
        return Precheck::failed(NAME, found, remedy);
    }
    let was_run = |name: &&str| certificate.scenarios.iter().any(|scenario| scenario.name == *name);
    let missing: Vec<&str> = Catalogue::bundled_names().filter(|name| !was_run(name)).collect();
    match missing.is_empty() {
        true => Precheck::passed(
            NAME,
            format!("all {} that the program brings along", Catalogue::bundled_names().count()),
        ),
        false => Precheck::failed(NAME, format!("not run: {}", missing.join(", ")), remedy),
    }
}

/// Everything that was written is in the event store, and applied.
pub fn of_the_figures(figures: &LiveFigures) -> Vec<Precheck> {
    let within = SETTLES_WITHIN.as_secs();
    let mut checks = Vec::new();
    for (name, parked_name, of) in [
        ("lag-interviews", "parked-interviews", &figures.interview),
        ("lag-sentences", "parked-sentences", &figures.sentence),
    ] {
        let group = &of.group;
        match of.standing {
            None => checks.push(Precheck::failed(
                name,
                format!("there is no consumer group {group}"),
                "start the projection service, or name its groups with --groups",
            )),
            Some(Standing { lag, parked }) => {
                checks.push(match lag {
                    0 => Precheck::passed(name, format!("none of {} events wait", of.events)),
                    lag => Precheck::failed(
                        name,
                        format!("at least {lag} of {} events waited all the time, for {within} s", of.events),
                        "see whether the projection service runs, and keeps up",
                    ),
                });
                checks.push(match parked {
                    0 => Precheck::passed(parked_name, "nothing is parked"),
                    parked => Precheck::failed(
                        parked_name,
                        format!("{parked} events are parked"),
                        "find out why, mend it, and have them replayed",
                    ),
                });
            }
        }
        if of.events == 0 {
            checks.push(Precheck::unknown(name, format!("{} has no events: nothing is known", group.stream)));
        }
    }
    checks.push(match figures.outbox {
        0 => Precheck::passed("outbox", "nothing waits in the outbox"),
        waiting => Precheck::failed(
            "outbox",
            format!("at least {waiting} entries waited all the time, for {within} s"),
            "see whether the pipeline reaches the event store; it drains its outbox before each write",
        ),
    });
    checks
}

#[cfg(test)]
mod tests {
    use cutover_core::switch::{Start, start};
    use cutover_service::projection::Groups;
    use uuid::Uuid;

    use super::*;
    use crate::live::GroupFigures;

    fn figures(lag: u64, parked: u64, outbox: u64, events: u64) -> LiveFigures {
        let groups = Groups::in_production();
        let of = |group| GroupFigures { group, events, standing: Some(Standing { lag, parked }) };
        LiveFigures { interview: of(groups.interview), sentence: of(groups.sentence), outbox }
    }

    fn failed(checks: &[Precheck]) -> Vec<&'static str> {
        checks.iter().filter(|check| check.outcome == Outcome::Fail).map(|check| check.name).collect()
    }

    #[test]
    fn only_what_was_written_as_events_alone_is_proven_by_them() {
        let found = |mode| of_the_proof_by_events(&SwitchState { mode, ..SwitchState::default() }).outcome;
        assert_eq!(
            [Mode::Direct, Mode::Dual, Mode::Projected].map(found),
            [Outcome::Fail, Outcome::Fail, Outcome::Pass]
        );
    }

    #[test]
    fn each_figure_that_is_not_zero_is_refused_by_its_own_name() {
        assert_eq!(failed(&of_the_figures(&figures(0, 0, 0, 9))), [] as [&str; 0]);
        assert_eq!(failed(&of_the_figures(&figures(1, 0, 0, 9))), ["lag-interviews", "lag-sentences"]);
        assert_eq!(failed(&of_the_figures(&figures(0, 1, 0, 9))), ["parked-interviews", "parked-sentences"]);
        assert_eq!(failed(&of_the_figures(&figures(0, 0, 1, 9))), ["outbox"]);
        let mut gone = figures(0, 0, 0, 9);
        gone.sentence.standing = None;
        assert_eq!(failed(&of_the_figures(&gone)), ["lag-sentences"]);
    }

    #[test]
    fn a_store_without_events_leaves_it_unknown() {
        let checks = of_the_figures(&figures(0, 0, 0, 0));
        assert_eq!(Outcome::of_all(checks.iter().map(|check| check.outcome)), Outcome::Unknown);
    }

    #[test]
    fn a_flag_that_somebody_throws_is_left_to_him() {
        let command = Start {
            operation: Uuid::from_u128(1),
            to: Mode::Projected,
            actor: "eve".into(),
            reason: "r".into(),
            certificate: Some("c".into()),
            at: Timestamp::EPOCH,
        };
        let dual = SwitchState::default();
        assert_eq!(failed(&of_the_flag(&dual, Mode::Projected)), [] as [&str; 0]);
        let under_way = dual.clone().evolve(&start(&dual, command).expect("a start"));
        let checks = of_the_flag(&under_way, Mode::Projected);
        assert_eq!(failed(&checks), ["operator"]);
        assert!(checks[0].found.contains("eve"), "{}", checks[0].found);
        assert_eq!(failed(&of_the_flag(&dual, Mode::Dual)), ["way"]);
    }

    #[test]
    fn every_refusal_comes_with_a_remedy() {
        let bad =
            [of_the_figures(&figures(1, 1, 1, 9)), of_the_flag(&SwitchState::default(), Mode::Dual)].concat();
        for check in bad.iter().filter(|check| check.outcome == Outcome::Fail) {
            assert!(check.remedy.is_some(), "{}", check.name);
        }
    }
}
