# ruff: noqa: PLR0917 (compiled functions take their arrays one by one)
"""Measure decoding against `transformers` generate, and against what the machine can do.

    python tools/bench_decode.py --json OUT [--size small|base|large] [--device cpu|cuda] [--bars N]
                                 [--data-dir FOLDER]

Both sides continue the same contexts by the same tokens, with the same weights, sampling and number of
threads, turn by turn: at each step they compute the logits, mask what the grammar forbids and draw, and then
go on with the token that the other side goes on with too. `transformers` has its cache filled beforehand, as
ours. small is the shipped checkpoint; the other sizes have random weights, which cost the same. With
--data-dir (a folder like the Groove MIDI Dataset) the loss of the int8 weights in bits per note is measured.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import torch
import yaml
from numba import njit
from rich.console import Console
from rich.table import Table
from transformers import DynamicCache, GPTNeoXForCausalLM, LogitsProcessor, LogitsProcessorList

from liveengine.config.settings import configs_folder, default_checkpoint
from liveengine.errors import LiveEngineError
from liveengine.generation.generator import BarGenerator
from liveengine.model.bar_sampler import SamplingJob
from liveengine.model.checkpoint import load_checkpoint
from liveengine.model.config import ROLLBACK_TOKENS, ModelConfig
from liveengine.model.cpu_kernel import multiply
from liveengine.model.decoder import Decoder, steps_of_ids
from liveengine.model.fused_weights import Floats
from liveengine.model.gpu_bar_sampler import DeviceWriter
from liveengine.model.kv_cache_rows import RowDecoder
from liveengine.model.network import DrumModel, backbone_config
from liveengine.model.sampling import Sampling, sample
from liveengine.model.torch_decoder import TorchDecoder
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.request import BarRequest, Conditioning, ContextBar, context_begins
from liveengine.tokens import vocabulary
from liveengine.training.corpus import Take, read_corpus
from liveengine.training.evaluation.likelihood import targets_and_masks

CONTEXT_BARS = 8
BATCHES = (1, 4, 16, 64, 256)
BATCH_STEPS = 12
BATCH_BYTES = 8e9
"""A batch whose cache would take more is left out."""
STYLES = ("funk", "rock", "hiphop", "jazz", "house", "trap")
BPM = 110.0
WARM_UP = 2
ALIKE = 0.05
"""Nats between the chances of both sides that the rounding of the weights may cause."""
LOSS_TAKES = 12
LOSS_BARS = 40


@dataclass(frozen=True, slots=True)
class Piece:
    """A context and the bar that follows it, as tokens, and the controls that hold for both."""

    context: list[int]
    bar: list[int]
    features: Floats


def write_pieces(count: int) -> list[Piece]:
    """Return bars of the shipped drummer in several styles, each with the bars before it."""
    generator = BarGenerator(default_checkpoint())
    space = load_checkpoint(default_checkpoint()).space
    pieces: list[Piece] = []
    serial = 0
    each = math.ceil(count / len(STYLES))
    for style in STYLES:
        asked = Conditioning(((style, 1.0),), BPM)
        bars: list[ContextBar] = []
        for index in range(CONTEXT_BARS + each):
            request = BarRequest(
                serial, index, FOUR_FOUR, asked, tuple(bars[context_begins(index) :]), serial
            )
            bars.append(ContextBar(serial, generator.generate(request).bar, asked))
            serial += 1
        for last in range(CONTEXT_BARS, len(bars)):
            before = bars[last - CONTEXT_BARS : last]
            context = [token for each_bar in before for token in vocabulary.bar_to_ids(each_bar.bar)]
            pieces.append(Piece(context, vocabulary.bar_to_ids(bars[last].bar), space.features(asked)))
    return pieces[:count]


def open_decoder(config: ModelConfig, weights: Any, *, rows: int, device: str) -> RowDecoder:
    """Return our decoder on a device."""
    if device == "cpu":
        return Decoder(config, weights, rows=rows)
    return TorchDecoder(config, weights, rows=rows, device=device)


class Ours:
    """The project's decoder: the context is read beforehand, then a bar is decoded and rolled back."""

    def __init__(self, decoder: RowDecoder, grammar: vocabulary.Grammar) -> None:
        """Take a decoder of one row."""
        self._decoder, self._grammar = decoder, grammar

    def read(self, piece: Piece) -> None:
        """Fill the cache with the context."""
        self._decoder.clear()
        controls = np.broadcast_to(self._controls(piece), (len(piece.context), self._decoder.width))
        self._decoder.feed([0] * len(piece.context), piece.context, steps_of_ids(piece.context), controls)

    def _controls(self, piece: Piece) -> Floats:
        return self._decoder.control_vector(piece.features)

    def first_chances(self, piece: Piece) -> Floats:
        """Return the log chances after the bar's first token, and forget it again."""
        position = self._decoder.position()
        logits = self._decoder.feed(
            [0], piece.bar[:1], steps_of_ids(piece.bar[:1]), self._controls(piece)[None]
        )
        self._decoder.rollback(position)
        chances: Floats = torch.from_numpy(logits[0]).log_softmax(-1).numpy()
        return chances

    def decode(self, piece: Piece, rng: np.random.Generator) -> int:
        """Decode the bar; return how many tokens that were."""
        controls = self._controls(piece)[None]
        sampling = Sampling()
        for token, step in zip(piece.bar, steps_of_ids(piece.bar), strict=True):
            logits = self._decoder.feed([0], [token], [step], controls)
            sample(logits[0], self._grammar.allowed(token, step), sampling, rng)
        return len(piece.bar)


