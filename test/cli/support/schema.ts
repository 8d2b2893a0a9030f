/** What `smtpscope schema` prints, to check output against. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";
import { run } from "./run.ts";

/** @returns tells what is wrong with a line or object; an empty text for nothing */
export async function printedSchema(): Promise<(value: unknown) => string> {
  const schema = await run(["schema"]);
  expect(schema).toMatchObject({ status: 0, stderr: "" });
  const check = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(
    JSON.parse(schema.stdout) as object,
  );
  return (value) => (check(value) ? "" : JSON.stringify({ value, faults: check.errors }));
}
