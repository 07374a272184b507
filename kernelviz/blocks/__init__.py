"""Sources of any size embedded in blocks: a stopped pass goes on where it was, and many machines share the blocks.

addresses -> `cutting`: the blocks, in a fixed order -> `placing` on an engine -> `output`: a Parquet part for each
"""
