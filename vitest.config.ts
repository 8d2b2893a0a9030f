import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // As Node does it: a CommonJS module's exports are its default, not unwrapped.
    deps: { interopDefault: false },
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    globalSetup: ["test/support/build.ts"],
    coverage: { provider: "v8", include: ["src/**"], reporter: ["text-summary", "text"] },
  },
});
