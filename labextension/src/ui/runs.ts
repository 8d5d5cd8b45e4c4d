/** How the runs of agents stand and what is asked of them, as the hub tells, and when each agent last gave a sign of life. */

import type { AgentStatus, Control, ControlFrame } from "../protocol";

export class Runs {
  private controls: ReadonlyMap<string, Control> = new Map();
  /** In milliseconds since 1970. */
  private readonly signs = new Map<string, number>();
  /** Of whom we were told while we asked: newer than the reply. */
  private heard = new Set<string>();

  get current(): ReadonlyMap<string, Control> {
    return this.controls;
  }

  lastSign(id: string): number | undefined {
    return this.signs.get(id);
  }

  sign(id: string): void {
    this.signs.set(id, Date.now());
  }

  asking(): void {
    this.heard = new Set();
  }

  hear(frame: ControlFrame): void {
    const { agent_id: id, pending = [] } = frame;
    const before = this.controls.get(id);
    // That somebody asks something of an agent is no word of its own; that it did so is.
    if (frame.at !== before?.at || pending.length < (before?.pending?.length ?? 0)) this.sign(id);
    this.heard.add(id);
    this.controls = new Map(this.controls).set(id, frame);
  }

  recall(agents: readonly AgentStatus[]): void {
    const controls = new Map([...this.controls].filter(([id]) => this.heard.has(id)));
    for (const { participant_id: id, control, seen_at: seenAt, status, progress } of agents) {
      if (control && !controls.has(id)) controls.set(id, control);
      const signs = [seenAt, status?.at, progress?.at, control?.at].flatMap((at) => (at === undefined ? [] : [Date.parse(at)]));
      if (signs.length > 0) this.signs.set(id, Math.max(this.signs.get(id) ?? 0, ...signs));
    }
    this.controls = controls;
  }
}
