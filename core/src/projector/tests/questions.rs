//! What the graph is asked, and what it need not be asked.

use super::*;

#[test]
fn a_sentence_goes_with_the_creation_of_its_interview_and_nothing_is_asked() {
    let mut rig = Rig::new();
    rig.hand_in(recorded((i(0), 0), interview(0)), false);
    rig.hand_in(recorded((s(0, 0), 0), interview(0)), false);
    rig.run();
    rig.check_applied(&[(i(0), 0), (s(0, 0), 0)]);
    assert_eq!((rig.asked, rig.projector.metrics().counters.batches), (vec![], 1));
}

#[test]
fn an_interview_of_which_only_a_failing_event_is_known_is_asked_for_before_its_sentences_go_on() {
    let mut rig = restarted(started());
    rig.graph.poison.insert((i(0), 1));
    rig.deliver(i(0), 1);
    assert_eq!(rig.counters().failed, 1);
    rig.deliver(s(0, 1), 0);
    assert_eq!(rig.asked, [i(0)], "whether its creation is there has not been tested");
    rig.check_applied(&[(s(0, 1), 0)]);
    assert_eq!(rig.now, 0, "it does not wait for the failing event");
}

#[test]
fn whether_the_interview_of_a_sentence_exists_is_not_asked_when_the_sentence_does() {
    let mut rig = restarted(started());
    rig.hand_in(undecodable((s(0, 0), 0)), false);
    rig.run();
    assert_eq!((&rig.acked[..], &rig.asked[..]), (&[(s(0, 0), 0)][..], &[s(0, 0)][..]));
    rig.deliver(s(0, 0), 1);
    rig.check_applied(&[(s(0, 0), 1)]);
    assert_eq!(rig.asked, [s(0, 0)]);
}

#[test]
fn what_is_missing_is_asked_for_in_time_though_a_later_timer_is_set() {
    let mut rig = restarted(started());
    rig.hand_in(recorded((s(0, 0), 1), interview(0)), false);
    for _ in 0..4 {
        rig.collect();
        assert_eq!(rig.locates.pop_front(), Some(sentence(0, 0)));
        rig.projector.handle(rig.now, Input::LocateFailed { sentence: sentence(0, 0) });
        rig.collect();
        if rig.locates.is_empty() && rig.wake_at.is_some_and(|at| at < rig.now + 8_000) {
            rig.wake();
        }
    }
    assert_eq!(rig.wake_at, Some(rig.now + 8_000), "the event store is to be asked again in 8 s");
    rig.projector.handle(rig.now, Input::Located { sentence: sentence(0, 0), interview: Some(interview(0)) });
    rig.deliver(s(0, 0), 3);
    rig.check_applied(&[(s(0, 0), 1)]);
    rig.graph.current.insert(s(0, 0), 2);
    rig.pass(1_000);
    rig.check_applied(&[(s(0, 0), 1), (s(0, 0), 3)]);
}
