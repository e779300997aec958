//! The bulk statements: each takes rows of one kind of change, and does to every row what [`Change`] promises.
//!
//! A statement has no two rows about one subject, so that no row depends on what another one did; the planner sees to that.
//! Projects are the exception: what changes their properties is one clause, which takes its rows in their order. Value nodes
//! that may have lost their last relationship are marked, and swept at the end of the batch.

use cutover_core::graph::{Change, Label, NodeRef, Origin, Properties, Rel};
use neo4rs::BoltType;
use smol_str::SmolStr;

use super::convert;
use super::sequence::ORDER;
use super::shape::Shape;
use crate::graph::Schema;

/// The label that marks a value node which may have lost its last relationship.
pub(super) const SWEPT: &str = "_MaybeUnreferenced";

/// What the text of a statement depends on: changes with equal kinds go into one statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// With the file that the owner names, where the node is linked to it right after that.
    Upsert(Shape, Sets, Option<(Rel, SmolStr)>),
    /// Whether it may move a sentence.
    Update(Shape, bool),
    Remove(Shape),
    Link(Shape, Rel, Shape),
    LinkNamedBy(Shape, Rel, Shape, SmolStr),
    SetLeast(Shape, SmolStr),
    SetDimension(Shape, Rel, Origin),
    Tag(Shape, Rel),
    Untag(Shape, Rel),
    /// Whether the sentence is updated first.
    ReplaceAnalysis(Shape, bool),
    /// Its interviews are to forget their last sentence, see `sequence.rs`.
    Forget(Shape),
}

/// Which sets of properties the rows of an upsert have besides those that are always set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Sets {
    on_create: bool,
    unless_edited: bool,
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
            let sets = Sets { on_create: !on_create.is_empty(), unless_edited: !unless_edited.is_empty() };
            fields.put("set", convert::properties(set));
            if sets.on_create {
                fields.put("on_create", convert::properties(on_create));
            }
            if sets.unless_edited {
                // One map for each case, so that of two values of one property the later one wins.
                let mut all = set.clone();
                all.merge(unless_edited);
                fields.put("all", convert::properties(&all));
            }
            Kind::Upsert(fields.node("n", node), sets, None)
        }
        Change::Update { node, set, unset } => {
            fields.put("changed", changed(set, unset));
            Kind::Update(fields.node("n", node), may_move(node, set, unset))
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
            return Some(new_analysis(sentence, analysis_id, properties, None));
        }
        Change::MergeJson { .. } | Change::Chain { .. } => return None,
    };
    Some(fields.into_row(kind))
}

/// Makes a row of an upsert and of the link right after it to what the owner names, where that is one statement: the node has a unique
/// key, and was put where the link looks for the name.
pub(super) fn put_and_linked(upsert: &Change, link: &Change) -> Option<Row> {
    let (Change::Upsert { node, .. }, Change::LinkNamedBy { from, rel, owner, property }) = (upsert, link)
    else {
        return None;
    };
    let NodeRef::Child { parent, rel: owning, key: Some(key) } = node else { return None };
    let is_same =
        matches!(from, NodeRef::Keyed { label, key: own } if *label == owning.target() && own == key);
    if !is_same || **parent != *owner {
        return None;
    }
    let Row { kind: Kind::Upsert(shape, sets, _), parameters } = row(upsert)? else { return None };
    Some(Row { kind: Kind::Upsert(shape, sets, Some((*rel, property.clone()))), parameters })
}

/// Makes a row of a change that gives a sentence a new analysis, and of one that updates the sentence right before that.
pub(super) fn new_analysis(
    sentence: &NodeRef,
    analysis_id: &SmolStr,
    properties: &Properties,
    update: Option<(&Properties, &[SmolStr])>,
) -> Row {
    let mut fields = Fields::default();
    fields.put("id", BoltType::from(analysis_id.as_str()));
    fields.put("properties", convert::properties(properties));
    if let Some((set, unset)) = update {
        fields.put("changed", changed(set, unset));
    }
    let kind = Kind::ReplaceAnalysis(fields.node("n", sentence), update.is_some());
    fields.into_row(kind)
}

/// One map, set at once: two clauses would each run over all rows, and so mix up rows about one node.
fn changed(set: &Properties, unset: &[SmolStr]) -> BoltType {
    let nulls = unset.iter().map(|name| (name.as_str(), BoltType::Null(neo4rs::BoltNull)));
    let values = set.iter().map(|(name, value)| (name.as_str(), convert::to_bolt(value)));
    convert::map(nulls.chain(values))
}

