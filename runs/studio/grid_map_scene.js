// Where everything is: arrays from the server, and from network coordinates to points on the screen.

const LEVELS = 48;
const STRETCH = 1.8; // a picture may be wider than its coordinates say, so that it fills its frame

function unpack(text, Kind = Float32Array) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return new Kind(bytes.buffer);
}

export function openScene(topology) {
  const scene = {
    busNames: JSON.parse(topology.busNames),
    branchNames: JSON.parse(topology.branchNames),
    x: unpack(topology.x),
    y: unpack(topology.y),
    from: unpack(topology.from, Int32Array),
    to: unpack(topology.to, Int32Array),
    lane: unpack(topology.lane),
    rating: unpack(topology.rating),
    zoom: 1,
    panX: 0,
    panY: 0,
  };
  scene.buses = scene.x.length;
  scene.branches = scene.from.length;
  [scene.midX, scene.wide] = middle(scene.x);
  [scene.midY, scene.high] = middle(scene.y);
  scene.sx = new Float32Array(scene.buses);
  scene.sy = new Float32Array(scene.buses);
  scene.ends = new Float32Array(4 * scene.branches); // x, y of the from-end, x, y of the to-end
  const tiny = 1e-6 * Math.max(scene.wide, scene.high);
  scene.loop = new Uint8Array(scene.branches); // both ends at one place, as transformers in a substation often are
  for (let k = 0; k < scene.branches; k++) {
    const [i, j] = [scene.from[k], scene.to[k]];
    scene.loop[k] = Math.hypot(scene.x[i] - scene.x[j], scene.y[i] - scene.y[j]) <= tiny ? 1 : 0;
  }
  return scene;
}

function middle(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [(low + high) / 2, high - low] : [0, 0];
}

// Put every bus and branch on a screen of the given size; `frame` is what is left of it for the network.
export function project(scene, frame) {
  let kx = scene.wide ? frame.width / scene.wide : Infinity;
  let ky = scene.high ? frame.height / scene.high : Infinity;
  [kx, ky] = [Math.min(kx, ky * STRETCH), Math.min(ky, kx * STRETCH)];
  if (!Number.isFinite(kx)) kx = ky = 1;
  kx *= scene.zoom;
  ky *= scene.zoom;
  scene.width = 2 * frame.left + frame.width;
  const left = frame.left + frame.width / 2 + scene.panX;
  const top = frame.top + frame.height / 2 + scene.panY;
  for (let i = 0; i < scene.buses; i++) {
    scene.sx[i] = left + (scene.x[i] - scene.midX) * kx;
    scene.sy[i] = top - (scene.y[i] - scene.midY) * ky;
  }
  const spacing = Math.sqrt((frame.width * frame.height) / Math.max(scene.buses, 1)) * Math.sqrt(scene.zoom);
  scene.radius = Math.min(Math.max(spacing * 0.075, 1), 6);
  scene.line = Math.min(Math.max(scene.radius * 0.6, 0.9), 3.2);
  for (let k = 0; k < scene.branches; k++) place(scene, k);
}

// Parallel branches lie side by side, in lanes.
function place(scene, k) {
  const [i, j] = [scene.from[k], scene.to[k]];
  let [ax, ay, bx, by] = [scene.sx[i], scene.sy[i], scene.sx[j], scene.sy[j]];
  if (scene.lane[k] && !scene.loop[k]) {
    const length = Math.hypot(bx - ax, by - ay) || 1;
    const side = (scene.lane[k] * (scene.line + 2.5)) / length;
    const [ox, oy] = [-(by - ay) * side, (bx - ax) * side];
    [ax, ay, bx, by] = [ax + ox, ay + oy, bx + ox, by + oy];
  }
  scene.ends.set([ax, ay, bx, by], 4 * k);
}

// A branch of no length is a ring around its bus.
export function ring(scene, k) {
  return scene.radius + scene.line * (1.2 + 1.6 * (Math.abs(scene.lane[k]) + (scene.lane[k] > 0 ? 1 : 0)));
}

export function zoomBy(scene, factor, frame, x, y) {
  const zoom = Math.min(Math.max(scene.zoom * factor, 0.5), 400);
  const grown = zoom / scene.zoom;
  const [cx, cy] = [frame.left + frame.width / 2, frame.top + frame.height / 2];
  scene.panX = x - cx - (x - cx - scene.panX) * grown;
  scene.panY = y - cy - (y - cy - scene.panY) * grown;
  scene.zoom = zoom;
}

