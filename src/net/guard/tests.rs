use std::sync::Mutex;

use azure_core::http::AsyncRawResponse;
use azure_core::http::headers::Headers;
use uuid::Uuid;

use super::*;

/// How a service behaves once.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Answers(u16),
    AsksToWait(u16, &'static str),
    TakesNoConnection,
    Breaks,
    Garbles,
    IsSilent,
}

/// A service that behaves like this, one turn for each call, and the last again and again. It notes the ids of the calls.
#[derive(Debug)]
struct Service {
    turns: &'static [Turn],
    ids: Mutex<Vec<String>>,
}

#[async_trait]
impl Policy for Service {
    async fn send(&self, _: &Context, request: &mut Request, _: &[Arc<dyn Policy>]) -> PolicyResult {
        let turn = {
            let mut ids = self.ids.lock().unwrap();
            ids.push(request.headers().get_optional_str(&CLIENT_REQUEST_ID).unwrap_or_default().to_owned());
            self.turns[ids.len().min(self.turns.len()) - 1]
        };
        let mut headers = Headers::new();
        let status = match turn {
            Turn::Answers(status) => status,
            Turn::AsksToWait(status, value) => {
                headers.insert(RETRY_AFTER, value);
                status
            }
            Turn::TakesNoConnection => return Err(SdkError::with_message(ErrorKind::Connection, "…")),
            Turn::Breaks => return Err(SdkError::with_message(ErrorKind::Io, "…")),
            Turn::Garbles => return Err(SdkError::with_message(ErrorKind::DataConversion, "…")),
            Turn::IsSilent => std::future::pending().await,
        };
        Ok(AsyncRawResponse::from_bytes(StatusCode::from(status), headers, vec![]))
    }
}

fn to(address: &str, method: Method) -> Request {
    Request::new(address.parse().unwrap(), method)
}

/// The status that came in the end, the calls that were made, and how many milliseconds it took.
async fn sent(method: Method, posts: Posts, turns: &'static [Turn]) -> (Option<u16>, usize, u128) {
    let service = Arc::new(Service { turns, ids: Mutex::default() });
    let next: [Arc<dyn Policy>; 1] = [service.clone()];
    let began = Instant::now();
    let result = Guard { posts }.send(&Context::new(), &mut to("https://management.azure.com/", method), &next).await;
    let ids = service.ids.lock().unwrap();
    assert!(ids.iter().all(|id| *id == ids[0] && Uuid::parse_str(id).is_ok()), "{ids:?}");
    (result.ok().map(|answer| answer.status().into()), ids.len(), began.elapsed().as_millis())
}

