//! Dispatch of requests by host, and their entries in the log.

use crate::change::Change;
use crate::fault::{self, Effect};
use crate::log::{Entry, masked};
use crate::managed_identity::{app_service, imds};
use crate::oidc::{azure_devops, github};
use crate::state::World;
use crate::wire::{Call, Reply};
use crate::{acr, arm, az, entra, storage};

/// The name of a request in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    /// The operation, such as `tasks/write`.
    pub(crate) operation: String,
    /// Whether it is a write.
    pub(crate) write: bool,
}

impl Label {
    /// Returns the label of a read.
    pub(crate) fn look(operation: &str) -> Self {
        Self {
            operation: operation.to_owned(),
            write: false,
        }
    }
}

/// A simulated service.
enum Part {
    Entra,
    Arm,
    /// A host that serves only the cloud's metadata endpoints.
    Metadata,
    Storage,
    GitHub,
    AzureDevOps,
    /// A service in plain HTTP.
    Plain(PlainPart),
    /// The data plane of a registry, by its name.
    Registry(String),
    Unknown,
}

/// A service on the client's machine.
#[derive(Clone, Copy)]
enum PlainPart {
    Imds,
    AppService,
    AzureCli,
}

impl World {
    /// Returns whether the simulator serves this host through its proxy.
    pub(crate) fn plays(&self, host: &str) -> bool {
        !matches!(self.part(host, ""), Part::Unknown | Part::Plain(_))
    }

    /// Returns the first failure that affects this request, and all changes that follow it.
    ///
    /// All faults count the request.
    pub(crate) fn strike(&mut self, call: &Call) -> (Option<Effect>, Vec<Change>) {
        let (mut failure, mut changes) = (None, Vec::new());
        for fault in &mut self.faults {
            match fault.strikes(call) {
                Some(Effect::Then(change)) => changes.push(change),
                Some(effect) => {
                    failure.get_or_insert(effect);
                }
                None => {}
            }
        }
        (failure, changes)
    }

    /// Answers a request through the service of its host.
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
            Part::Unknown => Reply::empty(421),
        }
    }

    /// Adds a request to the log. `status` is 0 if the client received no response.
    pub(crate) fn record(&mut self, call: &Call, status: u16, faulted: bool) {
        let Label { operation, write } = self.label(call);
        let token = self.tokens.find(call.bearer().unwrap_or_default());
        let entry = Entry {
            seq: 0,
            begun: call.begun,
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

    /// Returns the request's throttling bucket, whether or not throttling is on.
    fn bucket(&self, call: &Call) -> Option<String> {
        match self.part(&call.host, &call.path) {
            Part::Arm if call.path != arm::METADATA => {
                Some(format!("arm/{}", arm::class(call).as_str()))
            }
            Part::Registry(name) => Some(format!("{name}/{}", acr::class(call).as_str())),
            _ => None,
        }
    }

    /// Returns the error response of an injected fault, in the service's own format.
    pub(crate) fn refusal(
        &self,
        call: &Call,
        status: u16,
        code: Option<&str>,
        retry_after: Option<u64>,
    ) -> Reply {
        let reply = match self.part(&call.host, &call.path) {
            _ if status < 300 => Reply::empty(status),
            Part::Entra => entra::fault(self, status, code),
            Part::Plain(_) => {
                imds::refused(status, code.unwrap_or("unavailable"), "Injected fault.")
            }
            Part::Storage => storage::fault(status, code),
            part => fault::refusal(matches!(part, Part::Registry(_)), status, code),
        };
        match retry_after {
            Some(seconds) => reply.with("retry-after", seconds.to_string()),
            None => reply,
        }
    }

    /// Returns the 404 of a missing resource from the service of the request's host.
    pub(crate) fn not_found(&self, call: &Call) -> Reply {
        match self.part(&call.host, &call.path) {
            Part::Arm => arm::missing(self, call),
            Part::Registry(_) => acr::missing(call),
            Part::Storage => storage::missing(),
            _ => self.refusal(call, 404, None, None),
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
            Part::Unknown => Label::look("unknown-host"),
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
            host => self.registry_at(host).map_or(Part::Unknown, Part::Registry),
        }
    }
}

/// Returns the log's host name for a path of the plain HTTP listener.
pub(crate) fn plain_host(path: &str) -> &'static str {
    match path {
        az::PATH => az::HOST,
        path if path.starts_with(app_service::PATH) => app_service::HOST,
        _ => imds::HOST,
    }
}

/// Returns whether the host is a loopback address.
pub(crate) fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}
