"""Trainings as jobs: which wait, which run, and the processes that do them. The folder of a job says all about it.

<folder>/training.json   what is trained (`training.plan`)
<folder>/waiting         it is to be trained; it stays until the training has ended, so that a reboot loses no job
<folder>/progress.json   how far it is (`training.standing`), with checkpoint.safetensors and history.json
<folder>/asked           what is asked of it
<folder>/failed          what a training that failed said last
<folder>/training.log    all that it said
"""
