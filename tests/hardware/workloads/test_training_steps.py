"""A step of training: its products, its vector work and its updates."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnscli.base.errors import InputError
from rnscli.hardware.workloads import Gemm, Workload
from rnscli.hardware.workloads.layers import BIAS, Image, Layers
from rnscli.hardware.workloads.networks import WORKLOADS, load_workload
from rnscli.hardware.workloads.training import GRADIENTS, OPTIMISERS, training
from rnscli.hardware.workloads.vector_work import VECTOR_KINDS, VectorWork

QUICK = settings(max_examples=40, deadline=None, derandomize=True)


def elements(workload: Workload, kind: str) -> int:
    return sum(work.elements for work in workload.vectors if work.kind == kind)


@QUICK
@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 4), st.integers(0, 3))
def test_pixels_that_windows_cover_by_marking_them(
    size: int, kernel: int, stride: int, padding: int
) -> None:
    image = Image(size, 1)
    out = image.window(1, kernel, stride, padding).size
    if out < 1:
        return
    side = {
        start * stride - padding + step
        for start, step in itertools.product(range(out), range(kernel))
        if 0 <= start * stride - padding + step < size
    }
    assert image.covered(kernel, stride, padding) == len(side) ** 2


def test_every_kind_has_a_gradient_but_the_updates() -> None:
    assert VECTOR_KINDS.keys() - GRADIENTS.keys() == {*OPTIMISERS}
    assert {kind for made in GRADIENTS.values() for kind in made} <= VECTOR_KINDS.keys()


@pytest.mark.parametrize("name", WORKLOADS)
def test_each_network_can_be_trained(name: str) -> None:
    network = load_workload(name)
    step = training(network, "momentum")
    first = network.gemms[0]
    # Three times the work, but for the gradient of what is data.
    of_data = f"{first.layer} input gradient" not in {gemm.layer for gemm in step.gemms}
    assert step.macs == 3 * network.macs - of_data * first.macs
    assert of_data is not any(w.before and w.kind == "gather" for w in network.vectors)
    assert elements(step, "momentum") == step.parameters == network.parameters
    layers = {gemm.layer: gemm for gemm in step.gemms}
    for gemm in step.gemms[len(network.gemms) :]:
        assert gemm.weights == 0  # none is stored twice
        if gemm.shares:
            own = layers[gemm.shares]
            assert (gemm.k, gemm.n, gemm.count) == (own.n, own.k, own.count)


def test_gradients_of_a_product_of_activations() -> None:
    scores = Gemm("scores", 5, 3, 7, count=2, stationary=False)
    network = Workload("one", (Gemm("query", 5, 4, 3), scores))
    _, _, of_queries, of_keys, of_query = training(network).gemms
    assert (of_queries.m, of_queries.k, of_queries.n) == (5, 7, 3)
    assert (of_keys.m, of_keys.k, of_keys.n) == (3, 5, 7)
    assert of_queries.count == of_keys.count == 2
    assert not of_queries.stationary and of_queries.shares is None
    assert of_query.layer == "query weight gradient"


def test_windows_that_overlap_have_their_gradients_added() -> None:
    layers = Layers()
    image = layers.convolution("first", Image(6, 1), 2, kernel=1, per_channel=BIAS)
    layers.convolution("second", image, 4, kernel=3, per_channel=BIAS)
    step = training(layers.workload("two"))
    # 4 x 4 windows of 3 x 3 x 2 values; all 6 x 6 x 2 are read.
    added = [w.elements for w in step.vectors if w.layer == "second input gradient"]
    assert added == [16 * 18 - 72]
    assert "first input gradient" not in {gemm.layer for gemm in step.gemms}


def test_steps_of_a_recurrent_layer_wait_but_for_the_gradient_of_weights() -> None:
    step = training(load_workload("rnn-t"))
    steps = {gemm.layer: gemm.steps for gemm in step.gemms}
    assert steps["encoder.post.0 recurrent"] == 250
    assert steps["encoder.post.0 recurrent input gradient"] == 250
    assert steps["encoder.post.0 recurrent weight gradient"] == 1


def test_plain_descent_leaves_rows_and_experts_that_were_not_read() -> None:
    network = load_workload("dlrm", {"batch": 2})
    assert elements(training(network, "sgd"), "sgd") == (
        network.parameters - network.table_parameters + 2 * 26 * 128
    )
    assert elements(training(network, "adam"), "adam") == network.parameters
    expert = 4096 * 14336
    one = load_workload("mixtral-8x7b", {"sequence": 1, "layers": 1})
    idle = 3 * 6 * expert
    rows = one.table_parameters - 4096
    assert elements(training(one, "sgd"), "sgd") == one.parameters - idle - rows


def test_batch_normalisation_is_folded_for_inference_only() -> None:
    network = load_workload("resnet50")
    step = training(network)
    assert elements(step, "folded-batch-norm") == 0
    assert elements(step, "layer-norm") == elements(network, "folded-batch-norm") > 0


def test_the_loss_is_a_softmax_unless_there_is_one() -> None:
    assert elements(training(load_workload("resnet50")), "softmax") == 1000
    assert elements(training(load_workload("mnist-cnn")), "softmax") == 10
    assert elements(training(load_workload("dlrm")), "softmax") == 0


def test_layers_of_one_name_each_have_their_gradients() -> None:
    network = Workload("twice", (Gemm("a", 1, 2, 3), Gemm("a", 1, 3, 4), Gemm("a", 1, 4, 5)))
    assert training(network).macs == 3 * network.macs - 6


@pytest.mark.parametrize("optimiser", ["adagrad", "", None])
def test_refused_optimisers(optimiser: str) -> None:
    with pytest.raises(InputError, match="`optimiser`"):
        training(load_workload("mnist-cnn"), optimiser)


def test_a_step_of_training_is_not_trained() -> None:
    with pytest.raises(InputError, match="work of the kind sgd, of which no gradient is known"):
        training(training(load_workload("mnist-cnn")))


# Sizes, and what is published of networks besides their parameters ----------------------------


def test_active_parameters_of_a_mixture() -> None:
    network = load_workload("mixtral-8x7b-decode")
    idle = sum(gemm.idle * gemm.k * gemm.n for gemm in network.gemms)
    # "46.7 billion parameters", of which a token uses "12.9 billion".
    assert round((network.parameters - idle) / 1e9, 1) == 12.9
    assert round(network.parameters / 1e9, 1) == 46.7


@pytest.mark.parametrize("sequence", [*range(1, 10), 511, 512])
def test_tokens_are_spread_over_all_experts(sequence: int) -> None:
    network = load_workload("mixtral-8x7b", {"sequence": sequence})
    gates = [gemm for gemm in network.gemms if gemm.layer.startswith("gate")]
    assert sum(gemm.count + gemm.idle for gemm in gates) == 32 * 8
    assert sum(gemm.m * gemm.count for gemm in gates) == 32 * 2 * sequence
    assert network.parameters == 46_702_792_704


def test_a_larger_llama_by_its_sizes() -> None:
    sizes = {"layers": 80, "hidden": 8192, "intermediate": 28_672, "heads": 64, "kv_heads": 8}
    assert load_workload("llama-2-7b", sizes).parameters == 68_976_648_192  # Llama 2 70B


def test_decoding_token_by_token_is_reading_a_prompt_without_what_the_mask_hides() -> None:
    tokens = 6
    whole = load_workload("llama-3-8b", {"sequence": tokens})
    steps = [
        load_workload("llama-3-8b", {"sequence": 1, "cache": cache}) for cache in range(tokens)
    ]
    stored = [sum(g.macs for g in one.gemms if g.stationary) for one in (whole, *steps)]
    assert stored[0] == sum(stored[1:])
    attended = [sum(g.macs for g in one.gemms if not g.stationary) for one in (whole, *steps)]
    assert sum(attended[1:]) == attended[0] * (tokens + 1) / (2 * tokens)


def test_grouped_queries_share_keys() -> None:
    network = load_workload("llama-3-8b", {"batch": 2, "sequence": 5, "cache": 7})
    (scores,) = (gemm for gemm in network.gemms if gemm.layer == "scores")
    assert (scores.m, scores.k, scores.n, scores.count) == (4 * 5, 128, 12, 32 * 8 * 2)


def test_aggregation_is_apart_from_combination() -> None:
    network = load_workload("gcn-reddit")
    widths = (602, 512, 512, 512)
    assert elements(network, "aggregate") == 2 * 11_606_919 * sum(widths)
    assert [gemm.k for gemm in network.gemms] == [2 * width for width in widths]
    assert {gemm.m for gemm in network.gemms} == {232_965}
    # Of features, which are data, nobody needs the gradient.
    back = elements(training(network), "aggregate") - elements(network, "aggregate")
    assert back == 2 * 11_606_919 * sum(widths[1:])


@pytest.mark.parametrize(
    ("name", "sizes", "says"),
    [
        ("resnet50", {"sequence": 4}, "workload resnet50 has no `sequence`, only batch, image_siz"),
        ("3d-unet", {"image_size": 100}, "`image_size` is 100; it must be a multiple of 32"),
        ("vit-b16", {"image_size": 8}, "`image_size` is 8; it must be a multiple of 16"),
        ("ssd-resnet34", {"image_size": 299}, "`image_size` is 299"),
        (
            "3d-unet",
            {"image_size": 1024, "batch": 2**16},
            "is too large, as `image_size` is 1024, `batch` is",
        ),
        ("llama-2-7b", {"heads": 33}, "`heads` is 33; it must be a divisor of `hidden`, 4096"),
        ("llama-2-7b", {"heads": 32, "kv_heads": 5}, "`kv_heads` is 5; it must be a divisor of"),
        ("llama-2-7b", {"cache": 4096}, "`cache` is 4096; it must be a whole number from 0 to"),
        ("mixtral-8x7b", {"active_experts": 9}, "`active_experts` is 9"),
        ("bert-large-pretraining", {"predictions": 129}, "`predictions` is 129"),
        ("gcn-ppi", {"edges": 0}, "`edges` is 0"),
        ("rnn-t", {"frames": 0}, "`frames` is 0"),
        ("dlrm", {"batch": 2**16 + 1}, "`batch` is 65537"),
    ],
)
def test_refused_sizes_of_networks(name: str, sizes: dict[str, int], says: str) -> None:
    with pytest.raises(InputError) as caught:
        load_workload(name, sizes)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", WORKLOADS)
def test_smallest_and_largest_of_each_size(name: str) -> None:
    """Each size at its bounds makes a network, or is refused in a sentence that names a size."""
    for size in WORKLOADS[name].sizes:
        for value in (0, 1, 2, 2**10, 2**16, 2**40, 2**41):
            try:
                assert load_workload(name, {size: value}).macs > 0
            except InputError as error:
                assert f"`{size}`" in str(error), str(error)


def test_refused_idle_and_tables() -> None:
    with pytest.raises(InputError, match="`idle` is -1"):
        Gemm("a", 1, 1, 1, idle=-1)
    with pytest.raises(InputError, match="`table_parameters` is 3"):
        Workload("a", (Gemm("a", 1, 1, 1),), 2, table_parameters=3)
    assert VectorWork("a", "relu", 1).before is False
