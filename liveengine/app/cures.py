"""Cures that are commands: what the doctor can mend itself, as root where the system asks for it."""

from __future__ import annotations

import getpass
import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from liveengine.midi.rtmidi2_binding import use_system_libjack
from liveengine.playback.priority import FIFO_PRIORITY

RT_PRIORITY = FIFO_PRIORITY + 10
LIMITS_FILE = "/etc/security/limits.d/95-liveengine.conf"
MODULES_FILE = "/etc/modules-load.d/liveengine.conf"
UDEV_FILE = "/etc/udev/rules.d/95-liveengine.rules"
UDEV_RULE = 'SUBSYSTEM=="snd", KERNEL=="seq", GROUP="audio", MODE="0660", OPTIONS+="static_node=snd/seq"'


@dataclass(frozen=True, slots=True)
class Cure:
    """Lines of sh that mend something as root, or a step of our own; `afterwards` is what is left to do."""

    lines: tuple[str, ...] = ()
    step: Callable[[], object] | None = None
    afterwards: str = ""

    def __str__(self) -> str:
        """Return the lines as they can be pasted."""
        return "; ".join(self.lines)


def limits() -> Cure:
    """Return how this user may take real-time priority and lock memory."""
    return Cure(
        (
            f"printf '%s\\n' '@audio - rtprio {RT_PRIORITY}' '@audio - memlock unlimited' > {LIMITS_FILE}",
            _join_audio(),
        ),
        afterwards="log in again",
    )


def sequencer_module() -> Cure:
    """Return how the ALSA sequencer is loaded now and at each start."""
    return Cure(("modprobe snd-seq", f"echo snd-seq > {MODULES_FILE}"))


def sequencer_rights() -> Cure:
    """Return how this user may open the ALSA sequencer, without a seat too."""
    return Cure(
        (
            f"echo {shlex.quote(UDEV_RULE)} > {UDEV_FILE}",
            "udevadm control --reload && udevadm trigger --subsystem-match=snd",
            _join_audio(),
        ),
        afterwards="log in again",
    )


def system_libjack() -> Cure:
    """Return how rtmidi2 comes to use the libjack of this system."""
    return Cure(step=use_system_libjack)


def _join_audio() -> str:
    user = os.environ.get("SUDO_USER") or getpass.getuser()
    return f"usermod -aG audio {shlex.quote(user)}"


def run_as_root(line: str) -> int:
    """Run a line of sh as root, through sudo where we are not; return its exit status."""
    command = ["sh", "-c", line]
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    try:
        return subprocess.run(command if is_root else ["sudo", *command], check=False).returncode
    except FileNotFoundError:
        return 127


def apply(
    cures: Sequence[Cure], tell: Callable[[str], None], run: Callable[[str], int] = run_as_root
) -> bool:
    """Carry out cures, telling each line before it is run; return whether all went well.

    A cure ends at its first line that fails; the next one is tried all the same.
    """
    well, left_to_do = True, []
    for cure in cures:
        good = True
        for line in cure.lines:
            tell(f"# {line}")
            status = run(line)
            if status:
                tell(f"this failed (status {status}): {line}")
                good = False
                break
        if cure.step is not None:
            try:
                cure.step()
            except OSError as error:
                tell(f"this failed: {error}")
                good = False
        if good and cure.afterwards and cure.afterwards not in left_to_do:
            left_to_do.append(cure.afterwards)
        well = well and good
    for each in left_to_do:
        tell(f"now {each}")
    return well
