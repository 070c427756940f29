"""``.ci/comment.py`` against a server that speaks as GitHub does, and ``.ci/record`` against a real repository."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("ci_comment", ROOT / ".ci" / "comment.py")
assert SPEC is not None
assert SPEC.loader is not None
comment = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(comment)

HOSTILE = "x</table><img src=x> [a](https://evil.example) @everyone\n\n# boo | y"


def row(**changes: Any) -> dict[str, Any]:
    fields = {"candidate": "a@l/identity/single/linear", "suite": "spatial", "dataset": "shapes", "metric": "iou"}
    numbers = {"base": {"value": 0.5}, "head": {"value": 0.4}, "delta": {"value": -0.1}}
    return {**fields, **numbers, "sentinel": True, "verdict": "regressed", "reason": "", **changes}


def analysis(*rows: Any, **changes: Any) -> dict[str, Any]:
    return {"schema": 1, "kind": "regressions", "finding": "1 of 1 sentinels regressed.", "rows": list(rows), **changes}


class GitHub(BaseHTTPRequestHandler):
    """Pull request 7 with the head that is asked for, and its comments."""

    comments: list[dict[str, Any]] = []  # noqa: RUF012
    seen: list[str] = []  # noqa: RUF012

    def answer(self) -> None:
        GitHub.seen.append(f"{self.command} {self.path}")
        length = int(self.headers.get("Content-Length") or 0)
        sent = json.loads(self.rfile.read(length)) if length else None
        found: Any = None
        if "/pulls?" in self.path:
            found = [{"number": 3, "head": {"sha": "old"}}, {"number": 7, "head": {"sha": "abc"}}]
        elif self.command == "GET":
            found = GitHub.comments
        elif self.command == "PATCH":
            GitHub.comments[-1]["body"] = sent["body"]
        else:
            new = {"id": len(GitHub.comments), "user": {"login": comment.BOT}, "body": sent["body"]}
            GitHub.comments.append(new)
        text = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = answer

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[GitHub]]:
    server = HTTPServer(("127.0.0.1", 0), GitHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stranger = {"id": 0, "user": {"login": "mallory"}, "body": comment.ESCAPING.MARKER + " mine"}
    GitHub.comments, GitHub.seen = [stranger], []
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
    names = {"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "o/r", "HEAD_OWNER": "fork", "HEAD_SHA": "abc"}
    for name, value in {**names, "HEAD_BRANCH": "a&b=$(boo)"}.items():
        monkeypatch.setenv(name, value)
    yield GitHub
    server.shutdown()
    server.server_close()


def run_comment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: dict[str, Any]) -> None:
    path = tmp_path / "compare.json"
    path.write_text(json.dumps(content))
    monkeypatch.setattr("sys.argv", ["comment.py", str(path)])
    comment.main()


def test_one_comment_is_written_and_then_replaced(github, monkeypatch, tmp_path: Path) -> None:
    run_comment(monkeypatch, tmp_path, analysis(row()))
    run_comment(monkeypatch, tmp_path, analysis(row(verdict="identical"), finding="Nothing."))
    assert [one["user"]["login"] for one in github.comments] == ["mallory", comment.BOT]
    assert github.comments[0]["body"].endswith("mine"), "a stranger's comment with our marker is left alone"
    assert "### No regression" in github.comments[1]["body"]
    assert "/repos/o/r/pulls?state=open&head=fork%3Aa%26b%3D%24%28boo%29" in github.seen[0]
    assert all("/issues/7/" in line or "/issues/comments/" in line for line in github.seen if "/pulls?" not in line)


def test_a_head_that_no_open_pull_request_has_gets_no_comment(github, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEAD_SHA", "another")
    run_comment(monkeypatch, tmp_path, analysis(row()))
    assert len(github.comments) == 1


def test_texts_of_a_pull_request_reach_the_comment_as_text_only() -> None:
    found = analysis(row(candidate=HOSTILE, metric=HOSTILE, reason=HOSTILE), finding=HOSTILE)
    text = comment.body(found)
    for bad in ("<img", "</table", "](https", "@everyone", "://", "\n# boo"):
        assert bad not in text
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert [line.replace("\\|", "").count("|") for line in table] == [7, 7]


def test_what_is_no_number_or_no_text_is_left_out() -> None:
    odd = row(base={"value": "<b>"}, head={"value": float("nan")}, delta=[1], candidate={"a": 1}, verdict="regressed")
    text = comment.body(analysis(odd, "no row", finding=3))
    assert "|  | iou, spatial, shapes | - | - | - | regressed |" in text


def test_regressions_stand_first_and_the_comment_keeps_to_its_size() -> None:
    rows = [row(verdict="improved", candidate="y" * 300) for _ in range(500)]
    text = comment.body(analysis(*rows, row(candidate="worst")))
    assert text.index("worst") < text.index("yyy")
    assert "491 more are in the report" in text
    assert len(text.encode()) <= comment.ESCAPING.COMMENT_BYTES


@pytest.mark.parametrize("content", ["", "[1]", '{"kind": "rankings", "rows": []}', "[" * 100_000])
def test_what_is_no_comparison_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "compare.json"
    path.write_text(content)
    with pytest.raises(SystemExit, match="nothing is posted"):
        comment.read(path)


def test_a_link_out_of_the_artefact_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text(json.dumps(analysis()))
    (tmp_path / "compare.json").symlink_to(tmp_path / "real.json")
    with pytest.raises(SystemExit, match="a link"):
        comment.read(tmp_path / "compare.json")


def test_a_folder_that_is_a_link_out_of_the_artefact_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "compare.json").write_text(json.dumps(analysis()))
    (tmp_path / "received").mkdir()
    (tmp_path / "received" / "result").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SystemExit, match="a link"):
        comment.read(tmp_path / "received" / "result" / "compare.json")


def test_nothing_compared_is_not_passed_off_as_no_regression() -> None:
    assert "### Not compared" in comment.body(analysis(row(verdict="not compared", reason="other machine")))
    assert "### Not compared" in comment.body(analysis())
    assert "### No regression" in comment.body(analysis(row(verdict="identical"), row(verdict="not compared")))


def test_notes_are_text_and_the_comment_says_whose_numbers_it_holds() -> None:
    text = comment.body(analysis(row(), caveats=[HOSTILE, 3, "Found in four of five cases: 0.02"]))
    assert "<img" not in text
    assert "Found in four of five cases: 0.02" in text
    assert "come from a job that ran the code of this pull request" in text
    assert "### Regressed" in comment.body(analysis(row(), caveats="none"))


def git(*arguments: str, at: Path) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    done = subprocess.run(["git", *identity, *arguments], cwd=at, capture_output=True, text=True, check=True)
    return done.stdout


def test_two_jobs_that_record_at_once_lose_nothing(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    git("init", "--quiet", "--bare", str(origin), at=tmp_path)
    clones = []
    for name in ("a", "b", "c"):
        git("clone", "--quiet", str(origin), name, at=tmp_path)
        clone = tmp_path / name
        if name == "a":
            (clone / ".ci").mkdir()
            shutil.copy(ROOT / ".ci" / "record", clone / ".ci" / "record")
            git("add", ".", at=clone)
            git("commit", "--quiet", "-m", "first", at=clone)
            git("push", "--quiet", "origin", "HEAD", at=clone)
        run = clone / "runs" / f"20260101T00000{len(clones)}Z_abcdef0_{name * 4}"
        (run / "analysis").mkdir(parents=True)
        for file in ("run.json", "records.jsonl", "analysis/rankings.json", "report.html"):
            (run / file).write_text(name)
        clones.append(clone)
    subprocess.run([".ci/record", "runs"], cwd=clones[0], check=True, capture_output=True)
    both = [subprocess.Popen([".ci/record", "runs"], cwd=clone) for clone in clones[1:]]
    assert [job.wait(timeout=600) for job in both] == [0, 0]
    kept = git("ls-tree", "-r", "--name-only", "bench-data", at=origin).split()
    assert sum(path.endswith("records.jsonl") for path in kept) == 3
    assert not [path for path in kept if path.endswith(("report.html", "record"))], "numbers only, and no code"
    assert subprocess.run([".ci/record", "runs"], cwd=clones[0], check=True, capture_output=True).returncode == 0
    assert git("worktree", "list", at=clones[0]).count("\n") == 1
