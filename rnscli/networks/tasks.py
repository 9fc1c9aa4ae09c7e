"""What a network is asked: its outputs and labels, brought into one form for every metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rnscli.networks.data import Inputs, Labels, Logits

IGNORED = -100  # a label of this class is none: its place counts for nothing
CLASSES, VALUES, NOTHING = "classes", "values", "nothing"  # what an output is compared with


@dataclass(frozen=True)
class Task:
    """A kind of question.

    Parameters
    ----------
    name
        In rows.
    answers
        Shape of the outputs, in words.
    compared
        Whether labels are `CLASSES`, `VALUES`, or there are none, `NOTHING`.
    places
        What the parts of a sample are called that have a label each; empty if it has only one.
    together
        Whether a sample is right only if all of its places are.
    class_axis
        Axis of the outputs along which the classes lie.
    """

    name: str
    answers: str
    compared: str
    places: str = ""
    together: bool = False
    class_axis: int = 1

    def scores(self, outputs: Logits) -> Logits:
        """Outputs as ``(N, places, classes)``, or ``(N, places)`` where they are values."""
        if self.compared != CLASSES:
            return outputs.reshape(len(outputs), -1)
        import numpy as np

        moved = np.moveaxis(outputs, self.class_axis, -1)
        return moved.reshape(len(outputs), -1, outputs.shape[self.class_axis])

    def wanted(self, labels: Labels) -> Labels:
        """Labels as ``(N, places)``."""
        return labels.reshape(len(labels), -1)


CLASSIFICATION = Task("classification", "(N, classes)", CLASSES)
SPANS = Task("spans", "two of (N, T), starts and ends", CLASSES, "ends of spans", together=True)
TOKENS = Task("tokens", "(N, T, classes)", CLASSES, "tokens", class_axis=2)
LANGUAGE = Task("language", "(N, T, vocabulary)", CLASSES, "tokens", class_axis=2)
SEGMENTATION = Task("segmentation", "(N, classes, H, W)", CLASSES, "pixels")
REGRESSION = Task("regression", "of the shape of the labels", VALUES, "values")
UNLABELLED = Task("unlabelled", "of any shape", NOTHING)
TASKS = (CLASSIFICATION, SPANS, TOKENS, LANGUAGE, SEGMENTATION, REGRESSION, UNLABELLED)


def task_of(
    labels: Labels | None, outputs: tuple[int, ...], inputs: Inputs | None = None
) -> Task | None:
    """The task whose labels and outputs have such shapes; ``None`` if there is none.

    Without labels a network that gives ``(N, T, vocabulary)`` for tokens ``(N, T)`` is a language
    model, whose labels are the tokens that follow.
    """
    if labels is None:
        if inputs is None or inputs.dtype.kind != "i" or inputs.ndim != 2 or len(outputs) != 3:
            return UNLABELLED
        return LANGUAGE if outputs[:2] == inputs.shape else UNLABELLED
    given = labels.shape
    if labels.dtype.kind == "f":
        same = outputs == given or outputs == (*given, 1)
        return REGRESSION if same else None
    if len(given) == 1:
        return CLASSIFICATION if len(outputs) == 2 else None
    if len(given) == 2 and len(outputs) == 3:
        if outputs[1] == given[1]:
            return TOKENS
        return SPANS if given[1] == outputs[2] == 2 else None
    if len(given) == 3 and len(outputs) == 4 and (outputs[0], *outputs[2:]) == given:
        return SEGMENTATION
    return None


def wanted_of(labels: Labels | None) -> str:
    """What a network must give for labels of a shape, in words."""
    if labels is None:
        return "real numbers"
    if labels.dtype.kind == "f":
        return f"real numbers of shape {labels.shape}"
    count = len(labels)
    if labels.ndim == 1:
        return f"real logits of shape ({count}, classes)"
    if labels.ndim == 2:
        length = labels.shape[1]
        spans = f", or starts and ends of spans, two of ({count}, T)" if length == 2 else ""
        return f"real logits of shape ({count}, {length}, classes){spans}"
    return f"real logits of shape ({count}, classes, {', '.join(map(str, labels.shape[1:]))})"


def labels_of(task: Task, labels: Labels | None, inputs: Inputs) -> Labels | None:
    """The labels of a task: those that are given, or the tokens that follow."""
    if task is not LANGUAGE or labels is not None:
        return labels
    import numpy as np

    following = np.full(inputs.shape, IGNORED, np.int64)
    following[:, :-1] = inputs[:, 1:]
    return following


def right_of(task: Task, scores: Logits, labels: Labels, most: int = 1) -> npt.NDArray[np.bool_]:
    """Which places ``(N, places)`` have their label among the largest scores; none that count not.

    A score that is not finite makes its place wrong.
    """
    import numpy as np

    asked = labels != IGNORED
    label = np.where(asked, labels, 0)[..., None]
    own = np.take_along_axis(scores, label, -1)
    finite = np.isfinite(scores).all(-1)
    if most == 1:  # of equal scores the first one is the answer
        right = scores.argmax(-1) == label[..., 0]
    else:
        before = np.arange(scores.shape[-1]) < label
        rank = ((scores > own) | ((scores == own) & before)).sum(-1)
        right = rank < most
    made: npt.NDArray[np.bool_] = right & asked & finite
    return made


def judged(
    task: Task, right: npt.NDArray[np.bool_], labels: Labels
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which are right of what is judged, and which count: places, or samples of a whole.

    A sample that is right only together, such as a span, is right if all of its places that count
    are; one of which none does counts for nothing.

    Parameters
    ----------
    right
        Places that are right, ``(N, places)``, as `right_of` has them.
    labels
        Labels in the same shape.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[3, 4], [3, -100], [-100, -100]])
    >>> right = np.array([[True, False], [True, False], [False, False]])
    >>> [found.tolist() for found in judged(SPANS, right, labels)]
    [[False, True, False], [True, True, False]]
    """
    asked = labels != IGNORED
    if not task.together:
        return right, asked
    counts = asked.any(1)
    return (right | ~asked).all(1) & counts, counts
