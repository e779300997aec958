//! What a query file says: Cypher under a few header lines in comments. The main type is [`ReaderQuery`]; docs/queries.md is the reference.

use std::time::Duration;

use cutover_core::graph::{Label, Value};
use cutover_engines::graph::Schema;
use smol_str::SmolStr;

use super::cypher;
use crate::diff::{Normal, NormalForm, offset};
use crate::scenario::document::nearest;

/// How long a query may take where its file does not say.
const WITHIN: Duration = Duration::from_secs(30);

/// The words that a header line can begin with.
const WORDS: [&str; 9] =
    ["title", "why", "draw", "set", "order", "leave out", "sets", "normalise", "timeout"];

/// Where a parameter's values come from: a property of the nodes of a label, as either graph has them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Draw {
    pub(super) parameter: SmolStr,
    pub(super) label: SmolStr,
    pub(super) property: SmolStr,
}

impl Draw {
    /// Returns whether it draws the ids of interviews.
    pub(super) fn is_of_interviews(&self) -> bool {
        self.label == Label::Interview.as_str() && self.property == Label::Interview.key_property()
    }
}

/// A query of the readers.
#[derive(Debug, Clone, PartialEq)]
pub struct ReaderQuery {
    /// Its name: that of its file.
    pub name: SmolStr,
    /// What it asks, in a line.
    pub title: String,
    /// Why a reader asks it.
    pub why: String,
    pub(super) draw: Option<Draw>,
    pub(super) set: Vec<(SmolStr, Value)>,
    /// Whether the order of rows counts.
    pub(super) is_ordered: bool,
    /// Columns that are not compared.
    pub(super) left_out: Vec<SmolStr>,
    /// Columns whose lists are compared without their order.
    pub(super) sets: Vec<SmolStr>,
    pub(super) normalised: Vec<(SmolStr, Normal)>,
    pub(super) within: Duration,
    /// The text for the direct schema, and that for the projected one.
    texts: [String; 2],
}

impl ReaderQuery {
    /// Returns the text for a graph of that schema. Its lines have the numbers that they have in the file, which is how a server tells of a
    /// mistake in it.
    pub fn text(&self, schema: Schema) -> &str {
        match schema {
            Schema::Direct => &self.texts[0],
            Schema::Projected => &self.texts[1],
        }
    }

    /// Returns the columns that the header names.
    pub(super) fn named_columns(&self) -> impl Iterator<Item = &SmolStr> {
        self.left_out.iter().chain(&self.sets).chain(self.normalised.iter().map(|(column, _)| column))
    }
}

/// What is wrong with a query file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A header line begins with a word that there is not.
    #[error("unknown word `{found}` in the header")]
    UnknownWord {
        /// The word.
        found: String,
    },
    /// A header line must be there.
    #[error("the header has no `// {word}:`")]
    Missing {
        /// The word.
        word: &'static str,
    },
    /// A header line is there again.
    #[error("a second `// {word}:`")]
    Twice {
        /// The word.
        word: String,
    },
    /// What a header line says means nothing.
    #[error("`{text}` means nothing after `// {word}:`")]
    Value {
        /// The word.
        word: &'static str,
        /// What stands there.
        text: String,
        /// What would mean something.
        example: &'static str,
    },
    /// There is no query.
    #[error("there is no query here")]
    NoQuery,
    /// There is a query for one schema and none for the other.
    #[error("there is a query for one graph, and no `// in {missing}:` for the other")]
    OneSide {
        /// The graph that it lacks.
        missing: &'static str,
    },
    /// There is more than one statement.
    #[error("a second statement begins here")]
    TwoStatements,
    /// A parameter has no value.
    #[error("nothing says what `${parameter}` is")]
    NoValue {
        /// The parameter.
        parameter: String,
    },
    /// A value has no parameter.
    #[error("the query never uses `${parameter}`")]
    Unused {
        /// The parameter.
        parameter: SmolStr,
    },
}

