//! Webhook keys: a secret delivery header, for senders that cannot sign in to Entra.
//!
//! A key stands in the secret store under `ispm-onboarder-webhook-{name}`, with the tenants that its sender may name. Two can be valid at
//! once, so that one is exchanged without a gap.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};

use super::{Caller, Tenants, Who, not_authenticated};
use crate::clock::Clock;
use crate::error::{Code, Error};
use crate::scope::Guid;
use crate::secrets::SecretStore;
use crate::tenant::SecretName;

/// The header in which a sender gives its key, as `NAME:KEY`.
pub const KEY_HEADER: &str = "x-ispm-onboarder-key";

/// How long a key that fits is taken without reading it again: a key that was withdrawn is refused within this time.
const LIFETIME: Duration = Duration::minutes(10);
/// How soon a key is read again when what was sent does not fit. Until then that is no refusal, which a sender would take for final: a key may
/// have been exchanged meanwhile.
const READ_AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(30);
/// How many reads in that time may find no key: so many names may be guessed, and the store's other readers notice nothing. Beyond it only
/// names that the store lists are read.
const MOST_MISSES: usize = 10;
/// How soon the names are listed again for one that was not among them: so late is a key found that was made during a flood of guesses, and a
/// few minutes later where the store's list lags.
const LIST_AGAIN_AFTER: Duration = Duration::minutes(1);
/// What the names of webhook keys begin with in the store.
const PREFIX: &str = "ispm-onboarder-webhook-";
/// Shorter keys can be guessed.
const SHORTEST_KEY: usize = 32;
const SCHEMA_VERSION: u64 = 1;

/// What stands in the secret store.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Record {
    schema_version: u64,
    keys: Vec<SecretString>,
    tenants: BTreeSet<Guid>,
}

/// What was read, and when.
#[derive(Clone)]
struct Kept {
    read: OffsetDateTime,
    record: Arc<Record>,
}

/// What the read of a name is of which nothing is known.
enum Guess {
    Allowed,
    /// It was read in vain a moment ago.
    Again,
    /// Too many others were, and it is not among those that the store listed.
    TooMany,
}

#[derive(Default)]
struct Memory {
    records: BTreeMap<String, Kept>,
    /// When each name was looked for that has no key.
    misses: BTreeMap<String, OffsetDateTime>,
    /// When the names were last asked for, whether or not they came.
    asked: Option<OffsetDateTime>,
    /// The names of the keys that there are, as they were when they last came.
    names: BTreeSet<String>,
}

/// The webhook keys in the secret store, with a short memory that only saves calls.
pub struct WebhookKeys {
    store: SecretStore,
    clock: Clock,
    memory: Mutex<Memory>,
}

impl fmt::Debug for WebhookKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookKeys").field("store", &self.store).finish_non_exhaustive()
    }
}

impl WebhookKeys {
    /// The keys in this store; nothing is read yet.
    #[must_use]
    pub fn new(store: SecretStore, clock: Clock) -> Self {
        Self { store, clock, memory: Mutex::default() }
    }

    /// The caller that a header's value proves.
    ///
    /// # Errors
    /// `NotAuthenticated` where it proves none, by what was read for it; `Throttled` where it has to be read again first, and not yet; those of
    /// the secret store, and `RecordInvalid`.
    pub async fn caller(&self, value: &str) -> Result<Caller, Error> {
        let (name, key) = value.split_once(':').ok_or_else(|| refused("is not NAME:KEY"))?;
        let secret = SecretName::parse(&format!("{PREFIX}{name}")).ok_or_else(|| refused("does not name a key"))?;
        let kept = self.remembered(name);
        if let Some(kept) = &kept
            && self.clock.now() - kept.read < LIFETIME
            && kept.record.holds(key)
        {
            return Ok(kept.record.caller(name));
        }
        self.may_read(name, kept.as_ref()).await?;
        match self.read(name, &secret).await? {
            Some(record) if record.holds(key) => Ok(record.caller(name)),
            _ => Err(refused("holds no key that is valid")),
        }
    }

