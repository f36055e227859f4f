# Finds a Python, makes a virtual environment and installs liveengine into it; sourced by play and test.
# shellcheck shell=bash
#
# Written for bash 3.2, which macOS has. The sourcing script sets nothing; it gets:
#   ROOT          the repository, as an absolute path
#   TORCH         the version of torch
#   prepare FOLDER EXTRA [PACKAGE ...]
#                 leaves a complete environment in $ROOT/FOLDER and its Python in $VENV_PYTHON.
#                 EXTRA is "" or an extra of pyproject.toml with its brackets.
# LIVEENGINE_PYTHON, where set, names the Python to use.

ROOT=$(CDPATH='' cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
TORCH=2.13.0
TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
STAMP_NAME=liveengine.stamp

# What Python compiles is kept in the environment: without it every start compiles torch anew, which takes 4 s.
unset PYTHONDONTWRITEBYTECODE

LOG=""
trap 'rm -f "$LOG"; exit 130' INT
trap 'rm -f "$LOG"; exit 143' TERM

say() {
    printf 'liveengine: %s\n' "$*" >&2
}

fail() {
    say "$@"
    exit 2
}

# Prints a Python's "major minor", or nothing where the command does not run (a shim, a stub, a dead link).
version_of() {
    "$1" -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null || true
}

# Sets PYTHON to the first command that runs a Python that liveengine runs on.
find_python() {
    local name version=""
    PYTHON=""
    for name in ${LIVEENGINE_PYTHON:+"$LIVEENGINE_PYTHON"} python3.12 python3.11 python3.13 python3.14 python3 python; do
        version=$(version_of "$name")
        case $version in
            "3 1"[1-4])
                PYTHON=$name
                break
                ;;
        esac
        # A Python that was asked for by name is taken or refused, never passed over.
        if [ -n "${LIVEENGINE_PYTHON:-}" ]; then break; fi
    done
    if [ -z "$PYTHON" ]; then
        if [ -n "${LIVEENGINE_PYTHON:-}" ]; then
            fail "expected LIVEENGINE_PYTHON to be a Python 3.11 to 3.14, got $LIVEENGINE_PYTHON (${version:-it does not run})"
        fi
        say "found no Python 3.11 to 3.14. Install one:"
        say "  Debian, Ubuntu: sudo apt install python3 python3-venv"
        say "  macOS:          brew install python@3.13, or the installer of python.org"
        exit 2
    fi
    check_machine
}

# torch has no builds for Intel Macs; a Python under Rosetta looks like one.
check_machine() {
    if [ "$(uname -s)" = Darwin ] && [ "$("$PYTHON" -c 'import platform; print(platform.machine())')" = x86_64 ]; then
        fail "torch $TORCH has no build for Intel Macs, and $PYTHON is an Intel Python; take an arm64 Python on Apple silicon"
    fi
}

# Tells Debian's split Python apart from a whole one; as root it fetches the missing half itself.
check_venv_module() {
    local package
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && return
    package=$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing $package by apt"
        quietly apt-get update -q
        quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$package"
        "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && return
    fi
    fail "$PYTHON has no venv module; install it with: sudo apt install $package"
}

# Runs a command and shows what it printed only if it failed.
attempt() {
    local status=0
    LOG=$(mktemp "${TMPDIR:-/tmp}/liveengine.XXXXXX")
    "$@" >"$LOG" 2>&1 || status=$?
    [ "$status" = 0 ] || cat "$LOG" >&2
    rm -f "$LOG"
    return "$status"
}

# The same, and the script ends if it failed.
quietly() {
    local status=0
    attempt "$@" || status=$?
    [ "$status" = 0 ] && return
    say "this failed (status $status): $*"
    say "what was installed so far is kept; start again to go on from there"
    exit 1
}

# pip_install attempt|quietly ARGUMENT ...: leaves compiling to the first import, which halves the time it takes.
pip_install() {
    local how=$1
    shift
    "$how" "$VENV_PYTHON" -m pip --disable-pip-version-check --no-input install --no-compile --quiet "$@"
}

# True if the user has said where packages come from; then no other source is brought in.
has_own_sources() {
    local settings
    # Read to the end first: under pipefail, grep -q leaving early would count as a failure of pip.
    settings=$("$VENV_PYTHON" -m pip --disable-pip-version-check config list 2>/dev/null) || return 1
    printf '%s\n' "$settings" | grep -E '\.(index-url|extra-index-url|find-links|no-index)=' >/dev/null
}

