"""The image tower beside ONNX Runtime: the same weights, the same machine, in turns.

    cargo build --release --locked --workspace --bins
    python3 -m venv target/onnx && target/onnx/bin/pip install -r benches/onnxruntime/requirements.txt
    target/onnx/bin/python benches/onnxruntime/compare.py

Puts the shipped weights into efficientnet_lite_pytorch's network, exports it (opset 17, f32), and measures ROUNDS
times: ONNX Runtime on all cores, then `sightline bench` (which embeds 16 photos or more at a time and takes its own
median of 5). Prints a Markdown table of medians over the rounds and the ratio of each round.
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIDE = 260
BATCHES = (1, 4, 16, 32)
ROUNDS = 5


def tower():
    """The network of the golden references, which has the shipped weights in it."""
    path = ROOT / "crates/vlm/tests/golden/make.py"
    spec = importlib.util.spec_from_file_location("golden", path)
    golden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(golden)
    net = golden.image_tower(load_file(ROOT / "assets/models/home-1/image.safetensors"))

    class Features(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net.extract_features(x)

    return Features().eval()


def export(path):
    torch.onnx.export(tower(), torch.zeros(4, 3, SIDE, SIDE), path, input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {0: "b"}, "y": {0: "b"}}, dynamo=False, opset_version=17)


def onnx_rate(session, batch):
    x = np.random.default_rng(0).uniform(-1, 1, (batch, 3, SIDE, SIDE)).astype(np.float32)
    session.run(None, {"x": x})
    repeats, rates = max(16 // batch, 1), []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(repeats):
            session.run(None, {"x": x})
        rates.append(repeats * batch / (time.perf_counter() - start))
    return statistics.median(rates)


def our_rates():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = [target / "release/sightline", "--device", "cpu", "--json", "bench", "--runs", "5", "--vectors", "1000"]
    report = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout)
    return {rate["batch"]: rate["photos_per_second"] for rate in report["embed"]}


def main():
    model = ROOT / "target/onnx-tower.onnx"
    export(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    theirs, ours = {b: [] for b in BATCHES}, {b: [] for b in BATCHES}
    for _ in range(ROUNDS):
        for batch in BATCHES:
            theirs[batch].append(onnx_rate(session, batch))
        for batch, rate in our_rates().items():
            ours[batch].append(rate)
    print(f"{os.cpu_count()} cores, ONNX Runtime {onnxruntime.__version__}, medians of {ROUNDS} rounds\n")
    print("| photos a batch | ONNX Runtime f32, photos/s | Sightline, photos/s | ratio, median (least to most) |")
    print("|---|---|---|---|")
    for batch in BATCHES:
        ratios = sorted(our / their for our, their in zip(ours[batch], theirs[batch]))
        print(f"| {batch} | {statistics.median(theirs[batch]):.1f} | {statistics.median(ours[batch]):.1f} "
              f"| {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |")


if __name__ == "__main__":
    main()
