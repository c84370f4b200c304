//! Signs in to a registry. The client exchanges an Entra token for a refresh token, and the refresh token for
//! an access token per scope.
//!
//! The address of both follows from the login server, if that is in the cloud's own domain. Otherwise, or if
//! the registry doesn't sign in there, the registry's challenge names the address.
//!
//! All clients of a registry share the tokens. A client waits for a token that another one is fetching.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::azure::acr::AcrClient;
use crate::azure::acr::challenge::Challenge;
use crate::azure::{Audience, Error, Operation, OperationKind, Secret, rate_limits};
use crate::http::{Budget, Effect, Request, Response};

/// The state that all clients of one registry share.
pub(crate) struct Session {
    login_server: String,
    /// Where registries of this cloud sign in.
    usual: Option<Challenge>,
    /// Where the registry says that it signs in. Read only if there is no usual place, or if it is wrong.
    challenge: OnceCell<Challenge>,
    refresh: Slot,
    access: Mutex<HashMap<String, Arc<Slot>>>,
    /// Whether the registry accepts tokens for Resource Manager but not for registries.
    by_resource_manager: AtomicBool,
}

/// A token once fetched. The lock is held during the fetch.
type Slot = tokio::sync::Mutex<Option<Secret>>;

impl Session {
    /// `is_known` says whether the login server is in the cloud's own domain.
    pub(crate) fn new(login_server: &str, is_known: bool) -> Self {
        let usual = is_known.then(|| Challenge::usual(login_server));
        Self {
            login_server: login_server.to_owned(),
            usual: usual.flatten(),
            challenge: OnceCell::new(),
            refresh: Slot::default(),
            access: Mutex::default(),
            by_resource_manager: AtomicBool::new(false),
        }
    }

    pub(crate) fn login_server(&self) -> &str {
        &self.login_server
    }

    /// The audience whose tokens the registry accepted last. Defaults to registries.
    fn audience(&self) -> Audience {
        if self.by_resource_manager.load(Ordering::Relaxed) {
            Audience::ResourceManager
        } else {
            Audience::Registries
        }
    }

    fn access(&self, scope: &str) -> Arc<Slot> {
        let mut access = self.access.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(access.entry(scope.to_owned()).or_default())
    }
}

impl Audience {
    fn other(self) -> Self {
        match self {
            Self::Registries => Self::ResourceManager,
            Self::ResourceManager => Self::Registries,
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("login_server", &self.login_server)
            .finish_non_exhaustive()
    }
}

impl AcrClient {
    /// Returns an access token for a scope.
    pub(crate) async fn token(&self, budget: &Budget, scope: &str) -> Result<Secret, Error> {
        self.access_token(budget, scope, None, scope).await
    }

    /// Returns a token other than `stale`, which the registry rejected. The challenge may ask for another scope.
    /// The new token still replaces the old one under `scope`, so it also covers that.
    pub(crate) async fn renewed_token(
        &self,
        budget: &Budget,
        scope: &str,
        stale: &Secret,
        asked: Option<&str>,
    ) -> Result<Secret, Error> {
        let asked = asked.map_or_else(|| scope.to_owned(), |asked| covering(scope, asked));
        self.access_token(budget, scope, Some(stale), &asked).await
    }

    async fn access_token(
        &self,
        budget: &Budget,
        scope: &str,
        stale: Option<&Secret>,
        asked: &str,
    ) -> Result<Secret, Error> {
        let operation = Operation::new(OperationKind::SignInToRegistry, self.login_server());
        let slot = self.session.access(scope);
        let cached_or_new = async {
            let mut slot = slot.lock().await;
            match slot.as_ref() {
                Some(token) if Some(token) != stale => Ok(token.clone()),
                _ => {
                    let token = self.new_token(budget, &operation, asked).await?;
                    Ok(slot.insert(token).clone())
                }
            }
        };
        tokio::select! {
            biased;
            token = cached_or_new => token,
            why = budget.spent() => Err(Error::stopped(&operation, why)),
        }
    }

    async fn new_token(
        &self,
        budget: &Budget,
        operation: &Operation,
        scope: &str,
    ) -> Result<Secret, Error> {
        let refresh = self.refresh_token(budget, operation, None).await?;
        let mut answer = self.ask(budget, operation, scope, &refresh).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            let refresh = self
                .refresh_token(budget, operation, Some(&refresh))
                .await?;
            answer = self.ask(budget, operation, scope, &refresh).await?;
        }
        token_of(operation, &answer, "access_token")
    }

    /// Signs in before the first request needs it. It requests no access token yet.
    ///
    /// # Errors
    /// The registry refuses the Entra token, or any request error.
    pub(crate) async fn sign_in(&self, budget: &Budget) -> Result<(), Error> {
        let operation = Operation::new(OperationKind::SignInToRegistry, self.login_server());
        tokio::select! {
            biased;
            token = self.refresh_token(budget, &operation, None) => token.map(drop),
            why = budget.spent() => Err(Error::stopped(&operation, why)),
        }
    }

    async fn refresh_token(
        &self,
        budget: &Budget,
        operation: &Operation,
        stale: Option<&Secret>,
    ) -> Result<Secret, Error> {
        let mut slot = self.session.refresh.lock().await;
        if let Some(token) = slot.as_ref()
            && Some(token) != stale
        {
            return Ok(token.clone());
        }
        let answer = self.exchanged(budget, operation).await?;
        let token = token_of(operation, &answer, "refresh_token")?;
        Ok(slot.insert(token).clone())
    }

