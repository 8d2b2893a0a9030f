export type { CompiledFilter, Export, Progress, ReplayClock, ScreenHost, Speed } from "./model.ts";
export { type ScreenEnd, showScreen, type TerminalOptions } from "./terminal.ts";
