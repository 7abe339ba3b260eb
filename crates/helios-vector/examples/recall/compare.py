"""Recall against speed of heliosdb's structures beside hnswlib, faiss and usearch.

    python compare.py RECALL_BINARY FILE.npy [l2|cosine] [THREADS] [M] [EF_CONSTRUCTION] [STRUCTURE KEY=VALUE...]...

The same vectors, queries, parameters and threads in one run. All indexes are built first; then they
are asked in turns, round after round, so that what else the machine does meets all alike, and the
median of the rounds counts. RECALL_BINARY is target/release/examples/recall; more than one may be given, with commas
between. Each further argument, such as "hnsw quantizer=sq8", is measured too. Environment: ROUNDS (5), PEERS
(hnswlib,faiss,usearch; also faiss-ivf, faiss-ivf-sq8, faiss-ivf-pq, faiss-ivf-rabitq, of LISTS lists, those
with codes rescored by full vectors, and faiss-lsh), EFFORTS, HNSW=0 to leave our graph out. Needs numpy, hnswlib, faiss-cpu and usearch.
"""
import os, statistics, subprocess, sys, time
import numpy as np, faiss, hnswlib
from usearch.index import Index

binaries, path = sys.argv[1].split(","), sys.argv[2]
metric = sys.argv[3] if len(sys.argv) > 3 else "l2"
threads = int(sys.argv[4]) if len(sys.argv) > 4 else 1
m = int(sys.argv[5]) if len(sys.argv) > 5 else 16
efc = int(sys.argv[6]) if len(sys.argv) > 6 else 128
listed = os.environ.get("EFFORTS", "10,15,20,30,40,60,80,120,160,240,320,480")
efforts = [int(effort) for effort in listed.split(",")]
rounds = int(os.environ.get("ROUNDS", "5"))
wanted = os.environ.get("PEERS", "hnswlib,faiss,usearch").split(",")
k, queries = 10, 1000
rows = np.load(path)
if metric == "cosine":
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
base, asked = np.ascontiguousarray(rows[:-queries]), np.ascontiguousarray(rows[-queries:])
del rows
faiss.omp_set_num_threads(threads)
flat = faiss.IndexFlatL2(base.shape[1])
flat.add(base)
truth = flat.search(asked, k)[1]
del flat
# With one thread the processor's time counts, of which other programs take none.
clock = time.process_time if threads == 1 else time.perf_counter


def memory():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


class Peer:
    """A library in this process."""

    def __init__(self, name, build, search):
        before, start = memory(), clock()
        self.name, self.search, self.index = name, search, build()
        self.seconds, self.held = clock() - start, memory() - before

    def ask(self, effort):
        start = clock()
        found = self.search(self.index, effort)
        spent = clock() - start
        hits = sum(len(set(map(int, a)) & set(map(int, b))) for a, b in zip(found, truth))
        return hits / truth.size, queries / spent