impl Mistake {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownWord { found } => match nearest(found, WORDS) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("known here: {}; a remark begins with a capital letter", WORDS.join(", ")),
            },
            Self::Missing { word: "title" } => {
                "add what it asks: `// title: Sentences of an interview`".to_owned()
            }
            Self::Missing { .. } => {
                "add who needs the answer: `// why: the transcript view shows it`".to_owned()
            }
            Self::Twice { .. } => {
                "one such line is enough; several names in it are parted by commas".to_owned()
            }
            Self::Value { example, .. } => format!("write it like `{example}`"),
            Self::NoQuery => "write the query below the header; docs/queries.md is the reference".to_owned(),
            Self::OneSide { missing } => {
                format!(
                    "add it below a line `// in {missing}:`, or leave such lines out where one text does for both"
                )
            }
            Self::TwoStatements => "put it into a file of its own".to_owned(),
            Self::NoValue { parameter } => format!(
                "add `// draw: ${parameter} from Interview.interview_id`, or `// set: ${parameter} = 3`"
            ),
            Self::Unused { .. } => "take the line out of the header, or use it in the query".to_owned(),
        }
    }
}

/// A mistake, and the line that it is in, 1-based.
pub(super) type At = (usize, Mistake);

/// Reads a query file.
///
/// # Errors
///
/// The first mistake.
pub(super) fn parse(name: &str, text: &str) -> Result<ReaderQuery, At> {
    let lines: Vec<&str> = text.lines().collect();
    let is_header = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with("//");
    let head = lines.iter().take_while(|line| is_header(line) && side_of(line).is_none()).count();
    let header = Header::read(&lines[..head])?;
    let (parts, texts) = texts(&lines, head)?;
    let missing = |word| (1, Mistake::Missing { word });
    let title = header.title.ok_or_else(|| missing("title"))?;
    let why = header.why.ok_or_else(|| missing("why"))?;
    let mut is_ordered = false;
    for (first, body) in &parts {
        let seen = cypher::look(body);
        is_ordered |= seen.is_ordered;
        let line_of = |at: usize| first + body[..at].matches('\n').count();
        if seen.is_empty {
            return Err((*first, Mistake::NoQuery));
        }
        if let Some(at) = seen.second {
            return Err((line_of(at), Mistake::TwoStatements));
        }
        let has_value = |name: &str| header.values.iter().any(|(known, _)| known == name);
        if let Some((parameter, at)) = seen.parameters.iter().find(|(name, _)| !has_value(name)) {
            return Err((line_of(*at), Mistake::NoValue { parameter: parameter.clone() }));
        }
    }
    let is_used = |name: &str| parts.iter().any(|(_, body)| cypher::look(body).parameters.contains_key(name));
    if let Some((parameter, line)) = header.values.iter().find(|(name, _)| !is_used(name)) {
        return Err((*line, Mistake::Unused { parameter: parameter.clone() }));
    }
    Ok(ReaderQuery {
        name: name.into(),
        title,
        why,
        draw: header.draw,
        set: header.set,
        is_ordered: header.is_ordered.unwrap_or(is_ordered),
        left_out: header.left_out,
        sets: header.sets,
        normalised: header.normalised,
        within: header.within.unwrap_or(WITHIN),
        texts,
    })
}

/// A text, and the line that it begins in.
type Part = (usize, String);

