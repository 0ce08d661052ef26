// The legend under the network: what each colour, dash and shape means, with units and limits.

import { cross, FONT, outlined, triangle, write } from "grid_map_paint";
import { shades } from "grid_map_scene";
import { number, percent, points } from "grid_map_words";

const ROW = 40;
const GAP = 26;
const BAR = 132;
const MOST = 0.4; // of the picture's height

// Return the legend's items laid out for a picture, and the height they take; a small picture has the ramps alone.
export function layOut(ctx, shown, width, height) {
  if (!shown.b) return { places: [], height: 0 };
  ctx.font = `11px ${FONT}`;
  const items = shown.a ? compared(shown) : coloured(shown);
  const whole = inRows(ctx, items, width);
  return whole.height <= MOST * height ? whole : inRows(ctx, items.filter((item) => item.bar), width);
}

function inRows(ctx, items, width) {
  const places = [];
  let [x, y] = [16, 8];
  for (const item of items) {
    const wide = item.bar ? Math.max(BAR, ctx.measureText(item.title).width) : 30 + ctx.measureText(item.title).width;
    if (x > 16 && x + wide > width - 12) [x, y] = [16, y + ROW];
    places.push({ item, x, y });
    x += wide + GAP;
  }
  return { places, height: y + ROW + 4 };
}

function coloured(shown) {
  const { limits } = shown;
  const [low, high] = limits.voltage_pu;
  const items = [
    {
      bar: "loading",
      title: "Loading of lines, % of rating",
      ticks: ["0", percent(limits.loading / 2), `limit ${percent(limits.loading)}`],
    },
    { glyph: "over", title: `above ${percent(limits.loading)} %` },
    { bar: "diverging", title: "Voltage of buses, pu", ticks: [`limit ${low}`, low < 1 && high > 1 ? "1" : "", `limit ${high}`] },
    { glyph: "low", title: `below ${low} pu` },
    { glyph: "high", title: `above ${high} pu` },
    { glyph: "arrow", title: "flow of power" },
  ];
  if (shown.b.atRisk.size) items.push({ glyph: "risk", title: "at risk, says the DSO" });
  if (shown.b.shed.some((mw) => mw)) items.push({ glyph: "shed", title: "load or generation taken off" });
  if (shown.busLevel.at(-1).length || shown.branchLevel.at(-1).length) items.push({ glyph: "missing", title: "no value" });
  return items;
}

function compared(shown) {
  const [a, b] = shown.names;
  const [loading, voltage] = [points(shown.loadingScale), number(shown.voltageScale, 3)];
  return [
    { bar: "diverging", title: `Loading, ${b} − ${a}, % of rating`, ticks: [`−${loading}`, "0", `+${loading}`] },
    { bar: "diverging", title: `Voltage, ${b} − ${a}, pu`, ticks: [`−${voltage}`, "0", `+${voltage}`] },
    { glyph: "dots", title: `above its limit in ${b}` },
    { glyph: "low", colour: "transparent", title: `too low in ${b}` },
    { glyph: "high", colour: "transparent", title: `too high in ${b}` },
    { glyph: "arrow", title: `flow of power in ${b}` },
  ];
}

export function paintLegend(ctx, legend, top, width, theme) {
  if (!legend.places.length) return;
  ctx.fillStyle = theme.surface;
  ctx.fillRect(0, top, width, legend.height);
  ctx.strokeStyle = theme.rule;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(0, top + 0.5);
  ctx.lineTo(width, top + 0.5);
  ctx.stroke();
  ctx.font = `11px ${FONT}`;
  ctx.textBaseline = "middle";
  for (const { item, x, y } of legend.places) {
    if (item.bar) bar(ctx, item, x, top + y, theme);
    else glyph(ctx, item, x, top + y + 17, theme);
  }
}

function bar(ctx, item, x, y, theme) {
  const colours = shades(theme[item.bar], theme.missing).slice(0, -1);
  const step = BAR / colours.length;
  write(ctx, item.title, x, y + 4, theme);
  colours.forEach((colour, level) => {
    ctx.fillStyle = colour;
    ctx.fillRect(x + level * step, y + 12, step + 0.6, 8);
  });
  ctx.fillStyle = theme.text;
  item.ticks.forEach((text, place) => {
    const at = x + (BAR * place) / (item.ticks.length - 1);
    if (text) ctx.fillRect(at - (place === 2 ? 1.5 : 0.5 * place), y + 10, 1.5, 12);
    ctx.textAlign = ["left", "center", "right"][place];
    ctx.fillText(text, at, y + 28);
  });
  ctx.textAlign = "left";
}

function glyph(ctx, item, x, y, theme) {
  const draw = {
    over: () => stroke(ctx, x, y, theme.over, 5, [10, 6]),
    dots: () => {
      stroke(ctx, x, y, theme.missing, 5, []);
      stroke(ctx, x, y, theme.surface, 1.6, [3, 6]);
    },
    risk: () => {
      stroke(ctx, x, y, theme.at_risk, 10, []);
      stroke(ctx, x, y, theme.loading[2], 3, []);
    },
    missing: () => stroke(ctx, x, y, theme.missing, 3, []),
    low: () => outlinedTriangle(ctx, x + 11, y, false, item.colour ?? theme.diverging[0], theme),
    high: () => outlinedTriangle(ctx, x + 11, y, true, item.colour ?? theme.diverging.at(-1), theme),
    shed: () => cross(ctx, x + 11, y, 6, theme),
    arrow: () => {
      stroke(ctx, x, y, theme.muted, 2, []);
      ctx.beginPath();
      [[18, 0], [6, -6], [9, 0], [6, 6]].forEach(([dx, dy]) => ctx.lineTo(x + dx, y + dy));
      ctx.fillStyle = theme.text;
      ctx.fill();
    },
  };
  draw[item.glyph]();
  write(ctx, item.title, x + 29, y, theme);
}

function outlinedTriangle(ctx, x, y, up, colour, theme) {
  ctx.beginPath();
  triangle(ctx, x, y, 7, up);
  outlined(ctx, 1.8, theme, colour);
}

function stroke(ctx, x, y, colour, width, dash) {
  ctx.setLineDash(dash);
  ctx.lineCap = "butt";
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x + 23, y);
  ctx.stroke();
  ctx.setLineDash([]);
}
