"""Kernels: what the kernel layer does on the plane and in a run, and the spectra of its kernels."""

import numpy as np
import streamlit as st
import torch

from kernelviz.layers.kernels import KERNELS, FiniteSupport
from kernelviz.layers.spectra import Spectrum, break_even, effective_rank, gram_spectrum, singular_values, stored
from kernelviz.plots.curves import locations_figure, spectra_figure, stored_figure, values_figure
from kernelviz.plots.images import enlarged, signed
from kernelviz.plots.receptive_fields import RUN as GRIDS
from kernelviz.plots.receptive_fields import fields_at
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_run, run_names
from kernelviz.ui.canvas import playground
from kernelviz.ui.shared.labels import percent
from kernelviz.ui.shared.network_cache import network_of

NAMES = {
    "dot_product": "Dot product",
    "polynomial": "Polynomial",
    "gaussian": "Gaussian",
    "finite_support": "Finite support",
    "tanh": "Tanh",
}
N_LOCATIONS = 80  # of the Gram matrices
MAX_WEIGHTS_SIDE = 400  # pixels: longer side of the picture of a weight matrix
NO_MODE_BAR = {"displayModeBar": False}


def page(run: EmbeddingRun) -> None:
    """Show the page."""
    plane, of_run, numbers, fields = st.tabs(["On the plane", f"In {run.name}", "Spectra", "Receptive fields"])
    with plane:
        st.caption(
            "Each input lies at a location u and has a weight α; a unit at v receives α K(u, v) from it. The colours "
            "show the sum over all inputs, the picture beside them what the clip leaves of it, and the red rings "
            "its center of mass: the position of an image on the map."
        )
        playground("playground")
    with of_run:
        _layer(run)
    with numbers:
        _spectra()
    with fields:
        _receptive_fields()


def _layer(run: EmbeddingRun) -> None:
    """Show the kernel layer of a run: where its inputs lie, its weights, and what it takes to store them."""
    layer = network_of(run).kernel_layer
    n_in, n_out = len(layer.u), len(layer.v)
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("Where the features lie", anchor=False)
        u, alpha = layer.u.numpy(), layer.alpha.numpy()
        st.plotly_chart(locations_figure(u, alpha, run.extent), key="locations", config=NO_MODE_BAR, alt="Locations")
        outside = float((np.abs(u) > run.extent).any(1).mean())
        st.caption(
            f"The {n_in:,} inputs of the kernel layer at their learned locations u: the size shows |α|, the colour "
            f"the sign of α. The frame is the grid of units; {percent(outside)} of the inputs lie outside it."
        )
    with right:
        st.header("The weights", anchor=False)
        st.image(
            _weights_picture(run),
            caption=f"α K(u, v): {n_in:,} inputs down, by the angle of u; {n_out:,} units across",
            alt="The weights of the kernel layer",
        )
        values = _singular_values(run.name, run.weights_sha256, run)
        rank = effective_rank(values)
        st.plotly_chart(values_figure(values, rank), key="values", config=NO_MODE_BAR, alt="Singular values")
        st.caption(
            f"Singular values of the weight matrix: {rank} of {len(values):,} hold 99 % of the sum of their squares. "
            "Two dimensions and a wide kernel limit the rank, and make the layer a map."
        )
    _storage(n_in, n_out)
    _support(run)


def _storage(n_in: int, n_out: int) -> None:
    st.header("What it takes to store", anchor=False)
    choice, shown = st.columns([1, 2], gap="medium", vertical_alignment="center")
    dim = choice.slider("Dimension d of the locations", 1, 100, 2, key="dim")
    own, dense = stored(n_in, n_out, dim)
    choice.metric("Locations, d (m + n)", f"{own:,}")
    choice.metric("Dense layer, m n", f"{dense:,}")
    shown.plotly_chart(stored_figure(n_in, n_out, dim), key="stored", config=NO_MODE_BAR, alt="Numbers stored over d")
    st.caption(
        "Locations need fewer numbers than a dense layer while d is below m n / (m + n) = "
        f"{break_even(n_in, n_out):.0f}."
    )


