//! Running a node: listeners, the worker, and draining on SIGTERM or Ctrl-C: stop accepting, finish requests, return
//! leased work.

use crate::{app::App, config::HttpConfig, retention};
use metrics_exporter_prometheus::PrometheusHandle;
use poem::{
    Endpoint, EndpointExt as _, Route, Server, get, handler,
    http::uri::Scheme,
    listener::{Acceptor, Listener as _, TcpAcceptor, TcpListener},
    web::{Data, LocalAddr, RemoteAddr},
};
use std::{net::SocketAddr, pin::Pin, time::Duration};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tokio_io_timeout::TimeoutStream;

/// Turns true once, when the process is told to end. From here on a signal ends nothing by itself, so this stands before
/// anything that is to be ended in order.
pub fn stop_signal() -> std::io::Result<watch::Receiver<bool>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.send_replace(true);
        // Kept until every receiver has seen it.
        stop.closed().await;
    });
    Ok(stopped)
}

/// Resolves when `stop` turns true.
pub async fn stopped(mut stop: watch::Receiver<bool>) {
    // The sender lives as long as the process listens for signals; its end means the same.
    drop(stop.wait_for(|stop| *stop).await);
}

/// Binds a listener; the address says which port 0 became.
pub async fn bind(listen: SocketAddr) -> std::io::Result<(TcpAcceptor, SocketAddr)> {
    let acceptor = TcpListener::bind(listen).into_acceptor().await?;
    let address = acceptor
        .local_addr()
        .into_iter()
        .find_map(|local| local.0.as_socket_addr().copied());
    Ok((acceptor, address.unwrap_or(listen)))
}

/// Serves pages and API until told to stop, with the worker beside them unless `worker` is false. All in one task: where
/// any part of it ends by an error or a panic, the process ends, for its keeper to start it again.
pub async fn serve(
    app: &App,
    acceptor: TcpAcceptor,
    http: &HttpConfig,
    worker: bool,
    metrics: Option<PrometheusHandle>,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let pages = listen(acceptor, app.endpoint(), http, stop.clone());
    let background = async {
        if worker {
            work_beside(app, http, stop.clone()).await;
        }
        Ok(())
    };
    tokio::try_join!(pages, admin(app, http, metrics, stop.clone()), background)?;
    Ok(())
}

/// Works in the background until told to stop, with metrics beside it where they are wanted.
pub async fn work(
    app: &App,
    http: &HttpConfig,
    metrics: Option<PrometheusHandle>,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let background = async {
        work_beside(app, http, stop.clone()).await;
        Ok(())
    };
    tokio::try_join!(admin(app, http, metrics, stop.clone()), background)?;
    Ok(())
}

async fn work_beside(app: &App, http: &HttpConfig, stop: watch::Receiver<bool>) {
    let drain = Duration::from_secs(http.drain_seconds);
    tokio::join!(app.worker.run(stop.clone(), drain), retention::run(app.clone(), stop));
}

/// The admin listener, where there is one.
async fn admin(
    app: &App,
    http: &HttpConfig,
    metrics: Option<PrometheusHandle>,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let (Ok(address), Some(metrics)) = (http.admin_listen.parse::<SocketAddr>(), metrics) else {
        return Ok(());
    };
    let (acceptor, address) = bind(address).await?;
    tracing::info!(admin = %address, "metrics");
    let admin = Route::new().at("/metrics", get(render)).data(metrics).data(app.clone());
    listen(acceptor, admin, http, stop).await
}

async fn listen(
    acceptor: TcpAcceptor,
    endpoint: impl Endpoint + 'static,
    http: &HttpConfig,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let idle = Duration::from_secs(http.idle_seconds);
    let drain = Duration::from_secs(http.drain_seconds);
    Server::new_with_acceptor(Impatient { acceptor, idle })
        .run_with_graceful_shutdown(endpoint, stopped(stop), Some(drain))
        .await
}

/// Gives up connections on which nothing moves. poem's own idle timeout ends a connection between two requests, but
/// waits on for one that stopped in the middle of its headers.
struct Impatient {
    acceptor: TcpAcceptor,
    idle: Duration,
}

impl Acceptor for Impatient {
    type Io = Pin<Box<TimeoutStream<<TcpAcceptor as Acceptor>::Io>>>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.acceptor.local_addr()
    }

    async fn accept(&mut self) -> std::io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, local, remote, scheme) = self.acceptor.accept().await?;
        let mut stream = TimeoutStream::new(stream);
        stream.set_read_timeout(Some(self.idle));
        stream.set_write_timeout(Some(self.idle));
        Ok((Box::pin(stream), local, remote, scheme))
    }
}

#[handler]
fn render(Data(metrics): Data<&PrometheusHandle>, Data(app): Data<&App>) -> String {
    let (used, most) = app.database.usage();
    ::metrics::gauge!("database_connections_used").set(u32::try_from(used).unwrap_or(u32::MAX));
    ::metrics::gauge!("database_connections_max").set(u32::try_from(most).unwrap_or(u32::MAX));
    metrics.render()
}
