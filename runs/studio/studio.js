// What all pages of the studio share: keys, tabs, light and dark, and the mark of what is painted.
const studio = {
  deliver(text) {
    for (const [target, method, args] of JSON.parse(text)) {
      try {
        if (target === "studio") studio[method](...args);
        else runMethod(target, method, args);
      } catch (error) {
        console.error(error); // one part that fails must not keep the others back
      }
    }
  },
  painted(step, cursor) {
    requestAnimationFrame(() => {
      const root = document.getElementById("studio");
      if (root) Object.assign(root.dataset, { step, cursor, paints: Number(root.dataset.paints || 0) + 1 });
    });
  },
  put(texts) {
    for (const [testid, text] of Object.entries(texts)) {
      const shown = document.querySelector(`[data-testid="${testid}"]`);
      if (shown && shown.textContent !== text) shown.textContent = text;
    }
  },
  hide(testid, hidden) {
    const shown = document.querySelector(`[data-testid="${testid}"]`);
    if (shown) shown.hidden = hidden;
  },
  set(testid, value) {
    const field = document.querySelector(`[data-testid="${testid}"]`);
    if (field) field.value = value;
  },
  suggest(list, values) {
    const options = values.map(([value, label]) => Object.assign(document.createElement("option"), { value, label }));
    document.getElementById(list)?.replaceChildren(...options);
  },
  tab(key, focus = false) {
    for (const tab of document.querySelectorAll("[role=tab]")) {
      const chosen = tab.dataset.panel === key;
      tab.setAttribute("aria-selected", chosen);
      tab.tabIndex = chosen ? 0 : -1;
      if (chosen && focus) tab.focus();
      document.getElementById("panel-" + tab.dataset.panel).hidden = !chosen;
      if (chosen) tab.parentElement.dispatchEvent(new CustomEvent("tab", { detail: key }));
      if (chosen) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  },
  dark(dark) {
    localStorage.setItem("peerflex-dark", dark ? "1" : "0");
    Quasar.Dark.set(dark);
    document.getElementById("nicegui-color-scheme")?.setAttribute("content", dark ? "dark" : "light");
    document.querySelector("[data-testid=dark]")?.setAttribute("aria-pressed", dark);
    document.getElementById("studio")?.dispatchEvent(new CustomEvent("dark", { detail: dark }));
  },
  start() {
    const kept = localStorage.getItem("peerflex-dark");
    studio.dark(kept === null ? matchMedia("(prefers-color-scheme: dark)").matches : kept === "1");
  },
};

document.addEventListener("click", (event) => {
  const tab = event.target.closest?.("[role=tab]");
  if (tab) studio.tab(tab.dataset.panel);
  if (event.target.closest?.("[data-testid=dark]")) studio.dark(!document.body.classList.contains("body--dark"));
  if (event.target.closest?.("[data-testid=help]")) document.getElementById("keys").showModal();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
  const at = event.target;
  if (at.matches("[role=tab]")) {
    const tabs = [...at.parentElement.querySelectorAll("[role=tab]")];
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const ends = { Home: 0, End: tabs.length - 1 }[event.key];
    if (move !== undefined || ends !== undefined) {
      studio.tab(tabs[ends ?? (tabs.indexOf(at) + move + tabs.length) % tabs.length].dataset.panel, true);
      event.preventDefault();
      return;
    }
  }
  if (at.matches("input, textarea, select, [contenteditable], .studio-dialog *")) return;
  if (at.closest(".grid-map") && event.key !== " " && event.key !== "?") return; // the map has keys of its own
  if (event.key === " " && at.matches("button, a, summary")) return;
  if (event.key === "/") {
    studio.tab("agent");
    document.querySelector("[data-testid=agent-name]")?.focus();
    event.preventDefault();
    return;
  }
  const button = document.querySelector(`[data-keys~="${CSS.escape(event.key === " " ? "Space" : event.key)}"]`);
  if (!button || button.disabled) return;
  button.click();
  event.preventDefault();
});
