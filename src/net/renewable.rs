//! A client that can be made anew.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use azure_core::error::{Error as SdkError, ErrorKind};
use azure_core::http::StatusCode;

use super::from_sdk;
use crate::error::Error;

/// A client together with the way to make it. `azure_identity`'s token caches cannot be emptied, so a refused token is got rid of by
/// dropping the client and the credential with it.
pub struct Renewable<T> {
    make: Box<dyn Fn() -> Result<T, Error> + Send + Sync>,
    current: Mutex<Option<Arc<T>>>,
}

impl<T> Renewable<T> {
    /// Nothing is made before the first use.
    pub fn new(make: impl Fn() -> Result<T, Error> + Send + Sync + 'static) -> Self {
        Self { make: Box::new(make), current: Mutex::new(None) }
    }

    /// The client.
    ///
    /// # Errors
    /// Those of making it.
    pub fn get(&self) -> Result<Arc<T>, Error> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = current.as_ref() {
            return Ok(client.clone());
        }
        let made = Arc::new((self.make)()?);
        *current = Some(made.clone());
        Ok(made)
    }

    /// Calls with the client, and once more with a new one where the first was `refused`: a call that was refused was not carried out.
    ///
    /// # Errors
    /// Those of making the client, by way of `E`, and of the call.
    pub async fn call<R, E: From<Error>, F: Future<Output = Result<R, E>>>(
        &self,
        call: impl Fn(Arc<T>) -> F,
        refused: impl Fn(&E) -> bool,
    ) -> Result<R, E> {
        match call(self.get()?).await {
            Err(error) if refused(&error) => {
                self.renew();
                call(self.get()?).await
            }
            done => done,
        }
    }

    /// Makes the next [`Renewable::get`] begin anew.
    pub fn renew(&self) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl<T> fmt::Debug for Renewable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewable").finish_non_exhaustive()
    }
}

/// Why a call with a renewable client of an SDK did not work.
#[derive(Debug)]
pub enum RenewableFailure {
    /// There is no client to call with.
    Client(Error),
    /// The call failed.
    Call(SdkError),
}

impl RenewableFailure {
    /// Whether the service did not take the token: the call was not carried out.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.is(StatusCode::Unauthorized)
    }

    /// Whether the service answered with this status.
    #[must_use]
    pub fn is(&self, status: StatusCode) -> bool {
        self.status() == Some(status)
    }

    /// The status that the service answered with; absent where the failure is one of signing in, too.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Call(error) => error.http_status(),
            Self::Client(_) => None,
        }
    }

    /// The code by which the service names what is wrong.
    #[must_use]
    pub fn service_code(&self) -> Option<&str> {
        match self {
            Self::Call(error) => match error.kind() {
                ErrorKind::HttpResponse { error_code, .. } => error_code.as_deref(),
                _ => None,
            },
            Self::Client(_) => None,
        }
    }

    /// The failure in our own words, as one of the call of this name.
    #[must_use]
    pub fn named(self, call: &str) -> Error {
        match self {
            Self::Client(error) => error,
            Self::Call(error) => from_sdk(&error, call),
        }
    }
}

impl From<Error> for RenewableFailure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<SdkError> for RenewableFailure {
    fn from(error: SdkError) -> Self {
        Self::Call(error)
    }
}

#[cfg(test)]
mod tests;
