// SPDX-License-Identifier: Apache-2.0

// The tree: inner nodes from leaves, and proofs. levels[0] contains the leaves, the last one
// the root, as concatenated hashes.

let levels = null;

function leafHash(position, module) {
  const prefix = new Uint8Array(5);
  prefix[0] = 1;
  new DataView(prefix.buffer).setUint32(1, position);
  return sha256(concat(prefix, module));
}

function nodeHash(left, right) {
  return sha256(concat([2], left, right));
}

// computeTree sets levels, and returns the root.
async function computeTree() {
  const all = [data.leaves];
  while (all.length <= data.levels) all.push(await parents(all.at(-1)));
  levels = all;
  return data.levels ? levels.at(-1) : new Uint8Array(HASH);
}

async function parents(row) {
  const count = row.length / HASH;
  const pending = [];
  for (let i = 0; i < count; i += 2) {
    pending.push(nodeHash(hashAt(row, i), hashAt(row, Math.min(i + 1, count - 1))));
  }
  return concat(...(await Promise.all(pending)));
}

// nodeOf returns the node k levels above a leaf, or null if there is none.
function nodeOf(position, k) {
  const node = hashAt(levels[k], Math.floor(position / 2 ** k));
  return node.length ? node : null;
}

// siblingsOf returns the proof of a leaf, leaf level first.
function siblingsOf(position) {
  const siblings = [];
  for (let k = 0; k < data.levels; k++) {
    const beside = Math.floor(position / 2 ** k) ^ 1;
    const last = levels[k].length / HASH - 1;
    siblings.push(hashAt(levels[k], Math.min(beside, last)));
  }
  return siblings;
}

// climb returns the hashes from leaf to root, as the kernel computes them when it loads a module.
async function climb(position, leaf, siblings) {
  const path = [leaf];
  for (const [k, sibling] of siblings.entries()) {
    const right = Math.floor(position / 2 ** k) % 2 === 1;
    path.push(await (right ? nodeHash(sibling, path[k]) : nodeHash(path[k], sibling)));
  }
  return path;
}

// treePath is the path of a leaf in the tree.
function treePath(position) {
  const path = [];
  for (let k = 0; k <= data.levels; k++) path.push(nodeOf(position, k));
  return path;
}
