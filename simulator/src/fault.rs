//! Faults that can be switched on, one by one.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Caller, Response};

/// One thing that goes wrong, some number of times, for the calls it names.
///
/// A call consults the waiting faults in order. Those whose `skip` is not used up count the call and step aside; the first other one strikes.
/// A delay lets the call go on to the faults behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The operation it strikes, such as `arm.role-assignments.create`; a trailing `*` stands for any rest.
    pub operation: String,
    /// Strikes only calls about this: a part of their URL, or the id of the tenant whose token they carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How many matching calls to let pass first.
    #[serde(default)]
    pub skip: u32,
    /// How many calls to strike; without it, every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Before or after the call takes effect.
    #[serde(default)]
    pub when: When,
    /// What the caller sees.
    pub effect: Effect,
}

/// On which side of the call's effect a fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Nothing has happened in the world.
    #[default]
    Before,
    /// The call took effect, only its answer is lost: "done, but answered 503".
    After,
}

/// What the caller of a faulty call sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Effect {
    /// An error in the service's own shape.
    Status {
        /// The HTTP status answered, such as 429.
        status: u16,
        /// The error's code; without it, the one usual for the status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// The `Retry-After` header, sent as it stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
    /// A gateway's HTML page instead of the service's answer.
    Html {
        /// The HTTP status answered, such as 502.
        status: u16,
    },
    /// The caller is sent elsewhere.
    Redirect {
        /// The HTTP status answered, such as 307.
        status: u16,
        /// The `Location` header, sent as it stands.
        location: String,
    },
    /// The host's name does not resolve, so that nothing is sent: never after the call took effect.
    Unresolved,
    /// The TLS handshake fails, so that nothing is sent: never after the call took effect.
    Handshake,
    /// The connection is reset without an answer.
    Reset,
    /// The call waits this long and then goes on.
    Delay {
        /// How long, in seconds.
        seconds: u64,
    },
    /// The connection breaks in the middle of the body.
    Truncated,
    /// The answer's status with a body that is not JSON.
    InvalidJson,
    /// The right body under another media type.
    ContentType {
        /// The `Content-Type` header, sent as it stands.
        value: String,
    },
    /// The answer with another value at a JSON pointer, or with one more in the array there where the pointer ends in `/-`.
    Altered {
        /// Where.
        pointer: String,
        /// What stands there then.
        value: Value,
    },
}

impl Fault {
    /// A fault that strikes every call of `operation` before it takes effect.
    #[must_use]
    pub fn new(operation: impl Into<String>, effect: Effect) -> Self {
        Self { operation: operation.into(), about: None, skip: 0, times: None, when: When::Before, effect }
    }

    /// A fault that answers every call of `operation` with `status` before it takes effect.
    #[must_use]
    pub fn status(operation: impl Into<String>, status: u16) -> Self {
        let effect = Effect::Status { status, code: None, retry_after: None };
        Self::new(operation, effect)
    }

    /// The same fault, striking only calls whose URL has this in it, or whose token is of this tenant.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }

    /// The same fault, striking this many times only.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// The same fault, letting this many calls pass first.
    #[must_use]
    pub fn skipping(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// The same fault, striking after the call took effect.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.when = When::After;
        self
    }

    /// On which side of the call's effect it strikes, whatever it was given: without a connection nothing has happened.
    #[must_use]
    pub fn side(&self) -> When {
        if self.effect.prevents_connection() { When::Before } else { self.when }
    }

    fn concerns(&self, operation: &str, url: &str, caller: Option<&Caller>) -> bool {
        let is_named = match self.operation.strip_suffix('*') {
            Some(prefix) => operation.starts_with(prefix),
            None => self.operation == operation,
        };
        let is_about = |about: &String| url.contains(about) || caller.is_some_and(|caller| caller.tenant_id == *about);
        is_named && self.about.as_ref().is_none_or(is_about)
    }

