"""Recall against speed of hnswlib, faiss and usearch, for `heliosdb bench vectors`.

    python peers.py FOLDER ROWS DIMENSIONS QUERIES METRIC M EF_CONSTRUCTION THREADS EFFORTS

FOLDER has base.f32, queries.f32 and truth.u32 (ten numbers of rows for each query). Prints a line for each
effort: name, threads, effort, recall, queries a second, seconds to build, bytes in memory, bytes on disk.
What is not installed is left out, and said so on the error stream.
"""
import os, sys, time
import numpy as np

folder, rows, width, queries, metric, m, efc, threads, efforts = sys.argv[1:]
rows, width, queries, m, efc = map(int, (rows, width, queries, m, efc))
threads = [int(t) for t in threads.split(",")]
efforts = [int(e) for e in efforts.split(",")]
k, rounds = 10, 3
load = lambda name, kind, wide: np.fromfile(os.path.join(folder, name), dtype=kind).reshape(-1, wide)
base, asked, truth = load("base.f32", np.float32, width), load("queries.f32", np.float32, width), load("truth.u32", np.uint32, k)
most = max(threads)


def memory():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def measure(name, build, search, save):
    before, start = memory(), time.perf_counter()
    index = build()
    seconds, held = time.perf_counter() - start, memory() - before
    place = os.path.join(folder, "peer.index")
    save(index, place)
    size = os.path.getsize(place)
    os.remove(place)
    for count in threads:
        for effort in efforts:
            best = float("inf")
            for _ in range(rounds):
                start = time.perf_counter()
                found = search(index, effort, count)
                best = min(best, time.perf_counter() - start)
            hits = sum(len(set(map(int, a)) & set(map(int, b))) for a, b in zip(found, truth))
            print(name, count, effort, hits / truth.size, queries / best, seconds, held, size, sep="\t", flush=True)


def with_hnswlib():
    import hnswlib

    def build():
        index = hnswlib.Index(space="l2" if metric == "l2" else "ip", dim=width)
        index.init_index(max_elements=rows, ef_construction=efc, M=m)
        index.add_items(base, num_threads=most)
        return index

    def search(index, effort, count):
        index.set_ef(effort)
        return index.knn_query(asked, k=k, num_threads=count)[0]

    measure("hnswlib", build, search, lambda index, place: index.save_index(place))


def with_faiss():
    import faiss

    kind = faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT

    def graph():
        faiss.omp_set_num_threads(most)
        index = faiss.IndexHNSWFlat(width, m, kind)
        index.hnsw.efConstruction = efc
        index.add(base)
        return index

    def bytes_graph():
        faiss.omp_set_num_threads(most)
        index = faiss.IndexHNSWSQ(width, faiss.ScalarQuantizer.QT_8bit, m, kind)
        index.hnsw.efConstruction = efc
        index.train(base)
        index.add(base)
        return index

    def search(index, effort, count):
        faiss.omp_set_num_threads(count)
        index.hnsw.efSearch = effort
        return index.search(asked, k)[1]

    save = lambda index, place: faiss.write_index(index, place)
    measure("faiss hnsw", graph, search, save)
    measure("faiss hnsw, 8 bits", bytes_graph, search, save)


def with_usearch():
    from usearch.index import Index

    def make(kind):
        def build():
            index = Index(ndim=width, metric="l2sq" if metric == "l2" else "ip", dtype=kind, connectivity=m, expansion_add=efc)
            index.add(np.arange(rows), base, threads=most)
            return index

        return build

    def search(index, effort, count):
        index.expansion_search = effort
        return index.search(asked, k, threads=count).keys

    save = lambda index, place: index.save(place)
    measure("usearch", make("f32"), search, save)
    measure("usearch, 8 bits", make("i8"), search, save)


for peer in (with_hnswlib, with_faiss, with_usearch):
    try:
        peer()
    except ImportError as error:
        print(f"left out: {error}", file=sys.stderr)
