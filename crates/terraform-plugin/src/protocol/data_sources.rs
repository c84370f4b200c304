//! The RPCs of data sources.

use crate::diagnostics::Diagnostics;
use crate::framework::{Context, DataSource, ReadDataSourceResponse, WriteOnly, check_config};
use crate::protocol::generated as pb;
use crate::protocol::{from_proto, protocol_diagnostics, to_proto};

/// Validates a configuration, first against the schema, then by the data source.
pub(crate) async fn validate(
    source: &dyn DataSource,
    context: &Context,
    request: pb::validate_data_resource_config::Request,
) -> Result<pb::validate_data_resource_config::Response, Diagnostics> {
    let block = &source.schema().block;
    let config = from_proto::value("configuration", request.config, &block.value_type())?;
    let mut found = check_config(block, &config, WriteOnly::NotAllowed);
    found.extend(source.validate_config(context, &config).await);
    Ok(pb::validate_data_resource_config::Response {
        diagnostics: to_proto::diagnostics(&found),
    })
}

/// Reads a data source.
pub(crate) async fn read(
    source: &dyn DataSource,
    context: &Context,
    request: pb::read_data_source::Request,
) -> Result<pb::read_data_source::Response, Diagnostics> {
    let schema = source.schema();
    let kind = schema.block.value_type();
    let config = from_proto::value("configuration", request.config, &kind)?;
    let ReadDataSourceResponse { state, diagnostics } = source.read(context, config).await?;
    if diagnostics.has_error() {
        return Err(diagnostics);
    }
    if state.as_map().is_none() {
        return Err(protocol_diagnostics::missing_result("read").into());
    }
    Ok(pb::read_data_source::Response {
        state: Some(to_proto::state(schema, state)?),
        diagnostics: to_proto::diagnostics(&diagnostics),
        ..Default::default()
    })
}
