"""An approximate index (USearch, HNSW over 16-bit floats) beside an exact search of the same vectors.

python benches/usearch/compare.py LIBRARY [QUERIES]        # needs numpy and usearch; seed 1

Questions are as far from photos as sentences are: 0.3 of a photo of the library, the rest noise. Recall is of the
exact search's 50 best. Sightline's own exact search of the same library: the catalogue's example `scale`.
"""

import os
import sqlite3
import sys
import time

import numpy as np
from usearch.index import Index

HITS = 50
SHARE = 0.3
THREADS = os.cpu_count()


def vectors(library):
    """The vectors that are searched: a row a photo, 32-bit floats."""
    catalogue = sqlite3.connect(f"file:{library}/catalogue.sqlite?mode=ro", uri=True)
    (model,) = catalogue.execute("SELECT id FROM model WHERE instr(key, '/') = 0 ORDER BY id LIMIT 1").fetchone()
    rows = catalogue.execute("SELECT data FROM vector NOT INDEXED WHERE model_id = ?", (model,))
    return np.frombuffer(b"".join(row for (row,) in rows), dtype=np.float16).reshape(-1, 512)


def questions(rows, count):
    random = np.random.default_rng(1)
    noise = random.uniform(-1, 1, (count, 512)).astype(np.float32) * np.sqrt(3 / 512)
    photos = rows[random.integers(0, len(rows), count)].astype(np.float32)
    return SHARE * photos + np.sqrt(1 - SHARE**2) * noise


def exact(rows, asked):
    """The best rows of each question, compared a part at a time."""
    best = [np.empty((0, 2)) for _ in asked]
    for begin in range(0, len(rows), 50_000):
        scores = asked @ rows[begin : begin + 50_000].astype(np.float32).T
        for number, row in enumerate(scores):
            few = np.argpartition(-row, HITS)[:HITS]
            both = np.vstack([best[number], np.stack([few + begin, row[few]], axis=1)])
            best[number] = both[np.argsort(-both[:, 1])[:HITS]]
    return [set(part[:, 0].astype(int)) for part in best]


def main():
    rows = vectors(sys.argv[1])
    asked = questions(rows, int(sys.argv[2]) if len(sys.argv) > 2 else 200)
    truth = exact(rows, asked)
    index = Index(ndim=512, metric="ip", dtype="f16")
    started = time.perf_counter()
    index.add(np.arange(len(rows)), rows, threads=THREADS)
    built = time.perf_counter() - started
    size = index.memory_usage / 1e6
    print(f"{len(rows)} vectors: built in {built:.0f} s on {THREADS} threads, {size:.0f} MB")
    for expansion in (64, 256, 1024, 4096):
        index.expansion_search = expansion
        times, found = [], 0
        for question, true in zip(asked, truth):
            started = time.perf_counter()
            keys = index.search(question, HITS).keys
            times.append((time.perf_counter() - started) * 1e3)
            found += len(true.intersection(int(key) for key in keys))
        p50, p95 = np.percentile(times, [50, 95])
        print(f"expansion {expansion}: recall {found / HITS / len(asked):.3f}, p50 {p50:.2f} ms, p95 {p95:.2f} ms")


main()
