//! The HTTPS and HTTP servers: they read each request in full, and apply faults and the services' responses.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::admin;
use crate::compress::compressed;
use crate::dispatch::{is_loopback, plain_host};
use crate::fault::{self, Effect};
use crate::hold::{Holds, Release};
use crate::state::World;
use crate::wire::{Call, Reply};

/// The state shared by all connections.
#[derive(Clone)]
pub(crate) struct Service {
    world: Arc<Mutex<World>>,
    tls: TlsAcceptor,
}

impl Service {
    pub(crate) fn new(world: Arc<Mutex<World>>, tls: Arc<rustls::ServerConfig>) -> Self {
        Self {
            world,
            tls: TlsAcceptor::from(tls),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts TLS connections until the runtime shuts down.
    pub(crate) async fn listen(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            send_at_once(&stream);
            tokio::spawn(self.clone().serve(stream));
        }
    }

    /// Accepts plain HTTP connections until the runtime shuts down, for services on the client's machine.
    pub(crate) async fn listen_plain(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            send_at_once(&stream);
            tokio::spawn(self.clone().speak(stream, Transport::Plain));
        }
    }

    /// Serves HTTP over TLS on one connection until it ends.
    pub(crate) async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        // A client that rejects the certificate or disconnects is not an error here.
        let Ok(stream) = self.tls.accept(stream).await else {
            return;
        };
        self.speak(stream, Transport::Tls).await;
    }

    async fn speak(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        transport: Transport,
    ) {
        let answer = service_fn(move |request| {
            let service = self.clone();
            async move { service.answer(request, transport).await }
        });
        let _ = auto::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), answer)
            .await;
    }

    async fn answer(
        self,
        request: Request<Incoming>,
        transport: Transport,
    ) -> Result<Response<Full<Bytes>>, Cut> {
        let mut call = read(request).await.map_err(|_| Cut)?;
        if transport == Transport::Plain {
            plain_host(&call.path).clone_into(&mut call.host);
        } else if is_loopback(&call.host) && call.path.starts_with(admin::PREFIX) {
            return Ok(response(admin::answer(&mut self.world(), &call)));
        }
        let (begun, latency) = self.world().arrival();
        call.begun = begun;
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match self.decide(&call) {
            Outcome::Reply(reply) => Ok(response(compressed(&call, heard(&call, reply)))),
            Outcome::Cut => Err(Cut),
            Outcome::Hold(holds, reply) => {
                let (release, _counted) = holds.wait().await;
                match (release, reply) {
                    (Release::Cut, _) => Err(Cut),
                    (Release::Answer, Some(reply)) => Ok(response(heard(&call, reply))),
                    (Release::Answer, None) => {
                        let reply = answered(&mut self.world(), &call);
                        Ok(response(heard(&call, reply)))
                    }
                }
            }
            Outcome::Hang => {
                let never: Infallible = std::future::pending().await;
                match never {}
            }
        }
    }

    /// Applies the faults, answers the request, and logs it. Changes by others follow.
    fn decide(&self, call: &Call) -> Outcome {
        let mut world = self.world();
        let (failure, changes) = world.strike(call);
        let outcome = respond(&mut world, call, failure);
        for change in &changes {
            world.carry_out(change);
        }
        outcome
    }
}

/// Answers the request or lets it fail, and logs it.
fn respond(world: &mut World, call: &Call, failure: Option<Effect>) -> Outcome {
    let (reply, faulted) = match failure {
        None | Some(Effect::Then(_)) => return Outcome::Reply(answered(world, call)),
        Some(Effect::Hold) => return Outcome::Hold(world.holds.clone(), None),
        Some(Effect::HoldAfter) => {
            let reply = answered(world, call);
            return Outcome::Hold(world.holds.clone(), Some(reply));
        }
        Some(Effect::Garble) => (fault::broken_json(), true),
        Some(Effect::GarbleAfter) => {
            world.answer(call);
            (fault::broken_json(), true)
        }
        Some(Effect::Status {
            status,
            code,
            retry_after,
        }) => (
            world.refusal(call, status, code.as_deref(), retry_after),
            true,
        ),
        Some(Effect::StatusAfter(status)) => {
            world.answer(call);
            (world.refusal(call, status, None, None), true)
        }
        Some(Effect::NotFound) => (world.not_found(call), true),
        Some(Effect::Html(status)) => (fault::page(status), true),
        Some(effect) => {
            if matches!(effect, Effect::CutAfter | Effect::HangAfter) {
                world.answer(call);
            }
            world.record(call, 0, true);
            return if matches!(effect, Effect::Cut | Effect::CutAfter) {
                Outcome::Cut
            } else {
                Outcome::Hang
            };
        }
    };
    world.record(call, reply.status, faulted);
    Outcome::Reply(reply)
}

/// Answers the request without a fault, and logs it.
fn answered(world: &mut World, call: &Call) -> Reply {
    let reply = world.answer(call);
    world.record(call, reply.status, false);
    reply
}

impl fmt::Debug for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Service").finish_non_exhaustive()
    }
}

/// The transport of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Tls,
    Plain,
}

/// The outcome of a request.
enum Outcome {
    Reply(Reply),
    Cut,
    Hang,
    /// The response waits. `None` means that the request has not been carried out.
    Hold(Holds, Option<Reply>),
}

/// A cut connection: HTTP/1.1 closes the connection, HTTP/2 resets the stream.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a fault cut the connection")
    }
}

impl std::error::Error for Cut {}

/// Disables Nagle's algorithm on a connection.
///
/// HTTP/2 writes a response in several small pieces. Otherwise each piece waits about 40 ms for the
/// acknowledgment of the previous one.
pub(crate) fn send_at_once(stream: &TcpStream) {
    // If this fails, the connection is only slower.
    let _ = stream.set_nodelay(true);
}

async fn read(request: Request<Incoming>) -> Result<Call, hyper::Error> {
    let (head, body) = request.into_parts();
    let named = head.uri.authority().map(ToString::to_string);
    let header = head
        .headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .map(str::to_owned);
    let authority = named.or(header).unwrap_or_default().to_lowercase();
    let host = authority
        .rsplit_once(':')
        .map_or(authority.as_str(), |(host, _)| host)
        .to_owned();
    Ok(Call {
        method: head.method,
        host,
        authority,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.collect().await?.to_bytes(),
        begun: Timestamp::UNIX_EPOCH,
    })
}

/// Removes the body of a response to HEAD. HTTP/2 clients refuse it.
fn heard(call: &Call, reply: Reply) -> Reply {
    if call.method == Method::HEAD {
        return reply.body(Bytes::new());
    }
    reply
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().append(name, value);
        }
    }
    response
}
