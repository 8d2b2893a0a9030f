import { createRequire } from "node:module";

// By the package's own name: where this file lies after building is not for it to know.
const { version } = createRequire(import.meta.url)("smtpscope/package.json") as { version: string };

export const VERSION: string = version;
