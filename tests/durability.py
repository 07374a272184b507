"""Kills trainings, and whatever else writes runs, with SIGKILL, and looks at what is left. Run by hand:

    python tests/durability.py --kills 20     at random moments
    python tests/durability.py --writes 1     before each change of a file, and in the middle of each that is written

`--writes 5` takes every fifth of them. Each row of the table is a kill: what it hit, what was found then, and how it
ended. After each, `kernelviz runs` and `jobs` must work, nothing half may be listed, the next start must leave no
temporary file, and a training must go on to bitwise the weights of one that nobody killed.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: the number of threads changes the order of sums

import argparse
import contextlib
import functools
import hashlib
import io
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from corpus import GOOD

from kernelviz.cli.main import main as command_line
from kernelviz.data.images import load
from kernelviz.disk import SCRATCH, data_folder, is_held, runs_folder
from kernelviz.jobs import queue, workers
from kernelviz.jobs.folder import State, job_of, jobs
from kernelviz.library import bin
from kernelviz.library.cleaning import clean
from kernelviz.library.handing_on import export_run
from kernelviz.library.importing import import_run
from kernelviz.library.names import rename
from kernelviz.library.notes import read_notes, write_notes
from kernelviz.storage.store import load_run, readable_runs, run_lock, run_names
from kernelviz.storage.weights import load_network
from kernelviz.tasks import embedding  # noqa: F401  so that no child has to import it, which takes seconds
from kernelviz.tasks.recipes import RECIPES
from kernelviz.training import files, session  # noqa: F401
from kernelviz.training.files import is_begun
from kernelviz.training.standing import load_standing
from kernelviz.ui.train.uploaded_data import store

NAME, FINISHED, OTHER = "killed", "finished", "other"
SMALL = {"encoder": (64, 64), "decoder": (64,), "grid": (20, 20)}
RECIPES["short"] = replace(RECIPES["digits-autoencoder"], epochs=3, network=SMALL)
TRAIN = ("train", "digits-autoencoder", "--epochs", "3", "--name")
TRAIN_SHORT = ("train", "short", "--name")
LEFT = (".partial", files.CANCELLED)
LOG = "training.log"


@dataclass(frozen=True)
class Whole:
    """The run of a training that nobody killed: its hash, the names of its files, and how often its folder changed."""

    sha256: str
    names: frozenset[str]
    changes: int


def child(act: Callable[[], object]) -> int:
    """Do something in a process of its own, whose output goes to a file; returns its number."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        out = os.open(runs_folder().parent / "output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1), os.dup2(out, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        act()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}")
    sys.stdout.flush(), sys.stderr.flush()
    os._exit(code)


def output() -> str:
    return (runs_folder().parent / "output").read_text(encoding="utf-8", errors="replace")


