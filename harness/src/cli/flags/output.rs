//! How results are written: their form and their colours.

use clap::ValueEnum;

/// How results are written to stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Tables for people.
    #[default]
    #[value(alias = "terminal")]
    Human,
    /// One JSON value for programs.
    Json,
    /// JUnit XML for CI systems: of runs only.
    Junit,
    /// Markdown for the summary page of a CI system: of runs only.
    Markdown,
    /// One HTML page that works offline: of runs only.
    Html,
}

impl Form {
    /// Returns the name, as it is given on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// Returns whether only the result of a run can be written like this.
    pub const fn is_of_runs_only(self) -> bool {
        matches!(self, Self::Junit | Self::Markdown | Self::Html)
    }
}

/// How what every subcommand says is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        if form == Form::Json { Self::Json } else { Self::Human }
    }
}

/// When colours are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
