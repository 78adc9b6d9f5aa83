// SPDX-License-Identifier: Apache-2.0

// Events: start, selection, files.

let selected = null; // position of the module whose proof is shown

const canHash = Boolean(globalThis.crypto?.subtle);

// select shows the proof of a module in the tree.
function select(position) {
  selected = position;
  markRows();
  markTile();
  if (!levels) {
    showProof({ name: baseName(data.paths[position]), state: "refused", text: "Without hashes there is no path to draw.", position });
    return;
  }
  showProof({
    name: baseName(data.paths[position]), state: "tree", text: "As it is in the tree.", position,
    path: treePath(position), siblings: siblingsOf(position),
  });
  intoView();
}

// intoView scrolls to the proof if the columns are one below the other.
function intoView() {
  if (matchMedia("(max-width: 1000px)").matches) byId("proof").scrollIntoView({ block: "start" });
}

// verifyFiles verifies one file after another, so that only one is in memory.
async function verifyFiles(files) {
  for (const file of files) {
    const item = element("li", { className: "busy" }, `${file.name}: hashing ${bytes(file.size)} …`);
    byId("results").prepend(item);
    const found = await verifyFile(file);
    item.replaceWith(result(found));
    showFound(found);
  }
}

function showFound(found) {
  selected = found.position;
  markRows();
  markTile();
  showProof(found);
}

const signs = { ok: "✓", warn: "!", bad: "✗", refused: "–" };

function result(found) {
  const b = element("button", { type: "button", onclick: () => showFound(found) });
  const sign = element("span", { className: "sign" }, signs[found.state]);
  sign.setAttribute("aria-hidden", "true");
  b.append(sign, element("span", {}, element("strong", {}, found.name), element("br"), found.text));
  return element("li", { className: found.state }, b);
}

function listenToFiles() {
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0; // number of nested elements that a dragged file has entered
  const over = (change) => {
    depth = change ? Math.max(0, depth + change) : 0;
    document.body.classList.toggle("over", depth > 0);
  };
  addEventListener("dragenter", (event) => hasFiles(event) && over(1));
  addEventListener("dragleave", (event) => hasFiles(event) && over(-1));
  addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    over(0);
    if (levels) verifyFiles([...event.dataTransfer.files]);
  });
  byId("file").addEventListener("change", async ({ target }) => {
    await verifyFiles([...target.files]);
    target.value = ""; // allows the same file to be selected again
  });
}

function listenToTheme() {
  const button = byId("theme");
  const root = document.documentElement;
  root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const show = () => button.setAttribute("aria-pressed", String(root.dataset.theme === "dark"));
  button.addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    show();
  });
  show();
}

function showFacts() {
  const size = data.sizes.reduce((sum, n) => sum + n, 0);
  const kernel = data.kernel;
  byId("facts").append(
    fact("Levels", number(data.levels)), fact("Modules", number(data.paths.length)), fact("Bytes", number(size)),
    fact("Kernel", kernel ? `${kernel.name} carries this root` : "not given"));
  const about = kernel ? ` for ${kernel.name} (${[kernel.format, kernel.machine].filter(Boolean).join(", ")})` : "";
  byId("summary").textContent = `${plural(data.paths.length, "module")}${about}, one Merkle tree`;
}

async function checkRoot() {
  const state = byId("root-state");
  const tell = (className, text) => Object.assign(state, { className: `state ${className}`, textContent: text });
  if (!canHash) {
    byId("file").disabled = true;
    return tell("bad", "This browser computes no hashes here: open the page as a file, or over https.");
  }
  const root = await computeTree();
  if (!equal(root, fromHex(data.root))) {
    levels = null;
    byId("file").disabled = true;
    return tell("bad", `✗ The leaves in this page lead to another root: ${hex(root)}. Do not trust it.`);
  }
  tell("ok", `✓ Computed again in this browser from ${plural(data.paths.length, "leaf").replace("leafs", "leaves")}`);
}

listenToTheme();
listenToMap();
listenToTable();
listenToFiles();
showFacts();
showRows();
checkRoot().finally(() => {
  document.documentElement.dataset.ready = "true";
});
