//! What all resource types have in common: a resource is one object of Azure Resource Manager with a known ID.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::Value as Json;
use terraform_plugin::diagnostics::{Diagnostic, Diagnostics};
use terraform_plugin::framework::{
    ApplyRequest, ApplyResult, Context, ImportRequest, Imported, PlanRequest, PlanResponse,
    ReadRequest, ReadResponse, Recorder, Resource,
};
use terraform_plugin::schema::{Attribute, Block, Configurability, Schema};
use terraform_plugin::value::{AttributePath, Type, Value};
use uuid::Uuid;

use crate::arm::{Connection, Error};
use crate::kinds::{Change, Kind};

/// The managed resource of a [`Kind`].
#[derive(Debug)]
pub(crate) struct Managed {
    kind: Kind,
    schema: Schema,
    connection: Connection,
}

impl Managed {
    pub(crate) fn new(kind: Kind, connection: Connection) -> Self {
        let attributes = kind.attributes.iter().map(|(name, who, ..)| (*name, *who));
        let attributes = attributes.chain([("id", Configurability::Computed)]);
        let block = Block {
            attributes: attributes.map(attribute).collect(),
            ..Block::default()
        };
        let schema = Schema { version: 0, block };
        Self {
            kind,
            schema,
            connection,
        }
    }

    async fn send(
        &self,
        method: Method,
        id: &str,
        body: Option<&Json>,
    ) -> Result<Option<Json>, Error> {
        let path = format!("{id}?api-version={}", self.kind.api_version);
        self.connection.arm()?.send(method, &path, body).await
    }

    async fn create_new(&self, planned: Value) -> Result<Value, Error> {
        let arm = self.connection.arm()?;
        let subscription_id = ("subscription_id", arm.account.subscription_id.as_str());
        let name = Uuid::new_v4().to_string();
        let id = self.kind.id(&planned, [subscription_id, ("name", &name)]);
        match self.send(Method::GET, &id, None).await? {
            Some(_) => Err(Error::Exists(id)),
            None => self.put(&id, planned).await,
        }
    }

    async fn put(&self, id: &str, planned: Value) -> Result<Value, Error> {
        let planned = self.with_role(planned).await?;
        let body = self.kind.body(&planned);
        let stored = self.send(Method::PUT, id, Some(&body)).await?;
        Ok(self.kind.state(&stored.unwrap_or_default(), &planned))
    }

    async fn refreshed(&self, current: &Value) -> Result<Option<Value>, Error> {
        let found = self.send(Method::GET, id_of(current), None).await?;
        match found.map(|found| self.kind.state(&found, current)) {
            Some(state) => self.with_role(state).await.map(Some),
            None => Ok(None),
        }
    }

    /// Looks up the ID or the name of a role, whichever is not known yet. Only role assignments have a role.
    async fn with_role(&self, mut state: Value) -> Result<Value, Error> {
        const DEFINITIONS: &str = "providers/Microsoft.Authorization/roleDefinitions";
        let value = |name: &str| state.get(name).as_str().map(str::to_owned);
        let (id, name) = (value("role_definition_id"), value("role_definition_name"));
        let path = match (&id, name) {
            (Some(id), None) => id.clone(),
            (None, Some(name)) => {
                let scope = value("scope").unwrap_or_default();
                format!("{scope}/{DEFINITIONS}?$filter=roleName eq '{name}'")
            }
            _ => return Ok(state),
        };
        let join = if id.is_some() { '?' } else { '&' };
        let path = format!("{path}{join}api-version={}", self.kind.api_version);
        let found = self
            .connection
            .arm()?
            .send(Method::GET, &path, None)
            .await?;
        let found = found.unwrap_or_default();
        let role = if id.is_some() {
            &found
        } else {
            &found["value"][0]
        };
        if let Value::Object(attributes) = &mut state {
            let name = role["properties"]["roleName"].as_str();
            attributes.insert("role_definition_id".to_owned(), role["id"].as_str().into());
            attributes.insert("role_definition_name".to_owned(), name.into());
        }
        Ok(state)
    }

    fn failure(&self, act: &str, error: &Error) -> Diagnostics {
        let summary = format!("Could not {act} {}", self.kind.type_name);
        Diagnostic::error(summary, error.to_string()).into()
    }
}

#[async_trait]
impl Resource for Managed {
    fn type_name(&self) -> &str {
        self.kind.type_name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn plan(&self, _: &Context, request: PlanRequest) -> PlanResponse {
        let (config, prior) = (&request.config, &request.prior);
        let moves = |name: &str, change: Change| {
            let configured = config.get(name);
            let differs = !configured.is_null() && configured != prior.get(name);
            differs && matches!(change, Change::Replace | Change::ReplaceInBody)
        };
        let attributes = self.kind.attributes.iter();
        let moved: Vec<_> = attributes
            .filter(|(name, _, _, change)| !prior.is_null() && moves(name, *change))
            .map(|(name, ..)| AttributePath::new(*name))
            .collect();
        let planned = self.schema.block.attributes.iter().map(|attribute| {
            let name = attribute.name.as_str();
            let value = match config.get(name) {
                Value::Null if attribute.configurability == Configurability::Optional => {
                    Value::Null
                }
                Value::Null if name == "admin_enabled" => false.into(),
                Value::Null if prior.is_null() || !moved.is_empty() => Value::Unknown,
                Value::Null => prior.get(name).clone(),
                configured => configured.clone(),
            };
            (name.to_owned(), value)
        });
        PlanResponse {
            planned: Value::object(planned),
            requires_replace: moved,
            ..PlanResponse::default()
        }
    }

    async fn create(&self, _: &Context, request: ApplyRequest, _: &Recorder) -> ApplyResult {
        let created = self.create_new(request.planned).await;
        created
            .map(Into::into)
            .map_err(|error| self.failure("create", &error))
    }

    async fn read(&self, _: &Context, request: ReadRequest) -> ReadResponse {
        let read = self.refreshed(&request.current).await;
        read.map_err(|error| self.failure("read", &error)).into()
    }

    async fn update(&self, _: &Context, request: ApplyRequest, _: &Recorder) -> ApplyResult {
        let updated = self.put(id_of(&request.prior), request.planned).await;
        updated
            .map(Into::into)
            .map_err(|error| self.failure("update", &error))
    }

    async fn delete(
        &self,
        _: &Context,
        request: ApplyRequest,
        _: &Recorder,
    ) -> Result<Diagnostics, Diagnostics> {
        let deleted = self.send(Method::DELETE, id_of(&request.prior), None).await;
        let deleted = deleted.map(|_| Diagnostics::new());
        deleted.map_err(|error| self.failure("delete", &error))
    }

    async fn import(&self, _: &Context, request: ImportRequest) -> Result<Imported, Diagnostics> {
        let ImportRequest::Id(id) = request else {
            return Err(Diagnostic::error("No identity", "Import the resource by its ID.").into());
        };
        let state = Value::object([("id", Value::from(id))]);
        Ok(self.schema.block.complete(state).into())
    }
}

fn attribute((name, configurability): (&str, Configurability)) -> Attribute {
    let kind = match name {
        "admin_enabled" => Type::Bool,
        "tags" => Type::Map(Box::new(Type::String)),
        _ => Type::String,
    };
    Attribute::new(name, kind, configurability, "")
}

fn id_of(state: &Value) -> &str {
    state.get("id").as_str().unwrap_or_default()
}
