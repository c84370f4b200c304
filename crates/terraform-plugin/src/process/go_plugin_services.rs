//! The services that go-plugin requires of every plugin.
//!
//! The controller service shuts the plugin down. The plugin doesn't need the stdio and broker
//! services, but a host logs their absence.

use futures::stream::{self, StreamExt as _};
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::process::generated::grpc_broker_server::GrpcBroker;
use crate::process::generated::grpc_controller_server::GrpcController;
use crate::process::generated::grpc_stdio_server::GrpcStdio;
use crate::process::generated::{ConnInfo, Empty, StdioData};

/// All three services. Their streams last until the plugin ends.
#[derive(Clone, Debug)]
pub(super) struct GoPlugin {
    ended: CancellationToken,
}

impl GoPlugin {
    /// Creates the services. They cancel `ended` when the host requests a shutdown.
    pub(super) fn new(ended: CancellationToken) -> Self {
        Self { ended }
    }
}

#[async_trait]
impl GrpcController for GoPlugin {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        tracing::debug!("the host requests a shutdown");
        self.ended.cancel();
        Ok(Response::new(Empty {}))
    }
}

#[async_trait]
impl GrpcStdio for GoPlugin {
    /// Never sends data, because a host logs any data on this stream as unexpected.
    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<BoxStream<StdioData>>, Status> {
        let silence = stream::pending().take_until(self.ended.clone().cancelled_owned());
        Ok(Response::new(silence.boxed()))
    }
}

#[async_trait]
impl GrpcBroker for GoPlugin {
    /// Reads without answering, because the plugin needs no second connection.
    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<BoxStream<ConnInfo>>, Status> {
        let silence = request
            .into_inner()
            .filter(|_| std::future::ready(false))
            .take_until(self.ended.clone().cancelled_owned());
        Ok(Response::new(silence.boxed()))
    }
}
