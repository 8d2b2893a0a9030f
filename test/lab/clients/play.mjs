/**
 * Plays a plan: dialogues as JSON on standard input, all at their own time;
 * one outcome a line on standard output, in the plan's order.
 */
import { readFileSync } from "node:fs";
import { play } from "./smtp-client.mjs";

const outcomes = await Promise.all(JSON.parse(readFileSync(0, "utf8")).map(play));
for (const outcome of outcomes) console.log(JSON.stringify(outcome));
