//! See `blackbox/`.
