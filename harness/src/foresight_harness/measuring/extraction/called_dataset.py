"""A data set whose code is called under the name of its plugin."""

from __future__ import annotations

from typing import Any

from foresight_harness.contracts.errors import PluginError
from foresight_harness.contracts.protocols import Dataset, Sample
from foresight_harness.planning.plugin_calls import calling


class CalledDataset:
    """A ``Dataset`` around another: same samples, same facts, failures noted with plugin and hook.

    Raises:
        PluginError: where what was built has no fingerprint that is text.
    """

    def __init__(self, dataset: Dataset, name: str) -> None:
        self._dataset = dataset
        with calling(dataset, "fingerprint"):
            self.fingerprint = getattr(dataset, "fingerprint", None)
        if not isinstance(self.fingerprint, str) or not self.fingerprint:
            raise PluginError(
                f"data set {name}: its fingerprint is {self.fingerprint!r}; it must be text of its content"
            )

    def __getattr__(self, name: str) -> Any:
        """``name``, ``split``, and what else a data set says of itself."""
        if name.startswith("__"):
            raise AttributeError(name)
        with calling(self._dataset, name):
            return getattr(self._dataset, name)

    def __len__(self) -> int:
        with calling(self._dataset, "__len__"):
            return len(self._dataset)

    def __getitem__(self, index: int) -> Sample:
        with calling(self._dataset, "__getitem__", random=True):
            return self._dataset[index]
