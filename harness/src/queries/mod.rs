//! The readers' own queries, put to both graphs: their answers are what must not change.
//!
//! The main function is [`ask_all`], which comes to a scenario's result like any other, with a check for each query; the verdict follows from it
//! in the same way. It needs servers that know Cypher: the graph in memory does not.
//!
//! | file | what it answers for |
//! |---|---|
//! | `file`, `cypher` | what a query file says; where in a text of Cypher its words are |
//! | `load` | the queries that come with the program, folders of one's own |
//! | `draw` | the values that a parameter is drawn from |
//! | `answer` | an answer, in bounded memory |
//! | `compare` | two answers, without I/O |
//! | `parity` | all queries on both graphs, which may be written to meanwhile |

mod answer;
mod compare;
mod cypher;
mod draw;
mod file;
mod load;
mod parity;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use cutover_engines::graph::{AnswerRow, AskError, Neo4jGraph, Question};

pub use answer::AnswerLimits;
pub use file::{Mistake, ReaderQuery};
pub use load::{Catalogue, QueryError};
pub use parity::{Asking, Readers, SCENARIO, ask_all};

/// Answers questions in Cypher.
#[async_trait]
pub trait Ask: Send + Sync {
    /// Asks a question, and hands over the rows of the answer as they come. Nothing can be changed by it.
    ///
    /// # Errors
    ///
    /// [`AskError`] when there is no whole answer.
    async fn ask(
        &self,
        question: Question<'_>,
        each: &mut (dyn FnMut(AnswerRow) + Send),
    ) -> Result<(), AskError>;
}

#[async_trait]
impl Ask for Neo4jGraph {
    async fn ask(
        &self,
        question: Question<'_>,
        each: &mut (dyn FnMut(AnswerRow) + Send),
    ) -> Result<(), AskError> {
        Neo4jGraph::ask(self, question, each).await
    }
}
