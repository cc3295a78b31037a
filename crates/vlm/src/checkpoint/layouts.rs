//! What each published layout calls our tensors: one table a layout, module by module.
//!
//! On the left the path of a module, or of a parameter that is none; `{n}` is the number of a layer. On the right what the
//! checkpoint calls it: `*` is `weight` or `bias`, `[k]` the k-th of the equal parts into which the rows are split (packed
//! queries, keys and values; the first of the segments), and `^` before a matrix says that it lies as `[input, output]`
//! already. All other matrices lie as PyTorch's linear layers have them, `[output, input]`, and are transposed.

/// What a layout calls the tensors of our towers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// The image tower's.
    pub image: &'static [(&'static str, &'static str)],
    /// The text tower's.
    pub text: &'static [(&'static str, &'static str)],
    /// The token table.
    pub table: &'static str,
    /// Parts of the names of what it may have besides: what only training needs, masks, a pooler or a tower that is not used.
    pub ignored: &'static [&'static str],
}

/// Hugging Face's CLIP.
pub(super) const CLIP: Layout = Layout {
    image: &[
        ("patch", "vision_model.embeddings.patch_embedding.*"),
        ("class_token", "vision_model.embeddings.class_embedding"),
        ("position", "vision_model.embeddings.position_embedding.weight"),
        ("pre_norm", "vision_model.pre_layrnorm.*"),
        ("layers.{n}.attention_norm", "vision_model.encoder.layers.{n}.layer_norm1.*"),
        ("layers.{n}.attention.query", "vision_model.encoder.layers.{n}.self_attn.q_proj.*"),
        ("layers.{n}.attention.key", "vision_model.encoder.layers.{n}.self_attn.k_proj.*"),
        ("layers.{n}.attention.value", "vision_model.encoder.layers.{n}.self_attn.v_proj.*"),
        ("layers.{n}.attention.out", "vision_model.encoder.layers.{n}.self_attn.out_proj.*"),
        ("layers.{n}.mlp_norm", "vision_model.encoder.layers.{n}.layer_norm2.*"),
        ("layers.{n}.mlp.up", "vision_model.encoder.layers.{n}.mlp.fc1.*"),
        ("layers.{n}.mlp.down", "vision_model.encoder.layers.{n}.mlp.fc2.*"),
        ("post_norm", "vision_model.post_layernorm.*"),
        ("projection", "visual_projection.*"),
        // SigLIP's head.
        ("pool.probe", "vision_model.head.probe"),
        ("pool.attention.query", "vision_model.head.attention.in_proj_*[0]"),
        ("pool.attention.key", "vision_model.head.attention.in_proj_*[1]"),
        ("pool.attention.value", "vision_model.head.attention.in_proj_*[2]"),
        ("pool.attention.out", "vision_model.head.attention.out_proj.*"),
        ("pool.norm", "vision_model.head.layernorm.*"),
        ("pool.mlp.up", "vision_model.head.mlp.fc1.*"),
        ("pool.mlp.down", "vision_model.head.mlp.fc2.*"),
    ],
    text: &[
        ("position", "text_model.embeddings.position_embedding.weight"),
        ("layers.{n}.attention_norm", "text_model.encoder.layers.{n}.layer_norm1.*"),
        ("layers.{n}.attention.query", "text_model.encoder.layers.{n}.self_attn.q_proj.*"),
        ("layers.{n}.attention.key", "text_model.encoder.layers.{n}.self_attn.k_proj.*"),
        ("layers.{n}.attention.value", "text_model.encoder.layers.{n}.self_attn.v_proj.*"),
        ("layers.{n}.attention.out", "text_model.encoder.layers.{n}.self_attn.out_proj.*"),
        ("layers.{n}.mlp_norm", "text_model.encoder.layers.{n}.layer_norm2.*"),
        ("layers.{n}.mlp.up", "text_model.encoder.layers.{n}.mlp.fc1.*"),
        ("layers.{n}.mlp.down", "text_model.encoder.layers.{n}.mlp.fc2.*"),
        ("post_norm", "text_model.final_layer_norm.*"),
        ("projection", "text_projection.*"),
    ],
    table: "text_model.embeddings.token_embedding.weight",
    ignored: &["logit_scale"],
};

