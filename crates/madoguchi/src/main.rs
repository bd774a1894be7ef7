//! `madoguchi serve | work | migrate | prune | distribute | tenant … | roster import … | keys … | audit … | notice publish … | openapi | config | demo`

use madoguchi::{commands, terminal};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match Box::pin(commands::run()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            terminal::err(&terminal::lines(&format!("madoguchi: {failed}")));
            ExitCode::FAILURE
        }
    }
}
