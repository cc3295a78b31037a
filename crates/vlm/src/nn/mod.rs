//! Networks in plain burn, one file each: sizes as a config, `init`, `forward`. They know nothing of files.

pub mod bert;
pub mod efficientnet;
