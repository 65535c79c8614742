"""From a labelled picture to what one training step sees: a crop of it and what to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from touchline.model.data.pictures import BALL, PERSON, UNSURE, Picture
from touchline.vision.prepare import GREY, Plane, pack, shrink

STRIDE = 4
_SPREAD = 0.11
"""Of a target: standard deviation of its Gaussian as a share of the box's side."""


@dataclass(frozen=True, slots=True)
class Source:
    """Pictures of one set, and what may be learnt from what their labels do not say.

    ``people``, ``balls``: weight, 0–1, of the lesson that where nobody (no ball) is labelled there is none.
    Where ``people`` (``balls``) is 0 its labels teach nothing either. ``share``: how often it is drawn.
    """

    pictures: Sequence[Picture]
    share: float
    people: float
    balls: float


@dataclass(frozen=True, slots=True)
class Style:
    """How crops are drawn. ``crop``: side in px. ``scales``: range of sizes around the analysis size, the usual
    and the wide one. ``at_ball``: share of crops drawn around a ball where there is one. ``pasted``: most balls
    pasted into a crop."""

    crop: int = 416
    width: int = 960
    scales: tuple[float, float] = (0.65, 1.5)
    wide: tuple[float, float] = (0.3, 2.4)
    wide_share: float = 0.25
    at_ball: float = 0.4
    pasted: int = 3


@dataclass(frozen=True, slots=True)
class Lesson:
    """A crop and its answers; H and W are the crop's in cells of 4 px.

    ``planes``: uint8 (6, 2·H, 2·W). ``heat``: float32 (2, H, W), people and balls, 1 at a middle. ``care``:
    float32 (2, H, W), weight of what is not an object. ``roles``: int64 (H, W), −1 unknown. ``boxes``: float32
    (2, 4, H, W), px from a cell's middle to the four sides. ``near``: float32 (2, H, W), weight of the box.
    """

    planes: NDArray[np.uint8]
    heat: NDArray[np.float32]
    care: NDArray[np.float32]
    roles: NDArray[np.int64]
    boxes: NDArray[np.float32]
    near: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Patch:
    """A ball cut out with its surroundings: planes of one size, and the ball's side there in px."""

    planes: tuple[Plane, Plane, Plane]
    side: float


