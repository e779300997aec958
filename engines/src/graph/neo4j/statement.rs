//! The bulk statements: each takes rows of one kind of change, and does to every row what [`Change`] promises.
//!
//! A statement has no two rows about one subject, so that no row depends on what another one did; the planner sees to that.
//! Projects are the exception: what changes their properties is one clause, which takes its rows in their order. Value nodes
//! that may have lost their last relationship are marked, and swept at the end of the batch.

use cutover_core::graph::{Change, Label, NodeRef, Origin, Properties, Rel, Value};
use neo4rs::BoltType;
use smol_str::SmolStr;

use super::convert;
use super::sequence::ORDER;
use super::shape::Shape;
use crate::graph::Schema;

/// The label that marks a value node which may have lost its last relationship.
pub(super) const SWEPT: &str = "_MaybeUnreferenced";

/// What the text of a statement depends on: changes with equal kinds go into one statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Upsert(Shape),
    /// Whether it may move a sentence.
    Update(Shape, bool),
    Remove(Shape),
    Link(Shape, Rel, Shape),
    LinkNamedBy(Shape, Rel, Shape, SmolStr),
    SetLeast(Shape, SmolStr),
    SetDimension(Shape, Rel, Origin),
    Tag(Shape, Rel),
    Untag(Shape, Rel),
    ReplaceAnalysis(Shape),
    /// Its interviews are to forget their last sentence, see `sequence.rs`.
    Forget(Shape),
}

/// A change as a row of a bulk statement.
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) parameters: BoltType,
}

/// Makes a row of a change, or answers `None` for the two changes that are no row: [`Change::MergeJson`] and
/// [`Change::Chain`].
pub(super) fn row(change: &Change) -> Option<Row> {
    let mut fields = Fields::default();
    let kind = match change {
        Change::Upsert { node, on_create, set, unless_edited } => {
            let mut all = set.clone();
            all.merge(unless_edited);
            let mut created = on_create.clone();
            created.merge(&all);
            if let NodeRef::Child { key: Some(key), rel, .. } = node {
                created.set(SmolStr::new_static(rel.target().key_property()), key.clone());
            }
            fields.put("created", convert::properties(&created));
            fields.put("set", convert::properties(set));
            fields.put("all", convert::properties(&all));
            Kind::Upsert(fields.node("n", node))
        }
        Change::Update { node, set, unset } => {
            // One map, set at once: two clauses would each run over all rows, and so mix up rows about one node.
            let nulls = unset.iter().map(|name| (name.as_str(), BoltType::Null(neo4rs::BoltNull)));
            let values = set.iter().map(|(name, value)| (name.as_str(), convert::to_bolt(value)));
            fields.put("changed", convert::map(nulls.chain(values)));
            let moves = node.label() == Label::Sentence
                && (set.get(ORDER).is_some() || unset.iter().any(|name| name == ORDER));
            Kind::Update(fields.node("n", node), moves)
        }
        Change::Remove { node } => Kind::Remove(fields.node("n", node)),
        Change::Link { from, rel, to } => {
            let from = fields.node("a", from);
            Kind::Link(from, *rel, fields.node("b", to))
        }
        Change::LinkNamedBy { from, rel, owner, property } => {
            let from = fields.node("a", from);
            Kind::LinkNamedBy(from, *rel, fields.node("o", owner), property.clone())
        }
        Change::SetLeast { node, property, value } => {
            fields.put("value", convert::to_bolt(value));
            Kind::SetLeast(fields.node("n", node), property.clone())
        }
        Change::SetDimension { analysis, rel, values, limit, origin } => {
            let values = distinct(values).into_iter().map(|value| BoltType::from(value.as_str()));
            fields.put("values", convert::list(values));
            // No limit is one that no list reaches, and that a slice of a list still takes.
            let limit = limit.map_or(i32::MAX, |limit| i32::try_from(limit).unwrap_or(i32::MAX));
            fields.put("limit", BoltType::from(i64::from(limit)));
            Kind::SetDimension(fields.node("n", analysis), *rel, *origin)
        }
        Change::Tag { analysis, rel, value } => {
            fields.put("value", BoltType::from(value.as_str()));
            Kind::Tag(fields.node("n", analysis), *rel)
        }
        Change::Untag { analysis, rel, value } => {
            fields.put("value", BoltType::from(value.as_str()));
            Kind::Untag(fields.node("n", analysis), *rel)
        }
        Change::ReplaceAnalysis { sentence, analysis_id, properties } => {
            let mut properties: Properties = properties.clone();
            properties.set(SmolStr::new_static("analysis_id"), Value::Text(analysis_id.clone()));
            fields.put("properties", convert::properties(&properties));
            Kind::ReplaceAnalysis(fields.node("n", sentence))
        }
        Change::MergeJson { .. } | Change::Chain { .. } => return None,
    };
    Some(fields.into_row(kind))
}

