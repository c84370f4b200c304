//! One short method per RPC.
//!
//! An RPC for something that the provider doesn't support returns an empty answer or a diagnostic. The
//! RPCs of state stores keep the generated default, "unimplemented", because no released host calls them.

use std::sync::Arc;

use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, async_trait};

use crate::protocol::call_log::CallTarget;
use crate::protocol::generated as pb;
use crate::protocol::generated::provider_server::Provider;
use crate::protocol::reply::{Reply, answer, stream};
use crate::protocol::{
    ProviderService, actions, apply, data_sources, functions, identity, list, managed_resources,
    protocol_diagnostics, provider_schema, to_proto,
};

type Answer<T> = Result<Response<T>, Status>;

/// Answers a call for an ephemeral resource, which no provider on this framework has.
async fn no_ephemeral<R: Reply>(rpc: &'static str, name: String) -> Answer<R> {
    let refusal = protocol_diagnostics::no_ephemeral(&name);
    answer(rpc, CallTarget::EphemeralResource(name), async {
        Err(refusal)
    })
    .await
}

#[async_trait]
impl Provider for ProviderService {
    async fn get_metadata(
        &self,
        _: Request<pb::get_metadata::Request>,
    ) -> Answer<pb::get_metadata::Response> {
        answer("GetMetadata", CallTarget::Provider, async {
            Ok(provider_schema::metadata(&self.types))
        })
        .await
    }

    async fn get_provider_schema(
        &self,
        _: Request<pb::get_provider_schema::Request>,
    ) -> Answer<pb::get_provider_schema::Response> {
        answer("GetProviderSchema", CallTarget::Provider, async {
            provider_schema::schemas(self.provider.as_ref(), &self.types)
        })
        .await
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<pb::get_resource_identity_schemas::Request>,
    ) -> Answer<pb::get_resource_identity_schemas::Response> {
        answer("GetResourceIdentitySchemas", CallTarget::Provider, async {
            Ok(provider_schema::identity_schemas(&self.types))
        })
        .await
    }

    async fn get_functions(
        &self,
        _: Request<pb::get_functions::Request>,
    ) -> Answer<pb::get_functions::Response> {
        answer("GetFunctions", CallTarget::Provider, async {
            Ok(functions::functions(&self.types))
        })
        .await
    }

    async fn call_function(
        &self,
        request: Request<pb::call_function::Request>,
    ) -> Answer<pb::call_function::Response> {
        let request = request.into_inner();
        let target = CallTarget::Function(request.name.clone());
        answer("CallFunction", target, async {
            Ok(functions::call(&self.types, request))
        })
        .await
    }

    async fn validate_provider_config(
        &self,
        request: Request<pb::validate_provider_config::Request>,
    ) -> Answer<pb::validate_provider_config::Response> {
        answer("ValidateProviderConfig", CallTarget::Provider, async {
            let context = self.operations.context();
            let request = request.into_inner();
            provider_schema::validate_provider(self.provider.as_ref(), &context, request).await
        })
        .await
    }

    async fn configure_provider(
        &self,
        request: Request<pb::configure_provider::Request>,
    ) -> Answer<pb::configure_provider::Response> {
        answer("ConfigureProvider", CallTarget::Provider, async {
            let context = self.operations.context();
            let request = request.into_inner();
            provider_schema::configure_provider(self.provider.as_ref(), &context, request).await
        })
        .await
    }

    async fn stop_provider(
        &self,
        _: Request<pb::stop_provider::Request>,
    ) -> Answer<pb::stop_provider::Response> {
        answer("StopProvider", CallTarget::Provider, async {
            tracing::debug!("cancelling the running operations");
            self.operations.stop();
            Ok(Default::default())
        })
        .await
    }

    async fn validate_resource_config(
        &self,
        request: Request<pb::validate_resource_config::Request>,
    ) -> Answer<pb::validate_resource_config::Response> {
        let request = request.into_inner();
        let target = CallTarget::Resource(request.type_name.clone());
        answer("ValidateResourceConfig", target, async {
            let resource = self.types.resource(&request.type_name)?;
            managed_resources::validate(resource.as_ref(), &self.operations.context(), request)
                .await
        })
        .await
    }

