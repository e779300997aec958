//! A TOML document as a serde deserializer whose errors carry facts: where, which word, and which words would be right.
//!
//! `toml`'s own deserializer answers with a sentence; a nearest word cannot be told from that without taking it apart
//! again. The main types are [`Node`] and [`Mistake`]; what the words mean is up to [`file`](super::file).

use std::fmt;
use std::ops::Range;

use serde::de::{
    self, DeserializeSeed, EnumAccess, Expected, IntoDeserializer, Unexpected, VariantAccess, Visitor,
};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The bytes of the document that are wrong; `None` while no value has claimed it.
    pub span: Option<Range<usize>>,
    /// What is wrong with them.
    pub kind: MistakeKind,
}

/// The ways for a document to be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MistakeKind {
    /// It is no TOML.
    #[error("{0}")]
    Syntax(String),
    /// A key that nobody asked for.
    #[error("unknown key `{found}`")]
    UnknownKey {
        /// The key.
        found: String,
        /// The keys that there are.
        known: &'static [&'static str],
    },
    /// A word that is none of those that stand to choice.
    #[error("unknown word `{found}`")]
    UnknownWord {
        /// The word.
        found: String,
        /// The words that there are.
        known: &'static [&'static str],
    },
    /// A key that must be there.
    #[error("the key `{0}` is missing")]
    MissingKey(&'static str),
    /// A value of the wrong kind, or out of range.
    #[error("{0}")]
    Value(String),
}

impl MistakeKind {
    /// Returns what would have been right, as far as it can be told.
    pub fn advice(&self) -> String {
        let (found, known) = match self {
            Self::UnknownKey { found, known } | Self::UnknownWord { found, known } => (found, *known),
            Self::MissingKey(key) => return format!("add `{key}`; docs/scenarios.md is the reference"),
            Self::Syntax(_) | Self::Value(_) => return "docs/scenarios.md is the reference".to_owned(),
        };
        match nearest(found, known.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("known here: {}", known.join(", ")),
        }
    }
}

/// Returns the word that is nearest to what was found, unless none is near.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (strsim::jaro_winkler(found, word), word))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, word)| word)
}

impl Mistake {
    fn value(text: impl fmt::Display) -> Self {
        Self { span: None, kind: MistakeKind::Value(text.to_string()) }
    }

    /// Claims the mistake for the innermost value that knows where it stands.
    fn at(mut self, span: Range<usize>) -> Self {
        self.span.get_or_insert(span);
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::value(text)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::value(format_args!("found {found}, expected {}", in_plain_words(expected)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self { span: None, kind: MistakeKind::UnknownKey { found: field.to_owned(), known: expected } }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self { span: None, kind: MistakeKind::UnknownWord { found: variant.to_owned(), known: expected } }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { span: None, kind: MistakeKind::MissingKey(field) }
    }
}

/// Returns what was expected in words that do not presuppose Rust.
fn in_plain_words(expected: &dyn Expected) -> String {
    match expected.to_string().as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        other => other.to_owned(),
    }
}

/// Reads a document into a type.
///
/// # Errors
///
/// The first [`Mistake`], in the order of the document.
pub fn read<T: de::DeserializeOwned>(text: &str) -> Result<T, Mistake> {
    let table = DeTable::parse(text).map_err(|error| Mistake {
        span: error.span(),
        kind: MistakeKind::Syntax(error.message().to_owned()),
    })?;
    let span = table.span();
    let root = Spanned::new(span, DeValue::Table(table.into_inner()));
    T::deserialize(Node { value: &root, entry: None })
}

/// A value of the document.
struct Node<'a, 'i> {
    value: &'a Spanned<DeValue<'i>>,
    /// Where the key that led here stands; mistakes about a whole table are reported there.
    entry: Option<Range<usize>>,
}

impl<'a, 'i> Node<'a, 'i> {
    fn span(&self) -> Range<usize> {
        match (&self.entry, self.value.get_ref()) {
            (Some(entry), DeValue::Table(_)) => entry.clone(),
            (None, DeValue::Table(_)) => self.value.span().start..self.value.span().start,
            _ => self.value.span(),
        }
    }

