"""Plain elements and fields: the browser's own, so that keyboards, screen readers and completion simply work."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement
from nicegui.events import GenericEventArguments

from peerflex.runs.studio.deliver import deliver

Handler = Callable[[str], Awaitable[None] | None]
Values = Mapping[str, str]

MOST_SUGGESTIONS: Final = 30


def element(tag: str, text: str = "", classes: str = "", props: Mapping[str, str] | None = None) -> TextElement:
    """Return an HTML element; its text is text, whatever is in it."""
    made = TextElement(tag=tag, text=text)
    made.classes(classes)
    made.props.update(props or {})
    return made


def button(
    text: str, testid: str, on_click: Callable[[], Any], label: str = "", keys: str = "", icon: str = ""
) -> TextElement:
    """Return a button; ``keys`` are those that press it (names of JavaScript, ``Space``), ``icon`` one of Material."""
    props = {"type": "button", "data-testid": testid}
    if label:
        props |= {"aria-label": label, "title": f"{label} ({keys.split()[0]})" if keys else label}
    if keys:
        props |= {"data-keys": keys, "aria-keyshortcuts": keys}
    made = element("button", text, "studio-button", props)
    if icon:
        with made:
            element("i", icon, "material-icons", {"aria-hidden": "true"})
    made.on("click", on_click, [])
    return made


def link(text: str, href: str, testid: str, download: bool = False) -> TextElement:
    """Return a link within the studio."""
    props = {"href": href, "data-testid": testid}
    return element("a", text, "studio-link", props | ({"download": ""} if download else {}))


def form(testid: str, on_submit: Callable[[Values], Any]) -> Element:
    """Return a form to fill with fields; ``on_submit`` gets their values by name, also when Enter is pressed."""
    made = element("form", classes="studio-form", props={"data-testid": testid, "autocomplete": "off"})

    def submitted(event: GenericEventArguments) -> Any:
        return on_submit({str(name): str(value) for name, value in event.args.items()})

    read = "(e) => { e.preventDefault(); emit(Object.fromEntries(new FormData(e.target))) }"
    made.on("submit", submitted, js_handler=read)
    return made


def submit(text: str, testid: str) -> TextElement:
    """Return the button that sends a form."""
    return element("button", text, "studio-button studio-primary", {"type": "submit", "data-testid": testid})


def choice(
    label: str, name: str, options: Sequence[tuple[str, str]], on_change: Handler | None = None, chosen: str = ""
) -> Element:
    """Return a list to choose from: values with their words. ``on_change`` gets the value."""
    with element("label", classes="studio-field"):
        element("span", label)
        made = element("select", props={"name": name, "data-testid": name})
        with made:
            for value, words in options:
                element("option", words, props={"value": value} | ({"selected": ""} if value == chosen else {}))
    if on_change is not None:
        _listen(made, "change", on_change)
    return made


def field(
    label: str,
    name: str,
    hint: str = "",
    kind: str = "text",
    suggest: Callable[[str], Sequence[tuple[str, str]]] | None = None,
) -> TextElement:
    """Return a field to type in. ``suggest`` gives values (with words) that fit what is typed so far."""
    with element("label", classes="studio-field"):
        element("span", label)
        props = {"type": kind, "name": name, "data-testid": name, "placeholder": hint, "spellcheck": "false"}
        made = element("input", props=props)
        if suggest is not None:
            offer = suggest
            list_id = f"{name}-list"
            made.props["list"] = list_id
            first = element("datalist", props={"id": list_id})
            with first:
                for value, words in offer("")[:MOST_SUGGESTIONS]:
                    element("option", props={"value": value, "label": words})

            def suggest_more(typed: str) -> None:
                found = list(offer(typed)[:MOST_SUGGESTIONS])
                deliver(made.client, "studio", "suggest", list_id, found)

            _listen(made, "input", suggest_more, throttle=0.1)
    return made


def fill(made: Element, value: str) -> None:
    """Put a value into a field."""
    deliver(made.client, "studio", "set", made.props["data-testid"], value)


def put(made: Element, text: str) -> None:
    """Write a text into an element, past the page's own book-keeping: that would look at every element again."""
    deliver(made.client, "studio", "put", {made.props["data-testid"]: text})


def hide(made: Element, hidden: bool) -> None:
    """Take an element away, or bring it back, in the same way."""
    deliver(made.client, "studio", "hide", made.props["data-testid"], hidden)


def _listen(made: Element, event: str, handler: Handler, throttle: float = 0.0) -> None:
    def heard(arguments: GenericEventArguments) -> Any:
        return handler(str(arguments.args))

    made.on(event, heard, js_handler="(e) => emit(e.target.value)", throttle=throttle, leading_events=throttle == 0)
