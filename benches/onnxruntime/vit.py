"""Vision transformers beside ONNX Runtime: the same random weights, the same machine, in turns.

    cargo build --release --workspace --examples
    python3 -m venv target/onnx && target/onnx/bin/pip install numpy onnx onnxruntime
    target/onnx/bin/python benches/onnxruntime/vit.py

One number as argument measures only that tower. Builds CLIP's image towers ViT-B/32 at 256 pixels and ViT-B/16 at 224 as ONNX graphs (opset 17) in the form that
PyTorch's exporter gives them, quantises copies with quantize_dynamic (8-bit weights a tensor, its default), checks that
both programs give the same vectors, and measures ROUNDS times, each program SECONDS at a time, with a rest between.
Prints a Markdown table of medians over the rounds and the ratio of each round.
"""

import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
MODELS = (("ViT-B/32 at 256 px", 256, 32), ("ViT-B/16 at 224 px", 224, 16))
WIDTH, INNER, LAYERS, HEADS, PHOTOS = 768, 3072, 12, 12, 16
BATCHES = (1, 16)
ROUNDS = int(os.environ.get("ROUNDS", 5))
SECONDS = float(os.environ.get("SECONDS_EACH", 1.5))


class Weights:
    """Random weights in the order in which vit_speed reads them; outliers of activations as in real towers are not made."""

    def __init__(self, image, patch, seed=7):
        self.rng, self.flat = np.random.default_rng(seed), []
        self.image, self.patch, self.tokens = image, patch, (image // patch) ** 2 + 1

    def take(self, shape, scale, mean=0.0):
        value = (self.rng.standard_normal(shape) * scale + mean).astype(np.float32)
        self.flat.append(value.ravel())
        return value

    def norm(self):
        return self.take(WIDTH, 0.1, 1.0), self.take(WIDTH, 0.1)

    def linear(self, inputs, outputs, scale=1.0):
        return self.take((inputs, outputs), scale / np.sqrt(inputs)), self.take(outputs, 0.02)


def graph(weights):
    """The tower's graph, opset 17."""
    nodes, constants = [], []
    count = [0]

    def constant(value):
        count[0] += 1
        constants.append(numpy_helper.from_array(np.asarray(value), f"c{count[0]}"))
        return f"c{count[0]}"

    def node(kind, *inputs, **attributes):
        count[0] += 1
        nodes.append(helper.make_node(kind, list(inputs), [f"v{count[0]}"], **attributes))
        return f"v{count[0]}"

    def norm(x, pair):
        return node("LayerNormalization", x, constant(pair[0]), constant(pair[1]), axis=-1, epsilon=1e-5)

    def linear(x, pair):
        return node("Add", constant(pair[1]), node("MatMul", x, constant(pair[0])))

    ints = lambda *values: constant(np.array(values, np.int64))  # noqa: E731
    x = node("Conv", "x", constant(weights.take((WIDTH, 3, weights.patch, weights.patch), 0.02)),
             strides=[weights.patch] * 2, kernel_shape=[weights.patch] * 2)
    x = node("Transpose", node("Reshape", x, ints(0, WIDTH, -1)), perm=[0, 2, 1])
    batch = node("Slice", node("Shape", "x"), ints(0), ints(1))
    class_token = constant(weights.take(WIDTH, 0.5).reshape(1, 1, WIDTH))
    class_token = node("Expand", class_token, node("Concat", batch, ints(1), ints(WIDTH), axis=0))
    x = node("Concat", class_token, x, axis=1)
    x = node("Add", x, constant(weights.take((weights.tokens, WIDTH), 0.3)[None]))
    x = norm(x, weights.norm())
    after = weights.norm()
    heads = ints(0, 0, HEADS, WIDTH // HEADS)
    scale = constant(np.float32((WIDTH // HEADS) ** -0.5))
    for _ in range(LAYERS):
        y = norm(x, weights.norm())
        q = node("Mul", linear(y, weights.linear(WIDTH, WIDTH)), scale)
        k, v = linear(y, weights.linear(WIDTH, WIDTH)), linear(y, weights.linear(WIDTH, WIDTH))
        q = node("Transpose", node("Reshape", q, heads), perm=[0, 2, 1, 3])
        k = node("Transpose", node("Reshape", k, heads), perm=[0, 2, 3, 1])
        v = node("Transpose", node("Reshape", v, heads), perm=[0, 2, 1, 3])
        y = node("MatMul", node("Softmax", node("MatMul", q, k), axis=-1), v)
        y = node("Reshape", node("Transpose", y, perm=[0, 2, 1, 3]), ints(0, 0, WIDTH))
        x = node("Add", x, linear(y, weights.linear(WIDTH, WIDTH, 0.5)))
        y = linear(norm(x, weights.norm()), weights.linear(WIDTH, INNER))
        y = node("Mul", y, node("Sigmoid", node("Mul", y, constant(np.float32(1.702)))))
        x = node("Add", x, linear(y, weights.linear(INNER, WIDTH, 0.5)))
    x = norm(node("Gather", x, constant(np.int64(0)), axis=1), after)
    nodes.append(helper.make_node("Identity", [x], ["y"]))
    shape = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", 3, weights.image, weights.image])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", WIDTH])
    whole = helper.make_graph(nodes, "vit", [shape], [out], constants)
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def rate(session, x):
    rates, start = [], time.perf_counter()
    while len(rates) < 3 or time.perf_counter() - start < SECONDS:
        begun = time.perf_counter()
        session.run(None, {"x": x})
        rates.append(len(x) / (time.perf_counter() - begun))
    return statistics.median(rates)


def cosine(a, b):
    return float(((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min())


def compare(name, image, patch, folder):
    weights = Weights(image, patch)
    model = folder / f"vit-{patch}.onnx"
    onnx.save(graph(weights), model)
    quantize_dynamic(model, folder / f"vit-{patch}-8.onnx", weight_type=QuantType.QInt8)
    # Photos are smooth: noise alone would give all patches the same statistics.
    rng = np.random.default_rng(11)
    coarse = rng.standard_normal((PHOTOS, 8, 8, 3)).astype(np.float32)
    photos = np.kron(coarse, np.ones((1, image // 8, image // 8, 1), np.float32))
    photos = np.ascontiguousarray(photos + 0.3 * rng.standard_normal(photos.shape).astype(np.float32))
    head = np.array([image, patch, WIDTH, INNER, LAYERS, HEADS, PHOTOS, 0], np.uint32)
    with open(folder / "weights.bin", "wb") as file:
        file.write(head.tobytes())
        for part in (*weights.flat, photos.ravel()):
            file.write(part.astype(np.float32).tobytes())
    pixels = np.ascontiguousarray(photos.transpose(0, 3, 1, 2))
    sessions = {"float": session(model), "eight": session(folder / f"vit-{patch}-8.onnx")}
    ours = subprocess.Popen([TARGET / "release/examples/vit_speed", folder / "weights.bin"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)

    def ask(question):
        ours.stdin.write(question + "\n")
        ours.stdin.flush()
        return ours.stdout.readline().strip()

    print(f"{name}: {ours.stdout.readline().strip()}", file=sys.stderr)
    vectors = {}
    for which, theirs in sessions.items():
        ask(f"vector {which} {PHOTOS} {folder / 'vectors.bin'}")
        vectors[which] = (theirs.run(None, {"x": pixels})[0],
                          np.fromfile(folder / "vectors.bin", np.float32).reshape(PHOTOS, -1))
    truth = vectors["float"][0]
    print(f"{name}: f32 largest difference {np.abs(truth - vectors['float'][1]).max():.1e} of {np.abs(truth).max():.1f}, "
          f"lowest cosine to f32: 8 bits here {cosine(truth, vectors['eight'][1]):.4f}, "
          f"ONNX Runtime's {cosine(truth, vectors['eight'][0]):.4f}", file=sys.stderr)
    assert np.abs(truth - vectors["float"][1]).max() < 1e-3 * np.abs(truth).max(), "not the same network"
    rows = {(which, batch): ([], []) for which in sessions for batch in BATCHES}
    for _ in range(ROUNDS):
        for (which, batch), (theirs, mine) in rows.items():
            theirs.append(rate(sessions[which], pixels[:batch]))
            time.sleep(0.3)
            mine.append(float(ask(f"{which} {batch} {SECONDS}")))
            time.sleep(0.1)
    for (which, batch), (theirs, mine) in rows.items():
        ratios = sorted(m / t for m, t in zip(mine, theirs))
        kind = "f32" if which == "float" else "8 bits"
        print(f"| {name} | {kind} | {batch} | {statistics.median(theirs):.1f} | {statistics.median(mine):.1f} "
              f"| {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |", flush=True)
    ours.stdin.close()
    ours.wait()


def main():
    folder = TARGET / "onnx-vit"
    folder.mkdir(exist_ok=True)
    print(f"{os.cpu_count()} cores, ONNX Runtime {onnxruntime.__version__}, medians of {ROUNDS} rounds\n")
    print("| tower | weights | photos a batch | ONNX Runtime, photos/s | Sightline, photos/s | ratio, median (least to most) |")
    print("|---|---|---|---|---|---|")
    for index, model in enumerate(MODELS):
        if len(sys.argv) < 2 or int(sys.argv[1]) == index:
            compare(*model, folder)


if __name__ == "__main__":
    main()
