"""Everything about the tracker that may be chosen."""

from __future__ import annotations

from dataclasses import dataclass, field

Axes = tuple[float, float, float, float]
"""One number each for centre x, centre y, width and height."""
Pair = tuple[float, float]
"""One number each for x and y, or for width and height."""


@dataclass(frozen=True, slots=True)
class MotionConfig:
    """How the boxes of one kind of thing move. Lengths are in box heights, so that near and far are alike.

    ``noise``: standard deviation of a good detector's box, as a share of the box's own width (x, width) and height
    (y, height); a worse detector is found out. ``speed``: usual speed relative to the common motion, heights/s.
    ``memory``: seconds after which a speed is forgotten. ``sway``: how far width and height are usually off what
    they come back to, as of someone who stretches an arm or bends down, heights; ``sway_memory``: seconds after
    which that is forgotten. ``growth``: how much what they come back to changes in a second, heights.
    ``jerk``: movement between two detections that nothing foretells, standard deviation, heights. ``told``:
    standard deviation of the movement that `Tracker.coast` is told, heights a frame.
    ``camera_speed``: usual speed of the common motion, heights/s. ``camera_acceleration``: how fast it changes,
    heights/s² for a second. ``camera_shake``: its movement that no speed foretells, heights.
    """

    noise: Axes = (0.035, 0.035, 0.045, 0.032)
    speed: Pair = (0.72, 0.46)
    memory: float = 1.15
    sway: Pair = (0.09, 0.045)
    sway_memory: Pair = (0.13, 0.4)
    growth: Pair = (0.05, 0.08)
    jerk: Axes = (0.023, 0.025, 0.016, 0.0)
    told: float = 0.015
    camera_speed: float = 5.0
    camera_acceleration: float = 3.85
    camera_shake: float = 0.0035


@dataclass(frozen=True, slots=True)
class KindConfig:
    """How one kind of thing is followed. Costs are natural logarithms of likelihood ratios, lengths box heights.

    ``motion``: how it moves. ``new_cost``: how unlikely a detection may be for a track before it rather starts its
    own. ``overlap_worth``: what full overlap takes off the cost. ``tail``: degrees of freedom of Student's t, few
    where jumps are common. ``confirm_hits``: detections after which a track is shown. ``scene``: so many at once,
    while nobody is known yet, are shown at once, for most must be real; 0 for never. ``tentative_s``: seconds
    without a detection after which a track not yet shown is dropped. ``live_s``: seconds without a detection for
    which a track takes detections directly; later it must be found again by `stitch`.
    ``coast_s``: seconds without a detection for which a track is shown while others are detected. ``blind_s``: the
    same while the detector does not look at all. ``lost_s``: seconds for which a lost track's number is kept, and
    ``remembered``: for how many tracks at most.
    ``missed``: share of things in full view that a detector misses, to start with; it is then counted.
    ``hidden``: share of those seen that is lost where another hides most of it. ``leave_rate``: leavings a second
    and track. ``first_trust``: probability that a lone detection is real, ``return_share``: that someone thought
    gone is there after all. ``show_at``: probability of being there from which a track is shown.
    ``stitch_cost``: how unlikely it may be that a new, sure track is a certain lost one, ``inside_cost``: what is
    added well inside the picture, where nobody can come from, ``border``: how far inside that is.
    ``stitch_tail``: as ``tail``, for those lost.
    ``gone_s``: seconds away that cost 1 for who was lost within ``border`` of the edge by a camera that stands
    still; 0 for never. ``turned``: movement of the camera, share of the picture's longer side, that is a turn.
    ``beyond``: how far outside the picture someone lost is thought to be at most. ``reach``, ``reach_speed``: of
    centre x, centre y and height the standard deviation, at once and a second, beyond which doubt about where
    someone lost comes back does not grow.
    ``doubt_s``: seconds for which it is kept in mind that two tracks may have taken each other's detections, 0 for
    never. ``doubt_cost``: how much less likely that may have been when it happened.
    """

    motion: MotionConfig = field(default_factory=MotionConfig)
    new_cost: float = 2.5
    overlap_worth: float = 1.0
    tail: float = 11.5
    confirm_hits: int = 2
    scene: int = 3
    tentative_s: float = 0.25
    live_s: float = 1.0
    coast_s: float = 0.27
    blind_s: float = 1.0
    lost_s: float = 60.0
    remembered: int = 256
    missed: float = 0.1
    hidden: float = 0.5
    leave_rate: float = 0.066
    first_trust: float = 0.35
    return_share: float = 0.02
    show_at: float = 0.48
    stitch_cost: float = 3.5
    inside_cost: float = 2.0
    border: float = 0.8
    stitch_tail: float = 4.0
    gone_s: float = 1.0
    turned: float = 0.05
    beyond: float = 1.0
    reach: tuple[float, float, float] = (1.23, 0.07, 0.73)
    reach_speed: tuple[float, float, float] = (0.48, 0.17, 0.18)
    doubt_s: float = 2.0
    doubt_cost: float = 4.0


def _ball() -> KindConfig:
    return KindConfig(
        motion=MotionConfig(
            noise=(0.25, 0.25, 0.25, 0.25),
            speed=(25.0, 25.0),
            memory=0.6,
            sway=(0.1, 0.1),
            sway_memory=(0.1, 0.1),
            growth=(0.4, 0.4),
            jerk=(0.2, 0.2, 0.1, 0.1),
        ),
        new_cost=7.0,
        scene=0,
        overlap_worth=0.0,
        tail=4.0,
        tentative_s=0.3,
        coast_s=0.3,
        blind_s=0.5,
        lost_s=3.0,
        missed=0.5,
        hidden=0.0,
        show_at=0.2,
        stitch_cost=9.0,
        inside_cost=0.0,
        gone_s=0.0,
        reach=(10.0, 10.0, 1.0),
        reach_speed=(20.0, 20.0, 0.5),
        doubt_s=0.0,
    )


@dataclass(frozen=True, slots=True)
class TrackerConfig:
    """``people``, ``ball``: how each is followed. ``balls``: how many balls are shown at most, those best seen of
    late first."""

    people: KindConfig = field(default_factory=KindConfig)
    ball: KindConfig = field(default_factory=_ball)
    balls: int = 1
