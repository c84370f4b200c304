//! Creates the Azure client from a configuration.

use std::sync::Arc;

use crate::azure::{Azure, AzureOptions};
use crate::http::{Pipeline, Transport};
use crate::provider::configuration::config::{Config, Correlation};
use crate::provider::configuration::credential::credential;
use crate::provider::configuration::environment::Environment;
use crate::provider::configuration::http_clients;
use terraform_plugin::diagnostics::Diagnostics;
use terraform_plugin::framework::Context;

impl Config {
    /// Creates the Azure client. Requests go through `transport` if it is set, and otherwise through the
    /// proxy and with the certificates from the environment.
    ///
    /// # Errors
    ///
    /// If a proxy, a certificate or an ID is not valid, or the metadata host doesn't return the endpoints.
    pub(crate) async fn connect(
        self,
        context: &Context,
        environment: &Environment,
        transport: Option<&Arc<dyn Transport>>,
    ) -> Result<Azure, Diagnostics> {
        let own = || transport.cloned().map(Pipeline::new).map(Ok);
        let user_agent = &*self.user_agent;
        let pipeline = own().unwrap_or_else(|| http_clients::azure(environment, user_agent))?;
        let machine =
            || own().unwrap_or_else(|| http_clients::managed_identity(environment, user_agent));
        let cloud = self.cloud.resolve(context, &pipeline).await?;
        let credential = credential(self.sign_in, &cloud, pipeline.clone(), environment, machine)?;
        Ok(Azure::new(AzureOptions {
            cloud,
            credential: credential.with_auxiliary_tenants(&self.auxiliary_tenants),
            pipeline,
            correlation_id: match self.correlation_id {
                Correlation::None => None,
                Correlation::New => Some(uuid::Uuid::new_v4().to_string()),
                Correlation::Given(id) => Some(id),
            },
        }))
    }
}