def _support(run: EmbeddingRun) -> None:
    """Show how many weights of this layer a kernel of finite support leaves."""
    st.header("With a kernel of finite support", anchor=False)
    scale = st.slider("a in max(0, 1 − a |u − v|²)", 0.01, 4.0, 0.25, key="support")
    layer = network_of(run).kernel_layer
    density = float((FiniteSupport(scale)(layer.u, layer.v) > 0).float().mean())
    st.caption(
        f"At these locations, {percent(density, 1)} of the weights differ from 0: a kernel of finite support makes "
        "a sparse layer (section 3.5)."
    )


def _weights_picture(run: EmbeddingRun) -> np.ndarray:
    """The weight matrix in grey, 0 in the middle: some of its rows and columns, sorted by the angle of u."""
    layer = network_of(run).kernel_layer
    weight = layer.weight().numpy()[np.argsort(np.arctan2(*layer.u.numpy().T[::-1]))]
    every = max(1, -(-max(weight.shape) // MAX_WEIGHTS_SIDE))
    weight = weight[::every, ::every]
    return signed(weight, float(np.percentile(np.abs(weight), 99.5)))


def _receptive_fields() -> None:
    """Show the receptive fields of a unit in the first layer of the network of kernel grids (Figure 4)."""
    if GRIDS not in run_names():
        st.info("A network of kernel grids has not been trained yet. The command:", icon=":material/terminal:")
        st.code(f"kernelviz train {GRIDS}", language="bash")
        return
    grids = network_of(load_run(GRIDS)).stages[0]
    side = grids.sides[1]
    left, right = st.columns(2)
    x = left.slider("Unit, across", 1, side, side // 2, key="unit-x")
    y = right.slider("Unit, down", 1, side, side // 2, key="unit-y")
    images = fields_at(grids, (y - 1) * side + x - 1)
    fields = [f"Receptive field on map {at + 1}" for at in range(len(images))]
    st.image([enlarged(image) for image in images], width=84, alt=fields)
    st.caption(
        f"What this unit of each of the {len(images)} maps of {GRIDS} receives from every pixel, "
        "α K(u, v): light weights are positive, dark ones negative."
    )


@st.cache_data(max_entries=8, show_spinner="Singular values …")
def _singular_values(name: str, sha256: str, _run: EmbeddingRun) -> np.ndarray:
    return singular_values(network_of(_run).kernel_layer)


def _spectra() -> None:
    """Show the eigenvalues of Gram matrices: which kernels have a feature space, and of how many dimensions."""
    controls = st.columns([1, 1, 2])
    dim = controls[0].slider("Dimension d", 1, 50, 2, key="gram-dim")
    spread = controls[1].slider("Spread of the locations", 0.2, 3.0, 1.0, key="gram-spread")
    locations = spread * torch.randn(N_LOCATIONS, dim, generator=torch.Generator().manual_seed(0))
    spectra = {NAMES[name]: gram_spectrum(kernel(), locations) for name, kernel in KERNELS.items()}
    values = {name: spectrum.values for name, spectrum in spectra.items()}
    st.plotly_chart(spectra_figure(values), key="spectra", config=NO_MODE_BAR, alt="Spectra of the Gram matrices")
    st.caption(
        f"Eigenvalues of K(u, u) at {N_LOCATIONS} random locations, each divided by the largest eigenvalue of its "
        "kernel."
    )
    spaces = {
        "dot_product": f"d* = {dim}",
        "polynomial": f"d* = {(dim + 1) * (dim + 2) // 2}",
        "gaussian": "infinite",
    }
    for name, kernel in NAMES.items():
        space = f" The dimension of its feature space is {spaces[name]}." if name in spaces else ""
        st.markdown(f"**{kernel}**: {_meaning(spectra[kernel])}{space}")


def _meaning(spectrum: Spectrum) -> str:
    if not spectrum.positive_semidefinite:
        return (
            f"the smallest eigenvalue is {spectrum.values[-1]:.2g}, so no feature map φ has "
            "K(u, v) = ⟨φ(u), φ(v)⟩ (Eq. 2). The kernel gives weights, but no inner product."
        )
    return f"no eigenvalue is negative, and {spectrum.dimensions} of {N_LOCATIONS} are above 10⁻¹² of the largest."
