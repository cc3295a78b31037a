//! The text tower: a BERT encoder (Devlin et al. 2018, arXiv:1810.04805) with masked mean pooling.
//!
//! The shape is MiniLM-L6 (Wang et al. 2020, arXiv:2002.10957). Layer names follow the checkpoint; see
//! [`crate::weights`] for the table. A sentence's vector joins the mean of the last layer, which was
//! trained to compare sentences, with that of an earlier one, which still knows the words: on dev that gave
//! a point of recall. It takes token ids; [`Tokenizer`](crate::model::Tokenizer) makes them.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Bool, Device, Int, Tensor};

/// Sizes of the encoder; the defaults are MiniLM-L6.
#[derive(Config, Debug)]
pub struct BertConfig {
    /// Entries of the word-piece vocabulary.
    #[config(default = 30522)]
    pub vocabulary: usize,
    /// Longest sequence in tokens.
    #[config(default = 512)]
    pub positions: usize,
    /// Width of a token.
    #[config(default = 384)]
    pub width: usize,
    /// Width of the feed-forward layer.
    #[config(default = 1536)]
    pub hidden: usize,
    /// Attention heads.
    #[config(default = 12)]
    pub heads: usize,
    /// Encoder layers.
    #[config(default = 6)]
    pub layers: usize,
    /// Layers before the states that join the last ones in a sentence's vector.
    #[config(default = 4)]
    pub early: usize,
    /// Added to the variance in layer normalisation.
    #[config(default = 1e-12)]
    pub norm_epsilon: f64,
    /// Probability of dropping a unit while training.
    #[config(default = 0.1)]
    pub dropout: f64,
}

impl BertConfig {
    /// The encoder with fresh weights on `device`.
    pub fn init(&self, device: &Device) -> BertEncoder {
        BertEncoder {
            word: EmbeddingConfig::new(self.vocabulary, self.width).init(device),
            position: EmbeddingConfig::new(self.positions, self.width).init(device),
            segment: EmbeddingConfig::new(2, self.width).init(device),
            norm: LayerNormConfig::new(self.width).with_epsilon(self.norm_epsilon).init(device),
            dropout: DropoutConfig::new(self.dropout).init(),
            layers: (0..self.layers).map(|_| self.layer(device)).collect(),
            early: self.early,
        }
    }

    /// One layer with fresh weights on `device`.
    pub fn layer(&self, device: &Device) -> BertLayer {
        let norm = || LayerNormConfig::new(self.width).with_epsilon(self.norm_epsilon).init(device);
        let linear = |input, output| LinearConfig::new(input, output).init(device);
        BertLayer {
            query: linear(self.width, self.width),
            key: linear(self.width, self.width),
            value: linear(self.width, self.width),
            attention_out: linear(self.width, self.width),
            attention_norm: norm(),
            up: linear(self.width, self.hidden),
            down: linear(self.hidden, self.width),
            norm: norm(),
            dropout: DropoutConfig::new(self.dropout).init(),
            heads: self.heads,
        }
    }
}

/// One post-norm transformer layer.
#[derive(Module, Debug)]
pub struct BertLayer {
    /// Query projection.
    pub query: Linear,
    /// Key projection.
    pub key: Linear,
    /// Value projection.
    pub value: Linear,
    /// Projection of the concatenated heads.
    pub attention_out: Linear,
    /// Normalisation after attention.
    pub attention_norm: LayerNorm,
    /// Feed-forward, first half.
    pub up: Linear,
    /// Feed-forward, second half.
    pub down: Linear,
    /// Normalisation after the feed-forward layer.
    pub norm: LayerNorm,
    /// Drops units while training; nothing at inference.
    pub dropout: Dropout,
    /// Attention heads.
    pub heads: usize,
}

impl BertLayer {
    /// `[batch, tokens, width]` to the same shape; `padding` is true where a key must not be seen.
    pub fn forward(&self, x: Tensor<3>, padding: Tensor<4, Bool>) -> Tensor<3> {
        let attended = self.attention_out.forward(self.attend(x.clone(), padding));
        let x = self.attention_norm.forward(x + self.dropout.forward(attended));
        let hidden = self.down.forward(gelu(self.up.forward(x.clone())));
        self.norm.forward(x + self.dropout.forward(hidden))
    }

