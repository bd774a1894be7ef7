//! The ceiling of every log-in: bare argon2id verifications, one thread per core, with the product's parameters. Nothing
//! around them: no queue, no database, no HTTP.

use crate::{
    processes,
    stage::{Failed, PASSWORD},
};
use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::PasswordHash,
};
use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

const SALT: [u8; 16] = [3; 16];

/// Verifications per second on all cores, as the library does them by itself.
pub fn verifications(during: Duration) -> Result<f64, Failed> {
    let stored: PasswordHash = hasher()?
        .hash_password_with_salt(PASSWORD.as_bytes(), &SALT)
        .map_err(Failed::at("argon2"))?;
    on_every_core(during, || {
        let argon2 = hasher()?;
        let stored = &stored;
        Ok(move || {
            argon2
                .verify_password(PASSWORD.as_bytes(), stored)
                .map_err(Failed::at("argon2"))
        })
    })
}

/// The same hashes per second where each thread keeps its memory from one to the next, which the library leaves to its
/// caller and the product does: a stricter ceiling, printed beside.
pub fn hashes_in_kept_memory(during: Duration) -> Result<f64, Failed> {
    on_every_core(during, || {
        let argon2 = hasher()?;
        let mut blocks = vec![Block::new(); argon2.params().block_count()];
        Ok(move || {
            argon2
                .hash_password_into_with_memory(PASSWORD.as_bytes(), &SALT, &mut [0; 32], &mut blocks)
                .map_err(Failed::at("argon2"))
        })
    })
}

fn hasher() -> Result<Argon2<'static>, Failed> {
    let (memory, passes, lanes) = guard::HASH_COST;
    let params = Params::new(memory, passes, lanes, None).map_err(Failed::at("argon2"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// How often a second all cores together do something.
fn on_every_core<F: FnMut() -> Result<(), Failed>>(
    during: Duration,
    prepare: impl Fn() -> Result<F, Failed> + Sync,
) -> Result<f64, Failed> {
    let cores = processes::cores();
    let start = Barrier::new(cores);
    let one = || {
        let prepared = prepare();
        start.wait();
        let mut once = prepared?;
        let begun = Instant::now();
        let mut done = 0.0;
        while begun.elapsed() < during {
            once()?;
            done += 1.0;
        }
        Ok(done / begun.elapsed().as_secs_f64())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(one)).collect();
        let mut rate = 0.0;
        for thread in threads {
            rate += thread.join().map_err(|_| Failed("argon2 panicked".into()))??;
        }
        Ok(rate)
    })
}
