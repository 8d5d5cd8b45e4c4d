import { useLayoutEffect } from "preact/hooks";

import type { Message } from "../protocol";
import { Avatar, Markdown } from "./MessageView";
import { useNow } from "./Now";
import type { Live } from "./live";

interface Props {
  live: Live;
  /** Whose message stands above, if what that author adds is drawn below it without a name of its own. */
  last: Message | undefined;
  /** The log is longer than it was. */
  onGrown: () => void;
}

/** What agents are about to say, at the end of the log, drawn as the message that will take its place. */
export function Drafts({ live, last, onGrown }: Props) {
  const drafts = useNow(live, (now) => now.drafts);
  const people = useNow(live, (now) => now.people);
  const shown = drafts.filter(({ authorId, text }) => text.trim() && people.has(authorId));
  useLayoutEffect(onGrown, [drafts]);
  return (
    <>
      {shown.map(({ id, authorId, text }, place) => {
        const { name, kind } = people.get(authorId) ?? { name: "", kind: "agent" };
        const follows = authorId === (place === 0 ? last?.author_id : shown[place - 1]?.authorId);
        // Nobody wants to hear a text token by token. The message, when it comes, is heard.
        return (
          <div key={`${authorId} ${id}`} class="entry">
            <article class={`message draft ${follows ? "follows" : ""}`} aria-label={`${name} is writing`} aria-live="off" aria-busy="true">
              <Avatar name={name} kind={kind} />
              <div class="body">
                <div class="byline">
                  <span class="author">{name}</span>
                  <span class="kind">{kind}</span>
                  <span>writing…</span>
                </div>
                <Markdown text={text} />
              </div>
            </article>
          </div>
        );
      })}
    </>
  );
}