    /// Exchanges an Entra token for a refresh token. It tries the audience that the registry accepted
    /// last, and then the other audience. Finally it tries a renewed token, because the first one may
    /// have been revoked.
    async fn exchanged(&self, budget: &Budget, operation: &Operation) -> Result<Response, Error> {
        let audience = self.session.audience();
        let token = self.azure.registry_token(budget, audience);
        // If the registry must say where to sign in, it does so while Entra issues the token.
        let (place, token) = tokio::try_join!(self.place(budget, operation), token)?;
        let mut answer = self.exchange(budget, operation, place, &token).await?;
        if is_elsewhere(answer.status) && self.session.challenge.get().is_none() {
            let named = self.challenge(budget, operation).await?;
            if !named.is_same_place(place) {
                answer = self.exchange(budget, operation, named, &token).await?;
            }
        }
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let place = self.place(budget, operation).await?;
        let exchange = async |token: &Secret| self.exchange(budget, operation, place, token).await;
        // Registries of a sovereign cloud may accept only the Resource Manager audience.
        let other = audience.other();
        if let Ok(second) = self.azure.registry_token(budget, other).await
            && second != token
        {
            let answer = exchange(&second).await?;
            if answer.status.is_success() {
                let by_resource_manager = other == Audience::ResourceManager;
                self.session
                    .by_resource_manager
                    .store(by_resource_manager, Ordering::Relaxed);
                return Ok(answer);
            }
        }
        let renewed = self
            .azure
            .renewed_registry_token(budget, audience, &token)
            .await;
        let renewed = renewed.map_err(|error| error.after(operation, &answer))?;
        let answer = exchange(&renewed).await?;
        // A registry may reject Resource Manager tokens. Then the useful error is why Entra ID issues no
        // token for registries.
        match self.azure.unknown_audience() {
            Some(unknown) if answer.status == StatusCode::UNAUTHORIZED => Err(unknown),
            _ => Ok(answer),
        }
    }

    async fn exchange(
        &self,
        budget: &Budget,
        operation: &Operation,
        place: &Challenge,
        entra: &Secret,
    ) -> Result<Response, Error> {
        let form = [
            ("grant_type", "access_token"),
            ("service", &place.service),
            ("access_token", entra.expose()),
        ];
        let address = place
            .realm
            .join("exchange")
            .map_err(|error| Error::unexpected(operation, error.to_string()))?;
        let request = Request::new(Method::POST, address);
        let request = sign_in(request).effect(Effect::Nothing).form(&form);
        self.azure.send(budget, operation, &request).await
    }

    async fn ask(
        &self,
        budget: &Budget,
        operation: &Operation,
        scope: &str,
        refresh: &Secret,
    ) -> Result<Response, Error> {
        let place = self.place(budget, operation).await?;
        let form = [
            ("grant_type", "refresh_token"),
            ("service", &place.service),
            ("scope", scope),
            ("refresh_token", refresh.expose()),
        ];
        let request = Request::new(Method::POST, place.realm.clone());
        let request = sign_in(request).effect(Effect::Nothing).form(&form);
        self.azure.send(budget, operation, &request).await
    }

    /// Returns where to sign in.
    async fn place(&self, budget: &Budget, operation: &Operation) -> Result<&Challenge, Error> {
        let session = &self.session;
        match session.challenge.get().or(session.usual.as_ref()) {
            Some(place) => Ok(place),
            None => self.challenge(budget, operation).await,
        }
    }

    /// Returns the registry's challenge. The service name in it can differ from the login server.
    async fn challenge(&self, budget: &Budget, operation: &Operation) -> Result<&Challenge, Error> {
        let ask = || async {
            let request = sign_in(Request::new(Method::GET, self.url(operation, "/v2/")?));
            let answer = self.azure.send(budget, operation, &request).await?;
            if answer.status != StatusCode::UNAUTHORIZED && !answer.status.is_success() {
                return Err(Error::refused(operation, &answer));
            }
            Challenge::of(&answer)
                .filter(|challenge| challenge.is_of(self.login_server()))
                .ok_or_else(|| {
                    Error::unexpected(operation, "it has no valid authentication challenge")
                })
        };
        self.session.challenge.get_or_try_init(ask).await
    }
}

/// Whether the answer to an exchange may mean that the registry signs in at another address.
fn is_elsewhere(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(
            status,
            StatusCode::FORBIDDEN | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        )
}

fn sign_in(request: Request) -> Request {
    request.lanes(vec![rate_limits::registry_sign_in()])
}

/// Returns the scope of a challenge with the actions of another scope, if both are for the same repository.
fn covering(scope: &str, asked: &str) -> String {
    let (Some((name, actions)), Some((asked_name, asked_actions))) =
        (scope.rsplit_once(':'), asked.rsplit_once(':'))
    else {
        return asked.to_owned();
    };
    if name != asked_name {
        return asked.to_owned();
    }
    let asked_already: Vec<&str> = asked_actions.split(',').collect();
    let further = actions.split(',').filter(|it| !asked_already.contains(it));
    further.fold(asked.to_owned(), |all, action| format!("{all},{action}"))
}

/// Returns the token in an answer. Errors don't contain the answer, because it may contain a token.
fn token_of(operation: &Operation, answer: &Response, name: &str) -> Result<Secret, Error> {
    if !answer.status.is_success() {
        return Err(Error::refused(operation, answer));
    }
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    body.as_ref()
        .and_then(|body| body.get(name)?.as_str())
        .map(Secret::new)
        .ok_or_else(|| Error::unexpected(operation, "it contains no token"))
}

#[cfg(test)]
mod tests;
