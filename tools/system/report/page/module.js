// SPDX-License-Identifier: Apache-2.0

// Module files: their trailers, and whether they belong to the tree.

const MARKER = new TextEncoder().encode("~Module signature appended~\n");
const INFO = 12; // bytes of struct module_signature
const PKCS7 = 2;
const MERKLE = 3;
const MAX_LEVELS = 32;
const MAX_SIGNATURE = 64 << 10;
const MAX_MODULE = 2 ** 31 - 1; // the largest module that the kernel loads

const COMPRESSIONS = [
  { name: "xz", magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], suffix: ".xz", command: "xz -dk" },
  { name: "zstd", magic: [0x28, 0xb5, 0x2f, 0xfd], suffix: ".zst", command: "zstd -d" },
  { name: "gzip", magic: [0x1f, 0x8b], suffix: ".gz", command: "gzip -dk" },
];

// Refused is the reason why a file was not read further.
class Refused extends Error {}

// splitTrailer returns {type, signature, body}, with type null without a trailer, by the
// rules of mod_check_sig (kernel/module_signature.c).
function splitTrailer(file) {
  const end = file.length - MARKER.length;
  if (end < 0 || !equal(file.subarray(end), MARKER)) return { type: null, body: file };
  const start = end - INFO;
  if (start < 0) throw new Refused("malformed trailer: the file is too short for one");
  const info = file.subarray(start, end);
  const length = new DataView(info.buffer, info.byteOffset).getUint32(8);
  const type = info[2];
  if (length >= start || length > MAX_SIGNATURE) throw new Refused(`malformed trailer: sig_len is ${length}`);
  const rest = [0, 1, 3, 4, 5, 6, 7];
  if ((type === PKCS7 || type === MERKLE) && rest.some((i) => info[i] !== 0)) {
    throw new Refused("malformed trailer: fields that must be zero are not");
  }
  return { type, signature: file.subarray(start - length, start), body: file.subarray(0, start - length) };
}

function parseProof(signature) {
  const count = (signature.length - 4) / HASH;
  if (!Number.isInteger(count) || count < 0 || count > MAX_LEVELS) {
    throw new Refused(`malformed trailer: a proof has 4 + 32 × levels bytes, not ${signature.length}`);
  }
  const position = new DataView(signature.buffer, signature.byteOffset).getUint32(0);
  const siblings = [];
  for (let i = 0; i < count; i++) siblings.push(hashAt(signature.subarray(4), i));
  return { position, siblings };
}

function refuseCompressed(name, file) {
  const c = COMPRESSIONS.find(({ magic }) => equal(file.subarray(0, magic.length), Uint8Array.from(magic)));
  if (!c) return;
  const full = name.endsWith(c.suffix) ? name : name + c.suffix;
  throw new Refused(`it is compressed with ${c.name}, which the browser cannot undo. Decompress it first: ${c.command} ${full}`);
}

// verifyFile verifies a File and returns the result: {name, state, text, position, path, siblings},
// state "ok", "warn", "bad" or "refused"; position null if the tree has no such module.
async function verifyFile(file) {
  try {
    if (file.size === 0) throw new Refused("it is empty");
    if (file.size > MAX_MODULE) throw new Refused("it is larger than the kernel loads");
    const content = new Uint8Array(await file.arrayBuffer());
    refuseCompressed(file.name, content);
    const trailer = splitTrailer(content);
    const found = trailer.type === MERKLE ? await verifySealed(file.name, trailer) : await verifyUnsealed(file.name, trailer, content);
    return { name: file.name, ...found };
  } catch (error) {
    const text = error instanceof Refused ? error.message : `it cannot be read: ${error.message}`;
    return { name: file.name, state: "refused", text: `Not verified: ${text}`, position: null };
  }
}

async function verifySealed(name, { signature, body }) {
  const { position, siblings } = parseProof(signature);
  const known = position < data.paths.length;
  if (siblings.length !== data.levels) {
    const text = `Does not belong: its proof has ${siblings.length} levels, this root has ${data.levels}. It was sealed for another kernel.`;
    return { state: "bad", text, position: null };
  }
  const path = await climb(position, await leafHash(position, body), siblings);
  const found = { position: known ? position : null, start: position, path, siblings };
  if (equal(path.at(-1), fromHex(data.root))) return { ...found, ...belongs(name, position, "Belongs to this root, by its own proof") };
  return { ...found, state: "bad", text: await whyNot(position, path, body) };
}

// belongs returns the result for a module of the tree; its file can have another name.
function belongs(name, position, text) {
  const path = data.paths[position];
  if (baseName(path) === name) return { state: "ok", text: `${text}: ${path}` };
  return { state: "warn", text: `${text}, but as ${path}, and the file is called ${name}` };
}

// whyNot returns why a sealed module does not belong to the tree.
async function whyNot(position, path, body) {
  const [same] = positionsOf(await sha256(body));
  if (same !== undefined) {
    return `Does not belong: its contents are those of ${data.paths[same]}, but its proof is that of another tree.`;
  }
  const there = position < data.paths.length ? `, where this tree has ${data.paths[position]}` : "";
  return `Does not belong: module and proof lead to another root. Its proof is for position ${number(position)}${there}.`;
}

// verifyUnsealed finds a module without a proof by its contents, then by its name. The hash can
// include another signature.
async function verifyUnsealed(name, { type, body }, file) {
  for (const content of type === null ? [body] : [body, file]) {
    const same = positionsOf(await sha256(content));
    const position = same.find((p) => baseName(data.paths[p]) === name) ?? same[0];
    if (position !== undefined) return verifyAt(name, position, content);
  }
  const position = data.paths.findIndex((path) => baseName(path) === name);
  if (position < 0) {
    return { state: "bad", text: "Does not belong: no module of this tree has its contents or its name.", position: null };
  }
  const found = await pathAt(position, body);
  return { ...found, state: "bad", text: `Does not belong: its contents are not those of ${data.paths[position]}.` };
}

async function pathAt(position, content) {
  const siblings = siblingsOf(position);
  return { position, siblings, path: await climb(position, await leafHash(position, content), siblings) };
}

async function verifyAt(name, position, content) {
  const found = await pathAt(position, content);
  if (!equal(found.path.at(-1), fromHex(data.root))) {
    return { ...found, state: "bad", text: "Does not belong: its leaf does not lead to this root." };
  }
  return { ...found, ...belongs(name, position, "Carries no proof, but its contents belong to this root") };
}

// positionsOf returns the positions of modules with a SHA-256.
function positionsOf(sum) {
  const positions = [];
  for (let i = 0; i < data.paths.length; i++) if (equal(hashAt(data.sums, i), sum)) positions.push(i);
  return positions;
}