def cut_balls(pictures: Sequence[Picture]) -> list[Patch]:
    """Every labelled ball that lies wholly inside its picture and is not a streak."""
    patches: list[Patch] = []
    for picture in pictures:
        frame = picture.frame
        for left, top, right, bottom in picture.boxes[picture.kinds == BALL]:
            wide, high = right - left, bottom - top
            side = float(max(wide, high))
            if min(wide, high) < 0.7 * side or side < 5:
                continue
            reach = int(np.ceil(side * 0.75 / 2)) * 2
            x, y = round(float(left + right) / 4) * 2, round(float(top + bottom) / 4) * 2
            if x < reach or y < reach or x + reach > frame.width - 1 or y + reach > frame.height - 1:
                continue
            luma = frame.y[y - reach : y + reach, x - reach : x + reach]
            half = slice((y - reach) // 2, (y + reach) // 2), slice((x - reach) // 2, (x + reach) // 2)
            size = (2 * reach, 2 * reach)
            u, v = (np.asarray(cv2.resize(plane[half], size), np.uint8) for plane in (frame.u, frame.v))
            patches.append(Patch((luma.copy(), u, v), side))
    return patches


class Teacher:
    """Makes lessons: the same for the same number, whatever was made before."""

    def __init__(self, sources: Sequence[Source], style: Style, seed: int) -> None:
        self._sources = sources
        self._style = style
        self._seed = seed
        shares = np.array([source.share for source in sources], np.float64)
        self._shares = shares / shares.sum()
        self._balls = [cut_balls(source.pictures) if source.balls >= 1 else [] for source in sources]
        noise = np.random.default_rng(seed).normal(0, 1, (1024, 1024))
        self._noise = noise.astype(np.float32)

    def lesson(self, number: int) -> Lesson:
        """Lesson ``number`` ≥ 0."""
        rng = np.random.default_rng((self._seed, number))
        which = int(rng.choice(len(self._sources), p=self._shares))
        source = self._sources[which]
        picture = source.pictures[int(rng.integers(len(source.pictures)))]
        y, u, v, boxes = self._crop(picture, rng)
        kinds = picture.kinds
        if self._balls[which] and rng.random() < 0.6:
            for _ in range(int(rng.integers(1, self._style.pasted + 1))):
                patch = self._balls[which][int(rng.integers(len(self._balls[which])))]
                box = _paste(y, u, v, patch, boxes, rng)
                boxes = np.concatenate([boxes, box[None]])
                kinds = np.append(kinds, np.int16(BALL))
        y, u, v = self._spoil(y, u, v, rng)
        planes = np.empty((6, y.shape[0] // 2, y.shape[1] // 2), np.uint8)
        pack(y, u, v, planes)
        return Lesson(planes, *answers(boxes, kinds, self._style.crop, source.people, source.balls))

    def _crop(self, picture: Picture, rng: np.random.Generator) -> tuple[Plane, Plane, Plane, NDArray[np.float32]]:
        style, frame = self._style, picture.frame
        usual = style.width * 0.75 / (frame.width * frame.height) ** 0.5
        low, high = style.wide if rng.random() < style.wide_share else style.scales
        zoom = usual * float(np.exp(rng.uniform(np.log(low), np.log(high))))
        rows = np.nonzero(picture.kinds != UNSURE)[0]
        balls = np.nonzero(picture.kinds == BALL)[0]
        if len(balls) and rng.random() < style.at_ball:
            rows = balls
        box = None
        if len(rows) and rng.random() < 0.85:
            box = picture.boxes[rows[int(rng.integers(len(rows)))]]
            largest = 0.9 * style.crop / float((box[2:] - box[:2]).max())
            if zoom > largest and rng.random() < 0.6:  # someone close: step back until the crop holds them
                zoom = largest * rng.uniform(0.2, 1.1)
        across, down = (style.crop / (zoom * float(np.exp(rng.uniform(-0.1, 0.1)))) for _ in range(2))
        centre = np.array([rng.uniform(0, frame.width), rng.uniform(0, frame.height)])
        if box is not None:
            centre = (box[:2] + box[2:]) / 2 + rng.uniform(-0.35, 0.35, 2) * (across, down)
        corner = centre - np.array([across, down]) / 2
        room = np.array([frame.width - across, frame.height - down])
        slack = 0.12 * np.array([across, down])  # a rim of grey, as pictures have that do not fill the input
        corner = np.clip(corner, np.minimum(room, 0) - slack, np.maximum(room, 0) + slack)
        left, top = (round(float(value) / 2) * 2 for value in corner)
        wide, tall = (max(8, round(value / 2) * 2) for value in (across, down))
        side = (style.crop, style.crop)
        half = (style.crop // 2, style.crop // 2)
        y = shrink(_window(frame.y, left, top, wide, tall), side)
        u, v = (
            shrink(_window(plane, left // 2, top // 2, wide // 2, tall // 2), half) for plane in (frame.u, frame.v)
        )
        scale = np.array([style.crop / wide, style.crop / tall] * 2, np.float32)
        boxes = (picture.boxes - np.array([left, top] * 2, np.float32)) * scale
        if rng.random() < 0.5:
            y, u, v = y[:, ::-1], u[:, ::-1], v[:, ::-1]
            boxes = np.stack([style.crop - boxes[:, 2], boxes[:, 1], style.crop - boxes[:, 0], boxes[:, 3]], 1)
        return y.copy(), u.copy(), v.copy(), boxes.astype(np.float32)

    def _spoil(self, y: Plane, u: Plane, v: Plane, rng: np.random.Generator) -> tuple[Plane, Plane, Plane]:
        """Other light, colours, lenses and codecs."""
        ramp = np.arange(256, dtype=np.float32)
        gamma, gain, lift = np.exp(rng.uniform(-0.35, 0.35)), rng.uniform(0.7, 1.25), rng.uniform(-20, 20)
        curve = (np.clip((ramp - 16) / 219, 0, 1) ** gamma) * 219 * gain + 16 + lift
        y = np.clip(curve, 0, 255).astype(np.uint8)[y]
        turn = rng.uniform(-np.pi, np.pi) if rng.random() < 0.25 else rng.normal(0, 0.25)
        strength = np.exp(rng.normal(0, 0.3))
        if rng.random() < 0.05:
            strength = 0.0
        cos, sin = np.cos(turn) * strength, np.sin(turn) * strength
        cast = rng.normal(0, 4, 2)
        a, b = u.astype(np.float32) - 128, v.astype(np.float32) - 128
        u = np.clip(cos * a - sin * b + 128 + cast[0], 0, 255).astype(np.uint8)
        v = np.clip(sin * a + cos * b + 128 + cast[1], 0, 255).astype(np.uint8)
        if rng.random() < 0.25:
            y = np.asarray(cv2.GaussianBlur(y, (0, 0), rng.uniform(0.4, 1.3)), np.uint8)
        if rng.random() < 0.3:
            row, column = rng.integers(0, 1024 - y.shape[0], 2)
            noise = self._noise[row : row + y.shape[0], column : column + y.shape[1]]
            y = np.clip(y + noise * rng.uniform(1, 8), 0, 255).astype(np.uint8)
        if rng.random() < 0.3:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
            y, u, v = (_squeeze(plane, quality) for plane in (y, u, v))
        return y, u, v


def answers(
    boxes: NDArray[np.float32], kinds: NDArray[np.int16], crop: int, people: float, balls: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """heat, care, roles, boxes and near of a `Lesson` for boxes (N, 4) in px of its crop."""
    cells = crop // STRIDE
    axis = ((np.arange(cells) + 0.5) * STRIDE).astype(np.float32)
    heat = np.zeros((2, cells, cells), np.float32)
    care = np.empty((2, cells, cells), np.float32)
    care[0], care[1] = people, balls
    roles = np.full((cells, cells), -1, np.int64)
    sides = np.zeros((2, 4, cells, cells), np.float32)
    near = np.zeros((2, cells, cells), np.float32)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for index in np.argsort(-areas):
        (left, top, right, bottom), kind = boxes[index], int(kinds[index])
        channel = int(kind == BALL)
        if (balls if channel else people) == 0:
            continue
        wide, high = right - left, bottom - top
        seen = max(0.0, min(right, crop) - max(left, 0)) * max(0.0, min(bottom, crop) - max(top, 0))
        if seen <= 0:
            continue
        x, y = (left + right) / 2, (top + bottom) / 2
        inside = 0 <= x < crop and 0 <= y < crop
        if kind == UNSURE or not inside or seen < 0.5 * wide * high or max(wide, high) < 3:
            rows = slice(max(0, int(top // STRIDE)), int(-(-bottom // STRIDE)))
            columns = slice(max(0, int(left // STRIDE)), int(-(-right // STRIDE)))
            care[channel, rows, columns] = 0
            continue
        across = np.exp(-(((axis - x) / max(wide * _SPREAD, 1.4)) ** 2) / 2)
        down = np.exp(-(((axis - y) / max(high * _SPREAD, 1.4)) ** 2) / 2)
        bump = (down[:, None] * across).astype(np.float32)
        bump[int(y // STRIDE), int(x // STRIDE)] = 1
        # Cells well off the middle learn the box too: a second peak on a person then has the first one's box.
        part = (bump > 0.1) & (bump >= heat[channel])
        np.maximum(heat[channel], bump, out=heat[channel])
        weight = bump * part
        near[channel] = np.where(part, weight / weight.sum(), near[channel])
        grid = (axis - left, axis[:, None] - top, right - axis, bottom - axis[:, None])
        for side, distance in enumerate(grid):
            sides[channel, side] = np.where(part, distance, sides[channel, side])
        if channel == 0:
            roles[part] = -1 if kind == PERSON else kind - 1
    return heat, care, roles, sides, near


def _window(plane: Plane, left: int, top: int, wide: int, tall: int) -> Plane:
    """A part of a plane, grey where it reaches beyond."""
    rows, columns = plane.shape
    inside = plane[max(0, top) : max(0, top + tall), max(0, left) : max(0, left + wide)]
    if inside.shape == (tall, wide):
        return inside
    window = np.full((tall, wide), GREY, np.uint8)
    row, column = max(0, -top), max(0, -left)
    if top < rows and left < columns:
        window[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    return window


def _paste(
    y: Plane, u: Plane, v: Plane, patch: Patch, boxes: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Paste a ball, moving or not, into planes (H, W) and (H/2, W/2); returns its box in px."""
    crop = y.shape[0]
    side = float(np.clip(patch.side * np.exp(rng.normal(-0.15, 0.3)), 4, 22))
    size = int(np.ceil(patch.planes[0].shape[0] * side / patch.side / 2)) * 2
    streak = rng.uniform(0, 1.2) * side if rng.random() < 0.4 else 0.0
    angle = rng.uniform(0, 2 * np.pi)
    reach = size + int(np.ceil(streak / 2)) * 2
    left, top = (int(value) * 2 for value in rng.integers(2, (crop - reach) // 2 - 2, 2))
    people = boxes[boxes[:, 3] - boxes[:, 1] > 30]
    if len(people) and rng.random() < 0.3:  # balls are where people's feet are
        person = people[int(rng.integers(len(people)))]
        x = rng.uniform(person[0] - side, person[2] + side) - reach / 2
        foot = rng.uniform(person[3] - side * 2, person[3] + side) - reach / 2
        left, top = (int(np.clip(value, 2, crop - reach - 2) // 2) * 2 for value in (x, foot))
    axis = np.arange(reach, dtype=np.float32) + 0.5 - reach / 2
    radius = np.hypot(axis, axis[:, None])
    mask = np.clip((side / 2 - radius) / 1.2 + 0.5, 0, 1).astype(np.float32)
    margin = (reach - size) // 2
    border = (margin, reach - size - margin)
    layers = [
        cv2.copyMakeBorder(
            cv2.resize(plane, (size, size), interpolation=cv2.INTER_AREA), *border, *border, cv2.BORDER_REPLICATE
        ).astype(np.float32)
        for plane in patch.planes
    ]
    layers[0] = np.clip(layers[0] * rng.uniform(0.75, 1.3) + rng.uniform(-15, 15), 16, 240)
    if streak > 1:
        kernel = np.zeros((reach | 1, reach | 1), np.float32)
        middle = (reach | 1) // 2
        dx, dy = np.cos(angle) * streak / 2, np.sin(angle) * streak / 2
        ends = [(round((middle + sign * dx) * 16), round((middle + sign * dy) * 16)) for sign in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
        kernel /= kernel.sum()
        covered = [cv2.filter2D(layer * mask, -1, kernel) for layer in layers]
        mask = np.asarray(cv2.filter2D(mask, -1, kernel), np.float32)
        layers = [layer / np.maximum(mask, 1e-3) for layer in covered]
    mask *= rng.uniform(0.8, 1.0)
    for plane, layer, factor in ((y, layers[0], 1), (u, layers[1], 2), (v, layers[2], 2)):
        rows = slice(top // factor, (top + reach) // factor)
        columns = slice(left // factor, (left + reach) // factor)
        if factor == 2:
            layer, alpha = layer[::2, ::2], mask[::2, ::2]
        else:
            alpha = mask
        below = plane[rows, columns].astype(np.float32)
        plane[rows, columns] = np.clip(below + alpha * (layer - below), 0, 255).astype(np.uint8)
    half = np.array([side + abs(np.cos(angle)) * streak, side + abs(np.sin(angle)) * streak]) / 2
    middle = np.array([left, top]) + reach / 2
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def _squeeze(plane: Plane, quality: list[int]) -> Plane:
    """As JPEG leaves it."""
    coded = cv2.imencode(".jpg", plane, quality)[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
