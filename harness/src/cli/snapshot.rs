//! `cutover snapshot URL FILE`: a graph as a file, whole or not at all.

use cutover_core::graph::{Label, Value};
use cutover_core::timestamp::Timestamp;
use cutover_engines::graph::{Graph, GraphError, Schema};
use time::OffsetDateTime;

use crate::cli::config::Config;
use crate::cli::diff::{DiffUsageError, read_policy};
use crate::cli::flags::{Format, SnapshotArgs};
use crate::cli::signals::Signals;
use crate::cli::{output, runtime};
use crate::diff::{Form, Policy, Side};
use crate::error::ExpectedError;
use crate::exit_code;
use crate::provision::external;
use crate::snapshot::{self, About, Written};

/// Writes a snapshot.
///
/// # Errors
///
/// [`ExpectedError`] when the server does not answer, when the file cannot be written, and when it is interrupted. There is no file
/// of that name then.
pub fn execute(config: &Config, args: &SnapshotArgs) -> Result<u8, ExpectedError> {
    let policy = match &args.policy {
        Some(file) => read_policy(file)?,
        None => Policy::direct_vs_projected(),
    };
    let started = std::time::Instant::now();
    let written = runtime()?.block_on(async {
        let mut signals = Signals::listen()
            .map_err(|source| ExpectedError::System { doing: "listen to signals", source })?;
        tokio::select! {
            written = write(config, args, &policy) => written,
            // What was begun goes away with it.
            () = signals.received() => Err(ExpectedError::Interrupted { after: started.elapsed() }),
        }
    })?;
    print(config.format, args, &written)?;
    Ok(exit_code::PASS)
}

async fn write(config: &Config, args: &SnapshotArgs, policy: &Policy) -> Result<Written, ExpectedError> {
    let variable = |name: &str| std::env::var(name).ok();
    let open =
        async |schema| external::read_graph(&args.url, schema, config.credentials.as_deref(), variable).await;
    let schema = match args.schema {
        Some(schema) => schema.into(),
        None => {
            let opened = open(Schema::Direct).await?;
            let seen = schema_of(&*opened.graph).await.map_err(snapshot::SaveError::from)?;
            seen.ok_or(DiffUsageError::UnknownSchema)?
        }
    };
    let opened = open(schema).await?;
    let about = About {
        schema,
        source: opened.server.address.to_string(),
        now: Timestamp::new(OffsetDateTime::now_utc()),
        forms: forms(schema, policy),
    };
    Ok(snapshot::save(&*opened.graph, about, &args.file).await?)
}

/// Returns the forms whose digests a snapshot gets: that of graphs of one schema, and that of its side of a policy for both.
fn forms(schema: Schema, policy: &Policy) -> Vec<Form> {
    let side = match schema {
        Schema::Direct => Side::Left,
        Schema::Projected => Side::Right,
    };
    vec![Form::new(&Policy::same_schema(), side), Form::new(policy, side)]
}

/// Returns the schema that a graph has, as a sentence's key shows; `None` where there is no sentence.
async fn schema_of(graph: &dyn Graph) -> Result<Option<Schema>, GraphError> {
    let page = graph.nodes(Label::Sentence.as_str(), None, 1).await?;
    Ok(page.rows.first().map(|row| match row.properties.get(Label::Sentence.key_property()) {
        Some(Value::Int(_)) => Schema::Direct,
        _ => Schema::Projected,
    }))
}

fn print(format: Format, args: &SnapshotArgs, written: &Written) -> Result<(), ExpectedError> {
    let text = match format {
        Format::Json => output::json(written, "what was written is JSON")?,
        Format::Human => {
            let nodes: u64 = written.census.nodes.values().sum();
            let relationships: u64 = written.census.relationships.values().sum();
            format!(
                "{}: {} interviews, {nodes} nodes, {relationships} relationships, {} bytes\ndigest: {}\n",
                args.file.display(),
                written.interviews,
                written.bytes,
                written.digest,
            )
        }
    };
    output::print(&text)?;
    if !written.was_at_rest {
        output::complain(
            "the graph was written to meanwhile: the snapshot shows each interview as it was when it was read\n",
        );
    }
    Ok(())
}
