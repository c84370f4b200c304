//! One short method per call. What there is none of is refused by the protocol's own means: an
//! empty answer, or a diagnostic. State stores are left to the generated default, "unimplemented":
//! no released host asks for them.

use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, async_trait};

use crate::rpc::generated as pb;
use crate::rpc::generated::provider_server::Provider;
use crate::rpc::reply::{answer, refuse};
use crate::rpc::{ProviderService, apply, faults, functions, managed, offers, reply, to_proto};

type Answer<T> = Result<Response<T>, Status>;

#[async_trait]
impl Provider for ProviderService {
    async fn get_metadata(
        &self,
        _: Request<pb::get_metadata::Request>,
    ) -> Answer<pb::get_metadata::Response> {
        answer("GetMetadata", None, async {
            Ok(offers::metadata(&self.offered))
        })
        .await
    }

    async fn get_provider_schema(
        &self,
        _: Request<pb::get_provider_schema::Request>,
    ) -> Answer<pb::get_provider_schema::Response> {
        answer("GetProviderSchema", None, async {
            offers::schemas(self.provider.as_ref(), &self.offered)
        })
        .await
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<pb::get_resource_identity_schemas::Request>,
    ) -> Answer<pb::get_resource_identity_schemas::Response> {
        // NO-OP: no resource has an identity.
        Ok(Response::new(Default::default()))
    }

    async fn get_functions(
        &self,
        _: Request<pb::get_functions::Request>,
    ) -> Answer<pb::get_functions::Response> {
        Ok(Response::new(functions::functions(&self.offered)))
    }

    async fn validate_provider_config(
        &self,
        request: Request<pb::validate_provider_config::Request>,
    ) -> Answer<pb::validate_provider_config::Response> {
        let request = request.into_inner();
        answer("ValidateProviderConfig", None, async {
            offers::validate_provider(self.provider.as_ref(), request).await
        })
        .await
    }

    async fn configure_provider(
        &self,
        request: Request<pb::configure_provider::Request>,
    ) -> Answer<pb::configure_provider::Response> {
        let request = request.into_inner();
        answer("ConfigureProvider", None, async {
            offers::configure_provider(self.provider.as_ref(), request).await
        })
        .await
    }

    async fn stop_provider(
        &self,
        _: Request<pb::stop_provider::Request>,
    ) -> Answer<pb::stop_provider::Response> {
        tracing::debug!(tf_rpc = "StopProvider", "cancelling what runs");
        self.operations.stop();
        Ok(Response::new(Default::default()))
    }

    async fn validate_resource_config(
        &self,
        request: Request<pb::validate_resource_config::Request>,
    ) -> Answer<pb::validate_resource_config::Response> {
        let request = request.into_inner();
        let type_name = request.type_name.clone();
        answer("ValidateResourceConfig", Some(&type_name), async {
            managed::validate(self.offered.resource(&type_name)?.as_ref(), request).await
        })
        .await
    }

