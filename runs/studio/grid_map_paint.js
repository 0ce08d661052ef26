// Paint the network on a canvas, in an order in which what matters lies on top. Text is canvas text, never HTML.

import { ring, shades } from "grid_map_scene";

const LABELLED = 80; // networks of more buses are drawn without names
const SMALLEST_FLOW_MW = 1e-6;
export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

export function paintNetwork(ctx, scene, shown, theme, selected) {
  const compared = shown.mode === "compare";
  const counts = { buses: 0, branches: 0, arrows: 0, reversed: 0, violated: 0, sheds: 0 };
  ctx.lineCap = fine(scene) ? "butt" : "round";
  if (shown.b) {
    if (!compared) casings(ctx, scene, shown.b.atRisk, theme);
    const lines = shades(compared ? theme.diverging : theme.loading, theme.missing);
    shown.branchLevel.forEach((rows, level) => strokeRows(ctx, scene, rows, lines[level], scene.line));
    overLimit(ctx, scene, shown, compared ? null : theme.over, theme, counts);
    arrows(ctx, scene, shown.b.flow, theme, counts);
    const buses = shades(theme.diverging, theme.missing);
    shown.busLevel.forEach((rows, level) => fillBuses(ctx, scene, rows, buses[level], theme));
    beyond(ctx, scene, shown, buses, theme, counts);
    sheds(ctx, scene, shown.b.shed, theme, counts);
  } else {
    strokeRows(ctx, scene, scene.branchNames.map((_, k) => k), theme.missing, scene.line);
    fillBuses(ctx, scene, scene.busNames.map((_, i) => i), theme.missing, theme);
  }
  counts.buses = scene.buses;
  counts.branches = scene.branches;
  if (selected) mark(ctx, scene, selected, theme);
  if (scene.buses <= LABELLED) labels(ctx, scene, theme);
  return counts;
}

// Thousands of small things are drawn without outlines, which would take longer than all the rest.
function fine(scene) {
  return scene.radius < 2.2;
}

function trace(ctx, scene, k) {
  const at = 4 * k;
  if (scene.loop[k]) {
    const radius = ring(scene, k);
    ctx.moveTo(scene.ends[at] + radius, scene.ends[at + 1]);
    ctx.arc(scene.ends[at], scene.ends[at + 1], radius, 0, 2 * Math.PI);
  } else {
    ctx.moveTo(scene.ends[at], scene.ends[at + 1]);
    ctx.lineTo(scene.ends[at + 2], scene.ends[at + 3]);
  }
}

function strokeRows(ctx, scene, rows, colour, width) {
  if (!rows.length) return;
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.beginPath();
  for (const k of rows) trace(ctx, scene, k);
  ctx.stroke();
}

function casings(ctx, scene, atRisk, theme) {
  strokeRows(ctx, scene, [...atRisk], theme.at_risk, scene.line * 2 + 4);
}

// Lines above their limit: thicker and dashed, so that colour is not the only sign.
function overLimit(ctx, scene, shown, colour, theme, counts) {
  const rows = [...shown.b.beyondBranches];
  counts.violated += rows.length;
  if (colour) {
    strokeRows(ctx, scene, rows, theme.surface, scene.line * 1.7 + 3);
    ctx.setLineDash([scene.line * 3 + 2, scene.line * 1.6 + 2]);
    strokeRows(ctx, scene, rows, colour, scene.line * 1.7);
  } else {
    ctx.setLineDash([scene.line, scene.line * 1.6 + 3]);
    strokeRows(ctx, scene, rows, theme.surface, Math.max(scene.line * 0.5, 1));
  }
  ctx.setLineDash([]);
}

function arrows(ctx, scene, flow, theme, counts) {
  const size = Math.min(Math.max(scene.line * 2.2, 2.4), 7);
  ctx.beginPath();
  for (let k = 0; k < scene.branches; k++) {
    if (scene.loop[k] || !(Math.abs(flow[k]) > SMALLEST_FLOW_MW)) continue;
    const [ax, ay, bx, by] = scene.ends.subarray(4 * k, 4 * k + 4);
    const length = Math.hypot(bx - ax, by - ay);
    if (length < 2 * scene.radius + 2.5 * size) continue;
    const [ux, uy] = [((bx - ax) / length) * Math.sign(flow[k]), ((by - ay) / length) * Math.sign(flow[k])];
    const [x, y] = [(ax + bx) / 2 + ux * size, (ay + by) / 2 + uy * size];
    ctx.moveTo(x, y);
    ctx.lineTo(x - ux * size * 2 - uy * size * 0.9, y - uy * size * 2 + ux * size * 0.9);
    ctx.lineTo(x - ux * size * 1.5, y - uy * size * 1.5);
    ctx.lineTo(x - ux * size * 2 + uy * size * 0.9, y - uy * size * 2 - ux * size * 0.9);
    ctx.lineTo(x, y); // closePath would take longer with every arrow
    counts.arrows += 1;
    if (flow[k] < 0) counts.reversed += 1;
  }
  if (!fine(scene)) {
    ctx.lineJoin = "round";
    ctx.strokeStyle = theme.surface;
    ctx.lineWidth = 2;
    ctx.stroke();
  }
  ctx.fillStyle = theme.text;
  ctx.fill();
}

function fillBuses(ctx, scene, rows, colour, theme) {
  if (!rows.length) return;
  const radius = scene.radius;
  ctx.fillStyle = colour;
  if (fine(scene)) {
    for (const i of rows) ctx.fillRect(scene.sx[i] - radius, scene.sy[i] - radius, 2 * radius, 2 * radius);
    return;
  }
  ctx.beginPath();
  for (const i of rows) {
    ctx.moveTo(scene.sx[i] + radius, scene.sy[i]);
    ctx.arc(scene.sx[i], scene.sy[i], radius, 0, 2 * Math.PI);
  }
  ctx.strokeStyle = theme.surface;
  ctx.lineWidth = 1.6;
  ctx.stroke();
  ctx.fill();
}

