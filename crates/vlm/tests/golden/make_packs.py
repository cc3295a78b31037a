"""References for published dual encoders, computed by transformers and open_clip at published sizes from made-up weights.

    python3 -m venv target/golden && target/golden/bin/pip install -r crates/vlm/tests/golden/requirements-packs.txt
    target/golden/bin/python crates/vlm/tests/golden/make_packs.py [clip siglip2 open_clip chinese_clip multilingual tiny pixels tokens
        blip_captions blip_questions smolvlm blip_captions_base blip_questions_base smolvlm_256m]

Nothing is downloaded but the packages. Each weight follows from its tensor's name and its place in it (`made` below, and
`checkpoint/made.rs`, which must agree), so that no weight is committed: of each family its settings, the list of its
tensors, and what its towers make of eight photos and sixteen sentences. `pixels` has what the libraries' own preparation
makes of photos of many shapes, `tokens` what their tokenizers make of 2,000 sentences with CLIP's own vocabulary (MIT;
its merges lie in packs/clip/merges.txt with their licence). Of models that write, what they write greedily of eight photos:
of small ones, with small tokenizers of the same kind as the published ones, and of the published sizes.
"""

import gzip
import hashlib
import json
import pathlib
import random
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE / "packs"
MASK = (1 << 64) - 1
CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
SENTENCES = [
    "a dog", "Two dogs run through the snow .", "a cup of coffee on a wooden table", "golden retriever puppies, 3 of them!",
    "naïve café in Zürich", "雪地里的两只狗", "夕焼けの海と小さな船", "눈 덮인 산", "собака бежит по снегу", "قطة على الأريكة",
    "ילד עם בלון אדום", "कुत्ता घास पर", "สุนัขบนชายหาด", "🐕 in the ❄️", "", "it's what they're all about: " * 12,
]


def made(name, shape):
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & MASK
    count = int(np.prod(shape)) if shape else 1
    draws = np.empty(count, np.int32)
    for start in range(0, count, 1 << 24):
        z = np.arange(start, min(start + (1 << 24), count), dtype=np.uint64) + np.uint64(seed)
        z *= np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        draws[start:start + len(z)] = (z >> np.uint64(54)).astype(np.int32) - 512
    if len(shape) == 1 and name.endswith("weight"):
        return (1 + (draws >> 1).astype(np.float32) / 1024).reshape(shape)
    scale = 0.25
    if len(shape) >= 2 and "embed" not in name:
        scale = 2.0 ** round(0.5 * np.log2(3.0 / np.prod(shape[1:])))
    return ((2 * draws + 1).astype(np.float32) / 1024 * np.float32(scale)).reshape(shape)


def fill(net, prefix=""):
    """Puts made-up weights into a module and returns the list of its tensors."""
    lines, seen = [], set()
    state = net.state_dict()
    for name in sorted(state):
        value = state[name]
        # A tensor that has two names keeps the numbers of the first.
        if (value.data_ptr(), value.shape) in seen and value.numel() > 1:
            continue
        seen.add((value.data_ptr(), value.shape))
        if not value.is_floating_point() or name == "attn_mask":
            continue
        lines.append(f"{prefix}{name} {list(value.shape)}")
        value.copy_(torch.from_numpy(made(prefix + name, list(value.shape))))
    return lines


def write(family, lines, settings, arrays):
    folder = OUT / family
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tensors.txt").write_text("\n".join(lines) + "\n")
    for name, value in settings.items():
        (folder / name).write_text(json.dumps(value, indent=1) + "\n")
    save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, folder / "golden.safetensors")
    for name, value in arrays.items():
        print(family, name, value.shape, float(np.abs(value).max()))


def photos(side, mean, std):
    """Eight photos, cut to the side without resampling: what comes out depends on no preparation."""
    pixels = load_file(HERE / "image.safetensors")["pixels"][:, :side, :side].astype(np.float32) / 255
    pixels = (pixels - np.array(mean, np.float32)) / np.array(std, np.float32)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


def drawn_ids(vocabulary, length, start, end, pad, seed):
    """Sixteen sequences of token ids of many lengths, padded."""
    rng = random.Random(seed)
    ids, mask = np.full((16, length), pad, np.int32), np.zeros((16, length), np.int32)
    for row in range(16):
        tokens = [rng.randrange(1000, vocabulary) for _ in range(rng.randrange(0, length - 1))]
        tokens = ([start] if start is not None else []) + tokens
        tokens = tokens[:length - 1] + [end]
        ids[row, :len(tokens)] = tokens
        mask[row, :len(tokens)] = 1
    return ids, mask


