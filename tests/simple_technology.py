"""A technology whose bill can be added up by hand."""

# Of one energy, area and time, so that a bill can be added up by hand.
SIMPLE = """
name = "simple"
kind = "{kind}"
modulo = "circuit"
overlapped = true
description = "an array without converters, and without ranges"
[node]
value = "14nm"
source = "made up"
[limits]
rows = 1024
columns = 1024
[constants]
energy_per_mac = {{ value = "10fJ", source = "made up" }}
cell_area = {{ value = "0.004um2", source = "made up" }}
cycle_time = {{ value = "50ns", source = "made up" }}
logic_energy_factor = {{ value = "1", source = "made up" }}
memory_energy_factor = {{ value = "1", source = "made up" }}
[[parts]]
name = "cells"
group = "array"
per = "cell"
energy = "energy_per_mac"
area = "cell_area"
source = "made up"
[[parts]]
name = "pulses"
group = "array"
per = "array"
time = "cycle_time"
source = "made up"
"""
