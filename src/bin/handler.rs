//! The Azure Functions custom handler: binds first, sets up after, stops when the host says so.

use std::process::ExitCode;
use std::sync::Arc;

use ispm_onboarder::clock::Clock;
use ispm_onboarder::config::Config;
use ispm_onboarder::hosts::Deployment;
use ispm_onboarder::hosts::functions::router;
use ispm_onboarder::hosts::http::Readiness;
use ispm_onboarder::identity::ManagedIdentity;
use ispm_onboarder::{hosts, net, telemetry};

fn main() -> ExitCode {
    telemetry::start();
    let readiness = Readiness::default();
    let for_setup = readiness.clone();
    // Loading certificates takes milliseconds in which the host already polls the port.
    let setup = std::thread::spawn(move || for_setup.set(set_up().inspect_err(|words| tracing::error!(reason = words, "not set up"))));
    let served = hosts::serve::serve(router(readiness));
    let _ = setup.join();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(reason = %error, "the handler could not listen");
            ExitCode::FAILURE
        }
    }
}

fn set_up() -> Result<Deployment, String> {
    let config = Config::from_environment().map_err(|error| error.to_string())?;
    config.required_queue().map_err(|error| error.to_string())?;
    let transport = net::transport_for(&config)?;
    let platform = Arc::new(ManagedIdentity { transport: transport.clone(), client_id: config.identity_client_id });
    Ok(Deployment::new(config, platform, transport, Clock::System))
}
