import { useMemo } from "preact/hooks";

import type { Kind, Message } from "../protocol";
import { Parts } from "./Parts";
import { useFold } from "./fold";
import { dayOf, fullTimeOf, initials, timeOf } from "./format";
import { toHtml } from "./markdown";

/** A message may have a mebibyte; what is longer than this is drawn when asked for. */
const FOLD_AT = 12_000;

export function Markdown({ text, id }: { text: string; id?: string }) {
  const { shown, more } = useFold(text, FOLD_AT);
  const html = useMemo(() => toHtml(shown), [shown]);
  return (
    <>
      <div id={id} class="markdown" dangerouslySetInnerHTML={{ __html: html }} />
      {more}
    </>
  );
}

export function Avatar({ name, kind }: { name: string; kind: Kind }) {
  return (
    <span class={`avatar ${kind}`} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

export function Byline({ message }: { message: Message }) {
  return (
    <div class="byline">
      <span class="author">{message.author_name}</span>
      <span class="kind">{message.author_kind}</span>
      <time dateTime={message.created_at} title={fullTimeOf(message.created_at)}>
        {timeOf(message.created_at)}
      </time>
      {message.edited_at && <span title={fullTimeOf(message.edited_at)}>edited</span>}
    </div>
  );
}

export function DayBreak({ at }: { at: string }) {
  return (
    <div class="day" role="separator">
      {dayOf(at)}
    </div>
  );
}

/** A message's words and what is shown beside them. */
function Said({ message }: { message: Message }) {
  return (
    <>
      {message.content && <Markdown text={message.content} />}
      <Parts parts={message.parts} />
    </>
  );
}

interface Props {
  message: Message;
  own: boolean;
  /** Said right after another one by the same author: the name need not be said again. */
  follows: boolean;
}

export function MessageView({ message, own, follows }: Props) {
  return (
    <article class={`message ${own ? "own" : ""} ${follows ? "follows" : ""}`} aria-label={`${message.author_name}, ${message.author_kind}`}>
      <Avatar name={message.author_name} kind={message.author_kind} />
      <div class="body">
        <Byline message={message} />
        {message.deleted_at ? <p class="deleted">Deleted</p> : <Said message={message} />}
      </div>
    </article>
  );
}