/// Returns the queries of a file, and the text for each schema.
fn texts(lines: &[&str], head: usize) -> Result<(Vec<Part>, [String; 2]), At> {
    let part = |from: usize, to: usize| (from + 1, lines[from..to].join("\n"));
    // A text begins in the line that it begins in.
    let whole = |(first, body): &Part| "\n".repeat(first - 1) + body[..cypher::look(body).end].trim_end();
    let marks: Vec<(usize, &'static str)> =
        (head..lines.len()).filter_map(|at| Some((at, side_of(lines[at])?))).collect();
    match marks[..] {
        [] if head == lines.len() => Err((lines.len().max(1), Mistake::NoQuery)),
        [] => {
            let shared = part(head, lines.len());
            let text = whole(&shared);
            Ok((vec![shared], [text.clone(), text]))
        }
        [(at, _), ..] if at > head => Err((at + 1, Mistake::OneSide { missing: "direct" })),
        [(first, one), (second, other)] if one != other => {
            let parts = [part(first + 1, second), part(second + 1, lines.len())];
            let texts = parts.each_ref().map(whole);
            let [one_text, other_text] = texts;
            let texts = if one == "direct" { [one_text, other_text] } else { [other_text, one_text] };
            Ok((parts.into(), texts))
        }
        [(at, side)] => {
            let missing = if side == "direct" { "projected" } else { "direct" };
            Err((at + 1, Mistake::OneSide { missing }))
        }
        [.., (at, side)] => Err((at + 1, Mistake::Twice { word: format!("in {side}") })),
    }
}

/// Returns the graph that a line says the query below it is for.
fn side_of(line: &str) -> Option<&'static str> {
    match line.trim().strip_prefix("//")?.trim() {
        "in direct:" => Some("direct"),
        "in projected:" => Some("projected"),
        _ => None,
    }
}

/// A header as it is read.
#[derive(Default)]
struct Header {
    title: Option<String>,
    why: Option<String>,
    draw: Option<Draw>,
    set: Vec<(SmolStr, Value)>,
    /// Every parameter that has a value, and the line that says so.
    values: Vec<(SmolStr, usize)>,
    is_ordered: Option<bool>,
    left_out: Vec<SmolStr>,
    sets: Vec<SmolStr>,
    normalised: Vec<(SmolStr, Normal)>,
    within: Option<Duration>,
}

impl Header {
    fn read(lines: &[&str]) -> Result<Self, At> {
        let mut header = Self::default();
        let mut had = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let Some((word, value)) = header_line(line) else { continue };
            let known = WORDS.into_iter().find(|known| *known == word);
            let word = known.ok_or_else(|| (at + 1, Mistake::UnknownWord { found: word.to_owned() }))?;
            if had.contains(&word) && word != "set" {
                return Err((at + 1, Mistake::Twice { word: word.to_owned() }));
            }
            had.push(word);
            header.take(word, value, at + 1).ok_or_else(|| {
                (at + 1, Mistake::Value { word, text: value.to_owned(), example: example(word) })
            })?;
        }
        Ok(header)
    }

    /// Takes what a line says; `None` when it means nothing.
    fn take(&mut self, word: &str, value: &str, line: usize) -> Option<()> {
        if value.is_empty() {
            return None;
        }
        match word {
            "title" => self.title = Some(value.to_owned()),
            "why" => self.why = Some(value.to_owned()),
            "draw" => {
                let (parameter, from) = value.split_once(" from ")?;
                let (label, property) = from.trim().split_once('.')?;
                let parameter = parameter_name(parameter)?;
                self.values.push((parameter.clone(), line));
                self.draw = Some(Draw { parameter, label: name(label)?, property: name(property)? });
            }
            "set" => {
                let (parameter, value) = value.split_once('=')?;
                let parameter = parameter_name(parameter)?;
                if self.values.iter().any(|(known, _)| *known == parameter) {
                    return None;
                }
                self.values.push((parameter.clone(), line));
                self.set.push((parameter, json(value)?));
            }
            "order" => {
                self.is_ordered = Some(match value {
                    "counts" => true,
                    "does not count" => false,
                    _ => return None,
                });
            }
            "leave out" => self.left_out = names(value)?,
            "sets" => self.sets = names(value)?,
            "normalise" => self.normalised = value.split(',').map(normalised).collect::<Option<_>>()?,
            "timeout" => {
                let seconds: u64 = value.strip_suffix('s')?.trim().parse().ok()?;
                self.within = Some(Duration::from_secs(seconds)).filter(|within| !within.is_zero());
                self.within?;
            }
            _ => unreachable!("the word is one of WORDS"),
        }
        Some(())
    }
}

