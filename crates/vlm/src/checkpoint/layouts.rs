//! What each published layout calls our tensors: one table a layout, module by module.
//!
//! On the left the path of a module, or of a parameter that is none; `{n}` is the number of a layer. On the right what the
//! checkpoint calls it: `*` is `weight` or `bias`, `[k]` the k-th of the equal parts into which the rows are split (packed
//! queries, keys and values; the first of the segments), and `^` before a matrix says that it lies as `[input, output]`
//! already. All other matrices lie as PyTorch's linear layers have them, `[output, input]`, and are transposed.

use crate::model::TABLE;

/// What a layout calls the tensors of one of our files.
pub(super) type Table = &'static [(&'static str, &'static str)];

/// What a layout calls the tensors of our towers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// The image tower's.
    pub image: Table,
    /// The text tower's.
    pub text: Table,
    /// The token table.
    pub table: Table,
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
    table: &[(TABLE, "text_model.embeddings.token_embedding.weight")],
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
    table: &[(TABLE, "text_model.embeddings.word_embeddings.weight")],
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
    table: &[(TABLE, "token_embedding.weight")],
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
    table: &[(TABLE, "embeddings.word_embeddings.weight")],
    ignored: &["logit_scale", "text_model.", "text_projection."],
};

/// BLIP's image tower: queries, keys and values packed.
pub(super) const BLIP_IMAGE: Table = &[
    ("patch", "vision_model.embeddings.patch_embedding.*"),
    ("class_token", "vision_model.embeddings.class_embedding"),
    ("position", "vision_model.embeddings.position_embedding"),
    ("layers.{n}.attention_norm", "vision_model.encoder.layers.{n}.layer_norm1.*"),
    ("layers.{n}.attention.query", "vision_model.encoder.layers.{n}.self_attn.qkv.*[0]"),
    ("layers.{n}.attention.key", "vision_model.encoder.layers.{n}.self_attn.qkv.*[1]"),
    ("layers.{n}.attention.value", "vision_model.encoder.layers.{n}.self_attn.qkv.*[2]"),
    ("layers.{n}.attention.out", "vision_model.encoder.layers.{n}.self_attn.projection.*"),
    ("layers.{n}.mlp_norm", "vision_model.encoder.layers.{n}.layer_norm2.*"),
    ("layers.{n}.mlp.up", "vision_model.encoder.layers.{n}.mlp.fc1.*"),
    ("layers.{n}.mlp.down", "vision_model.encoder.layers.{n}.mlp.fc2.*"),
    ("post_norm", "vision_model.post_layernorm.*"),
];

/// What BLIP reads questions with.
pub(super) const BLIP_QUESTION: Table = &[
    ("position", "text_encoder.embeddings.position_embeddings.weight"),
    ("norm", "text_encoder.embeddings.LayerNorm.*"),
    ("layers.{n}.attention.query", "text_encoder.encoder.layer.{n}.attention.self.query.*"),
    ("layers.{n}.attention.key", "text_encoder.encoder.layer.{n}.attention.self.key.*"),
    ("layers.{n}.attention.value", "text_encoder.encoder.layer.{n}.attention.self.value.*"),
    ("layers.{n}.attention.out", "text_encoder.encoder.layer.{n}.attention.output.dense.*"),
    ("layers.{n}.attention_norm", "text_encoder.encoder.layer.{n}.attention.output.LayerNorm.*"),
    ("layers.{n}.cross.query", "text_encoder.encoder.layer.{n}.crossattention.self.query.*"),
    ("layers.{n}.cross.key", "text_encoder.encoder.layer.{n}.crossattention.self.key.*"),
    ("layers.{n}.cross.value", "text_encoder.encoder.layer.{n}.crossattention.self.value.*"),
    ("layers.{n}.cross.out", "text_encoder.encoder.layer.{n}.crossattention.output.dense.*"),
    ("layers.{n}.cross_norm", "text_encoder.encoder.layer.{n}.crossattention.output.LayerNorm.*"),
    ("layers.{n}.mlp.up", "text_encoder.encoder.layer.{n}.intermediate.dense.*"),
    ("layers.{n}.mlp.down", "text_encoder.encoder.layer.{n}.output.dense.*"),
    ("layers.{n}.norm", "text_encoder.encoder.layer.{n}.output.LayerNorm.*"),
];

/// The question's token table.
pub(super) const BLIP_QUESTION_TABLE: Table = &[(TABLE, "text_encoder.embeddings.word_embeddings.weight")];

