"""Refusals that say no more than that other numbers come back, by exercise: keep it short."""

VAGUE = {
    "odds": {"by sorted classes"},
    "saturation_gap": {"one float16 below"},
    "fit_temperature": {"by the mean margin"},
    "calibration_error": {"middle of the bin"},
    "temperature": {"capped at 50", "capped at 700", "logarithms of tau", "sparsemax"},
    "arsm_three": {
        "a second draw",
        "another alpha",
        "f of a float",
        "four draws",
        "one class favoured",
        "pi normalised again",
        "rewards of one decimal",
        "rewards remembered for good",
        "swaps pile up",
        "two estimates",
    },
    "streaming_logsumexp": {"a thousand chunks", "chunks with -inf left out"},
    "overflow_limit": {"by single", "float32 for all"},
    "log_softmax_vjp": {"v centred"},
    "softmax_jvp": {"a small difference"},
    "cross_entropy": {"hinge"},
    "bytes_moved": {"single", "thousands", "two reads of one row"},
    "block_attention": {"softmax over the queries"},
}