fn example(word: &str) -> &'static str {
    match word {
        "title" => "// title: Sentences of an interview, in order",
        "why" => "// why: the transcript view shows them",
        "draw" => "// draw: $interview from Interview.interview_id",
        "set" => "// set: $least = 3",
        "order" => "// order: counts` or `// order: does not count",
        "leave out" => "// leave out: created_at, model",
        "sets" => "// sets: topics, keywords",
        "normalise" => "// normalise: started_at as time +02:00, confidence as number",
        _ => "// timeout: 30s",
    }
}

/// Takes a line of comment apart into a word and what it says; `None` for a remark, which begins with a capital letter or has no colon.
fn header_line(line: &str) -> Option<(&str, &str)> {
    let (word, value) = line.trim().strip_prefix("//")?.split_once(':')?;
    let word = word.trim();
    let is_word = word.starts_with(|c: char| c.is_lowercase())
        && word.chars().all(|c| c.is_lowercase() || c == ' ')
        && word.split(' ').count() <= 2;
    is_word.then(|| (word, value.trim()))
}

/// Returns a name that Cypher takes without quotes.
fn name(text: &str) -> Option<SmolStr> {
    let text = text.trim();
    let is_name = !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then(|| text.into())
}

fn names(text: &str) -> Option<Vec<SmolStr>> {
    text.split(',').map(name).collect()
}

fn parameter_name(text: &str) -> Option<SmolStr> {
    name(text.trim().strip_prefix('$')?)
}

fn normalised(text: &str) -> Option<(SmolStr, Normal)> {
    let (column, form) = text.split_once(" as ")?;
    let mut words = form.split_whitespace();
    let form = match words.next()? {
        "time" => NormalForm::Time,
        "number" => NormalForm::Number,
        "json" => NormalForm::Json,
        _ => return None,
    };
    let zone = match words.next() {
        Some(zone) if form == NormalForm::Time => Some(offset(zone)?),
        Some(_) => return None,
        None => None,
    };
    words.next().is_none().then_some((name(column)?, Normal::of_form(form, zone)))
}

