//! The steps of a scenario: what a user can ask for. What each does is told in [`steps`](super::steps).

use std::fmt;
use std::time::Duration;

use cutover_core::switch::Mode;
use schemars::JsonSchema;
use serde::Deserialize;
use smol_str::SmolStr;

use super::expectations::Expected;
use crate::fault::{Kind, Operation, Rule, When};

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Sends every transcript through the pipeline, on both paths, and drains the outbox.
    Ingest,
    /// A person changes the text of sentences that the seed draws.
    Edit {
        /// How many.
        sentences: u32,
    },
    /// A person corrects the analysis of sentences that the seed draws.
    Override {
        /// How many.
        sentences: u32,
    },
    /// A person attaches a keyword or a topic to sentences that the seed draws, and takes some off again.
    Tag {
        /// How many.
        sentences: u32,
    },
    /// A person moves sentences that the seed draws, most of them to places that are taken.
    Relocate {
        /// How many; those that make way are not counted.
        sentences: u32,
    },
    /// Two people work on the same sentence at the same time, each by a process of their own, for sentences that the seed draws: what the
    /// one writes is on its way until the other has written.
    Contend {
        /// How many.
        sentences: u32,
        /// Over what.
        over: Over,
    },
    /// A person throws the analysis of sentences away that the seed draws.
    Clear {
        /// How many.
        sentences: u32,
    },
    /// A person deletes sentences that the seed draws.
    Delete {
        /// How many.
        sentences: u32,
    },
    /// A person gives interviews that the seed draws another title and other metadata, and moves their status on.
    Describe {
        /// How many.
        interviews: u32,
    },
    /// A person archives interviews that the seed draws. From then on everything but their deletion must be refused.
    Archive {
        /// How many.
        interviews: u32,
    },
    /// A person deletes interviews that the seed draws, archived ones too. They must stay deleted.
    DeleteInterviews {
        /// How many.
        interviews: u32,
    },
    /// Sends every transcript through the pipeline again.
    Reprocess {
        /// What became of the file meanwhile.
        file: Variant,
    },
    /// From here on, the analyser fails for sentences that the seed draws.
    Analyser {
        /// For one in how many; 0 for none.
        fails_one_in: u32,
    },
    /// From here on, events are written in this form.
    Streams {
        /// Which.
        form: Form,
    },
    /// The process of the pipeline ends and is started again.
    Restart,
    /// Runs the projection service until its groups have caught up with the store.
    Project(Project),
    /// Asks the store to deliver what is parked again; the next `project` takes it in.
    ReplayParked {
        /// The name of the graph.
        #[serde(default = "default_graph")]
        into: SmolStr,
    },
    /// From here until `heal`, the graph refuses one event of each of so many sentences. The seed draws them among those that
    /// are not applied yet.
    Poison {
        /// The name of the graph.
        #[serde(default = "default_graph")]
        into: SmolStr,
        /// How many.
        sentences: u32,
    },
    /// From here until `heal`, calls to the engines fail.
    Fault(Fault),
    /// Ends every fault, and the poison.
    Heal,
    /// Throws the flag that says which path is the truth, as `cutover switch` does. From then on, the pipeline writes in that mode.
    Switch {
        /// The mode: `dual` or `projected`.
        to: SwitchTo,
        /// How many people have an edit on its way when it begins, which arrives when it is done; each has a pipeline of his own.
        #[serde(default)]
        late_writers: u32,
    },
    /// Waits until faults have struck, for `meanwhile`.
    AwaitFaults {
        /// How often, since this step began.
        times: u64,
    },
    /// Compares two graphs, or a graph with the model.
    Compare {
        /// The one side: `direct`, `model`, or the name of a projected graph.
        left: SmolStr,
        /// The other side.
        right: SmolStr,
    },
    /// Checks something before the scenario is at its end.
    Expect(Expected),
}

/// A mode that a scenario can go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SwitchTo {
    /// Both paths are written.
    Dual,
    /// Events alone are written.
    Projected,
}

impl From<SwitchTo> for Mode {
    fn from(to: SwitchTo) -> Self {
        match to {
            SwitchTo::Dual => Self::Dual,
            SwitchTo::Projected => Self::Projected,
        }
    }
}

/// Runs the projection service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Project {
    /// The name of the graph that it writes. A name that was not used before begins with an empty graph, and with
    /// groups of its own that begin at revision 0.
    #[serde(default = "default_graph")]
    pub into: SmolStr,
    /// With how many lanes, this time.
    pub lanes: Option<u16>,
    /// How many services there are, all of the same groups and for the same graph.
    #[serde(default = "one")]
    pub services: u16,
    /// Delivers again what the graph has already, to new groups.
    pub again: Option<Again>,
    /// What is done while it runs; then it goes on until it has caught up.
    #[serde(default)]
    pub meanwhile: Vec<Step>,
}

impl Project {
    /// Returns the step that runs one service for a graph, and nothing else.
    pub const fn once(into: SmolStr) -> Self {
        Self { into, lanes: None, services: 1, again: None, meanwhile: Vec::new() }
    }
}

const fn one() -> u16 {
    1
}

fn default_graph() -> SmolStr {
    "projected".into()
}

/// How much is delivered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Again {
    /// Everything, from revision 0.
    All,
    /// The second half of each category.
    Half,
}