def tensor(ids):
    return torch.from_numpy(ids.astype(np.int64))


def clip_merges():
    import open_clip
    path = pathlib.Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    return gzip.open(path).read().decode().split("\n")[1:49152 - 256 - 2 + 1]


def open_clip_tokens():
    import open_clip
    return open_clip.SimpleTokenizer(context_length=77)


@torch.no_grad()
def clip():
    from transformers import CLIPConfig, CLIPModel
    config = CLIPConfig(text_config={"eos_token_id": 2})
    net = CLIPModel(config).eval()
    lines = fill(net)
    ids = open_clip_tokens()(SENTENCES).numpy().astype(np.int32)
    images = net.vision_model(pixel_values=photos(224, CLIP_MEAN, CLIP_STD)).pooler_output
    texts = net.text_model(input_ids=tensor(ids)).pooler_output
    settings = {
        "config.json": {
            "architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 512, "logit_scale_init_value": 2.6592,
            "text_config": {"model_type": "clip_text_model", "vocab_size": 49408, "hidden_size": 512, "intermediate_size": 2048,
                            "num_hidden_layers": 12, "num_attention_heads": 8, "max_position_embeddings": 77,
                            "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05, "bos_token_id": 0, "eos_token_id": 2},
            "text_config_dict": None,
            "vision_config": {"model_type": "clip_vision_model", "hidden_size": 768, "intermediate_size": 3072,
                              "num_hidden_layers": 12, "num_attention_heads": 12, "image_size": 224, "patch_size": 32,
                              "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05},
            "vision_config_dict": None,
        },
        "preprocessor_config.json": {
            "crop_size": 224, "do_center_crop": True, "do_normalize": True, "do_resize": True,
            "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": CLIP_MEAN, "image_std": CLIP_STD, "resample": 3,
            "size": 224,
        },
    }
    write("clip", lines, settings, {
        "ids": ids, "pooled": images.numpy(), "image": net.visual_projection(images).numpy(),
        "text": net.text_projection(texts).numpy(),
    })


@torch.no_grad()
def siglip2():
    from transformers import SiglipConfig, SiglipModel
    settings = {
        "config.json": {
            "architectures": ["SiglipModel"], "initializer_factor": 1.0, "model_type": "siglip",
            "text_config": {"hidden_act": "gelu_pytorch_tanh", "model_type": "siglip_text_model", "vocab_size": 256000},
            "vision_config": {"hidden_act": "gelu_pytorch_tanh", "model_type": "siglip_vision_model"},
        },
        "preprocessor_config.json": {
            "do_convert_rgb": None, "do_normalize": True, "do_rescale": True, "do_resize": True,
            "image_mean": [0.5, 0.5, 0.5], "image_processor_type": "SiglipImageProcessor", "image_std": [0.5, 0.5, 0.5],
            "processor_class": "SiglipProcessor", "resample": 2, "rescale_factor": 0.00392156862745098,
            "size": {"height": 224, "width": 224},
        },
    }
    given = settings["config.json"]
    net = SiglipModel(SiglipConfig(text_config=given["text_config"], vision_config=given["vision_config"])).eval()
    lines = fill(net)
    ids, _ = drawn_ids(256000, 64, None, 1, 0, 7)
    images = net.vision_model(pixel_values=photos(224, [0.5] * 3, [0.5] * 3)).pooler_output
    texts = net.text_model(input_ids=tensor(ids)).pooler_output
    write("siglip2", lines, settings, {"ids": ids, "image": images.numpy(), "text": texts.numpy()})


@torch.no_grad()
def open_clip():
    import open_clip
    net = open_clip.create_model("ViT-B-32-256", pretrained=None).eval().float()
    lines = fill(net)
    ids = open_clip_tokens()(SENTENCES).numpy().astype(np.int32)
    settings = {"open_clip_config.json": {
        "model_cfg": open_clip.get_model_config("ViT-B-32-256"),
        "preprocess_cfg": {"mean": CLIP_MEAN, "std": CLIP_STD, "interpolation": "bicubic", "resize_mode": "shortest"},
    }}
    image = net.encode_image(photos(256, CLIP_MEAN, CLIP_STD))
    write("open_clip", lines, settings, {"ids": ids, "image": image.numpy(), "text": net.encode_text(tensor(ids)).numpy()})


@torch.no_grad()
def chinese_clip():
    from transformers import ChineseCLIPConfig, ChineseCLIPModel
    settings = {
        "config.json": {
            "architectures": ["ChineseCLIPModel"], "model_type": "chinese_clip", "projection_dim": 512,
            "text_config": {"architectures": ["ChineseCLIPTextModel"], "hidden_act": "gelu", "hidden_size": 768,
                            "intermediate_size": 3072, "layer_norm_eps": 1e-12, "max_position_embeddings": 512,
                            "model_type": "chinese_clip_text_model", "num_attention_heads": 12, "num_hidden_layers": 12,
                            "type_vocab_size": 2, "vocab_size": 21128},
            "vision_config": {"hidden_act": "quick_gelu", "hidden_size": 768, "image_size": 224, "intermediate_size": 3072,
                              "layer_norm_eps": 1e-05, "model_type": "chinese_clip_vision_model", "num_attention_heads": 12,
                              "num_hidden_layers": 12, "patch_size": 16},
        },
        "preprocessor_config.json": {
            "do_center_crop": False, "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
            "image_mean": CLIP_MEAN, "image_processor_type": "ChineseCLIPImageProcessor", "image_std": CLIP_STD, "resample": 3,
            "rescale_factor": 0.00392156862745098, "size": {"height": 224, "width": 224},
        },
    }
    given = settings["config.json"]
    net = ChineseCLIPModel(ChineseCLIPConfig(text_config=given["text_config"], vision_config=given["vision_config"])).eval()
    lines = fill(net)
    ids, mask = drawn_ids(21128, 52, 101, 102, 0, 11)
    images = net.vision_model(pixel_values=photos(224, CLIP_MEAN, CLIP_STD)).pooler_output
    texts = net.text_model(input_ids=tensor(ids), attention_mask=tensor(mask)).last_hidden_state[:, 0, :]
    write("chinese_clip", lines, settings, {
        "ids": ids, "mask": mask, "pooled": images.numpy(), "image": net.visual_projection(images).numpy(),
        "text": net.text_projection(texts).numpy(),
    })


@torch.no_grad()
def multilingual():
    from transformers import DistilBertConfig, DistilBertModel
    settings = {"config.json": {
        "activation": "gelu", "architectures": ["DistilBertModel"], "attention_dropout": 0.1, "dim": 768, "dropout": 0.1,
        "hidden_dim": 3072, "initializer_range": 0.02, "max_position_embeddings": 512, "model_type": "distilbert",
        "n_heads": 12, "n_layers": 6, "pad_token_id": 0, "sinusoidal_pos_embds": False, "tie_weights_": True,
        "vocab_size": 119547,
    }}
    net = DistilBertModel(DistilBertConfig(**settings["config.json"])).eval()
    lines = fill(net)
    # sentence-transformers' own layer, and the images of CLIP.
    dense = torch.nn.ModuleDict({"linear": torch.nn.Linear(768, 512, bias=False)})
    lines += fill(dense)
    lines += [line for line in (OUT / "clip/tensors.txt").read_text().splitlines() if "position_ids" not in line]
    ids, mask = drawn_ids(119547, 40, 101, 102, 0, 13)
    states = net(input_ids=tensor(ids), attention_mask=tensor(mask)).last_hidden_state
    weights = tensor(mask).float().unsqueeze(2)
    mean = (states * weights).sum(1) / weights.sum(1)
    write("multilingual", lines, settings, {"ids": ids, "mask": mask, "text": dense["linear"](mean).numpy()})


@torch.no_grad()
def tiny():
    """A CLIP of a few numbers, on disk as published checkpoints are: safetensors, and a pickle of an older kind."""
    from transformers import CLIPConfig, CLIPModel
    sizes = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(
        projection_dim=6, text_config=sizes | {"vocab_size": 20, "max_position_embeddings": 10, "eos_token_id": 2},
        vision_config=sizes | {"image_size": 16, "patch_size": 8})
    net = CLIPModel(config).eval()
    fill(net)
    folder = OUT / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.clone() for name, value in net.state_dict().items()}
    # As older files have it.
    state["text_model.embeddings.position_ids"] = torch.arange(10)[None]
    save_file({name: value.numpy() for name, value in state.items()}, folder / "model.safetensors")
    torch.save(state, folder / "pytorch_model.bin")
    text = sizes | {"vocab_size": 20, "max_position_embeddings": 10, "eos_token_id": 2, "hidden_act": "quick_gelu"}
    vision = sizes | {"image_size": 16, "patch_size": 8, "hidden_act": "quick_gelu"}
    settings = {"model_type": "clip", "projection_dim": 6, "text_config": text, "vision_config": vision}
    (folder / "config.json").write_text(json.dumps(settings, indent=1) + "\n")
    (folder / "preprocessor_config.json").write_text(json.dumps(
        {"crop_size": {"height": 16, "width": 16}, "do_center_crop": True, "size": {"shortest_edge": 16}}, indent=1) + "\n")


def pixels():
    """What the libraries make of cuts of a mosaic of the eight photos; every fifth byte of each."""
    from open_clip.transform import image_transform
    from transformers import CLIPImageProcessorPil, SiglipImageProcessorPil
    photos = load_file(HERE / "image.safetensors")["pixels"]
    mosaic = np.concatenate([np.concatenate(list(photos[:4]), 1), np.concatenate(list(photos[4:]), 1)], 0)
    clip = CLIPImageProcessorPil()
    squash = SiglipImageProcessorPil(size={"height": 224, "width": 224}, resample=2)
    torchvision = image_transform(224, is_train=False, mean=(0, 0, 0), std=(1, 1, 1))

    def prepared(photo):
        bare = {"do_rescale": False, "do_normalize": False, "return_tensors": "np"}
        plain = [processor(photo, **bare)["pixel_values"][0] for processor in (clip, squash)]
        plain.append(torchvision(Image.fromarray(photo)).numpy() * 255)
        return [np.rint(one).astype(np.uint8).transpose(1, 2, 0) for one in plain]

    arrays = {}
    for width, height in [(1040, 520), (1039, 517), (517, 313), (300, 519), (130, 97), (911, 64), (224, 520)]:
        for kind, got in zip(["shortest-edge", "squash", "shortest-edge-even"], prepared(mosaic[:height, :width])):
            assert got.shape == (224, 224, 3), got.shape
            arrays[f"{kind}.{width}.{height}"] = got.reshape(-1)[::5]
    save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, OUT / "pixels.safetensors")


