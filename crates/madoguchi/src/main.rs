//! `madoguchi serve | work | migrate | prune | distribute | tenant … | roster import … | keys … | notice publish … | openapi | config | demo`

use clap::Parser as _;
use madoguchi::{
    commands::{Arguments, run},
    terminal,
};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(run(Arguments::parse())).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            terminal::err(&terminal::lines(&format!("madoguchi: {failed}")));
            ExitCode::FAILURE
        }
    }
}
