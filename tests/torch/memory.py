"""How much memory a call holds at once, from the profiler's record of allocations."""

import torch


def peak(call):
    """The largest amount of memory, in bytes, that a call holds beside what was there before."""
    with torch.profiler.profile(profile_memory=True, acc_events=True) as profile:
        call()
    held = most = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most