/// What BLIP writes with; the output's weights are the token table.
pub(super) const BLIP_DECODER: Table = &[
    ("token", "text_decoder.bert.embeddings.word_embeddings.weight"),
    ("bert.position", "text_decoder.bert.embeddings.position_embeddings.weight"),
    ("bert.norm", "text_decoder.bert.embeddings.LayerNorm.*"),
    ("bert.layers.{n}.attention.query", "text_decoder.bert.encoder.layer.{n}.attention.self.query.*"),
    ("bert.layers.{n}.attention.key", "text_decoder.bert.encoder.layer.{n}.attention.self.key.*"),
    ("bert.layers.{n}.attention.value", "text_decoder.bert.encoder.layer.{n}.attention.self.value.*"),
    ("bert.layers.{n}.attention.out", "text_decoder.bert.encoder.layer.{n}.attention.output.dense.*"),
    ("bert.layers.{n}.attention_norm", "text_decoder.bert.encoder.layer.{n}.attention.output.LayerNorm.*"),
    ("bert.layers.{n}.cross.query", "text_decoder.bert.encoder.layer.{n}.crossattention.self.query.*"),
    ("bert.layers.{n}.cross.key", "text_decoder.bert.encoder.layer.{n}.crossattention.self.key.*"),
    ("bert.layers.{n}.cross.value", "text_decoder.bert.encoder.layer.{n}.crossattention.self.value.*"),
    ("bert.layers.{n}.cross.out", "text_decoder.bert.encoder.layer.{n}.crossattention.output.dense.*"),
    ("bert.layers.{n}.cross_norm", "text_decoder.bert.encoder.layer.{n}.crossattention.output.LayerNorm.*"),
    ("bert.layers.{n}.mlp.up", "text_decoder.bert.encoder.layer.{n}.intermediate.dense.*"),
    ("bert.layers.{n}.mlp.down", "text_decoder.bert.encoder.layer.{n}.output.dense.*"),
    ("bert.layers.{n}.norm", "text_decoder.bert.encoder.layer.{n}.output.LayerNorm.*"),
    ("transform", "text_decoder.cls.predictions.transform.dense.*"),
    ("transform_norm", "text_decoder.cls.predictions.transform.LayerNorm.*"),
    ("bias", "text_decoder.cls.predictions.bias"),
];

/// What BLIP may have besides: the token table and its bias once more, as the output's.
pub(super) const BLIP_IGNORED: &[&str] = &["cls.predictions.decoder.", "text_encoder.pooler."];

/// Idefics3's image tower, SigLIP's without its head.
pub(super) const IDEFICS3_IMAGE: Table = &[
    ("patch", "model.vision_model.embeddings.patch_embedding.*"),
    ("position", "model.vision_model.embeddings.position_embedding.weight"),
    ("layers.{n}.attention_norm", "model.vision_model.encoder.layers.{n}.layer_norm1.*"),
    ("layers.{n}.attention.query", "model.vision_model.encoder.layers.{n}.self_attn.q_proj.*"),
    ("layers.{n}.attention.key", "model.vision_model.encoder.layers.{n}.self_attn.k_proj.*"),
    ("layers.{n}.attention.value", "model.vision_model.encoder.layers.{n}.self_attn.v_proj.*"),
    ("layers.{n}.attention.out", "model.vision_model.encoder.layers.{n}.self_attn.out_proj.*"),
    ("layers.{n}.mlp_norm", "model.vision_model.encoder.layers.{n}.layer_norm2.*"),
    ("layers.{n}.mlp.up", "model.vision_model.encoder.layers.{n}.mlp.fc1.*"),
    ("layers.{n}.mlp.down", "model.vision_model.encoder.layers.{n}.mlp.fc2.*"),
    ("post_norm", "model.vision_model.post_layernorm.*"),
];

/// What lies between its towers.
pub(super) const IDEFICS3_CONNECTOR: Table = &[("projection", "model.connector.modality_projection.proj.*")];

/// Its language model.
pub(super) const IDEFICS3_TEXT: Table = &[
    ("token", "model.text_model.embed_tokens.weight"),
    ("layers.{n}.attention_norm", "model.text_model.layers.{n}.input_layernorm.*"),
    ("layers.{n}.query", "model.text_model.layers.{n}.self_attn.q_proj.*"),
    ("layers.{n}.key", "model.text_model.layers.{n}.self_attn.k_proj.*"),
    ("layers.{n}.value", "model.text_model.layers.{n}.self_attn.v_proj.*"),
    ("layers.{n}.out", "model.text_model.layers.{n}.self_attn.o_proj.*"),
    ("layers.{n}.mlp_norm", "model.text_model.layers.{n}.post_attention_layernorm.*"),
    ("layers.{n}.gate", "model.text_model.layers.{n}.mlp.gate_proj.*"),
    ("layers.{n}.up", "model.text_model.layers.{n}.mlp.up_proj.*"),
    ("layers.{n}.down", "model.text_model.layers.{n}.mlp.down_proj.*"),
    ("norm", "model.text_model.norm.*"),
    ("output", "lm_head.weight"),
];

/// What it may have besides, where the output's weights are the token table.
pub(super) const IDEFICS3_IGNORED: &[&str] = &["lm_head.", "rotary_emb."];

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
