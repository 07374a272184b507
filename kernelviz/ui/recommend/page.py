"""Recommend: rate a few items, and see which others are predicted to be liked, and why (section 3.5)."""

import numpy as np
import pandas as pd
import streamlit as st

from kernelviz.data import movielens
from kernelviz.disk import data_folder
from kernelviz.evaluation.quality import MEANING, measured_sparsity
from kernelviz.plots.curves import sparsity_figure
from kernelviz.storage.items import Items, fold_in
from kernelviz.storage.record import RecommenderRun, Run
from kernelviz.storage.store import of_kind
from kernelviz.ui.canvas import canvas
from kernelviz.ui.canvas.messages import MarkTold
from kernelviz.ui.recommend import gates, rating
from kernelviz.ui.shared import item_titles, page_frame, sharing
from kernelviz.ui.shared.labels import message, plain
from kernelviz.ui.shared.map_source import ItemMap
from kernelviz.ui.shared.plotly_fallback import simple_map_instead

MIN_RATINGS = 20  # of a recommended item, or the median number of ratings if that is smaller
MAX_ITEMS = 50  # rows of a table of items
MAX_REASONS = 5  # rated items that explain a prediction
NO_MODE_BAR = {"displayModeBar": False}


def page(runs: list[Run]) -> None:
    """Show the page."""
    bar = page_frame.top_bar("Rate a few, and see what you may like")
    known = {run.name: run for run in of_kind(runs, RecommenderRun)}
    if not known:
        _invite()
        return
    run = known[page_frame.choose(bar, "Recommender", list(known), "recommender")]
    low, high = run.data["range"]
    bar.caption(f"Ratings of {plain(run.data['name'])}, from {low:g} to {high:g}", help=_details(run))
    if not item_titles.has_titles(run) and _ask_for_titles(run):
        return
    left, right = st.columns([2, 3], gap="medium")
    with left:
        given = rating.given(run)
    items = item_titles.items_of(run)
    predicted, added = _predicted(run, items, given)
    with right:
        best, on_map, inside = st.tabs(["Recommendations", "Map", "Inside the network"])
        with best:
            _recommendations(run, items, given, predicted, added)
        with on_map:
            _map(run, items, given, predicted)
        with inside:
            _inside(run)


def _invite() -> None:
    st.info(
        "There is no recommender yet. Train one on MovieLens, which takes minutes, or on your own ratings in a table "
        "with the columns user, item and rating:",
        icon=":material/recommend:",
    )
    st.code("kernelviz train ml100k-sparse-fc-1\nkernelviz train sparse-fc --data ratings.csv", language="bash")


def _details(run: RecommenderRun) -> str:
    """More about a recommender than fits into a line."""
    return (
        f"**Network** {plain(run.arguments['kind'])}, hidden units {', '.join(map(str, run.arguments['hidden']))}  \n"
        f"**RMSE on the test ratings** {run.metrics['test_rmse']:.3f}, for new users {run.metrics['new_rmse']:.3f}"
    )


def _ask_for_titles(run: RecommenderRun) -> bool:
    """Offer to download the titles of a known set, unless read-only; whether the page has to wait for the answer.

    Of the user's own ratings, say how to give titles.
    """
    name = run.data["name"]
    if name not in movielens.SETS:
        st.info(
            "These items have no titles. Train with a column `title` beside the ratings, or with `--titles FILE`, a "
            "table with the columns item and title.",
            icon=":material/title:",
        )
        return False
    numbers = f"numbers-{name}"
    if sharing.read_only() or st.session_state.get(numbers):
        return False
    st.info(
        f"The titles of the films are not on this machine. They belong to {name} of GroupLens, which may not be passed "
        f"on: download it from their site, or unpack {name}.zip into `{data_folder()}`.",
        icon=":material/title:",
    )
    buttons = st.container(horizontal=True)
    download = buttons.button("Download the titles", icon=":material/download:")
    buttons.button("Go on with numbers", on_click=st.session_state.__setitem__, args=(numbers, True))
    if download:
        bar = st.progress(0.0)
        try:
            movielens.fetch(name, lambda share, note: bar.progress(min(share, 1.0), note))
        except FileNotFoundError as error:
            st.error(message(str(error)), icon=":material/cloud_off:")
        else:
            st.rerun()
    return True


