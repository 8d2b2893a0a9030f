export type { CompiledFilter, Export, Progress, ScreenHost } from "./model.ts";
export { type ScreenEnd, showScreen, type TerminalOptions } from "./terminal.ts";
