import { useState } from "preact/hooks";

/** Of a text that is longer than `at`, its beginning and a button that shows the rest. */
export function useFold(text: string, at: number) {
  const [whole, setWhole] = useState(false);
  const folded = !whole && text.length > at;
  return {
    shown: folded ? text.slice(0, at) : text,
    more: folded && (
      <button
        class="quiet"
        onClick={() => {
          setWhole(true);
        }}
      >
        Show all {Math.round(text.length / 1000)}k characters
      </button>
    ),
  };
}
