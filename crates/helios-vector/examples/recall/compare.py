"""Recall against speed of heliosdb's structures beside hnswlib, faiss and usearch.

    python compare.py RECALL_BINARY FILE.npy [l2|cosine] [THREADS] [M] [EF_CONSTRUCTION]

The same vectors, queries, parameters and threads, in one run, one program after the other.
RECALL_BINARY is target/release/examples/recall. Needs numpy, hnswlib, faiss-cpu and usearch.
"""
import subprocess, sys, time
import numpy as np, faiss, hnswlib
from usearch.index import Index

binary, path = sys.argv[1:3]
metric = sys.argv[3] if len(sys.argv) > 3 else "l2"
threads = int(sys.argv[4]) if len(sys.argv) > 4 else 1
m = int(sys.argv[5]) if len(sys.argv) > 5 else 16
efc = int(sys.argv[6]) if len(sys.argv) > 6 else 128
efforts = [10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480]
k, queries, rounds = 10, 1000, 3
rows = np.load(path)
if metric == "cosine":
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
base, asked = np.ascontiguousarray(rows[:-queries]), np.ascontiguousarray(rows[-queries:])
faiss.omp_set_num_threads(threads)
flat = faiss.IndexFlatL2(base.shape[1])
flat.add(base)
truth = flat.search(asked, k)[1]
lines = []
# With one thread the processor's time counts, of which other programs take none.
clock = time.process_time if threads == 1 else time.perf_counter


def memory():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def measure(name, build, search):
    before, start = memory(), clock()
    index = build()
    seconds, held = clock() - start, memory() - before
    for effort in efforts:
        best = float("inf")
        for _ in range(rounds):
            start = clock()
            found = search(index, effort)
            best = min(best, clock() - start)
        hits = sum(len(set(map(int, a)) & set(map(int, b))) for a, b in zip(found, truth))
        lines.append((name, "f32", effort, hits / truth.size, queries / best, seconds, held))
    del index


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


def helios(structure, *options):
    keys = [f"metric={metric}", f"threads={threads}", f"k={k}", f"queries={queries}", f"rounds={rounds}"]
    out = subprocess.run([binary, structure, path, *keys, *options], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        name, quantizer, _, effort, recall, speed, seconds, held = line.split("\t")
        lines.append((name, quantizer, int(effort), float(recall), float(speed), float(seconds), int(held)))


listed = ",".join(map(str, efforts))
helios("hnsw", f"m={m}", f"ef_construction={efc}", f"efforts={listed}")
measure("hnswlib", build_hnswlib, search_hnswlib)
measure("faiss hnsw", build_faiss, search_faiss)
measure("usearch", build_usearch, search_usearch)
for extra in sys.argv[7:]:
    helios(*extra.split())


def at(points, wanted):
    """Queries per second at a recall, between two measured points."""
    points = sorted(points)
    for (r0, s0), (r1, s1) in zip(points, points[1:]):
        if r0 <= wanted <= r1 and r1 > r0:
            return s0 + (s1 - s0) * (wanted - r0) / (r1 - r0)
    return points[0][1] if points and points[0][0] > wanted else float("nan")


print(f"{path}: {base.shape[0]} x {base.shape[1]}, {metric}, {threads} threads, m {m}, ef_construction {efc}")
print("| | at 0.90 | at 0.95 | at 0.99 | best recall | build s | MB |\n|---|---:|---:|---:|---:|---:|---:|")
for name in dict.fromkeys((line[0], line[1]) for line in lines):
    mine = [line for line in lines if (line[0], line[1]) == name]
    points = [(line[3], line[4]) for line in mine]
    speeds = " | ".join(f"{at(points, recall):,.0f}" for recall in (0.90, 0.95, 0.99))
    print(f"| {name[0]}, {name[1]} | {speeds} | {max(points)[0]:.4f} | {mine[0][5]:.1f} | {mine[0][6] / 1e6:.0f} |")