    /// What was last read of a name that had a key, however long ago: it is no guess.
    fn remembered(&self, name: &str) -> Option<Kept> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.records.get(name).cloned()
    }

    /// Whether a name may be read now: it was not a moment ago, and not too many others were in vain, or it is known to be one.
    async fn may_read(&self, name: &str, kept: Option<&Kept>) -> Result<(), Error> {
        let now = self.clock.now();
        let words = format!("the header {KEY_HEADER} does not fit what was read a moment ago");
        let too_early = || Error::new(Code::Throttled, words).retry_after(Some(READ_AGAIN_AFTER));
        if let Some(kept) = kept {
            return if now - kept.read < READ_AGAIN_AFTER { Err(too_early()) } else { Ok(()) };
        }
        match self.guess(name, now) {
            Guess::Allowed => Ok(()),
            Guess::TooMany if self.is_listed(name, now).await => Ok(()),
            Guess::TooMany | Guess::Again => Err(too_early()),
        }
    }

    /// Judges the read of a name of which nothing is known, and notes it before it is made, so that many at once do not pass together.
    fn guess(&self, name: &str, now: OffsetDateTime) -> Guess {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.misses.retain(|_, read| now - *read < READ_AGAIN_AFTER);
        if memory.misses.contains_key(name) {
            return Guess::Again;
        }
        if memory.misses.len() >= MOST_MISSES && !memory.names.contains(name) {
            return Guess::TooMany;
        }
        memory.misses.insert(name.to_owned(), now);
        Guess::Allowed
    }

    /// Whether the store lists a name. Without it, whoever makes up names would keep an environment from ever reading the real one.
    async fn is_listed(&self, name: &str, now: OffsetDateTime) -> bool {
        {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            if memory.asked.is_some_and(|asked| now - asked < LIST_AGAIN_AFTER) {
                return false;
            }
            memory.asked = Some(now);
        }
        match self.store.names(PREFIX).await {
            Ok(names) => {
                let names: BTreeSet<String> = names.iter().filter_map(|name| Some(name.strip_prefix(PREFIX)?.to_owned())).collect();
                let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
                memory.names = names;
                memory.names.contains(name)
            }
            Err(error) => {
                tracing::warn!(
                    code = error.code.as_str(),
                    reason = error.message,
                    hint = error.hint,
                    "webhook keys not listed: while names are guessed, a key that was not read yet may be answered 503"
                );
                false
            }
        }
    }

    async fn read(&self, name: &str, secret: &SecretName) -> Result<Option<Arc<Record>>, Error> {
        let text = self.store.get(secret).await?;
        let record = text.map(|text| Record::read(text.expose_secret(), secret)).transpose()?.map(Arc::new);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        match &record {
            Some(record) => {
                memory.misses.remove(name);
                memory.records.insert(name.to_owned(), Kept { read: self.clock.now(), record: record.clone() });
            }
            None => drop(memory.records.remove(name)),
        }
        Ok(record)
    }
}

impl Record {
    fn read(text: &str, secret: &SecretName) -> Result<Self, Error> {
        let invalid = |words: &str| {
            Error::new(Code::RecordInvalid, format!("the secret {} {words}", secret.as_str())).hint(
                r#"Store {"schemaVersion": 1, "keys": ["KEY"], "tenants": ["TENANT ID"]}, with one key or two of 32 characters or more."#,
            )
        };
        // serde's own words would repeat what stands there.
        let record: Self = serde_json::from_str(text).map_err(|_| invalid("is not a webhook key's record"))?;
        if record.schema_version != SCHEMA_VERSION {
            return Err(invalid("has another schemaVersion than 1"));
        }
        if record.keys.is_empty() || record.keys.len() > 2 {
            return Err(invalid("has no key, or more than two"));
        }
        if record.keys.iter().any(|key| key.expose_secret().len() < SHORTEST_KEY) {
            return Err(invalid("has a key that is too short"));
        }
        Ok(record)
    }

    /// Whether this is one of the keys. All are compared, each in a time that does not tell how much of it fits.
    fn holds(&self, key: &str) -> bool {
        let fits = |own: &SecretString| verify_slices_are_equal(own.expose_secret().as_bytes(), key.as_bytes()).is_ok();
        self.keys.iter().fold(false, |held, own| fits(own) | held)
    }

    fn caller(&self, name: &str) -> Caller {
        Caller { who: Who::Key(name.to_owned()), may_name: Tenants::Only(self.tenants.clone()) }
    }
}

fn refused(what: &str) -> Error {
    not_authenticated(&format!("the header {KEY_HEADER} {what}"))
        .hint(format!("Send {KEY_HEADER}: NAME:KEY, the key being one of those in the secret ispm-onboarder-webhook-NAME."))
}