    /// Whether it keeps connections to the service from being made whose operations begin with `family`. Which call a connection is for
    /// cannot be seen when it is made, and a call about anything but its host neither.
    fn concerns_connection(&self, family: &str, host: &str) -> bool {
        let is_named = match self.operation.strip_suffix('*') {
            Some(prefix) => prefix.starts_with(family) || family.starts_with(prefix),
            None => self.operation.starts_with(family),
        };
        self.effect.prevents_connection() && is_named && self.about.as_ref().is_none_or(|about| host.contains(about))
    }

    /// Counts one matching call; whether the fault strikes it.
    fn take_turn(&mut self) -> bool {
        if let Some(left) = self.skip.checked_sub(1) {
            self.skip = left;
            return false;
        }
        match &mut self.times {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

impl Effect {
    /// Whether it keeps the connection from being made, so that nothing is sent.
    #[must_use]
    pub const fn prevents_connection(&self) -> bool {
        matches!(self, Self::Unresolved | Self::Handshake)
    }
}

/// Whether a call makes a connection, or comes over one that is open already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    New,
    Open,
}

/// The fault that keeps this connection from being made. One that is used up is removed.
pub(crate) fn striking_connection(faults: &mut Vec<Fault>, family: &str, host: &str) -> Option<Fault> {
    let struck = faults
        .iter_mut()
        .filter(|fault| fault.concerns_connection(family, host))
        .find_map(|fault| fault.take_turn().then(|| fault.clone()));
    faults.retain(|fault| fault.times != Some(0));
    struck
}

/// The faults that strike this call: any number of delays, then at most one other. Faults that are used up are removed.
pub(crate) fn striking(faults: &mut Vec<Fault>, operation: &str, url: &str, caller: Option<&Caller>, connection: Connection) -> Vec<Fault> {
    let mut struck = Vec::new();
    let may_strike = |fault: &Fault| connection == Connection::New || !fault.effect.prevents_connection();
    for fault in faults.iter_mut().filter(|fault| may_strike(fault) && fault.concerns(operation, url, caller)) {
        if fault.take_turn() {
            struck.push(fault.clone());
            if !matches!(fault.effect, Effect::Delay { .. }) {
                break;
            }
        }
    }
    faults.retain(|fault| fault.times != Some(0));
    struck
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = match self.times {
            None => "every call".to_owned(),
            Some(1) => "one call".to_owned(),
            Some(times) => format!("{times} calls"),
        };
        write!(f, "{count} of {}", self.operation)?;
        if let Some(about) = &self.about {
            write!(f, " about {about}")?;
        }
        if self.skip > 0 {
            write!(f, ", after {} that pass,", self.skip)?;
        }
        let side = match self.side() {
            When::Before => "before it takes effect",
            When::After => "after it took effect",
        };
        write!(f, " {} {side}", self.effect)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { status, code, retry_after } => {
                write!(f, "is answered {status}")?;
                if let Some(code) = code {
                    write!(f, " {code}")?;
                }
                match retry_after {
                    Some(after) => write!(f, " with Retry-After {after}"),
                    None => Ok(()),
                }
            }
            Self::Html { status } => write!(f, "is answered {status} with an HTML page"),
            Self::Redirect { status, location } => write!(f, "is answered {status} and sent to {location}"),
            Self::Unresolved => f.write_str("finds no address for its host"),
            Self::Handshake => f.write_str("fails in the TLS handshake"),
            Self::Reset => f.write_str("loses its connection"),
            Self::Delay { seconds } => write!(f, "waits {seconds} s"),
            Self::Truncated => f.write_str("gets half an answer"),
            Self::InvalidJson => f.write_str("gets an answer that is not JSON"),
            Self::ContentType { value } => write!(f, "gets its answer as {value:?}"),
            Self::Altered { pointer, .. } => write!(f, "gets an answer with another value at {pointer}"),
        }
    }
}

