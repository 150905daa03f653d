"""The values of settings that allow a fixed list of words."""

from enum import Enum


class Device(Enum):
    cpu = "cpu"
    gpu = "gpu"
    auto = "auto"


class ClipTime(Enum):
    real = "real"
    played = "played"


class FrameMode(Enum):
    stream = "stream"
    memory = "memory"


class PoseModel(Enum):
    lite = "lite"
    full = "full"
    heavy = "heavy"


class MaskModel(Enum):
    general = "general"
    landscape = "landscape"


class MaskSource(Enum):
    selfie_box = "selfie_box"
    selfie_frame = "selfie_frame"
    landmarker = "landmarker"


class AnchorMethod(Enum):
    simple = "simple"
    weighted = "weighted"


class AnchorPoint(Enum):
    auto = "auto"
    hips = "hips"
    shoulders = "shoulders"
    torso = "torso"
    head = "head"


class AwayMode(Enum):
    hold = "hold"
    ease = "ease"
    cut = "cut"


class SubjectRule(Enum):
    auto = "auto"
    largest = "largest"
    centre = "centre"
    first = "first"
    all = "all"


class Smoother(Enum):
    moving = "moving"
    gaussian = "gaussian"
    savgol = "savgol"
    butterworth = "butterworth"
    kalman = "kalman"
    l1 = "l1"
    none = "none"


class BorderMode(Enum):
    scene = "scene"
    reflect = "reflect"
    mirror = "mirror"
    replicate = "replicate"
    constant = "constant"
    blur = "blur"


class CropMode(Enum):
    none = "none"
    fixed = "fixed"
    auto = "auto"
    follow = "follow"
    expand = "expand"


class BackgroundMode(Enum):
    keep = "keep"
    color = "color"
    blur = "blur"
    image = "image"
    transparent = "transparent"


class Despill(Enum):
    none = "none"
    green = "green"
    blue = "blue"


class AlphaFile(Enum):
    webm = "webm"
    mov = "mov"
    png = "png"


class Interpolation(Enum):
    linear = "linear"
    cubic = "cubic"
    lanczos = "lanczos"


class WrittenCheck(Enum):
    packets = "packets"
    full = "full"


class ComparisonLayout(Enum):
    horizontal = "horizontal"
    vertical = "vertical"


class NobodyFrame(Enum):
    original = "original"
    color = "color"


class Output(Enum):
    stabilized = "stabilized"
    comparison = "comparison"
    person = "person"
    pose = "pose"
    masks = "masks"
    overlay = "overlay"
    preview = "preview"
    contact = "contact"


class OverlayNumber(Enum):
    angles = "angles"
    events = "events"
    speed = "speed"
    scale = "scale"


class Export(Enum):
    events = "events"
    angles = "angles"
    mot = "mot"
    trc = "trc"
    c3d = "c3d"
    coco = "coco"
    rle = "rle"
    keypoints = "keypoints"
    webdataset = "webdataset"
    aftereffects = "aftereffects"
    resolve = "resolve"
    nuke = "nuke"
    blender = "blender"
    fcpxml = "fcpxml"


class DatasetPicture(Enum):
    jpg = "jpg"
    png = "png"


class VideoCodec(Enum):
    auto = "auto"
    x264 = "x264"
    x265 = "x265"
    av1 = "av1"
    prores = "prores"
    nvenc = "nvenc"


class Runner(Enum):
    threads = "threads"
    processes = "processes"
    dask = "dask"


class Server(Enum):
    auto = "auto"
    ephemeral = "ephemeral"


class SweepRender(Enum):
    all = "all"
    best = "best"
    none = "none"