/// What is sent, to whom; the status that comes of it, the calls it takes, and the milliseconds.
type Case = (Method, Posts, &'static [Turn], Option<u16>, usize, u128);

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_repeated_twice_with_a_growing_wait_or_as_it_is_asked() {
    use Turn::{Answers, AsksToWait, Breaks, Garbles, IsSilent, TakesNoConnection};
    let (get, put, post) = (Method::Get, Method::Put, Method::Post);
    let cases: [Case; 18] = [
        (get, Posts::Create, &[Answers(200)], Some(200), 1, 0),
        (get, Posts::Create, &[Answers(503), Answers(500), Answers(200)], Some(200), 3, 900),
        (get, Posts::Create, &[Answers(503)], Some(503), 3, 900),
        (get, Posts::Create, &[AsksToWait(429, " 2 ")], Some(429), 3, 4000),
        (get, Posts::Create, &[AsksToWait(429, "0"), Answers(200)], Some(200), 2, 300),
        (get, Posts::Create, &[AsksToWait(503, "Fri, 31 Dec 2027 23:59:59 GMT"), Answers(200)], Some(200), 2, 300),
        (get, Posts::Create, &[Answers(404)], Some(404), 1, 0),
        (get, Posts::Create, &[Breaks, Answers(200)], Some(200), 2, 300),
        (get, Posts::Create, &[IsSilent, Answers(200)], Some(200), 2, 10_300),
        (get, Posts::Create, &[Garbles], None, 1, 0),
        (put, Posts::Create, &[Breaks, Answers(201)], Some(201), 2, 300),
        // A POST that creates is repeated only where it was never sent.
        (post, Posts::Create, &[TakesNoConnection, Answers(201)], Some(201), 2, 300),
        (post, Posts::Create, &[Breaks, Answers(201)], None, 1, 0),
        (post, Posts::Create, &[Answers(503), Answers(201)], Some(503), 1, 0),
        (post, Posts::Create, &[AsksToWait(429, "1"), Answers(201)], Some(429), 1, 0),
        (post, Posts::Ask, &[Breaks, Answers(200)], Some(200), 2, 300),
        (post, Posts::Ask, &[Answers(408), Answers(200)], Some(200), 2, 300),
        (post, Posts::Ask, &[TakesNoConnection], None, 3, 900),
    ];
    for (method, posts, turns, status, calls, took) in cases {
        assert_eq!(sent(method, posts, turns).await, (status, calls, took), "{method:?} {posts:?} {turns:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_has_to_leave_room_for_its_call_before_the_deadline() {
    let within = async |milliseconds| {
        let deadline = Instant::now() + Duration::from_millis(milliseconds);
        let work = sent(Method::Get, Posts::Create, &[Turn::Answers(503)]);
        Invocation::new(Uuid::nil(), deadline).run(work).await.0.map(|(_, calls, _)| calls)
    };
    assert_eq!(within(1300).await, Some(1), "300 ms of waiting leave a second and no more");
    assert_eq!(within(1301).await, Some(2), "600 ms more do not fit");
    assert_eq!(within(1901).await, Some(3));
    // Longer than a clock can tell.
    let forever = &[Turn::AsksToWait(429, "18446744073709551615")];
    let deadline = Instant::now() + Duration::from_secs(25);
    let (done, _) = Invocation::new(Uuid::nil(), deadline).run(sent(Method::Get, Posts::Create, forever)).await;
    assert_eq!(done, Some((Some(429), 1, 0)));
}

#[tokio::test(start_paused = true)]
async fn each_exchange_is_noted_also_one_that_is_dropped() {
    let deadline = Instant::now() + Duration::from_secs(2);
    let work = async {
        for turns in [&[Turn::Answers(404)][..], &[Turn::Breaks], &[Turn::IsSilent]] {
            let service = Arc::new(Service { turns, ids: Mutex::default() });
            let context = Context::new().with_value(CallName("arm.subscription.get"));
            tokio::time::sleep(Duration::from_millis(500)).await;
            drop(Meter.send(&context, &mut to("https://management.azure.com/", Method::Get), &[service]).await);
        }
    };
    let (done, calls) = Invocation::new(Uuid::nil(), deadline).run(work).await;
    let told: Vec<String> = calls.iter().map(ToString::to_string).collect();
    let name = "arm.subscription.get";
    assert_eq!(
        (done, told),
        (None, vec![format!("{name} 404 0 ms"), format!("{name} no answer 0 ms"), format!("{name} no answer 500 ms")])
    );
}

#[test]
fn calls_are_known_by_where_they_go_and_else_by_the_name_they_were_given() {
    let own = Context::new().with_value(CallName("arm.subscription.get"));
    for (address, name) in [
        ("http://127.0.0.1:41/msi/token", "identity.token"),
        ("https://login.microsoftonline.com/x/oauth2/v2.0/token", "entra.token"),
        ("https://login.microsoftonline.us/x/oauth2/v2.0/token", "entra.token"),
        ("https://contoso.vault.azure.net/secrets/x", "key-vault.secret.get"),
        ("https://contoso.vault.usgovcloudapi.net/secrets/x", "key-vault.secret.get"),
        ("https://management.azure.com/subscriptions", "arm.subscription.get"),
        ("https://console/", "arm.subscription.get"),
    ] {
        assert_eq!(name_of(&to(address, Method::Get), &own), name, "{address}");
        let named = Context::new().with_value(OwnName("ispm.connections.list"));
        assert_eq!(name_of(&to(address, Method::Get), &named), "ispm.connections.list", "{address}");
    }
    assert_eq!(name_of(&to("https://management.azure.com/subscriptions", Method::Put), &Context::new()), "PUT management.azure.com");
}

#[test]
fn only_overload_time_outs_and_faults_of_the_server_may_pass() {
    let passing: Vec<u16> = (100..=600).filter(|status| may_pass(StatusCode::from(*status))).collect();
    assert_eq!(passing, [408, 429].into_iter().chain(500..=599).collect::<Vec<u16>>());
}
