// SPDX-License-Identifier: Apache-2.0

// The treemap: directories and modules as rectangles, whose areas are proportional to sizes.

const GAP = 2; // pixels between rectangles
const TITLE = 22; // pixels of a directory's title
const GOLDEN_ANGLE = 137.508;

const folders = buildFolders();
let shown = descend(folders);

// A directory is {name, path, size, count, parent, children}; a module {name, path, size, position}.
function buildFolders() {
  const root = newFolder("", "", null);
  data.paths.forEach((path, position) => {
    const parts = path.split("/");
    const name = parts.pop();
    let at = root;
    for (const part of parts) at = enter(at, part);
    at.children.set(name, { name, path, size: data.sizes[position], position, parent: at });
    for (let f = at; f; f = f.parent) {
      f.size += data.sizes[position];
      f.count++;
    }
  });
  return root;
}

function newFolder(name, path, parent) {
  return { name, path, size: 0, count: 0, parent, children: new Map() };
}

function enter(folder, name) {
  if (!folder.children.has(name)) {
    const path = folder.path ? `${folder.path}/${name}` : name;
    folder.children.set(name, newFolder(name, path, folder));
  }
  return folder.children.get(name);
}

// descend skips directories that contain only another directory.
function descend(folder) {
  while (folder.children.size === 1) {
    const [only] = folder.children.values();
    if (!only.children) break;
    folder = only;
  }
  return folder;
}

function bySize(folder) {
  return [...folder.children.values()].sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1));
}

// squarify lays items out in a rectangle, as close to squares as possible (Bruls, Huizing, van
// Wijk, "Squarified Treemaps", 2000). It returns [{item, x, y, w, h}].
function squarify(items, rect) {
  const placed = [];
  let { x, y, w, h } = rect;
  let left = items.reduce((sum, item) => sum + item.size, 0);
  let rest = items;
  while (rest.length && w > 0 && h > 0) {
    const scale = (w * h) / left;
    const side = Math.min(w, h);
    const taken = rowLength(rest, side, scale);
    const row = rest.slice(0, taken);
    const sum = row.reduce((total, item) => total + item.size, 0);
    const depth = (sum * scale) / side;
    let along = 0;
    for (const item of row) {
      const length = (item.size / sum) * side;
      placed.push(w >= h ? { item, x, y: y + along, w: depth, h: length } : { item, x: x + along, y, w: length, h: depth });
      along += length;
    }
    if (w >= h) [x, w] = [x + depth, w - depth];
    else [y, h] = [y + depth, h - depth];
    left -= sum;
    rest = rest.slice(taken);
  }
  return placed;
}

// rowLength returns the number of items in the next row: more, as long as the worst aspect ratio improves.
function rowLength(items, side, scale) {
  let sum = 0;
  let best = Infinity;
  for (const [i, item] of items.entries()) {
    sum += item.size;
    const depth = (sum * scale) / side;
    const first = (items[0].size * scale) / depth;
    const last = (item.size * scale) / depth;
    const worst = Math.max(first / depth, depth / first, last / depth, depth / last);
    if (worst > best) return i;
    best = worst;
  }
  return items.length;
}

function drawMap() {
  const map = byId("map");
  const rect = { x: 0, y: 0, w: map.clientWidth, h: map.clientHeight };
  const tiles = [];
  squarify(bySize(shown), rect).forEach((box, i) => {
    tiles.push(...group(box, (i * GOLDEN_ANGLE + 215) % 360));
  });
  map.replaceChildren(...tiles);
  if (tiles.length) tiles[0].tabIndex = 0;
  drawCrumbs();
  markTile();
}

// group returns the rectangles for a directory or module: its own, and those of its contents if
// there is space.
function group(box, hue) {
  const own = tile(box, hue, "tile");
  const inner = { x: box.x + 2, y: box.y + TITLE, w: box.w - 5, h: box.h - TITLE - 3 };
  if (!box.item.children || inner.w < 60 || inner.h < 34) return [own];
  own.classList.add("open");
  return [own, ...squarify(bySize(box.item), inner).map((part) => tile(part, hue, "tile inner"))];
}

function tile({ item, x, y, w, h }, hue, className) {
  const what = item.children ? `${plural(item.count, "module")}, ` : "module, ";
  const label = `${item.path}: ${what}${bytes(item.size)}`;
  const e = element("button", { type: "button", className, title: label, tabIndex: -1 });
  e.setAttribute("aria-label", label);
  e.style.left = `${x}px`;
  e.style.top = `${y}px`;
  e.style.width = `${Math.max(w - GAP, 1)}px`;
  e.style.height = `${Math.max(h - GAP, 1)}px`;
  e.style.setProperty("--hue", hue.toFixed(1));
  e.classList.toggle("small", w <= 34 || h <= 17);
  if (w > 34 && h > 17) e.append(element("span", {}, item.children ? item.name : item.name.replace(/\.ko$/, "")));
  if (w > 74 && h > 36) e.append(element("small", {}, bytes(item.size)));
  e.item = item;
  return e;
}

// markTile marks the tile of the selected module.
function markTile() {
  for (const e of byId("map").children) {
    e.classList.toggle("current", e.item.position !== undefined && e.item.position === selected);
  }
}

function drawCrumbs() {
  const chain = [];
  for (let f = shown; f; f = f.parent) chain.unshift(f);
  const parts = chain.map((folder) => {
    const name = folder.name || "all";
    if (folder === shown) {
      const here = element("span", {}, name);
      here.setAttribute("aria-current", "location");
      return here;
    }
    return element("button", { type: "button", className: "link", onclick: () => openFolder(folder) }, name);
  });
  byId("crumbs").replaceChildren(...parts.flatMap((part, i) => (i ? [" / ", part] : [part])));
}

function openFolder(folder) {
  shown = folder;
  drawMap();
  showRows();
}

function openParent() {
  let up = shown.parent;
  while (up && descend(up) === shown) up = up.parent; // a directory that descend would skip again
  if (up) openFolder(up);
}

function listenToMap() {
  const map = byId("map");
  map.addEventListener("click", ({ target }) => {
    const e = target.closest(".tile");
    if (!e) return;
    if (!e.item.children) return select(e.item.position);
    openFolder(descend(e.item));
    map.firstElementChild?.focus();
  });
  map.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Backspace") {
      openParent();
      map.firstElementChild?.focus();
    } else if (step) moveFocus(event.target, ...step);
    else return;
    event.preventDefault();
  });
  map.addEventListener("focusin", ({ target }) => {
    for (const e of map.children) e.tabIndex = e === target ? 0 : -1;
  });
  new ResizeObserver(drawMap).observe(map);
}

// moveFocus moves the focus to the nearest rectangle in a direction.
function moveFocus(from, dx, dy) {
  const [fx, fy] = middle(from);
  let best = null;
  let bestDistance = Infinity;
  for (const e of byId("map").children) {
    const [x, y] = middle(e);
    const ahead = (x - fx) * dx + (y - fy) * dy;
    const aside = Math.abs((x - fx) * dy) + Math.abs((y - fy) * dx);
    const distance = ahead + 3 * aside;
    if (e !== from && ahead > 1 && distance < bestDistance) [best, bestDistance] = [e, distance];
  }
  best?.focus();
}

// middle of a rectangle; of a directory whose contents are shown, the middle of its title.
function middle(e) {
  const height = e.classList.contains("open") ? TITLE : e.offsetHeight;
  return [e.offsetLeft + e.offsetWidth / 2, e.offsetTop + height / 2];
}
