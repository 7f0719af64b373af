import numpy as np

from xlretrieval.data.parallel import ParallelTexts
from xlretrieval.evaluation.alignment import AlignmentResult, PairAlignment
from xlretrieval.evaluation.layer_sweep import LayerSweep, plot_layer_sweep, sweep_table


def alignment(target: str, layers: dict[int, tuple[float, float]]) -> PairAlignment:
    texts = ParallelTexts(("en", target), ["x"], ["y"], f"toy en-{target}")
    return PairAlignment(texts, AlignmentResult(0, 0, 0, 1, np.zeros((2, 1))), layers, 0, 0, 0)


AFTER = LayerSweep.of(
    [
        alignment("de", {0: (10, 20), 1: (50, 70), 2: (30, 30)}),
        alignment("fr", {0: (5, 5), 1: (40, 40), 2: (70, 70)}),
    ]
)
BEFORE = LayerSweep.of([alignment("de", {0: (1, 3), 1: (2, 2)}), alignment("fr", {0: (4, 4), 1: (6, 6)})])


def test_a_layer_is_the_mean_of_directions_and_then_of_pairs():
    assert AFTER.by_pair["toy en-de"] == {0: 15, 1: 60, 2: 30}
    assert AFTER.mean == {0: 10, 1: 50, 2: 50}
    assert AFTER.best == 1  # the lower of two that are equal
    assert AFTER.as_dict() == {
        "mean": {"0": 10, "1": 50, "2": 50},
        "best": 1,
        "by_pair": {"toy en-de": {"0": 15, "1": 60, "2": 30}, "toy en-fr": {"0": 5, "1": 40, "2": 70}},
    }


def test_models_of_different_depth_share_a_table():
    assert sweep_table({"before": BEFORE, "after": AFTER}) == (
        "| layer | before | after |\n"
        "| ---: | ---: | ---: |\n"
        "| 0 | 3.0 (2.0 to 4.0) | 10.0 (5.0 to 15.0) |\n"
        "| 1 | 4.0 (2.0 to 6.0) | 50.0 (40.0 to 60.0) |\n"
        "| 2 |  | 50.0 (30.0 to 70.0) |\n"
    )


def test_the_plot_is_a_png(tmp_path):
    plot_layer_sweep(tmp_path / "layers.png", {"before": BEFORE, "after": AFTER}, "P@1 by layer")
    plot_layer_sweep(tmp_path / "one.png", {"after": AFTER}, "P@1 by layer")
    for name in ("layers.png", "one.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
