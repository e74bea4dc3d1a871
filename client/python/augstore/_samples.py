"""The samples of a collection, as ``Client.samples`` returns them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import List

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Samples:
    """The samples of a collection, in the order of their ids."""

    ids: npt.NDArray[np.int64]  # n: what ``Client.get`` takes
    keys: List[str]  # n: where each came from
    splits: List[str]  # n
    labels: npt.NDArray[np.int64]  # n: class indices of one label column; -1: unlabelled

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}: {count:,}" for name, count in sorted(Counter(self.splits).items()))
        return f"<Samples: {len(self):,} ({counts or 'none'}), {np.count_nonzero(self.labels >= 0):,} labelled>"
