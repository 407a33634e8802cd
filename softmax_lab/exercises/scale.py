"""Exercises of chapter 7, at scale."""

import numpy as np

from softmax_lab import numpy as lab
from softmax_lab.exercises import _family as family
from softmax_lab.exercises._cost import in_little_memory
from softmax_lab.exercises._exercise import Exercise, Property, sample
from softmax_lab.exercises.mistakes import scale as mistakes

INF = np.inf
# Rows whose logits (or scores) tie, and are so large that they have no decimals.
TIES = np.array([[2.0**53], [-(2.0**53)]]), np.array([[1.0], [1.0], [-1.0]])
VALUES = sample(5, 2, seed=110)


def pairs(*columns):
    """Return the case of two pieces, given as columns m1, s1, m2, s2."""
    return tuple(np.array(column, dtype=float) for column in columns)


def layer(batch, classes, features=3, *, seed, scale=1.0):
    """Return x, weight and target of a linear layer."""
    x = sample(batch, features, seed=seed, scale=scale)
    weight = sample(classes, features, seed=seed + 1)
    target = np.random.default_rng(seed + 2).integers(classes, size=batch)
    return x, weight, target


def queries(batch, length, features=2, values=3, *, seed, scale=1.0):
    """Return q, k and v of an attention."""
    shapes = (batch, features), (length, features), (length, values)
    scales = scale, 1.0, 1.0
    return tuple(
        sample(*shape, seed=seed + i, scale=size)
        for i, (shape, size) in enumerate(zip(shapes, scales, strict=True))
    )


def in_shards(x):
    """Make a case of `shard_report` of logits: some targets lie here, some elsewhere."""
    x = np.atleast_2d(x)
    x = x.reshape(-1, x.shape[-1])
    first = 2
    target = (np.arange(len(x)) * 3) % (x.shape[-1] + 4)
    return x, target, first


