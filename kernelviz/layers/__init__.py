"""The mathematics of the paper as torch modules: kernels, layers, clip, grid and probe.

Each module can be used alone, in any other network.
"""

from kernelviz.layers import kernels as kernels
from kernelviz.layers.clip import PercentileClip as PercentileClip
from kernelviz.layers.clip import center_of_mass as center_of_mass
from kernelviz.layers.gated_linear import GatedLinear as GatedLinear
from kernelviz.layers.grid import Grid as Grid
from kernelviz.layers.kernel_linear import KernelLinear as KernelLinear