/// Why there is no whole answer.
#[derive(Clone, Debug)]
pub enum Broken {
    /// The world has no such host; nothing was recorded.
    UnknownHost(String),
    /// The name of this host did not resolve: nothing was sent.
    Unresolved(String),
    /// The TLS handshake failed: nothing was sent.
    Handshake,
    /// The connection was reset.
    Reset,
    /// The connection broke inside the body of this answer, whose headers were sent.
    Truncated(Response),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost(host) => write!(f, "the simulated world has no host {host:?}"),
            Self::Unresolved(host) => write!(f, "the name {host} does not resolve"),
            Self::Handshake => f.write_str("the TLS handshake failed"),
            Self::Reset => f.write_str("the connection was reset"),
            Self::Truncated(_) => f.write_str("the connection broke before the end of the answer"),
        }
    }
}

impl std::error::Error for Broken {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn strikes_after_the_skipped_calls_and_as_often_as_told() {
        let mut faults = vec![Fault::status("arm.*", 503).skipping(1).times(2)];
        let strikes: Vec<usize> = (0..5).map(|_| striking(&mut faults, "arm.subscription.get", "", None, Connection::New).len()).collect();
        assert_eq!(strikes, [0, 1, 1, 0, 0]);
        assert!(faults.is_empty(), "a fault that is used up goes away");
    }

    #[test]
    fn an_exact_name_is_no_prefix() {
        let mut faults = vec![Fault::new("queue.enqueue", Effect::Reset)];
        assert!(striking(&mut faults, "queue.enqueue-more", "", None, Connection::New).is_empty());
        assert_eq!(striking(&mut faults, "queue.enqueue", "", None, Connection::New).len(), 1);
    }

    #[test]
    fn a_delay_lets_the_next_fault_strike_too() {
        let mut faults = vec![Fault::new("*", Effect::Delay { seconds: 5 }), Fault::new("*", Effect::Reset), Fault::status("*", 500)];
        let struck = striking(&mut faults, "entra.token", "", None, Connection::New);
        assert_eq!(struck.len(), 2);
        assert_eq!(struck[1].effect, Effect::Reset);
    }

    #[test]
    fn reads_as_written() -> Result<(), serde_json::Error> {
        let text = json!({"operation": "arm.role-assignments.create", "times": 1, "when": "after",
            "effect": {"kind": "status", "status": 429, "code": "TooManyRequests", "retryAfter": "17"}});
        let fault: Fault = serde_json::from_value(text)?;
        assert_eq!(
            fault.to_string(),
            "one call of arm.role-assignments.create is answered 429 TooManyRequests with Retry-After 17 after it took effect"
        );
        assert_eq!(serde_json::from_value::<Fault>(serde_json::to_value(&fault)?)?, fault);
        Ok(())
    }

    #[test]
    fn what_prevents_a_connection_strikes_before() {
        for effect in [Effect::Unresolved, Effect::Handshake] {
            let fault = Fault::new("arm.subscription.get", effect).after();
            assert_eq!(fault.side(), When::Before);
            assert!(fault.to_string().ends_with(" before it takes effect"), "{fault}");
        }
        assert_eq!(Fault::new("*", Effect::Reset).after().side(), When::After);
    }

    #[test]
    fn a_connection_is_known_by_its_service_alone() {
        for (operation, about, strikes) in [
            ("arm.role-assignments.create", None, true),
            ("arm.*", Some("management.azure.com"), true),
            ("*", None, true),
            ("arm.*", Some("/subscriptions/1"), false),
            ("entra.token", None, false),
            ("ar*", None, true),
        ] {
            let about = about.map(str::to_owned);
            let mut faults = vec![Fault { about, ..Fault::new(operation, Effect::Handshake).times(1) }];
            let struck = striking_connection(&mut faults, "arm.", "management.azure.com");
            assert_eq!((struck.is_some(), faults.is_empty()), (strikes, strikes), "{operation}");
        }
        let mut faults = vec![Fault::new("*", Effect::Reset), Fault::new("*", Effect::Unresolved)];
        assert_eq!(striking(&mut faults, "arm.subscription.get", "", None, Connection::Open)[0].effect, Effect::Reset);
        assert!(striking(&mut faults[1..].to_vec(), "arm.subscription.get", "", None, Connection::Open).is_empty());
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let text = json!({"operation": "*", "effect": {"kind": "reset"}, "probability": 0.5});
        assert!(serde_json::from_value::<Fault>(text).is_err());
    }
}
