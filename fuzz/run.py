#!/usr/bin/env python3
"""Runs fuzz targets one after the other in slices, the one with the least processor time first, until each has had enough,
and prints what came of it as rows for the table in SECURITY.md. What it has done is kept, and goes on when it is run anew.

    cd fuzz && cargo +nightly fuzz build --fuzz-dir . --features version
    python3 run.py --seconds 1030 --lanes 2 target/x86_64-unknown-linux-gnu/release
"""
import argparse, json, os, re, subprocess, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
TARGETS = ["decode", "metadata", "pipe", "query", "catalogue", "restore", "version"]

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("binaries", nargs="+", help="folders with the built targets")
args.add_argument("--targets", nargs="+", default=TARGETS)
args.add_argument("--seconds", type=float, default=1030, help="processor time for each target")
args.add_argument("--slice", type=int, default=400, help="seconds of a slice")
args.add_argument("--lanes", type=int, default=1, help="targets at once")
args.add_argument("--most", type=float, default=1e9, help="seconds for everything")
args.add_argument("--work", default="/tmp/sightline-fuzzing", help="where corpora, logs and inputs that fail are kept")
args = args.parse_args()

STATE = f"{args.work}/state.json"
ends = time.time() + args.most
os.makedirs(f"{args.work}/failed", exist_ok=True)
try:
    with open(STATE, encoding="utf-8") as file:
        state = json.load(file)
except FileNotFoundError:
    state = {}
for name in args.targets:
    state.setdefault(name, {"runs": 0, "cpu_s": 0.0, "wall_s": 0.0, "rss_mib": 0, "held_kib": 0, "slices": 0, "failed": 0})
lock, busy, failed = threading.Lock(), set(), set()


def binary(name):
    found = [f"{folder}/{name}" for folder in args.binaries if os.path.exists(f"{folder}/{name}")]
    return found[0] if found else None


def run(name):
    """One slice; whether it ended well."""
    it = state[name]
    corpus, log = f"{args.work}/corpus/{name}", f"{args.work}/{name}.{it['slices']}.log"
    os.makedirs(corpus, exist_ok=True)
    seconds = int(max(20, min(args.slice, args.seconds - it["cpu_s"], ends - time.time())))
    command = [binary(name), corpus, f"{HERE}/seeds/{name}", f"-max_total_time={seconds}", "-timeout=25",
               "-rss_limit_mb=2048", "-print_final_stats=1", "-detect_leaks=0", f"-artifact_prefix={args.work}/failed/{name}-"]
    began = time.time()
    with open(log, "w", encoding="utf-8") as out:
        child = subprocess.Popen(command, stdout=out, stderr=out, env=os.environ | {"ASAN_OPTIONS": "detect_odr_violation=0:detect_leaks=0"})
        _, status, usage = os.wait4(child.pid, 0)
    with open(log, encoding="utf-8", errors="replace") as out:
        text = out.read()
    runs = re.findall(r"stat::number_of_executed_units:\s*(\d+)", text) or re.findall(r"^#(\d+)", text, re.M) or [0]
    held = [int(kib) for kib in re.findall(r"most memory of a run: (\d+) KiB", text)]
    with lock:
        it["runs"] += int(runs[-1])
        it["cpu_s"] += usage.ru_utime + usage.ru_stime
        it["wall_s"] += time.time() - began
        it["rss_mib"] = max(it["rss_mib"], usage.ru_maxrss // 1024)
        it["held_kib"] = max([it["held_kib"], *held])
        it["slices"] += 1
        it["failed"] += status != 0
        with open(STATE, "w", encoding="utf-8") as file:
            json.dump(state, file, indent=1)
    print(time.strftime("%H:%M:%S"), name, "ended well" if status == 0 else f"FAILED, see {log}", it, flush=True)
    return status == 0


def lane():
    while time.time() < ends - 20:
        with lock:
            # One that failed is to be looked at before it is run on.
            left = [n for n in args.targets if n not in failed and binary(n) and state[n]["cpu_s"] < args.seconds]
            name = min(set(left) - busy, key=lambda n: state[n]["cpu_s"], default=None)
            busy.add(name)
        if not left:
            return
        if name is None:
            time.sleep(1)
        elif not run(name):
            failed.add(name)
        with lock:
            busy.discard(name)


lanes = [threading.Thread(target=lane) for _ in range(args.lanes)]
for one in lanes:
    one.start()
for one in lanes:
    one.join()
for name in args.targets:
    it = state[name]
    files = [e.stat().st_size for e in os.scandir(f"{args.work}/corpus/{name}")] if it["slices"] else []
    print(f"| `{name}` | {it['runs']:,} | {it['cpu_s']:,.0f} | {it['held_kib'] / 1024:.1f} MiB | {it['rss_mib']} MiB | "
          f"{len(files):,} files, {sum(files) / 1e6:.1f} MB | {it['failed']} |")
