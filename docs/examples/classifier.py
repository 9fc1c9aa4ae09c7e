"""A small network for handwritten digits in plain PyTorch, which the other examples put on a core.

Nothing in this file knows of cores: it stands for a model and a training loop of your own.
"""

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

images, labels = (torch.tensor(one) for one in load_digits(return_X_y=True))
x = images.float().view(-1, 1, 8, 8) / 16
x_train, y_train, x_test, y_test = x[:1000], labels[:1000], x[1000:], labels[1000:]


class Classifier(nn.Module):
    """Two convolutions and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.head = nn.Linear(32 * 2 * 2, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of ten classes."""
        found = nn.functional.max_pool2d(self.conv1(images).relu(), 2)
        found = nn.functional.max_pool2d(self.conv2(found).relu(), 2)
        logits: Tensor = self.head(found.flatten(1))
        return logits


def train(model: nn.Module, epochs: int, rate: float = 3e-3) -> None:
    """A plain training loop; the model may be on a core."""
    optimiser = torch.optim.Adam(model.parameters(), rate)
    model.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(x_train)).split(50):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(model(x_train[batch]), y_train[batch])
            torch.autograd.backward(loss)
            optimiser.step()
    model.eval()


@torch.no_grad()
def accuracy(model: nn.Module, times: int = 1) -> float:
    """Share of the test images that are told right; with noise, of several passes."""
    right = [(model(x_test).argmax(1) == y_test).float().mean() for _ in range(times)]
    return float(torch.stack(right).mean())


def trained(epochs: int = 8) -> Classifier:
    """The network, trained in FP32 in about a second."""
    torch.manual_seed(0)
    model = Classifier()
    train(model, epochs)
    return model