def tokens():
    """2,000 sentences put together of words of many scripts, and a digest of what both libraries make of each."""
    from transformers import CLIPTokenizer
    merges = clip_merges()
    (OUT / "clip").mkdir(parents=True, exist_ok=True)
    (OUT / "clip/merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    ours = open_clip_tokens()
    names = {49406: "<|startoftext|>", 49407: "<|endoftext|>"}
    vocab = {names.get(id, token): id for token, id in ours.encoder.items()}
    theirs = CLIPTokenizer(vocab=vocab, merges=[tuple(m.split()) for m in merges])
    rng = random.Random(15)
    pieces = [m.replace(" ", "").replace("</w>", "") for m in merges if m.isascii()]
    words = ["it's", "they're", "I'LL", "don't", "we've", "DOG", "Cats", "naïve", "Zürich", "straße", "ﬁne", "e\u0301te\u0301",
             "犬", "雪地里的两只狗", "夕焼けの海", "눈", "собака", "ΣΊΣΥΦΟΣ", "قطة", "ילד", "कुत्ता", "สุนัข", "Tiếng Việt", "🐕", "👩‍👩‍👧",
             "❄️", "3", "1984", "12:30", "f/2.8", "100%", "C++", "snake_case", "--", "...", "!!!", "«»", "“quoted”", "(b)", "#sunset",
             "@home", "a.b", "½", "²", "\t", "  ", "İstanbul"]
    marks = ["", "", "", ",", ".", " ?", "!", " -", ";", ":"]
    lines = []
    while len(lines) < 2000:
        count = rng.choice([1, 2, 3, 5, 8, 13, 40, 90])
        take = lambda: rng.choice(words) if rng.random() < 0.3 else rng.choice(pieces)
        text = " ".join(take() + rng.choice(marks) for _ in range(count))
        ids = [int(id) for id in ours([text])[0] if id] if text.strip() else None
        if ids is None or "\n" in text:
            continue
        hf = theirs(text, truncation=True, max_length=77)["input_ids"]
        ids = ids[:ids.index(49407) + 1]
        if ids != hf:
            # What ftfy mends in open_clip before its tokenizer has a look.
            print("differ:", repr(text)[:60])
            continue
        lines.append(f"{hashlib.sha256(np.array(ids, '<i4').tobytes()).hexdigest()[:12]} {text}")
    (OUT / "clip/sentences.txt").write_text("\n".join(lines) + "\n")


def tiled(side):
    """Eight photos of any side: a neighbour begins where one ends."""
    pixels = load_file(HERE / "image.safetensors")["pixels"]
    edge = pixels.shape[1]
    at = np.arange(side)
    rows, columns = at[:, None], at[None, :]
    which = columns // edge + 2 * (rows // edge)
    return np.stack([pixels[(k + which) % 8, rows % edge, columns % edge] for k in range(8)])


def normalised(side, mean, std):
    pixels = tiled(side).astype(np.float32) / 255
    pixels = (pixels - np.array(mean, np.float32)) / np.array(std, np.float32)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2)


