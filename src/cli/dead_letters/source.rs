//! Where dead letters lie, container or queue, and what is taken from there.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use super::Chosen;
use crate::cli::compose::Connected;
use crate::config::DeadLettersUrl;
use crate::error::Error;
use crate::queue::{Queue, Waiting};
use crate::storage::{Container, Item};

/// How many messages are looked at at once.
const AT_ONCE: usize = 32;

/// Where dead letters lie.
pub(super) enum Source {
    Container(Container),
    Queue(Queue),
}

/// A dead letter.
pub(super) struct Letter {
    /// The document's name or the message's id.
    pub(super) id: String,
    /// Since when it lies there.
    pub(super) since: Option<OffsetDateTime>,
    /// What stands in it; absent where it could not be had.
    pub(super) text: Result<Vec<u8>, Error>,
    /// What holds a message, while it is hidden from others.
    waiting: Option<Waiting>,
}

/// What of a source is to be had, one after the other.
pub(super) struct Letters<'a> {
    source: &'a Source,
    chosen: &'a Chosen,
    /// Of a container: what is still to be read, the first last.
    left: Vec<Item>,
    /// Of a queue: what was taken out and not looked at yet, the first last.
    taken: Vec<Waiting>,
    /// What was had. What is kept in a queue comes back when it was hidden long enough.
    seen: BTreeSet<String>,
    /// Of a queue: what was taken out and is to be kept there.
    kept: Vec<Waiting>,
}

impl Source {
    pub(super) fn open(url: &DeadLettersUrl, connected: &Connected) -> Self {
        let Connected { transport, platform } = connected;
        match url {
            DeadLettersUrl::Container(url) => Self::Container(Container::open(url, platform, transport)),
            DeadLettersUrl::Queue(url) => Self::Queue(Queue::open(url, platform, transport)),
        }
    }

    /// Begins with what was chosen.
    pub(super) async fn letters<'a>(&'a self, chosen: &'a Chosen) -> Result<Letters<'a>, Error> {
        let mut left = match self {
            Self::Container(container) => container.list("").await?,
            Self::Queue(_) => Vec::new(),
        };
        left.retain(|item| chosen.wants(&item.name));
        left.reverse();
        Ok(Letters { source: self, chosen, left, taken: Vec::new(), seen: BTreeSet::new(), kept: Vec::new() })
    }

    /// Removes a letter that is done with.
    pub(super) async fn delete(&self, letter: &Letter) -> Result<(), Error> {
        match (self, &letter.waiting) {
            (Self::Queue(queue), Some(waiting)) => queue.delete(waiting).await,
            (Self::Container(container), _) => container.delete(&letter.id).await,
            (Self::Queue(_), None) => Ok(()),
        }
    }
}

impl Letters<'_> {
    /// How many there are to come, where that is known.
    pub(super) fn count(&self) -> Option<usize> {
        match (self.source, self.chosen) {
            (Source::Container(_), _) => Some(self.left.len()),
            (Source::Queue(_), Chosen::Named(ids)) => Some(ids.len()),
            (Source::Queue(_), _) => None,
        }
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Result<Option<Letter>, Error> {
        match self.source {
            Source::Container(container) => Ok(self.next_document(container).await),
            Source::Queue(queue) => self.next_message(queue).await,
        }
    }

    async fn next_document(&mut self, container: &Container) -> Option<Letter> {
        while let Some(Item { name, modified }) = self.left.pop() {
            // Somebody else may have taken it away meanwhile.
            if let Some(text) = container.get(&name).await.transpose() {
                self.seen.insert(name.clone());
                return Some(Letter { id: name, since: modified, text, waiting: None });
            }
        }
        None
    }

    async fn next_message(&mut self, queue: &Queue) -> Result<Option<Letter>, Error> {
        // What is worked on is taken out one by one, so that none is hidden for longer than the work on one may take.
        let at_once = if matches!(self.chosen, Chosen::All) { 1 } else { AT_ONCE };
        loop {
            if self.has_all_wanted() {
                return Ok(None);
            }
            if self.taken.is_empty() {
                self.taken = queue.take(at_once).await?;
                self.taken.reverse();
            }
            let Some(waiting) = self.taken.pop() else { return Ok(None) };
            if self.seen.contains(&waiting.id) {
                // It was hidden, and is back: what was not looked at yet would have come before it.
                self.kept.push(waiting);
                return Ok(None);
            }
            if !self.chosen.wants(&waiting.id) {
                self.kept.push(waiting);
                continue;
            }
            self.seen.insert(waiting.id.clone());
            let (id, since, text) = (waiting.id.clone(), waiting.since, Ok(waiting.text.clone().into_bytes()));
            return Ok(Some(Letter { id, since, text, waiting: Some(waiting) }));
        }
    }

    fn has_all_wanted(&self) -> bool {
        matches!(self.chosen, Chosen::Named(ids) if ids.is_subset(&self.seen))
    }

    /// Leaves a letter where it is.
    pub(super) fn keep(&mut self, letter: Letter) {
        self.kept.extend(letter.waiting);
    }

    /// Ends, and answers the names that were wanted and are not there. Others see again what is kept; what cannot be shown to them now
    /// comes back by itself.
    pub(super) async fn end(self) -> Vec<String> {
        if let Source::Queue(queue) = self.source {
            for waiting in self.kept.iter().chain(&self.taken) {
                let _ = queue.release(waiting).await;
            }
        }
        match self.chosen {
            Chosen::Named(ids) => ids.difference(&self.seen).cloned().collect(),
            Chosen::None | Chosen::All => Vec::new(),
        }
    }
}