// Buses beyond their limit: an outlined triangle, up where the voltage is too high, down where it is too low.
function beyond(ctx, scene, shown, colours, theme, counts) {
  const size = Math.max(scene.radius * 1.7, 2.8);
  counts.violated += shown.b.beyondBuses.size;
  shown.busLevel.forEach((level, row) => {
    const rows = level.filter((i) => shown.b.beyondBuses.has(i));
    if (!rows.length) return;
    ctx.beginPath();
    for (const i of rows) triangle(ctx, scene.sx[i], scene.sy[i], size, shown.b.voltage[i] > shown.middle);
    ctx.fillStyle = colours[row];
    if (fine(scene)) ctx.fill();
    else outlined(ctx, 1.8, theme, colours[row]);
  });
}

export function triangle(ctx, x, y, size, up) {
  const way = up ? -1 : 1;
  ctx.moveTo(x, y + way * size);
  ctx.lineTo(x - size * 0.95, y - way * size * 0.7);
  ctx.lineTo(x + size * 0.95, y - way * size * 0.7);
  ctx.lineTo(x, y + way * size);
}

// Fill the path and draw its outline, set off from what lies under it.
export function outlined(ctx, width, theme, fill = null) {
  ctx.lineJoin = "round";
  ctx.strokeStyle = theme.surface;
  ctx.lineWidth = width + Math.min(2.4, 2 * width);
  ctx.stroke();
  if (fill) {
    ctx.fillStyle = fill;
    ctx.fill();
  }
  ctx.strokeStyle = theme.text;
  ctx.lineWidth = width;
  ctx.stroke();
}

function sheds(ctx, scene, shed, theme, counts) {
  shed.forEach((mw, i) => {
    if (!(Math.abs(mw) > SMALLEST_FLOW_MW)) return;
    cross(ctx, scene.sx[i], scene.sy[i], Math.max(scene.radius * 1.9, 5), theme);
    counts.sheds += 1;
  });
}

export function cross(ctx, x, y, size, theme) {
  ctx.beginPath();
  ctx.moveTo(x - size, y - size);
  ctx.lineTo(x + size, y + size);
  ctx.moveTo(x + size, y - size);
  ctx.lineTo(x - size, y + size);
  outlined(ctx, 2, theme);
}

function mark(ctx, scene, { kind, index }, theme) {
  ctx.beginPath();
  if (kind === "bus") ctx.arc(scene.sx[index], scene.sy[index], scene.radius + 7, 0, 2 * Math.PI);
  else {
    const [ax, ay, bx, by] = scene.ends.subarray(4 * index, 4 * index + 4);
    const reach = scene.loop[index] ? ring(scene, index) + 5 : Math.min(Math.hypot(bx - ax, by - ay) / 2 + 4, 18);
    ctx.arc((ax + bx) / 2, (ay + by) / 2, reach, 0, 2 * Math.PI);
  }
  outlined(ctx, 2, theme);
}

// Names beside the buses, where there is room; left out where there is none.
function labels(ctx, scene, theme) {
  ctx.font = `11px ${FONT}`;
  ctx.textBaseline = "middle";
  ctx.lineJoin = "round";
  const taken = [];
  const reach = scene.radius + 2;
  for (let i = 0; i < scene.buses; i++) taken.push(box(scene.sx[i], scene.sy[i], reach, reach));
  for (let i = 0; i < scene.buses; i++) {
    const name = shortened(scene.busNames[i], 18);
    const half = ctx.measureText(name).width / 2;
    const room = spots(scene.radius, half)
      .map(([dx, dy]) => box(scene.sx[i] + dx, scene.sy[i] + dy, half + 1, 6))
      .find((spot) => inside(scene, spot) && !taken.some((other) => overlap(spot, other)) && !crossed(scene, spot));
    if (!room) continue;
    taken.push(room);
    write(ctx, name, room[0] + 1, room[1] + 6, theme);
  }
}

// Where a name may stand from its bus: above, below, right, left, then aslant.
function spots(radius, half) {
  const [side, above, corner] = [radius + 5 + half, radius + 10, radius + half - 1];
  const aslant = [[corner, -above], [corner, above], [-corner, -above], [-corner, above]];
  return [[side, 0], [0, -above], [0, above], [-side, 0], ...aslant];
}

function inside(scene, [left, , right]) {
  return left > 2 && right < scene.width - 2;
}

// Whether a line runs through a box.
function crossed(scene, [left, top, right, bottom]) {
  for (let k = 0; k < scene.branches; k++) {
    const [ax, ay, bx, by] = scene.ends.subarray(4 * k, 4 * k + 4);
    let [from, to] = [0, 1];
    for (const [at, by_, low, high] of [[ax, bx - ax, left, right], [ay, by - ay, top, bottom]]) {
      const [one, other] = [(low - at) / by_, (high - at) / by_];
      if (by_) [from, to] = [Math.max(from, Math.min(one, other)), Math.min(to, Math.max(one, other))];
      else if (at < low || at > high) to = -1;
    }
    if (from < to) return true;
  }
  return false;
}

export function shortened(name, most) {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

export function write(ctx, text, x, y, theme) {
  ctx.strokeStyle = theme.surface;
  ctx.lineWidth = 3;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = theme.text;
  ctx.fillText(text, x, y);
}

function box(x, y, halfWidth, halfHeight) {
  return [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
}

function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