    fn entries(
        table: &'a DeTable<'i>,
    ) -> Vec<(&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>)> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        entries
    }
}

impl<'de> de::Deserializer<'de> for Node<'_, '_> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        let span = self.span();
        let visited = match self.value.get_ref() {
            DeValue::String(text) => visitor.visit_str(text),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => visitor.visit_i64(number),
                Err(error) => Err(Mistake::value(error)),
            },
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => visitor.visit_f64(number),
                Err(error) => Err(Mistake::value(error)),
            },
            DeValue::Boolean(value) => visitor.visit_bool(*value),
            DeValue::Datetime(_) => Err(Mistake::value("no date or time is expected here")),
            DeValue::Array(items) => visitor.visit_seq(de::value::SeqDeserializer::new(
                items.iter().map(|value| Node { value, entry: None }),
            )),
            DeValue::Table(table) => visitor.visit_map(de::value::MapDeserializer::new(
                Self::entries(table)
                    .into_iter()
                    .map(|(key, value)| (Key(key), Node { value, entry: Some(key.span()) })),
            )),
        };
        visited.map_err(|mistake| mistake.at(span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let span = self.span();
        let visited = match self.value.get_ref() {
            DeValue::String(word) => visitor
                .visit_enum(Choice { word: Word { text: word, span: self.value.span() }, content: None }),
            DeValue::Table(table) if table.len() == 1 => {
                let (key, value) = Self::entries(table)[0];
                visitor.visit_enum(Choice {
                    word: Word { text: key.get_ref(), span: key.span() },
                    content: Some(Node { value, entry: Some(key.span()) }),
                })
            }
            _ => Err(Mistake::value("expected a word, or a table with one key")),
        };
        visited.map_err(|mistake| mistake.at(span))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Mistake> for Node<'_, '_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The key of a table, as a deserializer.
struct Key<'a, 'i>(&'a Spanned<std::borrow::Cow<'i, str>>);

impl<'de, 'a> IntoDeserializer<'de, Mistake> for Key<'a, '_> {
    type Deserializer = Word<'a>;

    fn into_deserializer(self) -> Word<'a> {
        Word { text: self.0.get_ref(), span: self.0.span() }
    }
}

/// A word with its place: a key, or one out of a closed set.
struct Word<'a> {
    text: &'a str,
    span: Range<usize>,
}

impl<'de> de::Deserializer<'de> for Word<'_> {
    type Error = Mistake;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_str::<Mistake>(self.text).map_err(|mistake| mistake.at(self.span))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any option newtype_struct enum
    }
}

/// One out of a closed set of words, with what belongs to it.
struct Choice<'a, 'i> {
    word: Word<'a>,
    content: Option<Node<'a, 'i>>,
}

/// What belongs to a chosen word.
struct Content<'a, 'i> {
    word: String,
    node: Option<Node<'a, 'i>>,
}

impl<'a, 'i, 'de> EnumAccess<'de> for Choice<'a, 'i> {
    type Error = Mistake;
    type Variant = Content<'a, 'i>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content<'a, 'i>), Mistake> {
        let content = Content { word: self.word.text.to_owned(), node: self.content };
        Ok((seed.deserialize(self.word)?, content))
    }
}

impl<'de> Content<'_, '_> {
    fn required(self) -> Result<Self, Mistake> {
        match self.node {
            Some(_) => Ok(self),
            None => Err(Mistake::value(format!("`{0}` takes settings: `{{ {0} = {{ … }} }}`", self.word))),
        }
    }

    fn deserializer(self) -> Result<impl de::Deserializer<'de, Error = Mistake>, Mistake> {
        let content = self.required()?;
        content.node.ok_or_else(|| Mistake::value("expected settings"))
    }
}

impl<'de> VariantAccess<'de> for Content<'_, '_> {
    type Error = Mistake;

