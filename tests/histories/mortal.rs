//! Work of an instance that can be killed at any point where it waits.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The life of one instance of the app: all its work ends with it.
#[derive(Debug, Default)]
pub struct Life {
    pendings: Cell<u64>,
    ends_at: Cell<Option<u64>>,
    is_over: Cell<bool>,
    polls: Cell<u64>,
}

/// Many times more than any instance polls its work in a history: one that does is busy with nothing, while no time passes.
const MOST_POLLS: u64 = 300_000;

impl Life {
    /// Whether it has ended because its work was busy without end.
    pub fn has_spun(&self) -> bool {
        self.polls.get() > MOST_POLLS
    }

    /// Ends at the so many-th time from now that any of its work waits for something.
    pub fn end_after(&self, pendings: u64) {
        let end = self.pendings.get() + pendings.max(1);
        self.ends_at.set(Some(self.ends_at.get().map_or(end, |earlier| earlier.min(end))));
    }

    /// Does not end any more.
    pub fn go_on(&self) {
        self.ends_at.set(None);
    }

    pub fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Counts a wait; whether it was the last.
    fn waited(&self) -> bool {
        self.pendings.set(self.pendings.get() + 1);
        if self.ends_at.get().is_some_and(|end| self.pendings.get() >= end) {
            self.is_over.set(true);
        }
        self.is_over.get()
    }
}

/// One piece of work, dropped where it stands when its instance's life is over; `None` then.
pub struct Mortal<T> {
    life: Rc<Life>,
    work: Option<Pin<Box<dyn Future<Output = T>>>>,
}

impl<T> Mortal<T> {
    pub fn new(life: &Rc<Life>, work: impl Future<Output = T> + 'static) -> Self {
        Self { life: life.clone(), work: Some(Box::pin(work)) }
    }

    pub fn is_of(&self, life: &Rc<Life>) -> bool {
        Rc::ptr_eq(&self.life, life)
    }
}

impl<T> Future for Mortal<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if self.life.is_over() {
            self.work = None;
            return Poll::Ready(None);
        }
        self.life.polls.set(self.life.polls.get() + 1);
        if self.life.has_spun() {
            self.life.is_over.set(true);
        }
        let Some(work) = &mut self.work else { return Poll::Ready(None) };
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if self.life.waited() => {
                self.work = None;
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
