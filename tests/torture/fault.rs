//! The faults, and the cases that combine them with operations and requests.

use std::fmt;

use azure_simulator::Fault;

/// An operation of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Operation {
    /// The first apply.
    Create,
    /// An apply of another configuration.
    Update,
    /// An apply of the same configuration after changes by others.
    Repair,
    /// A destroy.
    Delete,
}

/// A fault at a request, or something that happens to the processes during a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    KillProvider,
    KillHost,
    CtrlC,
    CtrlCTwice,
    Terminate,
    Cut,
    Throttled,
    ThrottledThrice,
    ServerError,
    Unavailable,
    /// 403 from this request on.
    Forbidden,
    /// This request gets no response.
    Hang,
    BrokenJson,
    /// 404 with the service's own error code.
    NotFound,
}

/// Whether Azure carries out the request that the fault affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum When {
    Before,
    After,
}

/// One case: a fault at a request of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) operation: Operation,
    pub(crate) kind: Kind,
    pub(crate) when: When,
    /// The number of the request, from 1.
    pub(crate) request: u64,
}

impl Operation {
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Repair, Self::Delete];
}

impl Kind {
    pub(crate) const ALL: [Self; 14] = [
        Self::KillProvider,
        Self::KillHost,
        Self::CtrlC,
        Self::CtrlCTwice,
        Self::Terminate,
        Self::Cut,
        Self::Throttled,
        Self::ThrottledThrice,
        Self::ServerError,
        Self::Unavailable,
        Self::Forbidden,
        Self::Hang,
        Self::BrokenJson,
        Self::NotFound,
    ];

    /// Whether the fault is a signal to a process, while the simulator holds the request.
    pub(crate) fn is_signal(self) -> bool {
        matches!(
            self,
            Self::KillProvider | Self::KillHost | Self::CtrlC | Self::CtrlCTwice | Self::Terminate
        )
    }

    /// Whether the provider can end on its own terms, so that it must leave no temporary files.
    pub(crate) fn ends_orderly(self) -> bool {
        !matches!(self, Self::KillProvider | Self::KillHost)
    }

    /// Whether the operation must succeed in spite of the fault.
    pub(crate) fn is_retried(self, when: When) -> bool {
        match self {
            Self::Cut | Self::Throttled | Self::ThrottledThrice | Self::NotFound => true,
            Self::ServerError | Self::Unavailable => when == When::Before,
            _ => false,
        }
    }

    /// When the fault can strike. A refusal carries nothing out.
    pub(crate) fn times(self) -> &'static [When] {
        match self {
            Self::Throttled | Self::ThrottledThrice | Self::Forbidden | Self::NotFound => {
                &[When::Before]
            }
            _ => &[When::Before, When::After],
        }
    }
}

impl Case {
    /// Returns all cases of an operation that makes this many requests.
    pub(crate) fn all(operation: Operation, requests: u64) -> Vec<Self> {
        let mut cases = Vec::new();
        for request in 1..=requests {
            for kind in Kind::ALL {
                cases.extend(kind.times().iter().map(|&when| Self {
                    operation,
                    kind,
                    when,
                    request,
                }));
            }
        }
        cases
    }

    /// Returns the fault for the simulator.
    pub(crate) fn fault(self) -> Fault {
        let fault = Fault::at(self.request);
        match (self.kind, self.when) {
            (kind, When::Before) if kind.is_signal() => fault.hold(),
            (kind, When::After) if kind.is_signal() => fault.hold_after(),
            (Kind::Cut, When::Before) => fault.cut(),
            (Kind::Cut, When::After) => fault.cut_after(),
            (Kind::Hang, When::Before) => fault.hang(),
            (Kind::Hang, When::After) => fault.hang_after(),
            (Kind::BrokenJson, When::Before) => fault.garble(),
            (Kind::BrokenJson, When::After) => fault.garble_after(),
            (Kind::ServerError, When::Before) => fault.status(500),
            (Kind::ServerError, When::After) => fault.status_after(500),
            (Kind::Unavailable, When::Before) => fault.status(503),
            (Kind::Unavailable, When::After) => fault.status_after(503),
            (Kind::Throttled, _) => fault.status(429).retry_after(1),
            (Kind::ThrottledThrice, _) => fault.status(429).retry_after(1).times(3),
            (Kind::NotFound, _) => fault.not_found(),
            _ => fault.status(403).times(u64::MAX),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Repair => "repair",
            Self::Delete => "delete",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KillProvider => "SIGKILL of the provider",
            Self::KillHost => "SIGKILL of the host",
            Self::CtrlC => "Ctrl-C",
            Self::CtrlCTwice => "Ctrl-C twice",
            Self::Terminate => "SIGTERM",
            Self::Cut => "connection cut",
            Self::Throttled => "429 once",
            Self::ThrottledThrice => "429 three times",
            Self::ServerError => "500 once",
            Self::Unavailable => "503 once",
            Self::Forbidden => "403 from there on",
            Self::Hang => "no response",
            Self::BrokenJson => "broken JSON",
            Self::NotFound => "404 once",
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.when {
            When::Before => "before",
            When::After => "after",
        };
        let Self {
            operation,
            kind,
            request,
            ..
        } = self;
        write!(
            f,
            "{operation}, {kind}, request {request}, {when} Azure has acted"
        )
    }
}
