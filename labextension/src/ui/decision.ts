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

/** What is approved, as it is: characters that cannot be seen, or turn the writing round, are spelt out ("Trojan source"). */
export function plainText(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value, undefined, 2);
  return text.replace(UNSEEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

// Joiners are part of the writing where they join (Arabic script, Indic viramas, emoji); elsewhere nobody sees them.
const UNSEEN = /(?![\n\r\t\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]|(?<![\p{Script=Arabic}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}])[\u200c\u200d]/gu;

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
