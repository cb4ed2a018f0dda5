use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::error::Code;

/// Counts how often it was made.
fn counted() -> Renewable<usize> {
    let made = AtomicUsize::new(0);
    Renewable::new(move || Ok(made.fetch_add(1, Ordering::Relaxed) + 1))
}

fn answered(status: u16, code: Option<&str>) -> RenewableFailure {
    let (status, error_code) = (StatusCode::from(status), code.map(str::to_owned));
    SdkError::with_message(ErrorKind::HttpResponse { status, error_code, raw_response: None }, "hunter2").into()
}

#[test]
fn a_client_is_made_once_until_it_is_renewed() {
    let client = counted();
    assert_eq!([client.get().unwrap(), client.get().unwrap()].map(|made| *made), [1, 1]);
    client.renew();
    assert_eq!(*client.get().unwrap(), 2);
    assert!(format!("{client:?}").starts_with("Renewable"));
}

#[tokio::test]
async fn a_refused_client_is_replaced_once_and_any_other_failure_is_told() {
    for (statuses, calls, done) in [
        (&[200][..], 1, Ok(1)),
        (&[401, 200], 2, Ok(2)),
        (&[401, 401, 200], 2, Err(Some(StatusCode::Unauthorized))),
        (&[403, 200], 1, Err(Some(StatusCode::Forbidden))),
    ] {
        let (client, tried) = (counted(), AtomicUsize::new(0));
        let call = async |made: Arc<usize>| match statuses[tried.fetch_add(1, Ordering::Relaxed)] {
            200 => Ok(*made),
            status => Err(answered(status, None)),
        };
        let result = client.call(call, RenewableFailure::is_refusal).await.map_err(|failure| failure.status());
        assert_eq!((result, tried.load(Ordering::Relaxed)), (done, calls), "{statuses:?}");
    }
}

#[test]
fn a_failure_says_what_the_service_said() {
    let refused = answered(401, Some("Unauthorized"));
    assert!(refused.is_refusal() && refused.is(StatusCode::Unauthorized) && !refused.is(StatusCode::NotFound));
    assert_eq!((refused.status(), refused.service_code()), (Some(StatusCode::Unauthorized), Some("Unauthorized")));
    assert_eq!(refused.named("key-vault.secret.get").message, "key-vault.secret.get answered 401");
    let missing = answered(404, None);
    assert!(!missing.is_refusal() && missing.is(StatusCode::NotFound));
    assert_eq!(missing.service_code(), None);
    let broken = RenewableFailure::from(SdkError::with_message(ErrorKind::Io, "hunter2"));
    assert_eq!((broken.status(), broken.service_code(), broken.is_refusal()), (None, None, false));
    let unmade = RenewableFailure::from(Error::new(Code::NotConfigured, "our own words"));
    assert_eq!((unmade.status(), unmade.service_code()), (None, None));
    assert_eq!(unmade.named("key-vault.secret.get").message, "our own words");
}