CAPTIONS = ["a dog's ball lies on the grass, and two dogs run", "what is the man in the red hat doing?", "3 cats sleep on a couch",
            "how many people are in the picture?", "it is snowing; the children are playing", "a person riding a wave"]
QUESTIONS = ["What is the dog doing?", "how many cats are on the couch", "Is it snowing?", "a", "what is the man in the red hat doing " * 3]


def word_pieces(folder):
    """A small tokenizer of BERT's kind."""
    from tokenizers import BertWordPieceTokenizer
    tokenizer = BertWordPieceTokenizer(lowercase=True)
    tokenizer.train_from_iterator(CAPTIONS, vocab_size=150, min_frequency=1, show_progress=False)
    tokenizer = BertWordPieceTokenizer(vocab=tokenizer.get_vocab(), lowercase=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def padded(rows, pad=-1):
    width = max(len(row) for row in rows)
    return np.array([list(row) + [pad] * (width - len(row)) for row in rows], np.int32)


def blip_settings(answers, vision, text):
    kind = "BlipForQuestionAnswering" if answers else "BlipForConditionalGeneration"
    return {
        "config.json": {
            "architectures": [kind], "image_text_hidden_size": 256, "initializer_factor": 1.0, "logit_scale_init_value": 2.6592,
            "model_type": "blip", "projection_dim": 512,
            "text_config": {"bos_token_id": 30522, "eos_token_id": 2, "hidden_act": "gelu", "is_decoder": True,
                            "layer_norm_eps": 1e-12, "model_type": "blip_text_model", "pad_token_id": 0} | text,
            "vision_config": {"hidden_act": "gelu", "layer_norm_eps": 1e-05, "model_type": "blip_vision_model"} | vision,
        },
        "preprocessor_config.json": {
            "do_normalize": True, "do_pad": True, "do_rescale": True, "do_resize": True, "image_mean": CLIP_MEAN,
            "image_processor_type": "BlipImageProcessor", "image_std": CLIP_STD, "processor_class": "BlipProcessor",
            "resample": 3, "rescale_factor": 0.00392156862745098,
            "size": {"height": vision["image_size"], "width": vision["image_size"]}, "size_divisor": 32,
        },
    }


@torch.no_grad()
def blip(name, answers, vision, text, small):
    from transformers import BlipConfig, BlipForConditionalGeneration, BlipForQuestionAnswering
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = word_pieces(folder) if small else None
    if small:
        text = text | {"vocab_size": tokenizer.get_vocab_size() + 2, "bos_token_id": tokenizer.get_vocab_size()}
    settings = blip_settings(answers, vision, text | {"sep_token_id": 102})
    given = settings["config.json"]
    net = BlipForQuestionAnswering if answers else BlipForConditionalGeneration
    net = net(BlipConfig(text_config=given["text_config"], vision_config=given["vision_config"])).eval()
    lines = fill(net)
    pixels = normalised(vision["image_size"], CLIP_MEAN, CLIP_STD)
    if small:
        questions = [tokenizer.encode(question).ids for question in QUESTIONS]
    else:
        ids, mask = drawn_ids(30522, 24, 101, 102, 0, 17)
        questions = [ids[row][mask[row] == 1].tolist() for row in range(2)]

    def written(photo, question=None):
        more = {"max_new_tokens": NEW_TOKENS, "do_sample": False, "num_beams": 1}
        given_question = {"input_ids": torch.tensor([question])} if answers else {}
        own = net.generate(pixel_values=pixels[photo:photo + 1], **given_question, **more)[0].tolist()
        end = net.config.text_config.sep_token_id
        if not small:
            return [id for id in own[1:] if id != end]
        # The same without a cache.
        states = net.vision_model(pixel_values=pixels[photo:photo + 1])[0]
        if answers:
            states = net.text_encoder(
                input_ids=torch.tensor([question]), encoder_hidden_states=states,
                encoder_attention_mask=torch.ones(states.shape[:2], dtype=torch.long), is_decoder=False)[0]
        seen = torch.ones(states.shape[:2], dtype=torch.long)
        ids = [given["text_config"]["bos_token_id"]]
        for _ in range(NEW_TOKENS):
            logits = net.text_decoder(input_ids=torch.tensor([ids]), encoder_hidden_states=states, encoder_attention_mask=seen).logits
            margin = torch.topk(logits[0, -1], 2).values
            margins.append(float(margin[0] - margin[1]))
            ids.append(int(logits[0, -1].argmax()))
            if ids[-1] == net.config.text_config.sep_token_id:
                break
        assert own[1:] == ids[1:], (own, ids)
        return [id for id in ids[1:] if id != end]

    margins = []
    if answers:
        cases = [(photo, question) for photo in range(2) for question in questions]
    else:
        cases = [(photo, None) for photo in range(8 if small else 4)]
    if small:
        # An end that comes.
        first = written(*cases[0])
        end = next(id for at, id in enumerate(first) if at >= 4 and id not in first[:at])
        given["text_config"]["sep_token_id"] = net.config.text_config.sep_token_id = end
        margins.clear()
    rows = [written(*case) for case in cases]
    arrays = {"tokens": padded(rows), "photos": np.array([[photo] for photo, _ in cases], np.int32)}
    if answers:
        arrays["questions"] = padded([question for _, question in cases])
    write(name, lines, settings, arrays)
    print(name, "least margin", min(margins, default=None), "tokens", sum(map(len, rows)), "different", len({id for row in rows for id in row}))


NEW_TOKENS = 20
SMALL_VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 48, "patch_size": 8}
SMALL_TEXT = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 3, "max_position_embeddings": 64}
BASE_VISION = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "image_size": 384, "patch_size": 16}
BASE_TEXT = {"vocab_size": 30524, "hidden_size": 768, "encoder_hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
             "num_attention_heads": 12, "max_position_embeddings": 512}


