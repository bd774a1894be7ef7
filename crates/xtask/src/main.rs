//! The developer's commands: `cargo xtask demo | test | bench | openapi | machete`. Each brings what it needs onto the machine where it
//! may, and names it where it may not. Nothing of the product depends on this crate.

mod bench;
mod breaking;
mod demo;
mod machete;
mod openapi;
mod setup;
mod shell;
mod statements;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The developer's commands of Madoguchi.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds and starts everything with sample data; the page it names tells where to go on
    Demo(demo::Options),
    /// Runs all tests there are: unit, integration, isolation, API conformance, browser
    Test(test::Options),
    /// Measures the speed targets on release binaries
    Bench(bench::Options),
    /// Writes openapi/v1.json from the code
    Openapi(openapi::Options),
    /// Finds dependencies that no code uses
    Machete,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo(options) => demo::demo(&options),
        Command::Test(options) => test::test(&options),
        Command::Bench(options) => bench::bench(&options),
        Command::Openapi(options) => openapi::openapi(&options),
        Command::Machete => machete::machete(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("\nxtask: {failed}");
            ExitCode::FAILURE
        }
    }
}
