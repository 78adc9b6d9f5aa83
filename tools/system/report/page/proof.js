// SPDX-License-Identifier: Apache-2.0

// The proof: the path from a leaf to the root, with the sibling on each level.

const WIDTH = 440;
const STEP = 42; // between levels
const BOX = { w: 128, h: 28 };
const MIDDLE = WIDTH / 2;
const ASIDE = 148; // from the path to the siblings

function svg(tag, attributes = {}, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

function short(hash) {
  return `${hex(hash.subarray(0, 5))}…`;
}

// showProof shows the path of {name, state, text, position, path, siblings}; state "tree" is a
// path of the tree itself.
function showProof(found) {
  const drawn = found.path?.every(Boolean);
  byId("proof-hint").hidden = true;
  byId("proof-body").hidden = false;
  const verdict = byId("proof-verdict");
  verdict.className = `verdict ${found.state}`;
  verdict.textContent = found.text;
  byId("proof-facts").replaceChildren(...facts(found));
  byId("drawing").replaceChildren(...(drawn ? [drawing(found)] : []));
  byId("steps").replaceChildren(...(drawn ? steps(found) : []));
  byId("steps").parentElement.hidden = !drawn;
}

function facts({ name, position }) {
  if (position === null || position === undefined) return [fact("File", name)];
  return [
    fact("Module", data.paths[position], "path"),
    fact("Position", `${number(position)} of ${number(data.paths.length)}`),
    fact("Size in the tree", plural(data.sizes[position], "byte")),
    fact("SHA-256 in the tree", hex(hashAt(data.sums, position)), "hash"),
  ];
}

function onRight(position, k) {
  return Math.floor(position / 2 ** k) % 2 === 1;
}

// agrees reports whether a hash is that of the tree, k levels above a position.
function agrees(hash, position, k) {
  const there = nodeOf(position, k);
  return there !== null && equal(hash, there);
}

// stateOf returns the style of the path's node at level k.
function stateOf(found, k) {
  if (found.state === "tree") return "path";
  return agrees(found.path[k], placeOf(found), k) ? "ok" : "bad";
}

// placeOf is the position of a path's leaf, which may not be in the tree.
function placeOf({ position, start }) {
  return position ?? start ?? 0;
}

function drawing(found) {
  const top = 22;
  const y = (k) => top + (data.levels - k) * STEP;
  const height = y(0) + 92;
  const lines = svg("g", { class: "lines" });
  const nodes = svg("g", { class: "nodes" });
  for (let k = 0; k < data.levels; k++) drawLevel(found, k, y, lines, nodes);
  nodes.append(node(MIDDLE, y(data.levels), found.path.at(-1), `${stateOf(found, data.levels)} root`, data.levels));
  nodes.append(svg("text", { class: "note", x: MIDDLE + 76, y: y(data.levels) + 4 }, "root"));
  lines.append(svg("path", { class: `edge ${stateOf(found, 0)}`, d: `M${MIDDLE} ${y(0) + 62} V${y(0) + 14}` }));
  nodes.append(moduleBox(found, y(0) + 62));
  const title = svg("title", {}, `${found.name}: path of ${data.levels} levels from leaf to root. ${found.text}`);
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", class: `proof ${found.state}` }, title, lines, nodes);
}

// drawLevel draws the path's node at level k, its sibling, and the lines to the next level.
function drawLevel(found, k, y, lines, nodes) {
  const right = onRight(placeOf(found), k);
  const x = right ? MIDDLE - ASIDE : MIDDLE + ASIDE;
  const up = y(k + 1) + BOX.h / 2;
  const own = equal(found.siblings[k], found.path[k]);
  lines.append(svg("path", { class: `edge ${stateOf(found, k)}`, d: `M${MIDDLE} ${y(k) - 14} V${up}` }));
  lines.append(svg("path", { class: "edge beside", d: `M${x} ${y(k) - 14} V${y(k) - 21} H${MIDDLE}` }));
  nodes.append(node(MIDDLE, y(k), found.path[k], stateOf(found, k), k));
  nodes.append(node(x, y(k), found.siblings[k], own ? "beside own" : "beside", k));
  const far = right ? MIDDLE + 76 : MIDDLE - 76;
  nodes.append(svg("text", { class: "note", x: far, y: y(k) + 4, "text-anchor": right ? "start" : "end" }, k ? `level ${k}` : "leaf"));
}

function node(x, y, hash, state, k) {
  const g = svg("g", { class: `node ${state}` }, svg("title", {}, hex(hash)));
  g.style.setProperty("--k", k);
  g.append(svg("rect", { x: x - BOX.w / 2, y: y - BOX.h / 2, width: BOX.w, height: BOX.h, rx: 7 }));
  const sign = { ok: "✓ ", bad: "✗ " }[state.split(" ")[0]] ?? "";
  const text = state.endsWith("own") ? "itself" : sign + short(hash);
  g.append(svg("text", { x, y: y + 4, "text-anchor": "middle" }, text));
  return g;
}

function moduleBox(found, y) {
  const name = found.name.length > 40 ? `…${found.name.slice(-39)}` : found.name;
  const g = svg("g", { class: `node module ${stateOf(found, 0)}` });
  g.append(svg("rect", { x: MIDDLE - 160, y: y - 14, width: 320, height: 28, rx: 7 }));
  g.append(svg("text", { x: MIDDLE, y: y + 4, "text-anchor": "middle" }, name));
  g.append(svg("text", { class: "note", x: MIDDLE + 8, y: y - 26 }, `01 ‖ ${placeOf(found)} ‖ module`));
  return g;
}

// steps describes the path as text, one hash per line.
function steps(found) {
  const words = { path: "", ok: ", as in the tree", bad: ", not as in the tree" };
  return found.path.map((hash, k) => {
    const li = element("li", { className: stateOf(found, k) });
    li.append(k === 0 ? "leaf " : k === data.levels ? "root " : "node ", element("code", { className: "hash" }, hex(hash)));
    li.append(words[stateOf(found, k)]);
    if (k < data.levels) {
      const side = onRight(placeOf(found), k) ? "left" : "right";
      li.append(`; to its ${side} `, element("code", { className: "hash" }, hex(found.siblings[k])));
    }
    return li;
  });
}