def blip_captions():
    blip("blip_captions", False, SMALL_VISION, SMALL_TEXT | {"encoder_hidden_size": 32}, True)


def blip_questions():
    blip("blip_questions", True, SMALL_VISION | {"hidden_size": 24, "num_attention_heads": 3}, SMALL_TEXT | {"encoder_hidden_size": 24}, True)


def blip_captions_base():
    blip("blip_captions_base", False, BASE_VISION, BASE_TEXT, False)


def blip_questions_base():
    blip("blip_questions_base", True, BASE_VISION, BASE_TEXT, False)


CHAT = ("<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}{% if message['content'][0]['type'] == 'image' %}"
        "{{':'}}{% else %}{{': '}}{% endif %}{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
        "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
        "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}")


def byte_pairs(folder):
    """A small tokenizer of SmolLM2's kind, with SmolVLM's own tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    ends = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(vocab_size=340, min_frequency=1, special_tokens=ends, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CAPTIONS + ["User: Assistant: Describe this image."], trainer)
    own = ["<global-img>", "<fake_token_around_image>", "<image>", "<end_of_utterance>"]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in own])
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


@torch.no_grad()
def idefics3(name, vision, text, scale, image_token, small):
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    side = vision["image_size"]
    count = (side // vision["patch_size"]) ** 2 // scale ** 2
    settings = {
        "config.json": {
            "architectures": ["Idefics3ForConditionalGeneration"], "image_token_id": image_token, "model_type": "idefics3",
            "scale_factor": scale, "tie_word_embeddings": False,
            "text_config": {"architectures": ["VLlama3ForCausalLM"], "attention_bias": False, "bos_token_id": 0, "eos_token_id": 0,
                            "hidden_act": "silu", "mlp_bias": False, "model_type": "llama", "rms_norm_eps": 1e-05,
                            "rope_interleaved": False, "rope_scaling": None, "rope_theta": 100000, "tie_word_embeddings": False} | text,
            "vision_config": {"model_type": "idefics3", "tie_word_embeddings": False} | vision,
        },
        "preprocessor_config.json": {
            "do_convert_rgb": True, "do_image_splitting": True, "do_normalize": True, "do_pad": True, "do_rescale": True,
            "do_resize": True, "image_mean": [0.5] * 3, "image_processor_type": "Idefics3ImageProcessor", "image_std": [0.5] * 3,
            "max_image_size": {"longest_edge": side}, "processor_class": "Idefics3Processor", "resample": 1,
            "rescale_factor": 0.00392156862745098, "size": {"longest_edge": 4 * side},
        },
    }
    tokenizer = byte_pairs(folder) if small else None
    given = settings["config.json"]
    if small:
        given["image_token_id"] = tokenizer.token_to_id("<image>")
        given["text_config"]["vocab_size"] = tokenizer.get_vocab_size() + 3
    read = json.loads(json.dumps(given))
    read["vision_config"]["model_type"] = "idefics3_vision"
    read["text_config"]["rope_parameters"] = {"rope_type": "default", "rope_theta": 100000.0}
    del read["text_config"]["rope_scaling"]
    net = Idefics3ForConditionalGeneration(Idefics3Config(
        image_token_id=given["image_token_id"], scale_factor=scale, tie_word_embeddings=False, text_config=read["text_config"],
        vision_config=read["vision_config"])).eval()
    assert net.config.text_config.rope_parameters["rope_theta"] == 100000.0, net.config.text_config
    lines = fill(net)
    pixels = normalised(side, [0.5] * 3, [0.5] * 3)
    if small:
        from transformers import Idefics3ImageProcessorPil, Idefics3Processor, PreTrainedTokenizerFast
        fast = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), additional_special_tokens=["<end_of_utterance>"])
        images = Idefics3ImageProcessorPil(size={"longest_edge": side}, max_image_size={"longest_edge": side})
        processor = Idefics3Processor(images, fast, image_seq_len=count, chat_template=CHAT)
        prompts = []
        for question in QUESTIONS:
            turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question.strip()}]}]
            text_of = processor.apply_chat_template(turn, add_generation_prompt=True)
            got = processor(text=text_of, images=[Image.fromarray(tiled(side)[0])], return_tensors="pt")
            assert got["pixel_values"].shape[1] == 1, got["pixel_values"].shape
            prompts.append(got["input_ids"][0].tolist())
    else:
        rng = random.Random(19)
        around = lambda n: [rng.randrange(20, 49000) for _ in range(n)]
        prompts = [around(4) + [image_token] * count + around(length) for length in (3, 9, 20)]

    def written(photo, prompt):
        ids = net.generate(
            input_ids=torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            pixel_values=pixels[photo:photo + 1][:, None], max_new_tokens=NEW_TOKENS, do_sample=False,
            eos_token_id=ends, pad_token_id=2)[0].tolist()
        ids = ids[len(prompt):] if ids[:len(prompt)] == prompt else ids
        return [id for id in ids if id not in ends]

    # What ends a turn by the tokenizer, and another by the settings.
    ends = [given["text_config"]["vocab_size"] - 1]
    cases = [(photo, prompt) for photo in (range(4) if small else range(2)) for prompt in prompts]
    if small:
        first = written(*cases[0])
        ends = [next(id for at, id in enumerate(first) if at >= 4 and id not in first[:at]), tokenizer.token_to_id("<end_of_utterance>")]
    given["text_config"]["eos_token_id"] = ends[0]
    rows = [written(*case) for case in cases]
    write(name, lines, settings, {
        "tokens": padded(rows), "photos": np.array([[photo] for photo, _ in cases], np.int32),
        "prompts": padded([prompt for _, prompt in cases])})
    print(name, "tokens", sum(map(len, rows)), "different", len({id for row in rows for id in row}))


def smolvlm():
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 64, "patch_size": 8,
              "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6}
    text = {"hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "num_attention_heads": 6, "num_key_value_heads": 2,
            "head_dim": 8, "max_position_embeddings": 256}
    idefics3("smolvlm", vision, text, 4, 0, True)


def smolvlm_256m():
    vision = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12, "image_size": 512,
              "patch_size": 16, "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-6}
    text = {"vocab_size": 49280, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
            "num_key_value_heads": 3, "head_dim": 64, "max_position_embeddings": 8192}
    idefics3("smolvlm_256m", vision, text, 4, 49190, False)


@torch.no_grad()
def tiny_writers():
    """Models that write, of a few numbers, on disk as published ones are: a pickle, safetensors, and those in BF16."""
    from transformers import (BlipConfig, BlipForConditionalGeneration, BlipForQuestionAnswering, Idefics3Config,
                              Idefics3ForConditionalGeneration)
    vision = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 16, "patch_size": 8}
    text = {"hidden_size": 8, "encoder_hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "max_position_embeddings": 64}
    for name, answers, net in [("tiny_captions", False, BlipForConditionalGeneration), ("tiny_questions", True, BlipForQuestionAnswering)]:
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = word_pieces(folder)
        count = tokenizer.get_vocab_size()
        settings = blip_settings(answers, vision, text | {"vocab_size": count + 2, "bos_token_id": count, "sep_token_id": 3})
        given = settings["config.json"]
        net = net(BlipConfig(text_config=given["text_config"], vision_config=given["vision_config"])).eval()
        fill(net)
        state = {key: value.clone() for key, value in net.state_dict().items()}
        # As older files have it.
        state["text_decoder.bert.embeddings.position_ids"] = torch.arange(64)[None]
        if answers:
            save_file({key: value.numpy() for key, value in state.items()}, folder / "model.safetensors")
        else:
            torch.save(state, folder / "pytorch_model.bin")
        for file, value in settings.items():
            (folder / file).write_text(json.dumps(value, indent=1) + "\n")
    from safetensors.torch import save_file as save_torch
    folder = OUT / "tiny_smolvlm"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = byte_pairs(folder)
    text = {"vocab_size": tokenizer.get_vocab_size(), "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 4,
            "num_key_value_heads": 2, "head_dim": 4, "max_position_embeddings": 128, "model_type": "llama", "eos_token_id": 0,
            "rms_norm_eps": 1e-5, "tie_word_embeddings": False}
    smol = dict(vision, model_type="idefics3_vision", hidden_act="gelu_pytorch_tanh", layer_norm_eps=1e-6)
    net = Idefics3ForConditionalGeneration(Idefics3Config(
        image_token_id=tokenizer.token_to_id("<image>"), scale_factor=2, text_config=text, vision_config=smol)).eval()
    fill(net)
    save_torch({key: value.to(torch.bfloat16) for key, value in net.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["Idefics3ForConditionalGeneration"], "model_type": "idefics3", "scale_factor": 2,
        "image_token_id": tokenizer.token_to_id("<image>"), "text_config": text | {"rope_theta": 10000.0},
        "vision_config": smol | {"model_type": "idefics3"}}, indent=1) + "\n")
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "do_resize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "max_image_size": {"longest_edge": 16}, "resample": 1,
        "size": {"longest_edge": 64}}, indent=1) + "\n")


def tile_pixels():
    """What Idefics3's preparation makes of one tile, every fifth byte."""
    from transformers import Idefics3ImageProcessorPil
    photos = load_file(HERE / "image.safetensors")["pixels"]
    mosaic = np.concatenate([np.concatenate(list(photos[:4]), 1), np.concatenate(list(photos[4:]), 1)], 0)
    processor = Idefics3ImageProcessorPil(size={"longest_edge": 128}, max_image_size={"longest_edge": 128})
    arrays = {}
    for width, height in [(1040, 520), (517, 313), (300, 519), (97, 130), (911, 64), (60, 60)]:
        got = processor([[mosaic[:height, :width]]], do_rescale=False, do_normalize=False, return_tensors="np")["pixel_values"]
        assert got.shape == (1, 1, 3, 128, 128), got.shape
        arrays[f"{width}.{height}"] = np.rint(got[0, 0]).astype(np.uint8).transpose(1, 2, 0).reshape(-1)[::5]
    save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, OUT / "tile.safetensors")


if __name__ == "__main__":
    torch.manual_seed(0)
    for name in sys.argv[1:] or ["clip", "siglip2", "open_clip", "chinese_clip", "multilingual", "tiny", "pixels", "tokens",
                                 "blip_captions", "blip_questions", "smolvlm", "tile_pixels", "tiny_writers", "blip_captions_base",
                                 "blip_questions_base", "smolvlm_256m"]:
        globals()[name]()
