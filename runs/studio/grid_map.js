// The network map: a canvas that can be zoomed, panned, pointed at and walked through by keyboard.

import { layOut, paintLegend } from "grid_map_legend";
import { FONT, paintNetwork, write } from "grid_map_paint";
import { extremes, hit, openScene, openShown, project, zoomBy } from "grid_map_scene";
import { describe, summary } from "grid_map_words";

const KEYS =
  "Map of the network. n and p: next and previous bus; Shift with them: line; w: the worst places in turn; " +
  "Enter: open; arrow keys: move; plus, minus and 0: zoom and fit; Escape: nothing chosen.";
const MARGIN = 34;
const TOP = 50; // under the title
const STYLE = `@layer components {
  .grid-map { display: flex; flex-direction: column; width: 100%; height: 28rem; min-height: 12rem; }
  .grid-map__field { position: relative; flex: 1; min-height: 0; overflow: hidden; touch-action: none; }
  .grid-map__canvas { position: absolute; inset: 0; width: 100%; height: 100%; cursor: grab; }
  .grid-map__tip { position: absolute; pointer-events: none; max-width: 22rem; padding: 4px 8px; border-radius: 4px;
    border: 1px solid; font-size: 12px; line-height: 1.4; white-space: pre-line; overflow-wrap: anywhere; z-index: 2; }
  .grid-map__tip::first-line { font-weight: 600; }
  .grid-map__zoom { position: absolute; top: 8px; right: 8px; display: flex; flex-direction: column; gap: 4px; }
  .grid-map__zoom button { width: 30px; height: 30px; border-radius: 4px; border: 1px solid; font-size: 16px; }
  .grid-map__said { min-height: calc(2.6em + 4px); padding: 2px 8px; font-size: 13px; line-height: 1.3;
    overflow-wrap: anywhere; }
  .grid-map :focus-visible, .grid-map:focus-visible { outline: 3px solid #0072b2; outline-offset: 2px; }
  .body--dark .grid-map :focus-visible, .body--dark .grid-map:focus-visible { outline-color: #56b4e9; }
}`;

