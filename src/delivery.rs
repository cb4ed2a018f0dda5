//! One delivery of an input, and how long it may be worked on.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::error::{Code, Error};
use crate::net::Invocation;

/// How long an invocation works. Event Grid waits 30 seconds for an answer.
pub const DEADLINE: Duration = Duration::from_secs(25);
/// What is kept after the deadline for publishing or putting back.
pub(crate) const GRACE: Duration = Duration::from_secs(4);

/// How a delivery came, which says whether it may be turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By itself: while it is worked on, it holds one of the places that its instance has.
    Alone,
    /// Among others, side by side, which have one place together.
    InBatch,
    /// From somebody who waits for the answer.
    ByHand,
}

/// One delivery's right to work.
#[derive(Clone, Copy, Debug)]
pub struct Delivery {
    /// The invocation's id; it seeds the ids of its calls.
    pub id: Uuid,
    /// When the work has to end.
    pub deadline: Instant,
    /// How it came.
    pub way: Way,
}

impl Delivery {
    /// A delivery that begins now.
    #[must_use]
    pub fn starting(id: Uuid) -> Self {
        Self::within(id, DEADLINE + GRACE)
    }

    /// A delivery that begins now and has to be answered within this time, where that is less than what is usual.
    #[must_use]
    pub fn within(id: Uuid, time: Duration) -> Self {
        Self { id, deadline: Instant::now() + time.saturating_sub(GRACE).min(DEADLINE), way: Way::Alone }
    }

    /// The same, for somebody who waits for the answer.
    #[must_use]
    pub const fn by_hand(self) -> Self {
        Self { way: Way::ByHand, ..self }
    }

    /// The same, as one of several that have one place together.
    #[must_use]
    pub const fn in_batch(self) -> Self {
        Self { way: Way::InBatch, ..self }
    }

    /// Runs work that belongs to the delivery but to none of its inputs, such as finding out who sent it, under its deadline.
    ///
    /// # Errors
    /// Those of the work, and `DeadlineReached`.
    pub async fn run<T>(self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let id = Uuid::new_v5(&self.id, b"sender");
        let (result, _) = Invocation::new(id, self.deadline).run(work).await;
        result.unwrap_or_else(|| Err(Error::new(Code::DeadlineReached, "the invocation's time ran out")))
    }

    /// The delivery of one of several inputs: its calls have ids of their own.
    #[must_use]
    pub fn part(self, position: usize) -> Self {
        if position == 0 { self } else { Self { id: Uuid::new_v5(&self.id, &position.to_be_bytes()), ..self } }
    }
}
