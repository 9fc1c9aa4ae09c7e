from rnscli.analysis.networks.rows import FP32 as FP32
