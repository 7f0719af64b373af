import numpy as np

from xlretrieval.data.parallel import ParallelTexts
from xlretrieval.evaluation.alignment import AlignmentResult, PairAlignment
from xlretrieval.evaluation.alignment_matrix import AlignmentMatrix


def alignment(source: str, target: str, forward: float, backward: float, layers: dict | None = None) -> PairAlignment:
    texts = ParallelTexts((source, target), ["x"], ["y"], f"toy {source}-{target}")
    result = AlignmentResult(forward, backward, (forward + backward) / 2, 1, np.zeros((2, 1)))
    return PairAlignment(texts, result, layers or {3: (forward, backward)}, 0, 0, 0)


def test_rows_are_sources_and_columns_are_targets():
    matrix = AlignmentMatrix.of([alignment("en", "de", 80, 60), alignment("en", "fr", 40, 20)])
    assert matrix.cells == {("en", "de"): 80, ("de", "en"): 60, ("en", "fr"): 40, ("fr", "en"): 20}
    assert matrix.markdown() == (
        "| source \\ target | de | en | fr | mean |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        "| de |  | 60.0 |  | 60.0 |\n"
        "| en | 80.0 |  | 40.0 | 60.0 |\n"
        "| fr |  | 20.0 |  | 20.0 |\n"
        "| mean | 80.0 | 40.0 | 40.0 | 50.0 |\n"
    )
    assert matrix.as_dict() == {
        "languages": ["de", "en", "fr"],
        "p_at_1": {"de": {"en": 60}, "en": {"de": 80, "fr": 40}, "fr": {"en": 20}},
        "as_source": {"de": 60, "en": 60, "fr": 20},
        "as_target": {"en": 40, "de": 80, "fr": 40},
        "mean": 50,
    }


def test_a_pair_that_was_measured_on_two_texts_is_their_mean():
    matrix = AlignmentMatrix.of([alignment("en", "de", 80, 60), alignment("de", "en", 20, 40)])
    assert matrix.cells == {("en", "de"): 60, ("de", "en"): 40}
