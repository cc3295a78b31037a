"""From a photo's pixels to its vectors beside ONNX Runtime: the same weights, the same machine, in turns.

    cargo build --release --locked --workspace --bins
    python3 -m venv target/onnx && target/onnx/bin/pip install -r benches/onnxruntime/requirements.txt
    target/onnx/bin/python benches/onnxruntime/compare.py

Puts the shipped weights into efficientnet_lite_pytorch's network, with the heads and the descriptor written after it in
PyTorch, exports the whole and the tower alone (opset 17, f32), and measures ROUNDS times: ONNX Runtime on all cores, then
`sightline bench` (which embeds 16 photos or more at a time and takes its own median of 5). Prints a Markdown table of
medians over the rounds and the ratios of the rounds. Sightline's figure is always the whole.
"""

import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import time

import numpy as np
import onnxruntime
import torch
from safetensors.torch import load_file
from torch.nn.functional import gelu, layer_norm, normalize

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "assets/models/home-1"
SIDE = 260
FEATURES = 1280
SUMMARY = 1360
SUMMARISED = (14, 19, 20)  # the last blocks of the last three stages
BATCHES = (1, 4, 16, 32)
ROUNDS = 5


class Tower(torch.nn.Module):
    """The network of the golden references, which has the shipped weights in it."""

    def __init__(self):
        super().__init__()
        path = ROOT / "crates/vlm/tests/golden/make.py"
        spec = importlib.util.spec_from_file_location("golden", path)
        golden = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(golden)
        self.net = golden.image_tower(load_file(MODEL / "image.safetensors"))

    def forward(self, x):
        return self.net.extract_features(x)


class Whole(Tower):
    """The tower with its heads and the descriptor, as `crates/vlm/src/{heads,descriptor}.rs` have them."""

    def __init__(self):
        super().__init__()
        self.heads = {name: value.float() for name, value in load_file(MODEL / "heads.safetensors").items()}
        self.descriptor = {name: value.float() for name, value in load_file(MODEL / "descriptor.safetensors").items()}

    def forward(self, x):
        net, heads = self.net, self.heads
        x = net._swish(net._bn0(net._conv_stem(x)))  # which is ReLU6 here
        summary = []
        for index, block in enumerate(net._blocks):
            x = block(x)
            if index in SUMMARISED:
                summary += [x.mean((2, 3)), x.amax((2, 3))]
        x = net._swish(net._bn1(net._conv_head(x)))
        summary = (torch.cat(summary, 1) - heads["summary_mean"]) / heads["summary_deviation"]
        summary = summary.clamp(-3, 3)
        mean, largest = x.mean((2, 3)), x.amax((2, 3))
        members = [self.member(f"image.{n}", mean, largest, summary) for n in range(2)]

        third = 3**-0.5
        bands = x.reshape(-1, FEATURES, 3, 27).mean(3)
        given = [summary * (third / SUMMARY**0.5), even(root(mean)) * third, even(largest) * third]
        given += [even(root(bands[:, :, band])) * third for band in range(3)]
        centred = torch.cat(given, 1) - self.descriptor["mean"]
        return torch.cat([*members, normalize(centred @ self.descriptor["axes"])], 1)

    def member(self, name, mean, largest, summary):
        def of(part):
            return self.heads[f"{name}.{part}"]

        mean = layer_norm(mean, (FEATURES,), of("mean_norm.gamma"), of("mean_norm.beta"))
        largest = layer_norm(largest, (FEATURES,), of("max_norm.gamma"), of("max_norm.beta"))
        hidden = gelu(torch.cat([mean, largest, summary], 1) @ of("hidden.weight") + of("hidden.bias"))
        linear = torch.cat([mean, summary], 1) @ of("linear.weight")
        return normalize(linear + hidden @ of("out.weight") + of("out.bias"))


def root(x):
    return (x.clamp(min=0) + 1e-9).sqrt()


def even(x):
    centred = x - x.mean(1, keepdim=True)
    return centred / (centred.pow(2).mean(1, keepdim=True) + 1e-5).sqrt() / FEATURES**0.5


def session(net, path):
    torch.onnx.export(net.eval(), torch.zeros(4, 3, SIDE, SIDE), path, input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {0: "b"}, "y": {0: "b"}}, dynamo=False, opset_version=17)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def onnx_rate(there, batch):
    x = np.random.default_rng(0).uniform(-1, 1, (batch, 3, SIDE, SIDE)).astype(np.float32)
    there.run(None, {"x": x})
    repeats, rates = max(16 // batch, 1), []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(repeats):
            there.run(None, {"x": x})
        rates.append(repeats * batch / (time.perf_counter() - start))
    return statistics.median(rates)


def our_rates():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = [target / "release/sightline", "--device", "cpu", "--json", "bench", "--runs", "5", "--vectors", "1000"]
    report = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout)
    return {rate["batch"]: rate["photos_per_second"] for rate in report["embed"]}


def main():
    torch.set_grad_enabled(False)
    sessions = {"whole": session(Whole(), ROOT / "target/onnx-whole.onnx"),
                "tower": session(Tower(), ROOT / "target/onnx-tower.onnx")}
    theirs = {name: {b: [] for b in BATCHES} for name in sessions}
    ours = {b: [] for b in BATCHES}
    for _ in range(ROUNDS):
        for batch in BATCHES:
            for name, there in sessions.items():
                theirs[name][batch].append(onnx_rate(there, batch))
        for batch, rate in our_rates().items():
            ours[batch].append(rate)
    print(f"{os.cpu_count()} cores, ONNX Runtime {onnxruntime.__version__}, medians of {ROUNDS} rounds\n")
    print("| photos a batch | ONNX Runtime f32, photos/s | Sightline, photos/s | ratio, median (least to most) "
          "| ONNX Runtime, the tower alone | ratio to that |")
    print("|---|---|---|---|---|---|")
    for batch in BATCHES:
        cells = [str(batch)]
        for name in ("whole", "tower"):
            ratios = sorted(our / their for our, their in zip(ours[batch], theirs[name][batch]))
            cells.append(f"{statistics.median(theirs[name][batch]):.1f}")
            if name == "whole":
                cells.append(f"{statistics.median(ours[batch]):.1f}")
            cells.append(f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
