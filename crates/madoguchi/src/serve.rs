//! Running a node: listeners, the worker, and draining on SIGTERM or Ctrl-C: say so, wait for whoever sends requests here
//! to have noticed, stop accepting, finish requests, return leased work.

use crate::heartbeat::Kind;
use crate::{app::App, config::HttpConfig, heartbeat, listener::listen, retention};
use metrics_exporter_prometheus::PrometheusHandle;
use poem::{EndpointExt as _, Route, get, handler, web::Data};
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::timeout,
};

/// Turns true once, when the process is told to end. From here on a signal ends nothing by itself, so this stands before
/// anything that is to be ended in order.
#[expect(
    clippy::disallowed_methods,
    reason = "its end, a panic too, says the same as its word"
)]
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

/// Binds a listener; the address says which port 0 became. Where it can't, the error says which address it was.
pub async fn bind(listen: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let named =
        |error: std::io::Error| std::io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(named)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves pages and API until told to stop, with the worker beside them unless `worker` is false. All in one task: where
/// any part of it ends by an error or a panic, the process ends, for its keeper to start it again.
pub async fn serve(
    app: &App,
    listener: TcpListener,
    http: &HttpConfig,
    worker: bool,
    metrics: Option<PrometheusHandle>,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let closing = closing(app, http, stop.clone());
    let pages = listen(listener, app.endpoint(), http, closing.clone());
    let background = async {
        if worker {
            Box::pin(work_beside(app, http, stop.clone())).await;
        } else {
            ring(app, stop.clone()).await;
        }
        Ok(())
    };
    let proof = proof(app, stop.clone());
    let platform = platform_applied(app, stop.clone());
    let kind = if worker { Kind::Serve } else { Kind::ServeAlone };
    let alive = heartbeat::run(app, kind, stop.clone());
    let uses = uses(app, closing.clone());
    tokio::try_join!(
        pages,
        uses,
        admin(app, http, metrics, closing),
        background,
        proof,
        platform,
        alive
    )?;
    last_uses(app).await;
    Ok(())
}

/// Writes what the last calls have left to count.
pub(crate) async fn last_uses(app: &App) {
    if let Err(error) = app.clients.write_uses().await {
        tracing::warn!(%error, "the last uses of clients are lost");
    }
}

/// How often it is said that the platform's folder is missing; and how often it is asked where nobody answers yet.
const REMINDER: Duration = Duration::from_mins(1);

/// Says so until the platform's own folder is applied: without it members are never asked for the terms of service, and
/// nothing else shows that.
async fn platform_applied(app: &App, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    loop {
        match app.ground.directory.platform().await {
            Ok(platform) if platform.revision > 0 => return Ok(()),
            Ok(_) => tracing::warn!(
                "the platform's folder is not applied, so members are not asked for the terms of service: \
                 madoguchi tenant apply tenants/_platform"
            ),
            // Who needs the database says that it is away.
            Err(_) => {}
        }
        if timeout(REMINDER, stop.wait_for(|stop| *stop)).await.is_ok() {
            return Ok(());
        }
    }
}

/// Turns true when the listener is to close: `http.drain_delay_seconds` after the node was told to end. Meanwhile
/// /readyz says that it is about to, and all else is answered as ever, so that no proxy finds a kept connection cut.
#[expect(
    clippy::disallowed_methods,
    reason = "its end, a panic too, says the same as its word"
)]
fn closing(app: &App, http: &HttpConfig, stop: watch::Receiver<bool>) -> watch::Receiver<bool> {
    let (close, closing) = watch::channel(false);
    let (draining, delay) = (Arc::clone(&app.draining), Duration::from_secs(http.drain_delay_seconds));
    tokio::spawn(async move {
        stopped(stop).await;
        draining.store(true, Ordering::Relaxed);
        tokio::time::sleep(delay).await;
        close.send_replace(true);
        close.closed().await;
    });
    closing
}

/// Works in the background until told to stop, with metrics beside it where they are wanted.
pub async fn work(
    app: &App,
    http: &HttpConfig,
    metrics: Option<PrometheusHandle>,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let background = async {
        Box::pin(work_beside(app, http, stop.clone())).await;
        Ok(())
    };
    let proof = proof(app, stop.clone());
    let alive = heartbeat::run(app, Kind::Work, stop.clone());
    tokio::try_join!(admin(app, http, metrics, stop.clone()), background, proof, alive)?;
    Ok(())
}

async fn work_beside(app: &App, http: &HttpConfig, stop: watch::Receiver<bool>) {
    let drain = Duration::from_secs(http.drain_seconds);
    tokio::join!(
        app.worker.run(stop.clone(), drain),
        ring(app, stop.clone()),
        tend(app, stop.clone()),
        retention::run(app.clone(), stop)
    );
}

/// How soon a new insurer's trail begins to be sealed.
const TENDED: Duration = Duration::from_mins(1);

/// Writes how often programs called, every few seconds.
pub(crate) async fn uses(app: &App, closing: watch::Receiver<bool>) -> std::io::Result<()> {
    app.clients.keep_uses(closing).await;
    Ok(())
}

/// Has the trail of every insurer sealed, until told to stop.
async fn tend(app: &App, mut stop: watch::Receiver<bool>) {
    let tending = async {
        loop {
            if let Err(error) = audit::proof::tend(&app.ground.database, app.ground.clock.now()).await {
                tracing::warn!(%error, "new insurers' trails are not sealed yet");
            }
            tokio::time::sleep(TENDED).await;
        }
    };
    // What is broken off is begun anew by the next.
    tokio::select! {
        () = tending => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Wakes all workers for what this process leaves to them, until told to stop.
async fn ring(app: &App, stop: watch::Receiver<bool>) {
    tokio::select! {
        () = jobs::ring(&app.ground.database) => {}
        () = stopped(stop) => {}
    }
}

/// Where the database was away at the start it is asked again.
async fn proof(app: &App, stop: watch::Receiver<bool>) -> std::io::Result<()> {
    app.key_proof.wait(stop).await;
    Ok(())
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
    let (listener, address) = bind(address).await?;
    tracing::info!(admin = %address, "metrics");
    let admin = Route::new().at("/metrics", get(render)).data(metrics).data(app.clone());
    listen(listener, admin, http, stop).await
}

#[handler]
fn render(Data(metrics): Data<&PrometheusHandle>, Data(app): Data<&App>) -> String {
    let (used, most) = app.ground.database.usage();
    ::metrics::gauge!("database_connections_used").set(u32::try_from(used).unwrap_or(u32::MAX));
    ::metrics::gauge!("database_connections_max").set(u32::try_from(most).unwrap_or(u32::MAX));
    app.worker.tell_ages();
    metrics.render()
}
