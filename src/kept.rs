//! What is kept for a while, each tenant's in a cell of its own, and no more of it than a bound.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;
use tokio::sync::OnceCell;

use crate::scope::Guid;

/// Cells by tenant. The one that was asked for longest ago goes first, so that a tenant with much to do keeps its own beside many that have
/// little.
pub(crate) struct Kept<T> {
    lifetime: time::Duration,
    most: usize,
    open: Mutex<Open<T>>,
}

struct Open<T> {
    asked: u64,
    cells: BTreeMap<Guid, Cell<T>>,
}

struct Cell<T> {
    since: OffsetDateTime,
    /// Which question was the last that this one answered.
    used: u64,
    cell: Arc<OnceCell<T>>,
}

impl<T> Kept<T> {
    pub const fn new(lifetime: time::Duration, most: usize) -> Self {
        Self { lifetime, most, open: Mutex::new(Open { asked: 0, cells: BTreeMap::new() }) }
    }

    /// A tenant's cell, full or empty. All who ask for it while it is kept share it, and so fill it once.
    pub fn cell(&self, tenant: Guid, now: OffsetDateTime) -> Arc<OnceCell<T>> {
        let mut open = self.open();
        let Open { asked, cells } = &mut *open;
        cells.retain(|_, kept| now - kept.since < self.lifetime);
        if !cells.contains_key(&tenant) && cells.len() >= self.most {
            let idle = cells.iter().min_by_key(|(_, kept)| kept.used).map(|(tenant, _)| *tenant);
            idle.map(|idle| cells.remove(&idle));
        }
        let kept = cells.entry(tenant).or_insert_with(|| Cell { since: now, used: 0, cell: Arc::default() });
        *asked += 1;
        kept.used = *asked;
        kept.cell.clone()
    }

    /// Drops a tenant's cell where this holds for what is in it: it may be another than the caller's by now.
    pub fn forget_if(&self, tenant: Guid, holds: impl Fn(&T) -> bool) {
        let mut open = self.open();
        if open.cells.get(&tenant).and_then(|kept| kept.cell.get()).is_some_and(holds) {
            open.cells.remove(&tenant);
        }
    }

    /// Drops a tenant's cell; those who hold it keep it.
    pub fn forget(&self, tenant: Guid) {
        self.open().cells.remove(&tenant);
    }

    fn open(&self) -> MutexGuard<'_, Open<T>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 10:00 UTC);
    const MOST: usize = 500;

    fn tenant(number: u128) -> Guid {
        Guid::from_uuid(Uuid::from_u128(number))
    }

    fn full() -> Kept<u128> {
        let kept = Kept::new(Duration::minutes(10), MOST);
        (0..500).for_each(|number| fill(&kept, number));
        kept
    }

    fn fill(kept: &Kept<u128>, number: u128) {
        kept.cell(tenant(number), NOW).set(number).expect("nobody else fills it");
    }

    fn is_kept(kept: &Kept<u128>, number: u128) -> bool {
        kept.open().cells.contains_key(&tenant(number))
    }

    #[test]
    fn of_more_than_the_bound_the_one_that_was_asked_for_longest_ago_goes() {
        let kept = full();
        assert_eq!(kept.cell(tenant(0), NOW).get(), Some(&0), "asked for again");
        fill(&kept, 500);
        assert!(is_kept(&kept, 0) && !is_kept(&kept, 1) && is_kept(&kept, 2) && is_kept(&kept, 500));
        (501..5000).for_each(|number| {
            fill(&kept, number);
            assert_eq!(kept.cell(tenant(0), NOW).get(), Some(&0), "who is asked for much stays");
        });
        assert_eq!(kept.open().cells.len(), MOST);
    }

    #[test]
    fn who_is_there_already_drives_nobody_out() {
        let kept = full();
        for number in (0..500).rev() {
            assert_eq!(kept.cell(tenant(number), NOW).get(), Some(&number));
        }
        assert_eq!(kept.open().cells.len(), MOST);
    }

    #[test]
    fn only_what_is_meant_is_dropped() {
        let kept = full();
        kept.forget_if(tenant(0), |number| *number == 1);
        assert!(is_kept(&kept, 0), "somebody else's");
        kept.forget_if(tenant(0), |number| *number == 0);
        assert!(!is_kept(&kept, 0));
        let empty = kept.cell(tenant(0), NOW);
        kept.forget_if(tenant(0), |_| true);
        assert!(is_kept(&kept, 0) && empty.get().is_none(), "what is being opened just now is nobody's yet");
    }

    #[test]
    fn what_is_asked_for_lives_no_longer() {
        let kept = full();
        let later = NOW + Duration::minutes(9);
        assert_eq!(kept.cell(tenant(0), later).get(), Some(&0));
        assert_eq!(kept.cell(tenant(0), NOW + Duration::minutes(10)).get(), None);
        assert_eq!(kept.open().cells.len(), 1, "all were too old");
        kept.forget(tenant(0));
        assert_eq!(kept.open().cells.len(), 0);
    }
}
