//! A client that can be made anew.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

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
