from rnscli.matrix.dataflow import Dataflow as Dataflow
from rnscli.matrix.dataflow import DataflowOptions as DataflowOptions
from rnscli.matrix.dataflow import ProductCounts as ProductCounts
from rnscli.matrix.product import NumPyArrays as NumPyArrays
from rnscli.matrix.product import TiledProduct as TiledProduct
