//! The services that go-plugin expects of every plugin: one to end it, and two that we have no use
//! for but whose absence a host would log.

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
    /// Cancels `ended` when the host asks for it.
    pub(super) fn new(ended: CancellationToken) -> Self {
        Self { ended }
    }
}

#[async_trait]
impl GrpcController for GoPlugin {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        tracing::debug!("the host asks us to end");
        self.ended.cancel();
        Ok(Response::new(Empty {}))
    }
}

#[async_trait]
impl GrpcStdio for GoPlugin {
    /// Sends nothing, ever: a host logs whatever comes here as unexpected.
    async fn stream_stdio(&self, _: Request<()>) -> Result<Response<BoxStream<StdioData>>, Status> {
        let silence = stream::pending().take_until(self.ended.clone().cancelled_owned());
        Ok(Response::new(silence.boxed()))
    }
}

#[async_trait]
impl GrpcBroker for GoPlugin {
    /// Listens without answering: we neither offer nor take a second connection.
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
