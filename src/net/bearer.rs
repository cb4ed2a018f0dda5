//! Signs requests in, with one token request at a time.
//!
//! `azure_core` has a policy for this, whose lock (`async-lock` 3, `RwLock`) lets those who wait for a token wake each other without end as
//! soon as one token request was refused and the next is under way: a tenant with a wrong secret and several events would keep the processor
//! busy. Waiters of tokio's lock sleep.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::error::{Error as SdkError, ErrorKind};
use azure_core::http::headers::AUTHORIZATION;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, StatusCode};
use time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::clock::Clock;
use crate::error::{Code, Error};

/// How long before its end a token is replaced.
const IN_TIME: Duration = Duration::minutes(5);
/// How long a new token is waited for while the old one is good: a source that hangs must leave time for the call itself.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);
/// How long after a new token could not be had the old one, while it is good, is used without asking.
const REST: std::time::Duration = std::time::Duration::from_secs(30);

/// Puts a credential's token into each request, and forgets one that is refused.
pub(super) struct Bearer {
    pub credential: Arc<dyn TokenCredential>,
    pub scope: &'static str,
    pub token: Mutex<Option<Kept>>,
}

/// A token, and when it was last tried in vain to replace it.
pub(super) struct Kept {
    token: AccessToken,
    in_vain: Option<Instant>,
}

impl Kept {
    /// Whether it ends later than so long from now. Tokens' ends are told by the machines' clocks.
    fn lasts(&self, long: Duration) -> bool {
        self.token.expires_on > Clock::System.now() + long
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl Bearer {
    async fn token(&self) -> azure_core::Result<AccessToken> {
        let mut kept = self.token.lock().await;
        let old = kept.as_ref().filter(|old| old.lasts(Duration::ZERO));
        if let Some(old) = old.filter(|old| old.lasts(IN_TIME) || old.in_vain.is_some_and(|tried| tried.elapsed() < REST)) {
            return Ok(old.token.clone());
        }
        let scopes = [self.scope];
        let asked = self.credential.get_token(&scopes, None);
        let new = match old {
            Some(_) => timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(SdkError::with_message(ErrorKind::Io, "no token in time"))),
            None => asked.await,
        };
        match (new, kept.as_mut().filter(|old| old.lasts(Duration::ZERO))) {
            (Err(_), Some(old)) => {
                old.in_vain = Some(Instant::now());
                Ok(old.token.clone())
            }
            (new, _) => {
                let token = new?;
                *kept = Some(Kept { token: token.clone(), in_vain: None });
                Ok(token)
            }
        }
    }

    async fn forget(&self, refused: &AccessToken) {
        let mut kept = self.token.lock().await;
        if kept.as_ref().is_some_and(|kept| kept.token.token.secret() == refused.token.secret()) {
            *kept = None;
        }
    }
}

#[async_trait]
impl Policy for Bearer {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        if request.url().scheme() != "https" {
            let error = Error::new(Code::UnexpectedAnswer, "a token is only sent by https, and this address is another's");
            return Err(SdkError::new(ErrorKind::Credential, error));
        }
        let token = self.token().await?;
        request.insert_header(AUTHORIZATION, format!("Bearer {}", token.token.secret()));
        let answer = next[0].send(ctx, request, &next[1..]).await?;
        if answer.status() == StatusCode::Unauthorized {
            self.forget(&token).await;
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use azure_core::credentials::TokenRequestOptions;
    use azure_core::http::Method;

    use super::*;

    /// Gives the token it has, or none in its time.
    #[derive(Debug)]
    struct Source(Option<AccessToken>);

    #[async_trait]
    impl TokenCredential for Source {
        async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
            match &self.0 {
                Some(token) => Ok(token.clone()),
                None => std::future::pending().await,
            }
        }
    }

    fn token(text: &'static str, lasts: Duration) -> AccessToken {
        AccessToken::new(text, Clock::System.now() + lasts)
    }

    fn bearer(source: Option<AccessToken>, kept: Option<AccessToken>) -> Bearer {
        let kept = kept.map(|token| Kept { token, in_vain: None });
        Bearer { credential: Arc::new(Source(source)), scope: "https://example.org/.default", token: Mutex::new(kept) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_token_is_used_while_its_source_hangs() {
        let hanging = bearer(None, Some(token("old", Duration::minutes(2))));
        let began = Instant::now();
        for _ in 0..10 {
            assert_eq!(hanging.token().await.unwrap().token.secret(), "old");
        }
        assert_eq!(began.elapsed(), PATIENCE, "the others do not wait for it too");
        tokio::time::advance(REST).await;
        assert_eq!(hanging.token().await.unwrap().token.secret(), "old");
        assert_eq!(began.elapsed(), PATIENCE * 2 + REST, "then it is asked again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_replaced_before_its_end_and_waited_for_after_it() {
        let new = token("new", Duration::hours(1));
        let in_time = bearer(Some(new.clone()), Some(token("old", Duration::minutes(2))));
        assert_eq!(in_time.token().await.unwrap().token.secret(), "new");
        assert_eq!(bearer(None, Some(new.clone())).token().await.unwrap().token.secret(), "new");
        for kept in [None, Some(token("over", Duration::seconds(-1)))] {
            let hanging = bearer(None, kept);
            assert!(timeout(PATIENCE * 2, hanging.token()).await.is_err(), "there is nothing to use instead");
        }
    }

    #[tokio::test]
    async fn no_token_goes_where_anyone_could_read_it() {
        let bearer = bearer(None, Some(token("secret", Duration::hours(1))));
        let mut request = Request::new("http://management.azure.com/".parse().unwrap(), Method::Get);
        let refused = bearer.send(&Context::new(), &mut request, &[]).await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Credential), "{refused:?}");
        assert!(request.headers().get_optional_str(&AUTHORIZATION).is_none());
    }
}
