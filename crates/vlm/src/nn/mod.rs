//! Networks in plain burn, one file each: sizes as a config, `init`, `forward`. They know nothing of files.

pub mod attention;
pub mod bert;
pub mod bert_text;
pub mod block;
pub mod cross_bert;
pub mod efficientnet;
pub mod kv_cache;
pub mod llama;
pub mod mlp;
pub mod text_transformer;
pub mod vit;
