"""The networks that are shipped, by name; torch need not be there to list them."""

SHIPPED = {
    "digits-cnn": "2 convolutions and a linear layer, handwritten digits of 8 x 8 pixels",
    "digits-resnet": "residual network, 3 blocks with batch normalisation, handwritten digits",
    "digits-transformer": "2 transformer blocks, 4 heads, rows of pixels as tokens, handwritten "
    "digits",
}
