/** What a part holds, checked: it came from others. */

export const TABLE_MIME = "application/vnd.agentchat.table+json";
const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

export interface Table {
  columns: string[];
  rows: string[][];
  index?: string[];
  /** Rows and columns of the whole, of which these may be the first. */
  shape: [number, number];
  numeric: boolean[];
}

export function tableOf(value: unknown): Table | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { columns, rows, index, shape, numeric } = value as Record<string, unknown>;
  if (!isList(columns) || !isList(rows) || !rows.every(isList)) return undefined;
  const [height, width] = isList(shape) ? shape : [];
  return {
    columns: columns.map(cellText),
    rows: rows.map((row) => row.map(cellText)),
    ...(isList(index) ? { index: index.map(cellText) } : {}),
    shape: [typeof height === "number" ? height : rows.length, typeof width === "number" ? width : columns.length],
    numeric: isList(numeric) ? numeric.map((each) => each === true) : [],
  };
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

function cellText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? "");
}

/** A text, which notebooks may also write as a list of lines. */
export function textIn(data: Record<string, unknown>, type: string): string | undefined {
  const value = data[type];
  if (typeof value === "string") return value;
  return isList(value) && value.every((line) => typeof line === "string") ? value.join("") : undefined;
}

/** The address of a picture that holds the picture itself. As a picture, an SVG runs nothing and fetches nothing. */
export function pictureOf(data: Record<string, unknown>): string | undefined {
  for (const type of PICTURES) {
    const text = textIn(data, type)?.replace(/\s/g, "");
    if (text && /^[A-Za-z0-9+/]+={0,2}$/.test(text)) return `data:${type};base64,${text}`;
  }
  const svg = textIn(data, "image/svg+xml");
  return svg === undefined ? undefined : `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg.replace(/\p{Surrogate}/gu, ""))}`;
}
