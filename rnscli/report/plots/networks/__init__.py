"""Pictures of neural networks on cores: accuracy, layers, trainings."""
