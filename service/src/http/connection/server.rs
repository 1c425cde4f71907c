//! Accepts connections and serves each until it ends, or until the service does.

use super::connection_io::{Calls, ConnectionIo};
use super::http2;
use super::idle::idle_for_too_long;
use super::limits::ServerLimits;
use super::tls::Tls;
use super::workers::Workers;
use super::write_deadline::WriteDeadline;
use crate::http::edge::service::Edge;
use crate::http::edge::service::EdgeConnection;
use crate::metrics::Metrics;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::server::TlsStream;

/// What is spoken on the connections.
#[derive(Clone)]
pub enum Protocols {
    /// HTTP/1.1 without TLS.
    Http1,
    /// HTTP/1.1 without TLS, or HTTP/2 for a client that begins with it.
    Http1AndH2c,
    /// HTTP/1.1 or HTTP/2, as negotiated, over TLS.
    Https(Arc<Tls>),
}

/// How long a connection is kept open for a client that reads the refusal of a body which it is still sending.
const LINGER: Duration = Duration::from_secs(1);
/// How much of such a body is read and thrown away.
const LINGER_BYTES: usize = 256 * 1024;
/// How long idle connections stay open after the drain began: a request may be on its way.
const IDLE_GRACE: Duration = Duration::from_millis(500);
/// The most header fields of a request.
const MAX_HEADERS: usize = 100;

/// A bound socket that nobody serves yet.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds `address`; port 0 takes a free one.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    pub(in crate::http) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.socket.accept().await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Serves `edge` on `listener` until `draining` turns true, then lets what is in flight end.
/// Returns how many connections had to be cut off.
pub async fn serve(
    listener: Listener,
    workers: Workers,
    edge: Arc<Edge>,
    metrics: Arc<Metrics>,
    protocols: Protocols,
    limits: ServerLimits,
    draining: watch::Receiver<bool>,
) -> usize {
    let acceptor = Acceptor {
        workers,
        protocols,
        listener,
        edge,
        metrics,
        limits,
        draining,
        places: Arc::new(Semaphore::new(limits.max_connections)),
    };
    let mut told = acceptor.draining.clone();
    tokio::select! {
        () = acceptor.accept() => {}
        _ = told.wait_for(|draining| *draining) => {}
    }
    let deadline = Instant::now() + limits.drain_delay + limits.drain_timeout;
    // Connections in the socket's backlog have been accepted by the kernel: there is always a moment to serve them.
    let _ = timeout(
        limits.drain_delay.max(Duration::from_millis(1)),
        acceptor.accept(),
    )
    .await;
    // The workers serve on until they are dropped at the end.
    let Acceptor {
        listener,
        places,
        workers: _workers,
        ..
    } = acceptor;
    drop(listener);
    let all = u32::try_from(limits.max_connections).unwrap_or(u32::MAX);
    let _ = timeout_at(deadline, places.acquire_many(all)).await;
    limits.max_connections - places.available_permits()
}

struct Acceptor {
    workers: Workers,
    protocols: Protocols,
    listener: Listener,
    edge: Arc<Edge>,
    metrics: Arc<Metrics>,
    limits: ServerLimits,
    draining: watch::Receiver<bool>,
    places: Arc<Semaphore>,
}

