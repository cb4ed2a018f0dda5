//! A history as data: what the world is like, and who does what in it, when. It can be run, shrunk and told.

use std::time::Duration;

use ispm_onboarder_simulator::Fault;

/// Where the deployment runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// Azure Functions: Event Grid delivers, the queue is of Azure Storage.
    Functions,
    /// AWS Lambda: everything comes by a queue of SQS.
    Lambda,
}

/// What Contoso's record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// Assign, count what is inherited, leave out what is disabled.
    Usual,
    /// As usual, and leave out a management group, so that each scope's place is read.
    LeavesOutGroup,
    /// As usual, but Reader has to be assigned at the scope itself.
    Direct,
    /// Never assign: say what is missing.
    ReadOnly,
    /// As usual, but a person makes the connection in the console.
    Console,
}

/// How the clouds are, as numbers that shrink to zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// How long every call takes, in milliseconds.
    pub latency: u64,
    /// How long a new service principal is unknown, in seconds.
    pub replication: u64,
    /// How long a new assignment is missing from lists, in seconds.
    pub list_lag: u64,
    /// How long a new assignment has no effect, in seconds.
    pub propagation: u64,
    /// How long ISPM tests a connection, in seconds.
    pub connection_test: u64,
    /// How long Resource Graph lags behind, in seconds.
    pub graph_lag: u64,
    /// How long an access token is valid, in seconds; zero for long.
    pub token_lifetime: u64,
    /// Items on a page; zero for all.
    pub page_size: usize,
    /// Whether Azure throttles by its own numbers.
    pub throttles: bool,
    /// How many instances of the app there are, beside the first.
    pub more_instances: usize,
    /// By what Event Grid departs from its schedule; zero for not at all.
    pub spread: u64,
}

/// Whose scope it is, and what is particular to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Contoso's; nobody has Reader there.
    New,
    /// Contoso's, a second one like it.
    More,
    /// Contoso's; a person assigned Reader under another name.
    ByHand,
    /// Contoso's; Reader is inherited from its group.
    Inherited,
    /// Contoso's; disabled.
    Disabled,
    /// Contoso's; it has as many assignments as it may have.
    AtLimit,
    /// Contoso's; unknown to Resource Manager during the first minutes.
    Late,
    /// One of Contoso's management groups.
    Group,
    /// Fabrikam's, which is served too.
    Theirs,
    /// Of a tenant that is not served.
    Unserved,
    /// Fabrikam's, asked for as if it were Contoso's.
    Foreign,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The number in the event's id; the same for the same event.
    pub number: usize,
    /// The scope.
    pub place: Place,
    /// Whether it is to be taken back.
    pub offboard: bool,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A pipeline publishes an event, so many times.
    Publish { ask: Ask, copies: u32, in_event_grids_schema: bool },
    /// A person calls the ops route, and waits.
    Call(Ask),
    /// The timer of the sweep.
    Sweep,
    /// Something goes wrong from now on, for calls to come.
    Break(Fault),
    /// The instance of this number is killed at its so many-th pending from now, and started again empty.
    Kill { instance: usize, after: u64 },
    /// A queue hands a message out that is being worked on.
    HandOutAgain,
    /// Somebody else does something.
    Other(Act),
    /// An administrator assigns Reader at Contoso's root group, elevated, and wishes to stop after so many seconds.
    Elevate { stop_after: Option<u64> },
}

/// What others do meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A person assigns Reader to the ISPM app at the scope, under a name of their own.
    Assigns(Place),
    /// A person removes the ISPM app's Reader at the scope, whoever made it.
    Removes(Place),
    /// A person moves the subscription to another management group.
    Moves(Place),
    /// The subscription is cancelled.
    Cancels(Place),
    /// The cancelled subscription is there again.
    Revives(Place),
    /// The login's secret is rotated: the old one does not sign in any more, the store has the new one.
    RotatesLogin,
    /// The same, but the store gets the new one so many minutes later.
    RotatesLoginFirst { minutes: u64 },
    /// The store gets the login's new secret.
    StoresLogin,
    /// The ISPM token is rotated: the old one is not taken any more, the store has the new one.
    RotatesToken,
    /// A person removes the connection in the console.
    RemovesConnection,
}

/// A deed and when it is done, from the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub at: Duration,
    pub deed: Deed,
}

/// One history.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// What it was drawn from.
    pub seed: u64,
    pub host: Host,
    pub policy: Policy,
    pub weather: Weather,
    /// In order.
    pub steps: Vec<Step>,
}

/// One in so many histories ends in a sweep, after which all of the estate has to be onboarded; the others, in what was asked for.
const ONE_ENDS_IN_A_SWEEP: u64 = 8;

impl History {
    /// Whether the sweep's timer fires when all is well again.
    pub const fn ends_in_sweep(&self) -> bool {
        (self.seed / 2).is_multiple_of(ONE_ENDS_IN_A_SWEEP)
    }
}
