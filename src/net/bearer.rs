//! Signs requests in, with one token request at a time.
//!
//! `azure_core` has a policy for this, whose lock (`async-lock` 3, `RwLock`) lets those who wait for a token wake each other without end as
//! soon as one token request was refused and the next is under way: a tenant with a wrong secret and several events would keep the processor
//! busy. Waiters of tokio's lock sleep. So no policy of an SDK ever waits for a token here: [`Bearer`] signs in for clients that take no
//! credential, [`Ahead`] fetches the token before a client that insists on one asks for it.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error as SdkError, ErrorKind};
use azure_core::http::headers::AUTHORIZATION;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, StatusCode};
use time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::from_sdk;
use crate::clock::Clock;
use crate::error::{Code, Error};
use crate::queue::LONGEST_WISH;

/// How long before its end a token is replaced.
const IN_TIME: Duration = Duration::minutes(5);
/// How long a new token is waited for while the old one is good: a source that hangs must leave time for the call itself.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);
/// How long after a new token could not be had the old one, while it is good, is used without asking.
const REST: std::time::Duration = std::time::Duration::from_secs(30);

/// Of whom a token is asked, and for which audience.
pub type Audience = (Arc<dyn TokenCredential>, &'static str);

/// Puts a token into each request, and forgets one that is refused.
#[derive(Debug)]
pub(super) struct Bearer(pub Tokens);

/// Fetches a token before each call, for the policy of an SDK that comes after it, and forgets one that is refused. That policy keeps a
/// token too, and asks [`Fetched`] for another by the same rules: so it is answered at once, and nobody waits for its lock.
#[derive(Debug)]
pub(super) struct Ahead(pub Tokens);

/// What a client of an SDK has for its credential behind [`Ahead`]: the token that the call brings along.
#[derive(Debug)]
pub(super) struct Fetched;

/// The token that a call brings along.
struct Brought(AccessToken);

/// One audience's token, asked for by one at a time.
pub(super) struct Tokens {
    credential: Arc<dyn TokenCredential>,
    scope: &'static str,
    held: Mutex<Held>,
}

/// What is known of an audience's token.
#[derive(Default)]
struct Held {
    token: Option<Kept>,
    /// Until then the token's service asked to be left alone.
    not_before: Option<Instant>,
}

impl Held {
    /// Notes how long a service that gave no token asked to be left alone.
    fn note(&mut self, refused: &SdkError) {
        let wish = from_sdk(refused, "a token").retry_after.map(|wish| wish.min(LONGEST_WISH));
        self.not_before = wish.and_then(|wish| Instant::now().checked_add(wish));
    }

    /// Whether it is still to be left alone: those who waited while another asked do not ask again at once.
    fn left_alone(&self) -> azure_core::Result<()> {
        let left = self.not_before.map(|until| until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero());
        let Some(left) = left else { return Ok(()) };
        let error = Error::new(Code::Throttled, "the token service asked to be left alone for a while").retry_after(Some(left));
        Err(SdkError::new(ErrorKind::Credential, error))
    }
}

/// A token, and when it was last tried in vain to replace it.
struct Kept {
    token: AccessToken,
    in_vain: Option<Instant>,
}

impl Kept {
    /// Whether it ends later than so long from now. Tokens' ends are told by the machines' clocks.
    fn lasts(&self, long: Duration) -> bool {
        self.token.expires_on > Clock::System.now() + long
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Nothing is asked for before the first use.
    pub fn of((credential, scope): Audience) -> Self {
        Self { credential, scope, held: Mutex::default() }
    }

    async fn token(&self) -> azure_core::Result<AccessToken> {
        let mut held = self.held.lock().await;
        let old = held.token.as_ref().filter(|old| old.lasts(Duration::ZERO));
        if let Some(old) = old.filter(|old| old.lasts(IN_TIME) || old.in_vain.is_some_and(|tried| tried.elapsed() < REST)) {
            return Ok(old.token.clone());
        }
        if old.is_none() {
            held.left_alone()?;
        }
        let scopes = [self.scope];
        let asked = self.credential.get_token(&scopes, None);
        let new = match old {
            Some(_) => timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(SdkError::with_message(ErrorKind::Io, "no token in time"))),
            None => asked.await,
        };
        match (new, held.token.as_mut().filter(|old| old.lasts(Duration::ZERO))) {
            (Err(_), Some(old)) => {
                old.in_vain = Some(Instant::now());
                Ok(old.token.clone())
            }
            (new, _) => {
                let token = new.inspect_err(|error| held.note(error))?;
                *held = Held { token: Some(Kept { token: token.clone(), in_vain: None }), not_before: None };
                Ok(token)
            }
        }
    }

    async fn forget(&self, refused: &AccessToken) {
        let mut held = self.held.lock().await;
        if held.token.as_ref().is_some_and(|kept| kept.token.token.secret() == refused.token.secret()) {
            held.token = None;
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
        let token = self.0.token().await?;
        request.insert_header(AUTHORIZATION, format!("Bearer {}", token.token.secret()));
        let answer = next[0].send(ctx, request, &next[1..]).await?;
        if answer.status() == StatusCode::Unauthorized {
            self.0.forget(&token).await;
        }
        Ok(answer)
    }
}

#[async_trait]
impl Policy for Ahead {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let token = self.0.token().await?;
        let mut ctx = ctx.to_borrowed();
        ctx.insert(Brought(token.clone()));
        let answer = next[0].send(&ctx, request, &next[1..]).await?;
        if answer.status() == StatusCode::Unauthorized {
            self.0.forget(&token).await;
        }
        Ok(answer)
    }
}

#[async_trait]
impl TokenCredential for Fetched {
    /// The audience was chosen when the token was fetched: a vault that names another one is not given a token for that.
    async fn get_token(&self, _: &[&str], options: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let brought = options.as_ref().and_then(|options| options.method_options.context.value::<Brought>());
        let missing = || SdkError::with_message(ErrorKind::Credential, "the call brought no token along");
        brought.map(|brought| brought.0.clone()).ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use azure_core::http::headers::Headers;
    use azure_core::http::{AsyncRawResponse, ClientMethodOptions, Method};

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

    fn tokens(source: Option<AccessToken>, kept: Option<AccessToken>) -> Tokens {
        let kept = kept.map(|token| Kept { token, in_vain: None });
        let held = Mutex::new(Held { token: kept, not_before: None });
        Tokens { credential: Arc::new(Source(source)), scope: "https://example.org/.default", held }
    }

    /// The token that is used, if there is one soon.
    async fn used(tokens: &Tokens) -> Option<String> {
        let token = timeout(PATIENCE * 2, tokens.token()).await.ok()?.unwrap();
        Some(token.token.secret().to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_good_token_is_used_while_its_source_hangs() {
        let hanging = tokens(None, Some(token("old", Duration::minutes(2))));
        let began = Instant::now();
        for _ in 0..10 {
            assert_eq!(used(&hanging).await.as_deref(), Some("old"));
        }
        assert_eq!(began.elapsed(), PATIENCE, "the others do not wait for it too");
        tokio::time::advance(REST).await;
        assert_eq!(used(&hanging).await.as_deref(), Some("old"));
        assert_eq!(began.elapsed(), PATIENCE * 2 + REST, "then it is asked again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_replaced_before_its_end_and_waited_for_after_it() {
        let new = token("new", Duration::hours(1));
        let in_time = tokens(Some(new.clone()), Some(token("old", Duration::minutes(2))));
        assert_eq!(used(&in_time).await.as_deref(), Some("new"));
        assert_eq!(used(&tokens(None, Some(new.clone()))).await.as_deref(), Some("new"));
        for kept in [None, Some(token("over", Duration::seconds(-1)))] {
            let hanging = tokens(None, kept);
            assert_eq!(used(&hanging).await, None, "there is nothing to use instead");
        }
    }

    #[tokio::test]
    async fn no_token_goes_where_anyone_could_read_it() {
        let bearer = Bearer(tokens(None, Some(token("secret", Duration::hours(1)))));
        let mut request = Request::new("http://management.azure.com/".parse().unwrap(), Method::Get);
        let refused = bearer.send(&Context::new(), &mut request, &[]).await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Credential), "{refused:?}");
        assert!(request.headers().get_optional_str(&AUTHORIZATION).is_none());
    }

    /// Stands for an SDK's policy: takes the call's token, and sees the service refuse it.
    #[derive(Debug)]
    struct Refuses;

    #[async_trait]
    impl Policy for Refuses {
        async fn send(&self, ctx: &Context, _: &mut Request, _: &[Arc<dyn Policy>]) -> PolicyResult {
            let method_options = ClientMethodOptions { context: ctx.to_borrowed() };
            let token = Fetched.get_token(&[], Some(TokenRequestOptions { method_options })).await?;
            assert_eq!(token.token.secret(), "refused");
            Ok(AsyncRawResponse::from_bytes(StatusCode::Unauthorized, Headers::new(), Vec::new()))
        }
    }

    #[tokio::test]
    async fn a_call_brings_its_token_along_and_a_refused_one_is_forgotten() {
        let ahead = Ahead(tokens(Some(token("new", Duration::hours(1))), Some(token("refused", Duration::hours(1)))));
        let mut request = Request::new("https://contoso.vault.azure.net/".parse().unwrap(), Method::Get);
        let answer = ahead.send(&Context::new(), &mut request, &[Arc::new(Refuses)]).await.unwrap();
        assert_eq!(answer.status(), StatusCode::Unauthorized);
        assert_eq!(ahead.0.token().await.unwrap().token.secret(), "new");
        assert!(Fetched.get_token(&[], None).await.is_err(), "there is none but a call's");
    }

    /// Answers with a status to whoever shows the token.
    #[derive(Debug)]
    struct Answers(StatusCode);

    #[async_trait]
    impl Policy for Answers {
        async fn send(&self, _: &Context, request: &mut Request, _: &[Arc<dyn Policy>]) -> PolicyResult {
            assert_eq!(request.headers().get_optional_str(&AUTHORIZATION), Some("Bearer old"));
            Ok(AsyncRawResponse::from_bytes(self.0, Headers::new(), vec![]))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_is_refused_is_not_used_again() {
        let (old, new) = (token("old", Duration::hours(1)), token("new", Duration::hours(1)));
        for (status, then) in [(StatusCode::Unauthorized, "new"), (StatusCode::Forbidden, "old"), (StatusCode::Ok, "old")] {
            let bearer = Bearer(tokens(Some(new.clone()), Some(old.clone())));
            let mut request = Request::new("https://management.azure.com/".parse().unwrap(), Method::Get);
            bearer.send(&Context::new(), &mut request, &[Arc::new(Answers(status))]).await.unwrap();
            assert_eq!(used(&bearer.0).await.as_deref(), Some(then), "{status}");
        }
        let kept = tokens(None, Some(new));
        kept.forget(&old).await;
        assert_eq!(used(&kept).await.as_deref(), Some("new"), "it was replaced by another call already");
    }

    #[test]
    fn a_token_is_not_shown() {
        let shown = format!("{:?}", tokens(None, Some(token("hunter2", Duration::hours(1)))));
        assert!(shown.contains("https://example.org/.default") && !shown.contains("hunter2"), "{shown}");
    }
}