/// What became of a file that is processed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// Nothing: every sentence is analysed again.
    Same,
    /// Its last utterances are missing.
    Shorter,
    /// Utterances were added at its end.
    Longer,
    /// Words were corrected in utterances that the seed draws.
    Corrected,
    /// Utterances that the seed draws have changed places.
    Reordered,
}

/// What two people contend over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// Both change the text.
    Texts,
    /// Both correct the analysis.
    Analyses,
    /// Both move it.
    Places,
}

/// The form in which events are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// As this program writes them.
    #[default]
    New,
    /// As the running service wrote them: types by both of their names, and no `interview_id` but in `SentenceCreated`.
    Old,
    /// Some in one form, some in the other.
    Mixed,
}

/// A fault. Without `one-in`, `nth` or `from`, every call is disturbed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fault {
    /// Which calls; all of them when left out.
    #[serde(default)]
    pub on: Vec<Operation>,
    /// Whose: the name of a graph, or `interviews` or `sentences` for a subscription.
    pub of: Option<SmolStr>,
    /// What happens.
    pub kind: Kind,
    /// Disturbs one call of each so many, drawn by the seed; at least 1.
    pub one_in: Option<u32>,
    /// Disturbs the call of that number only, 1-based, counted from here.
    pub nth: Option<u64>,
    /// Disturbs the call of that number, 1-based, counted from here, and all after it.
    pub from: Option<u64>,
    /// How often at most; then it is over by itself.
    pub times: Option<u64>,
    /// How long it takes, in milliseconds, where it takes long.
    #[serde(default = "default_takes_ms")]
    pub takes_ms: u64,
}

const fn default_takes_ms() -> u64 {
    20
}

impl Fault {
    /// Returns the rule that it comes to.
    pub fn rule(&self) -> Rule {
        let when = match (self.one_in, self.nth, self.from) {
            (Some(number), _, _) => When::OneIn(number),
            (None, Some(number), _) => When::Nth(number),
            (None, None, Some(number)) => When::From(number),
            (None, None, None) => When::OneIn(1),
        };
        Rule {
            on: self.on.clone(),
            of: self.of.clone(),
            kind: self.kind,
            when,
            times: self.times,
            takes: Duration::from_millis(self.takes_ms),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ingest => f.write_str("ingest"),
            Self::Edit { sentences } => write!(f, "edit {sentences} sentences"),
            Self::Override { sentences } => write!(f, "override {sentences} sentences"),
            Self::Tag { sentences } => write!(f, "tag {sentences} sentences"),
            Self::Relocate { sentences } => write!(f, "relocate {sentences} sentences"),
            Self::Contend { sentences, over } => {
                write!(f, "contend over the {over} of {sentences} sentences")
            }
            Self::Clear { sentences } => write!(f, "clear {sentences} sentences"),
            Self::Delete { sentences } => write!(f, "delete {sentences} sentences"),
            Self::Describe { interviews } => write!(f, "describe {interviews} interviews"),
            Self::Archive { interviews } => write!(f, "archive {interviews} interviews"),
            Self::DeleteInterviews { interviews } => write!(f, "delete {interviews} interviews"),
            Self::Reprocess { file } => write!(f, "reprocess {file}"),
            Self::Analyser { fails_one_in: 0 } => f.write_str("let the analyser succeed"),
            Self::Analyser { fails_one_in } => write!(f, "let the analyser fail for one in {fails_one_in}"),
            Self::Streams { form } => write!(f, "write events in the {form} form"),
            Self::Restart => f.write_str("restart the pipeline"),
            Self::Project(project) => project.fmt(f),
            Self::ReplayParked { into } => write!(f, "replay what is parked of {into}"),
            Self::Poison { into, sentences } => write!(f, "poison {sentences} sentences of {into}"),
            Self::Fault(fault) => write!(f, "fault: {}", fault.rule()),
            Self::Heal => f.write_str("heal"),
            Self::Switch { to, late_writers: 0 } => write!(f, "switch to {}", Mode::from(*to)),
            Self::Switch { to, late_writers } => {
                write!(f, "switch to {} with {late_writers} late writers", Mode::from(*to))
            }
            Self::AwaitFaults { times } => write!(f, "await {times} faults"),
            Self::Compare { left, right } => write!(f, "compare {left} with {right}"),
            Self::Expect(_) => f.write_str("expect"),
        }
    }
}

impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "project into {}", self.into)?;
        match self.again {
            Some(Again::All) => f.write_str(" again")?,
            Some(Again::Half) => f.write_str(" the second half again")?,
            None => {}
        }
        if self.services != 1 {
            write!(f, " with {} services", self.services)?;
        }
        if let Some(lanes) = self.lanes {
            write!(f, " over {lanes} lanes")?;
        }
        for (at, step) in self.meanwhile.iter().enumerate() {
            f.write_str(if at == 0 { ", meanwhile " } else { ", " })?;
            step.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Texts => "texts",
            Self::Analyses => "analyses",
            Self::Places => "places",
        })
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Shorter => "shorter",
            Self::Longer => "longer",
            Self::Corrected => "corrected",
            Self::Reordered => "reordered",
        })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::New => "new",
            Self::Old => "old",
            Self::Mixed => "mixed",
        })
    }
}