def _predicted(run: RecommenderRun, items: Items, given: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """The predicted rating of every item, and what each given rating adds to it."""
    rows = np.array(list(given), dtype=int)
    predicted, added = fold_in(items, rows, np.array(list(given.values())), run.metrics["test_rmse"] ** 2)
    return predicted.clip(*run.data["range"]), added


def _recommendations(
    run: RecommenderRun, items: Items, given: dict[int, float], predicted: np.ndarray, added: np.ndarray
) -> None:
    table = item_titles.titles_of(run).reset_index(drop=True)
    genres = sorted({genre for joined in table["genres"] for genre in joined.split("|") if genre})
    filters = st.container(horizontal=True, vertical_alignment="bottom")
    wanted = filters.multiselect("Genres", genres, key=f"genres-{run.name}", placeholder="All") if genres else []
    min_ratings = int(min(MIN_RATINGS, np.median(items.count)))
    rare = filters.toggle(
        "Include rarely rated items", key=f"rare-{run.name}", help=f"Items with fewer than {min_ratings} ratings"
    )
    if not given:
        st.caption("No item is rated yet: this is what everybody likes best.")
    eligible = np.ones(len(items), bool) if rare else items.count >= min_ratings
    eligible[list(given)] = False
    if wanted:
        eligible &= np.array([bool({*joined.split("|")} & {*wanted}) for joined in table["genres"]])
    best = np.flatnonzero(eligible)[np.argsort(-predicted[eligible], kind="stable")][:MAX_ITEMS]
    if not len(best):
        st.info("No item matches these filters.", icon=":material/filter_alt_off:")
        return
    low, high = run.data["range"]
    rows = table.iloc[best].assign(
        predicted=predicted[best],
        mean=items.mean[best],
        ratings=items.count[best],
        genres=[joined.replace("|", ", ") for joined in table["genres"].iloc[best]],
    )
    event = st.dataframe(
        rows[["title", "year", "predicted", "mean", "ratings", "genres"]],
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"best-{run.name}",
        height=420,
        column_config={
            "title": st.column_config.TextColumn("Title", width="medium"),
            "year": st.column_config.NumberColumn("Year", format="%d") if genres else None,  # comes with the titles
            "predicted": st.column_config.ProgressColumn(
                "For you",
                format="%.2f",
                min_value=low,
                max_value=high,
                help="The rating that you are predicted to give",
            ),
            "mean": st.column_config.NumberColumn(
                "Everyone", format="%.2f", help="The mean of the predicted ratings of all users"
            ),
            "ratings": st.column_config.NumberColumn(
                "Ratings", help="How many ratings of the item the network was trained on"
            ),
            "genres": st.column_config.TextColumn("Genres", width="medium") if genres else None,
        },
    )
    if given:
        chosen = event.selection.rows[0] if event.selection.rows and event.selection.rows[0] < len(best) else 0
        _why(run, int(best[chosen]), given, predicted, items, added)


def _why(
    run: RecommenderRun, row: int, given: dict[int, float], predicted: np.ndarray, items: Items, added: np.ndarray
) -> None:
    """Show the ratings that changed a prediction most."""
    names = item_titles.names_of(run)
    st.markdown(
        f"**Why {predicted[row]:.2f} for {rating.title(names[row])}?** The mean for all users is "
        f"{items.mean[row]:.2f}; your ratings add:"
    )
    rated = list(given)
    strongest = np.argsort(-np.abs(added[row]), kind="stable")[:MAX_REASONS]
    reasons = [
        {"rated": names[rated[at]], "you gave": given[rated[at]], "adds": round(float(added[row, at]), 3)}
        for at in strongest
    ]
    st.dataframe(pd.DataFrame(reasons), hide_index=True, key=f"why-{run.name}")
    st.caption("Choose a row of the table above to see why it is recommended.")


def _map(run: RecommenderRun, items: Items, given: dict[int, float], predicted: np.ndarray) -> None:
    """Show the map of the items, and a table of those that are selected on it."""
    names = item_titles.names_of(run)
    found = rating.search("Find on the map", names, key=f"find-{run.name}")
    if simple_map_instead():
        return
    marks = [
        MarkTold(float(x), float(y), f"{names[row]}: you gave {given[row]:g}")
        for row, (x, y) in zip(given, items.coordinates[list(given)], strict=True)
    ]
    heard = canvas(ItemMap(run), item_titles.SPLIT, f"items-{run.name}", found=found, marks=marks)
    if heard.failed:
        simple_map_instead(heard.failed)
    st.caption(
        f"Each dot is one of {len(items):,} items, at its position in a 2-D kernel layer; items with similar ratings "
        "lie together. The colour is the first genre, and crosses are your ratings. Select items with the box or the "
        "lasso to list them."
    )
    chosen = heard.selection.rows if heard.selection else []
    if len(chosen):
        order = sorted(chosen, key=lambda row: -predicted[row])[:MAX_ITEMS]
        table = pd.DataFrame({"title": [names[row] for row in order], "for you": predicted[order]})
        st.dataframe(table, hide_index=True, key=f"selected-{run.name}", height=260)


def _inside(run: RecommenderRun) -> None:
    """Show the metrics of the network, its gates, and what sparsity costs."""
    names = [name for name in MEANING if name in run.metrics]
    values = [f"{run.metrics[name]:,}" if run.metrics[name] > 100 else f"{run.metrics[name]:.4g}" for name in names]
    st.dataframe(
        pd.DataFrame({"metric": names, "value": values, "meaning": [MEANING[name] for name in names]}),
        hide_index=True,
        key=f"metrics-{run.name}",
    )
    if run.arguments["kind"] == "sparse-fc":
        gates.pictures(run)
    rows = measured_sparsity()
    if rows:
        st.header("What sparsity costs", anchor=False)
        st.plotly_chart(sparsity_figure(rows), key="sparsity", config=NO_MODE_BAR, alt="Error over density")
        st.caption(
            "Each point is a network on ML-100K with two hidden layers, trained with another weight λ₀ of the penalty "
            "of its gates: a larger λ₀ leaves fewer weights."
        )