impl Acceptor {
    async fn accept(&self) {
        loop {
            let Ok(place) = self.places.clone().acquire_owned().await else {
                return;
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    let open = self.metrics.connection_opened();
                    let (edge, protocols) = (self.edge.clone(), self.protocols.clone());
                    let metrics = self.metrics.clone();
                    let (limits, draining) = (self.limits, self.draining.clone());
                    // The events of a socket go to the thread that serves it, not to this one.
                    let Ok(stream) = stream.into_std() else {
                        continue;
                    };
                    self.workers.serve(async move {
                        if let Ok(stream) = TcpStream::from_std(stream) {
                            let served = Served {
                                edge,
                                metrics,
                                protocols,
                                limits,
                                draining,
                            };
                            serve_connection(stream, peer, served).await;
                        }
                        drop((open, place));
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: others end meanwhile.
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

/// What a connection is served by.
struct Served {
    edge: Arc<Edge>,
    metrics: Arc<Metrics>,
    protocols: Protocols,
    limits: ServerLimits,
    draining: watch::Receiver<bool>,
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, served: Served) {
    let Served {
        edge,
        metrics,
        protocols,
        limits,
        draining,
    } = served;
    // Answers are written in one piece: waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let calls = Calls::default();
    let is_tls = matches!(protocols, Protocols::Https(_));
    let service = edge.connection(peer, calls.clone(), is_tls);
    let mut told = draining.clone();
    let spoken = tokio::select! {
        spoken = negotiate(stream, protocols, limits) => spoken,
        // A client that has not started by then has nothing to lose.
        () = told_to_end(&mut told) => None,
    };
    match spoken {
        Some(Spoken::Http1(stream)) => {
            let stream = WriteDeadline::new(stream, limits.write_timeout, metrics);
            serve_http1(stream, service, calls, limits, draining).await;
        }
        // Boxed, so that the many connections that are none of these carry no room for them.
        Some(Spoken::Http2(stream)) => {
            Box::pin(http2::serve(stream, service, limits, metrics, draining)).await;
        }
        Some(Spoken::Https1(stream)) => {
            let stream = WriteDeadline::new(*stream, limits.write_timeout, metrics);
            Box::pin(serve_http1(stream, service, calls, limits, draining)).await;
        }
        Some(Spoken::Https2(stream)) => {
            Box::pin(http2::serve(*stream, service, limits, metrics, draining)).await;
        }
        None => {}
    }
}

/// What a client turned out to speak.
enum Spoken {
    Http1(TcpStream),
    Http2(TcpStream),
    Https1(Box<TlsStream<TcpStream>>),
    Https2(Box<TlsStream<TcpStream>>),
}

async fn negotiate(
    stream: TcpStream,
    protocols: Protocols,
    limits: ServerLimits,
) -> Option<Spoken> {
    match protocols {
        Protocols::Http1 => Some(Spoken::Http1(stream)),
        Protocols::Http1AndH2c => {
            let is_http2 = http2::begins_with_http2(&stream, limits.header_timeout).await;
            Some(if is_http2 {
                Spoken::Http2(stream)
            } else {
                Spoken::Http1(stream)
            })
        }
        Protocols::Https(tls) => {
            let stream = Box::new(tls.accept(stream).await?);
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            Some(if is_http2 {
                Spoken::Https2(stream)
            } else {
                Spoken::Https1(stream)
            })
        }
    }
}

/// Ready once the service shuts down and a request that was on its way has had a moment to arrive.
async fn told_to_end(draining: &mut watch::Receiver<bool>) {
    let _ = draining.wait_for(|draining| *draining).await.map(drop);
    tokio::time::sleep(IDLE_GRACE).await;
}

pub(in crate::http) async fn serve_http1<I>(
    stream: WriteDeadline<I>,
    service: EdgeConnection,
    calls: Calls,
    limits: ServerLimits,
    mut draining: watch::Receiver<bool>,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let activity = service.activity();
    let io = ConnectionIo::new(stream, calls, limits.header_timeout);
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Its time for a head begins with the end of the request before, and so would end idle connections.
        .header_read_timeout(None)
        .max_buf_size(limits.head_buffer_bytes)
        .max_headers(MAX_HEADERS)
        // Otherwise every request would be followed by a read that finds nothing, into a new buffer of 8 KiB, to see
        // whether the client has disconnected meanwhile.
        .half_close(true)
        .serve_connection(TokioIo::new(io), service);
    let ended = tokio::select! {
        biased;
        // The service cannot act on how it ended.
        _ = poll_fn(|context| connection.poll_without_shutdown(context)) => true,
        () = told_to_end(&mut draining) => false,
        () = idle_for_too_long(&activity, limits.idle()) => false,
    };
    if !ended {
        Pin::new(&mut connection).graceful_shutdown();
        let _ = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    }
    let io = connection.into_parts().io.into_inner();
    linger(io.into_inner().into_inner()).await;
}

/// Ends a connection so that a client that is still sending reads the answer instead of a reset.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    // Over TLS its end has to be written, too: a client that does not read would hold that up.
    let _ = timeout(LINGER, async {
        if stream.shutdown().await.is_err() {
            return;
        }
        // On the heap: every open connection would carry it otherwise.
        let mut scrap = vec![0; 4096];
        let mut discarded = 0;
        while discarded < LINGER_BYTES {
            match stream.read(&mut scrap).await {
                Ok(0) | Err(_) => break,
                Ok(bytes) => discarded += bytes,
            }
        }
    })
    .await;
}