export default {
  template: `
    <div class="grid-map" tabindex="0" role="application" aria-label="${KEYS}" @keydown="onKey">
      <div class="grid-map__field" ref="field">
        <canvas class="grid-map__canvas" ref="canvas" role="img" @wheel.prevent="onWheel" @pointerdown="onDown"
          @pointermove="onMove" @pointerup="onUp" @pointercancel="drag = null" @pointerleave="point(null)"></canvas>
        <div class="grid-map__zoom">
          <button type="button" aria-label="Zoom in" title="Zoom in (+)" @click="zoom(1.4)">+</button>
          <button type="button" aria-label="Zoom out" title="Zoom out (−)" @click="zoom(1 / 1.4)">−</button>
          <button type="button" aria-label="Fit the network" title="Fit (0)" @click="fit">⤢</button>
        </div>
        <div class="grid-map__tip" ref="tip" hidden></div>
      </div>
      <div class="grid-map__said" ref="said" aria-live="polite"></div>
    </div>`,
  emits: ["ready", "bus", "branch"],
  props: { topology: Object, themes: Object, title: String, shown: Object },
  created() {
    Object.assign(this, { selected: null, drag: null, waiting: false, painted: 0, worst: -1 }); // not reactive
    this.scene = openScene(this.topology);
    this.values = openShown(this.shown);
  },
  mounted() {
    if (!document.getElementById("grid-map-style")) {
      document.head.append(Object.assign(document.createElement("style"), { id: "grid-map-style", textContent: STYLE }));
    }
    this.sizes = new ResizeObserver(() => this.repaint());
    this.sizes.observe(this.$refs.field);
    this.modes = new MutationObserver(() => this.repaint());
    this.modes.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.repaint();
    this.$emit("ready", this.shown.number);
  },
  unmounted() {
    this.sizes.disconnect();
    this.modes.disconnect();
  },
  methods: {
    show(shown) {
      this.values = openShown(shown);
      this.repaint();
      if (this.selected) this.say(this.selected);
    },
    theme() {
      return document.body.classList.contains("body--dark") ? this.themes.dark : this.themes.light;
    },
    repaint() {
      if (this.waiting) return;
      this.waiting = true;
      requestAnimationFrame(() => {
        this.waiting = false;
        this.paintNow();
      });
    },
    paintNow() {
      const { field, canvas } = this.$refs;
      if (!field?.clientWidth || !field.clientHeight) return; // out of sight: painted when it has a size
      const began = performance.now();
      const density = window.devicePixelRatio || 1;
      const [width, height] = [field.clientWidth, field.clientHeight];
      const [wide, high] = [Math.round(width * density), Math.round(height * density)];
      if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
      const counts = this.paintOn(canvas.getContext("2d"), width, height, density);
      canvas.setAttribute("aria-label", summary(this.title, this.scene, this.values));
      this.dress();
      this.report(counts, performance.now() - began);
    },
    paintOn(ctx, width, height, scale) {
      const theme = this.theme();
      ctx.setTransform(scale, 0, 0, scale, 0, 0);
      ctx.fillStyle = theme.surface;
      ctx.fillRect(0, 0, width, height);
      const legend = layOut(ctx, this.values, width, height);
      const left = height - legend.height;
      this.frame = {
        left: MARGIN,
        top: TOP,
        width: Math.max(width - 2 * MARGIN, 1),
        height: Math.max(left - TOP - MARGIN, 1),
      };
      project(this.scene, this.frame);
      ctx.save();
      ctx.beginPath();
      ctx.rect(0, 0, width, left);
      ctx.clip();
      const counts = paintNetwork(ctx, this.scene, this.values, theme, this.selected);
      ctx.font = `600 13px ${FONT}`;
      ctx.textBaseline = "middle";
      write(ctx, this.values.b ? `${this.title}, ${this.values.b.time}` : this.title, 12, 16, theme);
      ctx.restore();
      paintLegend(ctx, legend, left, width, theme);
      return counts;
    },
    dress() {
      const { surface, text, rule } = this.theme();
      const parts = [this.$refs.tip, this.$refs.said, ...this.$el.querySelectorAll(".grid-map__zoom button")];
      for (const part of parts) Object.assign(part.style, { background: surface, color: text, borderColor: rule });
    },
    // Say what was drawn in data attributes, and count it when it is on the screen.
    report(counts, milliseconds) {
      const data = this.$el.dataset;
      const { mode, b, loading, voltage } = this.values;
      Object.assign(data, counts, { mode, drawMs: milliseconds.toFixed(1), step: b ? b.step : "" });
      const [lines, buses] = b ? [extremes(b.loading), extremes(b.voltage)] : [{}, {}];
      const value = (values, row) => (row >= 0 ? Number(values[row].toPrecision(7)) : "");
      data.maxLoading = value(b?.loading, lines.most);
      data.minVoltage = value(b?.voltage, buses.least);
      data.maxVoltage = value(b?.voltage, buses.most);
      const furthest = (values) => [...values].reduce((far, v) => (Math.abs(v) > Math.abs(far) ? v : far), 0);
      data.maxLoadingDifference = mode === "compare" ? Number(furthest(loading).toPrecision(7)) : "";
      data.maxVoltageDifference = mode === "compare" ? Number(furthest(voltage).toPrecision(7)) : "";
      const behind = new MessageChannel(); // its message comes after the frame that is being painted
      behind.port1.onmessage = () => {
        data.painted = this.painted += 1;
        performance.clearMarks("grid-map-painted");
        performance.mark("grid-map-painted", { detail: { step: b?.step, painted: this.painted } });
      };
      behind.port2.postMessage(null);
    },
    say(found) {
      this.$refs.said.textContent = describe(this.scene, this.values, found).join("; ");
    },
    choose(found) {
      this.selected = found;
      if (found) this.say(found);
      else this.$refs.said.textContent = "";
      this.repaint();
    },
    select(kind, index) {
      this.choose({ kind, index });
    },
    point(found, x = 0, y = 0) {
      const tip = this.$refs.tip;
      tip.hidden = !found;
      this.$refs.canvas.style.cursor = found ? "pointer" : "grab";
      if (!found) return;
      tip.textContent = describe(this.scene, this.values, found).join("\n");
      const field = this.$refs.field;
      tip.style.left = `${Math.max(Math.min(x + 14, field.clientWidth - tip.offsetWidth - 4), 0)}px`;
      tip.style.top = `${y + tip.offsetHeight + 20 > field.clientHeight ? y - tip.offsetHeight - 10 : y + 16}px`;
    },
    onWheel(event) {
      this.zoom(Math.exp(-event.deltaY * 0.0015), event.offsetX, event.offsetY);
    },
    onDown(event) {
      event.target.setPointerCapture(event.pointerId);
      this.drag = { x: event.offsetX, y: event.offsetY, moved: false };
    },
    onMove(event) {
      const [x, y] = [event.offsetX, event.offsetY];
      if (!this.drag) return this.point(hit(this.scene, x, y), x, y);
      if (!this.drag.moved && Math.hypot(x - this.drag.x, y - this.drag.y) < 4) return undefined;
      this.pan(x - this.drag.x, y - this.drag.y);
      this.drag = { x, y, moved: true };
      return this.point(null);
    },
    onUp(event) {
      const clicked = this.drag && !this.drag.moved;
      this.drag = null;
      if (!clicked) return;
      this.choose(hit(this.scene, event.offsetX, event.offsetY));
      this.open();
    },
    onKey(event) {
      if (event.target !== this.$el || event.ctrlKey || event.altKey || event.metaKey) return;
      const walk = { n: ["bus", 1], p: ["bus", -1], N: ["branch", 1], P: ["branch", -1] }[event.key];
      const move = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
      const other = {
        "+": () => this.zoom(1.4),
        "=": () => this.zoom(1.4),
        "-": () => this.zoom(1 / 1.4),
        0: this.fit,
        w: this.toWorst,
        Enter: this.open,
        Escape: () => this.choose(null),
      }[event.key];
      if (!walk && !move && !other) return;
      event.preventDefault();
      event.stopPropagation(); // the page's own keys mean something else
      if (walk) this.walk(...walk);
      else if (move) this.pan(...move);
      else other();
    },
    walk(kind, by) {
      const size = kind === "bus" ? this.scene.buses : this.scene.branches;
      if (!size) return;
      const at = this.selected?.kind === kind ? this.selected.index : by > 0 ? -1 : size;
      this.reach({ kind, index: (at + by + size) % size });
    },
    // In turn: the highest loading, the lowest voltage, the highest voltage.
    toWorst() {
      if (!this.values.b) return;
      const [lines, buses] = [extremes(this.values.b.loading), extremes(this.values.b.voltage)];
      const places = [["branch", lines.most], ["bus", buses.least], ["bus", buses.most]].filter(([, row]) => row >= 0);
      if (!places.length) return;
      this.worst = (this.worst + 1) % places.length;
      const [kind, index] = places[this.worst];
      this.reach({ kind, index });
    },
    // Choose something, and bring it into view if it is not.
    reach(found) {
      const { scene, frame } = this;
      const row = found.kind === "bus" ? found.index : scene.from[found.index];
      const away = (at, low, size) => (at < low || at > low + size ? low + size / 2 - at : 0);
      scene.panX += away(scene.sx[row], frame.left, frame.width);
      scene.panY += away(scene.sy[row], frame.top, frame.height);
      this.choose(found);
    },
    open() {
      if (this.selected) this.$emit(this.selected.kind, this.selected.index);
    },
    pan(dx, dy) {
      this.scene.panX += dx;
      this.scene.panY += dy;
      this.repaint();
    },
    zoom(factor, x, y) {
      const { frame } = this;
      zoomBy(this.scene, factor, frame, x ?? frame.left + frame.width / 2, y ?? frame.top + frame.height / 2);
      this.repaint();
    },
    fit() {
      Object.assign(this.scene, { zoom: 1, panX: 0, panY: 0 });
      this.repaint();
    },
    picture(filename) {
      const { field } = this.$refs;
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [2 * field.clientWidth, 2 * field.clientHeight];
      this.paintOn(canvas.getContext("2d"), field.clientWidth, field.clientHeight, 2);
      canvas.toBlob((png) => {
        const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(png), download: filename });
        link.click();
        URL.revokeObjectURL(link.href);
      });
    },
  },
};
