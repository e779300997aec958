//! Where in a text of Cypher its words are, as far as a query file has to know: this is no parser.
//!
//! Text, comments and quoted names are blanked out first, so that nothing in them is taken for a word.

use std::collections::BTreeMap;

/// What is asked about a text of Cypher.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The parameters, with the byte at which each is first named.
    pub(super) parameters: BTreeMap<String, usize>,
    /// Whether the rows of the answer are put in order.
    pub(super) is_ordered: bool,
    /// Where a second statement begins, if there is one.
    pub(super) second: Option<usize>,
    /// Whether there is nothing but blanks and comments.
    pub(super) is_empty: bool,
    /// Where the only statement ends: before its semicolon, if it has one.
    pub(super) end: usize,
}

/// Looks through a text.
pub(super) fn look(text: &str) -> Seen {
    let code = blanked(text);
    let mut seen = Seen { is_empty: code.trim().is_empty(), end: text.len(), ..Seen::default() };
    if let Some(end) = code.find(';') {
        seen.end = end;
        let rest = &code[end + 1..];
        seen.second = rest.find(|c: char| !c.is_whitespace() && c != ';').map(|at| end + 1 + at);
    }
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut depth, mut before) = (0_usize, String::new());
    let mut rest = code.as_str();
    while let Some(c) = rest.chars().next() {
        let length = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        if length == 0 {
            match c {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth = depth.saturating_sub(1),
                '$' => {
                    let name = &rest[1..];
                    let name = &name[..name.find(|c| !is_of_word(c)).unwrap_or(name.len())];
                    let at = code.len() - rest.len();
                    if !name.is_empty() {
                        seen.parameters.entry(name.to_owned()).or_insert(at);
                    }
                }
                _ => {}
            }
            rest = &rest[c.len_utf8()..];
            continue;
        }
        if depth == 0 {
            let word = rest[..length].to_uppercase();
            match (before.as_str(), word.as_str()) {
                (_, "RETURN") => seen.is_ordered = false,
                ("ORDER", "BY") => seen.is_ordered = true,
                _ => {}
            }
            before = word;
        }
        rest = &rest[length..];
    }
    // The last `ORDER BY` may have belonged to a `WITH` before the last `RETURN`: that one has reset it.
    seen
}

/// Returns a text of the same length in which everything that is no code is blank; lines stay lines.
fn blanked(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\'' | '"' | '`' => quoted(rest, c),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            c => {
                code.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        for byte in rest[..length].bytes() {
            code.push(if byte == b'\n' { '\n' } else { ' ' });
        }
        rest = &rest[length..];
    }
    code
}

/// Returns how long what is quoted is, with both its marks.
fn quoted(text: &str, mark: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if mark != '`' => is_escaped = true,
            c if c == mark => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn ordered(text: &str, expected: bool) {
        assert_eq!(look(text).is_ordered, expected, "{text}");
    }

    #[test]
    fn the_order_of_rows_counts_where_the_last_return_puts_them_in_one() {
        ordered("MATCH (n) RETURN n.a", false);
        ordered("MATCH (n) RETURN n.a ORDER BY n.a", true);
        ordered("match (n) return n.a\norder\n  by n.a skip 1", true);
        ordered("MATCH (n) WITH n ORDER BY n.a RETURN n.a", false);
        ordered("MATCH (n) RETURN n.a AS a, COLLECT { MATCH (n)--(m) RETURN m.b ORDER BY m.b } AS bs", false);
        ordered("CALL () { MATCH (n) RETURN n ORDER BY n.a LIMIT 3 } RETURN n.a", false);
        ordered("RETURN 1 AS a UNION ALL RETURN 2 AS a ORDER BY a", true);
        ordered("RETURN 'ORDER BY' AS `ORDER BY` // ORDER BY", false);
    }

    #[test]
    fn parameters_are_found_where_they_are_code() {
        let text = "MATCH (n {id: $interview}) // $comment\nWHERE n.a = '$text' /* $other */ RETURN $least";
        let names: Vec<String> = look(text).parameters.into_keys().collect();
        assert_eq!(names, ["interview", "least"]);
    }

    #[test]
    fn a_second_statement_is_found_and_an_end_is_none() {
        assert_eq!(look("RETURN 1 ; \n// done\n;").second, None);
        let text = "RETURN 'é;' AS a; MATCH (n) DELETE n";
        assert_eq!(look(text).second, text.find("MATCH"));
        assert_eq!(&text[..look(text).end], "RETURN 'é;' AS a");
    }

    #[test]
    fn a_quote_that_is_escaped_ends_nothing() {
        ordered(r"RETURN 'it\'s ORDER BY' AS a", false);
        assert!(look("  // only a remark\n /* and another */").is_empty);
    }
}