// Return {kind, index} of what is at a point, a bus before a line, or null.
export function hit(scene, x, y) {
  let [best, index] = [Math.max(scene.radius + 3, 7), -1];
  for (let i = 0; i < scene.buses; i++) {
    const away = Math.hypot(scene.sx[i] - x, scene.sy[i] - y);
    if (away < best) [best, index] = [away, i];
  }
  if (index >= 0 && best <= scene.radius + 1) return { kind: "bus", index };
  let [near, branch] = [6, -1];
  for (let k = 0; k < scene.branches; k++) {
    const away = scene.loop[k] ? fromRing(scene, k, x, y) : fromLine(scene.ends, 4 * k, x, y);
    if (away < near) [near, branch] = [away, k];
  }
  if (branch >= 0 && (index < 0 || near < best - scene.radius)) return { kind: "branch", index: branch };
  return index >= 0 ? { kind: "bus", index } : null;
}

function fromRing(scene, k, x, y) {
  return Math.abs(Math.hypot(scene.ends[4 * k] - x, scene.ends[4 * k + 1] - y) - ring(scene, k));
}

function fromLine(ends, at, x, y) {
  const [ax, ay, dx, dy] = [ends[at], ends[at + 1], ends[at + 2] - ends[at], ends[at + 3] - ends[at + 1]];
  const along = Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1), 0), 1);
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

// What is shown, from the server: values of the step (b, and a if two are compared) and the colour level of each.
export function openShown(sent) {
  const hours = sent.hours.map((hour) => ({
    ...hour,
    voltage: unpack(hour.voltage),
    injection: unpack(hour.injection),
    shed: unpack(hour.shed),
    loading: unpack(hour.loading),
    flow: unpack(hour.flow),
    atRisk: new Set(hour.atRisk),
    beyondBuses: new Set(hour.beyondBuses),
    beyondBranches: new Set(hour.beyondBranches),
  }));
  const shown = { mode: sent.mode, names: sent.names, a: hours.length > 1 ? hours[0] : null, b: hours.at(-1) ?? null };
  if (!shown.b) return shown;
  shown.limits = sent.limits;
  const [low, high] = sent.limits.voltage_pu;
  shown.middle = low < 1 && high > 1 ? 1 : (low + high) / 2;
  if (shown.a) {
    shown.loading = shown.b.loading.map((value, k) => value - shown.a.loading[k]);
    shown.voltage = shown.b.voltage.map((value, i) => value - shown.a.voltage[i]);
    shown.loadingScale = niceCeiling(largest(shown.loading), 0.01);
    shown.voltageScale = niceCeiling(largest(shown.voltage), 0.001);
    shown.branchLevel = levels(shown.loading, (value) => 0.5 + value / shown.loadingScale / 2);
    shown.busLevel = levels(shown.voltage, (value) => 0.5 + value / shown.voltageScale / 2);
  } else {
    [shown.loading, shown.voltage] = [shown.b.loading, shown.b.voltage];
    const share = (v) => 0.5 + (v - shown.middle) / (v < shown.middle ? shown.middle - low : high - shown.middle) / 2;
    shown.branchLevel = levels(shown.loading, (value) => value / sent.limits.loading);
    shown.busLevel = levels(shown.voltage, share);
  }
  return shown;
}

// Rows of each of LEVELS colours, and behind them the rows without a value.
function levels(values, share) {
  const rows = Array.from({ length: LEVELS + 1 }, () => []);
  values.forEach((value, row) => {
    const level = Math.min(Math.max(Math.round(share(value) * (LEVELS - 1)), 0), LEVELS - 1);
    rows[Number.isFinite(value) ? level : LEVELS].push(row);
  });
  return rows;
}

// The colours of LEVELS levels of a ramp, and behind them the colour of what has no value.
export function shades(ramp, missing) {
  const stops = ramp.map((text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
  const colours = Array.from({ length: LEVELS }, (_, level) => {
    const at = (level / (LEVELS - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const mixed = stops[low].map((part, c) => Math.round(part + (at - low) * (stops[low + 1][c] - part)));
    return `rgb(${mixed.join(",")})`;
  });
  return [...colours, missing];
}

export function extremes(values) {
  let [least, most] = [-1, -1];
  values.forEach((value, row) => {
    if (!Number.isFinite(value)) return;
    if (least < 0 || value < values[least]) least = row;
    if (most < 0 || value > values[most]) most = row;
  });
  return { least, most };
}

function largest(values) {
  return values.reduce((most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most), 0);
}

// The next of 1, 2, 5, 10, ... times a power of ten, not below the smallest scale.
function niceCeiling(value, smallest) {
  if (value <= smallest) return smallest;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= value * (1 - 1e-6));
}
