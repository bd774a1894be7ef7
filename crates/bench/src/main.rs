//! The speed targets of the product, measured: `cargo xtask bench` builds everything in release and runs this. Every
//! ratio comes from one run on one machine, its two sides taken in turns, so that drift cancels. Progress goes to
//! standard error, the result to standard output. Never a part of the product.

#![expect(
    clippy::disallowed_methods,
    reason = "what is measured goes by the machine's clock, and what is lost at its end fails the measurement"
)]

mod alternate;
mod argon;
mod console;
mod crowd;
mod http;
mod identity;
mod import;
mod log_in;
mod mail_lane;
mod memory;
mod my_page;
mod overload;
mod pgbench;
mod processes;
mod programs;
mod report;
mod sealing;
mod search;
mod sent;
mod service;
mod stage;
mod statements;
mod webhooks;

use clap::{Parser, ValueEnum};
use report::Row;
use stage::{Failed, Stage};
use std::{path::PathBuf, process::ExitCode};

/// What is measured, in this order: millions of rows come last, for after them the my page was slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Name {
    /// Memory of a node before and after use, and the time until it is ready
    Memory,
    /// Complete log-ins against bare argon2id verifications
    Login,
    /// The my page against pgbench running the same statements
    MyPage,
    /// Pages of the console against the my page
    Console,
    /// Write transactions with the trail being sealed beside them against without
    Sealing,
    /// Log-ins at ten times the rate that can be served
    Overload,
    /// Codes and a neighbour's notice behind fifty thousand notices
    Mail,
    /// Programs of other systems: a member by number, tokens, a roster through the API
    Programs,
    /// Events delivered to programs, with one of ten receivers hanging against none
    Webhooks,
    /// What treatment cost: pages among many rows, cards, deliveries imported and published
    Statements,
    /// What staff search for, and pages of the trail, at a large insurer against one of a hundredth
    Search,
    /// Identity matches among many against few
    Identity,
    /// A roster imported against `\copy` of the same rows, its peak memory, and changes against a roster as long as they
    Import,
}

#[derive(Parser)]
struct Arguments {
    /// Only these; all without any
    names: Vec<Name>,
    /// An array of {name, value, target, ok} instead of a table
    #[arg(long)]
    json: bool,
    /// The release binary of the product
    #[arg(long)]
    madoguchi: PathBuf,
    /// The insurers' folders
    #[arg(long)]
    tenants: PathBuf,
    /// Where the private database lives, emptied at each run
    #[arg(long)]
    data: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match measure(&arguments) {
        Ok(rows) => {
            if arguments.json {
                println!("{}", report::json(&rows));
            } else {
                print!("{}", report::table(&rows, processes::cores()));
            }
            if rows.iter().all(Row::ok) {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(failed) => {
            eprintln!("bench: {failed}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<Vec<Row>, Failed> {
    let names = if arguments.names.is_empty() {
        Name::value_variants()
    } else {
        &arguments.names
    };
    eprintln!("starting PostgreSQL in {}", arguments.data.display());
    let stage = Stage::set(&arguments.data, &arguments.madoguchi, &arguments.tenants)?;
    let mut rows = Vec::new();
    for name in Name::value_variants().iter().filter(|name| names.contains(name)) {
        // What the measure before wrote is on its disk, and not written while this one runs.
        stage.sql("postgres", "CHECKPOINT")?;
        rows.extend(match name {
            Name::Memory => memory::measure(&stage)?,
            Name::Login => log_in::measure(&stage)?,
            Name::MyPage => my_page::measure(&stage)?,
            Name::Console => console::measure(&stage)?,
            Name::Sealing => sealing::measure(&stage)?,
            Name::Overload => overload::measure(&stage)?,
            Name::Mail => mail_lane::measure(&stage)?,
            Name::Programs => programs::measure(&stage)?,
            Name::Webhooks => webhooks::measure(&stage)?,
            Name::Statements => statements::measure(&stage)?,
            Name::Search => search::measure(&stage)?,
            Name::Identity => identity::measure(&stage)?,
            Name::Import => import::measure(&stage)?,
        });
    }
    Ok(rows)
}
