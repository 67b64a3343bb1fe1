//! A double of the Portainer CE server, as far as `rollcall` can see it.
//!
//! It follows Portainer's sources to the letter, with the differences between its versions behind
//! `--version`. `P` in a comment is portainer/portainer CE
//! 2.23.0, with file and line; `P33`, `P39` and `P41` are 2.33, 2.39.0 and 2.41.1.
//!
//! ```text
//! connection -> http (request) -> double -> guard (csrf, bouncer, limiter) -> api -> store -> file
//!                                   |
//!                                   +-> control (/__faults, /__requests, /__clock, ...)
//! ```
//!
//! It must not be kinder than the original: what Portainer ignores, refuses or gets wrong, this
//! ignores, refuses and gets wrong in the same words. What tests need beyond Portainer's API is
//! below `/__`, and nowhere else.
//!
//! It was held beside a real 2.23.0, request by request. Still different: an agent is never asked to open its tunnel (the
//! real one asks with status `REQUIRED` after the first poll, and closes it again); an agent that was heard of lately opens
//! the tunnel for a changed address at once; underlying errors in `details` are shorter, above all for what is not found;
//! lists are not sorted; `ComposeSyntaxMaxVersion` is there in every answer.

mod agent;
mod api;
mod clock;
mod control;
mod double;
mod error;
mod guard;
mod http;
mod options;
mod random;
mod say;
mod shutdown;
mod store;
#[cfg(test)]
mod tests;
mod version;

use std::process::ExitCode;
use std::sync::Arc;

use clock::Clock;
use double::Double;
use options::Options;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say::line(options::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            say::complain(&format!("{error}\n{}", options::USAGE));
            return ExitCode::from(2);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            say::complain(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(shutdown::or_signal(serve(options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::complain(&error::chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Serves both ports until one of them fails.
async fn serve(options: Options) -> Result<(), error::Error> {
    let double = Arc::new(Double::open(options, Clock::machine())?);
    let options = double.options();
    let acceptor = http::tls::acceptor(&options.data, double.clock().now())?;
    let plain = http::serve::listen(options.listen).await?;
    let secure = http::serve::listen(options.listen_tls).await?;
    say::line(&format!(
        "portainer {} on {} and, with TLS, on {}",
        options.version.number(),
        options.listen,
        options.listen_tls
    ));
    tokio::join!(
        http::serve::plain(plain, Arc::clone(&double)),
        http::serve::secure(secure, acceptor, Arc::clone(&double)),
    );
    Ok(())
}
