// The picture in words, with units: for the tooltip, the live region and the label of the whole.

import { extremes } from "grid_map_scene";

export function number(value, digits) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(digits))).replace("-", "−") : "no value";
}

export function percent(share) {
  return number(100 * share, 4);
}

export function points(share) {
  return number(100 * share, 3);
}

function signed(text) {
  return text.startsWith("−") ? text : `+${text}`;
}

function power(mw) {
  return Math.abs(mw) < 10 ? `${number(1000 * mw, 4)} kW` : `${number(mw, 4)} MW`;
}

function pu(value) {
  return Number.isFinite(value) ? `${value.toFixed(4)} pu` : "no value";
}

// Return the name of what is at {kind, index} and what there is to say of it, a line each.
export function describe(scene, shown, { kind, index }) {
  return kind === "bus" ? bus(scene, shown, index) : branch(scene, shown, index);
}

function bus(scene, shown, i) {
  const lines = [scene.busNames[i]];
  if (!shown.b) return lines;
  const { a, b } = shown;
  if (a) {
    const [nameA, nameB] = shown.names;
    lines.push(`voltage ${nameA} ${pu(a.voltage[i])}, ${nameB} ${pu(b.voltage[i])}`);
    const change = b.voltage[i] - a.voltage[i];
    return Number.isFinite(change) ? [...lines, `${nameB} less ${nameA} ${signed(number(change, 3))} pu`] : lines;
  }
  lines.push(`voltage ${pu(b.voltage[i])}`);
  if (b.beyondBuses.has(i)) {
    const [low, high] = shown.limits.voltage_pu;
    lines.push(b.voltage[i] > shown.middle ? `above its limit of ${high} pu` : `below its limit of ${low} pu`);
  }
  if (Math.abs(b.injection[i]) < 5e-7) lines.push("no injection");
  else lines.push(`${b.injection[i] < 0 ? "takes" : "gives"} ${power(Math.abs(b.injection[i]))}`);
  if (b.shed[i]) lines.push(`${power(Math.abs(b.shed[i]))} of ${b.shed[i] > 0 ? "load" : "generation"} taken off`);
  return lines;
}

function branch(scene, shown, k) {
  const [from, to] = [scene.busNames[scene.from[k]], scene.busNames[scene.to[k]]];
  const lines = [scene.branchNames[k]];
  if (!shown.b) return [...lines, `from ${from} to ${to}`];
  const { a, b } = shown;
  if (a) {
    const [nameA, nameB] = shown.names;
    lines.push(`loading ${nameA} ${percent(a.loading[k])} %, ${nameB} ${percent(b.loading[k])} %`);
    lines.push(`${nameB} less ${nameA} ${signed(points(b.loading[k] - a.loading[k]))} % of rating`);
    lines.push(`flow ${nameA} ${power(a.flow[k])}, ${nameB} ${power(b.flow[k])}`);
    return lines;
  }
  const rating = Number.isFinite(scene.rating[k]) ? ` of ${number(1000 * scene.rating[k], 4)} kVA` : "";
  lines.push(`loading ${percent(b.loading[k])} %${rating}`);
  if (b.beyondBranches.has(k)) lines.push(`above its limit of ${percent(shown.limits.loading)} %`);
  if (b.atRisk.has(k)) lines.push("at risk, says the DSO");
  const [source, sink] = b.flow[k] < 0 ? [to, from] : [from, to];
  lines.push(`${power(Math.abs(b.flow[k]))} from ${source} to ${sink}`);
  return lines;
}

// Return the picture in one sentence or three.
export function summary(title, scene, shown) {
  const size = `${title}: ${scene.buses} buses, ${scene.branches} lines and transformers.`;
  if (!shown.b) return size;
  const [loading, voltage] = [extremes(shown.loading), extremes(shown.voltage)];
  const words = shown.a ? differences(scene, shown, loading, voltage) : states(scene, shown, loading, voltage);
  return `${size} ${shown.b.time}. ${words}`;
}

function states(scene, shown, loading, voltage) {
  const { b } = shown;
  const violated = b.beyondBuses.size + b.beyondBranches.size;
  const parts = [violated ? `${violated} ${violated > 1 ? "limits" : "limit"} not kept.` : "All limits kept."];
  if (loading.most >= 0) {
    parts.push(`Highest loading ${percent(b.loading[loading.most])} % at ${scene.branchNames[loading.most]}.`);
  }
  if (voltage.most >= 0) {
    parts.push(`Lowest voltage ${pu(b.voltage[voltage.least])} at ${scene.busNames[voltage.least]},`);
    parts.push(`highest ${pu(b.voltage[voltage.most])} at ${scene.busNames[voltage.most]}.`);
  }
  return parts.join(" ");
}

function differences(scene, shown, loading, voltage) {
  const [nameA, nameB] = shown.names;
  const parts = [`${nameB} less ${nameA}:`];
  const further = (values, { least, most }) => (Math.abs(values[least]) > Math.abs(values[most]) ? least : most);
  if (loading.most >= 0) {
    const k = further(shown.loading, loading);
    parts.push(`loading differs most, by ${signed(points(shown.loading[k]))} % of rating, at ${scene.branchNames[k]};`);
  }
  if (voltage.most >= 0) {
    const i = further(shown.voltage, voltage);
    parts.push(`voltage, by ${signed(number(shown.voltage[i], 3))} pu, at ${scene.busNames[i]}.`);
  }
  return parts.join(" ");
}
