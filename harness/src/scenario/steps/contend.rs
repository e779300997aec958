//! Two people who write the same at the same time, each by a process of their own: what the one writes is on its way until the other has
//! written. So whoever began first comes last, in the direct graph; the events have to say the same.

use cutover_service::pipeline::RequestContext;

use super::late::Late;
use super::write::PERSON;
use super::{StepError, World, disturbed};
use crate::model::Action;
use crate::scenario::run::Findings;
use crate::scenario::step::Over;
use crate::workload::people::Personal;

impl World<'_> {
    /// Has two people work on each of so many sentences.
    pub(super) async fn contend(
        &mut self,
        sentences: u32,
        over: Over,
        findings: &mut Findings,
    ) -> Result<(), StepError> {
        for _ in 0..sentences {
            let Some([slow, quick]) = self.people.contend(&self.files, &self.model, over) else { break };
            let slow = Late::on_their_way(self, vec![slow]).await?;
            self.by_another_process(quick).await?;
            slow.arrive(self, findings).await?;
        }
        Ok(())
    }

    /// Has a process of its own write something, which stays in the outbox.
    async fn by_another_process(&mut self, Personal { interview, edit }: Personal) -> Result<(), StepError> {
        let direct = disturbed(&self.direct, super::DIRECT, &self.injector, self.defect.as_ref());
        let pipeline = self.another_pipeline(direct, self.log.clone());
        pipeline.execute(interview, edit.clone(), &RequestContext::human(PERSON)).await?;
        self.model.apply(&Action::Edit { interview, edit, by: Some(PERSON.into()) });
        Ok(())
    }
}
