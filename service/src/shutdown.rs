//! Signals: SIGTERM and SIGINT shut down gracefully, SIGHUP reloads secrets and reopens logs.

use crate::app::{App, StartError};
use crate::telemetry::Telemetry;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Runs `app` until a signal stops it. Returns the number of aborted connections.
pub async fn run_until_signalled(app: App, telemetry: Telemetry) -> Result<usize, StartError> {
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    let (stop, reload) = (app.stop_handle(), app.reload_handle());
    let mut running = std::pin::pin!(app.run());
    let cut_off = loop {
        tokio::select! {
            cut_off = &mut running => break cut_off,
            _ = terminate.recv() => drain(&stop, "SIGTERM"),
            _ = interrupt.recv() => drain(&stop, "SIGINT"),
            _ = hang_up.recv() => {
                telemetry.reopen();
                reload.secrets();
                tracing::info!("SIGHUP: logs reopened, secrets reloaded");
            }
        }
    };
    tracing::info!(cut_off, "the service has stopped");
    drop(telemetry);
    Ok(cut_off)
}

fn listen(kind: SignalKind) -> Result<Signal, StartError> {
    signal(kind).map_err(|error| StartError::Internal(format!("cannot wait for a signal: {error}")))
}

fn drain(stop: &tokio::sync::watch::Sender<bool>, signal: &str) {
    if !stop.send_replace(true) {
        tracing::info!(
            signal,
            "shutting down: finishing requests in progress, accepting no new connections"
        );
    }
}
