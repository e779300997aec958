//! Draws the two sides of a neighbourhood: where which node stands, and how relationships run. The main type is [`Drawing`].
//!
//! Both sides have the same layout, so that the eye finds what one of them lacks; what is missing is there as a dashed outline.
//! Interviews stand on top, sentences in their order below, then analyses, then what these mention, one below the other. Where a
//! line would run behind a node it goes round, for it would seem to end there.

use std::collections::BTreeMap;

use crate::diff::{NearNode, Neighbourhood, Orientation, Side, State};

/// How wide a drawing is, in units that are pixels on a phone.
const WIDTH: i32 = 356;
/// What is free on both sides, for lines that go round nodes.
const GUTTER: i32 = 21;
const NODE_WIDTH: i32 = 98;
const NODE_HEIGHT: i32 = 44;
const GAP: i32 = 10;
const ROW_HEIGHT: i32 = 92;
const PER_ROW: usize = 3;
/// How high a node is that stands in a row of its own, and how far apart such rows are.
const FLAT_HEIGHT: i32 = 24;
const FLAT_ROW_HEIGHT: i32 = 40;
const MARGIN: i32 = 30;

/// How many characters of a key fit into a node, and into one with a row of its own.
const KEY_CHARS_MAX: usize = 13;
const FLAT_KEY_CHARS_MAX: usize = 24;

/// How many relationships that are not the same are named; where there are more, their names would cover each other.
const NAMED_MAX: usize = 4;

/// One side of a neighbourhood.
pub(super) struct Drawing {
    pub(super) width: i32,
    pub(super) height: i32,
    /// What it shows, in a line.
    pub(super) title: String,
    /// What it shows, for who does not see it.
    pub(super) description: String,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
}

/// A node, as it is drawn.
pub(super) struct Node {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) middle: i32,
    /// Whether label and key stand in one line.
    pub(super) is_flat: bool,
    pub(super) class: &'static str,
    pub(super) is_centre: bool,
    pub(super) label: String,
    pub(super) key: String,
    /// What is shown where somebody points at it.
    pub(super) note: String,
}

/// One or more relationships between two nodes, as they are drawn.
pub(super) struct Edge {
    pub(super) path: String,
    pub(super) arrow: String,
    pub(super) class: &'static str,
    pub(super) name: Option<EdgeName>,
    pub(super) note: String,
}

/// The name of relationships, and where it stands.
pub(super) struct EdgeName {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) text: String,
}

/// Draws one side.
pub(super) fn draw(near: &Neighbourhood, sides: &Orientation, side: Side) -> Drawing {
    let (places, height) = places(&near.nodes);
    let nodes: Vec<Node> =
        near.nodes.iter().zip(&places).map(|(node, place)| drawn(node, *place, side)).collect();
    let is_missing = |node: &&NearNode| node.state != State::Outside && !is_there(node, side);
    let missing: Vec<String> = near.nodes.iter().filter(is_missing).map(called).collect();
    let here = sides.name(side);
    let description = match missing.as_slice() {
        [] => format!("{here} has all of these nodes."),
        missing => format!("{here} lacks {}.", missing.join(", ")),
    };
    Drawing {
        width: WIDTH,
        height,
        title: format!("Around {} {} in {here}", near.subject, near.key),
        description: format!("{} {description}", in_all(near)),
        nodes,
        edges: edges(near, &places, side),
    }
}

/// Returns what differs around a difference, a line each.
pub(super) fn in_words(near: &Neighbourhood, sides: &Orientation) -> Vec<String> {
    let state = |state: State, [left, right]: [u64; 2]| match state {
        State::OnlyLeft => Some(format!("only in {}", sides.left)),
        State::OnlyRight => Some(format!("only in {}", sides.right)),
        State::Differs if left != right => {
            Some(format!("{left}× in {}, {right}× in {}", sides.left, sides.right))
        }
        State::Differs => Some("differs".to_owned()),
        State::Same | State::Outside => None,
    };
    let nodes = near.nodes.iter().filter_map(|node| {
        let says = node.text.as_deref().map(|text| format!(" (“{text}”)")).unwrap_or_default();
        Some(format!("{}{says}: {}", called(node), state(node.state, [node.left, node.right])?))
    });
    let relationships = near.relationships.iter().filter_map(|link| {
        let (from, to) = (near.nodes.get(link.from)?, near.nodes.get(link.to)?);
        let state = state(link.state, [link.left, link.right])?;
        Some(format!("{} from {} to {}: {state}", link.rel, called(from), called(to)))
    });
    nodes.chain(relationships).collect()
}