class OursOnDevice(Ours):
    """The same on a GPU, where a bar is written without the host: the captured step draws its tokens."""

    def __init__(self, decoder: TorchDecoder, grammar: vocabulary.Grammar) -> None:
        """Take a decoder of one row."""
        super().__init__(decoder, grammar)
        self._writer = DeviceWriter(decoder)

    def decode(self, piece: Piece, rng: np.random.Generator) -> int:
        """Write a bar; return how many tokens it took."""
        shares, controls = np.ones(1, np.float32), self._controls(piece)[None]
        return len(
            self._writer.write(SamplingJob((0,), shares, controls, FOUR_FOUR, int(rng.integers(2**31))))
        )


def open_ours(config: ModelConfig, weights: Any, device: str, grammar: vocabulary.Grammar) -> Ours:
    """Return our side on a device."""
    if device == "cpu":
        return Ours(Decoder(config, weights), grammar)
    return OursOnDevice(TorchDecoder(config, weights, device=device), grammar)


class SteppedNeoX(GPTNeoXForCausalLM):  # type: ignore[misc]
    """The model as `transformers` has it, with the steps and controls that the embedding of drums adds."""

    def __init__(self, model: DrumModel) -> None:
        """Take the weights of the reference network."""
        super().__init__(backbone_config(model.config))
        table = model.tokens().detach()
        self.gpt_neox.embed_in.weight = torch.nn.Parameter(table)
        self.gpt_neox.load_state_dict(model.backbone.state_dict(), strict=False)
        self.get_output_embeddings().weight = torch.nn.Parameter(table)
        self.steps = model.steps
        self.projected: torch.Tensor
        self.steps_to_come: torch.Tensor

    def forward(self, input_ids: torch.Tensor, **given: Any) -> Any:
        """Add what the tokens' steps and the bar's controls add, and go on."""
        count = input_ids.shape[1]
        begin = given["past_key_values"].get_seq_length() if given.get("past_key_values") else 0
        steps = self.steps_to_come[begin : begin + count]
        hidden = self.gpt_neox.embed_in(input_ids) + self.steps(steps)[None] + self.projected
        given.pop("inputs_embeds", None)
        return super().forward(input_ids=None, inputs_embeds=hidden, **given)


