//! Running a node: listeners, the worker, and draining on SIGTERM or Ctrl-C: stop accepting, finish requests, return
//! leased work.

use crate::{app::App, config::HttpConfig, retention};
use metrics_exporter_prometheus::PrometheusHandle;
use poem::{
    EndpointExt as _, Route, Server, get, handler,
    listener::{Acceptor as _, Listener as _, TcpAcceptor, TcpListener},
    web::Data,
};
use std::{net::SocketAddr, time::Duration};
use tokio::sync::watch;

/// Turns true once, when the process is told to end.
pub fn stop_signal() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        match terminate {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = tokio::signal::ctrl_c() => {}
                }
            }
            Err(_) => drop(tokio::signal::ctrl_c().await),
        }
        stop.send_replace(true);
        // Kept until every receiver has seen it.
        stop.closed().await;
    });
    stopped
}

/// Resolves when `stop` turns true.
pub async fn stopped(mut stop: watch::Receiver<bool>) {
    // The sender lives as long as the process listens for signals; its end means the same.
    drop(stop.wait_for(|stop| *stop).await);
}

/// Binds the public listener; the address says which port 0 became.
pub async fn bind(listen: SocketAddr) -> std::io::Result<(TcpAcceptor, SocketAddr)> {
    let acceptor = TcpListener::bind(listen).into_acceptor().await?;
    let address = acceptor
        .local_addr()
        .into_iter()
        .find_map(|local| local.0.as_socket_addr().copied());
    Ok((acceptor, address.unwrap_or(listen)))
}

/// Serves pages and API until told to stop, with the worker beside them unless `worker` is false.
pub async fn serve(
    app: &App,
    acceptor: TcpAcceptor,
    http: &HttpConfig,
    worker: bool,
    metrics: Option<PrometheusHandle>,
    stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let work = worker.then(|| {
        let (worker, stop) = (app.worker.clone(), stop.clone());
        let retention = retention::run(app.clone(), stop.clone());
        tokio::spawn(async move { tokio::join!(worker.run(stop), retention) })
    });
    if let (Ok(listen), Some(metrics)) = (http.admin_listen.parse::<SocketAddr>(), metrics) {
        let admin = Route::new().at("/metrics", get(render)).data(metrics).data(app.clone());
        let stop = stop.clone();
        let listener = TcpListener::bind(listen).into_acceptor().await?;
        tokio::spawn(async move {
            Server::new_with_acceptor(listener)
                .run_with_graceful_shutdown(admin, stopped(stop), None)
                .await
        });
    }
    let drain = Some(Duration::from_secs(http.drain_seconds));
    Server::new_with_acceptor(acceptor)
        .run_with_graceful_shutdown(app.endpoint(), stopped(stop), drain)
        .await?;
    if let Some(work) = work {
        // The worker ends its round; what it leased it finishes or the lease runs out.
        drop(work.await);
    }
    Ok(())
}

#[handler]
fn render(Data(metrics): Data<&PrometheusHandle>, Data(app): Data<&App>) -> String {
    let (used, most) = app.database.usage();
    ::metrics::gauge!("database_connections_used").set(u32::try_from(used).unwrap_or(u32::MAX));
    ::metrics::gauge!("database_connections_max").set(u32::try_from(most).unwrap_or(u32::MAX));
    metrics.render()
}