fn in_all(near: &Neighbourhood) -> String {
    let same = near.nodes.iter().filter(|node| matches!(node.state, State::Same | State::Outside)).count();
    format!("{} nodes, {same} of them without a difference of their own.", near.nodes.len())
}

fn called(node: &NearNode) -> String {
    format!("{} {}", node.label, node.key)
}

fn is_there(node: &NearNode, side: Side) -> bool {
    match side {
        Side::Left => node.left > 0,
        Side::Right => node.right > 0,
    }
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    x: i32,
    y: i32,
    width: i32,
    height: i32,
    row: i32,
    rank: u8,
    is_flat: bool,
}

impl Place {
    const fn middle(self) -> i32 {
        self.x + self.width / 2
    }

    const fn bottom(self) -> i32 {
        self.y + self.height
    }
}

/// Returns where every node stands, and how high the drawing is.
fn places(nodes: &[NearNode]) -> (Vec<Place>, i32) {
    let mut ranks: BTreeMap<u8, Vec<usize>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        ranks.entry(rank(&node.label)).or_default().push(at);
    }
    let mut places = vec![Place::default(); nodes.len()];
    let (mut row, mut y) = (0, MARGIN);
    for (rank, mut of_rank) in ranks {
        of_rank.sort_by_key(|at| (slot(&nodes[*at].key), &nodes[*at].label, &nodes[*at].key));
        let is_flat = rank == VALUES;
        let (per_row, row_height) = if is_flat { (1, FLAT_ROW_HEIGHT) } else { (PER_ROW, ROW_HEIGHT) };
        let (width, height) =
            if is_flat { (WIDTH - 4 * GUTTER, FLAT_HEIGHT) } else { (NODE_WIDTH, NODE_HEIGHT) };
        for chunk in of_rank.chunks(per_row) {
            let count = i32::try_from(chunk.len()).unwrap_or(1);
            let begin = (WIDTH - count * width - (count - 1) * GAP) / 2;
            for (column, at) in (0..).zip(chunk) {
                places[*at] =
                    Place { x: begin + column * (width + GAP), y, width, height, row, rank, is_flat };
            }
            (row, y) = (row + 1, y + row_height);
        }
    }
    let bottom = places.iter().map(|place| place.bottom()).max().unwrap_or(0);
    (places, bottom + 8)
}

/// The rank of analyses.
const ANALYSES: u8 = 2;

/// The rank of what is no part of an interview.
const VALUES: u8 = 3;

fn rank(label: &str) -> u8 {
    match label {
        "Project" | "Interview" => 0,
        "Sentence" => 1,
        "Analysis" => ANALYSES,
        _ => VALUES,
    }
}

/// Sentences stand in their order, which their keys end in; what has another key stands behind.
fn slot(key: &str) -> u64 {
    key.rsplit('#').next().and_then(|number| number.parse().ok()).unwrap_or(u64::MAX)
}

fn drawn(node: &NearNode, place: Place, side: Side) -> Node {
    let is_there = is_there(node, side);
    let (class, sign, what) = match node.state {
        // It may well be there: what else leads to it is not looked at here.
        State::Outside if !is_there => ("unlinked", "", "nothing shown here leads to it on this side"),
        State::Outside => ("outside", "", "compared on its own"),
        _ if !is_there => ("missing", "− ", "missing here"),
        State::OnlyLeft | State::OnlyRight => ("only", "+ ", "only here"),
        State::Differs => ("differs", "≠ ", "differs"),
        State::Same => ("same", "", "the same on both sides"),
    };
    let says = node.text.as_deref().map(|text| format!(" “{text}”")).unwrap_or_default();
    let key = node.key.trim_matches('"');
    let chars_max = if place.is_flat { FLAT_KEY_CHARS_MAX } else { KEY_CHARS_MAX };
    let cut = match key.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", key[..end].trim_end()),
        None => key.to_owned(),
    };
    Node {
        x: place.x,
        y: place.y,
        width: place.width,
        height: place.height,
        middle: place.middle(),
        is_flat: place.is_flat,
        class,
        is_centre: node.is_centre,
        label: format!("{sign}{}", node.label),
        key: cut,
        note: format!("{}{says}: {what}", called(node)),
    }
}

