"""References for the towers, computed by PyTorch and transformers from the weights this project ships.

    python3 -m venv target/golden && target/golden/bin/pip install -r crates/vlm/tests/golden/requirements.txt
    target/golden/bin/python crates/vlm/tests/golden/make.py

Reads assets/models/home-1 and eight of assets/samples, writes image.safetensors, text.safetensors and
caption.safetensors beside this file. The networks are those of efficientnet_lite_pytorch and transformers, unchanged; only the weights
are put into them: batch normalisation, which our files have folded into the convolutions, becomes the
identity plus a bias. (`set_swish` of efficientnet_lite_pytorch would replace ReLU6: it is never called.)
"""

import pathlib

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
MODEL = ROOT / "assets/models/home-1"
SIDE = 260
MEAN, STD = 127.0, 128.0
SENTENCES = [
    "a dog",
    "Two dogs run through the snow .",
    "golden retriever",
    "a cup of coffee on a wooden table",
    "An astronaut in an orange suit smiles in front of a flag and a model of a space shuttle.",
    "naïve café, Zürich — 東京 🐕",
    "",
    "x " * 200,
]


def image_tower(weights):
    net = EfficientNet.from_name("efficientnet-lite2").eval()

    def put(conv, norm, name):
        conv.weight.data = weights[f"{name}.weight"].float()
        norm.weight.data.fill_(1.0)
        norm.bias.data = weights[f"{name}.bias"].float()
        norm.running_mean.data.zero_()
        norm.running_var.data.fill_(1.0 - norm.eps)

    put(net._conv_stem, net._bn0, "stem")
    for n, block in enumerate(net._blocks):
        if hasattr(block, "_expand_conv"):
            put(block._expand_conv, block._bn0, f"blocks.{n}.expand")
        put(block._depthwise_conv, block._bn1, f"blocks.{n}.depthwise")
        put(block._project_conv, block._bn2, f"blocks.{n}.project")
    put(net._conv_head, net._bn1, "head")
    return net


def text_tower(weights):
    config = BertConfig(vocab_size=30522, hidden_size=384, num_hidden_layers=6, num_attention_heads=12,
                        intermediate_size=1536, max_position_embeddings=512, layer_norm_eps=1e-12)
    net = BertModel(config, add_pooling_layer=False).eval()
    names = {"embeddings.word_embeddings": "word", "embeddings.position_embeddings": "position",
             "embeddings.token_type_embeddings": "segment", "embeddings.LayerNorm": "norm"}
    for n in range(6):
        layer = f"encoder.layer.{n}"
        for part in ("query", "key", "value"):
            names[f"{layer}.attention.self.{part}"] = f"layers.{n}.{part}"
        names[f"{layer}.attention.output.dense"] = f"layers.{n}.attention_out"
        names[f"{layer}.attention.output.LayerNorm"] = f"layers.{n}.attention_norm"
        names[f"{layer}.intermediate.dense"] = f"layers.{n}.up"
        names[f"{layer}.output.dense"] = f"layers.{n}.down"
        names[f"{layer}.output.LayerNorm"] = f"layers.{n}.norm"
    state = net.state_dict()
    for key in state:
        if key.endswith("position_ids") or key.endswith("token_type_ids"):
            continue
        stem, leaf = key.rsplit(".", 1)
        ours = names[stem]
        if "LayerNorm" in stem:
            leaf_ours = {"weight": "gamma", "bias": "beta"}[leaf]
        else:
            leaf_ours = leaf
        value = weights[f"{ours}.{leaf_ours}"].float()
        linear = leaf == "weight" and "embeddings" not in stem and "LayerNorm" not in stem
        state[key] = value.T.contiguous() if linear else value
    net.load_state_dict(state)
    return net


