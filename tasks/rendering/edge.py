"""The border and the interpolation that an output is asked to have."""

from tasks.media.output.render_frame import Edge
from tasks.requests import RenderRequest


def edge_of(request: RenderRequest) -> Edge:
    """What ``request`` says of both; outputs for which it is equal share the moved picture."""
    return Edge(request.border.mode.value, tuple(request.border.color), request.render.interpolation.value)