class Ours:
    """A program that measures when it is told."""

    def __init__(self, binary, structure, *options):
        keys = [f"metric={metric}", f"threads={threads}", f"k={k}", f"queries={queries}", "ask=1"]
        command = [binary, structure, path, *keys, *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        self.efforts = next((o[8:].split(",") for o in options if o.startswith("efforts=")), None)
        self.name = os.path.basename(binary) if len(binaries) > 1 else "heliosdb"
        self.options = " ".join([structure, *options])

    def ask(self, effort):
        self.process.stdin.write(f"{effort}\n")
        self.process.stdin.flush()
        name, quantizer, _, _, recall, speed, self.seconds, self.held = self.process.stdout.readline().split("\t")
        self.seconds, self.held = float(self.seconds), int(self.held)
        self.name = f"{self.name.split(' ')[0]} {self.options}, {quantizer}"
        return float(recall), float(speed)


def build_hnswlib():
    index = hnswlib.Index(space="l2" if metric == "l2" else "ip", dim=base.shape[1])
    index.init_index(max_elements=len(base), ef_construction=efc, M=m)
    index.add_items(base, num_threads=threads)
    return index


def search_hnswlib(index, effort):
    index.set_ef(effort)
    return index.knn_query(asked, k=k, num_threads=threads)[0]


def build_faiss():
    kind = faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexHNSWFlat(base.shape[1], m, kind)
    index.hnsw.efConstruction = efc
    index.add(base)
    return index


def search_faiss(index, effort):
    index.hnsw.efSearch = effort
    return index.search(asked, k)[1]


def build_usearch():
    index = Index(ndim=base.shape[1], metric="l2sq" if metric == "l2" else "ip", dtype="f32", connectivity=m, expansion_add=efc)
    index.add(np.arange(len(base)), base, threads=threads)
    return index


def search_usearch(index, effort):
    index.expansion_search = effort
    return index.search(asked, k, threads=threads).keys


def lists(kind):
    """An inverted file of faiss; effort is how many lists are looked at."""
    count, width = int(os.environ.get("LISTS", "250")), base.shape[1]
    of = faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT
    # What faiss makes takes no attributes of ours.
    inner = []

    def build():
        coarse = faiss.IndexFlat(width, of)
        if kind == "flat":
            index = faiss.IndexIVFFlat(coarse, width, count, of)
        elif kind == "sq8":
            index = faiss.IndexIVFScalarQuantizer(coarse, width, count, faiss.ScalarQuantizer.QT_8bit, of)
        elif kind == "pq":
            index = faiss.IndexIVFPQFastScan(coarse, width, count, width // 2, 4, of)
        else:
            index = faiss.IndexIVFRaBitQ(coarse, width, count, of)
            index.qb = 4
        whole = index if kind == "flat" else faiss.IndexRefineFlat(index)
        inner.extend([index, coarse])
        whole.train(base)
        whole.add(base)
        return whole

    def search(index, effort):
        inner[0].nprobe = effort
        if kind != "flat":
            index.k_factor = 7.2
        return index.search(asked, k)[1]

    return build, search


def build_lsh():
    index = faiss.IndexRefineFlat(faiss.IndexLSH(base.shape[1], base.shape[1]))
    index.train(base)
    index.add(base)
    return index


def search_lsh(index, effort):
    index.k_factor = effort
    return index.search(asked, k)[1]


parties = []
for binary in binaries:
    if os.environ.get("HNSW", "1") == "1":
        parties.append(Ours(binary, "hnsw", f"m={m}", f"ef_construction={efc}"))
    parties.extend(Ours(binary, *extra.split()) for extra in sys.argv[7:])
for name, build, search in [
    ("hnswlib", build_hnswlib, search_hnswlib),
    ("faiss", build_faiss, search_faiss),
    ("usearch", build_usearch, search_usearch),
    ("faiss-ivf", *lists("flat")),
    ("faiss-ivf-sq8", *lists("sq8")),
    ("faiss-ivf-pq", *lists("pq")),
    ("faiss-ivf-rabitq", *lists("rabitq")),
    ("faiss-lsh", build_lsh, search_lsh),
]:
    if name in wanted:
        parties.append(Peer(name, build, search))

measured = {}
for _ in range(rounds):
    for effort in efforts:
        for number, party in enumerate(parties):
            recall, speed = party.ask(effort)
            measured.setdefault((number, effort), []).append((recall, speed))


def at(points, wanted):
    """Queries per second at a recall, between two measured points."""
    points = sorted(points)
    for (r0, s0), (r1, s1) in zip(points, points[1:]):
        if r0 <= wanted <= r1 and r1 > r0:
            return s0 + (s1 - s0) * (wanted - r0) / (r1 - r0)
    return points[0][1] if points and points[0][0] > wanted else float("nan")


print(f"{path}: {base.shape[0]} x {base.shape[1]}, {metric}, {threads} threads, m {m}, ef_construction {efc}")
print("| | at 0.90 | at 0.95 | at 0.99 | best recall | build s | MB |\n|---|---:|---:|---:|---:|---:|---:|")
for number, party in enumerate(parties):
    # Recall at its median too: an index that is built by two threads is not the same twice.
    points = []
    for effort in efforts:
        found = measured[number, effort]
        points.append(tuple(statistics.median(column) for column in zip(*found)))
    speeds = " | ".join(f"{at(points, recall):,.0f}" for recall in (0.90, 0.95, 0.99))
    print(f"| {party.name} | {speeds} | {max(points)[0]:.4f} | {party.seconds:.1f} | {party.held / 1e6:.0f} |")
    if os.environ.get("CURVES"):
        print("   ", " ".join(f"{e}:{r:.4f}@{s:,.0f}" for e, (r, s) in zip(efforts, points)))
