//! Where a request meets the world: which service its host stands for, what it is called, and what is written down.

use crate::fault::{self, Effect};
use crate::log::{Entry, masked};
use crate::managed_identity::{app_service, imds};
use crate::oidc::{azure_devops, github};
use crate::state::World;
use crate::wire::{Call, Reply};
use crate::{acr, arm, az, entra, storage};

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
    /// A host that tells where the cloud's parts are, and nothing else.
    Metadata,
    Storage,
    GitHub,
    AzureDevOps,
    /// What is asked in plain HTTP.
    Plain(PlainPart),
    /// The data plane of the registry of that name.
    Registry(String),
    Nobody,
}

/// A service on the machine of the client.
#[derive(Clone, Copy)]
enum PlainPart {
    Imds,
    AppService,
    AzureCli,
}

impl World {
    /// Whether this host is one that the simulator plays.
    pub(crate) fn plays(&self, host: &str) -> bool {
        !matches!(self.part(host, ""), Part::Nobody | Part::Plain(_))
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
            Part::Metadata if call.path == arm::METADATA => arm::metadata(self, call),
            Part::Metadata => Reply::empty(404),
            Part::Storage => storage::answer(self, call),
            Part::GitHub => github::answer(self, call),
            Part::AzureDevOps => azure_devops::answer(self, call),
            Part::Plain(PlainPart::Imds) => imds::answer(self, call),
            Part::Plain(PlainPart::AppService) => app_service::answer(self, call),
            Part::Plain(PlainPart::AzureCli) => az::command::answer(self, call),
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
            range: call.header("range").map(str::to_owned),
            api_version: call.param("api-version"),
            status,
            faulted,
            write,
            principal: token.map(|token| token.principal.clone()),
            auxiliary_tokens: arm::auxiliary_tokens(call),
            bucket: self.bucket(call),
            operation,
            user_agent: call.header("user-agent").map(str::to_owned),
            correlation_id: call
                .header("x-ms-correlation-request-id")
                .map(str::to_owned),
        };
        self.log.add(entry);
    }

    /// What the request is throttled with, whether or not the knob is on.
    fn bucket(&self, call: &Call) -> Option<String> {
        match self.part(&call.host, &call.path) {
            Part::Arm if call.path != arm::METADATA => {
                Some(format!("arm/{}", arm::class(call).as_str()))
            }
            Part::Registry(name) => Some(format!("{name}/{}", acr::class(call).as_str())),
            _ => None,
        }
    }

    /// The answer of a service that is refusing by order, in the service's own envelope.
    pub(crate) fn refusal(
        &self,
        call: &Call,
        status: u16,
        code: Option<&str>,
        retry_after: Option<u64>,
    ) -> Reply {
        let reply = match self.part(&call.host, &call.path) {
            Part::Entra => entra::fault(self, status, code),
            Part::Plain(_) => imds::refused(
                status,
                code.unwrap_or("unavailable"),
                "A fault was planted here.",
            ),
            part => fault::refusal(matches!(part, Part::Registry(_)), status, code),
        };
        match retry_after {
            Some(seconds) => reply.with("retry-after", seconds.to_string()),
            None => reply,
        }
    }

    fn label(&self, call: &Call) -> Label {
        match self.part(&call.host, &call.path) {
            Part::Entra => entra::label(call),
            Part::Arm => arm::label(call),
            Part::Metadata => Label::look("metadata/read"),
            Part::Storage => Label::look("storage/read"),
            Part::GitHub => Label::look("oidc/github"),
            Part::AzureDevOps => Label::look("oidc/azure-devops"),
            Part::Plain(PlainPart::Imds) => Label::look("identity/imds"),
            Part::Plain(PlainPart::AppService) => Label::look("identity/app-service"),
            Part::Plain(PlainPart::AzureCli) => Label::look("az"),
            Part::Registry(_) => acr::label(call),
            Part::Nobody => Label::look("unknown-host"),
        }
    }

    fn part(&self, host: &str, path: &str) -> Part {
        match host {
            host if host == self.cloud.login_host() => Part::Entra,
            host if host == self.cloud.arm_host() => Part::Arm,
            host if self.metadata_host.as_deref() == Some(host) => Part::Metadata,
            storage::HOST => Part::Storage,
            github::HOST => Part::GitHub,
            azure_devops::HOST => Part::AzureDevOps,
            imds::HOST => Part::Plain(PlainPart::Imds),
            app_service::HOST => Part::Plain(PlainPart::AppService),
            az::HOST => Part::Plain(PlainPart::AzureCli),
            host if is_loopback(host) && arm::is_path(path) => Part::Arm,
            host if is_loopback(host) => Part::Entra,
            host => self.registry_at(host).map_or(Part::Nobody, Part::Registry),
        }
    }
}

/// The host for which a path of the plain listener stands.
pub(crate) fn plain_host(path: &str) -> &'static str {
    match path {
        az::PATH => az::HOST,
        path if path.starts_with(app_service::PATH) => app_service::HOST,
        _ => imds::HOST,
    }
}

/// Whether the host is this machine, which has no name in Azure.
pub(crate) fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}
