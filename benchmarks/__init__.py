"""Benchmarks: `python -m benchmarks` for speed and memory, `.accuracy`, `.arsm_toy`."""