EXERCISES = [
    Exercise(
        "merge_pieces(m1, s1, m2, s2)",
        "Merge two pieces",
        right=lambda m1, s1, m2, s2: lab.merge((m1, s1), (m2, s2)),
        properties=[
            Property("the example", [pairs([0.0], [2.0], [1.0], [3.0])]),
            Property(
                "the larger maximum first, second, or in both",
                [
                    pairs([2.0], [1.5], [0.5], [1.25]),
                    pairs([0.25], [1.75], [1.5], [3.0]),
                    pairs([-3.0, 4.0, 1.0], [1.0, 2.5, 2.0], [-1.0, 2.0, 1.0], [1.5, 3.0, 4.5]),
                ],
            ),
            Property(
                "maxima of any size, near each other and far apart",
                [
                    pairs([1000.0, -1000.0], [2.0, 3.0], [999.5, -1001.0], [1.5, 2.5]),
                    pairs([20000.0, -20000.0], [2.0, 3.0], [-20000.0, 20000.0], [1.5, 2.5]),
                    pairs([0.0, 30.0], [1.0, 2.0], [-40.0, -3.0], [7.0, 5.0]),
                    pairs([1e16, -4e12, 1.7e308], [2.0, 1.5, 3.0], [1e16, -4e12 - 1, 0], [3, 2, 4]),
                    pairs([-1e300, -2e300], [2.0, 1.5], [-2e300, -1e300], [3.0, 2.5]),
                ],
            ),
            Property(
                "sums of any size: a piece far below may weigh as much",
                [pairs([0.5, -60.0, 7.0], [1.5, 2e26, 1.0], [-25.0, 0.25, 6.5], [1e11, 1.0, 9e9])],
            ),
            Property(
                "an empty piece changes nothing",
                [
                    pairs([-INF, 2.0], [0.0, 1.5], [3.0, -INF], [2.5, 0.0]),
                    pairs([-INF], [0.0], [-1000.0], [4.0]),
                ],
            ),
            Property(
                "two empty pieces",
                [
                    pairs([-INF, 1.0], [0.0, 1.0], [-INF, 0.0], [0.0, 2.0]),
                    pairs([-INF, -INF], [0.0, 0.0], [-INF, -INF], [0.0, 0.0]),
                ],
            ),
            Property(
                "arrays of several axes",
                [
                    (
                        sample(2, 3, seed=1, scale=3),
                        1 + abs(sample(2, 3, seed=2)),
                        sample(2, 3, seed=3, scale=3),
                        1 + abs(sample(2, 3, seed=4)),
                    )
                ],
            ),
            Property(
                "float32",
                [family.in_single(*pairs([1.5, -90.0], [1.0, 2.0], [0.5, -91.0], [2.5, 3.0]))],
            ),
        ],
        mistakes=mistakes.MERGE_PIECES,
        hints=[
            "Both sums have to be counted from the same maximum. Which of the two can it be?",
            "A sum counted from n becomes one counted from m by the factor e^(n - m).",
            "-inf - (-inf) is nan. Where a piece's maximum is m already, its factor is 1.",
        ],
    ),
    Exercise(
        "running_pairs(x, size)",
        "A row in blocks",
        right=mistakes.running_pairs,
        properties=[
            Property("the example", [(np.array([0.0, 0.0, 1.0]), 2)]),
            *family.logits(lambda x: (x, 2), axes="row", infinite=True),
            Property(
                "blocks of one, of three, and one larger than the row",
                [
                    (np.array([0.5, 2.0, -1.0, 3.0]), 1),
                    (sample(10, seed=5, scale=4), 3),
                    (np.array([1.0, 0.25]), 7),
                    (sample(60, seed=6, scale=30), 25),
                ],
            ),
            Property(
                "the maximum grows with every block",
                [(np.arange(9.0) * 100, 2), (np.arange(7.0) * 0.5, 3)],
            ),
            Property(
                "blocks of only -inf",
                [
                    (np.array([-INF, -INF, 1.0, 0.0]), 2),
                    (np.array([2.0, 1.0, -INF, -INF, 3.0]), 2),
                    (np.array([-INF, -INF, -INF]), 2),
                ],
            ),
        ],
        mistakes=mistakes.RUNNING_PAIRS,
        hints=[
            "Which pair stands for no numbers at all? Start with it.",
            "A block has a pair of its own: its maximum, and its exponentials counted from that.",
            "Merge the running pair with the block's, keep what comes out, and go on with it.",
        ],
    ),
    Exercise(
        "chunked_loss(a, weight, target, rows)",
        "The loss without the logits",
        right=mistakes.chunked_loss,
        properties=[
            Property(
                "the example",
                [(np.array([[1.0, 1.0], [2.0, 2.0]]), np.eye(2), np.array([0, 0]), 1)],
            ),
            Property(
                "chunks that divide the batch, and chunks that do not",
                [
                    (*layer(4, 3, seed=10), 2),
                    (*layer(5, 3, seed=13), 2),
                    (*layer(7, 4, 2, seed=16), 3),
                    (*layer(9, 5, 4, seed=19), 8),
                ],
            ),
            Property(
                "one row at a time, and all at once",
                [
                    (*layer(3, 4, seed=22), 1),
                    (*layer(3, 4, seed=25), 3),
                    (*layer(4, 3, seed=28), 99),
                ],
            ),
            Property(
                "one class, two classes, 200 classes",
                [
                    (*layer(3, 1, seed=31), 2),
                    (*layer(3, 2, seed=34), 2),
                    (*layer(5, 200, seed=37), 2),
                ],
            ),
            Property(
                "logits of any size",
                [
                    (*layer(5, 4, seed=40, scale=1000), 2),
                    (*layer(4, 3, seed=43, scale=9000), 3),
                    (*TIES, np.array([0, 2]), 1),
                ],
            ),
            Property("float32", [family.in_single(*layer(5, 3, seed=46), 2)]),
            Property(
                "arrays that do not lie in one piece",
                [(sample(3, 5, seed=49).T, sample(3, 4, seed=50).T, np.array([3, 0, 1, 1, 2]), 2)],
            ),
            Property(
                "of a large batch, few rows of logits are held",
                [(*layer(2000, 100, 2, seed=51), 20)],
                in_little_memory(mistakes.chunked_loss, 2000 * 100),
            ),
        ],
        mistakes=mistakes.CHUNKED_LOSS,
        hints=[
            "The loss is one number at the very end. What is its gradient for the logits of a row?",
            "With g = (p - y) / B for a chunk of rows, which two products give the two gradients?",
            "A row of a is in one chunk: put its gradient in place. Every chunk adds to weight's.",
        ],
    ),
    Exercise(
        "shard_report(shard, target, first)",
        "What a machine tells",
        right=mistakes.shard_report,
        properties=[
            Property("the example", [(np.array([[1.0, 1.0], [2.0, -INF]]), np.array([5, 1]), 4)]),
            *family.logits(in_shards, axes="any", infinite=True),
            Property(
                "the first machine, one in the middle, the last",
                [(sample(6, 3, seed=60), np.arange(6), first) for first in (0, 3, 4, 6)],
            ),
            Property(
                "every class is its own machine's, and no other's",
                [(sample(9, 4, seed=61, scale=3), np.arange(9), 4)],
            ),
            Property(
                "a row of only -inf on this machine",
                [
                    (np.array([[-INF, -INF], [1.0, 0.5]]), np.array([0, 3]), 2),
                    (np.array([[-INF], [-INF]]), np.array([1, 0]), 1),
                ],
            ),
            Property(
                "a machine without a class",
                [(np.zeros((3, 0)), np.array([0, 1, 2]), 3), (np.zeros((1, 0)), np.array([0]), 0)],
            ),
        ],
        mistakes=mistakes.SHARD_REPORT,
        hints=[
            "The first two numbers are those of a piece. What are they for a row of only -inf?",
            "Column 0 of this shard is the class first. Which column is the class target?",
            "Ask on both sides whether the target is here: NumPy takes -1 for the last column. "
            "For a machine without a class max needs initial=.",
        ],
    ),
    Exercise(
        "bytes_moved(rows, columns, itemsize, room)",
        "Bytes moved",
        right=mistakes.bytes_moved,
        properties=[
            Property("the example", [(2, 1000, 4, 4000)]),
            Property(
                "rows that fit",
                [(3, 10, 8, 4096), (1024, 4096, 2, 65536), (5, 1, 4, 4), (1, 7, 2, 99)],
            ),
            Property(
                "rows that do not",
                [(3, 1001, 4, 4000), (8192, 262144, 2, 65536), (1, 2, 8, 15), (7, 40000, 4, 65536)],
            ),
            Property("a row that just fits", [(6, 8192, 8, 65536), (4, 16384, 4, 65536)]),
            Property(
                "many rows that fit one by one, and together do not",
                [(100000, 128, 4, 65536), (50, 100, 8, 1000)],
            ),
            Property("more bytes than a float can count", [(2**40 + 1, 2**13 + 1, 1, 65536)]),
            Property("nothing at all", [(0, 100, 4, 4096), (100, 0, 4, 4096)]),
        ],
        mistakes=mistakes.BYTES_MOVED,
        hints=[
            "Count the trips of one entry: how often is it read, and how often written?",
            "What has to be known before the first share can be written?",
            "A row that fits is read once and stays. One that does not is read again.",
        ],
    ),
    Exercise(
        "block_attention(q, k, v, size)",
        "Attention in blocks",
        right=mistakes.block_attention,
        properties=[
            Property(
                "the example",
                [(np.array([[0.0]]), np.array([[1.0], [2.0]]), np.array([[4.0], [6.0]]), 1)],
            ),
            Property(
                "blocks that divide the keys, and blocks that do not",
                [
                    (*queries(2, 4, seed=70), 2),
                    (*queries(3, 5, seed=73), 2),
                    (*queries(1, 7, 3, 2, seed=76), 3),
                    (*queries(4, 10, 2, 1, seed=79), 9),
                ],
            ),
            Property(
                "one key at a time, and all at once",
                [
                    (*queries(2, 5, seed=82), 1),
                    (*queries(3, 4, seed=85), 4),
                    (*queries(2, 3, seed=88), 50),
                    (*queries(3, 1, seed=91), 2),
                ],
            ),
            Property(
                "scores of any size",
                [
                    (*queries(3, 7, seed=94, scale=1000), 2),
                    (*queries(2, 9, seed=97, scale=9000), 4),
                    (*TIES, sample(3, 2, seed=109), 2),
                    (np.array([[-1.0], [-2e8]]), np.arange(1e12, 6e12, 1e12)[:, None], VALUES, 2),
                    (np.array([[-1.0], [-2e150]]), np.arange(1, 6)[:, None] * 1e155, VALUES, 2),
                    (
                        np.array([[1.0], [-1.0]]),
                        np.array([[0.0], [700.0], [1400.0], [1400.5], [-800.0]]),
                        sample(5, 2, seed=100),
                        2,
                    ),
                ],
            ),
            Property(
                "queries far apart from each other",
                [
                    (
                        np.array([[1000.0], [0.5], [-1000.0]]),
                        np.array([[1.0], [1.001], [0.999], [1.002]]),
                        sample(4, 2, seed=101),
                        2,
                    )
                ],
            ),
            Property("float32", [family.in_single(*queries(3, 5, seed=102), 2)]),
            Property(
                "arrays that do not lie in one piece",
                [(sample(2, 3, seed=105).T, sample(2, 5, seed=106).T, sample(4, 5, seed=107).T, 2)],
            ),
            Property(
                "of many keys, few scores are held",
                [(*queries(40, 1500, seed=108), 20)],
                in_little_memory(mistakes.block_attention, 40 * 1500),
            ),
        ],
        mistakes=mistakes.BLOCK_ATTENTION,
        hints=[
            "Without v it is the running pair of each query. What else has to run along?",
            "A sum of values, each times e^(score - m). What happens to it when m grows?",
            "It shrinks by the factor that the sum s shrinks by. Divide it by s at the very end.",
        ],
    ),
]
