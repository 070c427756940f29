"""``.ci/comment.py COMPARE.json``: write a comparison into the one comment of its pull request.

The file comes from a job that ran code of the pull request: it is data. Every text in it is escaped here, numbers are
numbers or are left out, and the pull request is found by the head that GitHub names, never by the file. Standard
library only, so that nothing is installed in a job that may write.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MOST_BYTES = 8 * 2**20
ROWS = 10
VERDICTS = ("regressed", "improved", "not compared")
BOT = "github-actions[bot]"


def _escaping() -> Any:
    path = ROOT / "harness" / "src" / "foresight_harness" / "judging" / "comparison" / "safe_text.py"
    spec = importlib.util.spec_from_file_location("escaping", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ESCAPING = _escaping()


def read(path: Path) -> dict[str, Any]:
    """The comparison. Raises: SystemExit where it is none."""
    if (
        any(place.is_symlink() for place in (path, *list(path.parents)[:2]))
        or not path.is_file()
        or path.stat().st_size > MOST_BYTES
    ):
        raise SystemExit(f"comment.py: {path.name} is absent, a link or over {MOST_BYTES} bytes; nothing is posted")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise SystemExit(f"comment.py: {path.name} is not JSON ({type(error).__name__}); nothing is posted") from error
    if not isinstance(found, dict) or found.get("kind") != "regressions" or not isinstance(found.get("rows"), list):
        raise SystemExit(f"comment.py: {path.name} is no comparison; nothing is posted")
    return found


def body(found: dict[str, Any]) -> str:
    """The comment: the finding, and the sentinels that moved, regressions first."""
    rows = [row for row in found["rows"] if isinstance(row, dict) and row.get("sentinel") is True]
    shown = [row for verdict in VERDICTS for row in rows if row.get("verdict") == verdict]
    compared = any(row.get("verdict") != "not compared" for row in rows)
    state = "No regression" if compared else "Not compared"
    state = "Regressed" if any(row.get("verdict") == "regressed" for row in shown) else state
    lines = [ESCAPING.MARKER, f"### {state}", "", _text(found.get("finding")), ""]
    notes = found.get("caveats")
    lines += [line for note in (notes if isinstance(notes, list) else [])[:ROWS] for line in (_text(note), "")]
    if shown:
        lines += ["| candidate | number | base | head | difference | verdict |", "|---|---|---:|---:|---:|---|"]
    for row in shown[:ROWS]:
        number = ", ".join(_text(row.get(key)) for key in ("metric", "suite", "dataset"))
        verdict = _text(row.get("verdict")) + (f": {_text(row.get('reason'))}" if row.get("reason") else "")
        cells = (_text(row.get("candidate")), number, *(_number(row.get(key)) for key in ("base", "head", "delta")))
        lines.append("| " + " | ".join((*cells, verdict)) + " |")
    if len(shown) > ROWS:
        lines.append(f"\n{len(shown) - ROWS} more are in the report.")
    lines.append("\nNumbers and names come from a job that ran the code of this pull request.")
    return ("\n".join(lines) + "\n").encode()[: ESCAPING.COMMENT_BYTES].decode(errors="ignore")


def _text(value: Any) -> str:
    escaped: str = ESCAPING.markdown_text(value) if isinstance(value, str) else ""
    return escaped


def _number(measured: Any) -> str:
    value = measured.get("value") if isinstance(measured, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "-"
    return f"{value:.4g}"


def call(method: str, path: str, content: dict[str, Any] | None = None) -> Any:
    """One request to GitHub's REST interface."""
    request = urllib.request.Request(
        os.environ["GITHUB_API_URL"] + path,
        method=method,
        data=None if content is None else json.dumps(content).encode(),
        headers={"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}", "Accept": "application/vnd.github+json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read() or b"null")


def pull_request(repository: str) -> int | None:
    """The open pull request whose head is the commit that the finished workflow ran on."""
    head = urllib.parse.quote(f"{os.environ['HEAD_OWNER']}:{os.environ['HEAD_BRANCH']}", safe="")
    found = call("GET", f"/repos/{repository}/pulls?state=open&head={head}")
    return next((int(one["number"]) for one in found if one["head"]["sha"] == os.environ["HEAD_SHA"]), None)


def post(repository: str, number: int, text: str) -> str:
    """Replace the marked comment of our own, or write the first one."""
    for page in range(1, 11):
        comments = call("GET", f"/repos/{repository}/issues/{number}/comments?per_page=100&page={page}")
        for comment in comments:
            if comment["user"]["login"] == BOT and comment["body"].startswith(ESCAPING.MARKER):
                call("PATCH", f"/repos/{repository}/issues/comments/{comment['id']}", {"body": text})
                return "replaced"
        if len(comments) < 100:
            break
    call("POST", f"/repos/{repository}/issues/{number}/comments", {"body": text})
    return "written"


def main() -> None:
    """Read, find, post."""
    text = body(read(Path(sys.argv[1])))
    repository = os.environ["GITHUB_REPOSITORY"]
    number = pull_request(repository)
    if number is None:
        print("comment.py: no open pull request has that head any more; nothing is posted")
        return
    print(f"comment.py: comment of pull request {number} {post(repository, number, text)}")


if __name__ == "__main__":
    main()
