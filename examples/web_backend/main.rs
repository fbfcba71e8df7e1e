//! A web service on axum: handlers submit CPU work and stay responsive.
//!
//! ```text
//! cargo run --release --example web_backend --features tokio
//! curl -o set.pgm http://127.0.0.1:8080/mandelbrot/1024
//! ```
//!
//! | request | answer |
//! |---|---|
//! | `GET /mandelbrot/{size}` | a picture of `size` by `size` pixels, rendered in bands on the engine's threads |
//! | `GET /health` | `ok`, at once, however busy the engine is |
//! | `GET /metrics` | what has been done, for Prometheus |
//!
//! A closed connection drops its handler, the handler's futures go with it, and bands that nobody needs never start.
//! Above [`RENDERS_MAX`] pictures at once the answer is 503. On SIGTERM or Ctrl-C the service takes no more
//! connections, lets pictures finish for a grace time, and closes the client: whatever is left is answered with 503.
//!
//! The environment chooses:
//!
//! | variable | without it |
//! |---|---|
//! | `ADDRESS` | `127.0.0.1:8080`; port 0 takes a free one, and the first line of the output tells which |
//! | `THREADS` | one for each core |
//! | `GRACE_S` | [`GRACE_S`], in seconds |

use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use std::{env, io};

use anydask::runtime::Tokio;
use anydask::{Client, Error};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

mod mandelbrot;

/// Pictures that are rendered at once. More would only wait, each with its memory.
const RENDERS_MAX: usize = 8;
/// Side of the largest picture, in pixels: 16 MiB.
const SIZE_MAX: usize = 4096;
/// How long requests may go on once the service is told to end, in seconds.
const GRACE_S: u64 = 10;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = Client::<Tokio>::builder().name("render");
    if let Some(threads) = setting("THREADS")? {
        builder = builder.threads(threads);
    }
    let client = builder.local().await?;
    let service = Service {
        client: client.clone(),
        places: Arc::new(Semaphore::new(RENDERS_MAX)),
        bands: Arc::new(AtomicU64::new(0)),
    };
    let routes = Router::new()
        .route("/mandelbrot/{size}", get(mandelbrot))
        .route("/health", get(async || "ok\n"))
        .route("/metrics", get(metrics))
        .with_state(service);

    let address = setting("ADDRESS")?.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
    let grace = Duration::from_secs(setting("GRACE_S")?.unwrap_or(GRACE_S));
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, routes).with_graceful_shutdown(told_to_end(client.clone(), grace)?).await?;
    client.close().await?;
    println!("closed");
    Ok(())
}

/// A variable of the environment, if it is there.
fn setting<T: FromStr>(name: &str) -> Result<Option<T>, T::Err> {
    env::var(name).ok().map(|text| text.parse()).transpose()
}

/// Everything that a handler needs.
#[derive(Clone)]
struct Service {
    client: Client<Tokio>,
    /// One for each picture that may be rendered.
    places: Arc<Semaphore>,
    /// Bands that have been rendered.
    bands: Arc<AtomicU64>,
}

async fn mandelbrot(State(service): State<Service>, Path(size): Path<usize>) -> Result<Response, Refusal> {
    if size == 0 || size > SIZE_MAX {
        return Err(Refusal::Size);
    }
    let _place = service.places.try_acquire().map_err(|_| Refusal::Busy)?;
    let count = service.bands;
    let render = move |rows| {
        count.fetch_add(1, Ordering::Relaxed);
        mandelbrot::render(size, rows)
    };
    let bands = service.client.map(render, mandelbrot::bands(size));
    let picture = service.client.submit(move |bands: Vec<_>| mandelbrot::picture(size, &bands), bands);
    Ok(([(header::CONTENT_TYPE, "image/x-portable-graymap")], picture.await?).into_response())
}

async fn metrics(State(service): State<Service>) -> String {
    format!(
        "renders_in_flight {}\nbands_rendered_total {}\n",
        RENDERS_MAX - service.places.available_permits(),
        service.bands.load(Ordering::Relaxed)
    )
}

/// Why there is no picture.
enum Refusal {
    Size,
    Busy,
    Engine(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Size => {
                (StatusCode::BAD_REQUEST, format!("a picture has 1 to {SIZE_MAX} pixels a side\n")).into_response()
            }
            Self::Busy => {
                let retry = [(header::RETRY_AFTER, "1")];
                (StatusCode::SERVICE_UNAVAILABLE, retry, "as many pictures as can be are being rendered\n")
                    .into_response()
            }
            Self::Engine(error @ (Error::Cancelled { .. } | Error::ClientClosed { .. })) => {
                (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response()
            }
            // What went wrong inside is for the log, not for the peer.
            Self::Engine(error) => {
                eprintln!("rendering failed: {error}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// Completes when the service is told to end. From then on the client has `grace`; its close resolves every future, so
/// that no request waits longer.
fn told_to_end(client: Client<Tokio>, grace: Duration) -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
        tokio::spawn(async move {
            tokio::time::sleep(grace).await;
            // An error says that bodies still run. The process ends all the same, and them with it.
            let _ = client.close().await;
        });
    })
}
