// SPDX-License-Identifier: Apache-2.0

// The data of the page, and small helpers.

const HASH = 32; // bytes

const data = JSON.parse(document.getElementById("data").textContent);
data.leaves = fromBase64(data.leaves);
data.sums = fromBase64(data.sums);

function fromBase64(text) {
  return Uint8Array.from(atob(text ?? ""), (c) => c.charCodeAt(0));
}

function hex(bytes) {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function concat(...parts) {
  const all = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function equal(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

// hashAt returns the hash at an index of concatenated hashes.
function hashAt(row, i) {
  return row.subarray(i * HASH, (i + 1) * HASH);
}

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

function baseName(path) {
  return path.slice(path.lastIndexOf("/") + 1);
}

function number(n) {
  return n.toLocaleString("en");
}

// bytes formats a size, with at most three digits.
function bytes(n) {
  let unit = "B";
  for (const next of ["kB", "MB", "GB"]) {
    if (n < 1000) break;
    n /= 1000;
    unit = next;
  }
  return `${unit === "B" || n >= 100 ? Math.round(n) : n.toPrecision(n < 10 ? 2 : 3)} ${unit}`;
}

function plural(n, word) {
  return `${number(n)} ${word}${n === 1 ? "" : "s"}`;
}

function byId(id) {
  return document.getElementById(id);
}

// element makes an element with properties, and children that are elements or text.
function element(tag, properties = {}, ...children) {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children);
  return e;
}

// fact makes a pair of a definition list.
function fact(name, value, className = "") {
  return element("div", {}, element("dt", {}, name), element("dd", { className }, value));
}
