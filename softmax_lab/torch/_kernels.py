"""Triton kernels: the row functions of `_formulas`, each in one sweep over the memory of a row.

A program takes some rows. Of each it keeps one block of classes in registers; where the row is
longer, it reads the others again. Arithmetic is that of the working precision, float32 or float64;
what there is one of in a row (its maximum, its sum, its logarithm) is float64.

A piece of a row is the pair (m, rest): its maximum m, and rest = Σ e^(x − m) − 1, without the 1 of
the maximum, beside which small terms would lose their digits. Pairs of pieces merge in any order.
"""

import torch
import triton
import triton.language as tl

from softmax_lab.torch import _formulas as formulas

# With more than this, ptxas finds too few registers.
LARGEST = 16384  # classes in a block
ELEMENTS = 1024  # short rows share a program, up to so many elements,
ROWS = 64  # and so many rows: there is much to compute for each, in float64
WIDE = 4  # how many times less of both for entries of float64

INF = tl.constexpr(float("inf"))
LOG2_E = tl.constexpr(1.4426950408889634)
LN2_HIGH = tl.constexpr(355 / 512)  # so few digits that its products with integers are exact,
LN2_LOW = tl.constexpr(-2.1219444005469057e-4)  # and the rest of ln 2


@triton.jit
def place(n_rows, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    """Return the rows of this program, which of them exist, and the classes of the first block."""
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    return rows, rows < n_rows, tl.arange(0, BLOCK)


@triton.jit
def load(x, rows, exist, cols, n, other: tl.constexpr):
    """Return a block in the working precision; `other` where there is none."""
    inside = exist[:, None] & (cols < n)[None, :]
    x = tl.load(x + rows[:, None] * n + cols[None, :], mask=inside, other=other)
    if x.dtype != tl.float64:
        x = x.to(tl.float32)
    return x


@triton.jit
def store(y, value, rows, exist, cols, n):
    """Write a block, rounded once."""
    inside = exist[:, None] & (cols < n)[None, :]
    value = value.to(y.dtype.element_ty)
    tl.store(y + rows[:, None] * n + cols[None, :], value, mask=inside)


@triton.jit
def power_of_two(k):
    """Return 2ᵏ, k from −126 on: the exponent's bits of a float32."""
    return ((k + 127) << 23).to(tl.float32, bitcast=True)


@triton.jit
def exponential(t):
    """Return e^t for t ≤ 0. In float32, `tl.exp` is off by |t| / 2 ulp on a GPU.

    With t = k ln 2 + r, where |r| ≤ ln 2 / 2, it is 2ᵏ (1 + r + r²/2! + … + r⁷/7!).
    """
    if t.dtype == tl.float64:
        e = tl.exp(t)
    else:
        t = tl.where(t < -110, -110.0, t)  # e^−110 is 0 in float32; nan stays
        k = (t * LOG2_E - 0.5).to(tl.int32)
        r = t - k.to(tl.float32) * LN2_HIGH - k.to(tl.float32) * LN2_LOW
        e = 1 / 720 + r * (1 / 5040)
        e = 1 / 24 + r * (1 / 120 + r * e)
        e = 1.0 + r * (1.0 + r * (1 / 2 + r * (1 / 6 + r * e)))
        half = k >> 1  # in two steps, for results that are subnormal
        e = e * power_of_two(half) * power_of_two(k - half)
    return e


@triton.jit
def log1p(x):
    """Return log(1 + x) of a float64: rounding 1 + x = u cancels in x / (u − 1) (Kahan)."""
    u = 1 + x
    return tl.where(u == 1, x, tl.log(u) * (x / (u - 1)))


@triton.jit
def expm1(x):
    """Return e^x − 1 of a float64 x ≤ 0, in the same way."""
    u = tl.exp(x)
    small = tl.where(u == 1, x, (u - 1) * (x / tl.log(u)))
    return tl.where(u - 1 == -1, -1.0, small)


@triton.jit
def weights(x, m):
    """Return w = e^(x − m), where x − m is taken with its rounding error δ (TwoDiff)."""
    t = x - m
    z = t - x
    delta = (x - (t - z)) - (m + z)
    w = exponential(tl.where(x == m, 0.0, t))  # at infinity too
    return w + w * tl.where(delta == delta, delta, 0.0)


@triton.jit
def piece(x):
    """Return the pair (m, rest) of a block in float64, and its weights."""
    m = tl.max(x, 1)
    w = weights(x, m[:, None])
    winner = x == m[:, None]
    losers = tl.sum(tl.where(winner, 0.0, w), 1).to(tl.float64)
    return m.to(tl.float64), losers + (tl.sum(winner.to(tl.int32), 1) - 1), w


@triton.jit
def merge(m1, rest1, m2, rest2):
    """Return the pair of two pieces: the sum of the one with the smaller maximum shrinks."""
    first = m1 >= m2
    m, smaller = tl.where(first, m1, m2), tl.where(first, m2, m1)
    shrink = weights(smaller, m)
    rest = tl.where(first, rest1 + (1 + rest2) * shrink, rest2 + (1 + rest1) * shrink)
    return m, rest


@triton.jit
def whole(x, first, rows, exist, cols, n, BLOCK: tl.constexpr):
    """Return of rows whose `first` block is at hand (m, rest), m and weights of that block.

    rest is nan for rows without a limit: several +inf, or nothing but −inf.
    """
    m, rest, w = piece(first)
    m_first = m
    for i in range(BLOCK, n, BLOCK):
        m_next, rest_next, _ = piece(load(x, rows, exist, i + cols, n, -INF))
        m, rest = merge(m, rest, m_next, rest_next)
    undefined = (m == -INF) | ((m == INF) & (rest > 0))
    return m, tl.where(undefined, float("nan"), rest), m_first, w


@triton.jit
def softmax(x, p, n_rows, n, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    """Write p = w / (1 + rest)."""
    rows, exist, cols = place(n_rows, ROWS, BLOCK)
    first = load(x, rows, exist, cols, n, -INF)
    m, rest, m_first, w = whole(x, first, rows, exist, cols, n, BLOCK)
    # Those of the first block are counted from its own maximum.
    factor = (weights(m_first, m) / (1 + rest)).to(w.dtype)
    store(p, w * factor[:, None], rows, exist, cols, n)
    for i in range(BLOCK, n, BLOCK):
        block = load(x, rows, exist, i + cols, n, -INF)
        w = weights(block, m.to(w.dtype)[:, None])
        share = w * (1 / (1 + rest)).to(w.dtype)[:, None]
        store(p, share, rows, exist, i + cols, n)


@triton.jit
def log_p(x, m, rest):
    """Return (x − m) − log(1 + rest): neither term is positive."""
    t = tl.where(x == m[:, None], 0.0, x - m.to(x.dtype)[:, None])
    return t - log1p(rest).to(x.dtype)[:, None]


@triton.jit
def log_softmax(x, y, n_rows, n, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    """Write log p."""
    rows, exist, cols = place(n_rows, ROWS, BLOCK)
    first = load(x, rows, exist, cols, n, -INF)
    m, rest, _, _ = whole(x, first, rows, exist, cols, n, BLOCK)
    store(y, log_p(first, m, rest), rows, exist, cols, n)
    for i in range(BLOCK, n, BLOCK):
        block = load(x, rows, exist, i + cols, n, -INF)
        store(y, log_p(block, m, rest), rows, exist, i + cols, n)


@triton.jit
def logsumexp(x, y, n_rows, n, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    """Write m + log(1 + rest)."""
    rows, exist, cols = place(n_rows, ROWS, BLOCK)
    m, rest, w = piece(load(x, rows, exist, cols, n, -INF))
    for i in range(BLOCK, n, BLOCK):
        m_next, rest_next, w = piece(load(x, rows, exist, i + cols, n, -INF))
        m, rest = merge(m, rest, m_next, rest_next)
    lse = (m + log1p(rest)).to(w.dtype)
    tl.store(y + rows, lse.to(y.dtype.element_ty), mask=exist)


@triton.jit
def softmax_vjp(p, v, y, n_rows, n, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    """Write p ⊙ (v − Σ p v), centred twice: the second time removes what rounding left."""
    rows, exist, cols = place(n_rows, ROWS, BLOCK)
    p0, v0 = load(p, rows, exist, cols, n, 0.0), load(v, rows, exist, cols, n, 0.0)
    mean = tl.sum(p0 * v0, 1).to(tl.float64)
    for i in range(BLOCK, n, BLOCK):
        q = load(p, rows, exist, i + cols, n, 0.0)
        mean += tl.sum(q * load(v, rows, exist, i + cols, n, 0.0), 1).to(tl.float64)
    centre = mean.to(p0.dtype)[:, None]
    mean = tl.sum(p0 * (v0 - centre), 1).to(tl.float64)
    for i in range(BLOCK, n, BLOCK):
        q = load(p, rows, exist, i + cols, n, 0.0)
        c = load(v, rows, exist, i + cols, n, 0.0) - centre
        mean += tl.sum(q * c, 1).to(tl.float64)
    again = mean.to(p0.dtype)[:, None]
    store(y, p0 * (v0 - centre - again), rows, exist, cols, n)
    for i in range(BLOCK, n, BLOCK):
        q = load(p, rows, exist, i + cols, n, 0.0)
        c = load(v, rows, exist, i + cols, n, 0.0) - centre - again
        store(y, q * c, rows, exist, i + cols, n)


@triton.jit
def log_softmax_vjp(x, v, y, n_rows, n, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    """Write v − p Σ v, twice, as in `softmax_vjp`."""
    rows, exist, cols = place(n_rows, ROWS, BLOCK)
    first, v0 = load(x, rows, exist, cols, n, -INF), load(v, rows, exist, cols, n, 0.0)
    m, rest, m_first, w = whole(x, first, rows, exist, cols, n, BLOCK)
    p0 = w * (weights(m_first, m) / (1 + rest)).to(w.dtype)[:, None]
    top, factor = m.to(w.dtype)[:, None], (1 / (1 + rest)).to(w.dtype)[:, None]
    total = tl.sum(v0, 1).to(tl.float64)
    for i in range(BLOCK, n, BLOCK):
        total += tl.sum(load(v, rows, exist, i + cols, n, 0.0), 1).to(tl.float64)
    total = total.to(w.dtype)[:, None]
    c0 = v0 - p0 * total
    left = tl.sum(c0, 1).to(tl.float64)
    for i in range(BLOCK, n, BLOCK):
        q = weights(load(x, rows, exist, i + cols, n, -INF), top) * factor
        left += tl.sum(load(v, rows, exist, i + cols, n, 0.0) - q * total, 1).to(tl.float64)
    left = tl.where(tl.abs(left) < INF, left, 0.0).to(w.dtype)[:, None]
    store(y, c0 - p0 * left, rows, exist, cols, n)
    for i in range(BLOCK, n, BLOCK):
        q = weights(load(x, rows, exist, i + cols, n, -INF), top) * factor
        c = load(v, rows, exist, i + cols, n, 0.0) - q * total
        store(y, c - q * left, rows, exist, i + cols, n)


@triton.jit
def at_target(w, cols, y, at_y, none):
    """Return the gradient of a block: `at_y` at the target, 0 where the row does not count."""
    gradient = tl.where(cols[None, :] == y[:, None], at_y.to(w.dtype)[:, None], w)
    return tl.where(none[:, None], 0.0, gradient)


@triton.jit
def index_loss(
    x, y, share, loss, gradient, n_rows, n,
    with_gradient: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Write share · (−log p_y), and if asked for its gradient share · (p − e_y).

    At y, p − 1 is expm1(log p): nothing cancels, however sure the row is. The gradient may take the
    place of x.
    """
    rows, exist, cols = place(n_rows, ROWS, BLOCK)
    y = tl.load(y + rows, mask=exist, other=0)
    share = tl.load(share + rows, mask=exist, other=0.0).to(tl.float64)
    none = share == 0
    x_y = tl.load(x + rows * n + y, mask=exist, other=0.0)  # before x may be written over
    if x_y.dtype != tl.float64:
        x_y = x_y.to(tl.float32).to(tl.float64)
    first = load(x, rows, exist, cols, n, -INF)
    m, rest, m_first, w = whole(x, first, rows, exist, cols, n, BLOCK)
    log_p_y = tl.where(x_y == m, 0.0, x_y - m) - log1p(rest)
    value = tl.where(none, 0.0, 0 - share * log_p_y)
    tl.store(loss + rows, value.to(loss.dtype.element_ty), mask=exist)
    if with_gradient:
        at_y, factor = share * expm1(log_p_y), share / (1 + rest)
        p = w * (factor * weights(m_first, m)).to(w.dtype)[:, None]
        store(gradient, at_target(p, cols, y, at_y, none), rows, exist, cols, n)
        for i in range(BLOCK, n, BLOCK):
            p = weights(load(x, rows, exist, i + cols, n, -INF), m.to(w.dtype)[:, None])
            p = p * factor.to(w.dtype)[:, None]
            store(gradient, at_target(p, i + cols, y, at_y, none), rows, exist, i + cols, n)


KERNELS = {
    formulas.softmax: softmax,
    formulas.log_softmax: log_softmax,
    formulas.logsumexp: logsumexp,
    formulas.softmax_vjp: softmax_vjp,
    formulas.log_softmax_vjp: log_softmax_vjp,
    formulas.index_loss: index_loss,
}


def launch(kernel, outs, arrays, **options):
    """Run a kernel over all rows of `arrays`, into `outs`."""
    n = arrays[0].shape[-1]
    n_rows = arrays[0].numel() // n
    size = WIDE if arrays[0].dtype == torch.float64 else 1
    block = min(triton.next_power_of_2(n), LARGEST // size)
    together = max(1, min(ELEMENTS // size // block, ROWS, triton.next_power_of_2(n_rows)))
    inputs = [x.contiguous() for x in arrays]
    results = [out if out.is_contiguous() else torch.empty_like(out).contiguous() for out in outs]
    if options.get("with_gradient") is False:
        results.append(results[0])  # a place that nothing is written to
    warps = min(max(together * block // 512, 4), 16)
    with torch.cuda.device_of(inputs[0]):
        kernel[triton.cdiv(n_rows, together),](
            *inputs, *results, n_rows, n, ROWS=together, BLOCK=block, num_warps=warps, **options
        )
    for out, result in zip(outs, results, strict=False):
        if result is not out:
            out.copy_(result)
