"""Workloads from files that others wrote: a file for each format, and what they have in common."""
