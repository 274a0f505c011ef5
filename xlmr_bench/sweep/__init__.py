"""Sweeps: each model, benchmark, protocol and seed as a job of its own, on this machine or on a Slurm cluster.

What was sent is written down below `.jobs` in the folder of the results, so that the same command sends only what is
neither there nor on its way, and `status` tells what became of each.
"""