    fn unit_variant(self) -> Result<(), Mistake> {
        match self.node {
            None => Ok(()),
            Some(_) => Err(Mistake::value(format!("`{0}` takes no settings: `\"{0}\"`", self.word))),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Mistake> {
        seed.deserialize(self.deserializer()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Mistake> {
        de::Deserializer::deserialize_any(self.deserializer()?, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        de::Deserializer::deserialize_any(self.deserializer()?, visitor)
    }
}

/// Returns the line and column of an item of a list that stands at the top of a document; of the list when it has no such item.
pub fn place_of_item(text: &str, list: &str, item: usize) -> (usize, usize) {
    let table = DeTable::parse(text).ok();
    let list = table.as_ref().and_then(|table| table.get_ref().get(list));
    let found = list.and_then(|list| list.get_ref().get(item)).or(list);
    place(text, found.map_or(0, |found| found.span().start))
}

/// Returns the line and column (both 1-based, columns in characters) of a byte of a text.
pub fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(byte.min(text.len()))];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Garden {
        name: String,
        #[serde(default)]
        plants: Vec<Plant>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    enum Plant {
        Rose,
        Fern { fronds: u32 },
    }

    #[track_caller]
    fn mistake(text: &str) -> (MistakeKind, (usize, usize)) {
        let mistake = read::<Garden>(text).expect_err("a mistake");
        (mistake.kind, place(text, mistake.span.expect("a place").start))
    }

    #[test]
    fn words_and_tables_are_read_into_the_same_set() {
        let garden =
            read::<Garden>("name = 'a'\nplants = ['rose', { fern = { fronds = 3 } }]").expect("no mistake");
        assert_eq!(garden.plants, [Plant::Rose, Plant::Fern { fronds: 3 }]);
    }

    #[test]
    fn an_unknown_key_is_named_where_it_stands() {
        let (kind, place) = mistake("name = 'a'\nplnats = []");
        assert_eq!(place, (2, 1));
        assert_eq!(kind.advice(), "did you mean `plants`?");
    }

    #[test]
    fn an_unknown_word_is_named_where_it_stands_within_a_list() {
        let (kind, place) = mistake("name = 'ä'\nplants = ['rose', 'roes']");
        assert_eq!(place, (2, 19));
        assert_eq!(kind.advice(), "did you mean `rose`?");
    }

    #[test]
    fn a_word_that_is_near_to_nothing_is_answered_with_all_of_them() {
        let (kind, _) = mistake("name = 'a'\nplants = ['xylophone']");
        assert_eq!(kind.advice(), "known here: rose, fern");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named_where_it_stands() {
        let (kind, place) = mistake("name = 'a'\nplants = [{ fern = { fronds = 'many' } }]");
        assert_eq!(place, (2, 31));
        assert_eq!(kind.to_string(), "found string \"many\", expected a whole number that is not negative");
    }

    #[test]
    fn a_negative_count_is_a_mistake() {
        let (kind, place) = mistake("name = 'a'\nplants = [{ fern = { fronds = -1 } }]");
        assert_eq!(place, (2, 31));
        assert_eq!(kind.to_string(), "found integer `-1`, expected a whole number that is not negative");
    }

    #[test]
    fn a_missing_setting_is_named_at_its_word() {
        let (kind, place) = mistake("name = 'a'\nplants = [{ fern = {} }]");
        assert_eq!((kind, place), (MistakeKind::MissingKey("fronds"), (2, 13)));
        let (kind, place) = mistake("name = 'a'\nplants = ['fern']");
        assert_eq!(kind.to_string(), "`fern` takes settings: `{ fern = { … } }`");
        assert_eq!(place, (2, 11));
    }

    #[test]
    fn a_missing_key_of_the_document_is_named_at_its_start() {
        assert_eq!(mistake("plants = []"), (MistakeKind::MissingKey("name"), (1, 1)));
    }

    #[test]
    fn what_is_no_toml_is_named_where_it_breaks_off() {
        let (kind, place) = mistake("name = \n");
        assert!(matches!(kind, MistakeKind::Syntax(_)), "{kind:?}");
        assert_eq!(place.0, 1);
    }
}
