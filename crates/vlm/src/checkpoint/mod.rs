//! Published checkpoints: what a folder holds, and how a model folder is made of it.
//!
//! | family | settings | weights | names |
//! |---|---|---|---|
//! | CLIP, Hugging Face | `config.json`, `preprocessor_config.json` | `model.safetensors` | `vision_model.`, `text_model.`, `visual_projection`, `text_projection` |
//! | CLIP, open_clip | `open_clip_config.json` | `open_clip_model.safetensors` | `visual.`, text at the root, queries, keys and values packed |
//! | SigLIP, SigLIP2 (fixed resolution) | as the first | `model.safetensors` | as the first, with `vision_model.head` and `text_model.head` |
//! | Chinese-CLIP | as the first | `model.safetensors` | images as the first, text as BERT |
//! | multilingual CLIP (sentence-transformers) | `config.json`, and CLIP's in `0_CLIPModel` | those of both, and `2_Dense/model.safetensors` | images as the first, text as DistilBERT, `linear` |
//! | BLIP (captions, questions) | as the first | `pytorch_model.bin` or `model.safetensors` | `vision_model.` with packed queries, keys and values, `text_encoder.`, `text_decoder.` |
//! | SmolVLM (Idefics3) | as the first | `model.safetensors` | `model.vision_model.`, `model.connector.`, `model.text_model.`, `lm_head` |
//!
//! What each calls our tensors stands in `layouts.rs`; integer buffers such as `position_ids` are passed over. A `.bin` in
//! place of a `.safetensors` is read by burn-store's reader, which interprets a pickle and runs nothing. A new family is a
//! plan (`transformers.rs`, `open_clip.rs`, `image_to_text.rs`), a table there, and a golden test.
//!
//! It knows nothing of where checkpoints come from, nor whether they are what was published: see `packs`.

mod convert;
mod image_to_text;
mod layouts;
#[cfg(test)]
mod made;
mod open_clip;
mod parts;
mod preparation;
mod recognise;
mod safetensors_file;
mod settings;
mod source;
#[cfg(test)]
mod tests;
mod tokens;
mod transformers;
mod writer;
#[cfg(test)]
mod writing_tests;

pub use convert::{About, convert};
pub(crate) use parts::vit_shapes;
pub use recognise::{Family, Recognised, recognise};
pub(crate) use safetensors_file::SafetensorsFile;
