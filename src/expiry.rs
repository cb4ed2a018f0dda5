//! When the secrets that a record names expire: said before it is too late.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::tenant::SecretName;

/// How long before its end a secret is spoken of.
pub const WARNING: Duration = Duration::days(60);

/// A secret, and when it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretExpiry {
    /// Its name in the store.
    pub name: String,
    /// What it is, such as "the login's secret".
    pub purpose: &'static str,
    /// When it expires; absent where nobody told the store.
    pub expires: Option<OffsetDateTime>,
}

/// A secret that has expired, or is about to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExpiringSecret {
    /// Its name in the store.
    pub name: String,
    /// What it is.
    pub purpose: String,
    /// When it expires, or since when it has.
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "cli", schemars(with = "String", extend("format" = "date-time")))]
    pub expires: OffsetDateTime,
}

impl SecretExpiry {
    /// A secret of the store.
    #[must_use]
    pub fn new(name: &SecretName, purpose: &'static str, expires: Option<OffsetDateTime>) -> Self {
        Self { name: name.as_str().to_owned(), purpose, expires }
    }

    /// This, if it has expired or expires within [`WARNING`].
    #[must_use]
    pub fn expiring(&self, now: OffsetDateTime) -> Option<ExpiringSecret> {
        let expires = self.expires.filter(|expires| *expires - now <= WARNING)?;
        Some(ExpiringSecret { name: self.name.clone(), purpose: self.purpose.to_owned(), expires })
    }
}

impl ExpiringSecret {
    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, now: OffsetDateTime) -> bool {
        self.expires <= now
    }

    /// It in words.
    #[must_use]
    pub fn words(&self, now: OffsetDateTime) -> String {
        let verb = if self.is_over(now) { "expired" } else { "expires" };
        format!("the secret {} ({}) {verb} on {}", self.name, self.purpose, self.expires.date())
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        format!("Make a new one and put it into the store as {}, with its new date of expiry.", self.name)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_secret_is_spoken_of_from_sixty_days_before_its_end() {
        let now = datetime!(2126-11-22 10:00 UTC);
        let of = |expires| SecretExpiry { name: "login".to_owned(), purpose: "the login's secret", expires };
        assert_eq!(of(None).expiring(now), None);
        assert_eq!(of(Some(now + WARNING + Duration::seconds(1))).expiring(now), None);
        let soon = of(Some(now + WARNING)).expiring(now).unwrap();
        assert_eq!(soon.words(now), "the secret login (the login's secret) expires on 2127-01-21");
        let over = of(Some(now)).expiring(now).unwrap();
        assert!(over.is_over(now) && over.words(now).contains("expired on 2126-11-22"));
    }
}
