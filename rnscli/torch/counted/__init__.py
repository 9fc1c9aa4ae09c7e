"""What a model computes, counted on the meta device, where no tensor has any values."""
