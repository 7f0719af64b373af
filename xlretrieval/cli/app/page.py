"""The page: a query, lists to choose from, and the results. Gradio serves it, without its telemetry and network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .library import LONGEST_QUERY, MOST_RESULTS, Library
from .results import show_message, show_results
from .settings import PageSettings
from .style import CSS

if TYPE_CHECKING:
    import gradio

TITLE = "Cross-lingual search"
ABOUT = (
    "The query is in one language, the documents are in others. A first stage finds candidates by their vectors and "
    "words; the reranker reads each of them together with the query."
)
NO_RERANKER = "none: first stage alone"
ANY_LANGUAGE = "auto"


def build_page(settings: PageSettings) -> gradio.Blocks:
    """Opens what the page needs and lays it out.

    Args:
        settings: What the page shows.

    Raises:
        ValueError: Gradio is not installed, or a folder is no index or no reranker.
        OSError: There is no such folder or checkpoint.
    """
    try:
        import gradio
    except ImportError:
        raise ValueError(
            'The page needs gradio, which is not installed. Install it with `pip install "xlretrieval[app]"`.'
        ) from None
    library = Library(settings)
    first = settings.indexes[0]

    def search(query: str, index: str, reranker: str, language: str, results: float) -> str:
        chosen = None if reranker == NO_RERANKER else reranker
        code = "all" if language == ANY_LANGUAGE else language
        try:
            return show_results(library.search(query, index, chosen, code, int(results)))
        except ValueError as error:
            return show_message(str(error))

    def describe(index: str) -> str:
        counts = [f"{count:,} {code or '(unknown language)'}" for code, count in library.languages(index).items()]
        return f"{library.size(index):,} documents: {', '.join(counts)}"

    def languages(index: str) -> list[str]:
        return [ANY_LANGUAGE, *sorted(code for code in library.languages(index) if code)]

    def choose(index: str) -> dict:
        return gradio.update(choices=languages(index), value=ANY_LANGUAGE, info=describe(index))

    with gradio.Blocks(title=TITLE, analytics_enabled=False) as page:
        gradio.Markdown(f"# {TITLE}\n{ABOUT}")
        with gradio.Row():
            query = gradio.Textbox(
                label="Query",
                placeholder="in any language",
                autofocus=True,
                max_length=LONGEST_QUERY,
                scale=5,
                min_width=320,
            )
            button = gradio.Button("Search", variant="primary", scale=1, min_width=120)
        several = len(settings.indexes) > 1 or len(settings.rerankers) > 1
        with gradio.Accordion("Options", open=several):
            with gradio.Row():
                index = gradio.Dropdown(settings.indexes, value=first, label="Index", info="what is searched")
                reranker = gradio.Dropdown(
                    [*settings.rerankers, NO_RERANKER], label="Reranker", info="orders what is found"
                )
                language = gradio.Dropdown(
                    languages(first), value=ANY_LANGUAGE, label="Language of the query", info=describe(first)
                )
                results = gradio.Slider(1, MOST_RESULTS, 10, step=1, label="Results", info="documents to show")
        gradio.Examples([[text] for text in settings.examples or library.examples(first)], query, label="Examples")
        shown = gradio.HTML(show_message("Results appear here."), elem_id="results")
        gradio.on(
            [button.click, query.submit],
            search,
            [query, index, reranker, language, results],
            shown,
            api_name="search",
        )
        index.change(choose, index, language, api_visibility="private")
    return page


def serve(settings: PageSettings, port: int | None = None) -> None:
    """Serves the page until the process is interrupted.

    Args:
        settings: What the page shows.
        port: By default the first free one from 7860.

    Raises:
        ValueError: As `build_page`.
        OSError: As `build_page`, or the port is taken.
    """
    page = build_page(settings)
    import gradio

    fonts = ["system-ui", "sans-serif"]
    page.launch(
        server_port=port,
        theme=gradio.themes.Base(font=fonts, font_mono=["ui-monospace", "monospace"]),
        css=CSS,
        ssr_mode=False,
        share=False,
        footer_links=[],
    )