    async fn plan_resource_change(
        &self,
        request: Request<pb::plan_resource_change::Request>,
    ) -> Answer<pb::plan_resource_change::Response> {
        let request = request.into_inner();
        let target = CallTarget::Resource(request.type_name.clone());
        answer("PlanResourceChange", target, async {
            let resource = self.types.resource(&request.type_name)?;
            managed_resources::plan(resource.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn apply_resource_change(
        &self,
        request: Request<pb::apply_resource_change::Request>,
    ) -> Answer<pb::apply_resource_change::Response> {
        let request = request.into_inner();
        let target = CallTarget::Resource(request.type_name.clone());
        answer("ApplyResourceChange", target, async {
            Ok(apply::apply(&self.types, &self.operations, request).await)
        })
        .await
    }

    async fn read_resource(
        &self,
        request: Request<pb::read_resource::Request>,
    ) -> Answer<pb::read_resource::Response> {
        let request = request.into_inner();
        let target = CallTarget::Resource(request.type_name.clone());
        answer("ReadResource", target, async {
            let resource = self.types.resource(&request.type_name)?;
            managed_resources::read(resource.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<pb::upgrade_resource_state::Request>,
    ) -> Answer<pb::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let target = CallTarget::Resource(request.type_name.clone());
        answer("UpgradeResourceState", target, async {
            let resource = self.types.resource(&request.type_name)?;
            managed_resources::upgrade_state(resource.as_ref(), &self.operations.context(), request)
                .await
        })
        .await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<pb::upgrade_resource_identity::Request>,
    ) -> Answer<pb::upgrade_resource_identity::Response> {
        let request = request.into_inner();
        let target = CallTarget::Resource(request.type_name.clone());
        answer("UpgradeResourceIdentity", target, async {
            let resource = self.types.resource(&request.type_name)?;
            identity::upgrade(resource.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn import_resource_state(
        &self,
        request: Request<pb::import_resource_state::Request>,
    ) -> Answer<pb::import_resource_state::Response> {
        let request = request.into_inner();
        let target = CallTarget::Resource(request.type_name.clone());
        answer("ImportResourceState", target, async {
            let resource = self.types.resource(&request.type_name)?;
            managed_resources::import(resource.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn generate_resource_config(
        &self,
        request: Request<pb::generate_resource_config::Request>,
    ) -> Answer<pb::generate_resource_config::Response> {
        let request = request.into_inner();
        let target = CallTarget::Resource(request.type_name.clone());
        answer("GenerateResourceConfig", target, async {
            let resource = self.types.resource(&request.type_name)?;
            managed_resources::generate_config(resource.as_ref(), request)
        })
        .await
    }

    async fn move_resource_state(
        &self,
        request: Request<pb::move_resource_state::Request>,
    ) -> Answer<pb::move_resource_state::Response> {
        let request = request.into_inner();
        let (from, to) = (request.source_type_name, request.target_type_name);
        let refusal = protocol_diagnostics::no_move(&from, &to);
        answer("MoveResourceState", CallTarget::Resource(to), async {
            Err(refusal)
        })
        .await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<pb::validate_data_resource_config::Request>,
    ) -> Answer<pb::validate_data_resource_config::Response> {
        let request = request.into_inner();
        let target = CallTarget::DataSource(request.type_name.clone());
        answer("ValidateDataResourceConfig", target, async {
            let source = self.types.data_source(&request.type_name)?;
            data_sources::validate(source.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn read_data_source(
        &self,
        request: Request<pb::read_data_source::Request>,
    ) -> Answer<pb::read_data_source::Response> {
        let request = request.into_inner();
        let target = CallTarget::DataSource(request.type_name.clone());
        answer("ReadDataSource", target, async {
            let source = self.types.data_source(&request.type_name)?;
            data_sources::read(source.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<pb::validate_list_resource_config::Request>,
    ) -> Answer<pb::validate_list_resource_config::Response> {
        let request = request.into_inner();
        let target = CallTarget::ListResource(request.type_name.clone());
        answer("ValidateListResourceConfig", target, async {
            let list = self.types.list_resource(&request.type_name)?;
            list::validate(list.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn list_resource(
        &self,
        request: Request<pb::list_resource::Request>,
    ) -> Answer<BoxStream<pb::list_resource::Event>> {
        let request = request.into_inner();
        let target = CallTarget::ListResource(request.type_name.clone());
        let list = || {
            let list = Arc::clone(self.types.list_resource(&request.type_name)?);
            let resource = Arc::clone(self.types.resource(&request.type_name)?);
            list::list(list, resource, &self.operations.context(), request)
        };
        stream("ListResource", &target, list, |refused| {
            pb::list_resource::Event {
                diagnostic: to_proto::diagnostics(refused),
                ..Default::default()
            }
        })
    }

    async fn validate_action_config(
        &self,
        request: Request<pb::validate_action_config::Request>,
    ) -> Answer<pb::validate_action_config::Response> {
        let request = request.into_inner();
        let target = CallTarget::Action(request.action_type.clone());
        answer("ValidateActionConfig", target, async {
            let action = self.types.action(&request.action_type)?;
            actions::validate(action.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn plan_action(
        &self,
        request: Request<pb::plan_action::Request>,
    ) -> Answer<pb::plan_action::Response> {
        let request = request.into_inner();
        let target = CallTarget::Action(request.action_type.clone());
        answer("PlanAction", target, async {
            let action = self.types.action(&request.action_type)?;
            actions::plan(action.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn invoke_action(
        &self,
        request: Request<pb::invoke_action::Request>,
    ) -> Answer<BoxStream<pb::invoke_action::Event>> {
        let request = request.into_inner();
        let target = CallTarget::Action(request.action_type.clone());
        let invoke = || {
            let action = Arc::clone(self.types.action(&request.action_type)?);
            actions::invoke(action, &self.operations, request)
        };
        stream("InvokeAction", &target, invoke, actions::completed)
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<pb::validate_ephemeral_resource_config::Request>,
    ) -> Answer<pb::validate_ephemeral_resource_config::Response> {
        no_ephemeral(
            "ValidateEphemeralResourceConfig",
            request.into_inner().type_name,
        )
        .await
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<pb::open_ephemeral_resource::Request>,
    ) -> Answer<pb::open_ephemeral_resource::Response> {
        no_ephemeral("OpenEphemeralResource", request.into_inner().type_name).await
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<pb::renew_ephemeral_resource::Request>,
    ) -> Answer<pb::renew_ephemeral_resource::Response> {
        no_ephemeral("RenewEphemeralResource", request.into_inner().type_name).await
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<pb::close_ephemeral_resource::Request>,
    ) -> Answer<pb::close_ephemeral_resource::Response> {
        no_ephemeral("CloseEphemeralResource", request.into_inner().type_name).await
    }
}