def caption_decoder(weights):
    """PyTorch's own transformer layers, pre-norm, with the decoder's weights in them."""
    width, heads, hidden = 256, 8, weights["layers.0.up.weight"].shape[1]
    weights = {name: value.float() for name, value in weights.items()}
    options = dict(dropout=0.0, activation="relu", batch_first=True, norm_first=True)

    def norm(into, name):
        into.weight.data, into.bias.data = weights[f"{name}.gamma"], weights[f"{name}.beta"]

    def linear(into, name):
        into.weight.data, into.bias.data = weights[f"{name}.weight"].T.contiguous(), weights[f"{name}.bias"]

    def attention(into, name):
        parts = [f"{name}.{part}" for part in ("query", "key", "value")]
        into.in_proj_weight.data = torch.cat([weights[f"{part}.weight"].T for part in parts])
        into.in_proj_bias.data = torch.cat([weights[f"{part}.bias"] for part in parts])
        linear(into.out_proj, f"{name}.out")

    def fill(layer, name, norms):
        for own, into in zip(norms, (layer.norm1, layer.norm2, getattr(layer, "norm3", None))):
            norm(into, f"{name}.{own}")
        attention(layer.self_attn, f"{name}.own")
        linear(layer.linear1, f"{name}.up")
        linear(layer.linear2, f"{name}.down")
        return layer.eval()

    encoder = fill(torch.nn.TransformerEncoderLayer(width, heads, hidden, **options), "memory_layers.0",
                   ("own_norm", "norm"))
    layers = []
    for n in range(3):
        layer = torch.nn.TransformerDecoderLayer(width, heads, hidden, **options)
        attention(layer.multihead_attn, f"layers.{n}.across")
        layers.append(fill(layer, f"layers.{n}", ("own_norm", "across_norm", "norm")))

    def ln(x, name):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], weights[f"{name}.gamma"], weights[f"{name}.beta"], 1e-5)

    def forward(maps, shared, ids):
        features = ln(maps, "feature_norm") @ weights["feature_in.weight"] + weights["feature_in.bias"]
        centred = shared - weights["shared_mean"]
        row = torch.nn.functional.normalize(centred, dim=-1) * shared.shape[1] ** 0.5
        row = row @ weights["shared_in.weight"] + weights["shared_in.bias"]
        memory = torch.cat([row.unsqueeze(1), features + weights["feature_place.weight"]], 1)
        memory = ln(encoder(memory), "memory_norm")
        x = weights["word.weight"][ids] * 8.0 + weights["place.weight"][: ids.shape[1]]
        mask = torch.nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        for layer in layers:
            x = layer(x, memory, tgt_mask=mask)
        return torch.log_softmax(ln(x, "norm") @ weights["word.weight"].T, -1)

    return forward


def captions():
    """Made-up features of two photos; every 40th column of the log-probabilities of two sentences."""
    count = torch.arange(2 * 81 * 1280, dtype=torch.int64)
    maps = ((count * 37 + 11) % 601).float().div(601).mul(3).reshape(2, 81, 1280)
    count = torch.arange(2 * 512, dtype=torch.int64)
    shared = ((count * 53 + 7) % 211).float().div(211).sub(0.5).reshape(2, 512)
    shared = torch.nn.functional.normalize(shared, dim=-1)
    ids = torch.tensor([[1, 40, 300, 2000, 77, 7999, 5, 12], [1, 6, 7, 8, 9, 10, 11, 4000]])
    with torch.no_grad():
        table = caption_decoder(load_file(MODEL / "caption.safetensors"))(maps, shared, ids)
    save_file({"log_probabilities": table[:, :, ::40].contiguous()}, HERE / "caption.safetensors")


def main():
    torch.manual_seed(0)
    photos = sorted(p for p in (ROOT / "assets/samples").iterdir() if p.suffix in (".jpg", ".png", ".webp"))[:8]
    pixels = np.stack([np.asarray(Image.open(p).convert("RGB").resize((SIDE, SIDE), Image.BICUBIC)) for p in photos])
    x = (torch.from_numpy(pixels.copy()).float() - MEAN) / STD
    out = {"pixels": torch.from_numpy(pixels.copy())}
    net = image_tower(load_file(MODEL / "image.safetensors"))
    with torch.no_grad():
        y = net._swish(net._bn0(net._conv_stem(x[:1].permute(0, 3, 1, 2))))
        # One photo, layer by layer: a row of pixels through the middle of each block's output.
        out["layer.0"] = y[0, :, y.shape[2] // 2].contiguous()
        for n, block in enumerate(net._blocks):
            y = block(y)
            out[f"layer.{n + 1}"] = y[0, :, y.shape[2] // 2].contiguous()
        # Means, then maxima, of the channels at the end of the last three stages.
        y, summary = net._swish(net._bn0(net._conv_stem(x.permute(0, 3, 1, 2)))), []
        for n, block in enumerate(net._blocks):
            y = block(y)
            if n in (14, 19, 20):
                summary += [y.mean((2, 3)), y.amax((2, 3))]
        out["summary"] = torch.cat(summary, 1)
        out["features"] = net.extract_features(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).contiguous()
    save_file(out, HERE / "image.safetensors")

    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(MODEL / "tokenizer.json"), pad_token="[PAD]")
    net = text_tower(load_file(MODEL / "text.safetensors"))
    rows = []
    with torch.no_grad():
        for sentence in SENTENCES:
            ids = tokenizer(sentence, truncation=True, max_length=128, return_tensors="pt")
            states = net(ids["input_ids"], attention_mask=ids["attention_mask"], output_hidden_states=True)
            # The last states and those after four layers, each averaged over the tokens.
            rows.append(torch.cat([states.last_hidden_state.mean(1)[0], states.hidden_states[4].mean(1)[0]]))
    captions()
    save_file({"sentences": torch.stack(rows)}, HERE / "text.safetensors")
    (HERE / "sentences.txt").write_text("\n".join(SENTENCES), encoding="utf-8")


if __name__ == "__main__":
    main()
