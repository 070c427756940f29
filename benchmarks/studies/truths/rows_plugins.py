"""Rows about what plugins do to the cache, to each other and to the tool, and about a Ray cluster that goes."""

from __future__ import annotations

import subprocess
import tempfile
import time

from checkout import PIXELS, Place, Seen, expect, value_of
from made import encoder, plugin

DINO = "dinov2_tiny@last/identity/single/linear"
ONE_LINE_S = 30.0
HANGS_S = 90.0
CLUSTER = """
import os, sys, time
from ray.cluster_utils import Cluster
os.environ["RAY_worker_niceness"] = "0"
head = {"num_cpus": 2, "object_store_memory": 80 * 2**20, "include_dashboard": False}
nodes = Cluster(initialize_head=True, head_node_args=head)
print(nodes.address, flush=True)
sys.stdin.readline()
nodes.head_node.all_processes["raylet"][0].process.kill()
print("killed", flush=True)
sys.stdin.readline()
nodes.head_node.kill_all_processes(check_alive=False, allow_graceful=False)
"""


def r15(place: Place) -> Seen:
    """A session whose only Ray node is killed as its first cells begin ends within 30 s: in one line that names
    ``--resume``, or finished."""
    python = str(place.checkout / ".venv" / "bin" / "python")
    with tempfile.TemporaryFile() as log, tempfile.TemporaryFile() as noise:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": noise}
        cluster = subprocess.Popen([python, "-c", CLUSTER], text=True, env=place.environment(), **pipes)
        assert cluster.stdin is not None
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        driver = place.start(place.session("--engine", "ray:2", candidates=_eight()), log=log, RAY_ADDRESS=address)
        try:
            ends = time.monotonic() + 120
            while not _begun(place) and driver.poll() is None and time.monotonic() < ends:
                time.sleep(0.1)
            cluster.stdin.write("\n")
            cluster.stdin.flush()
            cluster.stdout.readline()
            began = time.monotonic()
            try:
                code: int | None = driver.wait(HANGS_S)
            except subprocess.TimeoutExpired:
                code = None
                driver.kill()
                driver.wait()
            took = time.monotonic() - began
        finally:
            cluster.communicate("\n")
        log.seek(0)
        text = log.read().decode("utf-8", errors="replace")
    said = [line for line in text.splitlines() if line.startswith("--engine ray")]  # pytest's summaries repeat it
    told = code == 2 and len(said) == 1 and "--resume" in said[0]
    holds = took < ONE_LINE_S and (told or (code == 0 and not said))
    end = (
        f"exit {code} after {took:.0f} s" if code is not None else f"still there after {took:.0f} s, ended from outside"
    )
    return Seen(holds, f"raylet killed as cells begin: {end}; lines that say so: {len(said)}")


def _eight() -> list[str]:
    """Candidates enough for a session to be among cells."""
    streams = ("pixels@patch", "dinov2_tiny@last", "dinov2_tiny@block.00", "mae_tiny@last")
    return [f"{stream}/{enhancer}/single/linear" for stream in streams for enhancer in ("identity", "bilinear")]


def _begun(place: Place) -> bool:
    """Whether a worker has been handed a cell."""
    return any(place.runs.glob("2*/work/*/*.jsonl")) or any(place.runs.glob("2*/work/*.jsonl"))


def t4(place: Place) -> Seen:
    """A changed helper, data file or variable gives other numbers from the same cache."""
    helper = place.folder / "helpers"
    helper.mkdir()
    place.sites.append(helper)
    stale = []
    for what in ("module", "file", "variable"):
        read = {
            "module": "from mood_helper import LEVEL",
            "file": "LEVEL = float((Path(__file__).parent / 'level.json').read_text())",
            "variable": "LEVEL = float(os.environ['MOOD_LEVEL'])",
        }[what]
        candidate = encoder(place, f"mood{what}", imports=read, after=f"grid = grid + {NOISE}")
        found = []
        for level in ("0", "1"):
            (helper / "mood_helper.py").write_text(f"LEVEL = {level}\n", encoding="utf-8")
            (place.sites[-1] / "level.json").write_text(level, encoding="utf-8")
            expect(place.score(candidates=[candidate], environment={"MOOD_LEVEL": level}), 0)
            found.append(value_of(place.folders()[-1], candidate))
        if found[0] == found[1]:
            stale.append(what)
    return Seen(not stale, f"features of before after a change of: {', '.join(stale) or 'none'}")


NOISE = "LEVEL * torch.rand(grid.shape, generator=torch.Generator().manual_seed(0))"


def t5(place: Place) -> Seen:
    """What one plugin sets in its ``build`` moves no number of another."""
    expect(place.score(candidates=[DINO], cache="alone"), 0)
    alone = value_of(place.folders()[-1], DINO)
    poison = encoder(place, "aaa", build="torch.set_default_dtype(torch.float64)")
    done = expect(place.score(candidates=[poison, DINO], cache="beside"), 0, 1)
    beside = value_of(place.folders()[-1], DINO)
    named = done.code == 1 and "default dtype" in done.text
    return Seen(alone == beside and named, f"alone {alone}, beside {beside}; exit {done.code}, said: {named}")


def t8(place: Place) -> Seen:
    """A plugin that ends the process at import, or whose hook raises, is one line, and the others stand."""
    said = []
    odd = "from foresight_harness import hookimpl\n@hookimpl\ndef foresight_encoders():\n    "
    for name, source in (
        ("leaves", "import sys\nsys.exit(3)\n"),
        ("drops", "import os\nos._exit(3)\n"),
        ("raises", f"{odd}raise RuntimeError('hook')\n"),
        ("none", f"{odd}return None\n"),
    ):
        kept, place.sites = place.sites, []
        plugin(place, name, source)
        done = place.bench("plugins")
        whole = "dinov2" in done.text and name in done.text and "Traceback" not in done.text
        if not whole:
            said.append(f"{name} (exit {done.code})")
        place.sites = kept
    plugin(place, "exits", "")
    place.sites.pop()
    candidate = encoder(place, "exits2", encode="sys.exit(3)")
    expect(place.score(candidates=[candidate, PIXELS]), 1, 2, 3)
    text = (place.run() / "records.jsonl").read_text(encoding="utf-8")
    recorded = '"failed"' in text and "exits2" in text and "pixels" in text
    return Seen(
        not said and recorded,
        f"others lost or a traceback: {', '.join(said) or 'none'}; SystemExit in a cell is a failed record: {recorded}",
    )
