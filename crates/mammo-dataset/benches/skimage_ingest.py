"""What a careful script does with a release: read, mirror right breasts, anti-aliased rescale to SIDE, 16-bit PNG.

usage: skimage_ingest.py FOLDER-WITH-DICOMS OUT SIDE PROCESSES; prints seconds and peak memory as JSON. The time begins when
all processes have imported their modules.
"""

import json
import multiprocessing
import pathlib
import resource
import sys
import time

import numpy as np
import pydicom
import skimage.io
import skimage.transform


def prepare(job):
    source, target, side = job
    pixels = pydicom.dcmread(source).pixel_array
    if "_R_" in source.name:
        pixels = pixels[:, ::-1]
    scale = side / max(pixels.shape)
    small = skimage.transform.rescale(pixels, scale, anti_aliasing=True, preserve_range=True)
    canvas = np.zeros((side, side), np.uint16)
    top = (side - small.shape[0]) // 2
    canvas[top : top + small.shape[0], : small.shape[1]] = np.clip(small * 4, 0, 65535)
    skimage.io.imsave(target, canvas, check_contrast=False)


def ready(_):
    time.sleep(0.2)


def main():
    folder, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    side, processes = int(sys.argv[3]), int(sys.argv[4])
    out.mkdir(parents=True, exist_ok=True)
    files = sorted(folder.glob("*.dcm"))
    jobs = [(file, out / f"{file.stem}.png", side) for file in files]
    with multiprocessing.Pool(processes) as pool:
        pool.map(ready, range(processes), chunksize=1)
        start = time.perf_counter()
        for _ in pool.imap_unordered(prepare, jobs):
            pass
        seconds = time.perf_counter() - start
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    # The largest process, times their number.
    print(json.dumps({"seconds": seconds, "images": len(jobs), "peak_mib": children * processes / 1024}))


main()