/// Returns whether an update may change where a sentence stands.
pub(super) fn may_move(node: &NodeRef, set: &Properties, unset: &[SmolStr]) -> bool {
    node.label() == Label::Sentence && (set.get(ORDER).is_some() || unset.iter().any(|name| name == ORDER))
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
        Row { kind, parameters: convert::map(self.0) }
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
            Self::Upsert(node, sets, named) => {
                let link = named.as_ref().map(|(rel, property)| link_to_named(*rel, property));
                upsert(node, *sets, schema) + &link.unwrap_or_default()
            }
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
            Self::ReplaceAnalysis(node, is_updated) => replace_analysis(node, *is_updated),
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

/// Goes on from an upsert, which found the owner as `p` and left the node as `n`.
fn link_to_named(rel: Rel, property: &str) -> String {
    format!(
        " WITH p, collect(n) AS all_n WITH all_n, last(split(p.{property}, '/')) AS name WHERE name <> '' \
         {} WITH b, all_n UNWIND all_n AS n MERGE (n)-[:{rel}]->(b)",
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

fn upsert(node: &Shape, sets: Sets, schema: Schema) -> String {
    let set_on = |name: &str| {
        // What a person wrote is kept. Asked before anything is set: what this change edits was not edited before.
        let all = if sets.unless_edited { "all" } else { "set" };
        let kept = match sets.unless_edited {
            true => format!("CASE WHEN {name}.is_edited THEN r.set ELSE r.all END"),
            false => "r.set".to_owned(),
        };
        let on_create = if sets.on_create { format!("{name} += r.on_create, ") } else { String::new() };
        (format!("SET {on_create}{name} += r.{all}"), format!("SET {name} += {kept}"))
    };
    let (created, kept) = set_on("n");
    let label = node.label();
    let key = label.key_property();
    let own = format!("{{{key}: r.n{}}}", node.keys().saturating_sub(1));
    match node.parent() {
        None => format!("MERGE (n:{label} {own}) ON CREATE {created} ON MATCH {kept}"),
        Some((parent, rel)) if schema.is_unique(label) && node.is_keyed() => {
            format!(
                "MATCH {} MERGE (n:{label} {own}) ON CREATE {created} ON MATCH {kept} MERGE (p)-[:{rel}]->(n)",
                parent.pattern_by("p", "r.n"),
            )
        }
        // Without a unique key there is nothing to merge on: what is missing is created under the parent, which is locked
        // first, so that two writers cannot both find it missing.
        Some((parent, rel)) => {
            // The only child is found from its owner, one of many by its key: owners may have very many.
            let (found, own) = if node.is_keyed() {
                (format!("(n:{label} {own}) WHERE (p)-[:{rel}]->(n)"), own)
            } else {
                (format!("(p)-[:{rel}]->(n:{label})"), String::new())
            };
            let (created, _) = set_on("m");
            format!(
                "MATCH {} SET p._lock = true \
                 WITH r, p OPTIONAL MATCH {found} \
                 FOREACH (_ IN CASE WHEN n IS NULL THEN [1] ELSE [] END | \
                   CREATE (p)-[:{rel}]->(m:{label} {own}) {created}) \
                 FOREACH (n IN CASE WHEN n IS NULL THEN [] ELSE [n] END | {kept})",
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

fn replace_analysis(sentence: &Shape, is_updated: bool) -> String {
    let moved = Rel::DIMENSIONS
        .iter()
        .map(|rel| {
            format!(
                "CALL (old, new) {{ MATCH (old)-[l:{rel} {{is_edited: true}}]->(v) \
                 CREATE (new)-[:{rel} {{is_edited: true}}]->(v) }} "
            )
        })
        .collect::<String>();
    let update = if is_updated { "SET n += r.changed " } else { "" };
    // The key comes last: it may be the one that an old node still has.
    format!(
        "MATCH {} {update}\
         WITH n, r, COLLECT {{ MATCH (n)-[:HAS_ANALYSIS]->(old:Analysis) RETURN old }} AS olds \
         CREATE (n)-[:HAS_ANALYSIS]->(new:Analysis) \
         WITH new, r, olds \
         CALL (new, olds) {{ UNWIND olds AS old \
           {moved}\
           CALL (old) {{ MATCH (old)-->(v) SET v:{SWEPT} }} \
           DETACH DELETE old }} \
         SET new = r.properties, new.analysis_id = r.id \
         RETURN r.at AS at, id(new) AS id, COUNT {{ (new)-->() }} AS protected",
        sentence.pattern("n", "r"),
    )
}
