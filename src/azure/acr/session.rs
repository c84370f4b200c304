//! Signs in to a registry. The client asks the registry for its challenge, which names the token
//! endpoint. There it exchanges an Entra token for a refresh token, and the refresh token for an access
//! token per scope.
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
    challenge: OnceCell<Challenge>,
    refresh: Slot,
    access: Mutex<HashMap<String, Arc<Slot>>>,
    /// Whether the registry accepts tokens for Resource Manager but not for registries.
    by_resource_manager: AtomicBool,
}

/// A token once fetched. The lock is held during the fetch.
type Slot = tokio::sync::Mutex<Option<Secret>>;

impl Session {
    pub(crate) fn new(login_server: &str) -> Self {
        Self {
            login_server: login_server.to_owned(),
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
        let challenge = match self.session.challenge.get() {
            Some(challenge) => challenge,
            // On the first sign-in, fetches the Entra token at the same time because the exchange needs
            // it next.
            None => {
                let challenge = self.challenge(budget, operation);
                let entra = self.azure.registry_token(budget, self.session.audience());
                tokio::try_join!(challenge, entra)?.0
            }
        };
        let refresh = self
            .refresh_token(budget, operation, challenge, None)
            .await?;
        let mut answer = self
            .ask(budget, operation, challenge, scope, &refresh)
            .await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            let stale = Some(&refresh);
            let refresh = self
                .refresh_token(budget, operation, challenge, stale)
                .await?;
            answer = self
                .ask(budget, operation, challenge, scope, &refresh)
                .await?;
        }
        token_of(operation, &answer, "access_token")
    }

    async fn refresh_token(
        &self,
        budget: &Budget,
        operation: &Operation,
        challenge: &Challenge,
        stale: Option<&Secret>,
    ) -> Result<Secret, Error> {
        let mut slot = self.session.refresh.lock().await;
        if let Some(token) = slot.as_ref()
            && Some(token) != stale
        {
            return Ok(token.clone());
        }
        let answer = self.exchanged(budget, operation, challenge).await?;
        let token = token_of(operation, &answer, "refresh_token")?;
        Ok(slot.insert(token).clone())
    }

    /// Exchanges an Entra token for a refresh token. It tries the audience that the registry accepted
    /// last, and then the other audience. Finally it tries a renewed token, because the first one may
    /// have been revoked.
    async fn exchanged(
        &self,
        budget: &Budget,
        operation: &Operation,
        challenge: &Challenge,
    ) -> Result<Response, Error> {
        let exchange =
            async |token: &Secret| self.exchange(budget, operation, challenge, token).await;
        let audience = self.session.audience();
        let token = self.azure.registry_token(budget, audience).await?;
        let answer = exchange(&token).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
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
        challenge: &Challenge,
        entra: &Secret,
    ) -> Result<Response, Error> {
        let form = [
            ("grant_type", "access_token"),
            ("service", &challenge.service),
            ("access_token", entra.expose()),
        ];
        let address = challenge
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
        challenge: &Challenge,
        scope: &str,
        refresh: &Secret,
    ) -> Result<Response, Error> {
        let form = [
            ("grant_type", "refresh_token"),
            ("service", &challenge.service),
            ("scope", scope),
            ("refresh_token", refresh.expose()),
        ];
        let request = Request::new(Method::POST, challenge.realm.clone());
        let request = sign_in(request).effect(Effect::Nothing).form(&form);
        self.azure.send(budget, operation, &request).await
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
