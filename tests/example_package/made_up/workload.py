from rnscli.hardware.workloads import Gemm, NamedWorkload, Workload


def layers() -> Workload:
    return Workload("made-up-layers", (Gemm("first", 1, 128, 64), Gemm("second", 1, 64, 10)))


LAYERS = NamedWorkload("made-up-layers", "two small layers", layers)
