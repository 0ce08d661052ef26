"""``peerflex studio``: opens what it is given, serves the page, and leaves every log whole when it ends."""

import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from peerflex.core.errors import InputError
from peerflex.runs import show
from peerflex.runs.area.plugins import registry

if TYPE_CHECKING:
    from peerflex.runs.studio.desk import Desk

ANY_ADDRESS = ("0.0.0.0", "::")


def studio_command(
    target: str | None,
    settings: list[str],
    port: int,
    host: str,
    out: Path | None,
    plugins: list[Path],
    open_browser: bool,
) -> None:
    """Serve the studio until Ctrl-C. ``target`` is a scenario or the folder of a run; without one, a start page.

    Raises:
        InputError: if NiceGUI is missing, the target cannot be opened, or the port cannot be used.
    """
    try:
        from peerflex.runs.studio.desk import Desk
        from peerflex.runs.studio.guard import is_loopback
        from peerflex.runs.studio.opening import open_target
        from peerflex.runs.studio.server import serve
    except ImportError as error:
        remedy = "Install it: pip install 'peerflex[studio]'."
        raise InputError("peerflex studio", f"needs a package that is missing ({error.name})", remedy) from error
    if target is None and (settings or out is not None):
        remedy = "Name one, e.g. peerflex studio lv-week."
        raise InputError("peerflex studio", "--set and --out are for a scenario, and none is named", remedy)
    listening = listen(host, port)
    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    desk = Desk(registry(plugins))
    try:
        path = "/"
        if target is not None:
            shown = desk.add(open_target(target, desk.registry, settings=settings, out=out))
            path = f"/run/{shown.key}"
        link = address(host, listening.getsockname()[1], path, token)

        def welcome() -> None:
            show.say(f"peerflex studio: {link}\nStop it with Ctrl-C; every run is kept.")
            if token is not None:
                show.say("Whoever has this link may use the studio. What is sent is not encrypted.")

        failed = serve(desk, listening, token, welcome, link if open_browser else None)
    except BaseException:
        desk.close()
        raise
    finally:
        listening.close()
    farewell(desk)
    if failed is not None:
        raise failed


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, before anything is simulated.

    Raises:
        InputError: if it cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family)
    except socket.gaierror:
        raise InputError(f"--host {host}", "is no address of this machine", "Use 127.0.0.1, or one it has.") from None
    except OverflowError:
        raise InputError(
            f"--port {port}", "is no port", "Choose one from 1024 to 65535, or 0 for a free one."
        ) from None
    except OSError as error:
        what = f"cannot be used on {host}: {(error.strerror or str(error)).lower()}"
        remedy = "Choose another with --port, e.g. --port 8412, or --port 0 for a free one."
        raise InputError(f"port {port}", what, remedy) from None


def address(host: str, port: int, path: str, token: str | None) -> str:
    """Return the link to a page of the studio; one for all addresses names this machine."""
    name = socket.gethostname() if host in ANY_ADDRESS else host
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{port}{path}" + (f"?token={token}" if token else "")


def farewell(desk: "Desk") -> None:
    """Say where the runs are, and how to go on with them."""
    for shown in desk.runs:
        manifest, folder = shown.session.manifest, shown.session.folder
        if shown.session.live and shown.session.logged < shown.session.steps:
            show.say(
                f"{folder}: {shown.session.logged} of {manifest.steps} steps. Go on: peerflex run --resume {folder}"
            )
        else:
            show.say(f"{folder}: again with: peerflex studio {folder}")
