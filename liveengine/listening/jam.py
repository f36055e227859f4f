"""How the drummer jams: what is understood of the players becomes what the coming bars take from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from liveengine.listening.listener import Heard
from liveengine.listening.reaction import BarReaction, Reaction
from liveengine.music.control import ControlState
from liveengine.music.drums import GROUPS
from liveengine.music.heard import HeardGroove, Pocket

ACTIVITY_GAIN, LOUDNESS_GAIN = 0.8, 1.8
"""Density by how much busier a player is than he usually is, as a share, and energy by how much louder."""
ENERGY_DENSITY = 0.5
"""A louder drummer leaves out his ghosts: of a shift of energy so much is added to density."""
LEAST_ACTIVITY = 0.08
MOST_SHIFT = 0.5
COARSE = 0.05
"""Density and energy move in steps of this: smaller changes would plan bars anew for nothing."""
LISTENS_ON_BARS = 1
"""A groove is answered for as long after it was last heard."""
THIN_DENSITY, THIN_ENERGY = -0.4, -0.3
QUIET_DENSITY, QUIET_ENERGY = -0.25, -0.3
"""While the player trades: time, quietly."""
SOLO_AMOUNT, SOLO_DENSITY, SOLO_ENERGY = 2.5, 0.0, 0.2
POCKET_MOST_MS = 25.0
POCKET_SHARES = {"bass": {"kick": 0.75, "snare": 0.6}, "drums": {"kick": 0.7, "snare": 0.7}}
POCKET_SHARE, POCKET_TOP_SHARE = 0.6, 0.5
"""Of other instruments and drums; the cymbals and hats keep more of the time than kick and snare do."""
TOP_DRUMS = frozenset({"hat", "open_hat", "ride", "crash"})
SURE_FILLS = 0.5
"""From here on a fill is played where a phrase is only thought to end; below only where the last one did."""
GAP_STEPS = 3
"""Sixteenths of rest that leave room for an answer."""
GAP_ACCENT = 0.7
Accents = Callable[[int], tuple[float, ...]]
"""The accents that were heard in a bar."""


class Jam:
    """What is remembered from bar to bar: whose turn it is. Used by the engine's thread."""

    def __init__(self) -> None:
        """Begin with nobody's turn."""
        self._turns_from: int | None = None
        self._answer_from = -1
        self._answer_bars = 0

    def ask_answer(self, bar: int, bars: int) -> None:
        """Answer what was played last, from a bar on."""
        self._answer_from, self._answer_bars = bar, bars

    def react(
        self,
        heard: Heard,
        controls: ControlState,
        accents_of: Accents,
        *,
        next_bar: int,
        current: int,
        count: int,
    ) -> Reaction:
        """Return what the `count` bars from `next_bar` on take from what is heard while `current` plays."""
        if controls.jam == "off" or heard.silent_bars < 0:
            self._turns_from = None
            return Reaction(next_bar, (self._answered(BarReaction(), next_bar, accents_of),))
        self._follow_turns(heard, controls, current, next_bar)
        bars, reasons = [], dict[str, tuple[float, str]]()
        for bar in range(next_bar, next_bar + count):
            reaction = self._bar(heard, controls, bar, current, reasons)
            if controls.jam == "trade":
                reaction = self._turn(reaction, bar, round(controls.trade_bars), accents_of)
            bars.append(self._answered(reaction, bar, accents_of))
        moved = tuple((what, amount, why) for what, (amount, why) in reasons.items() if amount)
        return Reaction(next_bar, tuple(bars), reasons=moved)

    def _bar(
        self,
        heard: Heard,
        controls: ControlState,
        bar: int,
        current: int,
        reasons: dict[str, tuple[float, str]],
    ) -> BarReaction:
        """Return what a bar takes, turns aside."""
        silent = heard.silent_bars + bar - current - 1
        if controls.stop_after and silent >= round(controls.stop_after):
            reasons["rest"] = (1.0, f"silent for {silent} bars")
            return BarReaction(rest=True)
        if controls.thin_after and silent >= round(controls.thin_after):
            reasons["thin"] = (1.0, f"silent for {silent} bars")
            return BarReaction(density=THIN_DENSITY, energy=THIN_ENERGY)
        density, energy = self._levels(heard, controls, reasons)
        if heard.silent_bars > LISTENS_ON_BARS:
            return BarReaction(density=density, energy=energy)
        return BarReaction(
            groove=self._groove(heard, controls, bar - current - 1, reasons),
            density=density,
            energy=energy,
            pocket=self._pocket(heard, controls, reasons),
            fill=self._fills(heard, controls, bar - current, reasons),
        )

    def _levels(
        self, heard: Heard, controls: ControlState, reasons: dict[str, tuple[float, str]]
    ) -> tuple[float, float]:
        toward = -1 if controls.jam == "complement" else 1
        amount = toward * controls.listen_level
        busier = heard.activity / max(LEAST_ACTIVITY, heard.usual_activity) - 1
        energy = coarse(amount * LOUDNESS_GAIN * (heard.loudness - heard.usual_loudness))
        density = coarse(amount * ACTIVITY_GAIN * busier + ENERGY_DENSITY * energy)
        reasons["density"] = (density, f"activity {heard.activity:.2f}, usually {heard.usual_activity:.2f}")
        reasons["energy"] = (energy, f"loudness {heard.loudness:.2f}, usually {heard.usual_loudness:.2f}")
        return density, energy

    def _groove(
        self, heard: Heard, controls: ControlState, ahead: int, reasons: dict[str, tuple[float, str]]
    ) -> HeardGroove | None:
        if not controls.listen_accents:
            return None
        accents = heard.grooves[ahead % len(heard.grooves)]
        if controls.jam == "complement":
            accents = gaps(accents)
        if not any(accents):
            return None
        reasons["accents"] = (controls.listen_accents, f"{riff_of(heard.riff_bars)}")
        return HeardGroove(tuple(round(each * 16) / 16 for each in accents), controls.listen_accents)

    def _pocket(
        self, heard: Heard, controls: ControlState, reasons: dict[str, tuple[float, str]]
    ) -> Pocket | None:
        if not controls.listen_pocket or not heard.pushes_ms or not heard.plays:
            return None
        nearest = heard.pushes_ms[0][0]
        ms_per_step = heard.us_per_step / 1e3
        offsets = tuple(
            round(controls.listen_pocket * max(-POCKET_MOST_MS, min(POCKET_MOST_MS, each * ms_per_step)))
            for each in heard.step_offsets
        )
        if not any(offsets):
            return None
        reasons["pocket"] = (
            sum(offsets) / len(offsets),
            ", ".join(f"{name} {push:+.0f} ms" for name, push in heard.pushes_ms),
        )
        own = POCKET_SHARES.get(nearest, {})
        usual = {each: POCKET_TOP_SHARE if each in TOP_DRUMS else POCKET_SHARE for each in GROUPS}
        shares = tuple((usual | own)[each] for each in GROUPS)
        return Pocket(offsets, shares)

    def _fills(
        self, heard: Heard, controls: ControlState, ahead: int, reasons: dict[str, tuple[float, str]]
    ) -> bool | None:
        """Tell whether a bar is to be a fill; None leaves it to the drummer's own phrases."""
        if not controls.listen_fills or not (heard.phrase_known or controls.listen_fills >= SURE_FILLS):
            return None
        ends = (heard.phrase_bars + ahead) % heard.phrase_length == 0
        if ends and ahead == 1:
            reasons["fill"] = (1.0, f"a phrase of {heard.phrase_length} bars ends")
        return ends

    # --- turns ---------------------------------------------------------------------------------

    def _follow_turns(self, heard: Heard, controls: ControlState, current: int, next_bar: int) -> None:
        """Note whose turn it is: the player's begins with his first bar, ours after his bars or phrase."""
        if controls.jam != "trade":
            self._turns_from = None
            return
        bars = round(controls.trade_bars)
        if self._turns_from is None:
            if heard.plays:
                self._turns_from = current - heard.bars + 1
            return
        turn, place = divmod(current - self._turns_from, bars)
        if turn % 2:
            return
        played = heard.bars - heard.silent_bars
        if heard.silent_bars > place:  # not a note in all of his turn so far
            if place == bars - 1:
                self._turns_from = None
        elif heard.silent_bars == 1 and played > 0 and place % 2 == 0 and place:
            self._turns_from = next_bar - bars  # he stopped where a phrase may end

    def _turn(self, reaction: BarReaction, bar: int, bars: int, accents_of: Accents) -> BarReaction:
        if self._turns_from is None or bar < self._turns_from:
            return reaction
        if (bar - self._turns_from) // bars % 2:
            return self._solo(bar - bars, accents_of)
        return BarReaction(density=QUIET_DENSITY, energy=QUIET_ENERGY, pocket=reaction.pocket, fill=False)

    def _answered(self, reaction: BarReaction, bar: int, accents_of: Accents) -> BarReaction:
        if self._answer_from <= bar < self._answer_from + self._answer_bars:
            return self._solo(bar - self._answer_bars, accents_of)
        return reaction

    def _solo(self, of_bar: int, accents_of: Accents) -> BarReaction:
        accents = accents_of(of_bar)
        groove = HeardGroove(accents, SOLO_AMOUNT) if any(accents) else None
        return BarReaction(groove, SOLO_DENSITY, SOLO_ENERGY, fill=True, solo=True)


def coarse(shift: float) -> float:
    """Return a shift of a control within its limits, in steps that are worth planning anew for."""
    return max(-MOST_SHIFT, min(MOST_SHIFT, round(shift / COARSE) * COARSE))


def gaps(accents: Sequence[float]) -> tuple[float, ...]:
    """Return accents in the middle of a bar's rests, each as loud as an answer is."""
    answers = [0.0] * len(accents)
    struck = [step for step, accent in enumerate(accents) if accent]
    if not struck:
        return tuple(answers)
    ends = [*struck[1:], struck[0] + len(accents)]
    for begin, end in zip(struck, ends, strict=True):
        if end - begin > GAP_STEPS:
            answers[(begin + end) // 2 % len(accents)] = GAP_ACCENT
    return tuple(answers)


def riff_of(bars: int) -> str:
    """Return how long a riff is, in words."""
    return f"riff of {bars} bar{'' if bars == 1 else 's'}" if bars else "no riff"
