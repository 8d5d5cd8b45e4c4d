/** Values as they are asked for and answered. */

export interface Decision {
  approved: boolean;
  arguments?: Record<string, unknown>;
  comment?: string;
  always?: boolean;
}

/** The answer to an approval. */
export function decisionOf(value: unknown): Decision | undefined {
  return typeof value === "object" && value !== null && "approved" in value ? (value as Decision) : undefined;
}

export function jsonText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, undefined, 2);
}

/** As JSON the same, whatever the order of the names. */
export function isSame(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

/** Whether two people gave the same answer: what they say beside an approval does not count (`questions.same`). */
export function agree(one: unknown, other: unknown): boolean {
  const [mine, theirs] = [decisionOf(one), decisionOf(other)];
  if (!mine || !theirs) return isSame(one, other);
  return isSame([mine.approved, mine.arguments ?? {}], [theirs.approved, theirs.arguments ?? {}]);
}

function canonical(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const pairs = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${pairs.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each) ?? "null"}`).join(",")}}`;
}
