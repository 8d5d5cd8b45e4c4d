/** What signals say, and how long it holds. */

import type { Control, Kind, Role } from "../protocol";

/** Milliseconds without another signal, after which the last one no longer holds. */
export const TYPING_FOR = 10_000;
export const DRAFT_FOR = 10_000;
export const SAID_FOR = 10 * 60_000;
/** Of a count without a total, nobody can tell that it is complete. */
export const COUNTED_FOR = 60_000;
/** So long may a progress be seen to be complete. */
export const DONE_FOR = 5_000;

export interface Person {
  name: string;
  kind: Kind;
  role: Role;
  online: boolean;
}

export interface Progress {
  text: string;
  done?: number;
  total?: number;
  /** Its last word: nothing more comes of it, whatever was counted. */
  ended?: boolean;
}

/** What an agent says that it does. */
export interface Doing {
  id: string;
  status?: string;
  progress?: Progress;
}

/** A message in the making: `id` will be its `client_id`. */
export interface Draft {
  id: string;
  authorId: string;
  text: string;
}

/** Each part is another object when it has changed, and only then. */
export interface Now {
  people: ReadonlyMap<string, Person>;
  /** Whether the hub tells of this channel who comes and goes. */
  presence: boolean;
  typing: readonly string[];
  doing: readonly Doing[];
  /** How the runs of agents stand, and what is still asked of them. */
  controls: ReadonlyMap<string, Control>;
  drafts: readonly Draft[];
}

export function isSame(one: Draft, other: Draft): boolean {
  return one.id === other.id && one.authorId === other.authorId;
}

export function holds({ done, total, ended }: Progress): number {
  if (ended) return DONE_FOR;
  if (total === undefined) return COUNTED_FOR;
  return done !== undefined && done >= total ? DONE_FOR : SAID_FOR;
}

/** The hub checks what it passes on; what another hub does not, is no reason to fall. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function progressOf({ text, done, total, ended }: Record<string, unknown>): Progress {
  return {
    text: textOf(text),
    ...(typeof done === "number" ? { done } : {}),
    ...(typeof total === "number" ? { total } : {}),
    ...(ended === true ? { ended } : {}),
  };
}