class DrawAndForce(LogitsProcessor):  # type: ignore[misc]
    """Masks by the grammar and lets only the next token of the bar through, so that both sides go alike."""

    def __init__(self, piece: Piece, masks: torch.Tensor) -> None:
        """Take the bar and the masks after each of its tokens."""
        self._piece, self._masks = piece, masks

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores with everything else forbidden."""
        place = input_ids.shape[1] - len(self._piece.context) - 1
        scores = scores.masked_fill(~self._masks[place], -math.inf)
        following = self._piece.bar[min(place + 1, len(self._piece.bar) - 1)]
        forced = torch.full_like(scores, -math.inf)
        forced[:, following] = 0.0
        return forced


class Theirs:
    """`transformers` generate with its cache filled beforehand."""

    def __init__(self, model: DrumModel, device: torch.device, grammar: vocabulary.Grammar) -> None:
        """Take the reference network; fp32 on a CPU, bf16 on a GPU."""
        self._model = SteppedNeoX(model).eval().to(device)
        if device.type == "cuda":
            self._model = self._model.to(torch.bfloat16)
        self._control_weights, self._device, self._grammar = model.controls.weight, device, grammar
        self._cache: DynamicCache

    def read(self, piece: Piece) -> None:
        """Fill the cache with the context."""
        ids = [*piece.context, *piece.bar]
        self._model.steps_to_come = torch.tensor(steps_of_ids(ids), device=self._device)
        projected = torch.from_numpy(piece.features) @ self._control_weights.T
        self._model.projected = projected.detach().to(self._device, self._model.dtype)
        with torch.inference_mode():
            context = torch.tensor([piece.context], device=self._device)
            self._cache = self._model(context, past_key_values=DynamicCache(), use_cache=True).past_key_values
        self._masks = torch.from_numpy(self._grammar.masks(piece.bar)).to(self._device)

    def first_chances(self, piece: Piece) -> Floats:
        """Return the log chances after the bar's first token."""
        with torch.inference_mode():
            ids = torch.tensor([piece.bar[:1]], device=self._device)
            logits = self._model(ids, past_key_values=copy.deepcopy(self._cache)).logits[0, -1]
        chances: Floats = logits.float().log_softmax(-1).cpu().numpy()
        return chances

    def decode(self, piece: Piece) -> float:
        """Decode the bar from a copy of the cache; return the seconds that generate took."""
        cache = copy.deepcopy(self._cache)
        ids = torch.tensor([[*piece.context, piece.bar[0]]], device=self._device)
        began = time.perf_counter()
        with torch.inference_mode():
            made = self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                past_key_values=cache,
                do_sample=True,
                top_k=0,
                max_new_tokens=len(piece.bar),
                min_new_tokens=len(piece.bar),
                pad_token_id=0,
                logits_processor=LogitsProcessorList([DrawAndForce(piece, self._masks)]),
                use_cache=True,
            )
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - began
        assert made.shape[1] == ids.shape[1] + len(piece.bar)
        return seconds


def compare(
    pieces: Sequence[Piece], ours: Ours, theirs: Theirs, progress: Callable[[int], None]
) -> dict[str, Any]:
    """Return the times of both sides, piece by piece in turn."""
    ours_ms, theirs_ms = [], []
    rng = np.random.default_rng(1)
    for place, piece in enumerate([*pieces[:WARM_UP], *pieces]):
        ours.read(piece)
        theirs.read(piece)
        check_alike(ours.first_chances(piece), theirs.first_chances(piece))
        began = time.perf_counter()
        tokens = ours.decode(piece, rng)
        spent_ms = (time.perf_counter() - began) * 1e3
        ours_ms.append(spent_ms / tokens * len(piece.bar))  # on a GPU the bar may be another one
        theirs_ms.append(theirs.decode(piece) * 1e3)
        progress(place)
    ours_ms, theirs_ms = ours_ms[WARM_UP:], theirs_ms[WARM_UP:]
    steps = [len(piece.bar) for piece in pieces]
    per_token = [spent / count for spent, count in zip(ours_ms, steps, strict=True)]
    return {
        "hf_ms_per_bar": statistics.median(theirs_ms),
        "hf_ms_per_bar_p95": percentile(theirs_ms, 95),
        "ours_ms_per_bar": statistics.median(ours_ms),
        "ours_ms_per_bar_p95": percentile(ours_ms, 95),
        "ratio": statistics.median(hf / own for hf, own in zip(theirs_ms, ours_ms, strict=True)),
        "hf_ms_per_token": statistics.median(
            spent / count for spent, count in zip(theirs_ms, steps, strict=True)
        ),
        "ms_per_token": statistics.median(per_token),
        "ms_per_token_p95": percentile(per_token, 95),
        "steps_per_bar": statistics.median(steps),
        "steps_per_bar_p95": percentile(steps, 95),
    }


def check_alike(ours: Floats, theirs: Floats) -> None:
    """Raise AssertionError unless both sides run the same model: their chances differ by rounding only."""
    divergence = float((np.exp(theirs) * (theirs - ours)).sum())
    assert divergence < ALIKE, f"expected one model on both sides, got chances {divergence:.3f} nats apart"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def timed(work: Callable[[], object], least_s: float = 0.3) -> float:
    """Return the median seconds of one call, over at least five calls and `least_s`."""
    work()
    spent: list[float] = []
    while len(spent) < 5 or sum(spent) < least_s:
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


