"""Which markers are followed together: neighbours that moved alike of late, as the squares of a strip do.

Neighbouring squares look alike, so a single one cannot be told from the next; a strip as a whole can. Groups need not
be bodies: they are for prediction and search only and are formed anew from time to time.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

REACH = 2.3  # in marker sizes: across a missing square, or along a worn diagonal
ALIKE = 0.12  # difference of motion between neighbours in marker sizes; squeezed strips have some


def neighbour_groups(position_px: np.ndarray, size_px: np.ndarray, moved_px: np.ndarray) -> np.ndarray:
    """Group of each marker, (N,) int.

    Args:
        position_px: (N, 2).
        size_px: Mean of width and height, (N,).
        moved_px: Motion over the last frames, (N, 2); NaN where it is not known, which keeps nobody apart.
    """
    count = len(position_px)
    if count < 2:
        return np.zeros(count, int)
    pairs = cKDTree(position_px).query_pairs(REACH * float(size_px.max()), output_type="ndarray")
    first, second = pairs.T
    size = np.minimum(size_px[first], size_px[second])
    away = np.linalg.norm(position_px[first] - position_px[second], axis=1)
    differ = np.linalg.norm(moved_px[first] - moved_px[second], axis=1)
    joined = (away <= REACH * size) & ~(differ > 1 + ALIKE * size)  # NaN compares false
    pairs = pairs[joined]
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]
