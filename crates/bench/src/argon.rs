//! The ceiling of every log-in: bare argon2id verifications, one thread per core, each in memory of its own that it
//! uses again, with the product's parameters. Nothing around them: no queue, no database, no HTTP.

use crate::{
    processes,
    stage::{Failed, PASSWORD},
};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

const SALT: [u8; 16] = [3; 16];

/// Verifications per second on all cores.
pub fn verifications(during: Duration) -> Result<f64, Failed> {
    let cores = processes::cores();
    let start = Barrier::new(cores);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| verify_on_one_core(during, &start)))
            .collect();
        let mut rate = 0.0;
        for thread in threads {
            rate += thread.join().map_err(|_| Failed("argon2 panicked".into()))??;
        }
        Ok(rate)
    })
}

fn verify_on_one_core(during: Duration, start: &Barrier) -> Result<f64, Failed> {
    let (memory, passes, lanes) = guard::HASH_COST;
    let params = Params::new(memory, passes, lanes, None).map_err(Failed::at("argon2"))?;
    let mut blocks = vec![Block::new(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = |output: &mut [u8; 32]| {
        argon2
            .hash_password_into_with_memory(PASSWORD.as_bytes(), &SALT, output, &mut blocks)
            .map_err(Failed::at("argon2"))
    };
    let mut stored = [0; 32];
    hash(&mut stored)?;
    start.wait();
    let begun = Instant::now();
    let mut verified = 0.0;
    while begun.elapsed() < during {
        let mut computed = [0; 32];
        hash(&mut computed)?;
        if computed != stored {
            return Err(Failed("argon2 contradicts itself".into()));
        }
        verified += 1.0;
    }
    Ok(verified / begun.elapsed().as_secs_f64())
}
