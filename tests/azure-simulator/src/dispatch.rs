//! Where a request meets the world: which service its host stands for, what it is called, and what is written down.

use crate::fault::Effect;
use crate::log::{Entry, masked};
use crate::state::World;
use crate::wire::{Call, Reply};
use crate::{acr, arm, entra, storage};

/// What a request is called in the log, whatever becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    /// Such as `tasks/write`.
    pub(crate) operation: String,
    /// Whether it asks for a change.
    pub(crate) write: bool,
}

impl Label {
    /// A request that asks for nothing to change.
    pub(crate) fn look(operation: &str) -> Self {
        Self {
            operation: operation.to_owned(),
            write: false,
        }
    }
}

/// A service that a host stands for.
enum Part {
    Entra,
    Arm,
    Storage,
    /// The data plane of the registry of that name.
    Registry(String),
    Nobody,
}

impl World {
    /// Whether this host is one that the simulator plays.
    pub(crate) fn plays(&self, host: &str) -> bool {
        !matches!(self.part(host, ""), Part::Nobody)
    }

    /// What the planted faults make of this request: the first that strikes, though all of them count it.
    pub(crate) fn strike(&mut self, call: &Call) -> Option<Effect> {
        let struck: Vec<Effect> = self
            .faults
            .iter_mut()
            .filter_map(|fault| fault.strikes(call))
            .collect();
        struck.into_iter().next()
    }

    /// Lets the service that the host stands for answer.
    pub(crate) fn answer(&mut self, call: &Call) -> Reply {
        match self.part(&call.host, &call.path) {
            Part::Entra => entra::answer(self, call),
            Part::Arm => arm::answer(self, call),
            Part::Storage => storage::answer(self, call),
            Part::Registry(name) => acr::answer(self, call, &name),
            Part::Nobody => Reply::empty(421),
        }
    }

    /// Writes a request down. `status` is 0 when the client never saw an answer.
    pub(crate) fn record(&mut self, call: &Call, status: u16, faulted: bool) {
        let Label { operation, write } = self.label(call);
        let token = self.tokens.find(call.bearer().unwrap_or_default());
        let entry = Entry {
            seq: 0,
            time: self.now(),
            host: call.host.clone(),
            method: call.method.to_string(),
            path: call.path.clone(),
            query: masked(&call.query),
            api_version: call.param("api-version"),
            status,
            faulted,
            write,
            principal: token.map(|token| token.principal.clone()),
            operation,
            user_agent: call.header("user-agent").map(str::to_owned),
            correlation_id: call
                .header("x-ms-correlation-request-id")
                .map(str::to_owned),
        };
        self.log.add(entry);
    }

    fn label(&self, call: &Call) -> Label {
        match self.part(&call.host, &call.path) {
            Part::Entra => entra::label(call),
            Part::Arm => arm::label(call),
            Part::Storage => Label::look("storage/read"),
            Part::Registry(_) => acr::label(call),
            Part::Nobody => Label::look("unknown-host"),
        }
    }

    fn part(&self, host: &str, path: &str) -> Part {
        match host {
            entra::HOST => Part::Entra,
            arm::HOST => Part::Arm,
            storage::HOST => Part::Storage,
            host if is_loopback(host) && arm::is_path(path) => Part::Arm,
            host if is_loopback(host) => Part::Entra,
            host => self.registry_at(host).map_or(Part::Nobody, Part::Registry),
        }
    }
}

/// Whether the host is this machine, which has no name in Azure.
pub(crate) fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}
