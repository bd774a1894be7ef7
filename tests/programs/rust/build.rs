//! Makes the client.

use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle};
use std::{env, fs, path::Path};

const DOCUMENT: &str = "../../../openapi/v1.json";

fn main() {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    let document = fs::read_to_string(DOCUMENT).unwrap();
    let document = serde_json::from_str(&document).unwrap();
    let mut settings = GenerationSettings::default();
    settings.with_interface(InterfaceStyle::Builder);
    let client = Generator::new(&settings).generate_tokens(&document).unwrap();
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("client.rs"), client.to_string()).unwrap();
}