/// Reads a value that a property can have, as JSON.
fn json(text: &str) -> Option<Value> {
    fn value(json: &serde_json::Value) -> Option<Value> {
        Some(match json {
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(int) => Value::Int(int),
                None => Value::Float(number.as_f64()?),
            },
            serde_json::Value::String(text) => Value::from(text.as_str()),
            serde_json::Value::Array(values) => Value::List(values.iter().map(value).collect::<Option<_>>()?),
            _ => return None,
        })
    }
    value(&serde_json::from_str(text.trim()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
// title: Sentences of an interview
// why: the transcript view shows them
// A remark: nobody takes it for a word.
// draw: $interview from Interview.interview_id
// set: $least = 3
// sets: topics, keywords
// normalise: at as time +02:00, n as number
// timeout: 5s

MATCH (i:Interview {interview_id: $interview})-[:HAS_SENTENCE]->(s)
WHERE s.sequence_order >= $least
RETURN s.text AS text ORDER BY s.sequence_order;
";

    #[track_caller]
    fn refused(text: &str, line: usize, expected: &str) -> String {
        let (at, mistake) = parse("q", text).expect_err("a mistake");
        assert_eq!((at, mistake.to_string().as_str()), (line, expected));
        mistake.hint()
    }

    #[test]
    fn a_file_says_what_is_asked_of_both_graphs() {
        let query = parse("q", GOOD).expect("no mistake");
        assert_eq!(query.title, "Sentences of an interview");
        assert_eq!(query.draw.as_ref().map(|draw| draw.parameter.as_str()), Some("interview"));
        assert_eq!(query.set, [("least".into(), Value::Int(3))]);
        assert_eq!((query.is_ordered, query.within), (true, Duration::from_secs(5)));
        assert_eq!((query.sets.len(), query.normalised.len()), (2, 2));
        let text = query.text(Schema::Direct);
        assert_eq!(text, query.text(Schema::Projected));
        // Its lines are where they are in the file, and the semicolon is not asked.
        assert_eq!(text.lines().nth(9).map(|line| &line[..5]), Some("MATCH"));
        assert!(text.ends_with("ORDER BY s.sequence_order"), "{text}");
    }

    #[test]
    fn each_graph_may_have_a_text_of_its_own_in_either_order() {
        for [one, other] in [["direct", "projected"], ["projected", "direct"]] {
            let text = format!(
                "// title: t\n// why: w\n// in {one}:\nRETURN '{one}' AS a\n\n// in {other}:\nRETURN '{other}' AS a ORDER BY a\n"
            );
            let query = parse("q", &text).expect("no mistake");
            let texts = [Schema::Direct, Schema::Projected].map(|schema| query.text(schema).trim());
            let order = |side: &str| if side == other { " ORDER BY a" } else { "" };
            assert_eq!(
                texts,
                ["direct", "projected"].map(|side| format!("RETURN '{side}' AS a{}", order(side)))
            );
            assert!(query.is_ordered);
        }
    }

    #[test]
    fn a_header_can_overrule_the_order() {
        let query =
            parse("q", &GOOD.replace("// timeout: 5s", "// order: does not count")).expect("no mistake");
        assert!(!query.is_ordered);
    }

    #[test]
    fn a_mistake_names_its_line_and_the_remedy() {
        let hint = refused(&GOOD.replace("// title:", "// titel:"), 1, "unknown word `titel` in the header");
        assert_eq!(hint, "did you mean `title`?");
        let hint = refused(&GOOD.replace("// why: the", "// The"), 1, "the header has no `// why:`");
        assert!(hint.contains("// why: the transcript view"), "{hint}");
        refused(&GOOD.replace("// sets: topics, keywords", "// title: again"), 6, "a second `// title:`");
        let hint = refused(
            &GOOD.replace(" from Interview.", " of Interview."),
            4,
            "`$interview of Interview.interview_id` means nothing after `// draw:`",
        );
        assert_eq!(hint, "write it like `// draw: $interview from Interview.interview_id`");
        refused(&GOOD.replace("= 3", "= three"), 5, "`$least = three` means nothing after `// set:`");
        refused(
            &GOOD.replace("+02:00", "CEST"),
            7,
            "`at as time CEST, n as number` means nothing after `// normalise:`",
        );
        refused(&GOOD.replace("5s", "0s"), 8, "`0s` means nothing after `// timeout:`");
        let hint = refused(&GOOD.replace(">= $least", ">= $most"), 11, "nothing says what `$most` is");
        assert!(hint.contains("// set: $most = 3"), "{hint}");
        refused(&GOOD.replace("$least\n", "3\n"), 5, "the query never uses `$least`");
        refused(&format!("{GOOD}MATCH (n) DELETE n\n"), 13, "a second statement begins here");
    }

    #[test]
    fn a_file_without_a_query_or_with_one_for_one_graph_is_refused() {
        refused("", 1, "there is no query here");
        refused("// title: t\n// why: w\n", 2, "there is no query here");
        let one = "// title: t\n// why: w\n// in direct:\nRETURN 1 AS a\n";
        refused(one, 3, "there is a query for one graph, and no `// in projected:` for the other");
        refused(&format!("{one}// in direct:\nRETURN 1 AS a"), 5, "a second `// in direct:`");
        refused(&format!("{one}// in projected:\n// nothing\n"), 6, "there is no query here");
    }
}