install_torch() {
    if has_own_sources; then
        say "installing torch $TORCH from the package sources of your pip settings"
    elif [ "$(uname -s)" != Linux ]; then
        say "installing torch $TORCH"
    elif command -v nvidia-smi >/dev/null && nvidia-smi >/dev/null 2>&1; then
        say "installing torch $TORCH for CUDA (some 3 GB, an NVIDIA GPU is here)"
    else
        say "installing torch $TORCH for the CPU (some 200 MB)"
        # Its dependencies come with the package, from the usual index and pinned.
        pip_install attempt --no-deps --index-url "$TORCH_CPU_INDEX" "torch==$TORCH" && return
        say "$TORCH_CPU_INDEX gave no torch; installing the build of the usual index (some 3 GB)"
    fi
    pip_install quietly -c tools/constraints.txt "torch==$TORCH"
}

# Prints a hash of all that decides what belongs in the environment: pins, Python, place, and the request.
wanted_stamp() {
    "$VENV_PYTHON" - "$ROOT" "$@" <<'PYTHON'
import hashlib, platform, sys
from pathlib import Path

root = Path(sys.argv[1])
digest = hashlib.sha256(repr((sys.version_info[:2], platform.machine(), sys.argv[1:])).encode())
for name in ("pyproject.toml", "tools/constraints.txt", "tools/locked.txt", "tools/locked-dev.txt"):
    digest.update((root / name).read_bytes())
print(digest.hexdigest())
PYTHON
}

# True if the folder holds an environment that runs, has pip, was made at this place, and for the Python asked for.
is_sound() {
    [ -x "$VENV_PYTHON" ] && [ -f "$1/bin/pip" ] &&
        grep -qF "$1/bin/python" "$1/bin/pip" &&
        "$VENV_PYTHON" -c 'import pip' 2>/dev/null &&
        { [ -z "${LIVEENGINE_PYTHON:-}" ] || [ "$(version_of "$LIVEENGINE_PYTHON")" = "$(version_of "$VENV_PYTHON")" ]; }
}

LINK_LIBJACK='from liveengine.midi.rtmidi2_binding import use_system_libjack
use_system_libjack()'

WARM_UP='from liveengine.generation.worker import warm_up
from liveengine.config.settings import default_checkpoint
warm_up(default_checkpoint())'

prepare() {
    local venv=$ROOT/$1 extra=$2 stamp locked
    shift 2
    VENV_PYTHON=$venv/bin/python
    stamp=$venv/$STAMP_NAME
    if is_sound "$venv" && [ -f "$stamp" ] &&
        [ "$(cat "$stamp")" = "$(wanted_stamp "$venv" "$extra" "$@")" ]; then
        return
    fi
    if ! is_sound "$venv"; then
        find_python
        check_venv_module
        [ ! -e "$venv" ] || say "${venv##*/} is incomplete, was moved, or is for another Python; making it anew"
        say "making ${venv##*/} with Python $("$PYTHON" -c 'import platform; print(platform.python_version())')"
        quietly "$PYTHON" -m venv --clear "$venv"
    fi
    rm -f "$stamp"
    # Relative paths, since pip splits PIP_CONSTRAINT at spaces. The two variables pin what builds the
    # package too: the first for pip up to 25.2, the second for later ones.
    pushd "$ROOT" >/dev/null || exit 1
    install_torch
    say "installing liveengine and what it needs"
    # By hash, so that nothing but what was locked gets in (tools/lock). Not torch: it is here, from whatever index.
    locked=tools/locked.txt
    [ "$extra" != "[dev]" ] || locked=tools/locked-dev.txt
    PIP_CONSTRAINT=tools/constraints.txt PIP_BUILD_CONSTRAINT=tools/constraints.txt \
        pip_install quietly --require-hashes --no-deps -r "$locked"
    pip_install quietly -c tools/constraints.txt --no-build-isolation -e ".$extra" "$@"
    # Where rtmidi2 has brought a libjack along, it is given the system's, which alone knows this JACK or PipeWire.
    "$VENV_PYTHON" -c "$LINK_LIBJACK" 2>/dev/null || say "no libjack of this system: JACK cannot be used"
    say "compiling the decoder for this processor"
    quietly "$VENV_PYTHON" -c "$WARM_UP"
    popd >/dev/null || exit 1
    wanted_stamp "$venv" "$extra" "$@" >"$stamp"
    say "installed"
}
