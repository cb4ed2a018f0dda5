//! One request in, one answer (or a broken connection) out.

use std::time::Duration;

use http::header::AUTHORIZATION;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::fault::{Connection, striking, striking_connection};
use crate::services::{Call, Routed, Service, answer, canary, http_date};
use crate::target::Target;
use crate::world::made_up_id;
use crate::{Broken, Effect, Fault, Recorded, Request, Response, Simulator, When};

/// A call that was recorded on arrival.
struct Arrival {
    number: u64,
    latency: Duration,
    faults: Vec<Fault>,
}

impl Simulator {
    /// Carries one request to the service that its host names, and the answer back.
    ///
    /// Yields before and after the call takes effect, so that a caller can be killed on either side of it.
    ///
    /// # Errors
    ///
    /// [`Broken::UnknownHost`] when the world has no such host; the others are faults that struck.
    pub async fn exchange(&self, request: Request) -> Result<Response, Broken> {
        self.exchange_over(Connection::New, request).await
    }

    /// The same, over a connection that is made by it or before it.
    pub(crate) async fn exchange_over(&self, connection: Connection, request: Request) -> Result<Response, Broken> {
        let target = Target::of(&request).ok_or_else(|| Broken::UnknownHost(request.uri().to_string()))?;
        let service = Service::of_host(&self.lock().world, &target.host);
        let service = service.ok_or_else(|| {
            self.lock().unknown_hosts.push(target.host.clone());
            Broken::UnknownHost(target.host.clone())
        })?;
        self.carry(connection, &service, &request, &target).await
    }

    /// Carries a request to a service that is already known.
    pub(crate) async fn carry(
        &self,
        connection: Connection,
        service: &Service,
        request: &Request,
        target: &Target,
    ) -> Result<Response, Broken> {
        let routed = service.route(request, target);
        let operation = routed.operation;
        let arrival = self.arrive(connection, operation, request, target);
        yield_now().await;
        sleep_unless_zero(arrival.latency).await;
        let (before, after): (Vec<Fault>, Vec<Fault>) = arrival.faults.into_iter().partition(|fault| fault.side() == When::Before);
        let carried = match suffer(&before, service, target, None).await {
            Some(struck) => struck,
            None => {
                let response = self.take_effect(routed, arrival.number, request, target);
                yield_now().await;
                suffer(&after, service, target, Some(&response)).await.unwrap_or(Ok(response))
            }
        };
        let planted = self.lock().world.settings.canary.clone();
        let carried = match (planted, carried) {
            (Some(text), Ok(response)) => Ok(canary::planted(operation, response, &text)),
            (Some(text), Err(Broken::Truncated(response))) => Err(Broken::Truncated(canary::planted(operation, response, &text))),
            (_, carried) => carried,
        };
        if let Ok(response) = &carried {
            self.amend(arrival.number, |record| record.status = Some(response.status().as_u16()));
        }
        carried
    }

    /// Why a connection to this host cannot be made, where a fault says so: it is recorded as its service's `connect`.
    pub(crate) fn prevented(&self, host: &str) -> Option<Broken> {
        let at = self.now();
        let mut state = self.lock();
        let family = format!("{}.", Service::of_host(&state.world, host)?.family());
        let fault = striking_connection(&mut state.faults, &family, host)?;
        state.calls += 1;
        let number = state.calls;
        state.requests.push(Recorded {
            number,
            at,
            operation: format!("{family}connect"),
            method: "CONNECT".to_owned(),
            url: host.to_owned(),
            caller: None,
            status: None,
            changed: false,
            fault: Some(fault.effect.to_string()),
        });
        match fault.effect {
            Effect::Unresolved => Some(Broken::Unresolved(host.to_owned())),
            _ => Some(Broken::Handshake),
        }
    }

    fn arrive(&self, connection: Connection, operation: &str, request: &Request, target: &Target) -> Arrival {
        let at = self.now();
        let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let mut state = self.lock();
        let caller = state.signer.caller(authorization);
        state.calls += 1;
        let number = state.calls;
        let url = target.shown();
        let faults = striking(&mut state.faults, operation, &url, caller.as_ref(), connection);
        let sentences: Vec<String> = faults.iter().map(|fault| fault.effect.to_string()).collect();
        state.requests.push(Recorded {
            number,
            at,
            operation: operation.to_owned(),
            method: request.method().to_string(),
            url,
            caller,
            status: None,
            changed: false,
            fault: (!sentences.is_empty()).then(|| sentences.join(", then ")),
        });
        Arrival { number, latency: Duration::from_millis(state.world.settings.latency_milliseconds), faults }
    }

    fn take_effect(&self, routed: Routed, number: u64, request: &Request, target: &Target) -> Response {
        let now = self.now();
        let mut state = self.lock();
        let state = &mut *state;
        state.observe(now);
        let mut call = Call {
            world: &mut state.world,
            signer: &state.signer,
            throttle: &mut state.throttle,
            resource_graph: &mut state.resource_graph,
            request,
            target,
            now,
            start: self.clock.start(),
            number,
            id: made_up_id(&format!("call/{number}")),
            changed: false,
        };
        let response = answer::with_header((routed.answer)(&mut call), "date", &http_date(now));
        let changed = call.changed;
        if changed {
            state.observe(now);
        }
        if let Some(record) = state.requests.iter_mut().rfind(|record| record.number == number) {
            record.changed = changed;
        }
        response
    }

    /// Changes a call's record, unless it was cleared meanwhile.
    fn amend(&self, number: u64, change: impl FnOnce(&mut Recorded)) {
        let mut state = self.lock();
        if let Some(record) = state.requests.iter_mut().rfind(|record| record.number == number) {
            change(record);
        }
    }
}

/// Sleeping for no time at all would still cost a trip through the timer.
async fn sleep_unless_zero(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}

/// Lets the faults strike; `None` when none of them replaces the answer.
async fn suffer(faults: &[Fault], service: &Service, target: &Target, answered: Option<&Response>) -> Option<Result<Response, Broken>> {
    let mut outcome = None;
    for fault in faults {
        outcome = match &fault.effect {
            Effect::Delay { seconds } => {
                sleep(Duration::from_secs(*seconds)).await;
                None
            }
            Effect::Status { status, code, retry_after } => Some(Ok(service.faulty(*status, code.as_deref(), retry_after.as_deref()))),
            Effect::Html { status } => Some(Ok(answer::html(*status))),
            Effect::Redirect { status, location } => Some(Ok(answer::with_header(answer::html(*status), "location", location))),
            Effect::Unresolved => Some(Err(Broken::Unresolved(target.host.clone()))),
            Effect::Handshake => Some(Err(Broken::Handshake)),
            Effect::Reset => Some(Err(Broken::Reset)),
            Effect::Truncated => Some(Err(Broken::Truncated(answered.cloned().unwrap_or_else(answer::any)))),
            Effect::InvalidJson => Some(Ok(answer::garbled(answered.map_or(200, |answer| answer.status().as_u16())))),
            Effect::ContentType { value } => Some(Ok(answer::called(answered.cloned().unwrap_or_else(answer::any), value))),
            Effect::Altered { pointer, value } => Some(Ok(answer::altered(answered.cloned().unwrap_or_else(answer::any), pointer, value))),
        };
    }
    outcome
}
