/** Loaded when it is needed: a short run without digests or certificates would pay a twentieth for it. */
export function crypto(): typeof import("node:crypto") {
  return process.getBuiltinModule("node:crypto");
}