/// Draws the relationships: those of a direction between two nodes that look alike are one line.
fn edges(near: &Neighbourhood, places: &[Place], side: Side) -> Vec<Edge> {
    let mut groups: BTreeMap<(usize, usize, &'static str), (Vec<&str>, bool)> = BTreeMap::new();
    for link in &near.relationships {
        if link.from >= places.len() || link.to >= places.len() || link.from == link.to {
            continue;
        }
        let is_there = if side == Side::Left { link.left > 0 } else { link.right > 0 };
        let class = match link.state {
            _ if !is_there => "missing",
            State::OnlyLeft | State::OnlyRight => "only",
            State::Differs => "differs",
            State::Same | State::Outside => "same",
        };
        let group = groups.entry((link.from, link.to, class)).or_default();
        group.0.push(&link.rel);
        group.1 |= link.is_centre;
    }
    let unlike = groups.keys().filter(|(_, _, class)| *class != "same").count();
    let mut between: BTreeMap<(usize, usize), i32> = BTreeMap::new();
    let mut drawn = Vec::new();
    for (number, ((from, to, class), (rels, is_centre))) in (0..).zip(&groups) {
        let lines = between.entry((*from.min(to), *from.max(to))).or_default();
        let line = Line::between(places[*from], places[*to], *lines, class);
        *lines += 1;
        let is_named = *is_centre || (*class != "same" && unlike <= NAMED_MAX);
        let text = match rels.as_slice() {
            [one] => (*one).to_owned(),
            [first, ..] => format!("{first} +{}", rels.len() - 1),
            [] => String::new(),
        };
        // A character is some six units wide; the name stays inside of the drawing.
        let half = i32::try_from(text.chars().count()).unwrap_or(0) * 3 + 2;
        let (x, y) = line.point(if number % 2 == 0 { 42 } else { 62 });
        let name = is_named.then(|| EdgeName { x: x.clamp(half, (WIDTH - half).max(half)), y, text });
        let (from, to) = (called(&near.nodes[*from]), called(&near.nodes[*to]));
        let what = match *class {
            "missing" => "missing here",
            "only" => "only here",
            "differs" => "differs",
            _ => "the same on both sides",
        };
        drawn.push(Edge {
            path: line.path(),
            arrow: line.arrow(),
            class,
            name,
            note: format!("{} from {from} to {to}: {what}", rels.join(", ")),
        });
    }
    // What is the same lies below the rest.
    drawn.sort_by_key(|edge| edge.class != "same");
    drawn
}

/// A line between two nodes: straight from a row to the next one, an arc above a row, and with corners where it goes round.
struct Line {
    points: Vec<(i32, i32)>,
    /// What an arc is drawn to.
    bend: Option<(i32, i32)>,
    name_at: Option<(i32, i32)>,
}

impl Line {
    /// Draws the line of that number between two nodes.
    fn between(from: Place, to: Place, number: i32, class: &str) -> Self {
        if from.y > to.y || (from.is_flat && !to.is_flat) {
            let mut line = Self::between(to, from, number, class);
            line.points.reverse();
            return line;
        }
        let aside = number * 12;
        let (from_x, to_x) = (from.middle() + aside, to.middle() + aside);
        if from.row == to.row {
            let bend = Some(((from_x + to_x) / 2, from.y - 26 - aside));
            return Self { points: vec![(from_x, from.y), (to_x, to.y)], bend, name_at: None };
        }
        // What is alike shares a way, what is not goes beside it.
        let lane = match class {
            "same" => 0,
            "missing" => 5,
            _ => 10,
        };
        let name_at = Some((to.middle(), to.y - 4));
        if to.is_flat && !from.is_flat {
            // An analysis has its way on the left, a sentence on the right: the analysis stands between.
            let is_left = from.rank == ANALYSES;
            let (turn, end) =
                if is_left { (GUTTER + lane, to.x) } else { (WIDTH - GUTTER - lane, to.x + to.width) };
            let (below, middle) = (from.bottom() + 8 + lane / 2, to.y + to.height / 2);
            let points =
                vec![(from_x, from.bottom()), (from_x, below), (turn, below), (turn, middle), (end, middle)];
            return Self { points, bend: None, name_at };
        }
        let (begin, end) = ((from_x, from.bottom()), (to_x, to.y));
        if to.row == from.row + 1 {
            return Self { points: vec![begin, end], bend: None, name_at: None };
        }
        let (turn, below, above) = (4 + lane, from.bottom() + 20 + lane / 2, to.y - 12 - lane / 2);
        let points = vec![begin, (from_x, below), (turn, below), (turn, above), (to_x, above), end];
        Self { points, bend: None, name_at }
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for (number, (x, y)) in self.points.iter().enumerate() {
            path += &match (number, self.bend) {
                (0, _) => format!("M{x} {y}"),
                (_, Some((bend_x, bend_y))) => format!("Q{bend_x} {bend_y} {x} {y}"),
                (_, None) => format!("L{x} {y}"),
            };
        }
        path
    }

    /// Returns where the name of the line stands, so many hundredths along the way where that is free.
    fn point(&self, hundredths: i32) -> (i32, i32) {
        let mix = |a: (i32, i32), b: (i32, i32)| {
            (a.0 + (b.0 - a.0) * hundredths / 100, a.1 + (b.1 - a.1) * hundredths / 100)
        };
        let (begin, end) = (self.points[0], self.points[self.points.len() - 1]);
        match (self.name_at, self.bend) {
            (Some(place), _) => place,
            (None, Some(bend)) => mix(mix(begin, bend), mix(bend, end)),
            (None, None) => mix(begin, end),
        }
    }

    /// Returns the triangle at the end, as the points of a polygon.
    fn arrow(&self) -> String {
        let (x, y) = self.points[self.points.len() - 1];
        let (from_x, from_y) = self.bend.unwrap_or(self.points[self.points.len() - 2]);
        let (dx, dy) = (f64::from(x - from_x), f64::from(y - from_y));
        let length = dx.hypot(dy).max(1.0);
        let (dx, dy) = (dx / length, dy / length);
        let at = |back: f64, aside: f64| {
            format!(
                "{:.1},{:.1}",
                f64::from(x) - back * dx + aside * dy,
                f64::from(y) - back * dy - aside * dx
            )
        };
        format!("{x},{y} {} {}", at(8.0, 4.0), at(8.0, -4.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn near() -> (Neighbourhood, Orientation) {
        let check = testing::run_result().scenarios[0].checks[0].clone();
        (check.neighbourhoods[0].clone(), check.sides)
    }

    fn classes(drawing: &Drawing) -> Vec<&str> {
        drawing.nodes.iter().map(|node| node.class).collect()
    }

    #[test]
    fn what_a_side_lacks_is_an_outline_there_and_marked_on_the_other_side() {
        let (near, sides) = near();
        let (left, right) = (draw(&near, &sides, Side::Left), draw(&near, &sides, Side::Right));
        assert_eq!(classes(&left), ["only", "same", "same", "differs", "only", "outside"]);
        assert_eq!(classes(&right), ["missing", "same", "same", "differs", "missing", "unlinked"]);
        assert!(right.description.ends_with("projected lacks Sentence #12, Analysis of #12."));
        assert!(left.description.ends_with("direct has all of these nodes."));
    }

    #[test]
    fn both_sides_have_one_layout_in_which_no_node_covers_another_or_leaves_the_drawing() {
        let (near, sides) = near();
        let (left, right) = (draw(&near, &sides, Side::Left), draw(&near, &sides, Side::Right));
        let corners =
            |drawing: &Drawing| drawing.nodes.iter().map(|node| (node.x, node.y)).collect::<Vec<_>>();
        assert_eq!(corners(&left), corners(&right));
        for (number, node) in left.nodes.iter().enumerate() {
            assert!(node.x >= 0 && node.x + node.width <= left.width, "{}", node.note);
            assert!(node.y >= 0 && node.y + node.height <= left.height, "{}", node.note);
            let covers = |other: &&Node| {
                (node.x - other.x).abs() < node.width && (node.y - other.y).abs() < node.height
            };
            assert!(!left.nodes[number + 1..].iter().any(|other| covers(&other)), "{}", node.note);
        }
    }

    #[test]
    fn sentences_stand_in_their_order() {
        let (near, sides) = near();
        let drawing = draw(&near, &sides, Side::Left);
        let mut sentences: Vec<&Node> =
            drawing.nodes.iter().filter(|node| node.label.ends_with("Sentence")).collect();
        sentences.sort_by_key(|node| node.x);
        assert_eq!(sentences.iter().map(|node| node.key.as_str()).collect::<Vec<_>>(), ["#11", "#12", "#13"]);
    }

    #[test]
    fn every_difference_is_told_in_words_too() {
        let (near, sides) = near();
        let words = in_words(&near, &sides);
        assert_eq!(words[0], "Sentence #12 (“We are go, and so is the <booster>.”): only in direct");
        assert!(
            words.contains(&"NEXT_SENTENCE from Sentence #11 to Sentence #13: only in projected".to_owned())
        );
        assert_eq!(words.len(), 3 + 6);
    }
}