@njit(fastmath=True)  # type: ignore[untyped-decorator]
def read_words(words: npt.NDArray[np.int64]) -> int:
    """Return the sum of words of eight bytes: reading and nothing else."""
    total = 0
    for index in range(len(words)):
        total += words[index]
    return total


@njit(fastmath=True)  # type: ignore[untyped-decorator]
def multiply_again(
    weights: npt.NDArray[np.int8], scales: Floats, bias: Floats, row: Floats, out: Floats, turns: int
) -> None:
    """Do the same products again and again."""
    for _ in range(turns):
        multiply(weights, scales, bias, row, out, 1)


def floors(config: ModelConfig, context: int) -> dict[str, float]:
    """Return what a step costs at the least on one thread: bytes by bandwidth, products by their rate.

    A step reads every weight once (int8) and the keys and values of the window (fp32). Bandwidth is
    measured by summing as many bytes as a step reads, so where these fit a cache it is the cache's;
    `bandwidth_memory_gb_s` is that of 512 MB. The rate is that of int8 products on 16 KB that stay in L1.
    """
    width, forward = config.width, config.feed_forward_width
    matrix = config.layers * (4 * width * width + 2 * width * forward)
    matrix += vocabulary.VOCABULARY_SIZE * width
    cache = 2 * 4 * config.layers * width * min(context, config.window)
    touched = np.ones((matrix + cache) // 8, np.int64)
    seconds = timed(lambda: read_words(touched))
    large = np.ones(64_000_000, np.int64)
    memory_s = timed(lambda: read_words(large))
    small, row = np.ones((32, 512), np.int8), np.ones((1, 512), np.float32)
    scales, bias, out = np.ones(32, np.float32), np.zeros(32, np.float32), np.zeros((1, 32), np.float32)
    turns = 2000
    product_s = timed(lambda: multiply_again(small, scales, bias, row, out, turns)) / turns
    products = matrix + cache / 4
    memory_ms = seconds * 1e3
    compute_ms = products / (small.size / product_s) * 1e3
    return {
        "bytes_per_step": float(matrix + cache),
        "bandwidth_gb_s": (matrix + cache) / seconds / 1e9,
        "bandwidth_memory_gb_s": large.nbytes / memory_s / 1e9,
        "floor_memory_ms_per_token": memory_ms,
        "floor_compute_ms_per_token": compute_ms,
        "floor_ms_per_token": max(memory_ms, compute_ms),
    }


def batch_table(
    config: ModelConfig, weights: Any, piece: Piece, device: str, available_bytes: float
) -> list[dict[str, float]]:
    """Return tokens per second for batches of continuations that all go on by one token at a time."""
    table = []
    for size in BATCHES:
        slots = 2 * (config.window + ROLLBACK_TOKENS)
        if 2 * 4 * config.layers * config.width * slots * size > available_bytes:
            continue
        decoder = open_decoder(config, weights, rows=size, device=device)
        rows = list(range(size))
        vector = decoder.control_vector(piece.features)
        count = len(piece.context)
        context = np.broadcast_to(vector, (count, decoder.width))
        for row in rows:
            decoder.feed([row] * count, piece.context, steps_of_ids(piece.context), context)
        controls = np.broadcast_to(vector, (size, decoder.width))
        tokens = list(zip(piece.bar, steps_of_ids(piece.bar), strict=True))[:BATCH_STEPS]
        spent = []
        for token, step in tokens:
            began = time.perf_counter()
            decoder.feed(rows, [token] * size, [step] * size, controls)
            spent.append(time.perf_counter() - began)
        seconds = statistics.median(spent)
        table.append({"size": size, "tokens_per_s": size / seconds, "ms_per_step": seconds * 1e3})
    return table


def int8_loss(takes: Sequence[Take]) -> dict[str, float]:
    """Return bits per note of the shipped checkpoint in fp32 and in int8, over some bars of some takes."""
    checkpoint = load_checkpoint(default_checkpoint())
    bits: dict[bool, float] = {}
    chosen = [take for take in takes if not take.is_fill and take.genre in checkpoint.space.genres]
    notes = 0
    for int8 in (False, True):
        decoder = Decoder(checkpoint.config, checkpoint.weights, int8=int8)
        total, notes = 0.0, 0
        for take in chosen[:LOSS_TAKES]:
            asked = Conditioning(((take.genre, 1.0),), take.bpm)
            controls = decoder.control_vector(checkpoint.space.features(asked))[None]
            bars = [vocabulary.bar_to_ids(bar) for bar in take.bars[:LOSS_BARS]]
            ids = [token for bar in bars for token in bar]
            following, masks = targets_and_masks(take.bars[:LOSS_BARS], bars)
            steps = steps_of_ids(ids)
            decoder.clear()
            for place, target in enumerate(following):
                logits = decoder.feed([0], [ids[place]], [steps[place]], controls)[0]
                scores = np.where(masks[place], logits, -np.inf).astype(np.float64)
                total -= (scores[target] - np.logaddexp.reduce(scores)) / math.log(2)
            notes += sum(len(bar.hits) for bar in take.bars[:LOSS_BARS])
        bits[int8] = total / max(1, notes)
    return {
        "bits_per_note_fp32": bits[False],
        "bits_per_note_int8": bits[True],
        "int8_loss_bits_per_note": bits[True] - bits[False],
        "int8_loss_notes": float(notes),
    }


def guided_ms(pieces: int) -> dict[str, float]:
    """Return how long the generator takes for bars of the shipped drummer with its usual guidance."""
    generator = BarGenerator(default_checkpoint())
    asked = Conditioning((("funk", 1.0),), BPM)
    context: list[ContextBar] = []
    spent = []
    for serial in range(pieces + CONTEXT_BARS):
        request = BarRequest(
            serial, serial, FOUR_FOUR, asked, tuple(context[context_begins(serial) :]), serial
        )
        reply = generator.generate(request)
        context.append(ContextBar(serial, reply.bar, asked))
        spent.append(reply.generated_ms)
    spent = spent[CONTEXT_BARS:]
    return {"guided_ms_per_bar": statistics.median(spent), "guided_ms_per_bar_p95": percentile(spent, 95)}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--size", choices=("small", "base", "large"), default="small")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--bars", type=int, default=30)
    parser.add_argument("--data-dir", type=Path, help="measure the loss of int8 on these files")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace, console: Console) -> None:
    """Measure, show, and write the figures."""
    if options.device == "cuda" and not torch.cuda.is_available():
        raise LiveEngineError("--device cuda: this torch finds no NVIDIA GPU")
    torch.set_num_threads(1)
    shipped = load_checkpoint(default_checkpoint())
    if options.size == "small":
        config, model = shipped.config, shipped.build()
    else:
        torch.manual_seed(1)
        size = yaml.safe_load(
            (configs_folder() / "model" / f"{options.size}.yaml").read_text(encoding="utf-8")
        )
        config = ModelConfig(condition_size=shipped.space.size, **size)
        model = DrumModel(config).eval()
    weights = {name: weight.detach().numpy() for name, weight in model.state_dict().items()}
    grammar = vocabulary.Grammar(FOUR_FOUR)
    with console.status("writing contexts") as status:
        pieces = write_pieces(options.bars)
        theirs = Theirs(model, torch.device(options.device), grammar)
        ours = open_ours(config, weights, options.device, grammar)
        found = compare(pieces, ours, theirs, lambda place: status.update(f"bar {place}"))
        if options.device == "cpu":
            found |= floors(config, len(pieces[0].context))
            found["times_floor"] = found["ms_per_token"] / found["floor_ms_per_token"]
        status.update("batches")
        found["batch"] = batch_table(config, weights, pieces[0], options.device, BATCH_BYTES)
        if options.size == "small" and options.device == "cpu":
            found |= guided_ms(options.bars)
        if options.data_dir:
            status.update("int8 loss")
            found |= int8_loss(read_corpus(options.data_dir)[0])
    found |= {
        "size": options.size,
        "device": options.device if options.device == "cpu" else torch.cuda.get_device_name(),
        "machine": platform.machine(),
        "threads": 1,
        "bars": options.bars,
        "parameters": sum(weight.size for weight in weights.values()),
    }
    table = Table("figure", "value")
    for name, value in found.items():
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    console.print(table)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; errors that a user can cause become one line and exit status 2."""
    try:
        run(parse(arguments), Console())
    except LiveEngineError as error:
        print(f"bench_decode: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
