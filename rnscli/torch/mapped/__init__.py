"""What of PyTorch is computed on a core: its layers, and the functions behind them."""
