"""References for the towers, computed by PyTorch and transformers from the weights this project ships.

    python3 -m venv target/golden && target/golden/bin/pip install -r crates/vlm/tests/golden/requirements.txt
    target/golden/bin/python crates/vlm/tests/golden/make.py

Reads assets/models/home-1 and eight of assets/samples, writes image.safetensors and text.safetensors beside
this file. The networks are those of efficientnet_lite_pytorch and transformers, unchanged; only the weights
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
    save_file({"sentences": torch.stack(rows)}, HERE / "text.safetensors")
    (HERE / "sentences.txt").write_text("\n".join(SENTENCES), encoding="utf-8")


if __name__ == "__main__":
    main()