/// SigLIP and SigLIP2 of a fixed resolution: the image tower as CLIP's, the map of the text tower under another name.
pub(super) const SIGLIP: Layout = Layout {
    image: CLIP.image,
    text: &[
        ("position", "text_model.embeddings.position_embedding.weight"),
        ("layers.{n}.attention_norm", "text_model.encoder.layers.{n}.layer_norm1.*"),
        ("layers.{n}.attention.query", "text_model.encoder.layers.{n}.self_attn.q_proj.*"),
        ("layers.{n}.attention.key", "text_model.encoder.layers.{n}.self_attn.k_proj.*"),
        ("layers.{n}.attention.value", "text_model.encoder.layers.{n}.self_attn.v_proj.*"),
        ("layers.{n}.attention.out", "text_model.encoder.layers.{n}.self_attn.out_proj.*"),
        ("layers.{n}.mlp_norm", "text_model.encoder.layers.{n}.layer_norm2.*"),
        ("layers.{n}.mlp.up", "text_model.encoder.layers.{n}.mlp.fc1.*"),
        ("layers.{n}.mlp.down", "text_model.encoder.layers.{n}.mlp.fc2.*"),
        ("post_norm", "text_model.final_layer_norm.*"),
        ("projection", "text_model.head.*"),
    ],
    table: CLIP.table,
    ignored: &["logit_scale", "logit_bias"],
};

/// Chinese-CLIP: the image tower as CLIP's, a BERT for text.
pub(super) const CHINESE_CLIP: Layout = Layout {
    image: CLIP.image,
    text: &[
        ("position", "text_model.embeddings.position_embeddings.weight"),
        ("segment", "text_model.embeddings.token_type_embeddings.weight[0]"),
        ("norm", "text_model.embeddings.LayerNorm.*"),
        ("layers.{n}.query", "text_model.encoder.layer.{n}.attention.self.query.*"),
        ("layers.{n}.key", "text_model.encoder.layer.{n}.attention.self.key.*"),
        ("layers.{n}.value", "text_model.encoder.layer.{n}.attention.self.value.*"),
        ("layers.{n}.attention_out", "text_model.encoder.layer.{n}.attention.output.dense.*"),
        ("layers.{n}.attention_norm", "text_model.encoder.layer.{n}.attention.output.LayerNorm.*"),
        ("layers.{n}.up", "text_model.encoder.layer.{n}.intermediate.dense.*"),
        ("layers.{n}.down", "text_model.encoder.layer.{n}.output.dense.*"),
        ("layers.{n}.norm", "text_model.encoder.layer.{n}.output.LayerNorm.*"),
        ("projection", "text_projection.*"),
    ],
    table: "text_model.embeddings.word_embeddings.weight",
    ignored: &["logit_scale", "text_model.pooler."],
};