    async fn plan_resource_change(
        &self,
        request: Request<pb::plan_resource_change::Request>,
    ) -> Answer<pb::plan_resource_change::Response> {
        let request = request.into_inner();
        let type_name = request.type_name.clone();
        answer("PlanResourceChange", Some(&type_name), async {
            let resource = self.offered.resource(&type_name)?;
            managed::plan(resource.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn apply_resource_change(
        &self,
        request: Request<pb::apply_resource_change::Request>,
    ) -> Answer<pb::apply_resource_change::Response> {
        let request = request.into_inner();
        let type_name = request.type_name.clone();
        answer("ApplyResourceChange", Some(&type_name), async {
            let resource = self.offered.resource(&type_name)?;
            Ok(apply::apply(resource, &self.operations, request).await)
        })
        .await
    }

    async fn read_resource(
        &self,
        request: Request<pb::read_resource::Request>,
    ) -> Answer<pb::read_resource::Response> {
        let request = request.into_inner();
        let type_name = request.type_name.clone();
        answer("ReadResource", Some(&type_name), async {
            let resource = self.offered.resource(&type_name)?;
            managed::read(resource.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<pb::upgrade_resource_state::Request>,
    ) -> Answer<pb::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let type_name = request.type_name.clone();
        answer("UpgradeResourceState", Some(&type_name), async {
            managed::upgrade_state(self.offered.resource(&type_name)?.as_ref(), request).await
        })
        .await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<pb::upgrade_resource_identity::Request>,
    ) -> Answer<pb::upgrade_resource_identity::Response> {
        refuse(&faults::no_identity(&request.get_ref().type_name))
    }

    async fn import_resource_state(
        &self,
        request: Request<pb::import_resource_state::Request>,
    ) -> Answer<pb::import_resource_state::Response> {
        let request = request.into_inner();
        let type_name = request.type_name.clone();
        answer("ImportResourceState", Some(&type_name), async {
            let resource = self.offered.resource(&type_name)?;
            managed::import(resource.as_ref(), &self.operations.context(), request).await
        })
        .await
    }

    async fn move_resource_state(
        &self,
        request: Request<pb::move_resource_state::Request>,
    ) -> Answer<pb::move_resource_state::Response> {
        let request = request.get_ref();
        let (from, to) = (&request.source_type_name, &request.target_type_name);
        refuse(&faults::no_move(from, to))
    }

    async fn generate_resource_config(
        &self,
        request: Request<pb::generate_resource_config::Request>,
    ) -> Answer<pb::generate_resource_config::Response> {
        refuse(&faults::no_generated_config(&request.get_ref().type_name))
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<pb::validate_data_resource_config::Request>,
    ) -> Answer<pb::validate_data_resource_config::Response> {
        refuse(&faults::unknown_type(
            "data source",
            &request.get_ref().type_name,
        ))
    }

    async fn read_data_source(
        &self,
        request: Request<pb::read_data_source::Request>,
    ) -> Answer<pb::read_data_source::Response> {
        refuse(&faults::unknown_type(
            "data source",
            &request.get_ref().type_name,
        ))
    }

    async fn call_function(
        &self,
        request: Request<pb::call_function::Request>,
    ) -> Answer<pb::call_function::Response> {
        let request = request.into_inner();
        Ok(Response::new(functions::call(&self.offered, request)))
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<pb::validate_ephemeral_resource_config::Request>,
    ) -> Answer<pb::validate_ephemeral_resource_config::Response> {
        refuse(&faults::unknown_type(
            "ephemeral resource",
            &request.get_ref().type_name,
        ))
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<pb::open_ephemeral_resource::Request>,
    ) -> Answer<pb::open_ephemeral_resource::Response> {
        refuse(&faults::unknown_type(
            "ephemeral resource",
            &request.get_ref().type_name,
        ))
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<pb::renew_ephemeral_resource::Request>,
    ) -> Answer<pb::renew_ephemeral_resource::Response> {
        refuse(&faults::unknown_type(
            "ephemeral resource",
            &request.get_ref().type_name,
        ))
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<pb::close_ephemeral_resource::Request>,
    ) -> Answer<pb::close_ephemeral_resource::Response> {
        refuse(&faults::unknown_type(
            "ephemeral resource",
            &request.get_ref().type_name,
        ))
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<pb::validate_list_resource_config::Request>,
    ) -> Answer<pb::validate_list_resource_config::Response> {
        refuse(&faults::unknown_type(
            "list resource",
            &request.get_ref().type_name,
        ))
    }

    async fn list_resource(
        &self,
        request: Request<pb::list_resource::Request>,
    ) -> Answer<BoxStream<pb::list_resource::Event>> {
        let unknown = faults::unknown_type("list resource", &request.into_inner().type_name);
        Ok(reply::one_event(pb::list_resource::Event {
            diagnostic: to_proto::diagnostics(&unknown),
            ..Default::default()
        }))
    }

    async fn validate_action_config(
        &self,
        request: Request<pb::validate_action_config::Request>,
    ) -> Answer<pb::validate_action_config::Response> {
        refuse(&faults::unknown_type(
            "action",
            &request.get_ref().action_type,
        ))
    }

    async fn plan_action(
        &self,
        request: Request<pb::plan_action::Request>,
    ) -> Answer<pb::plan_action::Response> {
        refuse(&faults::unknown_type(
            "action",
            &request.get_ref().action_type,
        ))
    }

    async fn invoke_action(
        &self,
        request: Request<pb::invoke_action::Request>,
    ) -> Answer<BoxStream<pb::invoke_action::Event>> {
        use pb::invoke_action::{Event, event};
        let unknown = faults::unknown_type("action", &request.into_inner().action_type);
        let completed = event::Completed {
            diagnostics: to_proto::diagnostics(&unknown),
        };
        Ok(reply::one_event(Event {
            r#type: Some(event::Type::Completed(completed)),
        }))
    }
}