/// Makes a row of a sentence whose interviews are to forget their last sentence.
pub(super) fn forget(sentence: &NodeRef) -> Row {
    let mut fields = Fields::default();
    let kind = Kind::Forget(fields.node("n", sentence));
    fields.into_row(kind)
}

#[derive(Default)]
struct Fields(Vec<(SmolStr, BoltType)>);

impl Fields {
    fn into_row(self, kind: Kind) -> Row {
        let fields = self.0.iter().map(|(name, value)| (name.as_str(), value.clone()));
        Row { kind, parameters: convert::map(fields) }
    }

    fn put(&mut self, name: &'static str, value: BoltType) {
        self.0.push((SmolStr::new_static(name), value));
    }

    fn node(&mut self, name: &str, node: &NodeRef) -> Shape {
        let (shape, keys) = Shape::of(node);
        for (at, key) in keys.iter().enumerate() {
            self.0.push((smol_str::format_smolstr!("{name}{at}"), convert::to_bolt(key)));
        }
        shape
    }
}

/// Returns values without their repetitions.
pub(super) fn distinct(values: &[SmolStr]) -> Vec<&SmolStr> {
    let mut seen = Vec::with_capacity(values.len());
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

impl Kind {
    /// Returns the text of the statement; its rows are the parameter `rows`.
    pub(super) fn cypher(&self, schema: Schema) -> String {
        let body = match self {
            Self::Upsert(node) => upsert(node, schema),
            Self::Update(node, moves) => {
                let forget = if *moves { forget_owners("n") } else { String::new() };
                format!("MATCH {} SET n += r.changed{forget}", node.pattern("n", "r"))
            }
            Self::Remove(node) => remove(node),
            Self::Link(from, rel, to) => link(from, *rel, to),
            Self::LinkNamedBy(from, rel, owner, property) => link_named_by(from, *rel, owner, property),
            Self::SetLeast(node, property) => format!(
                "MATCH {} SET n.{property} = CASE WHEN n.{property} <= r.value THEN n.{property} ELSE r.value END{}",
                node.pattern("n", "r"),
                if property == ORDER { forget_owners("n") } else { String::new() },
            ),
            Self::Forget(node) => format!("MATCH {}{}", node.pattern("n", "r"), forget_owners("n")),
            Self::SetDimension(node, rel, origin) => set_dimension(node, *rel, *origin),
            Self::Tag(node, rel) => format!(
                "MATCH {} {} MERGE (n)-[l:{rel}]->(v) SET l.is_edited = true",
                node.pattern("n", "r"),
                merge_value("v", rel.target(), "r.value"),
            ),
            Self::Untag(node, rel) => format!(
                "MATCH {}-[l:{rel}]->(v:{} {{{}: r.value}}) SET v:{SWEPT} DELETE l",
                node.pattern("n", "r"),
                rel.target(),
                rel.target().key_property(),
            ),
            Self::ReplaceAnalysis(node) => replace_analysis(node),
        };
        format!("UNWIND $rows AS r {body}")
    }
}

/// Makes sure of a value node.
fn merge_value(name: &str, label: Label, key: &str) -> String {
    let created = label
        .properties_on_create()
        .iter()
        .map(|(property, value)| format!(" ON CREATE SET {name}.{property} = {value}"))
        .collect::<String>();
    format!("MERGE ({name}:{label} {{{}: {key}}}){created}", label.key_property())
}

/// Has the interviews that own nodes forget their last sentence.
fn forget_owners(names: &str) -> String {
    format!(
        " WITH {names} CALL ({names}) {{ UNWIND [{names}] AS s MATCH (owner:Interview)-[:HAS_SENTENCE]->(s) \
         REMOVE owner._last_sentence }}"
    )
}

fn link(from: &Shape, rel: Rel, to: &Shape) -> String {
    let (from, to_label) = (from.pattern("a", "r"), to.label());
    if to_label.is_value() {
        let merge = merge_value("b", to_label, "r.b0");
        return format!("MATCH {from} {merge} MERGE (a)-[:{rel}]->(b)");
    }
    // A sequence link that somebody else makes, or a sentence more, is not what follows from the order.
    let forget = match rel {
        Rel::HasSentence => " REMOVE a._last_sentence".to_owned(),
        Rel::FirstSentence => format!(" REMOVE a._last_sentence{}", forget_owners("b")),
        Rel::NextSentence | Rel::Follows => forget_owners("a, b"),
        _ => String::new(),
    };
    format!("MATCH {from} MATCH {} MERGE (a)-[:{rel}]->(b){forget}", to.pattern("b", "r"))
}

/// What one owner names is looked up once, however many nodes are linked to it.
fn link_named_by(from: &Shape, rel: Rel, owner: &Shape, property: &str) -> String {
    let keys: String = (0..owner.keys()).map(|at| format!("r.o{at} AS o{at}, ")).collect();
    format!(
        "MATCH {} WITH {keys}collect(a) AS all_a MATCH {} \
         WITH all_a, last(split(o.{property}, '/')) AS name WHERE name <> '' \
         {} WITH b, all_a UNWIND all_a AS a MERGE (a)-[:{rel}]->(b)",
        from.pattern("a", "r"),
        owner.pattern_by("o", "o"),
        merge_value("b", rel.target(), "name"),
    )
}

/// Links the new analyses of each row to its value.
pub(super) fn link_values(rel: Rel) -> String {
    format!(
        "UNWIND $rows AS r {} WITH v, r UNWIND r.analyses AS of MATCH (n) WHERE id(n) = of \
         CREATE (n)-[:{rel} {{is_edited: false}}]->(v)",
        merge_value("v", rel.target(), "r.value"),
    )
}

fn upsert(node: &Shape, schema: Schema) -> String {
    // What a person wrote is kept. Asked before anything is set: what this change edits was not edited before.
    let kept = "CASE WHEN n.is_edited THEN r.set ELSE r.all END";
    let label = node.label();
    let key = label.key_property();
    match node.parent() {
        None => format!(
            "MERGE (n:{label} {{{key}: r.n0}}) ON CREATE SET n += r.created \
             ON MATCH SET n += {kept}"
        ),
        Some((parent, rel)) if schema.is_unique(label) && node.is_keyed() => {
            format!(
                "MATCH {} MERGE (n:{label} {{{key}: r.created.{key}}}) ON CREATE SET n += r.created \
                 ON MATCH SET n += {kept} MERGE (p)-[:{rel}]->(n)",
                parent.pattern_by("p", "r.n"),
            )
        }
        // Without a unique key there is nothing to merge on: what is missing is created under the parent, which is locked
        // first, so that two writers cannot both find it missing.
        Some((parent, rel)) => {
            // The only child is found from its owner, one of many by its key: owners may have very many.
            let found = if node.is_keyed() {
                format!("(n:{label} {{{key}: r.created.{key}}}) WHERE (p)-[:{rel}]->(n)")
            } else {
                format!("(p)-[:{rel}]->(n:{label})")
            };
            format!(
                "MATCH {} SET p._lock = true \
                 WITH r, p OPTIONAL MATCH {found} \
                 FOREACH (_ IN CASE WHEN n IS NULL THEN [1] ELSE [] END | \
                   CREATE (p)-[:{rel}]->(m:{label}) SET m += r.created) \
                 FOREACH (n IN CASE WHEN n IS NULL THEN [] ELSE [n] END | SET n += {kept})",
                parent.pattern_by("p", "r.n"),
            )
        }
    }
}

fn remove(node: &Shape) -> String {
    format!(
        "MATCH {} \
         CALL (n) {{ MATCH (n)-[:HAS_SENTENCE|HAS_ANALYSIS*0..2]->(owned) RETURN collect(DISTINCT owned) AS all_owned }} \
         CALL (all_owned) {{ UNWIND all_owned AS owned MATCH (owned)-->(v) WHERE {} SET v:{SWEPT} }} \
         CALL (all_owned) {{ UNWIND all_owned AS owned MATCH (owner:Interview)-[:HAS_SENTENCE]->(owned) \
           REMOVE owner._last_sentence }} \
         FOREACH (owned IN all_owned | DETACH DELETE owned)",
        node.pattern("n", "r"),
        is_value("v"),
    )
}

fn is_value(name: &str) -> String {
    let labels = Label::ALL.into_iter().filter(|label| label.is_value()).map(Label::as_str);
    format!("{name}:{}", labels.collect::<Vec<_>>().join("|"))
}

fn set_dimension(node: &Shape, rel: Rel, origin: Origin) -> String {
    let label = rel.target();
    let key = label.key_property();
    let (removed, protected) = match origin {
        Origin::Analysis => ("WHERE NOT coalesce(l.is_edited, false)", false),
        Origin::Person => ("", true),
    };
    format!(
        "MATCH {} \
         CALL (n) {{ MATCH (n)-[l:{rel}]->(v) {removed} SET v:{SWEPT} DELETE l }} \
         WITH n, r, COLLECT {{ MATCH (n)-[:{rel}]->(v) RETURN v.{key} }} AS kept \
         WITH n, [value IN r.values WHERE NOT value IN kept] AS fresh, r.limit - size(kept) AS free \
         UNWIND fresh[0..CASE WHEN free < 0 THEN 0 ELSE free END] AS value \
         {} CREATE (n)-[:{rel} {{is_edited: {protected}}}]->(v)",
        node.pattern("n", "r"),
        merge_value("v", label, "value"),
    )
}

fn replace_analysis(sentence: &Shape) -> String {
    let moved = Rel::DIMENSIONS
        .iter()
        .map(|rel| {
            format!(
                "CALL (old, new) {{ MATCH (old)-[l:{rel} {{is_edited: true}}]->(v) \
                 CREATE (new)-[:{rel} {{is_edited: true}}]->(v) }} "
            )
        })
        .collect::<String>();
    // The key comes last: it may be the one that an old node still has.
    format!(
        "MATCH {} \
         OPTIONAL MATCH (n)-[:HAS_ANALYSIS]->(found:Analysis) \
         WITH n, r, collect(found) AS olds \
         CREATE (n)-[:HAS_ANALYSIS]->(new:Analysis) \
         WITH new, r, olds \
         CALL (new, olds) {{ UNWIND olds AS old \
           {moved}\
           CALL (old) {{ MATCH (old)-->(v) SET v:{SWEPT} }} \
           DETACH DELETE old }} \
         SET new = r.properties \
         RETURN r.at AS at, id(new) AS id, COUNT {{ (new)-->() }} AS protected",
        sentence.pattern("n", "r"),
    )
}