/// open_clip's own layout.
pub(super) const OPEN_CLIP: Layout = Layout {
    image: &[
        ("patch", "visual.conv1.*"),
        ("class_token", "visual.class_embedding"),
        ("position", "visual.positional_embedding"),
        ("pre_norm", "visual.ln_pre.*"),
        ("layers.{n}.attention_norm", "visual.transformer.resblocks.{n}.ln_1.*"),
        ("layers.{n}.attention.query", "visual.transformer.resblocks.{n}.attn.in_proj_*[0]"),
        ("layers.{n}.attention.key", "visual.transformer.resblocks.{n}.attn.in_proj_*[1]"),
        ("layers.{n}.attention.value", "visual.transformer.resblocks.{n}.attn.in_proj_*[2]"),
        ("layers.{n}.attention.out", "visual.transformer.resblocks.{n}.attn.out_proj.*"),
        ("layers.{n}.mlp_norm", "visual.transformer.resblocks.{n}.ln_2.*"),
        ("layers.{n}.mlp.up", "visual.transformer.resblocks.{n}.mlp.c_fc.*"),
        ("layers.{n}.mlp.down", "visual.transformer.resblocks.{n}.mlp.c_proj.*"),
        ("post_norm", "visual.ln_post.*"),
        ("projection", "^visual.proj"),
    ],
    text: &[
        ("position", "positional_embedding"),
        ("layers.{n}.attention_norm", "transformer.resblocks.{n}.ln_1.*"),
        ("layers.{n}.attention.query", "transformer.resblocks.{n}.attn.in_proj_*[0]"),
        ("layers.{n}.attention.key", "transformer.resblocks.{n}.attn.in_proj_*[1]"),
        ("layers.{n}.attention.value", "transformer.resblocks.{n}.attn.in_proj_*[2]"),
        ("layers.{n}.attention.out", "transformer.resblocks.{n}.attn.out_proj.*"),
        ("layers.{n}.mlp_norm", "transformer.resblocks.{n}.ln_2.*"),
        ("layers.{n}.mlp.up", "transformer.resblocks.{n}.mlp.c_fc.*"),
        ("layers.{n}.mlp.down", "transformer.resblocks.{n}.mlp.c_proj.*"),
        ("post_norm", "ln_final.*"),
        ("projection", "^text_projection"),
    ],
    table: "token_embedding.weight",
    ignored: &["logit_scale", "attn_mask"],
};

/// sentence-transformers' multilingual CLIP: the images of Hugging Face's CLIP, a DistilBERT for text, and a map to the shared
/// space in a file of its own.
pub(super) const MULTILINGUAL_CLIP: Layout = Layout {
    image: CLIP.image,
    text: &[
        ("position", "embeddings.position_embeddings.weight"),
        ("norm", "embeddings.LayerNorm.*"),
        ("layers.{n}.query", "transformer.layer.{n}.attention.q_lin.*"),
        ("layers.{n}.key", "transformer.layer.{n}.attention.k_lin.*"),
        ("layers.{n}.value", "transformer.layer.{n}.attention.v_lin.*"),
        ("layers.{n}.attention_out", "transformer.layer.{n}.attention.out_lin.*"),
        ("layers.{n}.attention_norm", "transformer.layer.{n}.sa_layer_norm.*"),
        ("layers.{n}.up", "transformer.layer.{n}.ffn.lin1.*"),
        ("layers.{n}.down", "transformer.layer.{n}.ffn.lin2.*"),
        ("layers.{n}.norm", "transformer.layer.{n}.output_layer_norm.*"),
        ("projection", "linear.*"),
    ],
    table: "embeddings.word_embeddings.weight",
    ignored: &["logit_scale", "text_model.", "text_projection."],
};

/// Where the numbers of one of our tensors lie in a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The tensor.
    pub name: String,
    /// Which of the equal parts of its rows.
    pub part: Option<usize>,
    /// Whether a matrix lies as `[input, output]`.
    pub straight: bool,
}

/// Where `name`, one of our tensors, lies by a table.
pub(super) fn place(table: &[(&str, &str)], name: &str) -> Option<Place> {
    let (module, parameter) = match name.rsplit_once('.') {
        Some((module, "weight" | "gamma")) => (module, "weight"),
        Some((module, "bias" | "beta")) => (module, "bias"),
        _ => (name, ""),
    };
    let mut number = None;
    let pieces = module.split('.').map(|piece| {
        if piece.bytes().all(|b| b.is_ascii_digit()) {
            number = Some(piece);
            "{n}"
        } else {
            piece
        }
    });
    let pattern = pieces.collect::<Vec<_>>().join(".");
    let (_, theirs) = table.iter().find(|(own, _)| *own == pattern)?;
    let (theirs, straight) = theirs.strip_prefix('^').map_or((*theirs, false), |rest| (rest, true));
    let (theirs, part) = match theirs.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((rest, part)) => (rest, part.parse().ok()),
        None => (theirs, None),
    };
    let name = theirs.replace("{n}", number.unwrap_or_default()).replace('*', parameter);
    Some(Place { name, part, straight })
}
