//! The licences and notices of everything that goes out with Sightline, inside the programs: a copy of one keeps them.

/// Plain text; `cargo xtask notices` writes it.
pub const THIRD_PARTY: &str = include_str!("../../../assets/THIRD-PARTY-NOTICES.txt");
