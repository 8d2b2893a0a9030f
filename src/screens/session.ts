import type { KeptDialogue } from "../spine/kept.ts";
import { PHASES } from "../spine/phase.ts";
import type { PhaseView } from "../spine/report.ts";
import { ACTIONS } from "./actions.ts";
import { submit } from "./answers.ts";
import { Canvas } from "./canvas.ts";
import { drawFrame } from "./frame.ts";
import { actionOf } from "./keys.ts";
import { Listing } from "./listing.ts";
import type { ScreenHost, ScreenModel } from "./model.ts";
import type { Scene } from "./panes/context.ts";
import { edit } from "./prompt.ts";
import { initialState, type State, type View } from "./state.ts";
import type { PaletteName } from "./style.ts";

export interface SessionOptions {
  readonly palette: PaletteName;
  readonly isAscii: boolean;
}

/**
 * The screen without a terminal: keys go in, pictures come out. It looks at snapshots, one after the
 * other, and owns nothing but what is chosen and how it is shown.
 */
export class Session {
  readonly host: ScreenHost;
  readonly state: State;
  model: ScreenModel;
  ended = false;
  /** Text for the terminal's clipboard, until it is fetched. */
  clipboard: string | null = null;
  /** Something changed that a picture would show. */
  stale = true;
  readonly #isAscii: boolean;
  readonly #listing = new Listing();
  #version: number;
  /** Exchanges that had been heard of when the picture was held. */
  #heardBefore = 0;
  #canvas: Canvas | null = null;

  constructor(host: ScreenHost, { palette, isAscii }: SessionOptions) {
    this.host = host;
    this.#isAscii = isAscii;
    this.#version = host.version();
    this.model = host.snapshot();
    this.state = initialState(palette, this.model.progress.kind === "live");
  }

  /** Takes a new snapshot if there is news. A held picture stays. */
  refresh(): void {
    const version = this.host.version();
    if (version === this.#version) return;
    this.stale = true;
    if (this.state.paused) return;
    this.#version = version;
    this.model = this.host.snapshot();
    const { follow } = this.state;
    if (follow !== null) this.state.dialogue = this.rows().at(follow === "last" ? -1 : 0)?.id ?? null;
  }

  press(key: string, character: string | null): void {
    this.stale = true;
    const { state } = this;
    if (state.prompt !== null) {
      this.#answer(key, character);
      return;
    }
    state.message = null;
    const action = actionOf(key);
    if (action !== null) ACTIONS[action](this);
  }

  #answer(key: string, character: string | null): void {
    const { state } = this;
    const prompt = state.prompt!;
    if (key === "escape" || key === "C-c") state.prompt = null;
    else if (prompt.choices.length > 0) {
      state.prompt = null;
      if (prompt.choices.some(([choice]) => choice === key)) submit(this, prompt, key);
    } else if (key === "enter") submit(this, prompt, prompt.text);
    else state.prompt = edit(prompt, key, character) ?? prompt;
  }

  draw(width: number, height: number): Canvas {
    this.stale = false;
    const canvas = new Canvas(width, height, this.#isAscii);
    const { differences, clock } = this.host;
    const missed = this.state.paused ? Math.max(0, this.host.heard() - this.#heardBefore) : -1;
    drawFrame(this.scene(canvas), { differences, clock, missed });
    this.#canvas = canvas;
    return canvas;
  }

  /** What was drawn last. */
  get picture(): Canvas {
    return this.#canvas ?? this.draw(80, 24);
  }

  hold(held: boolean): void {
    this.state.paused = held;
    this.#heardBefore = this.host.heard();
    this.host.clock?.hold(held);
    if (!held) this.refresh();
  }

  rows(): readonly KeptDialogue[] {
    const { filter, sort, descending } = this.state;
    return this.#listing.rows(this.model.kept, filter, sort, descending);
  }

  scene(canvas: Canvas): Scene {
    const { model, state } = this;
    const rows = this.rows();
    const phases = this.phases();
    const place = this.#listing.place(state.dialogue);
    // Until somebody chooses, the first of the list is looked at.
    const chosen = place < 0 && rows.length > 0 && this.dialogue() === null ? 0 : place;
    const dialogue = place < 0 ? (this.dialogue() ?? rows[0] ?? null) : rows[place]!;
    const phase = this.phase(phases);
    return { canvas, model, state, rows, place: chosen, dialogue, phases, phase };
  }

  /** The chosen dialogue as it is in this snapshot. */
  dialogue(): KeptDialogue | null {
    const { dialogue } = this.state;
    return dialogue === null ? null : (this.model.kept.dialogues.find(({ id }) => id === dialogue) ?? null);
  }

  phases(): readonly PhaseView[] {
    const { phases } = this.model.report;
    if (this.state.phasesByShare) return phases;
    return [...phases].sort((a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase));
  }

  phase(phases = this.phases()): PhaseView | null {
    const { report } = this.model;
    return (
      phases.find(({ phase }) => phase === this.state.phase) ??
      report.phases.find(({ waitedUs, service }) => waitedUs !== null && service.n > 0) ??
      phases[0] ??
      null
    );
  }

  show(view: View): void {
    const { state } = this;
    state.help = null;
    if (state.view === view) return;
    state.back = [...state.back, state.view].slice(-MAX_BACK);
    state.view = view;
  }

  say(text: string): void {
    this.state.message = { text, isError: false };
    this.stale = true;
  }

  fail(text: string): void {
    this.state.message = { text, isError: true };
    this.stale = true;
  }
}

/** Views that Esc goes back through. */
const MAX_BACK = 16;
