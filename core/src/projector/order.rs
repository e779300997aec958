//! The strict guard, as the projector foresees it: of each aggregate, version v goes only on top of v - 1.
//!
//! The guard itself is part of the database transaction. A [`Position`] is what the projector knows or assumes about it, so
//! that a batch fits at the first attempt; where it was wrong, the database's answer corrects it.

/// How sure a [`Position`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certainty {
    /// Nothing is known: the first version to come is assumed to be the next one.
    Unknown,
    /// Assumed from a version that came, not yet confirmed by a commit.
    Assumed,
    /// Told by the database.
    Confirmed,
}

/// What is to be done with a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the next one.
    Next,
    /// It is committed already.
    Duplicate,
    /// It is queued or under way already.
    UnderWay,
    /// It comes before an assumption that what is under way will confirm or correct.
    Unsettled,
    /// It comes too early: that version is missing.
    Early {
        /// The version that must come first.
        missing: u64,
    },
}

/// Where an aggregate stands: `next - under_way` versions are committed, then `under_way` ones are queued or in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    next: u64,
    under_way: u32,
    certainty: Certainty,
}

impl Position {
    /// Nothing is known yet.
    pub(super) const UNKNOWN: Self = Self { next: 0, under_way: 0, certainty: Certainty::Unknown };

    /// Returns the next version to be queued.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Returns how sure it is.
    pub(super) const fn certainty(&self) -> Certainty {
        self.certainty
    }

    /// Returns whether nothing is queued or in a batch.
    pub(super) const fn is_settled(&self) -> bool {
        self.under_way == 0
    }

    /// Returns whether version 0 is committed, or will be before anything that is queued from now on in the same lane: an
    /// assumption counts only while a guard is on its way that will test it. A removed aggregate has existed, too.
    pub(super) const fn exists(&self) -> bool {
        let is_tested = matches!(self.certainty, Certainty::Confirmed) || self.under_way > 0;
        is_tested && self.next > 0
    }

    /// Returns whether the database has said that version 0 is committed.
    pub(super) const fn is_known_to_exist(&self) -> bool {
        matches!(self.certainty, Certainty::Confirmed) && self.next > self.under_way as u64
    }

    /// Returns what is to be done with a version.
    pub(super) const fn judge(&self, version: u64) -> Verdict {
        if matches!(self.certainty, Certainty::Unknown) || version == self.next {
            return Verdict::Next;
        }
        if version > self.next {
            return Verdict::Early { missing: self.next };
        }
        if version >= self.next - self.under_way as u64 {
            return Verdict::UnderWay;
        }
        match self.certainty {
            Certainty::Confirmed => Verdict::Duplicate,
            // An assumption that nothing is based on yet gives way to an earlier version.
            _ if self.under_way == 0 => Verdict::Next,
            _ => Verdict::Unsettled,
        }
    }

    /// Takes note that a version that is [`Verdict::Next`] was queued.
    pub(super) fn queue(&mut self, version: u64) {
        debug_assert_eq!(self.judge(version), Verdict::Next, "version {version} on {self:?}");
        self.assume(version);
        self.next = version + 1;
        self.under_way += 1;
    }

    /// Assumes that a version that is [`Verdict::Next`] is the next one, without queueing it.
    pub(super) const fn assume(&mut self, version: u64) {
        if !matches!(self.certainty, Certainty::Confirmed) {
            self.certainty = Certainty::Assumed;
            self.next = version;
        }
    }

    /// Takes note that a version was committed: the earliest one under way.
    pub(super) fn commit(&mut self, version: u64) {
        debug_assert!(self.under_way > 0, "version {version} was under way");
        debug_assert_eq!(version, self.next - u64::from(self.under_way), "versions are committed in order");
        self.under_way -= 1;
        self.certainty = Certainty::Confirmed;
    }

    /// Takes note that a version is no longer queued. All later ones that are must be taken back, too.
    pub(super) fn take_back(&mut self, version: u64) {
        debug_assert!(self.under_way > 0, "version {version} was under way");
        self.under_way -= 1;
        self.next = self.next.min(version);
    }

    /// Takes over what the database says, when nothing is under way. What is confirmed never goes back, because versions do
    /// not: then the answer is older than a commit.
    pub(super) fn correct(&mut self, current: Option<u64>) {
        debug_assert!(self.is_settled(), "nothing may be under way when a position is corrected");
        let next = current.map_or(0, |version| version + 1);
        if self.certainty != Certainty::Confirmed || next > self.next {
            self.next = next;
        }
        self.certainty = Certainty::Confirmed;
    }

    /// Takes over what the database said when it refused a batch: the truth, whatever was believed.
    pub(super) fn overrule(&mut self, current: Option<u64>) {
        self.certainty = Certainty::Assumed;
        self.correct(current);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn at(current: Option<u64>) -> Position {
        let mut position = Position::UNKNOWN;
        position.correct(current);
        position
    }

    #[test]
    fn a_version_goes_only_on_top_of_the_one_before_it() {
        let position = at(Some(4));
        assert_eq!(position.judge(4), Verdict::Duplicate);
        assert_eq!(position.judge(5), Verdict::Next);
        assert_eq!(position.judge(6), Verdict::Early { missing: 5 });
    }

    #[test]
    fn what_is_not_known_is_assumed_to_fit() {
        let mut position = Position::UNKNOWN;
        assert_eq!(position.judge(7), Verdict::Next);
        position.queue(7);
        assert_eq!(position.judge(7), Verdict::UnderWay);
        assert_eq!(position.judge(8), Verdict::Next);
        assert_eq!(position.judge(6), Verdict::Unsettled);
    }

    #[test]
    fn a_commit_settles_what_was_assumed() {
        let mut position = Position::UNKNOWN;
        position.queue(7);
        position.commit(7);
        assert_eq!(position.judge(6), Verdict::Duplicate);
    }

    #[test]
    fn an_assumption_without_consequences_gives_way_to_an_earlier_version() {
        let mut position = Position::UNKNOWN;
        position.queue(7);
        position.take_back(7);
        assert_eq!(position.judge(3), Verdict::Next);
        assert_eq!(position.judge(8), Verdict::Early { missing: 7 });
    }

    #[test]
    fn an_old_answer_does_not_take_back_a_commit() {
        let mut position = at(Some(4));
        position.queue(5);
        position.commit(5);
        position.correct(Some(4));
        assert_eq!(position.judge(5), Verdict::Duplicate);
    }

    #[test]
    fn a_refusal_overrules_whatever_was_believed() {
        let mut position = at(Some(9));
        position.overrule(Some(4));
        assert_eq!(position.judge(5), Verdict::Next);
    }
}