    /// Softmax(Q K^T / sqrt(d)) V over the heads (Vaswani et al. 2017, eq. 1).
    fn attend(&self, x: Tensor<3>, padding: Tensor<4, Bool>) -> Tensor<3> {
        let [batch, tokens, width] = x.dims();
        let depth = width / self.heads;
        let split = |t: Tensor<3>| t.reshape([batch, tokens, self.heads, depth]).swap_dims(1, 2);
        let (q, k, v) =
            (split(self.query.forward(x.clone())), split(self.key.forward(x.clone())), split(self.value.forward(x)));
        let logits = q.matmul(k.swap_dims(2, 3)) / (depth as f64).sqrt(); // [batch, heads, tokens, tokens]
        let weights = softmax(logits.mask_fill(padding.expand([batch, self.heads, tokens, tokens]), -1e9), 3);
        weights.matmul(v).swap_dims(1, 2).reshape([batch, tokens, width])
    }
}

/// The BERT encoder without its pooler.
#[derive(Module, Debug)]
pub struct BertEncoder {
    /// Word-piece embeddings.
    pub word: Embedding,
    /// Learned positions.
    pub position: Embedding,
    /// Segment embeddings; only segment 0 is used.
    pub segment: Embedding,
    /// Normalisation of the summed embeddings.
    pub norm: LayerNorm,
    /// Drops units while training; nothing at inference.
    pub dropout: Dropout,
    /// The encoder layers in order.
    pub layers: Vec<BertLayer>,
    /// Layers before the states that join the last ones in a sentence's vector.
    pub early: usize,
}

impl BertEncoder {
    /// Length of a sentence vector: twice the width of a token.
    pub fn sentence_width(&self) -> usize {
        2 * self.word.weight.dims()[1]
    }

    /// Token ids `[batch, tokens]` to the input of layer 0, `[batch, tokens, width]`.
    fn embed(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        let [batch, tokens] = ids.dims();
        let device = ids.device();
        let positions = Tensor::arange(0..tokens as i64, &device).unsqueeze::<2>();
        let segments = Tensor::<2, Int>::zeros([1, tokens], &device);
        let fixed = self.position.forward(positions) + self.segment.forward(segments);
        let sum = self.word.forward(ids) + fixed.expand([batch as i64, -1, -1]);
        self.dropout.forward(self.norm.forward(sum))
    }

    /// A batch of token ids to sentence vectors `[batch, sentence_width]`: the mean over real tokens of the
    /// last states, then that of the early ones. `mask` `[batch, tokens]` is 1 at tokens, 0 at padding.
    pub fn forward(&self, ids: Tensor<2, Int>, mask: Tensor<2>) -> Tensor<2> {
        let (x, early) = self.before_last(ids, mask.clone());
        match self.layers.last() {
            Some(last) => self.finish(last, x, early, mask),
            None => Tensor::cat(vec![mean_pool(x, mask), early], 1),
        }
    }

    /// What enters the last layer, `[batch, tokens, width]`, and the mean of the early states, `[batch, width]`.
    pub(crate) fn before_last(&self, ids: Tensor<2, Int>, mask: Tensor<2>) -> (Tensor<3>, Tensor<2>) {
        let padding = hidden(&mask);
        let mut x = self.embed(ids);
        let mut early = x.clone();
        for (done, layer) in self.layers.iter().enumerate() {
            if done == self.early {
                early = x.clone();
            }
            if done + 1 < self.layers.len() {
                x = layer.forward(x, padding.clone());
            }
        }
        (x, mean_pool(early, mask))
    }

    /// Sentence vectors from what [`BertEncoder::before_last`] gave, through `last` as the last layer.
    pub(crate) fn finish(&self, last: &BertLayer, x: Tensor<3>, early: Tensor<2>, mask: Tensor<2>) -> Tensor<2> {
        let x = last.forward(x, hidden(&mask));
        Tensor::cat(vec![mean_pool(x, mask), early], 1)
    }
}

/// True at the padding of a mask `[batch, tokens]`, `[batch, 1, 1, tokens]`.
pub(crate) fn hidden(mask: &Tensor<2>) -> Tensor<4, Bool> {
    mask.clone().equal_scalar(0.0).unsqueeze_dims::<4>(&[1, 1])
}

/// Mean of `[batch, tokens, width]` over the tokens whose mask is 1.
pub(crate) fn mean_pool(states: Tensor<3>, mask: Tensor<2>) -> Tensor<2> {
    let weights = mask.unsqueeze_dim::<3>(2); // [batch, tokens, 1]
    let count = weights.clone().sum_dim(1).clamp_min(1.0);
    ((states * weights).sum_dim(1) / count).squeeze_dim::<2>(1)
}
