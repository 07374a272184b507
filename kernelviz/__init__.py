"""kernelviz: maps of images made by networks with a 2-D kernel layer; any position of a map decodes into an image.

The system of L. K. Muller, J. N. P. Martel, G. Indiveri, *Kernelized Synaptic Weight Matrices*, ICML 2018.

| paper           | code                               | meaning                                             |
|-----------------|------------------------------------|-----------------------------------------------------|
| u_i, v_j        | KernelLinear.u, KernelLinear.v     | location of input unit i, of output unit j          |
| alpha_i         | KernelLinear.alpha                 | scalar weight of input i                            |
| K(u, v)         | kernels.Gaussian(...)(u, v)        | kernel; its matrix is [n_in, n_out]                 |
| W = alpha K     | KernelLinear.weight()              | the kernelized synaptic weight matrix (Eq. 1)       |
| D(u, v)         | kernels.squared_distance           | squared distance of the radial kernels (Eq. 5)      |
| lambda          | PercentileClip.sparsity            | sparsity of the clip (Eq. 9)                        |
| c               | center_of_mass                     | the coordinates of an image on the map (Eq. 10)     |
| R, lambda_0     | GatedLinear.penalty(sparsity=...)  | overlap cost (Eq. 8)                                |

Names are imported when they are first used: `import kernelviz` needs no torch.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["layers", "networks"],
    submod_attrs={
        "api": [
            "Embedding",
            "LoadedMap",
            "LoadedRecommender",
            "LoadedRun",
            "import_run",
            "load",
            "map",
            "runs",
            "train",
        ],
        "errors": ["UserError"],
        "layers": ["GatedLinear", "Grid", "KernelLinear", "PercentileClip", "center_of_mass", "kernels"],
    },
)