def code_of(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def done(act: Callable[[], object]) -> str:
    """Do something in a process of its own to its end; returns what it said."""
    assert (code := code_of(child(act))) == 0, f"it ended with {code}: {output()[-600:]}"
    return output()


def said(*words: str) -> Callable[[], None]:
    """A command of kernelviz."""

    def act() -> None:
        sys.argv = ["kernelviz", *words]
        command_line()

    return act


def finished(name: str, words: tuple[str, ...]) -> Whole:
    """Train a run that nobody kills."""
    pid = child(said(*words, name))
    changes = seen(name, pid)
    assert (code := code_of(pid)) == 0, f"it ended with {code}: {output()[-600:]}"
    return Whole(sha256_of(name), frozenset(path.name for path in (runs_folder() / name).iterdir()), changes)


def seen(name: str, pid: int, most: float = float("inf")) -> int:
    """Look on until a process has ended, or a training's folder has changed so often; returns how often it has."""
    count, before = 0, None
    while count < most and not is_gone(pid):
        now = set()
        with contextlib.suppress(OSError):
            now = {(one.name, one.stat().st_mtime_ns) for one in os.scandir(runs_folder() / name)}
        count += now != before
        before = now
        time.sleep(0.001)
    return count


def is_gone(pid: int) -> bool:
    """Whether a process has ended, its own child that waits for `code_of` included."""
    with contextlib.suppress(ChildProcessError):
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def kill(pid: int) -> None:
    """Kill a process, and wait until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    while not is_gone(pid):
        time.sleep(0.001)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def kill_at(share: float, whole: Whole, pid: int) -> None:
    """Kill the process of a training after a share of the changes of its folder, and up to half a second."""
    seen(NAME, pid, share * whole.changes)
    time.sleep(random.random() / 2)
    kill(pid)


def sha256_of(name: str) -> str:
    return hashlib.sha256((runs_folder() / name / "weights.safetensors").read_bytes()).hexdigest()


def found(name: str = NAME) -> str:
    """What a training has on disk."""
    folder = runs_folder() / name
    if not folder.exists() or not any(folder.iterdir()):
        return "nothing" if not folder.exists() else "an empty folder"
    half = [f"half a {path.name.removesuffix('.partial')}" for path in folder.glob("*.partial")]
    at = load_standing(folder)
    stage = f"stage {at.stage} {100 * at.share:.0f} %" if at else "before any stage"
    has = "a run" if (folder / "run.json").exists() else "a checkpoint" if is_begun(folder) else "no checkpoint"
    return ", ".join([has, *([] if has == "a run" else [stage]), *half])


def next_start() -> None:
    """What was left is an hour old when kernelviz is started again: then it is gone."""
    for folder in (runs_folder(), data_folder()):
        for path in folder.rglob("*"):
            with contextlib.suppress(OSError):
                os.utime(path, (time.time() - 3600,) * 2)
    clean()
    folder = runs_folder()
    left = [path for path in folder.rglob("*") if path.name.endswith(LEFT)]
    left += [*folder.glob(".import-*"), *folder.glob(".bin/.gone-*"), *data_folder().glob(f"{SCRATCH}*")]
    left += [path / name for path in folder.glob("*") if (path / "run.json").exists() for name in files.OF_A_TRAINING]
    left = [path for path in left if path.exists()]
    assert not left, f"left after the next start: {left}"


def look() -> None:
    """`kernelviz runs` and `jobs` work, and every run that is listed is whole."""
    told = json.loads(done(said("runs", "--json")))
    assert not told["broken"], told["broken"]
    own = {one["name"] for one in told["runs"] if Path(one["folder"]).parent == runs_folder()}
    for run in (load_run(name) for name in own):
        load_network(run)  # checks the hash, too
        assert run.kind != "embedding" or (run.folder / "map.parquet").is_file(), run.name
    listed = json.loads(done(said("jobs", "--json")))["jobs"]
    assert not own & {job["name"] for job in listed}


def check_training(whole: Whole, words: tuple[str, ...], again: Callable[[], None] | None = None) -> str:
    """Look at a training that was killed, and go on with it, to the same weights; returns how it ended."""
    look()
    next_start()
    if NAME in run_names():
        outcome = "a whole run"
    elif any(job.name == NAME for job in jobs()):
        begun = is_begun(runs_folder() / NAME)
        again() if again else done(said("resume", NAME))
        outcome = "resumed from its checkpoint" if begun else "begun again by `resume`"
    else:
        assert not (runs_folder() / NAME).exists(), f"a folder without a job: {[*(runs_folder() / NAME).iterdir()]}"
        done(said(*words, NAME))
        outcome = "untouched"
    assert sha256_of(NAME) == whole.sha256, "other weights than those of the training that was not killed"
    names = {path.name for path in (runs_folder() / NAME).iterdir()} - {LOG}
    assert names == whole.names, f"other files: {names ^ whole.names}"
    look()
    return f"{outcome}: the same weights"


# At random moments -------------------------------------------------------------------------------------------------


def kill_train(share: float, whole: Whole) -> tuple[str, str]:
    """Kill `kernelviz train`."""
    kill_at(share, whole, child(said(*TRAIN, NAME)))
    return found(), check_training(whole, TRAIN)


def kill_resume(share: float, whole: Whole) -> tuple[str, str]:
    """Kill a training, and kill it again as it goes on."""
    pid = child(said(*TRAIN, NAME))
    while not is_begun(runs_folder() / NAME):
        time.sleep(0.01)
    kill(pid)
    kill_at(share * 2 / 3, whole, child(said("resume", NAME)))
    return found(), check_training(whole, TRAIN)


def kill_job(share: float, whole: Whole, training: bool, worker: bool) -> tuple[str, str]:
    """Kill a training that is a job, its worker, or both."""
    queue.put(NAME, replace(RECIPES["digits-autoencoder"], epochs=3).plan(0, " ".join(["kernelviz", *TRAIN, NAME])))
    process = subprocess.Popen([sys.executable, "-m", "kernelviz.jobs", "0", "1"], start_new_session=True)
    while not is_held(run_lock(NAME)):
        assert process.poll() is None, job_of(NAME).log
        time.sleep(0.02)
    (below,) = children(process.pid)
    seen(NAME, below, share * whole.changes)
    time.sleep(random.random() / 2)
    for pid in [process.pid] * worker + [below] * training:
        kill(pid)
    process.wait()
    hit = found()
    while not training and is_held(run_lock(NAME)):  # it goes on without its worker
        time.sleep(0.05)
    state = next((job.state for job in jobs() if job.name == NAME), None)
    wanted = {(True, True): State.waiting, (True, False): State.failed}.get((training, worker))
    assert state in (wanted, None), f"the job is {state}, not {wanted}"
    again = (lambda: done(lambda: workers.work(0, 1))) if state == State.waiting else None
    return hit, check_training(whole, TRAIN, again)


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if int(line.split()[1]) == pid]


OF_TRAININGS = {
    "kernelviz train": kill_train,
    "a job and its worker": functools.partial(kill_job, training=True, worker=True),
    "kernelviz resume": kill_resume,
    "a job": functools.partial(kill_job, training=True, worker=False),
    "kernelviz train ": kill_train,
    "the worker of a job": functools.partial(kill_job, training=False, worker=True),
}


def random_kills(n: int, seed: int) -> int:
    """Kill at n random moments; returns how many ended badly."""
    rng = random.Random(seed)
    random.seed(seed)
    whole, short = finished("whole", TRAIN), finished(FINISHED, TRAIN_SHORT)
    prepare()
    of_runs = [name for name in ACTS if name not in ("train", "resume")]
    n_runs = n * 2 // 5
    moments = [(list(OF_TRAININGS)[i % len(OF_TRAININGS)], i) for i in range(n - n_runs)]
    moments += [(rng.choice(of_runs) if i >= len(of_runs) else of_runs[i], i) for i in range(n_runs)]
    bad = 0
    for name, at in moments:
        with kept():
            if name in OF_TRAININGS:
                share = ((at * 5) % (n - n_runs) + rng.random()) / (n - n_runs)  # spread over its whole life
                strike = functools.partial(OF_TRAININGS[name], share, whole)
            else:
                share = rng.random()
                strike = functools.partial(kill_act, ACTS[name], share, short)
            bad += row(f"{name}, after {100 * share:.0f} %", strike)
    return bad


def kill_act(act: "Act", share: float, whole: Whole) -> tuple[str, str]:
    """Kill what is done with a run, after a share of the time that it takes."""
    pid = begun(act)
    started = time.monotonic()
    code_of(pid)
    seconds = time.monotonic() - started
    with kept():
        pid = begun(act)
        time.sleep(share * seconds)
        kill(pid)
        return f"{1000 * share * seconds:.0f} of {1000 * seconds:.0f} ms", act.check(whole)


def begun(act: "Act") -> int:
    """Begin to do something in a process of its own; returns its number when it has begun."""
    act.before()
    ready, write = os.pipe()
    pid = child(lambda: (os.write(write, b"!"), act.do()))
    os.read(ready, 1)
    os.close(ready), os.close(write)
    return pid


# At every write ----------------------------------------------------------------------------------------------------

CHANGES = ("replace", "rename", "unlink", "rmdir", "mkdir")


def killing(n: int, torn: bool) -> None:
    """Have this process killed just before its n-th change of a file; if torn, with half a file in place of a new one.

    With 0 it lives, and says what it changes.
    """
    count = 0

    def wrapped(name: str, original: Callable) -> Callable:
        def call(path: os.PathLike, *rest, **options) -> object:
            nonlocal count
            to = Path(rest[0]) if name in ("replace", "rename") else Path(path)
            if counts(name, Path(path), to, bool(options.get("dir_fd"))):
                count += 1
                if not n:
                    print(f"@{name} {to.name}")
                elif count == n:
                    if torn:
                        os.truncate(path, Path(path).stat().st_size // 2)
                    os.kill(os.getpid(), signal.SIGKILL)
            return original(path, *rest, **options)

        return call

    for name in CHANGES:
        setattr(os, name, wrapped(name, getattr(os, name)))


def counts(change: str, path: Path, to: Path, below: bool) -> bool:
    """Whether a change is one of those that are counted: not of locks and of the standing, which is written by time."""
    base = str(runs_folder().parent)
    if not below and (not str(path).startswith(base) or not os.path.lexists(path) and change != "mkdir"):
        return False
    of_no_matter = ".locks" in path.parts or to.name == "progress.json" and change == "replace"
    return not of_no_matter and not (change == "mkdir" and path.exists()) and not path.name.endswith("unlink.partial")


def writes(every: int, only: list[str]) -> int:
    """Kill at every so many of the writes of everything that writes; returns how many ended badly."""
    whole = finished(FINISHED, TRAIN_SHORT)
    prepare()
    bad = number = 0
    for name, act in ((name, ACTS[name]) for name in only):
        with kept():
            act.before()
            told = done(lambda act=act: (killing(0, False), act.do()))
        points = [line[1:] for line in told.splitlines() if line.startswith("@")]
        assert points, f"{name} changes nothing"
        for n, point in enumerate(points, 1):
            for torn in (False, True) if point.startswith("replace") else (False,):
                number += 1
                if number % every == 0:
                    with kept():
                        strike = functools.partial(kill_write, act, n, torn, whole)
                        bad += row(f"{name}: {'in' if torn else 'before'} {point}", strike)
    return bad


def kill_write(act: "Act", n: int, torn: bool, whole: Whole) -> tuple[str, str]:
    act.before()
    code = code_of(child(lambda: (killing(n, torn), act.do())))
    if code == 0:  # a frame of the film less, which is taken by time
        return "", "not reached: there were fewer changes than before"
    assert code == -signal.SIGKILL, f"it ended with {code}: {output()[-600:]}"
    return found() if act.trains else "", act.check(whole)


# What writes runs, and what must be found when it was killed -------------------------------------------------------


@dataclass(frozen=True)
class Act:
    """Something that writes runs: what is there before, what it does, and what must be found; `check` says which."""

    before: Callable[[], object]
    do: Callable[[], object]
    check: Callable[[Whole], str]
    trains: bool = False


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def backup(name: str) -> Path:
    """Copies of what the acts work on, which the acts do not see."""
    return runs_folder().parent / "backup" / name


def prepare() -> None:
    """Make a stopped training, a run with selections and notes, and its file."""
    shutil.copytree(runs_folder() / FINISHED, backup(FINISHED))
    export_run(load_run(FINISHED), backup("file"))
    pid = child(said(*TRAIN_SHORT, "stopped"))
    while not is_begun(runs_folder() / "stopped"):
        time.sleep(0.005)
    kill(pid)
    shutil.move(runs_folder() / "stopped", backup("stopped"))
    shutil.rmtree(runs_folder() / FINISHED)


@contextlib.contextmanager
def kept():
    """Begin with the finished run alone, and one selection of it."""
    for folder in (runs_folder(), data_folder()):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    shutil.copytree(backup(FINISHED), runs_folder() / FINISHED)
    selections(FINISHED).mkdir(parents=True)
    weights = load_run(FINISHED).weights_sha256
    (selections(FINISHED) / "mine.json").write_text(json.dumps({"weights": weights}))
    (exported()).unlink(missing_ok=True)
    exported().with_name(exported().name + ".partial").unlink(missing_ok=True)
    yield


def selections(name: str) -> Path:
    return data_folder() / "selections" / name


def exported() -> Path:
    return runs_folder().parent / "out.kernelviz"


def stopped() -> None:
    shutil.copytree(backup("stopped"), runs_folder() / NAME)


def is_whole(name: str) -> None:
    """A run has all that it had."""
    assert contents(runs_folder() / name) == contents(backup(FINISHED)), f"{name} is another"


def check_rename(_: Whole) -> str:
    look()
    (name,) = {FINISHED, OTHER} & set(run_names())
    is_whole(name)
    assert (selections(name) / "mine.json").is_file(), "its selection is lost"
    next_start()
    return "untouched" if name == FINISHED else "renamed, with its selection"


def check_delete(_: Whole) -> str:
    look()
    there = FINISHED in run_names()
    if not there:
        bin.restore(FINISHED)
    is_whole(FINISHED)
    next_start()
    return "untouched" if there else "in the bin, and restored"


def check_restore(whole: Whole) -> str:
    return check_delete(whole).replace("untouched", "restored").replace("in the bin, and restored", "untouched")


def check_emptied(_: Whole) -> str:
    look()
    next_start()
    n = len(bin.deleted_runs())
    if n:
        bin.restore(FINISHED)
        is_whole(FINISHED)
    return "untouched" if n else "removed for good"


def check_import(_: Whole) -> str:
    look()
    there = OTHER in run_names()
    next_start()
    if not there:
        assert not (runs_folder() / OTHER).exists()
        import_run(backup("file.kernelviz"), OTHER)
    assert load_run(OTHER).weights_sha256 == load_run(FINISHED).weights_sha256
    look()
    return "a whole run" if there else "untouched: imported again"


def check_export(_: Whole) -> str:
    look()
    next_start()
    there = exported().exists()
    if not there:
        export_run(load_run(FINISHED), exported())
    import_run(exported(), OTHER)
    left = [path.name for path in runs_folder().parent.glob("*.partial")]
    assert not left, f"left by the next export: {left}"
    return "a whole file" if there else "no file: exported again"


def store_pictures() -> Path:
    """Store pictures to train on, as the page Train does with what is uploaded."""
    return store([(f"{at}.png", io.BytesIO(GOOD)) for at in range(200)], lambda *_: None)[0]


def check_stored(_: Whole) -> str:
    look()
    next_start()
    there = [*data_folder().glob("uploads/*/*.zip")]
    assert store_pictures() in (there or [store_pictures()]), "stored under another name"
    return "stored" if there else "nothing: stored again"


def check_note(_: Whole) -> str:
    look()
    next_start()
    note = read_notes(runs_folder() / FINISHED).note
    assert note in ("", "a note")
    return "written" if note else "untouched"


def check_cancelled(whole: Whole) -> str:
    if any(job.name == NAME for job in jobs()):
        return check_training(whole, TRAIN_SHORT)
    look()
    next_start()
    assert not (runs_folder() / NAME).exists()
    return "cancelled"


def check_again(_: Whole) -> str:
    """The training is there with one of the two settings, and goes on."""
    look()
    next_start()
    plan = job_of(NAME).plan
    done(said("resume", NAME))
    assert load_run(NAME).seed == plan.seed
    return f"{'as wanted' if plan.seed else 'as it was'}: trained"


def other_settings() -> None:
    queue.go_on(NAME, replace(job_of(NAME).plan, seed=1))


def train_acts() -> dict[str, Act]:
    check = functools.partial(check_training, words=TRAIN_SHORT)
    plan = RECIPES["short"].plan(0, "kernelviz train short")
    return {
        "train": Act(lambda: None, said(*TRAIN_SHORT, NAME), check, trains=True),
        "resume": Act(stopped, said("resume", NAME), check, trains=True),
        "into the queue": Act(lambda: None, lambda: queue.put(NAME, plan), check, trains=True),
        "cancel": Act(stopped, lambda: queue.cancel(NAME), check_cancelled),
        "other settings": Act(stopped, other_settings, check_again),
    }


ACTS = {
    **train_acts(),
    "rename": Act(lambda: None, lambda: rename(FINISHED, OTHER), check_rename),
    "delete": Act(lambda: None, lambda: bin.delete(FINISHED), check_delete),
    "import": Act(lambda: None, lambda: import_run(backup("file.kernelviz"), OTHER), check_import),
    "export": Act(lambda: None, lambda: export_run(load_run(FINISHED), exported()), check_export),
    "store pictures": Act(lambda: None, store_pictures, check_stored),
    "restore": Act(lambda: bin.delete(FINISHED), lambda: bin.restore(FINISHED), check_restore),
    "empty the bin": Act(lambda: bin.delete(FINISHED), bin.empty_bin, check_emptied),
    "note": Act(lambda: None, lambda: write_notes(FINISHED, (), "a note"), check_note),
}


# -------------------------------------------------------------------------------------------------------------------


def row(moment: str, strike: Callable[[], tuple[str, str]]) -> int:
    """Kill, and print a row of the table; returns 1 if it ended badly."""
    try:
        hit, outcome = strike()
        bad = 0
    except Exception as error:
        hit, outcome, bad = found(), f"BAD: {type(error).__name__}: {error}", 1
    print(f"{moment:45} | {hit:60} | {outcome}", flush=True)
    return bad


def main() -> None:
    """Kill, and end with 1 if anything ended badly."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=0, help="at so many random moments")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--writes", type=int, default=0, help="at each N-th of all changes of files")
    parser.add_argument("--only", action="append", choices=ACTS, help="of this alone; give it again for more")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"KERNELVIZ_RUNS": f"{folder}/runs", "KERNELVIZ_DATA": f"{folder}/data"}
        queue.start = lambda: None
        backup("").mkdir()
        load("digits"), readable_runs()  # the children find what that imports
        bad = random_kills(given.kills, given.seed) if given.kills else 0
        if given.kills and given.writes:
            for one in Path(folder).iterdir():
                shutil.rmtree(one, ignore_errors=True)
            backup("").mkdir()
        bad += writes(given.writes, given.only or list(ACTS)) if given.writes else 0
    print(f"{bad} ended badly")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
