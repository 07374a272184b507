"""Runs from Python: load or train one, embed images, decode coordinates, plot the map.

>>> import kernelviz
>>> run = kernelviz.load("digits-neighbours")
>>> images = run.decode([[0.0, 0.0], [2.0, -1.0]])
>>> images.shape
(2, 8, 8)
>>> run.embed(images).coordinates.shape
(2, 2)
"""

from kernelviz.api.functions import import_run as import_run
from kernelviz.api.functions import load as load
from kernelviz.api.functions import map as map
from kernelviz.api.functions import runs as runs
from kernelviz.api.functions import train as train
from kernelviz.api.loaded_map import Embedding as Embedding
from kernelviz.api.loaded_map import LoadedMap as LoadedMap
from kernelviz.api.loaded_recommender import LoadedRecommender as LoadedRecommender
from kernelviz.api.loaded_run import LoadedRun as LoadedRun
