//! The forward proxy: it answers `CONNECT` to simulated hosts itself and refuses all other hosts.
//!
//! A client that uses `HTTPS_PROXY` can therefore use Azure's real host names, and no request leaves the
//! machine.

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

/// Accepts connections until the runtime shuts down.
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
    // A client that disconnects is not an error.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), tunnel)
        .with_upgrades()
        .await;
}

fn tunnel(service: Service, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.method() != Method::CONNECT {
        return refused("This proxy supports only CONNECT.");
    }
    let host = request.uri().host().unwrap_or_default().to_lowercase();
    if request.uri().port_u16() != Some(443) || !service.world().plays(&host) {
        return refused(&format!("The simulator does not serve {}.", request.uri()));
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
