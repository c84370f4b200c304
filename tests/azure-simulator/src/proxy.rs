//! The forward proxy: `CONNECT` to a host that the simulator plays ends at the simulator itself; any other host is refused.
//!
//! So a client that honours `HTTPS_PROXY` talks to the real names of Azure, and nothing ever leaves the machine.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::server::{Service, send_at_once};

/// Takes connections until the listener's runtime goes away.
pub(crate) async fn listen(service: Service, listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(service.clone(), stream));
    }
}

async fn serve(service: Service, stream: TcpStream) {
    send_at_once(&stream);
    let tunnel = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(tunnel(service, request)) }
    });
    // A client that hangs up is its own business.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), tunnel)
        .with_upgrades()
        .await;
}

fn tunnel(service: Service, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::CONNECT {
        return refused("This proxy only opens tunnels (CONNECT).");
    }
    let host = request.uri().host().unwrap_or_default().to_lowercase();
    if request.uri().port_u16() != Some(443) || !service.world().plays(&host) {
        return refused(&format!("The simulator doesn't play {}.", request.uri()));
    }
    tokio::spawn(async move {
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            service.serve(TokioIo::new(upgraded)).await;
        }
    });
    Response::new(Full::default())
}

fn refused(why: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(why.to_owned()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response
}
