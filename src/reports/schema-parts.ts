/** What the schemas of all outputs are made of. */

export const instant = {
  type: ["integer", "null"],
  description: "µs since 1970, floored; null where there is none",
};
export const duration = { type: ["integer", "null"], minimum: 0, description: "µs" };
export const count = { type: "integer", minimum: 0 };
export const text = { type: "string" };
export const frames = {
  description: "first and last frame as Wireshark numbers them within the file",
  oneOf: [
    { type: "null" },
    { type: "array", items: { type: "integer", minimum: 1 }, minItems: 2, maxItems: 2 },
  ],
};
export const place = {
  file: { ...text, description: "the file as it was named; - is standard input" },
  tcpStream: { ...count, description: "tcp.stream as Wireshark numbers it within the file" },
  client: { ...text, description: "address:port, IPv6 in brackets" },
  server: { ...text, description: "address:port, IPv6 in brackets" },
};

/** An object with these properties and no others. */
export function closed(properties: Record<string, unknown>, optional: readonly string[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required, additionalProperties: false };
}

/** One of these, or nothing. */
export function orNull(schema: object) {
  return { oneOf: [{ type: "null" }, schema] };
}

export function listOf(items: object) {
  return { type: "array", items };
}
