/** What is shown beside a message, each part by the best of its forms that we can draw. All of it came from others. */

import { useMemo, useState } from "preact/hooks";

import { RUN_MIME } from "./RunView";
import { useFold } from "./fold";
import { amountText } from "./format";
import { htmlOf, toHtml } from "./markdown";
import { TABLE_MIME, pictureOf, tableOf, textIn, type Table } from "./shown";

/** Longer texts are cut, and drawn whole when asked for. */
const FOLD_AT = 20_000;

export function Parts({ parts }: { parts: readonly Record<string, unknown>[] | undefined }) {
  if (!parts?.length) return null;
  return (
    <>
      {parts.map((part, place) => (
        <Part key={place} part={part} />
      ))}
    </>
  );
}

function Part({ part }: { part: Record<string, unknown> }) {
  const data = (typeof part["data"] === "object" && part["data"] !== null ? part["data"] : {}) as Record<string, unknown>;
  const name = typeof part["name"] === "string" ? part["name"] : undefined;
  if (RUN_MIME in data) return null; // the beginning or the end of a run has a line of its own
  const drawn = draw(data, name);
  if (!drawn) return null;
  return (
    <figure class="part">
      {name && <figcaption>{name}</figcaption>}
      {drawn}
    </figure>
  );
}

function draw(data: Record<string, unknown>, name: string | undefined) {
  const table = tableOf(data[TABLE_MIME]);
  if (table) return <TableView table={table} name={name} />;
  const picture = pictureOf(data);
  if (picture) return <Picture source={picture} name={name} />;
  const diff = textIn(data, "text/x-diff");
  if (diff !== undefined) return <Diff text={diff} name={name} />;
  const html = textIn(data, "text/html");
  if (html !== undefined) return <Html html={htmlOf(html)} />;
  const markdown = textIn(data, "text/markdown");
  if (markdown !== undefined) return <Html html={toHtml(markdown)} />;
  const json = data["application/json"];
  if (json !== undefined) return <Text text={JSON.stringify(json, undefined, 2)} name={name} />;
  const plain = textIn(data, "text/plain");
  return plain === undefined ? undefined : <Text text={plain} name={name} />;
}

function Html({ html }: { html: string }) {
  return <div class="shown markdown" tabIndex={0} dangerouslySetInnerHTML={{ __html: html }} />;
}

function TableView({ table, name = "Table" }: { table: Table; name?: string | undefined }) {
  const { columns, rows, index, numeric, shape } = table;
  const side = (column: number) => (numeric[column] ? "number" : undefined);
  const cut = rows.length < shape[0] || columns.length < shape[1];
  return (
    <>
      <div class="shown table" role="region" aria-label={name} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {index && <th />}
              {columns.map((column, place) => (
                <th key={place} scope="col" class={side(place)}>
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, place) => (
              <tr key={place}>
                {index && <th scope="row">{index[place]}</th>}
                {row.map((cell, column) => (
                  <td key={column} class={side(column)} title={cell.length > 40 ? cell : undefined}>
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {cut && (
        <p class="hint">
          {amountText(rows.length)} of {amountText(shape[0])} rows
          {columns.length < shape[1] && `, ${amountText(columns.length)} of ${amountText(shape[1])} columns`}
        </p>
      )}
    </>
  );
}

function Picture({ source, name = "Picture" }: { source: string; name?: string | undefined }) {
  const [large, setLarge] = useState(false);
  return (
    <button
      class={large ? "picture large" : "picture"}
      aria-expanded={large}
      title={large ? "Smaller" : "Larger"}
      onClick={() => {
        setLarge(!large);
      }}
    >
      <img src={source} alt={name} />
    </button>
  );
}

/** Its own signs tell what was added and taken away; the colour says it again. */
function Diff({ text, name = "Changes" }: { text: string; name?: string | undefined }) {
  const { shown, more } = useFold(text, FOLD_AT);
  const lines = useMemo(() => shown.replace(/\n$/, "").split("\n"), [shown]);
  return (
    <>
      <pre class="shown diff" tabIndex={0} aria-label={name}>
        {lines.map((line, place) => (
          <span key={place} class={kindOf(line)}>
            {line}
            {"\n"}
          </span>
        ))}
      </pre>
      {more}
    </>
  );
}

function kindOf(line: string): string | undefined {
  if (/^(\+\+\+|---|diff |index )/.test(line)) return "about";
  if (line.startsWith("@@")) return "place";
  return line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : undefined;
}

function Text({ text, name = "Text" }: { text: string; name?: string | undefined }) {
  const { shown, more } = useFold(text, FOLD_AT);
  return (
    <>
      <pre class="shown" tabIndex={0} aria-label={name}>
        {shown}
      </pre>
      {more}
    </>
  );
}
