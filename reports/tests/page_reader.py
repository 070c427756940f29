"""What stands in a page, collected by element."""

from __future__ import annotations

from html.parser import HTMLParser


class Reader(HTMLParser):
    """Collects elements with their attributes, ids, links, and the content of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.content: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag in self.content and ("type", "application/json") not in attrs and ("type", "text/plain") not in attrs:
            self._inside = tag
            self.content[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.content[self._inside][-1] += data

    def all(self, name: str) -> list[str]:
        return [value for _, key, value in self.attributes if key == name]
