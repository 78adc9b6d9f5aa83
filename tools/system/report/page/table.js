// SPDX-License-Identifier: Apache-2.0

// The list of modules: search, order, rows.

const CHUNK = 200; // number of rows added at a time

const sortKeys = {
  path: (p) => data.paths[p],
  size: (p) => data.sizes[p],
  position: (p) => p,
};

let sortBy = "position";
let descending = false;
let found = [];
let filled = 0;

// matching returns the modules of the shown directory whose path contains every word of the search,
// or whose SHA-256 or leaf hash starts with it.
function matching() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const prefix = shown.path ? `${shown.path}/` : "";
  const positions = [];
  data.paths.forEach((path, p) => {
    if (path.startsWith(prefix) && words.every((word) => matches(p, path.toLowerCase(), word))) positions.push(p);
  });
  return positions;
}

function matches(position, path, word) {
  if (path.includes(word)) return true;
  if (!/^[0-9a-f]{6,}$/.test(word)) return false;
  return [data.sums, data.leaves].some((row) => hex(hashAt(row, position)).startsWith(word));
}

function inOrder(positions) {
  const key = sortKeys[sortBy];
  const sign = descending ? -1 : 1;
  return positions.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    return x === y ? a - b : x < y ? -sign : sign;
  });
}

function showRows() {
  found = inOrder(matching());
  filled = 0;
  byId("rows").replaceChildren();
  byId("scroll").scrollTop = 0;
  addRows();
  const all = data.paths.length;
  const size = found.reduce((sum, p) => sum + data.sizes[p], 0);
  const where = shown.path ? ` below ${shown.path}` : "";
  byId("count").textContent = found.length === all
    ? `${plural(all, "module")}, ${bytes(size)}`
    : `${number(found.length)} of ${plural(all, "module")}${where}, ${bytes(size)}`;
}

function addRows() {
  const next = found.slice(filled, filled + CHUNK);
  byId("rows").append(...next.map(row));
  filled += next.length;
  const left = found.length - filled;
  byId("more").hidden = left === 0;
  byId("more").textContent = `Show ${number(Math.min(CHUNK, left))} more of ${number(left)}`;
}

function row(position) {
  const path = data.paths[position];
  const cut = path.lastIndexOf("/") + 1;
  const name = element("button", { type: "button", className: "link name" });
  name.append(element("span", { className: "dim" }, path.slice(0, cut)), element("strong", {}, path.slice(cut)));
  const tr = element("tr", {},
    element("td", {}, name),
    element("td", { className: "number" }, number(data.sizes[position])),
    element("td", { className: "number" }, number(position)));
  tr.position = position;
  mark(tr);
  return tr;
}

function mark(tr) {
  tr.classList.toggle("current", tr.position === selected);
  const name = tr.querySelector("button");
  if (tr.position === selected) name.setAttribute("aria-current", "true");
  else name.removeAttribute("aria-current");
}

function markRows() {
  for (const tr of byId("rows").children) mark(tr);
}

function sortRows(key) {
  descending = sortBy === key ? !descending : key === "size";
  sortBy = key;
  for (const th of document.querySelectorAll("th")) {
    const own = th.firstElementChild.dataset.sort === key;
    th.setAttribute("aria-sort", own ? (descending ? "descending" : "ascending") : "none");
  }
  showRows();
}

function listenToTable() {
  byId("search").addEventListener("input", showRows);
  byId("more").addEventListener("click", () => {
    const first = filled;
    addRows();
    byId("rows").children[first]?.querySelector("button").focus({ preventScroll: true });
  });
  byId("scroll").addEventListener("scroll", ({ target }) => {
    if (filled < found.length && target.scrollTop + target.clientHeight > target.scrollHeight - 400) addRows();
  });
  for (const b of document.querySelectorAll("[data-sort]")) b.addEventListener("click", () => sortRows(b.dataset.sort));
  byId("rows").addEventListener("click", ({ target }) => {
    const tr = target.closest("tr");
    if (tr) select(tr.position);
  });
  byId("rows").addEventListener("keydown", (event) => {
    const tr = event.target.closest("tr");
    const next = { ArrowDown: tr.nextElementSibling, ArrowUp: tr.previousElementSibling }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    next?.querySelector("button").focus();
  });
  byId("search").addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    byId("rows").querySelector("button")?.focus();
  });
}
