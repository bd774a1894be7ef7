//! The migrations are compiled into the crate; a new folder among them must compile it anew.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
